//! The only reader of the machine's clock and of its randomness.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

use crate::ports::Clock;

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock {
    ids: IdSource,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        whole_millis(Utc::now().timestamp_millis())
    }

    fn fresh_bits(&self) -> u128 {
        self.ids.next(self.now())
    }
}

/// A clock that stands still until it is moved: for recorded traffic and for tests.
#[derive(Debug)]
pub struct RecordedClock {
    millis: AtomicI64,
    ids: IdSource,
}

impl RecordedClock {
    /// Starts at a moment.
    pub fn starting_at(moment: DateTime<Utc>) -> Self {
        Self { millis: AtomicI64::new(moment.timestamp_millis()), ids: IdSource::default() }
    }

    /// Moves to a later moment; an earlier one is ignored, because time never runs back.
    pub fn advance_to(&self, moment: DateTime<Utc>) {
        self.millis.fetch_max(moment.timestamp_millis(), Ordering::SeqCst);
    }
}

impl Clock for RecordedClock {
    fn now(&self) -> DateTime<Utc> {
        whole_millis(self.millis.load(Ordering::SeqCst))
    }

    fn fresh_bits(&self) -> u128 {
        self.ids.next(self.now())
    }

    fn is_recorded(&self) -> bool {
        true
    }
}

/// UUID version 7 (RFC 9562) with a counter, so that ids of one process sort in the order of minting.
#[derive(Debug)]
struct IdSource(Mutex<ContextV7>);

impl Default for IdSource {
    fn default() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl IdSource {
    fn next(&self, now: DateTime<Utc>) -> u128 {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let context = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
            .as_u128()
    }
}

fn whole_millis(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_they_were_minted_even_while_time_stands_still() {
        let clock = RecordedClock::starting_at(whole_millis(1_000));
        let ids: Vec<u128> = (0..1000).map(|_| clock.fresh_bits()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn recorded_time_moves_only_forward() {
        let clock = RecordedClock::starting_at(whole_millis(1_000));
        clock.advance_to(whole_millis(500));
        assert_eq!(clock.now(), whole_millis(1_000));
        clock.advance_to(whole_millis(2_000));
        assert_eq!(clock.now(), whole_millis(2_000));
    }
}
