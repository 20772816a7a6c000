//! One small world for stories: a recorded clock, the real worker, pipeline, store, inbox and API in one
//! process, and a receiver of callbacks that can be told to misbehave. Only the far end of the wire is
//! fake. Dropping a world checks the peace: nothing leased, nothing half sent, nothing left in the inbox,
//! no dead letter that the story did not expect.

pub(crate) mod endpoint;
mod graph;
mod logs;
pub(crate) mod process;
mod receiver;
mod scribe;
mod smtp;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use atende::adapters::clock::RecordedClock;
use atende::adapters::model_cache::ModelCache;
use atende::adapters::store::{Lease, Scope};
use atende::app::{App, Receivers, make_ready, mint_token};
use atende::channels::callback::CallbackClient;
use atende::compose::Templates;
use atende::config::{
    Config, FileSettings, MailSettings, MailboxSettings, ModelSettings, TranscriberSettings,
    WhatsappSettings,
};
use atende::desk::{Desk, DeskSettings, Homes};
use atende::domain::ids::TenantId;
use atende::domain::secret::Secret;
use atende::knowledge::Library;
use atende::pipeline::Pipeline;
use atende::policy::{Pack, Source};
use atende::ports::Clock;
use atende::prompts::Prompts;
use atende::web::{AppState, Readiness, TenantVocabulary, WebParts, WebSettings, router};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, Duration, Utc};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub(crate) use graph::{Graph, Medium, Meta};
pub(crate) use logs::install_logs;
pub(crate) use receiver::{Received, Receiver};
pub(crate) use scribe::{Heard, Scribe};
pub(crate) use smtp::{After, MailServer, ReceivedMail};

/// The policy of a world in which the assistant may answer everything, and says nothing besides.
pub(crate) const AUTO: &str = concat!(
    "extends: saas-br\nid: world-auto\nversion: \"1\"\nmodes: {default: auto}\n",
    "notices:\n",
    "  acknowledgement: {whatsapp: 'off', email: 'off', web_form: 'off'}\n",
    "  escalation: {whatsapp: 'off', email: 'off', web_form: 'off', chat: 'off'}\n",
    "  resolution: {whatsapp: 'off', email: 'off', web_form: 'off'}\n",
);
/// As shipped: people send.
pub(crate) const DRAFT: &str = concat!(
    "extends: saas-br\nid: world-draft\nversion: \"1\"\nmodes: {default: draft}\n",
    "notices:\n",
    "  acknowledgement: {whatsapp: 'off', email: 'off', web_form: 'off'}\n",
    "  escalation: {whatsapp: 'off', email: 'off', web_form: 'off', chat: 'off'}\n",
    "  resolution: {whatsapp: 'off', email: 'off', web_form: 'off'}\n",
);

/// A question that a sample article answers.
pub(crate) const QUESTION: &str = "Esqueci a senha, como recupero?";
/// Another one.
pub(crate) const OTHER_QUESTION: &str = "Onde pego a segunda via do boleto?";

/// The number of `main` on WhatsApp.
pub(crate) const NUMBER: &str = "106540352242922";
/// What its webhook is signed with.
pub(crate) const APP_SECRET: &str = "segredo-do-aplicativo";

/// After so many attempts a job is poison in this world.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// The real parts, with time in the story's hand.
pub(crate) struct World {
    /// The worker with its stores.
    pub(crate) app: Option<App>,
    /// The clock that everything goes by.
    pub(crate) clock: Arc<RecordedClock>,
    /// Where the replies of `main` go.
    pub(crate) receiver: Receiver,
    /// Dead letters that the story expects when it ends.
    pub(crate) expected_dead: i64,
    /// Where the events of every business go.
    pub(crate) webhooks: Option<CallbackClient>,
    /// The mail server of the business's own people.
    pub(crate) mail: MailSettings,
    /// The language models.
    pub(crate) models: ModelSettings,
    /// Where businesses keep their content.
    pub(crate) homes: Homes,
    /// How replies leave over WhatsApp; by the receiver, where nothing is set.
    whatsapp: WhatsappSettings,
    /// The mailbox of `main`.
    mailbox: MailboxSettings,
    /// Whoever writes voice notes down.
    transcriber: TranscriberSettings,
    router: Router,
    bearers: BTreeMap<TenantId, String>,
    policies: BTreeMap<TenantId, String>,
    idempotent: bool,
    last_message: BTreeMap<String, String>,
    written: u32,
    dir: tempfile::TempDir,
    tasks: TaskTracker,
}

impl World {
    /// A world in which the assistant may answer everything.
    pub(crate) async fn auto() -> Self {
        Self::with(AUTO, true).await
    }

    /// A world as shipped: the assistant drafts, people send.
    pub(crate) async fn draft() -> Self {
        Self::with(DRAFT, true).await
    }

