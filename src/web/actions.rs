//! What people do with a ticket: claim, release, reply, move, correct, note, tag.

use axum::Json;
use axum::extract::{Extension, Path, State};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::auth::Caller;
use super::form::{Form, Limits, unknown_word};
use super::messages::{key_reused, words};
use super::payload::Payload;
use super::problem::{FieldProblem, Kind, Problem, say};
use super::tickets::{no_ticket, resolve};
use super::words::{CorrectedField, ReleaseTo};
use super::{AppState, TenantVocabulary, uploads};
use crate::adapters::store::{Actor, Change, Outcome, Refused, ReplyRequest};
use crate::domain::decision::LocalText;
use crate::domain::ids::{AttachmentId, OutboxId, TicketId};
use crate::domain::labels::{Complexity, Language, Locale, Sentiment, Urgency};
use crate::domain::ticket::TicketStatus;

/// How long an agent keeps a conversation where they do not say, in minutes.
pub(super) const HOLD_MINUTES: i64 = 30;
/// Longest hold in minutes: a working day.
pub(super) const HOLD_MINUTES_MAX: i64 = 480;
/// Most bytes of what a person writes to a customer or into a note.
const WORDS_MAX_BYTES: usize = 64 * 1024;
pub(super) const AGENT: Limits = Limits { max: 80, exact: true };
const TAG: Limits = Limits { max: 50, exact: true };
const LABEL: Limits = Limits { max: 100, exact: true };

/// What every change answers with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// The conversation's version from now on.
    pub(super) version: i64,
    /// Who did it.
    pub(super) agent: String,
    /// Until when the agent has the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<DateTime<Utc>>,
}

/// Reads who acts: the agent whom the caller names, else the token.
pub(super) fn actor(form: &mut Form, caller: &Caller) -> Actor {
    let agent = form.short("agent", AGENT);
    Actor { name: agent.unwrap_or_else(|| caller.name.clone()) }
}

/// Reads words that a person wrote.
pub(super) fn own_words(form: &mut Form, name: &'static str) -> Option<String> {
    let text = words(form, name, true)?;
    if super::messages::is_blank(&text) {
        form.wrong(name, say("está vazio", "is empty"), None);
        return None;
    }
    if text.len() > WORDS_MAX_BYTES {
        form.wrong(
            name,
            say(
                format!("tem mais de {WORDS_MAX_BYTES} bytes"),
                format!("has more than {WORDS_MAX_BYTES} bytes"),
            ),
            None,
        );
        return None;
    }
    Some(text)
}

/// Takes a conversation.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct ClaimIn {
    /// Who takes it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
    /// For how long, 1 to 480. Default: 30.
    #[schema(minimum = 1, maximum = 480, required = false)]
    minutes: i64,
}

/// Takes a ticket's conversation for a while; claiming again prolongs it.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/claim", tag = "agents", request_body = ClaimIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It is theirs", body = Changed))
)]
pub(super) async fn claim(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let minutes = form.number("minutes", 1, HOLD_MINUTES_MAX).unwrap_or(HOLD_MINUTES);
    form.finish(Some(()))?;
    let until = state.clock().now() + Duration::minutes(minutes);
    let desk = Desk { state: &state, caller: &caller, actor };
    let changed = desk.change(id, Change::Claim(until)).await?;
    Ok(Json(Changed { until: Some(until), ..changed }))
}

/// Gives a conversation back.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct ReleaseIn {
    /// Who gives it back. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
    /// To whom. Default: `people`.
    to: Option<ReleaseTo>,
}

/// Gives a ticket's conversation back, to people or to the assistant.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/release", tag = "agents", request_body = ReleaseIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was given back", body = Changed))
)]
pub(super) async fn release(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let to = form.word("to", ReleaseTo::ALL, ReleaseTo::as_str);
    form.finish(Some(()))?;
    let to_assistant = to == Some(ReleaseTo::Assistant);
    let desk = Desk { state: &state, caller: &caller, actor };
    desk.change(id, Change::Release(to_assistant)).await.map(Json)
}

/// Answers a customer in a person's own words.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct ReplyIn {
    /// The words, at most 64 KiB.
    text: String,
    /// The locale they are written in. Default: the conversation's.
    locale: Option<Locale>,
    /// Who writes. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
    /// The ids of files that go with it, of `POST /v1/attachments`. A channel takes some types and sizes and not others.
    #[schema(max_items = 10, required = false)]
    attachments: Vec<String>,
}

