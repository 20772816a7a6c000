//! Drafts under review: approved, edited or rejected, once.

use axum::Json;
use axum::extract::{Extension, Path, State};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::actions::{actor, check_files, held_by, own_words};
use super::auth::Caller;
use super::form::Form;
use super::messages::LINE;
use super::payload::Payload;
use super::problem::{Kind, Problem, say};
use super::tickets::{no_ticket, resolve};
use super::words::ReviewAction;
use super::{AppState, uploads};
use crate::adapters::store::{DraftAction, DraftDecision, DraftOutcome};
use crate::domain::ids::OutboxId;

/// Decides a draft.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `DraftIn::fields` reads it")]
pub(super) struct DraftIn {
    /// What happens with it.
    action: ReviewAction,
    /// The version of the draft that the agent saw.
    #[schema(minimum = 1)]
    version: i64,
    /// The words to send instead, at most 64 KiB; for `edit` only.
    text: Option<String>,
    /// Why nothing is sent; for `reject` only.
    #[schema(max_length = 998)]
    reason: Option<String>,
    /// Who decides. Default: the token's name.
    #[schema(max_length = 80)]
    agent: Option<String>,
    /// The ids of files that go with it, of `POST /v1/attachments`; not for `reject`.
    #[schema(max_items = 10, required = false)]
    attachments: Vec<String>,
}

impl DraftIn {
    pub(super) fn fields(form: &mut Form) -> Option<(i64, DraftAction)> {
        let action = form.required_word("action", ReviewAction::ALL, ReviewAction::as_str);
        let version = form.required_number("version", 1, i64::MAX);
        let action = match action {
            Some(ReviewAction::Edit) => {
                refuse(form, "reason", "reject");
                own_words(form, "text").map(DraftAction::Edit)
            }
            Some(ReviewAction::Reject) => {
                refuse(form, "text", "edit");
                let words = form.required_short("reason", LINE);
                words.map(|words| DraftAction::Reject { code: None, words })
            }
            Some(ReviewAction::Approve) => {
                refuse(form, "text", "edit");
                refuse(form, "reason", "reject");
                Some(DraftAction::Approve)
            }
            None => {
                form.take("text");
                form.take("reason");
                None
            }
        };
        version.zip(action)
    }
}

/// Refuses a field of another action, lest words that a person wrote be dropped in silence.
fn refuse(form: &mut Form, name: &'static str, action: &str) {
    if form.take(name).is_some() {
        counts_only(form, name, action);
    }
}

fn counts_only(form: &mut Form, name: &str, action: &str) {
    form.wrong(
        name,
        say(format!("só vale com `{action}`"), format!("counts only with `{action}`")),
        Some(say(
            format!("use \"action\": \"{action}\" ou retire o campo"),
            format!("use \"action\": \"{action}\", or leave the field out"),
        )),
    );
}

/// What became of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decided {
    /// `approved`, `edited` or `rejected`.
    state: &'static str,
    /// The reply's id in the outbox, where one is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox_id: Option<OutboxId>,
}

/// Approves, edits or rejects a draft.
///
/// Of two decisions the second gets 409 and is told who was first (`decided_by`, `decided_at`).
#[utoipa::path(
    post, path = "/v1/tickets/{id}/draft", tag = "agents", request_body = DraftIn,
    params(("id" = String, Path, description = "The ticket's id or number")),
    responses((status = 200, description = "Decided", body = Decided))
)]
pub(super) async fn decide(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    mut payload: Payload,
) -> Result<Json<Decided>, Problem> {
    let mut form = payload.form()?;
    let actor = actor(&mut form, &caller);
    let read = DraftIn::fields(&mut form);
    let attachments = uploads::read(&mut form);
    if matches!(read, Some((_, DraftAction::Reject { .. }))) && !attachments.is_empty() {
        counts_only(&mut form, "attachments", "approve");
    }
    let (version, action) = form.finish(read)?;
    let ticket = resolve(&state, &caller, id).await?;
    check_files(&state, &caller, &ticket, &attachments).await?;
    let edited = matches!(action, DraftAction::Edit(_));
    let decision = DraftDecision {
        tenant: caller.tenant.clone(),
        ticket: ticket.clone(),
        version,
        action,
        attachments,
        actor,
        outbox: state.clock().outbox_id(),
        leaves_at: None,
    };
    match state.store().decide_draft(state.clock().now(), decision).await? {
        DraftOutcome::Queued(outbox) => {
            let state = if edited { "edited" } else { "approved" };
            Ok(Json(Decided { state, outbox_id: Some(outbox) }))
        }
        DraftOutcome::Attachments => Err(uploads::taken()),
        DraftOutcome::Rejected => Ok(Json(Decided { state: "rejected", outbox_id: None })),
        DraftOutcome::HeldBy(agent, until) => Err(held_by(&agent, until)),
        DraftOutcome::OptedOut => Err(Problem::new(
            Kind::Conflict,
            say(
                "O contato pediu para não receber mais mensagens; o rascunho só pode ser rejeitado.",
                "The contact asked to receive nothing more; the draft can only be rejected.",
            ),
        )),
        DraftOutcome::Conflict { state, latest, by, at } => {
            let problem = overtaken(&state, latest, by.as_deref(), at);
            Err(problem
                .with("state", json!(state))
                .with("decided_by", json!(by))
                .with("decided_at", json!(at))
                .with("latest_version", json!(latest)))
        }
        DraftOutcome::NotFound => {
            let view = state.store().ticket(&caller.tenant, &ticket).await?;
            let latest = view.ok_or_else(no_ticket)?.drafts.first().map(|draft| draft.version);
            Err(no_version(version, latest).with("latest_version", json!(latest)))
        }
    }
}

fn overtaken(
    state: &str,
    latest: i64,
    by: Option<&str>,
    at: Option<chrono::DateTime<chrono::Utc>>,
) -> Problem {
    let shown = at.map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    let detail = match (state, by) {
        ("retired", _) => say(
            format!(
                "A conversa seguiu adiante e este rascunho já não vale. Leia o ticket de novo; o rascunho mais recente é a versão {latest}."
            ),
            format!(
                "The conversation moved on and this draft no longer counts. Read the ticket again; its latest draft is version {latest}."
            ),
        ),
        ("approved", Some(by)) => say(
            format!("{by} já aprovou este rascunho em {shown}. Nada mais foi enviado."),
            format!("{by} already approved this draft at {shown}. Nothing more was sent."),
        ),
        ("edited", Some(by)) => say(
            format!("{by} já editou e enviou este rascunho em {shown}. Nada mais foi enviado."),
            format!("{by} already edited and sent this draft at {shown}. Nothing more was sent."),
        ),
        ("rejected", Some(by)) => say(
            format!("{by} já rejeitou este rascunho em {shown}."),
            format!("{by} already rejected this draft at {shown}."),
        ),
        _ => say(
            "Este rascunho já foi enviado automaticamente.",
            "This draft was already sent automatically.",
        ),
    };
    Problem::new(Kind::Conflict, detail)
}

fn no_version(version: i64, latest: Option<i64>) -> Problem {
    let detail = match latest {
        Some(latest) => say(
            format!(
                "Este ticket não tem a versão {version} do rascunho; a mais recente é a {latest}. Leia o ticket e decida sobre essa."
            ),
            format!(
                "This ticket has no draft version {version}; the latest is {latest}. Read the ticket and decide that one."
            ),
        ),
        None => say(
            "Este ticket não tem rascunho. Responda com `reply`.",
            "This ticket has no draft. Answer with `reply`.",
        ),
    };
    Problem::new(Kind::Conflict, detail)
}
