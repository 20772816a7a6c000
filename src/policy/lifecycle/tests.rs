use super::*;
use crate::policy::clocks::Event;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + minutes * 60, 0).unwrap()
}

fn standing(history: &History) -> Standing<'_> {
    Standing {
        status: TicketStatus::Open,
        owner: OwnerKind::Ai,
        owner_until: None,
        assigned: false,
        last_act: None,
        snoozed_until: None,
        callback: None,
        undecided: false,
        acknowledge_within: None,
        history,
    }
}

/// Kind and minute of each timer.
fn due(life: &LifeCycle, standing: &Standing<'_>) -> Vec<(&'static str, i64)> {
    timers(life, standing)
        .iter()
        .map(|timer| (timer.kind.as_str(), (timer.at - at(0)).num_minutes()))
        .collect()
}

#[test]
fn each_stage_has_its_timers() {
    let life = LifeCycle { chain_names: 2, ..LifeCycle::default() };
    let opened = History::opened(at(0));
    assert_eq!(due(&life, &standing(&opened)), [], "the assistant needs none");

    let mut waits = opened.clone();
    waits.record(Event::HandedOver, at(5));
    let queue = Standing { owner: OwnerKind::Queue, ..standing(&waits) };
    assert_eq!(due(&life, &queue), [("unassigned", 20)]);
    assert_eq!(due(&life, &Standing { assigned: true, ..queue }), []);
    let escalated = Standing { status: TicketStatus::Escalated, ..queue };
    assert_eq!(
        due(&life, &escalated),
        [("unassigned", 20), ("unacknowledged", 245), ("unacknowledged", 305)]
    );
    let hurried = Standing { acknowledge_within: Some(Duration::minutes(15)), ..escalated };
    assert_eq!(
        due(&life, &hurried),
        [("unassigned", 20), ("unacknowledged", 20), ("unacknowledged", 80)]
    );
    let mut taken = waits.clone();
    taken.record(Event::Taken, at(9));
    let agent = Standing {
        owner: OwnerKind::Agent,
        owner_until: Some(at(69)),
        assigned: true,
        last_act: Some(at(9)),
        ..standing(&taken)
    };
    assert_eq!(due(&life, &agent), [("lease_lapsed", 69), ("stuck", 39)]);

    let mut answered = opened.clone();
    answered.record(Event::Answered, at(10));
    answered.record(Event::Pending, at(10));
    let pending = Standing { status: TicketStatus::Pending, ..standing(&answered) };
    assert_eq!(
        due(&life, &pending),
        [("pending_reminder", 10 + 72 * 60), ("pending_close", 10 + 96 * 60)]
    );
    assert_eq!(due(&life, &Standing { undecided: true, ..pending }), [], "an answer came");
    let call = Callback { from: at(100), until: at(160) };
    assert_eq!(
        due(&life, &Standing { callback: Some(call), ..pending }),
        [("callback_due", 100), ("callback_missed", 160)],
        "a promised call is waited for, not the customer"
    );

    answered.record(Event::Solved, at(20));
    let solved = Standing { status: TicketStatus::Solved, ..standing(&answered) };
    assert_eq!(due(&life, &solved), [("solved_close", 20 + 48 * 60)]);
    assert_eq!(due(&life, &Standing { undecided: true, ..solved }), []);
    let closed = Standing {
        status: TicketStatus::Closed,
        owner: OwnerKind::Agent,
        owner_until: Some(at(30)),
        callback: Some(call),
        ..solved
    };
    assert_eq!(due(&life, &closed), [], "nothing happens to what is over");
}

#[test]
fn what_was_put_aside_hurries_nobody_until_it_is_back() {
    let life = LifeCycle::default();
    let mut history = History::opened(at(0));
    history.record(Event::HandedOver, at(1));
    let snoozed = Standing {
        status: TicketStatus::Escalated,
        owner: OwnerKind::Queue,
        snoozed_until: Some(at(500)),
        ..standing(&history)
    };
    assert_eq!(due(&life, &snoozed), [("snooze_over", 500)]);
}

#[test]
fn a_run_of_a_timer_keeps_its_name_and_a_new_run_has_another() {
    let timer = |since, turn| Timer { kind: TimerKind::Stuck, since, turn, at: at(9) };
    assert_eq!(timer(at(1), 0).key(), Timer { at: at(99), ..timer(at(1), 0) }.key());
    assert_ne!(timer(at(1), 0).key(), timer(at(2), 0).key());
    assert_ne!(timer(at(1), 0).key(), timer(at(1), 1).key());
}
