//! The switch that stops whatever leaves by itself, with what it does in numbers before anybody presses it.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::asked::{Asked, Panel, address, period_of};
use super::modes::REASON_MAX;
use super::{Again, pack_of, refused};
use crate::desk::answer::{Trouble, see_other};
use crate::desk::frame::moment;
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Person};

/// How the assistant stands, and the form that is open about it. `open` is how many tickets are.
pub(super) async fn model(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    open: i64,
) -> Result<Value, Trouble> {
    let person = view.person;
    let leaving = desk.web().store().leaving(&person.tenant).await?;
    let stopped = person.standing.stopped.as_ref().map(|stopped| {
        json!({
            "by": stopped.by, "since": moment(desk, person, stopped.at), "reason": stopped.reason,
            "replies": stopped.replies,
            "text": view.say("board.stopped.text", &[("n", &stopped.replies.to_string())]),
        })
    });
    let say =
        |name: &str, n: i64| view.say(&format!("board.stop.{name}"), &[("n", &n.to_string())]);
    let mut consequences = vec![say("queued", leaving.queued)];
    if leaving.on_their_way > 0 {
        consequences.push(say("on_their_way", leaving.on_their_way));
    }
    consequences.push(say("open", open));
    consequences.push(view.say("board.stop.people", &[]));
    consequences.push(view.say("board.stop.notices", &[]));
    Ok(json!({
        "stopped": stopped,
        "asks": match asked.panel {
            Panel::Stop if stopped_is(person, false) => "stop",
            Panel::Resume if stopped_is(person, true) => "resume",
            _ => "",
        },
        "stop": {"href": format!("{}#assistant", asked.with(&Panel::Stop)), "consequences": consequences},
        "resume": {
            "href": format!("{}#assistant", asked.with(&Panel::Resume)),
            "consequences": [
                view.say("board.resume.modes", &[]),
                view.say("board.resume.drafts", &[]),
            ],
        },
        "cancel": asked.with(&Panel::None),
        "period": asked.period.word(),
        "reason_max": REASON_MAX,
    }))
}

const fn stopped_is(person: &Person, stopped: bool) -> bool {
    person.standing.stopped.is_some() == stopped
}

/// `POST /desk/assistant`: stops the assistant, or switches it on again.
pub(in crate::desk) async fn switch(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    match Box::pin(try_switch(&desk, &person, &posted)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn try_switch(desk: &Desk, person: &Person, posted: &Posted) -> Result<Response, Trouble> {
    let (store, now) = (desk.web().store(), desk.now());
    let (tenant, actor, period) = (&person.tenant, person.actor(), period_of(posted));
    let reason = posted.get("reason").map(str::to_owned);
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        let pack = pack_of(desk, person);
        let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now };
        let again = Again::bad(view.say("board.refused.long", &[("n", &REASON_MAX.to_string())]));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return refused(desk, person, (period, Panel::Stop), status, again).await;
    }
    // Pressed twice, or by two people at once, the second time changes nothing: what was wanted is so.
    let done = match posted.get("on") {
        Some("0") => {
            store.stop_assistant(now, tenant, &actor, &person.name, reason).await?;
            "stopped"
        }
        Some("1") => {
            store.resume_assistant(now, tenant, &actor).await?;
            "resumed"
        }
        _ => return Err(Trouble::NotFound),
    };
    Ok(see_other(&address(period, &Panel::None, Some(done))))
}
