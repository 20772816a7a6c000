//! A person's own words, examined as a model's are before they leave.

use super::Pipeline;
use crate::compose::{self, Evidence, ExamineInput};
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;

/// What somebody wrote, and what it may rest on.
#[derive(Clone, Copy, Debug)]
pub struct OwnWords<'a> {
    /// The words.
    pub text: &'a str,
    /// The language the customer should read.
    pub locale: Locale,
    /// The passages that were found for the turn.
    pub passages: &'a [Passage],
    /// What the customer wrote, and what else is known of them and may be said to them.
    pub told: &'a [&'a str],
    /// The customer's name, where it is known.
    pub customer: Option<&'a str>,
    /// Sentences that may be said as they are.
    pub approved: &'a [&'a str],
}

impl Pipeline {
    /// Examines a person's words sentence by sentence.
    pub fn examine(&self, words: &OwnWords<'_>) -> Evidence {
        compose::examine(
            words.text,
            &ExamineInput {
                reader: &self.reader,
                locale: words.locale,
                passages: words.passages,
                ticket: words.told,
                customer: words.customer,
                approved: words.approved,
            },
        )
    }
}
