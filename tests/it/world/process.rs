//! The real binary, as people run it: started, asked, ended by its own process id.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atende::adapters::clock::SystemClock;
use atende::adapters::store::Scope;
use atende::app::{Stores, mint_token};
use atende::config::Config;
use atende::domain::ids::TenantId;
use atende::ports::Clock;
use tokio_util::task::TaskTracker;

/// How long anything of a test may take before it is called stuck.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running `atende serve`; dropped, it is killed.
pub(crate) struct Served {
    child: Child,
    log: PathBuf,
    /// Where its API is, as `http://address`.
    pub(crate) url: String,
}

impl Served {
    /// Starts a worker with its API on a free port and waits until it says where.
    pub(crate) fn start(data: &Path) -> Self {
        let log = data.join("stderr.log");
        let errors = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = command(data)
            .args(["serve", "--bind", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().filter(|word| word.starts_with("http://"));
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let url = url.unwrap_or_else(|| panic!("serve did not start: {line}{}", said())).to_owned();
        Self { child, log, url }
    }

    /// What it said on stderr so far, with the lives before it.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end and waits until it has; returns whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(started.elapsed() < PATIENCE, "serve did not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary on a data folder, speaking English.
pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atende"));
    command.current_dir(data).arg("--lang").arg("en").arg("--data").arg(data).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, args: &[&str]) -> Output {
    command(data).args(args).output().unwrap()
}

/// A client for the API of a running binary.
pub(crate) fn client() -> reqwest::Client {
    // Another test may have installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap()
}

/// Puts a file into the data folder.
pub(crate) fn put(data: &Path, name: &str, text: &str) {
    std::fs::write(data.join(name), text).unwrap();
}

/// Makes a token that may do everything, beside whoever works on the folder.
pub(crate) async fn token(data: &Path, tenant: &TenantId, name: &str) -> String {
    let tasks = TaskTracker::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let stores = Stores::open(data, &Config::default(), &tasks).await.unwrap();
    let token = mint_token(&stores.store, &clock, tenant, name, Scope::ALL).await;
    drop(stores);
    tasks.close();
    tasks.wait().await;
    token.unwrap().unwrap()
}
