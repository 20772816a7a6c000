//! The deadlines of a ticket, as callers read them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::problem::Problem;
use super::tickets::{no_ticket, resolve};
use crate::policy::clocks::{self, Clock, SlaState};

/// How a ticket stands by its deadlines.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketSla {
    /// The worst of its clocks: `on_track`, `at_risk` or `breached`.
    #[schema(value_type = String)]
    state: SlaState,
    /// When the next of its clocks is late; absent when none runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    due: Option<chrono::DateTime<chrono::Utc>>,
    /// Every clock that has begun, with the row of the policy that gave its deadline.
    #[schema(value_type = Vec<Object>)]
    clocks: Vec<Clock>,
}

/// Shows every deadline of a ticket.
///
/// Each is the tightest of all that the policy gives for its priority, plan, issue, channel and level.
#[utoipa::path(
    get, path = "/v1/tickets/{id}/sla", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "Its deadlines", body = TicketSla))
)]
pub(super) async fn of_ticket(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<TicketSla>, Problem> {
    let id = resolve(&state, &caller, id).await?;
    let ticket = state.store().ticket(&caller.tenant, &id).await?.ok_or_else(no_ticket)?;
    let sla =
        state.vocabulary(&caller.tenant).map(|known| Arc::clone(&known.sla)).unwrap_or_default();
    let facts = ticket.facts();
    let clocks = clocks::clocks(&sla, &facts.as_facts(), &ticket.history(), state.clock().now());
    let due = clocks::tightest(&clocks).and_then(|clock| clock.due);
    Ok(Json(TicketSla { state: clocks::state(&clocks), due, clocks }))
}
