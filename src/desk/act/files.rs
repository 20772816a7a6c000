//! Files that go with a reply: handed in first, shown to be taken out again, then sent with the words.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Act, Done, End, FILES_MAX, No, Stop};
use crate::channels::enclosures::{File, refused};
use crate::desk::answer::Trouble;
use crate::desk::asked::Asked;
use crate::desk::conversation::bytes;
use crate::desk::review;
use crate::desk::shown::View;
use crate::domain::ids::AttachmentId;

impl Act {
    /// Takes files in and shows the form again, with them beside the words.
    pub(super) async fn attach(&self) -> Done {
        let files = self.files().await?;
        if files.is_empty() {
            return Err(No::invalid("refused.no_file").into());
        }
        Ok(End::Again)
    }

    /// The files that the form takes along, all of which its channel takes.
    pub(super) async fn files(&self) -> Result<Vec<AttachmentId>, Stop> {
        if let Some(word) = self.posted.refused() {
            let most = self.desk.web().settings().max_file_bytes / 1_000_000;
            return Err(No::invalid(word).with("mb", most.to_string()).into());
        }
        // A form without files names those that were chosen and not handed in.
        if self.posted.get("upload").is_some() {
            return Err(No::invalid("refused.not_attached").into());
        }
        let ids = self.file_ids();
        if ids.is_empty() {
            return Ok(ids);
        }
        let (store, tenant) = (self.desk.web().store(), &self.person.tenant);
        let known = store.enclosed(tenant, &ids).await?;
        if known.len() != ids.len() {
            return Err(No::conflict("refused.files").into());
        }
        let channel = store.channel_of(tenant, &self.ticket).await?.ok_or(Trouble::NotFound)?;
        let files: Vec<File<'_>> =
            known.iter().map(|one| File { mime: &one.mime, size: one.size }).collect();
        let Some((at, why)) = refused(channel, &files) else { return Ok(ids) };
        let name = known.get(at).and_then(|one| one.name.clone()).unwrap_or_default();
        let why = why.in_locale(self.person.locale()).to_owned();
        Err(No::invalid("refused.file").with("name", name).with("why", why).into())
    }

    fn file_ids(&self) -> Vec<AttachmentId> {
        let mut ids: Vec<&str> = Vec::new();
        for id in self.posted.all("file").take(FILES_MAX) {
            if id.starts_with(AttachmentId::PREFIX) && id.len() <= 80 && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.into_iter().map(AttachmentId::from_stored).collect()
    }

    /// The files of the form as a page shows them beside the words.
    async fn shown_files(&self) -> Result<Vec<Value>, Trouble> {
        let known = self.desk.web().store().enclosed(&self.person.tenant, &self.file_ids()).await?;
        let view =
            View { pages: self.desk.pages(), person: &self.person, pack: None, now: self.now() };
        let shown = known.iter().map(|one| {
            let kind = one.kind.as_str();
            let name =
                one.name.clone().unwrap_or_else(|| view.say(&format!("file.kind.{kind}"), &[]));
            let size = bytes(&view, i64::try_from(one.size).unwrap_or(i64::MAX));
            json!({"id": one.id, "kind": kind, "name": name, "size": size})
        });
        Ok(shown.collect())
    }

    /// Shows the page of a form again, with what was typed and handed in, and what was wrong if anything was.
    pub(super) async fn again(&self, no: Option<No>) -> Result<Response, Trouble> {
        let back = self.posted.back().unwrap_or("/desk/review");
        let query = back.split_once('?').map_or("", |(_, query)| query);
        let mut asked = Asked::read(query).on_with(self.ticket.as_str());
        let of_draft = self.posted.get("version").is_some();
        if of_draft && self.posted.get("text").is_some() {
            // What was typed comes back where it was typed.
            asked.form = Some("edit".to_owned());
        }
        let flash = no.as_ref().map_or(Value::Null, |no| {
            let values: Vec<(&str, &str)> =
                no.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let text = self.desk.pages().say(self.person.locale(), no.word, &values);
            json!({"kind": "bad", "text": text})
        });
        let (status, found) = no.map_or((None, Vec::new()), |no| (Some(no.status), no.found));
        let again = review::Again {
            flash,
            text: self.posted.raw("text").map(|text| text.replace("\r\n", "\n")),
            found,
            files: self.shown_files().await?,
            own: !of_draft,
        };
        let page = review::write(&self.desk, &self.person, &asked, again);
        let mut response = Box::pin(page).await?;
        if let Some(status) = status {
            *response.status_mut() = status;
        }
        Ok(response)
    }
}
