//! What people do with a ticket.

use atende::adapters::store::{Change, Outcome, Refused, ReplyRequest};
use atende::domain::ids::TicketId;
use atende::domain::ticket::TicketStatus;
use serde_json::json;

use super::world::{
    World, agent, at, fresh, from_ana, from_thread, main_tenant, on_both, outbox_states, tenant,
    words,
};

on_both! {
    a_claimed_ticket_is_held_until_its_lease_ends,
    a_released_ticket_goes_where_it_is_told,
    a_ticket_moves_along_its_life_cycle_only,
    a_closed_ticket_is_neither_claimed_nor_answered,
    a_correction_stands_beside_what_engines_said,
    two_corrections_and_two_tags_at_once_are_both_kept,
    notes_and_tags_raise_no_version,
    a_repeated_reply_is_sent_once,
    a_reply_to_someone_who_opted_out_is_refused,
    a_ticket_has_so_many_tags_and_no_more,
    another_tenants_ticket_does_not_exist,
    every_change_leaves_a_line_in_the_trail,
}

fn held(by: &str, until: i64) -> Outcome {
    Outcome::Refused(Refused::HeldBy(by.to_owned(), at(until)))
}

async fn a_claimed_ticket_is_held_until_its_lease_ends(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let before = w.view(&ticket).await.version;
    let version = w.done(10, &ticket, "rui", Change::Claim(at(100))).await;
    assert_eq!(version, before + 1);
    for (name, change) in [
        ("claim", Change::Claim(at(900))),
        ("release", Change::Release(true)),
        ("reply", Change::Reply(words("Oi", 20))),
        ("status", Change::Status(TicketStatus::Solved)),
        ("override", Change::Override("category", json!("x"))),
    ] {
        assert_eq!(w.act(20, &ticket, "bia", change).await, held("rui", 100), "{name}");
    }
    assert_eq!(w.view(&ticket).await.version, version, "what is refused changes nothing");
    w.done(50, &ticket, "rui", Change::Claim(at(200))).await;
    assert_eq!(w.act(199, &ticket, "bia", Change::Claim(at(900))).await, held("rui", 200));
    w.done(200, &ticket, "bia", Change::Claim(at(900))).await;
    assert_eq!(w.view(&ticket).await.row.assignee.as_deref(), Some("bia"));
}

async fn a_released_ticket_goes_where_it_is_told(w: &World) {
    let reviewed = w.reviewed("ana", 0).await;
    let unrouted = w.file_new(from_thread("bia", "m2", 0)).await;
    let not_held = Outcome::Refused(Refused::NotHeld);
    assert_eq!(w.act(9, &reviewed, "rui", Change::Release(true)).await, not_held);
    for (case, ticket, to_ai, owner, queue) in [
        ("to people, with a draft", &reviewed, false, "review", Some("suporte")),
        ("to the assistant", &reviewed, true, "ai", Some("suporte")),
        ("to the assistant, unrouted", &unrouted, true, "ai", None),
        ("to people, unrouted", &unrouted, false, "queue", Some("human")),
    ] {
        w.done(10, ticket, "rui", Change::Claim(at(100))).await;
        w.done(11, ticket, "rui", Change::Release(to_ai)).await;
        let row = w.view(ticket).await.row;
        assert_eq!((&*row.owner, row.queue.as_deref()), (owner, queue), "{case}");
        assert_eq!(row.assignee, None, "{case}");
    }
    let counts = w.store.queue_counts(&main_tenant()).await.unwrap();
    assert!(counts.iter().any(|c| c.queue == "human" && c.tickets == 1), "{counts:?}");
    assert_eq!(w.store.check().await.unwrap(), Vec::<String>::new());
}

async fn a_ticket_moves_along_its_life_cycle_only(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    for (n, (next, allowed)) in [
        (TicketStatus::New, false),
        (TicketStatus::Open, true),
        (TicketStatus::Pending, true),
        (TicketStatus::Pending, false),
        (TicketStatus::Escalated, true),
        (TicketStatus::Solved, true),
        (TicketStatus::Pending, false),
        (TicketStatus::Open, true),
        (TicketStatus::Solved, true),
        (TicketStatus::Closed, true),
        (TicketStatus::Open, false),
    ]
    .into_iter()
    .enumerate()
    {
        let now = 10 + i64::try_from(n).unwrap();
        let before = TicketStatus::parse(&w.view(&ticket).await.row.status).unwrap();
        let outcome = w.act(now, &ticket, "rui", Change::Status(next)).await;
        if allowed {
            assert!(matches!(outcome, Outcome::Done(_)), "{before} -> {next}: {outcome:?}");
        } else {
            let refused = Outcome::Refused(Refused::Status(before, next));
            assert_eq!(outcome, refused, "{before} -> {next}");
        }
    }
    let view = w.view(&ticket).await;
    assert_eq!((view.solved_at, view.closed_at), (Some(at(18)), Some(at(19))));
}

