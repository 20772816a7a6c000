//! The deadlines of a ticket, as callers read them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::params::Params;
use super::problem::Problem;
use super::tickets::{no_ticket, resolve};
use crate::adapters::store::{TicketFilter, TicketOrder, TicketRow, TicketView};
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
    let clocks = clocks_of(&state, &caller, &ticket).await?;
    let due = clocks::tightest(&clocks).and_then(|clock| clock.due);
    Ok(Json(TicketSla { state: clocks::state(&clocks), due, clocks }))
}

/// Judges a ticket's deadlines by the policy and the incidents of its business.
pub(super) async fn clocks_of(
    state: &AppState,
    caller: &Caller,
    ticket: &TicketView,
) -> Result<Vec<Clock>, Problem> {
    let now = state.clock().now();
    let incidents = state.store().incidents(&caller.tenant, now).await?;
    let vocabulary = state.vocabulary(&caller.tenant);
    let Some(pack) = vocabulary.as_ref().and_then(|vocabulary| vocabulary.pack.as_ref()) else {
        return Ok(Vec::new());
    };
    let facts = ticket.facts().under(&incidents);
    Ok(clocks::clocks(&pack.sla, &facts.as_facts(), &ticket.history(), now))
}

/// How the open tickets stand by their deadlines.
#[derive(Serialize, ToSchema)]
pub(super) struct SlaOverview {
    /// How many open tickets are on track, at risk and late.
    counts: BTreeMap<String, i64>,
    /// Those at risk or late, in the order in which to take them.
    items: Vec<TicketRow>,
    /// True when there are more than these.
    more: bool,
}

/// Shows which open tickets are late or about to be, in the order in which to take them.
///
/// `GET /v1/tickets?sla_state=breached&order=rank` walks all of them, page by page.
#[utoipa::path(
    get, path = "/v1/sla", tag = "tickets",
    params(
        ("queue" = Option<String>, Query, description = "Only this queue's tickets; counts are of all"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50")
    ),
    responses((status = 200, description = "How they stand", body = SlaOverview))
)]
pub(super) async fn overview(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<SlaOverview>, Problem> {
    let queue = params.take("queue");
    let limit = params.limit();
    params.finish()?;
    let mut items = Vec::new();
    for at in [SlaState::Breached, SlaState::AtRisk] {
        let mut filter = TicketFilter { order: TicketOrder::Rank, ..TicketFilter::default() };
        filter.equal.push(("sla_state", at.as_str().to_owned()));
        filter.equal.extend(queue.clone().map(|queue| ("queue", queue)));
        items.extend(state.store().list_tickets(&caller.tenant, &filter, None, limit + 1).await?);
    }
    items.retain(|row| !matches!(row.status.as_str(), "solved" | "closed"));
    items.sort_by(|a, b| (a.rank, &a.id).cmp(&(b.rank, &b.id)));
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > most;
    items.truncate(most);
    let counts = state.board(&caller.tenant).await?.sla.clone();
    Ok(Json(SlaOverview { counts, items, more }))
}
