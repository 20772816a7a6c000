//! The page where drafts are reviewed and queues are worked: queue, conversation and draft side by side.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer::{Trouble, page, see_other};
use super::asked::Asked;
use super::person::Person;
use super::queue::Pane;
use super::shown::View;
use super::{Desk, answering, conversation, draft, head, queue, side};
use crate::adapters::store::{TicketRow, TicketView};
use crate::compose;
use crate::domain::ids::TicketId;
use crate::domain::labels::Sentiment;
use crate::policy::clocks::{self, Clock};

/// Other tickets of a customer that a page lists.
const OTHERS_MAX: usize = 8;

/// Shows a queue and one ticket of it.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    if asked.search.is_some() {
        // What is searched for may be anywhere.
        return see_other(&asked.list().address().replacen("/desk/review", "/desk/tickets", 1));
    }
    match Box::pin(write(&desk, &person, &asked, Again::default())).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// What a page says again after an action that was not done: why, and the words that are not lost.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Why.
    pub(super) flash: Value,
    /// What the person wrote in the place of a draft.
    pub(super) text: Option<String>,
    /// What they wrote themselves.
    pub(super) own: Option<String>,
    /// What was found in it.
    pub(super) found: Vec<Value>,
    /// The files that were handed in with it.
    pub(super) files: Vec<Value>,
    /// True where the form was the draft's.
    pub(super) of_draft: bool,
}

/// Writes the page, with something to say where an action could not be done.
pub(super) async fn write(
    desk: &Desk,
    person: &Person,
    asked: &Asked,
    again: Again,
) -> Result<Response, Trouble> {
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let open = asked.ticket.as_deref();
    let pane = queue::pane(desk, &view, asked, open).await?;
    let id = open.map(str::to_owned).or_else(|| pane.rows.first().map(|row| row.ticket.id.clone()));
    let mut model = json!({
        "page": head::page(desk, &view, "review", &view.say("page.review", &[]), &asked.address()).await?,
        "queue": pane.model, "ticket": null, "draft": null, "side": null, "articles": null,
    });
    put(&mut model, "/page/flash", again.flash);
    if let Some(id) = id {
        let id = TicketId::from_stored(id);
        let ticket = desk.web().store().ticket(&person.tenant, &id).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let clocks = clocks_of(desk, person, &view, &ticket).await?;
        let others = others(desk, person, &ticket).await?;
        let moods = moods(desk, person, &ticket).await?;
        let kept = match again.text {
            Some(text) => Some(text),
            None => desk.web().store().called_back(&person.tenant, &id, &person.name).await?,
        };
        let pipeline = tenant.as_ref().map(|tenant| tenant.pipeline.as_ref());
        let asked = asked.on_with(id.as_str());
        let place = place(&pane, &asked, id.as_str());
        let shown = conversation::model(&view, &asked, &ticket, (place, kept.as_deref()));
        put(&mut model, "/ticket", shown);
        put(
            &mut model,
            "/draft",
            draft::model(&view, &asked, &ticket, pipeline, (kept.as_deref(), again.found)),
        );
        let of_draft = again.of_draft && model.pointer("/draft/files").is_some();
        let files = if of_draft { "/draft/files" } else { "/ticket/compose/files" };
        put(&mut model, files, Value::Array(again.files));
        put(&mut model, "/side", side::model(&view, &ticket, &clocks, (&others, &moods)));
        answering::dress(desk, &view, (&asked, &ticket), &mut model).await?;
        if let Some(own) = again.own {
            put(&mut model, "/ticket/compose/sure", json!(compose::blank(&own).is_some()));
            put(&mut model, "/ticket/compose/text", json!(own));
        }
        desk.presence().note(view.now, person, id.as_str(), false);
    }
    page(desk, person.locale(), "review", &model)
}

fn put(model: &mut Value, at: &str, value: Value) {
    if let Some(place) = model.pointer_mut(at) {
        *place = value;
    }
}

/// Where a ticket stands among the rows that are shown, and its neighbours.
fn place(pane: &Pane, asked: &Asked, id: &str) -> Value {
    let Some(at) = pane.rows.iter().position(|row| row.ticket.id == id) else { return Value::Null };
    let href = |at: Option<usize>| {
        at.and_then(|at| pane.rows.get(at)).map(|row| asked.on(&row.ticket.id).address())
    };
    json!({
        "at": at + 1, "of": pane.model.get("count"),
        "prev": href(at.checked_sub(1)), "next": href(at.checked_add(1)),
    })
}

/// Judges a ticket's deadlines by the policy and the incidents of its business.
pub(super) async fn clocks_of(
    desk: &Desk,
    person: &Person,
    view: &View<'_>,
    ticket: &TicketView,
) -> Result<Vec<Clock>, Trouble> {
    let Some(pack) = view.pack else { return Ok(Vec::new()) };
    let incidents = desk.web().store().incidents(&person.tenant, view.now).await?;
    let facts = ticket.facts().under(&incidents);
    Ok(clocks::clocks(&pack.sla, &facts.as_facts(), &ticket.history(), view.now))
}

/// The customer's other tickets.
pub(super) async fn others(
    desk: &Desk,
    person: &Person,
    ticket: &TicketView,
) -> Result<Vec<TicketRow>, Trouble> {
    let ids: Vec<&str> = ticket.linked.iter().take(OTHERS_MAX).map(String::as_str).collect();
    Ok(desk.web().store().ticket_rows(&person.tenant, &ids).await?)
}

/// How the customer's mood went, over this ticket and their others.
pub(super) async fn moods(
    desk: &Desk,
    person: &Person,
    ticket: &TicketView,
) -> Result<Vec<Sentiment>, Trouble> {
    let others = ticket.linked.iter().take(OTHERS_MAX).map(String::as_str);
    let tickets: Vec<&str> = std::iter::once(ticket.row.id.as_str()).chain(others).collect();
    Ok(desk.web().store().moods(&person.tenant, &tickets).await?)
}
