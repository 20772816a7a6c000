//! What is known of an address, or of whom it is, besides their words: what they do not want, and that nothing arrives.

use chrono::{DateTime, Utc};
use serde::Serialize;

super::words! {
    /// What is known.
    Mark {
        /// They asked to receive nothing that is no answer to them.
        OptedOut = "opted_out",
        /// They want no advertisements. It says nothing about answers and news of their own cases.
        NoMarketing = "no_marketing",
        /// Nothing arrives at this address.
        Unreachable = "unreachable",
    }
}

super::words! {
    /// What a mark hangs on.
    MarkKind {
        /// A customer of the business, whatever they write from.
        Customer = "customer",
        /// An e-mail address.
        Email = "email",
        /// A telephone number.
        Phone = "phone",
        /// A person as a network knows them, which is also the thread of their conversations.
        Network = "network",
    }
}

/// What a mark hangs on, and which one it is.
pub type MarkKey = (MarkKind, String);

/// News of a mark. Of two, the younger counts, in whatever order they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkNews {
    /// What is known.
    pub mark: Mark,
    /// False where it holds no more.
    pub stands: bool,
    /// How it is known: a word or a code, never a customer's words.
    pub reason: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// A mark that stands, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StandingMark {
    /// What is known.
    pub mark: Mark,
    /// What it hangs on.
    pub on: MarkKind,
    /// How it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}
