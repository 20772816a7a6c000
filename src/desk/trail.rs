//! The audit trail of a ticket in words: what happened, who did it, which rule is behind it. No customer's words are in it.

use serde_json::{Value, json};

use super::shown::{View, percent};
use crate::adapters::store::{AuditRow, TicketView};
use crate::report::words;

/// What happened, by day, the latest first.
pub(super) fn model(view: &View<'_>, ticket: &TicketView) -> Vec<Value> {
    let mut days: Vec<(String, Vec<Value>)> = Vec::new();
    for row in ticket.audit.iter().rev() {
        let day = view.day(row.at);
        let line = line(view, row);
        match days.last_mut() {
            Some((last, lines)) if *last == day => lines.push(line),
            _ => days.push((day, vec![line])),
        }
    }
    days.into_iter().map(|(day, lines)| json!({"day": day, "lines": lines})).collect()
}

fn line(view: &View<'_>, row: &AuditRow) -> Value {
    let text = |part: &'static str, name: &str| {
        let value = if part == "before" { &row.before } else { &row.after };
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let person = row.actor.strip_prefix("agent:");
    let key = format!("audit.{}", row.action.replace('.', "_"));
    let values = values(view, row, &text);
    let values: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let said = view.say(&key, &values);
    // What has no words of its own is shown as it is called.
    let said = if said == key { row.action.clone() } else { said };
    let mut parts = Vec::new();
    match person {
        Some(name) => {
            parts.push(json!({"text": name, "mark": "b"}));
            parts.push(json!({"text": format!(" {said}"), "mark": null}));
        }
        None => parts.push(json!({"text": capitalised(&said), "mark": null})),
    }
    if row.action == "ticket.status" {
        let before = words::status(&text("before", "status"), view.locale()).to_owned();
        let after = words::status(&text("after", "status"), view.locale()).to_owned();
        parts.push(json!({"text": ": ", "mark": null}));
        if !before.is_empty() {
            parts.push(json!({"text": before, "mark": "del"}));
            parts.push(json!({"text": " ", "mark": null}));
        }
        parts.push(json!({"text": after, "mark": "ins"}));
    }
    json!({
        "at": view.hour(row.at), "iso": row.at, "kind": kind(row), "parts": parts,
        "detail": detail(view, row), "rule": row.cause,
    })
}

/// The values that the words of a line name.
fn values(
    view: &View<'_>,
    row: &AuditRow,
    text: &dyn Fn(&'static str, &str) -> String,
) -> Vec<(&'static str, String)> {
    let after = |name: &str| row.after.get(name);
    let action = text("after", "action");
    let to = match text("after", "agent") {
        agent if agent.is_empty() => view.team(&text("after", "queue")),
        agent => agent,
    };
    let fields: Vec<String> = row
        .after
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let label = view.say(&format!("field.{name}"), &[]);
            let value = value.as_str().unwrap_or_default();
            format!("{}: {}", label.trim_start_matches("field."), named(view, name, value))
        })
        .collect();
    let version = after("version").and_then(Value::as_i64).map(|n| n.to_string());
    vec![
        ("action", view.say(&format!("audit.action.{action}"), &[])),
        ("state", view.say(&format!("draft.state.{}", text("after", "state")), &[])),
        ("to", to),
        ("fields", fields.join(", ")),
        ("version", version.unwrap_or_default()),
        ("kind", text("after", "kind")),
    ]
}

/// A value of a field as people call it.
fn named(view: &View<'_>, field: &str, value: &str) -> String {
    match field {
        "category" => view.category(Some(value), None),
        "urgency" => view.urgency(value),
        "sentiment" => view.sentiment(value),
        "language" => view.language(value),
        _ => value.to_owned(),
    }
}

/// Numbers behind a decision.
fn detail(view: &View<'_>, row: &AuditRow) -> Option<String> {
    let share = row.after.get("confidence").and_then(Value::as_f64)?;
    Some(view.say("audit.confidence", &[("share", &percent(share))]))
}

fn kind(row: &AuditRow) -> &'static str {
    if row.actor.starts_with("agent:") {
        return "person";
    }
    match row.action.split('.').next().unwrap_or_default() {
        "turn" | "draft" => "ai",
        "reply" | "notice" => "send",
        "sla" | "callback" | "lease" => "clock",
        "csat" => "customer",
        _ => "system",
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
