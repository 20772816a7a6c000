//! What is missing and what helped: articles that agents wish for, passages that did or did not answer.

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::Desk;
use super::super::act::{Act, Done, End, No};
use super::super::answer::{Trouble, page, see_other};
use super::super::frame::{common, moment};
use super::super::person::Person;
use super::super::posted::Posted;
use super::super::shown::View;
use super::locale_of;
use crate::adapters::store::{Actor, PassageVote};
use crate::privacy::Masker;

/// Most characters of a wish.
const WISH_MAX: usize = 500;
/// Most bytes of what names a passage.
const NAME_MAX: usize = 400;

impl Act {
    /// Files that an article is missing.
    pub(in crate::desk) async fn wish(&self) -> Done {
        let text = self.posted.get("words").ok_or_else(|| No::invalid("refused.empty"))?;
        if text.chars().count() > WISH_MAX {
            return Err(No::invalid("again.long").with("n", WISH_MAX.to_string()).into());
        }
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let view =
            View { pages: self.desk.pages(), person: &self.person, pack: None, now: self.now() };
        let locale = locale_of(&self.desk, &view, &ticket);
        let id = format!("wsh_{:032x}", self.desk.web().clock().fresh_bits());
        let masked = Self::masked(text, ticket.row.customer_name.as_deref());
        let filed = store
            .wish(
                self.now(),
                (&self.person.tenant, &self.ticket),
                (self.actor(), &self.person.id),
                (id, locale, masked),
            )
            .await?;
        if filed { Ok(End::Stay) } else { Err(Trouble::NotFound.into()) }
    }

    /// Leaves personal data out: whoever writes articles needs none.
    fn masked(text: &str, customer: Option<&str>) -> String {
        let masked = Masker::new().mask_log(text);
        customer.map_or(masked.clone(), |name| masked.replace(name, "[NAME]"))
    }

    /// Notes whether a passage helped.
    pub(in crate::desk) async fn vote(&self) -> Done {
        let field = |name: &str| {
            self.posted.get(name).unwrap_or_default().chars().take(NAME_MAX).collect::<String>()
        };
        let helpful = match self.posted.get("helpful") {
            Some("yes") => true,
            Some("no") => false,
            _ => return Err(No::invalid("refused.value").into()),
        };
        let (article, locale, heading) = (field("article"), field("locale"), field("heading"));
        if article.is_empty() || locale.is_empty() {
            return Err(No::invalid("refused.value").into());
        }
        let vote = PassageVote { article, locale, heading, helpful };
        let store = self.desk.web().store();
        let at = (&self.person.tenant, &self.ticket);
        let noted = store.vote(self.now(), at, &self.person.id, vote).await?;
        if noted { Ok(End::Stay) } else { Err(Trouble::NotFound.into()) }
    }
}

/// Marks in the passages of a draft and of a search what this person said of each.
pub(super) fn mark_votes(model: &mut Value, mine: &[PassageVote]) {
    for at in ["/draft/passages", "/articles/rows"] {
        let rows = model.pointer_mut(at).and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten() {
            let is = |name: &str, value: &str| {
                row.get(name).and_then(Value::as_str).is_some_and(|one| one.trim() == value.trim())
            };
            let said = mine.iter().find(|vote| {
                is("article", &vote.article)
                    && is("locale", &vote.locale)
                    && is("heading", &vote.heading)
            });
            let said = said.map(|vote| if vote.helpful { "yes" } else { "no" });
            if let Some(row) = row.as_object_mut() {
                row.insert("helped".to_owned(), json!(said));
            }
        }
    }
}

/// `GET /desk/wishes`: what people miss in the articles, and how far each article helped.
pub(in crate::desk) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
) -> Response {
    match write(&desk, &person).await {
        Ok(response) => response,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn write(desk: &Desk, person: &Person) -> Result<Response, Trouble> {
    let tenant = desk.tenant(&person.tenant);
    let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
    let view = View { pages: desk.pages(), person, pack: pack.as_deref(), now: desk.now() };
    let store = desk.web().store();
    let wishes = store.wishes(&person.tenant).await?;
    let votes = store.article_votes(&person.tenant).await?;
    let wishes: Vec<Value> = wishes
        .iter()
        .map(|wish| {
            json!({
                "id": wish.id, "text": wish.text, "by": wish.by, "locale": wish.locale,
                "category": view.category(wish.category.as_deref(), None),
                "number": wish.number,
                "at": moment(desk, person, wish.at),
            })
        })
        .collect();
    let votes: Vec<Value> = votes
        .iter()
        .map(|one| {
            let library = tenant.as_ref().map(|tenant| tenant.pipeline.library());
            let locale = crate::domain::labels::Locale::parse(&one.locale);
            let found = locale.and_then(|locale| library?.article(&one.article, locale));
            let title = found.map_or(one.article.as_str(), |article| article.title.as_str());
            json!({
                "article": one.article, "locale": one.locale, "title": title, "by": one.by,
                "helpful": one.helpful, "unhelpful": one.unhelpful,
            })
        })
        .collect();
    let title = view.say("wishes.title", &[]);
    let model = json!({
        "page": common(desk, person, "wishes", &title, "/desk/wishes"),
        "wishes": wishes, "votes": votes,
    });
    page(desk, person.locale(), "wishes", &model)
}

/// `POST /desk/wishes/{id}/done`: somebody saw to it.
pub(in crate::desk) async fn done(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
    Path(id): Path<String>,
) -> Response {
    let actor = Actor { name: person.name.clone() };
    let store = desk.web().store();
    match store.fulfil_wish(desk.now(), &person.tenant, (actor, &person.id), &id).await {
        Ok(true) => see_other(posted.back().unwrap_or("/desk/wishes")),
        Ok(false) => Trouble::NotFound.page(&desk, person.locale()),
        Err(error) => Trouble::Store(error).page(&desk, person.locale()),
    }
}
