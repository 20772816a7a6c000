//! The durable inbox: a message is acknowledged to the outside only after it is on disk here.
//!
//! It is a SQLite file of its own beside the store, so that what arrives is kept while the store is
//! away. Commits are grouped: many callers share one wait for the disk.

mod calls;
mod erasure;
mod mails;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteQueryResult, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::domain::ids::{MessageId, TenantId, TicketId, TokenId};
use crate::domain::message::{InboundMessage, MessageOrigin};
use crate::ports::{PortError, PortErrorKind};

pub use calls::{Left, WaitingCall};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/inbox");

/// How many acceptances share one commit at the most.
const GROUP_MAX: usize = 512;
/// How many callers may wait for the writer before the next one waits in turn.
const QUEUE_MAX: usize = 2048;

/// A caller's own key, by which a repeated call has one effect.
#[derive(Clone, Debug)]
pub struct OnceKey {
    /// The caller's token.
    pub token: TokenId,
    /// The key.
    pub key: String,
    /// Hash of the request's body: the same key with another body is refused.
    pub body_hash: String,
}

/// What became of a message that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk.
    New,
    /// It was on disk before, under these ids.
    Duplicate(MessageId, TicketId),
    /// The caller's key came with another body.
    KeyReused,
    /// Too much waits already; nothing was kept.
    Full,
}

/// A message that waits to be filed.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its place in the inbox.
    pub seq: i64,
    /// The message; `None` when its row cannot be read and a person must look.
    pub message: Option<InboundMessage>,
}

/// Where the message with an id is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// On disk, not yet filed.
    Waiting,
    /// Filed, or found to be a copy of an earlier one.
    Taken,
    /// Set aside for a person, with the reason.
    SetAside(String),
}

type Answer = oneshot::Sender<Result<Accepted, Arc<sqlx::Error>>>;

struct Handed {
    message: Box<InboundMessage>,
    payload: String,
    once: Option<OnceKey>,
    answer: Answer,
}

enum Command {
    Accept(Handed),
    Taken {
        seqs: Vec<i64>,
        set_aside: Option<String>,
        now: DateTime<Utc>,
        answer: oneshot::Sender<Result<i64, Arc<sqlx::Error>>>,
    },
    Purge {
        before: DateTime<Utc>,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
    Call {
        network: &'static str,
        body: Vec<u8>,
        now: DateTime<Utc>,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
    Mails {
        folder: String,
        mails: Vec<Vec<u8>>,
        cursor: String,
        now: DateTime<Utc>,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
    CallTaken {
        seq: i64,
        left: Option<Left>,
        now: DateTime<Utc>,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
    EraseCalls {
        names: String,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
    Erase {
        tenant: TenantId,
        messages: Vec<MessageOrigin>,
        answer: oneshot::Sender<Result<(), Arc<sqlx::Error>>>,
    },
}

/// A handle to the inbox; cloning shares it.
#[derive(Clone, Debug)]
pub struct Inbox {
    commands: mpsc::Sender<Command>,
    reads: SqlitePool,
    file: Arc<SqliteConnectOptions>,
    arrived: Arc<Notify>,
    backlog: Arc<AtomicI64>,
    max_backlog: i64,
}

impl Inbox {
    /// Opens or creates the inbox file and starts its writer on `tasks`. More than `max_backlog`
    /// waiting messages are refused, so that a worker that stands still cannot fill the disk.
    pub async fn open(
        file: &Path,
        max_backlog: u32,
        tasks: &TaskTracker,
    ) -> Result<Self, PortError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .pragma("secure_delete", "ON");
        let opening = super::open_patiently(|| options.connect()).await;
        let mut writer = opening.map_err(|error| {
            let why = format!(
                "cannot open {}; the folder must exist, be writable and have room",
                file.display()
            );
            let error = anyhow::Error::from(error).context(why);
            PortError::new("open inbox", PortErrorKind::Transient, error)
        })?;
        migrate(&mut writer).await?;
        let (waiting,): (i64,) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM inbox WHERE taken_at IS NULL) \
                 + (SELECT COUNT(*) FROM calls WHERE taken_at IS NULL)",
        )
        .fetch_one(&mut writer)
        .await
        .map_err(|error| failed("open inbox", error))?;
        let file = Arc::new(options.clone());
        let reads = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(options.pragma("query_only", "ON"));
        let (commands, receiver) = mpsc::channel(QUEUE_MAX);
        let inbox = Self {
            commands,
            reads,
            file,
            arrived: Arc::default(),
            backlog: Arc::new(AtomicI64::new(waiting)),
            max_backlog: i64::from(max_backlog),
        };
        tasks.spawn(write_groups(writer, receiver));
        Ok(inbox)
    }

    /// Keeps a message; when this returns `New`, it is on disk.
    pub async fn accept(
        &self,
        message: InboundMessage,
        once: Option<OnceKey>,
    ) -> Result<Accepted, PortError> {
        if self.backlog.load(Ordering::Relaxed) >= self.max_backlog {
            return Ok(Accepted::Full);
        }
        let payload = serde_json::to_string(&message)
            .map_err(|error| PortError::new("write inbox", PortErrorKind::Permanent, error))?;
        let (answer, heard) = oneshot::channel();
        let handed = Handed { message: Box::new(message), payload, once, answer };
        self.commands.send(Command::Accept(handed)).await.map_err(|_| closed())?;
        let accepted = heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))?;
        if accepted == Accepted::New {
            self.backlog.fetch_add(1, Ordering::Relaxed);
            self.arrived.notify_one();
        }
        Ok(accepted)
    }

