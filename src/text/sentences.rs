//! Splits a text into sentences, for evidence that is kept sentence by sentence.
//!
//! The pieces are byte ranges in order, without white space at their ends, and together they hold
//! every other character of the text.

use std::ops::Range;

use super::fold::fold;
use super::variants::is_abbreviation;

/// A line at least this long, in bytes, that ends without punctuation was wrapped by a mail program.
const WRAPPED_LINE: usize = 60;

/// Returns the sentences, headings and list items of a text.
pub fn split(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut line_start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = match c {
            '\n' => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let line = text.get(line_start..at).unwrap_or_default();
                line_start = at + 1;
                line_ends_sentence(line, rest).then_some(at)
            }
            '.' | '!' | '?' | '…' | '。' | '！' | '？' => {
                let mut end = at + c.len_utf8();
                // Closing marks and emoji right after belong to the sentence.
                while let Some((next_at, next)) = chars.peek().copied() {
                    if !closes(next) {
                        break;
                    }
                    end = next_at + next.len_utf8();
                    chars.next();
                }
                let before = text.get(start..at).unwrap_or_default();
                let after = text.get(end..).unwrap_or_default();
                let dotted =
                    text.get(at..end).is_some_and(|run| run.starts_with('.') && run.len() == 1);
                let after_space = after.trim_start_matches([' ', '\t', '\u{a0}']);
                if stops(c, dotted, before, after) {
                    Some(end + emoji_run(after, after_space))
                } else {
                    None
                }
            }
            _ => None,
        };
        if let Some(end) = end {
            push(text, start..end, &mut pieces);
            start = end;
            while chars.peek().is_some_and(|(next, _)| *next < end) {
                chars.next();
            }
        }
    }
    push(text, start..text.len(), &mut pieces);
    pieces
}

fn push(text: &str, range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let Some(piece) = text.get(range.clone()) else { return };
    let trimmed = piece.trim();
    if trimmed.is_empty() {
        return;
    }
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = start + trimmed.len();
    // Emoji or stray punctuation alone belongs to the sentence before, if it is on the same line.
    if !trimmed.chars().any(char::is_alphanumeric)
        && let Some(last) = pieces.last_mut()
        && text.get(last.end..start).is_some_and(|between| !between.contains('\n'))
    {
        last.end = end;
        return;
    }
    pieces.push(start..end);
}

/// Returns the bytes of emoji that follow, with the space before them.
fn emoji_run(after: &str, after_space: &str) -> usize {
    let emoji = after_space.find(|c| !is_emoji(c)).unwrap_or(after_space.len());
    if emoji == 0 { 0 } else { after.len() - after_space.len() + emoji }
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{fe0f}' | '\u{200d}')
}

fn closes(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '"' | '\'' | '”' | '’' | ')' | ']' | '»' | '*')
}

fn stops(c: char, one_dot: bool, before: &str, after: &str) -> bool {
    let next = after.chars().next();
    if next.is_some_and(|n| !n.is_whitespace() && !is_emoji(n)) {
        // "oi!tudo bem" is two sentences; "a.b" and "?x=1" are not.
        return c == '!' && next.is_some_and(char::is_alphabetic);
    }
    if !one_dot || c != '.' {
        return c != '…' || next_letter(after).is_none_or(char::is_uppercase);
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    // A list number: "1." with nothing before it on its line.
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    if !line.is_empty() && line.len() <= 3 && line.chars().all(|c| c.is_ascii_digit()) {
        return false;
    }
    let last = word.rsplit('.').next().unwrap_or_default();
    let initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    if initial {
        // "p. ex.", "J. Silva", "10 a.m."; a sentence rarely ends in one letter.
        return word.contains('.') && next_letter(after).is_none_or(char::is_uppercase);
    }
    let word = fold(last);
    // Words too, not only abbreviations of months, days, articles: "reaching out. The results ..".
    let also_word = matches!(
        word.as_str(),
        "etc" | "out" | "set" | "mar" | "mai" | "art" | "sex" | "dom" | "seg" | "ref" | "st"
    );
    if also_word {
        return next_letter(after).is_none_or(char::is_uppercase);
    }
    !is_abbreviation(&word) || next_letter(after).is_none()
}

fn next_letter(after: &str) -> Option<char> {
    after.chars().find(|c| !c.is_whitespace())
}

fn line_ends_sentence(line: &str, rest: &str) -> bool {
    let next = rest.split('\n').next().unwrap_or_default().trim();
    let line = line.trim();
    if line.is_empty() || next.is_empty() || is_item(next) || is_item(line) && starts_upper(next) {
        return true;
    }
    if line.ends_with([':', '.', '!', '?', ';', '…']) {
        return true;
    }
    starts_upper(next) && line.len() < WRAPPED_LINE
}

fn starts_upper(line: &str) -> bool {
    line.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_uppercase() || c.is_numeric())
}

