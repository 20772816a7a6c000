//! Telling people: the delivery of what they are to hear, with the hand-over package where a ticket is theirs now.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use serde_json::json;

use super::{Tenant, Worker};
use crate::adapters::store::{ClaimedNotification, DeliveryEnd, StoreError, Way};
use crate::channels::mail::Mail;
use crate::domain::ids::TicketId;
use crate::domain::notification::{Notification, NotifyEvent};
use crate::policy::clocks::clocks;
use crate::ports::{PortError, PortErrorKind};
use crate::report::{handover, notification, telling};

/// How many notifications are claimed at once.
const BATCH: u32 = 32;
/// How many are delivered at once.
const PARALLEL: usize = 8;
/// How long a notification waits that nothing can deliver now.
const NO_WAY_PAUSE: chrono::Duration = chrono::Duration::minutes(10);

impl Worker {
    /// Delivers what people are to be told. Returns how many notifications were handed over.
    pub async fn tell_people(&self) -> Result<usize, PortError> {
        let rows = self.store.claim_notifications(self.clock.now(), BATCH).await?;
        let count = rows.len();
        let results: Vec<Result<(), PortError>> = stream::iter(rows)
            .map(|row| async move {
                let end = self.tell(&row).await;
                if let DeliveryEnd::Failed(why) | DeliveryEnd::Unknown(why) = &end {
                    tracing::error!(
                        outbox.id = %row.id, event = row.told.event.as_str(), why,
                        "Somebody could not be told: {why}"
                    );
                }
                self.record_told(&row, end).await
            })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        results.into_iter().collect::<Result<(), PortError>>().map(|()| count)
    }

    async fn record_told(
        &self,
        row: &ClaimedNotification,
        end: DeliveryEnd,
    ) -> Result<(), PortError> {
        loop {
            match self.store.finish_notification(self.clock.now(), row, end.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Closed) => return Err(StoreError::Closed.into()),
                Err(error) if error.kind() == PortErrorKind::Transient => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn tell(&self, row: &ClaimedNotification) -> DeliveryEnd {
        let now = self.clock.now();
        let wait = |why: &str| DeliveryEnd::RetryAt(now + NO_WAY_PAUSE, why.to_owned());
        let Some(tenant) = self.tenants.get(&row.tenant) else {
            return wait("its business is not in the settings");
        };
        let told = match self.with_package(&tenant, row).await {
            Ok(told) => told,
            Err(error) => return wait(&error.to_string()),
        };
        match row.way {
            Way::Email => {
                let Some(mailer) = &self.mailer else {
                    return DeliveryEnd::Failed("no mail server is set: see [mail]".to_owned());
                };
                let text = notification::body(&told);
                let subject = notification::subject(&told);
                let mail = Mail {
                    id: row.id.as_str(),
                    to: &row.to,
                    subject: &subject,
                    text: &text,
                    attempt: row.attempt,
                    first: row.created_at,
                };
                mailer.send(now, &mail).await
            }
            Way::Webhook => match &tenant.webhooks {
                Some(hook) => {
                    let body = telling::webhook_body(&row.id, &row.person, &told);
                    hook.post(now, row.id.as_str(), body, (row.attempt, row.created_at)).await
                }
                None => DeliveryEnd::Failed("no webhook is set: see [webhooks]".to_owned()),
            },
        }
    }

    /// Adds the hand-over package to what tells of an escalation, as it stands when it is delivered.
    async fn with_package(
        &self,
        tenant: &Tenant,
        row: &ClaimedNotification,
    ) -> Result<Notification, PortError> {
        let mut told = row.told.clone();
        let carries = matches!(told.event, NotifyEvent::Escalated | NotifyEvent::Assigned);
        let Some(ticket) = told.ticket.as_ref().filter(|_| carries) else { return Ok(told) };
        let pack = tenant.pipeline.pack();
        let id = TicketId::from_stored(ticket.id.clone());
        let Some(view) = self.store.ticket(&row.tenant, &id).await? else { return Ok(told) };
        let now = self.clock.now();
        let incidents = self.store.incidents(&row.tenant, now).await?;
        let facts = view.facts().under(&incidents);
        let clocks = clocks(&pack.sla, &facts.as_facts(), &view.history(), now);
        let package = handover::package(&view, Some(pack), &clocks, now);
        let person = pack.people.iter().find(|person| person.id == row.person);
        let departments: Vec<serde_json::Value> = pack
            .departments
            .iter()
            .filter(|department| {
                let role = department.role.as_deref();
                person
                    .is_some_and(|p| role.is_some_and(|role| p.roles.iter().any(|own| own == role)))
            })
            .filter_map(|department| {
                let payload =
                    handover::department(&package, Some(pack), &department.id, told.locale)?;
                Some(json!({"department": department.id, "payload": payload}))
            })
            .collect();
        told.text =
            Some(handover::to_text(&package, Some(pack), told.locale, pack.business.time_zone));
        told.detail = Some(json!({"package": package, "departments": departments}));
        Ok(told)
    }
}
