//! One's own account: how the pages are liked, the password, and the browsers that are signed in.

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{self, Trouble, see_other};
use super::frame::{common, flash, moment};
use super::login::{Refused, attempt, trouble, waiting};
use super::posted::Posted;
use super::session::Visit;
use super::{Desk, Person, Settings, Theme};
use crate::adapters::store::{Entered, SessionRow, Tried};
use crate::domain::account::{PASSWORD_MIN, weakness};
use crate::domain::ids::SessionId;
use crate::domain::labels::Locale;

/// What ends every session but the one that asks.
const OTHERS: &str = "others";
/// What was just done, as the address says after a form; each has a sentence of its own.
const DONE: &[&str] = &["settings", "password", "revoked"];

/// `GET /desk/account`.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Response {
    let asked = Posted::read(uri.query().unwrap_or_default().as_bytes());
    let done = asked.get("done").and_then(|done| DONE.iter().find(|known| **known == done));
    let done =
        done.map(|done| desk.pages().say(person.locale(), &format!("account.done.{done}"), &[]));
    let told = done.as_deref().map(|text| ("ok", text));
    page(&desk, &person, StatusCode::OK, told, None).await
}

/// Writes the page, with a sentence at its head or one at the password.
async fn page(
    desk: &Desk,
    person: &Person,
    status: StatusCode,
    told: Option<(&str, &str)>,
    problem: Option<&str>,
) -> Response {
    match write(desk, person, told, problem).await {
        Ok(mut response) => {
            *response.status_mut() = status;
            response
        }
        Err(trouble) => trouble.page(desk, person.locale()),
    }
}

async fn write(
    desk: &Desk,
    person: &Person,
    told: Option<(&str, &str)>,
    problem: Option<&str>,
) -> Result<Response, Trouble> {
    let now = desk.web().clock().now();
    let sessions = desk.web().store().list_sessions(now, &person.id).await?;
    let sessions: Vec<Value> = sessions.iter().map(|row| session(desk, person, row)).collect();
    let title = desk.pages().say(person.locale(), "account.title", &[]);
    let mut frame = common(desk, person, "account", &title, "/desk/account");
    if let Some((kind, text)) = told {
        flash(&mut frame, kind, text);
    }
    let settings = &person.settings;
    let model = json!({
        "page": frame,
        "account": {
            "name": person.name,
            "login": person.login,
            "role_word": desk.role_word(person.locale(), person.role),
            "settings": {
                "locales": [
                    {"value": Locale::PtBr, "label": "Português", "selected": settings.locale == Locale::PtBr},
                    {"value": Locale::En, "label": "English", "selected": settings.locale == Locale::En},
                ],
                "themes": themes(desk, person),
                "keys": settings.keys,
                "badge": settings.badge,
                "sound": settings.sound,
                "notify": settings.notify,
                "undo": Settings::UNDO_SECS.iter().map(|secs| {
                    json!({"value": secs, "label": format!("{secs} s"), "selected": settings.undo_secs == *secs})
                }).collect::<Vec<_>>(),
            },
            "password": {
                "needs_old": needs_old(person),
                "must_change": person.must_change,
                "min": PASSWORD_MIN,
                "problem": problem,
            },
            "sessions": sessions,
            "others": sessions.len() > 1,
        },
    });
    answer::page(desk, person.locale(), "account", &model)
}

fn themes(desk: &Desk, person: &Person) -> Vec<Value> {
    let option = |theme: &Theme| {
        let label = desk.pages().say(person.locale(), &format!("account.theme.{theme}"), &[]);
        json!({"value": theme, "label": label, "selected": person.settings.theme == *theme})
    };
    Theme::ALL.iter().map(option).collect()
}

fn session(desk: &Desk, person: &Person, row: &SessionRow) -> Value {
    let unknown = || desk.pages().say(person.locale(), "account.device", &[]);
    json!({
        "id": row.id,
        "device": if row.device.is_empty() { unknown() } else { row.device.clone() },
        "began": moment(desk, person, row.created_at),
        "seen": moment(desk, person, row.seen_at),
        "current": row.id == person.session,
    })
}

