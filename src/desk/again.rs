//! Which replies can be sent once more: those that failed or whose end nobody knows, unless that was done already.

use serde_json::Value;

use super::shown::View;
use crate::adapters::store::{TicketView, id_again};

/// Returns the id of a reply that whoever looks may send again; `None` where there is nothing to repeat.
pub(super) fn offered<'r>(view: &View<'_>, ticket: &TicketView, row: &'r Value) -> Option<&'r str> {
    let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = row.get("id").and_then(Value::as_str)?;
    let ended = matches!(word("state"), "failed" | "unknown");
    let reply = matches!(word("kind"), "reply" | "safety");
    let rows = ticket.outbox.as_array().map(Vec::as_slice).unwrap_or_default();
    let again = id_again(id);
    let repeated = rows.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(&again));
    (ended && reply && !repeated && may_write(view, ticket)).then_some(id)
}

/// True where this person may write to the customer now.
fn may_write(view: &View<'_>, ticket: &TicketView) -> bool {
    let mine = ticket.owner_name.as_deref() == Some(view.person.name.as_str());
    let held =
        ticket.row.owner == "agent" && ticket.owner_until.is_none_or(|until| until > view.now);
    ticket.row.status != "closed" && !ticket.opted_out && (!held || mine)
}
