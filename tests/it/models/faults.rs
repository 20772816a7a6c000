//! Everything that can go wrong between us and a model, and what the caller is told about it.

use std::time::Duration;

use atende::adapters::openai::{BreakerState, EndpointSettings, OpenAi, Profile};
use atende::config::Secret;
use atende::ports::chat::{ChatError, ChatErrorKind, ChatModel as _};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{WORDS, good, http, model, request, request_within, settings};
use crate::world::endpoint::{
    Endpoint, Play, bare_error, gemini_error, in_turn, numbered_error, openai, openai_error,
};
use crate::world::install_logs;

/// Asks each kind of misbehaving endpoint once.
async fn check(rows: Vec<(&str, Play, ChatErrorKind)>) -> Vec<ChatError> {
    let http = http();
    let mut errors = Vec::new();
    for (name, play, kind) in rows {
        let endpoint = Endpoint::start(in_turn(vec![play])).await;
        let model = OpenAi::new(settings(Profile::OpenAi, &endpoint), http.clone());
        let error = model.ask(&request()).await.expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {error}");
        assert_eq!((error.attempts, endpoint.asked().len()), (1, 1), "{name}");
        assert!(!format!("{error} {error:?}").contains(WORDS), "{name}: {error:?}");
        errors.push(error);
    }
    errors
}

/// An error in `OpenAI`'s form whose message repeats the question.
fn coded(status: u16, kind: &str, code: &str) -> Play {
    let message = format!("You said: {WORDS}");
    Play::json(status, &openai_error(kind, Some(code), &message))
}

#[tokio::test]
async fn an_account_without_money_is_told_from_too_many_requests() {
    let day = format!("{WORDS}: GenerateRequestsPerDayPerProjectPerModel");
    let minute = format!("{WORDS}: GenerateRequestsPerMinutePerProjectPerModel");
    let daily = Play::json(429, &gemini_error(429, "RESOURCE_EXHAUSTED", &day));
    let errors = check(vec![
        ("quota", coded(429, "insufficient_quota", "insufficient_quota"), ChatErrorKind::Quota),
        (
            "balance",
            coded(429, "insufficient_quota", "credit_balance_exhausted"),
            ChatErrorKind::Quota,
        ),
        (
            "organization",
            coded(429, "t", "organization_spend_limit_exceeded"),
            ChatErrorKind::Quota,
        ),
        ("project", coded(429, "t", "project_spend_limit_exceeded"), ChatErrorKind::Quota),
        ("usage", coded(429, "t", "organization_usage_limit_exceeded"), ChatErrorKind::Quota),
        ("payment", Play::text(402, "text/plain", "Payment Required"), ChatErrorKind::Quota),
        ("daily", daily, ChatErrorKind::Quota),
        (
            "minute",
            Play::json(429, &gemini_error(429, "RESOURCE_EXHAUSTED", &minute)),
            ChatErrorKind::RateLimited,
        ),
        ("rate", coded(429, "tokens", "rate_limit_exceeded"), ChatErrorKind::RateLimited),
        ("slow", coded(429, "t", "slow_down"), ChatErrorKind::RateLimited),
    ])
    .await;
    assert_eq!(errors[0].status, Some(429));
    assert_eq!(errors[0].code.as_deref(), Some("insufficient_quota"));
    assert_eq!(errors[6].code.as_deref(), Some("RESOURCE_EXHAUSTED"));
}

