//! What a package holds, part by part. A fact that the ticket does not tell is absent, never filled in.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::tried::Attempt;
use crate::domain::confidence::Confidence;
use crate::domain::customer::Money;
use crate::domain::decision::{LocalText, Reason};
use crate::domain::labels::{Language, Locale, Sentiment, Urgency};
use crate::domain::message::Author;
use crate::domain::signal::SignalHit;
use crate::policy::clocks::{Clock, SlaState};

/// Everything that a person needs to take over a ticket.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverPackage)]
pub struct Package {
    /// When it was put together.
    pub made_at: DateTime<Utc>,
    /// The ticket.
    pub ticket: TicketPart,
    /// Who asks.
    pub customer: CustomerPart,
    /// What is asked.
    pub issue: IssuePart,
    /// What was tried, oldest first.
    pub tried: Vec<Attempt>,
    /// What is needed from a person: the rules that brought the ticket to people, most important first.
    pub needed: Vec<Need>,
    /// What the customer expects.
    pub expects: Expectation,
    /// Why it is urgent, or is not.
    pub urgent_because: Pressure,
    /// The conversation, oldest first, as far back as the ticket's view reaches.
    pub conversation: Vec<Spoken>,
    /// What the assistant found, and how sure it was.
    pub evidence: EvidencePart,
    /// Every clock that has begun.
    #[schema(value_type = Vec<Object>)]
    pub deadlines: Vec<Clock>,
}

/// The ticket of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverTicket)]
pub struct TicketPart {
    /// Its id.
    pub id: String,
    /// Its number, with check digit.
    pub number: String,
    /// Subject line, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The way it came.
    pub channel: String,
    /// The queue it waits in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The level there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Its stage.
    pub status: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// Other tickets of the same customer, newest first, whether open or not.
    pub linked: Vec<String>,
}

/// The customer of a package, as far as the profile and the channel tell.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverCustomer)]
pub struct CustomerPart {
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The business's own key for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Their plan, as the profile spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What they pay in a year, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annual_revenue: Option<Money>,
    /// Since when they are a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_since: Option<NaiveDate>,
    /// The language they write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Their mood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// How often this ticket was handed to people before the hand-over that stands now.
    pub earlier_escalations: u32,
}

/// What is asked, in the customer's own sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverIssue)]
pub struct IssuePart {
    /// One to three sentences that carry the case, at most 300 characters; absent where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// A category of the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// A subcategory of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcategory: Option<String>,
    /// The ticket's priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Urgency>,
    /// When the customer first asked.
    pub since: DateTime<Utc>,
    /// Questions that nobody has answered yet.
    pub questions: Vec<String>,
    /// How many people are affected, by the customer's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<u32>,
    /// Sentences with errors, codes, versions or devices.
    pub technical: Vec<String>,
    /// Sentences that tell what was done, or when it happens, in the customer's order.
    pub steps: Vec<String>,
    /// Amounts of money that the customer named.
    pub amounts: Vec<Amount>,
}

/// An amount of money that the customer named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverAmount)]
pub struct Amount {
    /// As it was written.
    pub said: String,
    /// As it was read; absent for a bare `$`, which several currencies share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

/// A rule that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverNeed)]
pub struct Need {
    /// The rule's id.
    pub rule: String,
    /// What it says, in both languages.
    #[schema(value_type = Object)]
    pub text: LocalText,
    /// Roles that it notifies, by the pack that is loaded now.
    pub notify: Vec<String>,
    /// Minutes until a person must have acted, by the same pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_mins: Option<u32>,
}

/// What the customer expects.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverExpectation)]
pub struct Expectation {
    /// Sentences that ask for money back, a moment, a call, a reply or a person.
    pub said: Vec<String>,
    /// The clock that is late first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub deadline: Option<Clock>,
}

/// How urgent it is, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverPressure)]
pub struct Pressure {
    /// The ticket's priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Urgency>,
    /// Rules of the decision that set a priority or a time limit, by the pack that is loaded now.
    #[schema(value_type = Vec<Object>)]
    pub rules: Vec<Reason>,
    /// The worst of its clocks.
    pub deadlines: SlaState,
}

/// A message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverMessage)]
pub struct Spoken {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Who wrote it.
    pub author: Author,
    /// The words, whole; none once they were taken back.
    pub text: String,
    /// When its sender changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
    /// When its sender took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The files that came or went with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileSeen>,
}

/// A file of a message; `GET /v1/attachments/{id}` returns one that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverFile)]
pub struct FileSeen {
    /// Its id.
    pub id: String,
    /// image, voice, audio, video, document, sticker or file.
    pub kind: String,
    /// What its sender calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its size in bytes, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// waiting, kept, refused, lost or erased.
    pub state: String,
    /// True for a voice note whose words, as a machine heard them, are the message's text. How sure it was no endpoint
    /// tells.
    pub transcribed: bool,
}

/// What the assistant found.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverEvidence)]
pub struct EvidencePart {
    /// Passages of articles that the latest decision looked at, best first.
    pub passages: Vec<PassageSeen>,
    /// Sentences of the latest draft that nothing supports.
    pub unsupported: Vec<String>,
    /// Signals of the turn.
    #[schema(value_type = Vec<Object>)]
    pub signals: Vec<SignalHit>,
    /// Confidence in an automatic answer; absent before any decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// The decision's reasons, most important first.
    #[schema(value_type = Vec<Object>)]
    pub reasons: Vec<Reason>,
}

/// A passage as the decision recorded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = HandoverPassage)]
pub struct PassageSeen {
    /// The article's id.
    pub article: String,
    /// The article's locale.
    pub locale: Locale,
    /// The heading it stands under; absent for the article's opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// Relevance; comparable within one search only.
    pub score: f64,
    /// True when it was relevant enough to answer with.
    pub above_floor: bool,
    /// Its words, where a draft kept them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
