//! What people do with a ticket besides answering it: give it to somebody else, put it aside, promise a call, join two
//! tickets or part one in two (S6).

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::AnyConnection;

use super::actions::{Actor, Change, Made, NewOwner, Refused, TicketRef, set_status};
use super::{StoreError, audit, drafts, indexing, jobs, millis, no_nul, to_json};
use crate::domain::ids::{ConversationId, MessageId, TicketId};
use crate::domain::ticket::TicketStatus;

/// Parts a conversation's own thread key from the number of a ticket that was split off it.
pub(super) const SPLIT: char = '\u{1f}';

/// Who gets a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTo {
    /// A queue, at a level.
    Queue(String, Option<String>),
    /// An agent, until then.
    Agent(String, DateTime<Utc>),
}

/// The new ticket of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The messages that go to it.
    pub messages: Vec<MessageId>,
    /// Its id.
    pub ticket: TicketId,
    /// The id of its conversation.
    pub conversation: ConversationId,
}

pub(super) async fn transfer(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    to: &TransferTo,
) -> Result<Result<Made, Refused>, StoreError> {
    let (after, owner): (serde_json::Value, NewOwner) = match to {
        TransferTo::Queue(queue, level) => {
            sqlx::query(
                "UPDATE tickets SET queue = $1, level = $2, assignee = NULL, assigned_at = NULL, updated_at = $3, \
                 status = CASE WHEN status = 'new' THEN 'open' ELSE status END WHERE id = $4",
            )
            .bind(queue)
            .bind(level)
            .bind(millis(now))
            .bind(&ticket.id)
            .execute(connection)
            .await?;
            (json!({"queue": queue, "level": level}), ("queue", Some(queue.clone()), None))
        }
        TransferTo::Agent(agent, until) => {
            sqlx::query(
                "UPDATE tickets SET assignee = $1, assigned_at = $2, updated_at = $2, \
                 status = CASE WHEN status = 'new' THEN 'open' ELSE status END WHERE id = $3",
            )
            .bind(agent)
            .bind(millis(now))
            .bind(&ticket.id)
            .execute(connection)
            .await?;
            (json!({"agent": agent, "until": until}), ("agent", Some(agent.clone()), Some(*until)))
        }
    };
    let before = json!({"queue": ticket.queue, "owner": ticket.owner});
    Ok(Ok(Made { before, after, owner: Some(owner) }))
}

/// Puts a ticket aside until a moment, or takes it up again.
pub(super) async fn snooze(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    until: Option<DateTime<Utc>>,
) -> Result<Result<Made, Refused>, StoreError> {
    if !ticket.status.is_open() {
        return Ok(Err(Refused::Closed));
    }
    sqlx::query("UPDATE tickets SET snoozed_until = $1, updated_at = $2 WHERE id = $3")
        .bind(until.map(millis))
        .bind(millis(now))
        .bind(&ticket.id)
        .execute(connection)
        .await?;
    Ok(Ok(Made { before: json!({}), after: json!({"until": until}), owner: None }))
}

/// Promises a call between two moments, or takes the promise back because it was kept or is void.
pub(super) async fn callback(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<Result<Made, Refused>, StoreError> {
    if !ticket.status.is_open() {
        return Ok(Err(Refused::Closed));
    }
    sqlx::query(
        "UPDATE tickets SET callback_from = $1, callback_until = $2, updated_at = $3 WHERE id = $4",
    )
    .bind(span.map(|(from, _)| millis(from)))
    .bind(span.map(|(_, until)| millis(until)))
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    let after = span.map_or(json!({}), |(from, until)| json!({"from": from, "until": until}));
    Ok(Ok(Made { before: json!({}), after, owner: None }))
}

/// Joins a ticket to another one of the same business, which goes on alone.
pub(super) async fn merge(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    actor: &Actor,
    into: &TicketId,
) -> Result<Result<Made, Refused>, StoreError> {
    if into.as_str() == ticket.id {
        return Ok(Err(Refused::MergeInto("itself")));
    }
    let target: Option<(String, String, String)> = sqlx::query_as(
        "SELECT status, tags, conversation_id FROM tickets WHERE tenant = $1 AND id = $2",
    )
    .bind(&ticket.tenant)
    .bind(into.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((status, tags, conversation)) = target else {
        return Ok(Err(Refused::MergeInto("missing")));
    };
    if status == TicketStatus::Closed.as_str() {
        return Ok(Err(Refused::MergeInto("closed")));
    }
    let mut tags: Vec<String> = super::from_json("tags", &tags)?;
    tags.extend(ticket.tags.iter().cloned());
    tags.sort();
    tags.dedup();
    sqlx::query("UPDATE tickets SET tags = $1, updated_at = $2 WHERE id = $3")
        .bind(to_json(&tags))
        .bind(millis(now))
        .bind(into.as_str())
        .execute(&mut *connection)
        .await?;
    indexing::mark(connection, into.as_str()).await?;
    sqlx::query("UPDATE tickets SET merged_into = $1 WHERE id = $2")
        .bind(into.as_str())
        .bind(&ticket.id)
        .execute(&mut *connection)
        .await?;
    set_status(connection, now, ticket, TicketStatus::Closed.as_str()).await?;
    drafts::retire_proposed(connection, &[&ticket.id]).await?;
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(into.as_str()),
            conversation: Some(&conversation),
            actor: &actor.audit_name(),
            action: "ticket.took_over",
            before: None,
            after: Some(to_json(&json!({"merged": ticket.id}))),
            cause: None,
        },
    )
    .await?;
    let before = json!({"status": ticket.status});
    let after = json!({"status": "closed", "into": into});
    Ok(Ok(Made { before, after, owner: Some(("ai", None, None)) }))
}

