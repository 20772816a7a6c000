//! What lists and pages show, row by row, and how a row is read.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{AttachmentRow, StoreError, from_json, millis, moment};
use crate::domain::ids::TicketNumber;
use crate::domain::mark::StandingMark;

/// A place in a list: the creation time and id of the last row seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Milliseconds UTC.
    pub at: i64,
    /// The row's id.
    pub id: String,
}

impl Cursor {
    /// Writes the cursor as one word.
    pub fn encode(&self) -> String {
        format!("{:x}.{}", self.at, self.id)
    }

    /// Reads the word back; `None` if it is not one of ours.
    pub fn decode(word: &str) -> Option<Self> {
        let (at, id) = word.split_once('.')?;
        Some(Self { at: i64::from_str_radix(at, 16).ok()?, id: id.to_owned() })
    }
}

/// Which tickets a list shows; `None` shows all.
#[derive(Clone, Debug, Default)]
pub struct TicketFilter {
    /// Columns that must have this value, by name; only names of `TicketFilter::COLUMNS` count.
    pub equal: Vec<(&'static str, String)>,
    /// A tag that the ticket must carry.
    pub tag: Option<String>,
    /// The customer, by the business's own key.
    pub customer: Option<String>,
    /// The order of the list.
    pub order: TicketOrder,
}

crate::domain::words! {
    /// The order of a list of tickets.
    TicketOrder {
        /// The newest first.
        Newest = "newest",
        /// As people take them: deadline × risk. Live tickets only.
        Rank = "rank",
    }
}

#[expect(clippy::derivable_impls, reason = "the enum is declared by a macro")]
impl Default for TicketOrder {
    fn default() -> Self {
        Self::Newest
    }
}

impl TicketFilter {
    /// Columns that a list can be filtered by.
    pub const COLUMNS: &'static [&'static str] = &[
        "status",
        "channel",
        "category",
        "subcategory",
        "language",
        "urgency",
        "sentiment",
        "queue",
        "level",
        "action",
        "assignee",
        "sla_state",
    ];
}

/// A ticket in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TicketRow {
    /// Its id.
    pub id: String,
    /// Its number, with check digit.
    pub number: String,
    /// Its stage.
    pub status: String,
    /// The way it came.
    pub channel: String,
    /// Subject line, if any.
    pub subject: Option<String>,
    /// The customer's name, as far as known.
    pub customer_name: Option<String>,
    /// Language.
    pub language: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Subcategory.
    pub subcategory: Option<String>,
    /// Priority.
    pub urgency: Option<String>,
    /// Sentiment.
    pub sentiment: Option<String>,
    /// The latest decision's action.
    pub action: Option<String>,
    /// The queue it waits in.
    pub queue: Option<String>,
    /// The level there.
    pub level: Option<String>,
    /// Who has the conversation: ai, review, queue or agent.
    pub owner: String,
    /// The agent who has it.
    pub assignee: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// How it stands by its deadlines: `on_track`, `at_risk` or `breached`.
    pub sla_state: String,
    /// The clock that is late first.
    pub sla_clock: Option<String>,
    /// When that clock is late.
    pub sla_due_at: Option<DateTime<Utc>>,
    /// Why it was late.
    pub breach_reason: Option<String>,
    /// The moment that its place in its queue goes by: the deadline, drawn nearer by what is at risk.
    pub rank: Option<DateTime<Utc>>,
    /// Put aside until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// A call is promised from then on.
    pub callback_from: Option<DateTime<Utc>>,
    /// A call is promised until then.
    pub callback_until: Option<DateTime<Utc>>,
    /// The customer's rating, 1 to 5.
    pub csat: Option<i64>,
}

