//! Jobs under leases, and turns settled once or not at all.

use std::collections::BTreeSet;

use atende::adapters::store::{Change, Lease, Owner, Settled};
use atende::domain::ids::DecisionId;
use atende::domain::ticket::OwnerKind;

use super::world::{World, at, draft, fresh, from_ana, from_thread, main_tenant, on_both, reply};

on_both! {
    one_job_is_leased_to_one_of_eight_workers,
    no_more_jobs_are_leased_than_asked_for,
    a_lapsed_lease_is_anybodys_and_every_lease_counts_an_attempt,
    a_lease_that_is_extended_does_not_lapse_and_a_lost_one_cannot_be_extended,
    a_starting_worker_takes_all_leases_back,
    a_retried_job_waits_for_its_moment,
    a_settled_turn_is_on_its_ticket,
    an_overtaken_turn_goes_back_without_counting_the_attempt,
    a_lost_lease_settles_nothing,
    a_settlement_that_fails_writes_nothing,
    a_message_keeps_its_first_decision,
    a_long_burst_is_read_and_decided_whole,
    a_turn_shows_the_customers_other_tickets,
    an_escalation_is_counted_and_named,
    a_buried_turn_is_settled_and_its_job_stays_where_people_see_it,
}

async fn one_job_is_leased_to_one_of_eight_workers(w: &World) {
    for n in 0..60 {
        w.file(from_thread(&format!("t{n}"), &format!("m{n}"), 0)).await;
    }
    let other = w.another_store().await;
    let workers = (0..8).map(|n| {
        let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
        async move {
            let mut mine = Vec::new();
            loop {
                let lease = Lease(format!("worker-{n}"));
                let jobs = store.lease_jobs("message", at(60), at(120), 3, lease).await.unwrap();
                if jobs.is_empty() {
                    return mine;
                }
                assert!(jobs.len() <= 3, "never more than asked for");
                mine.extend(jobs.into_iter().map(|job| job.id));
            }
        }
    });
    let all: Vec<_> = futures::future::join_all(workers).await.into_iter().flatten().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no job twice");
    // Rows that another worker locked are passed over, so that a last look may find what is left.
    let rest = w.lease(60, "rest").await.len();
    assert_eq!(all.len() + rest, 60, "every job once");
    assert_eq!(w.number("SELECT MAX(attempts) FROM jobs").await, 1);
}

async fn no_more_jobs_are_leased_than_asked_for(w: &World) {
    for n in 0..10 {
        w.file(from_thread(&format!("t{n}"), &format!("m{n}"), n)).await;
    }
    let lease = |max| w.store.lease_jobs("message", at(60), at(120), max, Lease("l".to_owned()));
    assert_eq!(lease(0).await.unwrap().len(), 0);
    assert_eq!(lease(4).await.unwrap().len(), 4);
    assert_eq!(lease(100).await.unwrap().len(), 6);
    let nothing = w.store.lease_jobs("deliver", at(60), at(120), 9, Lease("l".to_owned())).await;
    assert_eq!(nothing.unwrap().len(), 0, "queues are apart");
}

async fn a_lapsed_lease_is_anybodys_and_every_lease_counts_an_attempt(w: &World) {
    w.file(from_ana("m1", 0)).await;
    for (attempt, now) in [(1, 6), (2, 66), (3, 126)] {
        assert_eq!(w.lease(now - 1, "early").await.len(), 0, "{now}");
        let jobs = w.lease(now, "worker").await;
        assert_eq!(jobs.iter().map(|job| job.attempt).collect::<Vec<_>>(), [attempt]);
        assert_eq!(w.store.next_due("message").await.unwrap(), Some(at(now + 60)));
    }
}

async fn a_lease_that_is_extended_does_not_lapse_and_a_lost_one_cannot_be_extended(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let (job, _) = w.turn(6).await;
    let ids = [job.id.clone()];
    w.store.extend_leases(&ids, &job.lease, at(100)).await.unwrap();
    assert_eq!(w.lease(99, "other").await.len(), 0);
    assert_eq!(w.lease(100, "other").await.len(), 1);
    w.store.extend_leases(&ids, &job.lease, at(900)).await.unwrap();
    assert_eq!(w.lease(160, "third").await.len(), 1, "the lost lease moved nothing");
}

async fn a_starting_worker_takes_all_leases_back(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let (lost, turn) = w.turn(6).await;
    assert_eq!(w.store.take_back_leases().await.unwrap(), 1);
    let jobs = w.lease(6, "restarted").await;
    assert_eq!(jobs[0].attempt, 2, "the attempt that ended in a crash is counted");
    let settlement = w.for_review(lost, &turn).await;
    assert_eq!(w.settle(7, settlement).await, Settled::LostLease);
    assert_eq!(w.store.take_back_leases().await.unwrap(), 1);
    assert_eq!(w.store.take_back_leases().await.unwrap(), 0);
}

