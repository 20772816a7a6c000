//! The box where a message is tried: what would be decided, from which passages, with which words. Nothing of it is kept
//! but what language models cost, where there are any.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::checks::{self, Proposed};
use super::kind::Kind;
use super::list::locales;
use super::{Ground, address, article, blocking, key_of};
use crate::adapters::store::{ContentDraft, ContentKey};
use crate::compose::Templates;
use crate::desk::answer::{Trouble, page};
use crate::desk::frame::flash;
use crate::desk::posted::Posted;
use crate::desk::shown::{View, percent};
use crate::desk::{Desk, Person, head};
use crate::domain::channel::Channel;
use crate::domain::draft::Passage;
use crate::domain::labels::{Language, Locale};
use crate::knowledge::{Library, Source};
use crate::pipeline::{Instead, Outcome, Pipeline, TurnInput};
use crate::prompts::Prompts;
use crate::report::words;

/// Longest message that is tried, in characters.
const MESSAGE_MAX: usize = 8_000;

/// What was asked for.
struct Asked {
    channel: Channel,
    locale: Option<Locale>,
    subject: Option<String>,
    text: String,
    /// The file whose draft is tried.
    draft: Option<(Kind, ContentKey)>,
}

impl Asked {
    fn of(posted: &Posted) -> Self {
        let subject = posted.get("assunto").map(|text| text.chars().take(200).collect());
        Self {
            channel: posted.get("canal").and_then(Channel::parse).unwrap_or(Channel::Whatsapp),
            locale: posted.get("idioma").and_then(Locale::parse),
            subject,
            text: posted.get("text").unwrap_or_default().to_owned(),
            draft: key_of(posted.get("tipo"), posted.get("nome")),
        }
    }
}

