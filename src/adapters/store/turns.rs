//! What the pipeline must know of a conversation to decide its turn, loaded for many at once.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Store, StoreError, from_json, handling, millis, moment, to_json};
use crate::domain::channel::Channel;
use crate::domain::customer::CustomerProfile;
use crate::domain::ids::{ConversationId, MessageId, TenantId, TicketId, TicketNumber};
use crate::domain::labels::Language;
use crate::domain::message::{Author, Contact, Given, InboundMessage, MessageFlags, TextPart};
use crate::domain::ticket::{OwnerKind, TicketStatus};

/// How many of a conversation's latest messages are loaded; older ones no longer change a reply,
/// except those that no turn covered yet, which are loaded however many they are.
const HISTORY_MAX: i64 = 60;

/// How long the satisfaction question waits for its answer.
const RATED_WITHIN: Duration = Duration::days(7);

/// The columns of a message that only some channels fill.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MessageMeta {
    pub(super) flags: MessageFlags,
    pub(super) given: Given,
    /// The kind of a notice of ours, which is no part of the talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notice: Option<String>,
    /// The text is what was heard in a recording.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) transcribed: bool,
    /// Short answers that a message of ours offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) choices: Vec<String>,
    /// Which form of a mail the text was read in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<TextPart>,
}

impl MessageMeta {
    /// Returns what a message brings along.
    pub(super) fn of(message: &InboundMessage) -> Self {
        Self {
            flags: message.flags,
            given: message.given.clone(),
            part: message.original.as_ref().map(|original| original.part),
            ..Self::default()
        }
    }
}

/// A message of the conversation with its place in the current turn.
#[derive(Clone, Debug)]
pub struct TurnMessage {
    /// The message.
    pub id: MessageId,
    /// The sender's own id; `None` for what we sent.
    pub external_id: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// Subject line, if any.
    pub subject: Option<String>,
    /// The words, unmasked.
    pub text: String,
    /// What the channel knows of it.
    pub flags: MessageFlags,
    /// What a form stated.
    pub given: Given,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// True when an earlier turn covered it.
    pub decided: bool,
    /// The action of that turn.
    pub decided_as: Option<String>,
    /// True once its sender took it back: it says nothing any more.
    pub deleted: bool,
    /// Short answers that it offered, where we sent it.
    pub choices: Vec<String>,
}

/// A conversation as it stands when its turn is over.
#[derive(Clone, Debug)]
pub struct TurnSnapshot {
    /// Whose it is.
    pub tenant: TenantId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Its version; a settlement for another one is stale.
    pub version: i64,
    /// The way it came and goes.
    pub channel: Channel,
    /// The business's account.
    pub account: String,
    /// The conversation's key on its channel.
    pub thread: String,
    /// The person, as the channel tells.
    pub contact: Contact,
    /// The customer's profile, where the business supplied one.
    pub profile: Option<CustomerProfile>,
    /// The language of the conversation so far.
    pub language: Option<Language>,
    /// Who has it now.
    pub owner: OwnerKind,
    /// Automatic replies since a person last answered.
    pub ai_turns: u32,
    /// True when the contact asked to receive nothing more.
    pub opted_out: bool,
    /// Masked values of this conversation, as JSON.
    pub vault: String,
    /// The open ticket.
    pub ticket: TicketId,
    /// Its number.
    pub number: TicketNumber,
    /// Its stage.
    pub status: TicketStatus,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its earlier escalations.
    pub escalations: u32,
    /// Values a person set, by field; engines never replace them.
    pub overrides: BTreeMap<String, serde_json::Value>,
    /// The queue it waits in, if any.
    pub queue: Option<String>,
    /// Its level there.
    pub level: Option<String>,
    /// The ticket whose satisfaction question waits for its answer: this one, or the one that it continues.
    pub rates: Option<TicketId>,
    /// The latest messages and all undecided ones, oldest first.
    pub messages: Vec<TurnMessage>,
    /// The customer's other tickets of the last 30 days, as (category, still open).
    pub recent: Vec<(Option<String>, bool)>,
}

impl Store {
    /// Loads the conversations of a batch of jobs. One that is gone is left out.
    pub async fn load_turns(
        &self,
        now: DateTime<Utc>,
        conversations: &[ConversationId],
    ) -> Result<Vec<TurnSnapshot>, StoreError> {
        let ids = to_json(&conversations);
        let mut turns = self.load_conversations(now, &ids).await?;
        let mut messages = self.load_messages(&ids).await?;
        let mut recent = self.load_recent(&ids, now - Duration::days(30)).await?;
        for turn in &mut turns {
            turn.messages = messages.remove(turn.conversation.as_str()).unwrap_or_default();
            turn.recent = recent.remove(turn.conversation.as_str()).unwrap_or_default();
        }
        Ok(turns)
    }

