//! What the desk answers with: pages, files, the way on after a form, and what went wrong.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::Desk;
use crate::adapters::store::StoreError;
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing is there, or not for this business.
    NotFound,
    /// The store could not be asked now.
    Store(StoreError),
    /// A page could not be written.
    Page(anyhow::Error),
    /// What was asked cannot be done, and why.
    Refused(StatusCode, LocalText),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Page(error)
    }
}

impl Trouble {
    /// Writes the page that says so, in the language of the reader.
    pub(super) fn page(&self, desk: &Desk, locale: Locale) -> Response {
        let (status, key) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "error.not_found"),
            Self::Refused(status, _) => (*status, "error.refused"),
            Self::Store(error) => {
                tracing::warn!(%error, "A page of the desk could not be read from the store");
                (StatusCode::SERVICE_UNAVAILABLE, "error.store")
            }
            Self::Page(error) => {
                tracing::error!(
                    cause = format!("{error:#}"),
                    "A page of the desk could not be written"
                );
                (StatusCode::INTERNAL_SERVER_ERROR, "error.internal")
            }
        };
        let say = |name: &str| desk.pages().say(locale, &format!("{key}.{name}"), &[]);
        let text = match self {
            Self::Refused(_, text) => text.in_locale(locale).to_owned(),
            _ => say("text"),
        };
        error_page(desk, locale, status, &say("title"), &text, &Value::Null)
    }
}

/// Writes a page that stands by itself: what is wrong and what to do.
pub(super) fn error_page(
    desk: &Desk,
    locale: Locale,
    status: StatusCode,
    title: &str,
    text: &str,
    need: &Value,
) -> Response {
    let model = json!({
        "page": bare(desk, locale, "error", title),
        "error": {"status": status.as_u16(), "title": title, "text": text, "need": need},
    });
    match desk.pages().render(locale, "error", &model) {
        Ok(text) => (status, html(text)).into_response(),
        Err(error) => {
            tracing::error!(
                cause = format!("{error:#}"),
                "A page of the desk could not be written"
            );
            (status, title.to_owned()).into_response()
        }
    }
}

/// What a page that nobody is signed in to knows of itself.
pub(super) fn bare(desk: &Desk, locale: Locale, view: &str, title: &str) -> Value {
    json!({
        "view": view, "title": title, "now": desk.now(), "lang": locale, "theme": "system", "csrf": "", "path": "",
        "css": desk.pages().address("desk.css"), "js": desk.pages().address("desk.js"),
        "icon": desk.pages().address("icon.svg"), "icon_dot": desk.pages().address("icon-dot.svg"),
        "killed": null, "incident": null, "person": null, "may": null, "nav": null, "switches": null, "undo_secs": 10,
        "undo": [], "flash": null,
    })
}

/// A page of HTML.
pub(super) fn html(text: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

/// Goes on to another page after a form was posted.
pub(super) fn see_other(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(LOCATION, "/desk")]).into_response(),
    }
}

/// Serves a file of the pages. Its address changes with its content, so that it may be kept for ever.
pub(super) async fn asset(State(desk): State<Desk>, uri: Uri) -> Response {
    match desk.pages().asset(uri.path()) {
        Some(asset) => {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
            headers.insert(
                CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=31536000, immutable"),
            );
            (headers, asset.bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Writes a page of somebody who is signed in.
pub(super) fn page(
    desk: &Desk,
    locale: Locale,
    view: &str,
    model: &impl Serialize,
) -> Result<Response, Trouble> {
    Ok(html(desk.pages().render(locale, view, model)?))
}