/// `POST /desk/account`: how the pages are liked. Whatever is no value of ours stays as it was.
pub(super) async fn save(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let was = &person.settings;
    let undo_secs = posted.get("undo_secs").and_then(|secs| secs.parse().ok());
    let settings = Settings {
        locale: posted.get("locale").and_then(Locale::parse).unwrap_or(was.locale),
        theme: posted.get("theme").and_then(Theme::parse).unwrap_or(was.theme),
        keys: posted.is_ticked("keys"),
        badge: posted.is_ticked("badge"),
        sound: posted.is_ticked("sound"),
        notify: posted.is_ticked("notify"),
        undo_secs: undo_secs
            .filter(|secs| Settings::UNDO_SECS.contains(secs))
            .unwrap_or(was.undo_secs),
    };
    match desk.web().store().set_user_settings(&person.id, &json!(settings).to_string()).await {
        Ok(()) => see_other("/desk/account?done=settings"),
        Err(error) => Trouble::Store(error).page(&desk, person.locale()),
    }
}

/// Whether the password of now is asked for. Who has just typed it, or came by a link because they forgot it, is not.
fn needs_old(person: &Person) -> bool {
    !person.must_change && person.entered == Entered::Password
}

/// `POST /desk/account/password`.
pub(super) async fn password(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let refused = match change_password(&desk, &visit, &person, &posted).await {
        Ok(None) => return see_other("/desk/account?done=password"),
        Ok(Some(weak)) => {
            return page(&desk, &person, StatusCode::UNPROCESSABLE_ENTITY, None, Some(&weak)).await;
        }
        Err(refused) => refused,
    };
    let locale = person.locale();
    let say = |name: &str, values: &[(&str, &str)]| desk.pages().say(locale, name, values);
    let (status, problem) = match refused {
        Refused::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, say("account.wrong", &[])),
        Refused::Wait(until) => {
            let time = waiting(&desk, locale, until);
            (StatusCode::TOO_MANY_REQUESTS, say("login.wait", &[("time", &time)]))
        }
        Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, say("login.busy", &[])),
        Refused::Trouble(trouble) => return trouble.page(&desk, locale),
    };
    page(&desk, &person, status, None, Some(&problem)).await
}

/// Changes the password, or says why it is not taken.
async fn change_password(
    desk: &Desk,
    visit: &Visit,
    person: &Person,
    posted: &Posted,
) -> Result<Option<String>, Refused> {
    let store = desk.web().store();
    let new = posted.raw("new").unwrap_or_default();
    if let Some(weak) = weakness(new, &person.login, &person.name) {
        return Ok(Some(weak.in_locale(person.locale()).to_owned()));
    }
    let known = store.password_hash(&person.id).await?;
    if needs_old(person) {
        let tried = Tried { login: person.login.clone(), address: visit.address.clone() };
        attempt(desk, &tried, known.clone(), posted.raw("old").unwrap_or_default()).await?;
    }
    if desk.passwords().verify(known, new).await.map_err(trouble)? {
        return Ok(Some(desk.pages().say(person.locale(), "account.same", &[])));
    }
    let hash = desk.passwords().hash(new).await.map_err(trouble)?;
    let user = store.user(&person.tenant, &person.id).await?.ok_or(Refused::Wrong)?;
    store.choose_password(desk.web().clock().now(), &user, &hash, &person.session).await?;
    Ok(None)
}

/// `POST /desk/sessions/revoke`: ends one of one's own sessions, or all others.
pub(super) async fn revoke(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let asked = posted.get("session").unwrap_or_default();
    match end(&desk, &person, asked).await {
        Ok(()) if asked == person.session.as_str() => {
            let mut response = see_other("/desk/login");
            visit.forget(&mut response);
            response
        }
        Ok(()) => see_other("/desk/account?done=revoked"),
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn end(desk: &Desk, person: &Person, asked: &str) -> Result<(), Trouble> {
    let store = desk.web().store();
    if asked == OTHERS {
        store.end_other_sessions(&person.id, &person.session).await?;
        return Ok(());
    }
    let session = SessionId::from_stored(asked);
    if store.end_session(&person.id, &session).await? { Ok(()) } else { Err(Trouble::NotFound) }
}
