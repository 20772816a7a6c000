//! Cuts a reply into sentences for the evidence ledger.

use std::ops::Range;

/// Words whose full stop does not end a sentence, without the stop, in lower case.
const ABBREVIATIONS: &[&str] = &[
    "sr", "sra", "srs", "dr", "dra", "av", "art", "nº", "n", "tel", "ex", "obs", "pág", "etc",
    "vol", "mr", "mrs", "ms", "e.g", "i.e", "no", "approx", "vs", "p.ex", "ltda", "inc",
];

/// Returns the byte ranges of the sentences, without surrounding space; every line break ends one.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '\n' => true,
            '!' | '?' | '…' => next.is_none_or(char::is_whitespace),
            '.' => {
                next.is_none_or(char::is_whitespace)
                    && !text.get(start..at).is_some_and(is_unfinished)
            }
            _ => false,
        };
        if ends {
            push(text, start..end, &mut sentences);
            start = end;
        }
    }
    push(text, start..text.len(), &mut sentences);
    sentences
}

/// True where a full stop belongs to an abbreviation or to a step's number.
fn is_unfinished(before: &str) -> bool {
    let before = before.trim_start();
    if before.len() <= 2 && !before.is_empty() && before.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let last = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    ABBREVIATIONS.contains(&last.to_lowercase().as_str())
}

fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let Some(piece) = text.get(range.clone()) else { return };
    let trimmed = piece.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let lead = piece.len() - piece.trim_start().len();
        sentences.push(range.start + lead..range.start + lead + trimmed.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        for (text, expected) in [
            ("Oi, Ana! Tudo certo?", vec!["Oi, Ana!", "Tudo certo?"]),
            (
                "O total é R$ 1.234,56. Vence em 31.12.2026.",
                vec!["O total é R$ 1.234,56.", "Vence em 31.12.2026."],
            ),
            ("1. Abra o menu.\n2. Toque em Salvar", vec!["1. Abra o menu.", "2. Toque em Salvar"]),
            ("Fale com a Dra. Lima. Obrigado", vec!["Fale com a Dra. Lima.", "Obrigado"]),
            ("Veja app.prisma.example agora.", vec!["Veja app.prisma.example agora."]),
            ("\n\n👍\n", vec![]),
            ("", vec![]),
        ] {
            let got: Vec<&str> =
                split(text).into_iter().map(|range| text.get(range).unwrap()).collect();
            assert_eq!(got, expected, "{text}");
        }
    }
}
