//! Reads what an endpoint says about a failure and decides what it means for us.
//!
//! Messages of providers may repeat the question, so they are looked at and never kept: an error of ours holds a
//! status, a code, a type and a sentence of our own.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::waiting;
use crate::domain::decision::LocalText;
use crate::ports::chat::{ChatError, ChatErrorKind};

/// Most letters that are kept of a code or a type.
const WORD_MAX: usize = 60;
/// Most letters of each part of an error that are looked at.
const READ_MAX: usize = 8_000;

/// Codes of an account without money or at a limit of its spending.
const NO_MONEY: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
];

/// How servers say that a question is too long; several have no code for it. In lower case.
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "exceeds the available context",
    "maximum context length",
    "maximum model length",
    "string_above_max_length",
    "exceeds the maximum number of tokens",
    "prompt is too long",
];

/// A failure of one attempt.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told.
    pub(super) error: Box<ChatError>,
    /// Whether the server wants to be asked again, where it says so.
    pub(super) repeat: Option<bool>,
}

impl Failure {
    /// Makes a failure of which the server said nothing, told in Portuguese and English.
    pub(super) fn new(kind: ChatErrorKind, pt: impl Into<String>, en: impl Into<String>) -> Self {
        let detail = LocalText::new(pt, en);
        Self { error: Box::new(ChatError::new(kind, detail)), repeat: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl std::error::Error for Failure {}

/// Returns the failure behind a reply whose status is no success.
pub(super) fn of_reply(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // Here even a body without the word "error" is about one.
    let told = Told::within(&body).unwrap_or_else(|| Told::read(&body));
    told.failure(status, headers)
}

/// Cuts a word of a provider down to what can be no sentence; `None` where nothing is left.
pub(super) fn clean(word: &str) -> Option<String> {
    let is_kept = |letter: &char| letter.is_ascii_alphanumeric() || "_.:-".contains(*letter);
    let kept: String = word.trim().chars().take_while(is_kept).take(WORD_MAX).collect();
    (!kept.is_empty()).then_some(kept)
}

/// What an error tells.
#[derive(Default)]
pub(super) struct Told {
    code: Option<String>,
    kind: Option<String>,
    status: Option<u16>,
    wait: Option<Duration>,
    /// All of it in lower case, to look for words in.
    words: String,
}

impl Told {
    /// Reads the error in a body; `None` where there is none.
    pub(super) fn within(body: &Value) -> Option<Self> {
        error_in(body).map(Self::read)
    }

    fn read(error: &Value) -> Self {
        let text = |field: &str| error.get(field).and_then(Value::as_str);
        let code = error.get("code");
        let number = code.and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
        let named = text("code").or_else(|| text("status")).and_then(clean);
        let words = match error {
            Value::String(message) => vec![lower(message)],
            _ => ["code", "type", "status", "message", "details"]
                .iter()
                .filter_map(|field| error.get(field))
                .map(|part| lower(&part.to_string()))
                .collect(),
        };
        Self {
            code: named.or_else(|| number.map(|number| number.to_string())),
            kind: text("type").and_then(clean),
            status: number
                .and_then(|number| u16::try_from(number).ok())
                .filter(|number| (400..=599).contains(number)),
            wait: error.get("details").and_then(retry_delay),
            words: words.join(" "),
        }
    }

    /// Turns it into a failure under the status of its reply, which may well say that all is fine.
    pub(super) fn failure(self, status: StatusCode, headers: &HeaderMap) -> Failure {
        let http = status.as_u16();
        let meant = if http >= 300 { http } else { self.meant_status() };
        let kind = self.kind_under(meant);
        let (pt, en) = meaning(kind, meant);
        let mut detail = LocalText::new(pt, en);
        if let Some(word) = self.kind.as_ref().filter(|word| Some(*word) != self.code.as_ref()) {
            for (text, of) in [(&mut detail.pt_br, " (tipo "), (&mut detail.en, " (type ")] {
                text.push_str(of);
                text.push_str(word);
                text.push(')');
            }
        }
        let error = ChatError {
            status: Some(http),
            code: self.code,
            retry_after: waiting::retry_after(headers).or(self.wait),
            ..ChatError::new(kind, detail)
        };
        Failure { error: Box::new(error), repeat: waiting::should_retry(headers) }
    }

    /// Returns the status that an error should have come with.
    fn meant_status(&self) -> u16 {
        let words = [self.code.as_deref(), self.kind.as_deref()];
        self.status.unwrap_or_else(|| {
            // An error without a word that we know mostly comes from a proxy whose server failed.
            words.into_iter().flatten().find_map(status_of).unwrap_or(500)
        })
    }

    fn kind_under(&self, status: u16) -> ChatErrorKind {
        if self.is_about_money(status) {
            return ChatErrorKind::Quota;
        }
        if self.is_about_length(status) {
            return ChatErrorKind::TooLong;
        }
        if self.is_named(&["content_filter", "content_policy_violation"]) {
            return ChatErrorKind::Filtered;
        }
        // Gemini answers 400 to a wrong key, and some answer 403.
        let of_key = ["invalid_api_key", "authentication_error", "unauthenticated"];
        if self.says(&["api_key_invalid", "api key not valid"])
            || (status == 403 && self.is_named(&of_key))
        {
            return ChatErrorKind::Key;
        }
        // Gemini answers 400 to a country.
        if self.says(&["location is not supported", "or territory not supported"]) {
            return ChatErrorKind::Forbidden;
        }
        match status {
            401 => ChatErrorKind::Key,
            // Whoever asks is known, or stands where nobody is let in: `unsupported_country_region_territory`.
            403 | 451 => ChatErrorKind::Forbidden,
            429 => ChatErrorKind::RateLimited,
            // llama-cpp-python answers 500 to a field that it does not know.
            500 if self.says(&["validation error"]) => ChatErrorKind::Rejected,
            // llama.cpp answers 503 while it loads the model.
            408 | 409 | 500..=599 => ChatErrorKind::Overloaded,
            _ => ChatErrorKind::Rejected,
        }
    }

    fn is_about_money(&self, status: u16) -> bool {
        if status == 402 || self.is_named(NO_MONEY) {
            return true;
        }
        // Gemini gives its limits per minute and per day the same status and the same message; only the name of the
        // limit in the details tells them apart. A limit of 0 is a plan without this model.
        let of_the_day = self.says(&["per day", "perday", "daily", "limit: 0,"]);
        let of_the_minute = self.says(&["per minute", "perminute"]);
        (self.is_named(&["resource_exhausted"]) && of_the_day)
            || (self.is_named(&["quota_exceeded"]) && (of_the_day || !of_the_minute))
    }

    /// llama.cpp has answered 500 to a question that is too long, so not only refusals are looked at.
    fn is_about_length(&self, status: u16) -> bool {
        status == 413 || (matches!(status, 400 | 422 | 500..=599) && self.says(TOO_LONG))
    }

    fn is_named(&self, names: &[&str]) -> bool {
        [&self.code, &self.kind]
            .into_iter()
            .flatten()
            .any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.words.contains(phrase))
    }
}

/// Returns the error in a body, wherever the known servers put it.
pub(super) fn error_in(body: &Value) -> Option<&Value> {
    match body {
        // Gemini wraps its errors into an array.
        Value::Array(items) => items.iter().find_map(error_in),
        Value::Object(fields) => {
            let named = fields.get("error").filter(|error| is_error(error));
            // Older versions of vLLM put it where the answer would be, and routers beside a choice.
            let plain = || {
                let is_plain = fields.get("object").and_then(Value::as_str) == Some("error");
                is_plain.then_some(body)
            };
            let in_choice = || body.pointer("/choices/0/error").filter(|error| is_error(error));
            named.or_else(plain).or_else(in_choice)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// False for what servers write where there is no error.
fn is_error(error: &Value) -> bool {
    match error {
        Value::Object(fields) => !fields.is_empty(),
        Value::String(message) => !message.is_empty(),
        Value::Bool(there_is) => *there_is,
        Value::Null | Value::Number(_) | Value::Array(_) => false,
    }
}

fn lower(part: &str) -> String {
    part.chars().take(READ_MAX).collect::<String>().to_lowercase()
}

/// Reads Gemini's wait, which stands in the body and not in a header.
fn retry_delay(details: &Value) -> Option<Duration> {
    let delay = details.as_array()?.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    waiting::duration(delay).filter(|wait| !wait.is_zero())
}

/// Returns the status that goes with a code or type, for errors that come under a status of success.
fn status_of(word: &str) -> Option<u16> {
    match word.to_ascii_lowercase().as_str() {
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "rate_limited"
        | "slow_down"
        | "too_many_requests"
        | "resource_exhausted" => Some(429),
        "invalid_api_key" | "authentication_error" | "unauthenticated" | "unauthorized" => {
            Some(401)
        }
        "permission_error" | "permission_denied" | "forbidden" => Some(403),
        "model_not_found" | "not_found_error" | "not_found" | "notfounderror" => Some(404),
        "invalid_request_error" | "invalid_argument" | "badrequesterror" | "bad_request" => {
            Some(400)
        }
        _ => None,
    }
}

/// Returns what an operator should know, in Portuguese and English.
fn meaning(kind: ChatErrorKind, status: u16) -> (&'static str, &'static str) {
    match kind {
        ChatErrorKind::Quota => (
            "a conta não tem mais dinheiro, ou chegou a um limite de gasto ou do dia",
            "the account has no money left, or a spending or daily limit of it is reached",
        ),
        ChatErrorKind::RateLimited => (
            "requisições ou tokens demais em pouco tempo",
            "too many requests or tokens in too short a time",
        ),
        ChatErrorKind::TooLong => (
            "a pergunta é mais longa do que o modelo aceita",
            "the question is longer than the model takes",
        ),
        ChatErrorKind::Filtered => (
            "o filtro do provedor recusou a pergunta",
            "the provider's filter declined the question",
        ),
        ChatErrorKind::Key => ("a chave falta ou está errada", "the key is missing or wrong"),
        ChatErrorKind::Forbidden => (
            "o acesso é negado a esta conta, a este país ou a este modelo",
            "access is denied to this account, this country or this model",
        ),
        ChatErrorKind::Rejected if (300..400).contains(&status) => (
            "o endereço manda para outro; `base_url` precisa ser o do próprio servidor",
            "the endpoint sends elsewhere; `base_url` must be the address of the endpoint itself",
        ),
        ChatErrorKind::Rejected if status == 404 => (
            "o servidor não conhece este endereço ou este modelo",
            "the endpoint does not know this address or this model",
        ),
        ChatErrorKind::Rejected => (
            "o servidor não aceita o pedido como ele é",
            "the endpoint does not take the request as it is",
        ),
        ChatErrorKind::Overloaded => (
            "o servidor está sobrecarregado, ainda está iniciando ou falhou",
            "the server has too much to do, is starting, or failed",
        ),
        ChatErrorKind::Refused
        | ChatErrorKind::CutOff
        | ChatErrorKind::Empty
        | ChatErrorKind::BadShape
        | ChatErrorKind::BadReply
        | ChatErrorKind::Connection
        | ChatErrorKind::Broken
        | ChatErrorKind::Tls
        | ChatErrorKind::TimedOut
        | ChatErrorKind::Resting
        | ChatErrorKind::NoRoom
        | ChatErrorKind::NoMoney
        | ChatErrorKind::NotRecorded
        | ChatErrorKind::BadRecording => ("o servidor falhou", "the endpoint failed"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: u16, body: &Value) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        of_reply(status, &HeaderMap::new(), body.to_string().as_bytes())
    }

    fn coded(code: &str) -> Value {
        json!({"error": {"message": "m", "type": "t", "code": code}})
    }

    fn gemini(code: u16, status: &str, message: &str) -> Value {
        let error = json!({"code": code, "message": message, "status": status});
        json!([{"error": error}])
    }

    fn exhausted(limit: &str) -> Value {
        gemini(429, "RESOURCE_EXHAUSTED", limit)
    }

    #[test]
    fn every_error_of_a_provider_has_its_meaning() {
        let invalid = |message| gemini(400, "INVALID_ARGUMENT", message);
        let too_long = json!({"error": {"code": 500, "type": "exceed_context_size_error"}});
        let plain = json!({"object": "error", "message": "maximum context length", "code": 400});
        for (status, body, kind) in [
            (429, coded("project_spend_limit_exceeded"), "quota"),
            (429, coded("quota_exceeded"), "quota"),
            (429, coded("slow_down"), "rate_limited"),
            (503, coded("slow_down"), "overloaded"),
            (402, json!({}), "quota"),
            (429, exhausted("5 per day"), "quota"),
            (429, exhausted("5 per minute"), "rate_limited"),
            (429, exhausted("limit: 0, model: x"), "quota"),
            (400, invalid("Unknown name \"seed\""), "rejected"),
            (400, invalid("API key not valid."), "key"),
            (400, invalid("User location is not supported for the API use."), "forbidden"),
            (500, too_long, "too_long"),
            (400, plain, "too_long"),
            (413, json!("x"), "too_long"),
            (422, json!({"detail": [{"loc": ["body"]}]}), "rejected"),
            (400, coded("content_filter"), "filtered"),
            (404, coded("model_not_found"), "rejected"),
            (401, json!(null), "key"),
            (403, coded("unsupported_country_region_territory"), "forbidden"),
            (403, gemini(403, "PERMISSION_DENIED", "m"), "forbidden"),
            (403, coded("invalid_api_key"), "key"),
            (451, json!(null), "forbidden"),
            (301, json!(null), "rejected"),
            (407, json!(null), "rejected"),
            (408, json!(null), "overloaded"),
            (409, json!(null), "overloaded"),
            (529, json!(null), "overloaded"),
            (200, json!({"error": {"code": 402}}), "quota"),
            (200, json!({"error": {"code": "429"}}), "rate_limited"),
            (200, json!({"error": {"type": "authentication_error"}}), "key"),
            (200, json!({"error": {"type": "permission_error"}}), "forbidden"),
            (200, json!({"error": "model not loaded"}), "overloaded"),
        ] {
            let failure = of(status, &body);
            assert_eq!(failure.error.kind.as_str(), kind, "{status} {body}");
            assert_eq!(failure.error.status, Some(status));
        }
    }

    #[test]
    fn a_code_is_kept_as_the_provider_spells_it() {
        for (body, code) in [
            (coded("slow_down"), Some("slow_down")),
            (exhausted("x"), Some("RESOURCE_EXHAUSTED")),
            (json!({"error": {"code": 503, "message": "Loading model"}}), Some("503")),
            (json!({"object": "error", "code": 400}), Some("400")),
            (json!({"error": {"code": null, "message": "m"}}), None),
            (json!({"error": "m"}), None),
        ] {
            assert_eq!(of(503, &body).error.code.as_deref(), code, "{body}");
        }
    }

    #[test]
    fn words_of_a_provider_are_kept_only_as_codes() {
        let body = json!({"error": {
            "message": "SEGREDO is no word", "param": "SEGREDO", "type": "bad one SEGREDO",
            "code": "wrong\"SEGREDO\""
        }});
        let failure = of(400, &body);
        assert_eq!(failure.error.code.as_deref(), Some("wrong"));
        assert!(failure.error.detail.en.ends_with("(type bad)"), "{failure}");
        assert!(failure.error.detail.pt_br.ends_with("(tipo bad)"), "{failure:?}");
        assert_eq!(failure.error.said, None);
        assert!(!format!("{failure} {failure:?}").contains("SEGREDO"));
        assert_eq!(clean(&"a".repeat(99)).unwrap().len(), WORD_MAX);
        assert_eq!(clean("<html>"), None);
    }

    #[test]
    fn only_what_is_an_error_is_taken_for_one() {
        for (body, is_one) in [
            (json!({"error": null, "choices": []}), false),
            (json!({"error": {}}), false),
            (json!({"error": ""}), false),
            (json!({"error": "x"}), true),
            (json!({"error": {"message": "x"}}), true),
            (json!([{"error": {"code": 400}}]), true),
            (json!([]), false),
            (json!({"object": "error"}), true),
            (json!({"object": "chat.completion"}), false),
            (json!({"choices": [{"error": {"code": 502}}]}), true),
        ] {
            assert_eq!(Told::within(&body).is_some(), is_one, "{body}");
        }
    }

    #[test]
    fn a_wait_in_the_body_counts_where_no_header_says_one() {
        let body = json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.Help"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
        ]}}]);
        let failure = of(429, &body);
        assert_eq!(failure.error.kind, ChatErrorKind::RateLimited);
        assert_eq!(failure.error.retry_after, Some(Duration::from_millis(34_500)));
    }
}