async fn a_retried_job_waits_for_its_moment(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let (job, _) = w.turn(6).await;
    w.store.retry_job(&job, at(30), "model away").await.unwrap();
    assert_eq!(w.lease(29, "early").await.len(), 0);
    assert_eq!(w.store.next_due("message").await.unwrap(), Some(at(30)));
    let jobs = w.lease(30, "worker").await;
    assert_eq!(jobs[0].attempt, 2);
    w.store.retry_job(&job, at(31), "stale caller").await.unwrap();
    assert_eq!(w.lease(31, "other").await.len(), 0, "the first lease is lost and moves nothing");
}

async fn a_settled_turn_is_on_its_ticket(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, &*view.row.owner), ("open", "review"));
    assert_eq!(view.row.category.as_deref(), Some("billing"));
    assert_eq!(
        (view.row.queue.as_deref(), view.row.level.as_deref()),
        (Some("suporte"), Some("L1"))
    );
    assert_eq!((view.drafts.len(), view.drafts[0].version), (1, 1));
    assert!(view.messages[0].decision_id.is_some());
    let actions: Vec<&str> = view.audit.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["ticket.opened", "turn.decided"]);
    assert_eq!(view.audit[1].cause.as_deref(), Some("E1.test"));
    assert_eq!(w.store.job_counts().await.unwrap(), [], "the job is done");
}

async fn an_overtaken_turn_goes_back_without_counting_the_attempt(w: &World) {
    let main = main_tenant();
    w.store.adopt_policy(&main, "one").await.unwrap();
    for cause in ["message", "claim", "incident", "policy"] {
        let ticket = w.file_new(from_thread(cause, cause, 0)).await;
        let (job, turn) = w.turn(6).await;
        let settlement = w.for_sending(job, &turn).await;
        match cause {
            "message" => {
                w.file(from_thread(cause, "wait", 7)).await;
            }
            "claim" => {
                w.done(7, &ticket, "rui", Change::Claim(at(600))).await;
            }
            "incident" => {
                w.incident(7, true).await;
            }
            _ => {
                w.store.adopt_policy(&main, "two").await.unwrap();
            }
        }
        assert_eq!(w.settle(8, settlement).await, Settled::Stale, "{cause}");
        assert_eq!(w.number("SELECT COUNT(*) FROM decisions").await, 0, "{cause}");
        assert_eq!(w.number("SELECT COUNT(*) FROM outbox").await, 0, "{cause}");
        let (job, turn) = w.turn(13).await;
        assert_eq!(job.attempt, 1, "{cause}: being overtaken is no failed attempt");
        let again = w.for_review(job, &turn).await;
        assert_eq!(w.settle(14, again).await, Settled::Done, "{cause}");
        w.run("UPDATE messages SET decision_id = NULL").await;
        w.run("DELETE FROM decisions").await;
    }
}

