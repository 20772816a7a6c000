//! Backup, integrity, and the removal of what has had its time.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Dialect, Store, StoreError, millis};
use crate::adapters::{Rewritten, rewrite};
use crate::ports::PortError;

/// For how much longer than keys the questions to models are kept.
const KEEP_CALLS: chrono::Duration = chrono::Duration::days(83);
/// How many of them are forgotten at once.
const CALLS_AT_ONCE: i64 = 10_000;

impl Store {
    /// Writes a consistent copy of a SQLite store to a new file, beside running writers.
    pub async fn backup_to(&self, file: &Path) -> Result<(), PortError> {
        if self.dialect == Dialect::Postgres {
            return Err(PortError::permanent(
                "back up store",
                "this store is on PostgreSQL; use pg_dump, which copies it consistently while it runs",
            ));
        }
        let file = file.to_str().ok_or_else(|| {
            PortError::permanent("back up store", "the path of the backup must be UTF-8")
        })?;
        // `query_only` forbids VACUUM INTO on the readers, and the writer is never in a transaction
        // of its own between groups; a fresh connection serves.
        let mut connection = self.reads.acquire().await.map_err(StoreError::from)?;
        sqlx::query("PRAGMA query_only = OFF")
            .execute(&mut *connection)
            .await
            .map_err(StoreError::from)?;
        let copied = sqlx::query("VACUUM INTO $1").bind(file).execute(&mut *connection).await;
        sqlx::query("PRAGMA query_only = ON")
            .execute(&mut *connection)
            .await
            .map_err(StoreError::from)?;
        copied.map_err(StoreError::from)?;
        Ok(())
    }

    /// Rewrites a SQLite store, so that its files hold nothing of what was removed; others may use it meanwhile.
    /// `None` on PostgreSQL, whose own vacuum does that.
    pub async fn rewrite(&self) -> Result<Option<Rewritten>, StoreError> {
        match &self.file {
            Some(file) => Ok(Some(rewrite(file).await?)),
            None => Ok(None),
        }
    }

    /// Checks the database and the promises it keeps; returns what is wrong, one sentence each.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        if self.dialect == Dialect::Sqlite {
            let rows: Vec<(String,)> =
                sqlx::query_as("PRAGMA integrity_check").fetch_all(&self.reads).await?;
            problems.extend(rows.into_iter().map(|(row,)| row).filter(|row| row != "ok"));
        }
        for (promise, sql) in [
            (
                "messages without a conversation's ticket",
                "SELECT COUNT(*) FROM messages m LEFT JOIN tickets t ON t.id = m.ticket_id WHERE t.id IS NULL",
            ),
            (
                "conversations without their ticket",
                "SELECT COUNT(*) FROM conversations c LEFT JOIN tickets t ON t.id = c.ticket_id WHERE t.id IS NULL",
            ),
            (
                "undecided messages without a job",
                "SELECT COUNT(*) FROM messages m LEFT JOIN jobs j ON j.kind = 'turn' AND j.subject = m.conversation_id \
                 WHERE m.author = 'customer' AND m.decision_id IS NULL AND j.id IS NULL",
            ),
            (
                "conversations that wait for people without a queue",
                "SELECT COUNT(*) FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
                 WHERE c.owner IN ('queue', 'review') AND t.queue IS NULL",
            ),
            (
                "sent replies that are missing from their conversation",
                "SELECT COUNT(*) FROM outbox o WHERE o.state = 'sent' AND o.audience = 'customer' AND o.position IS NULL",
            ),
        ] {
            let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&self.reads).await?;
            if count > 0 {
                problems.push(format!("{count} {promise}"));
            }
        }
        Ok(problems)
    }

    /// Forgets idempotency keys from before `keys_before`, and questions to models that are far older. Returns how many
    /// keys.
    pub async fn purge(&self, keys_before: DateTime<Utc>) -> Result<u64, StoreError> {
        let calls_before = millis(keys_before - KEEP_CALLS);
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM idempotency WHERE created_at < $1")
                    .bind(millis(keys_before))
                    .execute(&mut *connection)
                    .await?;
                sqlx::query("DELETE FROM mail_pace WHERE last_at < $1")
                    .bind(millis(keys_before))
                    .execute(&mut *connection)
                    .await?;
                // No older news of them comes any more.
                sqlx::query("DELETE FROM contact_marks WHERE standing = 0 AND at < $1")
                    .bind(millis(keys_before))
                    .execute(&mut *connection)
                    .await?;
                sqlx::query(
                    "DELETE FROM model_calls WHERE id IN (SELECT id FROM model_calls WHERE at < $1 LIMIT $2)",
                )
                .bind(calls_before)
                .bind(CALLS_AT_ONCE)
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Counts tickets per status, over all tenants.
    pub async fn ticket_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(sqlx::query_as("SELECT status, COUNT(*) FROM tickets GROUP BY status ORDER BY status")
            .fetch_all(&self.reads)
            .await?)
    }

    /// Counts what is not over yet, over all tenants: replies per state, then tickets per status.
    /// Both are read along an index of the living, however much the past has grown.
    pub async fn living_counts(&self) -> Result<[Vec<(String, i64)>; 2], StoreError> {
        let outbox = sqlx::query_as(
            "SELECT state, COUNT(*) FROM outbox WHERE state IN ('queued', 'sending', 'awaiting', 'failed', 'unknown') \
             GROUP BY state ORDER BY state",
        )
        .fetch_all(&self.reads)
        .await?;
        let tickets = sqlx::query_as(
            "SELECT status, COUNT(*) FROM tickets WHERE status IN ('new', 'open', 'pending', 'escalated') \
             GROUP BY status ORDER BY status",
        )
        .fetch_all(&self.reads)
        .await?;
        Ok([outbox, tickets])
    }
}
