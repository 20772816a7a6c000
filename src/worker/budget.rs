//! What models may cost each business, and what is left of the ladder as the money goes.
//!
//! Before each question the most that it may cost is set aside, so that turns decided at the same time never cost more
//! together than one after the other. What is spent counts at once; the store's figures, which other processes write
//! too, replace it as soon as they hold it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::Worker;
use crate::adapters::store::Spent;
use crate::domain::field::Engine;
use crate::domain::ids::TenantId;
use crate::pipeline::{Allowance, Purse};

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
    /// There is an escalation rung to switch off.
    pub has_escalation: bool,
}

impl Limits {
    /// Returns the larger share of a budget, in hundredths, that so much is.
    pub fn used_percent(&self, spent: Spent) -> u128 {
        let share = |spent: u64, limit: Option<u64>| match limit {
            Some(0) => 100,
            Some(limit) => u128::from(spent) * 100 / u128::from(limit),
            None => 0,
        };
        share(spent.day, self.daily).max(share(spent.month, self.monthly))
    }

    /// Says what is left after so much was spent. A budget in which no further question fits is used up.
    fn allowance(&self, spent: Spent, full: bool) -> Allowance {
        let used = self.used_percent(spent);
        let reached = |percent: u32| {
            self.is_limited()
                && (used >= u128::from(percent) || full && percent <= self.embedded_only_at)
        };
        Allowance {
            models: !reached(self.embedded_only_at),
            escalation: !reached(self.escalation_off_at),
            sending: !self.drafts_only_at.is_some_and(reached),
        }
    }

    /// True where so much is no more than what a rung may be asked for.
    fn holds(&self, rung: Engine, total: Spent) -> bool {
        let percent = match rung {
            Engine::Escalation => self.escalation_off_at.min(self.embedded_only_at),
            _ => self.embedded_only_at,
        };
        let fits = |total: u64, limit: Option<u64>| {
            limit.is_none_or(|limit| {
                u128::from(total) * 100 <= u128::from(limit) * u128::from(percent)
            })
        };
        fits(total.day, self.daily) && fits(total.month, self.monthly)
    }

    const fn is_limited(&self) -> bool {
        self.daily.is_some() || self.monthly.is_some()
    }
}

/// What each business spent, as far as this process knows.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    accounts: Mutex<HashMap<TenantId, Account>>,
}

#[derive(Clone, Copy, Debug)]
struct Account {
    day: NaiveDate,
    /// What the store said, and what this process spent since.
    spent: Spent,
    read_at: DateTime<Utc>,
    /// Set aside for questions under way.
    aside: u64,
    /// Spent by this process and not yet in the store.
    unnoted: u64,
    /// Put into the store by this process, ever.
    noted: u64,
    /// Not even one question fits any more.
    full: bool,
    /// What the log said last.
    told: Allowance,
    /// The log has said today that questions were not put for what others have set aside.
    tight_told: bool,
}

impl Account {
    const fn new(day: NaiveDate, read_at: DateTime<Utc>) -> Self {
        Self {
            day,
            spent: Spent { day: 0, month: 0 },
            read_at,
            aside: 0,
            unnoted: 0,
            noted: 0,
            full: false,
            told: Allowance::ALL,
            tight_told: false,
        }
    }
}

