//! Calls of networks' webhooks, kept as they came: nobody can ask for them a second time.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

use super::{Command, Inbox, closed, failed, failed_shared};
use crate::ports::PortError;

/// A call that waits to be read.
#[derive(Clone, Debug)]
pub struct WaitingCall {
    /// Its place among the calls.
    pub seq: i64,
    /// Whose webhook it is.
    pub network: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// What of a call could not be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Why, for a person.
    pub why: String,
    /// The items as they came.
    pub items: Vec<u8>,
}

impl Inbox {
    /// Keeps a call; when this returns `true`, it is on disk. `false` when too much waits already.
    pub async fn accept_call(
        &self,
        now: DateTime<Utc>,
        network: &'static str,
        body: Vec<u8>,
    ) -> Result<bool, PortError> {
        if self.backlog.load(Ordering::Relaxed) >= self.max_backlog {
            return Ok(false);
        }
        let (answer, heard) = oneshot::channel();
        let command = Command::Call { network, body, now, answer };
        self.commands.send(command).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))?;
        self.backlog.fetch_add(1, Ordering::Relaxed);
        self.arrived.notify_one();
        Ok(true)
    }

    /// Returns the calls that have waited longest: no more than `limit`, and no more than fit into `bytes`, but one at
    /// least.
    pub async fn waiting_calls(
        &self,
        limit: u32,
        bytes: u64,
    ) -> Result<Vec<WaitingCall>, PortError> {
        let rows: Vec<(i64, String, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT c.seq, c.network, c.body, c.received_at FROM calls c JOIN (\
             SELECT seq, SUM(length(body)) OVER (ORDER BY seq) AS together, ROW_NUMBER() OVER (ORDER BY seq) AS place \
             FROM (SELECT seq, body FROM calls WHERE taken_at IS NULL ORDER BY seq LIMIT $1)) w ON w.seq = c.seq \
             WHERE w.together <= $2 OR w.place = 1 ORDER BY c.seq",
        )
        .bind(limit)
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .fetch_all(&self.reads)
        .await
        .map_err(|error| failed("read inbox", error))?;
        let read = rows.into_iter().map(|(seq, network, body, at)| WaitingCall {
            seq,
            network,
            body,
            received_at: DateTime::from_timestamp_millis(at).unwrap_or_default(),
        });
        Ok(read.collect())
    }

    /// Removes a call that the store has; what is left of it stays for a person.
    pub async fn call_taken(
        &self,
        now: DateTime<Utc>,
        seq: i64,
        left: Option<Left>,
    ) -> Result<(), PortError> {
        let (answer, heard) = oneshot::channel();
        let command = Command::CallTaken { seq, left, now, answer };
        self.commands.send(command).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))?;
        if self.backlog.fetch_sub(1, Ordering::Relaxed) < 1 {
            self.backlog.fetch_max(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns what of earlier calls waits for a person, oldest first: its place, why, and the items as they came.
    pub async fn left_of_calls(&self, limit: u32) -> Result<Vec<(i64, Left)>, PortError> {
        let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
            "SELECT seq, error, body FROM calls WHERE taken_at IS NOT NULL AND error IS NOT NULL ORDER BY seq LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reads)
        .await
        .map_err(|error| failed("read inbox", error))?;
        Ok(rows.into_iter().map(|(seq, why, items)| (seq, Left { why, items })).collect())
    }

    /// Removes what is left of calls that name one of these ids or numbers.
    pub async fn erase_calls(&self, names: Vec<String>) -> Result<(), PortError> {
        if names.is_empty() {
            return Ok(());
        }
        let names = serde_json::Value::from(names).to_string();
        let (answer, heard) = oneshot::channel();
        let command = Command::EraseCalls { names, answer };
        self.commands.send(command).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))
    }
}

pub(super) async fn remove(
    connection: &mut SqliteConnection,
    names: &str,
) -> Result<(), sqlx::Error> {
    // A call that still waits is read in a moment; what it brings is found again then.
    sqlx::query(
        "DELETE FROM calls WHERE taken_at IS NOT NULL AND EXISTS \
         (SELECT 1 FROM json_each($1) AS name WHERE instr(body, CAST(name.value AS BLOB)) > 0)",
    )
    .bind(names)
    .execute(connection)
    .await
    .map(drop)
}

pub(super) async fn keep(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    network: &str,
    body: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO calls (network, body, received_at) VALUES ($1, $2, $3)")
        .bind(network)
        .bind(body)
        .bind(now.timestamp_millis())
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn take(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    seq: i64,
    left: Option<&Left>,
) -> Result<(), sqlx::Error> {
    let query = match left {
        Some(left) => sqlx::query(
            "UPDATE calls SET taken_at = $2, error = $3, body = $4 WHERE seq = $1 AND taken_at IS NULL",
        )
        .bind(seq)
        .bind(now.timestamp_millis())
        .bind(&left.why)
        .bind(&left.items),
        None => sqlx::query("DELETE FROM calls WHERE seq = $1 AND taken_at IS NULL").bind(seq),
    };
    query.execute(connection).await.map(drop)
}
