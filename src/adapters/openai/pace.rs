//! Keeps requests within what an endpoint takes: so many at once, so many and so many tokens per minute, and none
//! while it says that it has no room.
//!
//! Nobody waits beyond the deadline of the question, and only so many wait at all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::Failure;
use super::settings::EndpointSettings;
use super::waiting;
use crate::ports::chat::ChatErrorKind;

/// Most requests at once, whatever the settings say.
const IN_FLIGHT_MAX: usize = 1_024;
/// Questions that may be under way or wait, for each request that may be under way.
const SEATS_PER_REQUEST: usize = 16;
/// How long an endpoint is believed that it has no room; then it is asked again.
const CLOSED_MAX: Duration = Duration::from_mins(5);
/// What limits are counted by.
const MINUTE: Duration = Duration::from_mins(1);

/// The limits of one endpoint.
pub(super) struct Pace {
    seats: Semaphore,
    requests: Semaphore,
    gate: Mutex<Gate>,
}

struct Gate {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    closed_until: Option<Instant>,
}

/// A bucket that holds a minute's worth and is filled evenly. It is described by when it will be full.
struct Bucket {
    per_minute: u32,
    full_at: Instant,
}

impl Pace {
    /// Takes the limits; all buckets are full.
    pub(super) fn new(settings: &EndpointSettings) -> Self {
        let in_flight = settings.in_flight.clamp(1, IN_FLIGHT_MAX);
        let bucket = |per_minute| Bucket { per_minute, full_at: Instant::now() };
        let gate = Gate {
            requests: settings.requests_per_minute.map(bucket),
            tokens: settings.tokens_per_minute.map(bucket),
            closed_until: None,
        };
        Self {
            seats: Semaphore::new(in_flight * SEATS_PER_REQUEST),
            requests: Semaphore::new(in_flight),
            gate: Mutex::new(gate),
        }
    }

