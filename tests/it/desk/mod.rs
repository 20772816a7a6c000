//! The desk as browsers meet it: pages, forms, cookies.

mod answering;
mod board;
mod content;
mod opening;
mod people;
mod review;
mod rights;

use std::net::SocketAddr;

use atende::adapters::store::{Entered, NewSession, NewUser, UserAdded, UserRow};
use atende::desk::DeskSettings;
use atende::domain::account::Login;
use atende::domain::ids::{TenantId, UserId};
use atende::domain::role::Role;
use atende::ports::Clock;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::world::World;

/// What a browser got.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it leads on to.
    #[track_caller]
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location")
    }

    /// Checks the status and hands the text out.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        &self.text
    }
}

/// A browser with one cookie of ours.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    /// What it holds, as `name=value`.
    pub(crate) cookie: Option<String>,
    /// What the page it has open puts into its forms.
    pub(crate) csrf: String,
    /// Headers that it sends besides.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Where it connects from.
    pub(crate) from: Option<SocketAddr>,
}

impl Browser {
    /// Nobody is signed in.
    pub(crate) fn new(world: &World) -> Self {
        Self::behind(world, DeskSettings::default())
    }

    /// The same where the desk stands elsewhere in the network.
    pub(crate) fn behind(world: &World, settings: DeskSettings) -> Self {
        let router = world.served(settings);
        Self { router, cookie: None, csrf: String::new(), headers: Vec::new(), from: None }
    }

    /// Somebody is signed in, without having typed a password.
    pub(crate) async fn of(world: &World, user: &UserRow) -> Self {
        let mut browser = Self::new(world);
        browser.becomes(world, user).await;
        browser
    }

    /// Signs somebody in, without a password.
    pub(crate) async fn becomes(&mut self, world: &World, user: &UserRow) {
        let bits = world.app().clock.fresh_bits();
        let (secret, csrf) = (format!("{bits:064x}"), format!("{:064x}", !bits));
        let session = NewSession {
            id: world.app().clock.session_id(),
            secret: secret.clone(),
            csrf: csrf.clone(),
            entered: Entered::Password,
            device: "Firefox, Linux".to_owned(),
        };
        let store = &world.app().stores.store;
        assert!(store.begin_session(world.clock.now(), &user.id, session).await.unwrap());
        self.cookie = Some(format!("atende_desk={secret}"));
        self.csrf = csrf;
    }

    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut browser = self.clone();
        browser.headers.push((name, value.to_owned()));
        browser
    }

    /// Opens an address.
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send("GET", path, Body::empty()).await
    }

    /// Sends a form of the page that is open.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        self.post_bare(path, form.finish()).await
    }

    /// Sends a form as it is.
    pub(crate) async fn post_bare(&self, path: &str, body: impl Into<Body>) -> Page {
        let form = "application/x-www-form-urlencoded";
        self.with("content-type", form).send("POST", path, body.into()).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Body) -> Page {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "desk.example");
        request = request.header("accept-language", "en");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let mut request = request.body(body).unwrap();
        if let Some(from) = self.from {
            request.extensions_mut().insert(ConnectInfo(from));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let kind = head.headers.get("content-type").map(HeaderValue::as_bytes);
        let text = if kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            // It goes on for ever; that it began is what counts.
            String::new()
        } else {
            let bytes = body.collect().await.unwrap().to_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        Page { status: head.status.as_u16(), headers: head.headers, text }
    }

    /// Keeps the cookie of a page and the token of the forms of the account's page.
    pub(crate) async fn keep(&mut self, page: &Page) {
        let cookie = page.header("set-cookie");
        let pair = cookie.split(';').next().unwrap().to_owned();
        self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        if self.cookie.is_some() {
            let open = self.get("/desk/account").await;
            self.csrf = token(open.is(200));
        }
    }
}

/// The token that the forms of a page carry.
pub(crate) fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().unwrap().to_owned()
}

/// Makes somebody who never signs in with a password.
pub(crate) async fn somebody(world: &World, tenant: &TenantId, name: &str, role: Role) -> UserRow {
    let user = NewUser {
        id: UserId::from_bits(world.app().clock.fresh_bits()),
        tenant: tenant.clone(),
        login: Login::parse(&name.to_lowercase().replace(' ', ".")).unwrap(),
        name: name.to_owned(),
        role,
        password_hash: String::new(),
        must_change: false,
        settings: "{\"locale\":\"en\"}".to_owned(),
    };
    let (store, id) = (&world.app().stores.store, user.id.clone());
    let added = store.add_user(world.clock.now(), "operator", user).await.unwrap();
    assert_eq!(added, UserAdded::Done);
    store.user(tenant, &id).await.unwrap().unwrap()
}
