//! A reply that did not arrive, sent once more.

use super::{Act, Done, End, HOLD, No};
use crate::adapters::store::{Retried, Retry, TicketView};
use crate::desk::answer::Trouble;
use crate::domain::channel::Channel;
use crate::domain::ids::OutboxId;

/// For how long after a customer's last message free words may leave over WhatsApp.
const WINDOW: chrono::Duration = chrono::Duration::hours(24);

impl Act {
    /// Sends a reply again. Whoever comes second is told that it was done.
    pub(super) async fn retry(&self) -> Done {
        let failed = self.posted.get("outbox").ok_or_else(|| No::invalid("refused.version"))?;
        let store = self.desk.web().store();
        let ticket = store.ticket(&self.person.tenant, &self.ticket).await?;
        let ticket = ticket.ok_or(Trouble::NotFound)?;
        if self.is_window_closed(&ticket) {
            return Err(No::conflict("refused.window").into());
        }
        let retry = Retry {
            failed: OutboxId::from_stored(failed),
            sure: self.posted.is_ticked("sure"),
            hold_until: self.now() + HOLD,
            leaves_at: self.leaves_at(),
        };
        let of = (&self.person.tenant, &self.ticket);
        let no = match store.retry_reply(self.now(), of, self.actor(), retry).await? {
            Retried::Queued(_) => return Ok(End::Stay),
            Retried::Repeated => No::conflict("refused.retry_twice"),
            Retried::Doubtful => No::conflict("refused.retry_doubtful"),
            Retried::NotFailed => No::conflict("refused.retry_arrived"),
            Retried::NotFound => No::conflict("refused.retry_missing"),
            Retried::Unreachable(since) => {
                let zone = self.desk.zone(&self.person.tenant);
                let since = since.with_timezone(&zone).format("%d/%m/%Y").to_string();
                No::conflict("refused.unreachable").with("since", since)
            }
            Retried::Refused(refused) => self.refusal(refused),
        };
        Err(no.into())
    }

    /// True where only a template could leave, and there is none.
    pub(super) fn is_window_closed(&self, ticket: &TicketView) -> bool {
        let late = ticket.last_inbound_at.is_none_or(|at| self.now() - at >= WINDOW);
        let outlet = self.desk.web().whatsapp().outlet(&self.person.tenant, &ticket.account);
        let bare = outlet.is_some_and(|outlet| !outlet.has_template());
        Channel::parse(&ticket.row.channel) == Some(Channel::Whatsapp) && late && bare
    }
}
