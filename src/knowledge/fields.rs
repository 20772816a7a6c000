//! Turns text into the sparse vectors that the index holds: BM25 over several forms of each word.
//!
//! Forms, each with dimensions of its own: the Snowball stem of the word as written, folded afterwards
//! (devolução and devoluções meet; folding first would keep them apart); the light stem of the folded word with
//! abbreviations and synonyms (devolucao, as people type it, meets both); and four-letter pieces, which forgive
//! slips and odd endings. A form's weight is part of the query, so one query sums them all.

use std::collections::{BTreeMap, HashSet};

use qdrant_rust_stemmers::{Algorithm, Stemmer};

use super::terms::{Lexicon, list};
use crate::adapters::qdrant::Sparse;
use crate::domain::labels::Locale;
use crate::text;

/// BM25's usual term saturation and length normalisation.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// Letters of a piece.
const PIECE: usize = 4;
/// Distinct words of a query that are searched; a longer text is a story around its question.
const QUERY_WORDS: usize = 48;

/// The forms of a word, and what each counts in a query. Measured on several question sets.
const FORMS: usize = 3;
const FORM_WEIGHTS: [f32; FORMS] = [1.0, 0.5, 1.0];

/// How often each dimension occurs in a text, form by form.
pub(super) type Counts = [BTreeMap<u32, u32>; FORMS];

/// The mean number of dimensions per text, form by form.
pub(super) type Means = [f64; FORMS];

/// Makes vectors for the texts of one locale.
pub(super) struct Analyzer {
    stemmer: Stemmer,
    common: HashSet<String>,
}

impl Analyzer {
    /// Reads the word list of a locale.
    pub(super) fn new(locale: Locale) -> Self {
        let (algorithm, common) = match locale {
            Locale::PtBr => (Algorithm::Portuguese, include_str!("words/common.pt-BR.txt")),
            Locale::En => (Algorithm::English, include_str!("words/common.en.txt")),
        };
        Self { stemmer: Stemmer::create(algorithm), common: list(common).collect() }
    }

    /// Counts the dimensions of a text.
    pub(super) fn counts(&self, lexicon: &Lexicon, text: &str) -> Counts {
        let mut counts = Counts::default();
        let [stems, light, pieces] = &mut counts;
        let add = |counts: &mut BTreeMap<u32, u32>, form: u8, token: &str| {
            *counts.entry(dimension(form, token)).or_default() += 1;
        };
        let lower = text.to_lowercase();
        for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let folded = text::fold::fold(word);
            if self.common.contains(&folded) || folded.len() < 2 && !is_number(&folded) {
                continue;
            }
            add(stems, 0, &text::fold::fold(&self.stemmer.stem(word)));
            for_pieces(&folded, |piece| add(pieces, 2, piece));
        }
        for term in lexicon.terms(text) {
            add(light, 1, &term);
        }
        counts
    }

    /// Makes the vector of a stored text.
    pub(super) fn stored(counts: &Counts, means: &Means) -> Sparse {
        let mut vector = Sparse::new();
        for (counts, mean) in counts.iter().zip(means) {
            let length: f64 = counts.values().copied().map(f64::from).sum();
            let norm = K1 * (1.0 - B + B * length / mean.max(1.0));
            vector.extend(counts.iter().map(|(dimension, count)| {
                let count = f64::from(*count);
                (*dimension, narrow(count * (K1 + 1.0) / (count + norm)))
            }));
        }
        distinct(vector)
    }

    /// Makes the vector of a customer's words.
    pub(super) fn query(&self, lexicon: &Lexicon, text: &str) -> Sparse {
        let short = head(text, QUERY_WORDS);
        let counts = self.counts(lexicon, &short);
        let weighted = counts
            .iter()
            .zip(FORM_WEIGHTS)
            .flat_map(|(counts, weight)| counts.keys().map(move |dimension| (*dimension, weight)));
        distinct(weighted.collect())
    }
}

