//! The HTTP API: what a business hands in, reads and decides, over bearer tokens.
//!
//! Every route stands in one table with the scopes it asks for; the tenant comes from the token
//! alone. *Accepted* means on disk. Failures are problem documents.

mod actions;
mod assistant;
mod attachments;
mod auth;
mod board;
mod customers;
mod drafts;
mod events;
mod form;
mod guard;
mod handling;
mod handover;
mod health;
mod incident;
mod intake;
mod messages;
mod metrics;
mod money;
mod multipart;
mod openapi;
mod params;
mod payload;
mod problem;
mod search;
mod sla;
#[cfg(test)]
mod tests;
mod tickets;
mod uploads;
mod webhooks;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::adapters::files::Files;
use crate::adapters::inbox::Inbox;
use crate::adapters::store::{Scope, Store, StoreError};
use crate::channels::whatsapp::accounts::Accounts;
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::policy::{Category, Pack};
use crate::ports::Clock;

pub(crate) use guard::{Watched, check_size, limit};
pub(crate) use incident::{
    Declaration, UPDATE_MINUTES_MAX, WORDS_MAX, change_as as change_incident_as,
};
pub(crate) use messages::{is_email, is_phone};
pub(crate) use multipart::{Parts, Pieces};
pub(crate) use payload::whole as whole_body;
pub(crate) use problem::language_of;

pub(crate) use attachments::hand_out;
pub use customers::{read_profile, read_reference};
pub use health::Readiness;
pub use money::{parse_plain, parse_written};
pub use problem::{FieldProblem, Problem};
pub(crate) use uploads::hand_in;
pub use words::{CorrectedField, ReleaseTo, ReviewAction};

/// The limits of the API.
#[derive(Clone, Copy, Debug)]
pub struct WebSettings {
    /// Most bytes of a request's body.
    pub max_body_bytes: usize,
    /// Most bytes of a file that is handed in.
    pub max_file_bytes: u64,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How many requests are served at the same time; more are turned away.
    pub max_in_flight: usize,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 2 * 1024 * 1024,
            max_file_bytes: 25_000_000,
            request_timeout: Duration::from_secs(30),
            max_in_flight: 1024,
        }
    }
}

/// The words of a tenant's policy that callers may use.
#[derive(Clone, Debug, Default)]
pub struct TenantVocabulary {
    /// Categories with their subcategories.
    pub categories: BTreeMap<String, Vec<String>>,
    /// Teams, which are the queues of people.
    pub teams: Vec<String>,
    /// The locale of a reply where neither the agent nor the conversation tells one.
    pub default_locale: Option<Locale>,
    /// Its whole policy; `None` where only words are known.
    pub pack: Option<Arc<Pack>>,
}

impl From<&Arc<Pack>> for TenantVocabulary {
    fn from(pack: &Arc<Pack>) -> Self {
        let subcategories = |category: &Category| {
            category.subcategories.iter().map(|subcategory| subcategory.id.clone()).collect()
        };
        Self {
            categories: pack
                .taxonomy
                .iter()
                .map(|category| (category.id.clone(), subcategories(category)))
                .collect(),
            pack: Some(Arc::clone(pack)),
            teams: pack.teams.iter().map(|team| team.id.clone()).collect(),
            default_locale: Some(pack.business.default_locale()),
        }
    }
}

/// Looks up a tenant's vocabulary; `None` when it has no policy, so that any word counts.
pub type VocabularyOf = Arc<dyn Fn(&TenantId) -> Option<Arc<TenantVocabulary>> + Send + Sync>;

/// What the API is built from.
pub struct WebParts {
    /// Where tickets are.
    pub store: Store,
    /// Where messages are accepted.
    pub inbox: Inbox,
    /// Where files of messages are.
    pub files: Files,
    /// Where time and ids come from.
    pub clock: Arc<dyn Clock>,
    /// Its limits.
    pub settings: WebSettings,
    /// The words of each tenant's policy.
    pub vocabulary: VocabularyOf,
    /// The parts that `/readyz` looks at besides store and inbox.
    pub readiness: Readiness,
    /// The numbers on WhatsApp.
    pub whatsapp: Accounts,
    /// Metrics of other parts, shown at `/metrics` too.
    pub registry: Registry,
    /// Ends what would go on for ever, such as streams of events, when the server stops.
    pub closing: CancellationToken,
}

