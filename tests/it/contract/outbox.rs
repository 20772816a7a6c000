//! What leaves, once, and only while it still holds.

use std::collections::BTreeSet;

use atende::adapters::store::{Change, Claimed, DeliveryEnd, DraftAction, Lane, Owner, ReplyKind};
use atende::domain::ids::MessageId;
use atende::domain::ticket::OwnerKind;

use super::world::{
    World, at, fresh, from_ana, from_thread, main_tenant, on_both, outbox_states, reply, tenant,
    words,
};

on_both! {
    a_row_is_claimed_once_and_counts_its_attempts,
    what_was_overtaken_is_retired_and_decided_anew,
    an_approved_draft_is_retired_by_a_message_but_an_agents_own_words_are_not,
    a_safety_text_passes_everything,
    a_sent_row_is_a_message_of_its_conversation,
    a_row_that_did_not_surely_arrive_goes_to_people,
    a_row_is_not_tried_again_before_its_moment,
    an_end_counts_only_while_the_row_is_being_sent,
    positions_have_no_gaps_and_are_read_in_order,
    rows_that_a_crash_left_are_found,
    rows_of_another_tenant_are_not_read,
    what_leaves_by_a_mailbox_is_claimed_by_itself,
}

async fn a_row_is_claimed_once_and_counts_its_attempts(w: &World) {
    for n in 0..20 {
        w.answered(&format!("t{n}"), n * 20).await;
    }
    let other = w.another_store().await;
    let workers = (0..8).map(|n| {
        let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
        async move {
            let mut mine: Vec<Claimed> = Vec::new();
            loop {
                let rows = store.claim_outbox(at(1_000), 3).await.unwrap();
                if rows.is_empty() {
                    return mine;
                }
                mine.extend(rows);
            }
        }
    });
    let mut all: Vec<Claimed> = futures::future::join_all(workers).await.concat();
    all.extend(w.claim(1_000).await);
    let ids: BTreeSet<&str> = all.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((all.len(), ids.len()), (20, 20));
    assert!(all.iter().all(|row| row.attempt == 1));
    let first = all[0].clone();
    w.finish(1_001, &first, DeliveryEnd::RetryAt(at(1_010), "busy".to_owned())).await;
    assert_eq!(w.claim(1_010).await[0].attempt, 2);
}

async fn what_was_overtaken_is_retired_and_decided_anew(w: &World) {
    let main = main_tenant();
    w.store.adopt_policy(&main, "one").await.unwrap();
    for (n, (cause, why)) in [
        ("message", "conversation moved on"),
        ("claim", "conversation moved on"),
        ("incident", "incident declared"),
        ("incident over", "policy changed"),
        ("policy", "policy changed"),
        ("opt-out", "contact opted out"),
        ("owner", "conversation taken over"),
    ]
    .into_iter()
    .enumerate()
    {
        let start = i64::try_from(n).unwrap() * 1_000;
        let ticket = w.answered(cause, start).await;
        let now = start + 8;
        let sql = |set: &str| format!("UPDATE conversations SET {set} WHERE thread = '{cause}'");
        match cause {
            "message" => drop(w.file(from_thread(cause, "wait", now)).await),
            "claim" => drop(w.done(now, &ticket, "rui", Change::Claim(at(now + 60))).await),
            "incident" | "incident over" => {
                w.incident(now, true).await;
                if cause == "incident over" {
                    w.incident(now, false).await;
                }
            }
            "policy" => drop(w.store.adopt_policy(&main, "two").await.unwrap()),
            "opt-out" => w.run(&sql("opted_out = 1")).await,
            _ => w.run(&sql("owner = 'queue'")).await,
        }
        assert_eq!(w.claim(now).await.len(), 0, "{cause}: nothing leaves");
        let view = w.view(&ticket).await;
        assert_eq!(
            (&view.outbox[0]["state"], &view.outbox[0]["error"]),
            (&"retired".into(), &why.into())
        );
        let line = view.audit.last().expect("a line");
        assert_eq!((&*line.action, line.cause.as_deref()), ("reply.retired", Some(why)), "{cause}");
        let jobs = w.lease(now + 10, "worker").await;
        assert_eq!(jobs.len(), 1, "{cause}: the customer still waits, so the turn is decided anew");
        w.run("DELETE FROM jobs").await;
        w.incident(now, false).await;
    }
}

async fn an_approved_draft_is_retired_by_a_message_but_an_agents_own_words_are_not(w: &World) {
    let drafted = w.reviewed("ana", 0).await;
    w.decide(10, &drafted, "rui", 1, DraftAction::Approve).await;
    w.file(from_ana("wait", 11)).await;
    assert_eq!(w.claim(12).await.len(), 0, "what was approved answers another question now");
    assert_eq!(outbox_states(&w.view(&drafted).await), ["retired"]);

    let written = w.file_new(from_thread("bia", "m1", 100)).await;
    w.done(101, &written, "rui", Change::Reply(words("Oi, Bia", 101))).await;
    w.file(from_thread("bia", "m2", 102)).await;
    w.incident(103, true).await;
    let rows = w.claim(104).await;
    assert_eq!(rows.len(), 1, "a person's own words stand");
    assert_eq!((&*rows[0].author, &*rows[0].body.text), ("agent", "Oi, Bia"));
}

