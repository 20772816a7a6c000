//! Leaves an endpoint alone for a while that failed again and again, so that questions go another way at once
//! instead of each waiting for its own failure.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ports::chat::ChatErrorKind;

/// So many failures in a row say that it is the endpoint and not the question.
const FAILURES_MAX: u32 = 5;
/// How long the first rest lasts; each further one is twice as long, up to `REST_MAX`.
const REST_FIRST: Duration = Duration::from_secs(15);
/// How long the first rest lasts where a person must act: nobody refills an account within seconds.
const REST_OF_ACCOUNT: Duration = Duration::from_mins(1);
/// The longest rest.
const REST_MAX: Duration = Duration::from_mins(5);
/// What is told to those who come while one question tries the endpoint again.
const PROBE_TIME: Duration = Duration::from_secs(1);

crate::domain::words! {
    /// Whether an endpoint is asked.
    BreakerState {
        /// It is.
        Closed = "closed",
        /// It is left alone.
        Open = "open",
        /// The next question, or one under way, decides.
        HalfOpen = "half_open",
    }
}

/// What a question tells about its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It works, whatever it answered.
    Works,
    /// It failed.
    Failed,
    /// It will fail until a person acts: there is no money, the key is wrong, or it lacks the right.
    Shut,
    /// Nothing: the question never got there.
    Untold,
}

impl Outcome {
    /// Judges how a question ended; `None` is an answer.
    pub(super) fn of(error: Option<ChatErrorKind>) -> Self {
        match error {
            Some(ChatErrorKind::Quota | ChatErrorKind::Key | ChatErrorKind::Forbidden) => {
                Self::Shut
            }
            Some(
                ChatErrorKind::Resting
                | ChatErrorKind::NoRoom
                | ChatErrorKind::NotRecorded
                | ChatErrorKind::BadRecording,
            ) => Self::Untold,
            Some(kind) if kind.is_outage() => Self::Failed,
            Some(_) | None => Self::Works,
        }
    }
}

/// What a question changed about whether its endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing, or only for how long it is left alone.
    No,
    /// It was asked, and is left alone from now on, for so long.
    Begins(Duration),
    /// It was left alone, and is asked again.
    Ends,
}

/// The memory of one endpoint's failures.
pub(super) struct Breaker(Mutex<Phase>);

#[derive(Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant, rest: Duration },
    Probing { rest: Duration },
}

impl Breaker {
    /// Starts without failures.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Phase::Closed { failures: 0 }))
    }

    /// Lets a question through, or returns for how long the endpoint is left alone.
    pub(super) fn enter(&self) -> Result<Pass<'_>, Duration> {
        let mut phase = self.phase();
        let current = *phase;
        let is_probe = match current {
            Phase::Closed { .. } => false,
            Phase::Open { until, rest } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(left);
                }
                *phase = Phase::Probing { rest };
                true
            }
            Phase::Probing { .. } => return Err(PROBE_TIME),
        };
        Ok(Pass { breaker: self, is_probe, settled: false })
    }

    /// Returns whether the endpoint is asked.
    pub(super) fn state(&self) -> BreakerState {
        match *self.phase() {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { until, .. } if Instant::now() < until => BreakerState::Open,
            Phase::Open { .. } | Phase::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask once. What came of it counts when it is dropped, so that a question that is given up in the
/// middle does not hold the place of the one that decides.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    settled: bool,
}

impl Pass<'_> {
    /// Notes what came of it, and returns what that changed.
    pub(super) fn settle(mut self, outcome: Outcome) -> Change {
        self.note(outcome)
    }

    fn note(&mut self, outcome: Outcome) -> Change {
        self.settled = true;
        let mut phase = self.breaker.phase();
        let before = *phase;
        *phase = before.after(outcome, self.is_probe, Instant::now());
        match (before, *phase) {
            (Phase::Closed { .. }, Phase::Open { rest, .. }) => Change::Begins(rest),
            (Phase::Probing { .. }, Phase::Closed { .. }) => Change::Ends,
            _ => Change::No,
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.note(Outcome::Untold);
        }
    }
}