/// A reply on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplyBody {
    /// Its id in the outbox.
    outbox_id: OutboxId,
    /// True when an earlier call with this key wrote it.
    duplicate: bool,
}

/// Answers the customer; the agent keeps the conversation for 30 minutes.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/reply", tag = "agents", request_body = ReplyIn,
    params(
        ("id" = String, Path, description = "The ticket's id or number"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, kept for 7 days per token")
    ),
    responses((status = 200, description = "The reply is on its way", body = ReplyBody))
)]
pub(super) async fn reply(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<ReplyBody>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let locale = form.word("locale", Locale::ALL, Locale::as_str);
    let text = own_words(&mut form, "text");
    let attachments = uploads::read(&mut form);
    let text = form.finish(text)?;
    let ticket = resolve(&state, &caller, id).await?;
    let locale = match locale {
        Some(locale) => locale,
        None => locale_of(&state, &caller, &ticket).await?,
    };
    check_files(&state, &caller, &ticket, &attachments).await?;
    let outbox = state.clock().outbox_id();
    let once = payload.once(&caller);
    let request = ReplyRequest {
        id: outbox.clone(),
        text,
        locale,
        attachments,
        hold_until: state.clock().now() + Duration::minutes(HOLD_MINUTES),
        leaves_at: None,
        once: once.map(|once| (once.token.as_str().to_owned(), once.key, once.body_hash)),
    };
    let desk = Desk { state: &state, caller: &caller, actor };
    match desk.outcome(&ticket, Change::Reply(request)).await? {
        Outcome::Repeated(outbox_id) => Ok(Json(ReplyBody { outbox_id, duplicate: true })),
        other => {
            done(other)?;
            Ok(Json(ReplyBody { outbox_id: outbox, duplicate: false }))
        }
    }
}

/// Refuses files that cannot go with a reply of this ticket.
pub(super) async fn check_files(
    state: &AppState,
    caller: &Caller,
    ticket: &TicketId,
    files: &[AttachmentId],
) -> Result<(), Problem> {
    if files.is_empty() {
        return Ok(());
    }
    let channel = state.store().channel_of(&caller.tenant, ticket).await?.ok_or_else(no_ticket)?;
    uploads::check_files(state, caller, channel, files).await
}

async fn locale_of(
    state: &AppState,
    caller: &Caller,
    ticket: &TicketId,
) -> Result<Locale, Problem> {
    let view = state.store().ticket(&caller.tenant, ticket).await?.ok_or_else(no_ticket)?;
    let language = view.row.language.as_deref().and_then(Language::parse);
    let vocabulary = state.vocabulary(&caller.tenant);
    let default = vocabulary.and_then(|vocabulary| vocabulary.default_locale);
    Ok(language.and_then(Language::reply_locale).or(default).unwrap_or(Locale::PtBr))
}

/// Moves a ticket along its life cycle.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct StatusIn {
    /// The stage from now on.
    status: TicketStatus,
    /// Who moves it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Moves a ticket to another stage.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/status", tag = "agents", request_body = StatusIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was moved", body = Changed))
)]
pub(super) async fn status(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let status = form.required_word("status", TicketStatus::ALL, TicketStatus::as_str);
    let status = form.finish(status)?;
    let desk = Desk { state: &state, caller: &caller, actor };
    desk.change(id, Change::Status(status)).await.map(Json)
}

/// Corrects a field; engines never change it back.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct OverrideIn {
    /// The field.
    field: CorrectedField,
    /// Its value, as the policy or this API spells it.
    value: String,
    /// Who corrects it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Corrects what was understood of a ticket.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/override", tag = "agents", request_body = OverrideIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was corrected", body = Changed))
)]
pub(super) async fn correct(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let field = form.required_word("field", CorrectedField::ALL, CorrectedField::as_str);
    let value = form.required_short("value", LABEL);
    let (field, value) = form.finish(field.zip(value))?;
    let ticket = resolve(&state, &caller, id).await?;
    let category = match field {
        CorrectedField::Subcategory => {
            let view = state.store().ticket(&caller.tenant, &ticket).await?;
            view.ok_or_else(no_ticket)?.row.category
        }
        _ => None,
    };
    let vocabulary = state.vocabulary(&caller.tenant);
    check_value(field, &value, category.as_deref(), vocabulary.as_deref())?;
    let desk = Desk { state: &state, caller: &caller, actor };
    let change = Change::Override(field.as_str(), Value::String(value));
    let outcome = desk.outcome(&ticket, change).await?;
    desk.changed(outcome).map(Json)
}

