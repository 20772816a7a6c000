//! The store: tickets, conversations, drafts, jobs, outbox and audit, on SQLite or PostgreSQL.
//!
//! Each public method is one whole operation in one short transaction; nothing outside is called
//! while it is open. Queries are written once, in the common subset of both databases.

mod actions;
mod answers;
mod attachments;
mod audit;
mod board;
mod changed;
mod changes;
mod clockwork;
mod content;
mod customers;
mod decisions;
mod desk;
mod dialect;
mod dossier;
mod drafts;
mod endings;
mod erasure;
mod events;
mod filing;
mod handling;
mod history;
mod incidents;
mod indexing;
mod intake;
mod jobs;
mod labels;
mod lanes;
mod looks;
mod mail;
mod many;
mod marks;
mod models;
mod moods;
mod network;
mod outbox;
mod pace;
mod people;
mod person;
mod read;
mod recall;
mod replies;
mod retention;
mod retry;
mod rows;
mod search;
mod search_sql;
mod sessions;
mod settle;
mod switches;
mod tallies;
mod tenants;
mod tokens;
mod turns;
mod upkeep;
mod uploads;
mod users;
mod voices;
mod writer;

use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use tokio_util::task::TaskTracker;

use crate::ports::{PortError, PortErrorKind};

pub use actions::{Actor, Change, Outcome, Refused, ReplyRequest};
pub use answers::{ArticleVotes, ContentWish, KeptReply, PassageVote, SAVED_MAX, SavedReply};
pub use attachments::{AttachmentRow, DueFile, StoredFile, ToDo, Whole};
pub use board::{Held, OutboxState, Standing, Tallied, Waited};
pub use changes::{ChangeKind, Changed, MessageChange};
pub use clockwork::{DueTicket, Looked, Move, NewNotice, News, TrailLine};
pub use content::{
    ContentDraft, ContentKey, ContentState, ContentVersion, NewContentDraft, Publication,
};
pub use customers::CustomerUpsert;
pub use decisions::DecisionRow;
pub use desk::{Place, QueueAsk, QueueRow, known_by};
pub use dialect::Dialect;
pub use drafts::{DraftAction, DraftDecision, DraftOutcome};
pub use erasure::Erased;
pub use events::{EventRow, WEBHOOK_CURSOR};
pub use handling::{Split, TransferTo};
pub use history::TicketFacts;
pub use incidents::{Incident, IncidentChange, IncidentScope, IncidentTerms};
pub use indexing::IndexProgress;
pub use intake::{Intake, Recorded, TurnWindow};
pub use jobs::{Lease, LeasedJob};
pub use labels::{DraftLabel, FieldLabel, LabelCase, LabelCursor, PassageLabel};
pub use lanes::Lane;
pub use mail::{MailRef, Threaded, own_id as own_mail_id};
pub use marks::address_of;
pub use models::{ModelStats, ModelTotals, Spent};
pub use network::{Delivered, NetworkPerson, OwnWords};
pub use outbox::{Claimed, DeliveryEnd, OutboxBody, OutboxRow};
pub use pace::Pace;
pub use people::{ClaimedNotification, NewNotification, Presence, Way};
pub use person::{Kept, Person};
pub use recall::{Recallable, Recalled};
pub use retention::Retention;
pub use retry::{Retried, Retry, id_again};
pub use rows::{
    AuditRow, Cursor, DraftRow, MessageRow, QueueCount, ReviewRow, TicketFilter, TicketOrder,
    TicketRow, TicketView,
};
pub use search::{SearchHit, SearchPage};
pub use sessions::{Attempt, Entered, NewSession, SessionRow, SignedIn, Tried};
pub use settle::{NewDraft, NewReply, Owner, ReplyKind, Settled, Settlement, TicketLabels};
pub use switches::{Leaving, ModeChange, ModeSwitch, Recall, Stopped};
pub use tenants::TenantState;
pub use tokens::{Scope, TokenRow, Verified};
pub use turns::{TurnMessage, TurnSnapshot};
pub use uploads::{Begun, Enclosed, Uploaded};
pub use users::{NewUser, UserAdded, UserChange, UserChanged, UserRow};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long another process may hold the database before a caller is told to try again.
const BUSY: Duration = Duration::from_secs(10);

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A query failed; the change was undone.
    #[error("database query failed")]
    Database(#[from] sqlx::Error),
    /// The commit failed; nothing of the group was kept.
    #[error("database commit failed")]
    Commit(#[source] Arc<sqlx::Error>),
    /// A stored value could not be read back.
    #[error("stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns what a caller may do about it.
    pub fn kind(&self) -> PortErrorKind {
        match self {
            Self::Database(error) => dialect::classify(error),
            Self::Commit(error) => dialect::classify(error),
            Self::Unreadable(_) => PortErrorKind::Permanent,
            Self::Closed => PortErrorKind::Transient,
        }
    }
}

impl From<StoreError> for PortError {
    fn from(error: StoreError) -> Self {
        Self::new("use store", error.kind(), error)
    }
}

/// Where the store is and how to reach it.
#[derive(Clone, Debug)]
pub struct StoreLocation {
    /// `sqlite:PATH` or `postgres://…`; it may hold a password, so it is never logged.
    pub url: String,
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub connections: u32,
}

impl StoreLocation {
    /// The embedded default: `store.db` in the data directory.
    pub fn embedded(data: &Path) -> Self {
        // The path stands in a URL: its own signs must not be read as the URL's.
        let path = data.join("store.db").display().to_string();
        let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        Self { url: format!("sqlite:{path}"), connections: 4 }
    }
}

/// A handle to the store; cloning shares it.
#[derive(Clone)]
pub struct Store {
    dialect: Dialect,
    reads: AnyPool,
    writer: writer::Writer,
    /// The file of a SQLite store.
    file: Option<Arc<SqliteConnectOptions>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store, creates or migrates it, and starts its writer on `tasks`.
    pub async fn open(location: &StoreLocation, tasks: &TaskTracker) -> Result<Self, PortError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let dialect = Dialect::of_url(&location.url).ok_or_else(|| {
            PortError::permanent("open store", "the url must start with sqlite: or postgres://")
        })?;
        let open = async {
            match dialect {
                Dialect::Sqlite => Self::open_sqlite(location, tasks).await,
                Dialect::Postgres => Self::open_postgres(location).await,
            }
        };
        open.await.map_err(|error| match error {
            OpenError::Migrate(
                MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..),
            ) => PortError::permanent(
                "open store",
                "the database was written by a newer version of atende; install that version, \
                     or use another --data directory",
            ),
            OpenError::Migrate(error) => {
                let kind = match &error {
                    MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                        dialect::classify(error)
                    }
                    _ => PortErrorKind::Permanent,
                };
                PortError::new("migrate store", kind, error)
            }
            OpenError::Database(error) => {
                let kind = dialect::classify(&error);
                let error = anyhow::Error::from(error);
                let error = match dialect {
                    Dialect::Sqlite => error.context(format!(
                        "cannot open {}; the folder must exist, be writable and have room",
                        location.url
                    )),
                    Dialect::Postgres => error
                        .context("cannot reach PostgreSQL; check that it runs and the store's url"),
                };
                PortError::new("open store", kind, error)
            }
        })
    }

    async fn open_sqlite(location: &StoreLocation, tasks: &TaskTracker) -> Result<Self, OpenError> {
        let url = format!("{}?mode=rwc", location.url);
        let options: AnyConnectOptions = url.parse()?;
        let file: SqliteConnectOptions = url.parse()?;
        let connect = || async {
            let mut connection = AnyConnection::connect_with(&options).await?;
            prepare_sqlite(&mut connection, false).await?;
            Ok(connection)
        };
        let mut connection = super::open_patiently(connect).await?;
        // One transaction for all, taken at once: two processes may open a new store together.
        let mut migration = connection.begin_with("BEGIN IMMEDIATE").await?;
        SQLITE.run(&mut *migration).await?;
        migration.commit().await?;
        let reads = AnyPoolOptions::new()
            .max_connections(location.connections)
            .acquire_timeout(BUSY)
            .after_connect(|connection, _| {
                Box::pin(async move { prepare_sqlite(connection, true).await })
            })
            .connect_lazy_with(options);
        let (writer, task) = writer::Writer::grouped(connection);
        tasks.spawn(task);
        Ok(Self { dialect: Dialect::Sqlite, reads, writer, file: Some(Arc::new(file)) })
    }

    async fn open_postgres(location: &StoreLocation) -> Result<Self, OpenError> {
        let options: AnyConnectOptions = location.url.parse()?;
        let reads = AnyPoolOptions::new()
            .max_connections(location.connections.max(2))
            .acquire_timeout(BUSY)
            .connect_with(options)
            .await?;
        POSTGRES.run(&reads).await?;
        Ok(Self {
            dialect: Dialect::Postgres,
            writer: writer::Writer::Pooled(reads.clone()),
            reads,
            file: None,
        })
    }

    /// Returns which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        self.writer.run(writer::Lasting::Yes, change).await
    }
}

