//! The queue pane: what waits where, as people take it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Desk;
use super::answer::Trouble;
use super::asked::Asked;
use super::shown::{View, hundredths, letters, percent};
use crate::adapters::store::{Place, QueueAsk, QueueCount, QueueRow};
use crate::domain::channel::Channel;
use crate::domain::labels::{Language, Sentiment, Urgency};
use crate::policy::clocks::SlaState;
use crate::report::words;

/// Rows of one page of a queue.
const ROWS: u32 = 60;
/// Counts beyond this are of no use to anybody.
const COUNT_MAX: u32 = 1_000;

/// The pane, and its rows in the order in which they stand.
pub(super) struct Pane {
    pub(super) model: Value,
    pub(super) rows: Vec<QueueRow>,
}

/// Reads the queue that is asked for.
pub(super) async fn pane(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    open: Option<&str>,
) -> Result<Pane, Trouble> {
    let (store, tenant) = (desk.web().store(), &view.person.tenant);
    let place = asked.place(&view.person.name);
    let ask = QueueAsk {
        place: place.clone(),
        filter: asked.filter(),
        after: asked.cursor(),
        limit: ROWS + 1,
    };
    let mut rows = store.desk_queue(view.now, tenant, &ask).await?;
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let next = rows.last().filter(|_| more).map(|last| {
        let after = last.ticket.cursor(crate::adapters::store::TicketOrder::Rank).encode();
        Asked { after: Some(after), ..asked.list() }.address()
    });
    let board = desk.web().counts(tenant).await?;
    let count = store.desk_count(view.now, tenant, &place, COUNT_MAX).await?;
    let of_mine = Place::Of(view.person.name.clone());
    let mine = store.desk_count(view.now, tenant, &of_mine, COUNT_MAX).await?;
    let snoozed = store.desk_count(view.now, tenant, &Place::Snoozed, COUNT_MAX).await?;
    let current =
        open.or_else(|| rows.first().map(|row| row.ticket.id.as_str())).map(str::to_owned);
    let groups = groups(desk, view, asked, &rows, current.as_deref());
    let team = Asked { whose: None, ..asked.list() };
    let scope = |whose: Option<&str>, label: String, count: i64| {
        let asked = Asked { whose: whose.map(str::to_owned), after: None, ..asked.list() };
        json!({
            "href": asked.address(), "label": label, "count": count,
            "current": asked.whose.as_deref() == whose && place == asked.place(&view.person.name),
        })
    };
    let everybody = if asked.whose.is_none() {
        count
    } else {
        store.desk_count(view.now, tenant, &team.place(""), COUNT_MAX).await?
    };
    let model = json!({
        "title": title(view, asked),
        "count": count,
        "base": asked.list().address(),
        "picks": picks(view, asked, &board.queues),
        "scopes": [
            scope(Some("mine"), view.say("queue.mine", &[]), mine),
            scope(None, view.say("queue.team", &[]), everybody),
            scope(Some("snoozed"), view.say("queue.snoozed", &[]), snoozed),
        ],
        "search": {"value": asked.search},
        "filters": filters(view, asked),
        "active": asked.filters.len(),
        "cursor_next": next,
        "groups": groups,
        "empty": rows.is_empty(),
        "filtered": !asked.filters.is_empty(),
        "clear": Asked { filters: Vec::new(), after: None, ..asked.list() }.address(),
        "keep": keep(asked),
    });
    Ok(Pane { model, rows })
}

/// What a form that narrows the list carries along.
fn keep(asked: &Asked) -> Vec<Value> {
    let pairs = [("fila", &asked.queue), ("de", &asked.whose)];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some(json!({"name": name, "value": value.as_ref()?})))
        .collect()
}

fn title(view: &View<'_>, asked: &Asked) -> String {
    match (&asked.queue, asked.whose.as_deref()) {
        (_, Some("mine")) => view.say("queue.mine", &[]),
        (_, Some(_)) => view.say("queue.snoozed", &[]),
        (Some(queue), None) => view.team(queue),
        (None, None) => view.say("queue.review", &[]),
    }
}

