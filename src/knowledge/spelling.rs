//! Recognises a mistyped word as one the articles know: one letter too many, missing, wrong, or swapped with its neighbour.
//!
//! Only for words that no article knows and that are long enough for a slip to leave them recognisable.

/// Shorter words have too many neighbours that are other words (conta and canta, carta and certa).
const SHORTEST: usize = 6;

/// Known words by what remains of them when one letter is left out: sorted (hash of the rest, word), because a
/// map of strings would outweigh the articles.
#[derive(Default)]
pub(super) struct Spelling {
    words: Vec<Box<str>>,
    shortened: Vec<(u32, u32)>,
}

impl Spelling {
    /// Learns the words of the articles.
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a String>) -> Self {
        let words: Vec<Box<str>> = words
            .into_iter()
            .filter(|word| is_fit(word))
            .map(|word| word.as_str().into())
            .collect();
        let mut shortened: Vec<(u32, u32)> = (0..)
            .zip(&words)
            .flat_map(|(number, word)| {
                let whole = std::iter::once((*word).to_string());
                shortenings(word).chain(whole).map(move |short| (hash(&short), number))
            })
            .collect();
        shortened.sort_unstable();
        shortened.dedup();
        Self { words, shortened }
    }

    /// Returns the known words that are one slip away, in alphabetical order.
    pub(super) fn neighbours(&self, word: &str) -> Vec<&str> {
        if word.len() + 1 < SHORTEST || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return Vec::new();
        }
        let mut found: Vec<&str> = shortenings(word)
            .chain(std::iter::once(word.to_owned()))
            .flat_map(|short| {
                let key = hash(&short);
                let first = self.shortened.partition_point(|(other, _)| *other < key);
                let from = self.shortened.get(first..).unwrap_or_default();
                from.iter().take_while(move |(other, _)| *other == key).map(|(_, number)| *number)
            })
            .filter_map(|number| self.words.get(usize::try_from(number).ok()?))
            .map(AsRef::as_ref)
            .filter(|known| known.bytes().next() == word.bytes().next())
            .filter(|known| strsim::osa_distance(known, word) == 1)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// FNV-1a; words that share a number by chance are told apart by their distance.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
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
