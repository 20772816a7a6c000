//! The worker: files what the inbox holds, decides turns that are over, delivers what is to leave.
//!
//! Each step is a method that does one batch and says how much it did, so that recorded traffic and
//! tests drive it by hand (`drain`) and `run` only adds waiting. Nothing outside is called while a
//! transaction is open.

mod adding;
mod again;
mod asking;
mod budget;
mod calls;
mod changes;
mod clockwork;
mod degraded;
mod deliver;
mod events;
mod files;
mod incident;
mod indexing;
mod intake;
mod mail;
mod mailed;
mod notices;
mod notify;
mod post;
mod run;
mod settle;
mod turns;
mod whatsapp;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};

use crate::adapters::files::Files;
use crate::adapters::inbox::Inbox;
use crate::adapters::store::{IndexProgress, Lane, Lease, Retention, Store};
use crate::adapters::transcriber::Transcriber;
use crate::channels::callback::CallbackClient;
use crate::channels::email::account::MailAccounts;
use crate::channels::mail::Mailer;
use crate::channels::whatsapp::accounts::Accounts;
use crate::domain::ids::TenantId;
use crate::pipeline::{Ladder, Pipeline};
use crate::ports::{Clock, PortError, PortErrorKind};

pub use again::Reread;
pub use budget::Limits;
pub use run::Heartbeat;

/// How the worker works.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Turns decided at once; half of them wait for the disk while the others are worked on.
    pub concurrency: u32,
    /// How long a leased job is hidden from other workers.
    pub lease: Duration,
    /// How often a lease is renewed while its job is worked on.
    pub renew: Duration,
    /// After this many attempts a job is set aside and its case handed to a person.
    pub max_attempts: u32,
    /// How often the worker looks for due work without being told.
    pub poll: Duration,
    /// For how long what is kept of people stays.
    pub retention: Retention,
    /// Most bytes of a file that is fetched.
    pub file_max: u64,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            concurrency: 256,
            lease: Duration::from_mins(1),
            renew: Duration::from_secs(20),
            max_attempts: 8,
            poll: Duration::from_secs(1),
            retention: Retention::default(),
            file_max: 25_000_000,
        }
    }
}

/// One business that the worker serves.
#[derive(Clone)]
pub struct Tenant {
    /// Its pipeline: policy, articles and templates, as last loaded without a problem.
    pub pipeline: Arc<Pipeline>,
    /// The epoch of its policy in the store.
    pub epoch: i64,
    /// Where its replies go; `None` when readers fetch them from the outbox.
    pub callbacks: Option<CallbackClient>,
    /// Where its events and notifications go.
    pub webhooks: Option<CallbackClient>,
}

/// The businesses that the worker serves. Changed when a policy, article or template changes.
#[derive(Clone, Default)]
pub struct Tenants(Arc<RwLock<BTreeMap<TenantId, Tenant>>>);

impl Tenants {
    /// Returns a business as it stands now.
    pub fn get(&self, id: &TenantId) -> Option<Tenant> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(id).cloned()
    }

    /// Adds or replaces a business.
    pub fn put(&self, id: TenantId, tenant: Tenant) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, tenant);
    }

    /// Returns the names of all businesses.
    pub fn ids(&self) -> Vec<TenantId> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).keys().cloned().collect()
    }
}

/// What a worker may use besides its own engines.
#[derive(Default)]
pub struct Helpers {
    /// The server that mail to the business's own people leaves by.
    pub mailer: Option<Mailer>,
    /// The language models.
    pub ladder: Option<Ladder>,
    /// What they may cost.
    pub limits: Limits,
    /// The numbers on WhatsApp.
    pub whatsapp: Accounts,
    /// The mailboxes.
    pub mail: MailAccounts,
    /// Whoever writes voice notes down.
    pub transcriber: Option<Transcriber>,
}

