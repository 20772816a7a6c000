//! When a message may leave: so many in a second from a number, and one in six seconds to the same person.
//!
//! Nothing here waits or reads a clock. It keeps a bounded memory of what left, by hashes, so it holds no address.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use chrono::{DateTime, Duration, Utc};

use super::Address;

/// Messages in a second that a number may handle unless it is known better.
const PER_SECOND: u32 = 80;
/// How long one message to a person counts.
const PAIR_INTERVAL: Duration = Duration::seconds(6);
/// Messages to one person at once. They are borrowed: so many intervals later the next may leave.
const PAIR_BURST: u32 = 45;
/// Numbers and people that are remembered. One number at full speed has some 500 people who still count.
const REMEMBERED: usize = 65_536;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// What may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceLimits {
    /// Messages in a second that a number may handle.
    pub per_second: u32,
    /// How long one message to a person counts.
    pub pair_interval: Duration,
    /// Messages to one person at once.
    pub pair_burst: u32,
    /// Most people that are remembered.
    pub remembered: usize,
}

impl Default for PaceLimits {
    fn default() -> Self {
        Self {
            per_second: PER_SECOND,
            pair_interval: PAIR_INTERVAL,
            pair_burst: PAIR_BURST,
            remembered: REMEMBERED,
        }
    }
}

/// Keeps messages within WhatsApp's limits.
#[derive(Debug)]
pub struct Pace {
    limits: PaceLimits,
    numbers: HashMap<u64, Flow>,
    pairs: HashMap<u64, Burst>,
    hasher: RandomState,
}

/// What a number sent. All moments are microseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Flow {
    per_second: u32,
    /// When everything that left will have been paid for.
    paid_at: i64,
    held_until: i64,
}

/// What one person got from one number.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    opened_at: i64,
    count: u32,
    paid_at: i64,
    held_until: i64,
}

impl Pace {
    /// Takes the limits; nothing has left yet.
    pub fn new(limits: PaceLimits) -> Self {
        Self { limits, numbers: HashMap::new(), pairs: HashMap::new(), hasher: RandomState::new() }
    }

    /// Returns when a message may leave; `None` is at once. Others may be first, so it is to be asked again then.
    pub fn when(&self, now: DateTime<Utc>, number: &str, to: &Address) -> Option<DateTime<Utc>> {
        let at = now.timestamp_micros();
        let flow = self.flow(number).free_at(at);
        let pair = self.pairs.get(&self.pair(number, to));
        let pair = pair.map_or(at, |burst| burst.free_at(at, &self.limits));
        Some(flow.max(pair)).filter(|free| *free > at).and_then(DateTime::from_timestamp_micros)
    }

    /// Lets a message leave and counts it; else returns when to ask again.
    pub fn take(
        &mut self,
        now: DateTime<Utc>,
        number: &str,
        to: &Address,
    ) -> Option<DateTime<Utc>> {
        let wait = self.when(now, number, to);
        if wait.is_none() {
            let at = now.timestamp_micros();
            let mut flow = self.flow(number);
            flow.count(at);
            self.keep_flow(at, number, flow);
            let limits = self.limits;
            self.burst(at, number, to).count(at, &limits);
        }
        wait
    }

    /// Keeps everything of a number back until a moment, because WhatsApp asked for it.
    pub fn hold_number(&mut self, now: DateTime<Utc>, number: &str, until: DateTime<Utc>) {
        let mut flow = self.flow(number);
        flow.held_until = flow.held_until.max(until.timestamp_micros());
        self.keep_flow(now.timestamp_micros(), number, flow);
    }

    /// Keeps everything from a number to one person back until a moment.
    pub fn hold_pair(
        &mut self,
        now: DateTime<Utc>,
        number: &str,
        to: &Address,
        until: DateTime<Utc>,
    ) {
        let burst = self.burst(now.timestamp_micros(), number, to);
        burst.held_until = burst.held_until.max(until.timestamp_micros());
    }

    /// Tells how many messages in a second a number may handle.
    pub fn set_per_second(&mut self, now: DateTime<Utc>, number: &str, per_second: u32) {
        let flow = Flow { per_second, ..self.flow(number) };
        self.keep_flow(now.timestamp_micros(), number, flow);
    }

