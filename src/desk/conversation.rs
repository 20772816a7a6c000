//! The conversation pane: who wrote what, how it left, and what happened between.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::again;
use super::asked::Asked;
use super::person::initials;
use super::shown::{View, letters};
use crate::adapters::store::{AttachmentRow, MessageRow, TicketView, known_by};
use crate::channels::enclosures::{FILES_MAX, MAIL_BYTES_MAX};
use crate::domain::channel::Channel;
use crate::domain::customer::CustomerProfile;
use crate::report::words;

/// Messages of one side within this time are one burst.
const BURST: Duration = Duration::minutes(3);

/// One thing of a conversation, with when it happened.
struct Item {
    at: DateTime<Utc>,
    side: &'static str,
    model: Value,
}

/// The head of the pane and everything below it.
pub(super) fn model(
    view: &View<'_>,
    asked: &Asked,
    ticket: &TicketView,
    (place, kept): (Value, Option<&str>),
) -> Value {
    let row = &ticket.row;
    let profile: CustomerProfile =
        serde::Deserialize::deserialize(&ticket.customer).unwrap_or_default();
    let plan = profile.plan.as_deref();
    let vip = plan.and_then(|plan| view.pack?.is_vip(plan)).unwrap_or(false)
        || row.tags.iter().any(|tag| tag == "vip");
    let mine = ticket.owner_name.as_deref() == Some(view.person.name.as_str());
    let held = row.owner == "agent" && ticket.owner_until.is_none_or(|until| until > view.now);
    let closed = row.status == "closed";
    let may_write = !closed && !ticket.opted_out && (!held || mine);
    json!({
        "id": row.id,
        "number": row.number,
        "href": asked.on(&row.id).address(),
        "path": format!("/desk/t/{}", row.number),
        "name": name(view, ticket),
        "company": profile.fields.get("company").or_else(|| profile.fields.get("empresa")),
        "plan": plan.map(|plan| view.plan(plan)),
        "vip": vip,
        "subject": row.subject,
        "status": row.status,
        "status_word": words::status(&row.status, view.locale()),
        "channel": row.channel,
        "channel_word": words::channel(&row.channel, view.locale()),
        "language": letters(row.language.as_deref()), "lang": row.language,
        "meta": meta(view, ticket, &profile),
        "place": place,
        "owner": row.owner,
        "mine": held && mine,
        "owner_word": owner_word(view, ticket),
        "banner": banner(view, ticket, held, mine),
        "items": items(view, ticket),
        "compose": {
            "sure": false, "may": may_write, "why": (!may_write).then(|| why_not(view, ticket, closed)),
            "files": [], "takes": takes(view, &row.channel),
            "text": kept.filter(|_| ticket.drafts.first().is_none_or(|draft| draft.state != "proposed")),
        },
        "tags": row.tags,
        "snoozed": row.snoozed_until.filter(|until| *until > view.now).map(|until| view.moment(until)),
        "callback": row.callback_from.map(|from| view.moment(from)),
        "forms": forms(view),
        "menu": ["snooze", "transfer", "tags", "callback", "merge"],
    })
}

/// Which files a channel takes, as it is told before one is chosen.
fn takes(view: &View<'_>, channel: &str) -> String {
    let n = FILES_MAX.to_string();
    let name = match Channel::parse(channel) {
        Some(Channel::Whatsapp) => "attach.whatsapp",
        Some(Channel::Email) => "attach.email",
        _ => "attach.any",
    };
    let mb = (MAIL_BYTES_MAX / 1_000_000).to_string();
    view.say(name, &[("n", &n), ("mb", &mb)])
}

/// What the customer is called here.
fn name(view: &View<'_>, ticket: &TicketView) -> String {
    let name = ticket.row.customer_name.as_deref().or_else(|| known_by(&ticket.contact));
    name.map_or_else(|| view.say("queue.nameless", &[]), str::to_owned)
}

/// Queues and people that a ticket can be given to.
fn forms(view: &View<'_>) -> Value {
    let teams = view.pack.map(|pack| pack.teams.as_slice()).unwrap_or_default();
    let queues: Vec<Value> =
        teams.iter().map(|team| json!({"value": team.id, "label": view.team(&team.id)})).collect();
    let people = view.pack.map(|pack| pack.people.as_slice()).unwrap_or_default();
    let agents: Vec<Value> =
        people.iter().map(|one| json!({"value": one.name, "label": one.name})).collect();
    json!({"queues": queues, "agents": agents, "saved": []})
}

