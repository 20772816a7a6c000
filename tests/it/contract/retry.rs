//! Replies that did not arrive and are sent again, and the course of a customer's mood.

use atende::adapters::store::{Change, DeliveryEnd, Refused, Retried, Retry, Settled, id_again};
use atende::domain::ids::{OutboxId, TicketId};
use atende::domain::labels::Sentiment;

use super::world::{World, agent, at, from_thread, main_tenant, on_both, tenant, words};

on_both! {
    a_failed_reply_is_sent_again_once,
    a_reply_in_doubt_is_sent_again_only_by_whoever_knows,
    what_forbids_a_reply_forbids_it_twice,
    what_did_not_fail_is_not_sent_again,
    moods_are_of_the_latest_turns_oldest_first,
}

/// A ticket with a reply in the agent's words that ended so.
async fn ended(w: &World, thread: &str, start: i64, end: DeliveryEnd) -> (TicketId, OutboxId) {
    let ticket = w.reviewed(thread, start).await;
    let reply = words("Segue a segunda via.", start + 10);
    let id = reply.id.clone();
    w.done(start + 10, &ticket, "rui", Change::Reply(reply)).await;
    let row = w.claim(start + 10).await.remove(0);
    w.finish(start + 11, &row, end).await;
    (ticket, id)
}

async fn again(
    w: &World,
    now: i64,
    of: (&TicketId, &OutboxId),
    (who, sure): (&str, bool),
) -> Retried {
    let retry =
        Retry { failed: of.1.clone(), sure, hold_until: at(now + 600), leaves_at: at(now + 10) };
    w.store.retry_reply(at(now), (&main_tenant(), of.0), agent(who), retry).await.unwrap()
}

async fn a_failed_reply_is_sent_again_once(w: &World) {
    let (ticket, id) = ended(w, "ana", 0, DeliveryEnd::Failed("no route".to_owned())).await;
    let new = OutboxId::from_stored(id_again(id.as_str()));
    let of = (&ticket, &id);
    assert_eq!(again(w, 20, of, ("rui", false)).await, Retried::Queued(new.clone()));
    assert_eq!(again(w, 21, of, ("rui", true)).await, Retried::Repeated, "once");
    assert!(w.claim(29).await.is_empty(), "it can be called back until then");
    let rows = w.claim(30).await;
    assert_eq!((rows.len(), &rows[0].id, &*rows[0].body.text), (1, &new, "Segue a segunda via."));
    let view = w.view(&ticket).await;
    let line = view.audit.iter().find(|line| line.action == "reply.retried").expect("a line");
    assert_eq!(
        (&*line.actor, &line.before["outbox"], &line.after["outbox"]),
        ("agent:rui", &id.as_str().into(), &new.as_str().into())
    );
    assert_eq!((&*view.row.status, view.row.assignee.as_deref()), ("pending", Some("rui")));
    w.finish(31, &rows[0], DeliveryEnd::Failed("no route".to_owned())).await;
    let third = OutboxId::from_stored(id_again(new.as_str()));
    assert_eq!(again(w, 40, (&ticket, &new), ("rui", false)).await, Retried::Queued(third));
}

async fn a_reply_in_doubt_is_sent_again_only_by_whoever_knows(w: &World) {
    let (ticket, id) = ended(w, "ana", 0, DeliveryEnd::Unknown("cut off".to_owned())).await;
    assert_eq!(again(w, 20, (&ticket, &id), ("rui", false)).await, Retried::Doubtful);
    assert!(w.claim(100).await.is_empty(), "nothing was written");
    let sent = again(w, 20, (&ticket, &id), ("rui", true)).await;
    assert!(matches!(sent, Retried::Queued(_)), "{sent:?}");
}

async fn what_forbids_a_reply_forbids_it_twice(w: &World) {
    let failed = || DeliveryEnd::Failed("no route".to_owned());
    let (ticket, id) = ended(w, "ana", 0, failed()).await;
    let held = again(w, 20, (&ticket, &id), ("bia", false)).await;
    assert!(matches!(held, Retried::Refused(Refused::HeldBy(..))), "{held:?}");
    w.run("UPDATE conversations SET opted_out = 1").await;
    let refused = again(w, 20, (&ticket, &id), ("rui", false)).await;
    assert_eq!(refused, Retried::Refused(Refused::OptedOut));
    w.run("UPDATE conversations SET opted_out = 0").await;
    w.run(
        "INSERT INTO contact_marks (tenant, kind, value, mark, standing, reason, at) \
         SELECT tenant, 'network', thread, 'unreachable', 1, '131026', 5 FROM conversations",
    )
    .await;
    w.run("UPDATE conversations SET channel = 'whatsapp'").await;
    let refused = again(w, 20, (&ticket, &id), ("rui", false)).await;
    assert!(matches!(refused, Retried::Unreachable(_)), "{refused:?}");
    w.run("UPDATE contact_marks SET standing = 0").await;
    w.run("UPDATE tickets SET status = 'closed'").await;
    let refused = again(w, 20, (&ticket, &id), ("rui", false)).await;
    assert_eq!(refused, Retried::Refused(Refused::Closed));
    assert!(w.claim(100).await.is_empty());
}

async fn what_did_not_fail_is_not_sent_again(w: &World) {
    let (ticket, id) = ended(w, "ana", 0, DeliveryEnd::Sent).await;
    assert_eq!(again(w, 20, (&ticket, &id), ("rui", true)).await, Retried::NotFailed);
    let nothing = OutboxId::from_stored("out_nothing");
    assert_eq!(again(w, 20, (&ticket, &nothing), ("rui", true)).await, Retried::NotFound);
    let failed = DeliveryEnd::Failed("no route".to_owned());
    let (other, lost) = ended(w, "bia", 100, failed).await;
    assert_eq!(again(w, 120, (&ticket, &lost), ("rui", true)).await, Retried::NotFound);
    let retry = Retry { failed: lost, sure: true, hold_until: at(900), leaves_at: at(130) };
    let elsewhere =
        w.store.retry_reply(at(120), (&tenant("other"), &other), agent("rui"), retry).await;
    assert_eq!(elsewhere.unwrap(), Retried::NotFound);
}

async fn moods_are_of_the_latest_turns_oldest_first(w: &World) {
    let mut last = None;
    for (n, mood) in (0_i64..).zip(["neutral"; 12].into_iter().chain(["negative", "angry"])) {
        let ticket = w.file_new(from_thread("ana", &format!("ana-{n}"), n * 100)).await;
        let (job, turn) = w.turn(n * 100 + 6).await;
        let mut settlement = w.for_review(job, &turn).await;
        settlement.record =
            format!("{{\"understood\":{{\"sentiment\":{{\"value\":\"{mood}\"}}}}}}");
        assert_eq!(w.settle(n * 100 + 7, settlement).await, Settled::Done);
        last = Some(ticket);
    }
    let ticket = last.unwrap();
    let ids = [ticket.as_str()];
    let moods = w.store.moods(&main_tenant(), &ids).await.unwrap();
    assert_eq!(moods.len(), 12);
    assert_eq!(moods[10..], [Sentiment::Negative, Sentiment::Angry]);
    assert!(w.store.moods(&tenant("other"), &ids).await.unwrap().is_empty());
    assert!(w.store.moods(&main_tenant(), &[]).await.unwrap().is_empty());
}
