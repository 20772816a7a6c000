use proptest::prelude::*;

use super::*;

const NUMBER: &str = "106540352242922";

fn start() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn at(millis: i64) -> DateTime<Utc> {
    start() + Duration::milliseconds(millis)
}

fn person(index: u32) -> Address {
    Address::read(&format!("55119{:08}", 80_000_000 + index)).unwrap()
}

/// Returns the milliseconds to wait from a moment.
fn wait(now: i64, free: Option<DateTime<Utc>>) -> i64 {
    free.map_or(0, |free| (free - at(now)).num_milliseconds())
}

#[test]
fn one_person_gets_a_burst_and_then_nothing_until_it_is_paid_for() {
    let mut pace = Pace::new(PaceLimits::default());
    let ana = person(1);
    for message in 0..20 {
        assert_eq!(pace.take(at(message * 100), NUMBER, &ana), None, "{message}");
    }
    // Twenty messages count for two minutes, from the first.
    for (now, expected) in
        [(5_900, 0), (6_000, 114_000), (60_000, 60_000), (119_999, 1), (120_000, 0)]
    {
        assert_eq!(wait(now, pace.when(at(now), NUMBER, &ana)), expected, "{now}");
    }
    // Others and other numbers do not wait.
    assert_eq!(pace.when(at(6_000), NUMBER, &person(2)), None);
    assert_eq!(pace.when(at(6_000), "2", &ana), None);
    // Both forms of a mobile are one person.
    let older = Address::read("551180000001").unwrap();
    assert_eq!(wait(60_000, pace.when(at(60_000), NUMBER, &older)), 60_000);
}

#[test]
fn no_more_than_the_burst_is_lent_and_a_conversation_never_waits() {
    let mut pace = Pace::new(PaceLimits::default());
    let ana = person(1);
    let left =
        (0..60).filter(|message| pace.take(at(message * 90), NUMBER, &ana).is_none()).count();
    assert_eq!(left, 45);
    assert_eq!(wait(5_999, pace.when(at(5_999), NUMBER, &ana)), 45 * 6_000 - 5_999);
    let bia = person(2);
    for turn in 0..100 {
        assert_eq!(pace.take(at(6_000 + turn * 6_000), NUMBER, &bia), None, "{turn}");
    }
}

#[test]
fn a_number_sends_a_quarter_at_once_and_the_rest_evenly() {
    let mut pace = Pace::new(PaceLimits::default());
    let mut left = Vec::new();
    for now in 0..3_000 {
        let index = u32::try_from(left.len()).unwrap();
        if pace.take(at(now), NUMBER, &person(index)).is_none() {
            left.push(now);
        }
    }
    // A quarter at once is one in each of the first milliseconds here, because one is asked for in each.
    let within = |from: i64| left.iter().filter(|now| (from..from + 1_000).contains(*now)).count();
    assert!((75..=80).contains(&within(0)), "{}", within(0));
    assert!((0..2_000).all(|from| within(from) <= 80));
    assert!((55..=60).contains(&within(2_000)), "{}", within(2_000));
}

#[test]
fn what_whatsapp_asks_for_is_kept() {
    let mut pace = Pace::new(PaceLimits::default());
    let (ana, bia) = (person(1), person(2));
    pace.hold_pair(at(0), NUMBER, &ana, at(64_000));
    pace.hold_pair(at(0), NUMBER, &ana, at(4_000));
    assert_eq!(wait(0, pace.when(at(0), NUMBER, &ana)), 64_000);
    assert_eq!(wait(0, pace.take(at(0), NUMBER, &ana)), 64_000);
    assert_eq!(pace.when(at(0), NUMBER, &bia), None);
    pace.hold_number(at(0), NUMBER, at(10_000));
    assert_eq!(wait(0, pace.when(at(0), NUMBER, &bia)), 10_000);
    assert_eq!(pace.when(at(0), "2", &bia), None);
    assert_eq!(pace.take(at(10_000), NUMBER, &bia), None);
    assert_eq!(pace.take(at(64_000), NUMBER, &ana), None);
}

