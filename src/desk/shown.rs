//! How things are said to whoever reads a page: their language, the business's time zone, the policy's names.

use chrono::{DateTime, Datelike as _, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::pages::Pages;
use super::person::Person;
use crate::adapters::store::TicketRow;
use crate::domain::labels::{Language, Locale, Sentiment, Urgency};
use crate::policy::Pack;
use crate::report::words;

/// Whoever reads, and what their page goes by.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) pages: &'a Pages,
    pub(super) person: &'a Person,
    pub(super) pack: Option<&'a Pack>,
    pub(super) now: DateTime<Utc>,
}

impl View<'_> {
    pub(super) fn locale(&self) -> Locale {
        self.person.locale()
    }

    /// The time zone of the business.
    pub(super) fn zone(&self) -> Tz {
        self.pack.map_or(Tz::UTC, |pack| pack.business.time_zone)
    }

    /// Says words of the pages.
    pub(super) fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        self.pages.say(self.locale(), name, values)
    }

    /// Chooses between two texts.
    pub(super) fn of<'t>(&self, pt: &'t str, en: &'t str) -> &'t str {
        match self.locale() {
            Locale::PtBr => pt,
            Locale::En => en,
        }
    }

    /// A category with its finer kind: `Cobrança › Boleto`.
    pub(super) fn category(&self, category: Option<&str>, sub: Option<&str>) -> String {
        let Some(id) = category else { return String::new() };
        let known = self.pack.and_then(|pack| pack.category(id));
        let name = known.map_or(id, |known| known.name.in_locale(self.locale()));
        let finer = sub.map(|sub| {
            let found = known.and_then(|known| known.subcategory(sub));
            found.map_or(sub, |found| found.name.in_locale(self.locale()))
        });
        match finer {
            Some(finer) => format!("{name} › {finer}"),
            None => name.to_owned(),
        }
    }

    /// The name of a team, or its id where the policy has none of that name.
    pub(super) fn team(&self, id: &str) -> String {
        let team = self.pack.and_then(|pack| pack.team(id));
        team.map_or_else(|| id.to_owned(), |team| team.name.in_locale(self.locale()).to_owned())
    }

    /// The name of a plan.
    pub(super) fn plan(&self, id: &str) -> String {
        let plan = self.pack.and_then(|pack| pack.plan(id));
        plan.map_or_else(|| id.to_owned(), |plan| plan.name.in_locale(self.locale()).to_owned())
    }

    pub(super) fn urgency(&self, word: &str) -> String {
        let Some(urgency) = Urgency::parse(word) else { return word.to_owned() };
        words::priority(urgency, self.locale()).to_owned()
    }

    pub(super) fn sentiment(&self, word: &str) -> String {
        let Some(sentiment) = Sentiment::parse(word) else { return word.to_owned() };
        words::sentiment(sentiment, self.locale()).to_owned()
    }

    pub(super) fn language(&self, word: &str) -> String {
        let Some(language) = Language::parse(word) else { return word.to_owned() };
        words::language(language, self.locale()).to_owned()
    }

    /// The hour of a moment where the business is: `14:31`.
    pub(super) fn hour(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone()).format("%H:%M").to_string()
    }

    /// A moment as a person says it today: `14:31`, `ontem, 17:58`, `qui 10:02`, `09/06 17:58`.
    pub(super) fn moment(&self, at: DateTime<Utc>) -> String {
        let (there, now) = (at.with_timezone(&self.zone()), self.now.with_timezone(&self.zone()));
        let days = (there.date_naive() - now.date_naive()).num_days();
        let hour = self.hour(at);
        match days {
            0 => hour,
            -1 => format!("{}, {hour}", self.of("ontem", "yesterday")),
            1 => format!("{}, {hour}", self.of("amanhã", "tomorrow")),
            2..=6 => format!("{} {hour}", self.weekday(there.weekday().num_days_from_monday())),
            _ if there.year() == now.year() => {
                format!("{} {hour}", there.format(self.of("%d/%m", "%-d %b")))
            }
            _ => there.format(self.of("%d/%m/%Y", "%-d %b %Y")).to_string(),
        }
    }

    fn weekday(&self, from_monday: u32) -> &'static str {
        let pt = ["seg", "ter", "qua", "qui", "sex", "sáb", "dom"];
        let en = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let days = if self.locale() == Locale::PtBr { pt } else { en };
        usize::try_from(from_monday).ok().and_then(|at| days.get(at).copied()).unwrap_or("")
    }

    /// A day as the divider of a conversation: `Hoje`, `Terça, 9 de junho`, `Tuesday, 9 June`.
    pub(super) fn day(&self, at: DateTime<Utc>) -> String {
        let (there, now) = (at.with_timezone(&self.zone()), self.now.with_timezone(&self.zone()));
        match (there.date_naive() - now.date_naive()).num_days() {
            0 => return self.of("Hoje", "Today").to_owned(),
            -1 => return self.of("Ontem", "Yesterday").to_owned(),
            _ => {}
        }
        match self.locale() {
            Locale::En if there.year() == now.year() => there.format("%A, %-d %B").to_string(),
            Locale::En => there.format("%A, %-d %B %Y").to_string(),
            Locale::PtBr => {
                let weekdays =
                    ["Segunda", "Terça", "Quarta", "Quinta", "Sexta", "Sábado", "Domingo"];
                let months = [
                    "janeiro",
                    "fevereiro",
                    "março",
                    "abril",
                    "maio",
                    "junho",
                    "julho",
                    "agosto",
                    "setembro",
                    "outubro",
                    "novembro",
                    "dezembro",
                ];
                let name = |list: &[&'static str], at: u32| {
                    usize::try_from(at).ok().and_then(|at| list.get(at).copied()).unwrap_or("")
                };
                let weekday = name(&weekdays, there.weekday().num_days_from_monday());
                let month = name(&months, there.month0());
                let year = if there.year() == now.year() {
                    String::new()
                } else {
                    format!(" de {}", there.year())
                };
                format!("{weekday}, {} de {month}{year}", there.day())
            }
        }
    }

    /// How long until a deadline, or since: `7 min`, `1 h 05`, `−4 min`, `qui 10:02`; in places of fixed width.
    pub(super) fn left(&self, due: DateTime<Utc>) -> String {
        let left = due - self.now;
        let late = left <= Duration::zero();
        // What is late is late by a minute at least: "−0 min" would say neither that it is nor by how much.
        let minutes = left.num_minutes().abs().max(i64::from(late));
        let sign = if late { "−" } else { "" };
        match minutes {
            0 => format!("{} s", left.num_seconds().max(1)),
            1..60 => format!("{sign}{minutes} min"),
            60..1_440 => format!("{sign}{} h {:02}", minutes / 60, minutes % 60),
            _ if sign.is_empty() => self.moment(due),
            _ => format!("−{} d", minutes / 1_440),
        }
    }

    /// The clock of a ticket as rows and headers show it.
    pub(super) fn clock(&self, row: &TicketRow) -> Value {
        let awake = row.snoozed_until.filter(|until| *until > self.now);
        if let Some(until) = awake {
            let text = self.moment(until);
            return json!({"state": "paused", "share": 0, "text": text, "sr": self.of("volta ", "back "), "iso": until});
        }
        let Some(due) = row.sla_due_at else {
            let text = self.of("sem prazo", "no deadline");
            return json!({"state": "none", "share": 0, "text": text, "sr": "", "iso": null});
        };
        let late = due <= self.now;
        let state = match row.sla_state.as_str() {
            _ if late => "bad",
            "breached" => "bad",
            "at_risk" => "warn",
            _ => "ok",
        };
        let sr = if late {
            self.of("vencido há ", "overdue by ")
        } else {
            self.of("vence em ", "due in ")
        };
        let (used, whole) = (self.now - row.created_at, due - row.created_at);
        json!({
            "state": state, "share": share(used, whole), "text": self.left(due), "sr": sr, "iso": due,
        })
    }
}

/// A share as people read it, alike in both languages: `78%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", hundredths(share))
}

/// How much of a time is used, 0 to 100.
fn share(used: Duration, whole: Duration) -> i64 {
    let whole = whole.num_seconds().max(1);
    (used.num_seconds().max(0).saturating_mul(100) / whole).min(100)
}

/// A share of 1 in hundredths, rounded down, so that no 99.9 % becomes 100 %.
#[expect(clippy::cast_possible_truncation, reason = "clamped to 0 to 100")]
pub(super) fn hundredths(share: f64) -> i64 {
    ((share * 100.0 + 1e-9).floor().clamp(0.0, 100.0)) as i64
}

/// The two letters of a language on a row.
pub(super) fn letters(language: Option<&str>) -> &'static str {
    match language.and_then(Language::parse) {
        Some(Language::PtBr) => "PT",
        Some(Language::En) => "EN",
        Some(Language::Es) => "ES",
        Some(Language::Und) | None => "?",
    }
}
