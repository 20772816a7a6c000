//! Whether the process is alive, and whether it can do its work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::AppState;
use crate::domain::ids::{MessageId, TenantId};

/// How long a check of the store or the inbox may take before it counts as failed.
const CHECK_TIME: Duration = Duration::from_secs(2);

/// Parts of the process that must show signs of life, such as the worker; cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, Part>>>);

#[derive(Clone, Copy, Debug)]
struct Part {
    beat: Option<Instant>,
    max_age: Duration,
}

impl Readiness {
    /// Declares a part: it is ready while its last sign of life is younger than `max_age`.
    pub fn expect(&self, part: &'static str, max_age: Duration) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(part, Part { beat: None, max_age });
    }

    /// Notes a sign of life of a declared part.
    pub fn beat(&self, part: &'static str) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get_mut(part) {
            part.beat = Some(Instant::now());
        }
    }

    /// Returns each declared part with whether it is ready.
    pub fn parts(&self) -> BTreeMap<&'static str, bool> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = |part: &Part| part.beat.is_some_and(|beat| beat.elapsed() < part.max_age);
        parts.iter().map(|(name, part)| (*name, ready(part))).collect()
    }
}

/// Whether the parts of the process can do their work.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `ok`, `ready` or `not_ready`.
    status: &'static str,
    /// What is not ready; empty when all is well.
    not_ready: Vec<String>,
}

/// Says that the process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "operation", security(()),
    responses((status = 200, description = "The process is alive", body = Health))
)]
pub(super) async fn healthz() -> Response {
    Json(Health { status: "ok", not_ready: Vec::new() }).into_response()
}

/// Says whether store, inbox and worker answer.
#[utoipa::path(
    get, path = "/readyz", tag = "operation", security(()),
    responses(
        (status = 200, description = "Everything answers", body = Health),
        (status = 503, description = "Something does not; `not_ready` names it", body = Health)
    )
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let tenant = TenantId::main();
    let nobody = MessageId::from_stored("msg_0");
    let store = tokio::time::timeout(CHECK_TIME, state.store().tenant_state(&tenant));
    let inbox = tokio::time::timeout(CHECK_TIME, state.inbox().find(&tenant, &nobody));
    let (store, inbox) = tokio::join!(store, inbox);
    let mut parts = state.readiness().parts();
    parts.insert("store", matches!(store, Ok(Ok(_))));
    parts.insert("inbox", matches!(inbox, Ok(Ok(_))));
    let not_ready: Vec<String> =
        parts.iter().filter(|(_, ready)| !**ready).map(|(part, _)| (*part).to_owned()).collect();
    if not_ready.is_empty() {
        return Json(Health { status: "ready", not_ready }).into_response();
    }
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = (status, Json(Health { status: "not_ready", not_ready })).into_response();
    // Its body says more than a problem would.
    response.extensions_mut().insert(super::guard::Final);
    response
}
