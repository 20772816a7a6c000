//! Mails as their mailbox has them, kept with how far the mailbox was read: both or neither.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

use super::{Command, Inbox, calls, closed, failed, failed_shared};
use crate::ports::PortError;

impl Inbox {
    /// Returns how far a folder was read, as it was kept; `None` for one that never was.
    pub async fn folder_cursor(&self, folder: &str) -> Result<Option<String>, PortError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT cursor FROM folders WHERE name = $1")
            .bind(folder)
            .fetch_optional(&self.reads)
            .await
            .map_err(|error| failed("read inbox", error))?;
        Ok(row.map(|(cursor,)| cursor))
    }

    /// Returns when something new was last read from a folder; `None` where nothing ever was.
    pub async fn folder_read_at(&self, folder: &str) -> Result<Option<DateTime<Utc>>, PortError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT read_at FROM folders WHERE name = $1")
            .bind(folder)
            .fetch_optional(&self.reads)
            .await
            .map_err(|error| failed("read inbox", error))?;
        Ok(row.and_then(|(at,)| DateTime::from_timestamp_millis(at)))
    }

    /// Keeps mails and how far their folder is read now; when this returns `true`, both are on disk. `false` when too much
    /// waits already.
    pub async fn accept_mails(
        &self,
        now: DateTime<Utc>,
        folder: String,
        mails: Vec<Vec<u8>>,
        cursor: String,
    ) -> Result<bool, PortError> {
        if !mails.is_empty() && self.backlog.load(Ordering::Relaxed) >= self.max_backlog {
            return Ok(false);
        }
        let count = i64::try_from(mails.len()).unwrap_or(i64::MAX);
        let (answer, heard) = oneshot::channel();
        let command = Command::Mails { folder, mails, cursor, now, answer };
        self.commands.send(command).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))?;
        if count > 0 {
            self.backlog.fetch_add(count, Ordering::Relaxed);
            self.arrived.notify_one();
        }
        Ok(true)
    }
}

pub(super) async fn keep(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    folder: &str,
    mails: &[Vec<u8>],
    cursor: &str,
) -> Result<(), sqlx::Error> {
    for mail in mails {
        calls::keep(connection, now, "email", mail).await?;
    }
    sqlx::query(
        "INSERT INTO folders (name, cursor, read_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, read_at = excluded.read_at",
    )
    .bind(folder)
    .bind(cursor)
    .bind(now.timestamp_millis())
    .execute(connection)
    .await
    .map(drop)
}