    fn flow(&self, number: &str) -> Flow {
        let fresh = Flow { per_second: self.limits.per_second, paid_at: 0, held_until: 0 };
        self.numbers.get(&self.hasher.hash_one(number)).copied().unwrap_or(fresh)
    }

    fn keep_flow(&mut self, at: i64, number: &str, flow: Flow) {
        let usual = self.limits.per_second;
        let busy = |flow: &Flow| {
            // What is known of a number must not be forgotten before one of which nothing is.
            if flow.per_second == usual { flow.paid_at.max(flow.held_until) } else { i64::MAX }
        };
        make_room(&mut self.numbers, self.limits.remembered, at, busy);
        self.numbers.insert(self.hasher.hash_one(number), flow);
    }

    fn burst(&mut self, at: i64, number: &str, to: &Address) -> &mut Burst {
        let key = self.pair(number, to);
        if !self.pairs.contains_key(&key) {
            let busy = |burst: &Burst| burst.paid_at.max(burst.held_until);
            make_room(&mut self.pairs, self.limits.remembered, at, busy);
        }
        self.pairs.entry(key).or_default()
    }

    /// Returns the key of a number and a person, the same for both forms of a Brazilian mobile.
    fn pair(&self, number: &str, to: &Address) -> u64 {
        self.hasher.hash_one((number, to.key()))
    }
}

impl Flow {
    /// Three quarters of the limit leave evenly, the last quarter may leave at once: together they stay below the
    /// limit in every second, and what comes in has room besides.
    fn step(&self) -> i64 {
        let even = (i64::from(self.per_second) * 3 / 4).max(1);
        (SECOND + even - 1) / even
    }

    fn at_once(&self) -> i64 {
        i64::from((self.per_second / 4).max(1))
    }

    /// Returns when everything is paid for. No more is owed than can have left at once, or else the clock went back.
    fn owed_until(&self, at: i64) -> i64 {
        self.paid_at.min(at.saturating_add(self.at_once().saturating_mul(self.step())))
    }

    fn free_at(&self, at: i64) -> i64 {
        let slack = (self.at_once() - 1).saturating_mul(self.step());
        self.owed_until(at).saturating_sub(slack).max(self.held_until).max(at)
    }

    fn count(&mut self, at: i64) {
        self.paid_at = self.owed_until(at).max(at).saturating_add(self.step());
    }
}

impl Burst {
    fn owed_until(&self, at: i64, limits: &PaceLimits) -> i64 {
        let most = interval(limits).saturating_mul(i64::from(limits.pair_burst.max(1)));
        self.paid_at.min(at.saturating_add(most))
    }

    /// True while more may be borrowed.
    fn is_open(&self, at: i64, limits: &PaceLimits) -> bool {
        at < self.opened_at.saturating_add(interval(limits))
            && self.count < limits.pair_burst
            && at < self.owed_until(at, limits)
    }

    fn free_at(&self, at: i64, limits: &PaceLimits) -> i64 {
        let owed = if self.is_open(at, limits) { at } else { self.owed_until(at, limits) };
        owed.max(self.held_until).max(at)
    }

    fn count(&mut self, at: i64, limits: &PaceLimits) {
        if self.is_open(at, limits) {
            self.count = self.count.saturating_add(1);
            self.paid_at = self.owed_until(at, limits).saturating_add(interval(limits));
        } else {
            self.opened_at = at;
            self.count = 1;
            self.paid_at = at.saturating_add(interval(limits));
        }
    }
}

fn interval(limits: &PaceLimits) -> i64 {
    limits.pair_interval.num_microseconds().unwrap_or(i64::MAX).max(1)
}

/// Forgets those that count no more, and where that is not enough the half that would soonest count no more: to
/// forget them costs a refusal at worst, after which WhatsApp itself says how long to wait.
fn make_room<T>(kept: &mut HashMap<u64, T>, most: usize, at: i64, busy_until: impl Fn(&T) -> i64) {
    if kept.len() < most.max(1) {
        return;
    }
    kept.retain(|_, entry| busy_until(entry) > at);
    if kept.len() < most.max(1) {
        return;
    }
    let mut ends: Vec<i64> = kept.values().map(&busy_until).collect();
    let middle = ends.len() / 2;
    let (_, middle, _) = ends.select_nth_unstable(middle);
    let middle = *middle;
    kept.retain(|_, entry| busy_until(entry) > middle);
}

#[cfg(test)]
mod tests;
