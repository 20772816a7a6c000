//! Fields of saved replies: `{nome}`, `{protocolo}`. What is known of the ticket takes their place; what is not becomes a
//! mark that no check lets leave.

use crate::domain::labels::Locale;

/// A field, by its name in both languages; either works in either language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Ticket,
    Subject,
    Plan,
    Agent,
    Brand,
}

impl Field {
    pub(super) const ALL: &'static [Self] =
        &[Self::Name, Self::Ticket, Self::Subject, Self::Plan, Self::Agent, Self::Brand];

    /// What a person writes between the braces.
    pub(super) const fn word(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::Name, Locale::PtBr) => "nome",
            (Self::Name, Locale::En) => "name",
            (Self::Ticket, Locale::PtBr) => "protocolo",
            (Self::Ticket, Locale::En) => "ticket",
            (Self::Subject, Locale::PtBr) => "assunto",
            (Self::Subject, Locale::En) => "subject",
            (Self::Plan, Locale::PtBr) => "plano",
            (Self::Plan, Locale::En) => "plan",
            (Self::Agent, Locale::PtBr) => "atendente",
            (Self::Agent, Locale::En) => "agent",
            (Self::Brand, Locale::PtBr) => "empresa",
            (Self::Brand, Locale::En) => "company",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase();
        Self::ALL
            .iter()
            .copied()
            .find(|field| Locale::ALL.iter().any(|locale| field.word(*locale) == word))
    }
}

/// A piece of a text: plain, or what stands between braces.
enum Piece<'a> {
    Plain(&'a str),
    Braced(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let inside = after
            .split_once('}')
            .filter(|(word, _)| word.chars().count() <= 40 && !word.contains(['{', '\n']));
        let Some((word, behind)) = inside else {
            let end = before.len() + 1;
            pieces.push(Piece::Plain(rest.get(..end).unwrap_or(rest)));
            rest = after;
            continue;
        };
        pieces.push(Piece::Plain(before));
        pieces.push(Piece::Braced(word));
        rest = behind;
    }
    pieces.push(Piece::Plain(rest));
    pieces
}

/// Fills the fields of a text. One that nothing is known for becomes `[NOME]`.
pub(super) fn filled(
    text: &str,
    locale: Locale,
    known: impl Fn(Field) -> Option<String>,
) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Braced(word) => {
                let field = Field::parse(word);
                let value = field.and_then(&known).filter(|value| !value.trim().is_empty());
                if let Some(value) = value {
                    filled.push_str(value.trim());
                    continue;
                }
                let word = field.map_or(word.trim(), |field| field.word(locale));
                filled.push('[');
                filled.push_str(&word.to_uppercase());
                filled.push(']');
            }
        }
    }
    filled
}

/// Returns the first field of a text that replies do not have.
pub(super) fn unknown(text: &str) -> Option<&str> {
    pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Braced(word) if Field::parse(word).is_none() => Some(word),
        _ => None,
    })
}

/// Puts fields where a text holds a ticket's own values, as whole words, so that it can be kept for others.
pub(super) fn general(text: &str, locale: Locale, known: impl Fn(Field) -> Vec<String>) -> String {
    let mut general = text.to_owned();
    for field in [Field::Name, Field::Ticket] {
        for value in known(field) {
            if value.chars().count() >= 3 {
                let braced = ["{", field.word(locale), "}"].concat();
                general = replaced(&general, &value, &braced);
            }
        }
    }
    general
}

fn replaced(text: &str, value: &str, with: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(value) {
        let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let last = before.chars().next_back().or_else(|| done.chars().next_back());
        let whole = !inner(last) && !inner(after.chars().next());
        done.push_str(before);
        done.push_str(if whole { with } else { value });
        rest = after;
    }
    done.push_str(rest);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(field: Field) -> Option<String> {
        match field {
            Field::Name => Some("Maria".to_owned()),
            Field::Ticket => Some("2026-000123-4".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn fields_are_filled_in_either_language_and_what_is_missing_is_marked() {
        for (locale, text, expected) in [
            (
                Locale::PtBr,
                "Oi, {nome}. Protocolo {ticket}.",
                "Oi, Maria. Protocolo 2026-000123-4.",
            ),
            (Locale::PtBr, "Seu plano é o {plano}.", "Seu plano é o [PLANO]."),
            (Locale::En, "Hi {Name}, about {assunto}.", "Hi Maria, about [SUBJECT]."),
            (Locale::PtBr, "a { b } c {", "a [B] c {"),
            (Locale::PtBr, "sem campos", "sem campos"),
            (Locale::PtBr, "{\n}", "{\n}"),
        ] {
            assert_eq!(filled(text, locale, known), expected, "{text:?}");
        }
    }

    #[test]
    fn every_mark_of_a_missing_value_is_one_that_the_check_finds() {
        for locale in Locale::ALL {
            for field in Field::ALL {
                let text = filled(&["{", field.word(*locale), "}"].concat(), *locale, |_| None);
                assert!(crate::compose::blank(&text).is_some(), "{text}");
            }
        }
    }

    #[test]
    fn a_field_that_replies_do_not_have_is_named() {
        assert_eq!(unknown("Oi, {nome}, {cpf}"), Some("cpf"));
        assert_eq!(unknown("Oi, {nome} {company}"), None);
    }

    #[test]
    fn a_tickets_own_values_become_fields_as_whole_words() {
        let values = |field: Field| match field {
            Field::Name => vec!["Ana Reis".to_owned(), "Ana".to_owned()],
            Field::Ticket => vec!["2026-1".to_owned()],
            _ => Vec::new(),
        };
        assert_eq!(
            general("Ana Reis, oi Ana! Banana 2026-1, 2026-11", Locale::PtBr, values),
            "{nome}, oi {nome}! Banana {protocolo}, 2026-11"
        );
    }
}
