//! What callers read: tickets, queues, drafts that wait, and the outbox.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::params::Params;
use super::problem::{Kind, Problem, say};
use crate::adapters::store::{
    Cursor, OutboxRow, QueueCount, ReviewRow, TicketFilter, TicketOrder, TicketRow, TicketView,
};
use crate::domain::channel::Channel;
use crate::domain::decision::Action;
use crate::domain::ids::{TicketId, TicketNumber};
use crate::domain::labels::{Language, Sentiment, Urgency};
use crate::domain::ticket::TicketStatus;
use crate::policy::clocks::SlaState;

/// A page of tickets.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketPage {
    /// The tickets.
    items: Vec<TicketRow>,
    /// What to send as `cursor` for the next page; absent on the last one.
    next_cursor: Option<String>,
}

/// Lists tickets: the newest first, or as people take them, by deadline and risk.
#[utoipa::path(
    get, path = "/v1/tickets", tag = "tickets",
    params(
        ("status" = Option<TicketStatus>, Query), ("channel" = Option<Channel>, Query),
        ("category" = Option<String>, Query), ("subcategory" = Option<String>, Query),
        ("language" = Option<Language>, Query), ("urgency" = Option<Urgency>, Query),
        ("sentiment" = Option<Sentiment>, Query), ("queue" = Option<String>, Query),
        ("level" = Option<String>, Query), ("action" = Option<Action>, Query, description = "The latest decision's action"),
        ("assignee" = Option<String>, Query, description = "The agent who has it"),
        ("sla_state" = Option<String>, Query, description = "on_track, at_risk or breached"),
        ("order" = Option<String>, Query, description = "newest (default) or rank: live tickets by deadline and risk"),
        ("tag" = Option<String>, Query), ("customer" = Option<String>, Query, description = "The business's own key of the customer"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, description = "A page of tickets", body = TicketPage))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<TicketPage>, Problem> {
    let mut filter = TicketFilter::default();
    for column in TicketFilter::COLUMNS {
        let value = match words_of(column) {
            Some(words) => params.word(column, &words),
            None => params.take(column),
        };
        filter.equal.extend(value.map(|value| (*column, value)));
    }
    filter.tag = params.take("tag");
    filter.customer = params.take("customer");
    let limit = params.limit();
    let orders = [TicketOrder::Newest.as_str(), TicketOrder::Rank.as_str()];
    let order = params.word("order", &orders).as_deref().and_then(TicketOrder::parse);
    filter.order = order.unwrap_or_default();
    let after = cursor(&mut params);
    params.finish()?;
    let mut items =
        state.store().list_tickets(&caller.tenant, &filter, after.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut items, limit, |row| row.cursor(filter.order));
    Ok(Json(TicketPage { items, next_cursor }))
}

/// Returns the words that a column may hold, where they are fixed.
fn words_of(column: &str) -> Option<Vec<&'static str>> {
    Some(match column {
        "status" => TicketStatus::ALL.iter().map(|word| word.as_str()).collect(),
        "channel" => Channel::ALL.iter().map(|word| word.as_str()).collect(),
        "language" => Language::ALL.iter().map(|word| word.as_str()).collect(),
        "urgency" => Urgency::ALL.iter().map(|word| word.as_str()).collect(),
        "sentiment" => Sentiment::ALL.iter().map(|word| word.as_str()).collect(),
        "sla_state" => SlaState::ALL.iter().map(|word| word.as_str()).collect(),
        "action" => Action::ALL.iter().map(|word| word.as_str()).collect(),
        _ => return None,
    })
}

fn cursor(params: &mut Params) -> Option<Cursor> {
    let word = params.take("cursor")?;
    let cursor = Cursor::decode(&word);
    if cursor.is_none() {
        params.not_a_cursor();
    }
    cursor
}

/// Cuts a page that was read one row too long; returns the cursor of the next one.
fn cut<T>(items: &mut Vec<T>, limit: u32, cursor_of: impl Fn(&T) -> Cursor) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    more.then(|| items.last().map(|last| cursor_of(last).encode())).flatten()
}

/// A ticket that is on disk and not yet filed.
#[derive(Serialize, ToSchema)]
pub(super) struct AcceptedTicket {
    /// Its id.
    id: TicketId,
    /// Always `accepted`.
    status: &'static str,
}

