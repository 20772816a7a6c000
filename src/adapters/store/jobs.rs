//! Jobs under leases: an attempt is counted when it is leased, so that a job that kills the process
//! still burns one, and a lease that lapsed is anybody's again.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::writer::Lasting;
use super::{Store, StoreError, millis, moment, to_json};
use crate::domain::ids::{ConversationId, JobId, TenantId};

/// A piece of work that this worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The conversation whose turn is over.
    pub conversation: ConversationId,
    /// This attempt, from 1.
    pub attempt: u32,
    /// The word that proves the lease.
    pub lease: Lease,
}

/// A lease, told apart from every other one of the same job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease(pub String);

/// True for a job whose conversation has no reply on the wire.
const NOTHING_LEAVES: &str = "NOT EXISTS (SELECT 1 FROM outbox o \
    WHERE o.conversation_id = jobs.subject AND o.state = 'sending')";

/// Has a conversation's turn decided anew where the customer wrote last. A new message has queued a
/// job already, which then stands; a dead one comes back to life.
pub(super) async fn requeue_open_turn(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &str,
    conversation: &str,
) -> Result<(), StoreError> {
    let id = format!("{}x{}", conversation.replacen("cnv_", "job_", 1), millis(now));
    sqlx::query(
        "INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, attempts, created_at) \
         SELECT $1, $2, 'message', 'turn', $3, $4, $4, 'pending', 0, $4 FROM messages m \
         WHERE m.seq = (SELECT MAX(seq) FROM messages WHERE conversation_id = $3) AND m.author = 'customer' \
         ON CONFLICT (kind, subject) DO UPDATE SET state = 'pending', \
           attempts = CASE WHEN jobs.state = 'dead' THEN 0 ELSE jobs.attempts END",
    )
    .bind(id)
    .bind(tenant)
    .bind(conversation)
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Has a conversation's turn decided anew, whoever wrote last. A job that waits already stands.
pub(super) async fn queue_turn(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &str,
    conversation: &str,
) -> Result<(), StoreError> {
    let id = format!("{}x{}", conversation.replacen("cnv_", "job_", 1), millis(now));
    sqlx::query(
        "INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, attempts, created_at) \
         VALUES ($1, $2, 'message', 'turn', $3, $4, $4, 'pending', 0, $4) ON CONFLICT (kind, subject) DO NOTHING",
    )
    .bind(id)
    .bind(tenant)
    .bind(conversation)
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Has a conversation's turn decided anew, as `queue_turn` does; a dead job comes back to life.
pub(super) async fn revive_turn(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &str,
    conversation: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE jobs SET state = 'pending', attempts = 0, first_at = $1, due_at = $1, held_at = NULL, error = NULL \
         WHERE kind = 'turn' AND subject = $2 AND state = 'dead'",
    )
    .bind(millis(now))
    .bind(conversation)
    .execute(&mut *connection)
    .await?;
    queue_turn(connection, now, tenant, conversation).await
}

impl Store {
    /// Takes up to `max` due jobs of a queue, oldest first, and hides them until `until`. A turn waits
    /// while an earlier answer of its conversation is being handed to a network: only then is known
    /// what it still has to answer.
    pub async fn lease_jobs(
        &self,
        queue: &'static str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: u32,
        lease: Lease,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let sql = format!(
            // Materialised, because PostgreSQL may run a sub-select with LIMIT and SKIP LOCKED once
            // per row, and then leases more than `max`.
            "WITH due AS MATERIALIZED ( \
               SELECT id FROM jobs WHERE queue = $3 AND state = 'pending' AND due_at <= $4 \
               AND (leased_until IS NULL OR leased_until <= $4) AND {NOTHING_LEAVES} ORDER BY due_at LIMIT $5{}) \
             UPDATE jobs SET lease = $1, leased_until = $2, attempts = attempts + 1 \
             WHERE id IN (SELECT id FROM due) RETURNING id, tenant, subject, attempts",
            self.dialect.skip_locked()
        );
        self.writer
            .run(Lasting::No, move |connection| {
                Box::pin(async move {
                    let rows: Vec<(String, String, String, i64)> =
                        sqlx::query_as(sqlx::AssertSqlSafe(sql))
                            .bind(&lease.0)
                            .bind(millis(until))
                            .bind(queue)
                            .bind(millis(now))
                            .bind(i64::from(max))
                            .fetch_all(connection)
                            .await?;
                    rows.into_iter()
                        .map(|(id, tenant, subject, attempts)| {
                            Ok(LeasedJob {
                                id: JobId::from_stored(id),
                                tenant: TenantId::parse(&tenant)
                                    .ok_or(StoreError::Unreadable("tenant"))?,
                                conversation: ConversationId::from_stored(subject),
                                attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
                                lease: lease.clone(),
                            })
                        })
                        .collect()
                })
            })
            .await
    }

    /// Moves the end of leases that are still ours.
    pub async fn extend_leases(
        &self,
        jobs: &[JobId],
        lease: &Lease,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE jobs SET leased_until = $1 WHERE lease = $2 AND id IN {}",
            self.dialect.json_strings("$3")
        );
        let (ids, lease) = (to_json(&jobs), lease.0.clone());
        self.writer
            .run(Lasting::No, move |connection| {
                Box::pin(async move {
                    sqlx::query(sqlx::AssertSqlSafe(sql))
                        .bind(millis(until))
                        .bind(lease)
                        .bind(ids)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Gives a job back for another attempt at a later moment.
    pub async fn retry_job(
        &self,
        job: &LeasedJob,
        at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), StoreError> {
        self.end_attempt(job, "pending", Some(at), error).await
    }

    /// Sets a job aside, where people see it; the caller has handed its case to a human.
    pub async fn bury_job(&self, job: &LeasedJob, error: &str) -> Result<(), StoreError> {
        self.end_attempt(job, "dead", None, error).await
    }

    async fn end_attempt(
        &self,
        job: &LeasedJob,
        state: &'static str,
        due: Option<DateTime<Utc>>,
        error: &str,
    ) -> Result<(), StoreError> {
        let (id, lease, error) =
            (job.id.as_str().to_owned(), job.lease.0.clone(), error.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE jobs SET state = $1, due_at = COALESCE($2, due_at), error = $3, lease = NULL, \
                     leased_until = NULL WHERE id = $4 AND lease = $5",
                )
                .bind(state)
                .bind(due.map(millis))
                .bind(error)
                .bind(id)
                .bind(lease)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes every lease back at once. Only for the one worker of a directory, when it starts.
    pub async fn take_back_leases(&self) -> Result<u64, StoreError> {
        self.write(|connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE jobs SET lease = NULL, leased_until = NULL WHERE lease IS NOT NULL",
                )
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Returns when the next job of a queue is due, leased ones at the end of their lease. It looks at
    /// one waiting job and at those under lease, however many wait.
    pub async fn next_due(&self, queue: &'static str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = format!(
            "SELECT MIN(due) FROM (SELECT (SELECT due_at FROM jobs WHERE queue = $1 AND state = 'pending' \
               AND leased_until IS NULL AND {NOTHING_LEAVES} ORDER BY due_at LIMIT 1) AS due \
             UNION ALL \
             SELECT MIN(CASE WHEN leased_until < due_at THEN due_at ELSE leased_until END) FROM jobs \
               WHERE queue = $1 AND state = 'pending' AND leased_until > 0 AND {NOTHING_LEAVES}) AS next"
        );
        let row: (Option<i64>,) =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(queue).fetch_one(&self.reads).await?;
        Ok(row.0.map(moment))
    }

    /// Counts jobs per queue and state, dead letters included.
    pub async fn job_counts(&self) -> Result<Vec<(String, String, i64)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT queue, state, COUNT(*) FROM jobs GROUP BY queue, state ORDER BY queue, state",
        )
        .fetch_all(&self.reads)
        .await?)
    }
}
