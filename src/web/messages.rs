//! Messages handed in by other systems, and what became of them.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::form::{Form, Limits, unknown_word};
use super::payload::Payload;
use super::problem::{Kind, Problem, say};
use super::tickets::is_id;
use super::{AppState, TenantVocabulary};
use crate::adapters::inbox::{Accepted, Whereabouts};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, TicketId};
use crate::domain::labels::{Language, Urgency};
use crate::domain::message::{Contact, Given, InboundMessage, MessageFlags};

/// Most bytes of a message's text.
pub(super) const TEXT_MAX_BYTES: usize = 1024 * 1024;
/// The account of a business that has only one on a channel.
const ACCOUNT: &str = "default";
pub(super) const KEY: Limits = Limits { max: 255, exact: true };
pub(super) const LINE: Limits = Limits { max: 998, exact: false };
pub(super) const NAME: Limits = Limits { max: 200, exact: false };
const EMAIL: Limits = Limits { max: 254, exact: true };
const PHONE: Limits = Limits { max: 40, exact: true };

/// A message from a customer.
#[derive(Debug, ToSchema)]
pub(super) struct MessageIn {
    /// The way it came, which is the way its answer leaves.
    channel: Channel,
    /// Which of the business's own accounts received it, e.g. a number or a mailbox. Default: `default`.
    #[schema(required = false, max_length = 255)]
    account: String,
    /// The sender's own id: with tenant, channel and account it makes the message unique, so that a
    /// repeated call files it once. Default: the id that the answer names.
    #[schema(max_length = 255)]
    external_id: Option<String>,
    /// What joins messages to one conversation. Default: the customer's reference, phone or e-mail,
    /// else the message stands alone.
    #[schema(max_length = 255)]
    thread: Option<String>,
    /// Who wrote.
    #[schema(required = false)]
    from: Contact,
    /// Subject line.
    #[schema(max_length = 998)]
    subject: Option<String>,
    /// The words, at most 1 MiB. Needed unless `media` is true. NUL characters become U+FFFD.
    text: String,
    /// When the customer sent it, RFC 3339. Default: now.
    sent_at: Option<DateTime<Utc>>,
    /// A category of the policy, where a form asked for it.
    category: Option<String>,
    /// An urgency, where a form asked for it.
    urgency: Option<Urgency>,
    /// The language, where known.
    language: Option<Language>,
    /// True when the meaning lies in an image, a recording or a file.
    #[schema(required = false)]
    media: bool,
    /// True when a machine wrote it.
    #[schema(required = false)]
    automatic: bool,
}

impl MessageIn {
    pub(super) fn read(
        mut form: Form,
        vocabulary: Option<&TenantVocabulary>,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let read = Self::fields(&mut form, vocabulary, now);
        form.finish(read)
    }

    pub(super) fn fields(
        form: &mut Form,
        vocabulary: Option<&TenantVocabulary>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let channel = form.required_word("channel", Channel::ALL, Channel::as_str);
        let account = form.short("account", KEY).unwrap_or_else(|| ACCOUNT.to_owned());
        let external_id = form.short("external_id", KEY);
        let thread = form.short("thread", KEY);
        let from = contact(form, "from");
        let subject = form.short("subject", LINE);
        let media = form.flag("media").unwrap_or(false);
        let text = words(form, "text", media);
        let sent_at = past_moment(form, "sent_at", now);
        let Given { category, urgency, language } = given(form, vocabulary);
        let automatic = form.flag("automatic").unwrap_or(false);
        Some(Self {
            channel: channel?,
            account,
            external_id,
            thread,
            from,
            subject,
            text: text?,
            sent_at,
            category,
            urgency,
            language,
            media,
            automatic,
        })
    }

