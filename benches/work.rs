//! What a message costs: the pipeline alone, and the whole way from the inbox to a decision on disk.
//!
//! Run with `cargo bench --bench work`. Figures stand in the README with their machine.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::sync::Arc;
use std::time::Duration;

use atende::adapters::clock::SystemClock;
use atende::adapters::files::Files;
use atende::adapters::inbox::{Accepted, Inbox};
use atende::adapters::store::{Store, StoreLocation};
use atende::compose::Templates;
use atende::domain::channel::Channel;
use atende::domain::ids::TenantId;
use atende::domain::message::{Contact, Given, InboundMessage, MessageFlags};
use atende::knowledge::Library;
use atende::pipeline::{Pipeline, TurnInput};
use atende::policy::Pack;
use atende::ports::Clock;
use atende::prompts::Prompts;
use atende::worker::{Helpers, Places, Tenant, Tenants, Worker, WorkerSettings};
use chrono::{DateTime, Utc};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Messages as they come: short and long, Portuguese and English, with and without an answer.
const TEXTS: &[&str] = &[
    "Oi, bom dia! Esqueci a senha do sistema e não consigo entrar. Como faço para criar outra?",
    "meu pagamento no pix falhou 2x hj, vc pode ver isso pfv? cpf 529.982.247-25",
    "Hello, I would like to know how to connect my WhatsApp number to the new account. Thanks, Anna",
    "Quero falar com um atendente de verdade, já é a terceira vez que escrevo sobre a mesma cobrança.",
    "valeu, deu certo aqui! obrigada pela ajuda",
    "Boa tarde. Gostaria de uma segunda via do boleto de março e da nota fiscal correspondente, por favor.",
    "The export of my contacts stops at 40 % with an error and nothing is downloaded. It happened three times today.",
    "vcs têm integração com a máquina de cartão da loja? preciso emitir recibo direto por lá",
];

fn main() {
    divan::main();
}

fn pipeline(learned: bool) -> Pipeline {
    let mut pack = Pack::embedded("saas-br").expect("the shipped pack loads");
    if !learned {
        pack.examples = Arc::default();
    }
    let library = Library::load(None).expect("the samples load");
    let templates = Templates::load(None).expect("the templates load");
    let prompts = Prompts::load(None).expect("the prompts load");
    Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts))
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a moment")
}

fn turn(text: &str) -> TurnInput {
    TurnInput {
        contact: Contact { name: Some("Joana Prado".to_owned()), ..Contact::default() },
        ticket_number: Some("1042-7".to_owned()),
        ..TurnInput::fresh(Channel::Whatsapp, text, start())
    }
}

/// One message through mask, understand, retrieve, compose, verify and decide, on one thread.
#[divan::bench]
fn pipeline_of_one_message(bencher: Bencher<'_, '_>) {
    let pipeline = pipeline(true);
    let turns: Vec<TurnInput> = TEXTS.iter().map(|text| turn(text)).collect();
    bencher.counter(ItemsCount::new(turns.len())).bench_local(|| {
        for turn in &turns {
            black_box(pipeline.run(black_box(turn)));
        }
    });
}

/// Loading policy, articles and templates: most of the time from start to ready.
#[divan::bench(sample_count = 20)]
fn load_policy_articles_templates() -> Pipeline {
    pipeline(true)
}

struct Bench {
    runtime: Runtime,
    store: Store,
    inbox: Inbox,
    worker: Arc<Worker>,
    _dir: tempfile::TempDir,
}

/// How many messages one sample works off.
const BATCH: usize = 6_000;

/// A store with its worker, and `BATCH` messages on disk in the inbox, each of another customer.
fn filled(learned: bool) -> Bench {
    let runtime = Runtime::new().expect("runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let tasks = TaskTracker::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (store, inbox, worker) = runtime.block_on(async {
        let store = Store::open(&StoreLocation::embedded(dir.path()), &tasks).await.expect("store");
        let inbox =
            Inbox::open(&dir.path().join("inbox.db"), 1_000_000, &tasks).await.expect("inbox");
        let tenant = TenantId::main();
        let pipeline = Arc::new(pipeline(learned));
        // Training is no part of the work on a message.
        drop(pipeline.warm(|_| None));
        let state = store.adopt_policy(&tenant, &pipeline.pack().digest).await.expect("policy");
        let tenants = Tenants::default();
        tenants.put(
            tenant.clone(),
            Tenant { pipeline, epoch: state.epoch, callbacks: None, webhooks: None },
        );
        let accepts = (0..BATCH).map(|number| {
            let message = message(clock.as_ref(), &tenant, number);
            let inbox = inbox.clone();
            async move { inbox.accept(message, None).await }
        });
        for accepted in futures::future::join_all(accepts).await {
            assert_eq!(accepted.expect("accepted"), Accepted::New);
        }
        let settings = WorkerSettings::default();
        let files = Files::of(dir.path());
        let places = Places { store: store.clone(), inbox: inbox.clone(), files };
        let worker = Worker::new(places, clock, tenants, settings, Helpers::default());
        (store, inbox, Arc::new(worker))
    });
    Bench { runtime, store, inbox, worker, _dir: dir }
}

