//! Tickets whose moment has come: found along an index, loaded many at once, and written back only if nothing
//! happened to them meanwhile.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::history::{Asked, Line, fold, signals_of};
use super::people::NewNotification;
use super::turns::word;
use super::{
    OutboxBody, Store, StoreError, TicketFacts, from_json, handling, millis, moment, to_json,
};
use crate::domain::channel::Channel;
use crate::domain::ids::{OutboxId, TenantId, TicketNumber};
use crate::domain::labels::{Language, Urgency};
use crate::domain::message::Contact;
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::policy::clocks::{ClockKind, History, SlaState};
use crate::policy::lifecycle::Callback;
use crate::policy::notices::NoticeKind;

/// A line of a ticket's trail that nobody was told of yet.
#[derive(Clone, Debug)]
pub struct News {
    /// Its number in the trail.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// What happened.
    pub action: String,
    /// What was so afterwards.
    pub after: Value,
    /// Why.
    pub cause: Option<String>,
}

/// A ticket to look at.
#[derive(Clone, Debug)]
pub struct DueTicket {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its conversation.
    pub conversation: String,
    /// True while the conversation is this ticket's and not a later one's.
    pub is_current: bool,
    /// Its revision; another one means that something happened.
    pub rev: i64,
    /// Its number.
    pub number: TicketNumber,
    /// Its stage.
    pub status: TicketStatus,
    /// Who has the conversation.
    pub owner: OwnerKind,
    /// By name.
    pub owner_ref: Option<String>,
    /// Until when.
    pub owner_until: Option<DateTime<Utc>>,
    /// The conversation's version.
    pub version: i64,
    /// The agent who has it.
    pub assignee: Option<String>,
    /// Its queue.
    pub queue: Option<String>,
    /// Its level there.
    pub level: Option<String>,
    /// How its customer feels.
    pub sentiment: Option<String>,
    /// The language of the conversation.
    pub language: Option<Language>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What clocks need to know.
    pub facts: TicketFacts,
    /// Whom replies go to.
    pub contact: Contact,
    /// The customer's name as the business knows it.
    pub customer_name: Option<String>,
    /// The conversation's key on its channel.
    pub thread: String,
    /// Subject line.
    pub subject: Option<String>,
    /// The customer's latest message by its sender's id.
    pub in_reply_to: Option<String>,
    /// The contact asked to receive nothing more.
    pub opted_out: bool,
    /// Put aside until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The promised call.
    pub callback: Option<Callback>,
    /// The customer's rating, 1 to 5.
    pub csat: Option<i64>,
    /// When it was asked for.
    pub csat_asked_at: Option<DateTime<Utc>>,
    /// When the customer last wrote.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// What happened.
    pub history: History,
    /// When an agent last did anything with it.
    pub last_act: Option<DateTime<Utc>>,
    /// True while a message of the customer waits for its decision.
    pub undecided: bool,
    /// The time to acknowledge that the latest escalation's rules gave.
    pub acknowledge_within: Option<Duration>,
    /// Timers that were acted on, by their keys.
    pub done: HashSet<String>,
    /// What nobody was told of yet.
    pub news: Vec<News>,
    /// The last line of its trail.
    pub last_seq: i64,
    /// How it stood when it was last looked at.
    pub state: SlaState,
    /// Why it was late.
    pub breach_reason: Option<String>,
}

/// What a look at a ticket changes besides its deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// People have it from now on: this queue at this level, whoever had it before. True marks it as escalated.
    ToPeople(String, Option<String>, bool),
    /// An agent has it until then, to take or to let lapse.
    Assign(String, DateTime<Utc>),
    /// It is over.
    Close,
    /// It is no longer put aside.
    Wake,
    /// The promised time is over.
    DropCallback,
    /// The satisfaction question was asked.
    AskedForCsat,
}

/// A line for the trail.
#[derive(Clone, Debug)]
pub struct TrailLine {
    /// What happened.
    pub action: &'static str,
    /// What is so from now on; with `timer`, the key of the timer that was acted on.
    pub after: Value,
    /// Why.
    pub cause: Option<String>,
}

/// A notice to the customer.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Its id.
    pub id: OutboxId,
    /// What it tells.
    pub kind: NoticeKind,
    /// What leaves.
    pub body: OutboxBody,
    /// The incident that it tells of.
    pub incident: Option<String>,
}

