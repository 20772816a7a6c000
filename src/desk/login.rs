//! Signing in and out: with a password, or with a link that works once.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{self, Trouble, bare, see_other};
use super::posted::{Posted, is_here};
use super::session::{Visit, person_of};
use super::{Desk, Person};
use crate::adapters::store::{Attempt, Entered, NewSession, StoreError, Tried, UserRow};
use crate::domain::account::Login;
use crate::domain::labels::Locale;
use crate::domain::role::Role;
use crate::ports::{PortError, PortErrorKind};
use crate::web::language_of;

/// Most of what is typed as a login that is looked at.
const TYPED_MAX: usize = 200;

/// `GET /desk`: where somebody's work is.
pub(super) async fn home(Extension(person): Extension<Person>) -> Response {
    see_other(home_of(person.role))
}

const fn home_of(role: Role) -> &'static str {
    match role {
        Role::Content => "/desk/content",
        Role::Agent | Role::Supervisor | Role::Admin => "/desk/review",
    }
}

/// `GET /desk/login`.
pub(super) async fn form(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let locale = language_of(&headers);
    let asked = Posted::read(uri.query().unwrap_or_default().as_bytes());
    let next = asked.get("next").filter(|next| is_here(next));
    match person_of(&desk, &visit).await {
        Ok(Some(_)) => see_other(next.unwrap_or("/desk")),
        Ok(None) => {
            let form = Form { typed: "", next, problem: None };
            form.page(&desk, locale, StatusCode::OK)
        }
        Err(error) => Trouble::Store(error).page(&desk, locale),
    }
}

/// The form as it is shown, again where it was refused.
struct Form<'a> {
    typed: &'a str,
    next: Option<&'a str>,
    problem: Option<String>,
}

impl Form<'_> {
    fn page(&self, desk: &Desk, locale: Locale, status: StatusCode) -> Response {
        let title = desk.pages().say(locale, "login.title", &[]);
        let model = json!({
            "page": bare(desk, locale, "login", &title),
            "login": {"value": self.typed, "next": self.next, "problem": self.problem},
        });
        shown(desk, locale, status, "login", &model)
    }
}

fn shown(desk: &Desk, locale: Locale, status: StatusCode, view: &str, model: &Value) -> Response {
    match answer::page(desk, locale, view, model) {
        Ok(mut response) => {
            *response.status_mut() = status;
            response
        }
        Err(trouble) => trouble.page(desk, locale),
    }
}

/// `POST /desk/login`.
pub(super) async fn enter(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(posted): Extension<Posted>,
    headers: HeaderMap,
) -> Response {
    let locale = language_of(&headers);
    let next = posted.get("next").filter(|next| is_here(next));
    let typed: String = posted.get("login").unwrap_or_default().chars().take(TYPED_MAX).collect();
    let refused = match by_password(&desk, &visit, &typed, &posted).await {
        Ok((user, session)) => return began(&desk, &visit, &user, &session, next).await,
        Err(refused) => refused,
    };
    let say = |name: &str, values: &[(&str, &str)]| desk.pages().say(locale, name, values);
    let (status, problem) = match refused {
        Refused::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, say("login.wrong", &[])),
        Refused::Wait(until) => {
            let time = waiting(&desk, locale, until);
            (StatusCode::TOO_MANY_REQUESTS, say("login.wait", &[("time", &time)]))
        }
        Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, say("login.busy", &[])),
        Refused::Trouble(trouble) => return trouble.page(&desk, locale),
    };
    let form = Form { typed: &typed, next, problem: Some(problem) };
    form.page(&desk, locale, status)
}

/// Why a password opened nothing.
pub(super) enum Refused {
    /// Nobody has this login and password, or not any more: which of these it is nobody is told.
    Wrong,
    /// After too many attempts none is looked at before then.
    Wait(DateTime<Utc>),
    /// Too many passwords are being looked at.
    Busy,
    Trouble(Trouble),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error.into())
    }
}

/// Looks a password up. Unknown logins, disabled accounts and wrong passwords cost the same work and say the same.
async fn by_password(
    desk: &Desk,
    visit: &Visit,
    typed: &str,
    posted: &Posted,
) -> Result<(UserRow, NewSession), Refused> {
    let store = desk.web().store();
    let login = Login::parse(typed);
    let tried = Tried {
        login: login.as_ref().map_or_else(|| typed.to_lowercase(), ToString::to_string),
        address: visit.address.clone(),
    };
    let user = match &login {
        Some(login) => store.user_by_login(login).await?,
        None => None,
    };
    let hash = match &user {
        Some(user) => store.password_hash(&user.id).await?,
        None => None,
    };
    let password = posted.raw("password").unwrap_or_default();
    attempt(desk, &tried, hash, password).await?;
    let user = user.filter(|user| user.disabled_at.is_none()).ok_or(Refused::Wrong)?;
    let session = visit.session(desk, Entered::Password).map_err(trouble)?;
    let now = desk.web().clock().now();
    if !store.begin_session(now, &user.id, session.clone()).await? {
        return Err(Refused::Wrong);
    }
    Ok((user, session))
}

