//! A declared incident: while it stands, nothing leaves without a person.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::form::Form;
use super::messages::{KEY, LINE};
use super::payload::Payload;
use super::problem::{Problem, say};
use crate::adapters::store::TenantState;

/// Declares an incident or ends it.
#[derive(Debug, ToSchema)]
pub(super) struct IncidentIn {
    /// True declares, false ends.
    active: bool,
    /// What it is called, e.g. the status page's id. Default: the moment it was declared.
    #[schema(max_length = 255)]
    id: Option<String>,
    /// Why, for the audit trail; no customer's data.
    #[schema(max_length = 998)]
    reason: Option<String>,
}

impl IncidentIn {
    pub(super) fn fields(form: &mut Form) -> Option<Self> {
        let before = form.problem_count();
        let active = form.flag("active");
        if active.is_none() && form.problem_count() == before {
            form.missing("active", say("true declara, false encerra", "true declares, false ends"));
        }
        let (id, reason) = (form.short("id", KEY), form.short("reason", LINE));
        Some(Self { active: active?, id, reason })
    }
}

/// The tenant's incident.
#[derive(Serialize, ToSchema)]
pub(super) struct IncidentBody {
    /// Whether one stands.
    active: bool,
    /// What it is called.
    id: Option<String>,
}

impl IncidentBody {
    fn of(state: Option<TenantState>) -> Json<Self> {
        let id = state.and_then(|state| state.incident);
        Json(Self { active: id.is_some(), id })
    }
}

/// Tells whether an incident stands.
#[utoipa::path(
    get, path = "/v1/incident", tag = "operation",
    responses((status = 200, description = "The incident", body = IncidentBody))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<IncidentBody>, Problem> {
    Ok(IncidentBody::of(state.store().tenant_state(&caller.tenant).await?))
}

/// Declares an incident, or ends it.
///
/// While it stands, replies that nobody approved are held back and decided anew.
#[utoipa::path(
    put, path = "/v1/incident", tag = "operation", request_body = IncidentIn,
    responses((status = 200, description = "The incident from now on", body = IncidentBody))
)]
pub(super) async fn declare(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut payload: Payload,
) -> Result<Json<IncidentBody>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let read = IncidentIn::fields(&mut form);
    let IncidentIn { active, id, reason } = form.finish(read)?;
    let by_moment = || now.format("incident-%Y%m%dT%H%M%SZ").to_string();
    let incident = active.then(|| id.unwrap_or_else(by_moment));
    let actor = format!("agent:{}", caller.name);
    let tenant = &caller.tenant;
    let after = state.store().set_incident(now, tenant, &actor, incident, reason).await?;
    Ok(IncidentBody::of(Some(after)))
}
