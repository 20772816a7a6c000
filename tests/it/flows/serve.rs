//! The worker on its own time: changed files taken over, and an end that loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atende::adapters::clock::SystemClock;
use atende::app::App;
use atende::config::{Config, PolicySettings};
use atende::domain::ids::TenantId;
use atende::domain::labels::Locale;
use atende::ports::Clock;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::world::process::{self, Served};
use crate::world::{AUTO, DRAFT, QUESTION, count, install_logs};

/// How long a worker may take to notice a changed file.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Waits until something holds; the wait is bounded and its length never matters.
async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < within, "{what} did not happen within {within:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_changed_policy_is_taken_over_and_a_broken_one_keeps_the_last_good_version() {
    let (logs, _listening) = install_logs();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.yaml");
    std::fs::write(&file, DRAFT).unwrap();
    let policy = PolicySettings { file: Some(file.clone()), ..PolicySettings::default() };
    let config = Config { policy, ..Config::default() };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let app = Arc::new(App::open(&dir.path().join("data"), &config, clock, &tasks).await.unwrap());
    app.adopt_all(&config, Locale::En).await.unwrap();
    let every = Duration::from_secs(config.worker.reload_secs);
    tasks.spawn(Arc::clone(&app).watch(config, Locale::En, every, stop.clone()));

    let main = TenantId::main();
    let id = || app.tenants.get(&main).unwrap().pipeline.pack().id.clone();
    let epoch = async || app.stores.store.tenant_state(&main).await.unwrap().unwrap().epoch;
    assert_eq!((id().as_str(), epoch().await), ("world-draft", 1));
    std::fs::write(&file, AUTO).unwrap();
    until("the new policy", NOTICED_WITHIN, async || id() == "world-auto").await;
    assert_eq!(epoch().await, 2, "what the old policy decided is not sent");

    std::fs::write(&file, AUTO.replace("modes", "modez")).unwrap();
    let kept = || logs.text().contains("Kept the last good version of main");
    until("the refusal", NOTICED_WITHIN, async || kept()).await;
    assert_eq!((id().as_str(), epoch().await), ("world-auto", 2));
    assert!(logs.text().contains("modez"), "it says what is wrong: {}", logs.text());

    std::fs::write(&file, DRAFT).unwrap();
    until("the repaired policy", NOTICED_WITHIN, async || id() == "world-draft").await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_under_load_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_owned();
    process::put(&data, "auto.yaml", AUTO);
    process::put(&data, "atende.toml", "[policy]\nfile = \"auto.yaml\"\n");
    let bearer = process::token(&data, &TenantId::main(), "load").await;
    let served = Served::start(&data);

    let client = process::client();
    let (posts, url) = (TaskTracker::new(), served.url.clone());
    let accepted = Arc::new(std::sync::atomic::AtomicI64::new(0));
    for sender in 0..4 {
        let (client, url, bearer) = (client.clone(), url.clone(), bearer.clone());
        let accepted = Arc::clone(&accepted);
        posts.spawn(async move {
            for number in 0.. {
                let thread = format!("{sender}-{number}");
                let body = json!({"channel": "api", "thread": thread, "external_id": thread, "text": QUESTION});
                let path = format!("{url}/v1/messages");
                let answer = client.post(path).bearer_auth(&bearer).json(&body).send().await;
                match answer {
                    Ok(answer) if answer.status() == 202 => {
                        accepted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    _ => return,
                }
            }
        });
    }
    posts.close();
    let so_far = || accepted.load(std::sync::atomic::Ordering::SeqCst);
    until("load", process::PATIENCE, async || so_far() > 100).await;
    let stopped = tokio::task::spawn_blocking(move || served.stop()).await.unwrap();
    assert!(stopped, "it ended well");
    posts.wait().await;

    let store = data.join("store.db");
    let half = count(&store, "SELECT COUNT(*) FROM outbox WHERE state = 'sending'").await;
    assert_eq!(half, 0, "nothing was left halfway");
    let served = Served::start(&data);
    until("everything decided", process::PATIENCE, async || {
        count(
            &store,
            "SELECT COUNT(*) FROM messages WHERE author = 'customer' AND decision_id IS NOT NULL",
        )
        .await
            >= so_far()
    })
    .await;
    assert!(served.stop());
    let messages = count(&store, "SELECT COUNT(*) FROM messages WHERE author = 'customer'").await;
    let decisions = count(&store, "SELECT COUNT(*) FROM decisions").await;
    assert_eq!(messages, decisions, "each message has one decision");
    assert!(messages >= so_far(), "{messages} of {} accepted", so_far());
}
