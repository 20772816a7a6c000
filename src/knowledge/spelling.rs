//! Recognises a mistyped word as one the articles know: one letter too many, missing, wrong, or swapped with its neighbour.
//!
//! Only for words that no article knows and that are long enough for a slip to leave them recognisable.

use std::collections::HashMap;

/// Shorter words have too many neighbours that are other words (conta and canta, carta and certa).
const SHORTEST: usize = 6;

/// Known words by what remains of them when one letter is left out.
#[derive(Default)]
pub(super) struct Spelling {
    shortened: HashMap<String, Vec<String>>,
}

impl Spelling {
    /// Learns the words of the articles.
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a String>) -> Self {
        let mut shortened: HashMap<String, Vec<String>> = HashMap::new();
        for word in words.into_iter().filter(|word| is_fit(word)) {
            for short in shortenings(word).chain(std::iter::once(word.clone())) {
                let words = shortened.entry(short).or_default();
                if !words.contains(word) {
                    words.push(word.clone());
                }
            }
        }
        Self { shortened }
    }

    /// Returns the known words that are one slip away, in alphabetical order.
    pub(super) fn neighbours(&self, word: &str) -> Vec<&str> {
        if word.len() + 1 < SHORTEST || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return Vec::new();
        }
        let mut found: Vec<&str> = shortenings(word)
            .chain(std::iter::once(word.to_owned()))
            .filter_map(|short| self.shortened.get(&short))
            .flatten()
            .map(String::as_str)
            .filter(|known| known.bytes().next() == word.bytes().next())
            .filter(|known| strsim::osa_distance(known, word) == 1)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn is_fit(word: &str) -> bool {
    word.len() >= SHORTEST && word.bytes().all(|b| b.is_ascii_lowercase())
}

/// The word without each of its letters but the first, which people seldom mistype.
fn shortenings(word: &str) -> impl Iterator<Item = String> + '_ {
    (1..word.len()).filter_map(|at| Some(format!("{}{}", word.get(..at)?, word.get(at + 1..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_in_a_long_word_is_forgiven() {
        let known: Vec<String> =
            ["boleto", "conectar", "whatsapp", "reembolso", "conta", "exportar", "importar"]
                .map(str::to_owned)
                .into();
        let spelling = Spelling::new(&known);
        for (word, expected) in [
            ("bolleto", Some("boleto")),
            ("bolto", Some("boleto")),
            ("conetcar", Some("conectar")),
            ("conecatr", Some("conectar")),
            ("connectar", Some("conectar")),
            ("conetar", Some("conectar")),
            ("whatspp", Some("whatsapp")),
            ("renbolso", None),
            ("rembolso", Some("reembolso")),
            ("canta", None),
            ("xmportar", None),
            ("receita", None),
            ("", None),
            ("çççççç", None),
        ] {
            assert_eq!(spelling.neighbours(word).first().copied(), expected, "{word}");
        }
    }
}