impl Phase {
    fn after(self, outcome: Outcome, is_probe: bool, now: Instant) -> Self {
        let open = |rest: Duration| Self::Open { until: now + rest, rest };
        match (self, outcome) {
            (Self::Closed { .. }, Outcome::Works) => Self::Closed { failures: 0 },
            (Self::Closed { failures }, Outcome::Failed) if failures + 1 < FAILURES_MAX => {
                Self::Closed { failures: failures + 1 }
            }
            (Self::Closed { .. }, Outcome::Failed) => open(REST_FIRST),
            (Self::Closed { .. }, Outcome::Shut) => open(REST_OF_ACCOUNT),
            (Self::Probing { .. }, Outcome::Works) if is_probe => Self::Closed { failures: 0 },
            (Self::Probing { rest }, Outcome::Failed) if is_probe => {
                open(rest.saturating_mul(2).min(REST_MAX))
            }
            (Self::Probing { rest }, Outcome::Shut) if is_probe => {
                open(rest.saturating_mul(2).clamp(REST_OF_ACCOUNT, REST_MAX))
            }
            (Self::Probing { rest }, Outcome::Untold) if is_probe => {
                Self::Open { until: now, rest }
            }
            // Those who were let through before it opened have no say any more.
            (Self::Closed { .. }, Outcome::Untold)
            | (Self::Open { .. } | Self::Probing { .. }, _) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn ask(breaker: &Breaker, outcome: Outcome) -> Change {
        let Ok(pass) = breaker.enter() else { panic!("it is left alone") };
        pass.settle(outcome)
    }

    fn rest(breaker: &Breaker) -> u64 {
        breaker.enter().err().unwrap_or_default().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_rests_longer_each_time() {
        let breaker = Breaker::new();
        for _ in 1..FAILURES_MAX {
            ask(&breaker, Outcome::Failed);
        }
        ask(&breaker, Outcome::Untold);
        ask(&breaker, Outcome::Works);
        for _ in 1..FAILURES_MAX {
            ask(&breaker, Outcome::Failed);
        }
        assert_eq!(breaker.state(), BreakerState::Closed, "not in a row");
        ask(&breaker, Outcome::Failed);
        for seconds in [15, 30, 60, 120, 240, 300, 300] {
            assert_eq!((breaker.state(), rest(&breaker)), (BreakerState::Open, seconds));
            advance(Duration::from_secs(seconds)).await;
            assert_eq!(breaker.state(), BreakerState::HalfOpen);
            ask(&breaker, Outcome::Failed);
        }
        advance(REST_MAX).await;
        ask(&breaker, Outcome::Works);
        assert_eq!(breaker.state(), BreakerState::Closed);
        ask(&breaker, Outcome::Failed);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn only_one_question_tries_and_giving_it_up_lets_the_next_one_try() {
        let breaker = Breaker::new();
        let early = breaker.enter().ok().unwrap();
        ask(&breaker, Outcome::Shut);
        assert_eq!(rest(&breaker), 60);
        advance(REST_OF_ACCOUNT).await;
        let probe = breaker.enter().ok().unwrap();
        assert_eq!(breaker.enter().err(), Some(PROBE_TIME));
        early.settle(Outcome::Works);
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "it came from before");
        drop(probe);
        let probe = breaker.enter().ok().unwrap();
        probe.settle(Outcome::Shut);
        assert_eq!(rest(&breaker), 120);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_told_when_it_begins_and_when_it_ends_and_not_in_between() {
        let breaker = Breaker::new();
        for _ in 1..FAILURES_MAX {
            assert_eq!(ask(&breaker, Outcome::Failed), Change::No);
        }
        let early = breaker.enter().ok().unwrap();
        assert_eq!(ask(&breaker, Outcome::Failed), Change::Begins(REST_FIRST));
        assert_eq!(early.settle(Outcome::Failed), Change::No, "it came from before");
        for _ in 0..3 {
            advance(REST_MAX).await;
            assert_eq!(ask(&breaker, Outcome::Failed), Change::No);
        }
        advance(REST_MAX).await;
        assert_eq!(ask(&breaker, Outcome::Untold), Change::No);
        assert_eq!(ask(&breaker, Outcome::Works), Change::Ends);
        assert_eq!(ask(&breaker, Outcome::Works), Change::No);
        assert_eq!(ask(&breaker, Outcome::Shut), Change::Begins(REST_OF_ACCOUNT));
    }

    #[test]
    fn an_answer_that_is_no_good_still_shows_that_the_endpoint_works() {
        for (error, outcome) in [
            (None, Outcome::Works),
            (Some(ChatErrorKind::BadShape), Outcome::Works),
            (Some(ChatErrorKind::TooLong), Outcome::Works),
            (Some(ChatErrorKind::Rejected), Outcome::Works),
            (Some(ChatErrorKind::BadReply), Outcome::Failed),
            (Some(ChatErrorKind::TimedOut), Outcome::Failed),
            (Some(ChatErrorKind::Broken), Outcome::Failed),
            (Some(ChatErrorKind::Key), Outcome::Shut),
            (Some(ChatErrorKind::Forbidden), Outcome::Shut),
            (Some(ChatErrorKind::Quota), Outcome::Shut),
            (Some(ChatErrorKind::NoRoom), Outcome::Untold),
        ] {
            assert_eq!(Outcome::of(error), outcome, "{error:?}");
        }
    }
}
