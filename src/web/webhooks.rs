//! The webhooks that networks call. A call is answered once it is on disk; what it says is read by the worker.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::payload;
use super::problem::{Kind, Problem, say};
use crate::channels::whatsapp::signature::SignatureError;

/// Most bytes of one call; Meta sends up to 3 MB.
const BODY_MAX: usize = 3 * 1024 * 1024;
/// Most calls whose bodies are held at once; the others wait.
pub(super) const CALLS_MAX: usize = 64;

/// Answers the subscription of the WhatsApp webhook.
///
/// Meta asks this whenever the address or the word is edited.
#[utoipa::path(
    get, path = "/webhooks/whatsapp", tag = "networks", security(()),
    params(
        ("hub.mode" = String, Query, description = "`subscribe`"),
        ("hub.verify_token" = String, Query, description = "The word of the settings"),
        ("hub.challenge" = String, Query, description = "What to answer with")
    ),
    responses((status = 200, description = "The challenge, and nothing else", body = String, content_type = "text/plain"))
)]
pub(super) async fn whatsapp_subscribes(
    State(state): State<AppState>,
    Query(params): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    configured(&state)?;
    let refused = || {
        Problem::new(
            Kind::Forbidden,
            say(
                "A palavra de verificação não é a de whatsapp.verify_token.",
                "The verify token is not the one of whatsapp.verify_token.",
            ),
        )
    };
    let challenge = state.whatsapp().challenge(&params).ok_or_else(refused)?.to_owned();
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response())
}

/// Takes a call of WhatsApp.
///
/// 200 means that it is on disk. The signature of the raw body is checked first.
#[utoipa::path(
    post, path = "/webhooks/whatsapp", tag = "networks", security(()),
    request_body(content = serde_json::Value, description = "Up to 3 MB, signed in `X-Hub-Signature-256`"),
    responses((status = 200, description = "On disk"))
)]
pub(super) async fn whatsapp(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    configured(&state)?;
    let Ok(_seat) = state.calls().acquire().await else { return Err(later()) };
    let body = payload::whole(&headers, body, BODY_MAX, state.settings().request_timeout).await?;
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    if let Err(error) = state.whatsapp().verify(signature, &body) {
        tracing::warn!(%error, "Refused a call of WhatsApp's webhook: {error}");
        return Err(unsigned(error));
    }
    let now = state.clock().now();
    if state.inbox().accept_call(now, "whatsapp", body.to_vec()).await? {
        Ok(StatusCode::OK.into_response())
    } else {
        Err(later())
    }
}

fn configured(state: &AppState) -> Result<(), Problem> {
    if state.whatsapp().is_empty() {
        return Err(Problem::new(
            Kind::NotFound,
            say(
                "Nenhum número do WhatsApp está configurado; defina whatsapp.numbers.",
                "No WhatsApp number is configured; set whatsapp.numbers.",
            ),
        ));
    }
    Ok(())
}

fn unsigned(error: SignatureError) -> Problem {
    let (pt, en) = match error {
        SignatureError::Missing | SignatureError::Malformed => (
            "Falta uma assinatura sha256= legível no cabeçalho X-Hub-Signature-256.",
            "The header X-Hub-Signature-256 with a readable sha256= signature is missing.",
        ),
        SignatureError::Mismatch | SignatureError::NoSecret => (
            "A assinatura não é deste corpo com whatsapp.app_secret.",
            "The signature is not of this body under whatsapp.app_secret.",
        ),
    };
    Problem::new(Kind::Forbidden, say(pt, en))
}

fn later() -> Problem {
    Problem::new(
        Kind::Unavailable,
        say(
            "Há chamadas demais esperando. Nada foi guardado; repita mais tarde.",
            "Too many calls wait already. Nothing was kept; repeat it later.",
        ),
    )
    .retry_after(5)
}
