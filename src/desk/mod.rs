//! The desk: the pages where people review drafts and work their queues.
//!
//! A face on the same store as the API. Every page is written on the server and works without a script: rows are links,
//! actions are forms, states are addresses. Who asks comes from the session alone, and every route names the right it needs.

mod account;
mod act;
mod again;
mod answer;
mod answering;
mod asked;
mod board;
mod check;
mod content;
mod conversation;
mod draft;
mod files;
mod frame;
mod guard;
mod handed;
mod head;
mod live;
mod login;
mod mails;
mod opening;
mod pages;
mod people;
mod person;
mod posted;
mod presence;
mod queue;
mod review;
mod session;
mod shown;
mod side;
mod tickets;
mod trail;
mod undo;
mod words;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::Mutex;
use tower_http::catch_panic::CatchPanicLayer;

use self::board::{Barred, Kept};
use self::presence::Presence;
use crate::adapters::passwords::Passwords;
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::domain::role::{Right, Role};
use crate::web::{AppState, limit};
use crate::worker::{Tenant, Tenants, Worker};

pub use content::{Folders, Home, Homes, Kind as ContentKind, TakeOver, TryTurn};
pub use pages::{Asset, Pages};
pub use person::{Person, Settings, Theme, initials};
pub use words::Words;

/// Where the desk stands in the network.
#[derive(Clone, Debug, Default)]
pub struct DeskSettings {
    /// The address at which people open it, without a path, if it is known.
    pub public_url: Option<String>,
    /// How many proxies of one's own stand in front; their headers are believed.
    pub proxies: u8,
}

/// What every page of the desk can reach; cloning shares it.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

struct Shared {
    web: AppState,
    pages: Pages,
    passwords: Passwords,
    settings: DeskSettings,
    tenants: Tenants,
    presence: Presence,
    figures: Kept,
    barred: Barred,
    homes: Homes,
    publishing: Mutex<()>,
    worker: OnceLock<Arc<Worker>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("web", &self.0.web).finish_non_exhaustive()
    }
}

impl Desk {
    /// Compiles the pages, of a desk where content is read and nobody has a folder to publish into.
    pub fn new(web: AppState, tenants: Tenants, settings: DeskSettings) -> anyhow::Result<Self> {
        Self::with_homes(web, tenants, settings, Homes::default())
    }

