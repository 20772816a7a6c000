//! The switches of supervisors: the assistant as a whole, and how far it goes in a category on a channel.
//!
//! Each change raises the tenant's epoch in its own transaction, so that nothing decided before it leaves after it. A
//! stopped assistant is compared once more when a reply is claimed, like an incident.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{AnyConnection, Row};

use super::outbox::{Claimed, claimed, retire};
use super::{Store, StoreError, audit, millis, moment, no_nul, to_json};
use crate::domain::channel::Channel;
use crate::domain::decision::Mode;
use crate::domain::ids::TenantId;

/// How many replies are called back in one transaction.
const BATCH: i64 = 200;
/// Why a reply did not leave, as the outbox and the trail say it.
pub(super) const STOPPED: &str = "assistant stopped";

/// Since when no reply leaves by itself, and on whose word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Who stopped it.
    pub by: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// How many replies had not left and went to people.
    pub replies: i64,
}

/// What stopping the assistant did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Replies that had not left; people have them now.
    pub called_back: i64,
    /// Replies that their network was being handed already.
    pub on_their_way: i64,
}

/// Automatic replies that have not arrived yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Those that can still be called back.
    pub queued: i64,
    /// Those that their network is being handed.
    pub on_their_way: i64,
}

/// What supervisors say of a category on a channel. The policy holds where it is stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeSwitch {
    /// The category.
    pub category: String,
    /// The channel.
    pub channel: Channel,
    /// The furthest that the assistant goes.
    pub mode: Mode,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// A change of how far the assistant goes in a category on a channel.
#[derive(Clone, Debug)]
pub struct ModeChange {
    /// The category.
    pub category: String,
    /// The channel.
    pub channel: Channel,
    /// The furthest that it goes from now on; `None` leaves that to the policy.
    pub mode: Option<Mode>,
    /// What the policy says, for the trail.
    pub policy: Mode,
    /// Why.
    pub reason: Option<String>,
}

impl Store {
    /// Stops the assistant: from the moment that this returns no automatic reply is handed to a network, and those that
    /// waited are retired, so that people answer. `None` where it is stopped already.
    pub async fn stop_assistant(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &str,
        name: &str,
        reason: Option<String>,
    ) -> Result<Option<Recall>, StoreError> {
        let (owner, actor, name) = (tenant.clone(), actor.to_owned(), no_nul(name));
        let stopped = self
            .write(move |connection| {
                Box::pin(
                    async move { stop(connection, now, &owner, (&actor, &name, reason)).await },
                )
            })
            .await?;
        if !stopped {
            return Ok(None);
        }
        // In transactions of their own: what is claimed meanwhile is compared with the switch, which stands.
        let on_their_way = self.leaving(tenant).await?.on_their_way;
        let mut called_back = 0;
        loop {
            let tenant = tenant.clone();
            let count = self
                .write(move |connection| {
                    Box::pin(async move { call_back(connection, now, &tenant).await })
                })
                .await?;
            called_back += count;
            if count < BATCH {
                break;
            }
        }
        Ok(Some(Recall { called_back, on_their_way }))
    }

    /// Switches the assistant on again. False where it was on.
    pub async fn resume_assistant(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let (tenant, actor) = (tenant.clone(), actor.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE tenants SET stopped_at = NULL, stopped_by = NULL, stopped_reason = NULL, stopped_replies = 0, \
                     epoch = epoch + 1 WHERE tenant = $1 AND stopped_at IS NOT NULL",
                )
                .bind(tenant.as_str())
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                let after = json!({"on": true});
                note(connection, now, &tenant, &actor, ("assistant.resumed", None, after)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Counts a business's automatic replies that have not arrived. Notices and the safety text are none.
    pub async fn leaving(&self, tenant: &TenantId) -> Result<Leaving, StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0) AS queued, \
             COALESCE(SUM(CASE WHEN state = 'sending' THEN 1 ELSE 0 END), 0) AS sending FROM outbox \
             WHERE audience = 'customer' AND state IN ('queued', 'sending') AND tenant = $1 AND automatic = 1 AND kind = 'reply'",
        )
        .bind(tenant.as_str())
        .fetch_one(&self.reads)
        .await?;
        Ok(Leaving { queued: row.try_get("queued")?, on_their_way: row.try_get("sending")? })
    }

    /// Says how far the assistant goes in a category on a channel. False, with nothing changed, where it was so already.
    pub async fn switch_mode(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &str,
        name: &str,
        change: ModeChange,
    ) -> Result<bool, StoreError> {
        let (tenant, actor, name) = (tenant.clone(), actor.to_owned(), no_nul(name));
        self.write(move |connection| {
            Box::pin(
                async move { switch(connection, now, &tenant, (&actor, &name), &change).await },
            )
        })
        .await
    }

    /// Returns what supervisors say over the policy's modes.
    pub async fn mode_switches(&self, tenant: &TenantId) -> Result<Vec<ModeSwitch>, StoreError> {
        let rows = sqlx::query(
            "SELECT category, channel, mode, set_by, set_at, reason FROM mode_switches WHERE tenant = $1 \
             ORDER BY category, channel",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ModeSwitch {
                    category: row.try_get("category")?,
                    channel: super::turns::word(row, "channel", Channel::parse)?,
                    mode: super::turns::word(row, "mode", Mode::parse)?,
                    by: row.try_get("set_by")?,
                    at: moment(row.try_get("set_at")?),
                    reason: row.try_get("reason")?,
                })
            })
            .collect()
    }
}

