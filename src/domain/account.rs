//! What a person of the team is known by, and which passwords an account takes.

use unicode_normalization::UnicodeNormalization as _;

use super::decision::LocalText;

/// Longest login, in characters.
const LOGIN_MAX: usize = 120;
/// Longest name, in characters; it stands in the audit trail, where the API's names have the same limit.
const NAME_MAX: usize = 80;
/// Fewest characters of a password. Length is what keeps guesses away; signs of every kind are not asked for.
pub const PASSWORD_MIN: usize = 12;
/// Most characters of a password: a passphrase fits, a document does not.
const PASSWORD_MAX: usize = 256;
/// Fewest different characters of a password.
const PASSWORD_VARIETY: usize = 5;

/// What somebody signs in with: an e-mail address or a short name, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login(String);

impl Login {
    /// Reads a login as people type it; `None` for what none can be.
    pub fn parse(text: &str) -> Option<Self> {
        let login: String = text.trim().nfkc().collect::<String>().to_lowercase();
        let fits = (3..=LOGIN_MAX).contains(&login.chars().count())
            && login.chars().all(|c| c.is_alphanumeric() || "@._+-".contains(c));
        fits.then_some(Self(login))
    }

    /// Returns the login.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the name of a person: one space between words, on one line. `None` for what is no name.
pub fn person_name(text: &str) -> Option<String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect::<String>();
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    (fits && !name.chars().any(char::is_control) && name.chars().any(char::is_alphabetic))
        .then_some(name)
}

/// Returns what a password is hashed as: the same signs are the same password, however a keyboard composes them.
pub fn normal_password(text: &str) -> String {
    text.nfkc().collect()
}

/// Says why a password is not taken; `None` where it is.
pub fn weakness(password: &str, login: &str, name: &str) -> Option<LocalText> {
    let password = normal_password(password);
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Some(LocalText::new(
            format!("A senha precisa ter pelo menos {PASSWORD_MIN} caracteres."),
            format!("The password needs at least {PASSWORD_MIN} characters."),
        ));
    }
    if length > PASSWORD_MAX {
        return Some(LocalText::new(
            format!("A senha pode ter no máximo {PASSWORD_MAX} caracteres."),
            format!("The password may have at most {PASSWORD_MAX} characters."),
        ));
    }
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    if different.len() < PASSWORD_VARIETY {
        return Some(LocalText::new(
            "A senha repete poucos caracteres. Use uma frase que só você conhece.",
            "The password repeats a few characters. Use a phrase that only you know.",
        ));
    }
    let plain = password.to_lowercase();
    let account = login.split('@').next().unwrap_or_default();
    let own = [login, account, &name.to_lowercase()]
        .into_iter()
        .any(|own| own.chars().count() >= 3 && is_mostly(&plain, own));
    own.then(|| {
        LocalText::new(
            "A senha é quase igual ao login ou ao nome. Use uma frase que só você conhece.",
            "The password is almost the login or the name. Use a phrase that only you know.",
        )
    })
}

/// True where little of the password is left without the word.
fn is_mostly(password: &str, word: &str) -> bool {
    let rest = password.replace(word, "");
    rest.len() < password.len() && rest.chars().count() < PASSWORD_MIN / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_an_address_or_a_short_name_in_lower_case() {
        for (typed, expected) in [
            (" Rafa@Acme.com.br ", Some("rafa@acme.com.br")),
            ("JOÃO", Some("joão")),
            ("ana.souza+desk", Some("ana.souza+desk")),
            ("ab", None),
            ("", None),
            ("a b c", None),
            ("a\nb@c", None),
            ("<script>", None),
        ] {
            let login = Login::parse(typed);
            assert_eq!(login.as_ref().map(Login::as_str), expected, "{typed:?}");
        }
        assert_eq!(Login::parse(&"a".repeat(121)), None);
        assert_eq!(Login::parse("joa\u{303}o"), Login::parse("joão"), "composed or not");
    }

    #[test]
    fn a_name_is_one_line_with_a_letter_in_it() {
        for (typed, expected) in [
            ("  Rafa \t Lima ", Some("Rafa Lima")),
            ("李", Some("李")),
            ("123", None),
            ("", None),
            ("a\u{7}b", None),
        ] {
            assert_eq!(person_name(typed).as_deref(), expected, "{typed:?}");
        }
        assert_eq!(person_name(&"a".repeat(81)), None);
    }

    #[test]
    fn a_password_is_long_and_not_the_name_again() {
        for (password, taken) in [
            ("correct horse battery", true),
            ("ação e reação ontem", true),
            ("rafa gosta de pão de queijo", true),
            ("short", false),
            ("elevenchars", false),
            ("aaaaaaaaaaaaaaaa", false),
            ("abababababababab", false),
            ("rafa@acme.com.br", false),
            ("Rafa Lima 2026", false),
            ("rafa@acme.com.br1", false),
        ] {
            let weak = weakness(password, "rafa@acme.com.br", "Rafa Lima");
            assert_eq!(weak.is_none(), taken, "{password:?}: {weak:?}");
        }
        assert!(weakness(&"abcdef ".repeat(40), "rafa", "Rafa").is_some());
    }

    #[test]
    fn a_password_is_the_same_however_it_is_composed() {
        assert_eq!(normal_password("ac\u{327}a\u{303}o"), normal_password("ação"));
    }
}