/// What every handler can reach; cloning shares it.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    store: Store,
    inbox: Inbox,
    files: Files,
    clock: Arc<dyn Clock>,
    settings: WebSettings,
    vocabulary: VocabularyOf,
    readiness: Readiness,
    whatsapp: Accounts,
    calls: Semaphore,
    metrics: metrics::Metrics,
    tokens: auth::TokenCache,
    in_flight: Semaphore,
    boards: board::Boards,
    streams: Arc<Semaphore>,
    closing: CancellationToken,
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: WebParts) -> Self {
        let WebParts {
            store,
            inbox,
            files,
            clock,
            settings,
            vocabulary,
            readiness,
            whatsapp,
            registry,
            closing,
        } = parts;
        Self(Arc::new(Shared {
            store,
            inbox,
            files,
            clock,
            settings,
            vocabulary,
            readiness,
            whatsapp,
            calls: Semaphore::new(webhooks::CALLS_MAX),
            metrics: metrics::Metrics::new(registry),
            tokens: auth::TokenCache::default(),
            in_flight: Semaphore::new(settings.max_in_flight.min(Semaphore::MAX_PERMITS)),
            boards: board::Boards::default(),
            streams: Arc::new(Semaphore::new(events::STREAMS_MAX)),
            closing,
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    pub(crate) fn files(&self) -> &Files {
        &self.0.files
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub(crate) fn settings(&self) -> &WebSettings {
        &self.0.settings
    }

    pub(crate) fn vocabulary(&self, tenant: &TenantId) -> Option<Arc<TenantVocabulary>> {
        (self.0.vocabulary)(tenant)
    }

    fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    pub(crate) fn whatsapp(&self) -> &Accounts {
        &self.0.whatsapp
    }

    fn calls(&self) -> &Semaphore {
        &self.0.calls
    }

    pub(crate) fn metrics(&self) -> &metrics::Metrics {
        &self.0.metrics
    }

    fn tokens(&self) -> &auth::TokenCache {
        &self.0.tokens
    }

    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// Returns what waits, as it was counted a moment ago.
    async fn board(&self, tenant: &TenantId) -> Result<Arc<board::Board>, Problem> {
        Ok(self.counts(tenant).await?)
    }

    /// The same for whoever says themselves what went wrong.
    pub(crate) async fn counts(&self, tenant: &TenantId) -> Result<Arc<board::Board>, StoreError> {
        self.0.boards.of(&self.0.store, tenant).await
    }

    fn in_flight(&self) -> &Semaphore {
        &self.0.in_flight
    }
}

/// One method of one address.
struct Route {
    method: &'static str,
    path: &'static str,
    /// Scopes of which the caller needs one; `None` for the open routes.
    scopes: Option<&'static [Scope]>,
    handler: MethodRouter<AppState>,
}

/// Builds the API.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let handler = match route.scopes {
            Some(scopes) => route
                .handler
                .layer(from_fn_with_state((state.clone(), scopes), auth::authorize))
                .layer(from_fn_with_state(state.clone(), guard::limit)),
            None => route.handler,
        };
        router = router.route(route.path, handler);
    }
    router
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(state.clone(), guard::observe))
        .with_state(state)
}

/// Serves the API until `shutdown`; then takes no new connection and finishes what is in flight, for
/// at most `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    grace: Duration,
) -> anyhow::Result<()> {
    let stopped = shutdown.clone();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { shutdown.cancelled().await });
    let too_late = async move {
        stopped.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = serving => served.context("serve http"),
        () = too_late => {
            tracing::warn!(grace_secs = grace.as_secs(), "Stopped serving with requests still in flight");
            Ok(())
        }
    }
}

const INGEST: &[Scope] = &[Scope::Ingest];
const INGEST_OR_READ: &[Scope] = &[Scope::Ingest, Scope::Read];
const READ: &[Scope] = &[Scope::Read];
const AGENT: &[Scope] = &[Scope::Agent];
const AGENT_OR_READ: &[Scope] = &[Scope::Agent, Scope::Read];
const CUSTOMERS: &[Scope] = &[Scope::Customers];
const CUSTOMERS_OR_READ: &[Scope] = &[Scope::Customers, Scope::Read];
const ADMIN: &[Scope] = &[Scope::Admin];
const ADMIN_OR_READ: &[Scope] = &[Scope::Admin, Scope::Read];

