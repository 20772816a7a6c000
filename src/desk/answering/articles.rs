//! Articles to look into while answering: searched by words, put into the answer passage by passage.

use serde_json::{Value, json};

use super::super::Desk;
use super::super::answer::Trouble;
use super::super::asked::Asked;
use super::super::shown::{View, percent};
use super::locale_of;
use crate::adapters::store::TicketView;
use crate::compose;
use crate::domain::channel::Channel;
use crate::domain::draft::Passage;
use crate::domain::ids::TicketId;
use crate::domain::labels::Locale;
use crate::pipeline::Pipeline;

/// Passages that a search shows.
const SHOWN: usize = 6;
/// Parts of an edited text that are looked up, and passages that each may bring.
const PARTS: usize = 8;
const EACH: usize = 2;

/// What the search for articles shows at a ticket.
pub(super) async fn model(
    desk: &Desk,
    view: &View<'_>,
    (asked, ticket): (&Asked, &TicketView),
    id: &TicketId,
) -> Result<Value, Trouble> {
    let query = asked.articles.as_deref().unwrap_or_default();
    let locale = locale_of(desk, view, ticket);
    let tenant = desk.tenant(&view.person.tenant);
    let rows = match tenant {
        Some(tenant) if !query.is_empty() => {
            let (words, pipeline) = (query.to_owned(), tenant.pipeline);
            let search = move || {
                let found = pipeline.library().search(&words, locale, SHOWN);
                found.iter().map(|one| title(&pipeline, one)).zip(found.clone()).collect::<Vec<_>>()
            };
            // A search that panics finds nothing.
            tokio::task::spawn_blocking(search).await.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let channel = channel(ticket);
    let rows: Vec<Value> =
        rows.iter().map(|(title, passage)| row(title, passage, channel)).collect();
    let wishes = desk.web().store().wishes_at(&view.person.tenant, id).await?;
    let keep: Vec<Value> = asked
        .pairs()
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "artigos" | "frase"))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    Ok(json!({
        "query": query, "rows": rows, "searched": !query.is_empty(), "keep": keep,
        "wishes": wishes.iter().map(|wish| json!({"text": wish.text, "by": wish.by, "at": view.moment(wish.at)})).collect::<Vec<_>>(),
    }))
}

fn channel(ticket: &TicketView) -> Channel {
    Channel::parse(&ticket.row.channel).unwrap_or(Channel::Api)
}

fn title(pipeline: &Pipeline, passage: &Passage) -> String {
    let article = pipeline.library().article(&passage.article, passage.locale);
    article.map_or_else(|| passage.article.clone(), |article| article.title.clone())
}

fn row(title: &str, passage: &Passage, channel: Channel) -> Value {
    json!({
        "title": title, "heading": passage.heading, "article": passage.article, "locale": passage.locale,
        "key": key(passage), "score": percent(passage.score.clamp(0.0, 1.0)), "answers": passage.above_floor,
        "text": compose::for_channel(&passage.text, channel),
    })
}

/// What tells a passage apart in a form.
fn key(passage: &Passage) -> String {
    format!("{}#{}#{}", passage.locale, passage.article, passage.heading)
}

/// The words of a passage that a form names, for the ticket's channel.
pub(super) fn passage(
    desk: &Desk,
    view: &View<'_>,
    ticket: &TicketView,
    key: &str,
) -> Option<String> {
    let mut parts = key.splitn(3, '#');
    let (locale, article) = (Locale::parse(parts.next()?)?, parts.next()?);
    let heading = parts.next().unwrap_or_default();
    let tenant = desk.tenant(&view.person.tenant)?;
    let article = tenant.pipeline.library().article(article, locale)?;
    let section =
        article.sections.iter().find(|section| section.heading.trim() == heading.trim())?;
    Some(compose::for_channel(&section.text, channel(ticket)))
}

/// The passages that bear an edited text besides those of its draft: what somebody took from other articles is looked up
/// part by part, so that nothing has to be told of where it came from.
pub(in crate::desk) fn bearing(
    pipeline: &Pipeline,
    (text, draft): (&str, &str),
    locale: Locale,
    known: &[Passage],
) -> Vec<Passage> {
    let mut passages = known.to_vec();
    let parts = text.split("\n\n").map(str::trim);
    let own = parts.filter(|part| part.chars().count() >= 20 && !draft.contains(part));
    for part in own.take(PARTS) {
        let found = pipeline.library().search(part, locale, EACH);
        for one in found.into_iter().filter(|one| one.above_floor && one.locale == locale) {
            let same =
                |other: &Passage| other.article == one.article && other.heading == one.heading;
            if !passages.iter().any(same) {
                passages.push(one);
            }
        }
    }
    passages
}