/// A message of a ticket.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MessageRow {
    /// Its id.
    pub id: String,
    /// customer, ai, agent or system.
    pub author: String,
    /// The agent's name, where a person of the business wrote it.
    pub author_name: Option<String>,
    /// The kind of notice that it is, which is no part of the talk.
    pub notice: Option<String>,
    /// The row of the outbox that it left by.
    pub outbox_id: Option<String>,
    /// Subject line, if any.
    pub subject: Option<String>,
    /// The words as they are now; none once their sender took them back. Of a mail, without those that repeat or only sign.
    pub text: String,
    /// All words of a mail, where the text leaves some out: what it quotes, how it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// Which form of a mail the words were read in: plain or html.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The id that a mail's HTML is kept under, as its sender wrote it; `GET /v1/attachments/{id}` returns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// When its sender changed them last. Where the message was answered before, the new words are a message of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
    /// When its sender took it back. Engines and drafts do not see it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// What it said before, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// True where the words are what was heard in a recording.
    pub transcribed: bool,
    /// The files that came with it.
    pub attachments: Vec<AttachmentRow>,
    /// The decision of its turn.
    pub decision_id: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// A draft of a ticket.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DraftRow {
    /// Its version within the ticket; what approving names.
    pub version: i64,
    /// proposed, approved, edited, rejected or retired.
    pub state: String,
    /// The words.
    pub text: String,
    /// The words that were sent, where an agent changed them.
    pub final_text: Option<String>,
    /// Locale.
    pub locale: String,
    /// How it came about.
    pub kind: String,
    /// Short answers that the customer can tap, where it is approved as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Sentence by sentence, why each may be said.
    #[schema(value_type = Object)]
    pub ledger: Value,
    /// The passages behind it.
    #[schema(value_type = Object)]
    pub passages: Value,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A line of the audit trail.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AuditRow {
    /// Its place in the trail.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who or what.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// State before.
    #[schema(value_type = Object)]
    pub before: Value,
    /// State after.
    #[schema(value_type = Object)]
    pub after: Value,
    /// The rule, engine or message behind it.
    pub cause: Option<String>,
}

/// Everything about one ticket.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TicketView {
    /// The ticket as lists show it.
    #[serde(flatten)]
    pub row: TicketRow,
    /// The conversation's version; human actions raise it.
    pub version: i64,
    /// The agent who holds the conversation, or the queue it waits in.
    pub owner_name: Option<String>,
    /// Until when the agent holds it.
    pub owner_until: Option<DateTime<Utc>>,
    /// True where the contact asked to receive nothing more.
    pub opted_out: bool,
    /// When the customer last wrote.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The business's account on the channel.
    pub account: String,
    /// The contact, as the channel tells.
    #[schema(value_type = Object)]
    pub contact: Value,
    /// The customer's profile, where supplied.
    #[schema(value_type = Object)]
    pub customer: Value,
    /// What is known of whom it is with: that they want nothing unasked, or no advertisements, or that nothing arrives.
    pub marks: Vec<StandingMark>,
    /// The closed ticket that this one continues.
    pub parent_id: Option<String>,
    /// Other tickets of the same customer, newest first.
    pub linked: Vec<String>,
    /// Understood fields with confidence and engine.
    #[schema(value_type = Object)]
    pub fields: Value,
    /// Values that people set.
    #[schema(value_type = Object)]
    pub overrides: Value,
    /// The conversation, oldest first, at most the latest 200.
    pub messages: Vec<MessageRow>,
    /// Drafts, latest first.
    pub drafts: Vec<DraftRow>,
    /// The latest decision record.
    #[schema(value_type = Object)]
    pub decision: Value,
    /// Notes of agents.
    #[schema(value_type = Object)]
    pub notes: Value,
    /// Replies on their way and their state.
    #[schema(value_type = Object)]
    pub outbox: Value,
    /// The audit trail, oldest first, at most the latest 500.
    pub audit: Vec<AuditRow>,
    /// When somebody first answered.
    pub first_response_at: Option<DateTime<Utc>>,
    /// When it was solved.
    pub solved_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}