#[tokio::test]
async fn errors_of_servers_and_of_ours_are_told_apart() {
    let page = |status| Play::text(status, "text/html", &format!("<html>{WORDS}</html>"));
    let loading = numbered_error(503, "unavailable_error", "Loading model");
    let unknown = gemini_error(400, "INVALID_ARGUMENT", "Unknown name \"seed\"");
    let no_key = gemini_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass one.");
    let elsewhere = Play::text(302, "text/plain", "").with_header("location", "/login");
    let errors = check(vec![
        ("overloaded", coded(503, "t", "server_is_overloaded"), ChatErrorKind::Overloaded),
        ("loading", Play::json(503, &loading), ChatErrorKind::Overloaded),
        ("plain", Play::text(500, "text/plain", WORDS), ChatErrorKind::Overloaded),
        ("gateway", page(502), ChatErrorKind::Overloaded),
        ("timeout", Play::json(408, &json!({})), ChatErrorKind::Overloaded),
        ("conflict", Play::json(409, &json!({})), ChatErrorKind::Overloaded),
        ("key", coded(401, "invalid_request_error", "invalid_api_key"), ChatErrorKind::Key),
        ("key page", page(401), ChatErrorKind::Key),
        ("forbidden", coded(403, "t", "model_access_denied"), ChatErrorKind::Forbidden),
        (
            "country",
            coded(403, "request_forbidden", "unsupported_country_region_territory"),
            ChatErrorKind::Forbidden,
        ),
        ("key at gemini", Play::json(400, &no_key), ChatErrorKind::Key),
        ("model", coded(404, "t", "model_not_found"), ChatErrorKind::Rejected),
        (
            "field",
            coded(400, "invalid_request_error", "unknown_parameter"),
            ChatErrorKind::Rejected,
        ),
        ("field at gemini", Play::json(400, &unknown), ChatErrorKind::Rejected),
        ("redirect", elsewhere, ChatErrorKind::Rejected),
    ])
    .await;
    assert_eq!(errors[1].code.as_deref(), Some("503"));
    assert_eq!(errors[7].status, Some(401), "a page has no code, but it has a status");
    assert!(errors[14].detail.en.contains("`base_url`"), "{}", errors[14]);
}

#[tokio::test]
async fn a_question_that_is_too_long_is_known_in_every_servers_words() {
    let maximum = "This model's maximum context length is 4096 tokens.";
    let over = numbered_error(400, "exceed_context_size_error", "the request exceeds it");
    let late = numbered_error(500, "exceed_context_size_error", "the request exceeds it");
    let bare = bare_error(400, "BadRequestError", maximum);
    let gemini = "The input token count (9) exceeds the maximum number of tokens allowed (8).";
    let gemini = gemini_error(400, "INVALID_ARGUMENT", gemini);
    check(vec![
        (
            "openai",
            coded(400, "invalid_request_error", "context_length_exceeded"),
            ChatErrorKind::TooLong,
        ),
        ("llama.cpp", Play::json(400, &over), ChatErrorKind::TooLong),
        ("llama.cpp, late", Play::json(500, &late), ChatErrorKind::TooLong),
        ("old vllm", Play::json(400, &bare), ChatErrorKind::TooLong),
        ("gemini", Play::json(400, &gemini), ChatErrorKind::TooLong),
        ("too large", Play::text(413, "text/html", "<html>"), ChatErrorKind::TooLong),
    ])
    .await;
}

