//! Service levels and calendars of a pack, as data: S1, S2, S3, S4 and S7.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono_tz::Tz;

use super::calendar::{Calendar, Holiday, Movable, Nation, Weekday};
use super::problem::{CALENDAR, CATEGORY, CHANNEL, Complaint, PLAN, SUBCATEGORY, URGENCY, WORD};
use super::read::{MapView, View};
use crate::domain::channel::Channel;
use crate::domain::labels::{Sentiment, Urgency};
use crate::domain::signal::Signal;

/// A length of service time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlaTime {
    /// Minutes on the clock: `15m`, `4h`, `2d`, `1w`.
    Minutes(u32),
    /// The end of the n-th business day from now; `0bd` is the same day, `1bd` the next.
    BusinessDays(u32),
}

impl SlaTime {
    /// Reads `15m`, `4h`, `2d`, `1w` or `3bd`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u32 = number.parse().ok()?;
        let minutes = |each: u32| number.checked_mul(each).map(Self::Minutes);
        match unit {
            "m" => minutes(1),
            "h" => minutes(60),
            "d" => minutes(24 * 60),
            "w" => minutes(7 * 24 * 60),
            "bd" => Some(Self::BusinessDays(number)),
            _ => None,
        }
    }
}

/// The service levels of a pack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sla {
    /// S1: by urgency.
    pub by_priority: BTreeMap<Urgency, PriorityTarget>,
    /// S2: by the customer's plan.
    pub by_plan: BTreeMap<String, PlanTarget>,
    /// S2: by the issue; the first that matches counts.
    pub by_issue: Vec<IssueTarget>,
    /// S3: by channel.
    pub by_channel: BTreeMap<Channel, ChannelTarget>,
    /// S3: first response, whatever the channel, within and outside business hours.
    pub overall: Option<(SlaTime, SlaTime)>,
    /// S7: by team level, keyed by the level's id.
    pub by_level: BTreeMap<String, LevelTarget>,
    /// Terms that laws set (P4).
    pub legal: Vec<LegalTerm>,
    /// The share of the time after which a ticket is at risk (S4).
    pub at_risk_share: f64,
    /// What happens when a clock is late.
    pub on_breach: OnBreach,
    /// How much a deadline's time counts in the order of queues, by urgency, sentiment, signal or `vip`: the time
    /// allowed is divided by all that apply.
    pub risk: BTreeMap<String, f64>,
    /// Business hours by name.
    pub calendars: BTreeMap<String, Calendar>,
}

/// What happens to a ticket when one of its clocks is late (S4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnBreach {
    /// People take it from the assistant or from the drafts that wait for review.
    pub to_people: bool,
    /// The next level of its team takes it, where there is one and nobody has it yet.
    pub level_up: bool,
}

/// S1: targets of an urgency.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorityTarget {
    /// Until the first response.
    pub first_response: SlaTime,
    /// Until the answer to a later message; `None` allows as much as for the first.
    pub next_response: Option<SlaTime>,
    /// Until the resolution.
    pub resolution: SlaTime,
    /// The calendar in which the time until an answer counts; `None` means always.
    pub calendar: Option<String>,
    /// The same for the time until the resolution.
    pub resolution_calendar: Option<String>,
    /// Share of tickets whose first response is in time.
    pub first_response_share: f64,
    /// Share of tickets whose resolution is in time.
    pub resolution_share: f64,
}

/// S2: targets of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTarget {
    /// Until the first response.
    pub first_response: SlaTime,
    /// Until the resolution.
    pub resolution: SlaTime,
    /// Until an escalation is resolved.
    pub escalation: SlaTime,
    /// The calendar in which the time counts; `None` means always.
    pub calendar: Option<String>,
}

/// S2: targets of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueTarget {
    /// The row's id.
    pub id: String,
    /// The category.
    pub category: String,
    /// The subcategory; `None` means any.
    pub subcategory: Option<String>,
    /// Until somebody says that it arrived.
    pub acknowledge: Option<SlaTime>,
    /// Until the first response.
    pub first_response: Option<SlaTime>,
    /// Until the resolution.
    pub resolution: Option<SlaTime>,
    /// The calendar in which the time counts; `None` means always.
    pub calendar: Option<String>,
}

