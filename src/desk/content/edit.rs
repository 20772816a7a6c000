//! What is done with a text: previewed, kept as a draft, published, thrown away; and an older version taken up again.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::checks::Finding;
use super::files::{self, NotWritten, TEXT_MAX};
use super::item::{Again, Standing, looked_at, write};
use super::kind::{Kind, new_article};
use super::{Ground, address, blocking, key_of};
use crate::adapters::store::{NewContentDraft, Publication};
use crate::desk::answer::{Trouble, see_other};
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Person};
use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// `POST /desk/content/new`: goes to the page of an article that is not there yet. Nothing is written.
pub(in crate::desk) async fn create(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let locale = posted.get("idioma").and_then(Locale::parse);
    let (category, title) =
        (posted.get("categoria").unwrap_or_default(), posted.get("titulo").unwrap_or_default());
    let name = locale.and_then(|locale| new_article(locale, category, title));
    let Some((_, key)) = name.and_then(|name| key_of(Some("article"), Some(&name))) else {
        let text = LocalText::new(
            "Escreva um título com letras ou números e escolha idioma e categoria.",
            "Write a title with letters or figures, and choose language and category.",
        );
        let refused = Trouble::Refused(StatusCode::UNPROCESSABLE_ENTITY, text);
        return refused.page(&desk, person.locale());
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("novo", "1").append_pair("titulo", title);
    see_other(&format!("{}&{}", address(&key), query.finish()))
}

/// `POST /desk/content/item`.
pub(in crate::desk) async fn post(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    match Box::pin(act(&desk, &person, &posted)).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

/// A form that is being answered.
struct Act<'a> {
    desk: &'a Desk,
    ground: &'a Ground,
    view: View<'a>,
    standing: Standing,
    /// The words, as files keep them.
    text: String,
    /// The hash of the file that the words began from.
    base: String,
    /// The hash of the file as the page showed it.
    seen: String,
    /// The change of the draft that the page showed.
    rev: i64,
}

async fn act(desk: &Desk, person: &Person, posted: &Posted) -> Result<Response, Trouble> {
    let key = key_of(posted.get("tipo"), posted.get("nome")).ok_or(Trouble::NotFound)?;
    let ground = Ground::of(desk, person)?;
    let standing = Standing::of(desk, person, &ground, key, true).await?;
    let text = files::tidied(posted.raw("text").unwrap_or_default());
    let view = ground.view(desk, person);
    let act = Act {
        desk,
        ground: &ground,
        view,
        base: posted.get("base").unwrap_or_default().to_owned(),
        seen: posted.get("seen").unwrap_or_default().to_owned(),
        rev: posted.get("rev").and_then(|rev| rev.parse().ok()).unwrap_or_default(),
        standing,
        text,
    };
    let wanted = posted.get("do").unwrap_or_default();
    if let Some(why) = ground.blocked(&act.view, act.standing.kind)
        && wanted != "preview"
    {
        return act.refused(StatusCode::CONFLICT, why, None).await;
    }
    if act.text.len() > TEXT_MAX {
        let why = act.view.say("content.refused.long", &[("n", &(TEXT_MAX / 1024).to_string())]);
        return act.refused(StatusCode::UNPROCESSABLE_ENTITY, why, None).await;
    }
    match wanted {
        "preview" => act.again(Again::default()).await,
        "save" => act.save().await,
        "publish" => act.publish(None).await,
        "discard" => act.discard().await,
        "rollback" => {
            let version = posted.get("versao").and_then(|version| version.parse().ok());
            act.roll_back(version.ok_or(Trouble::NotFound)?).await
        }
        _ => Err(Trouble::NotFound),
    }
}

impl Act<'_> {
    fn done(&self, done: &str) -> Response {
        see_other(&format!("{}&feito={done}", address(&self.standing.key)))
    }

    /// The page with the words that were typed.
    async fn again(&self, again: Again) -> Result<Response, Trouble> {
        let text = again.text.clone().or_else(|| Some(self.text.clone()));
        let again = Again { text, base: Some(self.base.clone()), ..again };
        write(self.desk, self.ground, &self.view, &self.standing, (again, Value::Null)).await
    }

    async fn refused(
        &self,
        status: StatusCode,
        why: String,
        theirs: Option<crate::adapters::store::ContentDraft>,
    ) -> Result<Response, Trouble> {
        self.again(Again { status, flash: Some(("bad", why)), theirs, ..Again::default() }).await
    }

    fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        self.view.say(name, values)
    }

    /// Keeps the words as a draft, unless somebody else's came in between.
    async fn save(&self) -> Result<Response, Trouble> {
        let person = self.view.person;
        let draft = NewContentDraft {
            text: self.text.clone(),
            base: self.base.clone(),
            seen: self.rev,
            by: person.name.clone(),
        };
        let store = self.desk.web().store();
        match store
            .save_content_draft(self.view.now, &person.tenant, &self.standing.key, draft)
            .await?
        {
            Ok(_) => Ok(self.done("saved")),
            Err(theirs) => {
                let why = self.say("content.refused.theirs", &[("name", &theirs.by)]);
                self.refused(StatusCode::CONFLICT, why, Some(theirs)).await
            }
        }
    }

    async fn discard(&self) -> Result<Response, Trouble> {
        let (store, tenant) = (self.desk.web().store(), &self.view.person.tenant);
        if store.discard_content_draft(tenant, &self.standing.key, self.rev).await? {
            let there = self.standing.found.is_some() || !self.standing.versions.is_empty();
            let list = format!("/desk/content?tipo={}", self.standing.kind);
            return Ok(if there { self.done("discarded") } else { see_other(&list) });
        }
        let theirs = self.standing.draft.clone();
        let why = match &theirs {
            Some(theirs) => self.say("content.refused.theirs", &[("name", &theirs.by)]),
            None => self.say("content.refused.no_draft", &[]),
        };
        self.refused(StatusCode::CONFLICT, why, theirs).await
    }

    async fn roll_back(mut self, version: i64) -> Result<Response, Trouble> {
        let (store, tenant) = (self.desk.web().store(), &self.view.person.tenant);
        let text = store.content_text(tenant, &self.standing.key, version).await?;
        self.text = text.ok_or(Trouble::NotFound)?;
        self.publish(Some(version)).await
    }

    /// Puts the words into the file, keeps them as a version, and has the worker take them over.
    async fn publish(&self, back_to: Option<i64>) -> Result<Response, Trouble> {
        // One after the other: what is compared with the file must still be so when it is written.
        let _turn = self.desk.publishing().lock().await;
        let (store, person, key) = (self.desk.web().store(), self.view.person, &self.standing.key);
        let draft = store.content_draft(&person.tenant, key).await?;
        if back_to.is_none() && draft.as_ref().map_or(0, |draft| draft.rev) != self.rev {
            let name = draft.as_ref().map_or("", |draft| draft.by.as_str());
            let why = match &draft {
                Some(_) => self.say("content.refused.theirs", &[("name", name)]),
                None => self.say("content.refused.no_draft", &[]),
            };
            return self.refused(StatusCode::CONFLICT, why, draft).await;
        }
        let (folders, name, kind) =
            (self.ground.folders.clone(), key.name.clone(), self.standing.kind);
        let now_there = blocking(move || files::one(&folders, kind, &name)).await?;
        let hash = now_there.as_ref().map(files::Found::hash).unwrap_or_default();
        if hash != self.seen || hash != self.standing.hash() {
            let why = self.say("content.refused.moved", &[]);
            return self.refused(StatusCode::CONFLICT, why, None).await;
        }
        let text = &self.text;
        if now_there.as_ref().is_some_and(|found| found.own && found.text == *text) {
            store.discard_content_draft(&person.tenant, key, self.rev).await?;
            return Ok(self.done("same"));
        }
        let (found, _) = looked_at(self.ground, &self.view, &self.standing, text).await?;
        let errors = found.iter().filter(|one: &&Finding| one.error).count();
        if errors > 0 {
            let why = self.say("content.refused.errors", &[("n", &errors.to_string())]);
            return self.refused(StatusCode::UNPROCESSABLE_ENTITY, why, None).await;
        }
        if let Err(why) = self.put(kind).await? {
            return self.refused(StatusCode::CONFLICT, why, None).await;
        }
        self.kept(now_there, back_to).await?;
        self.taken_over(back_to).await
    }

    /// Writes the file, or says why not.
    async fn put(&self, kind: Kind) -> Result<Result<(), String>, Trouble> {
        let Some(folder) = self.ground.folders.of(kind).map(ToOwned::to_owned) else {
            return Err(Trouble::NotFound);
        };
        let (name, text) = (self.standing.key.name.clone(), self.text.clone());
        let written = blocking(move || files::write(&folder, kind, &name, &text)).await?;
        Ok(written.map_err(|why| match why {
            NotWritten::Outside => self.say("content.refused.outside", &[]),
            NotWritten::Link => self.say("content.refused.link", &[]),
            NotWritten::Disk(error) => self.say("content.refused.disk", &[("error", &error)]),
        }))
    }

    /// Keeps what was published, and what the file said before where no version holds that.
    async fn kept(
        &self,
        before: Option<files::Found>,
        back_to: Option<i64>,
    ) -> Result<(), Trouble> {
        let (store, person, now) = (self.desk.web().store(), self.view.person, self.view.now);
        let latest = self.standing.versions.first();
        let before = before
            .map(|found| {
                let origin = if found.own { "folder" } else { "shipped" };
                (found.hash(), origin, found)
            })
            .filter(|(hash, ..)| latest.is_none_or(|latest| latest.hash != *hash))
            .map(|(hash, origin, found)| {
                (found.text, hash, origin.to_owned(), found.changed.unwrap_or(now))
            });
        let publication = Publication {
            before,
            hash: files::hash(&self.text),
            text: self.text.clone(),
            by: person.name.clone(),
            back_to,
        };
        let key = &self.standing.key;
        store.publish_content(now, &person.tenant, &person.actor(), key, publication).await?;
        Ok(())
    }

    /// Has the worker go by the file, or says why it goes on with what it had.
    async fn taken_over(&self, back_to: Option<i64>) -> Result<Response, Trouble> {
        let person = self.view.person;
        let home = self.desk.homes().homes.get(&person.tenant);
        let taken = match home {
            Some(home) => (home.take_over)().await,
            None => Err(String::new()),
        };
        let Err(why) = taken else {
            return Ok(self.done(if back_to.is_some() { "rolled_back" } else { "published" }));
        };
        tracing::error!(tenant = %person.tenant, "Kept the last good version of {}, a published file was not taken over:\n{why}", person.tenant);
        let key = (self.standing.kind, self.standing.key.clone());
        let standing = Standing::of(self.desk, person, self.ground, key, true).await?;
        let why = self.say("content.refused.kept", &[("why", &why)]);
        let again = Again { flash: Some(("warn", why)), ..Again::default() };
        write(self.desk, self.ground, &self.view, &standing, (again, Value::Null)).await
    }
}