#[tokio::test]
async fn a_reply_of_success_may_be_none() {
    let ended = |reason: &str, content: Value| {
        let mut answer = openai("");
        answer["choices"][0]["finish_reason"] = reason.into();
        answer["choices"][0]["message"]["content"] = content;
        Play::json(200, &answer)
    };
    let mut refusal = openai("");
    refusal["choices"][0]["message"] = json!({"content": null, "refusal": WORDS});
    let inside = numbered_error(429, "rate_limit_error", WORDS);
    let bare = bare_error(401, "AuthenticationError", WORDS);
    let events = |events: &[&str]| {
        Play::EventStream(events.iter().map(|event| (*event).to_owned()).collect())
    };
    let piece = r#"{"choices":[{"delta":{"content":"{"}}]}"#;
    let broken = r#"{"error":{"code":503,"message":"SEGREDO-DO-CLIENTE"}}"#;
    let errors = check(vec![
        ("cut off", ended("length", json!("{\"why\": \"bol")), ChatErrorKind::CutOff),
        ("thought too long", ended("length", json!(null)), ChatErrorKind::CutOff),
        ("filter", ended("content_filter", json!(WORDS)), ChatErrorKind::Filtered),
        ("refusal", Play::json(200, &refusal), ChatErrorKind::Refused),
        ("empty", ended("stop", json!("")), ChatErrorKind::Empty),
        ("blank", ended("stop", json!(" \n\t")), ChatErrorKind::Empty),
        ("null", ended("stop", json!(null)), ChatErrorKind::Empty),
        ("no choice", Play::json(200, &json!({"choices": []})), ChatErrorKind::Empty),
        ("error", Play::json(200, &inside), ChatErrorKind::RateLimited),
        ("bare error", Play::json(200, &bare), ChatErrorKind::Key),
        ("error text", Play::json(200, &json!({"error": WORDS})), ChatErrorKind::Overloaded),
        (
            "error in an array",
            Play::json(200, &gemini_error(503, "UNAVAILABLE", WORDS)),
            ChatErrorKind::Overloaded,
        ),
        ("page", Play::text(200, "text/html", "<html>login</html>"), ChatErrorKind::BadReply),
        ("array", Play::json(200, &json!([WORDS])), ChatErrorKind::BadReply),
        ("other JSON", Play::json(200, &json!({"message": WORDS})), ChatErrorKind::BadReply),
        ("nothing", Play::text(200, "application/json", ""), ChatErrorKind::BadReply),
        ("endless", Play::Endless, ChatErrorKind::BadReply),
        ("cut stream", events(&[piece]), ChatErrorKind::Broken),
        ("error in a stream", events(&[piece, broken]), ChatErrorKind::Overloaded),
    ])
    .await;
    // What was cut off is paid for.
    assert_eq!((errors[0].tokens.output, errors[0].cost_micros), (50, 89));
    assert_eq!(errors[0].model.as_deref(), Some("openai-2026-11-01"));
}

#[tokio::test]
async fn connections_fail_in_their_own_ways() {
    let body = openai(good()).to_string().into_bytes();
    check(vec![
        ("cut", Play::Cut { body: body.clone(), after: 40 }, ChatErrorKind::Broken),
        ("cut at once", Play::Cut { body, after: 0 }, ChatErrorKind::Broken),
        ("reset", Play::Reset, ChatErrorKind::Broken),
    ])
    .await;

    let mut endpoint = Endpoint::start(|_| Play::Answer(good())).await;
    let over_tls = EndpointSettings {
        base_url: endpoint.base_url().replace("http:", "https:"),
        ..settings(Profile::OpenAi, &endpoint)
    };
    let error = OpenAi::new(over_tls, http()).ask(&request()).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Tls, "{error}");

    let nowhere = EndpointSettings {
        base_url: "not an address".to_owned(),
        ..settings(Profile::OpenAi, &endpoint)
    };
    let error = OpenAi::new(nowhere, http()).ask(&request()).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Rejected, "{error}");

    endpoint.stop().await;
    let error = model(&endpoint).ask(&request()).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Connection, "{error}");
}

#[tokio::test]
async fn what_an_endpoint_says_is_kept_only_where_somebody_listens_and_without_the_key() {
    let said = format!("{WORDS}: key sk-geheim-1234 may not be used in your country");
    let play = || Play::json(403, &openai_error("t", None, &said));
    let endpoint = Endpoint::start(in_turn(vec![play(), play()])).await;
    let key = Some(Secret::new("sk-geheim-1234"));
    let settings = EndpointSettings { key, ..settings(Profile::OpenAi, &endpoint) };
    let error = OpenAi::new(settings.clone(), http()).ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.said), (ChatErrorKind::Forbidden, None));
    let error = OpenAi::listening(settings, http()).ask(&request()).await.unwrap_err();
    let heard = format!("{WORDS}: key […] may not be used in your country");
    assert_eq!(error.said.as_deref(), Some(heard.as_str()));
    assert!(!error.to_string().contains(WORDS), "and no log has it: {error}");
}

/// A model that makes three attempts.
fn patient(endpoint: &Endpoint) -> OpenAi {
    let settings = EndpointSettings { attempts: 3, ..settings(Profile::OpenAi, endpoint) };
    OpenAi::new(settings, http())
}

fn limited(header: &str, value: &str) -> Play {
    coded(429, "t", "rate_limit_exceeded").with_header(header, value)
}

