//! The trail as a stream of events, and how far each receiver has read it.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;

use super::{Dialect, Store, StoreError, from_json, millis, moment};
use crate::domain::ids::TenantId;

/// How long a line may be on its way: where several write at once, a lower number can appear after a higher one.
const SETTLED_AFTER: Duration = Duration::seconds(2);

/// The name of the cursor of a business's webhook.
pub const WEBHOOK_CURSOR: &str = "webhook";

/// Something that happened, as receivers outside see it. It holds ids, labels and rules, never a customer's words.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EventRow {
    /// Its place in the stream; what to continue after.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, e.g. `turn.decided`, `sla.breached`, `ticket.claimed`.
    #[serde(rename = "type")]
    pub action: String,
    /// The ticket; absent for what concerns the business as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<String>,
    /// Who did it: `worker`, or `agent:` and a name.
    pub actor: String,
    /// What is so from now on.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Why: rules or a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Store {
    /// Rows written until then have no lower number on its way.
    pub(super) fn settled_by(&self, now: DateTime<Utc>) -> i64 {
        match self.dialect {
            Dialect::Sqlite => i64::MAX,
            Dialect::Postgres => millis(now - SETTLED_AFTER),
        }
    }

    /// Returns events after one of them, in order.
    pub async fn events(
        &self,
        tenant: &TenantId,
        now: DateTime<Utc>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let until = self.settled_by(now);
        let rows = sqlx::query(
            "SELECT seq, at, actor, action, ticket_id, after, cause FROM audit \
             WHERE tenant = $1 AND seq > $2 AND at <= $3 ORDER BY seq LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(after)
        .bind(until)
        .bind(i64::from(limit))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                let data: Option<String> = row.try_get("after")?;
                Ok(EventRow {
                    seq: row.try_get("seq")?,
                    at: moment(row.try_get("at")?),
                    actor: row.try_get("actor")?,
                    action: row.try_get("action")?,
                    ticket_id: row.try_get("ticket_id")?,
                    data: data.map_or(Ok(Value::Null), |text| from_json("audit entry", &text))?,
                    cause: row.try_get("cause")?,
                })
            })
            .collect()
    }

    /// Returns the place of the latest event; 0 before the first.
    pub async fn latest_event(&self, tenant: &TenantId) -> Result<i64, StoreError> {
        let (latest,): (Option<i64>,) =
            sqlx::query_as("SELECT MAX(seq) FROM audit WHERE tenant = $1")
                .bind(tenant.as_str())
                .fetch_one(&self.reads)
                .await?;
        Ok(latest.unwrap_or(0))
    }

    /// Returns up to which event a receiver has read; `None` before its first.
    pub async fn cursor(&self, tenant: &TenantId, name: &str) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT value FROM counters WHERE tenant = $1 AND name = $2")
                .bind(tenant.as_str())
                .bind(name)
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|(value,)| value))
    }

    /// Notes up to which event a receiver has read; an earlier one makes it read again.
    pub async fn set_cursor(
        &self,
        tenant: &TenantId,
        name: &str,
        at: i64,
    ) -> Result<(), StoreError> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO counters (tenant, name, value) VALUES ($1, $2, $3) \
                     ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
                )
                .bind(tenant.as_str())
                .bind(name)
                .bind(at)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Moves a receiver's cursor on from where it was read; false when somebody moved it meanwhile, as a replay does.
    pub async fn advance_cursor(
        &self,
        tenant: &TenantId,
        name: &str,
        from: i64,
        to: i64,
    ) -> Result<bool, StoreError> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE counters SET value = $1 WHERE tenant = $2 AND name = $3 AND value = $4",
                )
                .bind(to)
                .bind(tenant.as_str())
                .bind(name)
                .bind(from)
                .execute(connection)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }
}