/// Refuses a value that its field cannot have.
fn check_value(
    field: CorrectedField,
    value: &str,
    category: Option<&str>,
    vocabulary: Option<&TenantVocabulary>,
) -> Result<(), Problem> {
    fn spelled<T: Copy>(all: &[T], as_str: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|value| as_str(*value)).collect()
    }
    let words: Vec<&str> = match (field, vocabulary) {
        (CorrectedField::Urgency, _) => spelled(Urgency::ALL, Urgency::as_str),
        (CorrectedField::Sentiment, _) => spelled(Sentiment::ALL, Sentiment::as_str),
        (CorrectedField::Language, _) => spelled(Language::ALL, Language::as_str),
        (CorrectedField::Complexity, _) => spelled(Complexity::ALL, Complexity::as_str),
        (CorrectedField::Category | CorrectedField::Subcategory, None) => return Ok(()),
        (CorrectedField::Category, Some(known)) => {
            known.categories.keys().map(String::as_str).collect()
        }
        (CorrectedField::Subcategory, Some(known)) => {
            let inside = category.and_then(|category| known.categories.get(category));
            inside.map(|inside| inside.iter().map(String::as_str).collect()).unwrap_or_default()
        }
    };
    if words.contains(&value) {
        return Ok(());
    }
    if words.is_empty() {
        return Err(Problem::field(
            "value",
            say(
                "a categoria do ticket não tem subcategorias",
                "the ticket's category has no subcategories",
            ),
            Some(say("corrija antes a categoria", "correct the category first")),
        ));
    }
    let (problem, hint) = unknown_word(value, &words);
    Err(Problem::field("value", problem, Some(hint)))
}

/// Writes a note that customers never see.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct NoteIn {
    /// The note, at most 64 KiB.
    text: String,
    /// Who writes it. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Writes a note among agents.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/note", tag = "agents", request_body = NoteIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was noted", body = Changed))
)]
pub(super) async fn note(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let text = own_words(&mut form, "text");
    let text = form.finish(text)?;
    let note = format!("note_{:032x}", state.clock().fresh_bits());
    let desk = Desk { state: &state, caller: &caller, actor };
    desk.change(id, Change::Note(note, text)).await.map(Json)
}

/// Adds and removes tags.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; the handler reads it field by field")]
pub(super) struct TagIn {
    /// Tags to add, each of at most 50 characters; a ticket has at most 50.
    #[schema(max_items = 50, required = false)]
    add: Vec<String>,
    /// Tags to remove.
    #[schema(max_items = 50, required = false)]
    remove: Vec<String>,
    /// Who tags. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
}

/// Adds and removes tags.
#[utoipa::path(
    post, path = "/v1/tickets/{id}/tag", tag = "agents", request_body = TagIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "It was tagged", body = Changed))
)]
pub(super) async fn tag(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Changed>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let add = form.texts("add", 50, TAG);
    let remove = form.texts("remove", 50, TAG);
    if add.is_empty() && remove.is_empty() && form.problem_count() == 0 {
        form.missing("add", say("envie `add`, `remove` ou ambos", "send `add`, `remove` or both"));
    }
    form.finish(Some(()))?;
    let desk = Desk { state: &state, caller: &caller, actor };
    desk.change(id, Change::Tag(add, remove)).await.map(Json)
}

/// Somebody at work on a ticket.
pub(super) struct Desk<'a> {
    pub(super) state: &'a AppState,
    pub(super) caller: &'a Caller,
    pub(super) actor: Actor,
}

impl Desk<'_> {
    pub(super) async fn change(&self, id: String, change: Change) -> Result<Changed, Problem> {
        let ticket = resolve(self.state, self.caller, id).await?;
        let outcome = self.outcome(&ticket, change).await?;
        self.changed(outcome)
    }

    async fn outcome(&self, ticket: &TicketId, change: Change) -> Result<Outcome, Problem> {
        let (store, now) = (self.state.store(), self.state.clock().now());
        let tenant = &self.caller.tenant;
        Ok(store.change_ticket(now, tenant, ticket, self.actor.clone(), change).await?)
    }

    fn changed(&self, outcome: Outcome) -> Result<Changed, Problem> {
        let version = done(outcome)?;
        Ok(Changed { version, agent: self.actor.name.clone(), until: None })
    }
}