/// True for lines that start a list item: a dash, a bullet, a number or a letter with a mark.
fn is_item(line: &str) -> bool {
    let mut chars = line.chars();
    match chars.next() {
        Some('-' | '*' | '•' | '–' | '·' | '▪' | '‣' | '#') => {
            chars.next().is_some_and(|c| c.is_whitespace() || c == '#')
        }
        Some(c) if c.is_ascii_digit() => {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.starts_with(['.', ')', '-', '°', 'º', '️', '\u{20e3}'])
                && !rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        }
        Some(c) if c.is_ascii_alphabetic() => chars.next() == Some(')'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        for (text, expected) in [
            ("Oi. Tudo bem?", vec!["Oi.", "Tudo bem?"]),
            (
                "O Sr. Silva pagou R$ 1.234,56. Obrigado.",
                vec!["O Sr. Silva pagou R$ 1.234,56.", "Obrigado."],
            ),
            (
                "Dr. J. Souza ligou às 10 a.m. e saiu.",
                vec!["Dr. J. Souza ligou às 10 a.m. e saiu."],
            ),
            (
                "Veja https://a.com/x?y=1.2 agora. Ok",
                vec!["Veja https://a.com/x?y=1.2 agora.", "Ok"],
            ),
            ("Version 3.5 is out! Try it.", vec!["Version 3.5 is out!", "Try it."]),
            ("Thanks for reaching out. It is on.", vec!["Thanks for reaching out.", "It is on."]),
            ("Desde 3 out. 2025 vale o art. 49.", vec!["Desde 3 out. 2025 vale o art. 49."]),
            (
                "Siga:\n1. Abra o app.\n2. Toque em Sair.",
                vec!["Siga:", "1. Abra o app.", "2. Toque em Sair."],
            ),
            ("- um\n- dois", vec!["- um", "- dois"]),
            ("Funcionou! 😀😀 Valeu.", vec!["Funcionou! 😀😀", "Valeu."]),
            ("Não sei... talvez amanhã.", vec!["Não sei...", "talvez amanhã."]),
            ("Ele disse \"ok.\" Depois saiu.", vec!["Ele disse \"ok.\"", "Depois saiu."]),
            ("Olá, Maria,\nRecebemos seu pedido.", vec!["Olá, Maria,", "Recebemos seu pedido."]),
            (
                "uma linha longa que o programa de e-mail quebrou bem no\nmeio da frase.",
                vec!["uma linha longa que o programa de e-mail quebrou bem no\nmeio da frase."],
            ),
            ("boletos, notas etc. podem demorar", vec!["boletos, notas etc. podem demorar"]),
            ("oi!tudo bem", vec!["oi!", "tudo bem"]),
            ("What?! Really?", vec!["What?!", "Really?"]),
            ("", vec![]),
            (" \n\t ", vec![]),
            ("Use o art. 49 do CDC. Certo?", vec!["Use o art. 49 do CDC.", "Certo?"]),
            ("Primeiro parágrafo\n\nsegundo", vec!["Primeiro parágrafo", "segundo"]),
            ("Vence em 3 de mar. de 2026.", vec!["Vence em 3 de mar. de 2026."]),
        ] {
            let got: Vec<&str> = split(text).into_iter().map(|r| text.get(r).unwrap()).collect();
            assert_eq!(got, expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_character_is_lost_and_the_order_holds(text in "\\PC{0,80}|[a-c. !?\\n😀1)-]{0,60}") {
            let pieces = split(&text);
            let mut last = 0;
            let mut joined = String::new();
            for piece in &pieces {
                prop_assert!(piece.start >= last && piece.end > piece.start);
                last = piece.end;
                joined.push_str(text.get(piece.clone()).unwrap());
            }
            let bare = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&joined), bare(&text));
        }
    }
}
