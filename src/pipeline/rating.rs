//! The answer to the satisfaction question: a number from 1 to 5, as people write it.

use crate::text::fold::fold;

/// The longest comment beside a number that still is an answer and no new matter.
const COMMENT_MAX: usize = 280;

/// Words that may stand before the number.
const BEFORE: &[&str] = &[
    "nota",
    "minha",
    "a",
    "dou",
    "dei",
    "e",
    "um",
    "uma",
    "avaliacao",
    "foi",
    "atendimento",
    "my",
    "rating",
    "score",
    "is",
    "it",
    "its",
    "i",
    "give",
    "you",
    "would",
    "say",
    "rate",
    "oi",
    "ola",
    "hi",
    "hello",
];

/// Reads a rating; `None` where the text is no answer to the question. A comment may follow the number, but no
/// question: that is a new matter.
pub(super) fn parse(text: &str) -> Option<u8> {
    let stars = text.chars().filter(|c| *c == '⭐' || *c == '★').count();
    let text = text.trim();
    if stars > 0 {
        let only =
            text.chars().all(|c| matches!(c, '⭐' | '★' | '\u{fe0f}' | '☆') || c.is_whitespace());
        return u8::try_from(stars).ok().filter(|stars| only && *stars <= 5);
    }
    if text.chars().count() > COMMENT_MAX || text.contains('?') {
        return None;
    }
    let folded = fold(text);
    let mut words = folded
        .split(|c: char| !c.is_alphanumeric() && c != '/')
        .filter(|word| !word.is_empty())
        .peekable();
    while words.next_if(|word| BEFORE.contains(word)).is_some() {}
    let rating = number(words.next()?)?;
    // "5 minutos" counts something else, "10 de 10" is another scale.
    match words.peek().copied() {
        None
        | Some(
            "estrela" | "estrelas" | "star" | "stars" | "de" | "out" | "of" | "pontos" | "points",
        ) => {
            let scale = words.find(|word| word.chars().all(|c| c.is_ascii_digit()));
            scale.is_none_or(|scale| scale == "5").then_some(rating)
        }
        // What follows must be set apart as a comment.
        Some(next) => folded
            .split_once(next)
            .is_some_and(|(before, _)| before.contains([',', '.', '!', '-', '\n', ':', ';', '(']))
            .then_some(rating),
    }
}

fn number(word: &str) -> Option<u8> {
    Some(match word {
        "1" | "um" | "uma" | "one" | "1/5" => 1,
        "2" | "dois" | "duas" | "two" | "2/5" => 2,
        "3" | "tres" | "three" | "3/5" => 3,
        "4" | "quatro" | "four" | "4/5" => 4,
        "5" | "cinco" | "five" | "5/5" => 5,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_rating_is_read_as_people_write_it_and_nothing_else_is_one() {
        for (text, expected) in [
            ("5", Some(5)),
            (" 4 ", Some(4)),
            ("Nota 5!", Some(5)),
            ("dou nota 3", Some(3)),
            ("cinco", Some(5)),
            ("5 estrelas", Some(5)),
            ("4 de 5", Some(4)),
            ("4/5", Some(4)),
            ("⭐⭐⭐⭐", Some(4)),
            ("⭐️⭐️", Some(2)),
            ("1. demorou demais", Some(1)),
            ("2, ninguém resolveu meu problema", Some(2)),
            ("5! Muito obrigada", Some(5)),
            ("my rating is 2", Some(2)),
            ("five stars", Some(5)),
            ("3 out of 5", Some(3)),
            ("0", None),
            ("6", None),
            ("10", None),
            ("8 de 10", None),
            ("5 de 10", None),
            ("5 minutos e caiu de novo", None),
            ("2 boletos vieram errados", None),
            ("3 vezes já reclamei", None),
            ("5, mas como emito a nota fiscal?", None),
            ("obrigado", None),
            ("ainda não funciona", None),
            ("", None),
            ("⭐⭐⭐⭐⭐⭐", None),
            ("amei ⭐⭐⭐⭐⭐", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
