//! The worker on its own: loops that wait for work, never for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Worker, files};
use crate::domain::attachment::UPLOAD_HOURS;
use crate::ports::{PortError, PortErrorKind};

/// First pause after a failure outside; it doubles up to `PAUSE_MAX`.
pub(super) const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause after failures outside.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long the clockwork rests while turns wait.
const BREATHER: Duration = Duration::from_millis(500);
/// How often old keys and filed messages are forgotten.
const UPKEEP_EVERY: Duration = Duration::from_hours(1);
/// How long idempotency keys and the inbox's copies of filed messages are kept.
const KEEP_KEYS: chrono::Duration = chrono::Duration::days(7);
/// For how long a change waits for its message; Meta tries that long to hand a message over.
const KEEP_CHANGES: chrono::Duration = chrono::Duration::days(7);
/// For how long a file that was handed in waits for its reply.
const KEEP_UPLOADS: chrono::Duration = chrono::Duration::hours(UPLOAD_HOURS);

/// When each loop of the worker last came round.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat(Arc<AtomicI64>);

impl Heartbeat {
    pub(super) fn beat(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Returns how long ago the worker last gave a sign of life; `None` before its first.
    pub fn age(&self, now: DateTime<Utc>) -> Option<chrono::Duration> {
        let last = self.0.load(Ordering::Relaxed);
        (last > 0).then(|| chrono::Duration::milliseconds(now.timestamp_millis() - last))
    }
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    File,
    Decide,
    Deliver,
    /// What leaves by the mailbox of this number.
    Post(usize),
    Look,
    Tell,
    Publish,
    Inform,
    Fetch,
    AddUp,
    Index,
}

impl Worker {
    /// Starts the loops on `tasks`; they end after their current batch when `stop` is cancelled.
    pub fn run(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        // Two loops decide, so that one computes while the other waits for the disk.
        let steps = [
            Step::File,
            Step::Decide,
            Step::Decide,
            Step::Deliver,
            Step::Look,
            Step::Tell,
            Step::Publish,
            Step::Inform,
            Step::AddUp,
            Step::Index,
        ];
        let steps = steps.into_iter().chain([Step::Fetch; files::AT_ONCE]);
        let steps = steps.chain((0..self.posts.len()).map(Step::Post));
        // With models each turn is a task of its own.
        let asks = self.ladder.is_some();
        for step in steps.filter(|step| !(asks && matches!(step, Step::Decide))) {
            let (worker, stop) = (Arc::clone(self), stop.clone());
            tasks.spawn(async move { worker.repeat(step, &stop).await });
        }
        self.watch_mailboxes(tasks, stop);
        if asks {
            tasks.spawn(Arc::clone(self).keep_asking(stop.clone()));
        }
        let (worker, stop) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { worker.keep_up(&stop).await });
    }

