//! Drafts are decided once, by people, and only while they still answer the conversation.

use atende::adapters::store::{Change, DeliveryEnd, DraftAction, DraftOutcome, Settled};
use atende::domain::ticket::TicketStatus;

use super::world::{World, at, from_ana, from_thread, on_both, outbox_states, words};

on_both! {
    an_approved_draft_leaves_in_the_agents_name,
    an_edited_draft_leaves_in_the_agents_words,
    a_rejected_draft_waits_for_people,
    of_two_agents_the_second_is_told_who_was_first,
    of_many_approvals_at_once_exactly_one_is_sent,
    a_new_message_or_reply_retires_the_draft,
    drafts_are_numbered_and_only_the_latest_is_open,
    who_does_not_hold_the_conversation_cannot_decide,
    finishing_a_ticket_retires_its_draft,
    a_draft_that_does_not_exist_is_not_found,
    a_draft_for_someone_who_opted_out_can_only_be_rejected,
    what_a_draft_offers_to_tap_goes_with_its_own_words_only,
}

async fn an_approved_draft_leaves_in_the_agents_name(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let outcome = w.decide(20, &ticket, "rui", 1, DraftAction::Approve).await;
    let DraftOutcome::Queued(id) = outcome else { panic!("{outcome:?}") };
    let view = w.view(&ticket).await;
    assert_eq!(
        (&*view.drafts[0].state, view.drafts[0].decided_by.as_deref()),
        ("approved", Some("rui"))
    );
    assert_eq!((&*view.row.status, &*view.row.owner), ("pending", "ai"), "the review is over");
    assert!(w.store.list_review(&super::world::main_tenant(), None, 10).await.unwrap().is_empty());
    assert_eq!(w.store.queue_counts(&super::world::main_tenant()).await.unwrap().len(), 0);
    let rows = w.claim(21).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].id, &*rows[0].author, &*rows[0].body.text), (&id, "agent", "Olá, Ana."));
    assert_eq!(rows[0].body.in_reply_to.as_deref(), Some("ana-0"), "in answer to her message");
    assert_eq!(rows[0].body.thread, "ana");
}

async fn an_edited_draft_leaves_in_the_agents_words(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let action = DraftAction::Edit("Oi, Ana!\0".to_owned());
    assert!(matches!(w.decide(20, &ticket, "rui", 1, action).await, DraftOutcome::Queued(_)));
    let view = w.view(&ticket).await;
    let draft = &view.drafts[0];
    assert_eq!((&*draft.state, &*draft.text), ("edited", "Olá, Ana."));
    assert_eq!(draft.final_text.as_deref(), Some("Oi, Ana!␀"), "without NUL");
    assert_eq!(w.claim(21).await[0].body.text, "Oi, Ana!␀");
}

async fn a_rejected_draft_waits_for_people(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let action = DraftAction::Reject { code: None, words: "wrong tone".to_owned() };
    assert_eq!(w.decide(20, &ticket, "rui", 1, action).await, DraftOutcome::Rejected);
    let view = w.view(&ticket).await;
    assert_eq!(
        (&*view.drafts[0].state, view.drafts[0].reason.as_deref()),
        ("rejected", Some("wrong tone"))
    );
    assert_eq!((&*view.row.owner, view.row.queue.as_deref()), ("queue", Some("suporte")));
    assert!(w.claim(21).await.is_empty());
}

async fn of_two_agents_the_second_is_told_who_was_first(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.decide(20, &ticket, "rui", 1, DraftAction::Approve).await;
    let second = w
        .decide(25, &ticket, "bia", 1, DraftAction::Reject { code: None, words: "no".to_owned() })
        .await;
    let expected = DraftOutcome::Conflict {
        state: "approved".to_owned(),
        latest: 1,
        by: Some("rui".to_owned()),
        at: Some(at(20)),
    };
    assert_eq!(second, expected);
    assert_eq!(outbox_states(&w.view(&ticket).await), ["queued"]);
}

async fn of_many_approvals_at_once_exactly_one_is_sent(w: &World) {
    let other = w.another_store().await;
    for round in 0..5 {
        let ticket = w.reviewed(&format!("t{round}"), round * 100).await;
        let decisions = (0..8).map(|n| {
            let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
            let decision = atende::adapters::store::DraftDecision {
                tenant: super::world::main_tenant(),
                ticket: ticket.clone(),
                version: 1,
                action: DraftAction::Approve,
                attachments: Vec::new(),
                actor: super::world::agent(&format!("agent-{n}")),
                outbox: atende::domain::ids::OutboxId::from_bits(super::world::fresh()),
                leaves_at: None,
            };
            async move { store.decide_draft(at(round * 100 + 20), decision).await.unwrap() }
        });
        let outcomes = futures::future::join_all(decisions).await;
        let queued = outcomes.iter().filter(|o| matches!(o, DraftOutcome::Queued(_))).count();
        assert_eq!(queued, 1, "{outcomes:?}");
        let first = w.view(&ticket).await.drafts[0].decided_by.clone();
        for outcome in outcomes {
            if let DraftOutcome::Conflict { by, at: when, .. } = outcome {
                assert_eq!((&by, when), (&first, Some(at(round * 100 + 20))));
            }
        }
        assert_eq!(outbox_states(&w.view(&ticket).await).len(), 1);
    }
}

