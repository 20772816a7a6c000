//! Problem documents (RFC 9457): what was wrong and what to do, in the caller's language.
//!
//! A handler returns a `Problem`; the outermost layer writes it out in the language of the request
//! and logs it once. Nothing internal reaches the body: causes go to the log alone.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::adapters::store::StoreError;
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use crate::ports::{PortError, PortErrorKind};

/// What every problem type starts with.
const TYPE_PREFIX: &str = "urn:atende:problem:";
/// The media type of a problem document.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Makes a text from its Portuguese and its English version.
pub(super) fn say(pt_br: impl Into<String>, en: impl Into<String>) -> LocalText {
    LocalText::new(pt_br, en)
}

/// What is wrong with one field, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's path in the body, or the parameter's name.
    pub field: String,
    /// What is wrong.
    pub problem: LocalText,
    /// What to do, where it is not obvious.
    pub hint: Option<LocalText>,
}

/// The kinds of problem, each with its status and its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Timeout,
    Conflict,
    TooLarge,
    UriTooLong,
    UnsupportedMediaType,
    Invalid,
    KeyReused,
    TooManyRequests,
    HeadersTooLarge,
    Internal,
    Unavailable,
}

impl Kind {
    /// Every kind, for the API's description.
    pub(super) const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Conflict,
        Self::TooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::KeyReused,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    const fn row(self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::BadRequest => (400, "bad-request", "Pedido malformado", "Malformed request"),
            Self::Unauthorized => {
                (401, "unauthorized", "Token ausente ou inválido", "No valid token")
            }
            Self::Forbidden => (403, "forbidden", "Não permitido", "Not allowed"),
            Self::NotFound => (404, "not-found", "Não encontrado", "Not found"),
            Self::MethodNotAllowed => {
                (405, "method-not-allowed", "Método não aceito", "Method not allowed")
            }
            Self::Timeout => {
                (408, "timeout", "O pedido demorou a chegar", "The request took too long")
            }
            Self::Conflict => (
                409,
                "conflict",
                "Não é possível no estado atual",
                "Not possible in the present state",
            ),
            Self::TooLarge => (413, "too-large", "Corpo grande demais", "Body too large"),
            Self::UriTooLong => (414, "uri-too-long", "Endereço longo demais", "Address too long"),
            Self::UnsupportedMediaType => (
                415,
                "unsupported-media-type",
                "Tipo de corpo não aceito",
                "Body type not accepted",
            ),
            Self::Invalid => (422, "invalid", "Há campos inválidos", "Some fields are not valid"),
            Self::KeyReused => (
                422,
                "idempotency-key-reused",
                "Chave de idempotência já usada",
                "Idempotency key already used",
            ),
            Self::TooManyRequests => {
                (429, "too-many-requests", "Pedidos demais", "Too many requests")
            }
            Self::HeadersTooLarge => {
                (431, "headers-too-large", "Cabeçalhos grandes demais", "Headers too large")
            }
            Self::Internal => (500, "internal", "Erro interno", "Internal error"),
            Self::Unavailable => {
                (503, "unavailable", "Indisponível no momento", "Unavailable for now")
            }
        }
    }

    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) const fn word(self) -> &'static str {
        self.row().1
    }

    pub(super) const fn title(self, locale: Locale) -> &'static str {
        match locale {
            Locale::PtBr => self.row().2,
            Locale::En => self.row().3,
        }
    }

    fn of_status(status: StatusCode) -> Self {
        let exact = Self::ALL.iter().find(|kind| kind.row().0 == status.as_u16());
        exact.copied().unwrap_or(if status.is_server_error() {
            Self::Internal
        } else {
            Self::BadRequest
        })
    }
}

