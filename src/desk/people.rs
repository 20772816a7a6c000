//! The people of the team: who looks after accounts adds them, changes their part, and lets them in again.
//!
//! A password that was made here is shown once, in the answer to the form, and is good for one sign-in: its owner
//! replaces it first.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{self, Trouble, see_other};
use super::frame::{common, flash, moment};
use super::posted::Posted;
use super::{Desk, Person, Settings, initials};
use crate::adapters::passwords::temporary_password;
use crate::adapters::store::{NewUser, UserAdded, UserChange, UserChanged, UserRow};
use crate::domain::account::{Login, person_name};
use crate::domain::decision::LocalText;
use crate::domain::ids::UserId;
use crate::domain::labels::Locale;
use crate::domain::role::Role;

/// What was just done, as the address says after a form; each has a sentence of its own.
const DONE: &[&str] = &["role", "disabled", "enabled"];

/// `GET /desk/people`.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Response {
    let asked = Posted::read(uri.query().unwrap_or_default().as_bytes());
    let done = asked.get("done").and_then(|done| DONE.iter().find(|known| **known == done));
    let done =
        done.map(|done| desk.pages().say(person.locale(), &format!("people.done.{done}"), &[]));
    let told = done.map(|text| ("ok", text));
    page(&desk, &person, Told { flash: told, ..Told::default() }).await
}

