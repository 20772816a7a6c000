//! Replies that are called back in the seconds before they leave.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row};

use super::actions::{self, Actor, TicketRef};
use super::uploads::PART;
use super::{Store, StoreError, audit, from_json, millis, moment, to_json};
use crate::domain::ids::{OutboxId, TenantId, TicketId, TicketNumber};
use crate::domain::ticket::TicketStatus;

/// A reply that its agent can still call back.
#[derive(Clone, Debug)]
pub struct Recallable {
    /// The reply.
    pub id: OutboxId,
    /// Its ticket.
    pub ticket: TicketId,
    /// The ticket's number.
    pub number: String,
    /// The customer's name, as far as known.
    pub name: Option<String>,
    /// When it was approved.
    pub since: DateTime<Utc>,
    /// When it leaves.
    pub leaves_at: DateTime<Utc>,
}

/// What became of calling a reply back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// It stays here; its words are these.
    Back(TicketId, String),
    /// It has left, or its conversation moved on.
    TooLate(TicketId),
    /// There is no such reply of this agent's.
    NotFound,
}

/// What the trail and the outbox call it.
const CALLED_BACK: &str = "called back";

impl Store {
    /// Calls a reply back: its draft stands as before. Only who sent it can, and only until it leaves.
    pub async fn recall(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &Actor,
        outbox: &OutboxId,
    ) -> Result<Recalled, StoreError> {
        let (dialect, tenant) = (self.dialect, tenant.clone());
        let (actor, outbox) = (actor.clone(), outbox.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let row: Option<(String, String, Option<String>, i64, String)> = sqlx::query_as(
                    "SELECT ticket_id, state, draft_id, conversation_version, body FROM outbox WHERE tenant = $1 AND id = $2 \
                     AND author = 'agent' AND author_ref = $3",
                )
                .bind(tenant.as_str())
                .bind(outbox.as_str())
                .bind(&actor.name)
                .fetch_optional(&mut *connection)
                .await?;
                let Some((ticket, _, draft, version, body)) = row else {
                    return Ok(Recalled::NotFound);
                };
                let ticket = TicketId::from_stored(ticket);
                let locked = actions::lock_ticket(connection, dialect, &tenant, &ticket).await?;
                let Some(locked) = locked else { return Ok(Recalled::NotFound) };
                let back = sqlx::query(
                    "UPDATE outbox SET state = 'retired', error = $1, finished_at = $2 WHERE id = $3 AND state = 'queued' \
                     AND due_at > $2",
                )
                .bind(CALLED_BACK)
                .bind(millis(now))
                .bind(outbox.as_str())
                .execute(&mut *connection)
                .await?;
                if back.rows_affected() == 0 {
                    return Ok(Recalled::TooLate(ticket));
                }
                // The files that were to leave after it.
                sqlx::query(
                    "UPDATE outbox SET state = 'retired', error = $1, finished_at = $2 WHERE conversation_id = $3 \
                     AND state = 'queued' AND id LIKE $4",
                )
                .bind(CALLED_BACK)
                .bind(millis(now))
                .bind(&locked.conversation)
                .bind(format!("{outbox}{PART}%"))
                .execute(&mut *connection)
                .await?;
                let body: serde_json::Value = from_json("outbox body", &body)?;
                let text = body.get("text").and_then(serde_json::Value::as_str);
                let text = text.unwrap_or_default().to_owned();
                give_back(connection, now, &locked, (&actor, &outbox), draft.as_deref(), version)
                    .await?;
                Ok(Recalled::Back(ticket, text))
            })
        })
        .await
    }

    /// Returns the replies that an agent can still call back, the one that leaves first before the others.
    pub async fn recallable(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        agent: &str,
    ) -> Result<Vec<Recallable>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.id, o.ticket_id, o.created_at, o.due_at, t.number, c.contact FROM outbox o \
             JOIN tickets t ON t.id = o.ticket_id JOIN conversations c ON c.id = o.conversation_id \
             WHERE o.audience = 'customer' AND o.state = 'queued' AND o.due_at > $1 AND o.due_at < $2 AND o.tenant = $3 \
             AND o.author = 'agent' AND o.author_ref = $4 AND o.attempts = 0 AND o.id NOT LIKE $5 \
             ORDER BY o.due_at LIMIT 20",
        )
        .bind(millis(now))
        .bind(millis(now + chrono::Duration::minutes(1)))
        .bind(tenant.as_str())
        .bind(agent)
        .bind(format!("%{PART}%"))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                let contact: serde_json::Value =
                    from_json("contact", &row.try_get::<String, _>("contact")?)?;
                let number = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0);
                Ok(Recallable {
                    id: OutboxId::from_stored(row.try_get::<String, _>("id")?),
                    ticket: TicketId::from_stored(row.try_get::<String, _>("ticket_id")?),
                    number: TicketNumber::new(number).to_string(),
                    name: contact.get("name").and_then(|name| name.as_str()).map(str::to_owned),
                    since: moment(row.try_get("created_at")?),
                    leaves_at: moment(row.try_get("due_at")?),
                })
            })
            .collect()
    }

    /// Returns the words of the latest reply on a ticket that an agent called back and that nothing followed.
    pub async fn called_back(
        &self,
        tenant: &TenantId,
        ticket: &TicketId,
        agent: &str,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String, Option<String>, String)> = sqlx::query_as(
            "SELECT o.state, o.error, o.body FROM outbox o JOIN tickets t ON t.conversation_id = o.conversation_id \
             WHERE t.tenant = $1 AND t.id = $2 AND o.author = 'agent' AND o.author_ref = $3 AND o.id NOT LIKE $4 \
             ORDER BY o.seq DESC LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(ticket.as_str())
        .bind(agent)
        .bind(format!("%{PART}%"))
        .fetch_optional(&self.reads)
        .await?;
        let Some((state, error, body)) = row else { return Ok(None) };
        if state != "retired" || error.as_deref() != Some(CALLED_BACK) {
            return Ok(None);
        }
        let body: serde_json::Value = from_json("outbox body", &body)?;
        Ok(body.get("text").and_then(serde_json::Value::as_str).map(str::to_owned))
    }
}

