//! Linear text classifier: word, word-pair, stem-pair and character features under one-vs-rest
//! squared-hinge weights, with calibrated probabilities and a score of novelty.
//!
//! Pure: no file, no clock, no randomness but the seed of its settings. The same examples and
//! settings give the same model. A message is read in bounded time and never kept.

mod bundle;
mod calibration;
mod features;
mod keys;
pub mod metrics;
mod model;
mod rows;
mod solver;
mod text;
mod train;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use bundle::Bundle;
pub use model::{LinearModel, Prediction, Scratch};
pub use train::train;

/// One labelled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What the customer wrote.
    pub text: String,
    /// The name of its label.
    pub label: String,
}

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainSettings {
    /// How much a misplaced example costs against simple weights, above 0.
    pub cost: f32,
    /// Passes over the examples.
    pub passes: usize,
    /// Passes after which a fold's model is taken as trained; it starts from the full model.
    pub fold_passes: usize,
    /// Folds in which probabilities and novelty are fitted on examples held out.
    pub folds: usize,
    /// Order of the passes.
    pub seed: u64,
    /// Threads to train on; the model does not depend on it.
    pub threads: usize,
    /// How many times as much a missed example of a label costs as a false one; 1 where not named.
    pub label_weights: BTreeMap<String, f32>,
    /// Texts of no label, to sharpen the score of novelty; it works without.
    pub out_of_scope: Vec<String>,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            cost: 3.0,
            passes: 8,
            fold_passes: 2,
            folds: 5,
            seed: 1,
            threads: 1,
            label_weights: BTreeMap::new(),
            out_of_scope: Vec::new(),
        }
    }
}

/// Why there is no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// No example has a word.
    #[error("no example has a word to learn from")]
    NoWords,
    /// There is nothing to tell apart.
    #[error("examples of at least two labels are needed")]
    OneLabel,
    /// A number of the settings is not positive.
    #[error("cost, label weights, passes and folds must be positive")]
    BadSettings,
}

/// Turns a count to a float.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^24")]
fn ratio(count: usize) -> f32 {
    count as f32
}
