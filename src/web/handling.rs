//! What people do with a ticket besides answering it: transfer, snooze, promise a call, merge, split; and who is online.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::actions::{AGENT, Changed, Desk, HOLD_MINUTES, HOLD_MINUTES_MAX, actor};
use super::auth::Caller;
use super::form::{Form, unknown_word};
use super::messages::KEY;
use super::payload::Payload;
use super::problem::{Problem, say};
use super::tickets::resolve;
use crate::adapters::store::{Change, Presence, Split, TransferTo};
use crate::domain::ids::{ConversationId, MessageId, TicketId};
use crate::policy::Pack;

/// The furthest that a ticket is put aside or a call is promised: 90 days.
const FURTHEST: Duration = Duration::days(90);
/// Longest presence in minutes: a day.
const ONLINE_MINUTES_MAX: i64 = 1_440;
/// How long an agent is online who does not say, in minutes.
const ONLINE_MINUTES: i64 = 60;
/// Most messages that one call splits off.
const MESSAGES_MAX: usize = 200;

/// Gives a ticket to a queue or to an agent.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct TransferIn {
    /// The queue that gets it: a team of the policy.
    #[schema(max_length = 255)]
    queue: Option<String>,
    /// The level in that team. Default: its first.
    #[schema(max_length = 255)]
    level: Option<String>,
    /// The agent who gets it, instead of a queue.
    #[schema(max_length = 80)]
    to: Option<String>,
    /// For how long that agent has it to begin with, 1 to 480 minutes. Default: 30.
    #[schema(minimum = 1, maximum = 480, required = false)]
    minutes: i64,
    /// Who gives it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Gives a ticket to a queue or to an agent.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/transfer", tag = "agents", request_body = TransferIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It is theirs", body = Changed))
)]
pub(super) async fn transfer(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let queue = form.short("queue", KEY);
    let level = form.short("level", KEY);
    let agent = form.short("to", AGENT);
    let minutes = form.number("minutes", 1, HOLD_MINUTES_MAX).unwrap_or(HOLD_MINUTES);
    let until = state.clock().now() + Duration::minutes(minutes);
    let to = match (queue, agent) {
        (Some(queue), None) => known_queue(&state, &caller, &mut form, queue, level),
        (None, Some(agent)) => Some(TransferTo::Agent(agent, until)),
        _ => {
            form.missing(
                "queue",
                say("envie `queue` ou `to`, um dos dois", "send `queue` or `to`, one of them"),
            );
            None
        }
    };
    let to = form.finish(to)?;
    let until = matches!(to, TransferTo::Agent(..)).then_some(until);
    let desk = Desk { state: &state, caller: &caller, actor };
    let changed = desk.change(id, Change::Transfer(to)).await?;
    Ok(Json(Changed { until, ..changed }))
}

fn known_queue(
    state: &AppState,
    caller: &Caller,
    form: &mut Form,
    queue: String,
    level: Option<String>,
) -> Option<TransferTo> {
    let Some(vocabulary) = state.vocabulary(&caller.tenant) else {
        return Some(TransferTo::Queue(queue, level));
    };
    let Some(pack) = &vocabulary.pack else { return Some(TransferTo::Queue(queue, level)) };
    let Some(team) = pack.team(&queue) else {
        let teams: Vec<&str> = pack.teams.iter().map(|team| team.id.as_str()).collect();
        let (problem, hint) = unknown_word(&queue, &teams);
        form.wrong("queue", problem, Some(hint));
        return None;
    };
    let levels: Vec<&str> = team.levels.iter().map(|level| level.id.as_str()).collect();
    let level = level.or_else(|| levels.first().map(|first| (*first).to_owned()));
    if let Some(unknown) = level.as_deref().filter(|level| !levels.contains(level)) {
        let (problem, hint) = unknown_word(unknown, &levels);
        form.wrong("level", problem, Some(hint));
        return None;
    }
    Some(TransferTo::Queue(queue, level))
}

