//! Messages become conversations and tickets, each once.

use atende::adapters::store::{Change, Lease, Recorded, TurnWindow};
use atende::domain::channel::Channel;
use atende::domain::ids::TicketId;
use atende::domain::message::{Contact, InboundMessage};
use atende::domain::ticket::TicketStatus;
use chrono::Duration;

use super::world::{World, at, from_ana, from_thread, intake, main_tenant, on_both, tenant};

on_both! {
    a_message_opens_a_ticket_and_its_copy_does_nothing,
    the_same_external_id_elsewhere_is_another_message,
    messages_of_one_thread_share_a_ticket_and_numbers_run_per_tenant,
    a_turn_ends_six_seconds_after_the_last_message_and_forty_five_after_the_first,
    a_new_message_brings_a_dead_job_back_to_life,
    a_message_to_a_closed_ticket_opens_a_linked_one,
    a_solved_ticket_stays_solved_until_its_turn_is_decided,
    a_batch_is_filed_whole_or_not_at_all,
    two_workers_that_meet_a_new_conversation_open_it_once,
    the_same_message_from_two_workers_is_filed_once,
    closing_and_writing_at_once_never_buries_the_message,
    a_contact_gathers_what_each_message_tells,
    a_message_of_nul_bytes_and_odd_letters_is_kept_or_refused_whole,
}

async fn a_message_opens_a_ticket_and_its_copy_does_nothing(w: &World) {
    let message = from_ana("m1", 0);
    let ticket = w.file_new(message.clone()).await;
    assert_eq!(ticket, message.ticket_id, "the ticket has the id that the sender was told");
    let before = w.view(&ticket).await;
    let copy = InboundMessage { text: "other words".to_owned(), ..from_ana("m1", 5) };
    assert_eq!(w.file(copy).await, Recorded::Duplicate);
    let after = w.view(&ticket).await;
    assert_eq!(after.messages.len(), 1);
    assert_eq!((after.version, &*after.messages[0].text), (before.version, "m1"));
    assert_eq!(w.store.next_due("message").await.unwrap(), Some(at(6)), "the copy moved no window");
}

async fn the_same_external_id_elsewhere_is_another_message(w: &World) {
    let here = from_ana("m1", 0);
    w.file_new(here.clone()).await;
    for (case, other) in [
        ("another tenant", InboundMessage { tenant: tenant("other"), ..from_ana("m1", 0) }),
        ("another account", InboundMessage { account: "filial".to_owned(), ..from_ana("m1", 0) }),
        ("another channel", InboundMessage { channel: Channel::Api, ..from_ana("m1", 0) }),
    ] {
        let ticket = other.ticket_id.clone();
        assert_eq!(w.file(other).await, Recorded::New(ticket), "{case}");
    }
    assert_eq!(w.number("SELECT COUNT(*) FROM conversations").await, 4);
}

async fn messages_of_one_thread_share_a_ticket_and_numbers_run_per_tenant(w: &World) {
    let ana = w.file_new(from_ana("m1", 0)).await;
    assert_eq!(w.file(from_ana("m2", 1)).await, Recorded::New(ana.clone()));
    let bia = w.file_new(from_thread("bia", "m3", 2)).await;
    let other = InboundMessage { tenant: tenant("other"), ..from_ana("m4", 3) };
    let elsewhere = w.file_new(other).await;
    let view = w.view(&ana).await;
    assert_eq!(view.version, 2, "each message raises the version");
    let texts: Vec<&str> = view.messages.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["m1", "m2"], "in the order of filing");
    assert!(view.row.number.starts_with("1-"));
    assert!(w.view(&bia).await.row.number.starts_with("2-"));
    let view = w.store.ticket(&tenant("other"), &elsewhere).await.unwrap().unwrap();
    assert!(view.row.number.starts_with("1-"));
}

async fn a_turn_ends_six_seconds_after_the_last_message_and_forty_five_after_the_first(w: &World) {
    let mut due = Vec::new();
    for sent in (0..=50).step_by(5) {
        w.file(from_ana(&format!("m{sent}"), sent)).await;
        due.push(w.store.next_due("message").await.unwrap().unwrap());
    }
    let expected: Vec<_> = (0..=50).step_by(5).map(|sent| at((sent + 6).min(45))).collect();
    assert_eq!(due, expected);
    assert_eq!(w.lease(44, "early").await.len(), 0);
    assert_eq!(w.lease(45, "due").await.len(), 1, "one job for the whole burst");
}

