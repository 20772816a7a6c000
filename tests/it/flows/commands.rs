//! Every command beside a running worker, on the same directory.

use std::io::Write as _;
use std::process::{Output, Stdio};

use atende::domain::ids::TenantId;
use serde_json::{Value, json};

use crate::world::process::{self, Served, command, run};
use crate::world::{AUTO, QUESTION};

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn every_command_works_beside_a_running_worker() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    process::put(data, "auto.yaml", AUTO);
    process::put(data, "atende.toml", "[policy]\nfile = \"auto.yaml\"\n");
    process::put(data, "customers.csv", include_str!("../../../demo/customers.csv"));
    let served = Served::start(data);
    let bearer = process::token(data, &TenantId::main(), "beside").await;

    let line = json!({"id": "1", "channel": "api", "text": QUESTION}).to_string();
    let mut triage = command(data)
        .args(["triage", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    triage.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let answer = triage.wait_with_output().unwrap();
    assert!(answer.status.success(), "{}", text(&answer));
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["decision"]["action"], "send", "under the folder's own policy");

    let client = process::client();
    let post = |key: &str| {
        client
            .post(format!("{}/v1/messages", served.url))
            .bearer_auth(&bearer)
            .header("idempotency-key", key)
            .json(&json!({"channel": "api", "thread": key, "text": QUESTION}))
            .send()
    };
    for (number, args) in [
        &["policy", "check"][..],
        &["policy", "check", "auto.yaml"],
        &["config", "check"],
        &["tokens", "add", "--name", "other", "--scopes", "read"],
        &["tokens", "list"],
        &["tokens", "revoke", "other"],
        &["customers", "import", "customers.csv"],
        &["store", "check"],
        &["knowledge", "index"],
        &["knowledge", "search", "esqueci a senha"],
        &["knowledge", "lint"],
        &["assistant", "off", "--reason", "teste"],
        &["assistant", "show"],
        &["assistant", "on"],
        &["store", "backup", "copy"],
    ]
    .iter()
    .enumerate()
    {
        let before = post(&format!("before-{number}")).await.unwrap();
        assert_eq!(before.status(), 202, "{args:?}");
        let output = run(data, args);
        assert!(output.status.success(), "{args:?}: {}", text(&output));
    }
    for file in ["copy/store.db", "copy/inbox.db"] {
        assert!(data.join(file).is_file(), "{file}");
    }
    let again = run(data, &["store", "backup", "copy"]);
    assert!(!again.status.success() && text(&again).contains("exists already"), "{}", text(&again));

    for args in [&["serve", "--bind", "127.0.0.1:0"][..], &["demo"]] {
        let second = run(data, args);
        assert!(!second.status.success(), "{args:?}");
        let said = text(&second);
        assert!(said.contains("another atende worker") && said.contains("--data"), "{said}");
    }
    assert!(served.stop());
    let check = run(data, &["store", "check"]);
    assert!(check.status.success() && text(&check).contains("All in order"), "{}", text(&check));
}

#[test]
fn the_demo_twice_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let summary = || {
        let output = run(dir.path(), &["demo", "--json"]);
        assert!(output.status.success(), "{}", text(&output));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        (stdout.lines().count(), last)
    };
    let (lines, first) = summary();
    let (lines_again, second) = summary();
    assert!(lines > 1, "{first}");
    assert_eq!(lines, lines_again);
    let body = |value: &Value| value.get("summary").unwrap_or(value).clone();
    let (first, second) = (body(&first), body(&second));
    assert_ne!(first["duplicates"], first["messages"], "{first}");
    assert_eq!(second["duplicates"], second["messages"], "{second}");
    for key in ["messages", "turns", "actions", "outbox"] {
        assert!(!first[key].is_null(), "{first}");
        assert_eq!(first[key], second[key], "{key}");
    }
}
