//! The client against a server that nobody here wrote: llama.cpp, by way of llama-cpp-python, with a tiny model whose
//! words are noise. `scripts/test-llm` makes both and runs these tests.
//!
//! Every test starts a server of its own on this machine, which is gone when the test ends, however that ends.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use atende::adapters::openai::{
    BreakerState, Effort, EndpointSettings, OpenAi, OutputMode, Prices, Profile,
};
use atende::domain::decision::Action;
use atende::domain::field::Engine;
use atende::pipeline::{Allowance, DraftsBy, Ladder, Outcome};
use atende::ports::chat::{
    ChatErrorKind, ChatModel, ChatRequest, ModelCall, OutputSchema, TokenUse,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, request, request_within, turn};
use crate::world::{AUTO, OTHER_QUESTION, QUESTION, pipeline};

/// Tokens that question and answer may have together. A token is a letter, and the longest prompt has ten thousand.
const CONTEXT: u32 = 16_384;
/// Most tokens of an answer; nearly all noise ends before.
const MAX_OUTPUT: u32 = 300;
/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_mins(1);
/// Seconds after which a server ends, even if nobody is left to end it.
const LIFE_MAX: &str = "300";
/// How long a test waits for one thing.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long all questions about one turn may take.
const TURN: Duration = Duration::from_secs(4);
/// What a turn may take besides, on two busy cores.
const BESIDES: Duration = Duration::from_secs(3);

/// Turns in both languages: with an answer in the articles and without one, in danger, in anger, in one word.
const TURNS: [(&str, &str); 12] = [
    ("whatsapp", QUESTION),
    ("whatsapp", OTHER_QUESTION),
    ("whatsapp", "minha tia mexeu no computador ontem e agora a tela nova não some, e aí?"),
    ("email", "Fui cobrado duas vezes esse mês. Quero meu dinheiro de volta ou vou ao PROCON."),
    ("chat", "está tudo parado aqui, ninguém consegue entrar no sistema"),
    ("whatsapp", "seria legal ter um modo escuro no app"),
    ("email", "Hi, where can I find last month's invoice? The old menu is gone."),
    ("chat", "I forgot my password and the reset email never arrives."),
    ("email", "Nobody answers. I was charged twice and I want to talk to a manager now."),
    ("web_form", "How do I export my data? We are thinking about leaving."),
    ("whatsapp", "the app keeps crashing when I upload a photo, third time I write about this"),
    ("chat", "hi"),
];