    /// Returns the longest-waiting messages.
    pub async fn waiting(&self, limit: u32) -> Result<Vec<Waiting>, PortError> {
        let rows: Vec<(i64, Option<String>)> = sqlx::query_as(
            "SELECT seq, payload FROM inbox WHERE taken_at IS NULL ORDER BY seq LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reads)
        .await
        .map_err(|error| failed("read inbox", error))?;
        Ok(rows
            .into_iter()
            .map(|(seq, payload)| Waiting {
                seq,
                message: payload.and_then(|payload| serde_json::from_str(&payload).ok()),
            })
            .collect())
    }

    /// Marks messages as filed and removes their text. With a reason, they are set aside instead:
    /// kept with their text for a person to look at.
    pub async fn mark_taken(
        &self,
        now: DateTime<Utc>,
        seqs: Vec<i64>,
        set_aside: Option<String>,
    ) -> Result<(), PortError> {
        let (answer, heard) = oneshot::channel();
        self.commands
            .send(Command::Taken { seqs, set_aside, now, answer })
            .await
            .map_err(|_| closed())?;
        let taken = heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))?;
        // What another process accepted was never counted here, so the count stops at nothing.
        if self.backlog.fetch_sub(taken, Ordering::Relaxed) < taken {
            self.backlog.fetch_max(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Says where a message is; `None` if the inbox never had it or has forgotten it.
    pub async fn find(
        &self,
        tenant: &TenantId,
        id: &MessageId,
    ) -> Result<Option<(Whereabouts, TicketId)>, PortError> {
        let row: Option<(Option<i64>, Option<String>, String)> = sqlx::query_as(
            "SELECT taken_at, error, ticket_id FROM inbox WHERE tenant = $1 AND message_id = $2",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .fetch_optional(&self.reads)
        .await
        .map_err(|error| failed("read inbox", error))?;
        Ok(row.map(|(taken, error, ticket)| {
            let whereabouts = match (taken, error) {
                (None, _) => Whereabouts::Waiting,
                (Some(_), None) => Whereabouts::Taken,
                (Some(_), Some(error)) => Whereabouts::SetAside(error),
            };
            (whereabouts, TicketId::from_stored(ticket))
        }))
    }

    /// True when a message with this ticket id waits to be filed.
    pub async fn has_ticket(&self, tenant: &TenantId, id: &TicketId) -> Result<bool, PortError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT seq FROM inbox WHERE tenant = $1 AND ticket_id = $2 AND taken_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(id.as_str())
        .fetch_optional(&self.reads)
        .await
        .map_err(|error| failed("read inbox", error))?;
        Ok(row.is_some())
    }

    /// Returns how many messages wait.
    pub fn backlog(&self) -> i64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Waits until a message arrives (or has arrived since the last wait).
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Forgets filed messages and idempotency keys from before a moment.
    pub async fn purge(&self, before: DateTime<Utc>) -> Result<(), PortError> {
        let (answer, heard) = oneshot::channel();
        self.commands.send(Command::Purge { before, answer }).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))
    }

    /// Writes a consistent copy to a new file, beside running writers.
    pub async fn backup_to(&self, file: &Path) -> Result<(), PortError> {
        let file = file.to_str().ok_or_else(|| {
            PortError::permanent("back up inbox", "the path of the backup must be UTF-8")
        })?;
        let failed = |error| failed("back up inbox", error);
        let mut connection = self.reads.acquire().await.map_err(failed)?;
        sqlx::query("PRAGMA query_only = OFF").execute(&mut *connection).await.map_err(failed)?;
        let copied = sqlx::query("VACUUM INTO $1").bind(file).execute(&mut *connection).await;
        sqlx::query("PRAGMA query_only = ON").execute(&mut *connection).await.map_err(failed)?;
        copied.map(drop).map_err(failed)
    }

