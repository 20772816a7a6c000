//! Calls of networks' webhooks, read and filed. A call leaves the inbox only after the store has what it brought.

use std::collections::BTreeMap;

use serde_json::json;

use super::Worker;
use super::changes::{Told, is_change};
use crate::adapters::inbox::{Left, WaitingCall};
use crate::adapters::store::{Delivered, Intake, NetworkPerson, OwnWords};
use crate::channels::whatsapp::errors::ApiError;
use crate::channels::whatsapp::identity;
use crate::channels::whatsapp::outlet::marked;
use crate::channels::whatsapp::payload::{
    self, Alias, Incoming, Preference, Sender, Silence, Status, StatusChange, Update,
};
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::domain::mark::{Mark, MarkNews};
use crate::domain::message::{Contact, Given, InboundMessage};
use crate::ports::{PortError, PortErrorKind};

/// How many calls are read at once; each may have 3 MB.
const BATCH: u32 = 16;
/// How many bytes they may have together: mails may be large.
const BYTES: u64 = 64 * 1024 * 1024;
/// For how long a person who answered from the business's own phone has the conversation.
const HOLD: chrono::Duration = chrono::Duration::hours(4);

/// What a call brought to one business.
#[derive(Default)]
struct News {
    messages: Vec<Incoming>,
    echoes: Vec<Incoming>,
    changes: Vec<Incoming>,
    statuses: Vec<StatusChange>,
    aliases: Vec<Alias>,
    preferences: Vec<Preference>,
}

impl Worker {
    /// Reads the calls that waited longest. Returns how many.
    pub async fn read_calls(&self) -> Result<usize, PortError> {
        let calls = self.inbox.waiting_calls(BATCH, BYTES).await?;
        let count = calls.len();
        for call in calls {
            let read = match call.network.as_str() {
                "email" => self.read_mail(&call).await,
                _ => self.read_call(&call).await,
            };
            let left = match read {
                Ok(left) => left,
                Err(error) if error.kind == PortErrorKind::Permanent => {
                    Some("the store refused it".to_owned())
                }
                Err(error) => return Err(error),
            };
            let left = left.map(|why| {
                tracing::error!(
                    call.seq = call.seq,
                    why,
                    "A part of call {} needs a person: {why}",
                    call.seq
                );
                Left { why, items: call.body }
            });
            self.inbox.call_taken(self.clock.now(), call.seq, left).await?;
        }
        Ok(count)
    }

    /// Files what a call brought. Returns why it is kept as it came, where something in it could not be taken in.
    async fn read_call(&self, call: &WaitingCall) -> Result<Option<String>, PortError> {
        let batch = match payload::read(&call.body) {
            Ok(batch) => batch,
            Err(why) => return Ok(Some(why.to_string())),
        };
        let mut left = Vec::new();
        let mut news: BTreeMap<TenantId, News> = BTreeMap::new();
        for update in batch.updates {
            let account = update.account();
            let Some(tenant) = self.whatsapp.tenant(account) else {
                // News of the account as a whole are nobody's, and nothing is lost with them.
                if matches!(update, Update::Message(_) | Update::Status(_)) {
                    left.push(format!("number {account} is not among the configured ones"));
                }
                continue;
            };
            let news = news.entry(tenant.clone()).or_default();
            news.aliases.extend(update.alias());
            match update {
                Update::Message(message) if is_change(&message) => news.changes.push(*message),
                Update::Message(message) => match message.silence() {
                    None => news.messages.push(*message),
                    Some(Silence::Echo) => news.echoes.push(*message),
                    Some(why) => {
                        tracing::debug!(%why, "Passed over a message that wants no answer");
                    }
                },
                Update::Status(status) => news.statuses.push(*status),
                Update::Fault(fault) => tracing::error!(
                    account = fault.account,
                    code = fault.error.code,
                    "WhatsApp says that something is wrong with number {}: {}",
                    fault.account,
                    fault.error.title.as_deref().unwrap_or("no title")
                ),
                Update::Bad { why, .. } => left.push(why.to_owned()),
                Update::Preference(preference) => news.preferences.push(preference),
                Update::Alias(_) | Update::Ignored { .. } => {}
            }
        }
        for (tenant, news) in news {
            self.file_news(call, &tenant, news, &mut left).await?;
        }
        left.dedup();
        Ok((!left.is_empty()).then(|| left.join("; ")))
    }

