//! The switch of the assistant: while it is off no reply leaves without a person.

use axum::Json;
use axum::extract::{Extension, State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::form::Limits;
use super::payload::Payload;
use super::problem::{Problem, say};
use crate::adapters::store::Stopped;

/// Why it was switched off: at most this long.
const REASON: Limits = Limits { max: 500, exact: false };

/// Switches the assistant on or off.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct AssistantIn {
    /// Whether replies may leave by themselves, as far as the policy lets them.
    on: bool,
    /// Why it is switched off, for the team.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Whether replies may leave by themselves.
#[derive(Serialize, ToSchema)]
pub(super) struct AssistantBody {
    /// False while nothing leaves without a person.
    on: bool,
    /// Since when it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<DateTime<Utc>>,
    /// Who switched it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Replies that had not left then; people have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    called_back: Option<i64>,
    /// Replies that their network was being handed at that moment; only in the answer to switching off.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_their_way: Option<i64>,
}

impl AssistantBody {
    fn of(stopped: Option<Stopped>, on_their_way: Option<i64>) -> Self {
        let on = stopped.is_none();
        let called_back = stopped.as_ref().map(|stopped| stopped.replies);
        let at = stopped.as_ref().map(|stopped| stopped.at);
        let (by, reason) = stopped.map_or((None, None), |one| (Some(one.by), one.reason));
        Self { on, stopped_at: at, stopped_by: by, reason, called_back, on_their_way }
    }
}

/// Says whether replies may leave by themselves.
#[utoipa::path(
    get, path = "/v1/assistant", tag = "operation",
    responses((status = 200, description = "How it stands", body = AssistantBody))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<AssistantBody>, Problem> {
    Ok(Json(AssistantBody::of(stopped(&state, &caller).await?, None)))
}

/// Switches the assistant on or off.
///
/// Switched off, no reply leaves without a person: those that wait are called back and reviewed, new conversations
/// are drafted. What people send, notices and the safety text still leave. Doing it twice changes nothing.
#[utoipa::path(
    post, path = "/v1/assistant", tag = "operation", request_body = AssistantIn,
    responses((status = 200, description = "How it stands from now on", body = AssistantBody))
)]
pub(super) async fn switch(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut payload: Payload,
) -> Result<Json<AssistantBody>, Problem> {
    let mut form = payload.form()?;
    let before = form.problem_count();
    let on = form.flag("on");
    if on.is_none() && form.problem_count() == before {
        form.missing("on", say("true ou false", "true or false"));
    }
    let reason = form.short("reason", REASON);
    let on = form.finish(on)?;
    let (now, actor) = (state.clock().now(), format!("agent:{}", caller.name));
    let mut on_their_way = None;
    if on {
        state.store().resume_assistant(now, &caller.tenant, &actor).await?;
    } else {
        let stop = state.store().stop_assistant(now, &caller.tenant, &actor, &caller.name, reason);
        on_their_way = stop.await?.map(|recall| recall.on_their_way);
    }
    Ok(Json(AssistantBody::of(stopped(&state, &caller).await?, on_their_way)))
}

async fn stopped(state: &AppState, caller: &Caller) -> Result<Option<Stopped>, Problem> {
    let standing = state.store().tenant_state(&caller.tenant).await?;
    Ok(standing.and_then(|standing| standing.stopped))
}
