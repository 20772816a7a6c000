//! People: who is online, and what is to be told to them. A notification is an outbox row like any other: retried,
//! de-duplicated, seen when it fails.

use chrono::{DateTime, Duration, Utc};
use sqlx::{AnyConnection, Row};

use super::{DeliveryEnd, Store, StoreError, audit, from_json, millis, moment, to_json};
use crate::domain::ids::{OutboxId, TenantId};
use crate::domain::notification::Notification;

crate::domain::words! {
    /// How a person is reached.
    Way {
        /// By mail.
        Email = "email",
        /// By a signed webhook of the settings.
        Webhook = "webhook",
    }
}

/// Something to tell a person.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// Its id, the idempotency key.
    pub id: OutboxId,
    /// Who is told.
    pub person: String,
    /// How.
    pub way: Way,
    /// The address; of the webhook, the person's name.
    pub to: String,
    /// What is told.
    pub told: Notification,
    /// Not before.
    pub at: DateTime<Utc>,
    /// The same person is not told the same again within this time.
    pub repeat_after: Duration,
}

impl NewNotification {
    /// What makes two notifications the same.
    fn key(&self) -> String {
        let ticket = self.told.ticket.as_ref().map_or("", |ticket| ticket.id.as_str());
        let what = self.told.reason.as_deref().unwrap_or_default();
        // Without a ticket the reason tells two incidents apart.
        let what = if ticket.is_empty() { what } else { "" };
        format!("{}:{ticket}:{}:{}:{what}", self.told.event, self.way, self.to)
    }
}

/// A notification that was marked *sending*.
#[derive(Clone, Debug)]
pub struct ClaimedNotification {
    /// Its id.
    pub id: OutboxId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who is told.
    pub person: String,
    /// How.
    pub way: Way,
    /// The address; of the webhook, the person's name.
    pub to: String,
    /// What is told.
    pub told: Notification,
    /// This attempt, from 1.
    pub attempt: u32,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

/// An agent who is online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The agent's name.
    pub name: String,
    /// Until when, unless they say so again.
    pub online_until: Option<DateTime<Utc>>,
    /// When a ticket was last given to them.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

/// Queues notifications, except those that were queued a short while ago.
pub(super) async fn insert_notifications(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    notifications: &[NewNotification],
) -> Result<(), StoreError> {
    for new in notifications {
        let key = new.key();
        let ticket = new.told.ticket.as_ref().map_or("", |ticket| ticket.id.as_str());
        sqlx::query(
            "INSERT INTO outbox (id, tenant, conversation_id, ticket_id, channel, account, author, author_ref, kind, \
             automatic, compare_version, body, state, attempts, due_at, conversation_version, epoch, created_at, \
             audience, dedupe) SELECT $1, $2, '', $3, $4, $5, 'system', $6, $7, 0, 0, $8, 'queued', 0, $9, 0, 0, $10, \
             'people', $11 WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.tenant = $2 AND o.dedupe = $11 \
             AND o.created_at > $12)",
        )
        .bind(new.id.as_str())
        .bind(&new.told.tenant)
        .bind(ticket)
        .bind(new.way.as_str())
        .bind(&new.to)
        .bind(&new.person)
        .bind(new.told.event.as_str())
        .bind(to_json(&new.told))
        .bind(millis(new.at))
        .bind(millis(now))
        .bind(&key)
        .bind(millis(now - new.repeat_after))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// How many waiting tickets of a queue are looked at because somebody came online.
const WAITING_FIRST: i64 = 20;

impl Store {
    /// Queues notifications that belong to no look at a ticket.
    pub async fn notify(
        &self,
        now: DateTime<Utc>,
        notifications: Vec<NewNotification>,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            Box::pin(async move { insert_notifications(connection, now, &notifications).await })
        })
        .await
    }

    /// Marks up to `max` due notifications as *sending* and returns them.
    pub async fn claim_notifications(
        &self,
        now: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<ClaimedNotification>, StoreError> {
        let due: Option<(i64,)> = sqlx::query_as(
            "SELECT 1 FROM outbox WHERE audience = 'people' AND state = 'queued' AND due_at <= $1 LIMIT 1",
        )
        .bind(millis(now))
        .fetch_optional(&self.reads)
        .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE audience = 'people' AND state = 'queued' \
               AND due_at <= $1 ORDER BY due_at LIMIT $2{}) \
             UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id IN (SELECT id FROM due) \
             RETURNING id, tenant, author_ref, channel, account, body, attempts, created_at",
            self.dialect.skip_locked()
        );
        self.write(move |connection| {
            Box::pin(async move {
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(millis(now))
                    .bind(i64::from(max))
                    .fetch_all(connection)
                    .await?;
                rows.iter().map(claimed).collect()
            })
        })
        .await
    }

