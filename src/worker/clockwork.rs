//! The clockwork: looks at tickets whose moment has come. It judges their deadlines, does what their stage calls for
//! when nobody did anything, tells people what happened, and gives tickets to agents who are online.

mod look;

use std::collections::HashMap;
use std::sync::Arc;

use super::{Tenant, Worker};
use crate::adapters::store::{DueTicket, Incident, Looked, Presence};
use crate::domain::ids::TenantId;
use crate::ports::PortError;

/// How many tickets are looked at at once.
const BATCH: u32 = 256;

/// What holds for a business while its tickets are looked at.
struct Surroundings {
    tenant: Tenant,
    epoch: i64,
    incidents: Arc<Vec<Incident>>,
    presence: Vec<Presence>,
}

impl Worker {
    /// Looks at the tickets whose moment has come, and at those whose deadlines another policy gave. Returns how many.
    pub async fn look_at_tickets(&self) -> Result<usize, PortError> {
        let now = self.clock.now();
        let mut due = self.store.due_tickets(now, BATCH).await?;
        let mut around: HashMap<TenantId, Option<Surroundings>> = HashMap::new();
        if due.is_empty() {
            for id in self.tenants.ids() {
                let Some(here) = self.surroundings(&id).await? else { continue };
                due.extend(self.store.tickets_of_old_epoch(&id, here.epoch, BATCH).await?);
                around.insert(id, Some(here));
            }
        }
        let count = due.len();
        let mut looks: Vec<Looked> = Vec::with_capacity(count);
        for ticket in due {
            if !around.contains_key(&ticket.tenant) {
                around.insert(ticket.tenant.clone(), self.surroundings(&ticket.tenant).await?);
            }
            let looked = match around.get_mut(&ticket.tenant) {
                Some(Some(here)) => self.look(here, ticket, now),
                // Its business was taken out of the settings: asked again in an hour.
                _ => leave(ticket, now + chrono::Duration::hours(1)),
            };
            looks.push(looked);
        }
        if !looks.is_empty() {
            let tell =
                looks.iter().any(|look| !look.notifications.is_empty() || !look.notices.is_empty());
            self.store.write_looks(now, looks).await?;
            if tell {
                self.replies_are_due();
                self.people_due.notify_one();
            }
        }
        Ok(count)
    }

    async fn surroundings(&self, id: &TenantId) -> Result<Option<Surroundings>, PortError> {
        let Some(tenant) = self.tenants.get(id) else { return Ok(None) };
        let now = self.clock.now();
        let state = self.store.tenant_state(id).await?;
        let incidents = Arc::new(self.store.incidents(id, now).await?);
        let mut presence = self.store.presence(id).await?;
        presence.retain(|agent| agent.online_until.is_some_and(|until| until > now));
        let epoch = state.map_or(tenant.epoch, |state| state.epoch);
        Ok(Some(Surroundings { tenant, epoch, incidents, presence }))
    }
}

fn leave(ticket: DueTicket, next: chrono::DateTime<chrono::Utc>) -> Looked {
    Looked {
        epoch: 0,
        state: ticket.state,
        clock: None,
        due: None,
        breach_reason: ticket.breach_reason.clone(),
        rank: ticket.created_at,
        next: Some(next),
        lines: Vec::new(),
        moves: Vec::new(),
        notices: Vec::new(),
        notifications: Vec::new(),
        // What happened meanwhile is still news when the business is back.
        ticket: DueTicket {
            last_seq: ticket.news.first().map_or(ticket.last_seq, |news| news.seq - 1),
            ..ticket
        },
    }
}