/// Puts a ticket aside.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct SnoozeIn {
    /// Until when, at most 90 days away; absent takes it up again now. A message of the customer does so too.
    until: Option<DateTime<Utc>>,
    /// Who does it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Puts a ticket aside until a moment, or takes it up again. Deadlines go on.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/snooze", tag = "agents", request_body = SnoozeIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was put aside, or taken up", body = Changed))
)]
pub(super) async fn snooze(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let until = form.moment("until");
    check_ahead(&mut form, "until", until, now);
    form.finish(Some(()))?;
    let desk = Desk { state: &state, caller: &caller, actor };
    let changed = desk.change(id, Change::Snooze(until)).await?;
    Ok(Json(Changed { until, ..changed }))
}

fn check_ahead(form: &mut Form, name: &str, at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    if at.is_some_and(|at| at <= now || at > now + FURTHEST) {
        form.wrong(
            name,
            say("precisa estar no futuro, a no máximo 90 dias", "must lie ahead, at most 90 days"),
            Some(say(
                "use uma data e hora com fuso, como 2026-11-23T14:00:00-03:00",
                "use a date and time with its zone, such as 2026-11-23T14:00:00-03:00",
            )),
        );
    }
}

/// Promises a call, or ends the promise.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct CallbackIn {
    /// Not before. Absent, with `until`, when the call was made or is void.
    from: Option<DateTime<Utc>>,
    /// Not after, at most 90 days away.
    until: Option<DateTime<Utc>>,
    /// Who promises. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Promises the customer a call between two moments; without them the promise ends.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/callback", tag = "agents", request_body = CallbackIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was noted", body = Changed))
)]
pub(super) async fn callback(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let (from, until) = (form.moment("from"), form.moment("until"));
    check_ahead(&mut form, "until", until, now);
    match (from, until) {
        (Some(from), Some(until)) if from >= until => form.wrong(
            "until",
            say("vem antes de `from`", "comes before `from`"),
            Some(say("troque os dois", "swap the two")),
        ),
        (Some(_), None) => form.missing("until", say("diga até quando", "say until when")),
        (None, Some(_)) => form.missing("from", say("diga a partir de quando", "say from when")),
        _ => {}
    }
    form.finish(Some(()))?;
    let desk = Desk { state: &state, caller: &caller, actor };
    let changed = desk.change(id, Change::Callback(from.zip(until))).await?;
    Ok(Json(Changed { until, ..changed }))
}

/// Joins a ticket to another one.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct MergeIn {
    /// The id or number of the ticket that goes on.
    into: String,
    /// Who joins them. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Joins a ticket to another one: this one closes with a link to the other, which gets its tags.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/merge", tag = "agents", request_body = MergeIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "They are one", body = Changed))
)]
pub(super) async fn merge(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let into = form.required_short("into", KEY);
    let into = form.finish(into)?;
    // A number that no ticket has is told as a problem of the field, not of the address.
    let into = resolve(&state, &caller, into.clone())
        .await
        .unwrap_or_else(|_| TicketId::from_stored(into));
    let desk = Desk { state: &state, caller: &caller, actor };
    desk.change(id, Change::Merge(into)).await.map(Json)
}

/// Parts messages off a ticket.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct SplitIn {
    /// The ids of the customer's messages that become a ticket of their own, 1 to 200; one must stay.
    #[schema(min_items = 1, max_items = 200)]
    messages: Vec<String>,
    /// Who parts them. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// The ticket of a split.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SplitOff {
    /// Its id. It is decided anew, like a ticket that just came.
    ticket_id: TicketId,
    /// The version of the conversation that it was parted from.
    version: i64,
}

/// Makes some of a ticket's messages a ticket of their own.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/split", tag = "agents", request_body = SplitIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "There are two", body = SplitOff))
)]
pub(super) async fn split(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<SplitOff>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let mut messages = form.texts("messages", MESSAGES_MAX, KEY);
    if messages.is_empty() && form.problem_count() == 0 {
        form.missing("messages", say("uma lista de ids de mensagens", "a list of message ids"));
    }
    form.finish(Some(()))?;
    messages.sort();
    messages.dedup();
    let ticket = state.clock().ticket_id();
    let split = Split {
        messages: messages.into_iter().map(MessageId::from_stored).collect(),
        ticket: ticket.clone(),
        conversation: ConversationId::from_bits(state.clock().fresh_bits()),
    };
    let desk = Desk { state: &state, caller: &caller, actor };
    let changed = desk.change(id, Change::Split(split)).await?;
    Ok(Json(SplitOff { ticket_id: ticket, version: changed.version }))
}