async fn a_lost_lease_settles_nothing(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let (slow, turn) = w.turn(6).await;
    let (fast, _) = w.turn(66).await;
    let settlement = w.for_sending(slow.clone(), &turn).await;
    assert_eq!(w.settle(67, settlement).await, Settled::LostLease);
    assert_eq!(w.view(&ticket).await.row.status, "new");
    let settlement = w.for_review(fast, &turn).await;
    assert_eq!(w.settle(68, settlement).await, Settled::Done);
    let settlement = w.for_sending(slow, &turn).await;
    assert_eq!(w.settle(69, settlement).await, Settled::LostLease, "the job is gone");
    assert_eq!(w.number("SELECT COUNT(*) FROM decisions").await, 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM outbox").await, 0);
}

async fn a_settlement_that_fails_writes_nothing(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let (job, turn) = w.turn(6).await;
    let mut settlement = w.for_sending(job, &turn).await;
    // The second reply has the key of the first: the last write of all fails.
    let twin = settlement.replies[0].clone();
    settlement.replies.push(twin);
    let again = settlement.clone();
    w.store.settle(at(7), settlement).await.expect_err("two rows of one id");
    for table in ["decisions", "drafts", "outbox"] {
        assert_eq!(w.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, view.messages[0].decision_id.as_ref()), ("new", None));
    let fixed = atende::adapters::store::Settlement { replies: vec![reply("Olá")], ..again };
    assert_eq!(w.settle(8, fixed).await, Settled::Done, "the lease still stands");
}

async fn a_message_keeps_its_first_decision(w: &World) {
    let ticket = w.answered("ana", 0).await;
    let first = w.view(&ticket).await.messages[0].decision_id.clone().expect("decided");
    // An incident retires the reply; the turn is decided anew and covers the same message.
    w.incident(8, true).await;
    assert!(w.claim(9).await.is_empty());
    let (job, turn) = w.turn(10).await;
    assert!(turn.messages[0].decided);
    let mut settlement = w.for_review(job, &turn).await;
    settlement.covered = vec![turn.messages[0].id.clone()];
    let second: DecisionId = settlement.decision.clone();
    assert_eq!(w.settle(11, settlement).await, Settled::Done);
    let view = w.view(&ticket).await;
    assert_eq!(view.messages[0].decision_id, Some(first));
    let on_ticket = format!("SELECT COUNT(*) FROM tickets WHERE decision_id = '{second}'");
    assert_eq!(w.number(&on_ticket).await, 1, "the ticket shows the later decision");
}

async fn a_long_burst_is_read_and_decided_whole(w: &World) {
    for n in 0..150 {
        w.file(from_ana(&format!("m{n}"), n / 10)).await;
    }
    let (job, turn) = w.turn(60).await;
    assert_eq!(turn.messages.len(), 150);
    assert_eq!((&*turn.messages[0].text, &*turn.messages[149].text), ("m0", "m149"));
    let settlement = w.for_review(job, &turn).await;
    w.settle(61, settlement).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM messages WHERE decision_id IS NULL").await, 0);
    w.file(from_ana("later", 100)).await;
    let (_, turn) = w.turn(106).await;
    assert_eq!(turn.messages.len(), 60, "of what was decided only the latest is read again");
    assert_eq!(turn.messages.iter().filter(|message| !message.decided).count(), 1);
}

async fn a_turn_shows_the_customers_other_tickets(w: &World) {
    use atende::adapters::store::CustomerUpsert;
    use atende::domain::customer::CustomerProfile;
    use atende::domain::ids::CustomerId;
    use atende::domain::message::{Contact, InboundMessage};
    let customer = CustomerUpsert {
        id: CustomerId::from_bits(fresh()),
        reference: "c1".to_owned(),
        profile: CustomerProfile { plan: Some("pro".to_owned()), ..CustomerProfile::default() },
    };
    w.store.put_customers(at(0), &main_tenant(), vec![customer]).await.unwrap();
    let known = Contact { reference: Some("c1".to_owned()), ..Contact::default() };
    let message = |thread: &str, sent| InboundMessage {
        contact: known.clone(),
        ..from_thread(thread, &format!("{thread}-{sent}"), sent)
    };
    // The first message does not say who writes; the second does.
    w.file(from_thread("a", "anonymous", 0)).await;
    w.file(message("a", 1)).await;
    let (job, turn) = w.turn(10).await;
    assert_eq!(turn.recent, [], "its own ticket is not another one");
    assert_eq!(turn.profile.clone().unwrap().plan.as_deref(), Some("pro"));
    let settlement = w.for_review(job, &turn).await;
    w.settle(11, settlement).await;
    w.file(message("b", 20)).await;
    let (_, turn) = w.turn(30).await;
    assert_eq!(turn.recent, [(Some("billing".to_owned()), true)]);
    let month = 31 * 24 * 3600;
    w.file(message("c", month)).await;
    let jobs = w.lease(month + 6, "l").await;
    let mut recent = Vec::new();
    for job in &jobs {
        recent.push(w.load(month + 6, &job.conversation).await.recent);
    }
    assert!(recent.contains(&Vec::new()), "older than thirty days is left out: {recent:?}");
}

async fn an_escalation_is_counted_and_named(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let (job, turn) = w.turn(6).await;
    let mut settlement = w.for_review(job, &turn).await;
    settlement.action = atende::domain::decision::Action::Escalate;
    settlement.status = atende::domain::ticket::TicketStatus::Escalated;
    settlement.queue = Some("juridico".to_owned());
    settlement.owner = Some(Owner { kind: OwnerKind::Queue, name: Some("juridico".to_owned()) });
    settlement.draft = Some(draft("rascunho"));
    w.settle(7, settlement).await;
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, &*view.row.owner), ("escalated", "queue"));
    let counted = "SELECT escalations FROM tickets WHERE escalated_to = 'juridico'";
    assert_eq!(w.number(counted).await, 1);
    w.done(10, &ticket, "rui", Change::Claim(at(600))).await;
    let view = w.view(&ticket).await;
    assert_eq!(view.row.status, "open", "claiming acknowledges the escalation");
}

async fn a_buried_turn_is_settled_and_its_job_stays_where_people_see_it(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let (job, turn) = w.turn(6).await;
    let mut settlement = w.for_review(job, &turn).await;
    settlement.bury = Some("eight attempts failed".to_owned());
    assert_eq!(w.settle(7, settlement.clone()).await, Settled::Done);
    assert_eq!(w.settle(8, settlement).await, Settled::LostLease, "only once");
    let dead = [("message".to_owned(), "dead".to_owned(), 1)];
    assert_eq!(w.store.job_counts().await.unwrap(), dead);
    assert!(w.view(&ticket).await.messages[0].decision_id.is_some());
    w.file(from_ana("m2", 100)).await;
    let (job, _) = w.turn(106).await;
    assert_eq!(job.attempt, 1, "a new message is a new try");
}
