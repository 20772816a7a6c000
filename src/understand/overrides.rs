//! Values that people set stand above every engine's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Understood;
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::{Complexity, Language, Sentiment, Urgency};
use crate::domain::signal::Signal;

impl Understood {
    /// True when the turn carries a signal.
    pub fn has(&self, signal: Signal) -> bool {
        self.signals.iter().any(|hit| hit.signal == signal)
    }

    /// Puts the values that a person set in place of the engines'. A word that means nothing any more
    /// (a category that left the pack) is passed over.
    #[must_use]
    pub fn overridden(mut self, by: &BTreeMap<String, Value>) -> Self {
        let word = |field: &str| by.get(field).and_then(Value::as_str);
        if let Some(category) = word("category") {
            self.category = human(category.to_owned());
        }
        if let Some(subcategory) = word("subcategory") {
            self.subcategory = human(Some(subcategory.to_owned()));
        }
        if let Some(language) = word("language").and_then(Language::parse) {
            self.language = human(language);
        }
        if let Some(urgency) = word("urgency").and_then(Urgency::parse) {
            self.urgency = human(urgency);
        }
        if let Some(sentiment) = word("sentiment").and_then(Sentiment::parse) {
            self.sentiment = Field { score: self.sentiment.score, ..human(sentiment) };
        }
        if let Some(complexity) = word("complexity").and_then(Complexity::parse) {
            self.complexity = Field { score: self.complexity.score, ..human(complexity) };
        }
        self
    }
}

fn human<T>(value: T) -> Field<T> {
    Field::new(value, Confidence::CERTAIN, Engine::Human)
}
