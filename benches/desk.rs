//! How long an agent waits for a page of a queue with 100 000 tickets stored: the real binary, a signed-in browser, pages
//! asked for one after the other while nothing else goes on.
//!
//! Run with `cargo bench --bench desk`. It starts `atende serve` on a free port of loopback in a temporary folder and stops it
//! again.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atende::adapters::clock::SystemClock;
use atende::ports::Clock as _;

/// Tickets in the store.
const TICKETS: u32 = 100_000;
/// Drafts among them that wait for review.
const REVIEWS: u32 = 500;
/// Pages asked for of each kind.
const PAGES: usize = 400;

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let link = person(dir.path());
    runtime.block_on(fill(dir.path()));
    let (server, url) = serve(dir.path());
    let cookie = runtime.block_on(enter(&url, &link));
    for (name, path) in [
        ("review queue with an open ticket", "/desk/review"),
        ("queue of a team", "/desk/review?fila=support"),
        ("all tickets", "/desk/tickets"),
        ("search by number", "/desk/tickets?q=4711"),
    ] {
        let mut waits = runtime.block_on(ask(&format!("{url}{path}"), &cookie));
        waits.sort_unstable();
        let at =
            |share: usize| waits.get((waits.len() - 1) * share / 100).copied().unwrap_or_default();
        let mut out = std::io::stdout().lock();
        std::io::Write::write_fmt(
            &mut out,
            format_args!("{name}: p50 {:.1?}, p99 {:.1?}, max {:.1?}\n", at(50), at(99), at(100)),
        )
        .expect("print");
    }
    stop(server);
}

fn atende(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atende"));
    command.arg("--data").arg(data).args(["--lang", "en"]).stderr(Stdio::null());
    command
}

/// Makes an agent and returns the end of a link that signs them in.
fn person(data: &Path) -> String {
    let added = atende(data)
        .args(["users", "add", "bench@example.com", "--name", "Bench", "--role", "agent"])
        .output();
    assert!(added.expect("make an account").status.success());
    let link = atende(data).args(["users", "link", "bench@example.com"]).output().expect("a link");
    let link = String::from_utf8(link.stdout).expect("UTF-8");
    let (_, secret) = link.split_once("/desk/enter/").expect("a link");
    secret.split_whitespace().next().expect("a secret").to_owned()
}

async fn fill(data: &Path) {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("store.db"));
    let mut connection = options.connect().await.expect("the file opens");
    let now = SystemClock::default().now().timestamp_millis();
    let numbers = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TICKETS}) "
    );
    for sql in [
        "BEGIN".to_owned(),
        format!(
            "INSERT INTO conversations (id, tenant, channel, account, thread, contact, version, fence, owner, ai_turns, \
             opted_out, ticket_id, vault, created_at, updated_at) {numbers} SELECT 'cnv_' || i, 'main', 'chat', 'a', i, \
             '{{\"name\":\"Cliente ' || i || '\"}}', 1, 1, CASE WHEN i <= {REVIEWS} THEN 'review' ELSE 'queue' END, 0, 0, \
             'tck_' || i, '{{}}', {now}, {now} FROM n"
        ),
        // A tenth waits in queues, the rest is over.
        format!(
            "INSERT INTO tickets (id, tenant, number, conversation_id, channel, source_ref, status, fields, overrides, action, \
             tags, escalations, created_at, updated_at, queue, clock_at, queue_rank, category, urgency, sentiment, language) \
             {numbers} SELECT 'tck_' || i, 'main', i, 'cnv_' || i, 'chat', i, \
             CASE WHEN i <= {TICKETS} / 10 THEN 'open' ELSE 'closed' END, '{{}}', '{{}}', \
             CASE WHEN i <= {REVIEWS} THEN 'review' ELSE 'escalate' END, '[]', 0, {now} - i, {now}, 'support', \
             CASE WHEN i <= {TICKETS} / 10 THEN {now} + 864000000 END, {now} + i, 'billing', 'normal', 'neutral', 'pt-BR' FROM n"
        ),
        format!(
            "INSERT INTO messages (id, tenant, channel, account, external_id, conversation_id, ticket_id, author, text, meta, \
             sent_at, received_at) {numbers} SELECT 'msg_' || i, 'main', 'chat', 'a', 'm' || i, 'cnv_' || i, 'tck_' || i, \
             'customer', 'O boleto ' || i || ' venceu ontem, como pago agora?', '{{}}', {now} - i, {now} - i FROM n"
        ),
        format!(
            "INSERT INTO drafts (id, tenant, ticket_id, conversation_id, version, state, text, locale, kind, ledger, passages, \
             conversation_version, created_at) {numbers} SELECT 'drf_' || i, 'main', 'tck_' || i, 'cnv_' || i, 1, 'proposed', \
             'Olá! A segunda via fica em Cobrança.', 'pt-BR', 'extractive', '[]', '[]', 1, {now} FROM n WHERE i <= {REVIEWS}"
        ),
        // Whoever is new chooses a password before anything else.
        "UPDATE users SET must_change = 0".to_owned(),
        "COMMIT".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("rows");
    }
}

fn serve(data: &Path) -> (Child, String) {
    let mut child = atende(data)
        .args(["serve", "--bind", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("start");
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("stdout");
    BufReader::new(out).read_line(&mut line).expect("the address");
    let url = line.split_whitespace().last().expect("an address").to_owned();
    (child, url)
}

/// Signs in with the link and returns the cookie.
async fn enter(url: &str, link: &str) -> String {
    let client = client();
    let entered = client
        .post(format!("{url}/desk/enter/{link}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("")
        .send()
        .await
        .expect("an answer");
    let cookie = entered.headers().get("set-cookie").expect("a cookie");
    let cookie = cookie.to_str().expect("plain letters");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("client")
}

async fn ask(url: &str, cookie: &str) -> Vec<Duration> {
    let client = client();
    let mut waits = Vec::with_capacity(PAGES);
    for _ in 0..PAGES {
        let started = Instant::now();
        let answer = client.get(url).header("cookie", cookie).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(!answer.bytes().await.expect("a page").is_empty());
        waits.push(started.elapsed());
    }
    waits
}

fn stop(mut server: Child) {
    let asked = Command::new("kill").arg(server.id().to_string()).status();
    if asked.is_err() {
        server.kill().expect("stop");
    }
    server.wait().expect("stopped");
}
