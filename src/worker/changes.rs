//! Words that customers changed or took back on their network, and what the business changed of its own.

use chrono::{DateTime, Utc};

use super::Worker;
use crate::adapters::store::{ChangeKind, Changed, MessageChange};
use crate::channels::whatsapp::payload::{Incoming, Kind};
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::ports::PortError;

/// A change that came in a call, and the thread of whoever made it.
pub(super) struct Told {
    pub(super) message: Incoming,
    pub(super) thread: String,
}

/// True for a message that is news of another one.
pub(super) fn is_change(message: &Incoming) -> bool {
    message.group_id.is_none() && matches!(message.kind, Kind::Edit { .. } | Kind::Revoke { .. })
}

impl Worker {
    /// Makes messages say what their senders made of them. Those of nothing that is here are counted.
    pub(super) async fn file_changes(
        &self,
        received_at: DateTime<Utc>,
        tenant: &TenantId,
        told: Vec<Told>,
    ) -> Result<(), PortError> {
        let changes: Vec<MessageChange> =
            told.into_iter().filter_map(|told| self.change(received_at, tenant, told)).collect();
        if changes.is_empty() {
            return Ok(());
        }
        for end in self.store.note_changes(self.clock.now(), changes).await? {
            match end {
                Changed::Applied | Changed::Anew | Changed::Overtaken | Changed::Repeated => {}
                Changed::Early => tracing::debug!("A change waits for its message"),
                Changed::Foreign => {
                    tracing::info!(%tenant, "Ignored a change of a message that is not its sender's");
                }
            }
        }
        self.turns_due.notify_one();
        Ok(())
    }

    fn change(
        &self,
        received_at: DateTime<Utc>,
        tenant: &TenantId,
        told: Told,
    ) -> Option<MessageChange> {
        let Told { message, thread } = told;
        let (target, kind) = match &message.kind {
            Kind::Edit { of, text: Some(text) } => (of.clone(), ChangeKind::Edit(text.clone())),
            Kind::Edit { of, text: None } => (of.clone(), ChangeKind::Unread),
            Kind::Revoke { of } => (of.clone(), ChangeKind::Revoke),
            _ => return None,
        };
        let locale =
            self.tenants.get(tenant).map(|known| known.pipeline.pack().business.default_locale());
        let note = format!("note_{:032x}", self.clock.fresh_bits());
        let words = noted(&kind, locale.unwrap_or(Locale::PtBr)).to_owned();
        let (account, external_id) = (message.account.clone(), message.id.clone());
        let (by_business, changed_at) = (message.from_business, message.timestamp);
        let mut anew = None;
        if kind != ChangeKind::Revoke && !by_business {
            let mut own = self.inbound(received_at, tenant, message, thread.clone());
            // Nobody can see what it says now.
            own.flags.media |= kind == ChangeKind::Unread;
            anew = self.prepare(own).ok();
        }
        Some(MessageChange {
            tenant: tenant.clone(),
            channel: Channel::Whatsapp,
            account,
            external_id,
            target,
            thread,
            by_business,
            kind,
            changed_at,
            received_at,
            note: (note, words),
            anew,
        })
    }
}

/// What people read on a ticket of a change that nothing else shows.
const fn noted(kind: &ChangeKind, locale: Locale) -> &'static str {
    match (kind, locale) {
        (ChangeKind::Edit(_), Locale::PtBr) => {
            "O cliente editou uma mensagem que já tinha resposta. O texto novo entrou como outra mensagem; o que foi enviado continua enviado."
        }
        (ChangeKind::Edit(_), Locale::En) => {
            "The customer edited a message that had been answered. The new words stand as another message; what was sent stays sent."
        }
        (ChangeKind::Unread, Locale::PtBr) => {
            "O cliente editou uma mensagem, e o WhatsApp não entregou o texto novo. Veja a conversa no aplicativo ou pergunte o que mudou."
        }
        (ChangeKind::Unread, Locale::En) => {
            "The customer edited a message, and WhatsApp did not hand over the new words. Look at the chat in the app, or ask what changed."
        }
        (ChangeKind::Revoke, Locale::PtBr) => {
            "O cliente apagou uma mensagem que já tinha resposta. O que foi enviado continua enviado."
        }
        (ChangeKind::Revoke, Locale::En) => {
            "The customer deleted a message that had been answered. What was sent stays sent."
        }
    }
}
