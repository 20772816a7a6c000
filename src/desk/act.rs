//! What people do with a ticket from the desk. Each action is one form; a refusal comes back on the page where it happened.

mod files;
mod retry;

use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Duration, NaiveDateTime, TimeZone as _, Utc};
use serde_json::Value;

use super::answer::{Trouble, see_other};
use super::asked::Asked;
use super::person::Person;
use super::posted::Posted;
use super::{Desk, check, draft};
use crate::adapters::store::{
    Actor, Change, DraftAction, DraftDecision, DraftOutcome, Outcome, Refused, ReplyRequest,
    TransferTo,
};
use crate::channels::enclosures::FILES_MAX;
use crate::domain::ids::{TicketId, TicketNumber};
use crate::domain::labels::{Language, Locale};
use crate::domain::ticket::TicketStatus;

/// How long an agent keeps a conversation that they took.
const HOLD: Duration = Duration::minutes(30);
/// Most bytes of what a person writes.
const WORDS_MAX: usize = 64 * 1024;
/// The furthest moment that anything can be put off to.
const FURTHEST: Duration = Duration::days(90);

/// Somebody's action on a ticket.
pub(super) struct Act {
    pub(super) desk: Desk,
    pub(super) person: Person,
    pub(super) ticket: TicketId,
    pub(super) posted: Posted,
}

/// Why an action was not done, as a text of the pages with its values.
pub(super) struct No {
    status: StatusCode,
    word: &'static str,
    values: Vec<(&'static str, String)>,
    /// What was found in the words that were to leave.
    found: Vec<Value>,
}

impl No {
    fn of(status: StatusCode, word: &'static str) -> Self {
        Self { status, word, values: Vec::new(), found: Vec::new() }
    }

    pub(super) fn conflict(word: &'static str) -> Self {
        Self::of(StatusCode::CONFLICT, word)
    }

    pub(super) fn invalid(word: &'static str) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, word)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }
}

/// How an action ended.
pub(super) enum End {
    /// It was done; on to the next ticket, or to where the form wants.
    Next,
    /// It was done; the ticket stays open.
    Stay,
    /// Nothing was done yet; the form comes back with what it holds.
    Again,
    /// Nothing was done but to put these words where one writes.
    Shown(String),
    /// It was not done, and why.
    No(No),
}

type Ended = Result<End, Trouble>;

impl Act {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.desk.now()
    }

    pub(super) fn actor(&self) -> Actor {
        Actor { name: self.person.name.clone() }
    }

    /// Until when what this person sends can be called back.
    fn leaves_at(&self) -> DateTime<Utc> {
        self.now() + Duration::seconds(i64::from(self.person.settings.undo_secs))
    }

    async fn change(&self, change: Change) -> Result<Option<No>, Trouble> {
        let store = self.desk.web().store();
        let outcome = store
            .change_ticket(self.now(), &self.person.tenant, &self.ticket, self.actor(), change)
            .await?;
        match outcome {
            Outcome::Done(_) | Outcome::Repeated(_) => Ok(None),
            Outcome::NotFound => Err(Trouble::NotFound),
            Outcome::Refused(refused) => Ok(Some(self.refusal(refused))),
        }
    }

    async fn changed(&self, change: Change, then: End) -> Ended {
        Ok(self.change(change).await?.map_or(then, End::No))
    }

    fn refusal(&self, refused: Refused) -> No {
        match refused {
            Refused::HeldBy(agent, until) => self.held(agent, until),
            Refused::NotHeld => No::conflict("refused.not_held"),
            Refused::Status(..) => No::conflict("refused.status"),
            Refused::Closed => No::conflict("refused.closed"),
            Refused::OptedOut => No::conflict("refused.opted_out"),
            Refused::KeyReused => No::conflict("refused.twice"),
            Refused::TooManyTags => No::invalid("refused.tags"),
            Refused::MergeInto("itself") => No::invalid("refused.merge_itself"),
            Refused::MergeInto("closed") => No::invalid("refused.merge_closed"),
            Refused::MergeInto(_) => No::invalid("refused.merge_missing"),
            Refused::Messages => No::invalid("refused.messages"),
            Refused::Attachments => No::conflict("refused.files"),
        }
    }