    async fn file_news(
        &self,
        call: &WaitingCall,
        tenant: &TenantId,
        news: News,
        left: &mut Vec<String>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        for alias in news.aliases {
            let keys = (alias.previous, alias.current);
            self.store.alias(now, tenant, Channel::Whatsapp, keys).await?;
        }
        let people = news.messages.iter().chain(&news.echoes).chain(&news.changes);
        let people = people.map(|one| &one.sender);
        let people = people.chain(news.preferences.iter().map(|one| &one.sender));
        let people: Vec<NetworkPerson> = people.map(|sender| self.person(sender)).collect();
        let mut threads =
            self.store.know(now, tenant, Channel::Whatsapp, people).await?.into_iter();
        let mut batch = Vec::with_capacity(news.messages.len());
        for (message, thread) in news.messages.into_iter().zip(threads.by_ref()) {
            let message = self.inbound(call, tenant, message, thread);
            match self.prepare(message) {
                Ok(intake) => batch.push(intake),
                Err(why) => left.push(why.to_owned()),
            }
        }
        if !batch.is_empty() {
            self.record_all(batch, left).await?;
            self.turns_due.notify_one();
            self.files_due.notify_one();
        }
        for (echo, thread) in news.echoes.into_iter().zip(threads.by_ref()) {
            let by = echo.display_phone.clone().unwrap_or_else(|| echo.account.clone());
            let message = self.inbound(call, tenant, echo, thread);
            let words = OwnWords { message, by: format!("whatsapp {by}"), hold_until: now + HOLD };
            self.store.record_own_words(now, words).await?;
        }
        // After the messages of the same call, which may be what they change.
        let told = news.changes.into_iter().zip(threads.by_ref());
        let told = told.map(|(message, thread)| Told { message, thread }).collect();
        self.file_changes(call, tenant, told).await?;
        for (preference, thread) in news.preferences.into_iter().zip(threads) {
            self.file_preference(call, tenant, &preference, &thread).await?;
        }
        let deliveries: Vec<_> = news
            .statuses
            .into_iter()
            .filter_map(delivered)
            .map(|delivered| (delivered, self.clock.message_id()))
            .collect();
        if !deliveries.is_empty() {
            self.store.note_deliveries(now, tenant, deliveries).await?;
        }
        Ok(())
    }

    /// Notes what somebody chose to receive. What is not about advertisements is passed over.
    async fn file_preference(
        &self,
        call: &WaitingCall,
        tenant: &TenantId,
        preference: &Preference,
        thread: &str,
    ) -> Result<(), PortError> {
        let Some(stops) = preference.stops_marketing() else {
            tracing::debug!("Passed over a preference that is not about advertisements");
            return Ok(());
        };
        let news = MarkNews {
            mark: Mark::NoMarketing,
            stands: stops,
            reason: "whatsapp".to_owned(),
            at: preference.at.unwrap_or(call.received_at),
        };
        let phone = preference.sender.phone.as_deref();
        self.store.note_preference(tenant, thread, phone, news).await?;
        Ok(())
    }

    /// Records messages; one that the store cannot take must not hold back the others.
    pub(super) async fn record_all(
        &self,
        batch: Vec<Intake>,
        left: &mut Vec<String>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        self.heard_from(&batch).await?;
        match self.store.record_inbound(now, batch.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == PortErrorKind::Permanent => {}
            Err(error) => return Err(error.into()),
        }
        for intake in batch {
            match self.store.record_inbound(now, vec![intake]).await {
                Ok(_) => {}
                Err(error) if error.kind() == PortErrorKind::Permanent => {
                    left.push("the store refused a message".to_owned());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn person(&self, sender: &Sender) -> NetworkPerson {
        NetworkPerson {
            fresh_id: format!("wac_{:032x}", self.clock.fresh_bits()),
            keys: identity::sender_keys(sender),
            address: json!({
                "wa_id": sender.wa_id, "user_id": sender.user_id, "name": sender.name,
            }),
        }
    }

    pub(super) fn inbound(
        &self,
        call: &WaitingCall,
        tenant: &TenantId,
        message: Incoming,
        thread: String,
    ) -> InboundMessage {
        let locale =
            self.tenants.get(tenant).map(|tenant| tenant.pipeline.pack().business.default_locale());
        InboundMessage {
            id: self.clock.message_id(),
            ticket_id: self.clock.ticket_id(),
            tenant: tenant.clone(),
            channel: Channel::Whatsapp,
            text: message.text(locale.unwrap_or(Locale::PtBr)).unwrap_or_default(),
            flags: message.flags(),
            original: None,
            attachments: message.attachment(self.clock.attachment_id()).into_iter().collect(),
            account: message.account,
            external_id: message.id,
            thread,
            contact: Contact {
                name: message.sender.name,
                phone: message.sender.phone,
                ..Contact::default()
            },
            subject: None,
            given: Given::default(),
            sent_at: message.timestamp,
            received_at: call.received_at,
        }
    }
}

/// What a state tells of a message of ours; `None` for one that tells nothing.
fn delivered(change: StatusChange) -> Option<Delivered> {
    let state = match change.status {
        Status::Sent => ("sent", 1),
        Status::Delivered => ("delivered", 2),
        Status::Read => ("read", 3),
        Status::Played => ("played", 4),
        Status::Failed => ("failed", 5),
        Status::Other(_) => return None,
    };
    let failed = (state.0 == "failed").then(|| reason(change.errors.first()));
    let code = change.errors.first().and_then(|error| error.code).filter(|_| failed.is_some());
    Some(Delivered {
        network_id: change.id,
        own_id: change.opaque,
        state: state.0,
        rank: state.1,
        at: change.at,
        error: failed,
        mark: marked(code, change.at).map(|news| (news, Vec::new())),
    })
}

fn reason(error: Option<&ApiError>) -> String {
    let Some(error) = error else { return "WhatsApp could not deliver it".to_owned() };
    let code = error.code.map(|code| format!(" ({code})")).unwrap_or_default();
    format!("{}{code}", error.title.as_deref().unwrap_or("WhatsApp could not deliver it"))
}