/// S3: target of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTarget {
    /// Until the first response.
    pub first_response: SlaTime,
    /// The calendar in which the time counts; `None` means always.
    pub calendar: Option<String>,
    /// How long after the customer's last message the channel lets anything but templates leave.
    pub window: Option<SlaTime>,
}

/// P4: a term that a law sets, in calendar days from the ticket's opening until it is solved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalTerm {
    /// The row's id.
    pub id: String,
    /// The signal that begins it; `None` begins it for every ticket.
    pub signal: Option<String>,
    /// Its length.
    pub term: SlaTime,
}

/// S7: targets of a team level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelTarget {
    /// Until a person of the level has answered or acknowledged.
    pub respond: SlaTime,
    /// Until the case is assessed or answered in full, where that is agreed.
    pub assess: Option<SlaTime>,
    /// The calendar in which the time counts; `None` means always.
    pub calendar: Option<String>,
}

impl fmt::Display for SlaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BusinessDays(days) => write!(f, "{days}bd"),
            Self::Minutes(minutes) if minutes % 1_440 == 0 && minutes > 1_440 => {
                write!(f, "{}d", minutes / 1_440)
            }
            Self::Minutes(minutes) if minutes % 60 == 0 && minutes > 0 => {
                write!(f, "{}h", minutes / 60)
            }
            Self::Minutes(minutes) => write!(f, "{minutes}m"),
        }
    }
}

/// The calendar that stands for business hours where a row names none.
const BUSINESS: &str = "business";

impl Sla {
    /// Names the calendar of the business: `business`, else the first.
    pub fn business_calendar(&self) -> Option<&str> {
        let first = self.calendars.keys().next();
        self.calendars.get_key_value(BUSINESS).map(|(name, _)| name).or(first).map(String::as_str)
    }

    /// Returns the first row of issues that matches.
    pub fn issue(&self, category: Option<&str>, subcategory: Option<&str>) -> Option<&IssueTarget> {
        let category = category?;
        self.by_issue.iter().find(|row| {
            row.category == category
                && row.subcategory.as_deref().is_none_or(|wanted| Some(wanted) == subcategory)
        })
    }
}

/// The names that service levels refer to.
pub(super) struct Names<'a> {
    pub(super) plans: Vec<&'a str>,
    pub(super) categories: Vec<&'a str>,
    pub(super) levels: Vec<&'a str>,
    /// The subcategories of a category.
    pub(super) subcategories: &'a dyn Fn(&str) -> Vec<String>,
    /// The business's own clock.
    pub(super) zone: Tz,
}

fn time(view: &View<'_, '_>) -> SlaTime {
    let text = view.text();
    SlaTime::parse(&text).unwrap_or_else(|| {
        if !text.is_empty() {
            view.complain(
                Complaint::new(
                    format!("\"{text}\" não é um prazo"),
                    format!("\"{text}\" is not a length of time"),
                )
                .hint(
                    "use 15m, 4h, 2d, 1w ou 3bd (dias úteis)",
                    "use 15m, 4h, 2d, 1w or 3bd (business days)",
                ),
            );
        }
        SlaTime::Minutes(0)
    })
}

fn needed(map: &MapView<'_, '_>, key: &str) -> SlaTime {
    map.need(key).map_or(SlaTime::Minutes(0), |view| time(&view))
}

pub(super) fn optional(map: &MapView<'_, '_>, key: &str) -> Option<SlaTime> {
    map.get(key).map(|view| time(&view))
}

fn share(map: &MapView<'_, '_>, key: &str, default: f64) -> f64 {
    map.get(key).map_or(default, |view| view.number(0.0, 1.0))
}