    pub(super) fn held(&self, agent: String, until: DateTime<Utc>) -> No {
        let zone = self.desk.zone(&self.person.tenant);
        let until = until.with_timezone(&zone).format("%H:%M").to_string();
        No::conflict("refused.held").with("name", agent).with("until", until)
    }

    /// Reads words that must be there.
    fn words(&self, name: &str) -> Result<String, No> {
        let text = self.posted.raw(name).unwrap_or_default().replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() {
            return Err(No::invalid("refused.empty"));
        }
        if text.len() > WORDS_MAX {
            return Err(No::invalid("refused.long").with("n", (WORDS_MAX / 1024).to_string()));
        }
        Ok(text.to_owned())
    }

    /// Reads a moment as a form gives it: on the clock of the business, or a number of minutes from now.
    fn moment(&self, name: &str) -> Result<DateTime<Utc>, No> {
        let text = self.posted.get(name).ok_or_else(|| No::invalid("refused.moment"))?;
        let now = self.now();
        let at = match text.strip_prefix('+').map(str::parse::<i64>) {
            Some(Ok(minutes)) => {
                now.checked_add_signed(Duration::minutes(minutes.clamp(0, 1_000_000)))
            }
            Some(Err(_)) => None,
            None => {
                let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok();
                let zone = self.desk.zone(&self.person.tenant);
                local
                    .and_then(|local| zone.from_local_datetime(&local).earliest())
                    .map(|at| at.with_timezone(&Utc))
            }
        };
        let at = at.ok_or_else(|| No::invalid("refused.moment"))?;
        if at <= now || at > now + FURTHEST {
            return Err(No::invalid("refused.ahead"));
        }
        Ok(at)
    }

    pub(super) fn version(&self) -> Result<i64, No> {
        let version = self.posted.get("version").and_then(|text| text.parse().ok());
        version.ok_or_else(|| No::invalid("refused.version"))
    }

    /// The locale of what a person writes here: the conversation's.
    async fn locale(&self) -> Result<Locale, Trouble> {
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let spoken = ticket.row.language.as_deref().and_then(Language::parse);
        let default = self.desk.web().vocabulary(&self.person.tenant);
        Ok(spoken
            .and_then(Language::reply_locale)
            .or_else(|| default.and_then(|known| known.default_locale))
            .unwrap_or(Locale::PtBr))
    }

    async fn decide(&self, version: i64, action: DraftAction) -> Done {
        let attachments = self.files().await?;
        let store = self.desk.web().store();
        let decision = DraftDecision {
            tenant: self.person.tenant.clone(),
            ticket: self.ticket.clone(),
            version,
            action,
            actor: self.actor(),
            outbox: self.desk.web().clock().outbox_id(),
            leaves_at: Some(self.leaves_at()),
            attachments,
        };
        Ok(match store.decide_draft(self.now(), decision).await? {
            DraftOutcome::Queued(_) | DraftOutcome::Rejected => End::Next,
            DraftOutcome::NotFound => End::No(No::conflict("refused.no_draft")),
            DraftOutcome::HeldBy(agent, until) => End::No(self.held(agent, until)),
            DraftOutcome::OptedOut => End::No(No::conflict("refused.opted_out")),
            DraftOutcome::Attachments => End::No(No::conflict("refused.files")),
            DraftOutcome::Conflict { state, by, at, .. } => {
                End::No(self.overtaken(&state, by, at).await?)
            }
        })
    }

