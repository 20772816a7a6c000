//! What models may cost each business, and what is left of the ladder as the money goes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::Worker;
use crate::adapters::store::Spent;
use crate::domain::ids::TenantId;
use crate::pipeline::Allowance;

/// For how long what the store said is good; what this process spends is added meanwhile.
const GOOD_FOR: Duration = Duration::seconds(30);

/// A budget and the shares of it, in hundredths, at which things change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Millionths of a US dollar a day (UTC).
    pub daily: Option<u64>,
    /// The same for a calendar month.
    pub monthly: Option<u64>,
    /// From here on the escalation rung is not asked.
    pub escalation_off_at: u32,
    /// From here on no model is asked.
    pub embedded_only_at: u32,
    /// From here on nothing is sent without a person.
    pub drafts_only_at: Option<u32>,
}

impl Limits {
    /// Says what is left after so much was spent.
    fn allowance(&self, spent: Spent) -> Allowance {
        let reached = |percent: u32| {
            let over = |spent: u64, limit: Option<u64>| {
                limit.is_some_and(|limit| {
                    u128::from(spent) * 100 >= u128::from(limit) * u128::from(percent)
                })
            };
            over(spent.day, self.daily) || over(spent.month, self.monthly)
        };
        Allowance {
            models: !reached(self.embedded_only_at),
            escalation: !reached(self.escalation_off_at),
            sending: !self.drafts_only_at.is_some_and(reached),
        }
    }

    const fn is_limited(&self) -> bool {
        self.daily.is_some() || self.monthly.is_some()
    }
}

/// What each business spent, as far as this process knows.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    known: Mutex<HashMap<TenantId, Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    day: NaiveDate,
    spent: Spent,
    read_at: DateTime<Utc>,
    last: Allowance,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, known: Mutex::new(HashMap::new()) }
    }

    fn known(&self, tenant: &TenantId, now: DateTime<Utc>) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(tenant)
            .filter(|known| known.day == now.date_naive() && now - known.read_at < GOOD_FOR)
            .copied()
    }

    fn add(&self, tenant: &TenantId, micros: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(tenant) {
            known.spent.day = known.spent.day.saturating_add(micros);
            known.spent.month = known.spent.month.saturating_add(micros);
        }
    }

    /// Keeps what the store said. Returns what is left, and whether that is new.
    fn keep(&self, tenant: &TenantId, now: DateTime<Utc>, spent: Spent) -> (Allowance, bool) {
        let allowance = self.limits.allowance(spent);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(tenant).map_or(Allowance::ALL, |known| known.last);
        let fresh = Known { day: now.date_naive(), spent, read_at: now, last: allowance };
        known.insert(tenant.clone(), fresh);
        (allowance, before != allowance)
    }
}

impl Worker {
    /// Says what a business may still ask of models. Where the store cannot tell, nothing is held back by it: a budget
    /// is no reason to stop answering.
    pub(super) async fn allowance(&self, tenant: &TenantId) -> Allowance {
        if !self.budget.limits.is_limited() {
            return Allowance::ALL;
        }
        let now = self.clock.now();
        if let Some(known) = self.budget.known(tenant, now) {
            return self.budget.limits.allowance(known.spent);
        }
        match self.store.model_spending(tenant, now.date_naive()).await {
            Ok(spent) => {
                let (allowance, changed) = self.budget.keep(tenant, now, spent);
                if changed {
                    tracing::warn!(
                        tenant = %tenant, day_usd = usd(spent.day), month_usd = usd(spent.month),
                        models = allowance.models, escalation = allowance.escalation, sending = allowance.sending,
                        "The models' budget of {tenant} changes what is asked and sent"
                    );
                }
                allowance
            }
            Err(error) => {
                tracing::warn!(tenant = %tenant, error = %error, "Cannot read what models cost; going on without");
                Allowance::ALL
            }
        }
    }

    /// Counts what a turn cost.
    pub(super) fn spend(&self, tenant: &TenantId, micros: u64) {
        self.budget.add(tenant, micros);
    }
}

/// Shows millionths as dollars.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn usd(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_money_goes_less_is_asked() {
        let limits = Limits {
            daily: Some(1_000_000),
            monthly: Some(10_000_000),
            escalation_off_at: 80,
            embedded_only_at: 100,
            drafts_only_at: Some(100),
        };
        let of = |day: u64, month: u64| {
            let allowed = limits.allowance(Spent { day, month });
            (allowed.escalation, allowed.models, allowed.sending)
        };
        assert_eq!(of(0, 0), (true, true, true));
        assert_eq!(of(799_999, 799_999), (true, true, true));
        assert_eq!(of(800_000, 800_000), (false, true, true));
        assert_eq!(of(1_000_000, 1_000_000), (false, false, false));
        assert_eq!(of(0, 8_000_000), (false, true, true), "the month counts too");
        assert_eq!(of(0, 10_000_000), (false, false, false));
        let lenient = Limits { drafts_only_at: None, ..limits };
        assert!(lenient.allowance(Spent { day: 2_000_000, month: 0 }).sending);
        let free = Limits::default();
        assert_eq!(free.allowance(Spent { day: u64::MAX, month: u64::MAX }), Allowance::ALL);
    }
}
