//! A store in memory, a clock and a running watcher, for the tests of the mailbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use atende::channels::email::mailbox::{
    Arrivals, Cursor, Fetched, FolderRole, HealthBoard, Login, Mailbox, Settings, Watcher,
};
use atende::channels::mail::MailSecurity;
use atende::ports::{Clock, PortError, PortErrorKind};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a test waits for what must happen; what is measured is measured apart.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const USER: &str = "ana@loja.example";
pub(crate) const PASSWORD: &str = "segredo";

#[derive(Debug, Default)]
pub(crate) struct MachineClock(AtomicU64);

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "servers have the machine's time too")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn fresh_bits(&self) -> u128 {
        u128::from(self.0.fetch_add(0x9e37, Ordering::Relaxed))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) cursors: BTreeMap<FolderRole, Cursor>,
    pub(crate) mails: Vec<(FolderRole, Fetched)>,
    pub(crate) takes: usize,
    /// How many more calls fail.
    pub(crate) failing: usize,
    /// The batches of calls that failed.
    pub(crate) refused: Vec<Vec<u32>>,
    /// The largest batch in mails.
    pub(crate) largest: usize,
}

impl Taken {
    pub(crate) fn uids(&self) -> Vec<u32> {
        self.mails.iter().map(|(_, mail)| mail.uid).collect()
    }

    pub(crate) fn texts(&self, role: FolderRole) -> Vec<String> {
        let of_role = self.mails.iter().filter(|(of, _)| *of == role);
        of_role.map(|(_, mail)| subject(&mail.bytes)).collect()
    }
}

/// Returns the subject of a test mail, which names it.
pub(crate) fn subject(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().to_owned()
}

#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<Taken>);

impl Store {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut Taken) -> T) -> T {
        use_it(&mut self.0.lock().unwrap())
    }

    /// Sets the place of the inbox, as if the watcher had been there.
    pub(crate) fn at(&self, uid_validity: u32, last_uid: u32, seen: DateTime<Utc>) {
        let folder = "INBOX".to_owned();
        let cursor = Cursor { folder, uid_validity, last_uid, seen: Some(seen), rescan: None };
        self.with(|taken| taken.cursors.insert(FolderRole::Inbox, cursor));
    }

    /// Waits until something is so and returns how long that took.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Taken) -> bool) -> Duration {
        until(what, || self.with(|taken| is_so(taken))).await
    }

    pub(crate) async fn until_watched(&self, role: FolderRole) {
        self.until("the first look", |taken| taken.cursors.contains_key(&role)).await;
    }
}

pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    started.elapsed()
}

#[async_trait]
impl Arrivals for Store {
    async fn cursor(&self, role: FolderRole) -> Result<Option<Cursor>, PortError> {
        Ok(self.with(|taken| taken.cursors.get(&role).cloned()))
    }

    async fn take(
        &self,
        role: FolderRole,
        batch: Vec<Fetched>,
        cursor: Cursor,
    ) -> Result<(), PortError> {
        self.with(|taken| {
            taken.takes += 1;
            if taken.failing > 0 && !batch.is_empty() {
                taken.failing -= 1;
                taken.refused.push(batch.iter().map(|mail| mail.uid).collect());
                let source = anyhow::anyhow!("the disk is full");
                return Err(PortError::new("store mails", PortErrorKind::Transient, source));
            }
            // What is read back later must be what was kept.
            let json = serde_json::to_string(&cursor).unwrap();
            taken.cursors.insert(role, serde_json::from_str(&json).unwrap());
            taken.largest = taken.largest.max(batch.len());
            taken.mails.extend(batch.into_iter().map(|mail| (role, mail)));
            Ok(())
        })
    }
}

/// Settings for a server of these tests, with short pauses.
pub(crate) fn settings(port: u16) -> Settings {
    let login = Login::Password { user: USER.to_owned(), password: PASSWORD.to_owned() };
    Settings {
        port,
        security: MailSecurity::Plain,
        sent: atende::channels::email::mailbox::SentFolder::Off,
        poll: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        timeout: Duration::from_secs(5),
        pause_first: Duration::from_millis(50),
        pause_max: Duration::from_millis(400),
        unreadable_after: Duration::ZERO,
        ..Settings::new("127.0.0.1", login)
    }
}

/// A watcher at work; dropped, it is told to stop.
pub(crate) struct Running {
    pub(crate) health: HealthBoard,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Running {
    pub(crate) fn start(settings: Settings, store: &Arc<Store>) -> Self {
        let mailbox = Mailbox::new(settings).unwrap();
        let arrivals: Arc<dyn Arrivals> = Arc::clone(store) as Arc<dyn Arrivals>;
        let watcher = Watcher::new(&mailbox, arrivals, Arc::new(MachineClock::default()));
        let health = watcher.health();
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let token = stop.clone();
        tracker.spawn(async move { watcher.run(token).await });
        tracker.close();
        Self { health, stop, tracker }
    }

    /// Tells it to stop and returns how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let started = Instant::now();
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
        started.elapsed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A small mail that is named by its subject.
pub(crate) fn mail(name: &str) -> Vec<u8> {
    format!(
        "From: Bia <bia@cliente.example>\r\nTo: {USER}\r\nSubject: {name}\r\n\
         Message-ID: <{name}@cliente.example>\r\n\r\nOl\u{e1}.\r\n"
    )
    .into_bytes()
}
