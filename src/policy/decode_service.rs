//! Reads what a pack says of people and of what happens by itself: life cycle, notices, notifications, incidents.

use std::collections::BTreeMap;

use chrono::Duration;

use super::decode::{Names, enabled};
use super::lifecycle::LifeCycle;
use super::notices::{NoticeKind, NoticeMode, NoticeRow, Notices};
use super::pack::IncidentKind;
use super::people::{Notifications, NotifyRoute, Person, QuietHours};
use super::problem::{
    CATEGORY, CHANNEL, Complaint, LANGUAGE, LEVEL, MODE, ROLE, TEAM, WORD, unknown,
};
use super::read::{MapView, View};
use super::sla::{SlaTime, entries, hours, optional, words};
use crate::domain::channel::Channel;
use crate::domain::labels::{Language, Locale};
use crate::domain::notification::NotifyEvent;

/// The longest that a rule or a step may take.
const MONTH_MINS: u32 = 30 * 24 * 60;

pub(super) fn lifecycle(map: &MapView<'_, '_>, chain: usize) -> LifeCycle {
    let mut life =
        LifeCycle { chain_names: u32::try_from(chain).unwrap_or(u32::MAX), ..LifeCycle::default() };
    let Some(view) = map.get("lifecycle") else { return life };
    let map = view.map(&[
        "unassigned",
        "acknowledge",
        "chain_step",
        "stuck",
        "pending_reminder",
        "pending_close",
        "solved_close",
        "claim",
    ]);
    for (key, slot) in [
        ("unassigned", &mut life.unassigned),
        ("acknowledge", &mut life.acknowledge),
        ("chain_step", &mut life.chain_step),
        ("stuck", &mut life.stuck),
        ("pending_reminder", &mut life.pending_reminder),
        ("pending_close", &mut life.pending_close),
        ("solved_close", &mut life.solved_close),
        ("claim", &mut life.claim),
    ] {
        if let Some(time) = length(&map, key) {
            *slot = time;
        }
    }
    life
}

/// A time by the clock on the wall.
fn length(map: &MapView<'_, '_>, key: &str) -> Option<Duration> {
    match optional(map, key)? {
        SlaTime::Minutes(minutes) => Some(Duration::minutes(i64::from(minutes))),
        SlaTime::BusinessDays(_) => {
            if let Some(view) = map.get(key) {
                view.complain(
                    Complaint::new(
                        "aqui não cabem dias úteis: este prazo corre no relógio",
                        "business days do not fit here: this time runs by the clock",
                    )
                    .hint("use 15m, 4h ou 2d", "use 15m, 4h or 2d"),
                );
            }
            None
        }
    }
}

pub(super) fn notices(view: &View<'_, '_>) -> Notices {
    let mut notices = Notices::default();
    for (key, view) in view.open_map().views() {
        let Some(kind) = NoticeKind::parse(&key.name) else {
            view.complain(unknown(WORD, &key.name, &words(NoticeKind::ALL, NoticeKind::as_str)));
            continue;
        };
        notices.by.insert(kind, notice(&view));
    }
    notices
}

fn notice(view: &View<'_, '_>) -> NoticeRow {
    let channels = words(Channel::ALL, Channel::as_str);
    let mut known = channels.clone();
    known.extend(["default", "templates"]);
    let map = view.map(&known);
    let modes = words(NoticeMode::ALL, NoticeMode::as_str);
    let mode = |view: View<'_, '_>| view.word(MODE, NoticeMode::parse, &modes);
    let by_channel = Channel::ALL
        .iter()
        .filter_map(|channel| Some((*channel, map.get(channel.as_str()).and_then(mode)?)))
        .collect();
    let mut templates = BTreeMap::new();
    for (name, view) in entries(&map, "templates") {
        match Channel::parse(&name) {
            Some(channel) => {
                templates.insert(channel, view.text());
            }
            None => view.complain(unknown(CHANNEL, &name, &channels)),
        }
    }
    NoticeRow { default: map.get("default").and_then(mode), by_channel, templates }
}