/// The queues that one can go to: the review queue, then each team's.
fn picks(view: &View<'_>, asked: &Asked, counts: &[QueueCount]) -> Vec<Value> {
    let sum = |wanted: &dyn Fn(&QueueCount) -> bool| {
        let found = counts.iter().filter(|count| wanted(count));
        found.fold((0, 0), |(all, late), one| (all + one.tickets, late + one.breached))
    };
    let pick = |queue: Option<&str>, label: String, (count, late): (i64, i64)| {
        let there = Asked { queue: queue.map(str::to_owned), ..Asked::default() };
        let current = asked.whose.is_none() && asked.queue.as_deref() == queue;
        json!({"href": there.address(), "label": label, "count": count, "late": late, "current": current})
    };
    let review = sum(&|count: &QueueCount| count.owner == "review");
    let mut picks = vec![pick(None, view.say("queue.review", &[]), review)];
    let mut queues: Vec<&str> = view
        .pack
        .map(|pack| pack.teams.iter().map(|team| team.id.as_str()).collect())
        .unwrap_or_default();
    for count in counts {
        if !queues.contains(&count.queue.as_str()) {
            queues.push(&count.queue);
        }
    }
    for queue in queues {
        let waiting = sum(&|count: &QueueCount| {
            count.queue == queue && matches!(count.owner.as_str(), "queue" | "agent")
        });
        picks.push(pick(Some(queue), view.team(queue), waiting));
    }
    picks
}

pub(super) fn filters(view: &View<'_>, asked: &Asked) -> Vec<Value> {
    let chosen = |name: &str| {
        asked.filters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    };
    let filter = |name: &'static str, options: Vec<(String, String)>| {
        let options: Vec<Value> = options
            .into_iter()
            .map(|(value, label)| {
                let selected = chosen(name) == Some(value.as_str());
                json!({"value": value, "label": label, "selected": selected})
            })
            .collect();
        json!({"name": name, "label": view.say(&format!("filter.{name}"), &[]), "options": options})
    };
    let locale = view.locale();
    let named = |words: Vec<(&'static str, &str)>| {
        words.into_iter().map(|(word, name)| (word.to_owned(), name.to_owned())).collect()
    };
    let categories = view.pack.map(|pack| pack.taxonomy.as_slice()).unwrap_or_default();
    let people = view.pack.map(|pack| pack.people.as_slice()).unwrap_or_default();
    vec![
        filter(
            "channel",
            named(
                Channel::ALL
                    .iter()
                    .map(|one| (one.as_str(), words::channel(one.as_str(), locale)))
                    .collect(),
            ),
        ),
        filter(
            "category",
            categories
                .iter()
                .map(|one| (one.id.clone(), one.name.in_locale(locale).to_owned()))
                .collect(),
        ),
        filter(
            "urgency",
            named(
                Urgency::ALL
                    .iter()
                    .map(|one| (one.as_str(), words::priority(*one, locale)))
                    .collect(),
            ),
        ),
        filter(
            "sentiment",
            named(
                Sentiment::ALL
                    .iter()
                    .map(|one| (one.as_str(), words::sentiment(*one, locale)))
                    .collect(),
            ),
        ),
        filter(
            "language",
            named(
                Language::ALL
                    .iter()
                    .map(|one| (one.as_str(), words::language(*one, locale)))
                    .collect(),
            ),
        ),
        filter(
            "sla_state",
            named(
                SlaState::ALL
                    .iter()
                    .map(|one| (one.as_str(), words::state(*one, locale)))
                    .collect(),
            ),
        ),
        filter("level", levels(view, asked)),
        filter("assignee", people.iter().map(|one| (one.name.clone(), one.name.clone())).collect()),
    ]
}

