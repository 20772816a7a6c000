//! The page of one file: its text, what the lints say beside it, how it will be read, and what it said before.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::checks::{self, Finding, Proposed};
use super::files::{self, Found, TEXT_MAX};
use super::kind::Kind;
use super::list::state_of;
use super::{Ground, address, blocking, diff, key_of, preview};
use crate::adapters::store::{ContentDraft, ContentKey, ContentState, ContentVersion};
use crate::desk::answer::{Trouble, page};
use crate::desk::frame::{flash, moment};
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Pages, Person, head};
use crate::domain::role::Right;

/// What was just done, as the address says after a form; each has a sentence of its own.
const DONE: &[&str] = &["saved", "published", "same", "rolled_back", "discarded"];

/// A file as it stands now, with what the store knows of it.
pub(super) struct Standing {
    pub(super) kind: Kind,
    pub(super) key: ContentKey,
    pub(super) found: Option<Found>,
    pub(super) draft: Option<ContentDraft>,
    pub(super) versions: Vec<ContentVersion>,
}

impl Standing {
    /// Reads it; `NotFound` where there is neither a file nor a draft nor a version, unless it may be new.
    pub(super) async fn of(
        desk: &Desk,
        person: &Person,
        ground: &Ground,
        (kind, key): (Kind, ContentKey),
        may_be_new: bool,
    ) -> Result<Self, Trouble> {
        let (store, tenant) = (desk.web().store(), &person.tenant);
        let (folders, name) = (ground.folders.clone(), key.name.clone());
        let found = blocking(move || files::one(&folders, kind, &name)).await?;
        let draft =
            if person.may(Right::Write) { store.content_draft(tenant, &key).await? } else { None };
        let versions = store.content_versions(tenant, &key).await?;
        if found.is_none() && draft.is_none() && versions.is_empty() && !may_be_new {
            return Err(Trouble::NotFound);
        }
        Ok(Self { kind, key, found, draft, versions })
    }

    /// The hash of the file; empty where there is none.
    pub(super) fn hash(&self) -> String {
        self.found.as_ref().map(Found::hash).unwrap_or_default()
    }

    /// What the file says; nothing where there is none.
    pub(super) fn text(&self) -> &str {
        self.found.as_ref().map_or("", |found| found.text.as_str())
    }

    fn state(&self) -> &'static str {
        let state = ContentState { latest: self.versions.first().cloned(), draft: None };
        state_of(self.found.as_ref(), &state)
    }
}

