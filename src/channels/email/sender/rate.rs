//! How fast an account sends: over all, and to each provider.
//!
//! A bucket fills at a steady rate up to its size, and each mail takes one token. It is kept as the moment at which it
//! would be full again (the generic cell rate algorithm), so that it needs no timer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use super::reason::Cause;

/// Most domains that are remembered; only those whose bucket is not full need to be.
const MAX_DOMAINS: usize = 10_000;

/// A steady rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Mails a minute; 0 for no limit.
    pub per_minute: u32,
    /// Mails that may leave at once, at least 1.
    pub burst: u32,
}

impl Rate {
    fn interval(self) -> Option<Duration> {
        (self.per_minute > 0).then(|| Duration::milliseconds(60_000 / i64::from(self.per_minute)))
    }

    /// Returns when the bucket would be full after one more token, or when there is one if there is none now.
    fn take(
        self,
        full_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, DateTime<Utc>> {
        let Some(interval) = self.interval() else { return Ok(now) };
        let ahead = i32::try_from(self.burst.saturating_sub(1)).unwrap_or(i32::MAX);
        let earliest = full_at - interval.checked_mul(ahead).unwrap_or(Duration::days(1));
        if earliest > now {
            return Err(earliest);
        }
        Ok(full_at.max(now) + interval)
    }
}

/// The buckets of an account.
pub(super) struct Rates {
    account: Rate,
    domain: Rate,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    account: DateTime<Utc>,
    domains: BTreeMap<String, DateTime<Utc>>,
}

impl Rates {
    pub(super) fn new(account: Rate, domain: Rate) -> Self {
        Self { account, domain, buckets: Mutex::default() }
    }

    /// Returns when the account's bucket has a token again; `None` where it has one.
    pub(super) fn full_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        self.account.take(buckets.account, now).err()
    }

    /// Takes a token of both buckets, or of none and says when to ask again.
    pub(super) fn take(
        &self,
        now: DateTime<Utc>,
        domain: &str,
    ) -> Result<(), (DateTime<Utc>, Cause)> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.domains.get(domain).copied().unwrap_or_default();
        let of_domain = self.domain.take(full_at, now).map_err(|at| (at, Cause::OwnDomainRate))?;
        let of_account =
            self.account.take(buckets.account, now).map_err(|at| (at, Cause::OwnRate))?;
        buckets.account = of_account;
        if buckets.domains.len() >= MAX_DOMAINS {
            buckets.domains.retain(|_, full_at| *full_at > now);
        }
        if buckets.domains.len() < MAX_DOMAINS || buckets.domains.contains_key(domain) {
            buckets.domains.insert(domain.to_owned(), of_domain);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_burst_leaves_at_once_and_then_one_after_the_other() {
        let none = Rate { per_minute: 0, burst: 1 };
        let rates = Rates::new(Rate { per_minute: 6, burst: 3 }, none);
        for _ in 0..3 {
            assert_eq!(rates.take(at(0), "a.example"), Ok(()));
        }
        assert_eq!(rates.take(at(0), "b.example"), Err((at(10), Cause::OwnRate)));
        assert_eq!(rates.take(at(9), "b.example"), Err((at(10), Cause::OwnRate)));
        assert_eq!((rates.full_until(at(9)), rates.full_until(at(10))), (Some(at(10)), None));
        assert_eq!(rates.take(at(10), "b.example"), Ok(()));
        assert_eq!(rates.take(at(10), "b.example"), Err((at(20), Cause::OwnRate)));
        for _ in 0..3 {
            assert_eq!(rates.take(at(1_000), "b.example"), Ok(()), "never more than the burst");
        }
        assert!(rates.take(at(1_000), "b.example").is_err());
    }

    #[test]
    fn one_provider_does_not_hold_up_another() {
        let rates =
            Rates::new(Rate { per_minute: 60, burst: 10 }, Rate { per_minute: 2, burst: 1 });
        assert_eq!(rates.take(at(0), "gmail.com"), Ok(()));
        assert_eq!(rates.take(at(0), "gmail.com"), Err((at(30), Cause::OwnDomainRate)));
        assert_eq!(rates.take(at(0), "uol.com.br"), Ok(()));
        assert_eq!(rates.take(at(30), "gmail.com"), Ok(()));
    }

    #[test]
    fn a_refusal_by_one_bucket_takes_nothing_of_the_other() {
        let rates = Rates::new(Rate { per_minute: 1, burst: 2 }, Rate { per_minute: 1, burst: 1 });
        assert_eq!(rates.take(at(0), "a.example"), Ok(()));
        for _ in 0..5 {
            assert!(rates.take(at(0), "a.example").is_err());
        }
        assert_eq!(rates.take(at(0), "b.example"), Ok(()), "the account's second token is there");
    }

    #[test]
    fn memory_has_a_bound() {
        let rates = Rates::new(Rate { per_minute: 0, burst: 1 }, Rate { per_minute: 1, burst: 1 });
        for number in 0..MAX_DOMAINS + 50 {
            assert_eq!(rates.take(at(0), &number.to_string()), Ok(()));
        }
        let kept = rates.buckets.lock().unwrap().domains.len();
        assert_eq!(kept, MAX_DOMAINS);
        assert_eq!(rates.take(at(120), "fresh"), Ok(()));
        assert_eq!(rates.buckets.lock().unwrap().domains.len(), 1);
    }
}
