//! The end of a turn: decision, draft, replies, ticket and job in one transaction, or nothing.
//!
//! A turn that was overtaken (by a message, a takeover, a policy change, an incident) is not settled:
//! its job goes back and is worked on again with what is true now.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;

use super::jobs::LeasedJob;
use super::outbox::{NewRow, OutboxBody, insert_row};
use super::{Dialect, Store, StoreError, audit, drafts, millis, no_nul, to_json};
use crate::domain::confidence::Confidence;
use crate::domain::decision::Action;
use crate::domain::draft::DraftText;
use crate::domain::ids::{ConversationId, DecisionId, DraftId, MessageId, OutboxId, TicketId};
use crate::domain::labels::Urgency;
use crate::domain::ticket::{OwnerKind, TicketStatus};

/// Who has a conversation from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The kind of owner.
    pub kind: OwnerKind,
    /// Queue or agent, where the kind has one.
    pub name: Option<String>,
}

/// A draft to keep for review or as the record of what was sent.
#[derive(Clone, Debug)]
pub struct NewDraft {
    /// Its id.
    pub id: DraftId,
    /// Its words and ledger.
    pub draft: DraftText,
    /// The passages behind it, as JSON.
    pub passages: String,
}

/// A reply that leaves without a person.
#[derive(Clone, Debug)]
pub struct NewReply {
    /// Its id, which is also its idempotency key.
    pub id: OutboxId,
    /// What leaves.
    pub body: OutboxBody,
    /// True for the fixed safety text, which mode and incident do not hold back.
    pub safety: bool,
}

/// Everything that the end of a turn writes.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The job, with its lease.
    pub job: LeasedJob,
    /// The conversation.
    pub conversation: ConversationId,
    /// The version that the turn was loaded at.
    pub version: i64,
    /// The epoch that it was decided under.
    pub epoch: i64,
    /// The ticket.
    pub ticket: TicketId,
    /// The decision's id.
    pub decision: DecisionId,
    /// What happens.
    pub action: Action,
    /// What automatic mode would have done.
    pub would: Action,
    /// The queue of people.
    pub queue: Option<String>,
    /// The level there.
    pub level: Option<String>,
    /// The ticket's priority.
    pub priority: Urgency,
    /// Confidence in an automatic answer.
    pub confidence: Confidence,
    /// The decision record as JSON; masked.
    pub record: String,
    /// The rule ids that decided, for the audit trail.
    pub rules: Vec<String>,
    /// The messages that this turn covers for the first time.
    pub covered: Vec<MessageId>,
    /// The understood fields as JSON.
    pub fields: String,
    /// Category, subcategory, sentiment and language, as searched and listed.
    pub labels: TicketLabels,
    /// The conversation's masked values as JSON.
    pub vault: String,
    /// True when the contact asked to receive nothing more.
    pub opted_out: bool,
    /// The ticket's stage from now on.
    pub status: TicketStatus,
    /// The owner from now on; `None` leaves it with whoever has it.
    pub owner: Option<Owner>,
    /// The draft, if one was made.
    pub draft: Option<NewDraft>,
    /// What leaves at once.
    pub replies: Vec<NewReply>,
    /// With a reason, the job stays as a dead letter that people see.
    pub bury: Option<String>,
}

/// Labels of a ticket that lists show and filters use.
#[derive(Clone, Debug, Default)]
pub struct TicketLabels {
    /// Category.
    pub category: Option<String>,
    /// Subcategory.
    pub subcategory: Option<String>,
    /// Sentiment.
    pub sentiment: Option<String>,
    /// Language.
    pub language: Option<String>,
}

/// Whether a turn was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is on disk.
    Done,
    /// Something happened meanwhile; the job was given back and will be worked on again.
    Stale,
    /// The lease had lapsed; whoever has the job now settles it.
    LostLease,
}