/// Parts some of the customer's messages off into a ticket of their own, which is decided anew.
pub(super) async fn split(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    split: &Split,
) -> Result<Result<Made, Refused>, StoreError> {
    let sql = format!(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN id IN {} THEN 1 ELSE 0 END), 0) FROM messages \
         WHERE conversation_id = $2 AND author = 'customer'",
        super::Dialect::of(connection).json_strings("$1")
    );
    let (all, chosen): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(no_nul(&to_json(&split.messages)))
        .bind(&ticket.conversation)
        .fetch_one(&mut *connection)
        .await?;
    if chosen != super::many::to_int(split.messages.len()) || chosen == 0 || chosen >= all {
        return Ok(Err(Refused::Messages));
    }
    let (number,): (i64,) = sqlx::query_as(
        "INSERT INTO counters (tenant, name, value) VALUES ($1, 'ticket', 1) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value",
    )
    .bind(&ticket.tenant)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO conversations (id, tenant, channel, account, thread, customer_id, contact, language, version, fence, \
         owner, ai_turns, opted_out, ticket_id, vault, last_inbound_at, created_at, updated_at) \
         SELECT $1, tenant, channel, account, $2, customer_id, contact, language, 1, 1, 'ai', 0, opted_out, $3, vault, \
         last_inbound_at, $4, $4 FROM conversations WHERE id = $5",
    )
    .bind(split.conversation.as_str())
    .bind(format!("{}{SPLIT}{number}", own_thread(&ticket.thread)))
    .bind(split.ticket.as_str())
    .bind(millis(now))
    .bind(&ticket.conversation)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO tickets (id, tenant, number, conversation_id, customer_id, parent_id, channel, source_ref, status, \
         subject, fields, overrides, tags, escalations, created_at, updated_at, clock_at) \
         SELECT $1, tenant, $2, $3, customer_id, id, channel, source_ref, 'new', subject, '{}', '{}', '[]', 0, $4, $4, $4 \
         FROM tickets WHERE id = $5",
    )
    .bind(split.ticket.as_str())
    .bind(number)
    .bind(split.conversation.as_str())
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(&mut *connection)
    .await?;
    let sql = format!(
        "UPDATE messages SET conversation_id = $1, ticket_id = $2, decision_id = NULL WHERE conversation_id = $3 AND id IN {}",
        super::Dialect::of(connection).json_strings("$4")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(split.conversation.as_str())
        .bind(split.ticket.as_str())
        .bind(&ticket.conversation)
        .bind(to_json(&split.messages))
        .execute(&mut *connection)
        .await?;
    indexing::mark(connection, split.ticket.as_str()).await?;
    indexing::mark(connection, &ticket.id).await?;
    jobs::requeue_open_turn(connection, now, &ticket.tenant, split.conversation.as_str()).await?;
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(split.ticket.as_str()),
            conversation: Some(split.conversation.as_str()),
            actor: "worker",
            action: "ticket.opened",
            before: None,
            after: Some(to_json(&json!({"status": "new", "parent": ticket.id}))),
            cause: Some("split".to_owned()),
        },
    )
    .await?;
    let after = json!({"ticket": split.ticket, "messages": split.messages});
    Ok(Ok(Made { before: json!({}), after, owner: None }))
}

/// Returns the key by which a conversation's network knows it.
pub(super) fn own_thread(thread: &str) -> &str {
    thread.split(SPLIT).next().unwrap_or(thread)
}

/// True for what concerns the conversation itself, which a closed ticket may no longer have.
pub(super) fn takes_conversation(change: &Change) -> bool {
    matches!(
        change,
        Change::Claim(_)
            | Change::Release(_)
            | Change::Reply(_)
            | Change::Transfer(_)
            | Change::Merge(_)
            | Change::Split(_)
    )
}
