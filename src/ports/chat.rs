//! Language models as the pipeline sees them: a question, an answer, and every way in which there is none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::decision::LocalText;
use crate::domain::field::Engine;

crate::domain::words! {
    /// What a model is asked for.
    Purpose {
        /// Category, urgency, mood and the rest of a turn.
        Triage = "triage",
        /// A reply with its citations.
        Draft = "draft",
        /// The reply once more, with what was wrong with it.
        Repair = "repair",
        /// The reply once more, as somebody of the team asks for it.
        Again = "again",
        /// Whether the endpoint works.
        Check = "check",
    }
}

crate::domain::words! {
    /// Who speaks in a prompt.
    Role {
        /// The instructions.
        System = "system",
        /// The case.
        User = "user",
        /// What the model said before.
        Assistant = "assistant",
    }
}

/// One message of a prompt. Its text holds no personal data: that was masked before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub text: String,
}

impl fmt::Debug for ChatMessage {
    /// Customers' words stay out of logs, masked or not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes", self.role, self.text.len())
    }
}

/// The shape that an answer must have.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSchema {
    /// A short name, letters and underscores.
    pub name: String,
    /// A JSON Schema in the subset that every provider takes: objects with all properties required and none
    /// besides, enums, arrays.
    pub schema: Value,
}

/// One question.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// What it is for.
    pub purpose: Purpose,
    /// The prompt's id and content hash, `id@hash`.
    pub prompt: String,
    /// Instructions first, so that a provider may keep them ready; the case last.
    pub messages: Vec<ChatMessage>,
    /// The shape of the answer; `None` for plain text. One shape serves many questions.
    pub output: Option<Arc<OutputSchema>>,
    /// The longest answer in tokens, where the prompt wants less than the endpoint's limit.
    pub max_output: Option<u32>,
    /// Which of several askings of the same question this is, from 0; recordings tell them apart.
    pub repeat: u32,
    /// Seconds after which the caller has no use for an answer.
    pub deadline: Duration,
}

/// What an answer cost in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    /// Tokens of the question, the cached ones among them.
    pub input: u64,
    /// Tokens of the question that the provider had ready.
    pub cached: u64,
    /// Tokens of the answer, hidden reasoning among them.
    pub output: u64,
}

/// An answer.
#[derive(Clone, PartialEq)]
pub struct ChatAnswer {
    /// The words: JSON where a shape was asked for.
    pub text: String,
    /// The model that really answered; empty where the endpoint does not tell.
    pub model: String,
    /// Tokens; zeros where the endpoint does not say.
    pub tokens: TokenUse,
    /// The mean probability of the answer's tokens, from 0 to 1, where the endpoint gives it.
    pub probability: Option<f64>,
    /// What it cost, in millionths of a US dollar, by the configured prices.
    pub cost_micros: u64,
    /// How long it took, pauses and repeats among them.
    pub took: Duration,
    /// How many times it was asked.
    pub attempts: u32,
}

impl fmt::Debug for ChatAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatAnswer")
            .field("bytes", &self.text.len())
            .field("model", &self.model)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

crate::domain::words! {
    /// Why there is no answer.
    ChatErrorKind {
        /// The account has no money or its spending limit is reached.
        Quota = "quota",
        /// Too many requests or tokens in too short a time.
        RateLimited = "rate_limited",
        /// The server has too much to do, is starting, or failed (5xx).
        Overloaded = "overloaded",
        /// The question is longer than the model takes.
        TooLong = "too_long",
        /// The provider's filter declined.
        Filtered = "filtered",
        /// The model declined.
        Refused = "refused",
        /// The answer was cut off at the limit of its length.
        CutOff = "cut_off",
        /// There are no words in the answer.
        Empty = "empty",
        /// The answer is no JSON, or not of the shape asked for.
        BadShape = "bad_shape",
        /// What came is no answer of such an endpoint: HTML, an array, a body that never ends.
        BadReply = "bad_reply",
        /// The key is missing or wrong.
        Key = "key",
        /// The endpoint knows who asks and refuses all the same: a right that is missing, a country, a blocked address.
        Forbidden = "forbidden",
        /// The endpoint does not take the request as it is, or does not know the model.
        Rejected = "rejected",
        /// No connection came about.
        Connection = "connection",
        /// The connection broke before the whole answer was there.
        Broken = "broken",
        /// No secure connection came about.
        Tls = "tls",
        /// No answer in time.
        TimedOut = "timed_out",
        /// The endpoint failed so often that it is left alone for a while.
        Resting = "resting",
        /// A limit of ours on requests or tokens per minute leaves no room in time.
        NoRoom = "no_room",
        /// What is left of the budget does not hold the most that it may cost.
        NoMoney = "no_money",
        /// A recording holds no answer to this question.
        NotRecorded = "not_recorded",
        /// A recording of the answer cannot be read.
        BadRecording = "bad_recording",
    }
}

