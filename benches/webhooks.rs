//! WhatsApp at full speed: 500 signed calls a second for a minute against the real binary, which decides the messages and sends
//! its answers at the same time, to Meta's API played in a process of its own. How long a call waits until it is on disk, and
//! whether every message came through once: none lost, none doubled, and no reply twice.
//!
//! Run with `cargo bench --bench webhooks`; a number behind `--` is the seconds, as in `-- 10`.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench talks to people and may stop"
)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// Messages a second, each in a call of its own.
const RATE: u32 = 500;
/// How long the load lasts.
const SECONDS: u32 = 60;
/// One call of so many comes a second time, as Meta repeats what it thinks was not heard.
const AGAIN: u32 = 20;
/// Numbers of the business. Meta lets each send 80 messages a second.
const NUMBERS: u32 = 10;
/// How long Meta takes to answer.
const LATENCY: Duration = Duration::from_millis(50);
/// Longest wait for the last reply.
const PATIENCE: Duration = Duration::from_mins(15);

const SECRET: &str = "segredo-do-aplicativo";
/// The assistant answers alone, and says nothing besides.
const POLICY: &str = "extends: saas-br\nid: bench\nversion: \"1\"\nmodes: {default: auto}\nnotices:\n  \
    acknowledgement: {whatsapp: 'off'}\n  escalation: {whatsapp: 'off'}\n  resolution: {whatsapp: 'off'}\n";
const TEXTS: [&str; 2] = ["Esqueci a senha, como recupero?", "Onde pego a segunda via do boleto?"];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--meta") {
        return meta();
    }
    let seconds = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(SECONDS);
    let dir = tempfile::tempdir().expect("a folder");
    let (network, api) = start_meta();
    settle_in(dir.path(), &api);
    let (server, url) = serve(dir.path());
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let begun = Instant::now();
    let mut waits = runtime.block_on(load(&url, seconds));
    let loaded = begun.elapsed();
    let count = RATE * seconds;
    let (decided, answered) = runtime.block_on(rest(dir.path(), begun));
    let memory = resident_mib(server.id());
    stop(server);
    let taken = ended(network);

    waits.sort_unstable();
    let at = |hundredths: usize| {
        waits.get((waits.len() - 1) * hundredths / 100).copied().unwrap_or_default()
    };
    println!(
        "{} calls at {RATE}/s in {loaded:.1?}, {} of them repeats: p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        waits.len(),
        waits.len() - usize::try_from(count).expect("it fits"),
        at(50),
        at(99),
        at(100)
    );
    println!(
        "the last message decided after {decided:.1?}, the last reply at Meta after {answered:.1?}; resident {memory} MiB"
    );
    runtime.block_on(counted(dir.path(), i64::from(count), taken));
}

/// Counts what became of the messages, and stops where one was lost or doubled.
async fn counted(data: &Path, sent: i64, taken: Taken) {
    let store = data.join("store.db");
    let messages = number(&store, "SELECT COUNT(*) FROM messages WHERE author = 'customer'").await;
    let distinct = "SELECT COUNT(DISTINCT external_id) FROM messages WHERE author = 'customer' AND decision_id IS NOT NULL";
    let decided = number(&store, distinct).await;
    let replies = number(&store, "SELECT COUNT(*) FROM outbox WHERE audience = 'customer'").await;
    let arrived = number(&store, "SELECT COUNT(*) FROM outbox WHERE state = 'sent'").await;
    println!(
        "{sent} messages: {} lost, {} doubled; {replies} replies: {} lost, {} doubled",
        sent - decided,
        messages - decided,
        replies - taken.distinct,
        taken.all - taken.distinct
    );
    assert_eq!((messages, decided), (sent, sent), "messages were lost or doubled");
    assert_eq!((taken.all, taken.distinct, arrived), (replies, replies, replies), "replies too");
}

fn settle_in(data: &Path, api: &str) {
    let numbers: Vec<String> = (0..NUMBERS).map(number_id).collect();
    let settings = format!(
        "[policy]\nfile = \"auto.yaml\"\n[log]\nlevel = \"error\"\n[whatsapp]\nnumbers = \"{}\"\napp_secret = \"{SECRET}\"\n\
         verify_token = \"a-palavra\"\naccess_token = \"EAAG-um-token-de-teste-bem-longo\"\nbase_url = \"{api}\"\n",
        numbers.join(",")
    );
    std::fs::write(data.join("auto.yaml"), POLICY).expect("the policy is written");
    std::fs::write(data.join("atende.toml"), settings).expect("the settings are written");
}

fn number_id(number: u32) -> String {
    format!("1065403522429{number:02}")
}