async fn a_closed_ticket_is_neither_claimed_nor_answered(w: &World) {
    let old = w.reviewed("ana", 0).await;
    w.done(10, &old, "rui", Change::Status(TicketStatus::Closed)).await;
    let new = w.file_new(from_ana("m2", 20)).await;
    for change in [Change::Claim(at(100)), Change::Reply(words("Oi", 30))] {
        let outcome = w.act(30, &old, "rui", change).await;
        assert!(matches!(outcome, Outcome::Refused(Refused::Closed)), "{outcome:?}");
    }
    assert_eq!(w.view(&new).await.row.owner, "ai", "its successor was not taken over");
    assert_eq!(w.view(&old).await.row.status, "closed");
    w.done(31, &old, "rui", Change::Note("n1".to_owned(), "seen".to_owned())).await;
}

async fn a_correction_stands_beside_what_engines_said(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.done(10, &ticket, "rui", Change::Override("category", json!("access"))).await;
    w.done(11, &ticket, "rui", Change::Override("urgency", json!("high"))).await;
    let view = w.view(&ticket).await;
    assert_eq!(view.row.category.as_deref(), Some("access"));
    assert_eq!(view.row.urgency.as_deref(), Some("high"));
    assert_eq!(view.overrides, json!({"category": "access", "urgency": "high"}));
    w.file(from_ana("m2", 20)).await;
    let (_, turn) = w.turn(26).await;
    assert_eq!(turn.overrides["category"], json!("access"), "the next turn is told");
}

async fn two_corrections_and_two_tags_at_once_are_both_kept(w: &World) {
    let other = w.another_store().await;
    let change = |store: atende::adapters::store::Store, ticket: TicketId, change: Change| async move {
        let outcome = store
            .change_ticket(at(10), &main_tenant(), &ticket, agent("rui"), change)
            .await
            .unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    };
    for round in 0..20 {
        let ticket = w.file_new(from_thread(&format!("t{round}"), &format!("m{round}"), 0)).await;
        let tag = |name: &str| Change::Tag(vec![name.to_owned()], Vec::new());
        tokio::join!(
            change(w.store.clone(), ticket.clone(), tag("a")),
            change(other.clone(), ticket.clone(), tag("b")),
            change(w.store.clone(), ticket.clone(), Change::Override("category", json!("x"))),
            change(other.clone(), ticket.clone(), Change::Override("urgency", json!("low"))),
        );
        let view = w.view(&ticket).await;
        assert_eq!(view.row.tags, ["a", "b"], "round {round}");
        assert_eq!(view.overrides, json!({"category": "x", "urgency": "low"}), "round {round}");
    }
}

async fn notes_and_tags_raise_no_version(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let before = w.view(&ticket).await.version;
    let note = Change::Note(format!("note-{}", fresh()), "call\0 back".to_owned());
    assert_eq!(w.done(10, &ticket, "rui", note).await, before);
    let tags = Change::Tag(vec!["vip".to_owned(), "b".to_owned()], Vec::new());
    assert_eq!(w.done(11, &ticket, "rui", tags).await, before);
    let tags = Change::Tag(vec!["vip".to_owned()], vec!["b".to_owned(), "none".to_owned()]);
    assert_eq!(w.done(12, &ticket, "rui", tags).await, before);
    let view = w.view(&ticket).await;
    assert_eq!(view.version, before);
    assert_eq!(view.row.tags, ["vip"]);
    assert_eq!(view.notes[0]["text"], "call␀ back");
    assert_eq!(view.drafts[0].state, "proposed", "the draft still stands");
}