#[tokio::test]
async fn a_wanted_wait_is_kept() {
    for (header, value, millis) in
        [("retry-after", "1", 1_000), ("retry-after", "0.2", 200), ("retry-after-ms", "150", 150)]
    {
        let plays = vec![limited(header, value), Play::Answer(good())];
        let endpoint = Endpoint::start(in_turn(plays)).await;
        let answer = patient(&endpoint).ask(&request()).await.unwrap();
        let wanted = Duration::from_millis(millis);
        assert!(answer.took >= wanted, "{value}: {:?}", answer.took);
        assert!(answer.took < wanted + Duration::from_millis(900), "{value}: {:?}", answer.took);
        assert_eq!((answer.attempts, endpoint.asked().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let endpoint = Endpoint::start(in_turn(vec![limited("retry-after", "3600")])).await;
    let error = patient(&endpoint).ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::RateLimited, 1));
    assert_eq!(error.retry_after, Some(Duration::from_hours(1)));
    assert!(error.took < Duration::from_millis(500), "{:?}", error.took);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_the_server_may_say_otherwise() {
    let overloaded = || coded(503, "t", "server_is_overloaded");
    let refused = || coded(400, "t", "try_again").with_header("retry-after-ms", "1");
    for (first, attempts) in [
        (overloaded(), Ok(2)),
        (refused().with_header("x-should-retry", "true"), Ok(2)),
        (overloaded().with_header("x-should-retry", "false"), Err(ChatErrorKind::Overloaded)),
        (refused(), Err(ChatErrorKind::Rejected)),
        (coded(429, "t", "insufficient_quota"), Err(ChatErrorKind::Quota)),
    ] {
        let endpoint = Endpoint::start(in_turn(vec![first, Play::Answer(good())])).await;
        let came = patient(&endpoint).ask(&request()).await;
        assert_eq!(came.map(|answer| answer.attempts).map_err(|error| error.kind), attempts);
        assert_eq!(endpoint.asked().len(), if attempts.is_ok() { 2 } else { 1 });
    }
}

#[tokio::test]
async fn attempts_are_counted() {
    let endpoint = Endpoint::start(in_turn(vec![limited("retry-after-ms", "5")])).await;
    let error = patient(&endpoint).ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::RateLimited, 3));
    assert_eq!(endpoint.asked().len(), 3);
}

#[tokio::test]
async fn silence_is_bounded_by_the_attempt_and_by_the_deadline() {
    let endpoint = Endpoint::start(in_turn(vec![Play::Hang, Play::Answer(good())])).await;
    let short = EndpointSettings {
        attempts: 2,
        timeout: Duration::from_millis(150),
        ..settings(Profile::OpenAi, &endpoint)
    };
    let answer = OpenAi::new(short, http()).ask(&request()).await.unwrap();
    assert_eq!(answer.attempts, 2);
    assert!(answer.took >= Duration::from_millis(150));

    let body = openai(good()).to_string();
    let late = Play::Delay(Duration::from_secs(9), Box::new(Play::text(200, "text/plain", &body)));
    for play in [Play::Hang, late] {
        let endpoint = Endpoint::start(in_turn(vec![play])).await;
        let model = patient(&endpoint);
        let error = model.ask(&request_within(Duration::from_millis(200))).await.unwrap_err();
        assert_eq!((error.kind, error.attempts), (ChatErrorKind::TimedOut, 1), "{error}");
        assert!(error.took < Duration::from_millis(700), "{:?}", error.took);
    }
    let error = patient(&endpoint).ask(&request_within(Duration::ZERO)).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::TimedOut, 0), "{error}");
    assert_eq!(endpoint.asked().len(), 2, "nothing was sent");
}

#[tokio::test]
async fn limits_hold_questions_back() {
    let endpoint = Endpoint::start(|_| Play::Answer(good())).await;
    let rare =
        EndpointSettings { requests_per_minute: Some(1), ..settings(Profile::OpenAi, &endpoint) };
    let model = OpenAi::new(rare, http());
    model.ask(&request()).await.unwrap();
    let error = model.ask(&request()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::NoRoom, 0));
    assert!(error.took < Duration::from_millis(200), "nobody waits in vain");
    assert_eq!(model.state(), BreakerState::Closed, "it is not the endpoint's fault");
    assert_eq!(endpoint.asked().len(), 1);
}

