//! Another draft because an agent wants one: as a model writes it to their wish, or one that needs no model.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::Desk;
use super::super::act::{Act, Done, End, No, Stop};
use super::super::answer::Trouble;
use super::super::asked::Asked;
use super::super::shown::View;
use super::super::{check, draft};
use crate::adapters::store::{DraftRow, TicketView};
use crate::domain::draft::{DraftText, Passage, Support};
use crate::domain::ids::TicketId;
use crate::pipeline::{Alternative, NoRedraft};
use crate::worker::Reread;

/// Most characters of a wish.
pub(in crate::desk) const INSTRUCTION_MAX: usize = 500;
/// What is left of a request's time for everything besides the models.
const REST: Duration = Duration::from_secs(3);

impl Act {
    /// Writes the draft anew. The version that the agent saw is the only one that is replaced.
    pub(in crate::desk) async fn again(&self) -> Done {
        let version = self.version()?;
        let ticket = self.desk.web().store().ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let shown = ticket.drafts.first().filter(|draft| draft.version == version);
        let Some(shown) = shown.filter(|draft| draft.state == "proposed") else {
            return Err(No::conflict("race.moved_on").into());
        };
        if ticket.opted_out {
            return Err(No::conflict("refused.opted_out").into());
        }
        // Asked before a model is: what it writes could not take the draft's place.
        let others = ticket
            .owner_name
            .clone()
            .filter(|name| ticket.row.owner == "agent" && *name != self.person.name);
        if let Some((name, until)) =
            others.zip(ticket.owner_until).filter(|(_, at)| *at > self.now())
        {
            return Err(self.held(name, until).into());
        }
        let of = reread(&self.desk, &ticket, shown, (&self.person.tenant, &self.ticket)).await?;
        let of = of.ok_or(Trouble::NotFound)?;
        let (anew, passages) = match self.posted.get("instead") {
            Some(key) => self.instead(&of, key).await?,
            None => self.wished(&of, shown).await?,
        };
        let done = self
            .desk
            .web()
            .store()
            .replace_draft(
                self.now(),
                (&self.person.tenant, &self.ticket),
                self.actor(),
                (version, anew, passages),
            )
            .await?;
        if done { Ok(End::Stay) } else { Err(No::conflict("race.moved_on").into()) }
    }

    /// Repairs a sentence of a draft: a new version takes its place.
    pub(in crate::desk) async fn fix(&self) -> Done {
        let version = self.version()?;
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let shown = ticket.drafts.first().filter(|draft| draft.version == version);
        let Some(shown) = shown.filter(|draft| draft.state == "proposed") else {
            return Err(No::conflict("race.moved_on").into());
        };
        let repair = check::Repair {
            sentence: self.posted.get("sentence").and_then(|n| n.parse().ok()),
            with: (self.posted.get("op") == Some("replace"))
                .then(|| self.posted.get("with").unwrap_or_default().to_owned()),
        };
        let Some(revised) = check::repaired(shown, &repair) else {
            return Err(No::conflict("refused.no_fix").into());
        };
        let done = store
            .revise_draft(
                self.now(),
                (&self.person.tenant, &self.ticket),
                self.actor(),
                (version, revised),
            )
            .await?;
        if done { Ok(End::Stay) } else { Err(No::conflict("race.moved_on").into()) }
    }

    /// What a model writes to the agent's wish.
    async fn wished(
        &self,
        of: &Reread,
        shown: &DraftRow,
    ) -> Result<(DraftText, Vec<Passage>), Stop> {
        let wish = self.posted.get("instruction").ok_or_else(|| No::invalid("again.empty"))?;
        if wish.chars().count() > INSTRUCTION_MAX {
            let most = INSTRUCTION_MAX.to_string();
            return Err(No::invalid("again.long").with("n", most).into());
        }
        let Some(worker) = self.desk.worker() else {
            return Err(No::conflict(said(NoRedraft::NoModel)).into());
        };
        let most = self.desk.web().settings().request_timeout.saturating_sub(REST);
        let present = body(shown);
        let redrafted = worker.redraft(of, (&present, wish), most).await?;
        let redrafted = redrafted.ok_or_else(|| No::conflict("race.moved_on"))?;
        redrafted.draft.map_err(|why| No::conflict(said(why)).into())
    }

    /// What the agent chose from what needs no model.
    async fn instead(&self, of: &Reread, key: &str) -> Result<(DraftText, Vec<Passage>), Stop> {
        let all = match self.desk.worker() {
            Some(worker) => worker.alternatives(of).await?,
            None => Vec::new(),
        };
        let chosen = all.into_iter().find(|one| one.key == key);
        let chosen = chosen.ok_or_else(|| No::conflict("again.gone"))?;
        Ok((chosen.draft, chosen.passages))
    }
}

/// Why there is no other draft, and what can be done instead.
const fn said(why: NoRedraft) -> &'static str {
    match why {
        NoRedraft::NoModel => "again.no_model",
        NoRedraft::NoMoney => "again.no_money",
        NoRedraft::NoAnswer => "again.no_answer",
        NoRedraft::NoPassages => "again.no_passages",
        NoRedraft::NotAsked => "again.not_asked",
    }
}

/// The draft without the frame that a program puts around it; the whole of one that is nothing else.
fn body(shown: &DraftRow) -> String {
    let ledger = draft::ledger(shown);
    let own: Vec<&str> = ledger
        .iter()
        .filter(|entry| entry.support != Support::Template)
        .map(|entry| entry.sentence.as_str())
        .collect();
    if own.is_empty() { shown.text.clone() } else { own.join("\n") }
}

async fn reread(
    desk: &Desk,
    ticket: &TicketView,
    shown: &DraftRow,
    (tenant, id): (&crate::domain::ids::TenantId, &TicketId),
) -> Result<Option<Reread>, Trouble> {
    let Some(conversation) = desk.web().store().conversation_of(tenant, id).await? else {
        return Ok(None);
    };
    // A closed ticket's draft was retired with it.
    if ticket.row.status == "closed" {
        return Ok(None);
    }
    let passages = serde_json::from_value(shown.passages.clone()).unwrap_or_default();
    Ok(Some(Reread { tenant: tenant.clone(), ticket: id.clone(), conversation, passages }))
}

/// Drafts that need no model, for the form that asks for another one.
pub(super) async fn others(
    desk: &Desk,
    view: &View<'_>,
    (asked, ticket): (&Asked, &TicketView),
    id: &TicketId,
) -> Result<Value, Trouble> {
    let shown = ticket.drafts.first().filter(|draft| draft.state == "proposed");
    let (Some(shown), Some(worker), Some("again")) = (shown, desk.worker(), asked.form.as_deref())
    else {
        return Ok(json!([]));
    };
    let of = reread(desk, ticket, shown, (&view.person.tenant, id)).await?;
    let Some(of) = of else { return Ok(json!([])) };
    let all = worker.alternatives(&of).await?;
    let differs = |one: &&Alternative| one.draft.text.trim() != shown.text.trim();
    let rows: Vec<Value> = all.iter().filter(differs).map(|one| row(view, one)).collect();
    Ok(Value::Array(rows))
}

fn row(view: &View<'_>, one: &Alternative) -> Value {
    let template = view.say(&format!("family.{}", one.part), &[]);
    let (title, part) = match &one.title {
        Some(title) => (title.as_str(), one.part.as_str()),
        None => (template.as_str(), ""),
    };
    json!({
        "key": one.key, "title": title, "part": part, "text": one.draft.text,
        "locale": one.draft.locale, "template": one.title.is_none(),
    })
}