async fn a_new_message_brings_a_dead_job_back_to_life(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let (job, _) = w.turn(6).await;
    w.store.bury_job(&job, "gave up").await.unwrap();
    assert!(w.lease(1_000, "grave").await.is_empty(), "a dead job is leased by nobody");
    assert_eq!(
        w.store.job_counts().await.unwrap(),
        [("message".to_owned(), "dead".to_owned(), 1)],
        "and stays visible"
    );
    w.file(from_ana("m2", 2_000)).await;
    assert!(w.lease(2_005, "early").await.is_empty(), "a window of its own");
    let jobs = w.lease(2_006, "again").await;
    assert_eq!((jobs.len(), jobs[0].attempt), (1, 1), "attempts start anew");
}

async fn a_message_to_a_closed_ticket_opens_a_linked_one(w: &World) {
    let first = w.reviewed("ana", 0).await;
    w.done(20, &first, "rui", Change::Claim(at(600))).await;
    w.done(21, &first, "rui", Change::Status(TicketStatus::Closed)).await;
    let second = w.file_new(from_ana("m2", 100)).await;
    assert_ne!(first, second);
    let view = w.view(&second).await;
    assert_eq!(view.parent_id.as_deref(), Some(first.as_str()));
    assert_eq!((&*view.row.status, &*view.row.owner), ("new", "ai"), "nobody holds the new ticket");
    assert_eq!(w.view(&first).await.row.status, "closed");
    let (_, turn) = w.turn(200).await;
    assert_eq!(turn.ticket, second);
    assert_eq!(turn.messages.len(), 2, "the conversation goes on");
}

async fn a_solved_ticket_stays_solved_until_its_turn_is_decided(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.done(20, &ticket, "rui", Change::Status(TicketStatus::Solved)).await;
    assert_eq!(w.file(from_ana("obrigada", 100)).await, Recorded::New(ticket.clone()));
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, view.solved_at), ("solved", Some(at(20))));
    let (job, turn) = w.turn(106).await;
    assert_eq!(turn.status, TicketStatus::Solved);
    let settlement = w.for_review(job, &turn).await;
    w.settle(107, settlement).await;
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.status, view.solved_at), ("open", None));
}

async fn a_batch_is_filed_whole_or_not_at_all(w: &World) {
    w.file(from_ana("m1", 0)).await;
    let broken = InboundMessage { id: from_ana("x", 0).id, ..from_thread("eva", "m3", 1) };
    // The second message has the ticket id of the first of its batch: it cannot be written.
    let good = from_thread("bia", "m2", 1);
    let broken = InboundMessage { ticket_id: good.ticket_id.clone(), ..broken };
    let batch = vec![intake(good), intake(broken)];
    w.store.record_inbound(at(1), batch).await.expect_err("the batch cannot be filed");
    assert_eq!(w.number("SELECT COUNT(*) FROM messages").await, 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM conversations").await, 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM jobs").await, 1);
    w.file_new(from_thread("bia", "m2", 2)).await;
    assert_eq!(w.number("SELECT MAX(number) FROM tickets").await, 2, "no number was lost");
}

/// Files until it succeeds, as the worker does with an error that it may try again.
async fn file_patiently(
    store: &atende::adapters::store::Store,
    message: InboundMessage,
) -> Recorded {
    for _ in 0..20 {
        let batch = vec![intake(message.clone())];
        match store.record_inbound(message.received_at, batch).await {
            Ok(mut recorded) => return recorded.remove(0),
            Err(error) => {
                assert_eq!(error.kind(), atende::ports::PortErrorKind::Transient, "{error:?}");
            }
        }
    }
    panic!("twenty tries were not enough");
}

async fn two_workers_that_meet_a_new_conversation_open_it_once(w: &World) {
    let other = w.another_store().await;
    for round in 0..20 {
        let thread = format!("novo-{round}");
        let filings = (0..8).map(|n| {
            let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
            let message = from_thread(&thread, &format!("{thread}-{n}"), 0);
            async move { file_patiently(&store, message).await }
        });
        let recorded = futures::future::join_all(filings).await;
        assert!(recorded.iter().all(|one| *one == recorded[0]), "one ticket: {recorded:?}");
    }
    assert_eq!(w.number("SELECT COUNT(*) FROM conversations").await, 20);
    assert_eq!(w.number("SELECT COUNT(*) FROM messages").await, 160);
    assert_eq!(w.number("SELECT MIN(version) FROM conversations").await, 8);
    assert_eq!(w.number("SELECT COUNT(*) FROM jobs").await, 20);
    assert_eq!(w.number("SELECT MAX(number) FROM tickets").await, 20);
}

