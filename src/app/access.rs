//! Who is let in: tokens of programs, accounts of people, and links that sign somebody in once.

use std::sync::Arc;

use anyhow::Context as _;

use crate::adapters::passwords::{Passwords, fresh_secret};
use crate::adapters::store::{NewUser, Scope, Store, TokenRow, UserAdded};
use crate::desk::Settings;
use crate::domain::account::Login;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::labels::Locale;
use crate::domain::role::Role;
use crate::ports::Clock;

/// Makes a bearer token, `ID.SECRET`, that is shown this once: only a hash of its secret is stored.
/// `None` when the tenant has a working token of that name.
pub async fn mint_token(
    store: &Store,
    clock: &Arc<dyn Clock>,
    tenant: &TenantId,
    name: &str,
    scopes: &[Scope],
) -> anyhow::Result<Option<String>> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).context("read random bytes")?;
    let secret = hex::encode(secret);
    let token = TokenRow {
        id: clock.token_id(),
        tenant: tenant.clone(),
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        created_at: clock.now(),
        revoked_at: None,
    };
    let bearer = format!("{}.{secret}", token.id);
    Ok(store.add_token(token, &secret).await?.then_some(bearer))
}

/// Somebody of the team who gets an account.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// The business they work for.
    pub tenant: TenantId,
    /// What they sign in with.
    pub login: Login,
    /// What people call them.
    pub name: String,
    /// Their part in the team.
    pub role: Role,
    /// The language of their pages.
    pub locale: Locale,
    /// Their password.
    pub password: String,
    /// Whether they replace it before anything else.
    pub must_change: bool,
}

/// Makes an account on behalf of `actor`, as the trail calls them, unless its login or its name is taken.
pub async fn add_person(
    store: &Store,
    clock: &Arc<dyn Clock>,
    actor: &str,
    person: NewPerson,
) -> anyhow::Result<UserAdded> {
    let settings = Settings { locale: person.locale, ..Settings::default() };
    let user = NewUser {
        id: clock.user_id(),
        tenant: person.tenant,
        login: person.login,
        name: person.name,
        role: person.role,
        password_hash: Passwords::default().hash(&person.password).await?,
        must_change: person.must_change,
        settings: serde_json::to_string(&settings)?,
    };
    Ok(store.add_user(clock.now(), actor, user).await?)
}

/// Makes the path of a link that signs somebody in once, within a quarter of an hour.
pub async fn mint_login_link(
    store: &Store,
    clock: &Arc<dyn Clock>,
    user: &UserId,
) -> anyhow::Result<String> {
    let secret = fresh_secret()?;
    store.add_login_link(clock.now(), user, &secret).await?;
    Ok(format!("/desk/enter/{secret}"))
}
