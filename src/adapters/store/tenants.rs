//! What holds for a whole tenant: the epoch of its policy, and a declared incident.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, audit, to_json};
use crate::domain::ids::TenantId;

/// The tenant's present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantState {
    /// Raised by each change of policy or incident; what was decided under another one is not sent.
    pub epoch: i64,
    /// The digest of the policy that this epoch belongs to; empty before the first policy.
    pub policy_digest: String,
    /// The declared incident, if any; nothing leaves automatically while it stands.
    pub incident: Option<String>,
}

impl Store {
    /// Returns the tenant's state after making sure that it knows this policy: another digest than
    /// the last one raises the epoch.
    pub async fn adopt_policy(
        &self,
        tenant: &TenantId,
        digest: &str,
    ) -> Result<TenantState, StoreError> {
        let (tenant, digest) = (tenant.clone(), digest.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let (epoch, incident): (i64, Option<String>) = sqlx::query_as(
                    "INSERT INTO tenants (tenant, epoch, policy_digest) VALUES ($1, 1, $2) \
                     ON CONFLICT (tenant) DO UPDATE SET \
                       epoch = CASE WHEN tenants.policy_digest = excluded.policy_digest THEN tenants.epoch ELSE tenants.epoch + 1 END, \
                       policy_digest = excluded.policy_digest \
                     RETURNING epoch, incident",
                )
                .bind(tenant.as_str())
                .bind(&digest)
                .fetch_one(connection)
                .await?;
                Ok(TenantState { epoch, policy_digest: digest, incident })
            })
        })
        .await
    }

    /// Returns the tenant's state; `None` before its first policy.
    pub async fn tenant_state(&self, tenant: &TenantId) -> Result<Option<TenantState>, StoreError> {
        let row: Option<(i64, String, Option<String>)> =
            sqlx::query_as("SELECT epoch, policy_digest, incident FROM tenants WHERE tenant = $1")
                .bind(tenant.as_str())
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|(epoch, policy_digest, incident)| TenantState {
            epoch,
            policy_digest,
            incident,
        }))
    }

    /// Declares an incident or, with `None`, ends it. Automatic replies not yet sent are retired.
    /// The reason goes into the audit trail.
    pub async fn set_incident(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &str,
        incident: Option<String>,
        reason: Option<String>,
    ) -> Result<TenantState, StoreError> {
        let (tenant, actor) = (tenant.clone(), actor.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let (epoch, policy_digest, incident): (i64, String, Option<String>) = sqlx::query_as(
                    "INSERT INTO tenants (tenant, epoch, policy_digest, incident) VALUES ($1, 1, '', $2) \
                     ON CONFLICT (tenant) DO UPDATE SET epoch = tenants.epoch + 1, incident = excluded.incident \
                     RETURNING epoch, policy_digest, incident",
                )
                .bind(tenant.as_str())
                .bind(incident)
                .fetch_one(&mut *connection)
                .await?;
                audit::append(
                    connection,
                    audit::Entry {
                        tenant: tenant.as_str(),
                        at: now,
                        ticket: None,
                        conversation: None,
                        actor: &actor,
                        action: if incident.is_some() { "incident.declared" } else { "incident.ended" },
                        before: None,
                        after: Some(to_json(&serde_json::json!({"incident": incident, "epoch": epoch}))),
                        cause: reason,
                    },
                )
                .await?;
                Ok(TenantState { epoch, policy_digest, incident })
            })
        })
        .await
    }
}