    /// Somebody was first. What this person wrote is not lost: it becomes a note.
    async fn overtaken(
        &self,
        state: &str,
        by: Option<String>,
        at: Option<DateTime<Utc>>,
    ) -> Result<No, Trouble> {
        let written = self.words("text").ok();
        let kept = written.is_some();
        if let Some(text) = written {
            let id = format!("note_{:032x}", self.desk.web().clock().fresh_bits());
            self.change(Change::Note(id, text)).await?;
        }
        let zone = self.desk.zone(&self.person.tenant);
        let at =
            at.map(|at| at.with_timezone(&zone).format("%H:%M").to_string()).unwrap_or_default();
        let word = match (state, &by, kept) {
            ("rejected", Some(_), true) => "race.rejected_kept",
            ("rejected", Some(_), false) => "race.rejected",
            (_, Some(_), true) => "race.answered_kept",
            (_, Some(_), false) => "race.answered",
            _ => "race.moved_on",
        };
        Ok(No::conflict(word).with("name", by.unwrap_or_default()).with("at", at))
    }
}

/// One action of a ticket, by its last word in the address.
pub(super) async fn on_ticket(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
    Path((ticket, action)): Path<(String, String)>,
) -> Response {
    let locale = person.locale();
    let act = match resolve(&desk, &person, &ticket).await {
        Ok(ticket) => Act { desk: desk.clone(), person, ticket, posted },
        Err(trouble) => return trouble.page(&desk, locale),
    };
    let ended = match Box::pin(act.run(&action)).await {
        Ok(ended) => Box::pin(act.answer(ended)).await,
        Err(trouble) => Err(trouble),
    };
    ended.unwrap_or_else(|trouble| trouble.page(&desk, locale))
}

/// Finds the ticket that an address means, by id or by number; another business's is none.
pub(super) async fn resolve(desk: &Desk, person: &Person, path: &str) -> Result<TicketId, Trouble> {
    if path.starts_with(TicketId::PREFIX) && path.len() <= 80 {
        let id = TicketId::from_stored(path);
        let known = desk.web().store().ticket_rows(&person.tenant, &[path]).await?;
        return if known.is_empty() { Err(Trouble::NotFound) } else { Ok(id) };
    }
    let number = TicketNumber::parse(path).ok_or(Trouble::NotFound)?;
    let found = desk.web().store().ticket_by_number(&person.tenant, number).await?;
    found.ok_or(Trouble::NotFound)
}

impl Act {
    async fn run(&self, action: &str) -> Ended {
        let ended = match action {
            "approve" => self.approve().await,
            "send" => self.send().await,
            "reject" => self.reject().await,
            "fix" => self.fix().await,
            "take" => return self.changed(Change::Claim(self.now() + HOLD), End::Stay).await,
            "give" => {
                let to_assistant = self.posted.get("to") == Some("ai");
                return self.changed(Change::Release(to_assistant), End::Stay).await;
            }
            "escalate" => self.escalate().await,
            "reply" => self.reply().await,
            "attach" => self.attach().await,
            "retry" => self.retry().await,
            "again" => self.again().await,
            "insert" => self.insert().await,
            "wish" => self.wish().await,
            "vote" => self.vote().await,
            "note" => self.note().await,
            "tag" => self.tag().await,
            "snooze" => self.snooze().await,
            "transfer" => self.transfer().await,
            "callback" => self.callback().await,
            "merge" => self.merge().await,
            "field" => self.field().await,
            "status" => self.status().await,
            _ => return Err(Trouble::NotFound),
        };
        ended.or_else(|stop| match stop {
            Stop::No(no) => Ok(End::No(no)),
            Stop::Trouble(trouble) => Err(trouble),
        })
    }

