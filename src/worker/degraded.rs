//! How the assistant itself is doing. When its engines fail too often it says so: an incident stands until it has
//! worked again for a while, and people answer meanwhile (P6).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use crate::domain::ids::TenantId;

/// The stretch of time that is judged.
const WINDOW: Duration = Duration::minutes(5);
/// Fewer failures than this are no sign.
const FAILURES_MIN: usize = 5;
/// One turn in so many fails.
const ONE_IN: usize = 5;
/// For so long nothing must have failed before it is well again.
const WELL_AFTER: Duration = Duration::minutes(15);
/// Turns that are remembered; the oldest are forgotten first.
const REMEMBERED_MAX: usize = 4_096;

/// What became of the latest turns of each business.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HashMap<TenantId, Turns>>);

#[derive(Debug, Default)]
struct Turns {
    /// When, and whether it failed; oldest first.
    latest: VecDeque<(DateTime<Utc>, bool)>,
    last_failure: Option<DateTime<Utc>>,
}

impl Health {
    /// Notes what became of a turn.
    pub(super) fn note(&self, tenant: &TenantId, now: DateTime<Utc>, failed: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is kept of those who never failed.
        if !failed && !known.contains_key(tenant) {
            return;
        }
        let turns = known.entry(tenant.clone()).or_default();
        turns.latest.push_back((now, failed));
        if failed {
            turns.last_failure = Some(now);
        }
        while turns.latest.len() > REMEMBERED_MAX
            || turns.latest.front().is_some_and(|(at, _)| *at < now - WINDOW)
        {
            turns.latest.pop_front();
        }
    }

    /// True while too many turns fail.
    pub(super) fn is_failing(&self, tenant: &TenantId, now: DateTime<Utc>) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(turns) = known.get(tenant) else { return false };
        let recent: Vec<bool> =
            turns.latest.iter().filter(|(at, _)| *at >= now - WINDOW).map(|(_, f)| *f).collect();
        let failures = recent.iter().filter(|failed| **failed).count();
        failures >= FAILURES_MIN && failures * ONE_IN >= recent.len()
    }

    /// True where nothing failed for a while; a process that saw no failure says so too.
    pub(super) fn is_well(&self, tenant: &TenantId, now: DateTime<Utc>) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.get(tenant).and_then(|turns| turns.last_failure);
        last.is_none_or(|last| now - last >= WELL_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_among_few_turns_are_a_sign_and_quiet_heals() {
        let (health, tenant) = (Health::default(), TenantId::main());
        let at = |secs: i64| DateTime::from_timestamp(1_795_000_000 + secs, 0).unwrap();
        for secs in 0..4 {
            health.note(&tenant, at(secs), true);
        }
        assert!(!health.is_failing(&tenant, at(4)), "four may be chance");
        health.note(&tenant, at(5), true);
        assert!(health.is_failing(&tenant, at(5)));
        for secs in 6..27 {
            health.note(&tenant, at(secs), false);
        }
        assert!(!health.is_failing(&tenant, at(27)), "5 of 26");
        assert!(!health.is_failing(&tenant, at(600)), "long ago");
        assert!(!health.is_well(&tenant, at(5 + 14 * 60)));
        assert!(health.is_well(&tenant, at(5 + 15 * 60)));
        assert!(!health.is_failing(&TenantId::parse("acme").unwrap(), at(5)));
    }
}
