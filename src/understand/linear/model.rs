//! The trained classifier: look-ups and sums, no allocation where the scratch space is reused.

use serde::{Deserialize, Serialize};

use super::calibration::{Judged, Logistic, judge};
use super::features::{FeatureSpace, Unknown};
use super::keys::{Hashes, KeyTable, each_gram};
use super::rows::{Floats, Keys, Rows, padded};
use super::solver::row_of;
use super::text::Tokens;

/// What the classifier says of one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction<'m> {
    /// Place of the best label among the model's labels.
    pub index: usize,
    /// Name of the best label.
    pub label: &'m str,
    /// How likely the best label is right, from 0 to 1, already lowered by novelty.
    pub probability: f32,
    /// Name of the second-best label.
    pub runner_up: &'m str,
    /// How likely the second-best label is right, never above `probability`.
    pub runner_up_probability: f32,
    /// How much the text is unlike all that was trained, from 0 to 1.
    pub novelty: f32,
}

/// Space that classifying needs; reuse it to classify many texts.
#[derive(Debug, Default)]
pub struct Scratch {
    tokens: Tokens,
    hashes: Hashes,
    found: Vec<u32>,
    scores: Vec<f32>,
}

/// A trained classifier of at least two labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LinearModel {
    stored: Stored,
    words: KeyTable,
    grams: KeyTable,
    pairs: KeyTable,
}

/// A model as it is written. Bump [`VERSION`] when a text would be read differently.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    labels: Vec<String>,
    bias: Floats,
    words: Part,
    grams: Part,
    pairs: Part,
    unknown: Unknown,
    sharpness: f32,
    right: Logistic,
    familiar: Logistic,
}

/// Version of features and layout.
const VERSION: u32 = 2;

/// The kinds of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Gram,
    Pair,
}

/// Features of one kind: keys, rows of weights and squared values.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Part {
    keys: Keys,
    squares: Floats,
    rows: Rows,
}

/// Why a stored model cannot be used; train again.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unreadable {
    #[error("the model is of another version")]
    Version,
    #[error("the parts of the model do not fit each other")]
    Parts,
}

/// How scores become probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calibration {
    pub(super) sharpness: f32,
    /// Whether the top label is right.
    pub(super) right: Logistic,
    /// Whether the text is of a trained kind.
    pub(super) familiar: Logistic,
}

impl LinearModel {
    /// Packs weights, one row per feature and a last one for the bias.
    pub(super) fn pack(labels: Vec<String>, space: &FeatureSpace, weights: &[f32]) -> Self {
        let width = labels.len();
        let mut row = vec![0.0; width];
        let mut pack = |part: &mut Part, features: &mut dyn Iterator<Item = u32>| {
            row.fill(0.0);
            let mut square = 0.0;
            for feature in features {
                let feature = feature as usize;
                let value = space.values.get(feature).copied().unwrap_or_default();
                square += value * value;
                for (sum, weight) in
                    row.iter_mut().zip(row_of(weights, feature, width).unwrap_or_default())
                {
                    *sum += value * weight;
                }
            }
            part.squares.0.push(square);
            part.rows.push(&row);
        };
        let part = |table: &KeyTable| Part {
            keys: Keys(table.keys()),
            squares: Floats::default(),
            rows: Rows::new(width),
        };
        let (mut words, mut grams, mut pairs) =
            (part(&space.words), part(&space.grams), part(&space.pairs));
        let mut number = 0;
        for word in (0..).take(space.words.len()) {
            pack(&mut words, &mut space.token(word));
            number += 1;
        }
        for (table, part) in [(&space.grams, &mut grams), (&space.pairs, &mut pairs)] {
            for _ in 0..table.len() {
                pack(part, &mut [number].into_iter());
                number += 1;
            }
        }
        let bias = row_of(weights, space.len(), width).unwrap_or_default().to_vec();
        let stored = Stored {
            version: VERSION,
            labels,
            bias: Floats(bias),
            words,
            grams,
            pairs,
            unknown: space.unknown,
            sharpness: 1.0,
            right: Logistic::BY_COVERAGE,
            familiar: Logistic::BY_COVERAGE,
        };
        Self {
            stored,
            words: space.words.clone(),
            grams: space.grams.clone(),
            pairs: space.pairs.clone(),
        }
    }

