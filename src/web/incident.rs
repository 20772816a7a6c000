//! Declared incidents (P6): while one stands, nothing it concerns leaves without a person, its deadlines are those of
//! its kind, and customers and stakeholders hear of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::Caller;
use super::form::{Form, Limits, unknown_word};
use super::messages::KEY;
use super::payload::Payload;
use super::problem::{Kind, Problem, say};
use crate::adapters::store::{Incident, IncidentChange, IncidentScope, IncidentTerms, StoreError};
use crate::domain::channel::Channel;
use crate::domain::decision::LocalText;
use crate::domain::ids::TenantId;
use crate::domain::notification::NotifyEvent;
use crate::policy::{IncidentKind, Pack};
use crate::report::telling;

/// What customers are told, or the summary: at most this long.
const WORDS: Limits = Limits { max: WORDS_MAX, exact: false };
/// The furthest that an update is promised, in minutes: a week.
pub(crate) const UPDATE_MINUTES_MAX: i64 = 7 * 24 * 60;
/// Most characters of what customers are told, and of the summary.
pub(crate) const WORDS_MAX: usize = 1_000;

/// Declares an incident.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct IncidentIn {
    /// Its kind, as the policy's `incidents` call it.
    #[schema(max_length = 255)]
    kind: String,
    /// What it is called, e.g. the status page's id. Default: kind and moment.
    #[schema(max_length = 255)]
    name: Option<String>,
    /// Categories that it concerns. Default: all.
    #[schema(required = false)]
    categories: Vec<String>,
    /// Channels that it concerns. Default: all.
    #[schema(required = false)]
    channels: Vec<String>,
    /// What customers are told, in both languages; without it nothing is posted.
    #[schema(required = false)]
    message: IncidentWords,
    /// Minutes until customers hear more. Default: the policy's, where it names any.
    #[schema(minimum = 1, maximum = 10080)]
    next_update_mins: Option<i64>,
}

/// Words for customers, written in both languages by the operator.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct IncidentWords {
    /// In Brazilian Portuguese.
    #[schema(rename = "pt-BR", max_length = 1000)]
    pt_br: String,
    /// In English.
    #[schema(max_length = 1000)]
    en: String,
}

/// Says more about an incident.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct UpdateIn {
    /// What customers are told from now on.
    message: IncidentWords,
    /// Minutes until they hear more. Default: the policy's, where it names any.
    #[schema(minimum = 1, maximum = 10080)]
    next_update_mins: Option<i64>,
}

/// Ends an incident.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct EndIn {
    /// What customers are told who were told of it. Without it the notice says only that it is over.
    #[schema(required = false)]
    message: IncidentWords,
    /// What happened and was done, for the stakeholders. Default: how long it lasted and whom it reached.
    #[schema(max_length = 1000)]
    summary: Option<String>,
}

/// An incident.
#[derive(Serialize, ToSchema)]
pub(super) struct IncidentBody {
    /// What it is called.
    name: String,
    /// Its kind.
    kind: String,
    /// Whether it stands.
    active: bool,
    /// Which tickets it concerns; empty lists mean all.
    scope: IncidentScope,
    /// Whether automatic answers stop.
    stop_auto: bool,
    /// Whether clocks stand still.
    suspend_sla: bool,
    /// What customers are told.
    #[schema(value_type = Object)]
    message: LocalText,
    /// Who declared it.
    declared_by: String,
    /// When.
    started_at: DateTime<Utc>,
    /// When customers expect to hear more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    /// How it was summed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// How many customers were told of it.
    customers_told: i64,
}

async fn body(state: &AppState, incident: Incident) -> Result<IncidentBody, Problem> {
    let customers_told = state.store().count_told(&incident.id).await?;
    Ok(IncidentBody {
        active: incident.ended_at.is_none(),
        name: incident.name,
        kind: incident.kind,
        scope: incident.scope,
        stop_auto: incident.terms.stop_auto,
        suspend_sla: incident.terms.suspend_sla,
        message: incident.words,
        declared_by: incident.declared_by,
        started_at: incident.started_at,
        next_update_at: incident.next_update_at,
        ended_at: incident.ended_at,
        summary: incident.summary,
        customers_told,
    })
}

