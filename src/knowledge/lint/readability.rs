//! How hard a text is to read.
//!
//! English: the Flesch-Kincaid grade (Kincaid, Fishburne, Rogers and Chissom, "Derivation of New Readability Formulas
//! for Navy Enlisted Personnel", 1975): 0.39 words per sentence + 11.8 syllables per word - 15.59. Portuguese: the
//! Flesch index as adapted by Martins, Ghiraldelo, Nunes and Oliveira ("Readability formulas applied to textbooks in
//! Brazilian Portuguese", Notas do ICMSC-USP 28, 1996): 248.835 - 1.015 words per sentence - 84.6 syllables per word,
//! where 50 to 75 is the language of the fifth to the eighth grade.

use crate::domain::labels::Locale;
use crate::text::{fold::fold, sentences};

/// Fewer words tell nothing.
const WORDS_MIN: u32 = 60;
/// "About grade 8": the hardest grade that is not reported.
const GRADE_MAX: f64 = 9.5;
/// The lowest index of the eighth grade, with the same tolerance.
const INDEX_MIN: f64 = 45.0;

/// How hard a text is, in its language's measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Level {
    /// School grade; lower is easier.
    Grade(f64),
    /// Flesch index; higher is easier.
    Index(f64),
}

impl Level {
    /// True above about grade 8.
    pub(super) fn is_hard(self) -> bool {
        match self {
            Self::Grade(grade) => grade > GRADE_MAX,
            Self::Index(index) => index < INDEX_MIN,
        }
    }
}

/// Returns how hard Markdown is to read; `None` for a short text.
pub(super) fn level(markdown: &str, locale: Locale) -> Option<Level> {
    let (mut sentences, mut words, mut syllables) = (0_u32, 0_u32, 0_u32);
    let text = plain(markdown);
    for range in sentences::split(&text) {
        let sentence = text.get(range).unwrap_or_default();
        let counted: Vec<u32> = sentence
            .split(|c: char| !c.is_alphabetic() && c != '\'')
            .filter(|word| !word.is_empty())
            .map(|word| match locale {
                Locale::PtBr => portuguese_syllables(word),
                Locale::En => english_syllables(word),
            })
            .collect();
        if counted.is_empty() {
            continue;
        }
        sentences += 1;
        words += u32::try_from(counted.len()).unwrap_or(u32::MAX);
        syllables += counted.iter().sum::<u32>();
    }
    if words < WORDS_MIN {
        return None;
    }
    let per_sentence = f64::from(words) / f64::from(sentences);
    let per_word = f64::from(syllables) / f64::from(words);
    Some(match locale {
        Locale::En => Level::Grade(0.39 * per_sentence + 11.8 * per_word - 15.59),
        Locale::PtBr => Level::Index(248.835 - 1.015 * per_sentence - 84.6 * per_word),
    })
}

/// Markdown without its marks; names of menus in bold are kept, addresses are not.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced || line.starts_with('#') || line.starts_with('|') {
            continue;
        }
        let line = line.trim_start().trim_start_matches(|c: char| {
            c.is_ascii_digit() || matches!(c, '.' | ')' | '-' | '*' | '>' | ' ')
        });
        let words = line.split_whitespace().filter(|word| !word.contains("://"));
        let line = words.collect::<Vec<_>>().join(" ").replace(['*', '`', '_'], "");
        text.push_str(&line);
        // A list item ends a sentence although it may end without a full stop.
        text.push_str(if line.ends_with(['.', '!', '?', ':']) { "\n" } else { ".\n" });
    }
    text
}

/// Vowels that stand together are one syllable where they glide.
fn portuguese_syllables(word: &str) -> u32 {
    let marked: Vec<char> = word.to_lowercase().chars().collect();
    let mut count = 0;
    let mut before: Option<char> = None;
    for (at, c) in marked.iter().enumerate() {
        if !is_vowel(*c) {
            before = None;
            continue;
        }
        let glides = before.is_some_and(|first| {
            let accented = matches!(c, 'í' | 'ú');
            let falling = matches!(c, 'i' | 'u') && first != *c;
            let nasal = matches!((first, *c), ('ã', 'o' | 'e') | ('õ', 'e'));
            !accented && (falling || nasal)
        });
        // The u of que, qui, gue, gui is not spoken.
        let silent = *c == 'u'
            && at
                .checked_sub(1)
                .and_then(|at| marked.get(at))
                .is_some_and(|q| matches!(q, 'q' | 'g'))
            && marked.get(at + 1).is_some_and(|next| is_vowel(*next));
        if silent {
            before = None;
            continue;
        }
        if glides {
            before = None;
        } else {
            count += 1;
            before = Some(*c);
        }
    }
    count.max(1)
}

fn english_syllables(word: &str) -> u32 {
    let word = fold(word);
    let mut count = 0;
    let mut in_vowels = false;
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        if vowel && !in_vowels {
            count += 1;
        }
        in_vowels = vowel;
    }
    let silent_e = word.ends_with('e') && !word.ends_with("le")
        || word.ends_with("es") && !word.ends_with("ses");
    let silent_ed = word.ends_with("ed") && !word.ends_with("ted") && !word.ends_with("ded");
    if (silent_e || silent_ed) && count > 1 {
        count -= 1;
    }
    count.max(1)
}

fn is_vowel(c: char) -> bool {
    fold(c.encode_utf8(&mut [0; 4])).chars().all(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_counted_as_they_are_spoken() {
        for (word, expected) in [
            ("senha", 2),
            ("pagamento", 4),
            ("não", 1),
            ("configurações", 5),
            ("que", 1),
            ("dia", 2),
            ("saída", 3),
            ("mais", 1),
            ("reembolso", 4),
            ("água", 2),
            ("pix", 1),
        ] {
            assert_eq!(portuguese_syllables(word), expected, "{word}");
        }
        for (word, expected) in [
            ("password", 2),
            ("change", 1),
            ("settings", 2),
            ("table", 2),
            ("invited", 3),
            ("opened", 2),
            ("a", 1),
        ] {
            assert_eq!(english_syllables(word), expected, "{word}");
        }
    }

    #[test]
    fn plain_words_are_easy_and_officialese_is_hard() {
        let easy = "Open the app. Tap the menu. Pick your plan. Tap save. You will see the new plan at once. ".repeat(5);
        let hard = "Notwithstanding the aforementioned contractual stipulations, organizational administrators shall \
                    unilaterally determine the applicability of supplementary authentication requirements. "
            .repeat(5);
        assert!(!level(&easy, Locale::En).unwrap().is_hard());
        assert!(level(&hard, Locale::En).unwrap().is_hard());
        let easy = "Abra o menu. Toque em sua conta. Veja o seu plano. Toque em salvar. A troca vale na hora. ".repeat(5);
        let hard = "Não obstante as supramencionadas estipulações contratuais, a administração organizacional determinará \
                    unilateralmente a aplicabilidade de procedimentos suplementares de autenticação. "
            .repeat(5);
        assert!(!level(&easy, Locale::PtBr).unwrap().is_hard());
        assert!(level(&hard, Locale::PtBr).unwrap().is_hard());
        assert_eq!(level("Short.", Locale::En), None);
        // Two words of two syllables a sentence: 0.39 * 2 + 11.8 * 2 - 15.59 = 8.79.
        let Some(Level::Grade(grade)) = level(&"Password settings. ".repeat(40), Locale::En) else {
            panic!()
        };
        assert!((grade - 8.79).abs() < 0.01, "{grade}");
    }
}
