//! Everything outside the process that is not a channel, and the index: the store, the inbox, the clock, Qdrant,
//! embedding models.

pub mod clock;
pub mod embed;
pub mod inbox;
pub mod model_cache;
pub mod qdrant;
pub mod store;

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

/// True for SQLite's 5 and its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| {
        code.len() <= 4 && code.parse::<u32>().is_ok_and(|code| code & 0xff == 5)
    })
}
