//! Business hours, and arithmetic in them: across split shifts, holidays, time zones and changes of the clock.
//!
//! A moment is open when the wall clock of the calendar's zone shows an open span on a day that is no holiday. The
//! clock may show an hour twice or never: what counts is what it shows, so a repeated hour counts twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{
    DateTime, Datelike as _, Days, Duration, NaiveDate, NaiveTime, Offset as _, TimeZone as _, Utc,
};
use chrono_tz::Tz;

crate::domain::words! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

crate::domain::words! {
    /// A country whose national holidays are computed.
    Nation {
        /// Brazil: the days of Lei 662/1949 with Lei 10.607/2002, Lei 6.802/1980 and Lei 14.759/2023, and Good Friday.
        Brazil = "brazil",
    }
}

crate::domain::words! {
    /// A day that moves with Easter and that a business keeps if it likes: none is a national holiday in Brazil.
    Movable {
        /// Monday and Tuesday of Carnival, 48 and 47 days before Easter.
        Carnival = "carnival",
        /// The day after Carnival, 46 days before Easter.
        AshWednesday = "ash_wednesday",
        /// Two days before Easter.
        GoodFriday = "good_friday",
        /// The day after Easter.
        EasterMonday = "easter_monday",
        /// 60 days after Easter, a Thursday.
        CorpusChristi = "corpus_christi",
    }
}

/// Brazil's fixed national holidays, and the year of the first.
const BRAZIL: &[(u32, u32, i32)] = &[
    (1, 1, 1949),
    (4, 21, 1949),
    (5, 1, 1949),
    (9, 7, 1949),
    (10, 12, 1980),
    (11, 2, 2002),
    (11, 15, 1949),
    (11, 20, 2024),
    (12, 25, 1949),
];

/// A day on which nobody works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holiday {
    /// Month and day, every year.
    Yearly(u32, u32),
    /// One day.
    Once(NaiveDate),
}

impl Holiday {
    /// Reads `MM-DD` or `YYYY-MM-DD`; `None` for anything else, and for days that no year has.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return (text.len() == 10).then_some(Self::Once(day));
        }
        let day = NaiveDate::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d").ok()?;
        (text.len() == 5).then(|| Self::Yearly(day.month(), day.day()))
    }
}

/// Days that are looked at for the end of a length of time: ten years. A calendar that opens at all opens sooner.
const LONGEST_DAYS: u32 = 3_660;
/// No zone is further from UTC, in hours.
const FURTHEST_HOURS: i64 = 15;

/// Business hours (S4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Whose clock it goes by.
    pub zone: Tz,
    /// Open spans of each day, in minutes after midnight, in order and without overlap.
    pub days: BTreeMap<Weekday, Vec<(u32, u32)>>,
    /// Whose national holidays are kept.
    pub national: Option<Nation>,
    /// Days that move with Easter and are kept.
    pub movable: BTreeSet<Movable>,
    /// Other days without service: those of a state, of a town, of the business.
    pub holidays: Vec<Holiday>,
}

/// An open span, as moments; the end is not in it.
type Span = (DateTime<Utc>, DateTime<Utc>);

impl Calendar {
    /// A calendar that is always open.
    pub fn always(zone: Tz) -> Self {
        let days = Weekday::ALL.iter().map(|day| (*day, vec![(0, 24 * 60)])).collect();
        Self { zone, days, national: None, movable: BTreeSet::new(), holidays: Vec::new() }
    }

    /// True when there is no hour in which it is open.
    pub fn never_opens(&self) -> bool {
        self.days.values().all(Vec::is_empty)
    }

    /// True when a day is a holiday.
    pub fn is_holiday(&self, day: NaiveDate) -> bool {
        let kept = |holiday: &Holiday| match *holiday {
            Holiday::Yearly(month, number) => (month, number) == (day.month(), day.day()),
            Holiday::Once(once) => once == day,
        };
        let national = self.national == Some(Nation::Brazil)
            && (BRAZIL.iter().any(|(month, number, since)| {
                (*month, *number) == (day.month(), day.day()) && day.year() >= *since
            }) || moves_to(Movable::GoodFriday, day));
        national
            || self.movable.iter().any(|one| moves_to(*one, day))
            || self.holidays.iter().any(kept)
    }

    /// True at a moment in which it is open.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.spans(self.day_of(at)).iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// Returns the first open moment that is not before the given one; `None` when there is none in ten years.
    pub fn opens(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.spans_from(at).next().map(|(from, _)| from)
    }