async fn a_safety_text_passes_everything(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let (job, turn) = w.turn(6).await;
    let mut settlement = w.for_review(job, &turn).await;
    settlement.owner = Some(Owner { kind: OwnerKind::Queue, name: Some("seguranca".to_owned()) });
    settlement.draft = None;
    let mut safety = reply("Ligue 188.");
    safety.kind = ReplyKind::Safety;
    settlement.replies = vec![safety];
    w.settle(7, settlement).await;
    w.file(from_ana("m2", 8)).await;
    w.incident(8, true).await;
    w.run("UPDATE conversations SET opted_out = 1").await;
    let rows = w.claim(9).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].author, &*rows[0].body.text), ("system", "Ligue 188."));
    w.finish(10, &rows[0], DeliveryEnd::Sent).await;
    let (_, turn) = w.turn(60).await;
    assert_eq!((turn.ai_turns, turn.messages.len()), (0, 3), "it is nobody's turn, but is shown");
}

async fn a_sent_row_is_a_message_of_its_conversation(w: &World) {
    let ticket = w.answered("ana", 0).await;
    let rows = w.claim(10).await;
    w.finish(12, &rows[0], DeliveryEnd::Sent).await;
    let view = w.view(&ticket).await;
    assert_eq!((&*view.messages[1].author, &*view.messages[1].text), ("ai", "Olá, Ana."));
    assert_eq!(view.first_response_at, Some(at(12)));
    assert_eq!(outbox_states(&view), ["sent"]);
    w.file(from_ana("m2", 20)).await;
    let (job, turn) = w.turn(26).await;
    assert_eq!(turn.ai_turns, 1);
    let settlement = w.for_sending(job, &turn).await;
    w.settle(27, settlement).await;
    let rows = w.claim(28).await;
    w.finish(30, &rows[0], DeliveryEnd::Sent).await;
    assert_eq!(w.view(&ticket).await.first_response_at, Some(at(12)), "the first stays the first");
    w.done(40, &ticket, "rui", Change::Reply(words("Oi", 40))).await;
    let rows = w.claim(41).await;
    w.finish(42, &rows[0], DeliveryEnd::Sent).await;
    w.file(from_ana("m3", 50)).await;
    let (_, turn) = w.turn(56).await;
    assert_eq!(turn.ai_turns, 0, "a person answered");
    assert_eq!(w.store.check().await.unwrap(), Vec::<String>::new());
}

async fn a_row_that_did_not_surely_arrive_goes_to_people(w: &World) {
    for (n, (end, state)) in [
        (DeliveryEnd::Failed("gone".to_owned()), "failed"),
        (DeliveryEnd::Unknown("timed out".to_owned()), "unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        let start = i64::try_from(n).unwrap() * 100;
        let ticket = w.answered(state, start).await;
        let rows = w.claim(start + 10).await;
        let before = w.view(&ticket).await.version;
        w.finish(start + 11, &rows[0], end).await;
        let view = w.view(&ticket).await;
        assert_eq!(outbox_states(&view), [state]);
        assert_eq!((&*view.row.status, &*view.row.owner), ("escalated", "queue"), "{state}");
        assert_eq!(view.row.queue.as_deref(), Some("suporte"), "{state}");
        assert_eq!((view.messages.len(), view.first_response_at), (1, None), "{state}");
        assert_eq!(view.version, before + 1, "{state}");
        assert_eq!(w.claim(start + 99).await.len(), 0, "{state}: never repeated by itself");
    }
    let counts = w.store.queue_counts(&main_tenant()).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.tickets).sum::<i64>(), 2);
}

async fn a_row_is_not_tried_again_before_its_moment(w: &World) {
    w.answered("ana", 0).await;
    let rows = w.claim(10).await;
    w.finish(11, &rows[0], DeliveryEnd::RetryAt(at(30), "busy".to_owned())).await;
    assert_eq!(w.store.next_outbox_due().await.unwrap(), Some(at(30)));
    assert_eq!(w.claim(29).await.len(), 0);
    let again = w.claim(30).await;
    assert_eq!((&again[0].id, again[0].attempt), (&rows[0].id, 2), "under the same key");
    w.finish(31, &again[0], DeliveryEnd::RetryAt(at(40), "busy".to_owned())).await;
    w.file(from_ana("wait", 35)).await;
    assert_eq!(w.claim(40).await.len(), 0, "compared again before each attempt");
}

async fn an_end_counts_only_while_the_row_is_being_sent(w: &World) {
    let ticket = w.answered("ana", 0).await;
    let rows = w.claim(10).await;
    w.finish(11, &rows[0], DeliveryEnd::Sent).await;
    w.finish(12, &rows[0], DeliveryEnd::Sent).await;
    w.finish(13, &rows[0], DeliveryEnd::Failed("late".to_owned())).await;
    w.finish(14, &rows[0], DeliveryEnd::RetryAt(at(15), "late".to_owned())).await;
    let view = w.view(&ticket).await;
    assert_eq!((outbox_states(&view), view.messages.len()), (vec!["sent"], 2));
    assert_eq!(w.store.read_outbox(&main_tenant(), 0, 10).await.unwrap().len(), 1);
    assert_eq!(w.store.outbox_counts().await.unwrap(), [("sent".to_owned(), 1)]);
}

