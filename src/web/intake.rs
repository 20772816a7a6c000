//! Tickets handed in whole: a call that a phone agent wrote up, a form that was filled in.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use utoipa::ToSchema;

use super::auth::Caller;
use super::form::Form;
use super::messages::{
    AcceptedBody, KEY, LINE, contact, counted, given, is_blank, keep, past_moment, words,
};
use super::payload::Payload;
use super::problem::Problem;
use super::{AppState, TenantVocabulary};
use crate::domain::channel::Channel;
use crate::domain::labels::{Language, Urgency};
use crate::domain::message::{Contact, Given, InboundMessage, MessageFlags};

/// Stands between summary and notes; it has no words, so it says nothing in any language.
const SEPARATOR: &str = "\n\n---\n\n";

/// A case that a person or a form wrote up.
#[derive(Debug, ToSchema)]
pub(super) struct TicketIn {
    /// The way it came; `whatsapp` and `email` have conversations of their own, see `POST /v1/messages`.
    channel: Channel,
    /// Which of the business's own accounts received it. Default: `default`.
    #[schema(required = false, max_length = 255)]
    account: String,
    /// Who called or filled in the form.
    #[schema(required = false)]
    caller: Contact,
    /// Subject line.
    #[schema(max_length = 998)]
    subject: Option<String>,
    /// What the customer wants, in the words of whoever wrote it up.
    summary: String,
    /// What else is known.
    notes: Option<String>,
    /// A category of the policy.
    category: Option<String>,
    /// An urgency.
    urgency: Option<Urgency>,
    /// The customer's language.
    language: Option<Language>,
    /// The sender's own id, by which a repeated call files it once.
    #[schema(max_length = 255)]
    external_id: Option<String>,
    /// The conversation it belongs to. Default: one of its own, named like the ticket, so that
    /// `POST /v1/messages` with `thread` set to the ticket's id adds to it.
    #[schema(max_length = 255)]
    thread: Option<String>,
    /// When the customer called, RFC 3339. Default: now.
    occurred_at: Option<DateTime<Utc>>,
}

impl TicketIn {
    /// The channels whose cases come whole.
    const CHANNELS: &'static [Channel] =
        &[Channel::Phone, Channel::WebForm, Channel::Chat, Channel::Api];

    pub(super) fn fields(
        form: &mut Form,
        vocabulary: Option<&TenantVocabulary>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let channel = form.required_word("channel", Self::CHANNELS, Channel::as_str);
        let account = form.short("account", KEY).unwrap_or_else(|| "default".to_owned());
        let caller = contact(form, "caller");
        let subject = form.short("subject", LINE);
        let summary = words(form, "summary", false);
        let notes = words(form, "notes", true).filter(|notes| !is_blank(notes));
        let Given { category, urgency, language } = given(form, vocabulary);
        let external_id = form.short("external_id", KEY);
        let thread = form.short("thread", KEY);
        let occurred_at = past_moment(form, "occurred_at", now);
        Some(Self {
            channel: channel?,
            account,
            caller,
            subject,
            summary: summary?,
            notes,
            category,
            urgency,
            language,
            external_id,
            thread,
            occurred_at,
        })
    }

    fn into_message(self, state: &AppState, caller: &Caller, now: DateTime<Utc>) -> InboundMessage {
        let clock = state.clock();
        let (id, ticket_id) = (clock.message_id(), clock.ticket_id());
        let mut text = self.summary;
        if let Some(notes) = &self.notes {
            text.push_str(SEPARATOR);
            text.push_str(notes);
        }
        InboundMessage {
            tenant: caller.tenant.clone(),
            channel: self.channel,
            account: self.account,
            external_id: self.external_id.unwrap_or_else(|| id.as_str().to_owned()),
            thread: self.thread.unwrap_or_else(|| ticket_id.as_str().to_owned()),
            contact: self.caller,
            subject: self.subject,
            text,
            flags: MessageFlags::default(),
            original: None,
            attachments: Vec::new(),
            given: Given {
                category: self.category,
                urgency: self.urgency,
                language: self.language,
            },
            sent_at: self.occurred_at.unwrap_or(now),
            received_at: now,
            id,
            ticket_id,
        }
    }
}

/// Opens a ticket from a call or a form.
///
/// 202 means that it is on disk. Each call opens a ticket of its own, unless it names the `thread`
/// of a conversation; then follow the message instead, at the address in `Location`.
#[utoipa::path(
    post, path = "/v1/tickets", tag = "intake", request_body = TicketIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, kept for 7 days per token")),
    responses((status = 202, description = "On disk; `Location` is where the ticket will be", body = AcceptedBody, headers(("Location" = String))))
)]
pub(super) async fn open(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut payload: Payload,
) -> Result<Response, Problem> {
    let now = state.clock().now();
    let vocabulary = state.vocabulary(&caller.tenant);
    let mut form = payload.form()?;
    let read = TicketIn::fields(&mut form, vocabulary.as_deref(), now);
    let ticket = counted(&state, form.finish(read))?;
    let own_thread = ticket.thread.is_none();
    let kept = keep(&state, &caller, &payload, ticket.into_message(&state, &caller, now)).await?;
    let location = if own_thread {
        format!("/v1/tickets/{}", kept.ticket)
    } else {
        format!("/v1/messages/{}", kept.id)
    };
    let body = AcceptedBody {
        id: kept.id,
        ticket_id: own_thread.then_some(kept.ticket),
        status: "accepted",
        duplicate: kept.duplicate,
    };
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response())
}
