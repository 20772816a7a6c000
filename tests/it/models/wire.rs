//! What each kind of server is sent, and good answers of all of them.

use std::time::Duration;

use atende::adapters::openai::{Effort, EndpointSettings, OpenAi, OutputMode, Profile};
use atende::config::Secret;
use atende::ports::chat::{ChatErrorKind, ChatModel as _, ChatRequest, TokenUse};
use serde_json::{Value, json};

use super::{WORDS, good, http, model, request, settings};
use crate::world::endpoint::{
    Asked, Endpoint, Play, gemini, in_turn, llamacpp, ollama, openai, vllm,
};
use crate::world::install_logs;

/// An answer with the good content, as such a server gives it.
fn answer_of(profile: Profile) -> Value {
    match profile {
        Profile::OpenAi => openai(good()),
        Profile::Gemini => gemini(good()),
        Profile::Ollama => ollama(good()),
        Profile::Vllm => vllm(good()),
        Profile::LlamaCpp => llamacpp(good()),
        Profile::Other => openai(format!("Claro!\n```json\n{}\n```\nMais algo?", good())),
    }
}

async fn endpoint_of(profile: Profile) -> Endpoint {
    Endpoint::start(move |_| Play::json(200, &answer_of(profile))).await
}

/// The names of the fields that were sent.
fn fields(asked: &Asked) -> String {
    let mut names: Vec<&str> = asked.json.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names.join(" ")
}

#[tokio::test]
async fn every_server_is_sent_what_it_takes_and_nothing_else() {
    let http = http();
    for (profile, effort, sent) in [
        (
            Profile::OpenAi,
            None,
            "logprobs max_completion_tokens messages model prompt_cache_key response_format seed temperature",
        ),
        (
            Profile::OpenAi,
            Some(Effort::Low),
            "max_completion_tokens messages model prompt_cache_key reasoning_effort response_format seed",
        ),
        (
            Profile::OpenAi,
            Some(Effort::None),
            "logprobs max_completion_tokens messages model prompt_cache_key reasoning_effort response_format seed \
             temperature",
        ),
        (
            Profile::Gemini,
            Some(Effort::Low),
            "max_tokens messages model reasoning_effort response_format temperature",
        ),
        (
            Profile::Ollama,
            Some(Effort::Minimal),
            "logprobs max_tokens messages model reasoning_effort response_format seed temperature",
        ),
        (
            Profile::Vllm,
            Some(Effort::None),
            "chat_template_kwargs logprobs max_tokens messages model response_format seed temperature",
        ),
        (
            Profile::LlamaCpp,
            Some(Effort::None),
            "chat_template_kwargs logprobs max_tokens messages model response_format seed temperature",
        ),
        (Profile::Other, Some(Effort::Low), "max_tokens messages model temperature"),
    ] {
        let endpoint = endpoint_of(profile).await;
        let settings = EndpointSettings {
            temperature: Some(0.2),
            seed: Some(7),
            effort,
            ..settings(profile, &endpoint)
        };
        let answer = OpenAi::new(settings, http.clone()).ask(&request()).await.unwrap();
        let asked = endpoint.asked();
        let [asked] = asked.as_slice() else { panic!("{profile} was asked {} times", asked.len()) };
        assert_eq!(fields(asked), sent, "{profile} {effort:?}");
        assert_eq!(asked.path, "/v1/chat/completions");
        assert!(asked.user().contains(WORDS));
        assert_eq!(answer.text, good().to_string(), "{profile}");
        assert_eq!((answer.attempts, answer.tokens.input, answer.tokens.output), (1, 1000, 50));
    }
}

#[tokio::test]
async fn the_values_are_in_the_words_of_the_server() {
    let http = http();
    let thinking_off = json!({"enable_thinking": false});
    for (profile, effort, field, value) in [
        (Profile::OpenAi, Effort::Minimal, "reasoning_effort", json!("minimal")),
        (Profile::Ollama, Effort::Minimal, "reasoning_effort", json!("low")),
        (Profile::Ollama, Effort::None, "reasoning_effort", json!("none")),
        (Profile::Vllm, Effort::None, "chat_template_kwargs", thinking_off.clone()),
        (Profile::LlamaCpp, Effort::None, "chat_template_kwargs", thinking_off),
        (Profile::LlamaCpp, Effort::High, "reasoning_effort", json!("high")),
        (Profile::OpenAi, Effort::Low, "max_completion_tokens", json!(500)),
        (Profile::Ollama, Effort::Low, "max_tokens", json!(500)),
        (Profile::OpenAi, Effort::Low, "prompt_cache_key", json!("triage@0123456789abcdef")),
    ] {
        let endpoint = endpoint_of(profile).await;
        let settings = EndpointSettings { effort: Some(effort), ..settings(profile, &endpoint) };
        OpenAi::new(settings, http.clone()).ask(&request()).await.unwrap();
        assert_eq!(endpoint.asked()[0].json[field], value, "{profile} {effort}");
    }
}

