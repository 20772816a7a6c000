//! Files of messages, on both databases: taken by one worker at a time, ended once, removed with their sender.

use atende::adapters::store::{DueFile, Lease, LeasedJob, Retention, Settled, ToDo, Whole};
use atende::domain::attachment::{Attachment, AttachmentKind, AttachmentState, Source};
use atende::domain::ids::{AttachmentId, TicketId};
use atende::domain::message::{InboundMessage, MessageFlags};
use chrono::{DateTime, Duration, Utc};

use super::world::{World, at, fresh, from_ana, main_tenant, on_both, tenant};

on_both! {
    a_file_is_taken_by_one_worker_at_a_time,
    a_file_that_nobody_wants_any_more_is_not_noted,
    a_turn_waits_for_words_for_so_long_and_no_longer,
    words_take_the_place_of_a_recording,
    late_words_are_decided_about_only_while_nobody_answered,
    erased_files_are_looked_at_once_more,
}

const MINUTE: Duration = Duration::seconds(60);

fn attachment(kind: AttachmentKind) -> Attachment {
    Attachment {
        id: AttachmentId::from_bits(fresh()),
        kind,
        name: Some("rg.pdf\0".to_owned()),
        mime: Some("audio/ogg".to_owned()),
        size: None,
        source: Source::Whatsapp { media: "7".to_owned(), number: "1".to_owned(), sha256: None },
    }
}

fn with(kind: AttachmentKind, external: &str) -> InboundMessage {
    InboundMessage {
        text: String::new(),
        flags: MessageFlags { automatic: false, media: true, held: false },
        attachments: vec![attachment(kind)],
        ..from_ana(external, 0)
    }
}

fn whole() -> Whole {
    Whole { size: 3, sha256: [7; 32], sniffed: Some("audio/ogg"), words: true }
}

async fn claimed(w: &World, now: DateTime<Utc>) -> Option<DueFile> {
    w.store.claim_file(now, now + MINUTE * 6).await.unwrap()
}

/// A voice note that came whole and whose words are wanted.
async fn spoken(w: &World) -> (TicketId, DueFile) {
    let ticket = w.file_new(with(AttachmentKind::Voice, "m1")).await;
    let file = claimed(w, at(0)).await.unwrap();
    assert!(w.store.file_came(at(0), &file, whole()).await.unwrap());
    let file = claimed(w, at(0)).await.unwrap();
    assert_eq!(file.todo, ToDo::Transcribe);
    (ticket, file)
}

async fn leased(w: &World, now: DateTime<Utc>) -> Vec<LeasedJob> {
    let lease = Lease("a".to_owned());
    w.store.lease_jobs("message", now, now + MINUTE, 10, lease).await.unwrap()
}

async fn held(w: &World, now: DateTime<Utc>) -> usize {
    let jobs = leased(w, now).await.into_iter().map(|job| (job, MINUTE)).collect();
    w.store.hold_turns(now, jobs).await.unwrap().len()
}

async fn text(w: &World, ticket: &TicketId) -> (String, bool) {
    let view = w.store.ticket(&main_tenant(), ticket).await.unwrap().unwrap();
    let message = &view.messages[0];
    assert_eq!(message.transcribed, message.attachments[0].transcribed);
    (message.text.clone(), message.transcribed)
}

async fn a_file_is_taken_by_one_worker_at_a_time(w: &World) {
    w.file_new(with(AttachmentKind::Image, "m1")).await;
    w.file(with(AttachmentKind::Image, "m1")).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM attachments").await, 1, "a copy brings nothing");
    assert_eq!(w.store.next_file_due().await.unwrap(), Some(at(0)));
    let first = claimed(w, at(0)).await.unwrap();
    assert_eq!((first.attempt, first.since), (1, at(0)));
    assert!(matches!(&first.todo, ToDo::Fetch(Source::Whatsapp { media, .. }) if media == "7"));
    assert!(claimed(w, at(1)).await.is_none());
    w.store.retry_file(&first, at(60), "later").await.unwrap();
    assert_eq!(w.store.next_file_due().await.unwrap(), Some(at(60)));
    let second = claimed(w, at(60)).await.unwrap();
    assert_eq!(second.attempt, 2);
    // Whoever lost the lease ends nothing.
    w.store.retry_file(&first, at(1), "late").await.unwrap();
    assert!(w.store.file_came(at(61), &first, whole()).await.unwrap(), "it is another's now");
    assert_eq!(w.number("SELECT COUNT(*) FROM attachments WHERE state = 'waiting'").await, 1);
    assert_eq!(w.store.take_back_files(at(62)).await.unwrap(), 1);
    let third = claimed(w, at(62)).await.unwrap();
    let state = AttachmentState::Refused;
    w.store.file_ended(at(62), &third, state, "too large").await.unwrap();
    assert_eq!(w.store.next_file_due().await.unwrap(), None);
    let known = w.store.attachment(&main_tenant(), third.id.as_str()).await.unwrap().unwrap();
    assert_eq!((known.state, known.name.as_deref()), (state, Some("rg.pdf\u{2400}")));
    assert!(w.store.attachment(&tenant("other"), third.id.as_str()).await.unwrap().is_none());
}