    /// Checks the file; returns what is wrong, one sentence each.
    pub async fn check(&self) -> Result<Vec<String>, PortError> {
        let rows: Vec<(String,)> = sqlx::query_as("PRAGMA integrity_check")
            .fetch_all(&self.reads)
            .await
            .map_err(|error| failed("check inbox", error))?;
        let (aside,): (i64,) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM inbox WHERE error IS NOT NULL) \
             + (SELECT COUNT(*) FROM calls WHERE error IS NOT NULL)",
        )
        .fetch_one(&self.reads)
        .await
        .map_err(|error| failed("check inbox", error))?;
        let mut problems: Vec<String> =
            rows.into_iter().map(|(row,)| row).filter(|row| row != "ok").collect();
        if aside > 0 {
            problems.push(format!("{aside} messages were set aside and need a person"));
        }
        Ok(problems)
    }
}

/// Brings the file up to date in one transaction, taken at once: two processes may open it together.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), PortError> {
    let failed = |error| failed("migrate inbox", error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    MIGRATIONS.run(&mut *transaction).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => PortError::permanent(
            "open inbox",
            "the inbox was written by a newer version of atende; install that version, or \
             use another --data directory",
        ),
        error => PortError::new("migrate inbox", PortErrorKind::Permanent, error),
    })?;
    transaction.commit().await.map_err(failed)
}