    /// Returns the moment by which so much open time has passed; `None` when ten years are not enough.
    ///
    /// An end that falls on closing time is closing time, not the next opening.
    pub fn after(&self, start: DateTime<Utc>, length: Duration) -> Option<DateTime<Utc>> {
        if length <= Duration::zero() {
            return Some(start);
        }
        let mut left = length;
        for (from, to) in self.spans_from(start) {
            let open = to - from;
            if open >= left {
                return Some(from + left);
            }
            left -= open;
        }
        None
    }

    /// Returns the open time between two moments; none when the second is not later.
    pub fn between(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> Duration {
        self.spans_from(start)
            .take_while(|(from, _)| *from < end)
            .fold(Duration::zero(), |sum, (from, to)| sum + (to.min(end) - from))
    }

    /// Returns the end of the n-th business day from a moment: 0 is the day it is, or the next one that is open.
    pub fn end_of_business_day(&self, start: DateTime<Utc>, number: u32) -> Option<DateTime<Utc>> {
        let mut ends: BTreeMap<NaiveDate, DateTime<Utc>> = BTreeMap::new();
        for (_, to) in self.spans_from(start) {
            // The last moment of a span is still of its day.
            ends.insert(self.day_of(to - Duration::milliseconds(1)), to);
            if ends.len() > usize::try_from(number).ok()? + 1 {
                break;
            }
        }
        ends.into_values().nth(usize::try_from(number).ok()?)
    }

    /// The local day of a moment.
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// Open spans from a moment on, the first cut to begin there.
    fn spans_from(&self, start: DateTime<Utc>) -> impl Iterator<Item = Span> {
        // A clock that is set back may show yesterday's hours again.
        let first = self.day_of(start) - Days::new(1);
        let days =
            (0..LONGEST_DAYS).filter_map(move |n| first.checked_add_days(Days::new(n.into())));
        days.flat_map(|day| self.spans(day))
            .filter(move |(_, to)| *to > start)
            .map(move |(from, to)| (from.max(start), to))
    }

    /// The open spans of a local day, in order.
    fn spans(&self, day: NaiveDate) -> Vec<Span> {
        let weekday =
            Weekday::ALL.get(usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0));
        let open =
            weekday.and_then(|weekday| self.days.get(weekday)).filter(|open| !open.is_empty());
        let Some(open) = open.filter(|_| !self.is_holiday(day)) else { return Vec::new() };
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        let mut spans = Vec::new();
        for (from, to, offset) in self.offsets(midnight) {
            for (opens, closes) in open {
                let at = |minutes: u32| midnight + Duration::minutes(minutes.into()) - offset;
                let (opens, closes) = (at(*opens).max(from), at(*closes).min(to));
                if opens < closes {
                    spans.push((opens, closes));
                }
            }
        }
        spans.sort_unstable();
        // A span that the change of an offset cuts in two is one.
        spans.dedup_by(|next, before| {
            let joined = before.1 == next.0;
            if joined {
                before.1 = next.1;
            }
            joined
        });
        spans
    }

    /// The offsets from UTC around a local day, each with the moments between which it holds.
    fn offsets(&self, midnight: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>, Duration)> {
        let start = midnight - Duration::hours(FURTHEST_HOURS);
        let end = midnight + Duration::hours(24 + FURTHEST_HOURS);
        let offset = |at: DateTime<Utc>| {
            let seconds =
                self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
            Duration::seconds(seconds.into())
        };
        if offset(start) == offset(end) {
            return vec![(start, end, offset(start))];
        }
        // The second of the change; two changes within two days are unknown.
        let (mut before, mut after) = (start, end);
        while after - before > Duration::seconds(1) {
            let middle = before + Duration::seconds((after - before).num_seconds() / 2);
            if offset(middle) == offset(start) { before = middle } else { after = middle }
        }
        vec![(start, after, offset(start)), (after, end, offset(end))]
    }
}

/// True where a movable day falls on a day.
fn moves_to(movable: Movable, day: NaiveDate) -> bool {
    let Some(easter) = easter(day.year()) else { return false };
    let from_easter = (day - easter).num_days();
    match movable {
        Movable::Carnival => from_easter == -48 || from_easter == -47,
        Movable::AshWednesday => from_easter == -46,
        Movable::GoodFriday => from_easter == -2,
        Movable::EasterMonday => from_easter == 1,
        Movable::CorpusChristi => from_easter == 60,
    }
}

/// Returns Easter Sunday of a year of the Gregorian calendar, by the algorithm of Butcher ("Nature", 1876).
pub fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let (leap_centuries, century_rest) = (century / 4, century % 4);
    let moon = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - moon + 15) % 30;
    let weekday = (32 + 2 * century_rest + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(days / 31).ok()?,
        u32::try_from(days % 31 + 1).ok()?,
    )
}

#[cfg(test)]
mod tests;