/// What a worker works on.
#[derive(Clone, Debug)]
pub struct Places {
    /// Tickets, conversations and what is to be done.
    pub store: Store,
    /// What was accepted.
    pub inbox: Inbox,
    /// The files of messages.
    pub files: Files,
}

/// The worker.
pub struct Worker {
    store: Store,
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    tenants: Tenants,
    settings: WorkerSettings,
    lease: Lease,
    mailer: Option<Mailer>,
    ladder: Option<Ladder>,
    budget: budget::Budget,
    whatsapp: Accounts,
    mail: MailAccounts,
    posts: Vec<post::Post>,
    other_replies: Lane,
    files: Files,
    transcriber: Option<Transcriber>,
    turns_due: Notify,
    outbox_due: Notify,
    people_due: Notify,
    files_due: Notify,
    hooks: events::Hooks,
    health: degraded::Health,
    indexed: Mutex<IndexProgress>,
    heartbeat: Heartbeat,
}

impl Worker {
    /// Makes a worker; it does nothing until it is driven.
    pub fn new(
        places: Places,
        clock: Arc<dyn Clock>,
        tenants: Tenants,
        settings: WorkerSettings,
        helpers: Helpers,
    ) -> Self {
        let Places { store, inbox, files } = places;
        let Helpers { mailer, ladder, limits, whatsapp, mail, transcriber } = helpers;
        let (posts, other_replies) = post::Post::all(&mail);
        let lease = Lease(format!("wrk_{:032x}", clock.fresh_bits()));
        Self {
            store,
            inbox,
            clock,
            tenants,
            settings,
            lease,
            mailer,
            ladder,
            budget: budget::Budget::new(limits),
            whatsapp,
            mail,
            posts,
            other_replies,
            files,
            transcriber,
            turns_due: Notify::new(),
            outbox_due: Notify::new(),
            people_due: Notify::new(),
            files_due: Notify::new(),
            hooks: events::Hooks::default(),
            health: degraded::Health::default(),
            indexed: Mutex::default(),
            heartbeat: Heartbeat::default(),
        }
    }

    /// Takes back what a crash left behind. Only for the one worker of a directory, when it starts:
    /// every lease ends, and rows left in *sending* are repeated under their key where the receiver
    /// honours keys, else shown to people as *unknown*; files are fetched again from their beginning.
    pub async fn recover(&self) -> Result<(), PortError> {
        let leases = self.store.take_back_leases().await?;
        self.files.sweep().await.map_err(|error| {
            PortError::new("remove unfinished files", PortErrorKind::Transient, error)
        })?;
        self.store.take_back_files(self.clock.now()).await?;
        self.store.take_back_notifications().await?;
        let stranded = self.store.stranded_outbox().await?;
        for row in &stranded {
            self.settle_stranded(row).await?;
        }
        if leases > 0 || !stranded.is_empty() {
            tracing::info!(
                leases,
                stranded = stranded.len(),
                "Took back {leases} jobs and settled {} interrupted deliveries",
                stranded.len()
            );
        }
        Ok(())
    }

    /// Works until nothing is due at the clock's present moment. Returns how many turns were decided.
    pub async fn drain(&self) -> Result<usize, PortError> {
        let mut decided = 0;
        loop {
            let filed = self.file_messages().await?;
            let fetched = self.work_on_files().await?;
            let turns = self.decide_turns().await?;
            let delivered = self.deliver_replies().await?;
            decided += turns;
            let looked = self.look_at_tickets().await?;
            let indexed = self.index_tickets().await?;
            // A reply that was retired instead of delivered leaves a turn to decide anew.
            if filed + fetched + turns + delivered + looked + indexed == 0
                && !self.turn_is_due().await?
            {
                while self.add_up().await? > 0 {}
                return Ok(decided);
            }
        }
    }

    async fn turn_is_due(&self) -> Result<bool, PortError> {
        let due = self.store.next_due("message").await?;
        Ok(due.is_some_and(|due| due <= self.clock.now()))
    }

    /// Returns the worker's sign of life.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }
}
