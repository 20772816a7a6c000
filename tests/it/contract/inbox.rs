//! The inbox: what it says it has is on disk.

use std::path::Path;

use atende::adapters::Rewritten;
use atende::adapters::inbox::{Accepted, Inbox, OnceKey, Whereabouts};
use atende::domain::ids::{MessageId, TokenId};
use atende::domain::message::{InboundMessage, MessageOrigin};
use atende::ports::PortErrorKind;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::world::{at, fresh, from_ana, main_tenant, tenant};

async fn open(folder: &Path) -> Inbox {
    Inbox::open(&folder.join("inbox.db"), 100, &TaskTracker::new()).await.unwrap()
}

async fn start() -> (TempDir, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let inbox = open(folder.path()).await;
    (folder, inbox)
}

fn once(key: &str, body: &str) -> OnceKey {
    let token = TokenId::from_stored("tok_1");
    OnceKey { token, key: key.to_owned(), body_hash: body.to_owned() }
}

async fn texts(inbox: &Inbox) -> Vec<String> {
    let waiting = inbox.waiting(1_000).await.unwrap();
    waiting.into_iter().map(|one| one.message.expect("readable").text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_there_after_a_restart() {
    let (folder, inbox) = start().await;
    let odd = InboundMessage { text: "a\0b 🙂 \u{202e}".to_owned(), ..from_ana("m1", 0) };
    assert_eq!(inbox.accept(odd.clone(), None).await.unwrap(), Accepted::New);
    // Another handle sees it while the first is still open, as a crash would leave it.
    let again = open(folder.path()).await;
    let waiting = again.waiting(10).await.unwrap();
    assert_eq!(waiting[0].message.as_ref(), Some(&odd), "every letter of it");
    assert_eq!(again.backlog(), 1);
    let found = again.find(&main_tenant(), &odd.id).await.unwrap();
    assert_eq!(found, Some((Whereabouts::Waiting, odd.ticket_id.clone())));
    assert!(again.has_ticket(&main_tenant(), &odd.ticket_id).await.unwrap());
    for stranger in ["other", "main2"] {
        assert_eq!(again.find(&tenant(stranger), &odd.id).await.unwrap(), None);
        assert!(!again.has_ticket(&tenant(stranger), &odd.ticket_id).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_answered_with_the_first_ids() {
    let (_folder, inbox) = start().await;
    let first = from_ana("m1", 0);
    inbox.accept(first.clone(), None).await.unwrap();
    let same = Accepted::Duplicate(first.id.clone(), first.ticket_id.clone());
    assert_eq!(inbox.accept(from_ana("m1", 5), None).await.unwrap(), same);
    let seq = inbox.waiting(1).await.unwrap()[0].seq;
    inbox.mark_taken(at(6), vec![seq], None).await.unwrap();
    assert_eq!(inbox.accept(from_ana("m1", 7), None).await.unwrap(), same, "also once it is filed");
    for (case, other) in [
        ("tenant", InboundMessage { tenant: tenant("other"), ..from_ana("m1", 0) }),
        ("account", InboundMessage { account: "filial".to_owned(), ..from_ana("m1", 0) }),
        (
            "channel",
            InboundMessage { channel: atende::domain::channel::Channel::Api, ..from_ana("m1", 0) },
        ),
    ] {
        assert_eq!(inbox.accept(other, None).await.unwrap(), Accepted::New, "another {case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_one_effect_and_another_body_is_refused() {
    let (_folder, inbox) = start().await;
    let first = from_ana("m1", 0);
    let same = Accepted::Duplicate(first.id.clone(), first.ticket_id.clone());
    assert_eq!(inbox.accept(first, Some(once("k", "h"))).await.unwrap(), Accepted::New);
    // Without an id of their own, callers repeat under a fresh one.
    assert_eq!(inbox.accept(from_ana("m2", 0), Some(once("k", "h"))).await.unwrap(), same);
    let reused = inbox.accept(from_ana("m3", 0), Some(once("k", "other"))).await.unwrap();
    assert_eq!(reused, Accepted::KeyReused);
    assert_eq!(texts(&inbox).await, ["m1"], "neither was kept");
    let elsewhere = InboundMessage { tenant: tenant("other"), ..from_ana("m4", 0) };
    assert_eq!(inbox.accept(elsewhere, Some(once("k", "x"))).await.unwrap(), Accepted::New);
    let copy = inbox.accept(from_ana("m1", 0), Some(once("k2", "h"))).await.unwrap();
    assert_eq!(copy, same, "a copy under another key is still a copy");
    inbox.purge(at(100)).await.unwrap();
    let later = inbox.accept(from_ana("m5", 0), Some(once("k", "other"))).await.unwrap();
    assert_eq!(later, Accepted::New, "keys are forgotten in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_kept_once_and_in_the_order_of_their_places() {
    let (_folder, inbox) = start().await;
    let accepting = (0..90).map(|n| inbox.accept(from_ana(&format!("m{}", n % 45), 0), None));
    let outcomes = futures::future::join_all(accepting).await;
    let new = outcomes.iter().filter(|one| matches!(one, Ok(Accepted::New))).count();
    assert_eq!((new, inbox.backlog()), (45, 45));
    let waiting = inbox.waiting(1_000).await.unwrap();
    assert!(waiting.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(waiting.len(), 45);
    assert_eq!(inbox.waiting(7).await.unwrap().len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_inbox_refuses_until_something_is_filed() {
    let (_folder, inbox) = start().await;
    for n in 0..100 {
        let accepted = inbox.accept(from_ana(&format!("m{n}"), 0), None).await.unwrap();
        assert_eq!(accepted, Accepted::New, "{n}");
    }
    assert_eq!(inbox.accept(from_ana("more", 0), None).await.unwrap(), Accepted::Full);
    let seq = inbox.waiting(1).await.unwrap()[0].seq;
    inbox.mark_taken(at(1), vec![seq], None).await.unwrap();
    inbox.mark_taken(at(1), vec![seq], None).await.unwrap();
    assert_eq!(inbox.backlog(), 99, "what is filed twice counts once");
    assert_eq!(inbox.accept(from_ana("more", 0), None).await.unwrap(), Accepted::New);
    assert_eq!(inbox.accept(from_ana("yet more", 0), None).await.unwrap(), Accepted::Full);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_filed_loses_its_words_and_what_is_set_aside_keeps_them() {
    let (_folder, inbox) = start().await;
    let (filed, aside) = (from_ana("filed", 0), from_ana("aside", 0));
    for message in [&filed, &aside] {
        inbox.accept(message.clone(), None).await.unwrap();
    }
    let seqs: Vec<i64> = inbox.waiting(10).await.unwrap().iter().map(|one| one.seq).collect();
    inbox.mark_taken(at(1), vec![seqs[0]], None).await.unwrap();
    inbox.mark_taken(at(1), vec![seqs[1]], Some("unreadable".to_owned())).await.unwrap();
    assert!(texts(&inbox).await.is_empty());
    let find = |message: &InboundMessage| {
        let (inbox, id) = (inbox.clone(), message.id.clone());
        async move { inbox.find(&main_tenant(), &id).await.unwrap().map(|(where_to, _)| where_to) }
    };
    assert_eq!(find(&filed).await, Some(Whereabouts::Taken));
    assert_eq!(find(&aside).await, Some(Whereabouts::SetAside("unreadable".to_owned())));
    let unknown = MessageId::from_bits(fresh());
    assert_eq!(inbox.find(&main_tenant(), &unknown).await.unwrap(), None);
    let problems = inbox.check().await.unwrap();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("1 messages were set aside"), "{problems:?}");
    inbox.purge(at(100)).await.unwrap();
    assert_eq!(find(&filed).await, None, "forgotten in time");
    assert!(find(&aside).await.is_some(), "a person has not looked yet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_is_gone_from_the_file_and_other_businesses_keep_theirs() {
    let (folder, inbox) = start().await;
    let (waits, filed) = (from_ana("espera-4711", 0), from_ana("entrou-4712", 0));
    let elsewhere = InboundMessage { tenant: tenant("other"), ..from_ana("outra-4713", 0) };
    for (message, key) in [(&waits, "chave-4714"), (&filed, "k2"), (&elsewhere, "k3")] {
        inbox.accept(message.clone(), Some(once(key, "h"))).await.unwrap();
    }
    let taken = inbox.waiting(10).await.unwrap()[1].seq;
    inbox.mark_taken(at(1), vec![taken], None).await.unwrap();
    let main = main_tenant();
    let held = inbox.held(&main, |_| true).await.unwrap();
    assert_eq!(held, std::slice::from_ref(&waits), "of what is filed no words are left");
    assert!(inbox.held(&main, |_| false).await.unwrap().is_empty());

    // A copy that came when the first was forgotten has an id of its own, and the same origin.
    let copy = MessageOrigin { id: "msg_another".to_owned(), ..MessageOrigin::from(&filed) };
    inbox.erase(&tenant("third"), vec![MessageOrigin::from(&waits)]).await.unwrap();
    assert_eq!(texts(&inbox).await.len(), 2, "a stranger erases nothing");
    inbox.erase(&main, vec![MessageOrigin::from(&waits), copy]).await.unwrap();
    assert_eq!(texts(&inbox).await, ["outra-4713"]);
    assert_eq!(inbox.find(&main, &filed.id).await.unwrap(), None);
    assert_eq!(inbox.rewrite().await.unwrap(), Rewritten::Whole);
    let bytes: Vec<u8> = std::fs::read_dir(folder.path())
        .unwrap()
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
    assert!(holds("outra-4713"));
    for gone in ["espera-4711", "entrou-4712", "chave-4714"] {
        assert!(!holds(gone), "{gone}");
    }
    let reused = inbox.accept(from_ana("new", 0), Some(once("chave-4714", "another"))).await;
    assert_eq!(reused.unwrap(), Accepted::New, "their keys are forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_is_handed_out_as_such() {
    let (folder, inbox) = start().await;
    inbox.accept(from_ana("m1", 0), None).await.unwrap();
    inbox.accept(from_ana("m2", 0), None).await.unwrap();
    let url = format!("sqlite:{}", folder.path().join("inbox.db").display());
    sqlx::any::install_default_drivers();
    let mut raw = AnyConnection::connect(&url).await.unwrap();
    sqlx::query("UPDATE inbox SET payload = '{' WHERE seq = 1").execute(&mut raw).await.unwrap();
    let waiting = inbox.waiting(10).await.unwrap();
    assert!(waiting[0].message.is_none());
    assert_eq!(waiting[1].message.as_ref().map(|m| m.text.as_str()), Some("m2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_an_inbox() {
    let (folder, inbox) = start().await;
    let other = open(folder.path()).await;
    let accepting = (0..60).map(|n| {
        let (inbox, message) =
            (if n % 2 == 0 { &inbox } else { &other }, from_ana(&format!("m{}", n % 40), 0));
        inbox.accept(message, None)
    });
    let outcomes = futures::future::join_all(accepting).await;
    let new = outcomes.iter().filter(|one| matches!(one, Ok(Accepted::New))).count();
    assert_eq!(new, 40, "each once, whoever took it: {outcomes:?}");
    let seqs: Vec<i64> = inbox.waiting(1_000).await.unwrap().iter().map(|one| one.seq).collect();
    assert_eq!(seqs.len(), 40);
    inbox.mark_taken(at(1), seqs, None).await.unwrap();
    assert!(other.waiting(10).await.unwrap().is_empty());
    assert_eq!(inbox.backlog(), 0, "never below nothing, whoever accepted them");
    let opening = (0..6).map(|_| open(folder.path()));
    for another in futures::future::join_all(opening).await {
        assert_eq!(another.backlog(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_inbox_may_be_opened_by_many_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let opening = (0..6).map(|_| open(folder.path()));
        for inbox in futures::future::join_all(opening).await {
            assert_eq!(inbox.check().await.unwrap(), Vec::<String>::new());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_the_inbox_is_an_inbox() {
    let (_folder, inbox) = start().await;
    inbox.accept(from_ana("m1", 0), None).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    inbox.backup_to(&folder.path().join("inbox.db")).await.unwrap();
    let copy = open(folder.path()).await;
    assert_eq!(texts(&copy).await, ["m1"]);
    inbox.backup_to(&folder.path().join("inbox.db")).await.expect_err("never written over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_of_a_newer_version_or_in_no_folder_is_refused() {
    let (folder, inbox) = start().await;
    drop(inbox);
    let file = folder.path().join("inbox.db");
    sqlx::any::install_default_drivers();
    let mut raw = AnyConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations LIMIT 1",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    let error = Inbox::open(&file, 10, &TaskTracker::new()).await.expect_err("it is newer");
    assert_eq!(error.kind, PortErrorKind::Permanent);
    assert!(format!("{:#}", anyhow::Error::from(error)).contains("newer version"));
    let nowhere = Path::new("/proc/inbox.db");
    let error = Inbox::open(nowhere, 10, &TaskTracker::new()).await.expect_err("not writable");
    let told = format!("{:#}", anyhow::Error::from(error));
    assert!(told.contains("/proc/inbox.db") && told.contains("writable"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_hears_of_an_arrival() {
    let (_folder, inbox) = start().await;
    inbox.accept(from_ana("m1", 0), None).await.unwrap();
    inbox.arrived().await;
    let waiting = inbox.arrived();
    let accepting = inbox.accept(from_ana("m2", 0), None);
    let ((), accepted) = tokio::join!(waiting, accepting);
    assert_eq!(accepted.unwrap(), Accepted::New);
}
