//! Carries one request to an endpoint and takes in what comes back, whatever it is.
//!
//! Only whole answers go on to `async-openai`. Everything else becomes a failure of ours before it gets there, so its
//! own reading of errors, its repeats and its logging of bodies never happen.

use std::error::Error;
use std::io;
use std::sync::Arc;

use async_openai::config::Config;
use async_openai::middleware::HttpRequestFactory;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::failure::{self, Failure, Told};
use super::pace::Pace;
use super::settings::EndpointSettings;
use super::{stream, waiting};
use crate::ports::chat::ChatErrorKind;

/// Most bytes of a reply: an answer of a model has a few thousand.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// Where requests go, and with which key.
///
/// The configuration that comes with `async-openai` reads the environment for whatever is not set; this one cannot.
pub(super) struct Address {
    base: String,
    key: SecretString,
}

impl Address {
    /// Takes address and key of an endpoint.
    pub(super) fn new(settings: &EndpointSettings) -> Self {
        let key = settings.key.as_ref().map_or("", |key| key.expose().trim());
        let base = settings.base_url.trim().trim_end_matches('/').to_owned();
        Self { base, key: SecretString::from(key) }
    }
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let key = self.key.expose_secret();
        if key.is_empty() {
            return headers;
        }
        // A key with a letter that no header takes is not sent, which the server calls a missing key.
        if let Ok(mut value) = HeaderValue::try_from(format!("Bearer {key}")) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// The way to an endpoint and back.
pub(super) struct Wire {
    http: reqwest::Client,
    pace: Arc<Pace>,
}

impl Wire {
    /// Takes the client to send with, and the pace that replies may slow down.
    pub(super) fn new(http: reqwest::Client, pace: Arc<Pace>) -> Self {
        Self { http, pace }
    }

    /// Sends a request and returns its reply if that is a whole answer. The caller bounds the time.
    pub(super) async fn carry(
        &self,
        request: HttpRequestFactory,
    ) -> Result<reqwest::Response, Failure> {
        let request = request.build().await.map_err(|_| unusable())?;
        let is_question = request.method() == reqwest::Method::POST;
        let reply = self.http.execute(request).await.map_err(|error| lost(&error))?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        self.pace.heed(&headers);
        let body = body_of(reply).await;
        if !status.is_success() {
            // The status alone says enough where the rest of the reply is lost.
            return Err(failure::of_reply(status, &headers, &body.unwrap_or_default()));
        }
        let answer = answer_in(&headers, &body?, is_question)?;
        let bytes = serde_json::to_vec(&answer).unwrap_or_default();
        Ok(http::Response::new(bytes).into())
    }
}

async fn body_of(mut reply: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(Failure::new(ChatErrorKind::BadReply, "the reply is longer than 4 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Returns the answer in a reply that claims success.
fn answer_in(headers: &HeaderMap, body: &[u8], is_question: bool) -> Result<Value, Failure> {
    if is_stream(headers, body) {
        return stream::fold(headers, body);
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        let is_page = body.trim_ascii_start().starts_with(b"<");
        return Err(strange(if is_page { "a web page" } else { "something that is no JSON" }));
    };
    // Proxies put the errors of the servers behind them into replies of their own.
    if let Some(told) = Told::within(&answer) {
        return Err(told.failure(StatusCode::OK, headers));
    }
    if is_question && !answer.get("choices").is_some_and(Value::is_array) {
        return Err(strange("JSON that is no answer of a chat completion"));
    }
    Ok(answer)
}

fn is_stream(headers: &HeaderMap, body: &[u8]) -> bool {
    let said = waiting::text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    said.starts_with("text/event-stream") || body.trim_ascii_start().starts_with(b"data:")
}

fn strange(what: &str) -> Failure {
    let detail = format!("the endpoint answered with {what}; check `base_url`");
    let mut failure = Failure::new(ChatErrorKind::BadReply, detail);
    failure.error.status = Some(StatusCode::OK.as_u16());
    failure
}

fn unusable() -> Failure {
    Failure::new(ChatErrorKind::Rejected, "`base_url` is no address that a request can go to")
}

/// Returns the failure behind a request that got no reply, or only a part of one.
fn lost(error: &reqwest::Error) -> Failure {
    if error.is_builder() || error.is_redirect() {
        return unusable();
    }
    let (kind, detail) = if is_about_tls(error) {
        (ChatErrorKind::Tls, "no secure connection; check certificates and `https` in `base_url`")
    } else if error.is_timeout() {
        (ChatErrorKind::TimedOut, "the endpoint did not answer in time")
    } else if error.is_connect() {
        (ChatErrorKind::Connection, "no connection; check that the server runs at `base_url`")
    } else {
        (ChatErrorKind::Connection, "the connection broke before the answer was there")
    };
    Failure::new(kind, detail)
}

fn is_about_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // The source of such an error is that of the error within, which itself would be left out.
            Some(within) => {
                let within: &(dyn Error + 'static) = within;
                Some(within)
            }
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_handshake_is_found_under_what_wraps_it() {
        let tls = || rustls::Error::General("SEGREDO".to_owned());
        let once = io::Error::new(io::ErrorKind::InvalidData, tls());
        let twice = io::Error::other(io::Error::other(tls()));
        assert!(is_about_tls(&tls()) && is_about_tls(&once) && is_about_tls(&twice));
        assert!(!is_about_tls(&io::Error::other("x")));
        assert!(!is_about_tls(&io::Error::from(io::ErrorKind::ConnectionReset)));
    }
}
