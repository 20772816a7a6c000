//! The append-only trail: who changed what, from what to what, and which rule or engine caused it.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::many::places;
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
    query.execute(connection).await?;
    Ok(())
}
