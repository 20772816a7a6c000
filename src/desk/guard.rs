//! What stands around every page: who may see it, what browsers may do with it, one count, panics.

use std::any::Any;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::answer::{error_page, see_other};
use super::posted::Posted;
use super::session::{Visit, person_of};
use super::{Desk, DeskSettings, Person, handed};
use crate::adapters::store::StoreError;
use crate::domain::labels::Locale;
use crate::domain::role::{Right, Role};
use crate::web::{Parts, Problem, Watched, check_size, language_of, whole_body};

/// What a page may load and do: nothing but what this server serves.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-src 'self'; font-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Most bytes of a posted form.
const FORM_MAX: usize = 256 * 1024;

/// Where somebody whose password others know may go: to replace it, and away.
const BEFORE_CHANGE: &[&str] = &["/desk/account", "/desk/account/password", "/desk/logout"];

/// Tells browsers what a page may do. Pages hold personal data of the moment: nothing in between may keep them.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Counts and logs each request once, and writes the problems of what the API shares with the desk as pages.
pub(super) async fn observe(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let watched = Watched::begin(&request);
    let wanted = language_of(request.headers());
    let mut response = match check_size(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        watched.log(&problem);
        let locale = response.extensions().get::<Locale>().copied().unwrap_or(wanted);
        let (status, title, text) = problem.told(locale);
        response = error_page(&desk, locale, status, title, text, &Value::Null);
        response.headers_mut().extend(problem.headers().clone());
    }
    watched.count(desk.web(), response.status());
    response
}

/// Why a request goes no further.
enum Stop {
    /// Nobody is signed in.
    SignIn,
    /// Whoever is signed in has not the right.
    Lacks(Right, Box<Person>),
    /// Whoever is signed in replaces their password first.
    ChangePassword,
    /// The form is not one that this person got from here.
    Form,
    /// The body is no form.
    NoForm,
    Body(Box<Problem>),
    Store(StoreError),
}

/// Lets a request pass whose session has the right of its route. What follows finds the `Visit`, the `Person`, and of a
/// form what was `Posted`, in the request's extensions.
pub(super) async fn admit(
    State((desk, right)): State<(Desk, Option<Right>)>,
    request: Request,
    next: Next,
) -> Response {
    let mut locale = language_of(request.headers());
    let asked = Asked::of(&request);
    let visit = Visit::of(desk.settings(), &request);
    let person = match right {
        None => Ok(None),
        Some(right) => who_may(&desk, &visit, right, request.uri().path()).await.map(Some),
    };
    let checked = match person {
        Ok(person) => {
            locale = person.as_ref().map_or(locale, Person::locale);
            with_form(&desk, visit, person, request).await
        }
        Err(stop) => Err(stop),
    };
    let mut response = match checked {
        Ok(request) => next.run(request).await,
        Err(stop) => stop.answer(&desk, locale, &asked).await,
    };
    response.extensions_mut().insert(locale);
    response
}

async fn who_may(desk: &Desk, visit: &Visit, right: Right, path: &str) -> Result<Person, Stop> {
    let person = person_of(desk, visit).await.map_err(Stop::Store)?;
    let mut person = person.ok_or(Stop::SignIn)?;
    if person.must_change && !BEFORE_CHANGE.contains(&path) {
        return Err(Stop::ChangePassword);
    }
    if !person.may(right) {
        return Err(Stop::Lacks(right, Box::new(person)));
    }
    // Every page says it, so it is asked once for all of them.
    person.standing = desk.web().store().standing(&person.tenant).await.map_err(Stop::Store)?;
    Ok(person)
}

/// Reads the form of a request that changes something, and makes sure that it was sent from one of our own pages.
async fn with_form(
    desk: &Desk,
    visit: Visit,
    person: Option<Person>,
    request: Request,
) -> Result<Request, Stop> {
    let (mut head, body) = request.into_parts();
    let mut body = Some(body);
    if !matches!(head.method, Method::GET | Method::HEAD) {
        if !is_from_here(desk.settings(), &head.headers) {
            return Err(Stop::Form);
        }
        let sent = body.take().unwrap_or_default();
        let refused = |problem| Stop::Body(Box::new(problem));
        let posted = match &person {
            Some(person) if brings_files(head.uri.path()) && !is_form(&head.headers) => {
                let parts = Parts::of(media_type(&head.headers), sent).ok_or(Stop::NoForm)?;
                let read = handed::read(desk, person, &head.headers, (parts, FORM_MAX));
                Box::pin(read).await.map_err(refused)?.ok_or(Stop::Form)?
            }
            _ if !is_form(&head.headers) => return Err(Stop::NoForm),
            _ => {
                let time = desk.web().settings().request_timeout;
                let sent = whole_body(&head.headers, sent, FORM_MAX, time).await;
                Posted::read(&sent.map_err(refused)?)
            }
        };
        if person.as_ref().is_some_and(|person| !is_ours(person, &posted, &head.headers)) {
            return Err(Stop::Form);
        }
        head.extensions.insert(posted);
    }
    head.extensions.insert(visit);
    if let Some(person) = person {
        head.extensions.insert(person);
    }
    Ok(Request::from_parts(head, body.unwrap_or_default()))
}

/// True for an address whose forms may bring files.
fn brings_files(path: &str) -> bool {
    path.starts_with("/desk/t/") && path.ends_with("/attach")
}

