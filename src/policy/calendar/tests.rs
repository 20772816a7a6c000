use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;

fn calendar(zone: &str, days: &str, spans: &[(u32, u32)]) -> Calendar {
    let days = days.split(' ').filter_map(Weekday::parse).map(|day| (day, spans.to_vec()));
    Calendar {
        zone: zone.parse().unwrap(),
        days: days.collect(),
        national: Some(Nation::Brazil),
        movable: [Movable::Carnival, Movable::CorpusChristi].into(),
        holidays: vec![Holiday::parse("01-25").unwrap(), Holiday::parse("2026-07-09").unwrap()],
    }
}

const SPLIT: &[(u32, u32)] = &[(8 * 60, 12 * 60), (13 * 60, 18 * 60)];

fn sao_paulo() -> Calendar {
    calendar("America/Sao_Paulo", "mon tue wed thu fri", SPLIT)
}

/// A local time of the zone; the first of two.
fn local(calendar: &Calendar, text: &str) -> DateTime<Utc> {
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    calendar.zone.from_local_datetime(&naive).earliest().unwrap().to_utc()
}

fn shown(calendar: &Calendar, at: DateTime<Utc>) -> String {
    at.with_timezone(&calendar.zone).format("%Y-%m-%d %H:%M").to_string()
}

/// What one hour of which the table asks comes to: every line is (start, minutes of open time, end).
#[test]
fn open_time_runs_across_shifts_nights_weekends_and_holidays() {
    let calendar = sao_paulo();
    for (start, minutes, end) in [
        // Within a shift, to its very end, and across lunch.
        ("2026-11-23 08:00", 15, "2026-11-23 08:15"),
        ("2026-11-23 08:00", 240, "2026-11-23 12:00"),
        ("2026-11-23 08:00", 241, "2026-11-23 13:01"),
        ("2026-11-23 11:30", 60, "2026-11-23 13:30"),
        ("2026-11-23 12:00", 30, "2026-11-23 13:30"),
        ("2026-11-23 12:40", 30, "2026-11-23 13:30"),
        ("2026-11-23 17:59", 1, "2026-11-23 18:00"),
        ("2026-11-23 17:59", 2, "2026-11-24 08:01"),
        ("2026-11-23 18:00", 1, "2026-11-24 08:01"),
        ("2026-11-23 03:10", 15, "2026-11-23 08:15"),
        ("2026-11-23 23:59", 240, "2026-11-24 12:00"),
        // A whole day has nine hours.
        ("2026-11-23 08:00", 540, "2026-11-23 18:00"),
        ("2026-11-23 08:00", 541, "2026-11-24 08:01"),
        ("2026-11-23 13:00", 540, "2026-11-24 12:00"),
        // Nothing asked for is over at once, open or not.
        ("2026-11-22 10:00", 0, "2026-11-22 10:00"),
        // Weekends.
        ("2026-11-27 17:00", 60, "2026-11-27 18:00"),
        ("2026-11-27 17:00", 61, "2026-11-30 08:01"),
        ("2026-11-28 09:00", 30, "2026-11-30 08:30"),
        ("2026-11-29 23:59", 30, "2026-11-30 08:30"),
        // Fixed national holidays: 20 November 2026 is a Friday.
        ("2026-11-19 17:30", 60, "2026-11-23 08:30"),
        ("2026-11-20 10:00", 60, "2026-11-23 09:00"),
        // It was none before 2024.
        ("2023-11-20 10:00", 60, "2023-11-20 11:00"),
        ("2026-12-24 17:00", 120, "2026-12-28 09:00"),
        ("2026-12-31 17:00", 120, "2027-01-04 09:00"),
        ("2026-04-20 17:00", 120, "2026-04-22 09:00"),
        ("2026-04-30 17:00", 120, "2026-05-04 09:00"),
        ("2026-09-04 17:00", 120, "2026-09-08 09:00"),
        ("2026-10-09 17:00", 120, "2026-10-13 09:00"),
        ("2026-10-30 17:00", 120, "2026-11-03 09:00"),
        ("2027-11-12 17:00", 120, "2027-11-16 09:00"),
        // Good Friday: 3 April 2026, 26 March 2027, 14 April 2028.
        ("2026-04-02 17:00", 120, "2026-04-06 09:00"),
        ("2027-03-25 17:00", 120, "2027-03-29 09:00"),
        ("2028-04-13 17:00", 120, "2028-04-17 09:00"),
        // Carnival: 16 and 17 February 2026, 8 and 9 February 2027.
        ("2026-02-13 17:00", 120, "2026-02-18 09:00"),
        ("2027-02-05 17:00", 120, "2027-02-10 09:00"),
        // Corpus Christi: 4 June 2026, 27 May 2027.
        ("2026-06-03 17:00", 120, "2026-06-05 09:00"),
        ("2027-05-26 17:00", 120, "2027-05-28 09:00"),
        // The town's day, a Monday in 2027, and one that is kept once.
        ("2027-01-22 17:00", 120, "2027-01-26 09:00"),
        ("2026-07-08 17:00", 120, "2026-07-10 09:00"),
        ("2027-07-08 17:00", 120, "2027-07-09 09:00"),
    ] {
        let from = local(&calendar, start);
        let found = calendar.after(from, Duration::minutes(minutes)).unwrap();
        assert_eq!(shown(&calendar, found), end, "{start} + {minutes}");
        assert_eq!(calendar.between(from, found).num_minutes(), minutes, "{start} .. {end}");
    }
}