/// Lists the incidents of the last 90 days, the latest first.
#[utoipa::path(
    get, path = "/v1/incidents", tag = "operation",
    responses((status = 200, description = "The incidents", body = Vec<IncidentBody>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<IncidentBody>>, Problem> {
    let mut listed = Vec::new();
    let found = state.store().incidents(&caller.tenant, state.clock().now()).await?;
    for incident in found.into_iter().rev() {
        listed.push(body(&state, incident).await?);
    }
    Ok(Json(listed))
}

/// Declares an incident.
///
/// Its stakeholders are told at once. Automatic replies that have not left are decided anew.
#[utoipa::path(
    post, path = "/v1/incidents", tag = "operation", request_body = IncidentIn,
    responses((status = 201, description = "It stands", body = IncidentBody))
)]
pub(super) async fn declare(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut payload: Payload,
) -> Result<(StatusCode, Json<IncidentBody>), Problem> {
    let mut form = payload.form()?;
    let pack = pack_of(&state, &caller)?;
    let kind = form.required_short("kind", KEY).and_then(|word| {
        let found = pack.incidents.iter().find(|kind| kind.id == word);
        if found.is_none() {
            let known: Vec<&str> = pack.incidents.iter().map(|kind| kind.id.as_str()).collect();
            let (problem, hint) = unknown_word(&word, &known);
            form.wrong("kind", problem, Some(hint));
        }
        found
    });
    let name = form.short("name", KEY);
    let scope = scope(&mut form, &pack);
    let words = message(&mut form, false).unwrap_or_default();
    let minutes = form.number("next_update_mins", 1, UPDATE_MINUTES_MAX);
    let kind = form.finish(kind)?;
    let declaration = Declaration { kind, name, scope, words, minutes };
    let declared = declaration.stands(&state, format!("agent:{}", caller.name));
    let name = declared.name.clone();
    let change = IncidentChange::Declare(Box::new(declared));
    let changed =
        apply(&state, &caller, &pack, &name, change, NotifyEvent::IncidentDeclared).await?;
    let stands = || {
        Problem::new(
            Kind::Conflict,
            say(
                format!(
                    "Já há um incidente aberto chamado {name}. Atualize-o, encerre-o ou dê outro nome."
                ),
                format!(
                    "An incident called {name} stands already. Update it, end it, or give another name."
                ),
            ),
        )
    };
    Ok((StatusCode::CREATED, Json(body(&state, changed.ok_or_else(stands)?).await?)))
}

/// Says more about an incident: customers who were told of it hear it, and so do its stakeholders.
#[utoipa::path(
    post, path = "/v1/incidents/{name}/update", tag = "operation", request_body = UpdateIn,
    params(("name" = String, Path, description = "What it is called")),
    responses((status = 200, description = "As it stands", body = IncidentBody))
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    mut payload: Payload,
) -> Result<Json<IncidentBody>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let pack = pack_of(&state, &caller)?;
    let words = message(&mut form, true);
    let minutes = form.number("next_update_mins", 1, UPDATE_MINUTES_MAX);
    let words = form.finish(words)?;
    let open = open(&state, &caller, &name).await?;
    let minutes = minutes.or(open.terms.update_every_mins.map(i64::from));
    let next_update_at = minutes.map(|minutes| now + Duration::minutes(minutes));
    let change = IncidentChange::Update { words, next_update_at };
    let changed =
        apply(&state, &caller, &pack, &name, change, NotifyEvent::IncidentUpdated).await?;
    Ok(Json(body(&state, changed.ok_or_else(no_incident)?).await?))
}

/// Ends an incident: what it held goes on, its deadlines too, and everybody who was told of it hears so.
#[utoipa::path(
    post, path = "/v1/incidents/{name}/end", tag = "operation", request_body = EndIn,
    params(("name" = String, Path, description = "What it is called")),
    responses((status = 200, description = "It is over", body = IncidentBody))
)]
pub(super) async fn end(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    mut payload: Payload,
) -> Result<Json<IncidentBody>, Problem> {
    let now = state.clock().now();
    let mut form = payload.form()?;
    let pack = pack_of(&state, &caller)?;
    let words = message(&mut form, false).unwrap_or_default();
    let summary = form.short("summary", WORDS);
    form.finish(Some(()))?;
    let open = open(&state, &caller, &name).await?;
    let told = state.store().count_told(&open.id).await?;
    let locale = pack.business.default_locale();
    let summary = summary.unwrap_or_else(|| telling::summary(&open, told, now, locale));
    let change = IncidentChange::End { words, summary: Some(summary) };
    let changed = apply(&state, &caller, &pack, &name, change, NotifyEvent::IncidentEnded).await?;
    Ok(Json(body(&state, changed.ok_or_else(no_incident)?).await?))
}