/// Every route of the API; a test compares them with the API's description.
///
/// `/metrics` and the health checks are open: they tell nothing of any person, and the server
/// listens on loopback unless told otherwise.
fn routes() -> Vec<Route> {
    let open = |method, path, handler| Route { method, path, scopes: None, handler };
    let guarded =
        |method, path, scopes, handler| Route { method, path, scopes: Some(scopes), handler };
    vec![
        open("GET", "/healthz", get(health::healthz)),
        open("GET", "/readyz", get(health::readyz)),
        open("GET", "/metrics", get(metrics::metrics)),
        open("GET", "/openapi.json", get(openapi::document)),
        open("GET", "/webhooks/whatsapp", get(webhooks::whatsapp_subscribes)),
        open("POST", "/webhooks/whatsapp", post(webhooks::whatsapp)),
        guarded("POST", "/v1/messages", INGEST, post(messages::accept)),
        guarded("GET", "/v1/messages/{id}", INGEST_OR_READ, get(messages::whereabouts)),
        guarded("POST", "/v1/tickets", INGEST, post(intake::open)),
        guarded("GET", "/v1/tickets", READ, get(tickets::list)),
        guarded("GET", "/v1/tickets/{id}", READ, get(tickets::view)),
        guarded("GET", "/v1/tickets/{id}/sla", READ, get(sla::of_ticket)),
        guarded("GET", "/v1/tickets/{id}/handover", READ, get(handover::show)),
        guarded("POST", "/v1/attachments", AGENT, post(uploads::upload)),
        guarded("GET", "/v1/attachments/{id}", READ, get(attachments::download)),
        guarded("GET", "/v1/queues", READ, get(tickets::queues)),
        guarded("GET", "/v1/sla", READ, get(sla::overview)),
        guarded("GET", "/v1/events", READ, get(events::stream)),
        guarded("GET", "/v1/review", READ, get(tickets::review)),
        guarded("GET", "/v1/search", READ, get(search::search)),
        guarded("GET", "/v1/outbox", READ, get(tickets::outbox)),
        guarded("POST", "/v1/tickets/{id}/draft", AGENT, post(drafts::decide)),
        guarded("POST", "/v1/tickets/{id}/claim", AGENT, post(actions::claim)),
        guarded("POST", "/v1/tickets/{id}/release", AGENT, post(actions::release)),
        guarded("POST", "/v1/tickets/{id}/reply", AGENT, post(actions::reply)),
        guarded("POST", "/v1/tickets/{id}/status", AGENT, post(actions::status)),
        guarded("POST", "/v1/tickets/{id}/override", AGENT, post(actions::correct)),
        guarded("POST", "/v1/tickets/{id}/note", AGENT, post(actions::note)),
        guarded("POST", "/v1/tickets/{id}/tag", AGENT, post(actions::tag)),
        guarded("POST", "/v1/tickets/{id}/transfer", AGENT, post(handling::transfer)),
        guarded("POST", "/v1/tickets/{id}/snooze", AGENT, post(handling::snooze)),
        guarded("POST", "/v1/tickets/{id}/callback", AGENT, post(handling::callback)),
        guarded("POST", "/v1/tickets/{id}/merge", AGENT, post(handling::merge)),
        guarded("POST", "/v1/tickets/{id}/split", AGENT, post(handling::split)),
        guarded("GET", "/v1/agents", AGENT_OR_READ, get(handling::agents)),
        guarded("PUT", "/v1/agents/{name}/presence", AGENT, put(handling::presence)),
        guarded("PUT", "/v1/customers/{ref}", CUSTOMERS, put(customers::put)),
        guarded("GET", "/v1/customers/{ref}", CUSTOMERS_OR_READ, get(customers::show)),
        guarded("GET", "/v1/assistant", ADMIN_OR_READ, get(assistant::show)),
        guarded("POST", "/v1/assistant", ADMIN, post(assistant::switch)),
        guarded("POST", "/v1/incidents", ADMIN, post(incident::declare)),
        guarded("GET", "/v1/incidents", ADMIN_OR_READ, get(incident::list)),
        guarded("POST", "/v1/incidents/{name}/update", ADMIN, post(incident::update)),
        guarded("POST", "/v1/incidents/{name}/end", ADMIN, post(incident::end)),
    ]
}