async fn positions_have_no_gaps_and_are_read_in_order(w: &World) {
    for n in 0..24 {
        w.answered(&format!("t{n}"), n * 20).await;
    }
    let rows = w.claim(1_000).await;
    assert_eq!(rows.len(), 24);
    let other = w.another_store().await;
    let endings = rows.iter().enumerate().map(|(n, row)| {
        let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
        async move {
            let end = match n % 3 {
                0 => DeliveryEnd::Failed("gone".to_owned()),
                _ => DeliveryEnd::Sent,
            };
            let message = MessageId::from_bits(fresh());
            store.finish_outbox(at(1_001), row, end, message).await.unwrap();
        }
    });
    let reader = async {
        // Whoever follows the cursor while rows come to their end must miss none.
        let mut seen = Vec::new();
        while seen.len() < 24 {
            let after = seen.last().copied().unwrap_or(0);
            let rows = w.store.read_outbox(&main_tenant(), after, 5).await.unwrap();
            seen.extend(rows.iter().map(|row| row.position));
            tokio::task::yield_now().await;
        }
        seen
    };
    let (_, seen) = tokio::join!(futures::future::join_all(endings), reader);
    assert_eq!(seen, (1..=24).collect::<Vec<i64>>());
}

async fn rows_that_a_crash_left_are_found(w: &World) {
    w.answered("ana", 0).await;
    assert!(w.store.stranded_outbox().await.unwrap().is_empty());
    let rows = w.claim(10).await;
    let stranded = w.another_store().await.stranded_outbox().await.unwrap();
    assert_eq!(stranded.len(), 1);
    assert_eq!((&stranded[0].id, stranded[0].attempt), (&rows[0].id, 1));
    assert_eq!(w.claim(900).await.len(), 0, "nobody sends them again by themselves");
    w.finish(901, &stranded[0], DeliveryEnd::Unknown("crash".to_owned())).await;
    assert!(w.store.stranded_outbox().await.unwrap().is_empty());
}

async fn rows_of_another_tenant_are_not_read(w: &World) {
    w.answered("ana", 0).await;
    let rows = w.claim(10).await;
    w.finish(11, &rows[0], DeliveryEnd::Sent).await;
    assert!(w.store.read_outbox(&tenant("other"), 0, 10).await.unwrap().is_empty());
    assert!(w.store.read_outbox(&main_tenant(), 1, 10).await.unwrap().is_empty());
    let read = w.store.read_outbox(&main_tenant(), 0, 10).await.unwrap();
    assert_eq!((read[0].position, &*read[0].state, &*read[0].body.text), (1, "sent", "Olá, Ana."));
}

async fn what_leaves_by_a_mailbox_is_claimed_by_itself(w: &World) {
    for (n, thread) in ["ana", "bia", "caio"].into_iter().enumerate() {
        w.answered(thread, i64::try_from(n).unwrap() * 20).await;
    }
    w.run("UPDATE outbox SET channel = 'email', account = 'sac@loja.example' WHERE conversation_id IN \
           (SELECT id FROM conversations WHERE thread IN ('ana', 'bia'))")
        .await;
    let main = main_tenant();
    let post = Lane::of(&main, "sac@loja.example");
    let others = Lane::besides([(&main, "sac@loja.example")].into_iter());
    let due = |lane: &Lane| {
        let lane = lane.clone();
        async move { w.store.next_due_in(&lane).await.unwrap() }
    };
    let claim = |lane: &Lane, max: u32| {
        let lane = lane.clone();
        async move { w.store.claim_lane(at(100), lane, max).await.unwrap() }
    };
    let elsewhere = Lane::of(&tenant("other"), "sac@loja.example");
    assert_eq!((due(&elsewhere).await, claim(&elsewhere, 9).await.len()), (None, 0));
    let first = claim(&post, 1).await;
    assert_eq!(first.len(), 1);
    let conversation = first[0].conversation.clone();
    assert!(due(&post).await.is_some());
    // Another row of a conversation that has one on its way waits for it.
    w.run("UPDATE outbox SET conversation_id = (SELECT conversation_id FROM outbox WHERE state = 'sending') \
           WHERE channel = 'email' AND state = 'queued'")
        .await;
    assert_eq!((due(&post).await, claim(&post, 9).await.len()), (None, 0));
    let other = claim(&others, 9).await;
    assert_eq!(other.len(), 1);
    assert_ne!(other[0].conversation, conversation);
    assert_eq!((due(&others).await, claim(&others, 9).await.len()), (None, 0));
    w.finish(101, &first[0], DeliveryEnd::RetryAt(at(200), "busy".to_owned())).await;
    assert!(due(&post).await.is_some(), "whatever else is due there may leave now");
}