#[tokio::test]
async fn the_shape_stands_where_the_server_looks_for_it_or_in_the_instructions() {
    let http = http();
    let whole = request().output.unwrap().schema.clone();
    let mut without_lengths = whole.clone();
    without_lengths["properties"]["why"].as_object_mut().unwrap().remove("maxLength");
    let (named, plain) = ("/response_format/json_schema/schema", "/response_format/schema");
    let (schema, object) = (Some(OutputMode::JsonSchema), Some(OutputMode::JsonObject));
    for (profile, mode, place, sent) in [
        (Profile::OpenAi, None, named, Some(&without_lengths)),
        (Profile::Gemini, None, named, Some(&whole)),
        (Profile::Ollama, None, named, Some(&whole)),
        (Profile::Vllm, None, named, Some(&whole)),
        (Profile::LlamaCpp, None, plain, Some(&whole)),
        (Profile::LlamaCpp, schema, named, Some(&whole)),
        (Profile::Vllm, object, plain, None),
        (Profile::Other, object, plain, None),
        (Profile::OpenAi, Some(OutputMode::Prompt), plain, None),
        (Profile::Other, None, plain, None),
    ] {
        let endpoint = endpoint_of(profile).await;
        let settings = EndpointSettings { output: mode, ..settings(profile, &endpoint) };
        OpenAi::new(settings, http.clone()).ask(&request()).await.unwrap();
        let asked = endpoint.asked().remove(0);
        assert_eq!(asked.json.pointer(place), sent, "{profile} {mode:?}");
        let is_told = asked.system().contains(&whole.to_string());
        assert_eq!(is_told, sent.is_none(), "{profile} {mode:?}: {}", asked.system());
        assert!(asked.system().starts_with("Say how the customer feels."));
        assert_eq!(asked.purpose(), if place == named { "triage" } else { "" });
        if mode == object {
            assert_eq!(asked.json["response_format"], json!({"type": "json_object"}));
        }
    }
}

#[tokio::test]
async fn the_operators_list_of_fields_takes_the_place_of_the_profiles() {
    let endpoint = endpoint_of(Profile::Other).await;
    let settings = EndpointSettings {
        temperature: Some(0.2),
        seed: Some(7),
        fields: Some(vec!["seed".to_owned()]),
        ..settings(Profile::OpenAi, &endpoint)
    };
    let model = OpenAi::new(settings, http());
    let answer = model.ask(&request()).await.unwrap();
    let asked = endpoint.asked().remove(0);
    assert_eq!(fields(&asked), "messages model seed");
    assert!(asked.system().contains("\"additionalProperties\":false"), "so it is told in words");
    assert_eq!(answer.text, good().to_string());
    assert_eq!(model.parameters()["fields"], json!(["seed"]));
}

#[tokio::test]
async fn a_key_is_sent_where_there_is_one_and_nothing_in_its_place() {
    let http = http();
    for (key, sent) in [(None, None), (Some(" "), None), (Some("sk-1\n"), Some("Bearer sk-1"))] {
        let endpoint = endpoint_of(Profile::OpenAi).await;
        let settings = EndpointSettings {
            key: key.map(Secret::new),
            base_url: format!("{}//", endpoint.base_url()),
            ..settings(Profile::OpenAi, &endpoint)
        };
        let model = OpenAi::new(settings, http.clone());
        model.ask(&request()).await.unwrap();
        let asked = endpoint.asked().remove(0);
        assert_eq!(asked.headers.get("authorization").map(String::as_str), sent);
        assert_eq!(asked.headers["content-type"], "application/json");
        assert_eq!(asked.path, "/v1/chat/completions");
        assert_eq!(asked.json, serde_json::from_slice::<Value>(&asked.body).unwrap());
        assert!(
            !format!("{model:?} {} {:?}", model.parameters(), model.settings()).contains("sk-1")
        );
    }
}

