//! Undo: a reply is called back in the seconds before it leaves.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::answer::{Trouble, see_other};
use super::asked::Asked;
use super::person::Person;
use super::posted::Posted;
use super::{Desk, review};
use crate::adapters::store::{Actor, Recalled};
use crate::domain::ids::OutboxId;

/// Calls a reply back before it leaves.
pub(super) async fn undo(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let id = OutboxId::from_stored(posted.get("outbox").unwrap_or_default());
    let actor = Actor { name: person.name.clone() };
    let recalled = desk.web().store().recall(desk.now(), &person.tenant, &actor, &id).await;
    let (ticket, word) = match recalled {
        Ok(Recalled::Back(ticket, _)) => {
            return see_other(&Asked::default().on(ticket.as_str()).address());
        }
        Ok(Recalled::TooLate(ticket)) => (Some(ticket), "refused.undo_late"),
        Ok(Recalled::NotFound) => (None, "refused.undo_missing"),
        Err(error) => return Trouble::from(error).page(&desk, person.locale()),
    };
    let asked = ticket.map_or_else(Asked::default, |ticket| Asked::default().on(ticket.as_str()));
    let flash = json!({"kind": "bad", "text": desk.pages().say(person.locale(), word, &[])});
    let again = review::Again { flash, ..review::Again::default() };
    match Box::pin(review::write(&desk, &person, &asked, again)).await {
        Ok(mut response) => {
            *response.status_mut() = StatusCode::CONFLICT;
            response
        }
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}
