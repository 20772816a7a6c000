//! Whoever writes voice notes down: a real HTTP server that speaks `audio/transcriptions` and can be told to fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::config::TranscriberSettings;
use atende::domain::secret::Secret;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The key that the server takes.
const KEY: &str = "sk-uma-chave-do-transcritor";

/// What the server does with a recording.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// Answers with this status.
    Fails(u16),
    /// Says nothing for longer than anybody waits.
    Hangs,
}

/// The server.
pub(crate) struct Scribe {
    server: MockServer,
    script: Arc<Mutex<Script>>,
}

struct Script {
    words: &'static str,
    next: VecDeque<Heard>,
    asked: usize,
}

struct Answer(Arc<Mutex<Script>>);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut script = self.0.lock().unwrap();
        script.asked += 1;
        assert_eq!(request.url.path(), "/v1/audio/transcriptions");
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}").as_str());
        let words = ResponseTemplate::new(200).set_body_json(json!({"text": script.words}));
        match script.next.pop_front() {
            Some(Heard::Fails(status)) => ResponseTemplate::new(status),
            Some(Heard::Hangs) => words.set_delay(Duration::from_secs(20)),
            None => words,
        }
    }
}

impl Scribe {
    /// Starts a server that hears these words in every recording.
    pub(crate) async fn hearing(words: &'static str) -> Self {
        let server = MockServer::start().await;
        let script = Arc::new(Mutex::new(Script { words, next: VecDeque::new(), asked: 0 }));
        Mock::given(any()).respond_with(Answer(Arc::clone(&script))).mount(&server).await;
        Self { server, script }
    }

    /// How the program reaches it.
    pub(crate) fn settings(&self) -> TranscriberSettings {
        TranscriberSettings {
            base_url: Some(format!("{}/v1", self.server.uri())),
            key: Some(Secret::new(KEY)),
            model: Some("whisper-1".to_owned()),
            timeout_secs: 2,
            price_per_minute: Some(0.006),
            ..TranscriberSettings::default()
        }
    }

    /// Does this with the next recordings, then hears their words again.
    pub(crate) fn then(&self, next: &[Heard]) {
        self.script.lock().unwrap().next.extend(next);
    }

    /// How many recordings came.
    pub(crate) fn asked(&self) -> usize {
        self.script.lock().unwrap().asked
    }
}
