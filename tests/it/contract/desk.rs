//! Replies that are called back before they leave, and drafts that are repaired.

use atende::adapters::store::{
    Change, DraftAction, DraftDecision, DraftOutcome, Recalled, ReplyRequest,
};
use atende::domain::draft::{DraftKind, DraftText};
use atende::domain::ids::{OutboxId, TenantId, TicketId};
use atende::domain::labels::Locale;

use super::world::{
    World, agent, at, fresh, from_thread, main_tenant, on_both, outbox_states, words,
};

on_both! {
    a_reply_waits_until_it_can_no_longer_be_called_back,
    a_reply_that_is_called_back_leaves_everything_as_it_was,
    only_who_sent_a_reply_calls_it_back_and_only_in_time,
    own_words_that_are_called_back_are_not_lost,
    of_calling_back_and_sending_at_once_one_wins,
    what_moved_on_meanwhile_is_not_proposed_again,
    a_repaired_draft_takes_the_place_of_the_one_that_was_seen,
}

/// Decides the first draft; the reply leaves ten seconds later.
async fn approve(w: &World, now: i64, ticket: &TicketId, action: DraftAction) -> OutboxId {
    let decision = DraftDecision {
        tenant: main_tenant(),
        ticket: ticket.clone(),
        version: 1,
        action,
        actor: agent("rui"),
        outbox: OutboxId::from_bits(fresh()),
        leaves_at: Some(at(now + 10)),
        attachments: Vec::new(),
    };
    match w.store.decide_draft(at(now), decision).await.unwrap() {
        DraftOutcome::Queued(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn recall(w: &World, now: i64, who: &str, id: &OutboxId) -> Recalled {
    w.store.recall(at(now), &main_tenant(), &agent(who), id).await.unwrap()
}

async fn a_reply_waits_until_it_can_no_longer_be_called_back(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let id = approve(w, 20, &ticket, DraftAction::Approve).await;
    let waiting = w.store.recallable(at(21), &main_tenant(), "rui").await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0].id, waiting[0].leaves_at), (&id, at(30)));
    assert!(w.store.recallable(at(21), &main_tenant(), "bia").await.unwrap().is_empty());
    assert!(w.claim(29).await.is_empty(), "it waits");
    assert_eq!(w.claim(30).await.len(), 1);
    assert!(w.store.recallable(at(31), &main_tenant(), "rui").await.unwrap().is_empty());
}

async fn a_reply_that_is_called_back_leaves_everything_as_it_was(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let before = w.view(&ticket).await;
    let id = approve(w, 20, &ticket, DraftAction::Edit("Oi, Ana!".to_owned())).await;
    assert_eq!(w.view(&ticket).await.row.status, "pending");
    assert_eq!(
        recall(w, 25, "rui", &id).await,
        Recalled::Back(ticket.clone(), "Oi, Ana!".to_owned())
    );
    let view = w.view(&ticket).await;
    assert_eq!((&view.row.status, &view.row.owner), (&before.row.status, &before.row.owner));
    assert_eq!((&*view.drafts[0].state, view.drafts[0].decided_by.as_deref()), ("proposed", None));
    assert_eq!(outbox_states(&view), ["retired"]);
    assert!(w.claim(60).await.is_empty(), "nothing leaves");
    assert_eq!(w.store.list_review(&main_tenant(), None, 10).await.unwrap().len(), 1);
    let kept = w.store.called_back(&main_tenant(), &ticket, "rui").await.unwrap();
    assert_eq!(kept.as_deref(), Some("Oi, Ana!"), "the edit is kept");
    assert_eq!(recall(w, 26, "rui", &id).await, Recalled::TooLate(ticket.clone()), "once");
    let again = approve(w, 30, &ticket, DraftAction::Approve).await;
    assert_eq!(w.claim(40).await[0].id, again, "and it can be approved again");
    assert!(w.store.called_back(&main_tenant(), &ticket, "rui").await.unwrap().is_none());
}

