use chrono::TimeZone as _;
use proptest::prelude::*;

use super::SlaState::{AtRisk, Breached, OnTrack};
use super::history::STRETCHES_MAX;
use super::*;
use crate::policy::Pack;

fn sla() -> Sla {
    Pack::embedded("saas-br").unwrap().sla
}

/// A moment of São Paulo, three hours behind UTC.
fn at(text: &str) -> DateTime<Utc> {
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    chrono_tz::America::Sao_Paulo.from_local_datetime(&naive).unwrap().to_utc()
}

fn facts(priority: Urgency, channel: Channel) -> Facts<'static> {
    Facts {
        priority,
        plan: None,
        category: None,
        subcategory: None,
        channel,
        level: None,
        signals: &[],
        incidents: &[],
    }
}

fn of(clocks: &[Clock], kind: ClockKind) -> &Clock {
    clocks.iter().find(|clock| clock.kind == kind).unwrap_or_else(|| panic!("{kind}: {clocks:?}"))
}

fn local(moment: DateTime<Utc>) -> String {
    moment.with_timezone(&chrono_tz::America::Sao_Paulo).format("%Y-%m-%d %H:%M").to_string()
}

#[test]
fn the_tightest_row_counts_and_is_named() {
    let sla = sla();
    // Monday morning; (priority, channel, plan) -> (rule, due) of first response and resolution.
    for (priority, channel, plan, rule, due, resolution, solved) in [
        (
            Urgency::Critical,
            Channel::Email,
            None,
            "by_priority.critical",
            "2026-11-23 09:15",
            "by_priority.critical",
            "2026-11-23 13:00",
        ),
        (
            Urgency::Normal,
            Channel::Whatsapp,
            None,
            "by_channel.whatsapp",
            "2026-11-23 09:30",
            "by_priority.normal",
            "2026-11-25 09:00",
        ),
        (
            Urgency::High,
            Channel::Email,
            None,
            "by_priority.high",
            "2026-11-23 10:00",
            "by_priority.high",
            "2026-11-23 17:00",
        ),
        (
            Urgency::Low,
            Channel::Email,
            None,
            "by_channel.email",
            "2026-11-23 11:00",
            "by_priority.low",
            "2026-11-30 09:00",
        ),
        (
            Urgency::Low,
            Channel::Api,
            None,
            "overall.in_hours",
            "2026-11-23 11:00",
            "by_priority.low",
            "2026-11-30 09:00",
        ),
        (
            Urgency::Low,
            Channel::Api,
            Some("enterprise"),
            "by_plan.enterprise",
            "2026-11-23 10:00",
            "by_plan.enterprise",
            "2026-11-23 18:00",
        ),
    ] {
        let opened = at("2026-11-23 09:00");
        let facts = Facts { plan, ..facts(priority, channel) };
        let clocks = clocks(&sla, &facts, &History::opened(opened), opened);
        let first = of(&clocks, ClockKind::FirstResponse);
        assert_eq!(
            (first.rule.as_str(), local(first.due.unwrap()).as_str()),
            (rule, due),
            "{priority} {channel} {plan:?}"
        );
        let end = of(&clocks, ClockKind::Resolution);
        assert_eq!(
            (end.rule.as_str(), local(end.due.unwrap()).as_str()),
            (resolution, solved),
            "{priority} {channel} {plan:?}"
        );
    }
}

#[test]
fn business_hours_wait_for_the_morning_and_critical_does_not() {
    let sla = sla();
    let opened = at("2026-11-20 23:00");
    let due = |priority| {
        let clocks =
            clocks(&sla, &facts(priority, Channel::Whatsapp), &History::opened(opened), opened);
        local(of(&clocks, ClockKind::FirstResponse).due.unwrap())
    };
    // 20 November is a holiday and a Friday.
    assert_eq!(due(Urgency::Critical), "2026-11-20 23:15");
    assert_eq!(due(Urgency::Normal), "2026-11-21 07:00", "overall, outside business hours");
    let only_channel = Sla { overall: None, ..sla.clone() };
    let clocks = clocks(
        &only_channel,
        &facts(Urgency::Normal, Channel::Whatsapp),
        &History::opened(opened),
        opened,
    );
    let first = of(&clocks, ClockKind::FirstResponse);
    assert_eq!(local(first.due.unwrap()), "2026-11-23 08:30");
    assert_eq!(local(first.at_risk.unwrap()), "2026-11-23 08:24", "four fifths of the half hour");
}

