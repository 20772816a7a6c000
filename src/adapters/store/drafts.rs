//! Drafts under review: approved, edited or rejected once, retired when anybody writes.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;

use super::actions::{self, Actor, TicketRef};
use super::many::places;
use super::outbox::{NewRow, OutboxBody, insert_rows};
use super::{Dialect, Store, StoreError, audit, millis, moment, no_nul, replies, to_json};
use crate::domain::ids::{OutboxId, TenantId, TicketId};
use crate::domain::ticket::OwnerKind;

/// What an agent does with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftAction {
    /// Sends it as it is.
    Approve,
    /// Sends these words instead.
    Edit(String),
    /// Does not send it, for this reason.
    Reject(String),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftOutcome {
    /// The reply is on its way.
    Queued(OutboxId),
    /// Nothing is sent; the ticket waits in its human queue.
    Rejected,
    /// No such ticket, or it has no draft.
    NotFound,
    /// Somebody or something was first.
    Conflict {
        /// The draft's state now.
        state: String,
        /// The latest draft's version.
        latest: i64,
        /// Who decided it, if a person did.
        by: Option<String>,
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// Another agent holds the conversation until then.
    HeldBy(String, DateTime<Utc>),
    /// The contact asked to receive nothing more; the draft can only be rejected.
    OptedOut,
}

/// Retires drafts that nobody has decided, because their conversations moved on. At most `ROWS_MAX`
/// tickets.
pub(super) async fn retire_proposed(
    connection: &mut AnyConnection,
    tickets: &[&str],
) -> Result<(), StoreError> {
    if tickets.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE drafts SET state = 'retired' WHERE state = 'proposed' AND ticket_id IN {}",
        places(Dialect::of(connection), 1, tickets.len())
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(tickets.len() == 1);
    tickets.iter().fold(query, |query, ticket| query.bind(*ticket)).execute(connection).await?;
    Ok(())
}

/// A decision of an agent on one draft.
#[derive(Clone, Debug)]
pub struct DraftDecision {
    /// Whose ticket.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The version of the draft that the agent saw.
    pub version: i64,
    /// What they do.
    pub action: DraftAction,
    /// Who.
    pub actor: Actor,
    /// The id a reply gets.
    pub outbox: OutboxId,
}

impl Store {
    /// Decides a draft, once: of two agents the second is told who was first.
    pub async fn decide_draft(
        &self,
        now: DateTime<Utc>,
        decision: DraftDecision,
    ) -> Result<DraftOutcome, StoreError> {
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move {
                let Some(ticket) =
                    actions::lock_ticket(connection, dialect, &decision.tenant, &decision.ticket)
                        .await?
                else {
                    return Ok(DraftOutcome::NotFound);
                };
                decide(connection, now, &ticket, &decision).await
            })
        })
        .await
    }
}

async fn decide(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    decision: &DraftDecision,
) -> Result<DraftOutcome, StoreError> {
    let row = sqlx::query(
        "SELECT id, state, decided_by, decided_at, text, locale, \
         (SELECT MAX(version) FROM drafts WHERE ticket_id = $1) AS latest FROM drafts WHERE ticket_id = $1 AND version = $2",
    )
    .bind(&ticket.id)
    .bind(decision.version)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(DraftOutcome::NotFound) };
    let state: String = row.try_get("state")?;
    if state != "proposed" {
        return Ok(DraftOutcome::Conflict {
            state,
            latest: row.try_get("latest")?,
            by: row.try_get("decided_by")?,
            at: row.try_get::<Option<i64>, _>("decided_at")?.map(moment),
        });
    }
    if let Some((agent, until)) = ticket.held_by_another(&decision.actor, now) {
        return Ok(DraftOutcome::HeldBy(agent, until));
    }
    if ticket.opted_out && !matches!(decision.action, DraftAction::Reject(_)) {
        return Ok(DraftOutcome::OptedOut);
    }
    let id: String = row.try_get("id")?;
    let draft_text: String = row.try_get("text")?;
    let (new_state, text, reason) = match &decision.action {
        DraftAction::Approve => ("approved", Some(draft_text), None),
        DraftAction::Edit(text) => ("edited", Some(no_nul(text)), None),
        DraftAction::Reject(reason) => ("rejected", None, Some(no_nul(reason))),
    };
    sqlx::query(
        "UPDATE drafts SET state = $1, decided_by = $2, decided_at = $3, reason = $4, final_text = $5 WHERE id = $6",
    )
    .bind(new_state)
    .bind(&decision.actor.name)
    .bind(millis(now))
    .bind(&reason)
    .bind(&text)
    .bind(&id)
    .execute(&mut *connection)
    .await?;
    let outcome = if let Some(text) = text {
        let locale: String = row.try_get("locale")?;
        let body = replies::reply_body(connection, ticket, text, &locale).await?;
        queue_reply(connection, now, ticket, decision, (&id, &body)).await?;
        DraftOutcome::Queued(decision.outbox.clone())
    } else {
        let queue = actions::people_queue(connection, ticket).await?;
        let people = Some(("queue", Some(queue.as_str()), None));
        actions::raise_version(connection, now, ticket, people).await?;
        DraftOutcome::Rejected
    };
    let after = serde_json::json!({"draft": id, "version": decision.version, "state": new_state});
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &decision.actor.audit_name(),
            action: "draft.decided",
            before: Some(to_json(&serde_json::json!({"state": "proposed"}))),
            after: Some(to_json(&after)),
            cause: None,
        },
    )
    .await?;
    Ok(outcome)
}

/// Queues the reviewed words, which leave only while the conversation stands as the agent saw it.
async fn queue_reply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    decision: &DraftDecision,
    (draft, body): (&str, &OutboxBody),
) -> Result<(), StoreError> {
    // Reviewed is done: the assistant has the conversation again, unless an agent keeps it.
    let owner = (ticket.owner == OwnerKind::Review).then_some(("ai", None, None));
    let version = actions::raise_version(connection, now, ticket, owner).await?;
    insert_rows(
        connection,
        now,
        &[NewRow {
            id: decision.outbox.as_str(),
            tenant: &ticket.tenant,
            conversation: &ticket.conversation,
            ticket: &ticket.id,
            author: "agent",
            author_ref: Some(&decision.actor.name),
            kind: "reply",
            automatic: false,
            compare_version: true,
            body,
            version,
            epoch: 0,
            draft: Some(draft),
        }],
    )
    .await?;
    actions::set_status(connection, now, ticket, "pending").await
}
