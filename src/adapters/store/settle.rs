//! The end of turns: decision, draft, replies, ticket and job in one transaction, or nothing.
//! A batch of turns shares it.
//!
//! A turn that was overtaken (by a message, a takeover, a policy change, an incident) is not settled:
//! its job goes back and is worked on again with what is true now.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;

use super::jobs::LeasedJob;
use super::many::{ROWS_MAX, places, with_rows};
use super::outbox::{NewRow, OutboxBody, insert_rows};
use super::{Dialect, Store, StoreError, audit, drafts, incidents, marks, millis, to_json};
use crate::domain::confidence::Confidence;
use crate::domain::decision::Action;
use crate::domain::draft::DraftText;
use crate::domain::ids::{ConversationId, DecisionId, DraftId, MessageId, OutboxId, TicketId};
use crate::domain::labels::Urgency;
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::policy::notices::NoticeKind;

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
    /// What it is.
    pub kind: ReplyKind,
}

/// What leaves at the end of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// An answer.
    Answer,
    /// The fixed safety text, which mode and incident do not hold back.
    Safety,
    /// A notice; of the named incident, once for each conversation.
    Notice(NoticeKind, Option<String>),
}

impl ReplyKind {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Answer => "reply",
            Self::Safety => "safety",
            Self::Notice(kind, _) => kind.as_str(),
        }
    }
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
    /// What this turn says of that: they ask for it, or by writing again they take it back.
    pub opts_out: Option<bool>,
    /// The ticket's stage from now on.
    pub status: TicketStatus,
    /// The owner from now on; `None` leaves it with whoever has it.
    pub owner: Option<Owner>,
    /// The draft, if one was made.
    pub draft: Option<NewDraft>,
    /// True where nothing was added to a question whose draft waits: it waits on, and the ticket stays what it was.
    pub stands: bool,
    /// What leaves at once.
    pub replies: Vec<NewReply>,
    /// The rating that was given, and the ticket that it is of.
    pub rating: Option<(TicketId, u8)>,
    /// Roles that are told of an escalation.
    pub notify: Vec<String>,
    /// Minutes in which people must acknowledge it, where a rule says so.
    pub within_mins: Option<u32>,
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
        let settled = self.settle_all(now, vec![settlement]).await?;
        settled.into_iter().next().ok_or(StoreError::Unreadable("settlement"))
    }

    /// Settles turns of different conversations in one transaction, each unless it was overtaken.
    /// Answers in their order; an error means that none of them was settled.
    pub async fn settle_all(
        &self,
        now: DateTime<Utc>,
        turns: Vec<Settlement>,
    ) -> Result<Vec<Settled>, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let mut settled = Vec::with_capacity(turns.len());
                for turns in turns.chunks(ROWS_MAX) {
                    settled.extend(settle(connection, now, turns).await?);
                }
                Ok(settled)
            })
        })
        .await
    }
}

async fn settle(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[Settlement],
) -> Result<Vec<Settled>, StoreError> {
    let dialect = Dialect::of(connection);
    let settled = compare(connection, turns).await?;
    let having = |outcome: Settled| -> Vec<&Settlement> {
        turns.iter().zip(&settled).filter(|(_, s)| **s == outcome).map(|(turn, _)| turn).collect()
    };
    let stale = having(Settled::Stale);
    if !stale.is_empty() {
        // Being overtaken is not a failed attempt.
        let sql = format!(
            "UPDATE jobs SET lease = NULL, leased_until = NULL, attempts = attempts - 1 WHERE id IN {}",
            places(dialect, 1, stale.len())
        );
        bind_jobs(&sql, &stale).execute(&mut *connection).await?;
    }
    let done = having(Settled::Done);
    if !done.is_empty() {
        write_decisions(connection, now, &done).await?;
        drafts::write(connection, now, &done).await?;
        let (stand, moved): (Vec<&Settlement>, Vec<&Settlement>) =
            done.iter().copied().partition(|turn| turn.stands);
        drafts::stand_again(connection, now, &stand).await?;
        write_tickets(connection, now, &moved).await?;
        write_conversations(connection, now, &done).await?;
        marks::note_choices(connection, now, &done).await?;
        let told = tell_of_incidents(connection, &done).await?;
        insert_rows(connection, now, &replies(&done, &told)).await?;
        write_ratings(connection, now, &done).await?;
        end_jobs(connection, &done).await?;
    }
    Ok(settled)
}