/// How much waits in a queue.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct QueueCount {
    /// The queue; `review` drafts are counted under their team.
    pub queue: String,
    /// The level there.
    pub level: Option<String>,
    /// review, queue or agent.
    pub owner: String,
    /// How many tickets.
    pub tickets: i64,
    /// The oldest of them.
    pub oldest: Option<DateTime<Utc>>,
    /// How many are at risk of being late.
    pub at_risk: i64,
    /// How many are late.
    pub breached: i64,
    /// When the next deadline passes, or passed.
    pub next_due: Option<DateTime<Utc>>,
}

/// A draft that waits for review, with its ticket.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ReviewRow {
    /// The draft.
    pub draft: DraftRow,
    /// Its ticket.
    pub ticket: TicketRow,
}

pub(super) fn ticket_row(row: &AnyRow) -> Result<TicketRow, StoreError> {
    let contact: Value = from_json("contact", &row.try_get::<String, _>("contact")?)?;
    let profile: Value = row
        .try_get::<Option<String>, _>("profile")?
        .map_or(Ok(Value::Null), |text| from_json("customer", &text))?;
    let name = profile.get("name").or_else(|| contact.get("name")).and_then(Value::as_str);
    let number = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0);
    let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
    };
    Ok(TicketRow {
        id: row.try_get("id")?,
        number: TicketNumber::new(number).to_string(),
        status: row.try_get("status")?,
        channel: row.try_get("channel")?,
        subject: row.try_get("subject")?,
        customer_name: name.map(str::to_owned),
        language: row.try_get("language")?,
        category: row.try_get("category")?,
        subcategory: row.try_get("subcategory")?,
        urgency: row.try_get("urgency")?,
        sentiment: row.try_get("sentiment")?,
        action: row.try_get("action")?,
        queue: row.try_get("queue")?,
        level: row.try_get("level")?,
        owner: row.try_get("owner")?,
        assignee: row.try_get("assignee")?,
        tags: from_json("tags", &row.try_get::<String, _>("tags")?)?,
        created_at: moment(row.try_get("created_at")?),
        updated_at: moment(row.try_get("updated_at")?),
        sla_state: row.try_get("sla_state")?,
        sla_clock: row.try_get("sla_clock")?,
        sla_due_at: when("sla_due_at")?,
        breach_reason: row.try_get("breach_reason")?,
        rank: when("queue_rank")?,
        snoozed_until: when("snoozed_until")?,
        callback_from: when("callback_from")?,
        callback_until: when("callback_until")?,
        csat: row.try_get("csat")?,
    })
}

impl TicketRow {
    /// Returns the place of this row in a list of that order.
    pub fn cursor(&self, order: TicketOrder) -> Cursor {
        let at = match order {
            TicketOrder::Newest => self.created_at,
            TicketOrder::Rank => self.rank.unwrap_or(self.created_at),
        };
        Cursor { at: millis(at), id: self.id.clone() }
    }
}

impl ReviewRow {
    /// Returns the place of this row in its list.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: millis(self.draft.created_at), id: self.ticket.id.clone() }
    }
}

pub(super) fn draft_row(row: &AnyRow) -> Result<DraftRow, StoreError> {
    Ok(DraftRow {
        version: row.try_get("version")?,
        state: row.try_get("state")?,
        text: row.try_get("text")?,
        final_text: row.try_get("final_text")?,
        locale: row.try_get("locale")?,
        kind: row.try_get("kind")?,
        choices: super::drafts::choices_of(row.try_get("choices")?)?,
        ledger: from_json("ledger", &row.try_get::<String, _>("ledger")?)?,
        passages: from_json("passages", &row.try_get::<String, _>("passages")?)?,
        decided_by: row.try_get("decided_by")?,
        decided_at: row.try_get::<Option<i64>, _>("decided_at")?.map(moment),
        reason: row.try_get("reason")?,
        created_at: moment(row.try_get("draft_created_at")?),
    })
}
