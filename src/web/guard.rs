//! What stands around every route: limits, panics, the writing of problems, one log line, one count.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::problem::{Kind, Problem, language_of, method_not_allowed, say};

/// Marks an error response whose body stays as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Final;

/// Most bytes of all headers together.
const HEADERS_MAX: usize = 16 * 1024;
/// Most bytes of an address with its query.
const URI_MAX: usize = 8 * 1024;

/// The outermost layer: writes problems in the caller's language, logs and counts, once.
pub(super) async fn observe(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let watched = Watched::begin(&request);
    let locale = language_of(request.headers());
    let response = match check_size(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = match problem_of(&response) {
        Some(problem) => {
            watched.log(&problem);
            problem.render(locale)
        }
        None => response,
    };
    // Answers hold personal data of the moment: nothing in between may keep them.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    watched.count(&state, response.status());
    response
}

/// A request as it is logged and counted: by its route, never by its address.
pub(crate) struct Watched {
    started: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
}

impl Watched {
    /// Begins to watch.
    pub(crate) fn begin(request: &Request) -> Self {
        Self {
            started: Instant::now(),
            method: method_word(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("unknown", MatchedPath::as_str)
    }

    /// Logs what went wrong, once.
    pub(crate) fn log(&self, problem: &Problem) {
        log(problem, self.method, self.route());
    }

    /// Counts how it ended, and logs it for who looks closely.
    pub(crate) fn count(&self, state: &AppState, status: StatusCode) {
        let (method, route, took) = (self.method, self.route(), self.started.elapsed());
        state.metrics().request(method, route, status.as_u16(), took);
        tracing::debug!(
            http.method = method,
            http.route = route,
            http.status = status.as_u16(),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "Answered {method} {route}"
        );
    }
}

/// Finds the problem of a response; one that axum made gets words of its own.
fn problem_of(response: &Response) -> Option<Problem> {
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    if response.extensions().get::<Final>().is_some() {
        return None;
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => Some(method_not_allowed(response.headers().get(ALLOW))),
        StatusCode::NOT_FOUND => Some(Problem::new(
            Kind::NotFound,
            say(
                "Não há nada neste endereço; /openapi.json lista todos.",
                "There is nothing at this address; /openapi.json lists all of them.",
            ),
        )),
        _ if status.is_client_error() || status.is_server_error() => {
            Some(Problem::of_status(status))
        }
        _ => None,
    }
}

fn log(problem: &Problem, method: &'static str, route: &str) {
    let (kind, cause) = (problem.kind(), problem.cause());
    let problem = kind.word();
    match (kind, cause) {
        (Kind::Internal, Some(cause)) => {
            tracing::error!(
                http.method = method,
                http.route = route,
                problem,
                cause = format!("{cause:#}"),
                "Request failed: {method} {route}"
            );
        }
        (Kind::Internal, None) => {
            tracing::error!(
                http.method = method,
                http.route = route,
                problem,
                "Request failed: {method} {route}"
            );
        }
        (_, Some(cause)) => {
            tracing::warn!(
                http.method = method,
                http.route = route,
                problem,
                cause = format!("{cause:#}"),
                "Request refused for now: {method} {route}"
            );
        }
        (_, None) => {
            tracing::debug!(
                http.method = method,
                http.route = route,
                problem,
                "Request refused: {method} {route}"
            );
        }
    }
}

/// Refuses headers and addresses that no caller of ours sends.
pub(crate) fn check_size(request: &Request) -> Result<(), Problem> {
    let headers = request.headers().iter();
    let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > HEADERS_MAX {
        return Err(Problem::new(
            Kind::HeadersTooLarge,
            say(
                format!("Os cabeçalhos somam mais de {HEADERS_MAX} bytes."),
                format!("The headers have more than {HEADERS_MAX} bytes together."),
            ),
        ));
    }
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > URI_MAX {
        return Err(Problem::new(
            Kind::UriTooLong,
            say(
                format!("O endereço tem mais de {URI_MAX} bytes."),
                format!("The address has more than {URI_MAX} bytes."),
            ),
        ));
    }
    Ok(())
}

/// Counts unusual methods under one word, so that callers cannot grow the metrics.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Sheds load beyond what may be in flight, and ends what takes too long.
pub(crate) async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Ok(_permit) = state.in_flight().try_acquire() else {
        return Problem::new(
            Kind::Unavailable,
            say(
                "Há pedidos demais ao mesmo tempo. Nada deste pedido foi guardado; repita-o em instantes.",
                "Too many requests at the same time. Nothing of this one was kept; repeat it shortly.",
            ),
        )
        .retry_after(1)
        .into_response();
    };
    // The body has the same time by itself, so this one is a little longer: a slow body is a 408.
    let time = state.settings().request_timeout + std::time::Duration::from_millis(250);
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Kind::Unavailable,
            say(
                "O servidor não concluiu a tempo; não se sabe se o pedido teve efeito. Repita com a mesma `Idempotency-Key` ou consulte o estado antes.",
                "The server did not finish in time; whether the request took effect is not known. Repeat it under the same `Idempotency-Key`, or read the state first.",
            ),
        )
        .retry_after(5)
        .into_response(),
    }
}

/// Answers for a handler that panicked. What it said may hold customer text, so it goes nowhere.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    let mut response = Problem::new(
        Kind::Internal,
        say(
            "O servidor falhou ao atender este pedido. Consulte o estado antes de repeti-lo.",
            "The server failed on this request. Read the state before repeating it.",
        ),
    )
    .into_response();
    response.headers_mut().remove(RETRY_AFTER);
    response
}