    /// Gives a question a seat until it is answered, if there is one.
    pub(super) fn seat(&self) -> Result<SemaphorePermit<'_>, Failure> {
        self.seats.try_acquire().map_err(|_| {
            let why = (
                "já há perguntas demais à espera deste endereço",
                "too many questions wait for this endpoint already",
            );
            no_room(why, None)
        })
    }

    /// Waits until a request with about so many tokens may leave; it counts as under way until the permit is dropped.
    pub(super) async fn enter(
        &self,
        tokens: u64,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, Failure> {
        let Ok(Ok(permit)) = timeout_at(deadline, self.requests.acquire()).await else {
            let why = (
                "já há tantas requisições em curso quantas são permitidas",
                "as many requests as allowed are under way",
            );
            return Err(no_room(why, None));
        };
        loop {
            // The wait may have grown while it lasted, so only a look that finds none lets the request leave.
            let wait = self.gate().enter(Instant::now(), tokens);
            let Some(wait) = wait else { return Ok(permit) };
            if deadline.saturating_duration_since(Instant::now()) <= wait {
                let why = (
                    "os limites por minuto não deixam vez a tempo",
                    "the limits per minute leave no room in time",
                );
                return Err(no_room(why, Some(wait)));
            }
            sleep(wait).await;
        }
    }

    /// Puts the tokens that an answer really took in place of those that were expected.
    pub(super) fn correct(&self, expected: u64, real: u64) {
        if let Some(bucket) = &mut self.gate().tokens {
            bucket.correct(expected, real);
        }
    }

    /// Sends nothing more until the time that the endpoint names, where it says that no request is left.
    pub(super) fn heed(&self, headers: &HeaderMap) {
        if waiting::text(headers, "x-ratelimit-remaining-requests") != Some("0") {
            return;
        }
        let reset = waiting::text(headers, "x-ratelimit-reset-requests");
        if let Some(wait) = reset.and_then(waiting::duration) {
            self.gate().closed_until = Some(Instant::now() + wait.min(CLOSED_MAX));
        }
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_room((pt, en): (&str, &str), wait: Option<Duration>) -> Failure {
    let mut failure = Failure::new(ChatErrorKind::NoRoom, pt, en);
    failure.error.retry_after = wait;
    failure
}

impl Gate {
    /// Takes a request out of the buckets, or returns how long to wait first.
    fn enter(&mut self, now: Instant, tokens: u64) -> Option<Duration> {
        let closed = self.closed_until.map(|until| until.saturating_duration_since(now));
        let requests = self.requests.as_ref().map(|bucket| bucket.wait(now, 1));
        let of_tokens = self.tokens.as_ref().map(|bucket| bucket.wait(now, tokens));
        let wait = [closed, requests, of_tokens].into_iter().flatten().max().unwrap_or_default();
        if !wait.is_zero() {
            return Some(wait);
        }
        if let Some(bucket) = &mut self.requests {
            bucket.take(now, 1);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.take(now, tokens);
        }
        None
    }
}

impl Bucket {
    /// Returns how long until so much is there. More than the bucket holds may be taken when it is full.
    fn wait(&self, now: Instant, amount: u64) -> Duration {
        let until_full = self.full_at.saturating_duration_since(now);
        let needed = until_full.saturating_add(self.time_for(amount));
        needed.saturating_sub(MINUTE).min(until_full)
    }

    fn take(&mut self, now: Instant, amount: u64) {
        self.full_at = self.full_at.max(now);
        self.delay(self.time_for(amount));
    }

    fn correct(&mut self, expected: u64, real: u64) {
        if real > expected {
            self.delay(self.time_for(real - expected));
        } else {
            let earlier = self.full_at.checked_sub(self.time_for(expected - real));
            self.full_at = earlier.unwrap_or(self.full_at);
        }
    }

    fn delay(&mut self, time: Duration) {
        self.full_at = self.full_at.checked_add(time).unwrap_or(self.full_at);
    }

    /// Returns how long it takes until so much has flowed in.
    fn time_for(&self, amount: u64) -> Duration {
        let nanos = MINUTE.as_nanos() * u128::from(amount) / u128::from(self.per_minute.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::adapters::openai::tests::settings;

    fn pace(requests: Option<u32>, tokens: Option<u32>, in_flight: usize) -> Pace {
        Pace::new(&EndpointSettings {
            requests_per_minute: requests,
            tokens_per_minute: tokens,
            in_flight,
            ..settings()
        })
    }

    fn within(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    async fn entered(pace: &Pace, tokens: u64, seconds: u64) -> Result<Duration, Duration> {
        let start = Instant::now();
        let entered = pace.enter(tokens, within(seconds)).await;
        let took = Duration::from_secs(start.elapsed().as_secs());
        match entered {
            Ok(_) => Ok(took),
            Err(failure) => {
                assert_eq!(failure.error.kind, ChatErrorKind::NoRoom);
                Err(took)
            }
        }
    }

    const AT_ONCE: Result<Duration, Duration> = Ok(Duration::ZERO);
    const REFUSED: Result<Duration, Duration> = Err(Duration::ZERO);

    #[tokio::test(start_paused = true)]
    async fn requests_come_in_a_burst_and_then_evenly() {
        let pace = pace(Some(4), None, 9);
        for _ in 0..4 {
            assert_eq!(entered(&pace, 0, 1).await, AT_ONCE);
        }
        assert_eq!(entered(&pace, 0, 14).await, REFUSED, "nobody waits in vain");
        assert_eq!(entered(&pace, 0, 20).await, Ok(Duration::from_secs(15)));
        tokio::time::advance(Duration::from_hours(1)).await;
        for _ in 0..4 {
            assert_eq!(entered(&pace, 0, 1).await, AT_ONCE);
        }
        assert_eq!(entered(&pace, 0, 1).await, REFUSED, "an hour of rest is no reserve");
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_counted_as_expected_and_then_as_they_were() {
        let pace = pace(None, Some(6_000), 9);
        assert_eq!(entered(&pace, 6_000, 1).await, AT_ONCE);
        assert_eq!(entered(&pace, 3_000, 29).await, REFUSED);
        pace.correct(6_000, 3_000);
        assert_eq!(entered(&pace, 3_000, 1).await, AT_ONCE);
        pace.correct(3_000, 3_100);
        assert_eq!(entered(&pace, 500, 60).await, Ok(Duration::from_secs(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_minutes_tokens_leave_when_nothing_else_does() {
        let pace = pace(None, Some(600), 9);
        assert_eq!(entered(&pace, 1_200, 1).await, AT_ONCE);
        assert_eq!(entered(&pace, 1_200, 119).await, REFUSED);
        assert_eq!(entered(&pace, 1_200, 121).await, Ok(Duration::from_mins(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_under_way_and_only_so_many_wait() {
        let pace = pace(None, None, 1);
        let permit = pace.enter(0, within(1)).await.unwrap();
        assert_eq!(entered(&pace, 0, 5).await, Err(Duration::from_secs(5)));
        drop(permit);
        assert_eq!(entered(&pace, 0, 5).await, AT_ONCE);

        let seats: Vec<_> = (0..SEATS_PER_REQUEST).map(|_| pace.seat().unwrap()).collect();
        let Err(failure) = pace.seat() else { panic!() };
        assert_eq!(failure.error.kind, ChatErrorKind::NoRoom);
        drop(seats);
        assert!(pace.seat().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_while_the_endpoint_says_that_nothing_is_left() {
        let pace = pace(None, None, 9);
        let heed = |remaining, reset| {
            let pairs = [
                ("x-ratelimit-remaining-requests", remaining),
                ("x-ratelimit-reset-requests", reset),
            ];
            let pair =
                |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            pace.heed(&pairs.into_iter().map(pair).collect());
        };
        heed("1", "1m");
        heed("0", "soon");
        assert_eq!(entered(&pace, 0, 1).await, AT_ONCE);
        heed("0", "1m0s");
        assert_eq!(entered(&pace, 0, 60).await, REFUSED);
        assert_eq!(entered(&pace, 0, 61).await, Ok(Duration::from_mins(1)));
        heed("0", "24h");
        assert_eq!(entered(&pace, 0, 900).await, Ok(CLOSED_MAX));
    }
}