/// What a look at a ticket came to.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The ticket as it was loaded.
    pub ticket: DueTicket,
    /// The epoch that its deadlines were judged by.
    pub epoch: i64,
    /// How it stands.
    pub state: SlaState,
    /// The clock that is late first.
    pub clock: Option<ClockKind>,
    /// When.
    pub due: Option<DateTime<Utc>>,
    /// Why it is late.
    pub breach_reason: Option<String>,
    /// Its place in its queue.
    pub rank: DateTime<Utc>,
    /// When it is looked at next; `None` once it is over for good.
    pub next: Option<DateTime<Utc>>,
    /// What is added to its trail.
    pub lines: Vec<TrailLine>,
    /// What changes.
    pub moves: Vec<Move>,
    /// What the customer is told.
    pub notices: Vec<NewNotice>,
    /// What people are told.
    pub notifications: Vec<NewNotification>,
}

impl Looked {
    pub(super) fn is_quiet(&self) -> bool {
        self.lines.is_empty()
            && self.moves.is_empty()
            && self.notices.is_empty()
            && self.notifications.is_empty()
    }
}

impl Store {
    /// Loads up to `max` tickets whose moment has come, the most overdue first.
    pub async fn due_tickets(
        &self,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<DueTicket>, StoreError> {
        let ids: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM tickets WHERE clock_at IS NOT NULL AND clock_at <= $1 ORDER BY clock_at LIMIT $2",
        )
        .bind(millis(now))
        .bind(i64::from(max))
        .fetch_all(&self.reads)
        .await?;
        self.load_tickets(&ids.into_iter().map(|(id,)| id).collect::<Vec<_>>()).await
    }

    /// Loads up to `max` live tickets whose deadlines were judged by another policy or without an incident.
    pub async fn tickets_of_old_epoch(
        &self,
        tenant: &TenantId,
        epoch: i64,
        max: u32,
    ) -> Result<Vec<DueTicket>, StoreError> {
        let ids: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM tickets WHERE clock_at IS NOT NULL AND clock_epoch > 0 AND tenant = $1 AND clock_epoch < $2 \
             ORDER BY clock_epoch LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(epoch)
        .bind(i64::from(max))
        .fetch_all(&self.reads)
        .await?;
        self.load_tickets(&ids.into_iter().map(|(id,)| id).collect::<Vec<_>>()).await
    }

    /// Returns when the next ticket is to be looked at.
    pub async fn next_look(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: (Option<i64>,) =
            sqlx::query_as("SELECT MIN(clock_at) FROM tickets WHERE clock_at IS NOT NULL")
                .fetch_one(&self.reads)
                .await?;
        Ok(row.0.map(moment))
    }

    pub(super) async fn load_tickets(&self, ids: &[String]) -> Result<Vec<DueTicket>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = to_json(&ids);
        let listed = self.dialect.json_strings("$1");
        let asked = format!(
            "SELECT m.ticket_id, m.decision_id, m.sent_at, m.external_id FROM messages m \
             JOIN tickets t ON t.id = m.ticket_id AND t.conversation_id = m.conversation_id \
             WHERE t.id IN {listed} AND m.author = 'customer' ORDER BY m.seq"
        );
        let mut messages: HashMap<String, Vec<Message>> = HashMap::new();
        for row in sqlx::query(sqlx::AssertSqlSafe(asked)).bind(&ids).fetch_all(&self.reads).await?
        {
            messages.entry(row.try_get("ticket_id")?).or_default().push(Message {
                decision: row.try_get("decision_id")?,
                at: moment(row.try_get("sent_at")?),
                external_id: row.try_get("external_id")?,
            });
        }
        let trail = format!(
            "SELECT ticket_id, seq, at, actor, action, after, cause FROM audit WHERE ticket_id IN {listed} ORDER BY seq"
        );
        let mut lines: HashMap<String, Vec<News>> = HashMap::new();
        for row in sqlx::query(sqlx::AssertSqlSafe(trail)).bind(&ids).fetch_all(&self.reads).await?
        {
            let after: Option<String> = row.try_get("after")?;
            lines.entry(row.try_get("ticket_id")?).or_default().push(News {
                seq: row.try_get("seq")?,
                at: moment(row.try_get("at")?),
                actor: row.try_get("actor")?,
                action: row.try_get("action")?,
                after: after.map_or(Ok(Value::Null), |text| from_json("audit entry", &text))?,
                cause: row.try_get("cause")?,
            });
        }
        let tickets = format!(
            "SELECT t.id, t.tenant, t.conversation_id, t.clock_rev, t.number, t.status, t.assignee, t.queue, t.level, \
             t.sentiment, t.tags, t.channel, t.category, t.subcategory, t.urgency, t.fields, t.subject, t.snoozed_until, \
             t.callback_from, t.callback_until, t.csat, t.csat_asked_at, t.created_at, t.trail_seen, t.sla_state, \
             t.breach_reason, c.ticket_id AS current_ticket, c.owner, c.owner_ref, c.owner_until, c.version, c.contact, c.thread, \
             c.language, c.opted_out, c.last_inbound_at, k.profile \
             FROM tickets t JOIN conversations c ON c.id = t.conversation_id LEFT JOIN customers k ON k.id = t.customer_id \
             WHERE t.id IN {listed}"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(tickets)).bind(&ids).fetch_all(&self.reads).await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get("id")?;
                let messages = messages.remove(&id).unwrap_or_default();
                let lines = lines.remove(&id).unwrap_or_default();
                due_ticket(row, &messages, lines)
            })
            .collect()
    }
}