/// Reads whether a tenant's row says that the assistant is stopped.
pub(super) fn stopped(row: &sqlx::any::AnyRow) -> Result<Option<Stopped>, StoreError> {
    let Some(at) = row.try_get::<Option<i64>, _>("stopped_at")? else { return Ok(None) };
    Ok(Some(Stopped {
        at: moment(at),
        by: row.try_get::<Option<String>, _>("stopped_by")?.unwrap_or_default(),
        reason: row.try_get("stopped_reason")?,
        replies: row.try_get("stopped_replies")?,
    }))
}

async fn stop(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    (actor, name, reason): (&str, &str, Option<String>),
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO tenants (tenant, epoch, policy_digest, stopped_at, stopped_by, stopped_reason) VALUES ($1, 1, '', $2, $3, $4) \
         ON CONFLICT (tenant) DO UPDATE SET epoch = tenants.epoch + 1, stopped_at = excluded.stopped_at, \
         stopped_by = excluded.stopped_by, stopped_reason = excluded.stopped_reason, stopped_replies = 0 \
         WHERE tenants.stopped_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(millis(now))
    .bind(name)
    .bind(reason.map(|reason| no_nul(&reason)))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    note(connection, now, tenant, actor, ("assistant.stopped", None, json!({"on": false}))).await?;
    Ok(true)
}

/// Retires automatic replies that have not left. Returns how many; fewer than a batch once none is left that somebody
/// else does not hold, and those are retired when they are claimed.
async fn call_back(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
) -> Result<i64, StoreError> {
    let lock = match super::Dialect::of(connection) {
        super::Dialect::Sqlite => "",
        super::Dialect::Postgres => " FOR UPDATE OF o, c SKIP LOCKED",
    };
    let sql = format!(
        "SELECT o.id, o.tenant, o.channel, o.account, o.conversation_id, o.ticket_id, o.author, o.author_ref, o.kind, o.attempts, o.body, \
         o.created_at FROM outbox o JOIN conversations c ON c.id = o.conversation_id \
         WHERE o.audience = 'customer' AND o.state = 'queued' AND o.tenant = $1 AND o.automatic = 1 AND o.kind = 'reply' \
         ORDER BY o.due_at, o.seq LIMIT {BATCH}{lock}"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .fetch_all(&mut *connection)
        .await?;
    let rows: Vec<Claimed> = rows.iter().map(claimed).collect::<Result<_, _>>()?;
    for row in &rows {
        retire(connection, now, row, STOPPED).await?;
    }
    let count = super::many::to_int(rows.len());
    sqlx::query("UPDATE tenants SET stopped_replies = stopped_replies + $1 WHERE tenant = $2 AND stopped_at IS NOT NULL")
        .bind(count)
        .bind(tenant.as_str())
        .execute(connection)
        .await?;
    Ok(count)
}

async fn switch(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    (actor, name): (&str, &str),
    change: &ModeChange,
) -> Result<bool, StoreError> {
    let category = no_nul(&change.category);
    // Of two who switch at the same time, the second waits here and sees what the first did.
    let sql = format!(
        "SELECT tenant FROM tenants WHERE tenant = $1{}",
        super::Dialect::of(connection).lock("tenants")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let known: Option<(String,)> = sqlx::query_as(
        "SELECT mode FROM mode_switches WHERE tenant = $1 AND category = $2 AND channel = $3",
    )
    .bind(tenant.as_str())
    .bind(&category)
    .bind(change.channel.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let known = known.and_then(|(word,)| Mode::parse(&word));
    if known == change.mode {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO tenants (tenant, epoch, policy_digest) VALUES ($1, 1, '') \
         ON CONFLICT (tenant) DO UPDATE SET epoch = tenants.epoch + 1",
    )
    .bind(tenant.as_str())
    .execute(&mut *connection)
    .await?;
    match change.mode {
        None => {
            sqlx::query(
                "DELETE FROM mode_switches WHERE tenant = $1 AND category = $2 AND channel = $3",
            )
            .bind(tenant.as_str())
            .bind(&category)
            .bind(change.channel.as_str())
            .execute(&mut *connection)
            .await?;
        }
        Some(mode) => {
            sqlx::query(
                "INSERT INTO mode_switches (tenant, category, channel, mode, set_by, set_at, reason) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, category, channel) DO UPDATE SET \
                 mode = excluded.mode, set_by = excluded.set_by, set_at = excluded.set_at, reason = excluded.reason",
            )
            .bind(tenant.as_str())
            .bind(&category)
            .bind(change.channel.as_str())
            .bind(mode.as_str())
            .bind(name)
            .bind(millis(now))
            .bind(change.reason.as_deref().map(no_nul))
            .execute(&mut *connection)
            .await?;
        }
    }
    let holds =
        |switch: Option<Mode>| switch.map_or(change.policy, |mode| mode.stricter(change.policy));
    let of = |mode: Mode| json!({"category": category, "channel": change.channel, "mode": mode});
    let (before, after) = (of(holds(known)), of(holds(change.mode)));
    note(connection, now, tenant, actor, ("mode.switched", Some(before), after)).await?;
    Ok(true)
}

/// Leaves a line in the trail. Reasons are people's own words, so they stay beside the switch.
async fn note(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    actor: &str,
    (action, before, after): (&str, Option<serde_json::Value>, serde_json::Value),
) -> Result<(), StoreError> {
    audit::append(
        connection,
        audit::Entry {
            tenant: tenant.as_str(),
            at: now,
            ticket: None,
            conversation: None,
            actor,
            action,
            before: before.as_ref().map(to_json),
            after: Some(to_json(&after)),
            cause: None,
        },
    )
    .await
}