    fn into_message(self, state: &AppState, caller: &Caller, now: DateTime<Utc>) -> InboundMessage {
        let clock = state.clock();
        let id = clock.message_id();
        let external_id = self.external_id.unwrap_or_else(|| id.as_str().to_owned());
        let thread = self.thread.or_else(|| thread_of(&self.from));
        InboundMessage {
            ticket_id: clock.ticket_id(),
            tenant: caller.tenant.clone(),
            channel: self.channel,
            account: self.account,
            thread: thread.unwrap_or_else(|| external_id.clone()),
            external_id,
            contact: self.from,
            subject: self.subject,
            text: self.text,
            flags: MessageFlags { automatic: self.automatic, media: self.media, held: false },
            original: None,
            attachments: Vec::new(),
            given: Given {
                category: self.category,
                urgency: self.urgency,
                language: self.language,
            },
            sent_at: self.sent_at.unwrap_or(now),
            received_at: now,
            id,
        }
    }
}

/// What a message or a ticket that was handed in is called from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedBody {
    /// The message's id.
    pub(super) id: MessageId,
    /// The ticket's id, where it is known already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_id: Option<TicketId>,
    /// Always `accepted`: it is on disk.
    pub(super) status: &'static str,
    /// True when it had been handed in before; these are the ids of that first time.
    pub(super) duplicate: bool,
}

/// Takes a customer's message in.
///
/// 202 means that it is on disk. The same `external_id`, or the same `Idempotency-Key` with the same
/// body, never files it twice.
#[utoipa::path(
    post, path = "/v1/messages", tag = "intake", request_body = MessageIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, kept for 7 days per token")),
    responses((status = 202, description = "On disk; `Location` is where to follow it", body = AcceptedBody, headers(("Location" = String))))
)]
pub(super) async fn accept(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    mut payload: Payload,
) -> Result<Response, Problem> {
    let now = state.clock().now();
    let vocabulary = state.vocabulary(&caller.tenant);
    let read = MessageIn::read(payload.form()?, vocabulary.as_deref(), now);
    let message = counted(&state, read)?.into_message(&state, &caller, now);
    let kept = keep(&state, &caller, &payload, message).await?;
    let location = format!("/v1/messages/{}", kept.id);
    let body = AcceptedBody {
        id: kept.id,
        ticket_id: None,
        status: "accepted",
        duplicate: kept.duplicate,
    };
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response())
}

/// Counts what was refused for its content.
pub(super) fn counted<T>(state: &AppState, read: Result<T, Problem>) -> Result<T, Problem> {
    read.inspect_err(|_| state.metrics().message("refused"))
}

/// Under which ids a message was kept.
pub(super) struct Kept {
    pub(super) id: MessageId,
    pub(super) ticket: TicketId,
    pub(super) duplicate: bool,
}

/// Puts a message on disk, or says why not.
pub(super) async fn keep(
    state: &AppState,
    caller: &Caller,
    payload: &Payload,
    message: InboundMessage,
) -> Result<Kept, Problem> {
    let (id, ticket) = (message.id.clone(), message.ticket_id.clone());
    let accepted = state.inbox().accept(message, payload.once(caller)).await;
    match counted(state, accepted.map_err(Problem::from))? {
        Accepted::New => {
            state.metrics().message("accepted");
            Ok(Kept { id, ticket, duplicate: false })
        }
        Accepted::Duplicate(id, ticket) => {
            state.metrics().message("duplicate");
            Ok(Kept { id, ticket, duplicate: true })
        }
        Accepted::KeyReused => counted(state, Err(key_reused())),
        Accepted::Full => counted(
            state,
            Err(Problem::new(
                Kind::Unavailable,
                say(
                    "Há mensagens demais à espera. Esta não foi guardada; envie-a de novo em instantes.",
                    "Too many messages wait already. This one was not kept; send it again shortly.",
                ),
            )
            .retry_after(10)),
        ),
    }
}

/// Says that a key stands for another call already.
pub(super) fn key_reused() -> Problem {
    Problem::new(
        Kind::KeyReused,
        say(
            "Esta `Idempotency-Key` já foi usada com outro corpo ou endereço. Use uma chave nova para um pedido novo.",
            "This `Idempotency-Key` was used with another body or address. Use a new key for a new request.",
        ),
    )
}

