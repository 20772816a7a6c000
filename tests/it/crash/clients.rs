//! Systems that hand in messages and repeat, under the same key, whatever was not acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::world::process::{self, PATIENCE};

/// How many calls are under way at once.
const AT_ONCE: usize = 8;
/// Every how many messages an acknowledged call is repeated all the same.
const REPEAT_EVERY: usize = 7;

/// Questions that a sample article answers for sure.
const TEXTS: &[&str] = &[
    "Esqueci a senha, como recupero?",
    "Onde pego a segunda via do boleto?",
    "How do I reset my password?",
];

/// Where the API is now and how many messages may have been handed in by now.
#[derive(Clone, Default)]
struct Stage {
    url: String,
    allowed: usize,
}

struct Shared {
    tokens: [String; 2],
    with_keys: usize,
    total: usize,
    next: AtomicUsize,
    repeated: AtomicUsize,
    accepted: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
}

/// All of them.
pub(super) struct Clients {
    shared: Arc<Shared>,
    stage: watch::Sender<Stage>,
    tasks: TaskTracker,
}

impl Clients {
    /// Starts them; they wait for a place to send to.
    pub(super) fn new(tokens: [String; 2], with_keys: usize, without_keys: usize) -> Self {
        let http = process::client();
        let shared = Arc::new(Shared {
            tokens,
            with_keys,
            total: with_keys + without_keys,
            next: AtomicUsize::new(0),
            repeated: AtomicUsize::new(0),
            accepted: Mutex::default(),
            http,
        });
        let (stage, _) = watch::channel(Stage::default());
        let tasks = TaskTracker::new();
        for _ in 0..AT_ONCE {
            tasks.spawn(work(Arc::clone(&shared), stage.subscribe()));
        }
        tasks.close();
        Self { shared, stage, tasks }
    }

    /// Tells where the API is in this life, and lets this life's share of messages go out.
    pub(super) fn serve_at(&self, url: &str, life: usize, lives: usize) {
        let allowed = self.shared.total * life / lives;
        self.stage.send_replace(Stage { url: url.to_owned(), allowed });
    }

    /// Waits until so many more messages were acknowledged.
    pub(super) async fn acknowledged(&self, more: usize) {
        let so_far = || self.shared.accepted.lock().unwrap().len();
        let (wanted, started) = (so_far() + more, Instant::now());
        while so_far() < wanted {
            assert!(started.elapsed() < PATIENCE, "nothing is acknowledged");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until every message was acknowledged.
    pub(super) async fn finished(&self) {
        let waited = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
        assert!(waited.is_ok(), "some messages were never acknowledged");
    }

    /// The ids that were told, by the sender's own.
    pub(super) fn accepted(&self) -> BTreeMap<String, String> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// How many calls were made again.
    pub(super) fn repeated(&self) -> usize {
        self.shared.repeated.load(Ordering::SeqCst)
    }
}

async fn work(shared: Arc<Shared>, mut stage: watch::Receiver<Stage>) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::SeqCst);
        if number >= shared.total {
            return;
        }
        stage.wait_for(|stage| number < stage.allowed).await.unwrap();
        let id = hand_in(&shared, &mut stage, number).await;
        if number.is_multiple_of(REPEAT_EVERY) {
            shared.repeated.fetch_add(1, Ordering::SeqCst);
            assert_eq!(hand_in(&shared, &mut stage, number).await, id, "the same call, another id");
        }
        let told = shared.accepted.lock().unwrap().insert(external_id(&shared, number), id);
        assert!(told.is_none());
    }
}

fn external_id(shared: &Shared, number: usize) -> String {
    let business = if number_is_keyed(shared, number) { "keyed" } else { "plain" };
    format!("{business}-{number:04}")
}

/// The two businesses take turns, so that both are in hand at every kill.
fn number_is_keyed(shared: &Shared, number: usize) -> bool {
    let share = shared.total / (shared.total - shared.with_keys);
    !number.is_multiple_of(share)
}

/// Hands a message in until it is acknowledged; returns the id that was told.
async fn hand_in(shared: &Shared, stage: &mut watch::Receiver<Stage>, number: usize) -> String {
    let external = external_id(shared, number);
    let bearer = &shared.tokens[usize::from(!number_is_keyed(shared, number))];
    let body = json!({
        "channel": "api", "external_id": external, "thread": external,
        "text": TEXTS[number % TEXTS.len()],
    });
    loop {
        let url = format!("{}/v1/messages", stage.borrow_and_update().url);
        let call = shared.http.post(url).bearer_auth(bearer).header("idempotency-key", &external);
        if let Ok(answer) = call.json(&body).send().await
            && answer.status() == 202
            && let Ok(told) = answer.json::<Value>().await
        {
            return told["id"].as_str().unwrap().to_owned();
        }
        shared.repeated.fetch_add(1, Ordering::SeqCst);
        // The process is gone: go on when the next one says where it is, or if it was only busy.
        drop(tokio::time::timeout(Duration::from_millis(100), stage.changed()).await);
    }
}
