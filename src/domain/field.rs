//! One understood fact about a turn, with who says so and how sure they are.

use serde::{Deserialize, Serialize};

use super::confidence::Confidence;

super::words! {
    /// What produced a value.
    Engine {
        /// The policy pack's rules and the built-in signals.
        Rules = "rules",
        /// The language detector.
        Lingua = "lingua",
        /// The embedded linear model.
        Linear = "linear",
        /// An article that answers the turn: its category is the turn's.
        Articles = "articles",
        /// The primary language model.
        Primary = "primary",
        /// The escalation language model.
        Escalation = "escalation",
        /// The caller or the channel stated it.
        Given = "given",
        /// A person set it.
        Human = "human",
        /// Nothing was sure; the policy's default stands.
        Default = "default",
    }
}

/// A value with its confidence, the engine that produced it and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Field<T> {
    /// The value itself.
    pub value: T,
    /// How sure the engine is.
    pub confidence: Confidence,
    /// Who produced the value.
    pub engine: Engine,
    /// Short reasons a person can read; never the customer's words.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// A number from 0 to 1 behind the label, for sentiment and complexity only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

impl<T> Field<T> {
    /// Makes a field without reasons and score.
    pub fn new(value: T, confidence: Confidence, engine: Engine) -> Self {
        Self { value, confidence, engine, reasons: Vec::new(), score: None }
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// Sets the number behind the label.
    #[must_use]
    pub fn scored(mut self, score: f64) -> Self {
        self.score = Some((score * 1000.0).round() / 1000.0);
        self
    }
}
