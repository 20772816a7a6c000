//! What stands beside a draft: what was understood and by whom, every deadline with its reason, the customer.

use serde_json::{Value, json};

use super::shown::{View, percent};
use crate::adapters::store::{TicketRow, TicketView};
use crate::domain::customer::CustomerProfile;
use crate::domain::field::Engine;
use crate::domain::labels::{Language, Sentiment, Urgency};
use crate::policy::clocks::{Clock, SlaState, tightest};
use crate::report::words;

/// Below this the second guess is offered as a click.
const SURE: f64 = 0.8;

/// The whole pane.
pub(super) fn model(
    view: &View<'_>,
    ticket: &TicketView,
    clocks: &[Clock],
    (others, moods): (&[TicketRow], &[Sentiment]),
) -> Value {
    json!({
        "fields": fields(view, ticket),
        "deadlines": clocks.iter().map(|clock| deadline(view, clock, clocks)).collect::<Vec<_>>(),
        "deadlines_why": why(view, clocks),
        "customer": customer(view, ticket),
        "others": others.iter().map(|row| json!({
            "href": format!("/desk/t/{}", row.number), "number": row.number,
            "subject": row.subject.clone().unwrap_or_else(|| view.category(row.category.as_deref(), None)),
            "status_word": words::status(&row.status, view.locale()),
        })).collect::<Vec<_>>(),
        "trend": trend(view, moods),
    })
}

/// The course of the customer's mood, where there is one: a dot a turn, the oldest first, higher where they were happier.
fn trend(view: &View<'_>, moods: &[Sentiment]) -> Value {
    let (Some(last), true) = (moods.last(), moods.len() > 1) else { return Value::Null };
    let height = |mood: Sentiment| match mood {
        Sentiment::Positive => 3,
        Sentiment::Neutral => 8,
        Sentiment::Negative => 13,
        Sentiment::Angry => 18,
    };
    let places: Vec<(usize, i32, &Sentiment)> =
        moods.iter().enumerate().map(|(at, mood)| (6 + at * 10, height(*mood), mood)).collect();
    let points: Vec<String> = places.iter().map(|(x, y, _)| format!("{x},{y}")).collect();
    let dots: Vec<Value> =
        places.iter().map(|(x, y, mood)| json!({"x": x, "y": y, "mood": mood})).collect();
    let words: Vec<&str> =
        moods.iter().map(|mood| words::sentiment(*mood, view.locale())).collect();
    let n = moods.len().to_string();
    json!({
        "points": points.join(" "), "dots": dots, "width": moods.len() * 10 + 2,
        "word": words::sentiment(*last, view.locale()),
        "count": view.say("side.turns", &[("n", &n)]),
        "sr": view.say("side.course", &[("words", &words.join(", "))]),
    })
}

/// One understood field, as it can be corrected.
fn field(
    view: &View<'_>,
    ticket: &TicketView,
    name: &str,
    value: Option<&str>,
    options: Vec<(String, String)>,
) -> Value {
    let understood = ticket.fields.get(name);
    let set = ticket.overrides.get(name).is_some_and(|value| !value.is_null());
    let share = understood.and_then(|field| field.get("confidence")).and_then(Value::as_f64);
    let share = share.filter(|_| !set);
    let engine = understood.and_then(|field| field.get("engine")).and_then(Value::as_str);
    let engine = if set { Some(Engine::Human) } else { engine.and_then(Engine::parse) };
    let options: Vec<Value> = options
        .into_iter()
        .map(|(word, label)| {
            let selected = value == Some(word.as_str());
            json!({"value": word, "label": label, "selected": selected})
        })
        .collect();
    json!({
        "name": name,
        "label": view.say(&format!("field.{name}"), &[]),
        "value": value,
        "options": options,
        "confidence": share.map(percent),
        "low": share.is_some_and(|share| share < SURE),
        "engine_word": engine.map(|engine| view.say(&format!("engine.{engine}"), &[])),
        "alt": null,
    })
}