    /// Answers with the page to go on with, or with the ticket's page and what was wrong.
    async fn answer(&self, ended: End) -> Result<Response, Trouble> {
        let back = self.posted.back().unwrap_or("/desk/review");
        match ended {
            End::Next => Ok(see_other(
                self.posted
                    .get("next")
                    .filter(|next| super::posted::is_here(next))
                    .unwrap_or(&list_of(back)),
            )),
            End::Stay => Ok(see_other(&closed_form(back))),
            End::Again => self.shown_again(None, None).await,
            End::Shown(words) => self.shown_again(None, Some(words)).await,
            End::No(no) => self.shown_again(Some(no), None).await,
        }
    }
}

/// The list that an address of a ticket is in.
fn list_of(address: &str) -> String {
    match address.split_once('?') {
        Some(("/desk/review", query)) => Asked::read(query).list().address(),
        _ => address.to_owned(),
    }
}

/// The same ticket with no form open.
fn closed_form(address: &str) -> String {
    match address.split_once('?') {
        Some(("/desk/review", query)) => Asked { form: None, ..Asked::read(query) }.address(),
        _ => address.to_owned(),
    }
}

/// What ends an action early.
pub(super) enum Stop {
    No(No),
    Trouble(Trouble),
}

impl From<No> for Stop {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<crate::adapters::store::StoreError> for Stop {
    fn from(error: crate::adapters::store::StoreError) -> Self {
        Self::Trouble(error.into())
    }
}

pub(super) type Done = Result<End, Stop>;

impl Act {
    /// Sends a draft as it is. One with open points is never sent so.
    async fn approve(&self) -> Done {
        let version = self.version()?;
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let shown = ticket.drafts.iter().find(|draft| draft.version == version);
        let open = shown.filter(|draft| draft.state == "proposed").map_or(0, |shown| {
            draft::ledger(shown).iter().filter(|one| draft::is_open(one)).count()
        });
        if open > 0 {
            return Err(No::conflict("gate.open").with("n", open.to_string()).into());
        }
        self.decide(version, DraftAction::Approve).await
    }

    /// Sends a person's own words in place of a draft, after they were examined like the draft's.
    async fn send(&self) -> Done {
        let (version, text) = (self.version()?, self.words("text")?);
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        if !self.posted.is_ticked("sure") {
            let found = check::findings(&self.desk, &self.person, &ticket, version, &text);
            if !found.is_empty() {
                let n = found.len().to_string();
                return Err(No { found, ..No::invalid("check.found").with("n", n) }.into());
            }
        }
        self.decide(version, DraftAction::Edit(text)).await
    }

    async fn reject(&self) -> Done {
        let version = self.version()?;
        let reason = self.posted.get("reason").filter(|reason| draft::REASONS.contains(reason));
        let reason = reason.ok_or_else(|| No::invalid("refused.reason"))?;
        let words = self.posted.get("words").unwrap_or_default();
        if words.len() > WORDS_MAX {
            return Err(No::invalid("refused.long")
                .with("n", (WORDS_MAX / 1024).to_string())
                .into());
        }
        let action = DraftAction::Reject { code: Some(reason.to_owned()), words: words.to_owned() };
        self.decide(version, action).await
    }

    /// Gives the ticket to a queue of people and leaves a note that says why.
    async fn escalate(&self) -> Done {
        let to = self.queue(self.posted.get("queue"))?;
        if let Some(reason) = self.posted.get("reason") {
            let id = format!("note_{:032x}", self.desk.web().clock().fresh_bits());
            if let Some(no) = self.change(Change::Note(id, reason.to_owned())).await? {
                return Err(no.into());
            }
        }
        if let Some(no) = self.change(Change::Status(TicketStatus::Escalated)).await? {
            // Already with people is where it should be.
            if no.word != "refused.status" {
                return Err(no.into());
            }
        }
        Ok(self.changed(Change::Transfer(to), End::Next).await?)
    }

    fn queue(&self, wanted: Option<&str>) -> Result<TransferTo, No> {
        let wanted = wanted.ok_or_else(|| No::invalid("refused.queue"))?;
        let tenant = self.desk.tenant(&self.person.tenant);
        let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
        let team = pack.as_ref().and_then(|pack| pack.team(wanted));
        let team = team.ok_or_else(|| No::invalid("refused.queue"))?;
        let level = team.levels.first().map(|level| level.id.clone());
        Ok(TransferTo::Queue(wanted.to_owned(), level))
    }

