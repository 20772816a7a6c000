//! Queues by team and level, who is there, and what is overdue.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::numbers::Numbers;
use super::svg::shares;
use crate::adapters::store::{QueueCount, TicketRow};
use crate::desk::asked::Asked;
use crate::desk::person::initials;
use crate::desk::shown::View;

/// How long somebody at the desk is believed to be there without asking for a page.
const AT_DESK: Duration = Duration::minutes(5);
/// Faces of a queue that are shown; more are counted.
const FACES_MAX: usize = 3;

/// What waits in a queue, whoever has it.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    waiting: i64,
    with_people: i64,
    at_risk: i64,
    breached: i64,
    oldest: Option<DateTime<Utc>>,
    next_due: Option<DateTime<Utc>>,
}

impl Sum {
    fn of<'c>(counts: impl Iterator<Item = &'c QueueCount>) -> Self {
        let earlier = |a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        counts.fold(Self::default(), |sum, one| {
            let held = if one.owner == "agent" { one.tickets } else { 0 };
            Self {
                waiting: sum.waiting + one.tickets - held,
                with_people: sum.with_people + held,
                at_risk: sum.at_risk + one.at_risk,
                breached: sum.breached + one.breached,
                oldest: earlier(sum.oldest, one.oldest),
                next_due: earlier(sum.next_due, one.next_due),
            }
        })
    }

    const fn all(&self) -> i64 {
        self.waiting + self.with_people
    }
}

/// Somebody of the team, as far as they are there or have something.
pub(super) struct Present {
    name: String,
    /// What tickets and queues know them by.
    ids: Vec<String>,
    online: bool,
    tickets: i64,
}

/// Who is there: by the presence that agents announce, by their pages of the last minutes, or by what they have.
pub(super) fn present(view: &View<'_>, numbers: &Numbers) -> Vec<Present> {
    let mut people: Vec<Present> = Vec::new();
    let mut note = |id: &str, online: bool, tickets: i64| {
        let person = view.pack.and_then(|pack| pack.people.iter().find(|person| person.id == id));
        let name = person.map(|person| person.name.as_str()).filter(|name| !name.is_empty());
        let name = name.unwrap_or(id);
        match people.iter_mut().find(|one| one.name.eq_ignore_ascii_case(name)) {
            Some(known) => {
                known.online |= online;
                known.tickets += tickets;
                if !known.ids.iter().any(|known| known == id) {
                    known.ids.push(id.to_owned());
                }
            }
            None => people.push(Present {
                name: name.to_owned(),
                ids: vec![id.to_owned()],
                online,
                tickets,
            }),
        }
    };
    for agent in &numbers.presence {
        note(&agent.name, agent.online_until.is_some_and(|until| until > view.now), 0);
    }
    for user in numbers.users.iter().filter(|user| user.disabled_at.is_none()) {
        note(&user.name, user.seen_at.is_some_and(|seen| view.now - seen < AT_DESK), 0);
    }
    for held in &numbers.held {
        note(&held.agent, false, held.tickets);
    }
    people.retain(|one| one.online || one.tickets > 0);
    people.sort_by(|a, b| (!a.online, &a.name).cmp(&(!b.online, &b.name)));
    people
}

/// The people of the board: who is there and how much each of them has.
pub(super) fn people(view: &View<'_>, present: &[Present]) -> Value {
    let most = present.iter().map(|one| one.tickets).max().unwrap_or(0).max(1);
    let rows: Vec<Value> = present
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "initials": initials(&one.name), "online": one.online,
                "state_word": view.say(if one.online { "board.people.on" } else { "board.people.off" }, &[]),
                "teams": teams_of(view, one),
                "tickets": one.tickets,
                "held": view.say("board.people.held", &[("n", &one.tickets.to_string())]),
                // How much of the longest list, for a bar of a fixed width.
                "load": 46 * one.tickets / most,
            })
        })
        .collect();
    let online = present.iter().filter(|one| one.online).count();
    json!({"rows": rows, "online": online, "away": present.len() - online})
}

fn teams_of(view: &View<'_>, one: &Present) -> String {
    let people = view.pack.map(|pack| pack.people.as_slice()).unwrap_or_default();
    let person = people.iter().find(|person| one.ids.contains(&person.id));
    let teams = person.map(|person| person.teams.as_slice()).unwrap_or_default();
    teams.iter().map(|team| view.team(team)).collect::<Vec<_>>().join(", ")
}

/// The queues: review first, then every team with its levels.
pub(super) fn queues(view: &View<'_>, counts: &[QueueCount], present: &[Present]) -> Vec<Value> {
    let review = Sum::of(counts.iter().filter(|one| one.owner == "review"));
    let href = |queue: Option<&str>| {
        Asked { queue: queue.map(str::to_owned), ..Asked::default() }.address()
    };
    let title = view.say("queue.review", &[]);
    let mut rows = vec![row(view, (&href(None), &title, None), &review, &[])];
    let mut teams: Vec<&str> = view
        .pack
        .map(|pack| pack.teams.iter().map(|team| team.id.as_str()).collect())
        .unwrap_or_default();
    for count in counts {
        if !teams.contains(&count.queue.as_str()) {
            teams.push(&count.queue);
        }
    }
    for team in teams {
        let of_team = |one: &&QueueCount| one.queue == team && one.owner != "review";
        for level in levels(view, counts, team) {
            let level = level.as_deref();
            let sum =
                Sum::of(counts.iter().filter(of_team).filter(|one| one.level.as_deref() == level));
            let people = working(view, present, team, level);
            let word = level.map(|level| level_word(view, team, level));
            rows.push(row(view, (&href(Some(team)), &view.team(team), word), &sum, &people));
        }
    }
    rows
}