/// What the page says besides who there is.
#[derive(Default)]
struct Told {
    status: StatusCode,
    flash: Option<(&'static str, String)>,
    /// What was typed of somebody who was not added, and why not.
    typed: Option<Typed>,
    /// A password that is shown this once.
    shown: Option<Value>,
}

struct Typed {
    login: String,
    name: String,
    role: Role,
    problem: String,
}

async fn page(desk: &Desk, person: &Person, told: Told) -> Response {
    let status = told.status;
    match write(desk, person, told).await {
        Ok(mut response) => {
            *response.status_mut() = status;
            response
        }
        Err(trouble) => trouble.page(desk, person.locale()),
    }
}

async fn write(desk: &Desk, person: &Person, told: Told) -> Result<Response, Trouble> {
    let users = desk.web().store().list_users(Some(&person.tenant)).await?;
    let title = desk.pages().say(person.locale(), "people.title", &[]);
    let mut frame = common(desk, person, "people", &title, "/desk/people");
    if let Some((kind, text)) = told.flash {
        flash(&mut frame, kind, &text);
    }
    let typed = told.typed.as_ref();
    let working = users.iter().filter(|user| user.disabled_at.is_none()).count();
    let model = json!({
        "page": frame,
        "people": {
            "count": working,
            "rows": users.iter().map(|user| row(desk, person, user)).collect::<Vec<_>>(),
            "add": {
                "login": typed.map_or("", |typed| &typed.login),
                "name": typed.map_or("", |typed| &typed.name),
                "roles": roles(desk, person.locale(), typed.map_or(Role::Agent, |typed| typed.role)),
                "problem": typed.map(|typed| &typed.problem),
            },
            "shown": told.shown,
        },
    });
    answer::page(desk, person.locale(), "people", &model)
}

fn row(desk: &Desk, person: &Person, user: &UserRow) -> Value {
    let me = user.id == person.id;
    let why = me.then(|| desk.pages().say(person.locale(), "people.myself", &[]));
    json!({
        "id": user.id,
        "name": user.name,
        "initials": initials(&user.name),
        "login": user.login,
        "role": user.role,
        "role_word": desk.role_word(person.locale(), user.role),
        "roles": roles(desk, person.locale(), user.role),
        "since": moment(desk, person, user.created_at),
        "seen": user.seen_at.map(|at| moment(desk, person, at)),
        "disabled": user.disabled_at.map(|at| moment(desk, person, at)),
        "must_change": user.must_change,
        "me": me,
        "can": {"change": {"ok": !me, "why": why}},
    })
}

fn roles(desk: &Desk, locale: Locale, selected: Role) -> Vec<Value> {
    let option = |role: &Role| json!({"value": role, "label": desk.role_word(locale, *role), "selected": *role == selected});
    Role::ALL.iter().map(option).collect()
}

/// `POST /desk/people`: makes an account, with a password that is shown once.
pub(super) async fn add(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    match try_add(&desk, &person, &posted).await {
        Ok(told) => page(&desk, &person, told).await,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn try_add(desk: &Desk, person: &Person, posted: &Posted) -> Result<Told, Trouble> {
    let role = posted.get("role").and_then(Role::parse).unwrap_or(Role::Agent);
    let refused = |problem: &str| Told {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        typed: Some(Typed {
            login: posted.get("login").unwrap_or_default().to_owned(),
            name: posted.get("name").unwrap_or_default().to_owned(),
            role,
            problem: desk.pages().say(person.locale(), problem, &[]),
        }),
        ..Told::default()
    };
    let Some(name) = posted.get("name").and_then(person_name) else {
        return Ok(refused("people.wrong.name"));
    };
    let Some(login) = posted.get("login").and_then(Login::parse) else {
        return Ok(refused("people.wrong.login"));
    };
    let (password, password_hash) = fresh_password(desk).await?;
    let settings = Settings { locale: person.locale(), ..Settings::default() };
    let user = NewUser {
        id: desk.web().clock().user_id(),
        tenant: person.tenant.clone(),
        login: login.clone(),
        name: name.clone(),
        role,
        password_hash,
        must_change: true,
        settings: json!(settings).to_string(),
    };
    let now = desk.web().clock().now();
    match desk.web().store().add_user(now, &person.actor(), user).await? {
        UserAdded::Done => {
            let shown = json!({"name": name, "login": login.as_str(), "password": password});
            Ok(Told { shown: Some(shown), ..Told::default() })
        }
        UserAdded::LoginTaken => Ok(refused("people.taken.login")),
        UserAdded::NameTaken => Ok(refused("people.taken.name")),
    }
}

async fn fresh_password(desk: &Desk) -> Result<(String, String), Trouble> {
    let password = temporary_password().map_err(anyhow::Error::from)?;
    let hash = desk.passwords().hash(&password).await.map_err(anyhow::Error::from)?;
    Ok((password, hash))
}

/// `POST /desk/people/{id}/role`.
pub(super) async fn role(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
    Path(id): Path<String>,
) -> Response {
    if let Some(role) = posted.get("role").and_then(Role::parse) {
        return change(&desk, &person, id, UserChange::Role(role), "role").await;
    }
    let known = desk.web().store().user(&person.tenant, &UserId::from_stored(id)).await;
    let trouble = match known {
        Ok(Some(_)) => Trouble::Refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            LocalText::new(
                "Escolha uma das funções da lista.",
                "Choose one of the roles of the list.",
            ),
        ),
        Ok(None) => Trouble::NotFound,
        Err(error) => Trouble::Store(error),
    };
    trouble.page(&desk, person.locale())
}

/// `POST /desk/people/{id}/disable`.
pub(super) async fn disable(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Response {
    change(&desk, &person, id, UserChange::Disable, "disabled").await
}

/// `POST /desk/people/{id}/enable`.
pub(super) async fn enable(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Response {
    change(&desk, &person, id, UserChange::Enable, "enabled").await
}

/// `POST /desk/people/{id}/password`: a new password for somebody who forgot theirs, shown once.
pub(super) async fn reset(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Response {
    let id = UserId::from_stored(id);
    match try_reset(&desk, &person, &id).await {
        Ok(told) => page(&desk, &person, told).await,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn try_reset(desk: &Desk, person: &Person, id: &UserId) -> Result<Told, Trouble> {
    let (store, now) = (desk.web().store(), desk.web().clock().now());
    let user = store.user(&person.tenant, id).await?.ok_or(Trouble::NotFound)?;
    if user.id == person.id {
        return Ok(refusal(desk, person, "people.myself"));
    }
    let (password, hash) = fresh_password(desk).await?;
    let change = UserChange::ResetPassword(hash);
    let changed = store.change_user(now, &person.actor(), &person.tenant, id, change).await?;
    if changed == UserChanged::Unknown {
        return Err(Trouble::NotFound);
    }
    let shown = json!({"name": user.name, "login": user.login, "password": password});
    Ok(Told { shown: Some(shown), ..Told::default() })
}

async fn change(
    desk: &Desk,
    person: &Person,
    id: String,
    change: UserChange,
    done: &str,
) -> Response {
    let id = UserId::from_stored(id);
    if id == person.id {
        return page(desk, person, refusal(desk, person, "people.myself")).await;
    }
    let (store, now) = (desk.web().store(), desk.web().clock().now());
    match store.change_user(now, &person.actor(), &person.tenant, &id, change).await {
        Ok(UserChanged::Done | UserChanged::Same) => {
            see_other(&format!("/desk/people?done={done}"))
        }
        Ok(UserChanged::LastAdmin) => {
            page(desk, person, refusal(desk, person, "people.last_admin")).await
        }
        Ok(UserChanged::Unknown) => Trouble::NotFound.page(desk, person.locale()),
        Err(error) => Trouble::Store(error).page(desk, person.locale()),
    }
}

fn refusal(desk: &Desk, person: &Person, why: &str) -> Told {
    let text = desk.pages().say(person.locale(), why, &[]);
    Told { status: StatusCode::CONFLICT, flash: Some(("bad", text)), ..Told::default() }
}