pub(super) fn read(view: &View<'_, '_>, names: &Names<'_>) -> Sla {
    let map = view.map(&[
        "by_priority",
        "by_plan",
        "by_issue",
        "by_channel",
        "overall",
        "by_level",
        "legal",
        "at_risk_share",
        "on_breach",
        "risk",
        "calendars",
    ]);
    let calendars = entries(&map, "calendars")
        .into_iter()
        .map(|(k, v)| (k, calendar(&v, names.zone)))
        .collect();
    let mut sla =
        Sla { calendars, at_risk_share: share(&map, "at_risk_share", 0.8), ..Sla::default() };
    sla.on_breach = map.get("on_breach").map(|view| on_breach(&view)).unwrap_or_default();
    sla.risk = risk(&map);
    for (key, row) in entries(&map, "by_priority") {
        if let Some(urgency) = Urgency::parse(&key) {
            sla.by_priority.insert(urgency, priority(&row, &sla.calendars));
        } else {
            row.complain(super::problem::unknown(
                URGENCY,
                &key,
                &words(Urgency::ALL, Urgency::as_str),
            ));
        }
    }
    for (key, row) in entries(&map, "by_plan") {
        known(&row, PLAN, &key, &names.plans);
        sla.by_plan.insert(key, plan(&row, &sla.calendars));
    }
    sla.by_issue =
        map.list("by_issue").iter().map(|row| issue(row, names, &sla.calendars)).collect();
    for (key, row) in entries(&map, "by_channel") {
        if let Some(channel) = Channel::parse(&key) {
            sla.by_channel.insert(channel, channel_target(&row, &sla.calendars));
        } else {
            row.complain(super::problem::unknown(
                CHANNEL,
                &key,
                &words(Channel::ALL, Channel::as_str),
            ));
        }
    }
    sla.overall = map.get("overall").map(|view| {
        let map = view.map(&["in_hours", "outside"]);
        (needed(&map, "in_hours"), needed(&map, "outside"))
    });
    for (key, row) in entries(&map, "by_level") {
        known(&row, super::problem::LEVEL, &key, &names.levels);
        let map = row.map(&["respond", "assess", "calendar"]);
        let target = LevelTarget {
            respond: needed(&map, "respond"),
            assess: optional(&map, "assess"),
            calendar: named_calendar(&map, "calendar", &sla.calendars),
        };
        sla.by_level.insert(key, target);
    }
    sla.legal = super::decode::enabled(&map, "legal").iter().map(legal).collect();
    sla
}

fn on_breach(view: &View<'_, '_>) -> OnBreach {
    let map = view.map(&["to_people", "level_up"]);
    OnBreach { to_people: map.flag("to_people", false), level_up: map.flag("level_up", false) }
}

/// The word for customers of a plan that goes to the priority queue.
const VIP: &str = "vip";

fn risk(map: &MapView<'_, '_>) -> BTreeMap<String, f64> {
    let mut known = words(Urgency::ALL, Urgency::as_str);
    known.extend(words(Sentiment::ALL, Sentiment::as_str));
    known.extend(words(Signal::ALL, Signal::as_str));
    known.push(VIP);
    let mut weights = BTreeMap::new();
    for (name, view) in entries(map, "risk") {
        if !known.contains(&name.as_str()) {
            view.complain(super::problem::unknown(WORD, &name, &known));
        }
        weights.insert(name, view.number(0.01, 100.0));
    }
    weights
}

fn legal(row: &View<'_, '_>) -> LegalTerm {
    let map = row.map(&["id", "signal", "term", "disabled"]);
    let signals = words(Signal::ALL, Signal::as_str);
    LegalTerm {
        id: map.id(),
        signal: map.get("signal").map(|view| view.name_of(super::problem::SIGNAL, &signals)),
        term: needed(&map, "term"),
    }
}

fn named_calendar(
    map: &MapView<'_, '_>,
    key: &str,
    calendars: &BTreeMap<String, Calendar>,
) -> Option<String> {
    let declared: Vec<&str> = calendars.keys().map(String::as_str).collect();
    map.get(key).map(|view| view.name_of(CALENDAR, &declared))
}

