//! Meta at both ends: it takes replies as the Cloud API does on its bad days, and tells of their states by signed
//! calls, late, doubled and out of order. A few replies it takes and never speaks of again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::Chance;
use crate::world::{APP_SECRET, NUMBER, process};

const TOKEN: &str = "EAAG-um-token-de-teste-bem-longo";
/// How long the program waits for an answer, and so longer than it waits for some.
const TIMEOUT_SECS: u64 = 1;
const SILENCE: Duration = Duration::from_secs(3);

/// A reply that it has.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Our id of it.
    pub(super) id: String,
    /// Whose number it went to.
    pub(super) to: String,
    /// Whether it tells of its states.
    pub(super) told: bool,
}

/// Where calls go: the worker of this life.
#[derive(Clone)]
pub(super) struct Place {
    at: watch::Receiver<String>,
    http: reqwest::Client,
}

impl Place {
    /// Posts a call until it is acknowledged; returns how often it had to be repeated.
    pub(super) async fn post(&mut self, body: &Value) -> usize {
        let body = body.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let mut repeated = 0;
        loop {
            let url = format!("{}/webhooks/whatsapp", *self.at.borrow_and_update());
            let call = self.http.post(url).header("x-hub-signature-256", &signature);
            if let Ok(answer) = call.body(body.clone()).send().await
                && answer.status() == 200
            {
                return repeated;
            }
            repeated += 1;
            // The process is gone: go on when the next one says where it is, or if it was only busy.
            drop(tokio::time::timeout(Duration::from_millis(100), self.at.changed()).await);
        }
    }
}

/// Puts what a call tells of into its envelope.
pub(super) fn call(mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "551133334444", "phone_number_id": NUMBER});
    json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "changes": [{"field": "messages", "value": value}]},
    ]})
}

struct Shared {
    chance: Mutex<Chance>,
    taken: Mutex<Vec<Taken>>,
    place: Place,
    tasks: TaskTracker,
}

impl Shared {
    fn below(&self, limit: u64) -> u64 {
        self.chance.lock().unwrap().below(limit)
    }
}

/// The server.
pub(super) struct Meta {
    url: String,
    calls: watch::Sender<String>,
    shared: Arc<Shared>,
    /// Ends with it.
    server: tokio::task::JoinHandle<()>,
}

impl Meta {
    pub(super) async fn start(chance: Chance) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, at) = watch::channel(String::from("http://127.0.0.1:9"));
        let tasks = TaskTracker::new();
        let place = Place { at, http: process::client() };
        let (chance, taken) = (Mutex::new(chance), Mutex::default());
        let shared = Arc::new(Shared { chance, taken, place, tasks: tasks.clone() });
        let router = Router::new().fallback(answered).with_state(Arc::clone(&shared));
        let server = tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, calls, shared, server }
    }

    /// What the program's settings say of it.
    pub(super) fn settings(&self) -> String {
        format!(
            "[whatsapp]\nnumbers = \"{NUMBER}\"\napp_secret = \"{APP_SECRET}\"\nverify_token = \"a-palavra\"\n\
             access_token = \"{TOKEN}\"\nbase_url = \"{}\"\ntimeout_secs = {TIMEOUT_SECS}\n",
            self.url
        )
    }

    /// Calls there from now on.
    pub(super) fn call(&self, url: &str) {
        self.calls.send_replace(url.to_owned());
    }

    /// Where customers' calls go too.
    pub(super) fn place(&self) -> Place {
        self.shared.place.clone()
    }

    /// The replies that it has, in their order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// True for a reply of which it told its states, or will.
    pub(super) fn tells_of(&self, id: &str) -> bool {
        self.shared.taken.lock().unwrap().iter().any(|taken| taken.id == id && taken.told)
    }
}

impl Drop for Meta {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answered(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    // The body is whole: from here on it counts as taken, whatever the program hears.
    let body: Value = serde_json::from_slice(&body).unwrap();
    if body["status"] == "read" {
        return axum::Json(json!({"success": true})).into_response();
    }
    let weather = shared.below(100);
    if weather < 4 {
        return refused(if weather == 0 { 130_429 } else { 131_056 });
    }
    let id = body["biz_opaque_callback_data"].as_str().unwrap().to_owned();
    let told = shared.below(12) > 0;
    let to = body["to"].as_str().unwrap().to_owned();
    shared.taken.lock().unwrap().push(Taken { id: id.clone(), to, told });
    if told {
        shared.tasks.spawn(tell(Arc::clone(&shared), id.clone()));
    }
    let wait = match weather {
        0..12 => SILENCE,
        12..30 => Duration::ZERO,
        _ => Duration::from_millis(shared.below(150)),
    };
    tokio::time::sleep(wait).await;
    match weather {
        12..20 => StatusCode::BAD_GATEWAY.into_response(),
        20..26 => cut_off(),
        _ => axum::Json(json!({
            "messaging_product": "whatsapp", "messages": [{"id": format!("wamid.{id}")}],
        }))
        .into_response(),
    }
}

fn refused(code: i64) -> Response {
    let error = json!({"error": {"message": "(#1) too fast", "code": code}});
    (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
}

/// An answer that says success and breaks off.
fn cut_off() -> Response {
    let parts = [Ok("{\"messaging_product\":"), Err(std::io::Error::other("cut"))];
    Body::from_stream(futures::stream::iter(parts)).into_response()
}

/// Tells of a reply's states: in any order, after a while, some twice.
async fn tell(shared: Arc<Shared>, id: String) {
    let mut order = vec!["sent", "delivered", "read"];
    for at in 0..order.len() {
        let other = usize::try_from(shared.below(3)).unwrap();
        order.swap(at, other);
    }
    if shared.below(4) == 0 {
        order.push(order[0]);
    }
    let mut place = shared.place.clone();
    for state in order {
        tokio::time::sleep(Duration::from_millis(shared.below(900))).await;
        let status = json!({
            "id": format!("wamid.{id}"), "status": state, "timestamp": "1795166400",
            "recipient_id": "5511987654321", "biz_opaque_callback_data": id,
        });
        place.post(&call(json!({"statuses": [status]}))).await;
    }
}