#[test]
fn risk_comes_before_breach_and_what_was_answered_in_time_stays_so() {
    let sla = sla();
    let opened = at("2026-11-23 09:00");
    let facts = facts(Urgency::Critical, Channel::Email);
    let mut history = History::opened(opened);
    let stands = |history: &History, now: &str| {
        let clocks = clocks(&sla, &facts, history, at(now));
        (of(&clocks, ClockKind::FirstResponse).state, state(&clocks))
    };
    assert_eq!(stands(&history, "2026-11-23 09:11"), (OnTrack, OnTrack));
    assert_eq!(stands(&history, "2026-11-23 09:12"), (AtRisk, AtRisk));
    assert_eq!(
        stands(&history, "2026-11-23 09:15"),
        (AtRisk, AtRisk),
        "the deadline is still in time"
    );
    assert_eq!(stands(&history, "2026-11-23 09:16"), (Breached, Breached));
    let now = at("2026-11-23 09:00");
    let all = clocks(&sla, &facts, &history, now);
    assert_eq!(next_change(&all, now), Some(at("2026-11-23 09:12")));
    assert_eq!(tightest(&all).unwrap().kind, ClockKind::FirstResponse);

    history.record(Event::Answered, at("2026-11-23 09:14"));
    assert_eq!(stands(&history, "2026-11-23 12:00"), (OnTrack, OnTrack));
    let mut late = History::opened(opened);
    late.record(Event::Answered, at("2026-11-23 09:20"));
    assert_eq!(stands(&late, "2026-11-23 12:00").0, Breached, "late stays late");
}

#[test]
fn waiting_for_the_customer_stops_the_resolution_and_no_thanks_starts_it_again() {
    let sla = sla();
    // 8 business hours from Monday 09:00, answered at 11:00: 2 used, 6 left.
    let facts = facts(Urgency::High, Channel::Email);
    let mut history = History::opened(at("2026-11-23 09:00"));
    history.record(Event::Answered, at("2026-11-23 11:00"));
    history.record(Event::Pending, at("2026-11-23 11:00"));
    let waiting = clocks(&sla, &facts, &history, at("2026-11-24 17:00"));
    let resolution = of(&waiting, ClockKind::Resolution);
    assert!(
        resolution.paused == Some(Pause::Customer)
            && resolution.due.is_none()
            && resolution.state == OnTrack
    );
    assert!(!waiting.iter().any(|clock| clock.kind == ClockKind::NextResponse));

    history.record(Event::Asked, at("2026-11-24 17:00"));
    let again = clocks(&sla, &facts, &history, at("2026-11-24 17:00"));
    let resolution = of(&again, ClockKind::Resolution);
    assert_eq!(
        local(resolution.due.unwrap()),
        "2026-11-25 13:00",
        "one hour on Tuesday, five on Wednesday"
    );
    let next = of(&again, ClockKind::NextResponse);
    assert_eq!(
        (local(next.started).as_str(), local(next.due.unwrap()).as_str()),
        ("2026-11-24 17:00", "2026-11-24 18:00")
    );
    // Further words while they wait restart nothing.
    history.record(Event::Asked, at("2026-11-24 17:40"));
    let more = clocks(&sla, &facts, &history, at("2026-11-24 17:40"));
    assert_eq!(local(of(&more, ClockKind::NextResponse).started), "2026-11-24 17:00");

    history.record(Event::Solved, at("2026-11-25 12:00"));
    let solved = clocks(&sla, &facts, &history, at("2026-12-01 12:00"));
    assert_eq!(of(&solved, ClockKind::Resolution).state, OnTrack);
    assert_eq!(next_change(&solved, at("2026-12-01 12:00")), None);
    assert!(tightest(&solved).is_none());
    // Reopened, the rest of the time runs: two hours on Monday, four until it was solved.
    history.record(Event::Asked, at("2026-12-01 09:00"));
    let reopened = clocks(&sla, &facts, &history, at("2026-12-01 09:00"));
    assert_eq!(local(of(&reopened, ClockKind::Resolution).due.unwrap()), "2026-12-01 10:00");
}

