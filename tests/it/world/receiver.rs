//! The company at the far end of the callbacks: a real HTTP server that can be told what to answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::channels::callback::CallbackSettings;
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A callback as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// The `Idempotency-Key`.
    pub(crate) key: String,
    /// The body, byte for byte.
    pub(crate) raw: Vec<u8>,
    /// The body.
    pub(crate) body: Value,
    /// What was answered.
    pub(crate) status: u16,
}

impl Received {
    /// The conversation's thread.
    pub(crate) fn thread(&self) -> &str {
        self.body["thread"].as_str().unwrap()
    }

    /// The words.
    pub(crate) fn text(&self) -> &str {
        self.body["text"].as_str().unwrap()
    }
}

/// The server.
pub(crate) struct Receiver {
    server: MockServer,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<u16>,
    seen: Vec<Received>,
}

struct Answer(Arc<Mutex<Script>>);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut script = self.0.lock().unwrap();
        let status = script.next.pop_front().unwrap_or(200);
        script.seen.push(Received {
            key: request.headers["idempotency-key"].to_str().unwrap().to_owned(),
            raw: request.body.clone(),
            body: serde_json::from_slice(&request.body).unwrap(),
            status,
        });
        ResponseTemplate::new(status)
    }
}

impl Receiver {
    /// Starts a server that takes everything.
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let script = Arc::<Mutex<Script>>::default();
        let answer = Answer(Arc::clone(&script));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, script }
    }

    /// How the program reaches it.
    pub(crate) fn settings(&self, idempotent: bool) -> CallbackSettings {
        CallbackSettings {
            url: self.server.uri().parse().unwrap(),
            secret: "a secret of the world".to_owned(),
            timeout: Duration::from_secs(5),
            idempotent,
        }
    }

    /// Answers the next requests with these statuses, then with 200 again.
    pub(crate) fn then_answers(&self, statuses: &[u16]) {
        self.script.lock().unwrap().next.extend(statuses);
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Received> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The requests that it took.
    pub(crate) fn accepted(&self) -> Vec<Received> {
        self.seen().into_iter().filter(|received| received.status < 300).collect()
    }
}