#[tokio::test]
async fn an_endpoint_without_room_is_left_in_peace_for_as_long_as_it_says() {
    let full = Play::json(200, &openai(good()))
        .with_header("x-ratelimit-remaining-requests", "0")
        .with_header("x-ratelimit-reset-requests", "300ms");
    let endpoint = Endpoint::start(in_turn(vec![full, Play::Answer(good())])).await;
    let model = model(&endpoint);
    model.ask(&request()).await.unwrap();
    let error = model.ask(&request_within(Duration::from_millis(100))).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::NoRoom);
    let answer = model.ask(&request()).await.unwrap();
    assert!(answer.took >= Duration::from_millis(200), "{:?}", answer.took);
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn only_so_many_questions_are_under_way() {
    let slow = || Play::Delay(Duration::from_millis(150), Box::new(Play::Answer(good())));
    let endpoint = Endpoint::start(move |_| slow()).await;
    let single = EndpointSettings { in_flight: 1, ..settings(Profile::OpenAi, &endpoint) };
    let model = OpenAi::new(single, http());
    let (start, request) = (Instant::now(), request());
    let (one, other) = futures::join!(model.ask(&request), model.ask(&request));
    assert!(one.is_ok() && other.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}

/// Lets time pass that nobody has to wait for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_endpoint_that_fails_again_and_again_is_left_alone_and_then_tried_once() {
    let mut plays = vec![Play::Reset; 6];
    plays.push(Play::Answer(good()));
    let endpoint = Endpoint::start(in_turn(plays)).await;
    let model = model(&endpoint);
    let (logs, _guard) = install_logs();
    for failure in 1..=5 {
        assert_eq!(model.state(), BreakerState::Closed);
        let error = model.ask(&request()).await.unwrap_err();
        assert_eq!((error.kind, error.told), (ChatErrorKind::Broken, failure == 5), "{error}");
    }
    for (rest, asked) in [(15, 5), (30, 6)] {
        assert_eq!(model.state(), BreakerState::Open);
        let error = model.ask(&request()).await.unwrap_err();
        assert_eq!((error.kind, error.attempts), (ChatErrorKind::Resting, 0), "{error}");
        assert!(error.told, "the log has it already");
        assert!(error.retry_after.unwrap() > Duration::from_secs(rest - 2));
        assert_eq!(endpoint.asked().len(), asked);
        pass(Duration::from_secs(rest)).await;
        assert_eq!(model.state(), BreakerState::HalfOpen);
        let came = model.ask(&request()).await;
        assert_eq!(came.is_ok(), rest == 30, "{came:?}");
    }
    assert_eq!(model.state(), BreakerState::Closed);
    let logs = logs.text();
    let warnings: Vec<&str> = logs.lines().filter(|line| line.contains("WARN")).collect();
    let [begins, ends] = warnings.as_slice() else { panic!("{logs}") };
    assert!(begins.contains("Leaving the model model-1 alone"), "{begins}");
    assert!(ends.contains("The model model-1 answers again"), "{ends}");
}

#[tokio::test]
async fn a_wrong_key_and_an_empty_account_close_the_way_at_once() {
    let http = http();
    for code in ["invalid_api_key", "insufficient_quota"] {
        let status = if code == "invalid_api_key" { 401 } else { 429 };
        let plays = vec![coded(status, "t", code), Play::Answer(good())];
        let endpoint = Endpoint::start(in_turn(plays)).await;
        let model = OpenAi::new(settings(Profile::OpenAi, &endpoint), http.clone());
        model.ask(&request()).await.unwrap_err();
        let error = model.ask(&request()).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::Resting);
        assert!(error.retry_after.unwrap() > Duration::from_secs(55), "{error}");
        pass(Duration::from_mins(1)).await;
        model.ask(&request()).await.unwrap();
        assert_eq!(model.state(), BreakerState::Closed);
    }
}
