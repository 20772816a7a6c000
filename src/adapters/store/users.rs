//! Accounts of the people who work at the desk. A business always keeps somebody who may look after accounts.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError, audit, millis, moment, no_nul, to_json};
use crate::domain::account::Login;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::role::Role;

/// An account as lists show it; its password is only ever compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// The business they work for.
    pub tenant: TenantId,
    /// What they sign in with.
    pub login: String,
    /// What people call them; the actor of what they do.
    pub name: String,
    /// Their part in the team.
    pub role: Role,
    /// How they like their pages, as JSON.
    pub settings: String,
    /// True while their password is one that somebody else knows.
    pub must_change: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When they were last at the desk.
    pub seen_at: Option<DateTime<Utc>>,
    /// When the account was disabled; `None` while it works.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// The business they work for.
    pub tenant: TenantId,
    /// What they sign in with.
    pub login: Login,
    /// What people call them.
    pub name: String,
    /// Their part in the team.
    pub role: Role,
    /// The hash of their password.
    pub password_hash: String,
    /// Whether somebody else knows that password.
    pub must_change: bool,
    /// How they like their pages, as JSON.
    pub settings: String,
}

/// What became of an account to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAdded {
    /// It is there.
    Done,
    /// Somebody signs in with that already, in this business or another.
    LoginTaken,
    /// Somebody of this business is called that already.
    NameTaken,
}

/// A change of somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Another part in the team.
    Role(Role),
    /// They may not sign in any more; their sessions end now.
    Disable,
    /// They may sign in again.
    Enable,
    /// A password that somebody else knows, by its hash; their sessions end now.
    ResetPassword(String),
}

