//! What every page of somebody who is signed in begins with: who they are, where they may go, what waits.

use chrono::{DateTime, Datelike as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Desk, Person, initials};
use crate::domain::labels::Locale;
use crate::domain::role::Right;

/// The `page` of a model. What the desk learns from the store for every page, counts and replies that can be called back,
/// is put in its place by whoever knows of it.
pub(super) fn common(desk: &Desk, person: &Person, view: &str, title: &str, path: &str) -> Value {
    let first = person.name.split_whitespace().next().unwrap_or(&person.name);
    let settings = &person.settings;
    json!({
        "view": view,
        "title": title,
        "now": desk.now(),
        "lang": settings.locale,
        "theme": settings.theme,
        "csrf": person.csrf,
        "css": desk.pages().address("desk.css"),
        "js": desk.pages().address("desk.js"),
        "icon": desk.pages().address("icon.svg"), "icon_dot": desk.pages().address("icon-dot.svg"),
        "path": path,
        "killed": killed(desk, person),
        "incident": incident(desk, person),
        "person": {
            "name": person.name,
            "first": first,
            "initials": initials(&person.name),
            "role": person.role,
            "role_word": desk.role_word(settings.locale, person.role),
        },
        "may": {
            "work": person.may(Right::Work),
            "supervise": person.may(Right::Supervise),
            "write": person.may(Right::Write),
            "people": person.may(Right::People),
        },
        "nav": {"review": {"count": 0}, "queues": {"late": 0}},
        "switches": {
            "keys": settings.keys,
            "badge": settings.badge,
            "sound": settings.sound,
            "notify": settings.notify,
        },
        "undo_secs": settings.undo_secs,
        "undo": [],
        "flash": null,
    })
}

/// Who stopped the assistant, and since when.
fn killed(desk: &Desk, person: &Person) -> Value {
    let Some(stopped) = &person.standing.stopped else { return Value::Null };
    json!({"by": stopped.by, "since": moment(desk, person, stopped.at).get("text")})
}

/// The incident that stands.
fn incident(desk: &Desk, person: &Person) -> Value {
    let Some((name, since)) = &person.standing.incident else { return Value::Null };
    json!({"name": name, "since": moment(desk, person, *since).get("text")})
}

/// Puts a sentence at the head of a page.
pub(super) fn flash(page: &mut Value, kind: &str, text: &str) {
    if let Some(page) = page.as_object_mut() {
        page.insert("flash".to_owned(), json!({"kind": kind, "text": text}));
    }
}

/// The zone that a business counts its days in.
pub(super) fn zone_of(desk: &Desk, person: &Person) -> Tz {
    let vocabulary = desk.web().vocabulary(&person.tenant);
    let pack = vocabulary.as_ref().and_then(|vocabulary| vocabulary.pack.as_ref());
    pack.map_or(Tz::UTC, |pack| pack.business.time_zone)
}

/// A moment as people read it, with what a machine reads.
pub(super) fn moment(desk: &Desk, person: &Person, at: DateTime<Utc>) -> Value {
    let now = desk.web().clock().now();
    json!({
        "text": shown(at, now, zone_of(desk, person), person.locale()),
        "iso": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    })
}

/// Writes a moment as short as it can be told from others: the time alone today, with the day before that, with the year
/// in another one.
fn shown(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz, locale: Locale) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let pattern = match locale {
        _ if at.date_naive() == now.date_naive() => "%H:%M",
        Locale::PtBr if at.year() == now.year() => "%d/%m, %H:%M",
        Locale::PtBr => "%d/%m/%Y, %H:%M",
        Locale::En if at.year() == now.year() => "%-d %b, %H:%M",
        Locale::En => "%-d %b %Y, %H:%M",
    };
    at.format(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_as_short_as_it_can_be_told_from_others() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        for (at, pt, en) in [
            ("2026-11-20T03:00:00Z", "00:00", "00:00"),
            ("2026-11-20T02:59:00Z", "19/11, 23:59", "19 Nov, 23:59"),
            ("2025-11-20T12:00:00Z", "20/11/2025, 09:00", "20 Nov 2025, 09:00"),
        ] {
            let at = at.parse().unwrap();
            for (locale, expected) in [(Locale::PtBr, pt), (Locale::En, en)] {
                assert_eq!(shown(at, now, Tz::America__Sao_Paulo, locale), expected);
            }
        }
    }
}