#[test]
fn a_number_that_is_also_in_the_app_sends_less() {
    let mut pace = Pace::new(PaceLimits::default());
    pace.set_per_second(at(0), NUMBER, 20);
    let sent = (0..1_000)
        .filter(|now| pace.take(at(*now), NUMBER, &person(u32::try_from(*now).unwrap())).is_none());
    let sent = sent.count();
    assert!((15..=20).contains(&sent), "{sent}");
}

#[test]
fn a_clock_that_goes_back_keeps_nobody_waiting_for_long() {
    let mut pace = Pace::new(PaceLimits::default());
    for message in 0..3 {
        assert_eq!(pace.take(at(message), NUMBER, &person(1)), None);
    }
    let back = -24 * 60 * 60 * 1_000;
    assert!(wait(back, pace.when(at(back), NUMBER, &person(1))) <= 45 * 6_000);
    assert!(wait(back, pace.when(at(back), NUMBER, &person(2))) <= 1_000);
}

#[test]
fn the_memory_is_bounded_and_forgets_first_who_counts_least() {
    let limits = PaceLimits { remembered: 100, ..PaceLimits::default() };
    let mut pace = Pace::new(limits);
    pace.hold_pair(at(0), NUMBER, &person(0), at(3_600_000));
    let mut sent = 0;
    for now in 0..60_000 {
        sent += u32::from(pace.take(at(now), NUMBER, &person(1 + sent)).is_none());
        assert!(pace.pairs.len() <= 100, "{now}");
    }
    assert!(sent > 3_000, "{sent}");
    assert!(pace.when(at(60_000), NUMBER, &person(0)).is_some(), "the longest wait is kept");
    for number in 0..1_000 {
        assert_eq!(pace.take(at(60_000), &number.to_string(), &person(number)), None);
        assert!(pace.numbers.len() <= 100, "{number}");
    }
    pace.set_per_second(at(60_000), NUMBER, 20);
    for number in 0..1_000 {
        assert_eq!(pace.take(at(70_000), &number.to_string(), &person(number)), None);
    }
    assert_eq!(pace.flow(NUMBER).per_second, 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_order_of_questions_breaks_a_limit(
        steps in prop::collection::vec((0_i64..4_000, 0_u32..3), 1..400),
        per_second in 1_u32..100,
        pair_burst in 1_u32..10,
    ) {
        let limits = PaceLimits { per_second, pair_burst, ..PaceLimits::default() };
        let mut pace = Pace::new(limits);
        let mut now = 0;
        let mut left: Vec<(i64, u32)> = Vec::new();
        for (step, who) in steps {
            // Most questions come in a rush.
            now += if step < 3_000 { step / 100 } else { step };
            let free = pace.when(at(now), NUMBER, &person(who));
            prop_assert_eq!(pace.take(at(now), NUMBER, &person(who)), free);
            match free {
                None => left.push((now, who)),
                Some(free) => {
                    prop_assert!(free > at(now));
                    // Whoever comes back then is not put off again.
                    prop_assert_eq!(pace.when(free, NUMBER, &person(who)), None);
                }
            }
        }
        for (from, _) in &left {
            let within = left.iter().filter(|(at, _)| (*from..from + 1_000).contains(at)).count();
            prop_assert!(within <= per_second as usize);
        }
        for who in 0..3 {
            let of: Vec<i64> = left.iter().filter(|(_, to)| *to == who).map(|(at, _)| *at).collect();
            for (index, from) in of.iter().enumerate() {
                let burst = of.iter().filter(|at| (*from..from + 6_000).contains(*at)).count();
                prop_assert!(burst <= pair_burst as usize);
                for (count, until) in of[index..].iter().enumerate() {
                    let earned = i64::try_from(count).unwrap() - i64::from(pair_burst);
                    prop_assert!((until - from) >= earned * 6_000);
                }
            }
        }
    }
}
