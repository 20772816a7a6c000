//! Messages to customers on WhatsApp: handed to the outlet of their number with what decides how they leave.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Worker;
use super::turns::Case;
use crate::adapters::store::{Claimed, DeliveryEnd};
use crate::channels::whatsapp::client::Address;
use crate::channels::whatsapp::outlet::{Attempt, Enclosure, Outlet, Parcel};
use crate::domain::channel::Channel;
use crate::domain::ticket::OwnerKind;
use crate::ports::{PortError, PortErrorKind};

/// How long a read receipt may take; it is a courtesy, and a turn that is being decided has better things to do.
const RECEIPT: Duration = Duration::from_secs(5);

impl Worker {
    /// Returns the way out of a row that is for WhatsApp.
    pub(super) fn outlet(&self, row: &Claimed) -> Option<Arc<Outlet>> {
        let outlet = self.whatsapp.outlet(&row.tenant, &row.account);
        outlet.filter(|_| row.channel == Channel::Whatsapp).cloned()
    }

    pub(super) async fn send_by_whatsapp(
        &self,
        outlet: &Outlet,
        row: &Claimed,
    ) -> Result<Attempt, PortError> {
        let known = self.store.network_address(&row.tenant, &row.body.thread).await?;
        let own = row.body.to.phone.as_deref().and_then(Address::read);
        let Some(to) = known.as_ref().and_then(address).or(own) else {
            let why = "nobody knows this person's number or user id".to_owned();
            return Ok(DeliveryEnd::Failed(why).into());
        };
        let file = match self.enclosure(row).await? {
            Ok(file) => file,
            Err(why) => return Ok(DeliveryEnd::Failed(why.to_owned()).into()),
        };
        let latest = self.store.latest_inbound(&row.conversation).await?;
        let parcel = Parcel {
            id: row.id.as_str(),
            number: &row.account,
            to: &to,
            text: &row.body.text,
            choices: &row.body.choices,
            file: file.as_ref(),
            locale: row.body.locale,
            ticket_number: &row.body.ticket_number,
            template: row.body.template.as_deref(),
            answers: row.body.in_reply_to.as_deref(),
            latest: latest.as_ref().map(|(id, at)| (id.as_str(), *at)),
            attempt: row.attempt,
            since: row.created_at,
            chance: u64::try_from(self.clock.fresh_bits() % 1_000).unwrap_or_default(),
        };
        // Where a model made it, the customer has seen that long ago.
        let read = parcel.answers.filter(|_| self.ladder.is_none() && row.author == "ai");
        let (attempt, ()) = futures::join!(outlet.send(self.clock.now(), &parcel), async {
            if let Some(message) = read.filter(|_| row.attempt == 1) {
                show(outlet, &row.account, message, false).await;
            }
        });
        Ok(attempt)
    }

    /// Reads the file that a row carries, or says why it cannot leave.
    async fn enclosure(
        &self,
        row: &Claimed,
    ) -> Result<Result<Option<Enclosure>, &'static str>, PortError> {
        let id = match row.body.attachments.as_slice() {
            [] => return Ok(Ok(None)),
            [id] => id,
            _ => {
                return Ok(Err("WhatsApp takes one file a message; send the others by themselves"));
            }
        };
        let known = self.store.enclosed(&row.tenant, std::slice::from_ref(id)).await?;
        let content =
            self.files.read(id).await.map_err(|error| {
                PortError::new("read attachment", PortErrorKind::Transient, error)
            })?;
        Ok(match (known.into_iter().next(), content) {
            (Some(known), Some(content)) => Ok(Some(Enclosure {
                id: known.id.as_str().to_owned(),
                mime: known.mime,
                name: known.name,
                content,
            })),
            _ => Err("the file that goes with it is not here any more"),
        })
    }

    /// Shows whoever waits on WhatsApp that their words were read and a reply is being made, where one may leave alone:
    /// nobody sees "typing…" for hours of a person's work.
    pub(super) async fn show_reading(&self, case: &Case) {
        let (turn, tenant) = (&case.turn, &case.job.tenant);
        let Some(outlet) = self.whatsapp.outlet(tenant, &turn.account) else { return };
        let alone = case.answers_alone();
        let newest = turn.messages.iter().rev().find_map(|message| message.external_id.as_deref());
        let Some(message) = newest.filter(|_| alone && turn.owner == OwnerKind::Ai) else { return };
        show(outlet, &turn.account, message, true).await;
    }
}

async fn show(outlet: &Outlet, number: &str, message: &str, typing: bool) {
    let shown = tokio::time::timeout(RECEIPT, outlet.mark_read(number, message, typing)).await;
    if let Ok(Some(fault)) = shown {
        tracing::debug!(%fault, "Could not show that a message was read: {fault}");
    }
}

/// Reads what replies to somebody go to: their number, else the id under which the business knows them.
fn address(known: &Value) -> Option<Address> {
    let id = |name: &str| known.get(name).and_then(Value::as_str).and_then(Address::read);
    id("wa_id").or_else(|| id("user_id"))
}