#[test]
fn a_changing_clock_counts_what_it_shows() {
    // (zone, open days, spans, start, minutes, end).
    let night: &[(u32, u32)] = &[(22 * 60, 24 * 60)];
    let small_hours: &[(u32, u32)] = &[(0, 4 * 60)];
    let whole: &[(u32, u32)] = &[(0, 24 * 60)];
    let all = "mon tue wed thu fri sat sun";
    for (zone, spans, start, minutes, end) in [
        // Lisbon, 29 March 2026: 01:00 becomes 02:00, so the small hours last three hours.
        ("Europe/Lisbon", small_hours, "2026-03-29 00:30", 60, "2026-03-29 02:30"),
        ("Europe/Lisbon", small_hours, "2026-03-29 00:00", 180, "2026-03-29 04:00"),
        ("Europe/Lisbon", whole, "2026-03-28 12:00", 24 * 60, "2026-03-29 13:00"),
        // 25 October 2026: 02:00 becomes 01:00, so they last five.
        ("Europe/Lisbon", small_hours, "2026-10-25 00:00", 300, "2026-10-25 04:00"),
        ("Europe/Lisbon", small_hours, "2026-10-25 00:30", 120, "2026-10-25 01:30"),
        ("Europe/Lisbon", whole, "2026-10-24 12:00", 24 * 60, "2026-10-25 11:00"),
        // New York, 8 March and 1 November 2026, at 02:00.
        ("America/New_York", small_hours, "2026-03-08 00:00", 180, "2026-03-08 04:00"),
        ("America/New_York", small_hours, "2026-11-01 00:00", 300, "2026-11-01 04:00"),
        // São Paulo, 4 November 2018: midnight becomes 01:00; 17 February 2018: midnight becomes 23:00.
        ("America/Sao_Paulo", small_hours, "2018-11-03 23:59", 60, "2018-11-04 02:00"),
        ("America/Sao_Paulo", night, "2018-02-17 22:00", 120, "2018-02-17 23:00"),
        ("America/Sao_Paulo", night, "2018-02-17 22:00", 180, "2018-02-17 23:59"),
    ] {
        let calendar = Calendar {
            national: None,
            movable: BTreeSet::new(),
            holidays: Vec::new(),
            ..calendar(zone, all, spans)
        };
        let from = local(&calendar, start);
        let found = calendar.after(from, Duration::minutes(minutes)).unwrap();
        let one_minute_before = shown(&calendar, found - Duration::minutes(1));
        let expected =
            if end.ends_with("23:59") { one_minute_before } else { shown(&calendar, found) };
        assert_eq!(expected, end, "{zone} {start} + {minutes}");
    }
}

