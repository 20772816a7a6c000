//! How long a sender waits until its message is on disk: 500 messages a second over HTTP against the
//! real binary, which decides them at the same time.
//!
//! Run with `cargo bench --bench acknowledge`. It starts `atende serve` on a free port of loopback in
//! a temporary folder and stops it again.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Messages a second.
const RATE: u32 = 500;
/// How long the load lasts.
const SECONDS: u32 = 20;

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    let token = token(dir.path());
    let started = Instant::now();
    let (server, url) = serve(dir.path());
    let ready = started.elapsed();
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut waits = runtime.block_on(load(&url, &token));
    waits.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among some thousand waits"
        )]
        let rank = ((waits.len() - 1) as f64 * share).round() as usize;
        waits.get(rank).copied().unwrap_or_default()
    };
    let memory = resident_mib(server.id());
    stop(server);
    let mut out = std::io::stdout().lock();
    std::io::Write::write_fmt(
        &mut out,
        format_args!(
            "{} messages at {RATE}/s: p50 {:.1?}, p99 {:.1?}, max {:.1?}; start to first answer {:.0?}; resident {memory} MiB\n",
            waits.len(), at(0.5), at(0.99), at(1.0), ready
        ),
    )
    .expect("print");
}

fn atende(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atende"));
    command.arg("--data").arg(data).args(["--lang", "en"]).stderr(Stdio::null());
    command
}

fn token(data: &Path) -> String {
    let output = atende(data)
        .args(["tokens", "add", "--name", "bench", "--scopes", "ingest"])
        .output()
        .expect("make a token");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
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

async fn load(url: &str, token: &str) -> Vec<Duration> {
    let client =
        reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("client");
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..RATE * SECONDS {
        ticks.tick().await;
        let request = client
            .post(format!("{url}/v1/messages"))
            .bearer_auth(token)
            .json(&serde_json::json!({
                "channel": "api", "external_id": format!("m{number}"), "thread": format!("t{number}"),
                "from": {"name": "Joana Prado"}, "text": "Esqueci a senha e não consigo entrar, como faço?",
            }));
        calls.spawn(async move {
            let started = Instant::now();
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 202);
            started.elapsed()
        });
    }
    calls.join_all().await
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
        server.kill().expect("stop");
    }
    server.wait().expect("stopped");
}
