//! What happens with a turn, and why.

use serde::{Deserialize, Serialize};

use super::confidence::Confidence;
use super::labels::{Locale, Urgency};

super::words! {
    /// The four outcomes of a turn.
    Action {
        /// The draft is sent.
        Send = "send",
        /// An agent reviews the draft.
        Review = "review",
        /// A person takes over, with a hand-over package.
        Escalate = "escalate",
        /// No reply is wanted.
        None = "none",
    }
}

super::words! {
    /// How far the worker may go by itself for a category on a channel.
    Mode {
        /// Sends by itself when rules, evidence and confidence allow.
        Auto = "auto",
        /// Drafts; a person sends.
        Draft = "draft",
        /// Only understands and routes.
        Off = "off",
    }
}

impl Mode {
    /// Returns the one of two that lets the worker do less.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        // In the order of declaration each lets it do less than the one before.
        self.max(other)
    }
}

/// A text written natively in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalText {
    /// Brazilian Portuguese.
    #[serde(rename = "pt-BR")]
    pub pt_br: String,
    /// English.
    pub en: String,
}

impl LocalText {
    /// Makes a text from its two versions.
    pub fn new(pt_br: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pt_br: pt_br.into(), en: en.into() }
    }

    /// Returns the version for a locale.
    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::PtBr => &self.pt_br,
            Locale::En => &self.en,
        }
    }
}

/// One reason for a decision: the rule by its id, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's id, e.g. `E3.legal_threat`.
    pub rule: String,
    /// What the rule says, in both languages.
    pub text: LocalText,
}

/// The outcome of the pipeline for one turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What happens.
    pub action: Action,
    /// What automatic mode would have done.
    pub would: Action,
    /// The queue of people it goes to, also for review; `None` when nobody is needed.
    pub queue: Option<String>,
    /// The level within the team.
    pub level: Option<String>,
    /// The ticket's priority after the rules.
    pub priority: Urgency,
    /// Overall confidence in an automatic answer.
    pub confidence: Confidence,
    /// Why, most important first.
    pub reasons: Vec<Reason>,
    /// Rules that could not be judged because the ticket lacks a fact they use: (rule id, facts).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_known: Vec<RuleNotKnown>,
    /// Roles that are told, where people take it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Minutes in which people must acknowledge it, where a rule says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_mins: Option<u32>,
}

/// A rule that neither fired nor failed because a fact is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleNotKnown {
    /// The rule's id.
    pub rule: String,
    /// The facts this ticket lacks.
    pub facts: Vec<String>,
}
