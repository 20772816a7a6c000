//! Which features a text has and how much each counts.
//!
//! A text is the plain sum of its tokens and pairs over a norm that counts unknown ones too, so a
//! trained token needs one look-up where its n-grams would need twenty, and a text that is
//! mostly unknown scores low everywhere.

use super::keys::{Hashes, KeyTable, each_gram};
use super::ratio;
use super::text::Tokens;

/// Weight of a word beside its n-grams.
const WORD: f32 = 0.5;
/// Weight of a pair beside the n-grams.
const PAIR: f32 = 0.5;
/// Share of the idf's logarithm that counts for an n-gram. Full idf drowns short n-grams.
const GRAM_IDF: f32 = 0.5;
/// Examples of every label in equal parts that a feature is taken to have been seen in besides.
const PRIOR_EXAMPLES: f32 = 3.0;
/// How much it counts that a feature keeps to few labels.
const FOCUS: f32 = 0.4;
/// Examples that a pair must be in to count.
const FEWEST_OF_PAIR: u32 = 2;
/// What a feature spread evenly over the labels is left.
const LEAST_FOCUS: f32 = 0.05;

/// What is known about each trained feature. Words come first, then n-grams, then pairs.
#[derive(Debug)]
pub(super) struct FeatureSpace {
    pub(super) words: KeyTable,
    pub(super) grams: KeyTable,
    pub(super) pairs: KeyTable,
    /// What each feature counts.
    pub(super) values: Vec<f32>,
    pub(super) unknown: Unknown,
    /// In how many examples each feature is.
    examples: Vec<u32>,
    /// Whether a feature is in examples of more than one label.
    shared: Vec<bool>,
    /// The n-grams of each word.
    spelling: Vec<Vec<u32>>,
}

/// Squared norm that each kind of unknown feature adds to a text.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Unknown {
    pub(super) word: f32,
    pub(super) gram: f32,
    pub(super) pair: f32,
}

/// What one training text has.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Numbers of its features, sorted, repeated where they occur again.
    features: Vec<u32>,
    /// Pairs that are in too few examples to be features.
    rare_pairs: usize,
}

/// One text as the solver sees it.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    /// Features with their values.
    pub(super) features: Vec<(u32, f32)>,
    /// How much of the text is known, from 0 to 1.
    pub(super) coverage: f32,
}

/// Which features of a training text count as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All.
    All,
    /// Those that another example has too, as if this text were new.
    WithoutText,
    /// Those that an example of another label has too, as if its label were new.
    WithoutLabel,
}

/// Word, n-gram and pair numbers of one text, each numbered by its own table.
struct Parts {
    words: Vec<u32>,
    pairs: Vec<u32>,
    rare_pairs: usize,
}

impl FeatureSpace {
    /// Numbers and weighs the features of labelled texts; returns what each text has.
    pub(super) fn fit(
        texts: &[&str],
        labels: &[usize],
        label_count: usize,
    ) -> (Self, Vec<Reading>) {
        let mut space = Self {
            words: KeyTable::with_room(1 << 12),
            grams: KeyTable::with_room(1 << 14),
            pairs: KeyTable::with_room(1 << 15),
            values: Vec::new(),
            unknown: Unknown { word: 0.0, gram: 0.0, pair: 0.0 },
            examples: Vec::new(),
            shared: Vec::new(),
            spelling: Vec::new(),
        };
        let mut parts = space.number(texts);
        space.drop_rare_pairs(&mut parts);
        let readings: Vec<Reading> = parts.iter().map(|part| space.reading(part)).collect();
        space.weigh(&readings, labels, label_count);
        (space, readings)
    }

    /// Number of features.
    pub(super) fn len(&self) -> usize {
        self.words.len() + self.grams.len() + self.pairs.len()
    }

    /// Returns the features that make up a word: itself and its n-grams.
    pub(super) fn token(&self, word: u32) -> impl Iterator<Item = u32> {
        let spelling = self.spelling.get(word as usize).map(Vec::as_slice).unwrap_or_default();
        let base = self.words.len();
        [word].into_iter().chain(spelling.iter().map(move |gram| feature(base, *gram)))
    }

    /// Encodes a training text.
    pub(super) fn encode(&self, reading: &Reading, known: Known) -> Encoded {
        let mut encoded = Encoded::default();
        let mut known_square = 0.0;
        let mut square = self.unknown.pair * ratio(reading.rare_pairs);
        for number in &reading.features {
            let value = self.values.get(*number as usize).copied().unwrap_or_default();
            if self.is_known(*number, known) {
                known_square += value * value;
                match encoded.features.last_mut() {
                    Some(last) if last.0 == *number => last.1 += value,
                    _ => encoded.features.push((*number, value)),
                }
            } else {
                square += self.unknown_square(*number);
            }
        }
        square += known_square;
        let norm = square.sqrt().max(f32::MIN_POSITIVE);
        for feature in &mut encoded.features {
            feature.1 /= norm;
        }
        encoded.coverage = known_square / square.max(f32::MIN_POSITIVE);
        encoded
    }

    fn is_known(&self, number: u32, known: Known) -> bool {
        let number = number as usize;
        match known {
            Known::All => true,
            Known::WithoutText => {
                let others =
                    self.examples.get(number).copied().unwrap_or_default().saturating_sub(1);
                others >= if self.is_pair(number) { FEWEST_OF_PAIR } else { 1 }
            }
            Known::WithoutLabel => self.shared.get(number).copied().unwrap_or_default(),
        }
    }

    fn is_pair(&self, number: usize) -> bool {
        number >= self.words.len() + self.grams.len()
    }