/// `GET /desk/content/try`.
pub(in crate::desk) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Asked::of(&Posted::read(query.unwrap_or_default().as_bytes()));
    match Box::pin(write(&desk, &person, &asked, None)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// `POST /desk/content/try`.
pub(in crate::desk) async fn ask(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let asked = Asked::of(&posted);
    match Box::pin(try_out(&desk, &person, &asked)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// What came of it.
enum Told {
    Outcome(Box<Outcome>, Instead),
    Refused(String),
}

async fn try_out(desk: &Desk, person: &Person, asked: &Asked) -> Result<Response, Trouble> {
    let ground = Ground::of(desk, person)?;
    let view = ground.view(desk, person);
    let length = asked.text.chars().count();
    if length == 0 || length > MESSAGE_MAX {
        let why = view.say("content.try.length", &[("n", &MESSAGE_MAX.to_string())]);
        return Box::pin(write(desk, person, asked, Some(Told::Refused(why)))).await;
    }
    let (pipeline, instead) = match with_draft(desk, &ground, &view, asked).await? {
        Ok(found) => found,
        Err(why) => {
            return Box::pin(write(desk, person, asked, Some(Told::Refused(why)))).await;
        }
    };
    let mut turn = TurnInput::fresh(asked.channel, asked.text.clone(), view.now);
    turn.subject.clone_from(&asked.subject);
    turn.given.language = asked.locale.map(|locale| match locale {
        Locale::PtBr => Language::PtBr,
        Locale::En => Language::En,
    });
    let outcome = (desk.homes().try_turn)(person.tenant.clone(), pipeline, turn).await?;
    Box::pin(write(desk, person, asked, Some(Told::Outcome(Box::new(outcome), instead)))).await
}

/// The pipeline to try with: as it is published, or with a draft in the place of its file.
async fn with_draft(
    desk: &Desk,
    ground: &Ground,
    view: &View<'_>,
    asked: &Asked,
) -> Result<Result<(Arc<Pipeline>, Instead), String>, Trouble> {
    let published = Arc::clone(&ground.tenant.pipeline);
    let Some((kind, key)) = &asked.draft else {
        return Ok(Ok((published, Instead::default())));
    };
    let draft = desk.web().store().content_draft(&view.person.tenant, key).await?;
    let Some(ContentDraft { text, .. }) = draft else {
        return Ok(Err(view.say("content.refused.no_draft", &[])));
    };
    let (folders, kind, name) = (ground.folders.clone(), *kind, key.name.clone());
    let (zone, now, lang) = (view.zone(), view.now, view.locale());
    let made = blocking(move || {
        let text = Proposed { folders: &folders, kind, name: &name, text: &text };
        if let Some(instead) = instead(text) {
            return Ok((Arc::new(published.with(instead.clone())), instead));
        }
        let today = now.with_timezone(&zone).date_naive();
        let errors = checks::check(text, today, lang).into_iter().filter(|one| one.error);
        Err(errors.map(|one| one.message).take(3).collect::<Vec<_>>().join("; "))
    })
    .await?;
    Ok(made.map_err(|why| view.say("content.try.broken", &[("why", &why)])))
}

/// Loads content with a text in the place of its file; `None` where it cannot be used.
fn instead(text: Proposed<'_>) -> Option<Instead> {
    let Proposed { folders, kind, name, text } = text;
    let folder = folders.of(kind);
    let changed = Some((name, text));
    let mut instead = Instead::default();
    match kind {
        Kind::Article => {
            let source =
                folder.map_or(Source::Samples, |folder| Source::Company(folder.to_owned()));
            let articles = source.read_with(name, text).ok()?;
            instead.library = Some(Arc::new(Library::open(articles, None, None).ok()?));
        }
        Kind::Template => {
            instead.templates = Some(Arc::new(Templates::load_with(folder, changed).ok()?));
        }
        Kind::Prompt => {
            instead.prompts = Some(Arc::new(Prompts::load_with(folder, changed).ok()?));
        }
    }
    Some(instead)
}

async fn write(
    desk: &Desk,
    person: &Person,
    asked: &Asked,
    told: Option<Told>,
) -> Result<Response, Trouble> {
    let ground = Ground::of(desk, person)?;
    let view = ground.view(desk, person);
    let title = view.say("content.try.title", &[]);
    let mut frame = head::page(desk, &view, "content", &title, "/desk/content/try").await?;
    let mut status = StatusCode::OK;
    let outcome = match &told {
        None => Value::Null,
        Some(Told::Refused(why)) => {
            status = StatusCode::UNPROCESSABLE_ENTITY;
            flash(&mut frame, "bad", why);
            Value::Null
        }
        Some(Told::Outcome(outcome, instead)) => {
            let library =
                instead.library.as_deref().unwrap_or_else(|| ground.tenant.pipeline.library());
            shown(&view, &ground, outcome, library)
        }
    };
    let draft = asked
        .draft
        .as_ref()
        .map(|(_, key)| json!({"kind": key.kind, "name": key.name, "href": address(key)}));
    let by_meaning = ground.tenant.pipeline.library().fits().any(|(.., fit)| fit.meaning.is_some());
    let of_article = asked.draft.as_ref().is_some_and(|(kind, _)| *kind == Kind::Article);
    let model = json!({
        "page": frame,
        "try": {
            "channels": Channel::ALL.iter().map(|channel| json!({
                "value": channel, "label": words::channel(channel.as_str(), view.locale()),
                "selected": *channel == asked.channel,
            })).collect::<Vec<_>>(),
            "locales": locales(&view, asked.locale), "detect": asked.locale.is_none(),
            "subject": asked.subject, "text": asked.text, "max": MESSAGE_MAX,
            "draft": draft, "words_only": of_article && by_meaning,
            "outcome": outcome,
        },
    });
    let mut response = page(desk, person.locale(), "content_try", &model)?;
    *response.status_mut() = status;
    Ok(response)
}

fn shown(view: &View<'_>, ground: &Ground, outcome: &Outcome, library: &Library) -> Value {
    let decision = &outcome.decision;
    let understood = &outcome.understood;
    let reasons: Vec<Value> = decision
        .reasons
        .iter()
        .map(|reason| json!({"text": reason.text.in_locale(view.locale()), "rule": reason.rule}))
        .collect();
    let cost: u64 = outcome.calls.iter().map(|call| call.cost_micros).sum();
    let category =
        view.category(Some(&understood.category.value), understood.subcategory.value.as_deref());
    let threshold = ground.pack.thresholds().send;
    json!({
        "action": decision.action,
        "action_word": view.say(&format!("audit.action.{}", decision.action), &[]),
        "confidence": percent(decision.confidence.get()),
        "threshold": percent(threshold),
        "queue": decision.queue.as_deref().map(|queue| view.team(queue)),
        "facts": [category, view.urgency(decision.priority.as_str()), view.sentiment(understood.sentiment.value.as_str())],
        "reasons": reasons,
        "passages": outcome.passages.iter().map(|one| passage(one, library)).collect::<Vec<_>>(),
        "draft": outcome.draft.as_ref().map(|draft| json!({
            "text": draft.text, "choices": draft.choices, "locale": draft.locale,
            "kind_word": view.say(&format!("draft.kind.{}", draft.kind), &[]),
        })),
        "safety": outcome.safety.as_ref().map(|draft| &draft.text),
        "calls": (!outcome.calls.is_empty()).then(|| view.say("content.try.calls", &[
            ("n", &outcome.calls.len().to_string()),
            ("cost", &format!("{}.{:06}", cost / 1_000_000, cost % 1_000_000)),
        ])),
    })
}

fn passage(one: &Passage, library: &Library) -> Value {
    let found = library.article(&one.article, one.locale);
    json!({
        "title": found.map_or(one.article.as_str(), |article| article.title.as_str()),
        "heading": one.heading, "text": one.text, "locale": one.locale,
        "score": percent(one.score.clamp(0.0, 1.0)), "above_floor": one.above_floor,
        "href": article(&one.article, one.locale),
    })
}