async fn a_repeated_reply_is_sent_once(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let once = |key: &str, hash: &str| {
        Change::Reply(ReplyRequest {
            once: Some(("tok_1".to_owned(), key.to_owned(), hash.to_owned())),
            ..words("Oi", 10)
        })
    };
    let other = w.another_store().await;
    let calls = (0..6).map(|n| {
        let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
        let (ticket, change) = (ticket.clone(), once("k", "h"));
        async move {
            store
                .change_ticket(at(10), &main_tenant(), &ticket, agent("rui"), change)
                .await
                .unwrap()
        }
    });
    let outcomes = futures::future::join_all(calls).await;
    let done = outcomes.iter().filter(|o| matches!(o, Outcome::Done(_))).count();
    let repeated = outcomes.iter().filter(|o| matches!(o, Outcome::Repeated(_))).count();
    assert_eq!((done, repeated), (1, 5), "{outcomes:?}");
    let reused = w.act(12, &ticket, "rui", once("k", "another body")).await;
    assert_eq!(reused, Outcome::Refused(Refused::KeyReused));
    assert_eq!(outbox_states(&w.view(&ticket).await), ["queued"]);
    w.done(13, &ticket, "rui", once("k2", "h")).await;
    assert_eq!(outbox_states(&w.view(&ticket).await), ["queued", "queued"]);
    assert_eq!(w.store.purge(at(11)).await.unwrap(), 1, "keys are forgotten in time");
    w.done(14, &ticket, "rui", once("k", "h")).await;
}

async fn a_reply_to_someone_who_opted_out_is_refused(w: &World) {
    let ticket = w.file_new(from_ana("sair", 0)).await;
    let (job, turn) = w.turn(6).await;
    let mut settlement = w.for_review(job, &turn).await;
    settlement.opted_out = true;
    w.settle(7, settlement).await;
    let outcome = w.act(8, &ticket, "rui", Change::Reply(words("Oi", 8))).await;
    assert_eq!(outcome, Outcome::Refused(Refused::OptedOut));
    assert!(outbox_states(&w.view(&ticket).await).is_empty());
}

async fn a_ticket_has_so_many_tags_and_no_more(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let many: Vec<String> = (0..50).map(|n| format!("t{n:02}")).collect();
    w.done(1, &ticket, "rui", Change::Tag(many.clone(), Vec::new())).await;
    let one_more = Change::Tag(vec!["x".to_owned()], Vec::new());
    let outcome = w.act(2, &ticket, "rui", one_more).await;
    assert_eq!(outcome, Outcome::Refused(Refused::TooManyTags));
    assert_eq!(w.view(&ticket).await.row.tags, many);
}

async fn another_tenants_ticket_does_not_exist(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let stranger = tenant("stranger");
    for change in [
        Change::Claim(at(900)),
        Change::Reply(words("Oi", 10)),
        Change::Note("n".to_owned(), "x".to_owned()),
        Change::Status(TicketStatus::Closed),
    ] {
        let outcome =
            w.store.change_ticket(at(10), &stranger, &ticket, agent("eve"), change).await.unwrap();
        assert_eq!(outcome, Outcome::NotFound);
    }
    let view = w.view(&ticket).await;
    assert_eq!((view.audit.len(), &*view.row.status), (2, "open"));
}

async fn every_change_leaves_a_line_in_the_trail(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    w.done(1, &ticket, "rui", Change::Claim(at(100))).await;
    w.done(2, &ticket, "rui", Change::Reply(words("segredo", 2))).await;
    w.done(3, &ticket, "rui", Change::Note("n".to_owned(), "segredo".to_owned())).await;
    w.done(4, &ticket, "rui", Change::Tag(vec!["x".to_owned()], Vec::new())).await;
    w.done(5, &ticket, "rui", Change::Override("category", json!("x"))).await;
    w.done(6, &ticket, "rui", Change::Status(TicketStatus::Solved)).await;
    w.done(7, &ticket, "rui", Change::Release(false)).await;
    let trail = w.view(&ticket).await.audit;
    let lines: Vec<&str> = trail.iter().map(|line| line.action.as_str()).collect();
    let expected = [
        "ticket.opened",
        "ticket.claimed",
        "reply.written",
        "note.added",
        "ticket.tagged",
        "field.overridden",
        "ticket.status",
        "ticket.released",
    ];
    assert_eq!(lines, expected);
    assert!(trail.iter().skip(1).all(|line| line.actor == "agent:rui"));
    let words = serde_json::to_string(&trail).unwrap();
    assert!(
        !words.contains("segredo") && !words.contains("m1\""),
        "no words of anybody's: {words}"
    );
}
