//! Calls of networks' webhooks, read and filed. A call leaves the inbox only after the store has what it brought.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
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
const BATCH: u32 = 256;
/// How many messages and states of several calls are filed in one transaction.
const TOGETHER: usize = 256;
/// How many bytes they may have together: mails may be large.
const BYTES: u64 = 64 * 1024 * 1024;
/// For how long a person who answered from the business's own phone has the conversation.
const HOLD: chrono::Duration = chrono::Duration::hours(4);

/// What a call brought to one business.
#[derive(Default)]
struct News {
    /// Messages, each with when its call came.
    messages: Vec<(DateTime<Utc>, Incoming)>,
    echoes: Vec<Incoming>,
    changes: Vec<Incoming>,
    statuses: Vec<StatusChange>,
    aliases: Vec<Alias>,
    preferences: Vec<Preference>,
}

impl News {
    /// True where it matters to nobody what came before it and what after, but for the order of its own messages.
    fn is_plain(&self) -> bool {
        let Self { messages: _, echoes, changes, statuses: _, aliases, preferences } = self;
        echoes.is_empty() && changes.is_empty() && aliases.is_empty() && preferences.is_empty()
    }

    fn size(&self) -> usize {
        self.messages.len() + self.statuses.len()
    }
}

/// A call, sorted by whom its parts are for.
struct Sorted {
    call: WaitingCall,
    news: BTreeMap<TenantId, News>,
    /// Why something in it cannot be taken in.
    left: Vec<String>,
}

impl Sorted {
    fn is_plain(&self) -> bool {
        self.left.is_empty() && self.news.values().all(News::is_plain)
    }

    fn size(&self) -> usize {
        self.news.values().map(News::size).sum()
    }
}

impl Worker {
    /// Reads the calls that waited longest. Returns how many. Calls with nothing but messages and states are filed together;
    /// any other waits for those before it and goes before those behind it.
    pub async fn read_calls(&self) -> Result<usize, PortError> {
        let calls = self.inbox.waiting_calls(BATCH, BYTES).await?;
        let count = calls.len();
        let (mut plain, mut size) = (Vec::new(), 0);
        for call in calls {
            if call.network == "email" {
                let read = self.read_mail(&call).await;
                self.read_out(call, read).await?;
                continue;
            }
            let sorted = self.sorted(call);
            if !sorted.is_plain() {
                self.file_together(std::mem::take(&mut plain)).await?;
                size = 0;
                self.file_alone(sorted).await?;
                continue;
            }
            if size + sorted.size() > TOGETHER {
                self.file_together(std::mem::take(&mut plain)).await?;
                size = 0;
            }
            size += sorted.size();
            plain.push(sorted);
        }
        self.file_together(plain).await?;
        Ok(count)
    }

    /// Files calls in one go; one that the store cannot take must not hold back the others.
    async fn file_together(&self, calls: Vec<Sorted>) -> Result<(), PortError> {
        let mut all: BTreeMap<TenantId, News> = BTreeMap::new();
        let mut read: Vec<WaitingCall> = Vec::with_capacity(calls.len());
        for Sorted { call, news, .. } in calls {
            for (tenant, news) in news {
                let together = all.entry(tenant).or_default();
                together.messages.extend(news.messages);
                together.statuses.extend(news.statuses);
            }
            read.push(call);
        }
        let Some(first) = read.first() else { return Ok(()) };
        let mut left = Vec::new();
        match self.file_all(first.received_at, all, &mut left).await {
            Ok(()) if left.is_empty() => {
                let now = self.clock.now();
                let taken = read.iter().map(|call| self.inbox.call_taken(now, call.seq, None));
                futures::future::try_join_all(taken).await?;
            }
            Err(error) if error.kind != PortErrorKind::Permanent => return Err(error),
            // What was filed already is known when it comes again.
            Ok(()) | Err(_) => {
                for call in read {
                    self.file_alone(self.sorted(call)).await?;
                }
            }
        }
        Ok(())
    }

    async fn file_alone(&self, sorted: Sorted) -> Result<(), PortError> {
        let Sorted { call, news, mut left } = sorted;
        let filed = self.file_all(call.received_at, news, &mut left).await;
        left.dedup();
        let read = filed.map(|()| (!left.is_empty()).then(|| left.join("; ")));
        self.read_out(call, read).await
    }

    async fn file_all(
        &self,
        received_at: DateTime<Utc>,
        news: BTreeMap<TenantId, News>,
        left: &mut Vec<String>,
    ) -> Result<(), PortError> {
        for (tenant, news) in news {
            self.file_news(received_at, &tenant, news, left).await?;
        }
        Ok(())
    }

    /// Takes a call out of the inbox; what of it could not be taken in stays for a person.
    async fn read_out(
        &self,
        call: WaitingCall,
        read: Result<Option<String>, PortError>,
    ) -> Result<(), PortError> {
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
        self.inbox.call_taken(self.clock.now(), call.seq, left).await
    }

    /// Sorts what a call brought.
    fn sorted(&self, call: WaitingCall) -> Sorted {
        let mut sorted = Sorted { news: BTreeMap::new(), left: Vec::new(), call };
        let Sorted { news, left, call } = &mut sorted;
        let batch = match payload::read(&call.body) {
            Ok(batch) => batch,
            Err(why) => {
                left.push(why.to_string());
                return sorted;
            }
        };
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
                    None => news.messages.push((call.received_at, *message)),
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
        sorted
    }

    async fn file_news(
        &self,
        received_at: DateTime<Utc>,
        tenant: &TenantId,
        news: News,
        left: &mut Vec<String>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        for alias in news.aliases {
            let keys = (alias.previous, alias.current);
            self.store.alias(now, tenant, Channel::Whatsapp, keys).await?;
        }
        let people = news.messages.iter().map(|(_, one)| one);
        let people = people.chain(&news.echoes).chain(&news.changes).map(|one| &one.sender);
        let people = people.chain(news.preferences.iter().map(|one| &one.sender));
        let people: Vec<NetworkPerson> = people.map(|sender| self.person(sender)).collect();
        let mut threads =
            self.store.know(now, tenant, Channel::Whatsapp, people).await?.into_iter();
        let mut batch = Vec::with_capacity(news.messages.len());
        for ((came, message), thread) in news.messages.into_iter().zip(threads.by_ref()) {
            let message = self.inbound(came, tenant, message, thread);
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
            let message = self.inbound(received_at, tenant, echo, thread);
            let words = OwnWords { message, by: format!("whatsapp {by}"), hold_until: now + HOLD };
            self.store.record_own_words(now, words).await?;
        }
        // After the messages of the same call, which may be what they change.
        let told = news.changes.into_iter().zip(threads.by_ref());
        let told = told.map(|(message, thread)| Told { message, thread }).collect();
        self.file_changes(received_at, tenant, told).await?;
        for (preference, thread) in news.preferences.into_iter().zip(threads) {
            self.file_preference(received_at, tenant, &preference, &thread).await?;
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
        received_at: DateTime<Utc>,
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
            at: preference.at.unwrap_or(received_at),
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
        received_at: DateTime<Utc>,
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
            received_at,
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
