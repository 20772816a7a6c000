//! How long to wait: what endpoints say about it in their headers, and what is done where they say nothing.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::failure::Failure;
use crate::adapters::clock::SystemClock;
use crate::ports::Clock as _;
use crate::ports::chat::ChatErrorKind;

/// The longest wait before a question is asked again, whatever an endpoint wants.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Up to how long is waited the first time where nothing is said; it doubles up to `BACKOFF_MAX`.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Up to how long is waited at most where nothing is said.
const BACKOFF_MAX: Duration = Duration::from_secs(8);

/// Returns how long to wait before the next attempt; `None` where there should be none: it would not help, there were
/// enough, or the wait is longer than anybody waits for the answer.
pub(super) fn before_next(
    failure: &Failure,
    tries: u32,
    attempts: u32,
    left: Duration,
) -> Option<Duration> {
    if tries >= attempts || !may_repeat(failure) {
        return None;
    }
    let wait = match failure.error.retry_after {
        Some(wanted) => wanted.min(WAIT_MAX),
        None => backoff(tries, getrandom::u32().unwrap_or(u32::MAX)),
    };
    (wait < left).then_some(wait)
}

/// What the server says about repeats outweighs what the kind of failure tells, as in the official libraries.
fn may_repeat(failure: &Failure) -> bool {
    match (failure.error.kind, failure.repeat) {
        // Neither money nor room appears by asking again.
        (ChatErrorKind::Quota | ChatErrorKind::TooLong, _) => false,
        (_, Some(wish)) => wish,
        (kind, None) => kind.passes(),
    }
}

/// Returns a part of a bound that doubles with every try, so that many who failed together do not return together.
fn backoff(tries: u32, dice: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    let bound = BACKOFF_FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(BACKOFF_MAX);
    bound.mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

/// Reads `x-should-retry`.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Reads how long the endpoint wants waited; `None` for no time at all.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(seconds).map(|wait| wait / 1000);
    let wait = millis.or_else(|| {
        let value = text(headers, RETRY_AFTER.as_str())?;
        seconds(value).or_else(|| until(value, headers))
    });
    wait.filter(|wait| !wait.is_zero())
}

/// Returns the time until a date, by the clock of the server that gave it, or by ours where it does not show its own.
fn until(value: &str, headers: &HeaderMap) -> Option<Duration> {
    let then = date(value)?;
    let now = text(headers, DATE.as_str()).and_then(date);
    let now = now.map_or_else(|| SystemClock::default().now(), |now| now.with_timezone(&Utc));
    then.signed_duration_since(now).to_std().ok()
}

fn date(value: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc2822(value).ok()
}

fn seconds(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

/// Reads `6m0s`, `1.5s`, `20ms` and plain seconds.
pub(super) fn duration(value: &str) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    if let Some(plain) = seconds(value) {
        return Some(plain);
    }
    let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let (mut rest, mut sum) = (value, Duration::ZERO);
    while !rest.is_empty() {
        let (number, unit_on) =
            rest.split_at_checked(rest.find(|letter: char| !is_number(letter))?)?;
        let (unit, next) =
            unit_on.split_at_checked(unit_on.find(is_number).unwrap_or(unit_on.len()))?;
        let number: f64 = number.parse().ok()?;
        let part = Duration::try_from_secs_f64(number * seconds_of(unit)?).ok()?;
        sum = sum.checked_add(part)?;
        rest = next;
    }
    Some(sum)
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "d" => Some(86_400.0),
        "h" => Some(3_600.0),
        "m" => Some(60.0),
        "s" => Some(1.0),
        "ms" => Some(1e-3),
        "us" | "µs" => Some(1e-6),
        "ns" => Some(1e-9),
        _ => None,
    }
}

/// Returns a header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_wanted_wait_is_read_in_every_form() {
        let now = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");
        for (pairs, millis) in [
            (vec![("retry-after", "1")], Some(1_000)),
            (vec![("retry-after", "0.2")], Some(200)),
            (vec![("retry-after", "3600")], Some(3_600_000)),
            (vec![("retry-after-ms", "250")], Some(250)),
            (vec![("retry-after-ms", "250"), ("retry-after", "9")], Some(250)),
            (vec![("retry-after-ms", "soon"), ("retry-after", "9")], Some(9_000)),
            (vec![("retry-after", "Fri, 20 Nov 2026 12:00:05 GMT"), now], Some(5_000)),
            (vec![("retry-after", "Fri, 20 Nov 2026 11:59:59 GMT"), now], None),
            (vec![("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], None),
            (vec![("retry-after", "0")], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "inf")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            let expected = millis.map(Duration::from_millis);
            assert_eq!(retry_after(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn durations_are_read_in_every_form() {
        for (text, millis) in [
            ("1s", Some(1_000)),
            ("20ms", Some(20)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("34.074824224s", Some(34_074)),
            ("1d", Some(86_400_000)),
            ("60", Some(60_000)),
            ("", None),
            ("s", None),
            ("1", Some(1_000)),
            ("1x", None),
            ("1s2", None),
            ("1..5s", None),
            ("99999999999999999999d", None),
        ] {
            let read = duration(text).map(|found| found.as_millis());
            assert_eq!(read, millis, "{text}");
        }
    }

    #[test]
    fn pauses_double_up_to_eight_seconds_and_are_shared_out_by_chance() {
        let bounds: Vec<u128> =
            [1, 2, 3, 4, 5, 6, 99].map(|tries| backoff(tries, u32::MAX).as_millis()).to_vec();
        assert_eq!(bounds, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(backoff(3, 0), Duration::ZERO);
    }

    #[test]
    fn a_wait_is_capped_and_one_that_nobody_has_time_for_is_not_begun() {
        let failure = |kind, seconds: Option<u64>, repeat| {
            let mut failure = Failure::new(kind, "", "");
            failure.error.retry_after = seconds.map(Duration::from_secs);
            failure.repeat = repeat;
            failure
        };
        let limited = ChatErrorKind::RateLimited;
        for (failure, tries, left, expected) in [
            (failure(limited, Some(2), None), 1, 60, Some(2)),
            (failure(limited, Some(3600), None), 1, 60, Some(30)),
            (failure(limited, Some(3600), None), 1, 30, None),
            (failure(limited, Some(2), None), 3, 60, None),
            (failure(limited, Some(2), Some(false)), 1, 60, None),
            (failure(ChatErrorKind::Rejected, Some(2), None), 1, 60, None),
            (failure(ChatErrorKind::Rejected, Some(2), Some(true)), 1, 60, Some(2)),
            (failure(ChatErrorKind::Quota, Some(2), Some(true)), 1, 60, None),
            (failure(ChatErrorKind::TooLong, Some(2), Some(true)), 1, 60, None),
        ] {
            let wait = before_next(&failure, tries, 3, Duration::from_secs(left));
            assert_eq!(wait, expected.map(Duration::from_secs), "{failure:?}");
        }
    }
}
