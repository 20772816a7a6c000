//! What the supervisors' board reads. Everything is a sum that was kept, or goes along an index of what lives.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Row;

use super::{Stopped, Store, StoreError, millis, moment};
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;

/// Accounts of one channel that a board names.
const ACCOUNTS_MAX: usize = 20;

/// What holds for a whole business now, as every page of the desk says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when the assistant is stopped, if it is.
    pub stopped: Option<Stopped>,
    /// The latest incident that stands: what it is called and since when.
    pub incident: Option<(String, DateTime<Utc>)>,
}

/// How often something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// What.
    pub name: String,
    /// The day where the business is.
    pub day: NaiveDate,
    /// The hour of that day; `None` in sums of whole days.
    pub hour: Option<u32>,
    /// What tells it apart: who answered, the kind of a notice.
    pub part: String,
    /// How often.
    pub value: i64,
}

/// How long tickets waited for their first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The day on which it left.
    pub day: NaiveDate,
    /// For how many seconds.
    pub secs: i64,
    /// How many tickets.
    pub tickets: i64,
    /// How many of them after their deadline.
    pub late: i64,
}

/// How many conversations somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub agent: String,
    /// How many.
    pub tickets: i64,
}

/// What of a channel has not left, or has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// The channel.
    pub channel: String,
    /// queued, sending, awaiting, failed or unknown.
    pub state: String,
    /// How many.
    pub count: i64,
    /// When the oldest of them was due.
    pub oldest: Option<DateTime<Utc>>,
}

impl Store {
    /// Returns what holds for a whole business now.
    pub async fn standing(&self, tenant: &TenantId) -> Result<Standing, StoreError> {
        let stopped = self.tenant_state(tenant).await?.and_then(|state| state.stopped);
        let incident: Option<(String, i64)> = sqlx::query_as(
            "SELECT name, started_at FROM incidents WHERE tenant = $1 AND ended_at IS NULL \
             ORDER BY started_at DESC, id LIMIT 1",
        )
        .bind(tenant.as_str())
        .fetch_optional(&self.reads)
        .await?;
        Ok(Standing { stopped, incident: incident.map(|(name, at)| (name, moment(at))) })
    }

