//! Connections that are kept between mails, because a login costs more than a mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::talk::Line;

/// Most mails over one connection: providers end those that go on for ever.
const MAX_MAILS: u32 = 50;

/// Connections at rest.
pub(super) struct Pool {
    keep: Duration,
    resting: Mutex<Vec<Resting>>,
}

struct Resting {
    line: Line,
    since: DateTime<Utc>,
}

impl Pool {
    /// `keep` is how long a connection may rest; zero keeps none.
    pub(super) fn new(keep: Duration) -> Self {
        Self { keep, resting: Mutex::default() }
    }

    /// Returns a connection that lives, the one that rested least.
    pub(super) async fn take(&self, now: DateTime<Utc>) -> Option<Line> {
        loop {
            let Resting { mut line, since } = self.pop()?;
            // A server that was silent for long may have hung up, or a router may have forgotten us: then nothing comes
            // back at all.
            if !self.is_old(since, now) && line.reset().await {
                return Some(line);
            }
        }
    }

    /// Keeps a connection, or says goodbye to one that served long enough.
    pub(super) async fn put(&self, line: Line, now: DateTime<Utc>) {
        if self.keep.is_zero() || line.mails >= MAX_MAILS {
            line.quit().await;
            return;
        }
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.push(Resting { line, since: now });
    }

    /// Says goodbye to connections that rested too long by this moment.
    pub(super) async fn close_idle(&self, now: DateTime<Utc>) {
        let old: Vec<Resting> = {
            let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
            resting.extract_if(.., |one| self.is_old(one.since, now)).collect()
        };
        for one in old {
            one.line.quit().await;
        }
    }

    /// Says goodbye to all of them.
    pub(super) async fn close(&self) {
        while let Some(one) = self.pop() {
            one.line.quit().await;
        }
    }

    fn is_old(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        (now - since).to_std().is_ok_and(|rested| rested > self.keep)
    }

    fn pop(&self) -> Option<Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