#[test]
fn a_hand_over_is_a_clock_until_somebody_takes_it() {
    let sla = sla();
    let facts = Facts { level: Some("L2"), ..facts(Urgency::Normal, Channel::Email) };
    let mut history = History::opened(at("2026-11-23 09:00"));
    history.record(Event::HandedOver, at("2026-11-23 09:05"));
    let handed = clocks(&sla, &facts, &history, at("2026-11-23 09:10"));
    let clock = of(&handed, ClockKind::HandOver);
    assert_eq!(
        (clock.rule.as_str(), local(clock.due.unwrap()).as_str()),
        ("by_level.L2", "2026-11-23 10:05")
    );
    history.record(Event::Taken, at("2026-11-23 09:30"));
    let taken = clocks(&sla, &facts, &history, at("2026-11-23 15:00"));
    assert_eq!(of(&taken, ClockKind::HandOver).state, OnTrack);
    assert_eq!(of(&taken, ClockKind::FirstResponse).state, Breached, "nobody answered yet");
    // Handed over again, it begins again.
    history.record(Event::HandedOver, at("2026-11-23 14:00"));
    let again = clocks(&sla, &facts, &history, at("2026-11-23 14:00"));
    assert_eq!(local(of(&again, ClockKind::HandOver).started), "2026-11-23 14:00");
}

#[test]
fn windows_and_legal_terms_are_clocks_too() {
    let sla = sla();
    let signals = ["data_protection".to_owned()];
    let facts = Facts { signals: &signals, ..facts(Urgency::Normal, Channel::Whatsapp) };
    let opened = at("2026-11-23 09:00");
    let mut history = History::opened(opened);
    history.record(Event::Answered, at("2026-11-23 09:10"));
    let now = at("2026-11-24 09:30");
    let clocks = clocks(&sla, &facts, &history, now);
    let window = of(&clocks, ClockKind::Window);
    assert_eq!((local(window.due.unwrap()).as_str(), window.state), ("2026-11-24 09:00", Breached));
    let legal = of(&clocks, ClockKind::Legal);
    assert_eq!(
        (legal.rule.as_str(), local(legal.due.unwrap()).as_str()),
        ("legal.lgpd", "2026-12-08 09:00")
    );
    assert_eq!(state(&clocks), OnTrack, "a closed window is no broken promise");
    let without = Facts { signals: &[], ..facts };
    assert!(
        !super::clocks(&sla, &without, &history, now).iter().any(|c| c.kind == ClockKind::Legal)
    );
}

#[test]
fn a_history_survives_being_written_down() {
    let mut history = History::opened(at("2026-11-23 09:00"));
    for (event, when) in [
        (Event::Answered, "2026-11-23 09:10"),
        (Event::Pending, "2026-11-23 09:10"),
        (Event::Asked, "2026-11-23 10:00"),
        (Event::HandedOver, "2026-11-23 10:01"),
    ] {
        history.record(event, at(when));
    }
    let text = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
    assert_eq!(serde_json::from_str::<History>("{}").unwrap(), History::default());
    assert!(
        clocks(
            &sla(),
            &facts(Urgency::Low, Channel::Api),
            &History::default(),
            at("2026-11-23 10:00")
        )
        .is_empty()
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    prop::sample::select(vec![
        Event::Asked,
        Event::Acknowledged,
        Event::Answered,
        Event::HandedOver,
        Event::Taken,
        Event::Pending,
        Event::Resumed,
        Event::Solved,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_the_clocks_make_sense(
        steps in prop::collection::vec((any_event(), 1_i64..2_000), 0..120),
        priority in prop::sample::select(Urgency::ALL.to_vec()),
        channel in prop::sample::select(Channel::ALL.to_vec()),
    ) {
        let sla = sla();
        let mut now = at("2026-11-19 15:30");
        let mut history = History::opened(now);
        let facts = Facts { level: Some("L1"), plan: Some("starter"), ..facts(priority, channel) };
        for (event, minutes) in steps {
            now += Duration::minutes(minutes);
            history.record(event, now);
            prop_assert!(history.work.len() <= STRETCHES_MAX);
            prop_assert!(history.work.windows(2).all(|pair| pair[0].1.is_some_and(|end| end <= pair[1].0)));
            prop_assert!(history.solved.is_none() || history.waiting.is_none());
            let clocks = clocks(&sla, &facts, &history, now);
            for clock in &clocks {
                prop_assert!(clock.started <= now);
                prop_assert!(clock.paused.is_some() || clock.stopped.is_some() || clock.due.is_some());
                if let (Some(risk), Some(due)) = (clock.at_risk, clock.due) {
                    prop_assert!(risk <= due, "{:?}", clock);
                }
                prop_assert!(clock.paused.is_none() || clock.kind == ClockKind::Resolution);
            }
            // The next change is a change: at that moment some clock stands worse.
            if let Some(next) = next_change(&clocks, now) {
                let then = super::clocks(&sla, &facts, &history, next + Duration::milliseconds(1));
                let states = |clocks: &[Clock]| clocks.iter().map(|clock| clock.state).collect::<Vec<_>>();
                prop_assert_ne!(states(&clocks), states(&then));
            }
        }
    }
}