const fn plus(spent: Spent, more: u64) -> Spent {
    Spent { day: spent.day.saturating_add(more), month: spent.month.saturating_add(more) }
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, accounts: Mutex::new(HashMap::new()) }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<TenantId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True while what is known of a business is of today and fresh. Else returns what this process noted until now,
    /// for `keep`.
    fn is_fresh(&self, tenant: &TenantId, now: DateTime<Utc>) -> Result<(), u64> {
        match self.accounts().get(tenant) {
            Some(known) if known.day == now.date_naive() && now - known.read_at < GOOD_FOR => {
                Ok(())
            }
            known => Err(known.map_or(0, |known| known.noted)),
        }
    }

    /// Keeps what the store said. What was noted while it was read may be in it or not: it counts.
    fn keep(&self, tenant: &TenantId, now: DateTime<Utc>, spent: Spent, noted_before: u64) {
        let mut accounts = self.accounts();
        let today = now.date_naive();
        let known = accounts.entry(tenant.clone()).or_insert_with(|| Account::new(today, now));
        if known.day != today {
            (known.day, known.full, known.tight_told) = (today, false, false);
        }
        known.spent =
            plus(spent, known.unnoted.saturating_add(known.noted.saturating_sub(noted_before)));
        known.read_at = now;
        self.tell(tenant, known);
    }

    /// Begins an account where nothing is known: what this process spends counts until the store can tell.
    fn assume_nothing(&self, tenant: &TenantId, now: DateTime<Utc>) {
        let unread = now - GOOD_FOR;
        let account = || Account::new(now.date_naive(), unread);
        self.accounts().entry(tenant.clone()).or_insert_with(account);
    }

    /// Takes what was put into the store out of what only this process knows.
    pub(super) fn noted(&self, tenant: &TenantId, micros: u64) {
        if let Some(known) = self.accounts().get_mut(tenant) {
            known.unnoted = known.unnoted.saturating_sub(micros);
            known.noted = known.noted.saturating_add(micros);
        }
    }

    /// Writes to the log what changes, as it changes.
    fn tell(&self, tenant: &TenantId, known: &mut Account) {
        let allowed = self.limits.allowance(known.spent, known.full);
        if allowed == known.told {
            return;
        }
        let heard = |allowed: Allowance| Allowance {
            escalation: allowed.escalation || !self.limits.has_escalation && allowed.models,
            ..allowed
        };
        let changed = heard(allowed) != heard(known.told);
        known.told = allowed;
        if !changed {
            return;
        }
        let allowed = heard(allowed);
        let used = self.limits.used_percent(known.spent);
        let (day_usd, month_usd) = (usd(known.spent.day), usd(known.spent.month));
        let what = match (allowed.models, allowed.escalation, allowed.sending) {
            (true, true, true) => "there is money again: everything is as configured",
            (true, false, true) => "the escalation model is not asked any more",
            _ if known.full => {
                "not one more question fits in what is left: the embedded engines go on"
            }
            (true, _, false) => "nothing is sent without a person any more",
            (false, _, true) => "no model is asked any more; the embedded engines go on",
            (false, _, false) => {
                "no model is asked and nothing is sent without a person any more; the embedded engines write drafts"
            }
        };
        tracing::warn!(
            tenant = %tenant, day_usd, month_usd,
            "{used} % of the models' budget of {tenant} is spent: {what}"
        );
    }
}

/// The account of one business while one of its turns is decided.
pub(super) struct TenantPurse<'w> {
    budget: &'w Budget,
    tenant: &'w TenantId,
}

impl Purse for TenantPurse<'_> {
    fn allowance(&self) -> Allowance {
        let accounts = self.budget.accounts();
        accounts
            .get(self.tenant)
            .map_or(Allowance::ALL, |known| self.budget.limits.allowance(known.spent, known.full))
    }

    fn set_aside(&self, rung: Engine, micros: u64) -> bool {
        let mut accounts = self.budget.accounts();
        let Some(known) = accounts.get_mut(self.tenant) else { return true };
        let total = plus(known.spent, known.aside.saturating_add(micros));
        if self.budget.limits.holds(rung, total) {
            known.aside = known.aside.saturating_add(micros);
            return true;
        }
        if known.aside == 0 && rung == Engine::Primary {
            known.full = true;
            self.budget.tell(self.tenant, known);
        } else if !known.tight_told {
            known.tight_told = true;
            let tenant = self.tenant;
            tracing::warn!(
                tenant = %tenant,
                "What is left of the models' budget of {tenant} does not cover every question at once: some turns are decided \
                 without a model (atende models stats counts them)"
            );
        }
        false
    }

    fn settle(&self, set_aside: u64, cost: u64) {
        if let Some(known) = self.budget.accounts().get_mut(self.tenant) {
            known.aside = known.aside.saturating_sub(set_aside);
            known.unnoted = known.unnoted.saturating_add(cost);
            known.spent = plus(known.spent, cost);
            self.budget.tell(self.tenant, known);
        }
    }
}