pub(super) fn entries<'n, 'd>(map: &MapView<'n, 'd>, key: &str) -> Vec<(String, View<'n, 'd>)> {
    map.get(key)
        .map(|view| view.open_map().views())
        .unwrap_or_default()
        .into_iter()
        .map(|(key, view)| (key.name.clone(), view))
        .collect()
}

fn known(view: &View<'_, '_>, noun: super::problem::Noun, name: &str, declared: &[&str]) {
    if !declared.contains(&name) {
        view.complain(super::problem::unknown(noun, name, declared));
    }
}

/// Returns the spellings of a closed list of words.
pub(super) fn words<T: Copy>(all: &[T], spell: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| spell(*value)).collect()
}

fn priority(row: &View<'_, '_>, calendars: &BTreeMap<String, Calendar>) -> PriorityTarget {
    let map = row.map(&[
        "first_response",
        "next_response",
        "resolution",
        "first_response_share",
        "resolution_share",
        "calendar",
        "resolution_calendar",
    ]);
    PriorityTarget {
        first_response: needed(&map, "first_response"),
        next_response: optional(&map, "next_response"),
        calendar: named_calendar(&map, "calendar", calendars),
        resolution_calendar: named_calendar(&map, "resolution_calendar", calendars),
        resolution: needed(&map, "resolution"),
        first_response_share: share(&map, "first_response_share", 0.9),
        resolution_share: share(&map, "resolution_share", 0.85),
    }
}

fn plan(row: &View<'_, '_>, calendars: &BTreeMap<String, Calendar>) -> PlanTarget {
    let map = row.map(&["first_response", "resolution", "escalation", "calendar"]);
    PlanTarget {
        calendar: named_calendar(&map, "calendar", calendars),
        first_response: needed(&map, "first_response"),
        resolution: needed(&map, "resolution"),
        escalation: needed(&map, "escalation"),
    }
}

fn issue(
    row: &View<'_, '_>,
    names: &Names<'_>,
    calendars: &BTreeMap<String, Calendar>,
) -> IssueTarget {
    let map = row.map(&[
        "id",
        "category",
        "subcategory",
        "acknowledge",
        "first_response",
        "resolution",
        "calendar",
    ]);
    let category =
        map.need("category").map(|v| v.name_of(CATEGORY, &names.categories)).unwrap_or_default();
    let subcategories = (names.subcategories)(&category);
    let declared: Vec<&str> = subcategories.iter().map(String::as_str).collect();
    IssueTarget {
        id: map.id(),
        subcategory: map.get("subcategory").map(|v| v.name_of(SUBCATEGORY, &declared)),
        category,
        acknowledge: optional(&map, "acknowledge"),
        first_response: optional(&map, "first_response"),
        resolution: optional(&map, "resolution"),
        calendar: named_calendar(&map, "calendar", calendars),
    }
}

fn channel_target(row: &View<'_, '_>, calendars: &BTreeMap<String, Calendar>) -> ChannelTarget {
    let map = row.map(&["first_response", "calendar", "window"]);
    ChannelTarget {
        first_response: needed(&map, "first_response"),
        calendar: named_calendar(&map, "calendar", calendars),
        window: optional(&map, "window"),
    }
}

