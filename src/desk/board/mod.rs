//! The board: queues and people now, what happened in figures and plots, and the supervisors' switches.
//!
//! Whoever works sees queues, people and figures; modes, incidents and the switch of the assistant are for supervisors.

mod asked;
mod figures;
mod health;
mod incidents;
mod modes;
mod numbers;
mod plots;
mod stop;
mod svg;
mod teams;

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use self::asked::{Asked, Panel, Period, address};
use super::answer::{Trouble, page};
use super::shown::View;
use super::{Desk, Person, head};
use crate::adapters::store::{Incident, QueueCount};
use crate::domain::role::Right;
use crate::policy::Pack;

pub(super) use incidents::{declare, end, update};
pub(super) use modes::{Barred, switch};
pub(super) use numbers::Kept;
pub(super) use stop::switch as switch_assistant;

/// What was just done, as the address says after a form; each has a sentence of its own.
const DONE: &[&str] =
    &["mode", "stopped", "resumed", "incident", "incident_updated", "incident_ended"];

/// `GET /desk/queues`.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    match Box::pin(write(&desk, &person, &asked, Again::default())).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// What the board says again after a form that did not do: why, and what was typed.
#[derive(Debug, Default)]
struct Again {
    flash: Option<(&'static str, String)>,
    /// The fields of the form that stands open, as they were typed.
    typed: Value,
}

impl Again {
    fn bad(text: String) -> Self {
        Self { flash: Some(("bad", text)), typed: Value::Null }
    }
}

/// Writes the board with what could not be done.
async fn refused(
    desk: &Desk,
    person: &Person,
    asked: (Period, Panel),
    status: StatusCode,
    again: Again,
) -> Result<Response, Trouble> {
    let asked = Asked { period: asked.0, panel: asked.1, done: None };
    let mut response = Box::pin(write(desk, person, &asked, again)).await?;
    *response.status_mut() = status;
    Ok(response)
}

/// The policy of somebody's business.
fn pack_of(desk: &Desk, person: &Person) -> Option<Arc<Pack>> {
    desk.tenant(&person.tenant).map(|tenant| tenant.pipeline.shared_pack())
}

async fn write(
    desk: &Desk,
    person: &Person,
    asked: &Asked,
    again: Again,
) -> Result<Response, Trouble> {
    let pack = pack_of(desk, person);
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let (store, tenant) = (desk.web().store(), &person.tenant);
    let numbers = desk.figures().of(desk, tenant, view.zone(), asked.period).await?;
    let counts = desk.web().counts(tenant).await?;
    let supervises = person.may(Right::Supervise);
    let standing: Vec<Incident> = if supervises {
        let found = store.incidents(tenant, view.now).await?;
        found.into_iter().filter(|one| one.ended_at.is_none()).collect()
    } else {
        Vec::new()
    };
    let stands = |word: &str| counts.sla.get(word).copied().unwrap_or(0);
    let open = ["on_track", "at_risk", "breached"].map(stands);
    let present = teams::present(&view, &numbers);
    let title = view.say("board.title", &[]);
    let mut frame = head::page(desk, &view, "queues", &title, &asked.with(&Panel::None)).await?;
    let done = asked.done.as_deref().filter(|done| DONE.contains(done)).filter(|_| supervises);
    let told = done.map(|done| ("ok", told(&view, done)));
    if let Some((kind, text)) = again.flash.or(told) {
        super::frame::flash(&mut frame, kind, &text);
    }
    let mut model = json!({
        "page": frame,
        "board": {
            "live": view.hour(view.now),
            "behind": numbers.behind > 5_000,
            "periods": periods(&view, asked),
            "period": asked.period.word(),
            "figures": figures::figures(&view, &numbers, asked.period, open),
            "queues": teams::queues(&view, &counts.queues, &present),
            "late": {
                "rows": teams::late(&view, &numbers.late),
                "count": open.iter().skip(1).sum::<i64>(),
            },
            "people": teams::people(&view, &present),
            "plots": plots::plots(&view, &numbers, asked.period),
            "daily": plots::daily(&view, &numbers, asked.period),
            "health": health::health(&view, &numbers),
            "modes": null, "assistant": null, "incidents": null,
        },
    });
    if supervises {
        // Their own banner says more of it.
        put(&mut model, "/page/incident", Value::Null);
        let switches = store.mode_switches(tenant).await?;
        let cells = modes::modes(desk, &view, &numbers, &switches, &standing);
        put(&mut model, "/board/modes", cells);
        let assistant = stop::model(desk, &view, asked, open.iter().sum()).await?;
        put(&mut model, "/board/assistant", assistant);
        let incidents = incidents::model(desk, &view, asked, (&standing, &again.typed)).await?;
        put(&mut model, "/board/incidents", incidents);
    }
    page(desk, person.locale(), "board", &model)
}

fn put(model: &mut Value, at: &str, value: Value) {
    if let Some(place) = model.pointer_mut(at) {
        *place = value;
    }
}

/// Says what was just done.
fn told(view: &View<'_>, done: &str) -> String {
    let called_back = view.person.standing.stopped.as_ref().map_or(0, |stopped| stopped.replies);
    view.say(&format!("board.done.{done}"), &[("n", &called_back.to_string())])
}

fn periods(view: &View<'_>, asked: &Asked) -> Vec<Value> {
    Period::ALL
        .iter()
        .map(|period| {
            json!({
                "href": address(*period, &Panel::None, None),
                "label": view.say(&format!("board.period.{}", period.word()), &[]),
                "current": *period == asked.period,
            })
        })
        .collect()
}

/// Open tickets of all queues together, for whoever lists consequences.
fn waiting(counts: &[QueueCount]) -> i64 {
    counts.iter().map(|count| count.tickets).sum()
}