    /// A world under a policy, with a receiver that does or does not honour keys.
    pub(crate) async fn with(policy: &str, idempotent: bool) -> Self {
        Box::pin(Self::of(
            policy,
            idempotent,
            ModelSettings::default(),
            WhatsappSettings::default(),
        ))
        .await
    }

    /// A world with a mailbox.
    pub(crate) async fn with_mailbox(policy: &str, mailbox: MailboxSettings) -> Self {
        let (models, whatsapp) = (ModelSettings::default(), WhatsappSettings::default());
        let mut world = Box::pin(Self::closed(policy, true, models, whatsapp)).await;
        world.mailbox = mailbox;
        Box::pin(world.open()).await;
        world
    }

    /// A world whose replies on WhatsApp leave as these settings say.
    pub(crate) async fn with_whatsapp(policy: &str, whatsapp: WhatsappSettings) -> Self {
        Box::pin(Self::of(policy, true, ModelSettings::default(), whatsapp)).await
    }

    /// The same with somebody who writes voice notes down, and files of a megabyte at most.
    pub(crate) async fn with_voices(
        policy: &str,
        whatsapp: WhatsappSettings,
        transcriber: TranscriberSettings,
    ) -> Self {
        let models = ModelSettings::default();
        let mut world = Box::pin(Self::closed(policy, true, models, whatsapp)).await;
        world.transcriber = transcriber;
        Box::pin(world.open()).await;
        world
    }

    /// A world with language models.
    pub(crate) async fn with_models(policy: &str, models: ModelSettings) -> Self {
        Box::pin(Self::of(policy, true, models, WhatsappSettings::default())).await
    }

    async fn of(
        policy: &str,
        idempotent: bool,
        models: ModelSettings,
        whatsapp: WhatsappSettings,
    ) -> Self {
        let mut world = Self::closed(policy, idempotent, models, whatsapp).await;
        world.open().await;
        world
    }