async fn write_groups(mut connection: SqliteConnection, mut commands: mpsc::Receiver<Command>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    let mut lasts = true;
    while commands.recv_many(&mut group, GROUP_MAX).await > 0 {
        // That a message was filed may be forgotten with the machine's power: it is filed again then, and the
        // store knows it. Such a commit does not wait for the disk.
        let wanted = !group.iter().all(|one| {
            matches!(
                one,
                Command::Taken { set_aside: None, .. } | Command::CallTaken { left: None, .. }
            )
        });
        if wanted != lasts {
            let pragma =
                if wanted { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            if let Err(error) = sqlx::query(pragma).execute(&mut connection).await {
                let error = Arc::new(error);
                group.drain(..).map(refusal).for_each(|reply| reply(Err(Arc::clone(&error))));
                continue;
            }
            lasts = wanted;
        }
        write_group(&mut connection, std::mem::take(&mut group)).await;
    }
    // The last handle is gone: leave a tidy file. A failure here loses nothing, the log is replayed.
    drop(connection.close().await);
}

type Reply = Box<dyn FnOnce(Result<(), Arc<sqlx::Error>>) + Send>;

/// Runs a group in one transaction; an error anywhere refuses the whole group, because nothing may
/// be acknowledged that is not on disk.
async fn write_group(connection: &mut SqliteConnection, group: Vec<Command>) {
    let mut replies: Vec<Reply> = Vec::with_capacity(group.len());
    let mut commands = group.into_iter();
    let outcome = async {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for command in commands.by_ref() {
            run(&mut transaction, command, &mut replies).await?;
        }
        transaction.commit().await
    }
    .await
    .map_err(Arc::new);
    // Those whose turn never came hear the same reason.
    replies.extend(commands.map(refusal));
    for reply in replies {
        reply(outcome.clone());
    }
}

/// Returns how a command is told that its group failed before it was run.
fn refusal(command: Command) -> Reply {
    match command {
        Command::Accept(Handed { answer, .. }) => Box::new(move |outcome| {
            drop(answer.send(outcome.map(|()| Accepted::Full)));
        }),
        Command::Taken { answer, .. } => {
            Box::new(move |outcome| drop(answer.send(outcome.map(|()| 0))))
        }
        Command::Purge { answer, .. }
        | Command::Erase { answer, .. }
        | Command::EraseCalls { answer, .. }
        | Command::Call { answer, .. }
        | Command::Mails { answer, .. }
        | Command::CallTaken { answer, .. } => Box::new(move |outcome| drop(answer.send(outcome))),
    }
}

/// Runs one command and leaves a reply for after the commit. A caller that has gone away needs none.
async fn run(
    connection: &mut SqliteConnection,
    command: Command,
    replies: &mut Vec<Reply>,
) -> Result<(), sqlx::Error> {
    match command {
        Command::Accept(Handed { message, payload, once, answer }) => {
            match insert(connection, &message, &payload, once.as_ref()).await {
                Ok(accepted) => replies.push(Box::new(move |outcome| {
                    drop(answer.send(outcome.map(|()| accepted)));
                })),
                Err(error) => {
                    replies.push(Box::new(move |outcome| {
                        drop(answer.send(outcome.map(|()| Accepted::Full)));
                    }));
                    return Err(error);
                }
            }
        }
        Command::Taken { seqs, set_aside, now, answer } => {
            let kept = i64::from(set_aside.is_some());
            let done = sqlx::query(
                "UPDATE inbox SET taken_at = $1, error = $2, payload = CASE WHEN $3 = 1 THEN payload END \
                 WHERE taken_at IS NULL AND seq IN (SELECT value FROM json_each($4))",
            )
            .bind(now.timestamp_millis())
            .bind(set_aside)
            .bind(kept)
            .bind(serde_json::Value::from(seqs).to_string())
            .execute(connection)
            .await;
            let taken = done.as_ref().map_or(0, SqliteQueryResult::rows_affected);
            let taken = i64::try_from(taken).unwrap_or(0);
            replies.push(Box::new(move |outcome| drop(answer.send(outcome.map(|()| taken)))));
            done?;
        }
        Command::Purge { before, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            for sql in [
                "DELETE FROM inbox WHERE taken_at < $1 AND error IS NULL",
                "DELETE FROM idempotency WHERE created_at < $1",
            ] {
                sqlx::query(sql).bind(before.timestamp_millis()).execute(&mut *connection).await?;
            }
        }
        Command::Call { network, body, now, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            calls::keep(connection, now, network, &body).await?;
        }
        Command::Mails { folder, mails, cursor, now, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            mails::keep(connection, now, &folder, &mails, &cursor).await?;
        }
        Command::EraseCalls { names, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            calls::remove(connection, &names).await?;
        }
        Command::CallTaken { seq, left, now, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            calls::take(connection, now, seq, left.as_ref()).await?;
        }
        Command::Erase { tenant, messages, answer } => {
            replies.push(Box::new(move |outcome| drop(answer.send(outcome))));
            erasure::remove(connection, &tenant, &messages).await?;
        }
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    message: &InboundMessage,
    payload: &str,
    once: Option<&OnceKey>,
) -> Result<Accepted, sqlx::Error> {
    if let Some(once) = once {
        let known: Option<(String, String, String)> = sqlx::query_as(
            "SELECT body_hash, message_id, ticket_id FROM idempotency WHERE tenant = $1 AND token_id = $2 AND key = $3",
        )
        .bind(message.tenant.as_str())
        .bind(once.token.as_str())
        .bind(&once.key)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some((hash, id, ticket)) = known {
            return Ok(if hash == once.body_hash {
                duplicate(id, ticket)
            } else {
                Accepted::KeyReused
            });
        }
    }
    let done = sqlx::query(
        "INSERT INTO inbox (message_id, ticket_id, tenant, channel, account, external_id, payload, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, channel, account, external_id) DO NOTHING",
    )
    .bind(message.id.as_str())
    .bind(message.ticket_id.as_str())
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.external_id)
    .bind(payload)
    .bind(message.received_at.timestamp_millis())
    .execute(&mut *connection)
    .await?;
    let accepted = if done.rows_affected() == 1 {
        Accepted::New
    } else {
        let (id, ticket): (String, String) = sqlx::query_as(
            "SELECT message_id, ticket_id FROM inbox WHERE tenant = $1 AND channel = $2 AND account = $3 AND external_id = $4",
        )
        .bind(message.tenant.as_str())
        .bind(message.channel.as_str())
        .bind(&message.account)
        .bind(&message.external_id)
        .fetch_one(&mut *connection)
        .await?;
        duplicate(id, ticket)
    };
    if let Some(once) = once {
        let (id, ticket) = match &accepted {
            Accepted::Duplicate(id, ticket) => (id.as_str(), ticket.as_str()),
            _ => (message.id.as_str(), message.ticket_id.as_str()),
        };
        sqlx::query(
            "INSERT INTO idempotency (tenant, token_id, key, body_hash, message_id, ticket_id, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(message.tenant.as_str())
        .bind(once.token.as_str())
        .bind(&once.key)
        .bind(&once.body_hash)
        .bind(id)
        .bind(ticket)
        .bind(message.received_at.timestamp_millis())
        .execute(connection)
        .await?;
    }
    Ok(accepted)
}

fn duplicate(message: String, ticket: String) -> Accepted {
    Accepted::Duplicate(MessageId::from_stored(message), TicketId::from_stored(ticket))
}

fn closed() -> PortError {
    PortError::new("use inbox", PortErrorKind::Transient, anyhow::anyhow!("the inbox is closed"))
}

/// Whatever keeps a message from the disk may pass (a full disk, a locked file): the sender is told
/// to try again and nothing is acknowledged.
fn failed(operation: &'static str, error: sqlx::Error) -> PortError {
    PortError::new(operation, PortErrorKind::Transient, error)
}

fn failed_shared(error: &Arc<sqlx::Error>) -> PortError {
    PortError::new("write inbox", PortErrorKind::Transient, Arc::clone(error))
}
