//! What holds for a whole tenant: the epoch of its policy, a declared incident, whether the assistant is stopped.

use sqlx::Row;

use super::switches::{Stopped, stopped};
use super::{Store, StoreError};
use crate::domain::ids::TenantId;

/// The tenant's present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantState {
    /// Raised by each change of policy, switch or incident; what was decided under another one is not sent.
    pub epoch: i64,
    /// The digest of the policy that this epoch belongs to; empty before the first policy.
    pub policy_digest: String,
    /// The declared incident, if any; nothing leaves automatically while it stands.
    pub incident: Option<String>,
    /// Since when the assistant is stopped, if it is; nothing leaves automatically meanwhile either.
    pub stopped: Option<Stopped>,
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
                let row = sqlx::query(
                    "INSERT INTO tenants (tenant, epoch, policy_digest) VALUES ($1, 1, $2) \
                     ON CONFLICT (tenant) DO UPDATE SET \
                       epoch = CASE WHEN tenants.policy_digest = excluded.policy_digest THEN tenants.epoch ELSE tenants.epoch + 1 END, \
                       policy_digest = excluded.policy_digest \
                     RETURNING epoch, policy_digest, incident, stopped_at, stopped_by, stopped_reason, stopped_replies",
                )
                .bind(tenant.as_str())
                .bind(&digest)
                .fetch_one(connection)
                .await?;
                state(&row)
            })
        })
        .await
    }

    /// Returns the tenants of whom anything is stored, were it only that somebody was erased, in order of name, whether or
    /// not the settings still name them.
    pub async fn stored_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT tenant FROM tenants UNION SELECT tenant FROM customers UNION SELECT tenant FROM audit \
             ORDER BY tenant",
        )
        .fetch_all(&self.reads)
        .await?;
        Ok(names.iter().filter_map(|name| TenantId::parse(name)).collect())
    }

    /// Returns the tenant's state; `None` before its first policy.
    pub async fn tenant_state(&self, tenant: &TenantId) -> Result<Option<TenantState>, StoreError> {
        let row = sqlx::query(
            "SELECT epoch, policy_digest, incident, stopped_at, stopped_by, stopped_reason, stopped_replies FROM tenants \
             WHERE tenant = $1",
        )
        .bind(tenant.as_str())
        .fetch_optional(&self.reads)
        .await?;
        row.as_ref().map(state).transpose()
    }
}

fn state(row: &sqlx::any::AnyRow) -> Result<TenantState, StoreError> {
    Ok(TenantState {
        epoch: row.try_get("epoch")?,
        policy_digest: row.try_get("policy_digest")?,
        incident: row.try_get("incident")?,
        stopped: stopped(row)?,
    })
}