fn meta(view: &View<'_>, ticket: &TicketView, profile: &CustomerProfile) -> Vec<String> {
    let mut meta = Vec::new();
    if let Some(since) = profile.customer_since {
        let date = words::date(since, view.locale());
        meta.push(view.say("ticket.since", &[("date", &date)]));
    }
    if let Some(revenue) = &profile.annual_revenue {
        let amount = words::money(revenue, view.locale());
        meta.push(view.say("ticket.revenue", &[("amount", &amount)]));
    }
    let others = ticket.linked.len();
    if others > 0 {
        meta.push(view.say("ticket.others", &[("n", &others.to_string())]));
    }
    meta
}

fn owner_word(view: &View<'_>, ticket: &TicketView) -> String {
    match (ticket.row.owner.as_str(), &ticket.owner_name) {
        ("ai", _) => view.say("owner.ai", &[]),
        ("review", _) => view.say("owner.review", &[]),
        ("agent", Some(name)) => view.say("owner.agent", &[("name", name)]),
        (_, Some(queue)) => view.say("owner.queue", &[("name", &view.team(queue))]),
        _ => view.say("owner.queue", &[("name", "")]),
    }
}

fn why_not(view: &View<'_>, ticket: &TicketView, closed: bool) -> String {
    if closed {
        view.say("banner.closed", &[])
    } else if ticket.opted_out {
        view.say("banner.opted_out", &[])
    } else {
        let name = ticket.owner_name.clone().unwrap_or_default();
        view.say("banner.held", &[("name", &name)])
    }
}

/// The one thing to know before anything is done here.
fn banner(view: &View<'_>, ticket: &TicketView, held: bool, mine: bool) -> Value {
    let banner = |kind: &str, text: String, action: Value| json!({"kind": kind, "text": text, "action": action});
    let row = &ticket.row;
    let give = json!({
        "label": view.say("action.give_ai", &[]), "post": format!("/desk/t/{}/give", row.id),
        "name": "to", "value": "ai",
    });
    if row.status == "closed" {
        return banner("closed", view.say("banner.closed", &[]), Value::Null);
    }
    if ticket.opted_out {
        return banner("opted_out", view.say("banner.opted_out", &[]), Value::Null);
    }
    if held {
        let until = ticket.owner_until.map(|until| view.hour(until)).unwrap_or_default();
        let name = ticket.owner_name.clone().unwrap_or_default();
        let values = [("name", name.as_str()), ("until", until.as_str())];
        return if mine {
            banner("taken", view.say("banner.taken", &values), give)
        } else {
            banner("held", view.say("banner.held_until", &values), Value::Null)
        };
    }
    if let Some(until) = row.snoozed_until.filter(|until| *until > view.now) {
        let until = view.moment(until);
        let wake = json!({
            "label": view.say("action.wake", &[]), "post": format!("/desk/t/{}/snooze", row.id),
            "name": "until", "value": "now",
        });
        return banner("snoozed", view.say("banner.snoozed", &[("until", &until)]), wake);
    }
    let retired = ticket.drafts.first().is_some_and(|draft| draft.state == "retired");
    let undecided = ticket.messages.iter().rev().find(|message| message.author == "customer");
    if retired && undecided.is_some_and(|message| message.decision_id.is_none()) {
        let name = name(view, ticket);
        return banner("retired", view.say("banner.retired", &[("name", &name)]), Value::Null);
    }
    let outside = Channel::parse(&row.channel) == Some(Channel::Whatsapp)
        && ticket.last_inbound_at.is_some_and(|at| view.now - at > Duration::hours(24));
    if outside && matches!(row.status.as_str(), "new" | "open" | "escalated") {
        return banner("outside_window", view.say("banner.outside_window", &[]), Value::Null);
    }
    Value::Null
}

