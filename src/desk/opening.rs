//! A case that somebody brings by another way: a call, a visit, a form on paper. An agent writes it up and has it in hand.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use serde_json::{Value, json};

use super::answer::{Trouble, page, see_other};
use super::frame::flash;
use super::posted::Posted;
use super::shown::View;
use super::{Desk, Person, head};
use crate::adapters::store::{Actor, Change, Intake, Recorded, TurnWindow};
use crate::domain::channel::Channel;
use crate::domain::labels::{Language, Urgency};
use crate::domain::message::{Contact, Given, InboundMessage, MessageFlags};
use crate::report::words;
use crate::web::{is_email, is_phone};

/// How cases come that an agent writes up; those of networks have conversations of their own.
const CHANNELS: &[Channel] = &[Channel::Phone, Channel::WebForm, Channel::Chat];
/// How long the agent keeps the conversation.
const HOLD: Duration = Duration::minutes(30);
/// Most letters of a name, an address or a subject.
const LINE_MAX: usize = 200;
/// Most bytes of what the case is about.
const WORDS_MAX: usize = 64 * 1024;
/// Letters of the key under which a form that is sent twice opens one ticket.
const KEY_LETTERS: usize = 32;

/// `GET /desk/new`.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
) -> Response {
    let written = Box::pin(write(&desk, &person, &Posted::default(), None)).await;
    written.unwrap_or_else(|trouble| trouble.page(&desk, person.locale()))
}

/// `POST /desk/new`.
pub(super) async fn open(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let opened = match read(&desk, &person, &posted) {
        Ok(message) => Box::pin(file(&desk, &person, message)).await,
        Err(problem) => Box::pin(write(&desk, &person, &posted, Some(problem))).await,
    };
    opened.unwrap_or_else(|trouble| trouble.page(&desk, person.locale()))
}

/// Reads the form, or says what is wrong as a text of the pages.
fn read(desk: &Desk, person: &Person, posted: &Posted) -> Result<InboundMessage, &'static str> {
    let line = |name: &str| {
        let text = posted.get(name);
        match text {
            Some(text) if text.chars().count() > LINE_MAX => Err("opening.long_line"),
            text => Ok(text.map(str::to_owned)),
        }
    };
    let once = key(posted).ok_or("refused.version")?;
    let channel = posted.get("channel").and_then(Channel::parse);
    let channel = channel.filter(|one| CHANNELS.contains(one)).ok_or("refused.value")?;
    let contact = Contact {
        reference: None,
        name: line("name")?,
        email: line("email")?,
        phone: line("phone")?,
    };
    if contact.email.as_deref().is_some_and(|email| !is_email(email)) {
        return Err("opening.email_wrong");
    }
    if contact.phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
        return Err("opening.phone_wrong");
    }
    if contact == Contact::default() {
        return Err("opening.nobody");
    }
    let subject = line("subject")?;
    let text = posted.raw("summary").unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() {
        return Err("opening.empty");
    }
    if text.len() > WORDS_MAX {
        return Err("opening.long");
    }
    let given = given(desk, person, posted)?;
    let clock = desk.web().clock();
    let (now, ticket_id) = (clock.now(), clock.ticket_id());
    Ok(InboundMessage {
        id: clock.message_id(),
        tenant: person.tenant.clone(),
        channel,
        account: "default".to_owned(),
        external_id: format!("desk-{once}"),
        thread: ticket_id.as_str().to_owned(),
        contact,
        subject,
        text,
        flags: MessageFlags::default(),
        original: None,
        attachments: Vec::new(),
        given,
        sent_at: now,
        received_at: now,
        ticket_id,
    })
}

/// The key that the page gave to its form.
fn key(posted: &Posted) -> Option<&str> {
    let once = posted.get("once")?;
    let fits = once.len() == KEY_LETTERS && once.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then_some(once)
}