#[test]
fn a_deadline_in_business_days_ends_with_the_day() {
    let calendar = sao_paulo();
    for (start, number, end) in [
        ("2026-11-23 09:00", 0, "2026-11-23 18:00"),
        ("2026-11-23 18:00", 0, "2026-11-24 18:00"),
        ("2026-11-23 20:00", 0, "2026-11-24 18:00"),
        ("2026-11-23 09:00", 1, "2026-11-24 18:00"),
        ("2026-11-27 09:00", 1, "2026-11-30 18:00"),
        ("2026-11-28 09:00", 1, "2026-12-01 18:00"),
        ("2026-11-19 09:00", 1, "2026-11-23 18:00"),
        ("2026-11-19 09:00", 5, "2026-11-27 18:00"),
        ("2026-12-23 09:00", 7, "2027-01-05 18:00"),
    ] {
        let found = calendar.end_of_business_day(local(&calendar, start), number).unwrap();
        assert_eq!(shown(&calendar, found), end, "{start} + {number} business days");
    }
}

#[test]
fn easter_is_that_of_the_almanac() {
    for (year, month, day) in [
        (1949, 4, 17),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2027, 3, 28),
        (2028, 4, 16),
        (2029, 4, 1),
        (2030, 4, 21),
        (2038, 4, 25),
    ] {
        assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day), "{year}");
    }
}

#[test]
fn holidays_are_read_and_what_no_year_has_is_refused() {
    assert_eq!(Holiday::parse("02-29"), Some(Holiday::Yearly(2, 29)));
    for wrong in ["02-30", "13-01", "2026-02-29", "1-1", "25/01", "", "2026-1-1", "natal"] {
        assert_eq!(Holiday::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_calendar_that_never_opens_says_so() {
    let calendar = Calendar { days: BTreeMap::new(), ..sao_paulo() };
    let now = local(&calendar, "2026-11-23 09:00");
    assert!(calendar.never_opens());
    assert_eq!(calendar.after(now, Duration::minutes(1)), None);
    assert_eq!(calendar.opens(now), None);
    assert_eq!(calendar.end_of_business_day(now, 0), None);
    let always = Calendar::always(chrono_tz::UTC);
    assert!(always.is_open(now));
    assert_eq!(always.after(now, Duration::days(3)), Some(now + Duration::days(3)));
}

/// Open by looking at what the clock on the wall shows in this minute.
fn is_open_by_the_wall(calendar: &Calendar, at: DateTime<Utc>) -> bool {
    use chrono::Timelike as _;
    let wall = at.with_timezone(&calendar.zone);
    let minute = wall.hour() * 60 + wall.minute();
    let weekday = Weekday::ALL[usize::try_from(wall.weekday().num_days_from_monday()).unwrap()];
    !calendar.is_holiday(wall.date_naive())
        && calendar
            .days
            .get(&weekday)
            .is_some_and(|spans| spans.iter().any(|(from, to)| *from <= minute && minute < *to))
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let zones = [
        "America/Sao_Paulo",
        "Europe/Lisbon",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "UTC",
    ];
    let spans = prop::collection::btree_set(0_u32..=96, 0..=3).prop_map(|edges| {
        let edges: Vec<u32> = edges.into_iter().map(|quarter| quarter * 15).collect();
        edges.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    });
    (prop::sample::select(zones.to_vec()), prop::collection::vec(spans, 7)).prop_map(
        |(zone, days)| Calendar {
            days: Weekday::ALL.iter().copied().zip(days).collect(),
            ..calendar(zone, "", &[])
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arithmetic_agrees_with_counting_minutes(
        calendar in any_calendar(),
        // From 2017, when São Paulo still changed its clock, over eleven years.
        start in 0_i64..5_800_000,
        length in 0_i64..4_000,
    ) {
        let start = Utc.with_ymd_and_hms(2017, 1, 1, 0, 0, 0).unwrap() + Duration::minutes(start);
        let end = start + Duration::minutes(length * 2);
        let mut counted = 0;
        let mut reached = (length == 0).then_some(start);
        let mut at = start;
        while at < end {
            prop_assert_eq!(calendar.is_open(at), is_open_by_the_wall(&calendar, at), "{}", at);
            if is_open_by_the_wall(&calendar, at) {
                counted += 1;
                if counted == length && reached.is_none() {
                    reached = Some(at + Duration::minutes(1));
                }
            }
            at += Duration::minutes(1);
        }
        prop_assert_eq!(calendar.between(start, end).num_minutes(), counted);
        if let Some(reached) = reached {
            prop_assert_eq!(calendar.after(start, Duration::minutes(length)), Some(reached));
        }
    }
}