pub(super) fn person(view: &View<'_, '_>, names: &Names) -> Person {
    let map = view.map(&[
        "id",
        "name",
        "email",
        "webhook",
        "locale",
        "roles",
        "teams",
        "levels",
        "skills",
        "languages",
        "disabled",
    ]);
    let several = |key, noun, declared: &[&str]| -> Vec<String> {
        map.list(key).iter().map(|view| view.name_of(noun, declared)).collect()
    };
    let email = map.get("email").map(|view| {
        let text = view.text();
        if !text.contains('@') || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            view.complain(Complaint::new(
                format!("\"{text}\" não é um endereço de e-mail"),
                format!("\"{text}\" is not an e-mail address"),
            ));
        }
        text
    });
    let languages = words(Language::ALL, Language::as_str);
    let locales = words(Locale::ALL, Locale::as_str);
    let id = map.id();
    Person {
        name: map.get("name").map_or_else(|| id.clone(), |view| view.text()),
        id,
        email,
        webhook: map.flag("webhook", false),
        locale: map.get("locale").and_then(|v| v.word(LANGUAGE, Locale::parse, &locales)),
        roles: several("roles", ROLE, &names.roles()),
        teams: several("teams", TEAM, &names.teams()),
        levels: several("levels", LEVEL, &names.levels(None)),
        skills: several("skills", CATEGORY, &names.categories()),
        languages: map
            .list("languages")
            .iter()
            .filter_map(|view| view.word(LANGUAGE, Language::parse, &languages))
            .collect(),
    }
}

pub(super) fn notifications(view: &View<'_, '_>, names: &Names) -> Notifications {
    let map = view.map(&["routes", "quiet_hours", "repeat_after", "chain"]);
    let mut read = Notifications {
        routes: enabled(&map, "routes").iter().map(|view| route(view, names)).collect(),
        quiet: map
            .get("quiet_hours")
            .and_then(|view| hours(&view))
            .map(|(from, until)| QuietHours { from, until }),
        chain: map.list("chain").iter().map(|v| v.name_of(ROLE, &names.roles())).collect(),
        ..Notifications::default()
    };
    if let Some(time) = length(&map, "repeat_after") {
        read.repeat_after = time;
    }
    read
}

fn route(view: &View<'_, '_>, names: &Names) -> NotifyRoute {
    let map = view.map(&["id", "events", "teams", "levels", "to", "disabled"]);
    let several = |key, noun, declared: &[&str]| -> Vec<String> {
        map.list(key).iter().map(|view| view.name_of(noun, declared)).collect()
    };
    let events = words(NotifyEvent::ALL, NotifyEvent::as_str);
    // Besides roles: everybody of the ticket's team, and whoever has it.
    let mut addressees = names.roles();
    addressees.extend(["team", "assignee"]);
    let to = several("to", ROLE, &addressees);
    let has = |word: &str| to.iter().any(|one| one == word);
    NotifyRoute {
        id: map.id(),
        events: map
            .list("events")
            .iter()
            .filter_map(|view| view.word(WORD, NotifyEvent::parse, &events))
            .collect(),
        teams: several("teams", TEAM, &names.teams()),
        levels: several("levels", LEVEL, &names.levels(None)),
        team: has("team"),
        assignee: has("assignee"),
        roles: to.iter().filter(|one| *one != "team" && *one != "assignee").cloned().collect(),
    }
}

pub(super) fn incident(view: &View<'_, '_>, names: &Names) -> IncidentKind {
    let map = view.map(&[
        "id",
        "name",
        "within_mins",
        "update_every_mins",
        "notify",
        "stop_auto",
        "suspend_sla",
        "first_response",
        "resolution",
        "disabled",
    ]);
    IncidentKind {
        id: map.id(),
        name: map.local("name"),
        within_mins: map.need("within_mins").map_or(0, |v| v.whole(0, MONTH_MINS)),
        update_every_mins: map.get("update_every_mins").map(|v| v.whole(1, MONTH_MINS)),
        notify: map.list("notify").iter().map(|v| v.name_of(ROLE, &names.roles())).collect(),
        stop_auto: map.flag("stop_auto", true),
        suspend_sla: map.flag("suspend_sla", false),
        first_response: optional(&map, "first_response"),
        resolution: optional(&map, "resolution"),
    }
}
