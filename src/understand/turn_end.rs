//! Guesses from a message whether its writer has more to say.

use crate::text::fold::fold;

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A complete question: the writer waits.
    Question,
    /// A bare greeting or an unfinished line: more will come.
    Unfinished,
    /// Neither.
    Plain,
}

/// Greetings and small talk that open a conversation in Portuguese, English and Spanish, folded.
const OPENERS: &[&str] = &[
    "oi",
    "oie",
    "oii",
    "ola",
    "opa",
    "alo",
    "eai",
    "e",
    "ai",
    "bom",
    "dia",
    "boa",
    "tarde",
    "noite",
    "tudo",
    "bem",
    "td",
    "blz",
    "beleza",
    "como",
    "vai",
    "hi",
    "hey",
    "hello",
    "good",
    "morning",
    "afternoon",
    "evening",
    "there",
    "hola",
    "buenas",
    "buenos",
    "dias",
    "tardes",
    "noches",
    "que",
    "tal",
    "pessoal",
    "gente",
    "moca",
    "moco",
    "amigo",
    "amiga",
    "por",
    "favor",
    "pfv",
    "please",
    "team",
    "all",
    "yo",
];

/// Words after which a line goes on.
const CONNECTORS: &[&str] = &[
    "e", "mas", "porque", "pq", "que", "q", "com", "de", "do", "da", "para", "pra", "pro", "no",
    "na", "em", "ou", "se", "quando", "meu", "minha", "o", "a", "um", "uma", "and", "but",
    "because", "with", "the", "to", "for", "of", "in", "on", "or", "if", "when", "my", "is",
    "pero", "porque", "con", "el", "la", "mi",
];

/// Longest message that can be small talk only; counted in words.
const OPENER_WORDS: usize = 6;

/// Judges one message of a burst.
pub fn ending(text: &str) -> Ending {
    let tail: String = text.chars().rev().take(400).collect::<Vec<_>>().into_iter().rev().collect();
    let folded = fold(&tail);
    let trimmed = folded.trim_end_matches(|c: char| !c.is_alphanumeric() && !"?,:;-.".contains(c));
    let words: Vec<&str> =
        trimmed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let greets = (1..=OPENER_WORDS).contains(&words.len())
        && words.iter().all(|word| OPENERS.contains(word));
    if greets {
        return Ending::Unfinished;
    }
    if trimmed.ends_with('?') {
        return if words.len() >= 2 { Ending::Question } else { Ending::Plain };
    }
    let goes_on = trimmed.ends_with([',', ':', ';', '-'])
        || trimmed.ends_with("...")
        || words.last().is_some_and(|word| CONNECTORS.contains(word));
    if goes_on { Ending::Unfinished } else { Ending::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_waits_for_more_and_a_question_does_not() {
        for (text, expected) in [
            ("oi", Ending::Unfinished),
            ("Oi, tudo bem?", Ending::Unfinished),
            ("bom dia pessoal!", Ending::Unfinished),
            ("hello there", Ending::Unfinished),
            ("Hola, buenas tardes", Ending::Unfinished),
            ("meu pagamento falhou", Ending::Plain),
            ("meu pagamento falhou 😡", Ending::Plain),
            ("como faço pra trocar a senha?", Ending::Question),
            ("how do I export my contacts?? 🙏", Ending::Question),
            ("estou tentando conectar mas", Ending::Unfinished),
            ("o erro é o seguinte:", Ending::Unfinished),
            ("então...", Ending::Unfinished),
            ("the thing is, my", Ending::Unfinished),
            ("?", Ending::Plain),
            ("👍", Ending::Plain),
            ("", Ending::Plain),
        ] {
            assert_eq!(ending(text), expected, "{text}");
        }
    }
}