    /// A world that is not opened yet.
    async fn closed(
        policy: &str,
        idempotent: bool,
        models: ModelSettings,
        whatsapp: WhatsappSettings,
    ) -> Self {
        // Another test may have installed it first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let start: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        Self {
            app: None,
            clock: Arc::new(RecordedClock::starting_at(start)),
            receiver: Receiver::start().await,
            expected_dead: 0,
            webhooks: None,
            mail: MailSettings::default(),
            models,
            homes: Homes::default(),
            whatsapp,
            mailbox: MailboxSettings::default(),
            transcriber: TranscriberSettings::default(),
            router: Router::new(),
            bearers: BTreeMap::new(),
            policies: [(TenantId::main(), policy.to_owned())].into(),
            idempotent,
            last_message: BTreeMap::new(),
            written: 0,
            dir: tempfile::tempdir().unwrap(),
            tasks: TaskTracker::new(),
        }
    }

    /// Adds a business with a policy of its own and without a receiver.
    pub(crate) async fn add_tenant(&mut self, name: &str, policy: &str) -> TenantId {
        let id = TenantId::parse(name).unwrap();
        self.policies.insert(id.clone(), policy.to_owned());
        self.adopt(&id, policy).await;
        self.mint(&id).await;
        id
    }

    /// Ends the process as a crash would, between any two steps, and starts it again on the same files.
    pub(crate) async fn crash(&mut self) {
        self.app = None;
        self.router = Router::new();
        Box::pin(self.open()).await;
    }

    async fn open(&mut self) {
        let config = Config::default();
        let config = Config {
            worker: atende::config::WorkerSettings {
                max_attempts: MAX_ATTEMPTS,
                ..config.worker.clone()
            },
            mail: self.mail.clone(),
            whatsapp: WhatsappSettings {
                numbers: Some(NUMBER.to_owned()),
                app_secret: Some(Secret::new(APP_SECRET)),
                verify_token: Some(Secret::new("a-palavra")),
                ..self.whatsapp.clone()
            },
            mailbox: self.mailbox.clone(),
            models: self.models.clone(),
            files: FileSettings { max_mb: 1 },
            transcriber: self.transcriber.clone(),
            ..config
        };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        // The lock of the life before goes with its last handle.
        let app = App::open(self.dir.path(), &config, clock, &self.tasks).await.unwrap();
        self.app = Some(app);
        for (id, policy) in self.policies.clone() {
            self.adopt(&id, &policy).await;
        }
        self.app().worker.recover().await.unwrap();
        self.router = self.served(DeskSettings::default());
        if self.bearers.is_empty() {
            self.mint(&TenantId::main()).await;
        }
    }

    /// Everything that is served, with the desk standing in the network as these settings say.
    pub(crate) fn served(&self, settings: DeskSettings) -> Router {
        let tenants = self.app().tenants.clone();
        let state = AppState::new(WebParts {
            store: self.app().stores.store.clone(),
            inbox: self.app().stores.inbox.clone(),
            files: self.app().stores.files.clone(),
            clock: Arc::clone(&self.app().clock),
            settings: WebSettings::default(),
            vocabulary: Arc::new(move |tenant| {
                let known = tenants.get(tenant)?;
                Some(Arc::new(TenantVocabulary::from(&known.pipeline.shared_pack())))
            }),
            readiness: Readiness::default(),
            whatsapp: self.app().whatsapp.clone(),
            registry: prometheus_client::registry::Registry::default(),
            closing: CancellationToken::new(),
        });
        let (tenants, homes) = (self.app().tenants.clone(), self.homes.clone());
        let desk = Desk::with_homes(state.clone(), tenants, settings, homes).unwrap();
        let desk = desk.with_worker(Arc::clone(&self.app().worker));
        atende::desk::router(desk).merge(router(state))
    }

    async fn mint(&mut self, tenant: &TenantId) {
        let app = self.app();
        let token = mint_token(&app.stores.store, &app.clock, tenant, "agent", Scope::ALL).await;
        self.bearers.insert(tenant.clone(), token.unwrap().unwrap());
    }

    /// The running parts.
    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// The folder of everything that is stored.
    pub(crate) fn data(&self) -> &Path {
        self.dir.path()
    }

    /// Puts a business under a policy, as a reload does.
    pub(crate) async fn adopt(&self, tenant: &TenantId, policy: &str) {
        let callbacks = (*tenant == TenantId::main())
            .then(|| CallbackClient::new(self.receiver.settings(self.idempotent)).unwrap());
        let receivers = Receivers { callbacks, webhooks: self.webhooks.clone() };
        self.app().adopt(tenant, pipeline(policy), receivers).await.unwrap();
    }

    /// Puts a business under a pipeline, as a reload does.
    pub(crate) async fn adopt_pipeline(&self, tenant: &TenantId, pipeline: Pipeline) {
        let callbacks = CallbackClient::new(self.receiver.settings(self.idempotent)).unwrap();
        let receivers = Receivers { callbacks: Some(callbacks), webhooks: self.webhooks.clone() };
        self.app().adopt(tenant, pipeline, receivers).await.unwrap();
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance_to(self.clock.now() + Duration::seconds(seconds));
    }

    /// Works until nothing is due now. Returns how many turns were decided.
    pub(crate) async fn drain(&self) -> usize {
        // A turn that goes round for ever is a bug that must not hang the tests.
        let drained =
            tokio::time::timeout(std::time::Duration::from_mins(1), self.app().worker.drain());
        drained.await.expect("the worker came to rest").unwrap()
    }

    /// Files what the inbox holds and decides what is due, but sends nothing.
    pub(crate) async fn decide_only(&self) {
        while self.app().worker.file_messages().await.unwrap() > 0 {}
        while self.app().worker.decide_turns().await.unwrap() > 0 {}
    }

    /// Lets a customer of `main` write; files nothing yet.
    pub(crate) async fn writes(&mut self, channel: &str, who: &str, text: &str) -> String {
        let body = json!({
            "channel": channel, "thread": who, "from": {"reference": who}, "text": text,
        });
        self.hands_in(&TenantId::main(), who, body).await
    }

    /// Hands in a message as another system would.
    pub(crate) async fn hands_in(&mut self, tenant: &TenantId, who: &str, body: Value) -> String {
        self.written += 1;
        let mut body = body;
        if body.get("external_id").is_none() {
            body["external_id"] = json!(format!("ext-{}", self.written));
        }
        let answer = self.call(tenant, "POST", "/v1/messages", Some(body)).await;
        assert_eq!(answer.0, 202, "{}", answer.1);
        let id = answer.1["id"].as_str().unwrap().to_owned();
        self.last_message.insert(who.to_owned(), id.clone());
        id
    }

    /// Calls the API; returns status and body.
    pub(crate) async fn call(
        &self,
        tenant: &TenantId,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let bearer = &self.bearers[tenant];
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {bearer}"))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Reads something that must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(&TenantId::main(), "GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// Does something that must work.
    pub(crate) async fn act(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(&TenantId::main(), method, path, Some(body)).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// Declares an incident.
    pub(crate) async fn declare(&self, body: Value) {
        let (status, answer) =
            self.call(&TenantId::main(), "POST", "/v1/incidents", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
    }

    /// The id of the ticket that a customer's latest message is filed under.
    pub(crate) async fn ticket_id(&self, who: &str) -> String {
        let message = self.get(&format!("/v1/messages/{}", self.last_message[who])).await;
        message["ticket_id"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }

    /// Whether a customer wrote before.
    pub(crate) fn knows(&self, who: &str) -> bool {
        self.last_message.contains_key(who)
    }

    /// Where a customer's latest message is told of.
    pub(crate) fn message_path(&self, who: &str) -> String {
        format!("/v1/messages/{}", self.last_message[who])
    }

    /// The API itself, for answers that never end.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// The token of `main`.
    pub(crate) fn bearer(&self) -> &str {
        &self.bearers[&TenantId::main()]
    }

    /// Everything about the ticket of a customer's latest message.
    pub(crate) async fn ticket(&self, who: &str) -> Value {
        self.get(&format!("/v1/tickets/{}", self.ticket_id(who).await)).await
    }

    /// The rules that decided a ticket last.
    pub(crate) fn rules(ticket: &Value) -> Vec<String> {
        let reasons = ticket["decision"]["decision"]["reasons"].as_array();
        let reasons = reasons.unwrap_or_else(|| panic!("no decision: {ticket}"));
        reasons.iter().map(|reason| reason["rule"].as_str().unwrap().to_owned()).collect()
    }

    /// What was delivered so far, one line a reply: `thread: first words`.
    pub(crate) fn sent(&self) -> Vec<Received> {
        self.receiver.accepted()
    }

    /// Takes every due job under a lease and forgets it, as a process does that dies over it.
    pub(crate) async fn die_over_due_jobs(&mut self) {
        let now = self.clock.now();
        let until = now + Duration::minutes(1);
        let lease = Lease("dying".to_owned());
        let store = &self.app().stores.store;
        let leased = store.lease_jobs("message", now, until, 100, lease).await.unwrap();
        assert!(!leased.is_empty(), "a job was due");
        self.crash().await;
    }

    /// Reads one column of the store as text, past all of the program's own code.
    pub(crate) async fn column(&self, sql: &'static str) -> Vec<String> {
        let mut connection = raw(&self.data().join("store.db")).await;
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// Reads one number of the store.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        count(&self.data().join("store.db"), sql).await
    }
}

/// Compiles a policy with the sample articles and templates.
pub(crate) fn pipeline(policy: &str) -> Pipeline {
    pipeline_over(policy, Library::load(None).unwrap())
}

/// The same with other articles.
pub(crate) fn pipeline_over(policy: &str, library: Library) -> Pipeline {
    pipeline_of(policy, library, Templates::load(None).unwrap())
}

/// The same with other templates.
pub(crate) fn pipeline_saying(policy: &str, templates: Templates) -> Pipeline {
    pipeline_of(policy, Library::load(None).unwrap(), templates)
}

fn pipeline_of(policy: &str, library: Library, templates: Templates) -> Pipeline {
    let source = Source { name: "world.yaml".to_owned(), text: policy.to_owned() };
    let pack = Pack::load(source, Vec::new()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let prompts = Prompts::load(None).unwrap();
    let pipeline =
        Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts));
    make_ready(&pipeline, Some(&kept_models()));
    pipeline
}

/// Where the program keeps trained models: training them takes longer than any test.
fn kept_models() -> ModelCache {
    let folder = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    ModelCache::new(&cache.unwrap_or_else(std::env::temp_dir).join("atende/models"))
}

pub(crate) async fn raw(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

pub(crate) async fn count(file: &Path, sql: &'static str) -> i64 {
    let mut connection = raw(file).await;
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (store, inbox) = (self.data().join("store.db"), self.data().join("inbox.db"));
        let dead = self.expected_dead;
        // A runtime of its own: this one cannot be waited on from within.
        let check = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                for (what, file, sql, expected) in [
                    ("leased jobs", &store, "SELECT COUNT(*) FROM jobs WHERE lease IS NOT NULL", 0),
                    ("dead letters", &store, "SELECT COUNT(*) FROM jobs WHERE state = 'dead'", dead),
                    ("replies half sent", &store, "SELECT COUNT(*) FROM outbox WHERE state = 'sending'", 0),
                    ("attempts below zero", &store, "SELECT COUNT(*) FROM jobs WHERE attempts < 0", 0),
                    (
                        "messages without decision or job",
                        &store,
                        "SELECT COUNT(*) FROM messages m WHERE m.author = 'customer' AND m.decision_id IS NULL \
                         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = m.conversation_id)",
                        0,
                    ),
                    ("messages in the inbox", &inbox, "SELECT COUNT(*) FROM inbox WHERE taken_at IS NULL", 0),
                    ("messages set aside", &inbox, "SELECT COUNT(*) FROM inbox WHERE error IS NOT NULL", 0),
                ] {
                    let found = count(file, sql).await;
                    assert_eq!(found, expected, "the world ended with {found} {what}");
                }
            });
        });
        if let Err(problem) = check.join() {
            std::panic::resume_unwind(problem);
        }
    }
}