async fn a_file_that_nobody_wants_any_more_is_not_noted(w: &World) {
    w.file_new(with(AttachmentKind::Voice, "m1")).await;
    let file = claimed(w, at(0)).await.unwrap();
    let person = w.store.find_person(&main_tenant(), "ana").await.unwrap();
    let erased = w.store.erase_person(at(1), &person, 0, "agent:cli").await.unwrap();
    assert_eq!(erased.kept.files, 1);
    assert!(!w.store.file_came(at(2), &file, whole()).await.unwrap());
    w.store.retry_file(&file, at(2), "later").await.unwrap();
    assert_eq!(w.store.files_to_remove().await.unwrap(), std::slice::from_ref(&file.id));
    assert_eq!(w.number("SELECT COUNT(*) FROM attachments WHERE name IS NULL").await, 1);
}

async fn a_turn_waits_for_words_for_so_long_and_no_longer(w: &World) {
    let (_, file) = spoken(w).await;
    assert_eq!(held(w, at(50)).await, 1);
    assert!(leased(w, at(109)).await.is_empty());
    assert_eq!(w.number("SELECT attempts FROM jobs").await, 0, "waiting is no attempt");
    assert_eq!(held(w, at(110)).await, 0, "a minute is over");
    assert_eq!(w.number("SELECT COUNT(*) FROM jobs WHERE lease IS NOT NULL").await, 1);
    // One that will have no words is not waited for.
    w.store.take_back_leases().await.unwrap();
    w.store.words_ended(at(111), &file, "nothing was heard").await.unwrap();
    assert_eq!(held(w, at(112)).await, 0);
}

async fn words_take_the_place_of_a_recording(w: &World) {
    let (ticket, file) = spoken(w).await;
    let before = w.number("SELECT version FROM conversations").await;
    assert_eq!(held(w, at(50)).await, 1);
    assert!(w.store.put_words(at(55), &file, "esqueci a senha").await.unwrap());
    assert!(!w.store.put_words(at(56), &file, "outra coisa").await.unwrap(), "once");
    assert_eq!(text(w, &ticket).await, ("esqueci a senha".to_owned(), true));
    assert_eq!(w.number("SELECT version FROM conversations").await, before + 1);
    let job = leased(w, at(55)).await.remove(0);
    let turns = w.store.load_turns(at(55), &[job.conversation]).await.unwrap();
    assert!(!turns[0].messages[0].flags.media, "it says what it means");
    w.store.note_spending(at(55), "main", 300).await.unwrap();
    w.store.note_spending(at(56), "main", 300).await.unwrap();
    assert_eq!(w.number("SELECT cost_micros FROM model_spending").await, 600);
}

async fn late_words_are_decided_about_only_while_nobody_answered(w: &World) {
    let (ticket, file) = spoken(w).await;
    let (job, turn) = w.turn(50).await;
    let settlement = w.for_review(job, &turn).await;
    assert_eq!(w.settle(51, settlement).await, Settled::Done);
    assert_eq!(w.number("SELECT COUNT(*) FROM jobs").await, 0);
    assert!(w.store.put_words(at(200), &file, "esqueci a senha").await.unwrap());
    assert_eq!(text(w, &ticket).await, ("esqueci a senha".to_owned(), true));
    assert_eq!(w.number("SELECT COUNT(*) FROM jobs WHERE kind = 'turn'").await, 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM drafts WHERE state = 'proposed'").await, 0);
}

async fn erased_files_are_looked_at_once_more(w: &World) {
    let ticket = w.file_new(with(AttachmentKind::Image, "m1")).await;
    let file = claimed(w, at(0)).await.unwrap();
    let no_words = Whole { words: false, ..whole() };
    assert!(w.store.file_came(at(0), &file, no_words).await.unwrap());
    let known = w.store.known_files().await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [(file.id.as_str().to_owned(), true)]);
    assert!(w.view(&ticket).await.closed_at.is_none());
    w.run("UPDATE tickets SET status = 'closed', closed_at = created_at").await;
    let retention = Retention { messages_days: 1, ..Retention::default() };
    let later = at(0) + Duration::days(3);
    assert_eq!(w.store.forget(later, retention).await.unwrap(), 1);
    assert!(claimed(w, later).await.is_none(), "not while somebody may still write it");
    let file = claimed(w, later + MINUTE * 10).await.unwrap();
    assert_eq!(file.todo, ToDo::Remove);
    w.store.file_removed(&file).await.unwrap();
    assert_eq!(w.store.next_file_due().await.unwrap(), None);
    assert!(w.store.known_files().await.unwrap().is_empty());
}
