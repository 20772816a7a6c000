//! What every working page says besides its own matter: how much waits, and what can still be called back.

use serde_json::{Value, json};

use super::answer::Trouble;
use super::frame::common;
use super::shown::View;
use super::{Desk, Person};

/// The `page` of a model, with counts and replies that can be called back.
pub(super) async fn page(
    desk: &Desk,
    view: &View<'_>,
    name: &str,
    title: &str,
    path: &str,
) -> Result<Value, Trouble> {
    let person = view.person;
    let mut page = common(desk, person, name, title, path);
    let waiting = waiting(desk, person).await?;
    let undo = undo(desk, view).await?;
    if let Some(page) = page.as_object_mut() {
        page.insert("nav".to_owned(), waiting);
        page.insert("undo".to_owned(), undo);
    }
    Ok(page)
}

/// How many drafts wait for review, and how many tickets of any queue are late.
pub(super) async fn waiting(desk: &Desk, person: &Person) -> Result<Value, Trouble> {
    let counts = desk.web().counts(&person.tenant).await?;
    let review: i64 = counts
        .queues
        .iter()
        .filter(|count| count.owner == "review")
        .map(|count| count.tickets)
        .sum();
    let late: i64 = counts.queues.iter().map(|count| count.breached).sum();
    Ok(json!({"review": {"count": review}, "queues": {"late": late}}))
}

/// Replies of this person that have not left yet, the newest first.
async fn undo(desk: &Desk, view: &View<'_>) -> Result<Value, Trouble> {
    let person = view.person;
    let store = desk.web().store();
    let rows = store.recallable(view.now, &person.tenant, &person.name).await?;
    let bars: Vec<Value> = rows
        .iter()
        .rev()
        .map(|row| {
            let name = row.name.clone().unwrap_or_else(|| row.number.clone());
            let left = (row.leaves_at - view.now).num_milliseconds().max(0);
            json!({
                "outbox": row.id, "ticket": row.ticket, "number": row.number, "name": name,
                "left": (left + 999) / 1_000, "of": (row.leaves_at - row.since).num_seconds(),
                "text": view.say("undo.text", &[("name", &name)]),
            })
        })
        .collect();
    Ok(Value::Array(bars))
}
