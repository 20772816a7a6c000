//! Incidents while they last: customers hear what changed, stakeholders are reminded, and the assistant declares its
//! own failing.

use chrono::{DateTime, Duration, Utc};

use super::notices::{self, Told};
use super::{Tenant, Worker};
use crate::adapters::store::{Incident, IncidentChange, IncidentScope, NewNotice};
use crate::compose::Family;
use crate::domain::decision::LocalText;
use crate::domain::ids::TenantId;
use crate::domain::notification::NotifyEvent;
use crate::policy::notices::NoticeKind;
use crate::ports::PortError;
use crate::report::telling;

/// How many customers hear an update at once (C6).
const BATCH: u32 = 50;
/// The kind that the worker declares by itself.
const DEGRADED: &str = "ai_degradation";
/// Who declares it.
const WORKER: &str = "worker";
/// Ended incidents whose last notices may still be on their way.
const STILL_TOLD: Duration = Duration::days(1);

impl Worker {
    /// Tells customers the updates of incidents that they were told of, 50 at a time, reminds stakeholders of promised
    /// updates, and declares or ends the assistant's own failing. Returns how many customers were reached.
    pub async fn inform_of_incidents(&self) -> Result<usize, PortError> {
        let mut told = 0;
        for id in self.tenants.ids() {
            let Some(tenant) = self.tenants.get(&id) else { continue };
            let now = self.clock.now();
            let incidents = self.store.incidents(&id, now).await?;
            self.judge_itself(&id, &tenant, &incidents, now).await?;
            let matter =
                |one: &&Incident| one.ended_at.is_none_or(|ended| now - ended < STILL_TOLD);
            for incident in incidents.iter().filter(matter) {
                told += self.tell_more(&tenant, incident, now).await?;
                self.remind(&id, &tenant, incident, now).await?;
            }
        }
        Ok(told)
    }

    async fn tell_more(
        &self,
        tenant: &Tenant,
        incident: &Incident,
        now: DateTime<Utc>,
    ) -> Result<usize, PortError> {
        if incident.updates == 0 {
            return Ok(0);
        }
        let tickets = self.store.not_heard(incident, BATCH).await?;
        let count = tickets.len();
        if count == 0 {
            return Ok(0);
        }
        let family =
            if incident.ended_at.is_some() { Family::OutageEnd } else { Family::OutageUpdate };
        let told = tickets
            .into_iter()
            .map(|ticket| {
                let way =
                    notices::way_out(tenant.pipeline.pack(), NoticeKind::Outage, &ticket, now);
                let facts = Told { incident: Some(incident), ..Told::default() };
                let notice = way.ok().and_then(|template| {
                    let text = notices::words(&tenant.pipeline, family, &ticket, facts, now)?;
                    Some(NewNotice {
                        id: self.clock.outbox_id(),
                        kind: NoticeKind::Outage,
                        body: notices::body(&ticket, text, template),
                        incident: None,
                    })
                });
                (ticket, notice)
            })
            .collect();
        self.store.tell_more(now, incident, told).await?;
        self.replies_are_due();
        Ok(count)
    }

    /// Whoever declared it promised customers to say more: its stakeholders hear when that is due.
    async fn remind(
        &self,
        id: &TenantId,
        tenant: &Tenant,
        incident: &Incident,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let due = incident.next_update_at.is_some_and(|at| at <= now);
        if !due || incident.ended_at.is_some() {
            return Ok(());
        }
        let pack = tenant.pipeline.pack();
        let mut told = telling::about_incident(
            self.clock.as_ref(),
            pack,
            id,
            incident,
            NotifyEvent::IncidentUpdated,
            now,
        );
        let reminder = LocalText::new(
            "Os clientes esperam uma atualização agora.",
            "Customers expect an update now.",
        );
        for one in &mut told {
            one.repeat_after = pack.notifications.repeat_after;
            one.told.text = Some(reminder.in_locale(one.told.locale).to_owned());
        }
        self.store.notify(now, told).await?;
        self.people_due.notify_one();
        Ok(())
    }

    async fn judge_itself(
        &self,
        id: &TenantId,
        tenant: &Tenant,
        incidents: &[Incident],
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let own = incidents.iter().find(|one| {
            one.ended_at.is_none() && one.kind == DEGRADED && one.declared_by == WORKER
        });
        let pack = tenant.pipeline.pack();
        let Some(kind) = pack.incidents.iter().find(|kind| kind.id == DEGRADED) else {
            return Ok(());
        };
        let (name, change, event) = match own {
            None if self.health.is_failing(id, now) => {
                let name = now.format("ai-%Y%m%dT%H%M%SZ").to_string();
                let declared = Incident {
                    id: format!("inc_{:032x}", self.clock.fresh_bits()),
                    kind: kind.id.clone(),
                    name: name.clone(),
                    scope: IncidentScope::default(),
                    words: LocalText::default(),
                    terms: kind.into(),
                    declared_by: WORKER.to_owned(),
                    started_at: now,
                    next_update_at: None,
                    updates: 0,
                    ended_at: None,
                    summary: None,
                };
                (name, IncidentChange::Declare(Box::new(declared)), NotifyEvent::IncidentDeclared)
            }
            Some(own) if self.health.is_well(id, now) => {
                let minutes = (now - own.started_at).num_minutes();
                let summary = match pack.business.default_locale() {
                    crate::domain::labels::Locale::PtBr => {
                        format!(
                            "A assistente voltou a funcionar; ficou degradada por {minutes} minutos."
                        )
                    }
                    crate::domain::labels::Locale::En => {
                        format!("The assistant works again; it was degraded for {minutes} minutes.")
                    }
                };
                let end =
                    IncidentChange::End { words: LocalText::default(), summary: Some(summary) };
                (own.name.clone(), end, NotifyEvent::IncidentEnded)
            }
            _ => return Ok(()),
        };
        let pack = tenant.pipeline.shared_pack();
        let tell = telling::of_incident(&self.clock, &pack, id, event, now);
        if self.store.change_incident(now, id, (WORKER, &name), change, tell).await?.is_none() {
            return Ok(());
        }
        tracing::warn!(tenant = %id, incident = name, event = event.as_str(), "The assistant of {id}: {event}");
        self.people_due.notify_one();
        Ok(())
    }
}