/// Whether a form carries the token of the session that it came with.
pub(super) fn is_ours(person: &Person, posted: &Posted, headers: &HeaderMap) -> bool {
    let header = || headers.get("x-csrf").and_then(|value| value.to_str().ok());
    let token = posted.get("csrf").or_else(header).unwrap_or_default();
    !person.csrf.is_empty() && token.as_bytes().ct_eq(person.csrf.as_bytes()).into()
}

fn media_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_form(headers: &HeaderMap) -> bool {
    let essence = media_type(headers).split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether the browser says that a page of this site sent the form. Who says nothing is no browser of today, which at
/// least says from where a form to another site comes.
fn is_from_here(settings: &DeskSettings, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // It is sent over TLS and on this machine, and cannot be forged by a page.
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(ORIGIN) else { return true };
    if settings.public_url.as_deref() == Some(origin) {
        return true;
    }
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let forwarded = text(HeaderName::from_static("x-forwarded-host"));
    let forwarded = forwarded.filter(|_| settings.proxies > 0);
    !host.is_empty() && [text(HOST), forwarded].contains(&Some(host))
}

/// What a request asked for, as far as it decides how it is refused.
struct Asked {
    /// Where it goes on after signing in.
    next: Option<String>,
    /// Whether the page's own script asked, which shows what it gets in a page that is there already.
    script: bool,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let page = matches!(*request.method(), Method::GET | Method::HEAD);
        let script = request.headers().contains_key("x-desk");
        Self { next: page.then(|| target(request.uri())), script }
    }
}

fn target(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string)
}

/// Returns the address of the sign-in page that leads on to another one.
pub(super) fn sign_in_first(next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/desk/login?{query}")
}

impl Stop {
    async fn answer(self, desk: &Desk, locale: Locale, asked: &Asked) -> Response {
        let say = |name: &str| desk.pages().say(locale, name, &[]);
        let page = |status, key: &str| {
            let (title, text) = (say(&format!("{key}.title")), say(&format!("{key}.text")));
            error_page(desk, locale, status, &title, &text, &Value::Null)
        };
        match self {
            Self::SignIn => match &asked.next {
                Some(next) if !asked.script => see_other(&sign_in_first(next)),
                // What was typed into the form is still in the page that it was sent from.
                _ => page(StatusCode::UNAUTHORIZED, "login.gone"),
            },
            Self::ChangePassword => see_other("/desk/account"),
            Self::Form => page(StatusCode::FORBIDDEN, "login.stale"),
            Self::NoForm => page(StatusCode::UNSUPPORTED_MEDIA_TYPE, "login.no_form"),
            Self::Body(problem) => problem.into_response(),
            Self::Store(error) => super::answer::Trouble::Store(error).page(desk, locale),
            Self::Lacks(right, person) => lacks(desk, &person, right).await,
        }
    }
}

/// Says which part in the team a page needs, and who has it.
async fn lacks(desk: &Desk, person: &Person, right: Right) -> Response {
    let locale = person.locale();
    let roles: Vec<Role> = Role::with(right).collect();
    let people = match desk.web().store().names_with(&person.tenant, &roles).await {
        Ok(people) => people,
        Err(error) => return super::answer::Trouble::Store(error).page(desk, locale),
    };
    let words: Vec<String> = roles.iter().map(|role| desk.role_word(locale, *role)).collect();
    let or = desk.pages().say(locale, "login.role.or", &[]);
    let needed = words.join(&format!(" {or} "));
    let say = |name: &str, values: &[(&str, &str)]| desk.pages().say(locale, name, values);
    let mine = desk.role_word(locale, person.role);
    let text = say("login.role.text", &[("needed", &needed), ("mine", &mine)]);
    let need = json!({"roles": words, "people": people});
    error_page(desk, locale, StatusCode::FORBIDDEN, &say("login.role.title", &[]), &text, &need)
}

/// Answers for a page that panicked. What it said may hold customer text, so it goes nowhere.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "atende: internal error / erro interno").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_counts_only_from_a_page_of_this_site() {
        let settings = |proxies, url: Option<&str>| DeskSettings {
            proxies,
            public_url: url.map(str::to_owned),
        };
        let (bare, public) = (settings(0, None), settings(0, Some("https://desk.example")));
        let behind = settings(1, None);
        for (settings, headers, expected) in [
            (&bare, vec![], true),
            (&bare, vec![("sec-fetch-site", "same-origin")], true),
            (&bare, vec![("sec-fetch-site", "none")], true),
            (&bare, vec![("sec-fetch-site", "cross-site")], false),
            (&bare, vec![("sec-fetch-site", "same-site")], false),
            (&bare, vec![("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&bare, vec![("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
            (&bare, vec![("origin", "http://evil.example"), ("host", "127.0.0.1:8080")], false),
            (&bare, vec![("origin", "null"), ("host", "127.0.0.1:8080")], false),
            (&bare, vec![("origin", "http://"), ("host", "")], false),
            (&public, vec![("origin", "https://desk.example"), ("host", "10.0.0.2:8080")], true),
            (
                &bare,
                vec![("origin", "https://a.example"), ("x-forwarded-host", "a.example")],
                false,
            ),
            (
                &behind,
                vec![("origin", "https://a.example"), ("x-forwarded-host", "a.example")],
                true,
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_from_here(settings, &map), expected, "{headers:?}");
        }
    }

    #[test]
    fn signing_in_leads_on_to_the_page_that_was_asked_for() {
        let there = sign_in_first("/desk/review?t=tck_1&frase=3");
        assert_eq!(there, "/desk/login?next=%2Fdesk%2Freview%3Ft%3Dtck_1%26frase%3D3");
    }
}