/// Where a message is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageState {
    /// The message's id.
    id: MessageId,
    /// `waiting` (on disk), `filed` (its ticket is known), `decided`, `duplicate` (a copy of a
    /// message filed before) or `set_aside` (a person must look).
    state: &'static str,
    /// The ticket, once it is filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<String>,
    /// Where the ticket is.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
}

/// Says what became of a message.
#[utoipa::path(
    get, path = "/v1/messages/{id}", tag = "intake",
    params(("id" = String, Path, description = "The message's id")),
    responses((status = 200, description = "Where the message is", body = MessageState))
)]
pub(super) async fn whereabouts(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<MessageState>, Problem> {
    if !is_id(&id, MessageId::PREFIX) {
        return Err(no_message());
    }
    let id = MessageId::from_stored(id);
    if let Some(found) = filed(&state, &caller, &id).await? {
        return Ok(Json(found));
    }
    let word = match state.inbox().find(&caller.tenant, &id).await? {
        Some((Whereabouts::Waiting, _)) => "waiting",
        Some((Whereabouts::SetAside(_), _)) => "set_aside",
        // It may have been filed between the two questions.
        Some((Whereabouts::Taken, _)) => match filed(&state, &caller, &id).await? {
            Some(found) => return Ok(Json(found)),
            None => "duplicate",
        },
        None => return Err(no_message()),
    };
    Ok(Json(MessageState { id, state: word, ticket_id: None, ticket: None }))
}

fn no_message() -> Problem {
    Problem::new(
        Kind::NotFound,
        say("Não há mensagem com este id.", "There is no message with this id."),
    )
}

async fn filed(
    state: &AppState,
    caller: &Caller,
    id: &MessageId,
) -> Result<Option<MessageState>, Problem> {
    let found = state.store().ticket_of_message(&caller.tenant, id.as_str()).await?;
    Ok(found.map(|(ticket, decided)| MessageState {
        id: id.clone(),
        state: if decided { "decided" } else { "filed" },
        ticket: Some(format!("/v1/tickets/{ticket}")),
        ticket_id: Some(ticket),
    }))
}

/// Reads the words of a message. Blank text is refused unless something else carries the meaning.
pub(super) fn words(form: &mut Form, name: &'static str, may_be_blank: bool) -> Option<String> {
    let before = form.problem_count();
    let text = form.text(name).unwrap_or_default();
    if form.problem_count() > before {
        return None;
    }
    if text.len() > TEXT_MAX_BYTES {
        form.wrong(
            name,
            say(
                format!("tem mais de {TEXT_MAX_BYTES} bytes"),
                format!("has more than {TEXT_MAX_BYTES} bytes"),
            ),
            Some(say(
                "envie só o texto novo, sem o histórico citado",
                "send only the new text, without the quoted history",
            )),
        );
        return None;
    }
    if !may_be_blank && is_blank(&text) {
        form.wrong(
            name,
            say("está vazio", "is empty"),
            Some(say(
                "envie as palavras do cliente; se a mensagem é só mídia, envie também \"media\": true",
                "send the customer's words; if the message is media alone, send \"media\": true as well",
            )),
        );
        return None;
    }
    // PostgreSQL cannot store NUL.
    Some(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text })
}

/// True when nothing in a text can be seen.
pub(super) fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{00ad}')
    };
    text.chars().all(unseen)
}

/// Reads what a form or a phone agent stated about the case.
pub(super) fn given(form: &mut Form, vocabulary: Option<&TenantVocabulary>) -> Given {
    let category = form.short("category", KEY);
    if let (Some(category), Some(vocabulary)) = (&category, vocabulary)
        && !vocabulary.categories.contains_key(category)
    {
        let words: Vec<&str> = vocabulary.categories.keys().map(String::as_str).collect();
        let (problem, hint) = unknown_word(category, &words);
        form.wrong("category", problem, Some(hint));
    }
    Given {
        category,
        urgency: form.word("urgency", Urgency::ALL, Urgency::as_str),
        language: form.word("language", Language::ALL, Language::as_str),
    }
}

