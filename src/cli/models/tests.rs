//! The commands as their users meet them: against an endpoint that answers from a script, and on what a store holds.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::adapters::clock::SystemClock;
use crate::app::Stores;
use crate::cli::ExitCode;
use crate::cli::tests::Call;
use crate::config::Config;
use crate::domain::field::Engine;
use crate::domain::ids::TenantId;
use crate::ports::Clock as _;
use crate::ports::chat::{ModelCall, Purpose, TokenUse};

/// A reply as it goes over the wire.
fn reply(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// A whole answer by this model; without a name where it is empty.
fn answer(model: &str, content: &str) -> String {
    let mut body = json!({
        "choices": [{"finish_reason": "stop", "message": {"content": content}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109},
    });
    if !model.is_empty() {
        body["model"] = model.into();
    }
    reply(200, &body.to_string())
}

/// Starts an endpoint that gives every question the same reply and lists no models, and returns its address.
fn endpoint(reply_to_questions: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut came = Vec::new();
            let mut piece = [0; 4096];
            while !is_whole(&came) {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => came.extend_from_slice(&piece[..count]),
                }
            }
            let nothing = reply(404, "{}");
            let reply = if came.starts_with(b"POST") { &reply_to_questions } else { &nothing };
            // Whoever does not wait for the reply misses it.
            drop(stream.write_all(reply.as_bytes()));
        }
    });
    format!("http://{address}/v1")
}