/// A running server; dropped, it is killed.
struct Server {
    child: Child,
    port: u16,
    context: u32,
    /// What it calls its model; no other server has the same.
    name: String,
    /// The client that looks whether it is there; a model has its own.
    client: reqwest::Client,
    folder: TempDir,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    async fn start(context: u32) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut said = String::new();
        // Somebody else may take the port between our look and the start.
        for _ in 0..3 {
            let name = format!("noise-{}", COUNT.fetch_add(1, Ordering::SeqCst));
            let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            let folder = tempfile::tempdir().unwrap();
            let child = launch(free, context, &name, folder.path());
            let mut server = Self { child, port: free, context, name, client: http(), folder };
            if server.comes_up().await {
                return server;
            }
            said = server.log();
        }
        panic!("the server did not start: {said}");
    }

    /// Starts it again where it was.
    async fn restart(&mut self) {
        self.kill();
        self.child = launch(self.port, self.context, &self.name, self.folder.path());
        assert!(self.comes_up().await, "{}", self.log());
    }

    /// Kills it and all that it started, as a crash would.
    fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let group = format!("-{}", self.child.id());
            drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        }
        drop(self.child.wait());
    }

    /// Waits until it answers; false where it ends instead.
    async fn comes_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < START_MAX && matches!(self.child.try_wait(), Ok(None)) {
            if self.names_its_model(Duration::from_secs(2)).await {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Waits until it works at a question: then it answers nothing else.
    async fn gets_busy(&self) {
        let start = Instant::now();
        while self.names_its_model(Duration::from_millis(500)).await {
            assert!(start.elapsed() < PATIENCE, "no question came: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn names_its_model(&self, within: Duration) -> bool {
        let request = self.client.get(format!("{}/models", self.base_url())).timeout(within);
        let Ok(reply) = request.send().await else { return false };
        reply.text().await.is_ok_and(|list| list.contains(&format!("\"{}\"", self.name)))
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// What it said so far, with the lives before it.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Settings that make one attempt, with everything that this kind of server may be sent.
    fn settings(&self) -> EndpointSettings {
        EndpointSettings {
            profile: Profile::LlamaCpp,
            base_url: self.base_url(),
            key: None,
            model: self.name.clone(),
            temperature: Some(0.8),
            seed: Some(1),
            effort: Some(Effort::None),
            output: None,
            fields: None,
            timeout: PATIENCE,
            attempts: 1,
            max_output: MAX_OUTPUT,
            context: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            in_flight: 4,
            prices: Prices::default(),
        }
    }

    /// A model that makes another noise with each seed.
    fn model(&self, seed: i64) -> OpenAi {
        OpenAi::new(EndpointSettings { seed: Some(seed), ..self.settings() }, http())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server in a process group of its own, under a clock that ends it.
fn launch(port: u16, context: u32, name: &str, folder: &Path) -> Child {
    let made = std::env::var_os("ATENDE_TEST_LLM").map(PathBuf::from);
    let made = made.expect("ATENDE_TEST_LLM is not set: run scripts/test-llm, which sets it");
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new("timeout")
        .args(["--signal=KILL", LIFE_MAX])
        .arg(made.join("venv/bin/python"))
        .args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--verbose", "false"])
        // Threads that have no core to themselves wait for each other in circles.
        .args(["--n_threads", "1", "--n_threads_batch", "1"])
        .args(["--port", &port.to_string(), "--n_ctx", &context.to_string()])
        .args(["--model_alias", name, "--model"])
        .arg(made.join("model.gguf"))
        // It would take settings from here as well, HOST and PORT even before its arguments.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PYTHONUNBUFFERED", "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Counts a question's tokens as the server does: one begins it, then each letter of the template that
/// `scripts/tiny_model.py` gives the model is one.
fn tokens_of(request: &ChatRequest) -> u64 {
    let said = request.messages.iter().map(|one| format!("[{}] {}\n", one.role, one.text));
    let letters = said.chain(["[assistant] ".to_owned()]).map(|text| text.chars().count());
    1 + u64::try_from(letters.sum::<usize>()).unwrap()
}

/// A question whose answer must be an object with one field.
fn request_for(field: &Value) -> ChatRequest {
    let schema = json!({
        "type": "object",
        "properties": {"topic": field},
        "required": ["topic"],
        "additionalProperties": false,
    });
    let output = Some(Arc::new(OutputSchema { name: "topic".to_owned(), schema }));
    ChatRequest { output, ..request_within(PATIENCE) }
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn a_real_server_holds_its_model_to_the_shape_and_counts_tokens() {
    let server = Server::start(CONTEXT).await;
    let question = request_within(PATIENCE);
    for seed in 0..5 {
        let model = server.model(seed);
        let answer = model.ask(&question).await.unwrap();
        let read: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(read["mood"] == "good" || read["mood"] == "bad", "{read}");
        assert!(read["why"].as_str().unwrap().chars().count() <= 40, "{read}");
        assert_eq!((answer.model.as_str(), answer.attempts), (server.name.as_str(), 1));
        assert_eq!((answer.tokens.input, answer.tokens.cached), (tokens_of(&question), 0));
        assert!((1..=u64::from(MAX_OUTPUT)).contains(&answer.tokens.output), "{answer:?}");
        // It takes `logprobs`, but shows none where `top_logprobs` does not stand beside it.
        assert_eq!(answer.probability, None);
        assert_eq!(model.state(), BreakerState::Closed);
    }
    let short = OpenAi::new(EndpointSettings { max_output: 5, ..server.settings() }, http());
    let error = short.ask(&question).await.unwrap_err();
    assert_eq!((error.kind, error.tokens.output), (ChatErrorKind::CutOff, 5), "{error}");
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn a_word_that_may_be_missing_is_of_its_list_too() {
    let server = Server::start(CONTEXT).await;
    let question =
        request_for(&json!({"type": ["string", "null"], "enum": ["login", "refund", null]}));
    for seed in 0..6 {
        let answer = server.model(seed).ask(&question).await.unwrap();
        let read: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(
            ["login", "refund"].map(Value::from).contains(&read["topic"])
                || read["topic"].is_null()
        );
        assert_eq!(answer.attempts, 1, "the server held the model to it");
    }
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn an_output_mode_that_the_server_does_not_know_is_refused_and_no_outage() {
    let server = Server::start(CONTEXT).await;
    let settings =
        EndpointSettings { output: Some(OutputMode::JsonSchema), attempts: 3, ..server.settings() };
    let model = OpenAi::new(settings, http());
    // It answers 500 ("1 validation error"), and will do so until the settings change.
    for _ in 0..6 {
        let error = model.ask(&request_within(PATIENCE)).await.unwrap_err();
        assert_eq!((error.kind, error.attempts), (ChatErrorKind::Rejected, 1), "{error}");
        assert_eq!((error.status, &error.code), (Some(500), &None), "{error}");
        assert_eq!(error.tokens, TokenUse::default());
        assert_eq!(model.state(), BreakerState::Closed);
    }
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn noise_is_words_but_no_answer_of_a_shape() {
    let server = Server::start(CONTEXT).await;
    let plain = ChatRequest { output: None, ..request_within(PATIENCE) };
    let (mut words, mut bad) = (0, 0);
    for seed in 0..6 {
        match server.model(seed).ask(&plain).await {
            Ok(answer) => {
                words += 1;
                assert_eq!((answer.tokens.input, answer.attempts), (tokens_of(&plain), 1));
                assert!(answer.tokens.output > 0 && !answer.text.trim().is_empty(), "{answer:?}");
            }
            // Noise may end before it began.
            Err(error) => assert_eq!(error.kind, ChatErrorKind::Empty, "{error}"),
        }
        let told = EndpointSettings {
            output: Some(OutputMode::Prompt),
            seed: Some(seed),
            ..server.settings()
        };
        let model = OpenAi::new(told, http());
        let error = model.ask(&request_within(PATIENCE)).await.unwrap_err();
        if error.kind == ChatErrorKind::BadShape {
            bad += 1;
            assert_eq!(error.attempts, 2, "it was shown once what was wrong: {error}");
            assert!(error.tokens.input > 2 * tokens_of(&plain), "both are counted: {error:?}");
        } else {
            let may_be = [ChatErrorKind::Empty, ChatErrorKind::CutOff];
            assert!(may_be.contains(&error.kind), "{error}");
        }
        assert_eq!(model.state(), BreakerState::Closed, "the server works");
    }
    assert!(words >= 3 && bad >= 3, "of 6 were {words} words and {bad} of no shape");
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn a_question_longer_than_the_context_is_told_as_that() {
    let server = Server::start(8_192).await;
    let model = server.model(1);
    let mut long = request_within(PATIENCE);
    long.messages[1].text = "o boleto venceu ".repeat(600);
    for _ in 0..6 {
        let error = model.ask(&long).await.unwrap_err();
        assert_eq!((error.kind, error.status), (ChatErrorKind::TooLong, Some(400)), "{error}");
        assert_eq!(error.code.as_deref(), Some("context_length_exceeded"));
        assert_eq!(error.attempts, 1);
    }
    assert_eq!(model.state(), BreakerState::Closed, "it is the question and not the endpoint");
    model.ask(&request_within(PATIENCE)).await.unwrap();
}

/// Holds what was decided with noise against what the embedded engines decide alone.
fn check_no_worse(text: &str, alone: &Outcome, with: &Outcome) {
    match with.decision.action {
        // What leaves would have left all the same, to the letter.
        Action::Send => {
            assert_eq!(alone.decision.action, Action::Send, "{text}");
            assert_eq!(alone.draft, with.draft, "{text}");
        }
        // A person has it, who sees the draft or writes one.
        Action::Review | Action::Escalate => {
            assert_ne!(alone.decision.action, Action::None, "{text}");
        }
        Action::None => assert_eq!(alone.decision.action, Action::None, "{text}"),
    }
    assert_eq!(alone.safety, with.safety, "{text}: no words for danger that noise alone heard");
    assert!(with.decision.priority >= alone.decision.priority, "{text}");
    for hit in &alone.understood.signals {
        assert!(with.understood.has(hit.signal), "{text}: {hit:?} is lost");
    }
}

/// Holds the calls against what the server noted.
fn check_calls(calls: &[ModelCall], server: &Server) {
    for call in calls {
        assert_eq!(call.model, server.name);
        match call.outcome.as_str() {
            "ok" | "bad_shape" | "cut_off" | "empty" => assert!(call.attempts >= 1, "{call:?}"),
            // The machine has too much to do; that is no fault of ours.
            "timed_out" | "resting" => continue,
            other => panic!("{other}: {call:?}"),
        }
        assert_eq!(call.answered_by.as_ref(), Some(&server.name), "{call:?}");
        assert!(call.tokens.input > 1_000, "{call:?}");
        let most = u64::from(MAX_OUTPUT) * u64::from(call.attempts);
        assert!(call.tokens.output <= most, "{call:?}");
    }
    // It notes what it answers, and nothing where nobody waits for the answer any more.
    let noted = server.log().matches("\"POST /v1/chat/completions HTTP/1.1\" 200").count();
    let sent: u32 = calls.iter().map(|call| call.attempts).sum();
    let sent = usize::try_from(sent).unwrap();
    let given_up = calls.iter().filter(|call| call.outcome == "timed_out").count();
    assert!((sent - given_up..=sent).contains(&noted), "{noted} of {sent}, {given_up} given up");
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn noise_on_both_rungs_costs_a_bounded_time_and_never_leaves() {
    let server = Server::start(CONTEXT).await;
    let pipeline = pipeline(AUTO);
    let mut calls = Vec::new();
    // The second time there is less than a question takes.
    for limit in [TURN, Duration::from_millis(250)] {
        for (seed, (channel, text)) in (0..).step_by(2).zip(TURNS) {
            let ladder = Ladder {
                primary: Arc::new(server.model(seed)),
                escalation: Some(Arc::new(server.model(seed + 1))),
                drafts: DraftsBy::Always,
                turn: limit,
                samples: 1,
                in_flight: 8,
            };
            let turn = turn(channel, text);
            let alone = pipeline.run(&turn);
            let start = Instant::now();
            let with = Box::pin(pipeline.run_with(&turn, &ladder, &Allowance::ALL)).await;
            assert!(start.elapsed() < limit + BESIDES, "{text}: {:?}", start.elapsed());
            check_no_worse(text, &alone, &with);
            calls.extend(with.calls);
        }
        check_calls(&calls, &server);
    }
    assert!(calls.iter().any(ModelCall::is_ok), "{calls:?}");
    assert!(calls.iter().any(|call| call.rung == Engine::Escalation), "{calls:?}");
}

#[tokio::test]
#[ignore = "needs a llama.cpp server: scripts/test-llm"]
async fn a_server_that_dies_over_a_question_is_left_alone_until_it_is_back() {
    let mut server = Server::start(CONTEXT).await;
    let pipeline = pipeline(AUTO);
    let settings = EndpointSettings { max_output: 9_000, ..server.settings() };
    let model = Arc::new(OpenAi::new(settings, http()));
    let ladder = Ladder {
        primary: Arc::clone(&model) as Arc<dyn ChatModel>,
        escalation: None,
        drafts: DraftsBy::Always,
        turn: TURN,
        samples: 1,
        in_flight: 8,
    };
    let turn = turn("whatsapp", QUESTION);
    let alone = pipeline.run(&turn);

    // The only answer that the shape allows takes longer than the test.
    let endless = request_for(&json!({"type": "string", "enum": ["a".repeat(8_000)]}));
    let strike = async {
        server.gets_busy().await;
        server.kill();
        Instant::now()
    };
    let (came, struck) = futures::join!(model.ask(&endless), strike);
    let error = came.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ChatErrorKind::Broken, 1), "{error}");
    assert!(struck.elapsed() < Duration::from_secs(2), "{:?}", struck.elapsed());
    for _ in 1..5 {
        assert_eq!(model.state(), BreakerState::Closed);
        let error = model.ask(&request()).await.unwrap_err();
        // What was waiting at the door of the killed server is cut off, what comes later finds nobody.
        let dead = [ChatErrorKind::Connection, ChatErrorKind::Broken];
        assert!(dead.contains(&error.kind) && error.attempts == 1, "{error}");
    }
    assert_eq!(model.state(), BreakerState::Open);

    let without = Box::pin(pipeline.run_with(&turn, &ladder, &Allowance::ALL)).await;
    assert_eq!(without.decision.action, alone.decision.action);
    assert_eq!(without.draft, alone.draft);
    assert!(!without.calls.is_empty());
    for call in &without.calls {
        assert_eq!((call.outcome.as_str(), call.attempts), ("resting", 0), "{call:?}");
    }

    server.restart().await;
    let start = Instant::now();
    while model.state() == BreakerState::Open {
        assert!(start.elapsed() < PATIENCE, "it rests for ever");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(model.state(), BreakerState::HalfOpen);
    model.ask(&request_within(PATIENCE)).await.unwrap();
    assert_eq!(model.state(), BreakerState::Closed);
    let again = Box::pin(pipeline.run_with(&turn, &ladder, &Allowance::ALL)).await;
    assert!(again.calls.iter().any(|call| call.attempts > 0), "{:?}", again.calls);
    check_no_worse(QUESTION, &alone, &again);
}