/// The levels of a team at which something waits, in its own order; one without a level where nothing does.
fn levels(view: &View<'_>, counts: &[QueueCount], team: &str) -> Vec<Option<String>> {
    let known = view.pack.and_then(|pack| pack.team(team));
    let place = |level: &Option<String>| {
        let levels = known.map(|team| team.levels.as_slice()).unwrap_or_default();
        levels.iter().position(|known| Some(&known.id) == level.as_ref())
    };
    let mut found: Vec<Option<String>> = counts
        .iter()
        .filter(|one| one.queue == team && one.owner != "review")
        .map(|one| one.level.clone())
        .collect();
    found.sort_by_key(|level| (place(level), level.clone()));
    found.dedup();
    if found.is_empty() { vec![None] } else { found }
}

/// The name of a level of a team.
pub(super) fn level_word(view: &View<'_>, team: &str, level: &str) -> String {
    let levels = view.pack.and_then(|pack| pack.team(team)).map(|team| team.levels.as_slice());
    let known = levels.unwrap_or_default().iter().find(|known| known.id == level);
    known.map_or_else(|| level.to_owned(), |known| known.name.in_locale(view.locale()).to_owned())
}

/// Who is there and works a level of a team.
fn working<'p>(
    view: &View<'_>,
    present: &'p [Present],
    team: &str,
    level: Option<&str>,
) -> Vec<&'p Present> {
    let people = view.pack.map(|pack| pack.people.as_slice()).unwrap_or_default();
    let works = |one: &&Present| {
        let mut known = people.iter().filter(|person| one.ids.contains(&person.id));
        one.online && known.any(|person| person.works(team, level))
    };
    present.iter().filter(works).collect()
}

fn row(
    view: &View<'_>,
    (href, name, level): (&str, &str, Option<String>),
    sum: &Sum,
    people: &[&Present],
) -> Value {
    let on_track = (sum.all() - sum.at_risk - sum.breached).max(0);
    let stand = [on_track, sum.at_risk, sum.breached].map(|count| count.to_string());
    let [ok, risk, late] = &stand;
    let sentence = view.say("board.queue.stand", &[("ok", ok), ("risk", risk), ("late", late)]);
    let faces: Vec<Value> = people
        .iter()
        .take(FACES_MAX)
        .map(|one| json!({"name": one.name, "initials": initials(&one.name)}))
        .collect();
    let due = sum.next_due.map(|due| {
        let state = match due {
            due if due <= view.now => "bad",
            _ if sum.at_risk > 0 => "warn",
            _ => "ok",
        };
        json!({"text": view.left(due), "iso": due, "state": state})
    });
    let oldest = sum.oldest.map(|at| {
        let secs = (view.now - at).num_seconds().max(0);
        json!({"text": view.wait(secs), "iso": at})
    });
    json!({
        "href": href, "name": name, "level": level, "empty": sum.all() == 0,
        "waiting": sum.waiting, "with_people": sum.with_people, "on_track": on_track,
        "at_risk": sum.at_risk, "breached": sum.breached,
        "bar_html": shares([on_track, sum.at_risk, sum.breached], &sentence), "sentence": sentence,
        "oldest": oldest, "due": due, "faces": faces, "people": people.len(),
    })
}

/// What is overdue or due soon, in the order in which to take it.
pub(super) fn late(view: &View<'_>, rows: &[TicketRow]) -> Vec<Value> {
    let of_people = |row: &TicketRow| matches!(row.owner.as_str(), "queue" | "agent");
    rows.iter()
        .map(|row| {
            let there = Asked {
                queue: row.queue.clone().filter(|_| of_people(row)),
                ticket: Some(row.id.clone()),
                ..Asked::default()
            };
            let queue = row.queue.as_deref().map(|queue| {
                let level = row.level.as_deref().map(|level| level_word(view, queue, level));
                let name = view.team(queue);
                level.map_or_else(|| name.clone(), |level| format!("{name} {level}"))
            });
            let place = if row.owner == "review" {
                view.say("queue.review", &[])
            } else {
                queue.unwrap_or_else(|| view.say("board.late.assistant", &[]))
            };
            let owner = match &row.assignee {
                Some(agent) if row.owner == "agent" => view.say("board.late.with", &[("name", agent)]),
                _ if of_people(row) => view.say("board.late.nobody", &[]),
                _ => String::new(),
            };
            json!({
                "href": there.address(), "number": row.number,
                "name": row.customer_name.clone().unwrap_or_else(|| view.say("queue.nameless", &[])),
                "clock": view.clock(row), "place": place, "owner": owner,
                "subject": row.subject,
            })
        })
        .collect()
}
