//! Words to put where one writes: approved templates and saved replies with the ticket's facts in them, passages of articles.
//! The script puts them at the cursor; without it the server puts them at the end.

use serde_json::{Value, json};

use super::super::Desk;
use super::super::act::{Act, Done, End, No};
use super::super::answer::Trouble;
use super::super::shown::View;
use super::fields::{Field, filled};
use super::{articles, locale_of};
use crate::adapters::store::TicketView;
use crate::compose;
use crate::domain::channel::Channel;
use crate::domain::customer::CustomerProfile;
use crate::domain::labels::{Locale, Sentiment};
use crate::pipeline::NoticeCase;

/// Words that can be put where one writes.
#[derive(Clone, Debug)]
pub(in crate::desk) struct Offered {
    key: String,
    label: String,
    text: String,
}

impl Offered {
    pub(super) fn model(&self) -> Value {
        json!({"value": self.key, "label": self.label, "text": self.text})
    }
}

/// What a ticket knows for a field.
pub(super) fn known(view: &View<'_>, ticket: &TicketView, field: Field) -> Option<String> {
    let profile =
        <CustomerProfile as serde::Deserialize>::deserialize(&ticket.customer).unwrap_or_default();
    let name = ticket.row.customer_name.as_deref();
    match field {
        Field::Name => name.and_then(compose::first_name),
        Field::Ticket => Some(ticket.row.number.clone()),
        Field::Subject => ticket.row.subject.clone(),
        Field::Plan => profile.plan.as_deref().map(|plan| view.plan(plan)),
        Field::Agent => compose::first_name(&view.person.name),
        Field::Brand => view.pack.map(|pack| pack.business.brand.clone()),
    }
}

/// What can be put into an answer to a ticket: saved replies in its language, then approved templates.
pub(super) async fn offered(
    desk: &Desk,
    view: &View<'_>,
    ticket: &TicketView,
) -> Result<Vec<Offered>, Trouble> {
    let locale = locale_of(desk, view, ticket);
    let person = view.person;
    let saved = desk.web().store().saved_replies(&person.tenant, &person.id).await?;
    let mut all: Vec<Offered> = saved
        .into_iter()
        .filter(|one| one.locale == locale)
        .map(|one| Offered {
            key: one.id,
            label: one.name,
            text: filled(&one.text, locale, |field| known(view, ticket, field)),
        })
        .collect();
    all.extend(templates(desk, view, ticket, locale));
    Ok(all)
}

fn templates(desk: &Desk, view: &View<'_>, ticket: &TicketView, locale: Locale) -> Vec<Offered> {
    let Some(tenant) = desk.tenant(&view.person.tenant) else { return Vec::new() };
    let sentiment = ticket.row.sentiment.as_deref().and_then(Sentiment::parse);
    let case = NoticeCase {
        locale,
        channel: Channel::parse(&ticket.row.channel).unwrap_or(Channel::Api),
        name: ticket.row.customer_name.as_deref(),
        ticket_number: &ticket.row.number,
        sentiment: sentiment.unwrap_or(Sentiment::Neutral),
    };
    let offered = tenant.pipeline.offered(&case);
    offered
        .into_iter()
        .map(|(family, text)| {
            let name = view.say(&format!("family.{family}"), &[]);
            Offered {
                key: format!("template:{family}"),
                label: view.say("insert.template", &[("name", &name)]),
                text,
            }
        })
        .collect()
}

impl Act {
    /// Puts words at the end of what is being written, for browsers without the script. Nothing is stored or sent.
    pub(in crate::desk) async fn insert(&self) -> Done {
        let ticket = self.desk.web().store().ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        let tenant = self.desk.tenant(&self.person.tenant);
        let pack = tenant.as_ref().map(|tenant| tenant.pipeline.shared_pack());
        let view = View {
            pages: self.desk.pages(),
            person: &self.person,
            pack: pack.as_deref(),
            now: self.now(),
        };
        let words = if let Some(passage) = self.posted.get("passage") {
            articles::passage(&self.desk, &view, &ticket, passage)
        } else {
            let all = offered(&self.desk, &view, &ticket).await?;
            let key = self.posted.get("template").unwrap_or_default();
            all.into_iter().find(|one| one.key == key).map(|one| one.text)
        };
        let words = words.ok_or_else(|| No::invalid("insert.none"))?;
        let written = self.posted.raw("text").unwrap_or_default().replace("\r\n", "\n");
        let joined = match written.trim_end() {
            "" => words,
            written => format!("{written}\n\n{words}"),
        };
        Ok(End::Shown(joined))
    }

    /// Refuses words with a blank that nobody filled, until whoever wrote them says that they are meant so.
    pub(in crate::desk) fn unblanked(&self, text: &str) -> Result<(), No> {
        match compose::blank(text) {
            None => Ok(()),
            Some(_) if self.posted.is_ticked("sure") => Ok(()),
            Some(found) => Err(No::invalid("insert.blank").with("found", found)),
        }
    }
}