/// Shows everything about a ticket.
///
/// The id may also be the number that customers are told, such as `1042-7`.
#[utoipa::path(
    get, path = "/v1/tickets/{id}", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses(
        (status = 200, description = "The ticket", body = TicketView),
        (status = 202, description = "On disk, not yet filed; ask again shortly", body = AcceptedTicket)
    )
)]
pub(super) async fn view(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = resolve(&state, &caller, id).await?;
    if let Some(view) = state.store().ticket(&caller.tenant, &id).await? {
        return Ok(Json(view).into_response());
    }
    if state.inbox().has_ticket(&caller.tenant, &id).await? {
        let body = Json(AcceptedTicket { id, status: "accepted" });
        return Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, "1")], body).into_response());
    }
    // It may have been filed between the two questions.
    match state.store().ticket(&caller.tenant, &id).await? {
        Some(view) => Ok(Json(view).into_response()),
        None => Err(no_ticket()),
    }
}

/// Finds the ticket that a path means, by id or by number.
pub(super) async fn resolve(
    state: &AppState,
    caller: &Caller,
    path: String,
) -> Result<TicketId, Problem> {
    if is_id(&path, TicketId::PREFIX) {
        return Ok(TicketId::from_stored(path));
    }
    let number = TicketNumber::parse(&path).ok_or_else(no_ticket)?;
    state.store().ticket_by_number(&caller.tenant, number).await?.ok_or_else(no_ticket)
}

/// True for what could be an id of ours; anything else need not reach the database.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(|rest| {
        rest.len() <= 64 && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Says that there is no such ticket; another tenant's is none.
pub(super) fn no_ticket() -> Problem {
    Problem::new(
        Kind::NotFound,
        say("Não há ticket com este id ou número.", "There is no ticket with this id or number."),
    )
}

/// How much waits for people.
#[derive(Serialize, ToSchema)]
pub(super) struct Queues {
    /// Per queue, level and kind of owner; a team with nothing to do has a row with 0.
    items: Vec<QueueCount>,
}

/// Counts what waits in each queue.
#[utoipa::path(
    get, path = "/v1/queues", tag = "tickets",
    responses((status = 200, description = "Counts per queue", body = Queues))
)]
pub(super) async fn queues(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Json<Queues>, Problem> {
    params.finish()?;
    let board = state.board(&caller.tenant).await?;
    let mut items = board.queues.clone();
    if let Some(vocabulary) = state.vocabulary(&caller.tenant) {
        for team in &vocabulary.teams {
            if !items.iter().any(|item| item.queue == *team) {
                items.push(QueueCount {
                    queue: team.clone(),
                    level: None,
                    owner: "queue".to_owned(),
                    tickets: 0,
                    oldest: None,
                    at_risk: 0,
                    breached: 0,
                    next_due: None,
                });
            }
        }
    }
    Ok(Json(Queues { items }))
}

/// A page of drafts that wait for review, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewPage {
    /// The drafts, each with its ticket.
    items: Vec<ReviewRow>,
    /// What to send as `cursor` for the next page; absent on the last one.
    next_cursor: Option<String>,
}

/// Lists drafts that wait for review, oldest first.
#[utoipa::path(
    get, path = "/v1/review", tag = "tickets",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, description = "A page of drafts", body = ReviewPage))
)]
pub(super) async fn review(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<ReviewPage>, Problem> {
    let limit = params.limit();
    let after = cursor(&mut params);
    params.finish()?;
    let mut items = state.store().list_review(&caller.tenant, after.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut items, limit, ReviewRow::cursor);
    Ok(Json(ReviewPage { items, next_cursor }))
}

/// Replies that came to their end, in that order.
#[derive(Serialize, ToSchema)]
pub(super) struct OutboxPage {
    /// The replies.
    items: Vec<OutboxRow>,
    /// What to send as `after` next; unchanged when there is nothing new.
    next_after: i64,
}

/// Reads replies that left, or failed to, in the order in which they did.
#[utoipa::path(
    get, path = "/v1/outbox", tag = "tickets",
    params(
        ("after" = Option<i64>, Query, description = "The position read last, default 0"),
        ("limit" = Option<u32>, Query, description = "1 to 200, default 50")
    ),
    responses((status = 200, description = "Replies after that position", body = OutboxPage))
)]
pub(super) async fn outbox(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<OutboxPage>, Problem> {
    let after = params.number("after", 0, i64::MAX).unwrap_or(0);
    let limit = params.limit();
    params.finish()?;
    let items = state.store().read_outbox(&caller.tenant, after, limit).await?;
    let next_after = items.last().map_or(after, |last| last.position);
    Ok(Json(OutboxPage { items, next_after }))
}