/// Tells for each turn whether it may be settled, and holds that still until the transaction ends.
/// Conversations are locked in the order of their ids, so that two batches never wait in a circle.
async fn compare(
    connection: &mut AnyConnection,
    turns: &[Settlement],
) -> Result<Vec<Settled>, StoreError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "{}SELECT j.id, c.version, j.lease, \
         COALESCE((SELECT epoch FROM tenants WHERE tenant = c.tenant), 0) AS epoch \
         FROM r JOIN conversations c ON c.id = r.conversation JOIN jobs j ON j.id = r.job ORDER BY c.id{}",
        with_rows(dialect, &["job", "conversation"], turns.len()),
        dialect.lock("c, j")
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(turns.len() == 1);
    for turn in turns {
        query = query.bind(turn.job.id.as_str()).bind(turn.conversation.as_str());
    }
    let mut found: HashMap<String, (i64, Option<String>, i64)> = HashMap::new();
    for row in query.fetch_all(connection).await? {
        found.insert(
            row.try_get("id")?,
            (row.try_get("version")?, row.try_get("lease")?, row.try_get("epoch")?),
        );
    }
    Ok(turns
        .iter()
        .map(|turn| match found.get(turn.job.id.as_str()) {
            Some((version, Some(lease), epoch)) if *lease == turn.job.lease.0 => {
                if *version == turn.version && *epoch == turn.epoch {
                    Settled::Done
                } else {
                    Settled::Stale
                }
            }
            _ => Settled::LostLease,
        })
        .collect())
}

fn bind_jobs<'q>(
    sql: &str,
    turns: &[&'q Settlement],
) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).persistent(turns.len() == 1);
    turns.iter().fold(query, |query, turn| query.bind(turn.job.id.as_str()))
}

async fn end_jobs(connection: &mut AnyConnection, turns: &[&Settlement]) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let over: Vec<&Settlement> = turns.iter().copied().filter(|turn| turn.bury.is_none()).collect();
    if !over.is_empty() {
        let sql = format!("DELETE FROM jobs WHERE id IN {}", places(dialect, 1, over.len()));
        bind_jobs(&sql, &over).execute(&mut *connection).await?;
    }
    for turn in turns {
        let Some(why) = &turn.bury else { continue };
        sqlx::query(
            "UPDATE jobs SET state = 'dead', error = $2, lease = NULL, leased_until = NULL WHERE id = $1",
        )
        .bind(turn.job.id.as_str())
        .bind(why)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes whom the notices of incidents go to. Returns the rows that must not leave, because they left before.
async fn tell_of_incidents(
    connection: &mut AnyConnection,
    turns: &[&Settlement],
) -> Result<Vec<OutboxId>, StoreError> {
    let mut again = Vec::new();
    for turn in turns {
        for reply in &turn.replies {
            if let ReplyKind::Notice(_, Some(incident)) = &reply.kind
                && !incidents::tell(
                    connection,
                    incident,
                    turn.conversation.as_str(),
                    turn.ticket.as_str(),
                )
                .await?
            {
                again.push(reply.id.clone());
            }
        }
    }
    Ok(again)
}

/// Ratings stand with the ticket that they are of; the first one counts.
async fn write_ratings(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    for turn in turns {
        let Some((ticket, rating)) = &turn.rating else { continue };
        let done = sqlx::query("UPDATE tickets SET csat = $1 WHERE id = $2 AND csat IS NULL")
            .bind(i64::from(*rating))
            .bind(ticket.as_str())
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 0 {
            continue;
        }
        let entry = audit::Entry {
            tenant: turn.job.tenant.as_str(),
            at: now,
            ticket: Some(ticket.as_str()),
            conversation: Some(turn.conversation.as_str()),
            actor: "worker",
            action: "csat.recorded",
            before: None,
            after: Some(to_json(&serde_json::json!({"csat": rating}))),
            cause: None,
        };
        audit::append(connection, entry).await?;
    }
    Ok(())
}

fn replies<'t>(turns: &[&'t Settlement], told: &[OutboxId]) -> Vec<NewRow<'t>> {
    let row = |turn: &'t Settlement, reply: &'t NewReply| NewRow {
        id: reply.id.as_str(),
        tenant: turn.job.tenant.as_str(),
        conversation: turn.conversation.as_str(),
        ticket: turn.ticket.as_str(),
        author: if reply.kind == ReplyKind::Answer { "ai" } else { "system" },
        author_ref: None,
        kind: reply.kind.as_str(),
        automatic: true,
        compare_version: reply.kind == ReplyKind::Answer,
        body: &reply.body,
        version: turn.version,
        epoch: turn.epoch,
        draft: turn
            .draft
            .as_ref()
            .filter(|_| reply.kind == ReplyKind::Answer)
            .map(|d| d.id.as_str()),
        leaves_at: None,
    };
    let leaves = |reply: &&NewReply| !told.contains(&reply.id);
    turns
        .iter()
        .flat_map(|turn| turn.replies.iter().filter(leaves).map(move |reply| row(turn, reply)))
        .collect()
}

