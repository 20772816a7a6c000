//! Meta at the far end of WhatsApp: a real HTTP server that takes messages as the Cloud API does and can be told to refuse
//! them, or to fall silent after it took one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::config::WhatsappSettings;
use atende::domain::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The token that the server takes.
pub(crate) const TOKEN: &str = "EAAG-um-token-de-teste-bem-longo";

/// What the server does with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meta {
    /// Refuses with this code of the table.
    Refuses(i64),
    /// Takes it and says nothing for longer than anybody waits.
    Hangs,
    /// Takes it, and its gateway gives up.
    Fails,
    /// Takes it.
    Takes,
}

/// A file that the server has, and how it hands it out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Medium {
    /// What is in it.
    pub(crate) content: Vec<u8>,
    /// Its size as it is told, where that is not the truth.
    pub(crate) told_size: Option<usize>,
    /// Says that it is gone, with this code of the table.
    pub(crate) refuses: Option<i64>,
    /// Lets whoever fetches it wait for so long.
    pub(crate) wait: Duration,
}

/// The server.
pub(crate) struct Graph {
    server: MockServer,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Meta>,
    /// Bodies of messages that it has, in their order, whatever it answered.
    taken: Vec<Value>,
    /// Ids of messages that were marked as read, each with whether "typing…" was asked for.
    read: Vec<(String, bool)>,
    calls: usize,
    /// The forms of files that were handed over, as text.
    uploads: Vec<String>,
    /// Files by their ids.
    media: HashMap<String, Medium>,
    /// Ids of files that were asked for, and of those that were fetched.
    asked: Vec<String>,
    fetched: Vec<String>,
}

impl Script {
    /// Tells of a file, or hands it out.
    fn hand_out(&mut self, path: &str, own: &str) -> ResponseTemplate {
        if let Some(id) = path.strip_prefix("/download/") {
            self.fetched.push(id.to_owned());
            let medium = self.media[id].clone();
            return ResponseTemplate::new(200)
                .set_body_bytes(medium.content)
                .set_delay(medium.wait);
        }
        let id = path.rsplit('/').next().unwrap();
        self.asked.push(id.to_owned());
        let medium = &self.media[id];
        if let Some(code) = medium.refuses {
            return refused(code);
        }
        ResponseTemplate::new(200).set_body_json(json!({
            "messaging_product": "whatsapp", "id": id, "url": format!("{own}/download/{id}"),
            "mime_type": "application/octet-stream",
            "file_size": medium.told_size.unwrap_or(medium.content.len()),
            "sha256": hex::encode(Sha256::digest(&medium.content)),
        }))
    }
}

struct Answer(Arc<Mutex<Script>>, String);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut script = self.0.lock().unwrap();
        script.calls += 1;
        let bearer = request.headers.get("authorization").map(|value| value.to_str().unwrap());
        if bearer != Some(&format!("Bearer {TOKEN}")) {
            return refused(190);
        }
        if request.method.as_str() == "GET" {
            return script.hand_out(request.url.path(), &self.1);
        }
        if request.url.path().ends_with("/media") {
            if let Some(Meta::Refuses(code)) = script.next.pop_front() {
                return refused(code);
            }
            script.uploads.push(String::from_utf8_lossy(&request.body).into_owned());
            let id = format!("media{}", script.uploads.len());
            return ResponseTemplate::new(200).set_body_json(json!({"id": id}));
        }
        assert!(request.url.path().ends_with("/messages"), "{}", request.url);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if body["status"] == "read" {
            let id = body["message_id"].as_str().unwrap().to_owned();
            script.read.push((id, body.get("typing_indicator").is_some()));
            return ResponseTemplate::new(200).set_body_json(json!({"success": true}));
        }
        let next = script.next.pop_front();
        if let Some(Meta::Refuses(code)) = next {
            return refused(code);
        }
        script.taken.push(body);
        let id = format!("wamid.out.{}", script.taken.len());
        let taken = ResponseTemplate::new(200).set_body_json(json!({
            "messaging_product": "whatsapp", "messages": [{"id": id}],
        }));
        match next {
            Some(Meta::Hangs) => taken.set_delay(Duration::from_secs(20)),
            Some(Meta::Fails) => ResponseTemplate::new(502),
            _ => taken,
        }
    }
}

fn refused(code: i64) -> ResponseTemplate {
    let status = if code == 190 { 401 } else { 400 };
    ResponseTemplate::new(status).set_body_json(json!({
        "error": {"message": "(#1) as the test wants", "code": code, "error_data": {"details": "…"}},
    }))
}

impl Graph {
    /// Starts a server that takes everything.
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let script = Arc::<Mutex<Script>>::default();
        Mock::given(any())
            .respond_with(Answer(Arc::clone(&script), server.uri()))
            .mount(&server)
            .await;
        Self { server, script }
    }

    /// How the program reaches it.
    pub(crate) fn settings(&self) -> WhatsappSettings {
        WhatsappSettings {
            access_token: Some(Secret::new(TOKEN)),
            base_url: Some(self.server.uri()),
            timeout_secs: 1,
            ..WhatsappSettings::default()
        }
    }

    /// Has a file from now on, or has it otherwise.
    pub(crate) fn has(&self, id: &str, medium: Medium) {
        self.script.lock().unwrap().media.insert(id.to_owned(), medium);
    }

    /// The ids of the files that were asked for, and of those that were fetched.
    pub(crate) fn files(&self) -> (Vec<String>, Vec<String>) {
        let script = self.script.lock().unwrap();
        (script.asked.clone(), script.fetched.clone())
    }

    /// Does this with the next messages, then takes them again.
    pub(crate) fn then(&self, next: &[Meta]) {
        self.script.lock().unwrap().next.extend(next);
    }

    /// The forms of the files that were handed over.
    pub(crate) fn uploads(&self) -> Vec<String> {
        self.script.lock().unwrap().uploads.clone()
    }

    /// The bodies of the messages that it has.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.script.lock().unwrap().taken.clone()
    }

    /// The messages that were marked as read, each with whether "typing…" was asked for.
    pub(crate) fn read(&self) -> Vec<(String, bool)> {
        self.script.lock().unwrap().read.clone()
    }

    /// How many calls came.
    pub(crate) fn calls(&self) -> usize {
        self.script.lock().unwrap().calls
    }
}
