//! People who write on WhatsApp, each from a number of their own. Their calls come alone or together, some twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::Chance;
use super::meta::{Place, call};
use crate::world::process::PATIENCE;
use crate::world::{OTHER_QUESTION, QUESTION};

/// Over so many milliseconds of a life they write.
const SPREAD_MS: u64 = 1_200;

/// All of them.
pub(super) struct Customers {
    place: Place,
    chance: Mutex<Chance>,
    next: AtomicUsize,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Shared {
    accepted: Mutex<BTreeSet<String>>,
    repeated: AtomicUsize,
}

impl Customers {
    pub(super) fn new(place: Place, chance: Chance) -> Self {
        Self {
            place,
            chance: Mutex::new(chance),
            next: AtomicUsize::new(1),
            shared: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Lets some of them write, over a second or so.
    pub(super) fn write(&self, count: usize) {
        let mut chance = self.chance.lock().unwrap();
        let mut left = count;
        while left > 0 {
            let together = if chance.below(4) == 0 { left.min(2) } else { 1 };
            left -= together;
            let first = self.next.fetch_add(together, Ordering::SeqCst);
            let numbers: Vec<usize> = (first..first + together).collect();
            let wait = Duration::from_millis(chance.below(SPREAD_MS));
            let again = chance.below(5) == 0;
            let (shared, place) = (Arc::clone(&self.shared), self.place.clone());
            self.tasks.spawn(post(shared, place, numbers, wait, again));
        }
    }

    /// Waits until every call was acknowledged.
    pub(super) async fn finished(&self) {
        self.tasks.close();
        let waited = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
        assert!(waited.is_ok(), "some calls were never acknowledged");
    }

    /// The ids of the messages whose calls were acknowledged.
    pub(super) fn accepted(&self) -> BTreeSet<String> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// How many calls were made again.
    pub(super) fn repeated(&self) -> usize {
        self.shared.repeated.load(Ordering::SeqCst)
    }
}

async fn post(
    shared: Arc<Shared>,
    mut place: Place,
    numbers: Vec<usize>,
    wait: Duration,
    again: bool,
) {
    tokio::time::sleep(wait).await;
    let messages: Vec<Value> = numbers.iter().copied().map(message).collect();
    let body = call(json!({"messages": messages}));
    let repeated = place.post(&body).await;
    shared.repeated.fetch_add(repeated, Ordering::SeqCst);
    shared.accepted.lock().unwrap().extend(numbers.into_iter().map(id));
    if again {
        shared.repeated.fetch_add(1 + place.post(&body).await, Ordering::SeqCst);
    }
}

fn id(number: usize) -> String {
    format!("wamid.{number:05}")
}

#[expect(clippy::disallowed_methods, reason = "Meta has the machine's time too")]
fn message(number: usize) -> Value {
    let text = if number.is_multiple_of(2) { QUESTION } else { OTHER_QUESTION };
    json!({
        "from": format!("55119{number:08}"), "id": id(number),
        "timestamp": chrono::Utc::now().timestamp().to_string(),
        "type": "text", "text": {"body": text},
    })
}