/// Everything that was said and done, oldest first, with a line between days.
fn items(view: &View<'_>, ticket: &TicketView) -> Vec<Value> {
    let mut items: Vec<Item> =
        ticket.messages.iter().map(|message| spoken(view, ticket, message)).collect();
    items.extend(leaving(view, ticket));
    items.extend(notes(view, ticket));
    items.extend(events(view, ticket));
    items.sort_by_key(|item| item.at);
    let mut shown = Vec::new();
    let mut day = None;
    let sides: Vec<(DateTime<Utc>, &'static str)> =
        items.iter().map(|item| (item.at, item.side)).collect();
    for (at, mut item) in items.into_iter().enumerate() {
        let here = item.at.with_timezone(&view.zone()).date_naive();
        if day != Some(here) {
            day = Some(here);
            shown.push(json!({"type": "day", "text": view.day(item.at)}));
        }
        if item.side != "event" {
            let near = |other: Option<&(DateTime<Utc>, &str)>| {
                other.is_some_and(|(when, side)| {
                    *side == item.side && (*when - item.at).abs() <= BURST
                })
            };
            let before = at.checked_sub(1).and_then(|before| sides.get(before));
            let (first, last) = (!near(before), !near(sides.get(at + 1)));
            if let Some(model) = item.model.as_object_mut() {
                model.insert("first".to_owned(), first.into());
                model.insert("last".to_owned(), last.into());
            }
        }
        shown.push(item.model);
    }
    shown
}

fn paragraphs(text: &str) -> Vec<&str> {
    text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// A message that was said.
fn spoken(view: &View<'_>, ticket: &TicketView, message: &MessageRow) -> Item {
    let (side, by) = match message.author.as_str() {
        "customer" => ("in", name(view, ticket)),
        "agent" => ("us", message.author_name.clone().unwrap_or_else(|| view.say("side.us", &[]))),
        "ai" => ("ai", view.say("side.ai", &[])),
        _ => ("system", view.say("side.system", &[])),
    };
    let row = message.outbox_id.as_deref().and_then(|id| outbox(ticket, id));
    let voice = message.attachments.iter().any(|file| file.kind == "voice");
    let model = json!({
        "type": "message",
        "id": message.id,
        "side": side,
        "mail": ticket.row.channel == "email",
        "by": by,
        "via": row.and_then(|row| via(view, row)).or_else(|| changed(view, message)),
        "initials": initials(&by),
        "at": view.hour(message.sent_at),
        "iso": message.sent_at,
        "first": true,
        "last": true,
        "subject": message.subject,
        "paragraphs": if message.deleted_at.is_some() { Vec::new() } else { paragraphs(&message.text) },
        "lang": ticket.row.language,
        "transcribed": message.transcribed,
        "confidence": null,
        "quoted": message.original,
        "original": message.html.as_ref().map(|_| format!("/desk/mails/{}", message.id)),
        "untranscribed": voice && !message.transcribed,
        "files": message.attachments.iter().map(|file| shown_file(view, file)).collect::<Vec<_>>(),
        "delivery": row.map(|row| delivery(view, ticket, row)),
    });
    Item { at: message.sent_at, side, model }
}

/// Says that its sender changed a message, or took it back.
fn changed(view: &View<'_>, message: &MessageRow) -> Option<String> {
    if let Some(at) = message.deleted_at {
        return Some(view.say("message.deleted", &[("at", &view.moment(at))]));
    }
    let at = message.edited_at?;
    Some(view.say("message.edited", &[("at", &view.moment(at))]))
}

fn shown_file(view: &View<'_>, file: &AttachmentRow) -> Value {
    let size = file.size.map(|size| bytes(view, size));
    let why = match file.state.as_str() {
        "kept" => None,
        "waiting" => Some(view.say("file.waiting", &[])),
        "erased" => Some(view.say("file.erased", &[])),
        _ => Some(view.say("file.missing", &[])),
    };
    json!({
        "href": format!("/desk/files/{}", file.id),
        "name": file.name.clone().unwrap_or_else(|| view.say(&format!("file.kind.{}", file.kind), &[])),
        "size": size,
        "kind": file.kind,
        "ready": file.state == "kept",
        "why": why,
    })
}

/// A size as people say it.
pub(super) fn bytes(view: &View<'_>, size: i64) -> String {
    let (whole, tenth, unit) = match size {
        ..1_000 => return format!("{size} B"),
        1_000..1_000_000 => (size / 1_000, size % 1_000 / 100, "kB"),
        _ => (size / 1_000_000, size % 1_000_000 / 100_000, "MB"),
    };
    format!("{whole}{}{tenth} {unit}", view.of(",", "."))
}

fn outbox<'t>(ticket: &'t TicketView, id: &str) -> Option<&'t Value> {
    ticket.outbox.as_array()?.iter().find(|row| row.get("id").and_then(Value::as_str) == Some(id))
}

fn word<'v>(row: &'v Value, name: &str) -> &'v str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// How a reply came to leave: by itself, or by whom.
fn via(view: &View<'_>, row: &Value) -> Option<String> {
    let automatic = row.get("automatic").and_then(Value::as_bool).unwrap_or(false);
    // Whoever sent it, or that it is a notice, is named beside it.
    let leaves_alone = automatic && matches!(word(row, "kind"), "reply" | "safety");
    leaves_alone.then(|| view.say("via.automatic", &[]))
}

