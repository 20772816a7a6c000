//! How channels and engines are doing, from what the store knows of them. Grey until something needs a person.

use chrono::Duration;
use serde_json::{Value, json};

use super::numbers::Numbers;
use crate::compose::money;
use crate::desk::shown::View;
use crate::report::words;

/// A reply that has been due for so long is late.
const LATE: Duration = Duration::minutes(2);
/// Of so many questions one may go unanswered before anybody need look.
const ONE_IN: i64 = 10;
/// The rungs of models, the cheap one first.
const RUNGS: [&str; 2] = ["primary", "escalation"];

/// One line of it: what, how it is doing, and whether a person must look.
fn row(sign: &str, name: &str, text: &str, state: &str) -> Value {
    json!({"sign": sign, "name": name, "text": text, "state": state})
}

/// Every line, channels first.
pub(super) fn health(view: &View<'_>, numbers: &Numbers) -> Vec<Value> {
    let mut rows = channels(view, numbers);
    rows.extend(mailboxes(view, numbers));
    rows.extend(models(view, numbers));
    let dead = numbers.dead;
    let word = if dead == 0 { "board.health.dead_none" } else { "board.health.dead" };
    let text = view.say(word, &[("n", &dead.to_string())]);
    let name = view.say("board.health.dead_name", &[]);
    rows.push(row("failed", &name, &text, if dead > 0 { "bad" } else { "ok" }));
    rows
}

fn channels(view: &View<'_>, numbers: &Numbers) -> Vec<Value> {
    let mut names: Vec<&str> = numbers.outbox.iter().map(|one| one.channel.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        let name = view.say("board.health.delivery", &[]);
        return vec![row("send", &name, &view.say("board.health.calm", &[]), "ok")];
    }
    names.into_iter().map(|channel| of_channel(view, numbers, channel)).collect()
}

fn of_channel(view: &View<'_>, numbers: &Numbers, channel: &str) -> Value {
    let of = |state: &str| {
        numbers.outbox.iter().find(|one| one.channel == channel && one.state == state)
    };
    let count = |state: &str| of(state).map_or(0, |one| one.count);
    let mut parts = Vec::new();
    let mut say = |name: &str, n: i64| {
        if n > 0 {
            parts.push(view.say(&format!("board.health.{name}"), &[("n", &n.to_string())]));
        }
    };
    say("failed", count("failed"));
    say("unknown", count("unknown"));
    say("awaiting", count("awaiting"));
    say("queued", count("queued") + count("sending"));
    let due = of("queued").and_then(|one| one.oldest).filter(|due| view.now - *due > LATE);
    if let Some(due) = due {
        let time = view.wait((view.now - due).num_seconds());
        parts.push(view.say("board.health.behind", &[("time", &time)]));
    }
    let state = if count("failed") + count("unknown") > 0 {
        "bad"
    } else if due.is_some() {
        "warn"
    } else {
        "ok"
    };
    let name = words::channel(channel, view.locale()).to_owned();
    row(channel, &name, &parts.join(" · "), state)
}

fn mailboxes(view: &View<'_>, numbers: &Numbers) -> Vec<Value> {
    let known = numbers.mailboxes.iter();
    known
        .filter_map(|(address, read)| {
            let time = view.moment((*read)?);
            let text = view.say("board.health.read", &[("time", &time)]);
            Some(row("email", address, &text, "ok"))
        })
        .collect()
}

fn models(view: &View<'_>, numbers: &Numbers) -> Vec<Value> {
    let mut rows = Vec::new();
    for rung in RUNGS {
        let mine = || numbers.models.iter().filter(|one| one.rung == rung);
        let Some(first) = mine().next() else { continue };
        let calls: i64 = mine().map(|one| one.calls).sum();
        let ok: i64 = mine().map(|one| one.ok).sum();
        let resting: i64 = mine().map(|one| one.resting).sum();
        let slowest = mine().map(|one| one.p95_ms).max().unwrap_or(0);
        let secs = format!("{}.{}", slowest / 1_000, slowest % 1_000 / 100);
        let secs = secs.replace('.', view.of(",", "."));
        let asked = [("n", calls.to_string()), ("secs", secs)];
        let asked: Vec<(&str, &str)> =
            asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut parts = vec![view.say("board.health.asked", &asked)];
        let failed = calls - ok;
        if failed > 0 {
            parts.push(view.say("board.health.unanswered", &[("n", &failed.to_string())]));
        }
        if resting > 0 {
            parts.push(view.say("board.health.resting", &[]));
        }
        let poor = failed * ONE_IN > calls || resting > 0;
        let name = view.say(&format!("board.health.{rung}"), &[("model", &first.model)]);
        rows.push(row("ai", &name, &parts.join(" · "), if poor { "warn" } else { "ok" }));
    }
    let spent = numbers.spent;
    if spent.month > 0 {
        let shown = |micros: u64| {
            money(i64::try_from(micros / 10_000).unwrap_or(i64::MAX), "USD", view.locale())
        };
        let values = [("day", shown(spent.day)), ("month", shown(spent.month))];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = view.say("board.health.money", &[]);
        rows.push(row("ai", &name, &view.say("board.health.spent", &values), "ok"));
    }
    rows
}
