//! Webhooks out: every event of a business to its receiver, signed, in order, until it is acknowledged.
//!
//! The trail is the queue and a cursor is all that is kept, so nothing grows while a receiver is away, and events are
//! sent again by setting the cursor back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Worker;
use crate::adapters::store::{DeliveryEnd, EventRow, WEBHOOK_CURSOR};
use crate::channels::callback::CallbackClient;
use crate::domain::ids::TenantId;
use crate::ports::PortError;

/// How many events are read at once.
const BATCH: u32 = 64;

/// What failed last, by business: how often in a row, and when to try again.
#[derive(Debug, Default)]
pub(super) struct Hooks(Mutex<HashMap<TenantId, (u32, DateTime<Utc>)>>);

impl Hooks {
    fn waits(&self, tenant: &TenantId, now: DateTime<Utc>) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(tenant).is_some_and(|(_, again)| now < *again)
    }

    fn attempt(&self, tenant: &TenantId) -> u32 {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(tenant).map_or(1, |(attempts, _)| attempts.saturating_add(1))
    }

    fn failed(&self, tenant: &TenantId, attempt: u32, again: DateTime<Utc>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(tenant.clone(), (attempt, again));
    }

    fn delivered(&self, tenant: &TenantId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

impl Worker {
    /// Sends the events that receivers have not acknowledged yet. Returns how many were.
    pub async fn publish_events(&self) -> Result<usize, PortError> {
        let mut published = 0;
        for id in self.tenants.ids() {
            let hook = self.tenants.get(&id).and_then(|tenant| tenant.webhooks);
            let now = self.clock.now();
            let Some(hook) = hook.filter(|_| !self.hooks.waits(&id, now)) else { continue };
            published += self.publish(&id, &hook).await?;
        }
        Ok(published)
    }

    async fn publish(&self, tenant: &TenantId, hook: &CallbackClient) -> Result<usize, PortError> {
        let Some(mut cursor) = self.store.cursor(tenant, WEBHOOK_CURSOR).await? else {
            // A new receiver hears of what happens from now on; `atende webhooks replay` tells it the past.
            let latest = self.store.latest_event(tenant).await?;
            self.store.set_cursor(tenant, WEBHOOK_CURSOR, latest).await?;
            return Ok(0);
        };
        let started = cursor;
        let mut count = 0;
        for event in self.store.events(tenant, self.clock.now(), cursor, BATCH).await? {
            if !self.send_event(tenant, hook, &event).await? {
                break;
            }
            cursor = event.seq;
            count += 1;
        }
        if cursor != started {
            self.store.advance_cursor(tenant, WEBHOOK_CURSOR, started, cursor).await?;
        }
        Ok(count)
    }

    /// True when the event is done with: acknowledged, or refused for good.
    async fn send_event(
        &self,
        tenant: &TenantId,
        hook: &CallbackClient,
        event: &EventRow,
    ) -> Result<bool, PortError> {
        let now = self.clock.now();
        let attempt = self.hooks.attempt(tenant);
        let key = format!("evt_{tenant}_{}", event.seq);
        let body = json!({"id": key, "type": "event", "tenant": tenant, "event": event});
        let body = serde_json::to_vec(&body).unwrap_or_default();
        // Events are never given up: their receiver may be away for long.
        let end = hook.post(now, &key, body, (attempt, now)).await;
        match end {
            DeliveryEnd::Sent | DeliveryEnd::Accepted(_) => {
                self.hooks.delivered(tenant);
                Ok(true)
            }
            DeliveryEnd::RetryAt(again, why) => {
                if attempt == 1 {
                    tracing::warn!(tenant = %tenant, event = event.seq, why, "The webhook of {tenant} does not take events now; trying again: {why}");
                }
                self.hooks.failed(tenant, attempt, again);
                Ok(false)
            }
            DeliveryEnd::NotTried(_) => Ok(false),
            DeliveryEnd::Failed(why)
            | DeliveryEnd::Unknown(why)
            | DeliveryEnd::Awaiting(_, why) => {
                tracing::error!(tenant = %tenant, event = event.seq, why, "The webhook of {tenant} refused an event, which is passed over: {why}");
                self.hooks.delivered(tenant);
                Ok(true)
            }
        }
    }
}