/// A failed request, before it is written out.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    detail: LocalText,
    errors: Vec<FieldProblem>,
    members: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<Arc<anyhow::Error>>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: LocalText) -> Self {
        Self(Box::new(Inner {
            kind,
            detail,
            errors: Vec::new(),
            members: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// Makes the problem of a status for which nobody said more.
    pub(super) fn of_status(status: StatusCode) -> Self {
        Self::new(
            Kind::of_status(status),
            say(
                "O pedido não pôde ser atendido; confira o endereço, o método e o corpo em /openapi.json.",
                "The request could not be served; check address, method and body in /openapi.json.",
            ),
        )
    }

    pub(super) fn invalid(errors: Vec<FieldProblem>) -> Self {
        let count = errors.len();
        let detail = if count == 1 {
            say("Um campo precisa de correção.", "One field needs correcting.")
        } else {
            say(
                format!("{count} campos precisam de correção."),
                format!("{count} fields need correcting."),
            )
        };
        let mut problem = Self::new(Kind::Invalid, detail);
        problem.0.errors = errors;
        problem
    }

    /// Makes an `invalid` problem about one field.
    pub(super) fn field(field: &str, problem: LocalText, hint: Option<LocalText>) -> Self {
        Self::invalid(vec![FieldProblem { field: field.to_owned(), problem, hint }])
    }

    /// Turns the problem of a body into that of a query: 400.
    pub(super) fn into_bad_request(mut self) -> Self {
        self.0.kind = Kind::BadRequest;
        self
    }

    pub(super) fn with(mut self, member: &str, value: Value) -> Self {
        self.0.members.insert(member.to_owned(), value);
        self
    }

    pub(super) fn retry_after(mut self, secs: u32) -> Self {
        self.0.headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        self
    }

    pub(super) fn challenge(mut self, value: &'static str) -> Self {
        self.0.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        self
    }

    fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(Arc::new(cause.into()));
        self
    }

    pub(super) fn into_errors(self) -> Vec<FieldProblem> {
        self.0.errors
    }

    pub(super) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Returns what a person is told: status, title and detail.
    pub(crate) fn told(&self, locale: Locale) -> (StatusCode, &'static str, &str) {
        let Inner { kind, detail, .. } = &*self.0;
        (kind.status(), kind.title(locale), detail.in_locale(locale))
    }

    /// Returns the headers that go with it.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the cause for the log; it may name paths and codes, never customer text.
    pub(super) fn cause(&self) -> Option<&anyhow::Error> {
        self.0.cause.as_deref()
    }

    /// Writes the problem out in a language.
    pub(super) fn document(&self, locale: Locale) -> Value {
        let Inner { kind, detail, errors, members, .. } = &*self.0;
        let mut document = Map::new();
        document.insert("type".to_owned(), json!(format!("{TYPE_PREFIX}{}", kind.word())));
        document.insert("title".to_owned(), json!(kind.title(locale)));
        document.insert("status".to_owned(), json!(kind.status().as_u16()));
        document.insert("detail".to_owned(), json!(detail.in_locale(locale)));
        document.extend(members.clone());
        if !errors.is_empty() {
            let errors = errors.iter().map(|error| {
                let mut entry = Map::new();
                entry.insert("field".to_owned(), json!(error.field));
                entry.insert("problem".to_owned(), json!(error.problem.in_locale(locale)));
                if let Some(hint) = &error.hint {
                    entry.insert("hint".to_owned(), json!(hint.in_locale(locale)));
                }
                Value::Object(entry)
            });
            document.insert("errors".to_owned(), errors.collect());
        }
        Value::Object(document)
    }

    /// Makes the final response.
    pub(super) fn render(&self, locale: Locale) -> Response {
        let body = self.document(locale).to_string();
        let mut response = (self.0.kind.status(), body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let language = HeaderValue::from_static(locale.as_str());
        response.headers_mut().insert(axum::http::header::CONTENT_LANGUAGE, language);
        response.headers_mut().extend(self.0.headers.clone());
        response
    }
}

impl IntoResponse for Problem {
    /// Leaves the problem in the extensions, for the outermost layer to write out.
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        outside(kind, error)
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        let kind = error.kind;
        outside(kind, error)
    }
}

fn outside(kind: PortErrorKind, error: impl Into<anyhow::Error>) -> Problem {
    match kind {
        PortErrorKind::Transient => Problem::new(
            Kind::Unavailable,
            say(
                "O armazenamento não respondeu agora. Nada deste pedido foi guardado; repita-o em instantes.",
                "Storage did not answer just now. Nothing of this request was kept; repeat it shortly.",
            ),
        )
        .retry_after(5),
        PortErrorKind::Throttled { after } => Problem::new(
            Kind::TooManyRequests,
            say("Espere um pouco e repita o pedido.", "Wait a little and repeat the request."),
        )
        .retry_after(u32::try_from(after.as_secs().max(1)).unwrap_or(60)),
        PortErrorKind::Permanent => Problem::new(
            Kind::Internal,
            say(
                "O pedido não foi concluído por um erro do servidor; quem o opera encontra a causa no registro.",
                "The server failed to complete the request; its operator finds the cause in the log.",
            ),
        ),
        PortErrorKind::Unknown => Problem::new(
            Kind::Unavailable,
            say(
                "Não se sabe se o pedido foi concluído. Consulte o estado antes de repeti-lo.",
                "It is not known whether the request was completed. Read the state before repeating it.",
            ),
        )
        .retry_after(5),
    }
    .because(error)
}

/// Chooses the language of a problem from `Accept-Language`; English where the header says nothing
/// we speak.
pub(crate) fn language_of(headers: &HeaderMap) -> Locale {
    let wanted = headers.get(axum::http::header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let ranges = wanted.unwrap_or_default().split(',').filter_map(|range| {
        let mut parts = range.split(';');
        let tag = parts.next()?.trim();
        let locale = match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "pt" => Locale::PtBr,
            "en" | "*" => Locale::En,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
        let quality: f32 = quality.map_or(Some(1.0), |q| q.trim().parse().ok())?;
        (quality > 0.0).then_some((quality, locale))
    });
    let best = ranges.fold(None, |best: Option<(f32, Locale)>, next| match best {
        Some(best) if best.0 >= next.0 => Some(best),
        _ => Some(next),
    });
    best.map_or(Locale::En, |(_, locale)| locale)
}

/// Says which methods an address takes.
pub(super) fn method_not_allowed(allowed: Option<&HeaderValue>) -> Problem {
    let methods = allowed.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut problem = Problem::new(
        Kind::MethodNotAllowed,
        say(
            format!("Este endereço aceita apenas: {methods}."),
            format!("This address takes only: {methods}."),
        ),
    );
    if let Some(allowed) = allowed {
        problem.0.headers.insert(ALLOW, allowed.clone());
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_a_problem_is_the_best_one_we_speak() {
        for (header, expected) in [
            ("", Locale::En),
            ("pt-BR,pt;q=0.9,en;q=0.8", Locale::PtBr),
            ("en-US,pt;q=0.5", Locale::En),
            ("es,pt;q=0.3,en;q=0.4", Locale::En),
            ("fr, pt", Locale::PtBr),
            ("pt;q=0, en", Locale::En),
            ("pt;q=x", Locale::En),
            ("*", Locale::En),
            ("PT-br", Locale::PtBr),
            (";;,,;q=", Locale::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("accept-language", HeaderValue::from_static(header));
            assert_eq!(language_of(&headers), expected, "{header}");
        }
    }

    #[test]
    fn every_kind_has_a_status_and_a_word_of_its_own() {
        let words: std::collections::BTreeSet<&str> = Kind::ALL.iter().map(|k| k.word()).collect();
        assert_eq!(words.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{kind:?}");
        }
    }

    #[test]
    fn a_failure_outside_tells_the_caller_what_they_may_do() {
        for (kind, status, retry_after) in [
            (PortErrorKind::Transient, 503, Some("5")),
            (PortErrorKind::Throttled { after: std::time::Duration::ZERO }, 429, Some("1")),
            (PortErrorKind::Throttled { after: std::time::Duration::from_secs(7) }, 429, Some("7")),
            (PortErrorKind::Permanent, 500, None),
            (PortErrorKind::Unknown, 503, Some("5")),
        ] {
            let error = PortError::new("write inbox", kind, anyhow::anyhow!("disk full"));
            let response = Problem::from(error).render(Locale::En);
            let retry = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), retry), (status, retry_after), "{kind:?}");
        }
    }

    #[test]
    fn an_outside_failure_never_reaches_the_body() {
        let error = PortError::permanent("write inbox", "disk /secret/path is gone");
        let problem = Problem::from(error);
        for locale in Locale::ALL {
            assert!(!problem.document(*locale).to_string().contains("secret"));
        }
        assert!(format!("{:#}", problem.cause().unwrap()).contains("/secret/path"));
    }
}