/// The levels of the team whose queue is shown, else those of every team.
fn levels(view: &View<'_>, asked: &Asked) -> Vec<(String, String)> {
    let teams = view.pack.map(|pack| pack.teams.as_slice()).unwrap_or_default();
    let wanted = |id: &str| asked.queue.as_deref().is_none_or(|queue| queue == id);
    let mut levels: Vec<(String, String)> = Vec::new();
    for level in teams.iter().filter(|team| wanted(&team.id)).flat_map(|team| &team.levels) {
        if levels.iter().all(|(id, _)| *id != level.id) {
            levels.push((level.id.clone(), level.name.in_locale(view.locale()).to_owned()));
        }
    }
    levels.sort();
    levels
}

/// Parts rows by how soon they are due.
fn groups(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    rows: &[QueueRow],
    current: Option<&str>,
) -> Vec<Value> {
    let keys = ["late", "risk", "today", "later", "none"];
    let mut groups = Vec::new();
    for key in keys {
        let of_group: Vec<Value> = rows
            .iter()
            .filter(|row| group(view, row) == key)
            .map(|row| shown(desk, view, asked, row, current))
            .collect();
        if !of_group.is_empty() {
            let label = view.say(&format!("group.{key}"), &[]);
            groups.push(
                json!({"key": key, "label": label, "count": of_group.len(), "rows": of_group}),
            );
        }
    }
    groups
}

fn group(view: &View<'_>, row: &QueueRow) -> &'static str {
    let ticket = &row.ticket;
    let Some(due) = ticket.sla_due_at else { return "none" };
    let day = |at: DateTime<Utc>| at.with_timezone(&view.zone()).date_naive();
    if ticket.snoozed_until.is_some_and(|until| until > view.now) {
        "later"
    } else if due <= view.now || ticket.sla_state == "breached" {
        "late"
    } else if ticket.sla_state == "at_risk" {
        "risk"
    } else if day(due) == day(view.now) {
        "today"
    } else {
        "later"
    }
}

/// A row as the pane shows it.
pub(super) fn shown(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    row: &QueueRow,
    current: Option<&str>,
) -> Value {
    let ticket = &row.ticket;
    let vip = row.plan.as_deref().and_then(|plan| view.pack?.is_vip(plan)).unwrap_or(false)
        || ticket.tags.iter().any(|tag| tag == "vip");
    let floor = view.pack.map_or(0.9, |pack| pack.thresholds().send);
    json!({
        "id": ticket.id,
        "href": asked.on(&ticket.id).address(),
        "current": current == Some(ticket.id.as_str()),
        "name": ticket.customer_name.clone().or_else(|| row.contact.clone()).unwrap_or_else(|| view.say("queue.nameless", &[])),
        "subject": ticket.subject.clone().or_else(|| row.words.clone()).unwrap_or_default(),
        "number": ticket.number,
        "status_word": words::status(&ticket.status, view.locale()),
        "updated": view.moment(ticket.updated_at),
        "clock": view.clock(ticket),
        "channel": ticket.channel,
        "channel_word": words::channel(&ticket.channel, view.locale()),
        "language": letters(ticket.language.as_deref()),
        "plan": row.plan.as_deref().map(|plan| view.plan(plan)),
        "vip": vip,
        "category": view.category(ticket.category.as_deref(), ticket.subcategory.as_deref()),
        "urgency": ticket.urgency.as_deref().unwrap_or("normal"),
        "urgency_word": view.urgency(ticket.urgency.as_deref().unwrap_or("normal")),
        "sentiment": ticket.sentiment,
        "sentiment_word": ticket.sentiment.as_deref().map(|word| view.sentiment(word)),
        "confidence": row.confidence.map(percent),
        "low": row.confidence.is_some_and(|share| hundredths(share) < hundredths(floor)),
        "watchers": desk.presence().others(view.now, view.person, &ticket.id),
    })
}
