//! What language models cost the worker itself: CPU, memory and its own time per message, against a scripted endpoint in a
//! process of its own. `cargo bench --bench models`

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench talks to people and may stop"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atende::adapters::openai::{EndpointSettings, OpenAi, Prices, Profile};
use atende::compose::Templates;
use atende::domain::channel::Channel;
use atende::knowledge::Library;
use atende::pipeline::{Allowance, DraftsBy, Ladder, Pipeline, TurnInput};
use atende::policy::Pack;
use atende::ports::chat::{ChatMessage, ChatModel as _, ChatRequest, Purpose, Role};
use atende::prompts::Prompts;
use axum::Json;
use axum::routing::post;
use futures::StreamExt as _;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Messages of the measurement of CPU and of own time.
const MESSAGES: usize = 1_000;
/// Conversations in flight, and how long the endpoint takes, where own time is measured.
const IN_FLIGHT: usize = 256;
const LATENCY: Duration = Duration::from_millis(200);
/// Questions after which memory must not have grown.
const CALLS: usize = 100_000;

const TEXTS: &[&str] = &[
    "minha tia mexeu no computador ontem e a tela nova não some, e aí?",
    "oi, o relatório de vendas não abre desde cedo, como faço?",
    "I cannot find where to change the name on my invoice",
    "quero saber se dá para mudar o dia do pagamento",
];

fn main() {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("--endpoint") => endpoint(),
        Some("--measure") => measure(&args.next().expect("the model's file is named")),
        Some("--ask") => measure_asking(),
        _ => train_and_measure(),
    }
}

/// Trains the embedded model and measures in a process of its own, which reads it from a file, as a worker does from its
/// second start on. What only asks, without engines, articles or prompts, is measured in another.
fn train_and_measure() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let (_, model) = pipeline().warm(|_| None).expect("the model is trained");
    std::fs::write(file.path(), model).expect("the model can be written");
    let this = std::env::current_exe().expect("the bench knows its file");
    for mode in ["--ask", "--measure"] {
        let ended = Command::new(&this).arg(mode).arg(file.path()).status();
        assert!(ended.expect("the measurement starts").success(), "the measurement failed");
    }
}

/// What request, connection and answer cost, and the memory of a process that does nothing else.
fn measure_asking() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let (mut endpoint, url) = serve(Duration::ZERO);
    let ladder = {
        let _inside = runtime.enter();
        ladder(&url)
    };
    runtime.block_on(ask_alone(&ladder, 200, 32));
    let before = cpu();
    runtime.block_on(ask_alone(&ladder, 2 * MESSAGES, 32));
    let took = cpu() - before;
    let least = resident();
    runtime.block_on(ask_alone(&ladder, 20 * MESSAGES, IN_FLIGHT));
    println!(
        "{} questions of 5 kB alone: {took:.2} s of CPU; {least} MiB resident, {} MiB after {} more, {IN_FLIGHT} in flight",
        2 * MESSAGES,
        resident(),
        20 * MESSAGES,
    );
    endpoint.kill().expect("the endpoint can be stopped");
}

fn measure(model: &str) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let pipeline = Arc::new(pipeline());
    assert!(pipeline.warm(|_| std::fs::read(model).ok()).is_none(), "the kept model fits");
    println!("before the first question: {} MiB resident", resident());
    let (mut quick, url) = serve(Duration::ZERO);
    let ladder = {
        let _inside = runtime.enter();
        ladder(&url)
    };
    runtime.block_on(run(&pipeline, &ladder, 200, 32));

    let (before, started) = (cpu(), Instant::now());
    for text in TEXTS.iter().cycle().take(MESSAGES) {
        std::hint::black_box(pipeline.run(&turn(text)));
    }
    let embedded = cpu() - before;
    let mut calls = 0;
    let before = cpu();
    let asked = runtime.block_on(run(&pipeline, &ladder, MESSAGES, 32));
    calls += asked.calls;
    let whole = cpu() - before;
    println!(
        "{MESSAGES} messages, {} questions: {whole:.2} s of CPU in all, {embedded:.2} s of them the embedded pipeline, \
         {:.2} s the models' part; {} MiB resident; wall {:.1} s",
        asked.calls,
        whole - embedded,
        resident(),
        started.elapsed().as_secs_f64(),
    );

    let mut memory = Vec::new();
    while calls < CALLS {
        calls += runtime.block_on(run(&pipeline, &ladder, 5_000, 64)).calls;
        memory.push(resident());
    }
    println!("{calls} questions: resident {memory:?} MiB");
    quick.kill().expect("the endpoint can be stopped");

    let (mut slow, url) = serve(LATENCY);
    let ladder = {
        let _inside = runtime.enter();
        self::ladder(&url)
    };
    let asked = runtime.block_on(run(&pipeline, &ladder, MESSAGES * 4, IN_FLIGHT));
    let mut own = asked.own;
    own.sort();
    let at = |share: usize| own.get(own.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{IN_FLIGHT} in flight at {LATENCY:?}: own time of a message p50 {:?}, p99 {:?}",
        at(50),
        at(99)
    );
    slow.kill().expect("the endpoint can be stopped");
}

