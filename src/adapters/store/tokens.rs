//! Bearer tokens: a tenant, a name, scopes, and the hash of a secret that is shown once.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Store, StoreError, millis, moment, no_nul};
use crate::domain::ids::{TenantId, TokenId};

crate::domain::words! {
    /// What a token may do.
    Scope {
        /// Hand in messages and tickets.
        Ingest = "ingest",
        /// Read tickets, queues and the outbox.
        Read = "read",
        /// Review drafts and act on tickets.
        Agent = "agent",
        /// Write customers.
        Customers = "customers",
        /// Declare incidents.
        Admin = "admin",
    }
}

/// A token as lists show it; the secret is never stored.
#[derive(Clone, Debug, Serialize)]
pub struct TokenRow {
    /// Its id, the part before the dot.
    pub id: TokenId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked; `None` while it works.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A caller who proved to hold a token.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The token.
    pub id: TokenId,
    /// Its tenant: every query of the caller is confined to it.
    pub tenant: TenantId,
    /// Its name, the actor of what the caller does.
    pub name: String,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
}

impl Store {
    /// Stores a token under the hash of its secret. `false`: the tenant has a working token of that name.
    pub async fn add_token(&self, token: TokenRow, secret: &str) -> Result<bool, StoreError> {
        let hash = hash_of(secret);
        self.write(move |connection| {
            Box::pin(async move {
                let working: Option<(String,)> = sqlx::query_as(
                    "SELECT id FROM tokens WHERE tenant = $1 AND name = $2 AND revoked_at IS NULL",
                )
                .bind(token.tenant.as_str())
                .bind(&token.name)
                .fetch_optional(&mut *connection)
                .await?;
                if working.is_some() {
                    return Ok(false);
                }
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                sqlx::query(
                    "INSERT INTO tokens (id, tenant, name, secret_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(token.id.as_str())
                .bind(token.tenant.as_str())
                .bind(&token.name)
                .bind(hash)
                .bind(scopes.join(" "))
                .bind(millis(token.created_at))
                .execute(connection)
                .await?;
                Ok(true)
            })
        })
        .await
    }

    /// Lists tokens of all tenants, oldest first.
    pub async fn list_tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        let rows: Vec<(String, String, String, String, i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, tenant, name, scopes, created_at, revoked_at FROM tokens ORDER BY created_at, id",
        )
        .fetch_all(&self.reads)
        .await?;
        rows.into_iter()
            .map(|(id, tenant, name, scopes, created, revoked)| {
                Ok(TokenRow {
                    id: TokenId::from_stored(id),
                    tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
                    name,
                    scopes: scopes_of(&scopes),
                    created_at: moment(created),
                    revoked_at: revoked.map(moment),
                })
            })
            .collect()
    }

    /// Revokes a token by id, or by name within a tenant; `false` if there is no such working token.
    pub async fn revoke_token(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        id_or_name: &str,
    ) -> Result<bool, StoreError> {
        let (tenant, wanted) = (tenant.clone(), id_or_name.to_owned());
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE tokens SET revoked_at = $1 WHERE tenant = $2 AND (id = $3 OR name = $3) AND revoked_at IS NULL",
                )
                .bind(millis(now))
                .bind(tenant.as_str())
                .bind(no_nul(&wanted))
                .execute(connection)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// Checks a bearer token, `ID.SECRET`; `None` if it is unknown, wrong or revoked.
    pub async fn verify_token(&self, bearer: &str) -> Result<Option<Verified>, StoreError> {
        let Some((id, secret)) = bearer.split_once('.') else { return Ok(None) };
        let row: Option<(String, String, String, String)> = sqlx::query_as(
            "SELECT tenant, name, secret_hash, scopes FROM tokens WHERE id = $1 AND revoked_at IS NULL",
        )
        .bind(no_nul(id))
        .fetch_optional(&self.reads)
        .await?;
        let Some((tenant, name, hash, scopes)) = row else { return Ok(None) };
        if !bool::from(hash.as_bytes().ct_eq(hash_of(secret).as_bytes())) {
            return Ok(None);
        }
        Ok(Some(Verified {
            id: TokenId::from_stored(id),
            tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
            name,
            scopes: scopes_of(&scopes),
        }))
    }
}

fn scopes_of(words: &str) -> Vec<Scope> {
    words.split(' ').filter_map(Scope::parse).collect()
}

/// SHA-256 is enough here: the secret has 256 random bits, so there is nothing to guess.
fn hash_of(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