    /// Compiles the pages, of a desk that publishes into the folders of its businesses.
    pub fn with_homes(
        web: AppState,
        tenants: Tenants,
        settings: DeskSettings,
        homes: Homes,
    ) -> anyhow::Result<Self> {
        let (pages, passwords) = (Pages::load()?, Passwords::default());
        let shared = Shared {
            web,
            pages,
            passwords,
            settings,
            tenants,
            presence: Presence::default(),
            figures: Kept::default(),
            barred: Barred::default(),
            homes,
            publishing: Mutex::default(),
            worker: OnceLock::new(),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Gives the desk the worker that writes drafts anew where somebody asks for one.
    #[must_use]
    pub fn with_worker(self, worker: Arc<Worker>) -> Self {
        self.0.worker.get_or_init(|| worker);
        self
    }

    /// The worker, where there is one in this process.
    fn worker(&self) -> Option<&Arc<Worker>> {
        self.0.worker.get()
    }

    fn web(&self) -> &AppState {
        &self.0.web
    }

    fn pages(&self) -> &Pages {
        &self.0.pages
    }

    fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// What the board counted a moment ago.
    fn figures(&self) -> &Kept {
        &self.0.figures
    }

    /// What the rules of policies forbid the assistant whatever a message says.
    fn barred(&self) -> &Barred {
        &self.0.barred
    }

    /// Where businesses keep their content.
    fn homes(&self) -> &Homes {
        &self.0.homes
    }

    /// Whoever publishes holds it.
    fn publishing(&self) -> &Mutex<()> {
        &self.0.publishing
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.web.clock().now()
    }

    /// A business as the worker serves it now.
    fn tenant(&self, id: &TenantId) -> Option<Tenant> {
        self.0.tenants.get(id)
    }

    /// The time zone of a business.
    fn zone(&self, id: &TenantId) -> Tz {
        self.tenant(id).map_or(Tz::UTC, |tenant| tenant.pipeline.pack().business.time_zone)
    }

    fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    fn settings(&self) -> &DeskSettings {
        &self.0.settings
    }

    /// What a part in the team is called.
    fn role_word(&self, locale: Locale, role: Role) -> String {
        self.pages().say(locale, &format!("people.role.{role}"), &[])
    }
}

/// One method of one address.
struct Route {
    method: &'static str,
    path: &'static str,
    /// What the person must have; `None` for who is not signed in.
    right: Option<Right>,
    handler: MethodRouter<Desk>,
}

/// Every route of the desk with the right that it needs, `None` for the open ones.
#[must_use]
pub fn table() -> Vec<(&'static str, &'static str, Option<Right>)> {
    routes().iter().map(|route| (route.method, route.path, route.right)).collect()
}

fn routes() -> Vec<Route> {
    let open = |method, path, handler| Route { method, path, right: None, handler };
    let guarded =
        |method, path, right, handler| Route { method, path, right: Some(right), handler };
    let look = |method, path, handler| guarded(method, path, Right::Look, handler);
    let people = |path, handler| guarded("POST", path, Right::People, handler);
    let written = |path, handler| guarded("POST", path, Right::Write, handler);
    let supervised = |path, handler| guarded("POST", path, Right::Supervise, handler);
    vec![
        open("GET", "/desk/a/{hash}/{file}", get(answer::asset)),
        open("GET", "/desk/login", get(login::form)),
        open("POST", "/desk/login", post(login::enter)),
        open("GET", "/desk/enter/{secret}", get(login::link)),
        open("POST", "/desk/enter/{secret}", post(login::use_link)),
        open("GET", "/desk/", get(login::slash)),
        open("GET", "/desk/{*rest}", get(login::nowhere)),
        look("GET", "/desk", get(login::home)),
        look("POST", "/desk/logout", post(login::leave)),
        look("GET", "/desk/account", get(account::show)),
        look("POST", "/desk/account", post(account::save)),
        look("POST", "/desk/account/password", post(account::password)),
        look("POST", "/desk/sessions/revoke", post(account::revoke)),
        guarded("GET", "/desk/review", Right::Work, get(review::show)),
        guarded("POST", "/desk/t/{ticket}/{action}", Right::Work, post(act::on_ticket)),
        guarded("GET", "/desk/events", Right::Work, get(live::stream)),
        guarded("POST", "/desk/presence", Right::Work, post(live::presence)),
        guarded("GET", "/desk/mails/{message}", Right::Work, get(mails::show)),
        guarded("GET", "/desk/files/{id}", Right::Work, get(files::download)),
        guarded("GET", "/desk/tickets", Right::Work, get(tickets::list)),
        guarded("GET", "/desk/new", Right::Work, get(opening::show)),
        guarded("POST", "/desk/new", Right::Work, post(opening::open)),
        guarded("GET", "/desk/t/{ticket}", Right::Work, get(tickets::show)),
        guarded("POST", "/desk/undo", Right::Work, post(undo::undo)),
        guarded("GET", "/desk/queues", Right::Work, get(board::show)),
        supervised("/desk/modes", post(board::switch)),
        supervised("/desk/assistant", post(board::switch_assistant)),
        supervised("/desk/incidents", post(board::declare)),
        supervised("/desk/incidents/update", post(board::update)),
        supervised("/desk/incidents/end", post(board::end)),
        look("GET", "/desk/content", get(content::list)),
        look("GET", "/desk/content/item", get(content::show)),
        written("/desk/content/item", post(content::post)),
        written("/desk/content/new", post(content::create)),
        guarded("GET", "/desk/content/try", Right::Write, get(content::try_box)),
        written("/desk/content/try", post(content::ask)),
        guarded("GET", "/desk/saved", Right::Work, get(answering::show_saved)),
        guarded("POST", "/desk/saved", Right::Work, post(answering::keep)),
        guarded("POST", "/desk/saved/new", Right::Work, post(answering::prepare)),
        guarded("POST", "/desk/saved/{id}/forget", Right::Work, post(answering::forget)),
        guarded("GET", "/desk/wishes", Right::Write, get(answering::show_wishes)),
        guarded("POST", "/desk/wishes/{id}/done", Right::Write, post(answering::wish_done)),
        guarded("GET", "/desk/people", Right::People, get(people::show)),
        people("/desk/people", post(people::add)),
        people("/desk/people/{id}/role", post(people::role)),
        people("/desk/people/{id}/disable", post(people::disable)),
        people("/desk/people/{id}/enable", post(people::enable)),
        people("/desk/people/{id}/password", post(people::reset)),
    ]
}

/// Builds the desk. The API's routes are merged into it, so that what lies outside the desk is answered by the API.
pub fn router(desk: Desk) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let handler = route
            .handler
            .layer(from_fn_with_state((desk.clone(), route.right), guard::admit))
            .layer(from_fn_with_state(desk.web().clone(), limit));
        router = router.route(route.path, handler);
    }
    router
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(desk.clone(), guard::observe))
        .layer(from_fn(guard::harden))
        .with_state(desk)
}
