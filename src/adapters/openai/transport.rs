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
use super::said::said;
use super::settings::EndpointSettings;
use super::{stream, waiting};
use crate::domain::secret::Secret;
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
    /// The key to leave out of what the endpoint says about failures; `None` where nothing of that is kept.
    listens: Option<Secret>,
}

impl Wire {
    /// Takes the client to send with, and the pace that replies may slow down.
    pub(super) fn new(http: reqwest::Client, pace: Arc<Pace>) -> Self {
        Self { http, pace, listens: None }
    }

    /// Keeps what the endpoint says about failures, without the key.
    pub(super) fn listening(self, key: Option<Secret>) -> Self {
        Self { listens: Some(key.unwrap_or_else(|| Secret::new(""))), ..self }
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
            let body = body.unwrap_or_default();
            return Err(self.heard(failure::of_reply(status, &headers, &body), &body));
        }
        let body = body?;
        let folded =
            folded(&headers, &body, is_question).map_err(|failure| self.heard(failure, &body))?;
        Ok(http::Response::new(folded.unwrap_or(body)).into())
    }

    fn heard(&self, mut failure: Failure, body: &[u8]) -> Failure {
        if let Some(key) = &self.listens {
            failure.error.said = said(body, key.expose());
        }
        failure
    }
}

async fn body_of(mut reply: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > BODY_MAX {
            let (pt, en) = ("a resposta passa de 4 MiB", "the reply is longer than 4 MiB");
            return Err(Failure::new(ChatErrorKind::BadReply, pt, en));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Looks at a reply that claims success; `None` where it is a whole answer as it came, else the answer that its parts make.
fn folded(headers: &HeaderMap, body: &[u8], is_question: bool) -> Result<Option<Vec<u8>>, Failure> {
    if is_stream(headers, body) {
        let answer = stream::fold(headers, body)?;
        return Ok(Some(serde_json::to_vec(&answer).unwrap_or_default()));
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        let is_page = body.trim_ascii_start().starts_with(b"<");
        return Err(if is_page {
            strange("uma página da web", "a web page")
        } else {
            strange("algo que não é JSON", "something that is no JSON")
        });
    };
    // Proxies put the errors of the servers behind them into replies of their own.
    if let Some(told) = Told::within(&answer) {
        return Err(told.failure(StatusCode::OK, headers));
    }
    if is_question && !answer.get("choices").is_some_and(Value::is_array) {
        return Err(strange(
            "um JSON que não é resposta de chat/completions",
            "JSON that is no answer of a chat completion",
        ));
    }
    Ok(None)
}

fn is_stream(headers: &HeaderMap, body: &[u8]) -> bool {
    let said = waiting::text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    said.starts_with("text/event-stream") || body.trim_ascii_start().starts_with(b"data:")
}

fn strange(pt: &str, en: &str) -> Failure {
    let mut failure = Failure::new(
        ChatErrorKind::BadReply,
        format!("o endereço respondeu com {pt}"),
        format!("the endpoint answered with {en}"),
    );
    failure.error.status = Some(StatusCode::OK.as_u16());
    failure
}

fn unusable() -> Failure {
    Failure::new(
        ChatErrorKind::Rejected,
        "`base_url` não é um endereço a que se possa mandar um pedido",
        "`base_url` is no address that a request can go to",
    )
}

/// Returns the failure behind a request that got no reply, or only a part of one.
fn lost(error: &reqwest::Error) -> Failure {
    if error.is_builder() || error.is_redirect() {
        return unusable();
    }
    let (kind, pt, en) = if is_about_tls(error) {
        (ChatErrorKind::Tls, "não há conexão segura", "there is no secure connection")
    } else if error.is_timeout() {
        (
            ChatErrorKind::TimedOut,
            "o servidor não respondeu a tempo",
            "the endpoint did not answer in time",
        )
    } else if error.is_connect() {
        (ChatErrorKind::Connection, "não há conexão", "there is no connection")
    } else {
        (
            ChatErrorKind::Broken,
            "a conexão caiu antes de a resposta chegar inteira",
            "the connection broke before the whole answer was there",
        )
    };
    Failure::new(kind, pt, en)
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