impl Store {
    /// Settles a turn, unless it was overtaken.
    pub async fn settle(
        &self,
        now: DateTime<Utc>,
        settlement: Settlement,
    ) -> Result<Settled, StoreError> {
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move { settle(connection, dialect, now, &settlement).await })
        })
        .await
    }
}

async fn settle(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    turn: &Settlement,
) -> Result<Settled, StoreError> {
    let sql = format!(
        "SELECT c.version, j.lease, COALESCE((SELECT epoch FROM tenants WHERE tenant = c.tenant), 0) AS epoch \
         FROM conversations c JOIN jobs j ON j.id = $1 WHERE c.id = $2{}",
        dialect.lock("c, j")
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(turn.job.id.as_str())
        .bind(turn.conversation.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Settled::LostLease) };
    if row.try_get::<Option<String>, _>("lease")?.as_deref() != Some(turn.job.lease.0.as_str()) {
        return Ok(Settled::LostLease);
    }
    let current = row.try_get::<i64, _>("version")? == turn.version
        && row.try_get::<i64, _>("epoch")? == turn.epoch;
    if !current {
        // Being overtaken is not a failed attempt.
        sqlx::query(
            "UPDATE jobs SET lease = NULL, leased_until = NULL, attempts = attempts - 1 WHERE id = $1",
        )
        .bind(turn.job.id.as_str())
        .execute(connection)
        .await?;
        return Ok(Settled::Stale);
    }
    write_decision(connection, dialect, now, turn).await?;
    if let Some(draft) = &turn.draft {
        write_draft(connection, now, turn, draft).await?;
    }
    write_ticket(connection, now, turn).await?;
    for reply in &turn.replies {
        insert_row(
            connection,
            now,
            NewRow {
                id: reply.id.as_str(),
                tenant: turn.job.tenant.as_str(),
                conversation: turn.conversation.as_str(),
                ticket: turn.ticket.as_str(),
                author: if reply.safety { "system" } else { "ai" },
                author_ref: None,
                kind: if reply.safety { "safety" } else { "reply" },
                automatic: true,
                compare_version: !reply.safety,
                body: &reply.body,
                version: turn.version,
                epoch: turn.epoch,
                draft: turn.draft.as_ref().filter(|_| !reply.safety).map(|d| d.id.as_str()),
            },
        )
        .await?;
    }
    let end = match &turn.bury {
        None => sqlx::query("DELETE FROM jobs WHERE id = $1").bind(turn.job.id.as_str()),
        Some(why) => sqlx::query(
            "UPDATE jobs SET state = 'dead', error = $2, lease = NULL, leased_until = NULL WHERE id = $1",
        )
        .bind(turn.job.id.as_str())
        .bind(why),
    };
    end.execute(connection).await?;
    Ok(Settled::Done)
}

