//! Incidents from the board: declared, told more of, ended; each form says in numbers what it does.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use serde_json::{Value, json};

use super::asked::{Asked, Panel, Period, address, period_of};
use super::{Again, pack_of, refused, waiting};
use crate::adapters::store::{Incident, IncidentChange, IncidentScope};
use crate::desk::answer::{Trouble, see_other};
use crate::desk::frame::moment;
use crate::desk::posted::Posted;
use crate::desk::shown::View;
use crate::desk::{Desk, Person};
use crate::domain::channel::Channel;
use crate::domain::decision::LocalText;
use crate::domain::notification::NotifyEvent;
use crate::policy::{IncidentKind, Pack};
use crate::report::{telling, words};
use crate::web::{Declaration, UPDATE_MINUTES_MAX, WORDS_MAX, change_incident_as};

/// Most characters of what an incident is called.
const NAME_MAX: usize = 100;

/// The incidents that stand, and the form that is open.
pub(super) async fn model(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    (standing, typed): (&[Incident], &Value),
) -> Result<Value, Trouble> {
    let mut rows = Vec::new();
    for incident in standing {
        rows.push(row(desk, view, asked, incident).await?);
    }
    let declare =
        if asked.panel == Panel::Declare { form(desk, view, typed).await? } else { Value::Null };
    Ok(json!({
        "rows": rows,
        "declare": declare,
        "href": format!("{}#incident", asked.with(&Panel::Declare)),
        "cancel": asked.with(&Panel::None),
        "period": asked.period.word(),
        "words_max": WORDS_MAX, "minutes_max": UPDATE_MINUTES_MAX,
    }))
}

async fn row(
    desk: &Desk,
    view: &View<'_>,
    asked: &Asked,
    incident: &Incident,
) -> Result<Value, Trouble> {
    let told = desk.web().store().count_told(&incident.id).await?;
    let kind = view
        .pack
        .and_then(|pack| pack.incidents.iter().find(|kind| kind.id == incident.kind))
        .map_or(incident.kind.as_str(), |kind| kind.name.in_locale(view.locale()));
    let next = incident
        .next_update_at
        .map(|at| json!({"text": view.moment(at), "iso": at, "late": at <= view.now}));
    let open = |panel: &Panel| asked.panel == *panel;
    let (update, end) = (Panel::Update(incident.name.clone()), Panel::End(incident.name.clone()));
    let update_form = (open(&update) || open(&end)).then(|| {
        json!({
            "pt": incident.words.pt_br, "en": incident.words.en,
            "minutes": incident.terms.update_every_mins,
            "told": view.say("board.incident.hear", &[("n", &told.to_string())]),
        })
    });
    Ok(json!({
        "name": incident.name, "kind": kind, "since": moment(desk, view.person, incident.started_at),
        "scope": scope_words(view, &incident.scope),
        "by": incident.declared_by.strip_prefix("agent:").unwrap_or(&incident.declared_by),
        "words": incident.words.in_locale(view.locale()),
        "stops": incident.terms.stop_auto, "suspends": incident.terms.suspend_sla,
        "told": view.say("board.incident.told", &[("n", &told.to_string())]),
        "next": next,
        "update_href": format!("{}#incident", asked.with(&update)),
        "end_href": format!("{}#incident", asked.with(&end)),
        "asks": if open(&update) { "update" } else if open(&end) { "end" } else { "" },
        "form": update_form,
    }))
}

fn scope_words(view: &View<'_>, scope: &IncidentScope) -> String {
    if scope.is_all() {
        return view.say("board.incident.everything", &[]);
    }
    let categories = scope.categories.iter().map(|one| view.category(Some(one), None));
    let channels = scope.channels.iter();
    let channels = channels.map(|one| words::channel(one.as_str(), view.locale()).to_owned());
    categories.chain(channels).collect::<Vec<_>>().join(", ")
}

/// The form that declares one: what can be chosen, what was typed, and what follows.
async fn form(desk: &Desk, view: &View<'_>, typed: &Value) -> Result<Value, Trouble> {
    let counts = desk.web().counts(&view.person.tenant).await?;
    let leaving = desk.web().store().leaving(&view.person.tenant).await?;
    let locale = view.locale();
    let was = |name: &str, value: &str| {
        let list = typed.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).any(|one| one == value)
    };
    let text = |name: &str| typed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kinds = view.pack.map(|pack| pack.incidents.as_slice()).unwrap_or_default();
    let kinds: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            json!({
                "value": kind.id, "label": kind.name.in_locale(locale),
                "selected": text("kind") == kind.id, "what": what(view, kind),
            })
        })
        .collect();
    let categories = view.pack.map(|pack| pack.taxonomy.as_slice()).unwrap_or_default();
    let categories: Vec<Value> = categories
        .iter()
        .map(|one| {
            json!({
                "value": one.id, "label": one.name.in_locale(locale),
                "checked": was("categories", &one.id),
            })
        })
        .collect();
    let channels: Vec<Value> = Channel::ALL
        .iter()
        .map(|one| {
            json!({
                "value": one, "label": words::channel(one.as_str(), locale),
                "checked": was("channels", one.as_str()),
            })
        })
        .collect();
    let say =
        |name: &str, n: i64| view.say(&format!("board.incident.{name}"), &[("n", &n.to_string())]);
    Ok(json!({
        "kinds": kinds, "categories": categories, "channels": channels,
        "name": text("name"), "pt": text("pt"), "en": text("en"), "minutes": text("minutes"),
        "consequences": [
            say("queued", leaving.queued),
            say("waiting", waiting(&counts.queues)),
            view.say("board.incident.listeners", &[]),
        ],
    }))
}

