use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeZone as _;
use serde_json::Value;

use super::*;
use crate::cli::lines::MAX_LINE;
use crate::compose::Templates;
use crate::domain::decision::LocalText;
use crate::domain::field::Engine;
use crate::knowledge::Library;
use crate::pipeline::DraftsBy;
use crate::ports::chat::{
    ChatAnswer, ChatError, ChatErrorKind, ChatModel, ChatRequest, Purpose, TokenUse,
};
use crate::prompts::Prompts;

fn pipeline() -> Pipeline {
    let pack = Pack::embedded("saas-br").unwrap();
    let library = Library::load(None).map_err(|p| format!("{p:?}")).unwrap();
    let templates = Templates::load(None).map_err(|p| format!("{p:?}")).unwrap();
    let prompts = Prompts::load(None).map_err(|p| format!("{p:?}")).unwrap();
    Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts))
}

fn triaged(input: &[u8]) -> (Vec<Value>, Counts) {
    triaged_with(None, input)
}

fn triaged_with(ladder: Option<&Ladder>, input: &[u8]) -> (Vec<Value>, Counts) {
    let mut out = Vec::new();
    let pipeline = pipeline();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engines = Engines { pipeline: &pipeline, ladder, runtime: &runtime };
    let now = Utc.timestamp_opt(1_795_000_000, 0).unwrap();
    let counts =
        triage(&engines, Locale::En, now, &mut std::io::Cursor::new(input), &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), counts)
}

#[test]
fn lines_are_answered_in_their_order_and_a_bad_one_does_not_stop_the_others() {
    let input = br#"{"id": "a", "channel": "whatsapp", "text": "esqueci minha senha, como troco?"}

{"id": "b", "channel": "fax", "text": "oi"}
not json
{"id": 3, "channel": "email", "text": "I want to talk to a human", "shoe_size": 42}
"#;
    let (answers, counts) = triaged(input);
    let ids: Vec<Value> = answers.iter().map(|a| a["id"].clone()).collect();
    assert_eq!(ids, [Value::from("a"), Value::from("b"), Value::Null, Value::from(3)]);
    assert_eq!(answers[1]["error"]["line"], 3);
    assert_eq!(answers[1]["error"]["field"], "channel");
    assert_eq!(answers[2]["error"]["line"], 4);
    assert_eq!(answers[3]["decision"]["action"], "escalate");
    assert_eq!((counts.lines, counts.bad), (4, 2));
    assert_eq!(counts.unknown.get("shoe_size"), Some(&1));
}

