//! The end of a process: one signal asks everything to finish what it holds, a second ends it at once.
//!
//! Long-running work is spawned here and nowhere else, so that the end can wait for all of it.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The shared switch; clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    asked: CancellationToken,
    at_once: CancellationToken,
    tasks: TaskTracker,
}

/// How the end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything finished what it held.
    Clean,
    /// The time was over before everything had finished; what was left is taken up on the next start.
    OutOfTime,
    /// A second signal came.
    AtOnce,
}

impl Shutdown {
    /// Makes a switch that nobody has used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the token that tasks watch: cancelled means "take nothing new, finish what you hold".
    pub fn token(&self) -> CancellationToken {
        self.asked.clone()
    }

    /// Returns the tracker, for those who start tasks of their own that the end waits for.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Starts a task that the end waits for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Asks everything to finish; asking again ends the wait at once.
    pub fn ask(&self) {
        if self.asked.is_cancelled() {
            self.at_once.cancel();
        }
        self.asked.cancel();
    }

    /// Listens for SIGTERM and SIGINT from now on; each asks once.
    pub fn listen(&self) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let shutdown = self.clone();
        // Not on the tracker: the end must not wait for the one who waits for signals.
        tokio::runtime::Handle::current().spawn(async move {
            while !shutdown.at_once.is_cancelled() {
                signals.next().await;
                shutdown.ask();
            }
        });
        Ok(())
    }

    /// Waits until somebody asks, then up to `grace` for all tasks.
    pub async fn wait(&self, grace: Duration) -> Ended {
        self.asked.cancelled().await;
        self.tasks.close();
        tokio::select! {
            biased;
            () = self.tasks.wait() => Ended::Clean,
            () = self.at_once.cancelled() => Ended::AtOnce,
            () = tokio::time::sleep(grace) => Ended::OutOfTime,
        }
    }
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler no signal ever comes, and asking would end a healthy process.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn the_end_waits_for_what_a_task_still_holds() {
        let shutdown = Shutdown::new();
        let token = shutdown.token();
        let task = shutdown.spawn(async move {
            token.cancelled().await;
            tokio::task::yield_now().await;
            "stored"
        });
        shutdown.ask();
        assert_eq!(shutdown.wait(LONG).await, Ended::Clean);
        assert_eq!(task.await.unwrap(), "stored");
    }

    #[tokio::test]
    async fn a_second_request_does_not_wait() {
        let shutdown = Shutdown::new();
        shutdown.spawn(std::future::pending::<()>());
        shutdown.ask();
        assert!(!shutdown.at_once.is_cancelled(), "one request leaves time to finish");
        shutdown.ask();
        assert_eq!(shutdown.wait(LONG).await, Ended::AtOnce);
    }

    #[tokio::test]
    async fn the_grace_has_an_end() {
        let shutdown = Shutdown::new();
        shutdown.spawn(std::future::pending::<()>());
        shutdown.ask();
        assert_eq!(shutdown.wait(Duration::ZERO).await, Ended::OutOfTime);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_ends() {
        fn send(signal: &str) {
            let own = std::process::id().to_string();
            let sent = std::process::Command::new("kill").args([signal, &own]).status().unwrap();
            assert!(sent.success());
        }

        let shutdown = Shutdown::new();
        shutdown.listen().unwrap();
        shutdown.spawn(std::future::pending::<()>());
        send("-TERM");
        shutdown.token().cancelled().await;
        assert!(!shutdown.at_once.is_cancelled());
        send("-INT");
        assert_eq!(shutdown.wait(LONG).await, Ended::AtOnce);
    }
}