/// What a kind of incident does, in a few words.
fn what(view: &View<'_>, kind: &IncidentKind) -> String {
    let mut parts = Vec::new();
    if kind.stop_auto {
        parts.push(view.say("board.incident.stops", &[]));
    }
    if kind.suspend_sla {
        parts.push(view.say("board.incident.suspends", &[]));
    }
    if let Some(minutes) = kind.update_every_mins {
        parts.push(view.say("board.incident.every", &[("n", &minutes.to_string())]));
    }
    parts.join(" · ")
}

/// A form about an incident on its way.
struct Act<'a> {
    desk: &'a Desk,
    person: &'a Person,
    posted: &'a Posted,
    pack: Arc<Pack>,
    period: Period,
}

/// Why a form does not do, as the name of a sentence with its number.
struct No(&'static str, usize);

impl Act<'_> {
    fn view(&self) -> View<'_> {
        let pages = self.desk.pages();
        View { pages, person: self.person, pack: Some(&self.pack), now: self.desk.now() }
    }

    /// Reads what customers are told: in both languages or in none.
    fn words(&self, needed: bool) -> Result<LocalText, No> {
        let text = |name: &str| self.posted.get(name).unwrap_or_default().replace("\r\n", "\n");
        let words = LocalText::new(text("pt"), text("en"));
        let long = |text: &str| text.chars().count() > WORDS_MAX;
        if long(&words.pt_br) || long(&words.en) {
            return Err(No("board.refused.long", WORDS_MAX));
        }
        match (words.pt_br.is_empty(), words.en.is_empty()) {
            (false, false) => Ok(words),
            (true, true) if !needed => Ok(words),
            (true, true) => Err(No("board.refused.words", 0)),
            _ => Err(No("board.refused.both", 0)),
        }
    }

    fn minutes(&self) -> Result<Option<i64>, No> {
        let Some(typed) = self.posted.get("minutes") else { return Ok(None) };
        let minutes =
            typed.parse().ok().filter(|minutes| (1..=UPDATE_MINUTES_MAX).contains(minutes));
        let most = usize::try_from(UPDATE_MINUTES_MAX).unwrap_or(usize::MAX);
        minutes.map(Some).ok_or(No("board.refused.minutes", most))
    }

    fn scope(&self) -> Result<IncidentScope, No> {
        let categories: Vec<String> = self.posted.all("categories").map(str::to_owned).collect();
        let known = |category: &String| self.pack.category(category).is_some();
        let channels: Option<Vec<Channel>> =
            self.posted.all("channels").map(Channel::parse).collect();
        match channels {
            Some(channels) if categories.iter().all(known) => {
                Ok(IncidentScope { categories, channels })
            }
            _ => Err(No("board.refused.scope", 0)),
        }
    }

    /// Writes the board again with what was typed and why it does not do.
    async fn refuse(&self, panel: Panel, no: No) -> Result<Response, Trouble> {
        let No(word, number) = no;
        let flash = self.view().say(word, &[("n", &number.to_string())]);
        let list = |name| self.posted.all(name).collect::<Vec<_>>();
        let text = |name| self.posted.raw(name).unwrap_or_default();
        let typed = json!({
            "kind": text("kind"), "name": text("name"), "pt": text("pt"), "en": text("en"),
            "minutes": text("minutes"), "categories": list("categories"), "channels": list("channels"),
        });
        let again = Again { flash: Some(("bad", flash)), typed };
        let status = match word {
            "board.refused.stands" | "board.refused.over" => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        refused(self.desk, self.person, (self.period, panel), status, again).await
    }

    async fn change(
        &self,
        name: &str,
        change: IncidentChange,
        event: NotifyEvent,
    ) -> Result<Option<Incident>, Trouble> {
        let actor = self.person.actor();
        let what = (change, event);
        let changed = change_incident_as(
            self.desk.web(),
            &self.person.tenant,
            &self.pack,
            (&actor, name),
            what,
        );
        Ok(changed.await?)
    }

    fn done(&self, done: &str) -> Response {
        see_other(&address(self.period, &Panel::None, Some(done)))
    }

    async fn declare(&self) -> Result<Response, Trouble> {
        let declaration = match self.declaration() {
            Ok(declaration) => declaration,
            Err(no) => return self.refuse(Panel::Declare, no).await,
        };
        let incident = declaration.stands(self.desk.web(), self.person.actor());
        let name = incident.name.clone();
        let change = IncidentChange::Declare(Box::new(incident));
        match self.change(&name, change, NotifyEvent::IncidentDeclared).await? {
            Some(_) => Ok(self.done("incident")),
            None => self.refuse(Panel::Declare, No("board.refused.stands", 0)).await,
        }
    }

    fn declaration(&self) -> Result<Declaration<'_>, No> {
        let kind = self.posted.get("kind");
        let kind = self.pack.incidents.iter().find(|one| Some(one.id.as_str()) == kind);
        let name = self.posted.get("name").map(str::to_owned);
        if name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
            return Err(No("board.refused.long", NAME_MAX));
        }
        Ok(Declaration {
            kind: kind.ok_or(No("board.refused.kind", 0))?,
            name,
            scope: self.scope()?,
            words: self.words(false)?,
            minutes: self.minutes()?,
        })
    }

    /// The incident that a form is about; `None` where it is over.
    async fn open(&self) -> Result<Option<Incident>, Trouble> {
        let name = self.posted.get("name").unwrap_or_default();
        let found = self.desk.web().store().incidents(&self.person.tenant, self.desk.now()).await?;
        Ok(found.into_iter().find(|one| one.name == name && one.ended_at.is_none()))
    }

    async fn update(&self) -> Result<Response, Trouble> {
        let Some(open) = self.open().await? else {
            return self.refuse(Panel::None, No("board.refused.over", 0)).await;
        };
        let read = || Ok::<_, No>((self.words(true)?, self.minutes()?));
        let (words, minutes) = match read() {
            Ok(read) => read,
            Err(no) => return self.refuse(Panel::Update(open.name), no).await,
        };
        let minutes = minutes.or(open.terms.update_every_mins.map(i64::from));
        let next_update_at = minutes.map(|minutes| self.desk.now() + Duration::minutes(minutes));
        let change = IncidentChange::Update { words, next_update_at };
        match self.change(&open.name, change, NotifyEvent::IncidentUpdated).await? {
            Some(_) => Ok(self.done("incident_updated")),
            None => self.refuse(Panel::None, No("board.refused.over", 0)).await,
        }
    }

    async fn end(&self) -> Result<Response, Trouble> {
        let Some(open) = self.open().await? else {
            return self.refuse(Panel::None, No("board.refused.over", 0)).await;
        };
        let summary = self.posted.get("summary").map(str::to_owned);
        let long = summary.as_ref().is_some_and(|text| text.chars().count() > WORDS_MAX);
        let words = match self.words(false) {
            Ok(_) if long => Err(No("board.refused.long", WORDS_MAX)),
            words => words,
        };
        let words = match words {
            Ok(words) => words,
            Err(no) => return self.refuse(Panel::End(open.name), no).await,
        };
        let told = self.desk.web().store().count_told(&open.id).await?;
        let locale = self.pack.business.default_locale();
        let summary =
            summary.unwrap_or_else(|| telling::summary(&open, told, self.desk.now(), locale));
        let change = IncidentChange::End { words, summary: Some(summary) };
        match self.change(&open.name, change, NotifyEvent::IncidentEnded).await? {
            Some(_) => Ok(self.done("incident_ended")),
            None => self.refuse(Panel::None, No("board.refused.over", 0)).await,
        }
    }
}

