//! Everything outside the process that is not a channel, and the index: the store, the inbox, the clock, files
//! of messages, Qdrant, embedding models, the transcriber; and hashes of passwords, which take their time.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

pub mod cassette;
pub mod clock;
pub mod embed;
pub mod files;
pub mod inbox;
pub mod model_cache;
pub mod openai;
pub mod passwords;
pub mod qdrant;
pub mod store;
pub mod transcriber;

/// How often, and after how many milliseconds each, a SQLite file is tried that another process is just
/// turning into a write-ahead log: SQLite reports that as busy at once, whatever its time-out says.
const OPEN_TRIES: u32 = 100;
const OPEN_PAUSE_MS: u64 = 20;

/// Runs an opening again while another process holds the file for its own opening.
async fn open_patiently<T, F>(mut open: impl FnMut() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    for _ in 1..OPEN_TRIES {
        match open().await {
            Err(error) if is_busy(&error) => {
                tokio::time::sleep(std::time::Duration::from_millis(OPEN_PAUSE_MS)).await;
            }
            done => return done,
        }
    }
    open().await
}

/// How long one attempt to rewrite a file waits for the others who use it, how often it is tried, and the pause
/// between two attempts.
const REWRITE_WAIT: Duration = Duration::from_secs(5);
const REWRITE_TRIES: u32 = 4;
const REWRITE_PAUSE: Duration = Duration::from_millis(500);

/// What became of a SQLite file that was to be rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// The file holds what is stored and nothing else, and its log is empty.
    Whole,
    /// Others used it all the time: free space or the log may still hold what was removed.
    InUse,
}

/// Rewrites a SQLite file beside those who use it. `secure_delete` overwrites what is removed where it lies, but not
/// the copies that moving cells between pages left behind, and nothing in the log.
async fn rewrite(file: &SqliteConnectOptions) -> Result<Rewritten, sqlx::Error> {
    let mut connection = file.clone().busy_timeout(REWRITE_WAIT).connect().await?;
    let mut packed = false;
    for attempt in 0..REWRITE_TRIES {
        if attempt > 0 {
            tokio::time::sleep(REWRITE_PAUSE).await;
        }
        if !packed {
            packed = pack(&mut connection).await?;
        }
        if packed && empty_log(&mut connection).await? {
            connection.close().await?;
            return Ok(Rewritten::Whole);
        }
    }
    Ok(Rewritten::InUse)
}

/// Returns false while somebody else writes.
async fn pack(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    match sqlx::query("VACUUM").execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) if is_busy(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns false while somebody else reads or writes.
async fn empty_log(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let (busy, _, _): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
    Ok(busy == 0)
}

/// True for SQLite's 5 and its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        code.len() <= 4 && code.parse::<u32>().is_ok_and(|code| code & 0xff == 5)
    })
}