impl ChatErrorKind {
    /// True where the same question may succeed a moment later.
    pub const fn passes(self) -> bool {
        match self {
            Self::RateLimited
            | Self::Overloaded
            | Self::Connection
            | Self::Broken
            | Self::TimedOut
            | Self::BadReply => true,
            Self::Quota
            | Self::TooLong
            | Self::Filtered
            | Self::Refused
            | Self::CutOff
            | Self::Empty
            | Self::BadShape
            | Self::Key
            | Self::Forbidden
            | Self::Rejected
            | Self::Tls
            | Self::Resting
            | Self::NoRoom
            | Self::NoMoney
            | Self::NotRecorded
            | Self::BadRecording => false,
        }
    }

    /// True where it tells that the endpoint is of no use now, whatever it is asked.
    pub const fn is_outage(self) -> bool {
        match self {
            Self::Quota
            | Self::RateLimited
            | Self::Overloaded
            | Self::BadReply
            | Self::Key
            | Self::Forbidden
            | Self::Connection
            | Self::Broken
            | Self::Tls
            | Self::TimedOut => true,
            Self::TooLong
            | Self::Filtered
            | Self::Refused
            | Self::CutOff
            | Self::Empty
            | Self::BadShape
            | Self::Rejected
            | Self::Resting
            | Self::NoRoom
            | Self::NoMoney
            | Self::NotRecorded
            | Self::BadRecording => false,
        }
    }
}

/// Why there is no answer, and what it cost all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatError {
    /// What happened.
    pub kind: ChatErrorKind,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// The provider's own code (`insufficient_quota`), where one came.
    pub code: Option<String>,
    /// What the endpoint wants waited before it is asked again.
    pub retry_after: Option<Duration>,
    /// A sentence for the operator; never the customer's words or the model's.
    pub detail: LocalText,
    /// What the endpoint said about it, shortened and without secrets. Kept only of questions that are nobody's, since
    /// endpoints repeat what they were asked.
    pub said: Option<String>,
    /// The log tells of it already: the endpoint begins to be left alone because of it, or was left alone before.
    pub told: bool,
    /// The model that answered, where one did.
    pub model: Option<String>,
    /// Tokens that were spent; an answer that was cut off is paid for.
    pub tokens: TokenUse,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
    /// How long it took.
    pub took: Duration,
    /// How many times it was asked.
    pub attempts: u32,
}

impl ChatError {
    /// Makes an error before anything was sent or came back.
    pub fn new(kind: ChatErrorKind, detail: LocalText) -> Self {
        Self {
            kind,
            status: None,
            code: None,
            retry_after: None,
            detail,
            said: None,
            told: false,
            model: None,
            tokens: TokenUse::default(),
            cost_micros: 0,
            took: Duration::ZERO,
            attempts: 0,
        }
    }
}

/// For logs, which are in English.
impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status}")?;
            if let Some(code) = &self.code {
                write!(f, ", {code}")?;
            }
            write!(f, ")")?;
        }
        write!(f, ": {}", self.detail.en)
    }
}

impl std::error::Error for ChatError {}

/// The outcome of a question that was answered.
pub const ANSWERED: &str = "ok";

/// One question to a model and what became of it; no words of anybody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCall {
    /// What it was for.
    pub purpose: Purpose,
    /// The rung.
    pub rung: Engine,
    /// The prompt, `id@hash`.
    pub prompt: String,
    /// The model as configured.
    pub model: String,
    /// The model that really answered, where one did.
    pub answered_by: Option<String>,
    /// `ok`, or why there is no answer.
    pub outcome: String,
    /// Tokens.
    pub tokens: TokenUse,
    /// Cost in millionths of a US dollar.
    pub cost_micros: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
}

impl ModelCall {
    /// True where an answer came.
    pub fn is_ok(&self) -> bool {
        self.outcome == ANSWERED
    }

    /// True where the endpoint is of no use now.
    pub fn is_outage(&self) -> bool {
        ChatErrorKind::parse(&self.outcome).is_some_and(|kind| {
            // Left alone after such failures, or asking for a model that is gone: the business has none all the same.
            kind.is_outage() || matches!(kind, ChatErrorKind::Resting | ChatErrorKind::Rejected)
        })
    }
}

/// A language model behind an endpoint, or recorded answers of one.
#[async_trait]
pub trait ChatModel: Send + Sync + fmt::Debug {
    /// The model's name as configured.
    fn name(&self) -> &str;

    /// Everything besides the prompt that shapes an answer (temperature, seed, output mode …), for recordings' keys.
    fn parameters(&self) -> Value;

    /// Returns what a question may cost at most, in millionths of a US dollar, as far as it can be told from its length;
    /// zero for a model without prices.
    fn most_micros(&self, request: &ChatRequest) -> u64;

    /// Asks. Returns by the request's deadline at the latest.
    async fn ask(&self, request: &ChatRequest) -> Result<ChatAnswer, ChatError>;
}