struct Message {
    decision: Option<String>,
    at: DateTime<Utc>,
    external_id: Option<String>,
}

fn due_ticket(
    row: &AnyRow,
    messages: &[Message],
    lines: Vec<News>,
) -> Result<DueTicket, StoreError> {
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
    };
    let id: String = row.try_get("id")?;
    let tenant: String = row.try_get("tenant")?;
    let fields: Value = from_json("fields", &row.try_get::<String, _>("fields")?)?;
    let profile: Value =
        text("profile")?.map_or(Ok(Value::Null), |text| from_json("customer", &text))?;
    let of_profile = |key: &str| profile.get(key).and_then(Value::as_str).map(str::to_owned);
    let created_at = moment(row.try_get("created_at")?);
    let asked: Vec<Asked<'_>> = messages
        .iter()
        .map(|message| Asked { at: message.at, decision: message.decision.as_deref() })
        .collect();
    let trail =
        lines.iter().map(|line| Line { at: line.at, action: &line.action, after: &line.after });
    let history = fold(created_at, trail, &asked);
    let seen: i64 = row.try_get("trail_seen")?;
    let escalation = lines.iter().rev().find(|line| {
        line.action == "turn.decided" && line.after.get("action").is_some_and(|a| a == "escalate")
    });
    let within = escalation.and_then(|line| line.after.get("within_mins")).and_then(Value::as_i64);
    let done = lines
        .iter()
        .filter_map(|line| line.after.get("timer").and_then(Value::as_str))
        .map(str::to_owned)
        .collect();
    let call = when("callback_from")?.zip(when("callback_until")?);
    let urgency = text("urgency")?.as_deref().and_then(Urgency::parse).unwrap_or(Urgency::Normal);
    Ok(DueTicket {
        is_current: row.try_get::<String, _>("current_ticket")? == id,
        id,
        tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
        conversation: row.try_get("conversation_id")?,
        rev: row.try_get("clock_rev")?,
        number: TicketNumber::new(u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0)),
        status: word(row, "status", TicketStatus::parse)?,
        owner: word(row, "owner", OwnerKind::parse)?,
        owner_ref: text("owner_ref")?,
        owner_until: when("owner_until")?,
        version: row.try_get("version")?,
        assignee: text("assignee")?,
        queue: text("queue")?,
        sentiment: text("sentiment")?,
        language: text("language")?.as_deref().and_then(Language::parse),
        tags: from_json("tags", &row.try_get::<String, _>("tags")?)?,
        facts: TicketFacts {
            priority: urgency,
            plan: of_profile("plan"),
            category: text("category")?,
            subcategory: text("subcategory")?,
            channel: word(row, "channel", Channel::parse)?,
            level: text("level")?,
            signals: signals_of(&fields),
            incidents: Vec::new(),
        },
        level: text("level")?,
        contact: from_json("contact", &row.try_get::<String, _>("contact")?)?,
        customer_name: of_profile("name"),
        thread: handling::own_thread(&row.try_get::<String, _>("thread")?).to_owned(),
        subject: text("subject")?,
        in_reply_to: messages.last().and_then(|message| message.external_id.clone()),
        opted_out: row.try_get::<i64, _>("opted_out")? != 0,
        snoozed_until: when("snoozed_until")?,
        callback: call.map(|(from, until)| Callback { from, until }),
        csat: row.try_get("csat")?,
        csat_asked_at: when("csat_asked_at")?,
        last_inbound_at: when("last_inbound_at")?,
        created_at,
        history,
        last_act: lines.iter().rev().find(|line| line.actor.starts_with("agent:")).map(|l| l.at),
        undecided: messages.iter().any(|message| message.decision.is_none()),
        acknowledge_within: within.map(Duration::minutes),
        done,
        last_seq: lines.last().map_or(seen, |line| line.seq),
        news: lines.into_iter().filter(|line| line.seq > seen).collect(),
        state: word(row, "sla_state", SlaState::parse)?,
        breach_reason: text("breach_reason")?,
    })
}
