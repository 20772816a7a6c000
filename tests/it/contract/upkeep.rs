//! Opening, backing up, checking and forgetting; and what happens when the disk is full.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use atende::adapters::inbox::{Accepted, Inbox};
use atende::adapters::store::{Change, Recorded, Store, StoreLocation};
use atende::domain::message::InboundMessage;
use atende::ports::PortErrorKind;
use tokio_util::task::TaskTracker;

use super::world::{World, at, from_ana, from_thread, intake, main_tenant, on_both, words};

on_both! {
    a_database_of_a_newer_version_is_refused_with_what_to_do,
    a_store_opened_again_has_everything,
    a_backup_is_a_store_of_its_own,
    check_finds_planted_damage,
    only_old_keys_are_forgotten,
    many_processes_may_open_a_new_store_at_once,
}

/// What a person reads of an error: the whole chain.
fn told(error: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

async fn a_database_of_a_newer_version_is_refused_with_what_to_do(w: &World) {
    w.run(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations ORDER BY version LIMIT 1",
    )
    .await;
    let error = Store::open(&w.location, &TaskTracker::new()).await.expect_err("it is newer");
    assert_eq!(error.kind, PortErrorKind::Permanent);
    let told = told(error);
    assert!(told.contains("newer version") && told.contains("install"), "{told}");
}

async fn a_store_opened_again_has_everything(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let again = w.another_store().await;
    let view = again.ticket(&main_tenant(), &ticket).await.unwrap().expect("kept");
    assert_eq!((view.messages.len(), view.drafts.len()), (1, 1));
    let copy = from_thread("ana", "ana-0", 0);
    assert_eq!(
        again.record_inbound(at(9), vec![intake(copy)]).await.unwrap(),
        [Recorded::Duplicate]
    );
}

async fn a_backup_is_a_store_of_its_own(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    if w.folder.is_none() {
        let error = w.store.backup_to(&file).await.expect_err("not by us");
        assert!(told(error).contains("pg_dump"));
        return;
    }
    let writing = async {
        for n in 0..50 {
            w.file(from_thread("bia", &format!("m{n}"), 20 + n)).await;
        }
    };
    let (copied, ()) = tokio::join!(w.store.backup_to(&file), writing);
    copied.unwrap();
    let location = StoreLocation::embedded(folder.path());
    let copy = Store::open(&location, &TaskTracker::new()).await.unwrap();
    assert_eq!(copy.check().await.unwrap(), Vec::<String>::new());
    let view = copy.ticket(&main_tenant(), &ticket).await.unwrap().expect("copied");
    assert_eq!(view.drafts.len(), 1);
    w.store.backup_to(&file).await.expect_err("an earlier backup is never written over");
    w.store.backup_to(Path::new("/nowhere/store.db")).await.expect_err("no such folder");
    w.file(from_thread("bia", "afterwards", 100)).await;
    // The connection that copied reads only, as before.
    w.store.check().await.unwrap();
}

async fn check_finds_planted_damage(w: &World) {
    w.reviewed("ana", 0).await;
    let ticket = w.answered("eva", 100).await;
    w.file(from_thread("bia", "m2", 115)).await;
    let rows = w.claim(120).await;
    w.finish(121, &rows[0], atende::adapters::store::DeliveryEnd::Sent).await;
    w.done(130, &ticket, "rui", Change::Reply(words("Oi", 130))).await;
    assert_eq!(w.store.check().await.unwrap(), Vec::<String>::new());
    for (damage, expected) in [
        ("DELETE FROM jobs", "undecided messages without a job"),
        ("UPDATE tickets SET queue = NULL", "conversations that wait for people without a queue"),
        ("UPDATE outbox SET position = NULL", "sent replies that are missing"),
        ("UPDATE conversations SET ticket_id = 'x'", "conversations without their ticket"),
    ] {
        w.run(damage).await;
        let problems = w.store.check().await.unwrap();
        assert!(problems.iter().any(|line| line.contains(expected)), "{damage}: {problems:?}");
    }
}

async fn only_old_keys_are_forgotten(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    for (n, now) in [(1, 10), (2, 20), (3, 30)] {
        let reply = atende::adapters::store::ReplyRequest {
            once: Some(("tok_1".to_owned(), format!("k{n}"), "h".to_owned())),
            ..words("Oi", now)
        };
        w.done(now, &ticket, "rui", Change::Reply(reply)).await;
    }
    assert_eq!(w.store.purge(at(20)).await.unwrap(), 1);
    assert_eq!(w.number("SELECT COUNT(*) FROM idempotency").await, 2);
    assert_eq!(w.store.ticket_counts().await.unwrap(), [("pending".to_owned(), 1)]);
}

async fn many_processes_may_open_a_new_store_at_once(w: &World) {
    if w.folder.is_some() {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let location = StoreLocation::embedded(folder.path());
            let tasks = TaskTracker::new();
            let opening = (0..6).map(|_| Store::open(&location, &tasks));
            for store in futures::future::join_all(opening).await {
                store.unwrap().check().await.unwrap();
            }
        }
    } else {
        let tasks = TaskTracker::new();
        let opening = (0..6).map(|_| Store::open(&w.location, &tasks));
        for store in futures::future::join_all(opening).await {
            store.unwrap().check().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_lives_in_a_folder_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("dados do João 100% #1? %41");
    std::fs::create_dir(&odd).unwrap();
    let store = Store::open(&StoreLocation::embedded(&odd), &TaskTracker::new()).await.unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    assert!(odd.join("store.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_named() {
    // Nobody writes there, not even root.
    for folder in ["/proc", "/nowhere/at/all"] {
        let location = StoreLocation::embedded(Path::new(folder));
        let error = Store::open(&location, &TaskTracker::new()).await.expect_err(folder);
        let told = told(error);
        assert!(told.contains(folder) && told.contains("writable"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_nobody_serves_says_so() {
    let location = StoreLocation { url: "mysql://u@h/d".to_owned(), connections: 1 };
    let error = Store::open(&location, &TaskTracker::new()).await.expect_err("no such database");
    assert!(told(error).contains("sqlite: or postgres://"));
    let url = "postgres://u:hunter2@127.0.0.1:1/d".to_owned();
    let location = StoreLocation { url, connections: 1 };
    let error = Store::open(&location, &TaskTracker::new()).await.expect_err("nobody listens");
    assert_eq!(error.kind, PortErrorKind::Transient);
    let told = told(error);
    assert!(told.contains("PostgreSQL") && !told.contains("hunter2"), "{told}");
}

/// Runs one ignored test of this binary in a process that may write files of 2 MiB only, which is to
/// it as a full disk.
fn with_a_full_disk(test: &str, folder: &Path) -> Output {
    Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("ATENDE_TEST_FOLDER", folder)
        .output()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the parent test hands the folder over this way")]
fn folder_of_the_parent() -> std::path::PathBuf {
    std::env::var("ATENDE_TEST_FOLDER").expect("run by its parent test only").into()
}

fn tell_parent(kept: i64) {
    writeln!(std::io::stdout(), "KEPT {kept}").unwrap();
}

/// Reads how many messages the child was told are safe.
fn kept(output: &Output) -> i64 {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let line = text.lines().find_map(|line| line.split_once("KEPT ")).expect("a count");
    line.1.trim().parse().unwrap()
}

fn large(n: i64) -> InboundMessage {
    InboundMessage {
        text: "x".repeat(30_000),
        ..from_thread(&format!("t{n}"), &format!("m{n}"), 0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_for_now_and_loses_nothing() {
    let world = World::sqlite().await;
    let folder = world.folder.as_ref().unwrap().path().to_owned();
    let output = with_a_full_disk("contract::upkeep::fill_the_store", &folder);
    let kept = kept(&output);
    assert!(kept > 10, "{kept}");
    assert_eq!(world.number("SELECT COUNT(*) FROM messages").await, kept, "neither more nor less");
    assert_eq!(world.number("SELECT COUNT(*) FROM jobs").await, kept);
    assert_eq!(world.number("SELECT COUNT(*) FROM tickets").await, kept);
    assert_eq!(world.store.check().await.unwrap(), Vec::<String>::new());
    let ticket = world.file_new(from_ana("afterwards", 0)).await;
    assert_eq!(world.view(&ticket).await.messages.len(), 1, "with room it works again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_full_disk_refuses_for_now_and_loses_nothing in a process of its own"]
async fn fill_the_store() {
    let location = StoreLocation::embedded(&folder_of_the_parent());
    let store = Store::open(&location, &TaskTracker::new()).await.unwrap();
    let (mut kept, mut refused) = (0, 0);
    for group in 0..40 {
        // Several at once, so that one group of the writer holds good and bad changes.
        let filings = (0..4).map(|n| {
            let (store, one) = (store.clone(), intake(large(group * 4 + n)));
            async move { store.record_inbound(at(0), vec![one]).await }
        });
        for outcome in futures::future::join_all(filings).await {
            match outcome {
                Ok(_) => kept += 1,
                Err(error) => {
                    assert_eq!(error.kind(), PortErrorKind::Transient, "{error:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0, "the disk was never full");
    tell_parent(kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_that_the_inbox_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_a_full_disk("contract::upkeep::fill_the_inbox", folder.path());
    let kept = kept(&output);
    assert!(kept > 10, "{kept}");
    let file = folder.path().join("inbox.db");
    let inbox = Inbox::open(&file, 10_000, &TaskTracker::new()).await.unwrap();
    assert_eq!(inbox.backlog(), kept, "neither more nor less");
    assert_eq!(inbox.check().await.unwrap(), Vec::<String>::new());
    let accepted = inbox.accept(from_ana("afterwards", 0), None).await.unwrap();
    assert_eq!(accepted, Accepted::New, "with room it works again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_full_disk_acknowledges_nothing_that_the_inbox_does_not_hold in a process of its own"]
async fn fill_the_inbox() {
    let file = folder_of_the_parent().join("inbox.db");
    let inbox = Inbox::open(&file, 10_000, &TaskTracker::new()).await.unwrap();
    let (mut kept, mut refused) = (0, 0);
    for group in 0..40 {
        let accepting = (0..4).map(|n| inbox.accept(large(group * 4 + n), None));
        for outcome in futures::future::join_all(accepting).await {
            match outcome {
                Ok(accepted) => {
                    assert_eq!(accepted, Accepted::New);
                    kept += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind, PortErrorKind::Transient);
                    let told = told(error);
                    assert!(!told.contains("closed"), "the disk is named, not the inbox: {told}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0, "the disk was never full");
    tell_parent(kept);
}