    /// Sets how scores become probabilities and what is added to each label's score.
    pub(super) fn calibrate(&mut self, calibration: Calibration, shifts: &[f32]) {
        self.stored.sharpness = calibration.sharpness;
        self.stored.right = calibration.right;
        self.stored.familiar = calibration.familiar;
        for (bias, shift) in self.stored.bias.0.iter_mut().zip(shifts) {
            *bias += shift;
        }
    }

    /// Returns the names of the labels in the order of their numbers.
    pub fn labels(&self) -> &[String] {
        &self.stored.labels
    }

    /// Classifies one text.
    pub fn classify(&self, text: &str) -> Prediction<'_> {
        self.classify_with(text, &mut Scratch::default())
    }

    /// Classifies one text in space that is used again.
    pub fn classify_with(&self, text: &str, scratch: &mut Scratch) -> Prediction<'_> {
        let coverage = self.score(text, scratch);
        let judged = judge(&scratch.scores, self.stored.sharpness, coverage);
        let probability = self.probability(&judged);
        let others = others_factor(&judged, probability);
        Prediction {
            index: judged.top,
            label: self.name(judged.top),
            probability,
            runner_up: self.name(judged.second),
            runner_up_probability: judged.shares.1 * others,
            novelty: self.novelty(&judged),
        }
    }

    /// Returns the probability of every label in their order; what is missing to 1 is the
    /// probability that none of them is right.
    pub fn probabilities(&self, text: &str) -> Vec<f32> {
        let mut scratch = Scratch::default();
        let coverage = self.score(text, &mut scratch);
        self.shares(&scratch.scores, coverage)
    }

    /// Returns the same from what a text's features sum up to, and the squared values of those that are known and
    /// of those that are not.
    pub(super) fn probabilities_of(&self, sums: &[f32], known: f32, missing: f32) -> Vec<f32> {
        let labels = self.stored.bias.0.len();
        let mut scores = sums.get(..labels).unwrap_or(sums).to_vec();
        let coverage = self.finish(&mut scores, known, missing);
        self.shares(&scores, coverage)
    }

    fn shares(&self, scores: &[f32], coverage: f32) -> Vec<f32> {
        let judged = judge(scores, self.stored.sharpness, coverage);
        let probability = self.probability(&judged);
        let others = others_factor(&judged, probability);
        let best = scores.get(judged.top).copied().unwrap_or_default();
        let shares = scores.iter().enumerate().map(|(label, score)| {
            if label == judged.top {
                probability
            } else {
                ((score - best) * self.stored.sharpness).exp() * judged.shares.0 * others
            }
        });
        shares.collect()
    }

    /// Cells of a row.
    pub(super) fn row_width(&self) -> usize {
        padded(self.stored.bias.0.len())
    }

    /// Returns the keys of one kind in the order of their rows.
    pub(super) fn keys(&self, kind: Kind) -> &[u32] {
        &self.part(kind).keys.0
    }

    /// Returns the scale, squared value and cells of each row of one kind.
    pub(super) fn rows(&self, kind: Kind) -> impl Iterator<Item = (f32, f32, &[i8])> {
        let part = self.part(kind);
        part.rows
            .iter()
            .zip(&part.squares.0)
            .map(|((scale, cells), square)| (scale, *square, cells))
    }

    /// Returns the squared value that an unknown feature counts.
    pub(super) fn unknown_square(&self, kind: Kind) -> f32 {
        let Unknown { word, gram, pair } = self.stored.unknown;
        match kind {
            Kind::Word => word,
            Kind::Gram => gram,
            Kind::Pair => pair,
        }
    }

    /// Leaves what turns sums into probabilities.
    pub(super) fn without_features(mut self) -> Self {
        let Stored { words, grams, pairs, .. } = &mut self.stored;
        for part in [words, grams, pairs] {
            *part = Part::default();
        }
        for table in [&mut self.words, &mut self.grams, &mut self.pairs] {
            *table = KeyTable::with_room(0);
        }
        self
    }

    fn part(&self, kind: Kind) -> &Part {
        match kind {
            Kind::Word => &self.stored.words,
            Kind::Gram => &self.stored.grams,
            Kind::Pair => &self.stored.pairs,
        }
    }

    /// Scores all labels into the scratch space; returns how much of the text is known.
    pub(super) fn score(&self, text: &str, scratch: &mut Scratch) -> f32 {
        let Stored { words, grams, pairs, unknown, bias, .. } = &self.stored;
        let Scratch { tokens, hashes, found, scores } = scratch;
        tokens.read(text);
        hashes.clear();
        scores.clear();
        scores.resize(padded(bias.0.len()), 0.0);
        let (mut known, mut missing) = (0.0, 0.0);
        let mut any = false;
        for token in tokens.padded() {
            any = true;
            if let Some(word) = self.words.get(hashes.push(token)) {
                known += words.add(word, scores);
                continue;
            }
            missing += unknown.word;
            each_gram(token, |key| match self.grams.get(key) {
                Some(gram) => known += grams.add(gram, scores),
                None => missing += unknown.gram,
            });
        }
        if any {
            // Looking up first and adding then lets the processor wait for many rows at once.
            found.clear();
            hashes.each_pair(|key| match self.pairs.get(key) {
                Some(pair) => found.push(pair),
                None => missing += unknown.pair,
            });
            for pair in found {
                known += pairs.add(*pair, scores);
            }
        }
        scores.truncate(bias.0.len());
        self.finish(scores, known, missing)
    }

    /// Turns sums into scores; returns how much of the text is known.
    fn finish(&self, scores: &mut [f32], known: f32, missing: f32) -> f32 {
        let square: f32 = (known + missing).max(f32::MIN_POSITIVE);
        let norm = square.sqrt().recip();
        for (score, bias) in scores.iter_mut().zip(&self.stored.bias.0) {
            *score = *score * norm + bias;
        }
        known / square
    }

    /// Reads the scores of the last scored text.
    pub(super) fn last_scores(scratch: &Scratch) -> &[f32] {
        &scratch.scores
    }

    fn probability(&self, judged: &Judged) -> f32 {
        if knows_nothing(judged) { 0.0 } else { self.stored.right.probability(&judged.evidence) }
    }

    fn novelty(&self, judged: &Judged) -> f32 {
        if knows_nothing(judged) {
            1.0
        } else {
            1.0 - self.stored.familiar.probability(&judged.evidence)
        }
    }

    fn name(&self, label: usize) -> &str {
        self.stored.labels.get(label).map(String::as_str).unwrap_or_default()
    }
}

