//! The HTTP API against a real store and inbox in a folder of their own; no network, no sleeps.

mod actions;
mod customers;
mod drafts;
mod intake;
mod operation;
mod problems;
mod reading;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use atende::adapters::clock::RecordedClock;
use atende::adapters::inbox::Inbox;
use atende::adapters::store::{
    Intake, Lease, NewDraft, Owner, Scope, Settled, Settlement, Store, StoreLocation, TicketLabels,
    TokenRow, TurnWindow,
};
use atende::domain::channel::Channel;
use atende::domain::confidence::Confidence;
use atende::domain::decision::Action;
use atende::domain::draft::{DraftKind, DraftText};
use atende::domain::ids::{TenantId, TicketId};
use atende::domain::labels::{Locale, Urgency};
use atende::domain::message::{Contact, Given, InboundMessage, MessageFlags};
use atende::domain::ticket::{OwnerKind, TicketStatus};
use atende::ports::Clock;
use atende::web::{AppState, Readiness, TenantVocabulary, WebParts, WebSettings, router};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// An answer of the API.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the status and hands the body out.
    #[track_caller]
    fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if status >= 400 {
            assert_eq!(self.header("content-type"), "application/problem+json");
            assert_eq!(self.body["status"], status);
            assert!(self.body["type"].as_str().unwrap().starts_with("urn:atende:problem:"));
        }
        self.body
    }

    /// Returns the fields that a problem names.
    fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}

/// A call in the making.
struct Call<'a> {
    api: &'a Api,
    request: axum::http::request::Builder,
}

impl Call<'_> {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    async fn bytes(self, body: impl Into<Body>) -> Answer {
        let request = self.request.body(body.into()).unwrap();
        let response = self.api.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: head.status, headers: head.headers, body, text }
    }

    async fn json(self, body: Value) -> Answer {
        self.header("content-type", "application/json").bytes(body.to_string()).await
    }

    async fn send(self) -> Answer {
        self.bytes(Body::empty()).await
    }
}

/// The API with what stands behind it.
struct Api {
    store: Store,
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    router: Router,
    /// May do everything for the tenant `main`.
    bearer: String,
    dir: tempfile::TempDir,
}

impl Api {
    async fn new() -> Self {
        Self::with(WebSettings::default(), 1000).await
    }

    async fn with(settings: WebSettings, max_backlog: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = TaskTracker::new();
        let store = Store::open(&StoreLocation::embedded(dir.path()), &tasks).await.unwrap();
        let inbox = Inbox::open(&dir.path().join("inbox.db"), max_backlog, &tasks).await.unwrap();
        let start: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(RecordedClock::starting_at(start));
        let vocabulary = Arc::new(TenantVocabulary {
            categories: [
                ("billing".to_owned(), vec!["refund".to_owned(), "invoice".to_owned()]),
                ("access".to_owned(), Vec::new()),
            ]
            .into(),
            teams: vec!["finance".to_owned(), "support".to_owned()],
            default_locale: Some(Locale::PtBr),
            pack: Some(Arc::new(atende::policy::Pack::embedded("saas-br").unwrap())),
        });
        let readiness = Readiness::default();
        let router = router(AppState::new(WebParts {
            store: store.clone(),
            inbox: inbox.clone(),
            files: atende::adapters::files::Files::of(dir.path()),
            clock: Arc::clone(&clock),
            settings,
            vocabulary: Arc::new(move |_| Some(Arc::clone(&vocabulary))),
            readiness: readiness.clone(),
            whatsapp: atende::channels::whatsapp::accounts::Accounts::default(),
            registry: prometheus_client::registry::Registry::default(),
            closing: tokio_util::sync::CancellationToken::new(),
        }));
        let mut api = Self { store, inbox, clock, readiness, router, bearer: String::new(), dir };
        api.bearer = api.token("all", Scope::ALL, &TenantId::main()).await;
        api
    }

    async fn token(&self, name: &str, scopes: &[Scope], tenant: &TenantId) -> String {
        let id = self.clock.token_id();
        let row = TokenRow {
            id: id.clone(),
            tenant: tenant.clone(),
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        assert!(self.store.add_token(row, &format!("secret-{id}")).await.unwrap());
        format!("{id}.secret-{id}")
    }

    fn call(&self, method: &str, path: &str) -> Call<'_> {
        let bearer = self.bearer.clone();
        self.call_as(&bearer, method, path)
    }