/// What the agent says that the case is; where they say nothing, it is understood from the words.
fn given(desk: &Desk, person: &Person, posted: &Posted) -> Result<Given, &'static str> {
    let tenant = desk.tenant(&person.tenant);
    let known = |id: &str| {
        tenant.as_ref().is_some_and(|tenant| tenant.pipeline.pack().category(id).is_some())
    };
    let category = posted.get("category");
    if category.is_some_and(|id| !known(id)) {
        return Err("refused.value");
    }
    let word = |name: &str| posted.get(name);
    Ok(Given {
        category: category.map(str::to_owned),
        urgency: word("urgency")
            .map(|one| Urgency::parse(one).ok_or("refused.value"))
            .transpose()?,
        language: word("language")
            .map(|one| Language::parse(one).ok_or("refused.value"))
            .transpose()?,
    })
}

/// Files the case and gives it to whoever wrote it up.
async fn file(desk: &Desk, person: &Person, message: InboundMessage) -> Result<Response, Trouble> {
    let (clock, store) = (desk.web().clock(), desk.web().store());
    let now = message.received_at;
    let tenant = desk.tenant(&person.tenant).ok_or(Trouble::NotFound)?;
    let window = tenant.pipeline.pack().turn_window(message.channel);
    let intake = Intake {
        window: TurnWindow {
            after_last: Duration::seconds(i64::from(window.after_last_secs)),
            at_most: Duration::seconds(i64::from(window.max_secs)),
        },
        conversation_id: clock.conversation_id(),
        job_id: clock.job_id(),
        message,
    };
    let recorded = store.record_inbound(now, vec![intake]).await?;
    let Some(Recorded::New(ticket)) = recorded.into_iter().next() else {
        // The form came twice; the ticket is among the others.
        return Ok(see_other("/desk/review?de=mine"));
    };
    let actor = Actor { name: person.name.clone() };
    store.change_ticket(now, &person.tenant, &ticket, actor, Change::Claim(now + HOLD)).await?;
    Ok(see_other(&format!("/desk/review?de=mine&t={ticket}")))
}

/// Writes the page, with what was typed and what was wrong with it.
async fn write(
    desk: &Desk,
    person: &Person,
    posted: &Posted,
    problem: Option<&'static str>,
) -> Result<Response, Trouble> {
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let locale = view.locale();
    let option = |name: &str, value: &str, label: &str| {
        let selected = posted.get(name) == Some(value);
        json!({"value": value, "label": label, "selected": selected})
    };
    let categories = view.pack.map(|pack| pack.taxonomy.as_slice()).unwrap_or_default();
    let channels = CHANNELS
        .iter()
        .map(|one| option("channel", one.as_str(), words::channel(one.as_str(), locale)));
    let categories =
        categories.iter().map(|one| option("category", &one.id, one.name.in_locale(locale)));
    let urgencies = Urgency::ALL
        .iter()
        .map(|one| option("urgency", one.as_str(), words::priority(*one, locale)));
    let languages = Language::ALL
        .iter()
        .map(|one| option("language", one.as_str(), words::language(*one, locale)));
    let typed = |name: &str| posted.get(name).unwrap_or_default();
    let fresh = format!("{:032x}", desk.web().clock().fresh_bits());
    let title = view.say("opening.title", &[]);
    let mut frame = head::page(desk, &view, "new", &title, "/desk/new").await?;
    if let Some(word) = problem {
        flash(&mut frame, "bad", &view.say(word, &[]));
    }
    let model = json!({
        "page": frame,
        "new": {
            "once": key(posted).unwrap_or(&fresh),
            "channels": channels.collect::<Vec<Value>>(),
            "categories": categories.collect::<Vec<Value>>(),
            "urgencies": urgencies.collect::<Vec<Value>>(),
            "languages": languages.collect::<Vec<Value>>(),
            "name": typed("name"), "phone": typed("phone"), "email": typed("email"),
            "subject": typed("subject"),
            "summary": posted.raw("summary").unwrap_or_default(),
            "line_max": LINE_MAX,
        },
    });
    let mut response = page(desk, locale, "new", &model)?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
