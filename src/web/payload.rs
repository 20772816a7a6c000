//! The body of a request: JSON in UTF-8 within the limits, and the key that makes a call happen once.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::AppState;
use super::form::Form;
use super::problem::{Kind, Problem, say};
use crate::adapters::inbox::OnceKey;
use crate::adapters::store::Verified;

/// A JSON body with what identifies the call.
pub(super) struct Payload {
    body: Value,
    raw: Bytes,
    path: String,
    key: Option<String>,
}

impl Payload {
    /// Splits off the fields; the rest still tells the key of the call.
    pub(super) fn form(&mut self) -> Result<Form, Problem> {
        Form::new(std::mem::take(&mut self.body))
    }

    /// Returns the caller's idempotency key with the hash of what it stands for.
    pub(super) fn once(&self, caller: &Verified) -> Option<OnceKey> {
        let key = self.key.clone()?;
        let mut hash = Sha256::new();
        hash.update(self.path.as_bytes());
        hash.update(b"\n");
        hash.update(&self.raw);
        Some(OnceKey { token: caller.id.clone(), key, body_hash: hex::encode(hash.finalize()) })
    }
}

impl FromRequest<AppState> for Payload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        check_type(&head.headers)?;
        let key = key_of(&head.headers)?;
        let settings = state.settings();
        let most = settings.max_body_bytes;
        let raw = whole(&head.headers, body, most, settings.request_timeout).await?;
        let path = head.uri.path().to_owned();
        Ok(Self { body: parse(&raw)?, raw, path, key })
    }
}

/// Reads a body of at most so many bytes.
pub(crate) async fn whole(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let bytes = u64::try_from(most).unwrap_or(u64::MAX);
    if declared.is_some_and(|length: usize| length > most) {
        return Err(too_large(bytes));
    }
    match tokio::time::timeout(time, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes)),
        Ok(Err(_)) => Err(incomplete()),
        Err(_) => Err(too_slow()),
    }
}

pub(super) fn incomplete() -> Problem {
    Problem::new(
        Kind::BadRequest,
        say("O corpo não chegou inteiro.", "The body did not arrive whole."),
    )
}

pub(super) fn too_slow() -> Problem {
    Problem::new(
        Kind::Timeout,
        say(
            "O corpo não chegou a tempo. Nada foi guardado; repita o pedido.",
            "The body did not arrive in time. Nothing was kept; repeat the request.",
        ),
    )
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    let utf8 = parts
        .filter_map(|part| part.strip_prefix("charset=").map(|c| c.trim_matches('"').to_owned()))
        .all(|charset| charset == "utf-8" || charset == "utf8");
    if json && utf8 {
        return Ok(());
    }
    Err(Problem::new(
        Kind::UnsupportedMediaType,
        say(
            "Envie JSON em UTF-8 com o cabeçalho `Content-Type: application/json`.",
            "Send JSON in UTF-8 with the header `Content-Type: application/json`.",
        ),
    ))
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match (fits, values.next(), value.to_str()) {
        (true, None, Ok(key)) => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            Kind::BadRequest,
            say(
                "O cabeçalho `Idempotency-Key` precisa ter de 1 a 255 caracteres ASCII visíveis, uma vez só.",
                "The header `Idempotency-Key` must have 1 to 255 visible ASCII characters, once.",
            ),
        )),
    }
}

pub(super) fn too_large(most: u64) -> Problem {
    Problem::new(
        Kind::TooLarge,
        say(
            format!("O corpo pode ter no máximo {most} bytes. Nada foi guardado."),
            format!("The body may have at most {most} bytes. Nothing was kept."),
        ),
    )
    .with("max_body_bytes", json!(most))
}

fn parse(raw: &[u8]) -> Result<Value, Problem> {
    if raw.trim_ascii().is_empty() {
        return Err(Problem::new(
            Kind::BadRequest,
            say(
                "O corpo está vazio; envie um objeto JSON.",
                "The body is empty; send a JSON object.",
            ),
        ));
    }
    let text = std::str::from_utf8(raw).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(
            Kind::BadRequest,
            say(
                format!(
                    "O corpo não é UTF-8 válido: veja o byte {at}. Converta o texto para UTF-8."
                ),
                format!("The body is not valid UTF-8: see byte {at}. Convert the text to UTF-8."),
            ),
        )
        .with("byte", json!(at))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = if error.is_eof() {
            say(
                format!("O JSON termina cedo demais, na linha {line}, coluna {column}."),
                format!("The JSON ends too early, at line {line}, column {column}."),
            )
        } else {
            say(
                format!("O corpo não é JSON válido: veja a linha {line}, coluna {column}."),
                format!("The body is not valid JSON: see line {line}, column {column}."),
            )
        };
        Problem::new(Kind::BadRequest, detail)
            .with("line", json!(line))
            .with("column", json!(column))
    })
}