impl UserChange {
    const fn action(&self) -> &'static str {
        match self {
            Self::Role(_) => "user.role",
            Self::Disable => "user.disabled",
            Self::Enable => "user.enabled",
            Self::ResetPassword(_) => "user.password_reset",
        }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChanged {
    /// It is done.
    Done,
    /// It was like that already.
    Same,
    /// There is no such account in this business.
    Unknown,
    /// Nobody would be left who may look after accounts.
    LastAdmin,
}

/// What is read of an account, which the query calls `u`.
pub(super) const COLUMNS: &str = "u.id, u.tenant, u.login, u.name, u.role, u.settings, u.must_change, u.created_at, u.seen_at, u.disabled_at";

/// Returns a query over accounts, which it calls `u`.
pub(super) fn select_users(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM users u {rest}"))
}

pub(super) fn user_row(row: &AnyRow) -> Result<UserRow, StoreError> {
    let tenant: String = row.try_get("tenant")?;
    let role: String = row.try_get("role")?;
    Ok(UserRow {
        id: UserId::from_stored(row.try_get::<String, _>("id")?),
        tenant: TenantId::parse(&tenant).ok_or(StoreError::Unreadable("tenant"))?,
        login: row.try_get("login")?,
        name: row.try_get("name")?,
        role: Role::parse(&role).ok_or(StoreError::Unreadable("role"))?,
        settings: row.try_get("settings")?,
        must_change: row.try_get::<i64, _>("must_change")? != 0,
        created_at: moment(row.try_get("created_at")?),
        seen_at: row.try_get::<Option<i64>, _>("seen_at")?.map(moment),
        disabled_at: row.try_get::<Option<i64>, _>("disabled_at")?.map(moment),
    })
}

/// What a name is compared by.
fn name_key(name: &str) -> String {
    no_nul(name).to_lowercase()
}

impl Store {
    /// Makes an account, unless its login or its name is taken.
    pub async fn add_user(
        &self,
        now: DateTime<Utc>,
        actor: &str,
        user: NewUser,
    ) -> Result<UserAdded, StoreError> {
        let actor = actor.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let made = sqlx::query(
                    "INSERT INTO users (id, tenant, login, name, name_key, role, password_hash, must_change, settings, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
                )
                .bind(user.id.as_str())
                .bind(user.tenant.as_str())
                .bind(user.login.as_str())
                .bind(no_nul(&user.name))
                .bind(name_key(&user.name))
                .bind(user.role.as_str())
                .bind(&user.password_hash)
                .bind(i64::from(user.must_change))
                .bind(no_nul(&user.settings))
                .bind(millis(now))
                .execute(&mut *connection)
                .await?;
                if made.rows_affected() == 0 {
                    let login: Option<(String,)> =
                        sqlx::query_as("SELECT id FROM users WHERE login = $1")
                            .bind(user.login.as_str())
                            .fetch_optional(connection)
                            .await?;
                    return Ok(if login.is_some() { UserAdded::LoginTaken } else { UserAdded::NameTaken });
                }
                let after = serde_json::json!({"user": user.id, "role": user.role});
                append(connection, (now, &user.tenant, &actor), "user.added", (None, Some(&after))).await?;
                Ok(UserAdded::Done)
            })
        })
        .await
    }

    /// Lists the accounts of a business, or all, by name; disabled ones are the last.
    pub async fn list_users(&self, tenant: Option<&TenantId>) -> Result<Vec<UserRow>, StoreError> {
        const ORDER: &str =
            "ORDER BY u.tenant, CASE WHEN u.disabled_at IS NULL THEN 0 ELSE 1 END, u.name_key";
        let rows = match tenant {
            Some(tenant) => {
                let sql = select_users(&format!("WHERE u.tenant = $1 {ORDER}"));
                sqlx::query(sql).bind(tenant.as_str()).fetch_all(&self.reads).await?
            }
            None => sqlx::query(select_users(ORDER)).fetch_all(&self.reads).await?,
        };
        rows.iter().map(user_row).collect()
    }

    /// Returns an account of a business.
    pub async fn user(
        &self,
        tenant: &TenantId,
        id: &UserId,
    ) -> Result<Option<UserRow>, StoreError> {
        let row = sqlx::query(select_users("WHERE u.tenant = $1 AND u.id = $2"))
            .bind(tenant.as_str())
            .bind(no_nul(id.as_str()))
            .fetch_optional(&self.reads)
            .await?;
        row.as_ref().map(user_row).transpose()
    }

    /// Returns the account of a login, disabled ones too.
    pub async fn user_by_login(&self, login: &Login) -> Result<Option<UserRow>, StoreError> {
        let row = sqlx::query(select_users("WHERE u.login = $1"))
            .bind(login.as_str())
            .fetch_optional(&self.reads)
            .await?;
        row.as_ref().map(user_row).transpose()
    }

    /// Returns the hash of somebody's password.
    pub async fn password_hash(&self, user: &UserId) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT password_hash FROM users WHERE id = $1")
            .bind(user.as_str())
            .fetch_optional(&self.reads)
            .await?)
    }

    /// Returns the names of the people of a business who have one of the roles and may sign in, in order.
    pub async fn names_with(
        &self,
        tenant: &TenantId,
        roles: &[Role],
    ) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, role FROM users WHERE tenant = $1 AND disabled_at IS NULL ORDER BY name_key",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        let has = |role: &str| Role::parse(role).is_some_and(|role| roles.contains(&role));
        Ok(rows.into_iter().filter(|(_, role)| has(role)).map(|(name, _)| name).collect())
    }

    /// Keeps how somebody likes their pages.
    pub async fn set_user_settings(&self, user: &UserId, settings: &str) -> Result<(), StoreError> {
        let (user, settings) = (user.clone(), no_nul(settings));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("UPDATE users SET settings = $1 WHERE id = $2")
                    .bind(&settings)
                    .bind(user.as_str())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives somebody the password that they chose. All their sessions but the one that they chose it in end, and links
    /// that were not used yet.
    pub async fn choose_password(
        &self,
        now: DateTime<Utc>,
        user: &UserRow,
        hash: &str,
        here: &SessionId,
    ) -> Result<(), StoreError> {
        let (user, hash, here) = (user.clone(), hash.to_owned(), here.clone());
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("UPDATE users SET password_hash = $1, must_change = 0 WHERE id = $2")
                    .bind(&hash)
                    .bind(user.id.as_str())
                    .execute(&mut *connection)
                    .await?;
                end_all(connection, &user.id, Some(&here)).await?;
                let who = format!("agent:{}", user.name);
                let of = serde_json::json!({"user": user.id});
                append(
                    connection,
                    (now, &user.tenant, &who),
                    "user.password_chosen",
                    (None, Some(&of)),
                )
                .await
            })
        })
        .await
    }

    /// Changes an account of a business on behalf of `actor`, as the trail calls them.
    pub async fn change_user(
        &self,
        now: DateTime<Utc>,
        actor: &str,
        tenant: &TenantId,
        id: &UserId,
        change: UserChange,
    ) -> Result<UserChanged, StoreError> {
        let (actor, tenant, id) = (actor.to_owned(), tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                // Holds every admin's row until this change is over, so that no two of them leave together.
                let admins = sqlx::query(
                    "UPDATE users SET role = role WHERE tenant = $1 AND role = 'admin' AND disabled_at IS NULL",
                )
                .bind(tenant.as_str())
                .execute(&mut *connection)
                .await?
                .rows_affected();
                let row = sqlx::query(select_users("WHERE u.tenant = $1 AND u.id = $2"))
                    .bind(tenant.as_str())
                    .bind(no_nul(id.as_str()))
                    .fetch_optional(&mut *connection)
                    .await?;
                let Some(before) = row.as_ref().map(user_row).transpose()? else {
                    return Ok(UserChanged::Unknown);
                };
                if is_so(&before, &change) {
                    return Ok(UserChanged::Same);
                }
                let leaves = matches!(change, UserChange::Role(_) | UserChange::Disable)
                    && before.role == Role::Admin
                    && before.disabled_at.is_none();
                if leaves && admins <= 1 {
                    return Ok(UserChanged::LastAdmin);
                }
                apply(connection, now, &id, &change).await?;
                let was = serde_json::json!({"user": id, "role": before.role});
                let is = match &change {
                    UserChange::Role(role) => serde_json::json!({"user": id, "role": role}),
                    _ => serde_json::json!({"user": id}),
                };
                append(connection, (now, &tenant, &actor), change.action(), (Some(&was), Some(&is))).await?;
                Ok(UserChanged::Done)
            })
        })
        .await
    }
}

