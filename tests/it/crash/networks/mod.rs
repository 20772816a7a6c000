//! The real binary between WhatsApp and a mail server, killed again and again while it fetches and sends. Whatever
//! a webhook's call or a mailbox brought is one message with one decision; no reply reaches a network twice; and
//! whatever nobody heard of again is with a person.

mod check;
mod customers;
mod meta;
mod post;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Chance, start};
use crate::world::process::{self, Served};
use crate::world::{AUTO, count, raw};
use customers::Customers;
use meta::Meta;
use post::Post;

/// How often the process is killed, unless `ATENDE_TEST_KILLS` says otherwise.
const KILLS: usize = 10;
/// Messages on WhatsApp that are written in a life.
const MESSAGES: usize = 16;
/// Mails that are written in a life.
const MAILS: usize = 8;
/// The longest a life lasts before it is killed, where nothing in particular is waited for.
const LIFE_MAX_MS: u64 = 2_000;
/// The longest wait for something in particular to happen in a life.
const MOMENT_MAX: Duration = Duration::from_secs(4);
/// The longest wait for the last deliveries.
const REST: Duration = Duration::from_mins(3);

/// What has not come to its end, but for replies whose networks may still tell.
const WAITING: &str = "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'pending') + \
    (SELECT COUNT(*) FROM outbox WHERE state IN ('queued', 'sending'))";
const KEPT: &str = "SELECT (SELECT COUNT(*) FROM inbox WHERE taken_at IS NULL) + \
    (SELECT COUNT(*) FROM calls WHERE taken_at IS NULL)";

fn kills() -> usize {
    let told = std::env::var_os("ATENDE_TEST_KILLS").and_then(|told| told.into_string().ok());
    told.map_or(KILLS, |told| told.parse().expect("ATENDE_TEST_KILLS is a number"))
}

/// Customers' turns end at once, so that a life is long enough for an answer.
fn policy() -> String {
    format!(
        "{AUTO}turns: {{whatsapp: {{after_last_secs: 0, after_question_secs: 0, after_greeting_secs: 0, max_secs: 45}}}}\n"
    )
}

fn settings(meta: &Meta, post: Option<&Post>) -> String {
    format!(
        "[policy]\nfile = \"auto.yaml\"\n[worker]\nmax_attempts = 100\npoll_ms = 50\n[log]\nlevel = \"error\"\n{}{}",
        meta.settings(),
        post.map(Post::settings).unwrap_or_default()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_its_networks_it_loses_nothing_and_sends_nothing_twice() {
    let (started, kills) = (Instant::now(), kills());
    let mut chance = Chance::new();
    let seed = chance.0;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let meta = Meta::start(chance.fork()).await;
    let post = Post::start(chance.fork()).await;
    process::put(data, "auto.yaml", &policy());
    process::put(data, "atende.toml", &settings(&meta, post.as_ref()));
    let customers = Customers::new(meta.place(), chance.fork());

    if post.is_some() {
        // What lies in a mailbox before it is first looked at is nobody's question.
        let served = start(data).await;
        until("the first look at both folders", || async {
            count(&data.join("inbox.db"), "SELECT COUNT(*) FROM folders").await == 2
        })
        .await;
        served.kill();
    }
    for _ in 0..kills {
        let served = start(data).await;
        meta.call(&served.url);
        customers.write(MESSAGES);
        if let Some(post) = &post {
            post.bring(MAILS);
        }
        moment(&mut chance, &meta, post.as_ref()).await;
        served.kill();
    }
    let served = start(data).await;
    meta.call(&served.url);
    customers.finished().await;
    rest(data, &meta, post.as_ref(), &served).await;
    assert!(served.stop());
    doubts_last_too_long(data).await;

    let found = check::all(data, &customers.accepted(), &meta, post.as_ref()).await;
    // Past the harness, which shows only what a failed test says.
    writeln!(
        std::io::stderr(),
        "crash between networks: {kills} kills, {found}, {} calls repeated, {:.0?} (seed {seed})",
        customers.repeated(),
        started.elapsed()
    )
    .unwrap();
}

/// Waits for the moment at which a life ends: any at all, or while a network has a reply and has not said so yet.
async fn moment(chance: &mut Chance, meta: &Meta, post: Option<&Post>) {
    let (messages, mails) = (meta.taken().len(), post.map_or(0, Post::taken));
    let any = Duration::from_millis(chance.below(LIFE_MAX_MS));
    let awaited = chance.below(4);
    let is_there = || match (awaited, post) {
        (0, _) => meta.taken().len() > messages,
        (1, Some(post)) => post.taken() > mails,
        (2, _) => meta.taken().len() > messages + MESSAGES / 2,
        _ => false,
    };
    let begun = Instant::now();
    while !is_there() {
        let longest = if awaited < 3 { MOMENT_MAX } else { any };
        if begun.elapsed() >= longest {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(chance.below(40))).await;
}

/// Waits until all is answered, and whatever a network told or will tell of has come to its end.
async fn rest(data: &Path, meta: &Meta, post: Option<&Post>, served: &Served) {
    let store = data.join("store.db");
    let patience = Instant::now();
    loop {
        let waiting = count(&store, WAITING).await + count(&data.join("inbox.db"), KEPT).await;
        let mails = "SELECT COUNT(*) FROM messages WHERE author = 'customer' AND channel = 'email'";
        let brought = post.map_or(0, Post::brought);
        let all_here = usize::try_from(count(&store, mails).await).unwrap() == brought;
        let awaiting =
            check::column(&store, "SELECT id FROM outbox WHERE state = 'awaiting'").await;
        let told = |id: &String| meta.tells_of(id) || post.is_some_and(|post| post.tells_of(id));
        if waiting == 0 && all_here && !awaiting.iter().any(told) {
            return;
        }
        assert!(patience.elapsed() < REST, "it never came to rest: {}", served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lets the time pass in which a network would have told what became of a reply: their rows are due now.
async fn doubts_last_too_long(data: &Path) {
    let store = data.join("store.db");
    let mut connection = raw(&store).await;
    let due = "UPDATE outbox SET due_at = 0 WHERE state = 'awaiting'";
    sqlx::query(due).execute(&mut connection).await.unwrap();
    drop(connection);
    let served = start(data).await;
    until("an end of every doubt", || async {
        let awaiting = "SELECT COUNT(*) FROM outbox WHERE state = 'awaiting'";
        count(&store, awaiting).await + count(&data.join("inbox.db"), KEPT).await == 0
    })
    .await;
    assert!(served.stop());
}

async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < process::PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