enum OpenError {
    Database(sqlx::Error),
    Migrate(MigrateError),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        Self::Migrate(error)
    }
}

/// Sets what a connection needs. Durability is FULL: accepted, decided and sent mean on disk.
async fn prepare_sqlite(
    connection: &mut AnyConnection,
    read_only: bool,
) -> Result<(), sqlx::Error> {
    for pragma in [
        "PRAGMA busy_timeout = 10000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA secure_delete = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA cache_size = -8192",
        // Pages: a busy page goes to the file once for many commits. The log grows to about 16 MiB.
        "PRAGMA wal_autocheckpoint = 4000",
    ] {
        connection.execute(pragma).await?;
    }
    if read_only {
        connection.execute("PRAGMA query_only = ON").await?;
    }
    Ok(())
}

/// Converts a moment to the stored milliseconds.
fn millis(moment: DateTime<Utc>) -> i64 {
    moment.timestamp_millis()
}

/// Converts stored milliseconds back to a moment.
fn moment(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).single().unwrap_or_default()
}

/// Writes a value as JSON text, without NUL as `no_nul` does. Values of ours always serialise.
fn to_json<T: serde::Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    if !text.contains("\\u0000") {
        return text;
    }
    // A backslash before the escape may itself be escaped; only JSON's own reader is sure.
    let mut value = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
    clean_json(&mut value);
    value.to_string()
}

fn clean_json(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = no_nul(text),
        Value::Array(values) => values.iter_mut().for_each(clean_json),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, mut value)| {
                    clean_json(&mut value);
                    (no_nul(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts the sign for NUL in the place of NUL, which PostgreSQL cannot hold in text.
fn no_nul(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// Reads JSON text that we wrote.
fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_json_never_holds_nul_and_keeps_everything_else() {
        for (value, expected) in [
            (serde_json::json!({"a": "x\0y"}), r#"{"a":"x␀y"}"#),
            (serde_json::json!({"k\0": ["\0"]}), r#"{"k␀":["␀"]}"#),
            (serde_json::json!(r"C:\u0000"), r#""C:\\u0000""#),
            (serde_json::json!("\u{1}"), r#""\u0001""#),
        ] {
            assert_eq!(to_json(&value), expected);
        }
    }
}