fn is_so(user: &UserRow, change: &UserChange) -> bool {
    match change {
        UserChange::Role(role) => user.role == *role,
        UserChange::Disable => user.disabled_at.is_some(),
        UserChange::Enable => user.disabled_at.is_none(),
        UserChange::ResetPassword(_) => false,
    }
}

async fn apply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    id: &UserId,
    change: &UserChange,
) -> Result<(), StoreError> {
    let query = match change {
        UserChange::Role(role) => {
            sqlx::query("UPDATE users SET role = $1 WHERE id = $2").bind(role.as_str())
        }
        UserChange::Disable => {
            sqlx::query("UPDATE users SET disabled_at = $1 WHERE id = $2").bind(millis(now))
        }
        UserChange::Enable => {
            sqlx::query("UPDATE users SET disabled_at = $1 WHERE id = $2").bind(None::<i64>)
        }
        UserChange::ResetPassword(hash) => {
            sqlx::query("UPDATE users SET password_hash = $1, must_change = 1 WHERE id = $2")
                .bind(hash.as_str())
        }
    };
    query.bind(id.as_str()).execute(&mut *connection).await?;
    if matches!(change, UserChange::Disable | UserChange::ResetPassword(_)) {
        end_all(connection, id, None).await?;
    }
    Ok(())
}

/// Ends somebody's sessions, except perhaps one, and takes back their links.
async fn end_all(
    connection: &mut AnyConnection,
    user: &UserId,
    except: Option<&SessionId>,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user.as_str())
        .bind(except.map_or("", SessionId::as_str))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM login_links WHERE user_id = $1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

type Was<'a> = (Option<&'a serde_json::Value>, Option<&'a serde_json::Value>);

async fn append(
    connection: &mut AnyConnection,
    (at, tenant, actor): (DateTime<Utc>, &TenantId, &str),
    action: &str,
    (before, after): Was<'_>,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        tenant: tenant.as_str(),
        at,
        ticket: None,
        conversation: None,
        actor,
        action,
        before: before.map(to_json),
        after: after.map(to_json),
        cause: None,
    };
    audit::append(connection, entry).await
}
