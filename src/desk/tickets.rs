//! One ticket with everything about it, and the list of all.

use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::act::resolve;
use super::answer::{Trouble, page};
use super::asked::Asked;
use super::shown::View;
use super::{Desk, Person, conversation, draft, head, queue, review, side, trail};
use crate::adapters::store::{Place, QueueAsk, QueueRow, TicketView};
use crate::policy::clocks::Clock;
use crate::report::handover;
use crate::text::search::Query;

/// Tickets of one page of the list.
const ROWS: u32 = 50;
/// The parts of a ticket's page.
const TABS: &[&str] = &["conversation", "audit", "notes", "files"];

/// `GET /desk/tickets`: every ticket that is not over, or those that are searched for.
pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    match Box::pin(listed(&desk, &person, &asked)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn listed(desk: &Desk, person: &Person, asked: &Asked) -> Result<Response, Trouble> {
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let (rows, next) = found(desk, &view, asked).await?;
    let count = rows.len().to_string();
    let shown: Vec<Value> = rows
        .iter()
        .map(|(row, snippet)| {
            let mut shown = queue::shown(desk, &view, asked, row, None);
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("href".to_owned(), format!("/desk/t/{}", row.ticket.number).into());
                shown.insert("snippet".to_owned(), snippet.clone());
            }
            shown
        })
        .collect();
    let address = asked.address().replacen("/desk/review", "/desk/tickets", 1);
    let model = json!({
        "page": head::page(desk, &view, "tickets", &view.say("page.tickets", &[]), &address).await?,
        "tickets": {
            "rows": shown, "search": {"value": asked.search}, "filters": queue::filters(&view, asked),
            "cursor_next": next, "count_text": view.say("tickets.count", &[("n", &count)]),
            "empty": rows.is_empty(),
        },
    });
    page(desk, person.locale(), "tickets", &model)
}

/// A row of the list, and the words around what was looked for.
type Found = (QueueRow, Value);

/// The rows of the list and the address of the next page.
async fn found(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
) -> Result<(Vec<Found>, Option<String>), Trouble> {
    let (store, tenant) = (desk.web().store(), &view.person.tenant);
    let next_page = |after: String| {
        let next = Asked { after: Some(after), ..asked.list() };
        next.address().replacen("/desk/review", "/desk/tickets", 1)
    };
    if let Some(text) = &asked.search {
        let before = asked.after.as_deref().and_then(|at| i64::from_str_radix(at, 16).ok());
        let page = store.search(tenant, &Query::parse(text), before, ROWS).await?;
        let rows = page.hits.into_iter().map(|hit| {
            let row = QueueRow {
                ticket: hit.ticket,
                confidence: None,
                plan: None,
                contact: None,
                words: None,
            };
            (row, json!(hit.snippet))
        });
        return Ok((rows.collect(), page.next.map(|next| next_page(format!("{next:x}")))));
    }
    let ask = QueueAsk {
        place: Place::Anywhere,
        filter: asked.filter(),
        after: asked.cursor(),
        limit: ROWS + 1,
    };
    let mut rows = store.desk_queue(view.now, tenant, &ask).await?;
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let next = rows.last().filter(|_| more).map(|last| {
        next_page(last.ticket.cursor(crate::adapters::store::TicketOrder::Rank).encode())
    });
    Ok((rows.into_iter().map(|row| (row, Value::Null)).collect(), next))
}

/// `GET /desk/t/{ticket}`: one ticket with its trail.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(ticket): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let tab = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "aba")
        .and_then(|(_, value)| TABS.iter().find(|tab| **tab == value).copied())
        .unwrap_or("conversation");
    match Box::pin(shown(&desk, &person, &ticket, tab)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn shown(desk: &Desk, person: &Person, ticket: &str, tab: &str) -> Result<Response, Trouble> {
    let id = resolve(desk, person, ticket).await?;
    let ticket = desk.web().store().ticket(&person.tenant, &id).await?.ok_or(Trouble::NotFound)?;
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let clocks = review::clocks_of(desk, person, &view, &ticket).await?;
    let others = review::others(desk, person, &ticket).await?;
    let moods = review::moods(desk, person, &ticket).await?;
    let asked = Asked::default().on(id.as_str());
    let address = format!("/desk/t/{}", ticket.row.number);
    let title = view.say("page.ticket", &[("number", &ticket.row.number)]);
    let pipeline = tenant.as_ref().map(|tenant| tenant.pipeline.as_ref());
    let model = json!({
        "page": head::page(desk, &view, "ticket", &title, &address).await?,
        "ticket": conversation::model(&view, &asked, &ticket, (Value::Null, None)),
        "draft": draft::model(&view, &asked, &ticket, pipeline, (None, Vec::new())),
        "side": side::model(&view, &ticket, &clocks, (&others, &moods)),
        "handover": package(&view, &ticket, &clocks),
        "audit": trail::model(&view, &ticket),
        "tab": tab,
        "counts": counts(&ticket),
    });
    page(desk, person.locale(), "ticket", &model)
}

/// How much each part of the page holds.
fn counts(ticket: &TicketView) -> Value {
    let files: usize = ticket.messages.iter().map(|message| message.attachments.len()).sum();
    json!({
        "conversation": ticket.messages.len(), "audit": ticket.audit.len(),
        "notes": ticket.notes.as_array().map_or(0, Vec::len), "files": files,
    })
}

/// The package that the ticket is handed over with, for one that people have.
fn package(view: &View<'_>, ticket: &TicketView, clocks: &[Clock]) -> Value {
    if ticket.row.action.as_deref() != Some("escalate") {
        return Value::Null;
    }
    let package = handover::package(ticket, view.pack, clocks, view.now);
    let text = handover::to_text(&package, view.pack, view.locale(), view.zone());
    // The text has headed parts; the conversation, which is the last of them, stands on the page already.
    let parts: Vec<&str> = text.trim().split("\n\n").collect();
    let rows: Vec<Value> = parts
        .iter()
        .skip(1)
        .take(parts.len().saturating_sub(2))
        .filter_map(|part| part.split_once('\n'))
        .map(|(label, text)| json!({"label": label, "text": text}))
        .collect();
    let queue = ticket.row.queue.as_deref().map(|queue| view.team(queue)).unwrap_or_default();
    json!({
        "title": view.say("handover.title", &[("queue", &queue)]),
        "at": view.moment(package.made_at), "rows": rows,
    })
}