/// Says whether an agent is online.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct PresenceIn {
    /// Whether they take tickets now.
    online: bool,
    /// For how long, 1 to 1440 minutes, unless they say so again. Default: 60.
    #[schema(minimum = 1, maximum = 1440, required = false)]
    minutes: i64,
}

/// An agent, and whether they are online.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentBody {
    /// The agent's name.
    name: String,
    /// Whether they take tickets now.
    online: bool,
    /// Until when, unless they say so again.
    #[serde(skip_serializing_if = "Option::is_none")]
    online_until: Option<DateTime<Utc>>,
    /// When a ticket was last given to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_assigned_at: Option<DateTime<Utc>>,
    /// The teams whose queues they work, as the policy says; empty for somebody whom it does not name, who is given
    /// nothing by turns.
    teams: Vec<String>,
}

/// Says whether an agent is online: tickets are given by turns to those who are.
#[utoipa::path(
    put, path = "/v1/agents/{name}/presence", tag = "agents", request_body = PresenceIn,
    params(("name" = String, Path, description = "The agent's name, as in the policy's `people`")),
    responses((status = 200, description = "It was noted", body = AgentBody))
)]
pub(super) async fn presence(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    mut payload: Payload,
) -> Result<Json<AgentBody>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let online = form.flag("online");
    if online.is_none() && form.problem_count() == 0 {
        form.missing("online", say("true ou false", "true or false"));
    }
    let minutes = form.number("minutes", 1, ONLINE_MINUTES_MAX).unwrap_or(ONLINE_MINUTES);
    if name.trim().is_empty() || name.chars().count() > AGENT.max {
        form.wrong("name", say("tem de 1 a 80 caracteres", "has 1 to 80 characters"), None);
    }
    let online = form.finish(online)?;
    let until = online.then(|| now + Duration::minutes(minutes));
    let vocabulary = state.vocabulary(&caller.tenant);
    let pack = vocabulary.as_ref().and_then(|vocabulary| vocabulary.pack.as_ref());
    let person = pack.and_then(|pack| pack.people.iter().find(|person| person.id == name));
    let queues = person.map(|person| person.teams.as_slice()).unwrap_or_default();
    state.store().set_presence(now, &caller.tenant, &name, until, queues).await?;
    let told = Presence { name, online_until: until, last_assigned_at: None };
    Ok(Json(body_of(pack, told, now)))
}

/// Lists the agents of the policy and whoever else was online.
#[utoipa::path(
    get, path = "/v1/agents", tag = "agents",
    responses((status = 200, description = "The agents", body = Vec<AgentBody>))
)]
pub(super) async fn agents(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<AgentBody>>, Problem> {
    let now = state.clock().now();
    let mut known = state.store().presence(&caller.tenant).await?;
    let vocabulary = state.vocabulary(&caller.tenant);
    let pack = vocabulary.as_ref().and_then(|vocabulary| vocabulary.pack.as_ref());
    for person in pack.map(|pack| pack.people.as_slice()).unwrap_or_default() {
        if !person.teams.is_empty() && !known.iter().any(|one| one.name == person.id) {
            let name = person.id.clone();
            known.push(Presence { name, online_until: None, last_assigned_at: None });
        }
    }
    known.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(known.into_iter().map(|one| body_of(pack, one, now)).collect()))
}

fn body_of(pack: Option<&Arc<Pack>>, one: Presence, now: DateTime<Utc>) -> AgentBody {
    let person = pack.and_then(|pack| pack.people.iter().find(|person| person.id == one.name));
    let until = one.online_until.filter(|until| *until > now);
    AgentBody {
        online: until.is_some(),
        online_until: until,
        last_assigned_at: one.last_assigned_at,
        teams: person.map(|person| person.teams.clone()).unwrap_or_default(),
        name: one.name,
    }
}