/// Makes what a form is handled with; without a policy there are no kinds of incidents.
fn act<'a>(desk: &'a Desk, person: &'a Person, posted: &'a Posted) -> Result<Act<'a>, Trouble> {
    let pack = pack_of(desk, person).ok_or(Trouble::NotFound)?;
    Ok(Act { desk, person, posted, pack, period: period_of(posted) })
}

fn answer(desk: &Desk, person: &Person, done: Result<Response, Trouble>) -> Response {
    done.unwrap_or_else(|trouble| trouble.page(desk, person.locale()))
}

/// `POST /desk/incidents`.
pub(in crate::desk) async fn declare(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let done = match act(&desk, &person, &posted) {
        Ok(act) => Box::pin(act.declare()).await,
        Err(trouble) => Err(trouble),
    };
    answer(&desk, &person, done)
}

/// `POST /desk/incidents/update`.
pub(in crate::desk) async fn update(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let done = match act(&desk, &person, &posted) {
        Ok(act) => Box::pin(act.update()).await,
        Err(trouble) => Err(trouble),
    };
    answer(&desk, &person, done)
}

/// `POST /desk/incidents/end`.
pub(in crate::desk) async fn end(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let done = match act(&desk, &person, &posted) {
        Ok(act) => Box::pin(act.end()).await,
        Err(trouble) => Err(trouble),
    };
    answer(&desk, &person, done)
}