    fn call_as(&self, bearer: &str, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        Call { api: self, request: request.header("authorization", format!("Bearer {bearer}")) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(body).await
    }

    /// Files everything that waits in the inbox, as the worker does.
    async fn file_waiting(&self) {
        let waiting = self.inbox.waiting(100).await.unwrap();
        let seqs = waiting.iter().map(|waiting| waiting.seq).collect();
        let messages = waiting.into_iter().filter_map(|waiting| waiting.message);
        let batch = messages.map(|message| self.intake(message)).collect();
        self.store.record_inbound(self.clock.now(), batch).await.unwrap();
        self.inbox.mark_taken(self.clock.now(), seqs, None).await.unwrap();
    }

    fn intake(&self, message: InboundMessage) -> Intake {
        Intake {
            message,
            conversation_id: self.clock.conversation_id(),
            job_id: self.clock.job_id(),
            window: TurnWindow {
                after_last: chrono::Duration::zero(),
                at_most: chrono::Duration::zero(),
            },
        }
    }

    /// Opens a ticket of a tenant whose draft waits for review.
    async fn drafted(&self, tenant: &TenantId, thread: &str) -> TicketId {
        self.write(tenant, thread, "Quero minha nota fiscal").await;
        self.decide().await
    }

    /// Lets a customer write.
    async fn write(&self, tenant: &TenantId, thread: &str, text: &str) {
        let id = self.clock.message_id();
        let message = InboundMessage {
            ticket_id: self.clock.ticket_id(),
            tenant: tenant.clone(),
            channel: Channel::Chat,
            account: "default".to_owned(),
            external_id: id.as_str().to_owned(),
            thread: thread.to_owned(),
            contact: Contact { name: Some("Ana".to_owned()), ..Contact::default() },
            subject: None,
            text: text.to_owned(),
            flags: MessageFlags::default(),
            given: Given::default(),
            original: None,
            attachments: Vec::new(),
            sent_at: self.clock.now(),
            received_at: self.clock.now(),
            id,
        };
        let batch = vec![self.intake(message)];
        self.store.record_inbound(self.clock.now(), batch).await.unwrap();
    }

    /// Decides the one turn that is due: a draft for review.
    async fn decide(&self) -> TicketId {
        let now = self.clock.now();
        let until = now + chrono::Duration::minutes(1);
        let lease = Lease("test".to_owned());
        let jobs = self.store.lease_jobs("message", now, until, 1, lease).await.unwrap();
        let job = jobs.into_iter().next().expect("a turn is due");
        let turns = self.store.load_turns(now, std::slice::from_ref(&job.conversation)).await;
        let turn = turns.unwrap().remove(0);
        let settlement = Settlement {
            conversation: job.conversation.clone(),
            job,
            version: turn.version,
            epoch: 0,
            ticket: turn.ticket.clone(),
            decision: self.clock.decision_id(),
            action: Action::Review,
            would: Action::Send,
            queue: Some("finance".to_owned()),
            level: Some("L1".to_owned()),
            priority: Urgency::Normal,
            confidence: Confidence::clamped(0.9),
            record: "{}".to_owned(),
            rules: vec!["mode.draft".to_owned()],
            covered: turn.messages.iter().map(|message| message.id.clone()).collect(),
            fields: "{}".to_owned(),
            labels: TicketLabels {
                category: Some("billing".to_owned()),
                subcategory: Some("invoice".to_owned()),
                sentiment: Some("neutral".to_owned()),
                language: Some("pt-BR".to_owned()),
            },
            vault: "{}".to_owned(),
            opted_out: false,
            opts_out: None,
            status: TicketStatus::Open,
            owner: Some(Owner { kind: OwnerKind::Review, name: Some("finance".to_owned()) }),
            stands: false,
            draft: Some(NewDraft {
                id: self.clock.draft_id(),
                draft: DraftText {
                    text: "Segue a nota.".to_owned(),
                    locale: Locale::PtBr,
                    kind: DraftKind::Template,
                    ledger: Vec::new(),
                    choices: Vec::new(),
                },
                passages: "[]".to_owned(),
            }),
            replies: Vec::new(),
            rating: None,
            notify: Vec::new(),
            within_mins: None,
            bury: None,
        };
        assert_eq!(self.store.settle(now, settlement).await.unwrap(), Settled::Done);
        turn.ticket
    }
}

fn other() -> TenantId {
    TenantId::parse("other").unwrap()
}

fn quick() -> WebSettings {
    WebSettings { request_timeout: Duration::from_secs(5), ..WebSettings::default() }
}
