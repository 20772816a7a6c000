//! What is to leave. A row is compared with the conversation in the same transaction that marks it
//! *sending*: what was overtaken is retired, never sent. Rows that a crash left in *sending* are
//! *unknown* unless the receiver honours the row's key.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::endings::{self, audit_row};
use super::lanes::Lane;
use super::many::with_rows;
use super::switches::STOPPED;
use super::{Dialect, Store, StoreError, from_json, marks, millis, moment, to_json};
use crate::domain::channel::Channel;
use crate::domain::ids::{AttachmentId, OutboxId, TenantId};
use crate::domain::labels::Locale;
use crate::domain::mark::{Mark, MarkKey};
use crate::domain::message::Contact;

/// What leaves, and for whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OutboxBody {
    /// The conversation's thread key on its channel.
    pub thread: String,
    /// Whom it is for.
    pub to: Contact,
    /// The ticket's number, with its check digit.
    pub ticket_number: String,
    /// Subject line, for channels that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The words.
    pub text: String,
    /// The locale of the words.
    pub locale: Locale,
    /// The customer's message that this answers, by its sender's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// The queue that gets the ticket if this cannot be delivered.
    pub fallback_queue: String,
    /// The network's approved template that carries it, outside the time in which free text may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Short answers that the customer can tap, at most three. Where nothing is set to show them, the words have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The files that go with it, in this order; `GET /v1/attachments/{id}` returns their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
}

/// A row that was marked *sending* and must now be handed to its network.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The row's id: the idempotency key.
    pub id: OutboxId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The way out.
    pub channel: Channel,
    /// The business's account.
    pub account: String,
    /// The conversation.
    pub conversation: String,
    /// The ticket.
    pub ticket: String,
    /// Who says it: ai, agent or system.
    pub author: String,
    /// The person who wrote or approved it.
    pub person: Option<String>,
    /// What it is: reply, safety, or the kind of a notice.
    pub kind: String,
    /// This attempt, from 1.
    pub attempt: u32,
    /// What leaves.
    pub body: OutboxBody,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// The network has it.
    Sent,
    /// The network has it and calls it so; how far it comes is told later.
    Accepted(String),
    /// Try again at this moment, under the same key.
    RetryAt(DateTime<Utc>, String),
    /// It was not tried: at this moment again, as if this attempt had not been.
    NotTried(DateTime<Utc>),
    /// It may have arrived. The network's own word is waited for until this moment; then it is as good as unknown.
    Awaiting(DateTime<Utc>, String),
    /// It will never be taken; a person must see to it.
    Failed(String),
    /// It may have arrived; a person must look, nobody repeats it.
    Unknown(String),
}

/// A row as readers of the outbox see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct OutboxRow {
    /// The cursor of this row.
    pub position: i64,
    /// The row's id: the idempotency key.
    pub id: OutboxId,
    /// The ticket.
    pub ticket_id: String,
    /// The way out.
    pub channel: Channel,
    /// The business's account.
    pub account: String,
    /// ai, agent or system.
    pub author: String,
    /// sent, failed or unknown.
    pub state: String,
    /// Why it failed or is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What leaves.
    #[serde(flatten)]
    pub body: OutboxBody,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

pub(super) struct NewRow<'a> {
    pub(super) id: &'a str,
    pub(super) tenant: &'a str,
    pub(super) conversation: &'a str,
    pub(super) ticket: &'a str,
    pub(super) author: &'a str,
    pub(super) author_ref: Option<&'a str>,
    pub(super) kind: &'a str,
    pub(super) automatic: bool,
    pub(super) compare_version: bool,
    pub(super) body: &'a OutboxBody,
    pub(super) version: i64,
    pub(super) epoch: i64,
    pub(super) draft: Option<&'a str>,
    /// When it leaves at the earliest; `None` at once.
    pub(super) leaves_at: Option<DateTime<Utc>>,
}