/// Returns the version after a change, or the problem of one that was not made.
fn done(outcome: Outcome) -> Result<i64, Problem> {
    match outcome {
        Outcome::Done(version) => Ok(version),
        Outcome::NotFound => Err(no_ticket()),
        Outcome::Repeated(_) => Err(key_reused()),
        Outcome::Refused(refused) => Err(refusal(refused)),
    }
}

fn refusal(refused: Refused) -> Problem {
    let conflict = |detail: LocalText| Problem::new(Kind::Conflict, detail);
    match refused {
        Refused::HeldBy(agent, until) => held_by(&agent, until),
        Refused::NotHeld => conflict(say(
            "Nenhum atendente está com esta conversa; não há o que devolver.",
            "No agent has this conversation; there is nothing to give back.",
        )),
        Refused::Closed => conflict(say(
            "O ticket está encerrado. Se o cliente escreveu de novo, trabalhe no ticket mais recente da conversa.",
            "The ticket is closed. If the customer wrote again, work on the conversation's latest ticket.",
        )),
        Refused::Status(from, to) => {
            let allowed: Vec<&str> = TicketStatus::ALL
                .iter()
                .filter(|next| from.may_become(**next))
                .map(|next| next.as_str())
                .collect();
            let (listed_pt, listed_en) = if allowed.is_empty() {
                ("nenhum".to_owned(), "nothing".to_owned())
            } else {
                (allowed.join(", "), allowed.join(", "))
            };
            conflict(say(
                format!("Um ticket em `{from}` não passa a `{to}`; pode passar a: {listed_pt}."),
                format!("A ticket in `{from}` cannot become `{to}`; it can become: {listed_en}."),
            ))
            .with("status_now", json!(from))
            .with("allowed", json!(allowed))
        }
        Refused::OptedOut => conflict(say(
            "O contato pediu para não receber mais mensagens; nada será enviado. Fale com ele por outro meio, se puder.",
            "The contact asked to receive nothing more; nothing is sent. Reach them another way, if you may.",
        )),
        Refused::KeyReused => key_reused(),
        Refused::Attachments => uploads::taken(),
        Refused::MergeInto(why) => Problem::invalid(vec![FieldProblem {
            field: "into".to_owned(),
            problem: match why {
                "itself" => say("é este mesmo ticket", "is this very ticket"),
                "closed" => say("é um ticket encerrado", "is a closed ticket"),
                _ => say("não há ticket com este id ou número", "is no ticket's id or number"),
            },
            hint: Some(say(
                "diga o outro ticket, que continua aberto",
                "name the other ticket, which stays open",
            )),
        }]),
        Refused::Messages => Problem::invalid(vec![FieldProblem {
            field: "messages".to_owned(),
            problem: say(
                "não são mensagens do cliente neste ticket, ou não sobraria nenhuma nele",
                "are not the customer's messages in this ticket, or none would be left in it",
            ),
            hint: Some(say(
                "use ids de `messages` em GET /v1/tickets/{id}",
                "use ids of `messages` in GET /v1/tickets/{id}",
            )),
        }]),
        Refused::TooManyTags => Problem::invalid(vec![FieldProblem {
            field: "add".to_owned(),
            problem: say("o ticket passaria de 50 tags", "the ticket would have more than 50 tags"),
            hint: Some(say("remova algumas com `remove`", "remove some with `remove`")),
        }]),
    }
}

/// Says who has a conversation, and until when.
pub(super) fn held_by(agent: &str, until: DateTime<Utc>) -> Problem {
    let shown = until.format("%Y-%m-%d %H:%M UTC");
    Problem::new(
        Kind::Conflict,
        say(
            format!("{agent} está com esta conversa até {shown}. Peça que a devolva, ou espere até lá."),
            format!("{agent} has this conversation until {shown}. Ask them to release it, or wait until then."),
        ),
    )
    .with("held_by", json!(agent))
    .with("held_until", json!(until))
}
