//! The append-only trail: who changed what, from what to what, and which rule or engine caused it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::many::{places, with_rows};
use super::{Dialect, StoreError, millis};

/// One line of the trail. It never holds customer text.
pub(super) struct Entry<'a> {
    pub(super) tenant: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) ticket: Option<&'a str>,
    pub(super) conversation: Option<&'a str>,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) cause: Option<String>,
}

pub(super) async fn append(
    connection: &mut AnyConnection,
    entry: Entry<'_>,
) -> Result<(), StoreError> {
    append_all(connection, &[entry]).await
}

/// Writes lines in their order, all with one statement; at most `ROWS_MAX`.
pub(super) async fn append_all(
    connection: &mut AnyConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO audit (tenant, at, ticket_id, conversation_id, actor, action, before, after, cause) VALUES {}",
        places(Dialect::of(connection), entries.len(), 9)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(entries.len() == 1);
    for entry in entries {
        query = query
            .bind(entry.tenant)
            .bind(millis(entry.at))
            .bind(entry.ticket)
            .bind(entry.conversation)
            .bind(entry.actor)
            .bind(entry.action)
            .bind(entry.before.as_deref())
            .bind(entry.after.as_deref())
            .bind(entry.cause.as_deref());
    }
    query.execute(&mut *connection).await?;
    touch(connection, entries).await
}

/// What has its ticket looked at with the statement that changes it.
const TOUCHED_ALREADY: &[&str] = &["ticket.opened", "turn.decided"];

/// Has the tickets of these lines looked at: whatever changes one leaves a line. One that waits for its look already
/// only gets another revision, so that its place in the index stays.
async fn touch(connection: &mut AnyConnection, entries: &[Entry<'_>]) -> Result<(), StoreError> {
    let changed = entries.iter().filter(|entry| {
        !entry.action.starts_with("notification.") && !TOUCHED_ALREADY.contains(&entry.action)
    });
    let tickets: BTreeSet<&str> = changed.clone().filter_map(|entry| entry.ticket).collect();
    let (Some(at), false) = (changed.map(|entry| entry.at).min(), tickets.is_empty()) else {
        return Ok(());
    };
    let sql = format!(
        "{}UPDATE tickets SET clock_rev = clock_rev + 1, \
         clock_at = CASE WHEN clock_at <= r.at THEN clock_at ELSE r.at END FROM r WHERE tickets.id = r.id",
        with_rows(Dialect::of(connection), &["id", "at"], tickets.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(tickets.len() == 1);
    for ticket in tickets {
        query = query.bind(ticket).bind(millis(at));
    }
    query.execute(connection).await?;
    Ok(())
}