async fn a_new_message_or_reply_retires_the_draft(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.file(from_ana("wait", 20)).await;
    let conflict = |state: &str| DraftOutcome::Conflict {
        state: state.to_owned(),
        latest: 1,
        by: None,
        at: None,
    };
    assert_eq!(w.decide(21, &ticket, "rui", 1, DraftAction::Approve).await, conflict("retired"));
    let (job, turn) = w.turn(30).await;
    let settlement = w.for_review(job, &turn).await;
    w.settle(31, settlement).await;
    w.done(40, &ticket, "rui", Change::Reply(words("Oi", 40))).await;
    let view = w.view(&ticket).await;
    let states: Vec<&str> = view.drafts.iter().map(|draft| draft.state.as_str()).collect();
    assert_eq!(states, ["retired", "retired"]);
}

async fn drafts_are_numbered_and_only_the_latest_is_open(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.file(from_ana("m2", 20)).await;
    let (job, turn) = w.turn(26).await;
    let settlement = w.for_review(job, &turn).await;
    w.settle(27, settlement).await;
    let drafts = w.view(&ticket).await.drafts;
    let numbered: Vec<(i64, &str)> = drafts.iter().map(|d| (d.version, d.state.as_str())).collect();
    assert_eq!(numbered, [(2, "proposed"), (1, "retired")]);
    let outcome = w.decide(28, &ticket, "rui", 1, DraftAction::Approve).await;
    assert!(matches!(outcome, DraftOutcome::Conflict { latest: 2, .. }), "{outcome:?}");
    let outcome = w.decide(28, &ticket, "rui", 2, DraftAction::Approve).await;
    assert!(matches!(outcome, DraftOutcome::Queued(_)), "{outcome:?}");
}

async fn who_does_not_hold_the_conversation_cannot_decide(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.done(20, &ticket, "rui", Change::Claim(at(100))).await;
    let outcome = w.decide(30, &ticket, "bia", 1, DraftAction::Approve).await;
    assert_eq!(outcome, DraftOutcome::HeldBy("rui".to_owned(), at(100)));
    assert_eq!(w.view(&ticket).await.drafts[0].state, "proposed", "claiming keeps the draft");
    let outcome = w.decide(100, &ticket, "bia", 1, DraftAction::Approve).await;
    assert!(matches!(outcome, DraftOutcome::Queued(_)), "the lease has lapsed: {outcome:?}");
    let ticket = w.reviewed("eva", 200).await;
    w.done(220, &ticket, "rui", Change::Claim(at(300))).await;
    let outcome = w.decide(230, &ticket, "rui", 1, DraftAction::Approve).await;
    assert!(matches!(outcome, DraftOutcome::Queued(_)), "the holder may: {outcome:?}");
    assert_eq!(w.view(&ticket).await.row.owner, "agent", "and keeps the conversation");
}

async fn finishing_a_ticket_retires_its_draft(w: &World) {
    for (n, status) in [TicketStatus::Solved, TicketStatus::Closed].into_iter().enumerate() {
        let start = i64::try_from(n).unwrap() * 100;
        let ticket = w.reviewed(&format!("t{n}"), start).await;
        w.done(start + 20, &ticket, "rui", Change::Status(status)).await;
        let outcome = w.decide(start + 21, &ticket, "rui", 1, DraftAction::Approve).await;
        assert!(matches!(outcome, DraftOutcome::Conflict { .. }), "{status}: {outcome:?}");
        let view = w.view(&ticket).await;
        assert_eq!((&*view.row.status, outbox_states(&view).len()), (status.as_str(), 0));
    }
}

async fn a_draft_that_does_not_exist_is_not_found(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    for version in [0, 1, -1, i64::MAX] {
        let outcome = w.decide(1, &ticket, "rui", version, DraftAction::Approve).await;
        assert_eq!(outcome, DraftOutcome::NotFound, "{version}");
    }
}

async fn a_draft_for_someone_who_opted_out_can_only_be_rejected(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.run("UPDATE conversations SET opted_out = 1").await;
    for action in [DraftAction::Approve, DraftAction::Edit("Oi".to_owned())] {
        let outcome = w.decide(10, &ticket, "rui", 1, action).await;
        assert_eq!(outcome, DraftOutcome::OptedOut);
    }
    let reject = DraftAction::Reject { code: None, words: "opted out".to_owned() };
    assert_eq!(w.decide(11, &ticket, "rui", 1, reject).await, DraftOutcome::Rejected);
    assert!(outbox_states(&w.view(&ticket).await).is_empty());
}

async fn what_a_draft_offers_to_tap_goes_with_its_own_words_only(w: &World) {
    for (thread, action, expected) in [
        ("ana", DraftAction::Approve, vec!["Sim".to_owned(), "Não".to_owned()]),
        ("bia", DraftAction::Edit("Outra coisa.".to_owned()), Vec::new()),
    ] {
        let ticket = w.file_new(from_thread(thread, thread, 0)).await;
        let (job, turn) = w.turn(6).await;
        let mut settlement = w.for_review(job, &turn).await;
        let draft = settlement.draft.as_mut().expect("a draft");
        draft.draft.choices = vec!["Sim".to_owned(), "Não".to_owned()];
        assert_eq!(w.settle(7, settlement).await, Settled::Done);
        assert_eq!(w.view(&ticket).await.drafts[0].choices, ["Sim", "Não"]);
        assert!(matches!(w.decide(20, &ticket, "rui", 1, action).await, DraftOutcome::Queued(_)));
        let rows = w.claim(21).await;
        assert_eq!(rows[0].body.choices, expected, "{thread}");
        w.finish(22, &rows[0], DeliveryEnd::Sent).await;
    }
}