/// Returns the mean lengths of many texts.
pub(super) fn means(all: impl Iterator<Item = Counts>) -> Means {
    let (mut sums, mut texts) = ([0.0; FORMS], 0_u32);
    for counts in all {
        texts += 1;
        for (sum, counts) in sums.iter_mut().zip(&counts) {
            *sum += counts.values().copied().map(f64::from).sum::<f64>();
        }
    }
    sums.map(|sum| (sum / f64::from(texts.max(1))).max(1.0))
}

/// Adds the counts of a second text to those of a first.
pub(super) fn join(counts: &mut Counts, more: &Counts) {
    for (counts, more) in counts.iter_mut().zip(more) {
        for (dimension, count) in more {
            *counts.entry(*dimension).or_default() += count;
        }
    }
}

/// The first so many different words of a text, each once.
fn head(text: &str, words: usize) -> String {
    let mut seen = HashSet::new();
    let mut kept = String::new();
    for word in text.split_whitespace() {
        if seen.len() == words {
            break;
        }
        if seen.insert(word) {
            kept.push_str(word);
            kept.push(' ');
        }
    }
    kept
}

/// Calls back with every piece of a word, whose ends are marked.
fn for_pieces(word: &str, mut each: impl FnMut(&str)) {
    let marked = format!("_{word}_");
    let starts: Vec<usize> =
        marked.char_indices().map(|(at, _)| at).chain(std::iter::once(marked.len())).collect();
    let last = starts.len().saturating_sub(PIECE + 1);
    for first in 0..=last {
        let (from, to) = (starts.get(first), starts.get((first + PIECE).min(starts.len() - 1)));
        if let (Some(from), Some(to)) = (from, to)
            && let Some(piece) = marked.get(*from..*to)
        {
            each(piece);
        }
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Two tokens that share a number by chance add up, so that a dimension stands once.
fn distinct(mut vector: Sparse) -> Sparse {
    vector.sort_unstable_by_key(|(dimension, _)| *dimension);
    vector.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    vector
}

/// FNV-1a, which is stable across runs and versions, as what is on disk must be.
fn dimension(form: u8, token: &str) -> u32 {
    let bytes = std::iter::once(form).chain(token.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[expect(clippy::cast_possible_truncation, reason = "a weight needs no more than six digits")]
fn narrow(weight: f64) -> f32 {
    weight as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_meet_whether_or_not_its_accents_are_typed() {
        let (analyzer, lexicon) = (Analyzer::new(Locale::PtBr), Lexicon::new(Locale::PtBr));
        let shared = |one: &str, other: &str| -> Vec<bool> {
            let (one, other) = (analyzer.counts(&lexicon, one), analyzer.counts(&lexicon, other));
            let both = one.iter().zip(&other);
            both.map(|(one, other)| one.keys().any(|key| other.contains_key(key))).collect()
        };
        for (one, other, expected) in [
            ("devolução", "devoluções", [true, true, true]),
            ("devolucao", "devolução", [false, true, true]),
            ("devolucao", "devoluções", [false, true, true]),
            ("bolleto", "boleto", [false, false, true]),
            ("senha", "boleto", [false, false, false]),
        ] {
            assert_eq!(shared(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_stored_text_has_the_saturated_counts_of_bm25() {
        let counts = [BTreeMap::from([(5, 1), (6, 2)]), BTreeMap::new(), BTreeMap::new()];
        // Length 3 of a mean of 2: the norm is 1.2 * (0.25 + 0.75 * 1.5) = 1.65.
        let vector = Analyzer::stored(&counts, &[2.0, 1.0, 1.0]);
        assert_eq!(vector.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [5, 6]);
        assert!((vector[0].1 - 2.2 / 2.65).abs() < 1e-6, "{vector:?}");
        assert!((vector[1].1 - 4.4 / 3.65).abs() < 1e-6, "{vector:?}");
    }

    #[test]
    fn pieces_mark_the_ends_of_a_word() {
        for (word, expected) in [("pix", "_pix pix_"), ("a", "_a_"), ("ação", "_açã ação ção_")]
        {
            let mut pieces = Vec::new();
            for_pieces(word, |piece| pieces.push(piece.to_owned()));
            assert_eq!(pieces.join(" "), expected);
        }
    }
}