/// Queues rows, at most `ROWS_MAX`, for the network of their conversation.
pub(super) async fn insert_rows(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    rows: &[NewRow<'_>],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let columns = [
        "id",
        "tenant",
        "conversation",
        "ticket",
        "author",
        "author_ref",
        "kind",
        "automatic",
        "compare_version",
        "body",
        "version",
        "epoch",
        "draft",
        "due",
        "now",
    ];
    let sql = format!(
        "{}INSERT INTO outbox (id, tenant, conversation_id, ticket_id, channel, account, author, author_ref, kind, \
         automatic, compare_version, body, state, attempts, due_at, conversation_version, epoch, draft_id, created_at) \
         SELECT r.id, r.tenant, r.conversation, r.ticket, c.channel, c.account, r.author, r.author_ref, r.kind, \
         r.automatic, r.compare_version, r.body, 'queued', 0, r.due, r.version, r.epoch, r.draft, r.now \
         FROM r JOIN conversations c ON c.id = r.conversation",
        with_rows(Dialect::of(connection), &columns, rows.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
    for row in rows {
        query = query
            .bind(row.id)
            .bind(row.tenant)
            .bind(row.conversation)
            .bind(row.ticket)
            .bind(row.author)
            .bind(row.author_ref)
            .bind(row.kind)
            .bind(i64::from(row.automatic))
            .bind(i64::from(row.compare_version))
            .bind(to_json(row.body))
            .bind(row.version)
            .bind(row.epoch)
            .bind(row.draft)
            .bind(millis(row.leaves_at.unwrap_or(now)))
            .bind(millis(now));
    }
    query.execute(connection).await?;
    Ok(())
}

impl Claimed {
    /// True for a notice: it answers nothing, and nothing hangs on its arrival.
    pub(super) fn is_notice(&self) -> bool {
        is_notice(&self.kind)
    }
}

fn is_notice(kind: &str) -> bool {
    kind != "reply" && kind != "safety"
}

impl Store {
    /// Ends an attempt. A sent row becomes a message of its conversation; a failed or unknown one
    /// hands the ticket to people.
    pub async fn finish_outbox(
        &self,
        now: DateTime<Utc>,
        row: &Claimed,
        end: DeliveryEnd,
        message: crate::domain::ids::MessageId,
    ) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            Box::pin(
                async move { endings::finish(connection, now, &row, &end, message.as_str()).await },
            )
        })
        .await
    }

    /// Returns the rows that a crash left in *sending*.
    pub async fn stranded_outbox(&self) -> Result<Vec<Claimed>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, tenant, channel, account, conversation_id, ticket_id, author, author_ref, kind, attempts, body, \
             created_at FROM outbox WHERE audience = 'customer' AND state = 'sending' ORDER BY seq",
        )
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(claimed).collect()
    }

    /// Returns a conversation's latest message of the customer, by the sender's id, and when it was sent.
    pub async fn latest_inbound(
        &self,
        conversation: &str,
    ) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "SELECT external_id, sent_at FROM messages WHERE conversation_id = $1 AND author = 'customer' \
             AND external_id IS NOT NULL ORDER BY seq DESC LIMIT 1",
        )
        .bind(conversation)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|(id, at)| (id, moment(at))))
    }

    /// Returns rows whose network has not said in time what became of them.
    pub async fn overdue_outbox(
        &self,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, tenant, channel, account, conversation_id, ticket_id, author, author_ref, kind, attempts, body, \
             created_at FROM outbox WHERE audience = 'customer' AND state = 'awaiting' AND due_at <= $1 ORDER BY due_at LIMIT $2",
        )
        .bind(millis(now))
        .bind(i64::from(max))
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(claimed).collect()
    }

    /// Returns rows that came to their end, in that order, after a position.
    pub async fn read_outbox(
        &self,
        tenant: &TenantId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT position, id, ticket_id, channel, account, author, state, error, body, created_at, finished_at \
             FROM outbox WHERE tenant = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxRow {
                    position: row.try_get("position")?,
                    id: OutboxId::from_stored(row.try_get::<String, _>("id")?),
                    ticket_id: row.try_get("ticket_id")?,
                    channel: super::turns::word(row, "channel", Channel::parse)?,
                    account: row.try_get("account")?,
                    author: row.try_get("author")?,
                    state: row.try_get("state")?,
                    error: row.try_get("error")?,
                    body: from_json("outbox body", &row.try_get::<String, _>("body")?)?,
                    created_at: moment(row.try_get("created_at")?),
                    finished_at: row.try_get::<Option<i64>, _>("finished_at")?.map(moment),
                })
            })
            .collect()
    }

    /// Counts rows per state.
    pub async fn outbox_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as("SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state")
            .fetch_all(&self.reads)
            .await?)
    }
}