fn fields(view: &View<'_>, ticket: &TicketView) -> Vec<Value> {
    let (row, locale) = (&ticket.row, view.locale());
    let taxonomy = view.pack.map(|pack| pack.taxonomy.as_slice()).unwrap_or_default();
    let categories = taxonomy
        .iter()
        .map(|one| (one.id.clone(), one.name.in_locale(locale).to_owned()))
        .collect();
    let finer = row.category.as_deref().and_then(|id| view.pack?.category(id));
    let finer: Vec<(String, String)> = finer
        .map(|one| one.subcategories.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|sub| (sub.id.clone(), sub.name.in_locale(locale).to_owned()))
        .collect();
    let urgencies = Urgency::ALL
        .iter()
        .map(|one| (one.as_str().to_owned(), words::priority(*one, locale).to_owned()))
        .collect();
    let sentiments = Sentiment::ALL
        .iter()
        .map(|one| (one.as_str().to_owned(), words::sentiment(*one, locale).to_owned()))
        .collect();
    let languages = Language::ALL
        .iter()
        .map(|one| (one.as_str().to_owned(), words::language(*one, locale).to_owned()))
        .collect();
    let mut fields = vec![field(view, ticket, "category", row.category.as_deref(), categories)];
    if !finer.is_empty() {
        fields.push(field(view, ticket, "subcategory", row.subcategory.as_deref(), finer));
    }
    fields.push(field(view, ticket, "urgency", row.urgency.as_deref(), urgencies));
    fields.push(field(view, ticket, "sentiment", row.sentiment.as_deref(), sentiments));
    fields.push(field(view, ticket, "language", row.language.as_deref(), languages));
    fields
}

fn deadline(view: &View<'_>, clock: &Clock, all: &[Clock]) -> Value {
    let winner = tightest(all).is_some_and(|first| std::ptr::eq(first, clock));
    let (state, text) = match (clock.stopped, clock.paused, clock.due) {
        (Some(at), ..) => {
            let late = clock.state == SlaState::Breached;
            let name = if late { "deadline.done_late" } else { "deadline.done" };
            ("done", view.say(name, &[("at", &view.moment(at))]))
        }
        (None, Some(pause), _) => ("paused", words::pause(pause, view.locale()).to_owned()),
        (None, None, Some(due)) => {
            let state = match clock.state {
                SlaState::OnTrack => "ok",
                SlaState::AtRisk => "warn",
                SlaState::Breached => "bad",
            };
            let values = [("left", view.left(due)), ("at", view.moment(due))];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            let name = if due > view.now { "deadline.due" } else { "deadline.late" };
            (state, view.say(name, &values))
        }
        (None, None, None) => ("ok", view.say("deadline.open", &[])),
    };
    json!({
        "label": words::clock(clock.kind, view.locale()), "text": text, "state": state,
        "winner": winner, "target": clock.target, "rule": clock.rule,
    })
}

/// The sentence that says which rule gave the tightest deadline, and by which calendar it counts.
fn why(view: &View<'_>, clocks: &[Clock]) -> String {
    let Some(clock) = tightest(clocks) else { return view.say("deadline.none", &[]) };
    let target = clock.target.as_str();
    match &clock.calendar {
        Some(calendar) => view.say(
            "deadline.why_calendar",
            &[("target", target), ("rule", &clock.rule), ("calendar", calendar)],
        ),
        None => view.say("deadline.why", &[("target", target), ("rule", &clock.rule)]),
    }
}

fn customer(view: &View<'_>, ticket: &TicketView) -> Vec<Value> {
    let profile: CustomerProfile =
        serde::Deserialize::deserialize(&ticket.customer).unwrap_or_default();
    let contact = |name: &str| {
        ticket.contact.get(name).and_then(Value::as_str).map(str::to_owned).into_iter()
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |name: &str, value: String| {
        lines.push((view.say(&format!("customer.{name}"), &[]), value));
    };
    if let Some(plan) = &profile.plan {
        line("plan", view.plan(plan));
    }
    if let Some(revenue) = &profile.annual_revenue {
        line("revenue", words::money(revenue, view.locale()));
    }
    if let Some(since) = profile.customer_since {
        line("since", words::date(since, view.locale()));
    }
    let mut emails: Vec<String> = profile.emails.iter().cloned().chain(contact("email")).collect();
    emails.dedup();
    if !emails.is_empty() {
        line("email", emails.join(", "));
    }
    let mut phones: Vec<String> = profile.phones.iter().cloned().chain(contact("phone")).collect();
    phones.dedup();
    if !phones.is_empty() {
        line("phone", phones.join(", "));
    }
    if let Some(rating) = ticket.row.csat {
        line("csat", view.say("customer.rating", &[("n", &rating.to_string())]));
    }
    for (purpose, agreed) in &profile.consent {
        let said = view.say(if *agreed { "customer.agreed" } else { "customer.refused" }, &[]);
        lines.push((purpose.clone(), said));
    }
    for (name, value) in profile.fields.iter().take(12) {
        lines.push((name.clone(), value.clone()));
    }
    lines.into_iter().map(|(label, value)| json!({"label": label, "value": value})).collect()
}