/// What a run came to.
#[derive(Default)]
struct Asked {
    calls: usize,
    own: Vec<Duration>,
}

async fn run(pipeline: &Arc<Pipeline>, ladder: &Ladder, messages: usize, at_once: usize) -> Asked {
    let ladder = Arc::new(ladder.clone());
    let tasks = tokio_util::task::TaskTracker::new();
    let mut done = futures::stream::iter(TEXTS.iter().cycle().take(messages))
        .map(|text| {
            let (pipeline, ladder) = (Arc::clone(pipeline), Arc::clone(&ladder));
            tasks.spawn(async move {
                let (turn, started) = (turn(text), Instant::now());
                let outcome = Box::pin(pipeline.run_with(&turn, &ladder, &Allowance::ALL)).await;
                let waited: u64 = outcome.calls.iter().map(|call| call.took_ms).sum();
                assert!(
                    outcome.calls.iter().all(atende::ports::chat::ModelCall::is_ok),
                    "{:?}",
                    outcome.calls
                );
                (
                    outcome.calls.len(),
                    started.elapsed().saturating_sub(Duration::from_millis(waited)),
                )
            })
        })
        .buffer_unordered(at_once);
    let mut asked = Asked::default();
    while let Some(one) = done.next().await {
        let (calls, own) = one.expect("no message panics");
        asked.calls += calls;
        asked.own.push(own);
    }
    asked
}

/// Asks without a pipeline around it: what request, connection and answer cost.
async fn ask_alone(ladder: &Ladder, questions: usize, at_once: usize) {
    let request = ChatRequest {
        purpose: Purpose::Triage,
        prompt: "bench@1".to_owned(),
        messages: vec![
            ChatMessage { role: Role::System, text: "as instruções da casa ".repeat(200) },
            ChatMessage { role: Role::User, text: TEXTS.concat() },
        ],
        output: None,
        max_output: Some(700),
        repeat: 0,
        deadline: Duration::from_secs(30),
    };
    let model = Arc::clone(&ladder.primary);
    let asked = futures::stream::iter(0..questions)
        .map(|_| model.ask(&request))
        .buffer_unordered(at_once)
        .map(|answer| assert!(answer.is_ok(), "{answer:?}"));
    asked.collect::<()>().await;
}

fn ladder(url: &str) -> Ladder {
    let settings = EndpointSettings {
        profile: Profile::OpenAi,
        base_url: url.to_owned(),
        key: None,
        model: "scripted".to_owned(),
        temperature: Some(0.0),
        seed: None,
        effort: None,
        output: None,
        fields: None,
        timeout: Duration::from_secs(30),
        attempts: 1,
        max_output: 1_500,
        context: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        in_flight: 1_024,
        prices: Prices { input: 0.1, cached: 0.01, output: 0.5 },
    };
    let http = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let model = OpenAi::new(settings, http);
    assert_eq!(model.name(), "scripted");
    Ladder {
        primary: Arc::new(model),
        escalation: None,
        drafts: DraftsBy::Always,
        turn: Duration::from_mins(1),
        samples: 1,
        in_flight: 256,
    }
}

fn pipeline() -> Pipeline {
    let pack = Pack::embedded("saas-br").expect("the shipped pack loads");
    let library = Library::load(None).expect("the samples load");
    let templates = Templates::load(None).expect("the templates load");
    let prompts = Prompts::load(None).expect("the prompts load");
    Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts))
}

fn turn(text: &str) -> TurnInput {
    let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a moment");
    TurnInput::fresh(Channel::Whatsapp, text, now)
}

/// Starts the endpoint in a process of its own; returns it with its address.
fn serve(latency: Duration) -> (Child, String) {
    let this = std::env::current_exe().expect("the bench knows its file");
    let mut child = Command::new(this)
        .args(["--endpoint", &latency.as_millis().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the endpoint starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("its output is read");
    BufReader::new(out).read_line(&mut line).expect("it says its address");
    (child, line.trim().to_owned())
}

fn endpoint() {
    let latency = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(0);
    let latency = Duration::from_millis(latency);
    let answer = move |Json(asked): Json<Value>| async move {
        tokio::time::sleep(latency).await;
        let triage = asked.pointer("/response_format/json_schema/name") == Some(&json!("triage"));
        let content = if triage {
            json!({
                "reading": "a question about the product", "category": "technical", "subcategory": null,
                "urgency": "normal", "sentiment": "neutral", "complexity": "simple", "signals": [],
                "needs_human": false, "response": "step_by_step", "resolution": "minutes",
            })
        } else {
            json!({
                "language": "pt-BR", "open_questions": [], "promises": [], "needs_human": false,
                "sentences": [{"text": "Posso ajudar com isso.", "cites": [], "layout": "paragraph"}],
            })
        };
        Json(json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "scripted",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content.to_string()}}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
        }))
    };
    tokio::runtime::Runtime::new().expect("threads can be started").block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}/v1", listener.local_addr().expect("an address"));
        let router = axum::Router::new()
            .route("/v1/chat/completions", post(answer))
            .layer(axum::extract::DefaultBodyLimit::max(1 << 20));
        axum::serve(listener, router).await.expect("it serves");
    });
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

/// Resident memory in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