pub(super) fn claimed(row: &AnyRow) -> Result<Claimed, StoreError> {
    let tenant: String = row.try_get("tenant")?;
    Ok(Claimed {
        id: OutboxId::from_stored(row.try_get::<String, _>("id")?),
        tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
        channel: super::turns::word(row, "channel", Channel::parse)?,
        account: row.try_get("account")?,
        conversation: row.try_get("conversation_id")?,
        ticket: row.try_get("ticket_id")?,
        author: row.try_get("author")?,
        person: row.try_get("author_ref")?,
        kind: row.try_get("kind")?,
        attempt: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(0),
        body: from_json("outbox body", &row.try_get::<String, _>("body")?)?,
        created_at: moment(row.try_get("created_at")?),
    })
}

/// Claims due rows of a lane. Returns how many were found, and those that leave.
pub(super) async fn claim(
    connection: &mut AnyConnection,
    (dialect, lane): (Dialect, &Lane),
    now: DateTime<Utc>,
    max: u32,
) -> Result<(usize, Vec<Claimed>), StoreError> {
    let lock = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE OF o, c SKIP LOCKED",
    };
    let sql = format!(
        "SELECT o.id, o.tenant, o.channel, o.account, o.conversation_id, o.ticket_id, o.author, o.author_ref, \
         o.attempts + 1 AS attempts, o.body, o.created_at, o.automatic, o.compare_version, o.kind, \
         o.conversation_version AS row_version, o.epoch AS row_epoch, c.version, c.owner, c.opted_out, c.customer_id, \
         COALESCE((SELECT epoch FROM tenants t WHERE t.tenant = o.tenant), 0) AS epoch, \
         (SELECT incident FROM tenants t WHERE t.tenant = o.tenant) AS incident, \
         (SELECT stopped_at FROM tenants t WHERE t.tenant = o.tenant) AS stopped \
         FROM outbox o JOIN conversations c ON c.id = o.conversation_id \
         WHERE o.audience = 'customer' AND o.state = 'queued' AND o.due_at <= $1 AND {} \
         ORDER BY o.due_at, o.seq LIMIT $2{lock}",
        lane.condition(dialect, "$3")
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(millis(now))
        .bind(i64::from(max))
        .bind(lane.keys())
        .fetch_all(&mut *connection)
        .await?;
    let mut ready = Vec::with_capacity(rows.len());
    for row in &rows {
        let claimed = claimed(row)?;
        if let Some(why) = overtaken_by(row)? {
            retire(connection, now, &claimed, why).await?;
        } else {
            ready.push((claimed, row.try_get("customer_id")?));
        }
    }
    let (ready, unreached) = without_marked(connection, now, ready).await?;
    let all = ready.iter().chain(unreached.iter().map(|(row, _)| row));
    let ids: Vec<&OutboxId> = all.map(|row| &row.id).collect();
    let sql = format!(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id IN {}",
        dialect.json_strings("$1")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(to_json(&ids)).execute(&mut *connection).await?;
    for (row, why) in &unreached {
        let end = DeliveryEnd::Failed(why.clone());
        endings::finish(connection, now, row, &end, "").await?;
    }
    Ok((rows.len(), ready))
}

/// Rows that leave, and those that end here because nothing arrives where they go, with the reason.
type Parted = (Vec<Claimed>, Vec<(Claimed, String)>);

/// Takes out what may not leave by itself for what is known of whom it is for: notices to whoever wants nothing unasked,
/// and whatever no person wrote to where nothing arrives. People may try all the same.
async fn without_marked(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ready: Vec<(Claimed, Option<String>)>,
) -> Result<Parted, StoreError> {
    let by_itself = |row: &Claimed| row.author != "agent" && row.kind != "safety";
    let keys: Vec<(usize, String, MarkKey)> = ready
        .iter()
        .enumerate()
        .filter(|(_, (row, _))| by_itself(row))
        .flat_map(|(at, (row, customer))| {
            let tenant = row.tenant.as_str().to_owned();
            let keys = marks::keys_of_row(row, customer.clone()).into_iter();
            keys.map(move |key| (at, tenant.clone(), key))
        })
        .collect();
    let asked: Vec<(&str, &MarkKey)> =
        keys.iter().map(|(_, tenant, key)| (tenant.as_str(), key)).collect();
    let mut found: Vec<Vec<marks::Found>> = ready.iter().map(|_| Vec::new()).collect();
    for mark in marks::standing_of(connection, &asked).await? {
        let at = keys.get(mark.place).map(|(at, ..)| *at);
        if let Some(marks) = at.and_then(|at| found.get_mut(at)) {
            marks.push(mark);
        }
    }
    let (mut leaving, mut unreached) = (Vec::with_capacity(ready.len()), Vec::new());
    for ((row, _), marks) in ready.into_iter().zip(found) {
        if row.is_notice() && marks.iter().any(|one| one.mark == Mark::OptedOut) {
            retire(connection, now, &row, "contact opted out").await?;
            continue;
        }
        match marks.iter().find(|one| marks::hinders(one, row.channel)) {
            Some(mark) => {
                let code = mark.reason.as_deref().unwrap_or("no code");
                let since = mark.at.format("%Y-%m-%d");
                let why = format!(
                    "nothing arrives at this address ({code}, since {since}): it is not written to until they write again"
                );
                unreached.push((row, why));
            }
            None => leaving.push(row),
        }
    }
    Ok((leaving, unreached))
}

/// Names what came between the decision and the sending; `None` when nothing did.
fn overtaken_by(row: &AnyRow) -> Result<Option<&'static str>, StoreError> {
    let number = |column: &str| row.try_get::<i64, _>(column);
    let kind: String = row.try_get("kind")?;
    if kind == "safety" {
        return Ok(None);
    }
    if is_notice(&kind) {
        return Ok((number("opted_out")? == 1).then_some("contact opted out"));
    }
    let owner: String = row.try_get("owner")?;
    let automatic = number("automatic")? == 1;
    Ok(if number("compare_version")? == 1 && number("version")? != number("row_version")? {
        Some("conversation moved on")
    } else if number("opted_out")? == 1 && automatic {
        Some("contact opted out")
    } else if automatic && row.try_get::<Option<i64>, _>("stopped")?.is_some() {
        Some(STOPPED)
    } else if automatic && row.try_get::<Option<String>, _>("incident")?.is_some() {
        Some("incident declared")
    } else if automatic && number("epoch")? != number("row_epoch")? {
        Some("policy changed")
    } else if automatic && owner != "ai" {
        Some("conversation taken over")
    } else {
        None
    })
}

/// Takes a row back that has not left.
pub(super) async fn retire(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    why: &'static str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE outbox SET state = 'retired', error = $1, finished_at = $2 WHERE id = $3")
        .bind(why)
        .bind(millis(now))
        .bind(row.id.as_str())
        .execute(&mut *connection)
        .await?;
    if row.is_notice() {
        return audit_row(connection, now, row, "notice.retired", why).await;
    }
    // The customer still waits: the turn is decided anew under what holds now. A new message has
    // queued a job already.
    sqlx::query(
        "INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, attempts, created_at) \
         VALUES ($1, $2, 'message', 'turn', $3, $4, $4, 'pending', 0, $4) ON CONFLICT (kind, subject) DO NOTHING",
    )
    .bind(row.id.as_str().replacen("out_", "job_", 1))
    .bind(row.tenant.as_str())
    .bind(&row.conversation)
    .bind(millis(now))
    .execute(&mut *connection)
    .await?;
    audit_row(connection, now, row, "reply.retired", why).await
}
