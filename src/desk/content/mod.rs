//! Articles, reply templates and prompts: read by everybody of the team, written and published by those whose part it is.
//!
//! Files stay the source. A draft lies in the store; publishing writes the file into the business's folder and has the
//! worker take it over. A file that was changed there shows as such and is never overwritten unseen.

mod checks;
mod diff;
mod edit;
mod files;
mod home;
mod item;
mod kind;
mod list;
mod preview;
mod trial;

use std::sync::Arc;

pub(super) use edit::{create, post};
pub use home::{Folders, Home, Homes, TakeOver, TryTurn};
pub(super) use item::show;
pub use kind::Kind;
pub(super) use list::show as list;
pub(super) use trial::{ask, show as try_box};

use super::answer::Trouble;
use super::shown::View;
use super::{Desk, Person};
use crate::adapters::store::ContentKey;
use crate::domain::labels::Locale;
use crate::domain::role::Right;
use crate::policy::Pack;
use crate::worker::Tenant;

/// What everything here goes by: the business as it is served now, and where its files lie.
struct Ground {
    tenant: Tenant,
    pack: Arc<Pack>,
    folders: Folders,
}

impl Ground {
    fn of(desk: &Desk, person: &Person) -> Result<Self, Trouble> {
        let tenant = desk.tenant(&person.tenant).ok_or(Trouble::NotFound)?;
        let pack = tenant.pipeline.shared_pack();
        Ok(Self { tenant, pack, folders: desk.homes().folders(&person.tenant) })
    }

    fn view<'a>(&'a self, desk: &'a Desk, person: &'a Person) -> View<'a> {
        View { pages: desk.pages(), person, pack: Some(&self.pack), now: desk.now() }
    }

    /// Why a file of this kind cannot be written by this person, if so.
    fn blocked(&self, view: &View<'_>, kind: Kind) -> Option<String> {
        if !view.person.may(Right::Write) {
            return Some(view.say("content.why.role", &[]));
        }
        let setting = [("setting", kind.setting())];
        self.folders.of(kind).is_none().then(|| view.say("content.why.folder", &setting))
    }
}

/// Which file a page or a form is about; `None` for what is no name of one.
fn key_of(kind: Option<&str>, name: Option<&str>) -> Option<(Kind, ContentKey)> {
    let kind = Kind::parse(kind?)?;
    let name = name.filter(|name| kind.takes(name))?;
    Some((kind, ContentKey { kind: kind.to_string(), name: name.to_owned() }))
}

/// The address of a file's page.
fn address(key: &ContentKey) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("tipo", &key.kind).append_pair("nome", &key.name);
    format!("/desk/content/item?{}", query.finish())
}

/// The address of an article's page, by its id.
pub(super) fn article(id: &str, locale: Locale) -> Option<String> {
    let name = format!("{locale}/{id}.md");
    let (_, key) = key_of(Some(Kind::Article.as_str()), Some(&name))?;
    Some(address(&key))
}

/// Does what reads and checks files, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Trouble::Page(error.into()))
}
