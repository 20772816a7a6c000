//! What a look at a ticket came to, written in one transaction: only if nothing happened to the ticket meanwhile.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::clockwork::{DueTicket, Looked, Move, NewNotice};
use super::many::{ROWS_MAX, with_rows};
use super::outbox::{NewRow, insert_rows};
use super::people::insert_notifications;
use super::{Dialect, Store, StoreError, audit, incidents, millis, to_json};
use crate::policy::clocks::ClockKind;

impl Store {
    /// Writes back what looks came to; a ticket to which something happened meanwhile is left for the next look.
    pub async fn write_looks(
        &self,
        now: DateTime<Utc>,
        looks: Vec<Looked>,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let (quiet, others): (Vec<&Looked>, Vec<&Looked>) =
                    looks.iter().partition(|look| look.is_quiet());
                for quiet in quiet.chunks(ROWS_MAX) {
                    write_quiet(connection, quiet).await?;
                }
                for look in others {
                    write_loud(connection, now, look).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// Writes deadlines only. What changed meanwhile keeps its own, and is due already.
async fn write_quiet(connection: &mut AnyConnection, looks: &[&Looked]) -> Result<(), StoreError> {
    if looks.is_empty() {
        return Ok(());
    }
    let columns = ["id", "rev", "epoch", "state", "clock", "due", "why", "place", "next", "seen"];
    let sql = format!(
        "{}UPDATE tickets SET clock_epoch = r.epoch, sla_state = r.state, sla_clock = r.clock, sla_due_at = r.due, \
         breach_reason = r.why, queue_rank = r.place, clock_at = r.next, trail_seen = r.seen FROM r \
         WHERE tickets.id = r.id AND tickets.clock_rev = r.rev",
        with_rows(Dialect::of(connection), &columns, looks.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(looks.len() == 1);
    for look in looks {
        query = query
            .bind(&look.ticket.id)
            .bind(look.ticket.rev)
            .bind(look.epoch)
            .bind(look.state.as_str())
            .bind(look.clock.map(ClockKind::as_str))
            .bind(look.due.map(millis))
            .bind(look.breach_reason.as_deref())
            .bind(millis(look.rank))
            .bind(look.next.map(millis))
            .bind(look.ticket.last_seq);
    }
    query.execute(connection).await?;
    Ok(())
}

async fn write_loud(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    look: &Looked,
) -> Result<(), StoreError> {
    let ticket = &look.ticket;
    let dialect = Dialect::of(connection);
    let sql = format!(
        "SELECT t.clock_rev FROM tickets t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1{}",
        dialect.lock("c, t")
    );
    let rev: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&ticket.id)
        .fetch_optional(&mut *connection)
        .await?;
    if rev != Some((ticket.rev,)) {
        return Ok(());
    }
    for change in &look.moves {
        make_move(connection, now, ticket, change).await?;
    }
    let entries: Vec<audit::Entry<'_>> = look
        .lines
        .iter()
        .map(|line| audit::Entry {
            tenant: ticket.tenant.as_str(),
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: "worker",
            action: line.action,
            before: None,
            after: Some(to_json(&line.after)),
            cause: line.cause.clone(),
        })
        .collect();
    audit::append_all(connection, &entries).await?;
    let mut rows = Vec::new();
    for notice in &look.notices {
        if let Some(incident) = &notice.incident
            && !incidents::tell(connection, incident, &ticket.conversation, &ticket.id).await?
        {
            continue;
        }
        rows.push(notice_row(ticket, notice, look.epoch));
    }
    insert_rows(connection, now, &rows).await?;
    insert_notifications(connection, now, &look.notifications).await?;
    // Its own lines are no news to it.
    let (last,): (i64,) =
        sqlx::query_as("SELECT COALESCE(MAX(seq), 0) FROM audit WHERE ticket_id = $1")
            .bind(&ticket.id)
            .fetch_one(&mut *connection)
            .await?;
    // What moved is looked at once more, by what holds then.
    let next = if look.moves.is_empty() { look.next } else { Some(now) };
    let closed = look.moves.contains(&Move::Close);
    sqlx::query(
        "UPDATE tickets SET clock_epoch = $1, sla_state = $2, sla_clock = $3, sla_due_at = $4, breach_reason = $5, \
         queue_rank = $6, clock_at = $7, trail_seen = $8 WHERE id = $9",
    )
    .bind(look.epoch)
    .bind(look.state.as_str())
    .bind(look.clock.map(ClockKind::as_str))
    .bind(look.due.map(millis))
    .bind(look.breach_reason.as_deref())
    .bind(millis(look.rank))
    .bind(next.map(millis))
    .bind(if closed { ticket.last_seq } else { last })
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The row of a notice.
pub(super) fn notice_row<'a>(
    ticket: &'a DueTicket,
    notice: &'a NewNotice,
    epoch: i64,
) -> NewRow<'a> {
    NewRow {
        id: notice.id.as_str(),
        tenant: ticket.tenant.as_str(),
        conversation: &ticket.conversation,
        ticket: &ticket.id,
        author: "system",
        author_ref: None,
        kind: notice.kind.as_str(),
        automatic: true,
        compare_version: false,
        body: &notice.body,
        version: ticket.version,
        epoch,
        draft: None,
        leaves_at: None,
    }
}

async fn make_move(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &DueTicket,
    change: &Move,
) -> Result<(), StoreError> {
    match change {
        Move::ToPeople(queue, level, escalated) => {
            to_people(connection, now, ticket, (queue, level.as_deref(), *escalated)).await
        }
        Move::Assign(agent, until) => assign(connection, now, ticket, agent, *until).await,
        Move::Close => {
            sqlx::query(
                "UPDATE tickets SET status = 'closed', closed_at = $1, solved_at = COALESCE(solved_at, $1), \
                 updated_at = $1, snoozed_until = NULL, callback_from = NULL, callback_until = NULL WHERE id = $2",
            )
            .bind(millis(now))
            .bind(&ticket.id)
            .execute(&mut *connection)
            .await?;
            super::drafts::retire_proposed(connection, &[&ticket.id]).await
        }
        Move::Wake => set_null(connection, ticket, "snoozed_until = NULL").await,
        Move::DropCallback => {
            set_null(connection, ticket, "callback_from = NULL, callback_until = NULL").await
        }
        Move::AskedForCsat => {
            sqlx::query("UPDATE tickets SET csat_asked_at = $1 WHERE id = $2")
                .bind(millis(now))
                .bind(&ticket.id)
                .execute(connection)
                .await?;
            Ok(())
        }
    }
}

async fn set_null(
    connection: &mut AnyConnection,
    ticket: &DueTicket,
    columns: &'static str,
) -> Result<(), StoreError> {
    let sql = format!("UPDATE tickets SET {columns} WHERE id = $1");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&ticket.id).execute(connection).await?;
    Ok(())
}

async fn to_people(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &DueTicket,
    (queue, level, escalated): (&str, Option<&str>, bool),
) -> Result<(), StoreError> {
    // A lapsed lease gives a waiting draft back to review; an escalation does not.
    sqlx::query(
        "UPDATE conversations SET version = version + 1, fence = fence + 1, updated_at = $1, owner_until = NULL, \
         owner = CASE WHEN $2 = 0 AND EXISTS (SELECT 1 FROM drafts d JOIN tickets t ON t.id = d.ticket_id \
           WHERE t.id = $3 AND t.action = 'review' AND d.state = 'proposed') \
           THEN 'review' ELSE 'queue' END, owner_ref = $4 WHERE id = $5 AND ticket_id = $3",
    )
    .bind(millis(now))
    .bind(i64::from(escalated))
    .bind(&ticket.id)
    .bind(queue)
    .bind(&ticket.conversation)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE tickets SET queue = $1, level = COALESCE($2, level), assignee = NULL, assigned_at = NULL, updated_at = $3, \
         status = CASE WHEN $4 = 1 THEN 'escalated' ELSE status END, \
         action = CASE WHEN $4 = 1 THEN 'escalate' ELSE action END, escalations = escalations + $4, \
         escalated_to = CASE WHEN $4 = 1 THEN $1 ELSE escalated_to END, \
         escalated_at = CASE WHEN $4 = 1 THEN $3 ELSE escalated_at END WHERE id = $5",
    )
    .bind(queue)
    .bind(level)
    .bind(millis(now))
    .bind(i64::from(escalated))
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn assign(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &DueTicket,
    agent: &str,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE conversations SET version = version + 1, fence = fence + 1, updated_at = $1, owner = 'agent', \
         owner_ref = $2, owner_until = $3 WHERE id = $4 AND ticket_id = $5",
    )
    .bind(millis(now))
    .bind(agent)
    .bind(millis(until))
    .bind(&ticket.conversation)
    .bind(&ticket.id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE tickets SET assignee = $1, assigned_at = $2, updated_at = $2 WHERE id = $3",
    )
    .bind(agent)
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE agents SET last_assigned_at = $1 WHERE tenant = $2 AND name = $3")
        .bind(millis(now))
        .bind(ticket.tenant.as_str())
        .bind(agent)
        .execute(connection)
        .await?;
    Ok(())
}
