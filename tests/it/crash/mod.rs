//! The real binary under load, killed again and again at random points, between clients that repeat what
//! was not acknowledged and a receiver in a process of its own. Nothing accepted is lost or decided
//! twice; with keys every reply arrives and repeats are the same request again; without keys nothing
//! arrives twice, and what nobody can know is shown to people.

mod clients;
mod networks;
mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use atende::domain::ids::TenantId;
use serde_json::Value;

use crate::world::process::{self, Served};
use crate::world::{AUTO, count, raw};
use clients::Clients;
use receiver::{Arrival, ReceiverProcess};

/// How often the process is killed.
const KILLS: usize = 30;
/// Messages for the business whose receiver honours keys.
const WITH_KEYS: usize = 960;
/// Messages for the business whose receiver does not.
const WITHOUT_KEYS: usize = 320;
/// So many messages are acknowledged in a life before it may be killed: it is under load by then.
const LOAD: usize = 10;
/// The longest a life lasts under load before it is killed, in milliseconds.
const LIFE_MAX_MS: u64 = 400;

/// Numbers without a pattern; the seed is printed, so that a failure can be looked at again with `ATENDE_TEST_SEED`.
pub(crate) struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let told = std::env::var_os("ATENDE_TEST_SEED").and_then(|told| told.into_string().ok());
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        let fresh = || u64::from_le_bytes(bytes);
        Self(told.map_or_else(fresh, |told| told.parse().expect("a number")) | 1)
    }

    /// Numbers of their own for a part that goes its own ways.
    fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn settings(receiver: &str) -> String {
    format!(
        "[policy]\nfile = \"auto.yaml\"\n\
         [worker]\nmax_attempts = 100\npoll_ms = 50\n\
         [log]\nlevel = \"error\"\n\
         [callbacks]\nurl = \"{receiver}/with-keys\"\nsecret = \"0123456789abcdef\"\ntimeout_secs = 2\n\
         [tenants.plain.callbacks]\nurl = \"{receiver}/without-keys\"\nsecret = \"0123456789abcdef\"\n\
         timeout_secs = 2\nidempotent = false\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_nothing_is_lost_and_nothing_is_doubled() {
    let started = Instant::now();
    let mut chance = Chance::new();
    let seed = chance.0;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let receiver = ReceiverProcess::start(data);
    process::put(data, "auto.yaml", AUTO);
    process::put(data, "atende.toml", &settings(&receiver.url));
    let plain = TenantId::parse("plain").unwrap();
    let tokens = [
        process::token(data, &TenantId::main(), "load").await,
        process::token(data, &plain, "load").await,
    ];

    let clients = Clients::new(tokens.clone(), WITH_KEYS, WITHOUT_KEYS);
    for life in 1..=KILLS {
        let served = start(data).await;
        clients.serve_at(&served.url, life, KILLS);
        clients.acknowledged(LOAD).await;
        tokio::time::sleep(Duration::from_millis(chance.below(LIFE_MAX_MS))).await;
        served.kill();
    }
    let served = start(data).await;
    clients.serve_at(&served.url, KILLS, KILLS);
    clients.finished().await;
    let store = data.join("store.db");
    let waiting = "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'pending') + \
        (SELECT COUNT(*) FROM outbox WHERE state IN ('queued', 'sending'))";
    let inbox = "SELECT COUNT(*) FROM inbox WHERE taken_at IS NULL";
    let patience = Instant::now();
    while count(&store, waiting).await + count(&data.join("inbox.db"), inbox).await > 0 {
        assert!(patience.elapsed() < REST, "it never came to rest: {}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let shown = outbox(&served.url, &tokens[1]).await;
    assert!(served.stop());

    let arrivals = receiver.arrivals();
    let accepted = clients.accepted();
    check_decisions(&store, &accepted).await;
    let (replies, repeats) = check_with_keys(&store, &arrivals).await;
    let (plain_replies, unknown) = check_without_keys(&store, &arrivals, &shown).await;
    let replies = replies + plain_replies;
    // Past the harness, which shows only what a failed test says.
    writeln!(
        std::io::stderr(),
        "crash: {KILLS} kills, {} accepted, {} decisions, {replies} replies, {repeats} repeats, {unknown} unknown, \
         {} posts repeated, {:.0?} (seed {seed})",
        accepted.len(),
        count(&store, "SELECT COUNT(*) FROM decisions").await,
        clients.repeated(),
        started.elapsed()
    )
    .unwrap();
    assert!(replies >= 1000, "only {replies} replies");
}

/// Longest wait for the last deliveries: a reply that met many crashes waits longest between attempts.
const REST: Duration = Duration::from_mins(4);

async fn start(data: &Path) -> Served {
    let data = data.to_owned();
    tokio::task::spawn_blocking(move || Served::start(&data)).await.unwrap()
}

/// Every accepted message is filed under the id that its sender was told, with exactly one decision.
async fn check_decisions(store: &Path, accepted: &BTreeMap<String, String>) {
    assert_eq!(accepted.len(), WITH_KEYS + WITHOUT_KEYS);
    let filed = pairs(
        store,
        "SELECT external_id, id FROM messages WHERE author = 'customer' AND decision_id IS NOT NULL",
    )
    .await;
    assert_eq!(&filed, accepted, "told and filed ids differ");
    for (what, sql) in [
        ("messages", "SELECT COUNT(*) FROM messages WHERE author = 'customer'"),
        ("decisions", "SELECT COUNT(*) FROM decisions"),
        ("automatic answers", "SELECT COUNT(*) FROM decisions WHERE action = 'send'"),
        ("tickets", "SELECT COUNT(*) FROM tickets"),
        ("replies", "SELECT COUNT(*) FROM outbox"),
    ] {
        assert_eq!(count(store, sql).await, i64::try_from(accepted.len()).unwrap(), "{what}");
    }
    let dead = count(store, "SELECT COUNT(*) FROM jobs").await;
    assert_eq!(dead, 0, "no job is left, dead ones neither");
}

/// With keys: every reply arrived, and a repeat was the same request again.
async fn check_with_keys(store: &Path, arrivals: &[Arrival]) -> (usize, usize) {
    let states = pairs(store, "SELECT id, state FROM outbox WHERE tenant = 'main'").await;
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut repeats = 0;
    for arrival in arrivals.iter().filter(|arrival| arrival.path == "/with-keys") {
        match bodies.insert(&arrival.key, &arrival.body) {
            Some(earlier) => {
                repeats += 1;
                assert_eq!(earlier, arrival.body, "the same key with another body");
            }
            None => assert!(states.contains_key(&arrival.key), "a reply that nobody decided"),
        }
        if arrival.answered == 200 {
            taken.insert(arrival.key.clone());
        }
    }
    for (id, state) in &states {
        assert_eq!(state, "sent", "{id}");
        assert!(taken.contains(id), "{id} is said to be sent and never was");
    }
    one_reply_a_thread(bodies.values().copied());
    (taken.len(), repeats)
}

/// Without keys: nothing arrived twice, and what nobody knows is shown and with a person.
async fn check_without_keys(store: &Path, arrivals: &[Arrival], shown: &[Value]) -> (usize, usize) {
    let states = pairs(store, "SELECT id, state FROM outbox WHERE tenant = 'plain'").await;
    let mut seen: BTreeMap<&str, &Arrival> = BTreeMap::new();
    for arrival in arrivals.iter().filter(|arrival| arrival.path == "/without-keys") {
        assert!(seen.insert(&arrival.key, arrival).is_none(), "{} arrived twice", arrival.key);
    }
    one_reply_a_thread(seen.values().map(|arrival| arrival.body.as_str()));
    let mut unknown = BTreeSet::new();
    for (id, state) in &states {
        match state.as_str() {
            "sent" => assert_eq!(seen[id.as_str()].answered, 200, "{id}"),
            "unknown" => {
                unknown.insert(id.clone());
            }
            other => panic!("{id} ended as {other}"),
        }
    }
    let listed = shown.iter().filter(|row| row["state"] == "unknown");
    let listed: BTreeSet<String> =
        listed.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, unknown, "every unknown reply can be read from the outbox");
    let with_people = count(
        store,
        "SELECT COUNT(*) FROM outbox o JOIN tickets t ON t.id = o.ticket_id \
         JOIN conversations c ON c.id = o.conversation_id \
         WHERE o.state = 'unknown' AND t.status = 'escalated' AND c.owner = 'queue' AND t.queue IS NOT NULL",
    )
    .await;
    assert_eq!(with_people, i64::try_from(unknown.len()).unwrap());
    (seen.len(), unknown.len())
}

fn one_reply_a_thread<'a>(bodies: impl Iterator<Item = &'a str>) {
    let mut threads = BTreeSet::new();
    for body in bodies {
        let body: Value = serde_json::from_str(body).unwrap();
        let thread = body["thread"].as_str().unwrap().to_owned();
        assert!(threads.insert(thread), "one question was answered twice: {}", body["thread"]);
    }
}

async fn pairs(store: &Path, sql: &'static str) -> BTreeMap<String, String> {
    let mut connection = raw(store).await;
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
    rows.into_iter().collect()
}

async fn outbox(url: &str, bearer: &str) -> Vec<Value> {
    let client = process::client();
    let (mut rows, mut after) = (Vec::new(), 0);
    loop {
        let path = format!("{url}/v1/outbox?limit=200&after={after}");
        let page = client.get(path).bearer_auth(bearer).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return rows;
        }
        rows.extend(items.iter().cloned());
        after = page["next_after"].as_i64().unwrap();
    }
}