#[test]
fn every_mistake_of_a_line_names_its_field() {
    for (line, field) in [
        ("[]", ""),
        (r#"{"channel":"api","text":"x"}"#, "id"),
        (r#"{"id":1,"text":"x"}"#, "channel"),
        (r#"{"id":1,"channel":"api"}"#, "text"),
        (r#"{"id":1,"channel":"api","text":"  \n "}"#, "text"),
        (r#"{"id":1,"channel":"api","text":7}"#, "text"),
        (r#"{"id":1,"channel":"api","text":"x","subject":[]}"#, "subject"),
        (r#"{"id":1,"channel":"api","text":"x","history":{}}"#, "history"),
        (r#"{"id":1,"channel":"api","text":"x","history":[1]}"#, "history[0]"),
        (
            r#"{"id":1,"channel":"api","text":"x","history":[{"from":"bot","text":"y"}]}"#,
            "history[0].from",
        ),
        (
            r#"{"id":1,"channel":"api","text":"x","history":[{"from":"ai","text":"y","at":"noon"}]}"#,
            "history[0].at",
        ),
        (r#"{"id":1,"channel":"api","text":"x","customer":3}"#, "customer"),
        (r#"{"id":1,"channel":"api","text":"x","customer":{"plan":3}}"#, "customer.plan"),
        (
            r#"{"id":1,"channel":"api","text":"x","customer":{"annual_revenue":{"amount":"much","currency":"BRL"}}}"#,
            "customer.annual_revenue.amount",
        ),
        (r#"{"id":1,"channel":"api","text":"x","category":"nonsense"}"#, "category"),
        (r#"{"id":1,"channel":"api","text":"x","urgency":"soon"}"#, "urgency"),
        (r#"{"id":1,"channel":"api","text":"x","media":"yes"}"#, "media"),
    ] {
        let (answers, counts) = triaged(line.as_bytes());
        assert_eq!(answers[0]["error"]["field"], field, "{line}");
        assert_eq!(counts.bad, 1, "{line}");
    }
    let (answers, _) = triaged(b"{\"id\":1,\"channel\":\"api\",\"text\":\"\xff\"}");
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("not UTF-8"), "{answers:?}");
}

#[test]
fn an_answer_has_exactly_the_fields_of_the_printed_schema() {
    let schema: Value = serde_json::from_slice(include_bytes!("schema.json")).unwrap();
    let (answers, _) = triaged(
        br#"{"id": 1, "channel": "email", "subject": "Password", "text": "Hello, how do I reset my password? Thanks"}"#,
    );
    holds(&answers[0], &schema["oneOf"][0], "$");
    let (bad, _) = triaged(b"{}");
    holds(&bad[0], &schema["oneOf"][1], "$");
}

/// Checks the parts of JSON Schema that ours uses: required, properties, items, enum, oneOf.
fn holds(value: &Value, schema: &Value, path: &str) {
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{path}: {value}");
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let kind = one.iter().find(|s| (s["type"] == "null") == value.is_null()).unwrap();
        return holds(value, kind, path);
    }
    if let Value::Object(object) = value {
        let known: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
        assert!(found.is_subset(&known), "{path}: {:?}", found.difference(&known));
        for required in schema["required"].as_array().unwrap() {
            assert!(found.contains(required.as_str().unwrap()), "{path}: lacks {required}");
        }
        for (name, value) in object {
            holds(value, &schema["properties"][name], &format!("{path}.{name}"));
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(item, &schema["items"], &format!("{path}[{at}]"));
    }
}

#[test]
fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
    let mut input = vec![b'x'; MAX_LINE + 10];
    input.extend(b"\n{\"id\":2,\"channel\":\"api\",\"text\":\"oi\"}\n");
    let (answers, counts) = triaged(&input);
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("longer than"));
    assert_eq!(answers[1]["id"], 2);
    assert_eq!((counts.lines, counts.bad), (2, 1));
}

/// A model that answers when as many ask at once as it waits for, then fails.
#[derive(Debug)]
struct Together {
    met: tokio::sync::Barrier,
}

#[async_trait::async_trait]
impl ChatModel for Together {
    fn name(&self) -> &'static str {
        "together"
    }

    fn parameters(&self) -> Value {
        Value::Null
    }

    fn most_micros(&self, _request: &ChatRequest) -> u64 {
        0
    }

    async fn ask(&self, _request: &ChatRequest) -> Result<ChatAnswer, ChatError> {
        let met = tokio::time::timeout(Duration::from_secs(20), self.met.wait()).await;
        let kind = if met.is_ok() { ChatErrorKind::Overloaded } else { ChatErrorKind::TimedOut };
        Err(ChatError {
            cost_micros: 1_500,
            ..ChatError::new(kind, LocalText::new("como o teste quer", "as the test wants"))
        })
    }
}

#[test]
fn lines_wait_for_a_model_together_and_their_questions_are_told() {
    let ladder = Ladder {
        primary: Arc::new(Together { met: tokio::sync::Barrier::new(4) }),
        escalation: None,
        drafts: DraftsBy::Unsure,
        turn: Duration::from_secs(30),
        samples: 1,
        in_flight: 4,
    };
    let line = |n: usize| {
        format!(
            "{{\"id\":{n},\"channel\":\"chat\",\"text\":\"minha tia mexeu no computador ontem e a tela nova não some, e aí?\"}}\n"
        )
    };
    let input: String = (0..8).map(line).collect();
    let (answers, counts) = triaged_with(Some(&ladder), input.as_bytes());
    let ids: Vec<u64> = answers.iter().filter_map(|answer| answer["id"].as_u64()).collect();
    assert_eq!(ids, (0..8).collect::<Vec<u64>>(), "in the order of the input");
    assert_eq!(
        counts.asked.told(Locale::En),
        [
            "16 questions to language models, US$ 0.024000 (not counted in the budget)",
            "16 without an answer: server overloaded or failing (16)",
            "Where no answer came, the embedded engines decided. What is wrong with the model: atende models check",
        ]
    );
    assert_eq!(
        counts.asked.told(Locale::PtBr),
        [
            "16 perguntas aos modelos de linguagem, US$ 0.024000 (não entra no orçamento)",
            "16 sem resposta: servidor sobrecarregado ou com erro (16)",
            "Onde faltou resposta, decidiram os motores embutidos. O que há com o modelo: atende models check",
        ]
    );
}

#[test]
fn what_was_never_put_is_no_question() {
    let call = |outcome: &str| ModelCall {
        purpose: Purpose::Triage,
        rung: Engine::Primary,
        prompt: "triage@1".to_owned(),
        model: "m".to_owned(),
        answered_by: None,
        outcome: outcome.to_owned(),
        tokens: TokenUse::default(),
        cost_micros: 0,
        took_ms: 0,
        attempts: 0,
    };
    let mut asked = Asked::default();
    asked.add(&[call("ok"), call("resting"), call("resting"), call("no_room")]);
    let told = asked.told(Locale::En);
    assert_eq!(told[0], "1 question to language models");
    assert_eq!(
        told[1],
        "3 never put: the limits left no room (1), the model rested after failures (2)"
    );
    assert!(Asked::default().told(Locale::PtBr).is_empty());
    // What a recording lacks is no model's fault.
    let mut replayed = Asked::default();
    replayed.add(&[call("not_recorded"), call("bad_recording"), call("bad_recording")]);
    assert_eq!(
        replayed.told(Locale::En),
        [
            "3 questions to language models",
            "3 without an answer: recording damaged (2), not recorded (1)",
            "Where no answer came, the embedded engines decided.",
        ]
    );
    replayed.add(&[call("resting")]);
    assert!(replayed.told(Locale::PtBr)[3].ends_with("atende models check"));
}