/// Compares a password with a hash, as long as neither its login nor its address has tried too often.
pub(super) async fn attempt(
    desk: &Desk,
    tried: &Tried,
    hash: Option<String>,
    password: &str,
) -> Result<(), Refused> {
    let store = desk.web().store();
    match store.take_attempt(desk.web().clock().now(), tried).await? {
        Attempt::Wait(until) => return Err(Refused::Wait(until)),
        Attempt::Taken => {}
    }
    match desk.passwords().verify(hash, password).await {
        Ok(true) => {}
        Ok(false) => return Err(Refused::Wrong),
        Err(error) => {
            // It was not looked at, so it was no guess.
            store.give_attempt_back(tried).await?;
            return Err(trouble(error));
        }
    }
    store.forgive_attempts(tried).await?;
    Ok(())
}

pub(super) fn trouble(error: PortError) -> Refused {
    match error.kind {
        PortErrorKind::Throttled { .. } => Refused::Busy,
        _ => Refused::Trouble(Trouble::Page(error.into())),
    }
}

/// Says how long to wait, in seconds or minutes.
pub(super) fn waiting(desk: &Desk, locale: Locale, until: DateTime<Utc>) -> String {
    let seconds = (until - desk.web().clock().now()).num_seconds().max(1);
    let (name, n) = if seconds < 90 {
        ("login.seconds", seconds)
    } else {
        ("login.minutes", (seconds + 59) / 60)
    };
    desk.pages().say(locale, name, &[("n", &n.to_string())])
}

/// Goes on with a session that has just begun; one that the browser had before ends.
async fn began(
    desk: &Desk,
    visit: &Visit,
    user: &UserRow,
    session: &NewSession,
    next: Option<&str>,
) -> Response {
    if let Ok(Some(before)) = person_of(desk, visit).await
        && let Err(error) = desk.web().store().end_session(&before.id, &before.session).await
    {
        tracing::warn!(%error, "A session that was replaced goes on until it expires");
    }
    tracing::info!(user.id = %user.id, entered = session.entered.as_str(), "Signed in {}", user.id);
    let there = if user.must_change { "/desk/account" } else { next.unwrap_or("/desk") };
    let mut response = see_other(there);
    visit.keep(&mut response, &session.secret);
    response
}

/// `POST /desk/logout`.
pub(super) async fn leave(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(person): Extension<Person>,
) -> Response {
    if let Err(error) = desk.web().store().end_session(&person.id, &person.session).await {
        return Trouble::Store(error).page(&desk, person.locale());
    }
    let mut response = see_other("/desk/login");
    visit.forget(&mut response);
    response
}

/// `GET /desk/enter/{secret}`: asks before it signs in, so that a preview of the link does not use it up.
pub(super) async fn link(
    State(desk): State<Desk>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Response {
    let locale = language_of(&headers);
    match desk.web().store().login_link(desk.web().clock().now(), &secret).await {
        Ok(user) => link_page(&desk, locale, user.as_ref()),
        Err(error) => Trouble::Store(error).page(&desk, locale),
    }
}

fn link_page(desk: &Desk, locale: Locale, user: Option<&UserRow>) -> Response {
    let title = desk.pages().say(locale, "login.title", &[]);
    let model = json!({
        "page": bare(desk, locale, "enter", &title),
        "enter": {"name": user.map(|user| &user.name)},
    });
    let status = if user.is_some() { StatusCode::OK } else { StatusCode::GONE };
    shown(desk, locale, status, "enter", &model)
}

/// `POST /desk/enter/{secret}`.
pub(super) async fn use_link(
    State(desk): State<Desk>,
    Path(secret): Path<String>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    let locale = language_of(&headers);
    match by_link(&desk, &visit, &secret).await {
        Ok(Some((user, session))) => began(&desk, &visit, &user, &session, None).await,
        Ok(None) => link_page(&desk, locale, None),
        Err(trouble) => trouble.page(&desk, locale),
    }
}

async fn by_link(
    desk: &Desk,
    visit: &Visit,
    secret: &str,
) -> Result<Option<(UserRow, NewSession)>, Trouble> {
    let (store, now) = (desk.web().store(), desk.web().clock().now());
    let Some(user) = store.login_link(now, secret).await? else { return Ok(None) };
    let session = visit.session(desk, Entered::Link).map_err(anyhow::Error::from)?;
    let whose = store.use_login_link(now, secret, session.clone()).await?;
    Ok(whose.map(|_| (user, session)))
}

/// `GET /desk/`.
pub(super) async fn slash() -> Response {
    see_other("/desk")
}

/// Any other address.
pub(super) async fn nowhere(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    Trouble::NotFound.page(&desk, language_of(&headers))
}
