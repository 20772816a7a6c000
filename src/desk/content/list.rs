//! Every file of a kind: its title, and whether it is published, being written, or changed in its folder.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::files::{self, Found};
use super::kind::Kind;
use super::{Ground, address, blocking};
use crate::adapters::store::{ContentKey, ContentState};
use crate::desk::answer::{Trouble, page};
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Person, head};
use crate::domain::labels::Locale;
use crate::domain::role::Right;
use crate::knowledge::{Article, article_of};
use crate::text::fold::fold;

/// `GET /desk/content`.
pub(in crate::desk) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Posted::read(query.unwrap_or_default().as_bytes());
    match Box::pin(write(&desk, &person, &asked)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// A file with what the store knows of it.
struct Row {
    name: String,
    found: Option<Found>,
    state: ContentState,
    article: Option<Article>,
}

async fn write(desk: &Desk, person: &Person, asked: &Posted) -> Result<Response, Trouble> {
    let ground = Ground::of(desk, person)?;
    let view = ground.view(desk, person);
    let kind = asked.get("tipo").and_then(Kind::parse).unwrap_or(Kind::Article);
    let search = asked.get("q").unwrap_or_default();
    let locale = asked.get("idioma").and_then(Locale::parse);
    let rows = rows(desk, &ground, person, kind).await?;
    let total = rows.len();
    let shown: Vec<Value> = rows
        .iter()
        .filter(|row| locale.is_none_or(|locale| locale_of(row) == Some(locale)))
        .filter(|row| search.is_empty() || found_by(row, search))
        .map(|row| shown(desk, &view, kind, row))
        .collect();
    let title = view.say("content.title", &[]);
    let model = json!({
        "page": head::page(desk, &view, "content", &title, "/desk/content").await?,
        "content": {
            "kinds": Kind::ALL.iter().map(|one| json!({
                "href": format!("/desk/content?tipo={one}"), "current": *one == kind,
                "label": view.say(&format!("content.kinds.{one}"), &[]),
            })).collect::<Vec<_>>(),
            "kind": kind, "search": search, "rows": shown, "count": total, "shown": shown.len(),
            "locales": locales(&view, locale),
            "why": ground.blocked(&view, kind),
            "writes": person.may(Right::Write),
            "new": (kind == Kind::Article && ground.blocked(&view, kind).is_none()).then(|| json!({
                "categories": ground.pack.taxonomy.iter().map(|category| json!({
                    "value": category.id, "label": category.name.in_locale(person.locale()),
                })).collect::<Vec<_>>(),
                "locales": locales(&view, Some(ground.pack.business.default_locale())),
            })),
        },
    });
    page(desk, person.locale(), "content", &model)
}

/// The languages that there are, to choose one.
pub(super) fn locales(view: &View<'_>, chosen: Option<Locale>) -> Vec<Value> {
    let of = |locale: &Locale| {
        let label = view.pages.language(view.locale(), *locale);
        json!({"value": locale, "label": label, "selected": chosen == Some(*locale)})
    };
    Locale::ALL.iter().map(of).collect()
}

async fn rows(
    desk: &Desk,
    ground: &Ground,
    person: &Person,
    kind: Kind,
) -> Result<Vec<Row>, Trouble> {
    let states = desk.web().store().content_states(&person.tenant).await?;
    let mut states: BTreeMap<String, ContentState> = states
        .into_iter()
        .filter(|(key, _)| key.kind == kind.as_str())
        .map(|(key, state)| (key.name, state))
        .collect();
    let folders = ground.folders.clone();
    let mut found = blocking(move || files::all(&folders, kind)).await?;
    let writes = person.may(Right::Write);
    // Drafts of new files, and files that were published once, are told of too; drafts only to who writes.
    states.retain(|name, state| {
        found.contains_key(name) || state.latest.is_some() || writes && state.draft.is_some()
    });
    let names: BTreeSet<String> = found.keys().chain(states.keys()).cloned().collect();
    let mut rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            let (found, mut state) =
                (found.remove(&name), states.remove(&name).unwrap_or_default());
            state.draft = state.draft.filter(|_| writes);
            let text = found.as_ref().filter(|_| kind == Kind::Article);
            let article = text.and_then(|found| article_of(&name, &found.text));
            Row { name, found, state, article }
        })
        .collect();
    rows.sort_by_cached_key(|row| {
        let article = row.article.as_ref();
        (article.map(|one| one.category.clone()), article.map(|one| fold(&one.title)))
    });
    Ok(rows)
}

/// The language of a file: what it says, else what its name says.
fn locale_of(row: &Row) -> Option<Locale> {
    if let Some(article) = &row.article {
        return Some(article.locale);
    }
    Locale::ALL.iter().copied().find(|locale| {
        row.name.starts_with(&format!("{locale}/")) || row.name.contains(&format!(".{locale}."))
    })
}

fn found_by(row: &Row, search: &str) -> bool {
    let title = row.article.as_ref().map_or("", |article| article.title.as_str());
    let all = fold(&[title, &row.name].join(" "));
    fold(search).split_whitespace().all(|word| all.contains(word))
}

fn shown(desk: &Desk, view: &View<'_>, kind: Kind, row: &Row) -> Value {
    let key = ContentKey { kind: kind.to_string(), name: row.name.clone() };
    let state = state_of(row.found.as_ref(), &row.state);
    let category = row.article.as_ref().map(|one| view.category(Some(&one.category), None));
    let when = row.state.latest.as_ref().map(|one| one.at);
    json!({
        "href": address(&key),
        "name": row.name,
        "title": row.article.as_ref().map_or(row.name.as_str(), |one| one.title.as_str()),
        "titled": row.article.is_some(),
        "locale": locale_of(row).map(|locale| view.pages.language(view.locale(), locale)),
        "category": category.unwrap_or_default(),
        "state": state,
        "state_word": view.say(&format!("content.state.{state}"), &[]),
        "draft": row.state.draft.as_ref().map(|(by, at)| json!({
            "by": by, "at": crate::desk::frame::moment(desk, view.person, *at),
        })),
        "by": row.state.latest.as_ref().and_then(|one| one.by.clone()),
        "at": when.map(|at| crate::desk::frame::moment(desk, view.person, at)),
    })
}

/// How a file stands: `published` here, `changed` in the folder since, `gone` from it, in the `folder` without having been
/// published here, `shipped` with the program, or `new`, not there yet.
pub(super) fn state_of(found: Option<&Found>, state: &ContentState) -> &'static str {
    match (found, &state.latest) {
        (None, None) => "new",
        (Some(found), Some(latest)) if found.own && latest.hash == found.hash() => "published",
        (Some(found), Some(_)) if found.own => "changed",
        (Some(found), _) if found.own => "folder",
        (Some(_), None) => "shipped",
        // What was published here was taken out of the folder: nothing, or what is shipped, counts again.
        (_, Some(_)) => "gone",
    }
}
