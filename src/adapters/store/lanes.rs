//! Lanes of the outbox. What leaves by one mailbox waits for its few connections; nothing else waits with it, and no more
//! of it is marked *sending* than those connections carry, because a crash leaves whatever is marked in doubt.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::outbox::{Claimed, claim};
use super::{Dialect, Store, StoreError, moment, to_json};
use crate::domain::ids::TenantId;

/// How often rows are looked for again where all that were found may not leave any more.
const ROUNDS: usize = 8;

/// Rows of the outbox that leave the same way.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Those mailboxes' rows alone, else all but theirs.
    only: bool,
    mailboxes: Vec<String>,
}

impl Lane {
    /// All rows.
    pub const fn all() -> Self {
        Self { only: false, mailboxes: Vec::new() }
    }

    /// What leaves by a business's mailbox. A conversation has one row on its way at a time.
    pub fn of(tenant: &TenantId, address: &str) -> Self {
        Self { only: true, mailboxes: vec![key(tenant, address)] }
    }

    /// What leaves by none of these mailboxes.
    pub fn besides<'m>(mailboxes: impl Iterator<Item = (&'m TenantId, &'m str)>) -> Self {
        let mailboxes = mailboxes.map(|(tenant, address)| key(tenant, address)).collect();
        Self { only: false, mailboxes }
    }

    /// What is true of its rows, where the parameter holds [`Self::keys`] and the outbox is called `o`.
    pub(super) fn condition(&self, dialect: Dialect, parameter: &str) -> String {
        let keys = dialect.json_strings(parameter);
        let theirs = format!("(o.channel = 'email' AND o.tenant || ' ' || o.account IN {keys})");
        if self.only {
            format!(
                "{theirs} AND NOT EXISTS (SELECT 1 FROM outbox s WHERE s.conversation_id = o.conversation_id \
                 AND s.state = 'sending')"
            )
        } else {
            format!("NOT {theirs}")
        }
    }

    /// The names of its mailboxes, as a parameter.
    pub(super) fn keys(&self) -> String {
        to_json(&self.mailboxes)
    }
}

/// No name of a business has a blank.
fn key(tenant: &TenantId, address: &str) -> String {
    format!("{tenant} {address}")
}

impl Store {
    /// Marks up to `max` due rows as *sending* and returns them; rows that were overtaken are retired
    /// in the same transaction, and their conversations decided anew.
    pub async fn claim_outbox(
        &self,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.claim_lane(now, Lane::all(), max).await
    }

    /// The same with the rows of one lane.
    pub async fn claim_lane(
        &self,
        now: DateTime<Utc>,
        lane: Lane,
        max: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move { claim_some(connection, (dialect, &lane), now, max).await })
        })
        .await
    }

    /// Returns when the next row is due.
    pub async fn next_outbox_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(due_at) FROM (\
             SELECT MIN(due_at) AS due_at FROM outbox WHERE audience = 'customer' AND state = 'queued' \
             UNION ALL \
             SELECT MIN(due_at) FROM outbox WHERE audience = 'customer' AND state = 'awaiting') AS both_states",
        )
        .fetch_one(&self.reads)
        .await?;
        Ok(row.0.map(moment))
    }

    /// Returns when the next row of a lane may be claimed.
    pub async fn next_due_in(&self, lane: &Lane) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = format!(
            "SELECT o.due_at FROM outbox o WHERE o.audience = 'customer' AND o.state = 'queued' AND {} \
             ORDER BY o.due_at LIMIT 1",
            lane.condition(self.dialect, "$1")
        );
        let row: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(lane.keys())
            .fetch_optional(&self.reads)
            .await?;
        Ok(row.map(|(due,)| moment(due)))
    }

    /// Returns when the next row is due whose network was to say what became of it.
    pub async fn next_overdue(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(due_at) FROM outbox WHERE audience = 'customer' AND state = 'awaiting'",
        )
        .fetch_one(&self.reads)
        .await?;
        Ok(row.0.map(moment))
    }
}

/// Goes on where all rows that were found had been overtaken, so that what stands behind them is not taken for nothing.
async fn claim_some(
    connection: &mut AnyConnection,
    lane: (Dialect, &Lane),
    now: DateTime<Utc>,
    max: u32,
) -> Result<Vec<Claimed>, StoreError> {
    for _ in 0..ROUNDS {
        let (found, ready) = claim(connection, lane, now, max).await?;
        if found == 0 || !ready.is_empty() {
            return Ok(ready);
        }
    }
    Ok(Vec::new())
}