async fn write_decisions(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "INSERT INTO decisions (id, tenant, conversation_id, ticket_id, action, would, queue, priority, confidence, \
         record, decided_at) VALUES {}",
        places(dialect, turns.len(), 11)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(turns.len() == 1);
    for turn in turns {
        query = query
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
            .bind(millis(now));
    }
    query.execute(&mut *connection).await?;

    let covered: Vec<(&str, &str)> = turns
        .iter()
        .flat_map(|turn| turn.covered.iter().map(|id| (turn.decision.as_str(), id.as_str())))
        .collect();
    for covered in covered.chunks(ROWS_MAX) {
        let sql = format!(
            "{}UPDATE messages SET decision_id = r.decision FROM r \
             WHERE messages.id = r.message AND messages.decision_id IS NULL",
            with_rows(dialect, &["decision", "message"], covered.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(covered.len() == 1);
        for (decision, message) in covered {
            query = query.bind(*decision).bind(*message);
        }
        query.execute(&mut *connection).await?;
    }

    let entries: Vec<audit::Entry<'_>> = turns
        .iter()
        .map(|turn| {
            let escalates = turn.action == Action::Escalate;
            let after = serde_json::json!({
                "decision": turn.decision, "action": turn.action, "queue": turn.queue,
                "status": turn.status, "priority": turn.priority, "confidence": turn.confidence,
                "notify": escalates.then_some(&turn.notify),
                "within_mins": turn.within_mins.filter(|_| escalates),
            });
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
            }
        })
        .collect();
    audit::append_all(connection, &entries).await
}

async fn write_tickets(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    if turns.is_empty() {
        return Ok(());
    }
    let dialect = Dialect::of(connection);
    let columns = [
        "status",
        "language",
        "category",
        "subcategory",
        "urgency",
        "sentiment",
        "fields",
        "action",
        "queue",
        "level",
        "decision",
        "now",
        "escalated",
        "id",
    ];
    let sql = format!(
        "{}UPDATE tickets SET status = r.status, language = r.language, category = r.category, \
         subcategory = r.subcategory, urgency = r.urgency, sentiment = r.sentiment, fields = r.fields, \
         action = r.action, queue = r.queue, level = r.level, decision_id = r.decision, updated_at = r.now, \
         escalations = escalations + r.escalated, \
         escalated_to = CASE WHEN r.escalated = 1 THEN r.queue ELSE escalated_to END, \
         escalated_at = CASE WHEN r.escalated = 1 THEN r.now ELSE escalated_at END, \
         solved_at = CASE WHEN r.status = 'solved' THEN r.now ELSE NULL END, clock_rev = clock_rev + 1, \
         clock_at = CASE WHEN clock_at <= r.now THEN clock_at ELSE r.now END FROM r WHERE tickets.id = r.id",
        with_rows(dialect, &columns, turns.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(turns.len() == 1);
    for turn in turns {
        query = query
            .bind(turn.status.as_str())
            .bind(turn.labels.language.as_deref())
            .bind(turn.labels.category.as_deref())
            .bind(turn.labels.subcategory.as_deref())
            .bind(turn.priority.as_str())
            .bind(turn.labels.sentiment.as_deref())
            .bind(&turn.fields)
            .bind(turn.action.as_str())
            .bind(turn.queue.as_deref())
            .bind(turn.level.as_deref())
            .bind(turn.decision.as_str())
            .bind(millis(now))
            .bind(i64::from(turn.action == Action::Escalate))
            .bind(turn.ticket.as_str());
    }
    query.execute(connection).await?;
    Ok(())
}

/// The fence moves only with the owner, so that a lease someone holds stays theirs.
async fn write_conversations(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let columns = ["language", "vault", "opted_out", "now", "kind", "name", "id"];
    let sql = format!(
        "{}UPDATE conversations SET language = r.language, vault = r.vault, opted_out = r.opted_out, \
         updated_at = r.now, \
         fence = CASE WHEN r.kind IS NULL OR owner = r.kind THEN fence ELSE fence + 1 END, \
         owner_ref = CASE WHEN r.kind IS NULL THEN owner_ref ELSE r.name END, \
         owner_until = CASE WHEN r.kind IS NULL THEN owner_until ELSE NULL END, \
         owner = COALESCE(r.kind, owner) FROM r WHERE conversations.id = r.id",
        with_rows(dialect, &columns, turns.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(turns.len() == 1);
    for turn in turns {
        let owner = turn.owner.as_ref();
        query = query
            .bind(turn.labels.language.as_deref())
            .bind(&turn.vault)
            .bind(i64::from(turn.opted_out))
            .bind(millis(now))
            .bind(owner.map(|o| o.kind.as_str()))
            .bind(owner.and_then(|o| o.name.as_deref()))
            .bind(turn.conversation.as_str());
    }
    query.execute(connection).await?;
    Ok(())
}