#[tokio::test]
async fn an_answer_says_what_it_cost_and_how_sure_it_is() {
    let endpoint = endpoint_of(Profile::OpenAi).await;
    let answer = model(&endpoint).ask(&request()).await.unwrap();
    assert_eq!(answer.model, "openai-2026-11-01", "not the one that was asked for");
    assert_eq!(answer.tokens, TokenUse { input: 1000, cached: 400, output: 50 });
    assert_eq!(answer.cost_micros, 60 + 4 + 25);
    assert!((answer.probability.unwrap() - (-0.2_f64).exp()).abs() < 1e-9);

    let endpoint = endpoint_of(Profile::Gemini).await;
    let answer = model(&endpoint).ask(&request()).await.unwrap();
    assert_eq!(answer.tokens, TokenUse { input: 1000, cached: 0, output: 50 });
    assert_eq!((answer.cost_micros, answer.probability), (125, None));
}

#[tokio::test]
async fn a_name_that_the_endpoint_does_not_tell_is_not_made_up() {
    for name in [json!(""), json!(" "), json!(null), json!(7)] {
        let mut nameless = openai(good());
        nameless["model"] = name.clone();
        let endpoint = Endpoint::start(in_turn(vec![Play::json(200, &nameless)])).await;
        assert_eq!(model(&endpoint).ask(&request()).await.unwrap().model, "", "{name}");
    }
}

#[tokio::test]
async fn fences_around_the_answer_are_taken_off_in_every_mode() {
    let fenced = format!("```json\n{}\n```", good());
    let http = http();
    for mode in [OutputMode::JsonSchema, OutputMode::JsonObject, OutputMode::Prompt] {
        for profile in Profile::ALL {
            let play = Play::json(200, &openai(fenced.as_str()));
            let endpoint = Endpoint::start(in_turn(vec![play])).await;
            let settings = EndpointSettings { output: Some(mode), ..settings(*profile, &endpoint) };
            let answer = OpenAi::new(settings, http.clone()).ask(&request()).await.unwrap();
            assert_eq!((answer.text, answer.attempts), (good().to_string(), 1), "{profile} {mode}");
        }
    }
}

#[tokio::test]
async fn words_come_in_parts_and_without_a_shape_as_they_are() {
    let mut parts = openai("");
    parts["choices"][0]["message"]["content"] =
        json!([{"type": "text", "text": "Olá, "}, {"type": "text", "text": "tudo bem?"}]);
    let plays = vec![Play::json(200, &parts), Play::Answer(json!("```\nfeito\n```"))];
    let endpoint = Endpoint::start(in_turn(plays)).await;
    let model = model(&endpoint);
    let plain = ChatRequest { output: None, ..request() };
    assert_eq!(model.ask(&plain).await.unwrap().text, "Olá, tudo bem?");
    let answer = model.ask(&plain).await.unwrap();
    assert_eq!(answer.text, "```\nfeito\n```");
    assert_eq!(endpoint.asked()[0].json.get("response_format"), None);
}