async fn only_who_sent_a_reply_calls_it_back_and_only_in_time(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let id = approve(w, 20, &ticket, DraftAction::Approve).await;
    assert_eq!(recall(w, 21, "bia", &id).await, Recalled::NotFound);
    let other = TenantId::parse("other").unwrap();
    let elsewhere = w.store.recall(at(21), &other, &agent("rui"), &id).await.unwrap();
    assert_eq!(elsewhere, Recalled::NotFound);
    assert_eq!(
        recall(w, 30, "rui", &id).await,
        Recalled::TooLate(ticket.clone()),
        "its time is over"
    );
    assert_eq!(w.claim(30).await.len(), 1);
    assert_eq!(recall(w, 31, "rui", &id).await, Recalled::TooLate(ticket));
}

async fn own_words_that_are_called_back_are_not_lost(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let reply = ReplyRequest { leaves_at: Some(at(30)), ..words("Já vejo isso.", 20) };
    let id = reply.id.clone();
    w.done(20, &ticket, "rui", Change::Reply(reply)).await;
    assert!(
        matches!(recall(w, 25, "rui", &id).await, Recalled::Back(_, text) if text == "Já vejo isso.")
    );
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, &*view.row.owner), ("open", "agent"), "the agent has it still");
    assert!(w.claim(60).await.is_empty());
    let kept = w.store.called_back(&main_tenant(), &ticket, "rui").await.unwrap();
    assert_eq!(kept.as_deref(), Some("Já vejo isso."));
}

async fn of_calling_back_and_sending_at_once_one_wins(w: &World) {
    let other = w.another_store().await;
    for round in 0..6 {
        let start = round * 200;
        let ticket = w.reviewed(&format!("t{round}"), start).await;
        let id = approve(w, start + 20, &ticket, DraftAction::Approve).await;
        let (tenant, rui) = (main_tenant(), agent("rui"));
        // The clocks of two machines may differ by a little.
        let (recalled, claimed) = tokio::join!(
            w.store.recall(at(start + 29), &tenant, &rui, &id),
            other.claim_outbox(at(start + 30), 10),
        );
        let (recalled, claimed) = (recalled.unwrap(), claimed.unwrap());
        let is_back = matches!(recalled, Recalled::Back(..));
        assert_eq!(claimed.len(), usize::from(!is_back), "round {round}: {recalled:?}");
        for row in claimed {
            w.finish(start + 31, &row, atende::adapters::store::DeliveryEnd::Sent).await;
        }
    }
}

async fn what_moved_on_meanwhile_is_not_proposed_again(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let id = approve(w, 20, &ticket, DraftAction::Approve).await;
    w.file(from_thread("ana", "more", 22)).await;
    assert!(matches!(recall(w, 25, "rui", &id).await, Recalled::Back(..)));
    assert_eq!(w.view(&ticket).await.drafts[0].state, "retired");
    assert!(w.claim(60).await.is_empty());
}

async fn a_repaired_draft_takes_the_place_of_the_one_that_was_seen(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let revised = DraftText {
        text: "Oi, Ana.".to_owned(),
        locale: Locale::PtBr,
        kind: DraftKind::Extractive,
        ledger: Vec::new(),
        choices: Vec::new(),
    };
    let tenant = TenantId::main();
    let revise = |version: i64| {
        w.store.revise_draft(at(20), (&tenant, &ticket), agent("rui"), (version, revised.clone()))
    };
    assert!(revise(1).await.unwrap());
    assert!(!revise(1).await.unwrap(), "the one that was seen is gone");
    let view = w.view(&ticket).await;
    let states: Vec<(i64, &str)> =
        view.drafts.iter().map(|draft| (draft.version, draft.state.as_str())).collect();
    assert_eq!(states, [(2, "proposed"), (1, "retired")]);
    let outcome = w.decide(21, &ticket, "rui", 2, DraftAction::Approve).await;
    assert!(matches!(outcome, DraftOutcome::Queued(_)), "{outcome:?}");
    assert_eq!(w.claim(22).await[0].body.text, "Oi, Ana.");
    assert!(!revise(2).await.unwrap(), "what is decided is not repaired");
}