    /// An agent whose lease has lapsed no longer has the conversation: it is back in its queue.
    async fn load_conversations(
        &self,
        now: DateTime<Utc>,
        ids: &str,
    ) -> Result<Vec<TurnSnapshot>, StoreError> {
        let sql = format!(
            "SELECT c.tenant, c.id AS conversation, c.version, c.channel, c.account, c.thread, c.contact, c.language, \
             CASE WHEN c.owner = 'agent' AND c.owner_until <= $2 THEN 'queue' ELSE c.owner END AS owner, \
             c.ai_turns, c.opted_out, c.vault, t.id AS ticket, t.number, t.status, t.tags, t.escalations, t.overrides, \
             t.queue, t.level, k.profile, \
             CASE WHEN t.csat_asked_at > $3 AND t.csat IS NULL THEN t.id ELSE (SELECT p.id FROM tickets p \
               WHERE p.id = t.parent_id AND p.csat_asked_at > $3 AND p.csat IS NULL) END AS rates \
             FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
             LEFT JOIN customers k ON k.id = c.customer_id WHERE c.id IN {}",
            self.dialect.json_strings("$1")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(ids)
            .bind(millis(now))
            .bind(millis(now - RATED_WITHIN))
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(snapshot).collect()
    }

    async fn load_messages(
        &self,
        ids: &str,
    ) -> Result<HashMap<String, Vec<TurnMessage>>, StoreError> {
        let sql = format!(
            "SELECT m.conversation_id, m.id, m.external_id, m.author, m.subject, m.text, m.meta, m.sent_at, m.deleted_at, m.decision_id, d.action \
             FROM messages m LEFT JOIN decisions d ON d.id = m.decision_id \
             WHERE m.conversation_id IN {} AND (m.seq > COALESCE((SELECT n.seq FROM messages n \
               WHERE n.conversation_id = m.conversation_id ORDER BY n.seq DESC LIMIT 1 OFFSET {HISTORY_MAX}), 0) \
               OR (m.decision_id IS NULL AND m.author = 'customer')) \
             ORDER BY m.seq",
            self.dialect.json_strings("$1")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&self.reads).await?;
        let mut by_conversation: HashMap<String, Vec<TurnMessage>> = HashMap::new();
        for row in &rows {
            let meta: MessageMeta =
                from_json("message meta", row.try_get::<String, _>("meta")?.as_str())?;
            if meta.notice.is_some() {
                continue;
            }
            by_conversation.entry(row.try_get("conversation_id")?).or_default().push(TurnMessage {
                id: MessageId::from_stored(row.try_get::<String, _>("id")?),
                external_id: row.try_get("external_id")?,
                author: word(row, "author", Author::parse)?,
                subject: row.try_get("subject")?,
                text: row.try_get("text")?,
                flags: meta.flags,
                given: meta.given,
                choices: meta.choices,
                at: moment(row.try_get("sent_at")?),
                decided: row.try_get::<Option<String>, _>("decision_id")?.is_some(),
                decided_as: row.try_get("action")?,
                deleted: row.try_get::<Option<i64>, _>("deleted_at")?.is_some(),
            });
        }
        Ok(by_conversation)
    }

    async fn load_recent(
        &self,
        ids: &str,
        since: DateTime<Utc>,
    ) -> Result<HashMap<String, Vec<(Option<String>, bool)>>, StoreError> {
        let sql = format!(
            "SELECT c.id AS conversation, t.category, t.status FROM conversations c \
             JOIN tickets t ON t.customer_id = c.customer_id AND t.created_at >= $2 AND t.id <> c.ticket_id \
             WHERE c.customer_id IS NOT NULL AND c.id IN {} ORDER BY t.created_at DESC LIMIT 1000",
            self.dialect.json_strings("$1")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(ids)
            .bind(millis(since))
            .fetch_all(&self.reads)
            .await?;
        let mut by_conversation: HashMap<String, Vec<(Option<String>, bool)>> = HashMap::new();
        for row in &rows {
            let status: TicketStatus = word(row, "status", TicketStatus::parse)?;
            by_conversation
                .entry(row.try_get("conversation")?)
                .or_default()
                .push((row.try_get("category")?, status.is_open()));
        }
        Ok(by_conversation)
    }
}

fn snapshot(row: &sqlx::any::AnyRow) -> Result<TurnSnapshot, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let count = |column: &str| -> Result<u32, StoreError> {
        Ok(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    Ok(TurnSnapshot {
        tenant: TenantId::parse(&text("tenant")?).ok_or(StoreError::Unreadable("tenant"))?,
        conversation: ConversationId::from_stored(text("conversation")?),
        version: row.try_get("version")?,
        channel: word(row, "channel", Channel::parse)?,
        account: text("account")?,
        thread: handling::own_thread(&text("thread")?).to_owned(),
        contact: from_json("contact", &text("contact")?)?,
        profile: row
            .try_get::<Option<String>, _>("profile")?
            .map(|profile| from_json("customer", &profile))
            .transpose()?,
        language: row
            .try_get::<Option<String>, _>("language")?
            .as_deref()
            .and_then(Language::parse),
        owner: word(row, "owner", OwnerKind::parse)?,
        ai_turns: count("ai_turns")?,
        opted_out: row.try_get::<i64, _>("opted_out")? != 0,
        vault: text("vault")?,
        ticket: TicketId::from_stored(text("ticket")?),
        number: TicketNumber::new(u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0)),
        status: word(row, "status", TicketStatus::parse)?,
        tags: from_json("tags", &text("tags")?)?,
        escalations: count("escalations")?,
        overrides: from_json("overrides", &text("overrides")?)?,
        queue: row.try_get("queue")?,
        level: row.try_get("level")?,
        rates: row.try_get::<Option<String>, _>("rates")?.map(TicketId::from_stored),
        messages: Vec::new(),
        recent: Vec::new(),
    })
}

/// Reads a column that holds one of an enum's words.
pub(super) fn word<T>(
    row: &sqlx::any::AnyRow,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    parse(&text).ok_or(StoreError::Unreadable(column))
}
