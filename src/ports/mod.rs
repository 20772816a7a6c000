//! The few edges that have more than one real side, and the error every edge speaks.

pub mod chat;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::ids;
use crate::domain::labels::Locale;

/// Where time and fresh ids come from: the machine, or a recording.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the present moment, in whole milliseconds.
    fn now(&self) -> DateTime<Utc>;

    /// Returns 128 bits that sort by time and are never repeated.
    fn fresh_bits(&self) -> u128;

    /// True when time stands still until somebody moves it, so that nobody must wait on it.
    fn is_recorded(&self) -> bool {
        false
    }
}

macro_rules! fresh {
    ($($fn_name:ident -> $id:ident),+ $(,)?) => {
        impl dyn Clock + '_ {
            $(
                #[doc = concat!("Mints a `", stringify!($id), "`.")]
                pub fn $fn_name(&self) -> ids::$id {
                    ids::$id::from_bits(self.fresh_bits())
                }
            )+
        }
    };
}

fresh! {
    message_id -> MessageId,
    conversation_id -> ConversationId,
    ticket_id -> TicketId,
    customer_id -> CustomerId,
    decision_id -> DecisionId,
    draft_id -> DraftId,
    outbox_id -> OutboxId,
    job_id -> JobId,
    token_id -> TokenId,
    user_id -> UserId,
    session_id -> SessionId,
    attachment_id -> AttachmentId,
}

/// What an embedded text is for: some models are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRole {
    /// Something that may be found.
    Passage,
    /// Something that is looked for.
    Query,
}

/// A model that turns texts into vectors that are near each other where the texts mean the same.
pub trait Embedder: Send + Sync + fmt::Debug {
    /// Names the model and all else that shapes its vectors: those of another name must not be compared with these.
    fn name(&self) -> &str;

    /// Numbers in a vector.
    fn dimensions(&self) -> usize;

    /// False for a locale that the model is known not to have learnt.
    fn knows(&self, locale: Locale) -> bool;

    /// Returns a vector of length 1 per text, in their order. Blocks for milliseconds per text.
    fn embed(&self, role: TextRole, texts: &[String]) -> Result<Vec<Vec<f32>>, PortError>;
}

/// What a caller may do about a failure outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortErrorKind {
    /// Try again later.
    Transient,
    /// Try again, but not before this long.
    Throttled {
        /// How long to wait.
        after: Duration,
    },
    /// Trying again will not help.
    Permanent,
    /// It may or may not have happened: never repeat blindly.
    Unknown,
}

/// A failure outside, with what the caller may do about it.
#[derive(Debug)]
pub struct PortError {
    /// What was being done, as `verb object`.
    pub operation: &'static str,
    /// What the caller may do.
    pub kind: PortErrorKind,
    /// The cause; it may name paths and codes, never customer text.
    pub source: anyhow::Error,
}

impl PortError {
    /// Makes an error of a kind.
    pub fn new(
        operation: &'static str,
        kind: PortErrorKind,
        source: impl Into<anyhow::Error>,
    ) -> Self {
        Self { operation, kind, source: source.into() }
    }

    /// Makes a permanent error from a sentence.
    pub fn permanent(operation: &'static str, why: impl fmt::Display) -> Self {
        Self::new(operation, PortErrorKind::Permanent, anyhow::anyhow!("{why}"))
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.operation)
    }
}

impl std::error::Error for PortError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}