    async fn repeat(&self, step: Step, shutdown: &CancellationToken) {
        let mut pause = PAUSE_FIRST;
        while !shutdown.is_cancelled() {
            let done = match step {
                Step::File => self.file_messages().await,
                Step::Decide => self.decide_turns().await,
                Step::Deliver => self.deliver_others().await,
                Step::Post(at) => match self.posts.get(at) {
                    Some(post) => Box::pin(self.deliver_post(post, shutdown)).await,
                    None => Ok(0),
                },
                Step::Look => self.look_at_tickets().await,
                Step::Tell => self.tell_people().await,
                Step::Publish => self.publish_events().await,
                Step::Inform => self.inform_of_incidents().await,
                Step::Fetch => self.work_on_files().await,
                Step::AddUp => self.add_up().await,
                Step::Index => self.index_tickets().await,
            };
            self.heartbeat.beat(self.clock.now());
            let wait = match done {
                Ok(0) => {
                    pause = PAUSE_FIRST;
                    self.idle(step).await
                }
                Ok(_) => {
                    pause = PAUSE_FIRST;
                    match self.breather(step).await {
                        Some(wait) => wait,
                        None => continue,
                    }
                }
                Err(error) => {
                    report(step, &error);
                    pause = (pause * 2).min(PAUSE_MAX);
                    pause
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.told(step) => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Returns how long this step may sleep: until the next thing is due, at most the poll interval.
    pub(super) async fn idle(&self, step: Step) -> Duration {
        let due = match step {
            Step::File | Step::Publish | Step::Inform | Step::AddUp | Step::Index => {
                return self.settings.poll;
            }
            Step::Look => self.store.next_look().await,
            Step::Tell => self.store.next_notification_due().await,
            Step::Decide => self.store.next_due("message").await,
            Step::Deliver => self.next_other().await,
            Step::Post(at) => match self.posts.get(at) {
                Some(post) => self.next_post(post).await,
                None => Ok(None),
            },
            Step::Fetch => self.store.next_file_due().await,
        };
        let now = self.clock.now();
        due.ok()
            .flatten()
            .and_then(|due| (due - now).to_std().ok())
            .map_or(self.settings.poll, |wait| wait.min(self.settings.poll))
            .max(Duration::from_millis(1))
    }

    /// Deadlines are judged, words indexed and sums made between turns, not instead of them: while customers wait to be filed
    /// or for their turn to be decided, the first two rest between their batches; nobody waits for sums.
    async fn breather(&self, step: Step) -> Option<Duration> {
        let busy = match step {
            Step::Look => self.turn_is_due().await.unwrap_or(true),
            Step::Index => self.inbox.backlog() > 0 || self.turn_is_due().await.unwrap_or(true),
            Step::AddUp => true,
            _ => false,
        };
        busy.then_some(BREATHER)
    }

    async fn told(&self, step: Step) {
        let notify: &Notify = match step {
            Step::File => return self.inbox.arrived().await,
            Step::Look | Step::Publish | Step::Inform | Step::AddUp | Step::Index => {
                return std::future::pending().await;
            }
            Step::Tell => &self.people_due,
            Step::Decide => &self.turns_due,
            Step::Deliver => &self.outbox_due,
            Step::Post(at) => match self.posts.get(at) {
                Some(post) => &post.due,
                None => return std::future::pending().await,
            },
            Step::Fetch => &self.files_due,
        };
        notify.notified().await;
    }

    async fn keep_up(&self, stop: &CancellationToken) {
        loop {
            if let Err(error) = self.forget().await {
                tracing::warn!(error = %error.source, "Upkeep failed and will be tried again");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP_EVERY) => {}
            }
        }
    }

    /// Forgets old keys and filed messages, and what people's data had its time.
    async fn forget(&self) -> Result<(), PortError> {
        let now = self.clock.now();
        self.inbox.purge(now - KEEP_KEYS).await?;
        self.store.purge(now - KEEP_KEYS).await?;
        let unmatched = self.store.forget_changes(now - KEEP_CHANGES).await?;
        if unmatched > 0 {
            tracing::info!(unmatched, "Forgot {unmatched} changes of messages that never came");
        }
        if self.store.forget_uploads(now, now - KEEP_UPLOADS).await? > 0 {
            self.files_due.notify_one();
        }
        let forgotten = self.store.forget(now, self.settings.retention).await?;
        if forgotten > 0 {
            tracing::info!(
                forgotten,
                "Forgot what had its time of {forgotten} tickets and customers"
            );
        }
        Ok(())
    }
}

pub(super) fn report(step: Step, error: &PortError) {
    let step = match step {
        Step::File => "file messages",
        Step::Decide => "decide turns",
        Step::Deliver | Step::Post(_) => "deliver replies",
        Step::Look => "look at tickets",
        Step::Tell => "tell people",
        Step::Publish => "publish events",
        Step::Inform => "inform of incidents",
        Step::Fetch => "fetch files",
        Step::AddUp => "add up what happened",
        Step::Index => "index tickets",
    };
    if error.kind == PortErrorKind::Permanent {
        tracing::error!(step, error = %error.source, "Cannot {step}: {error}");
    } else {
        tracing::warn!(step, error = %error.source, "Cannot {step} now, will try again: {error}");
    }
}
