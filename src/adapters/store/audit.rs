//! The append-only trail: who changed what, from what to what, and which rule or engine caused it.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{StoreError, millis};

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
    sqlx::query(
        "INSERT INTO audit (tenant, at, ticket_id, conversation_id, actor, action, before, after, cause) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(entry.tenant)
    .bind(millis(entry.at))
    .bind(entry.ticket)
    .bind(entry.conversation)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.before)
    .bind(entry.after)
    .bind(entry.cause)
    .execute(connection)
    .await?;
    Ok(())
}