fn message(clock: &dyn Clock, tenant: &TenantId, number: usize) -> InboundMessage {
    let text = TEXTS.get(number % TEXTS.len()).copied().unwrap_or_default();
    InboundMessage {
        id: clock.message_id(),
        ticket_id: clock.ticket_id(),
        tenant: tenant.clone(),
        channel: Channel::WebForm,
        account: "site".to_owned(),
        external_id: format!("m{number}"),
        thread: format!("t{number}"),
        contact: Contact { name: Some("Joana Prado".to_owned()), ..Contact::default() },
        subject: None,
        text: text.to_owned(),
        flags: MessageFlags::default(),
        given: Given::default(),
        original: None,
        attachments: Vec::new(),
        sent_at: clock.now(),
        received_at: clock.now(),
    }
}

/// From the inbox to a decision on disk, durable, with grouped commits: the worker's own loops, as
/// `serve` runs them, until nothing waits. With the learned models, and by rules and articles alone.
#[divan::bench(args = [true, false], sample_count = 7, sample_size = 1)]
fn inbox_to_decision(bencher: Bencher<'_, '_>, learned: bool) {
    let inputs = || filled(learned);
    bencher.counter(ItemsCount::new(BATCH)).with_inputs(inputs).bench_local_values(|bench| {
        bench.runtime.block_on(async {
            let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
            bench.worker.run(&tasks, &stop);
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let waiting = bench.store.next_due("message").await.expect("jobs");
                if bench.inbox.backlog() == 0 && waiting.is_none() {
                    break;
                }
            }
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        });
        bench
    });
}

/// What a worker does when it wakes: finds and loads the tickets whose moment has come, among a million open ones.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn due_among_a_million_open_tickets(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().expect("a runtime");
    let (_folder, location) = a_million(&runtime);
    let store = open(&runtime, &location);
    bencher.bench_local(|| {
        let due = runtime.block_on(store.due_tickets(start(), 256)).expect("tickets");
        assert_eq!(due.len(), 100);
        black_box(runtime.block_on(store.next_look()).expect("a moment"));
    });
}

/// A start walks none of them.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn opening_with_a_million_open_tickets(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().expect("a runtime");
    let (_folder, location) = a_million(&runtime);
    bencher.bench_local(|| black_box(open(&runtime, &location)));
}

fn open(runtime: &Runtime, location: &StoreLocation) -> Store {
    runtime.block_on(Store::open(location, &TaskTracker::new())).expect("the store opens")
}

fn a_million(runtime: &Runtime) -> (tempfile::TempDir, StoreLocation) {
    let folder = tempfile::tempdir().expect("a folder");
    let location = StoreLocation::embedded(folder.path());
    drop(open(runtime, &location));
    runtime.block_on(fill(folder.path()));
    (folder, location)
}

/// A million open tickets, of which a hundred are due now.
async fn fill(folder: &std::path::Path) {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("store.db"));
    let mut connection = options.connect().await.expect("the file opens");
    let now = start().timestamp_millis();
    let numbers =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) ";
    for sql in [
        "BEGIN".to_owned(),
        format!(
            "INSERT INTO conversations (id, tenant, channel, account, thread, contact, version, fence, owner, ai_turns, \
             opted_out, ticket_id, vault, created_at, updated_at) {numbers} SELECT 'cnv_' || i, 'main', 'chat', 'a', i, \
             '{{}}', 1, 1, 'queue', 0, 0, 'tck_' || i, '{{}}', {now}, {now} FROM n"
        ),
        format!(
            "INSERT INTO tickets (id, tenant, number, conversation_id, channel, source_ref, status, fields, overrides, \
             tags, escalations, created_at, updated_at, queue, clock_at, queue_rank) {numbers} SELECT 'tck_' || i, 'main', \
             i, 'cnv_' || i, 'chat', i, 'open', '{{}}', '{{}}', '[]', 0, {now}, {now}, 'support', \
             CASE WHEN i % 10000 = 0 THEN {now} ELSE {now} + i END, {now} + i FROM n"
        ),
        format!(
            "INSERT INTO audit (tenant, at, ticket_id, conversation_id, actor, action, after) {numbers} SELECT 'main', \
             {now}, 'tck_' || i, 'cnv_' || i, 'worker', 'ticket.opened', '{{\"status\":\"new\"}}' FROM n"
        ),
        "COMMIT".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("rows");
    }
}