#[tokio::test]
async fn a_bad_answer_is_shown_to_the_model_once_with_what_is_wrong() {
    let bad = format!(r#"{{"why": "{WORDS}", "mood": "#);
    let (long, sad) = ("x".repeat(20_000), json!({"why": "boleto", "mood": "sad"}));
    let length = sad.to_string().len();
    for (first, wrong, shown) in [
        (Value::from(bad.as_str()), "it is no JSON", bad.len()),
        (sad, "`$.mood` must be one of", length),
        (Value::from(long), "it is no JSON", 8_000),
    ] {
        let plays = vec![Play::json(200, &openai(first)), Play::json(200, &openai(good()))];
        let endpoint = Endpoint::start(in_turn(plays)).await;
        let answer = model(&endpoint).ask(&request()).await.unwrap();
        assert_eq!((answer.text, answer.attempts), (good().to_string(), 2));
        assert_eq!(answer.tokens, TokenUse { input: 2000, cached: 800, output: 100 });
        assert_eq!(answer.cost_micros, 2 * 89);
        let again = endpoint.asked().remove(1);
        let messages = again.json["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 4);
        assert_eq!(messages[2]["role"], "assistant");
        assert_eq!(messages[2]["content"].as_str().unwrap().len(), shown);
        assert!(again.user().contains(wrong), "{}", again.user());
    }
}

#[tokio::test]
async fn an_answer_that_stays_bad_is_given_up_and_paid_for() {
    let sad = json!({"why": WORDS, "mood": "sad"});
    let endpoint = Endpoint::start(move |_| Play::json(200, &openai(sad.clone()))).await;
    let error = model(&endpoint).ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::BadShape, 2));
    assert_eq!((error.tokens.input, error.cost_micros), (2000, 2 * 89));
    assert_eq!(error.model.as_deref(), Some("openai-2026-11-01"));
    assert!(error.detail.en.contains("`$.mood`"), "{error}");
    assert!(!format!("{error:?}").contains(WORDS));
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn a_stream_that_nobody_asked_for_is_read_all_the_same() {
    let text = good().to_string();
    let (start, end) = text.split_at(7);
    let chunk = |content: &str| {
        json!({"model": "m-stream", "choices": [{"delta": {"content": content}}]}).to_string()
    };
    let last = json!({
        "choices": [{"delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3},
    });
    let events = vec![chunk(start), chunk(end), last.to_string(), "[DONE]".to_owned()];
    let endpoint = Endpoint::start(move |_| Play::EventStream(events.clone())).await;
    let answer = model(&endpoint).ask(&request()).await.unwrap();
    assert_eq!((answer.text, answer.model.as_str()), (text, "m-stream"));
    assert_eq!(answer.tokens, TokenUse { input: 9, cached: 0, output: 3 });
}

#[tokio::test]
async fn a_question_that_cannot_fit_is_not_sent_and_one_that_was_cut_is_noticed() {
    let endpoint = endpoint_of(Profile::Ollama).await;
    let settings = settings(Profile::Ollama, &endpoint);
    let small = EndpointSettings { context: Some(510), ..settings.clone() };
    let error = OpenAi::new(small, http()).ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::TooLong, 0));
    assert!(endpoint.asked().is_empty());

    // The server says that it read 1000 tokens.
    let mut long = request();
    long.messages[1].text = "palavra ".repeat(1_600);
    let model = OpenAi::new(settings, http());
    let error = model.ask(&long).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::TooLong);
    assert!(error.detail.en.contains("OLLAMA_CONTEXT_LENGTH"), "{error}");
    assert_eq!((error.attempts, error.cost_micros), (1, 125), "it is paid for");
    long.messages[1].text = "palavra ".repeat(1_200);
    model.ask(&long).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_model_is_asked_for() {
    let http = http();
    let list = json!({"object": "list", "data": [
        {"id": "model-0", "object": "model"},
        {"id": "model-1", "object": "model", "created": 1.5, "shutdown_date": "2027-01-14"},
    ]});
    let folder = json!({"data": [{"id": "models/model-1", "shutdown_date": "2026-12-01"}]});
    for (play, date) in [
        (Play::json(200, &list), Some("2027-01-14")),
        (Play::json(200, &folder), Some("2026-12-01")),
        (Play::json(200, &json!({"data": [{"id": "model-1", "shutdown_date": null}]})), None),
        (Play::json(200, &json!([])), None),
        (Play::json(404, &json!({})), None),
        (Play::Hang, None),
    ] {
        let endpoint = Endpoint::start(in_turn(vec![play])).await;
        let model = OpenAi::new(settings(Profile::OpenAi, &endpoint), http.clone());
        let found = model.shutdown_date(Duration::from_millis(200)).await;
        assert_eq!(found.as_deref(), date);
        assert_eq!(endpoint.asked()[0].path, "/v1/models");
    }
}

#[tokio::test]
async fn nobody_reads_keys_questions_or_answers_in_a_log() {
    let (logs, _guard) = install_logs();
    let plays = vec![
        Play::json(500, &json!({"error": {"message": WORDS}})),
        Play::text(200, "text/html", WORDS),
        Play::json(200, &openai(json!({"why": WORDS, "mood": "bad"}))),
    ];
    let endpoint = Endpoint::start(in_turn(plays)).await;
    let key = Some(Secret::new("sk-very-secret"));
    let settings = EndpointSettings { key, ..settings(Profile::OpenAi, &endpoint) };
    let model = OpenAi::new(settings, http());
    model.ask(&request()).await.unwrap_err();
    model.ask(&request()).await.unwrap_err();
    model.ask(&request()).await.unwrap();
    let logs = logs.text();
    assert_eq!(logs.matches("Asked a model").count(), 3, "{logs}");
    assert!(!logs.contains(WORDS) && !logs.contains("sk-very-secret"), "{logs}");
}