impl Part {
    /// Adds a row to the scores; returns its squared value.
    #[inline]
    fn add(&self, number: u32, scores: &mut [f32]) -> f32 {
        self.rows.add(number, scores);
        self.squares.0.get(number as usize).copied().unwrap_or_default()
    }

    /// Numbers the keys, if each is there once and every part is there for each.
    fn table(&self, width: usize) -> Result<KeyTable, Unreadable> {
        let keys = self.keys.0.len();
        if self.squares.0.len() != keys || !self.rows.fits(keys, width) {
            return Err(Unreadable::Parts);
        }
        let mut table = KeyTable::with_room(keys);
        for key in &self.keys.0 {
            table.number(*key);
        }
        if table.len() == keys && !self.keys.0.contains(&0) {
            Ok(table)
        } else {
            Err(Unreadable::Parts)
        }
    }
}

impl TryFrom<Stored> for LinearModel {
    type Error = Unreadable;

    fn try_from(stored: Stored) -> Result<Self, Unreadable> {
        if stored.version != VERSION {
            return Err(Unreadable::Version);
        }
        let width = stored.labels.len();
        if width < 2 || stored.bias.0.len() != width {
            return Err(Unreadable::Parts);
        }
        let (words, grams, pairs) =
            (stored.words.table(width)?, stored.grams.table(width)?, stored.pairs.table(width)?);
        Ok(Self { stored, words, grams, pairs })
    }
}

impl From<LinearModel> for Stored {
    fn from(model: LinearModel) -> Self {
        model.stored
    }
}

fn knows_nothing(judged: &Judged) -> bool {
    let [.., coverage] = judged.evidence;
    coverage <= 0.0
}

/// Returns what the shares of all labels but the first are multiplied with, so that they keep their
/// order, stay below the first and sum to at most 1 with it.
fn others_factor(judged: &Judged, probability: f32) -> f32 {
    let share = judged.shares.0;
    (probability / share).min((1.0 - probability) / (1.0 - share).max(f32::EPSILON))
}
