//! Replies that did not arrive, or perhaps did not, sent again by a person: once for each, however many press the button.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::actions::{Actor, Change, Outcome, Refused, ReplyRequest, apply, lock_ticket};
use super::outbox::OutboxBody;
use super::{Dialect, Store, StoreError, audit, from_json, marks, no_nul, to_json};
use crate::domain::ids::{OutboxId, TenantId, TicketId};

/// What the id of a reply ends with that goes out once more. No id of its own has this letter, so the place is taken by
/// whoever comes first.
const AGAIN: char = 'r';

/// A reply that is to leave once more.
#[derive(Clone, Debug)]
pub struct Retry {
    /// The one that did not arrive.
    pub failed: OutboxId,
    /// True where the agent knows that it may arrive twice.
    pub sure: bool,
    /// The agent keeps the conversation until then.
    pub hold_until: DateTime<Utc>,
    /// Until when it can be called back.
    pub leaves_at: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is on its way.
    Queued(OutboxId),
    /// Somebody sent it again before.
    Repeated,
    /// It may have arrived, and nobody said that twice is well.
    Doubtful,
    /// It arrived after all, or is still on its way.
    NotFailed,
    /// Nothing arrives at the address, since then.
    Unreachable(DateTime<Utc>),
    /// The ticket has no such reply, or its words are forgotten.
    NotFound,
    /// What holds for every reply forbids it.
    Refused(Refused),
}

/// Returns the id of a reply that goes out once more.
pub fn id_again(failed: &str) -> String {
    format!("{failed}{AGAIN}")
}

impl Store {
    /// Sends a reply again that failed or whose end nobody knows.
    pub async fn retry_reply(
        &self,
        now: DateTime<Utc>,
        (tenant, ticket): (&TenantId, &TicketId),
        actor: Actor,
        retry: Retry,
    ) -> Result<Retried, StoreError> {
        let (dialect, tenant, ticket) = (self.dialect, tenant.clone(), ticket.clone());
        self.write(move |connection| {
            Box::pin(async move {
                send_again(connection, dialect, now, (&tenant, &ticket), (&actor, &retry)).await
            })
        })
        .await
    }
}

async fn send_again(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    (tenant, ticket): (&TenantId, &TicketId),
    (actor, retry): (&Actor, &Retry),
) -> Result<Retried, StoreError> {
    let Some(ticket) = lock_ticket(connection, dialect, tenant, ticket).await? else {
        return Ok(Retried::NotFound);
    };
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT state, body FROM outbox WHERE id = $1 AND tenant = $2 AND ticket_id = $3 AND audience = 'customer' \
         AND kind IN ('reply', 'safety')",
    )
    .bind(no_nul(retry.failed.as_str()))
    .bind(tenant.as_str())
    .bind(&ticket.id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((state, body)) = row else { return Ok(Retried::NotFound) };
    let id = OutboxId::from_stored(id_again(retry.failed.as_str()));
    let known: Option<(String,)> = sqlx::query_as("SELECT id FROM outbox WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    match state.as_str() {
        _ if known.is_some() => return Ok(Retried::Repeated),
        "unknown" if !retry.sure => return Ok(Retried::Doubtful),
        "failed" | "unknown" => {}
        _ => return Ok(Retried::NotFailed),
    }
    let body: OutboxBody = from_json("outbox body", &body)?;
    if body.text.is_empty() && body.attachments.is_empty() {
        return Ok(Retried::NotFound);
    }
    let keys = marks::keys_of_conversation(connection, &ticket.conversation).await?;
    let marks = marks::standing(connection, tenant.as_str(), &keys).await?;
    if let Some(mark) = marks.iter().find(|mark| marks::hinders(mark, ticket.channel)) {
        return Ok(Retried::Unreachable(mark.at));
    }
    let reply = ReplyRequest {
        id: id.clone(),
        text: body.text,
        locale: body.locale,
        attachments: body.attachments,
        hold_until: retry.hold_until,
        leaves_at: Some(retry.leaves_at),
        once: None,
    };
    match apply(connection, now, &ticket, actor, &Change::Reply(reply)).await? {
        Outcome::Done(_) => {}
        Outcome::Repeated(_) => return Ok(Retried::Repeated),
        Outcome::NotFound => return Ok(Retried::NotFound),
        Outcome::Refused(refused) => return Ok(Retried::Refused(refused)),
    }
    audit::append(
        connection,
        audit::Entry {
            tenant: tenant.as_str(),
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &actor.audit_name(),
            action: "reply.retried",
            before: Some(to_json(&serde_json::json!({"outbox": retry.failed, "state": state}))),
            after: Some(to_json(&serde_json::json!({"outbox": id}))),
            cause: None,
        },
    )
    .await?;
    Ok(Retried::Queued(id))
}
