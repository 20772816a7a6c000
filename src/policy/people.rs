//! Who works here and who is told what: people with their teams, skills and addresses, and the rules of telling them.

use chrono::{DateTime, Duration, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use crate::domain::labels::{Language, Locale};
use crate::domain::notification::NotifyEvent;

/// Somebody, or a group behind one address, who works for the business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The name that tokens, claims and the trail use.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Where notifications go by mail.
    pub email: Option<String>,
    /// Whether the business's signed webhook tells them too.
    pub webhook: bool,
    /// The language in which they are told.
    pub locale: Option<Locale>,
    /// Roles that rules and incidents notify.
    pub roles: Vec<String>,
    /// Teams whose queues they work.
    pub teams: Vec<String>,
    /// Levels that they work; empty means all of their teams.
    pub levels: Vec<String>,
    /// Categories that they know best; empty means all.
    pub skills: Vec<String>,
    /// Languages that they answer in; empty means all.
    pub languages: Vec<Language>,
}

impl Person {
    /// True for somebody who works a level of a team.
    pub fn works(&self, team: &str, level: Option<&str>) -> bool {
        let on_level =
            |level: &str| self.levels.is_empty() || self.levels.iter().any(|l| l == level);
        self.teams.iter().any(|own| own == team) && level.is_none_or(on_level)
    }

    /// True for somebody who can answer in a language.
    pub fn speaks(&self, language: Language) -> bool {
        self.languages.is_empty() || self.languages.contains(&language)
    }

    /// True for somebody who knows a category.
    pub fn knows(&self, category: &str) -> bool {
        self.skills.is_empty() || self.skills.iter().any(|skill| skill == category)
    }
}

/// When people are not disturbed, in minutes of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// From this minute of the day.
    pub from: u32,
    /// Until this one, on the next day where it is the smaller.
    pub until: u32,
}

impl QuietHours {
    /// Returns when a notification may be delivered that is ready now.
    pub fn deliver_at(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let local = now.with_timezone(&zone);
        let minute = minute_of(local.time());
        let over_night = self.from > self.until;
        let quiet = if over_night {
            minute >= self.from || minute < self.until
        } else {
            (self.from..self.until).contains(&minute)
        };
        if !quiet {
            return now;
        }
        let tomorrow = over_night && minute >= self.from;
        let day = local.date_naive() + Duration::days(i64::from(tomorrow));
        let end = NaiveTime::from_num_seconds_from_midnight_opt(self.until * 60 % 86_400, 0);
        // An end that a change of the clocks skips is an hour later.
        let end = day.and_time(end.unwrap_or_default());
        let found = zone.from_local_datetime(&end).earliest();
        let found =
            found.or_else(|| zone.from_local_datetime(&(end + Duration::hours(1))).earliest());
        found.map_or(now, |found| found.with_timezone(&Utc)).max(now)
    }
}

fn minute_of(time: NaiveTime) -> u32 {
    use chrono::Timelike;
    time.hour() * 60 + time.minute()
}

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// Rows; every one that matches tells its people.
    pub routes: Vec<NotifyRoute>,
    /// When only what is critical is told at once; the rest waits for its end.
    pub quiet: Option<QuietHours>,
    /// The same person is told the same of a ticket once in this time.
    pub repeat_after: Duration,
    /// Roles that are told one after the other while nobody acknowledges an escalation.
    pub chain: Vec<String>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            quiet: None,
            repeat_after: Duration::minutes(15),
            chain: Vec::new(),
        }
    }
}

/// One row: when something happens in one of some teams, these are told. Empty lists match anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyRoute {
    /// The row's id.
    pub id: String,
    /// What happened.
    pub events: Vec<NotifyEvent>,
    /// Teams.
    pub teams: Vec<String>,
    /// Levels.
    pub levels: Vec<String>,
    /// Roles that are told.
    pub roles: Vec<String>,
    /// Whether everybody of the ticket's team and level is told.
    pub team: bool,
    /// Whether the assigned agent is told.
    pub assignee: bool,
}

/// What happened, as far as it decides who is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Happening<'a> {
    /// What happened.
    pub event: Option<NotifyEvent>,
    /// Where.
    pub team: Option<&'a str>,
    /// At which level.
    pub level: Option<&'a str>,
    /// Who has the ticket.
    pub assignee: Option<&'a str>,
    /// Roles that a rule names besides.
    pub roles: &'a [String],
}

impl Notifications {
    /// Returns who is told, each once, in the order of the pack.
    pub fn recipients<'p>(&self, people: &'p [Person], what: &Happening<'_>) -> Vec<&'p Person> {
        let any = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|one| one == found))
        };
        let rows: Vec<&NotifyRoute> = self
            .routes
            .iter()
            .filter(|row| {
                (row.events.is_empty()
                    || what.event.is_some_and(|event| row.events.contains(&event)))
                    && any(&row.teams, what.team)
                    && any(&row.levels, what.level)
            })
            .collect();
        let told = |person: &&Person| {
            let by_role = |roles: &[String]| roles.iter().any(|role| person.roles.contains(role));
            by_role(what.roles)
                || rows.iter().any(|row| {
                    by_role(&row.roles)
                        || (row.team
                            && what.team.is_some_and(|team| person.works(team, what.level)))
                        || (row.assignee && what.assignee == Some(person.id.as_str()))
                })
        };
        people.iter().filter(told).collect()
    }
}