impl Worker {
    /// Opens the account of a business. Where the store cannot tell what was spent, what this process spent counts: no
    /// reason to stop answering.
    pub(super) async fn purse<'w>(&'w self, tenant: &'w TenantId) -> TenantPurse<'w> {
        let purse = TenantPurse { budget: &self.budget, tenant };
        if !self.budget.limits.is_limited() {
            return purse;
        }
        let now = self.clock.now();
        if let Err(noted) = self.budget.is_fresh(tenant, now) {
            match self.store.model_spending(tenant, now.date_naive()).await {
                Ok(spent) => self.budget.keep(tenant, now, spent, noted),
                Err(error) => {
                    tracing::warn!(tenant = %tenant, error = %error, "Cannot read what models cost; going on with what this process knows");
                    self.budget.assume_nothing(tenant, now);
                }
            }
        }
        purse
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

    const LIMITS: Limits = Limits {
        daily: Some(1_000_000),
        monthly: Some(10_000_000),
        escalation_off_at: 80,
        embedded_only_at: 100,
        drafts_only_at: Some(100),
        has_escalation: true,
    };

    #[test]
    fn as_the_money_goes_less_is_asked() {
        let of = |day: u64, month: u64| {
            let allowed = LIMITS.allowance(Spent { day, month }, false);
            (allowed.escalation, allowed.models, allowed.sending)
        };
        assert_eq!(of(0, 0), (true, true, true));
        assert_eq!(of(799_999, 799_999), (true, true, true));
        assert_eq!(of(800_000, 800_000), (false, true, true));
        assert_eq!(of(1_000_000, 1_000_000), (false, false, false));
        assert_eq!(of(0, 8_000_000), (false, true, true), "the month counts too");
        assert_eq!(of(0, 10_000_000), (false, false, false));
        let lenient = Limits { drafts_only_at: None, ..LIMITS };
        assert!(lenient.allowance(Spent { day: 2_000_000, month: 0 }, true).sending);
        let free = Limits::default();
        assert_eq!(free.allowance(Spent { day: u64::MAX, month: u64::MAX }, true), Allowance::ALL);
        let none = Limits { daily: Some(0), ..LIMITS };
        assert!(!none.allowance(Spent::default(), false).models, "a budget of nothing is used up");
    }

    #[test]
    fn what_is_set_aside_at_the_same_time_never_exceeds_the_budget() {
        let budget = Budget::new(LIMITS);
        let tenant = TenantId::main();
        let now = "2026-11-23T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        budget.keep(&tenant, now, Spent { day: 400_000, month: 400_000 }, 0);
        let purse = TenantPurse { budget: &budget, tenant: &tenant };
        let taken = (0..40).filter(|_| purse.set_aside(Engine::Primary, 100_000)).count();
        assert_eq!(taken, 6, "a burst of forty gets what is left and no more");
        assert!(!purse.set_aside(Engine::Escalation, 1));
        assert!(purse.allowance().models, "what is set aside is not spent");
        for _ in 0..taken {
            purse.settle(100_000, 20_000);
        }
        assert!(purse.set_aside(Engine::Primary, 100_000), "what was not spent is there again");
        assert!(purse.set_aside(Engine::Escalation, 100_000), "up to its own share");
        assert!(!purse.set_aside(Engine::Escalation, 100_000));
        purse.settle(100_000, 0);
        purse.settle(100_000, 0);
        assert!(purse.allowance().models);
        assert!(!purse.set_aside(Engine::Primary, 600_000), "too dear for what is left");
        let left = purse.allowance();
        assert_eq!((left.models, left.sending), (false, false), "not one question fits");
    }

    #[test]
    fn a_store_that_cannot_tell_opens_no_purse_without_a_bottom() {
        let budget = Budget::new(LIMITS);
        let tenant = TenantId::main();
        let now = "2026-11-23T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        budget.assume_nothing(&tenant, now);
        let purse = TenantPurse { budget: &budget, tenant: &tenant };
        let taken = (0..40).filter(|_| purse.set_aside(Engine::Primary, 100_000)).count();
        assert_eq!(taken, 10);
        assert!(budget.is_fresh(&tenant, now).is_err(), "the store is asked again");
    }

    #[test]
    fn what_the_store_does_not_hold_yet_still_counts() {
        let budget = Budget::new(LIMITS);
        let tenant = TenantId::main();
        let now = "2026-11-23T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(budget.is_fresh(&tenant, now), Err(0));
        budget.keep(&tenant, now, Spent::default(), 0);
        let purse = TenantPurse { budget: &budget, tenant: &tenant };
        assert!(purse.set_aside(Engine::Primary, 500_000));
        budget.assume_nothing(&tenant, now);
        purse.settle(500_000, 500_000);
        let later = now + GOOD_FOR;
        assert_eq!(budget.is_fresh(&tenant, later), Err(0));
        budget.keep(&tenant, later, Spent::default(), 0);
        assert!(!purse.set_aside(Engine::Primary, 500_001), "under way to the store");
        // Noted while the store is read: it may be in what was read, or not.
        budget.noted(&tenant, 500_000);
        budget.keep(&tenant, later, Spent::default(), 0);
        assert!(!purse.set_aside(Engine::Primary, 500_001));
        let noted = budget.is_fresh(&tenant, later + GOOD_FOR).unwrap_err();
        assert_eq!(noted, 500_000);
        budget.keep(&tenant, later + GOOD_FOR, Spent { day: 500_000, month: 500_000 }, noted);
        assert!(purse.set_aside(Engine::Primary, 500_000), "counted once");
        let tomorrow = now + Duration::days(1);
        assert!(budget.is_fresh(&tenant, tomorrow).is_err());
        budget.keep(&tenant, tomorrow, Spent { day: 0, month: 500_000 }, 500_000);
        assert!(purse.allowance().models);
    }
}