async fn write_decision(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    turn: &Settlement,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO decisions (id, tenant, conversation_id, ticket_id, action, would, queue, priority, confidence, \
         record, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(turn.decision.as_str())
    .bind(turn.job.tenant.as_str())
    .bind(turn.conversation.as_str())
    .bind(turn.ticket.as_str())
    .bind(turn.action.as_str())
    .bind(turn.would.as_str())
    .bind(turn.queue.as_deref())
    .bind(turn.priority.as_str())
    .bind(turn.confidence.get())
    .bind(&turn.record)
    .bind(millis(now))
    .execute(&mut *connection)
    .await?;
    let sql = format!(
        "UPDATE messages SET decision_id = $1 WHERE decision_id IS NULL AND id IN {}",
        dialect.json_strings("$2")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(turn.decision.as_str())
        .bind(to_json(&turn.covered))
        .execute(&mut *connection)
        .await?;
    let after = serde_json::json!({
        "decision": turn.decision, "action": turn.action, "queue": turn.queue,
        "status": turn.status, "priority": turn.priority, "confidence": turn.confidence,
    });
    audit::append(
        connection,
        audit::Entry {
            tenant: turn.job.tenant.as_str(),
            at: now,
            ticket: Some(turn.ticket.as_str()),
            conversation: Some(turn.conversation.as_str()),
            actor: "worker",
            action: "turn.decided",
            before: None,
            after: Some(to_json(&after)),
            cause: Some(turn.rules.join(" ")),
        },
    )
    .await
}

async fn write_draft(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turn: &Settlement,
    new: &NewDraft,
) -> Result<(), StoreError> {
    drafts::retire_proposed(connection, turn.ticket.as_str()).await?;
    let state = if turn.action == Action::Send { "approved" } else { "proposed" };
    sqlx::query(
        "INSERT INTO drafts (id, tenant, ticket_id, conversation_id, decision_id, version, state, text, locale, kind, \
         ledger, passages, conversation_version, created_at) \
         SELECT $1, $2, $3, $4, $5, COALESCE(MAX(version), 0) + 1, $6, $7, $8, $9, $10, $11, $12, $13 \
         FROM drafts WHERE ticket_id = $3",
    )
    .bind(new.id.as_str())
    .bind(turn.job.tenant.as_str())
    .bind(turn.ticket.as_str())
    .bind(turn.conversation.as_str())
    .bind(turn.decision.as_str())
    .bind(state)
    .bind(no_nul(&new.draft.text))
    .bind(new.draft.locale.as_str())
    .bind(new.draft.kind.as_str())
    .bind(to_json(&new.draft.ledger))
    .bind(&new.passages)
    .bind(turn.version)
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_ticket(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turn: &Settlement,
) -> Result<(), StoreError> {
    let escalated = turn.action == Action::Escalate;
    sqlx::query(
        "UPDATE tickets SET status = $1, language = $2, category = $3, subcategory = $4, urgency = $5, sentiment = $6, \
         fields = $7, action = $8, queue = $9, level = $10, decision_id = $11, updated_at = $12, \
         escalations = escalations + $13, \
         escalated_to = CASE WHEN $13 = 1 THEN $9 ELSE escalated_to END, \
         escalated_at = CASE WHEN $13 = 1 THEN $12 ELSE escalated_at END, \
         solved_at = CASE WHEN $1 = 'solved' THEN $12 ELSE NULL END WHERE id = $14",
    )
    .bind(turn.status.as_str())
    .bind(&turn.labels.language)
    .bind(&turn.labels.category)
    .bind(&turn.labels.subcategory)
    .bind(turn.priority.as_str())
    .bind(&turn.labels.sentiment)
    .bind(&turn.fields)
    .bind(turn.action.as_str())
    .bind(turn.queue.as_deref())
    .bind(turn.level.as_deref())
    .bind(turn.decision.as_str())
    .bind(millis(now))
    .bind(i64::from(escalated))
    .bind(turn.ticket.as_str())
    .execute(&mut *connection)
    .await?;
    // The fence moves only with the owner, so that a lease someone holds stays theirs.
    let owner = turn.owner.as_ref();
    sqlx::query(
        "UPDATE conversations SET language = $1, vault = $2, opted_out = $3, updated_at = $4, \
         fence = CASE WHEN $5 IS NULL OR owner = $5 THEN fence ELSE fence + 1 END, \
         owner_ref = CASE WHEN $5 IS NULL THEN owner_ref ELSE $6 END, \
         owner_until = CASE WHEN $5 IS NULL THEN owner_until ELSE NULL END, \
         owner = COALESCE($5, owner) WHERE id = $7",
    )
    .bind(&turn.labels.language)
    .bind(&turn.vault)
    .bind(i64::from(turn.opted_out))
    .bind(millis(now))
    .bind(owner.map(|o| o.kind.as_str()))
    .bind(owner.and_then(|o| o.name.as_deref()))
    .bind(turn.conversation.as_str())
    .execute(connection)
    .await?;
    Ok(())
}