async fn the_same_message_from_two_workers_is_filed_once(w: &World) {
    let other = w.another_store().await;
    for round in 0..20 {
        let external = format!("m{round}");
        let filings = (0..6).map(|n| {
            let store = if n % 2 == 0 { w.store.clone() } else { other.clone() };
            let message = from_ana(&external, 0);
            async move { file_patiently(&store, message).await }
        });
        let recorded = futures::future::join_all(filings).await;
        let new = recorded.iter().filter(|one| **one != Recorded::Duplicate).count();
        assert_eq!(new, 1, "{recorded:?}");
    }
    assert_eq!(w.number("SELECT COUNT(*) FROM messages").await, 20);
}

async fn closing_and_writing_at_once_never_buries_the_message(w: &World) {
    for round in 0..20 {
        let thread = format!("t{round}");
        let first = w.file_new(from_thread(&thread, &format!("{thread}-a"), 0)).await;
        let message = from_thread(&thread, &format!("{thread}-b"), 1);
        let close = w.act(1, &first, "rui", Change::Status(TicketStatus::Closed));
        let (_, recorded) = tokio::join!(close, file_patiently(&w.store, message));
        let Recorded::New(ticket) = recorded else { panic!("filed before") };
        // Either the message came first and was there when the agent closed the ticket, or it opened
        // another: what it never may do is land on a ticket that was closed already.
        let view = w.view(&ticket).await;
        let closed_over = view.audit.iter().any(|line| line.action == "ticket.status");
        let version =
            w.number(&format!("SELECT version FROM conversations WHERE thread = '{thread}'")).await;
        assert_eq!(version, 3, "all three changes are counted");
        if ticket == first {
            assert!(closed_over);
            let last: i64 = w
                .number(&format!(
                    "SELECT COUNT(*) FROM tickets WHERE id = '{first}' AND status = 'closed'"
                ))
                .await;
            assert_eq!(last, 1);
        } else {
            assert_eq!(view.row.status, "new");
        }
    }
}

async fn a_contact_gathers_what_each_message_tells(w: &World) {
    let ticket: TicketId = w.file_new(from_ana("m1", 0)).await;
    let contact = Contact { email: Some("ana@exemplo.com".to_owned()), ..Contact::default() };
    w.file(InboundMessage { contact, ..from_ana("m2", 1) }).await;
    let view = w.view(&ticket).await;
    assert_eq!(view.contact["name"], "Ana");
    assert_eq!(view.contact["email"], "ana@exemplo.com");
}

async fn a_message_of_nul_bytes_and_odd_letters_is_kept_or_refused_whole(w: &World) {
    let window = TurnWindow { after_last: Duration::zero(), at_most: Duration::zero() };
    for (n, text) in ["", " \n\t", "🙂", "\u{202e}شكرا", "Z̸̡͝a̵lgo", "a\0b", &"x".repeat(1 << 20)]
        .into_iter()
        .enumerate()
    {
        let message = InboundMessage {
            text: text.to_owned(),
            ..from_thread(&format!("t{n}"), &format!("m{n}"), 0)
        };
        let ticket = message.ticket_id.clone();
        let one = atende::adapters::store::Intake { window, ..intake(message) };
        let recorded = w.store.record_inbound(at(0), vec![one]).await.unwrap();
        assert_eq!(recorded, [Recorded::New(ticket.clone())], "text {n}");
        let kept = w.view(&ticket).await.messages.remove(0).text;
        // PostgreSQL cannot hold a NUL in text; the sign for it stands in its place on both.
        assert_eq!(kept, text.replace('\0', "\u{2400}"), "text {n}");
    }
    let jobs =
        w.store.lease_jobs("message", at(0), at(60), 100, Lease("l".to_owned())).await.unwrap();
    assert_eq!(jobs.len(), 7);
    assert!(w.store.ticket(&main_tenant(), &TicketId::from_stored("a\0b")).await.is_ok());
}
