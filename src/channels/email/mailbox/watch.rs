//! Keeps a mailbox watched: connects, connects again, and says how it stands.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connect::{At as _, Failure, connect};
use super::conversation::Conversation;
use super::follow::{Memory, Place, follow};
use super::settings::{SentFolder, Settings};
use super::trouble::{Step, Trouble};
use super::{Arrivals, FolderRole, Mailbox, folders};
use crate::ports::{Clock, PortErrorKind};

/// How long a connection must have served before the pauses begin anew: one that ends at once each time must not be
/// made again every second.
const STEADY: Duration = Duration::from_mins(1);

/// How a folder stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// True while a connection is open and logged in.
    pub connected: bool,
    /// When the folder was last looked at and everything new was stored.
    pub last_success: Option<DateTime<Utc>>,
    /// The last failure and when it was; it stays here after it was mended.
    pub last_failure: Option<(DateTime<Utc>, Failure)>,
}

impl Health {
    /// True when the last thing known is a failure.
    pub fn is_failing(&self) -> bool {
        match (&self.last_failure, self.last_success) {
            (Some((failed, _)), Some(succeeded)) => !self.connected || *failed > succeeded,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

/// How the folders of a mailbox stand, for whoever asks.
#[derive(Clone, Debug, Default)]
pub struct HealthBoard {
    folders: Arc<Mutex<BTreeMap<FolderRole, Health>>>,
}

impl HealthBoard {
    /// Returns how a folder stands; that of one not watched is empty.
    pub fn of(&self, role: FolderRole) -> Health {
        self.lock().get(&role).cloned().unwrap_or_default()
    }

    fn change(&self, role: FolderRole, change: impl FnOnce(&mut Health)) {
        change(self.lock().entry(role).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FolderRole, Health>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches a mailbox.
pub struct Watcher {
    settings: Arc<Settings>,
    arrivals: Arc<dyn Arrivals>,
    clock: Arc<dyn Clock>,
    health: HealthBoard,
    /// One login at a time, and none for a while after a refusal: many servers lock an account after a few.
    door: tokio::sync::Mutex<Option<Closed>>,
    /// What was said last of each folder and is not mended.
    said: Mutex<BTreeMap<FolderRole, Trouble>>,
}

struct Closed {
    until: Instant,
    failure: Failure,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Watcher {
    /// Makes a watcher; it does nothing yet.
    pub fn new(mailbox: &Mailbox, arrivals: Arc<dyn Arrivals>, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings: Arc::clone(&mailbox.settings),
            arrivals,
            clock,
            health: HealthBoard::default(),
            door: tokio::sync::Mutex::new(None),
            said: Mutex::default(),
        }
    }

    /// Returns where the folders' health can be read at any time.
    pub fn health(&self) -> HealthBoard {
        self.health.clone()
    }

    /// Watches until it is told to stop, which it does at any await.
    pub async fn run(&self, stop: CancellationToken) {
        let watch = async {
            let inbox = self.tend(FolderRole::Inbox);
            if self.settings.sent == SentFolder::Off {
                inbox.await;
            } else {
                futures::join!(inbox, self.tend(FolderRole::Sent));
            }
        };
        Box::pin(stop.run_until_cancelled(watch)).await;
        for role in FolderRole::ALL {
            self.health.change(*role, |health| health.connected = false);
        }
    }

    /// Holds one folder's connection, for ever.
    async fn tend(&self, role: FolderRole) {
        let mut memory = Memory::default();
        let mut tries = 0_u32;
        loop {
            let began = Instant::now();
            let mut looked = false;
            let live = self.live(role, &mut memory, &mut looked);
            // The library's parser slices texts by bytes, and panics at a server's accented letter in a bad place.
            let ended = Box::pin(AssertUnwindSafe(live).catch_unwind()).await;
            let failure = match ended {
                Ok(Err(failure)) => failure,
                Ok(Ok(never)) => match never {},
                Err(_) => Failure { step: Step::Fetch, trouble: Trouble::Garbled },
            };
            if looked && began.elapsed() >= STEADY {
                tries = 0;
            }
            tries = tries.saturating_add(1);
            self.tell(role, &failure);
            let pause = self.pause(tries, &failure.trouble);
            tracing::debug!(
                folder = role.as_str(),
                pause_ms = pause.as_millis(),
                "Connecting again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// One life of a connection, which only a failure ends.
    async fn live(
        &self,
        role: FolderRole,
        memory: &mut Memory,
        looked: &mut bool,
    ) -> Result<Infallible, Failure> {
        let mut conversation = self.enter().await?;
        self.health.change(role, |health| health.connected = true);
        let folder = match role {
            FolderRole::Inbox => self.settings.inbox.clone(),
            FolderRole::Sent => {
                let sent = folders::find_sent(&mut conversation, &self.settings.sent).await;
                let (name, _) = sent
                    .at(Step::Sent)?
                    .ok_or(Failure { step: Step::Sent, trouble: Trouble::SentNotFound })?;
                name
            }
        };
        let place = Place {
            settings: &self.settings,
            arrivals: &self.arrivals,
            clock: &self.clock,
            role,
            folder,
        };
        follow(&mut conversation, &place, memory, || {
            *looked = true;
            self.succeeded(role);
        })
        .await
    }

    /// Connects and logs in, unless a login was refused a moment ago.
    async fn enter(&self) -> Result<Conversation, Failure> {
        let mut door = self.door.lock().await;
        if let Some(closed) = &*door
            && Instant::now() < closed.until
        {
            return Err(closed.failure.clone());
        }
        let entered = connect(&self.settings, &mut |_, _| {}).await;
        *door = match &entered {
            Err(failure) if failure.trouble.is_refused_login() => {
                // The shortest that `pause` makes of the longest pause, so that whoever waits that long may try.
                let until = Instant::now() + self.settings.pause_max.mul_f64(JITTER_FLOOR);
                Some(Closed { until, failure: failure.clone() })
            }
            _ => None,
        };
        entered
    }

    fn succeeded(&self, role: FolderRole) {
        let now = self.clock.now();
        self.health.change(role, |health| health.last_success = Some(now));
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.remove(&role).is_some() {
            tracing::info!(folder = role.as_str(), "The folder {role} is watched again");
        }
    }

    /// Writes a failure down, and says it in the log when it is another than the last.
    fn tell(&self, role: FolderRole, failure: &Failure) {
        let now = self.clock.now();
        self.health.change(role, |health| {
            health.connected = false;
            health.last_failure = Some((now, failure.clone()));
        });
        let trouble = &failure.trouble;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // What stops one folder mostly stops the other too: once for both is enough.
        let is_known = said.values().any(|known| known == trouble);
        said.insert(role, trouble.clone());
        if is_known {
            return;
        }
        let (folder, step, host) = (role.as_str(), failure.step.as_str(), &self.settings.host);
        if trouble.needs_person() {
            tracing::error!(folder, step, host, "{trouble}");
        } else {
            tracing::warn!(folder, step, host, "{trouble}");
        }
    }

    fn pause(&self, tries: u32, trouble: &Trouble) -> Duration {
        let longest = self.settings.pause_max;
        let pause = match trouble {
            Trouble::Throttled => longest,
            trouble if trouble.needs_person() => longest,
            Trouble::NotStored(PortErrorKind::Throttled { after }) => {
                return (*after).max(self.settings.pause_first);
            }
            _ => backoff(self.settings.pause_first, longest, tries),
        };
        // The low bits are the random ones.
        let chance = (self.clock.fresh_bits() & 0xffff) as u16;
        jittered(pause, chance)
    }
}

/// The smallest part of a pause that chance leaves of it.
const JITTER_FLOOR: f64 = 0.75;

/// Doubles from the first pause to the longest.
fn backoff(first: Duration, longest: Duration, tries: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1).min(16))).min(longest)
}

/// Shortens a pause by up to a quarter, so that many mailboxes do not come back at one moment.
fn jittered(pause: Duration, chance: u16) -> Duration {
    pause.mul_f64(JITTER_FLOOR + (1.0 - JITTER_FLOOR) * f64::from(chance) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_second_to_five_minutes() {
        let pause = |tries| backoff(Duration::from_secs(1), Duration::from_mins(5), tries);
        let pauses: Vec<u64> = [1, 2, 3, 9, 10, 99].map(|n| pause(n).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
        assert_eq!(jittered(Duration::from_secs(100), 0), Duration::from_secs(75));
        assert_eq!(jittered(Duration::from_secs(100), u16::MAX), Duration::from_secs(100));
    }
}