/// What a form left on the page: the words that were typed, and what was said of them.
#[derive(Default)]
pub(super) struct Again {
    pub(super) status: StatusCode,
    pub(super) flash: Option<(&'static str, String)>,
    /// The words.
    pub(super) text: Option<String>,
    /// The hash of the file that they began from.
    pub(super) base: Option<String>,
    /// Somebody else's words, which stand in the way.
    pub(super) theirs: Option<ContentDraft>,
}

/// `GET /desk/content/item`.
pub(in crate::desk) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Posted::read(query.unwrap_or_default().as_bytes());
    match Box::pin(shown(&desk, &person, &asked)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn shown(desk: &Desk, person: &Person, asked: &Posted) -> Result<Response, Trouble> {
    let key = key_of(asked.get("tipo"), asked.get("nome")).ok_or(Trouble::NotFound)?;
    let ground = Ground::of(desk, person)?;
    let new = person.may(Right::Write) && asked.get("novo").is_some();
    let standing = Standing::of(desk, person, &ground, key, new).await?;
    let view = ground.view(desk, person);
    let done = asked.get("feito").filter(|done| DONE.contains(done));
    let flash = done.map(|done| ("ok", view.say(&format!("content.done.{done}"), &[])));
    let compared = compared(desk, &view, &standing, asked).await?;
    let empty = standing.found.is_none() && standing.draft.is_none();
    let text = (new && empty).then(|| started(&view, &standing.key, asked.get("titulo")));
    let again = Again { flash, text, ..Again::default() };
    write(desk, &ground, &view, &standing, (again, compared)).await
}

/// What a new article begins with.
fn started(view: &View<'_>, key: &ContentKey, title: Option<&str>) -> String {
    let category = key.name.split('/').nth(1).unwrap_or_default();
    let today = view.now.with_timezone(&view.zone()).date_naive();
    // JSON's way of writing a text is YAML's too.
    let title = Value::from(title.unwrap_or_default());
    format!(
        "---\ntitle: {title}\ncategory: {category}\nupdated: {today}\nrelated: []\nquestions: []\n---\n\n"
    )
}

/// What changed with a version, or since.
async fn compared(
    desk: &Desk,
    view: &View<'_>,
    standing: &Standing,
    asked: &Posted,
) -> Result<Value, Trouble> {
    let Some(version) = asked.get("versao").and_then(|version| version.parse::<i64>().ok()) else {
        return Ok(Value::Null);
    };
    let (store, tenant) = (desk.web().store(), &view.person.tenant);
    let text = store.content_text(tenant, &standing.key, version).await?;
    let text = text.ok_or(Trouble::NotFound)?;
    let n = version.to_string();
    let (title, parts) = if asked.get("com").is_some() {
        (view.say("content.diff.since", &[("n", &n)]), diff::parts(&text, standing.text()))
    } else {
        let before = store.content_text(tenant, &standing.key, version - 1).await?;
        let before = before.unwrap_or_default();
        (view.say("content.diff.with", &[("n", &n)]), diff::parts(&before, &text))
    };
    Ok(json!({"title": title, "parts": parts}))
}

/// Writes the page.
pub(super) async fn write(
    desk: &Desk,
    ground: &Ground,
    view: &View<'_>,
    standing: &Standing,
    (again, compared): (Again, Value),
) -> Result<Response, Trouble> {
    let person = view.person;
    let blocked = ground.blocked(view, standing.kind);
    let kept = standing.draft.as_ref();
    let current = standing.text();
    let text = again.text.as_deref().or(kept.map(|draft| draft.text.as_str())).unwrap_or(current);
    let base = again.base.as_deref().or(kept.map(|draft| draft.base.as_str()));
    let hash = standing.hash();
    // Whoever writes sees what became of the file since they began.
    let moved = base.is_some_and(|base| base != hash).then(|| diff::parts(current, text));
    let (found, preview) = looked_at(ground, view, standing, text).await?;
    let status = again.status;
    let mut frame =
        head::page(desk, view, "content", &standing.key.name, &address(&standing.key)).await?;
    if let Some((kind, text)) = &again.flash {
        flash(&mut frame, kind, text);
    }
    let state = standing.state();
    let rev = again.theirs.as_ref().or(kept).map_or(0, |draft| draft.rev);
    let model = json!({
        "page": frame,
        "item": {
            "kind": standing.kind, "kind_word": view.say(&format!("content.kind.{}", standing.kind), &[]),
            "name": standing.key.name, "href": address(&standing.key),
            "list": format!("/desk/content?tipo={}", standing.kind),
            "title": title(standing, text),
            "state": state, "state_word": view.say(&format!("content.state.{state}"), &[]),
            "why": blocked, "may": blocked.is_none(), "max": TEXT_MAX,
            "text": text, "base": base.unwrap_or(&hash), "seen": hash, "rev": rev,
            "typed": again.text.is_some(),
            "draft": kept.map(|draft| json!({"by": draft.by, "at": moment(desk, person, draft.at)})),
            "moved": moved,
            "theirs": again.theirs.as_ref().map(|draft| json!({
                "by": draft.by, "at": moment(desk, person, draft.at), "parts": diff::parts(&draft.text, text),
            })),
            "findings": checks::shown(&found),
            "preview": preview,
            "history": history(desk, view, standing),
            "diff": compared,
            "try_href": try_address(standing, kept.is_some()),
            "own": standing.found.as_ref().is_some_and(|found| found.own),
        },
        "live": {"js": desk.pages().address(Pages::CONTENT_JS)},
    });
    let mut response = page(desk, person.locale(), "content_item", &model)?;
    *response.status_mut() = status;
    Ok(response)
}

/// What the lints say of a text, and how it will be read.
pub(super) async fn looked_at(
    ground: &Ground,
    view: &View<'_>,
    standing: &Standing,
    text: &str,
) -> Result<(Vec<Finding>, Value), Trouble> {
    let (folders, kind, name) = (ground.folders.clone(), standing.kind, standing.key.name.clone());
    let (text, person) = (text.to_owned(), view.person.clone());
    let (pipeline, pages) = (ground.tenant.pipeline.clone(), view.pages.clone());
    let (pack, now) = (ground.pack.clone(), view.now);
    blocking(move || {
        let view = View { pages: &pages, person: &person, pack: Some(&pack), now };
        let text = Proposed { folders: &folders, kind, name: &name, text: &text };
        let today = now.with_timezone(&view.zone()).date_naive();
        // Who only reads has nothing to correct.
        let writes = view.person.may(Right::Write);
        let found = if writes { checks::check(text, today, view.locale()) } else { Vec::new() };
        let preview = preview::preview(&view, &pipeline, text);
        (found, preview)
    })
    .await
}

fn title(standing: &Standing, text: &str) -> String {
    let article = (standing.kind == Kind::Article)
        .then(|| crate::knowledge::article_of(&standing.key.name, text))
        .flatten();
    article.map_or_else(|| standing.key.name.clone(), |article| article.title)
}

fn try_address(standing: &Standing, draft: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if draft {
        query.append_pair("tipo", &standing.key.kind).append_pair("nome", &standing.key.name);
    }
    format!("/desk/content/try?{}", query.finish()).trim_end_matches('?').to_owned()
}

/// What was published, by whom and when; before it a change in the folder that no version holds.
fn history(desk: &Desk, view: &View<'_>, standing: &Standing) -> Vec<Value> {
    let href = address(&standing.key);
    let hash = standing.hash();
    let changed = matches!(standing.state(), "changed" | "gone");
    let outside = changed.then(|| {
        let at = standing.found.as_ref().and_then(|found| found.changed);
        let word = if standing.state() == "gone" { "gone" } else { "changed" };
        json!({
            "version": null, "what": view.say(&format!("content.history.{word}"), &[]), "by": null,
            "at": at.map(|at| moment(desk, view.person, at)), "current": true, "back": false,
            "diff_href": standing.versions.first().map(|latest| format!("{href}&versao={}&com=agora#diff", latest.version)),
            "since_href": null,
        })
    });
    let of = |one: &ContentVersion| {
        let what = match one.back_to {
            Some(to) => view.say("content.history.back", &[("n", &to.to_string())]),
            None => view.say(&format!("content.history.{}", one.origin), &[]),
        };
        let newest = standing.versions.first().is_some_and(|first| first.version == one.version);
        let current = newest && one.hash == hash && !changed;
        json!({
            "version": one.version, "what": what, "by": one.by, "at": moment(desk, view.person, one.at),
            "current": current, "back": one.hash != hash,
            "diff_href": format!("{href}&versao={}#diff", one.version),
            "since_href": (one.hash != hash).then(|| format!("{href}&versao={}&com=agora#diff", one.version)),
        })
    };
    outside.into_iter().chain(standing.versions.iter().map(of)).collect()
}