fn serve(data: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_atende"))
        .current_dir(data)
        .arg("--data")
        .arg(data)
        .args(["--lang", "en", "serve", "--bind", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let url = first_line(&mut child);
    let url = url.split_whitespace().last().expect("an address").to_owned();
    (child, url)
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// Posts the calls on time, whatever the answers take; returns how long each took.
async fn load(url: &str, seconds: u32) -> Vec<Duration> {
    let client =
        reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
    let url = format!("{url}/webhooks/whatsapp");
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..RATE * seconds {
        ticks.tick().await;
        let body = call(number);
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key serves");
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        for again in 0..=u32::from(number.is_multiple_of(AGAIN)) {
            let request =
                client.post(&url).header("x-hub-signature-256", &signature).body(body.clone());
            calls.spawn(async move {
                tokio::time::sleep(Duration::from_millis(300) * again).await;
                let started = Instant::now();
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                started.elapsed()
            });
        }
    }
    calls.join_all().await
}

#[expect(clippy::disallowed_methods, reason = "Meta has the machine's time too")]
fn call(number: u32) -> String {
    let text = if number.is_multiple_of(2) { TEXTS[0] } else { TEXTS[1] };
    let person = format!("55119{number:08}");
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "551133334444", "phone_number_id": number_id(number % NUMBERS)},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": person}],
        "messages": [{
            "from": person, "id": format!("wamid.{number}"), "type": "text", "text": {"body": text},
            "timestamp": chrono::Utc::now().timestamp().to_string(),
        }],
    }}]}]})
    .to_string()
}

/// Waits until every message is decided and every reply has left; returns when that was.
async fn rest(data: &Path, begun: Instant) -> (Duration, Duration) {
    let (store, inbox) = (data.join("store.db"), data.join("inbox.db"));
    let calls = "SELECT COUNT(*) FROM calls WHERE taken_at IS NULL";
    let jobs = "SELECT COUNT(*) FROM jobs WHERE state = 'pending'";
    let replies =
        "SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'failed', 'unknown', 'retired')";
    let mut decided = None;
    loop {
        if decided.is_none() && number(&inbox, calls).await + number(&store, jobs).await == 0 {
            decided = Some(begun.elapsed());
        }
        if let Some(decided) = decided
            && number(&store, replies).await == 0
        {
            return (decided, begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "it never came to rest");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn number(file: &Path, sql: &'static str) -> i64 {
    let opened = SqliteConnectOptions::new().filename(file).connect().await;
    let mut connection: SqliteConnection = opened.expect("the file opens");
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("it answers")
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kib: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    kib / 1024
}

fn stop(mut server: Child) {
    let asked = Command::new("kill").arg(server.id().to_string()).status();
    if asked.is_err() {
        server.kill().expect("it can be stopped");
    }
    server.wait().expect("it stopped");
}

/// Replies that Meta took.
#[derive(Clone, Copy)]
struct Taken {
    all: i64,
    distinct: i64,
}

/// Starts this program as Meta; returns it with its address.
fn start_meta() -> (Child, String) {
    let this = std::env::current_exe().expect("the bench knows its file");
    let mut child = Command::new(this)
        .arg("--meta")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Meta starts");
    let url = first_line(&mut child);
    (child, url)
}

/// Ends it; returns what it took.
fn ended(mut network: Child) -> Taken {
    drop(network.stdin.take());
    let mut said = String::new();
    let out = network.stdout.as_mut().expect("its output");
    out.read_to_string(&mut said).expect("its count");
    network.wait().expect("it ended");
    let mut counts = said.split_whitespace().map(|word| word.parse().expect("a number"));
    let mut next = || counts.next().expect("two numbers");
    Taken { all: next(), distinct: next() }
}

type Replies = Arc<Mutex<HashMap<String, i64>>>;

/// Plays Meta's API until its input ends, then says how many replies it took, and how many different ones.
fn meta() {
    let taken = Replies::default();
    let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&taken));
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a free port");
    println!("http://{}", listener.local_addr().expect("an address"));
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn_on(async move { axum::serve(listener, router).await }, runtime.handle());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("its end");
    let taken = taken.lock().expect("nobody stopped over it");
    println!("{} {}", taken.values().sum::<i64>(), taken.len());
    drop(taken);
    runtime.shutdown_background();
}

async fn answer(State(taken): State<Replies>, Json(body): Json<Value>) -> Json<Value> {
    let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if word("status") == "read" {
        return Json(json!({"success": true}));
    }
    let id = word("biz_opaque_callback_data").to_owned();
    let network_id = format!("wamid.{id}");
    *taken.lock().expect("nobody stopped over it").entry(id).or_default() += 1;
    tokio::time::sleep(LATENCY).await;
    Json(json!({"messaging_product": "whatsapp", "messages": [{"id": network_id}]}))
}