async fn apply(
    state: &AppState,
    caller: &Caller,
    pack: &Arc<Pack>,
    name: &str,
    change: IncidentChange,
    event: NotifyEvent,
) -> Result<Option<Incident>, Problem> {
    let actor = format!("agent:{}", caller.name);
    Ok(change_as(state, &caller.tenant, pack, (&actor, name), (change, event)).await?)
}

/// Changes an incident on behalf of somebody and tells its stakeholders. `None` when no open one has the name, or one
/// of the name stands already.
pub(crate) async fn change_as(
    state: &AppState,
    tenant: &TenantId,
    pack: &Arc<Pack>,
    (actor, name): (&str, &str),
    (change, event): (IncidentChange, NotifyEvent),
) -> Result<Option<Incident>, StoreError> {
    let now = state.clock().now();
    let tell = telling::of_incident(state.clock(), pack, tenant, event, now);
    state.store().change_incident(now, tenant, (actor, name), change, tell).await
}

/// What is said of an incident when it is declared.
pub(crate) struct Declaration<'a> {
    pub(crate) kind: &'a IncidentKind,
    pub(crate) name: Option<String>,
    pub(crate) scope: IncidentScope,
    pub(crate) words: LocalText,
    /// Minutes until customers hear more.
    pub(crate) minutes: Option<i64>,
}

impl Declaration<'_> {
    /// Makes the incident as it stands from now on.
    pub(crate) fn stands(self, state: &AppState, declared_by: String) -> Incident {
        let now = state.clock().now();
        let Declaration { kind, name, scope, words, minutes } = self;
        let terms = IncidentTerms::from(kind);
        let minutes = minutes.or(terms.update_every_mins.map(i64::from));
        let tells = !words.pt_br.is_empty();
        let promised = minutes.filter(|_| tells).map(|minutes| now + Duration::minutes(minutes));
        Incident {
            id: format!("inc_{:032x}", state.clock().fresh_bits()),
            kind: kind.id.clone(),
            name: name.unwrap_or_else(|| format!("{}-{}", kind.id, now.format("%Y%m%dT%H%M%SZ"))),
            scope,
            words,
            terms,
            declared_by,
            started_at: now,
            next_update_at: promised,
            updates: 0,
            ended_at: None,
            summary: None,
        }
    }
}

async fn open(state: &AppState, caller: &Caller, name: &str) -> Result<Incident, Problem> {
    let found = state.store().incidents(&caller.tenant, state.clock().now()).await?;
    found.into_iter().find(|one| one.name == name && one.ended_at.is_none()).ok_or_else(no_incident)
}

fn no_incident() -> Problem {
    Problem::new(
        Kind::NotFound,
        say(
            "Não há incidente aberto com este nome; veja os que há em GET /v1/incidents.",
            "No incident of this name stands; see those that do at GET /v1/incidents.",
        ),
    )
}

fn pack_of(state: &AppState, caller: &Caller) -> Result<Arc<Pack>, Problem> {
    let vocabulary = state.vocabulary(&caller.tenant);
    let pack = vocabulary.and_then(|vocabulary| vocabulary.pack.clone());
    pack.ok_or_else(|| {
        Problem::new(
            Kind::Unavailable,
            say(
                "A política desta empresa não está carregada; tente de novo em instantes.",
                "This business's policy is not loaded; try again in a moment.",
            ),
        )
    })
}

fn scope(form: &mut Form, pack: &Pack) -> IncidentScope {
    let categories = form.texts("categories", 100, KEY);
    let known: Vec<&str> = pack.taxonomy.iter().map(|category| category.id.as_str()).collect();
    for unknown in categories.iter().filter(|word| !known.contains(&word.as_str())) {
        let (problem, hint) = unknown_word(unknown, &known);
        form.wrong("categories", problem, Some(hint));
    }
    let words: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
    let mut channels = Vec::new();
    for word in form.texts("channels", 20, KEY) {
        if let Some(channel) = Channel::parse(&word) {
            channels.push(channel);
        } else {
            let (problem, hint) = unknown_word(&word, &words);
            form.wrong("channels", problem, Some(hint));
        }
    }
    IncidentScope { categories, channels }
}

/// Reads words for customers: in both languages or in none.
fn message(form: &mut Form, needed: bool) -> Option<LocalText> {
    let before = form.problem_count();
    let Some(mut inner) = form.object("message") else {
        if needed && form.problem_count() == before {
            form.missing(
                "message",
                say("um objeto com `pt-BR` e `en`", "an object with `pt-BR` and `en`"),
            );
        }
        return None;
    };
    let (pt_br, en) = (inner.required_short("pt-BR", WORDS), inner.required_short("en", WORDS));
    form.adopt(inner);
    Some(LocalText::new(pt_br?, en?))
}