    async fn reply(&self) -> Done {
        let text = self.words("text")?;
        self.unblanked(&text)?;
        let request = ReplyRequest {
            id: self.desk.web().clock().outbox_id(),
            text,
            locale: self.locale().await?,
            hold_until: self.now() + HOLD,
            leaves_at: Some(self.leaves_at()),
            attachments: self.files().await?,
            once: None,
        };
        Ok(self.changed(Change::Reply(request), End::Stay).await?)
    }

    async fn note(&self) -> Done {
        let text = self.words("text")?;
        let id = format!("note_{:032x}", self.desk.web().clock().fresh_bits());
        Ok(self.changed(Change::Note(id, text), End::Stay).await?)
    }

    async fn tag(&self) -> Done {
        let tags = |name: &str| -> Vec<String> {
            let tags = self.posted.get(name).unwrap_or_default().split(',');
            tags.map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty()).collect()
        };
        let (add, remove) = (tags("add"), tags("remove"));
        if add.is_empty() && remove.is_empty() {
            return Err(No::invalid("refused.empty").into());
        }
        if add.iter().any(|tag| tag.chars().count() > 50) {
            return Err(No::invalid("refused.tag_long").into());
        }
        Ok(self.changed(Change::Tag(add, remove), End::Stay).await?)
    }

    async fn snooze(&self) -> Done {
        let (until, then) = if self.posted.get("until") == Some("now") {
            (None, End::Stay)
        } else {
            (Some(self.moment("until")?), End::Next)
        };
        Ok(self.changed(Change::Snooze(until), then).await?)
    }

    async fn transfer(&self) -> Done {
        let to = match self.posted.get("agent") {
            Some(agent) if agent.chars().count() <= 80 => {
                TransferTo::Agent(agent.to_owned(), self.now() + HOLD)
            }
            _ => self.queue(self.posted.get("queue"))?,
        };
        Ok(self.changed(Change::Transfer(to), End::Next).await?)
    }

    async fn callback(&self) -> Done {
        let span = if self.posted.get("from") == Some("done") {
            None
        } else {
            let (from, until) = (self.moment("from")?, self.moment("until")?);
            if from >= until {
                return Err(No::invalid("refused.span").into());
            }
            Some((from, until))
        };
        Ok(self.changed(Change::Callback(span), End::Stay).await?)
    }

    async fn merge(&self) -> Done {
        let into = self.posted.get("into").ok_or_else(|| No::invalid("refused.merge_missing"))?;
        let into = match resolve(&self.desk, &self.person, into).await {
            Ok(into) => into,
            Err(Trouble::NotFound) => return Err(No::invalid("refused.merge_missing").into()),
            Err(trouble) => return Err(trouble.into()),
        };
        Ok(self.changed(Change::Merge(into), End::Next).await?)
    }

    async fn field(&self) -> Done {
        let name = self.posted.get("name").unwrap_or_default();
        let value = self.posted.get("value").ok_or_else(|| No::invalid("refused.value"))?;
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let category = ticket.row.category.as_deref();
        let field = check::correctable(&self.desk, &self.person, name, value, category);
        let field = field.ok_or_else(|| No::invalid("refused.value"))?;
        let change = Change::Override(field, Value::String(value.to_owned()));
        Ok(self.changed(change, End::Stay).await?)
    }

    async fn status(&self) -> Done {
        let status = self.posted.get("status").and_then(TicketStatus::parse);
        let status = status.ok_or_else(|| No::invalid("refused.value"))?;
        let then = if status.is_open() { End::Stay } else { End::Next };
        Ok(self.changed(Change::Status(status), then).await?)
    }
}