    /// Returns sums of some days, the last included, by hour or by day.
    pub async fn tallies(
        &self,
        tenant: &TenantId,
        (from, to): (NaiveDate, NaiveDate),
        by_hour: bool,
    ) -> Result<Vec<Tallied>, StoreError> {
        let hour = if by_hour { "hour" } else { "-1" };
        let group = if by_hour { ", hour" } else { "" };
        let sql = format!(
            "SELECT name, day, CAST({hour} AS BIGINT) AS hour, part, CAST(SUM(value) AS BIGINT) AS value FROM tallies \
             WHERE tenant = $1 AND name IN ('breach', 'csat', 'draft_approved', 'draft_edited', 'draft_rejected', 'notice', \
             'opened', 'reply', 'solved', 'solved_minutes', 'turn') AND day >= $2 AND day <= $3 \
             GROUP BY name, day{group}, part ORDER BY name, day{group}, part"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(from.to_string())
            .bind(to.to_string())
            .fetch_all(&self.reads)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Tallied {
                    name: row.try_get("name")?,
                    day: day(row)?,
                    hour: u32::try_from(row.try_get::<i64, _>("hour")?).ok(),
                    part: row.try_get("part")?,
                    value: row.try_get("value")?,
                })
            })
            .collect()
    }

    /// Returns how long tickets waited for their first answer on some days, the shortest wait first.
    pub async fn first_waits(
        &self,
        tenant: &TenantId,
        (from, to): (NaiveDate, NaiveDate),
    ) -> Result<Vec<Waited>, StoreError> {
        let rows = sqlx::query(
            "SELECT day, secs, tickets, late FROM first_waits WHERE tenant = $1 AND day >= $2 AND day <= $3 \
             ORDER BY day, secs",
        )
        .bind(tenant.as_str())
        .bind(from.to_string())
        .bind(to.to_string())
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Waited {
                    day: day(row)?,
                    secs: row.try_get("secs")?,
                    tickets: row.try_get("tickets")?,
                    late: row.try_get("late")?,
                })
            })
            .collect()
    }

    /// Counts what agents have, by agent.
    pub async fn held(&self, tenant: &TenantId) -> Result<Vec<Held>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT t.assignee, COUNT(*) FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
             WHERE t.tenant = $1 AND t.assignee IS NOT NULL AND t.clock_at IS NOT NULL AND t.queue_rank IS NOT NULL \
             AND t.status IN ('new', 'open', 'pending', 'escalated') AND c.owner = 'agent' AND c.ticket_id = t.id \
             GROUP BY t.assignee ORDER BY t.assignee",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(|(agent, tickets)| Held { agent, tickets }).collect())
    }

    /// Counts what has not left, and what since a moment did not surely arrive, by channel.
    pub async fn outbox_states(
        &self,
        tenant: &TenantId,
        since: DateTime<Utc>,
    ) -> Result<Vec<OutboxState>, StoreError> {
        let rows = sqlx::query(
            "SELECT channel, state, COUNT(*) AS count, MIN(due_at) AS oldest FROM outbox WHERE audience = 'customer' \
             AND state IN ('queued', 'sending', 'awaiting') AND tenant = $1 GROUP BY channel, state \
             UNION ALL \
             SELECT channel, state, COUNT(*) AS count, MIN(due_at) AS oldest FROM outbox WHERE audience = 'customer' \
             AND state IN ('failed', 'unknown') AND due_at >= $2 AND tenant = $1 GROUP BY channel, state \
             ORDER BY 1, 2",
        )
        .bind(tenant.as_str())
        .bind(millis(since))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxState {
                    channel: row.try_get("channel")?,
                    state: row.try_get("state")?,
                    count: row.try_get("count")?,
                    oldest: row.try_get::<Option<i64>, _>("oldest")?.map(moment),
                })
            })
            .collect()
    }

    /// Returns what people decided about drafts since a day: the channel and category as one word, what was decided, how
    /// often.
    pub async fn draft_ends(
        &self,
        tenant: &TenantId,
        since: NaiveDate,
    ) -> Result<Vec<(String, String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT part, name, CAST(SUM(value) AS BIGINT) FROM tallies WHERE tenant = $1 \
             AND name IN ('draft_approved', 'draft_edited', 'draft_rejected') AND day >= $2 \
             GROUP BY part, name ORDER BY part, name",
        )
        .bind(tenant.as_str())
        .bind(since.to_string())
        .fetch_all(&self.reads)
        .await?)
    }

    /// Names the accounts on which a business talks on a channel, the first few.
    pub async fn accounts_of(
        &self,
        tenant: &TenantId,
        channel: Channel,
    ) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<String> = Vec::new();
        // From one to the next along the index, however many conversations each has.
        while found.len() < ACCOUNTS_MAX {
            let (next,): (Option<String>,) = sqlx::query_as(
                "SELECT MIN(account) FROM conversations WHERE tenant = $1 AND channel = $2 AND account > $3",
            )
            .bind(tenant.as_str())
            .bind(channel.as_str())
            .bind(found.last().map_or("", String::as_str))
            .fetch_one(&self.reads)
            .await?;
            let Some(next) = next else { break };
            found.push(next);
        }
        Ok(found)
    }

    /// Counts turns that were set aside after too many attempts.
    pub async fn dead_turns(&self, tenant: &TenantId) -> Result<i64, StoreError> {
        let (count,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM jobs WHERE queue = 'message' AND state = 'dead' AND tenant = $1",
        )
        .bind(tenant.as_str())
        .fetch_one(&self.reads)
        .await?;
        Ok(count)
    }
}

fn day(row: &sqlx::any::AnyRow) -> Result<NaiveDate, StoreError> {
    let day: String = row.try_get("day")?;
    day.parse().map_err(|_| StoreError::Unreadable("day"))
}
