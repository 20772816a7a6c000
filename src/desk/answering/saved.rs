//! Replies that people keep to use again: their own and the team's, in a page of their own.

use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::Desk;
use super::super::act::resolve;
use super::super::answer::{Trouble, page, see_other};
use super::super::frame::{common, flash};
use super::super::person::Person;
use super::super::posted::Posted;
use super::super::shown::View;
use super::fields::{Field, general, unknown};
use super::insert::known;
use super::locale_of;
use crate::adapters::store::{Actor, KeptReply, SAVED_MAX, SavedReply};
use crate::domain::labels::Locale;
use crate::domain::role::Right;
use crate::privacy::{Masker, Vault};

/// Most characters of a reply's name.
const NAME_MAX: usize = 80;
/// Most characters of a reply.
const TEXT_MAX: usize = 4_000;

/// What stands in the form.
#[derive(Clone, Debug, Default)]
struct Form {
    id: Option<String>,
    name: String,
    text: String,
    locale: Option<Locale>,
    shared: bool,
    /// Where to go back to.
    back: Option<String>,
    /// Personal data that was found in the words.
    found: Vec<String>,
}

/// True for who looks after the replies of the whole team.
fn looks_after(person: &Person) -> bool {
    person.may(Right::Supervise) || person.may(Right::Write)
}

/// `GET /desk/saved`, with `id` to change one.
pub(in crate::desk) async fn show(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = Posted::read(query.unwrap_or_default().as_bytes());
    let store = desk.web().store();
    let form = match (asked.get("id"), store.saved_replies(&person.tenant, &person.id).await) {
        (Some(id), Ok(all)) => all.into_iter().find(|one| one.id == id).map(|one| Form {
            id: Some(one.id),
            name: one.name,
            text: one.text,
            locale: Some(one.locale),
            shared: one.shared,
            ..Form::default()
        }),
        _ => None,
    };
    answered(&desk, &person, form.unwrap_or_default(), StatusCode::OK, None).await
}

/// `POST /desk/saved/new`: the form with words that somebody has just written at a ticket; the ticket's own values become
/// fields.
pub(in crate::desk) async fn prepare(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    match prepared(&desk, &person, &posted).await {
        Ok(form) => answered(&desk, &person, form, StatusCode::OK, None).await,
        Err(trouble) => trouble.page(&desk, person.locale()),
    }
}

async fn prepared(desk: &Desk, person: &Person, posted: &Posted) -> Result<Form, Trouble> {
    let text = posted.raw("text").unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    let back = posted.back().map(str::to_owned);
    let Some(of) = posted.get("of") else {
        return Ok(Form { text, back, ..Form::default() });
    };
    let id = resolve(desk, person, of).await?;
    let ticket = desk.web().store().ticket(&person.tenant, &id).await?.ok_or(Trouble::NotFound)?;
    let view = View { pages: desk.pages(), person, pack: None, now: desk.now() };
    let locale = locale_of(desk, &view, &ticket);
    let text = general(&text, locale, |field| {
        let whole = ticket.row.customer_name.clone().filter(|_| field == Field::Name);
        whole.into_iter().chain(known(&view, &ticket, field)).collect()
    });
    Ok(Form { text, back, locale: Some(locale), ..Form::default() })
}

/// `POST /desk/saved`: keeps a reply or changes one.
pub(in crate::desk) async fn keep(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let field = |name: &str| posted.raw(name).unwrap_or_default().replace("\r\n", "\n");
    let mut form = Form {
        id: posted.get("id").map(str::to_owned),
        name: field("name").split_whitespace().collect::<Vec<_>>().join(" "),
        text: field("text").trim().to_owned(),
        locale: posted.get("locale").and_then(Locale::parse),
        shared: posted.get("for") == Some("team"),
        back: posted
            .get("next")
            .filter(|next| super::super::posted::is_here(next))
            .map(str::to_owned),
        found: Vec::new(),
    };
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some((word, value)) = problem(&form) {
        let text = desk.pages().say(person.locale(), word, &[("n", &value), ("field", &value)]);
        return answered(&desk, &person, form, invalid, Some(("bad", &text))).await;
    }
    if !posted.is_ticked("sure") {
        form.found = personal(&form.text);
        if !form.found.is_empty() {
            let text = desk.pages().say(person.locale(), "saved.personal", &[]);
            return answered(&desk, &person, form, invalid, Some(("warn", &text))).await;
        }
    }
    let fresh = || format!("srp_{:032x}", desk.web().clock().fresh_bits());
    let reply = SavedReply {
        id: form.id.clone().unwrap_or_else(fresh),
        owner: person.id.to_string(),
        owner_name: None,
        shared: form.shared,
        name: form.name.clone(),
        locale: form.locale.unwrap_or(Locale::PtBr),
        text: form.text.clone(),
        updated_at: desk.now(),
    };
    let who = (Actor { name: person.name.clone() }, looks_after(&person));
    let kept = desk.web().store().keep_reply(desk.now(), &person.tenant, who, reply).await;
    match kept {
        Ok(KeptReply::Done) => see_other(form.back.as_deref().unwrap_or("/desk/saved")),
        Ok(KeptReply::NotFound) => Trouble::NotFound.page(&desk, person.locale()),
        Ok(KeptReply::TooMany) => {
            let most = SAVED_MAX.to_string();
            let text = desk.pages().say(person.locale(), "saved.many", &[("n", &most)]);
            answered(&desk, &person, form, StatusCode::CONFLICT, Some(("bad", &text))).await
        }
        Err(error) => Trouble::Store(error).page(&desk, person.locale()),
    }
}