    fn unknown_square(&self, number: u32) -> f32 {
        let number = number as usize;
        if number < self.words.len() {
            self.unknown.word
        } else if number < self.words.len() + self.grams.len() {
            self.unknown.gram
        } else {
            self.unknown.pair
        }
    }

    /// Numbers every word, n-gram and pair.
    fn number(&mut self, texts: &[&str]) -> Vec<Parts> {
        let mut tokens = Tokens::default();
        let mut hashes = Hashes::default();
        let mut all = Vec::with_capacity(texts.len());
        for text in texts {
            tokens.read(text);
            hashes.clear();
            let mut parts = Parts { words: Vec::new(), pairs: Vec::new(), rare_pairs: 0 };
            for padded in tokens.padded() {
                let word = self.words.number(hashes.push(padded));
                parts.words.push(word);
                if word as usize == self.spelling.len() {
                    let mut spelling = Vec::new();
                    each_gram(padded, |key| spelling.push(self.grams.number(key)));
                    self.spelling.push(spelling);
                }
            }
            if !parts.words.is_empty() {
                hashes.each_pair(|key| parts.pairs.push(self.pairs.number(key)));
            }
            all.push(parts);
        }
        all
    }

    /// Drops the pairs that few examples have. They are most of all pairs, and hardly any text has
    /// one again.
    fn drop_rare_pairs(&mut self, parts: &mut [Parts]) {
        let keys = self.pairs.keys();
        let mut examples = vec![(0_u32, usize::MAX); keys.len()];
        for (index, parts) in parts.iter().enumerate() {
            for pair in &parts.pairs {
                if let Some(seen) = examples.get_mut(*pair as usize)
                    && seen.1 != index
                {
                    *seen = (seen.0 + 1, index);
                }
            }
        }
        let mut kept = KeyTable::with_room(keys.len() / 4);
        let renumbered: Vec<Option<u32>> = keys
            .iter()
            .zip(&examples)
            .map(|(key, (count, _))| (*count >= FEWEST_OF_PAIR).then(|| kept.number(*key)))
            .collect();
        for parts in parts {
            let all = parts.pairs.len();
            let number = |pair: &u32| renumbered.get(*pair as usize).copied().flatten();
            parts.pairs = parts.pairs.iter().filter_map(number).collect();
            parts.rare_pairs = all - parts.pairs.len();
        }
        self.pairs = kept;
    }

    fn reading(&self, parts: &Parts) -> Reading {
        let base = self.words.len() + self.grams.len();
        let tokens = parts.words.iter().flat_map(|word| self.token(*word));
        let pairs = parts.pairs.iter().map(|pair| feature(base, *pair));
        let mut features: Vec<u32> = tokens.chain(pairs).collect();
        features.sort_unstable();
        Reading { features, rare_pairs: parts.rare_pairs }
    }

    /// Weighs each feature by how few examples have it and how few labels those are of.
    fn weigh(&mut self, readings: &[Reading], labels: &[usize], label_count: usize) {
        let mut seen: Vec<Vec<(usize, u32)>> = vec![Vec::new(); self.len()];
        // Label by label, so that the counts of one label lie together.
        let mut order: Vec<(usize, &Reading)> = labels.iter().copied().zip(readings).collect();
        order.sort_by_key(|(label, _)| *label);
        for (label, reading) in order {
            for number in reading.features.chunk_by(PartialEq::eq).filter_map(<[u32]>::first) {
                let Some(counts) = seen.get_mut(*number as usize) else { continue };
                match counts.last_mut() {
                    Some(last) if last.0 == label => last.1 += 1,
                    _ => counts.push((label, 1)),
                }
            }
        }
        let texts = ratio(readings.len());
        let rarest = (1.0 + texts).ln() + 1.0;
        self.unknown = Unknown {
            word: (WORD * rarest).powi(2),
            gram: rarest.powf(GRAM_IDF).powi(2),
            pair: (PAIR * rarest).powi(2),
        };
        let (words, pairs_from) = (self.words.len(), self.words.len() + self.grams.len());
        for (number, counts) in seen.iter().enumerate() {
            let examples: u32 = counts.iter().map(|(_, count)| count).sum();
            let idf = ((1.0 + texts) / (1.0 + ratio(examples as usize))).ln() + 1.0;
            let weight = idf * (focus(counts, examples, label_count) + LEAST_FOCUS).powf(FOCUS);
            self.values.push(if number < words {
                WORD * weight
            } else if number < pairs_from {
                weight.powf(GRAM_IDF)
            } else {
                PAIR * weight
            });
            self.examples.push(examples);
            self.shared.push(counts.len() > 1);
        }
    }
}

/// Says from 0 to 1 how far a feature keeps to few labels: one less the entropy of its labels.
fn focus(counts: &[(usize, u32)], examples: u32, label_count: usize) -> f32 {
    let labels = ratio(label_count);
    let total = ratio(examples as usize) + PRIOR_EXAMPLES;
    let surprise = |count: f32| {
        let share = (count + PRIOR_EXAMPLES / labels) / total;
        -share * share.ln()
    };
    let seen: f32 = counts.iter().map(|(_, count)| surprise(ratio(*count as usize))).sum();
    let unseen = ratio(label_count.saturating_sub(counts.len())) * surprise(0.0);
    (1.0 - (seen + unseen) / labels.ln()).max(0.0)
}

/// Numbers a feature of one table among all.
fn feature(base: usize, number: u32) -> u32 {
    u32::try_from(base).unwrap_or(u32::MAX).saturating_add(number)
}
