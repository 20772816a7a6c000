//! Labelled messages: what the embedded models learn from.

use serde::Deserialize;

use super::labels::{Complexity, Sentiment, Urgency};
use super::signal::Signal;

/// The category of messages that are not for this business's support at all.
pub const OUT_OF_SCOPE: &str = "out_of_scope";

/// A customer message with what is true of it. What is not stated teaches nothing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledExample {
    /// The words.
    pub text: String,
    /// A category, or [`OUT_OF_SCOPE`].
    #[serde(default)]
    pub category: Option<String>,
    /// A subcategory of it; empty where none fits.
    #[serde(default)]
    pub subcategory: Option<String>,
    /// How soon an answer is needed.
    #[serde(default)]
    pub urgency: Option<Urgency>,
    /// The mood.
    #[serde(default)]
    pub sentiment: Option<Sentiment>,
    /// How hard the case is.
    #[serde(default)]
    pub complexity: Option<Complexity>,
    /// Every signal in it; an empty list says that there is none.
    #[serde(default)]
    pub signals: Option<Vec<Signal>>,
}

/// The examples of a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// In the order of their files.
    pub list: Vec<LabelledExample>,
    /// SHA-256, in hex, of the files; the same digest means the same models.
    pub digest: String,
}