/// Reads who wrote.
pub(super) fn contact(form: &mut Form, name: &'static str) -> Contact {
    let Some(mut inner) = form.object(name) else { return Contact::default() };
    let contact = Contact {
        reference: inner.short("reference", KEY),
        name: inner.short("name", NAME),
        email: inner.short("email", EMAIL),
        phone: inner.short("phone", PHONE),
    };
    if contact.email.as_deref().is_some_and(|email| !is_email(email)) {
        inner.wrong("email", not_email().0, Some(not_email().1));
    }
    if contact.phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
        inner.wrong("phone", not_phone().0, Some(not_phone().1));
    }
    form.adopt(inner);
    contact
}

/// What is wrong with a value, and what to do.
pub(super) type ProblemAndHint =
    (crate::domain::decision::LocalText, crate::domain::decision::LocalText);

pub(super) fn not_email() -> ProblemAndHint {
    (
        say("não é um endereço de e-mail", "is not an e-mail address"),
        say("escreva, por exemplo, ana@exemplo.com.br", "write, for example, ana@example.com"),
    )
}

pub(super) fn not_phone() -> ProblemAndHint {
    (
        say("não é um número de telefone", "is not a phone number"),
        say(
            "escreva o país, o DDD e o número, por exemplo +55 11 91234-5678",
            "write country, area and number, for example +55 11 91234-5678",
        ),
    )
}

/// True for one `@` between two parts, the second with a dot inside, and no blanks.
pub(crate) fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"".contains(c))
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| !label.is_empty())
        })
}

/// True for 8 to 15 digits (E.164) with the usual marks between them.
pub(crate) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (8..=15).contains(&digits)
        && text.chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c))
        && !text.chars().skip(1).any(|c| c == '+')
}

/// Reads a moment that is not in the future, clocks being what they are.
pub(super) fn past_moment(
    form: &mut Form,
    name: &'static str,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let moment = form.moment(name)?;
    if moment > now + Duration::days(1) {
        form.wrong(
            name,
            say("está no futuro", "is in the future"),
            Some(say(
                "confira o relógio e o fuso de quem envia, ou deixe o campo de fora",
                "check the sender's clock and time zone, or leave the field out",
            )),
        );
        return None;
    }
    Some(moment)
}

/// The conversation of a contact: spelled the same however a number or an address was typed.
fn thread_of(contact: &Contact) -> Option<String> {
    let phone = || {
        let digits = |phone: &String| phone.chars().filter(char::is_ascii_digit).collect();
        contact.phone.as_ref().map(digits)
    };
    let reference = contact.reference.clone();
    reference.or_else(phone).or_else(|| contact.email.as_ref().map(|email| email.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_told_from_other_words() {
        for (text, expected) in [
            ("ana@exemplo.com.br", true),
            ("joão.silva+x@empresa.com", true),
            ("ana", false),
            ("ana@localhost", false),
            ("@exemplo.com", false),
            ("ana@exemplo..com", false),
            ("a@b@c.com", false),
            ("Ana <ana@exemplo.com>", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
        for (text, expected) in [
            ("+55 11 91234-5678", true),
            ("(11) 1234-5678", true),
            ("5511912345678", true),
            ("1234567", false),
            ("ramal 12345678", false),
            ("11+912345678", false),
            ("+1234567890123456", false),
        ] {
            assert_eq!(is_phone(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_nobody_can_see_is_blank() {
        for (text, expected) in [
            ("", true),
            (" \n\t", true),
            ("\u{200b}\u{feff}", true),
            ("\0\0", true),
            ("👍", false),
            ("?", false),
        ] {
            assert_eq!(is_blank(text), expected, "{text:?}");
        }
    }
}