fn calendar(view: &View<'_, '_>, own: Tz) -> Calendar {
    let map = view.map(&["zone", "days", "national", "movable", "holidays"]);
    let mut calendar = Calendar {
        zone: map.get("zone").and_then(|view| zone(&view)).unwrap_or(own),
        days: BTreeMap::new(),
        national: map
            .get("national")
            .and_then(|view| view.word(WORD, Nation::parse, &words(Nation::ALL, Nation::as_str))),
        movable: BTreeSet::new(),
        holidays: Vec::new(),
    };
    for (key, spans) in entries(&map, "days") {
        let Some(day) = Weekday::parse(&key) else {
            let all = words(Weekday::ALL, Weekday::as_str);
            spans.complain(super::problem::unknown(WORD, &key, &all));
            continue;
        };
        let read: Vec<(u32, u32)> = spans.one_or_many().iter().filter_map(span).collect();
        if read.windows(2).any(|pair| matches!(pair, [a, b] if b.0 < a.1)) {
            spans.complain(Complaint::new(
                "os horários do dia se sobrepõem ou estão fora de ordem",
                "the day's hours overlap or are out of order",
            ));
        }
        calendar.days.insert(day, read);
    }
    if calendar.never_opens() {
        view.complain(
            Complaint::new(
                "o calendário não abre em dia nenhum, então nenhum prazo correria",
                "the calendar opens on no day, so no deadline would ever come",
            )
            .hint(
                "dê horários em `days`: mon: \"08:00-18:00\"",
                "give hours in `days`: mon: \"08:00-18:00\"",
            ),
        );
    }
    let movable = words(Movable::ALL, Movable::as_str);
    let kept = map.list("movable");
    calendar.movable = kept.iter().filter_map(|v| v.word(WORD, Movable::parse, &movable)).collect();
    for holiday in map.list("holidays") {
        let text = holiday.text();
        match Holiday::parse(&text) {
            Some(day) => calendar.holidays.push(day),
            None => holiday.complain(Complaint::new(
                format!("\"{text}\" não é uma data: use \"MM-DD\" ou \"AAAA-MM-DD\", entre aspas"),
                format!("\"{text}\" is not a date: use \"MM-DD\" or \"YYYY-MM-DD\", in quotes"),
            )),
        }
    }
    calendar
}

/// Reads a time zone of the IANA database; an unknown one is told.
pub(super) fn zone(view: &View<'_, '_>) -> Option<Tz> {
    let name = view.text();
    let zone = name.parse().ok();
    if zone.is_none() && !name.is_empty() {
        let zones: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        view.complain(super::problem::unknown(super::problem::ZONE, &name, &zones));
    }
    zone
}

/// Reads `22:00-07:00`, which may go over midnight, as minutes of the day.
pub(super) fn hours(view: &View<'_, '_>) -> Option<(u32, u32)> {
    let text = view.text();
    let read = text.split_once('-').and_then(|(from, to)| Some((clock(from)?, clock(to)?)));
    let read = read.filter(|(from, to)| from != to && *from < DAY_MINS && *to < DAY_MINS);
    if read.is_none() && !text.is_empty() {
        view.complain(
            Complaint::new(
                format!("\"{text}\" não é um horário"),
                format!("\"{text}\" is not a span of hours"),
            )
            .hint("use \"22:00-07:00\", entre aspas", "use \"22:00-07:00\", in quotes"),
        );
    }
    read
}

const DAY_MINS: u32 = 24 * 60;

/// Reads `08:30` as a minute of the day, up to `24:00`.
fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
    (hours <= 24 && minutes < 60 && hours * 60 + minutes <= DAY_MINS)
        .then_some(hours * 60 + minutes)
}

fn span(view: &View<'_, '_>) -> Option<(u32, u32)> {
    let text = view.text();
    let read = text.split_once('-').and_then(|(from, to)| Some((clock(from)?, clock(to)?)));
    let read = read.filter(|(from, to)| from < to);
    if read.is_none() && !text.is_empty() {
        view.complain(
            Complaint::new(
                format!("\"{text}\" não é um horário"),
                format!("\"{text}\" is not a span of hours"),
            )
            .hint("use \"08:00-18:00\", entre aspas", "use \"08:00-18:00\", in quotes"),
        );
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_anything_else_is_refused() {
        for (text, expected) in [
            ("15m", Some(SlaTime::Minutes(15))),
            ("4h", Some(SlaTime::Minutes(240))),
            ("1w", Some(SlaTime::Minutes(10_080))),
            ("2d", Some(SlaTime::Minutes(2_880))),
            ("0bd", Some(SlaTime::BusinessDays(0))),
            ("", None),
            ("15", None),
            ("h", None),
            ("4 h", None),
            ("4hours", None),
            ("99999999999h", None),
            ("4294967295w", None),
        ] {
            assert_eq!(SlaTime::parse(text), expected, "{text}");
        }
    }
}