/// How far a reply came on its way.
fn delivery(view: &View<'_>, ticket: &TicketView, row: &Value) -> Value {
    let state = match (word(row, "state"), word(row, "delivery")) {
        ("queued" | "sending" | "awaiting", _) => "queued",
        ("failed" | "unknown", _) | (_, "failed") => "failed",
        (_, "read" | "played") => "read",
        (_, "delivered") => "delivered",
        _ => "sent",
    };
    let why = (state == "failed").then(|| word(row, "error"));
    let doubtful = word(row, "state") == "unknown";
    let said = if doubtful { "unknown" } else { state };
    json!({
        "state": state, "word": view.say(&format!("delivery.{said}"), &[]), "why": why,
        "retry": again::offered(view, ticket, row), "doubtful": doubtful,
    })
}

/// Replies that have not become messages: on their way, or not arrived.
fn leaving(view: &View<'_>, ticket: &TicketView) -> Vec<Item> {
    let rows = ticket.outbox.as_array().map(Vec::as_slice).unwrap_or_default();
    let said = |id: &str| ticket.messages.iter().any(|one| one.outbox_id.as_deref() == Some(id));
    rows.iter()
        .filter(|row| matches!(word(row, "state"), "queued" | "sending" | "awaiting" | "failed" | "unknown"))
        .filter(|row| !said(word(row, "id")))
        .filter_map(|row| {
            let at: DateTime<Utc> = word(row, "at").parse().ok()?;
            let (side, by) = match word(row, "author") {
                "agent" => ("us", word(row, "by").to_owned()),
                "ai" => ("ai", view.say("side.ai", &[])),
                _ => ("system", view.say("side.system", &[])),
            };
            let model = json!({
                "type": "message", "id": word(row, "id"), "side": side,
                "mail": ticket.row.channel == "email", "by": by, "via": via(view, row),
                "initials": initials(&by), "at": view.hour(at), "iso": at, "first": true, "last": true,
                "subject": null, "paragraphs": paragraphs(word(row, "text")), "lang": ticket.row.language,
                "transcribed": false, "confidence": null, "quoted": null, "original": null,
                "untranscribed": false, "files": [], "delivery": delivery(view, ticket, row),
            });
            Some(Item { at, side, model })
        })
        .collect()
}

fn notes(view: &View<'_>, ticket: &TicketView) -> Vec<Item> {
    let notes = ticket.notes.as_array().map(Vec::as_slice).unwrap_or_default();
    notes
        .iter()
        .filter_map(|note| {
            let at: DateTime<Utc> = word(note, "at").parse().ok()?;
            let model = json!({
                "type": "note", "by": word(note, "author"), "at": view.hour(at), "iso": at,
                "text": word(note, "text"),
            });
            Some(Item { at, side: "event", model })
        })
        .collect()
}

/// What changed whose turn it was, from the trail.
fn events(view: &View<'_>, ticket: &TicketView) -> Vec<Item> {
    ticket
        .audit
        .iter()
        .filter_map(|line| {
            let who = line.actor.strip_prefix("agent:").unwrap_or_default();
            let after =
                |name: &str| line.after.get(name).and_then(Value::as_str).unwrap_or_default();
            let text = match line.action.as_str() {
                "ticket.claimed" => view.say("event.claimed", &[("name", who)]),
                "ticket.released" if after("owner") == "ai" => {
                    view.say("event.given_back", &[("name", who)])
                }
                "ticket.released" => view.say("event.released", &[("name", who)]),
                "ticket.transferred" if !after("agent").is_empty() => {
                    view.say("event.transferred", &[("name", who), ("to", after("agent"))])
                }
                "ticket.transferred" => {
                    let to = view.team(after("queue"));
                    view.say("event.transferred", &[("name", who), ("to", &to)])
                }
                "ticket.status" => {
                    let status = words::status(after("status"), view.locale());
                    view.say("event.status", &[("status", status)])
                }
                "reply.called_back" => view.say("event.called_back", &[("name", who)]),
                "lease.lapsed" => view.say("event.lapsed", &[]),
                _ => return None,
            };
            let model = json!({"type": "event", "text": text, "rule": line.cause});
            Some(Item { at: line.at, side: "event", model })
        })
        .collect()
}