    /// Ends an attempt to tell somebody.
    pub async fn finish_notification(
        &self,
        now: DateTime<Utc>,
        row: &ClaimedNotification,
        end: DeliveryEnd,
    ) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let (state, due, why) = match &end {
                    DeliveryEnd::Sent | DeliveryEnd::Accepted(_) => ("sent", None, None),
                    DeliveryEnd::RetryAt(at, why) => ("queued", Some(*at), Some(why.as_str())),
                    DeliveryEnd::NotTried(at) => ("queued", Some(*at), None),
                    DeliveryEnd::Failed(why)
                    | DeliveryEnd::Unknown(why)
                    | DeliveryEnd::Awaiting(_, why) => ("failed", None, Some(why.as_str())),
                };
                sqlx::query(
                    "UPDATE outbox SET state = $1, due_at = COALESCE($2, due_at), error = $3, \
                     finished_at = CASE WHEN $2 IS NULL THEN $4 ELSE NULL END WHERE id = $5 AND state = 'sending'",
                )
                .bind(state)
                .bind(due.map(millis))
                .bind(why)
                .bind(millis(now))
                .bind(row.id.as_str())
                .execute(&mut *connection)
                .await?;
                if due.is_some() {
                    return Ok(());
                }
                let ticket = row.told.ticket.as_ref().map(|ticket| ticket.id.as_str());
                let action = format!("notification.{state}");
                let after = serde_json::json!({
                    "notification": row.id, "event": row.told.event, "person": row.person, "way": row.way,
                });
                audit::append(
                    connection,
                    audit::Entry {
                        tenant: row.tenant.as_str(),
                        at: now,
                        ticket,
                        conversation: None,
                        actor: "worker",
                        action: &action,
                        before: None,
                        after: Some(to_json(&after)),
                        cause: why.map(str::to_owned),
                    },
                )
                .await
            })
        })
        .await
    }

    /// Gives notifications back that a crash left in *sending*: told twice is better than not at all.
    pub async fn take_back_notifications(&self) -> Result<u64, StoreError> {
        self.write(|connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE outbox SET state = 'queued' WHERE audience = 'people' AND state = 'sending'",
                )
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Returns when the next notification is due.
    pub async fn next_notification_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: (Option<i64>,) = sqlx::query_as(
            "SELECT MIN(due_at) FROM outbox WHERE audience = 'people' AND state = 'queued'",
        )
        .fetch_one(&self.reads)
        .await?;
        Ok(row.0.map(moment))
    }

    /// Says until when an agent is online; `None` takes them offline. What waits without an agent in these queues is
    /// looked at next, a queue's first few: whoever comes is given them in turn.
    pub async fn set_presence(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        name: &str,
        until: Option<DateTime<Utc>>,
        queues: &[String],
    ) -> Result<(), StoreError> {
        let (tenant, name) = (tenant.clone(), super::no_nul(name));
        let queues = queues.to_vec();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO agents (tenant, name, online_until) VALUES ($1, $2, $3) \
                     ON CONFLICT (tenant, name) DO UPDATE SET online_until = excluded.online_until",
                )
                .bind(tenant.as_str())
                .bind(name)
                .bind(until.map(millis))
                .execute(&mut *connection)
                .await?;
                for queue in queues.iter().filter(|_| until.is_some()) {
                    look_at_waiting(connection, now, &tenant, queue).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns everybody who ever was online, by name.
    pub async fn presence(&self, tenant: &TenantId) -> Result<Vec<Presence>, StoreError> {
        let rows: Vec<(String, Option<i64>, Option<i64>)> = sqlx::query_as(
            "SELECT name, online_until, last_assigned_at FROM agents WHERE tenant = $1 ORDER BY name LIMIT 5000",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, until, last)| Presence {
                name,
                online_until: until.map(moment),
                last_assigned_at: last.map(moment),
            })
            .collect())
    }
}

fn claimed(row: &sqlx::any::AnyRow) -> Result<ClaimedNotification, StoreError> {
    let tenant: String = row.try_get("tenant")?;
    Ok(ClaimedNotification {
        id: OutboxId::from_stored(row.try_get::<String, _>("id")?),
        tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
        person: row.try_get::<Option<String>, _>("author_ref")?.unwrap_or_default(),
        way: super::turns::word(row, "channel", Way::parse)?,
        to: row.try_get("account")?,
        told: from_json("notification", &row.try_get::<String, _>("body")?)?,
        attempt: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(0),
        created_at: moment(row.try_get("created_at")?),
    })
}

async fn look_at_waiting(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    queue: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tickets SET clock_rev = clock_rev + 1, clock_at = CASE WHEN clock_at <= $1 THEN clock_at ELSE $1 END \
         WHERE id IN (SELECT id FROM tickets WHERE tenant = $2 AND queue = $3 AND clock_at IS NOT NULL \
         AND queue_rank IS NOT NULL AND assignee IS NULL ORDER BY queue_rank, id LIMIT $4)",
    )
    .bind(millis(now))
    .bind(tenant.as_str())
    .bind(queue)
    .bind(WAITING_FIRST)
    .execute(connection)
    .await?;
    Ok(())
}