/// An agent who could be given a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Who it is.
    pub person: &'a Person,
    /// When they were last given one; `None` for never.
    pub last_assigned: Option<DateTime<Utc>>,
}

/// Chooses who gets a ticket: of those who work its queue, first those who speak its language, then those who know its
/// category, then whoever has waited longest (round robin). `None` when nobody works that queue.
pub fn choose<'a>(
    candidates: &[Candidate<'a>],
    team: &str,
    level: Option<&str>,
    language: Option<Language>,
    category: Option<&str>,
) -> Option<&'a Person> {
    candidates
        .iter()
        .filter(|one| one.person.works(team, level))
        .min_by_key(|one| {
            let foreign = language.is_some_and(|language| !one.person.speaks(language));
            let unskilled = category.is_some_and(|category| !one.person.knows(category));
            (foreign, unskilled, one.last_assigned, &one.person.id)
        })
        .map(|one| one.person)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, teams: &[&str]) -> Person {
        let teams = teams.iter().map(|team| (*team).to_owned()).collect();
        Person { id: id.to_owned(), teams, ..Person::default() }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_hold_what_is_not_critical_until_they_end() {
        let zone = chrono_tz::America::Sao_Paulo; // UTC-3
        let night = QuietHours { from: 22 * 60, until: 7 * 60 };
        let noon = QuietHours { from: 12 * 60, until: 13 * 60 };
        for (hours, now, expected) in [
            (night, "2026-11-23T23:00:00Z", "2026-11-23T23:00:00Z"), // 20:00
            (night, "2026-11-24T01:00:00Z", "2026-11-24T10:00:00Z"), // 22:00
            (night, "2026-11-24T05:30:00Z", "2026-11-24T10:00:00Z"), // 02:30
            (night, "2026-11-24T09:59:59Z", "2026-11-24T10:00:00Z"),
            (night, "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
            (noon, "2026-11-24T15:20:00Z", "2026-11-24T16:00:00Z"),
            (noon, "2026-11-24T16:00:00Z", "2026-11-24T16:00:00Z"),
        ] {
            assert_eq!(hours.deliver_at(utc(now), zone), utc(expected), "{now}");
        }
    }

    #[test]
    fn whoever_a_row_or_a_rule_names_is_told_once() {
        let mut ana = person("ana", &["support"]);
        ana.roles = vec!["team_lead".to_owned()];
        let mut bia = person("bia", &["support"]);
        bia.levels = vec!["L2".to_owned()];
        let carla = person("carla", &["finance"]);
        let people = [ana, bia, carla];
        let row = |id: &str| NotifyRoute { id: id.to_owned(), ..NotifyRoute::default() };
        let notifications = Notifications {
            routes: vec![
                NotifyRoute { events: vec![NotifyEvent::Escalated], team: true, ..row("team") },
                NotifyRoute { roles: vec!["team_lead".to_owned()], ..row("lead") },
                NotifyRoute { events: vec![NotifyEvent::Assigned], assignee: true, ..row("mine") },
            ],
            ..Notifications::default()
        };
        let told = |what: Happening<'_>| -> Vec<&str> {
            notifications.recipients(&people, &what).iter().map(|p| p.id.as_str()).collect()
        };
        let escalated = Happening { event: Some(NotifyEvent::Escalated), ..Happening::default() };
        let support = Happening { team: Some("support"), level: Some("L1"), ..escalated };
        assert_eq!(told(support), ["ana"]);
        assert_eq!(told(Happening { level: Some("L2"), ..support }), ["ana", "bia"]);
        assert_eq!(told(Happening { team: Some("finance"), ..support }), ["ana", "carla"]);
        let assigned = Happening { event: Some(NotifyEvent::Assigned), ..Happening::default() };
        assert_eq!(told(Happening { assignee: Some("carla"), ..assigned }), ["ana", "carla"]);
    }

    #[test]
    fn tickets_go_round_among_those_who_speak_the_language_and_know_the_matter() {
        let mut people = [
            person("ana", &["support"]),
            person("bia", &["support"]),
            person("caio", &["support"]),
        ];
        people[0].languages = vec![Language::PtBr];
        people[1].skills = vec!["billing".to_owned()];
        people[2].languages = vec![Language::En];
        let pick = |last: [Option<i64>; 3], language, category| {
            let candidates: Vec<Candidate<'_>> = people
                .iter()
                .zip(last)
                .map(|(person, last)| Candidate {
                    person,
                    last_assigned: last.and_then(|at| DateTime::from_timestamp(at, 0)),
                })
                .collect();
            choose(&candidates, "support", Some("L1"), Some(language), Some(category))
                .map(|p| p.id.as_str())
        };
        let never = [None; 3];
        assert_eq!(pick(never, Language::PtBr, "technical"), Some("ana"), "bia knows billing only");
        assert_eq!(pick(never, Language::En, "technical"), Some("caio"));
        assert_eq!(pick(never, Language::PtBr, "billing"), Some("ana"));
        assert_eq!(
            pick([Some(9), Some(3), None], Language::PtBr, "billing"),
            Some("bia"),
            "her turn"
        );
        assert_eq!(
            pick([Some(9), Some(3), Some(1)], Language::Es, "billing"),
            Some("bia"),
            "better than nobody"
        );
        assert_eq!(choose(&[], "support", None, None, None), None);
    }
}