/// Puts draft, owner and stage back as they were before the reply.
async fn give_back(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    (actor, outbox): (&Actor, &OutboxId),
    draft: Option<&str>,
    version: i64,
) -> Result<(), StoreError> {
    let current = actions::current_version(connection, ticket).await?;
    let moved_on = current != version;
    let mut owner = None;
    if let Some(draft) = draft {
        // A draft of a conversation that moved on is of no use to anybody.
        let state = if moved_on { "retired" } else { "proposed" };
        sqlx::query(
            "UPDATE drafts SET state = $1, decided_by = NULL, decided_at = NULL WHERE id = $2",
        )
        .bind(state)
        .bind(draft)
        .execute(&mut *connection)
        .await?;
        if !moved_on && ticket.owner == crate::domain::ticket::OwnerKind::Ai {
            owner = Some(("review", Some(actions::people_queue(connection, ticket).await?)));
        }
    }
    let owner = owner.as_ref().map(|(kind, name)| (*kind, name.as_deref(), None));
    actions::raise_version(connection, now, ticket, owner).await?;
    if ticket.status == TicketStatus::Pending {
        let earlier = status_before(connection, ticket).await?;
        actions::set_status(connection, now, ticket, earlier.as_str()).await?;
    }
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &actor.audit_name(),
            action: "reply.called_back",
            before: None,
            after: Some(to_json(&serde_json::json!({"outbox": outbox}))),
            cause: None,
        },
    )
    .await
}

/// Reads from the trail at which stage the ticket was when the reply was written.
async fn status_before(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
) -> Result<TicketStatus, StoreError> {
    let row: Option<(Option<String>,)> = sqlx::query_as(
        "SELECT before FROM audit WHERE ticket_id = $1 AND action IN ('draft.decided', 'reply.written') ORDER BY seq DESC LIMIT 1",
    )
    .bind(&ticket.id)
    .fetch_optional(connection)
    .await?;
    let before: serde_json::Value = row
        .and_then(|(before,)| before)
        .map_or(Ok(serde_json::Value::Null), |text| from_json("audit entry", &text))?;
    let status = before.get("status").and_then(|status| status.as_str());
    Ok(status
        .and_then(TicketStatus::parse)
        .filter(|status| status.is_open())
        .unwrap_or(TicketStatus::Open))
}
