//! What an agent has at hand while answering: another draft on request, replies that are kept, articles to look into, and
//! the ways to say what is missing.

mod again;
mod articles;
mod fields;
mod insert;
mod saved;
mod wishes;

use serde_json::{Value, json};

use super::Desk;
use super::answer::Trouble;
use super::asked::Asked;
use super::shown::View;
use crate::adapters::store::TicketView;
use crate::domain::ids::TicketId;
use crate::domain::labels::{Language, Locale};

pub(super) use again::INSTRUCTION_MAX;
pub(super) use articles::bearing;
pub(super) use insert::Offered;
pub(super) use saved::{forget, keep, prepare, show as show_saved};
pub(super) use wishes::{done as wish_done, show as show_wishes};

/// The language in which a ticket is answered.
pub(super) fn locale_of(desk: &Desk, view: &View<'_>, ticket: &TicketView) -> Locale {
    let spoken = ticket.row.language.as_deref().and_then(Language::parse);
    let default = desk.web().vocabulary(&view.person.tenant);
    spoken
        .and_then(Language::reply_locale)
        .or_else(|| default.and_then(|known| known.default_locale))
        .unwrap_or(Locale::PtBr)
}

/// Adds to the model of the review page what is at hand for its ticket.
pub(super) async fn dress(
    desk: &Desk,
    view: &View<'_>,
    (asked, ticket): (&Asked, &TicketView),
    model: &mut Value,
) -> Result<(), Trouble> {
    let id = TicketId::from_stored(ticket.row.id.as_str());
    let offered = insert::offered(desk, view, ticket).await?;
    put(
        model,
        "/ticket/forms",
        "saved",
        json!(offered.iter().map(Offered::model).collect::<Vec<_>>()),
    );
    let articles = articles::model(desk, view, (asked, ticket), &id).await?;
    put(model, "", "articles", articles);
    let edits = model.pointer("/draft/form").is_some_and(|form| form == "edit");
    let writes = model.pointer("/ticket/compose/may").is_some_and(|may| may == true);
    let into = if edits { Some("edit-form") } else { writes.then_some("own-form") };
    put(model, "/articles", "into", json!(into));
    let mine = desk.web().store().votes_of(&view.person.tenant, &id, &view.person.id).await?;
    wishes::mark_votes(model, &mine);
    let others = again::others(desk, view, (asked, ticket), &id).await?;
    put(model, "/draft", "others", others);
    put(model, "/draft", "asks", json!(desk.worker().is_some_and(|worker| worker.asks_models())));
    put(model, "/draft", "instruction_max", json!(INSTRUCTION_MAX));
    Ok(())
}

/// Puts a field into the object at a place of the model, where there is one.
fn put(model: &mut Value, at: &str, name: &str, value: Value) {
    if let Some(object) = model.pointer_mut(at).and_then(Value::as_object_mut) {
        object.insert(name.to_owned(), value);
    }
}