fn is_whole(came: &[u8]) -> bool {
    let text = String::from_utf8_lossy(came);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

const GOOD: &str = r#"{"language":"pt-BR","greeting":true}"#;
const PRICES: &str = "price_input = 0.10\nprice_output = 0.50\n";

/// What may come of a check: a name, the reply, and settings besides address and name of the model.
fn replies() -> Vec<(&'static str, String, &'static str)> {
    let refused = |status, code: &str, message: &str| {
        reply(status, &json!({"error": {"message": message, "code": code}}).to_string())
    };
    let mut cut = answer("gpt-5-mini", GOOD);
    cut.truncate(cut.len() - 60);
    let without_tokens =
        json!({"model": "gpt-5-mini", "choices": [{"message": {"content": GOOD}}]});
    vec![
        ("as it should be", answer("gpt-5-mini", GOOD), PRICES),
        ("a dated version", answer("gpt-5-mini-2025-08-07", GOOD), PRICES),
        ("another model", answer("gpt-4o", GOOD), PRICES),
        ("no name and no price", answer("", GOOD), ""),
        ("free", answer("gpt-5-mini", GOOD), "price_input = 0\nprice_output = 0"),
        ("no tokens counted", reply(200, &without_tokens.to_string()), PRICES),
        ("in fences", answer("gpt-5-mini", &format!("```json\n{GOOD}\n```")), PRICES),
        (
            "settings that stay here",
            answer("gpt-5-mini", GOOD),
            "profile = \"gemini\"\nseed = 7\ntemperature = 0.2\nprice_input = 1\nprice_output = 1",
        ),
        (
            "settings that thinking takes away",
            answer("gpt-5-mini", GOOD),
            "effort = \"low\"\ntemperature = 0.2\nprice_input = 1\nprice_output = 1",
        ),
        (
            "settings that are not listed",
            answer("gpt-5-mini", GOOD),
            "fields = \"max_tokens\"\neffort = \"low\"\nprice_input = 1\nprice_output = 1",
        ),
        ("cut in the middle", cut, PRICES),
        (
            "a wrong key",
            refused(401, "invalid_api_key", "Incorrect API key provided: sk-conf-SEGREDO."),
            PRICES,
        ),
        (
            "a country",
            refused(
                403,
                "unsupported_country_region_territory",
                "Country, region, or territory not supported",
            ),
            PRICES,
        ),
        ("a page", reply(403, "<html>SEGREDO</html>"), PRICES),
        ("not of its shape", answer("gpt-5-mini", r#"{"language":"SEGREDO"}"#), PRICES),
    ]
}

fn call(dir: &Path) -> Call<'_> {
    // Another test may have installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    Call { dir, env: &[], typed: None }
}

fn configure(dir: &Path, base_url: &str, more: &str) {
    let profile = if more.contains("profile") { "" } else { "profile = \"openai\"\n" };
    let text = format!(
        "[models.primary]\n{profile}base_url = \"{base_url}\"\nkey = \"sk-conf-SEGREDO\"\nmodel = \"gpt-5-mini\"\n\
         attempts = 1\n{more}"
    );
    fs::write(dir.join("atende.toml"), text).unwrap();
}

#[test]
fn a_check_says_what_was_found_and_what_to_do_in_the_language() {
    let took = Regex::new(r"\d+ ms").unwrap();
    for lang in ["en", "pt-BR"] {
        let mut page = String::new();
        for (name, reply, more) in replies() {
            let here = tempfile::tempdir().unwrap();
            let base_url = endpoint(reply);
            configure(here.path(), &base_url, more);
            let called = call(here.path()).run(&["models", "check", "--lang", lang]);
            assert!(!called.out.contains("SEGREDO"), "{name}: {}", called.out);
            let failed = called.out.contains("\n! did not") || called.out.contains("\n! não resp");
            assert_eq!(called.code == ExitCode::Problems, failed, "{name}: {}", called.out);
            let shown = called.out.replace(&base_url, "URL");
            writeln!(page, "## {name}\n{}", took.replace_all(&shown, "N ms")).unwrap();
        }
        insta::assert_snapshot!(format!("check_{lang}"), page);
    }
}

#[test]
fn a_server_that_is_not_there_is_no_connection_and_nothing_that_broke() {
    let here = tempfile::tempdir().unwrap();
    configure(here.path(), "http://127.0.0.1:1/v1", "");
    for (lang, told) in [
        (
            "en",
            "! did not answer: there is no connection (connection)\n  \
             check base_url and whether the server runs\n",
        ),
        (
            "pt-BR",
            "! não respondeu: não há conexão (connection)\n  confira base_url e se o servidor está no ar\n",
        ),
    ] {
        let called = call(here.path()).run(&["models", "check", "--lang", lang]);
        assert_eq!(called.code, ExitCode::Problems);
        assert!(called.out.ends_with(told), "{}", called.out);
    }
}

#[test]
fn a_check_for_programs_tells_the_same() {
    let here = tempfile::tempdir().unwrap();
    let checked = |reply: String, more: &str| -> Value {
        configure(here.path(), &endpoint(reply), more);
        let called = call(here.path()).run(&["models", "check", "--json", "--lang", "pt-BR"]);
        let found: Value = serde_json::from_str(&called.out).unwrap();
        found[0].clone()
    };
    let dated = checked(answer("gpt-5-mini-2025-08-07", GOOD), "effort = \"low\"\ntemperature = 1");
    assert_eq!((&dated["ok"], &dated["same_model"]), (&json!(true), &json!(true)), "{dated}");
    assert_eq!(dated["cost_known"], false, "{dated}");
    let unsent = json!([{"setting": "temperature", "field": "temperature", "why": "thinks"}]);
    assert_eq!(dated["unsent"], unsent);

    let nameless = checked(answer("", GOOD), PRICES);
    assert_eq!(nameless["answered_by"], Value::Null, "{nameless}");
    assert_eq!((&nameless["same_model"], &nameless["cost_micros"]), (&Value::Null, &json!(15)));

    let refused = checked(reply(403, r#"{"error": {"message": "Not in your country"}}"#), PRICES);
    assert_eq!((&refused["error"], &refused["status"]), (&json!("forbidden"), &json!(403)));
    assert_eq!(refused["said"], "Not in your country");
    assert!(refused["detail"].as_str().unwrap().contains("negado"), "{refused}");
}

fn asked(rung: Engine, outcome: &str, cost_micros: u64) -> ModelCall {
    let is_sent = !["resting", "no_room", "no_money"].contains(&outcome);
    ModelCall {
        purpose: Purpose::Triage,
        rung,
        prompt: "triage@1".to_owned(),
        model: rung.as_str().to_owned(),
        answered_by: None,
        outcome: outcome.to_owned(),
        tokens: TokenUse { input: if outcome == "ok" { 50 } else { 0 }, cached: 0, output: 0 },
        cost_micros,
        took_ms: if is_sent { 100 } else { 0 },
        attempts: u32::from(is_sent),
    }
}

/// Stores what models of the business `demo` were asked, one turn each.
fn store(data: &Path, calls: &[ModelCall]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let tasks = TaskTracker::new();
        let store = Stores::open(data, &Config::default(), &tasks).await.unwrap().store;
        let demo = TenantId::parse("demo").unwrap();
        store.adopt_policy(&demo, "digest").await.unwrap();
        let now = SystemClock::default().now();
        for (at, call) in calls.iter().enumerate() {
            let turn = format!("turn-{at}");
            store
                .note_model_calls(now, &demo, None, &turn, std::slice::from_ref(call))
                .await
                .unwrap();
        }
        drop(store);
        tasks.close();
        drop(tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await);
    });
}

#[test]
fn the_report_tells_questions_from_rests_and_no_price_from_no_cost() {
    let here = tempfile::tempdir().unwrap();
    let (primary, escalation) = (Engine::Primary, Engine::Escalation);
    let calls = [
        asked(primary, "ok", 0),
        asked(primary, "overloaded", 0),
        asked(primary, "resting", 0),
        asked(primary, "resting", 0),
        asked(escalation, "ok", 1_500_000),
        asked(escalation, "no_room", 0),
    ];
    store(&here.path().join("data"), &calls);
    let stats = |more: &[&str]| {
        let args = [&["models", "stats", "--tenant", "demo"], more].concat();
        let called = call(here.path()).run(&args);
        assert_eq!(called.code, ExitCode::Ok, "{}", called.err);
        called.out
    };
    insta::assert_snapshot!("stats_en", stats(&["--lang", "en"]));
    insta::assert_snapshot!("stats_pt-BR", stats(&["--lang", "pt-BR"]));

    let all: Value = serde_json::from_str(&stats(&["--json"])).unwrap();
    let of_primary = &all["models"][1];
    for (field, value) in [
        ("rung", json!("primary")),
        ("calls", json!(2)),
        ("resting", json!(2)),
        ("mean_ms", json!(100.0)),
        ("p95_ms", json!(100)),
        ("cost_known", json!(false)),
    ] {
        assert_eq!(of_primary[field], value, "{field}: {all}");
    }
    assert_eq!((&all["totals"]["turns"], &all["totals"]["cost_known"]), (&json!(3), &json!(false)));

    let free = "[models.primary]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"primary\"\n\
                price_input = 0\nprice_output = 0\n";
    fs::write(here.path().join("atende.toml"), free).unwrap();
    let free = stats(&["--lang", "en"]);
    assert!(free.contains("Total: US$ 1.500000 · per ticket") && !free.contains('?'), "{free}");
}

#[test]
fn a_business_that_nobody_knows_and_days_that_do_not_exist_are_refused() {
    let here = tempfile::tempdir().unwrap();
    store(&here.path().join("data"), &[]);
    let nope = call(here.path()).run(&["models", "stats", "--tenant", "nope", "--lang", "pt-BR"]);
    assert_eq!((nope.code, nope.out.as_str()), (ExitCode::Problems, ""));
    assert!(nope.err.contains("nope\n    existem: demo, main"), "{}", nope.err);
    let known = call(here.path()).run(&["models", "stats", "--tenant", "demo"]);
    assert_eq!(known.code, ExitCode::Ok, "{}", known.err);

    for days in ["0", "367", "-1", "x", "1.5"] {
        let days = format!("--days={days}");
        for (lang, said) in
            [("en", "use a whole number from 1"), ("pt-BR", "use um número inteiro")]
        {
            let called = call(here.path()).run(&["models", "stats", &days, "--lang", lang]);
            assert_eq!((called.code, called.out.as_str()), (ExitCode::Usage, ""), "{days}");
            assert!(called.err.contains(said), "{days}: {}", called.err);
        }
    }
}
