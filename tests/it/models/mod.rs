//! Language models over the wire: what each kind of server is sent, and what becomes of whatever it answers.

mod faults;
mod injection;
mod ladder;
mod private;
mod real;
mod recordings;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use atende::adapters::openai::{EndpointSettings, OpenAi, Prices, Profile};
use atende::domain::channel::Channel;
use atende::pipeline::{DraftsBy, Ladder, TurnInput};
use atende::ports::chat::{ChatMessage, ChatModel, ChatRequest, OutputSchema, Purpose, Role};
use serde_json::{Value, json};

use crate::world::endpoint::Endpoint;

/// What the customer wrote; it must stay out of errors and logs, whoever repeats it.
const WORDS: &str = "SEGREDO-DO-CLIENTE";

/// A client that goes straight to where it is told. One per test, because its connections belong to the runtime.
fn http() -> reqwest::Client {
    // Another test may have installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    client.build().unwrap()
}

/// Settings that make one attempt.
fn settings(profile: Profile, endpoint: &Endpoint) -> EndpointSettings {
    EndpointSettings {
        profile,
        base_url: endpoint.base_url(),
        key: None,
        model: "model-1".to_owned(),
        temperature: None,
        seed: None,
        effort: None,
        output: None,
        fields: None,
        timeout: Duration::from_secs(3),
        attempts: 1,
        max_output: 500,
        context: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        in_flight: 4,
        prices: Prices { input: 0.10, cached: 0.01, output: 0.50 },
    }
}

/// A model of `OpenAI`'s kind that makes one attempt.
fn model(endpoint: &Endpoint) -> OpenAi {
    OpenAi::new(settings(Profile::OpenAi, endpoint), http())
}

/// A question whose answer has a shape.
fn request() -> ChatRequest {
    let says = |role, text: &str| ChatMessage { role, text: text.to_owned() };
    let schema = json!({
        "type": "object",
        "properties": {
            "why": {"type": "string", "maxLength": 40},
            "mood": {"type": "string", "enum": ["good", "bad"]},
        },
        "required": ["why", "mood"],
        "additionalProperties": false,
    });
    ChatRequest {
        purpose: Purpose::Triage,
        prompt: "triage@0123456789abcdef".to_owned(),
        messages: vec![
            says(Role::System, "Say how the customer feels."),
            says(Role::User, &format!("{WORDS}: o boleto venceu")),
        ],
        output: Some(Arc::new(OutputSchema { name: "triage".to_owned(), schema })),
        max_output: None,
        repeat: 0,
        deadline: Duration::from_secs(5),
    }
}

/// The same question for somebody with less time.
fn request_within(deadline: Duration) -> ChatRequest {
    ChatRequest { deadline, ..request() }
}

/// An answer of the shape.
fn good() -> Value {
    json!({"why": "boleto", "mood": "bad"})
}

/// Two rungs that both stand at one endpoint.
fn ladder_to(endpoint: &Endpoint) -> Ladder {
    let rung = |name: &str| -> Arc<dyn ChatModel> {
        let settings =
            EndpointSettings { model: name.to_owned(), ..settings(Profile::OpenAi, endpoint) };
        Arc::new(OpenAi::new(settings, http()))
    };
    Ladder {
        primary: rung("small"),
        escalation: Some(rung("large")),
        drafts: DraftsBy::Always,
        turn: Duration::from_secs(20),
        samples: 1,
        in_flight: 8,
    }
}

/// What a customer writes on a channel, out of nowhere.
fn turn(channel: &str, text: &str) -> TurnInput {
    TurnInput::fresh(
        Channel::parse(channel).unwrap(),
        text,
        "2026-03-02T12:00:00Z".parse().unwrap(),
    )
}
