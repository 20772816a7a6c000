//! How changes reach the database: one writer with grouped commits on SQLite, a pool on PostgreSQL.
//!
//! A change is a closure over a connection inside a transaction. Its answer is handed out only after
//! the commit, so whoever hears *done* may rely on the disk. Closures never wait for anything but
//! the database. A passing change, such as a lease, is worth nothing after the machine has stopped:
//! its commit does not wait for the disk.

use std::any::Any as AnyBox;
use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::{AnyConnection, AnyPool};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// How many changes share one commit at the most; it bounds how long the first of them waits.
const GROUP_MAX: usize = 256;
/// How many changes may wait for the writer before callers wait in turn.
const QUEUE_MAX: usize = 1024;

type Answer = Box<dyn AnyBox + Send>;
type Change = Box<
    dyn for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<Answer, StoreError>> + Send,
>;

/// Whether a change must outlive the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    Yes,
    /// It may be undone by a loss of power, not by the end of the process. What lasts and was changed
    /// after it takes it along.
    No,
}

pub(super) struct Waiting {
    change: Change,
    lasting: Lasting,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// Runs changes in transactions.
#[derive(Clone)]
pub(super) enum Writer {
    Grouped(mpsc::Sender<Waiting>),
    Pooled(AnyPool),
}

impl Writer {
    /// Starts the one writer of a SQLite store on its own connection; it ends when the last handle is gone.
    pub(super) fn grouped(connection: AnyConnection) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        (Self::Grouped(sender), write_groups(connection, receiver))
    }

    pub(super) async fn run<T, F>(&self, lasting: Lasting, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, StoreError>>
            + Send
            + 'static,
    {
        match self {
            Self::Grouped(sender) => {
                let change: Change = Box::new(move |connection| {
                    Box::pin(async move { Ok(Box::new(change(connection).await?) as Answer) })
                });
                let (answer, heard) = oneshot::channel();
                let waiting = Waiting { change, lasting, answer };
                sender.send(waiting).await.map_err(|_| StoreError::Closed)?;
                let value = heard.await.map_err(|_| StoreError::Closed)??;
                value.downcast::<T>().map(|boxed| *boxed).map_err(|_| StoreError::Closed)
            }
            Self::Pooled(pool) => {
                let mut transaction = pool.begin().await?;
                if lasting == Lasting::No {
                    execute(&mut transaction, "SET LOCAL synchronous_commit TO OFF").await?;
                }
                let value = change(&mut transaction).await?;
                transaction.commit().await?;
                Ok(value)
            }
        }
    }
}

async fn write_groups(mut connection: AnyConnection, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    // As the connection was opened.
    let mut set = Lasting::Yes;
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let lasts = group.iter().any(|waiting| waiting.lasting == Lasting::Yes);
        let wanted = if lasts { Lasting::Yes } else { Lasting::No };
        if wanted != set {
            if let Err(error) = execute(&mut connection, wanted.pragma()).await {
                refuse_all(group.drain(..).map(|w| w.answer), error);
                continue;
            }
            set = wanted;
        }
        write_group(&mut connection, &mut group).await;
    }
}

impl Lasting {
    /// With the write-ahead log NORMAL commits without waiting for the disk, in order with all others.
    fn pragma(self) -> &'static str {
        match self {
            Self::Yes => "PRAGMA synchronous = FULL",
            Self::No => "PRAGMA synchronous = NORMAL",
        }
    }
}

/// Runs a group in one transaction. A change that fails is undone alone; a commit that fails fails all.
async fn write_group(connection: &mut AnyConnection, group: &mut Vec<Waiting>) {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE").await {
        // Should a transaction have been left open, the next group must not find it.
        drop(execute(connection, "ROLLBACK").await);
        refuse_all(group.drain(..).map(|w| w.answer), error);
        return;
    }
    let mut done = Vec::with_capacity(group.len());
    let mut broken: Option<Arc<sqlx::Error>> = None;
    for Waiting { change, answer, .. } in group.drain(..) {
        let outcome = match &broken {
            None => savepoint(connection, change).await,
            Some(error) => Err(StoreError::Commit(Arc::clone(error))),
        };
        if let Err(StoreError::Commit(error)) = &outcome {
            broken = Some(Arc::clone(error));
        }
        done.push((answer, outcome));
    }
    if let Some(error) = broken {
        // There may be nothing left to roll back; what matters is that no transaction stays open.
        drop(execute(connection, "ROLLBACK").await);
        for (answer, outcome) in done {
            let refused = outcome.and_then(|_| Err(StoreError::Commit(Arc::clone(&error))));
            drop(answer.send(refused));
        }
        return;
    }
    match execute(connection, "COMMIT").await {
        Ok(()) => {
            for (answer, outcome) in done {
                // The caller may have been cancelled; its change stands all the same.
                drop(answer.send(outcome));
            }
        }
        Err(error) => {
            // There may be nothing left to roll back; what matters is that no transaction stays open.
            drop(execute(connection, "ROLLBACK").await);
            let shared = Arc::new(error);
            for (answer, outcome) in done {
                let refused = outcome.and_then(|_| Err(StoreError::Commit(Arc::clone(&shared))));
                drop(answer.send(refused));
            }
        }
    }
}

/// Runs one change so that it can be undone alone. `Commit` means that the transaction itself is
/// lost: on a full disk SQLite rolls it back, and a savepoint after that would commit by itself.
async fn savepoint(connection: &mut AnyConnection, change: Change) -> Result<Answer, StoreError> {
    let lost = |error| StoreError::Commit(Arc::new(error));
    execute(connection, "SAVEPOINT change").await.map_err(lost)?;
    let outcome = change(connection).await;
    if outcome.is_err()
        && let Err(error) = execute(connection, "ROLLBACK TO change").await
    {
        // What the change met is the cause; that the savepoint is gone only follows from it.
        return Err(match outcome {
            Err(StoreError::Database(cause)) => lost(cause),
            _ => lost(error),
        });
    }
    execute(connection, "RELEASE change").await.map_err(lost)?;
    outcome
}

fn refuse_all(
    answers: impl Iterator<Item = oneshot::Sender<Result<Answer, StoreError>>>,
    error: sqlx::Error,
) {
    let shared = Arc::new(error);
    for answer in answers {
        drop(answer.send(Err(StoreError::Commit(Arc::clone(&shared)))));
    }
}

async fn execute(connection: &mut AnyConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).persistent(true).execute(connection).await.map(drop)
}
