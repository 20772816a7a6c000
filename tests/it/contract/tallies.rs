//! What happened, added up: each line of the trail counts once, whoever counts, and what was undone does not.

use atende::adapters::store::{Actor, Change, DeliveryEnd, DraftAction, DraftOutcome, Recalled};
use atende::domain::ticket::TicketStatus;
use chrono::NaiveDate;
use chrono_tz::Tz;

use super::world::*;

on_both!(
    each_line_counts_once_on_its_day,
    a_draft_that_was_called_back_counts_as_it_was_decided_at_last,
    two_who_add_up_at_once_count_once,
    who_has_what_is_counted_by_agent,
);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Adds up everything and writes the sums as `name:part value`.
async fn sums(w: &World, now: i64, zone: Tz) -> Vec<String> {
    while w.store.add_up(at(now), &main_tenant(), zone).await.unwrap() > 0 {}
    let days = (day("2026-03-01"), day("2026-03-03"));
    let found = w.store.tallies(&main_tenant(), days, false).await.unwrap();
    found
        .iter()
        .filter(|one| one.value != 0)
        .map(|one| format!("{} {}:{} {}", one.day.format("%d"), one.name, one.part, one.value))
        .collect()
}

async fn sent(w: &World, now: i64) {
    for row in w.claim(now).await {
        w.finish(now, &row, DeliveryEnd::Sent).await;
    }
}

async fn each_line_counts_once_on_its_day(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    let ana = w.answered("ana", 0).await;
    sent(w, 9).await;
    let bia = w.reviewed("bia", 20).await;
    w.decide(50, &bia, "Rafa", 1, DraftAction::Edit("Olá, Bia.".to_owned())).await;
    sent(w, 51).await;
    w.done(60, &ana, "Rafa", Change::Status(TicketStatus::Solved)).await;
    let expected = [
        "02 draft_edited:chat/billing 1",
        "02 opened: 2",
        "02 reply:ai 1",
        "02 reply:reviewed 1",
        "02 solved: 1",
        "02 solved_minutes: 1",
        "02 turn:review 1",
        "02 turn:send 1",
    ];
    assert_eq!(sums(w, 100, Tz::UTC).await, expected);
    assert_eq!(sums(w, 100, Tz::UTC).await, expected, "nothing counts again");
    let days = (day("2026-03-02"), day("2026-03-02"));
    let waits = w.store.first_waits(&main_tenant(), days).await.unwrap();
    let waits: Vec<_> = waits.iter().map(|one| (one.secs, one.tickets, one.late)).collect();
    assert_eq!(waits, [(9, 1, 0), (31, 1, 0)]);
    let hours = w.store.tallies(&main_tenant(), days, true).await.unwrap();
    assert!(hours.iter().all(|one| one.hour == Some(9)), "{hours:?}");
    let ends = w.store.draft_ends(&main_tenant(), day("2026-03-01")).await.unwrap();
    assert_eq!(ends, [("chat/billing".to_owned(), "draft_edited".to_owned(), 1)]);
    assert_eq!(w.store.not_added_up(&main_tenant()).await.unwrap(), 0);

    // What comes after counts on top, on the day that it is where the business is: 06:00 of the 2nd in São Paulo.
    w.reviewed("eva", 120).await;
    let later = sums(w, 200, Tz::Pacific__Honolulu).await;
    assert!(later.contains(&"01 opened: 1".to_owned()), "{later:?}");
}

async fn a_draft_that_was_called_back_counts_as_it_was_decided_at_last(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    let ana = w.reviewed("ana", 0).await;
    let mut decision = atende::adapters::store::DraftDecision {
        tenant: main_tenant(),
        ticket: ana.clone(),
        version: 1,
        action: DraftAction::Approve,
        attachments: Vec::new(),
        actor: Actor { name: "Rafa".to_owned() },
        outbox: atende::domain::ids::OutboxId::from_bits(fresh()),
        leaves_at: Some(at(40)),
    };
    let outbox = match w.store.decide_draft(at(20), decision.clone()).await.unwrap() {
        DraftOutcome::Queued(id) => id,
        other => panic!("{other:?}"),
    };
    assert!(sums(w, 23, Tz::UTC).await.contains(&"02 draft_approved:chat/billing 1".to_owned()));
    let back = w.store.recall(at(25), &main_tenant(), &agent("Rafa"), &outbox).await.unwrap();
    assert!(matches!(back, Recalled::Back(..)), "{back:?}");
    decision.action = DraftAction::Reject { code: Some("tone".to_owned()), words: String::new() };
    decision.outbox = atende::domain::ids::OutboxId::from_bits(fresh());
    let rejected = w.store.decide_draft(at(30), decision).await.unwrap();
    assert_eq!(rejected, DraftOutcome::Rejected);
    let found = sums(w, 100, Tz::UTC).await;
    let drafts: Vec<_> = found.iter().filter(|one| one.contains("draft_")).collect();
    assert_eq!(drafts, ["02 draft_rejected:chat/billing 1"]);
}

async fn two_who_add_up_at_once_count_once(w: &World) {
    for thread in ["a", "b", "c"] {
        w.file_new(from_thread(thread, thread, 0)).await;
    }
    let other = w.another_store().await;
    let tenant = main_tenant();
    for _ in 0..4 {
        let (one, two) = tokio::join!(
            w.store.add_up(at(10), &tenant, Tz::UTC),
            other.add_up(at(10), &tenant, Tz::UTC),
        );
        one.unwrap();
        two.unwrap();
    }
    assert_eq!(sums(w, 10, Tz::UTC).await, ["02 opened: 3"]);
}

async fn who_has_what_is_counted_by_agent(w: &World) {
    w.store.adopt_policy(&main_tenant(), "one").await.unwrap();
    for (thread, who) in [("a", "Rafa"), ("b", "Rafa"), ("c", "Bia")] {
        let ticket = w.reviewed(thread, 0).await;
        w.done(20, &ticket, who, Change::Claim(at(600))).await;
    }
    // Only what was looked at stands in a queue.
    w.run("UPDATE tickets SET queue_rank = 1, clock_at = 1").await;
    let held = w.store.held(&main_tenant()).await.unwrap();
    let held: Vec<_> = held.iter().map(|one| (one.agent.as_str(), one.tickets)).collect();
    assert_eq!(held, [("Bia", 1), ("Rafa", 2)]);
    assert_eq!(w.store.held(&tenant("other")).await.unwrap(), []);
    assert_eq!(w.store.dead_turns(&main_tenant()).await.unwrap(), 0);
    let tenant = main_tenant();
    let accounts = w.store.accounts_of(&tenant, atende::domain::channel::Channel::Chat).await;
    assert_eq!(accounts.unwrap(), ["loja"]);
    assert_eq!(w.store.outbox_states(&main_tenant(), at(0)).await.unwrap(), []);
}