/// What is wrong with a reply, as a text of the pages with its value.
fn problem(form: &Form) -> Option<(&'static str, String)> {
    if form.name.is_empty() {
        return Some(("saved.no_name", String::new()));
    }
    if form.name.chars().count() > NAME_MAX {
        return Some(("saved.long_name", NAME_MAX.to_string()));
    }
    if form.text.is_empty() {
        return Some(("saved.no_text", String::new()));
    }
    if form.text.chars().count() > TEXT_MAX {
        return Some(("saved.long_text", TEXT_MAX.to_string()));
    }
    if form.locale.is_none() {
        return Some(("refused.value", String::new()));
    }
    unknown(&form.text).map(|field| ("saved.field", field.to_owned()))
}

/// Personal data in words that many customers may read.
fn personal(text: &str) -> Vec<String> {
    let found = Masker::new().mask(text, &mut Vault::new(), &[]).found;
    found.iter().filter_map(|one| text.get(one.start..one.end)).map(str::to_owned).collect()
}

/// `POST /desk/saved/{id}/forget`.
pub(in crate::desk) async fn forget(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
) -> Response {
    let who = (Actor { name: person.name.clone() }, &person.id, looks_after(&person));
    match desk.web().store().forget_reply(desk.now(), &person.tenant, who, &id).await {
        Ok(true) => see_other("/desk/saved"),
        Ok(false) => Trouble::NotFound.page(&desk, person.locale()),
        Err(error) => Trouble::Store(error).page(&desk, person.locale()),
    }
}

async fn answered(
    desk: &Desk,
    person: &Person,
    form: Form,
    status: StatusCode,
    told: Option<(&str, &str)>,
) -> Response {
    match write(desk, person, &form, told).await {
        Ok(mut response) => {
            *response.status_mut() = status;
            response
        }
        Err(trouble) => trouble.page(desk, person.locale()),
    }
}

async fn write(
    desk: &Desk,
    person: &Person,
    form: &Form,
    told: Option<(&str, &str)>,
) -> Result<Response, Trouble> {
    let locale = person.locale();
    let all = desk.web().store().saved_replies(&person.tenant, &person.id).await?;
    let rows: Vec<Value> = all.iter().map(|one| row(desk, person, one)).collect();
    let title = desk.pages().say(locale, "saved.title", &[]);
    let mut frame = common(desk, person, "saved", &title, "/desk/saved");
    if let Some((kind, text)) = told {
        flash(&mut frame, kind, text);
    }
    let chosen = form.locale.unwrap_or(locale);
    let locales: Vec<Value> = Locale::ALL
        .iter()
        .map(|one| {
            let label = desk.pages().say(locale, &format!("saved.locale.{one}"), &[]);
            json!({"value": one, "label": label, "selected": chosen == *one})
        })
        .collect();
    let fields: Vec<String> =
        Field::ALL.iter().map(|field| ["{", field.word(chosen), "}"].concat()).collect();
    let model = json!({
        "page": frame, "rows": rows, "fields": fields.join("  "), "most": TEXT_MAX, "name_most": NAME_MAX,
        "form": {
            "id": form.id, "name": form.name, "text": form.text, "shared": form.shared,
            "back": form.back, "found": form.found, "locales": locales,
        },
    });
    page(desk, locale, "saved", &model)
}

fn row(desk: &Desk, person: &Person, one: &SavedReply) -> Value {
    let mine = one.owner == person.id.as_str();
    json!({
        "id": one.id, "name": one.name, "text": one.text, "shared": one.shared, "locale": one.locale,
        "language": desk.pages().say(person.locale(), &format!("saved.locale.{}", one.locale), &[]),
        "owner": one.owner_name, "mine": mine, "may": mine || (one.shared && looks_after(person)),
    })
}
