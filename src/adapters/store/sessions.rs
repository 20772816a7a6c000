//! Who is signed in, links that sign somebody in once, and how long who guesses must wait.
//!
//! What a browser holds is stored as a hash only; SHA-256 is enough, for it has 256 random bits and there is nothing to
//! guess. Attempts are counted before a password is looked at, so that many at once do not escape the count.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::users::{COLUMNS, select_users, user_row};
use super::writer::Lasting;
use super::{Store, StoreError, UserRow, millis, moment, no_nul};
use crate::domain::ids::{SessionId, UserId};

/// How long a session that nobody uses goes on.
const IDLE: Duration = Duration::hours(12);
/// How long a session goes on at the longest.
const LONGEST: Duration = Duration::days(7);
/// How often it is written down that a session is used.
const SEEN_EVERY: Duration = Duration::minutes(1);
/// How many browsers somebody is signed in with; a further one ends the one that was not used for longest.
const SESSIONS_MAX: i64 = 20;
/// How long a link may be used.
const LINK_FOR: Duration = Duration::minutes(15);
/// The first wait and the longest one.
const WAITS: (Duration, Duration) = (Duration::seconds(30), Duration::minutes(15));
/// How long failures are remembered after the last one.
const REMEMBERED: Duration = Duration::days(1);

crate::domain::words! {
    /// How a session began.
    Entered {
        /// With the password.
        Password = "password",
        /// With a link that works once.
        Link = "link",
    }
}

/// A session to begin.
#[derive(Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// What the browser gets; only its hash is stored.
    pub secret: String,
    /// What every form must carry.
    pub csrf: String,
    /// How it begins.
    pub entered: Entered,
    /// The browser, in a word or two.
    pub device: String,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither of its secrets.
        f.debug_struct("NewSession").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// How it began.
    pub entered: Entered,
    /// The browser, in a word or two; empty where it says nothing.
    pub device: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to about a minute.
    pub seen_at: DateTime<Utc>,
    /// When it ends if it is not used again.
    pub expires_at: DateTime<Utc>,
}

/// A session with whose it is.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account.
    pub user: UserRow,
    /// The session.
    pub session: SessionRow,
    /// What every form must carry.
    pub csrf: String,
}

/// Whether a password is looked at now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is.
    Taken,
    /// Not before then.
    Wait(DateTime<Utc>),
}

/// What is counted when somebody tries to sign in.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What was typed as the login, whether or not somebody has it.
    pub login: String,
    /// Where it came from, if that is known.
    pub address: Option<String>,
}

/// How many attempts a login, and an address, has before each further one makes the next one wait. A team often shares an
/// address, so it has more.
const FREE: [i64; 2] = [5, 30];

impl Tried {
    /// Neither logins nor addresses are stored: people type passwords into the wrong field.
    fn subjects(&self) -> impl Iterator<Item = (String, i64)> {
        let [of_login, of_address] = FREE;
        let login = (secret_hash(&format!("login:{}", self.login)), of_login);
        let address = self.address.as_ref();
        let address = address.map(|it| (secret_hash(&format!("address:{it}")), of_address));
        std::iter::once(login).chain(address)
    }
}

/// Returns how long the next attempt waits after so many.
fn wait_after(attempts: i64, free: i64) -> Duration {
    let (first, longest) = WAITS;
    if attempts < free {
        return Duration::zero();
    }
    let doublings = u32::try_from(attempts - free).unwrap_or(u32::MAX);
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    first.checked_mul(factor).map_or(longest, |wait| wait.min(longest))
}

/// Returns what is stored of a secret.
fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn session_row(row: &AnyRow) -> Result<SessionRow, StoreError> {
    let entered: String = row.try_get("entered")?;
    Ok(SessionRow {
        id: SessionId::from_stored(row.try_get::<String, _>("session_id")?),
        entered: Entered::parse(&entered).ok_or(StoreError::Unreadable("entered"))?,
        device: row.try_get("device")?,
        created_at: moment(row.try_get("began_at")?),
        seen_at: moment(row.try_get("used_at")?),
        expires_at: moment(row.try_get("expires_at")?),
    })
}

const SESSION: &str = "s.id AS session_id, s.entered, s.device, s.created_at AS began_at, s.seen_at AS used_at, s.expires_at";

impl Store {
    /// Begins a session of somebody who proved to be them. `false`: their account was disabled meanwhile.
    pub async fn begin_session(
        &self,
        now: DateTime<Utc>,
        user: &UserId,
        session: NewSession,
    ) -> Result<bool, StoreError> {
        let user = user.clone();
        self.write(move |connection| {
            Box::pin(async move { begin(connection, now, &user, &session).await })
        })
        .await
    }

    /// Returns whose session a secret is, while it lasts and they may be here. Once a minute it is written down that they are.
    pub async fn session(
        &self,
        now: DateTime<Utc>,
        secret: &str,
    ) -> Result<Option<SignedIn>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, {SESSION}, s.csrf FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.secret_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(secret_hash(secret))
            .bind(millis(now))
            .fetch_optional(&self.reads)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let found = SignedIn {
            user: user_row(&row)?,
            session: session_row(&row)?,
            csrf: row.try_get("csrf")?,
        };
        if now - found.session.seen_at >= SEEN_EVERY {
            self.see(now, &found).await?;
        }
        Ok(Some(found))
    }

    async fn see(&self, now: DateTime<Utc>, found: &SignedIn) -> Result<(), StoreError> {
        let (session, user) = (found.session.id.clone(), found.user.id.clone());
        let until = (now + IDLE).min(found.session.created_at + LONGEST);
        self.writer
            .run(Lasting::No, move |connection| {
                Box::pin(async move {
                    sqlx::query("UPDATE sessions SET seen_at = $1, expires_at = $2 WHERE id = $3")
                        .bind(millis(now))
                        .bind(millis(until))
                        .bind(session.as_str())
                        .execute(&mut *connection)
                        .await?;
                    sqlx::query("UPDATE users SET seen_at = $1 WHERE id = $2")
                        .bind(millis(now))
                        .bind(user.as_str())
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Lists somebody's sessions, the one used last first.
    pub async fn list_sessions(
        &self,
        now: DateTime<Utc>,
        user: &UserId,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let sql = format!(
            "SELECT {SESSION} FROM sessions s WHERE s.user_id = $1 AND s.expires_at > $2 \
             ORDER BY s.seen_at DESC, s.id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(millis(now))
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(session_row).collect()
    }

    /// Ends a session of somebody's; `false` if they have none of that id.
    pub async fn end_session(
        &self,
        user: &UserId,
        session: &SessionId,
    ) -> Result<bool, StoreError> {
        let (user, session) = (user.clone(), session.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let ended = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
                    .bind(user.as_str())
                    .bind(no_nul(session.as_str()))
                    .execute(connection)
                    .await?;
                Ok(ended.rows_affected() > 0)
            })
        })
        .await
    }

    /// Ends every session of somebody's but one.
    pub async fn end_other_sessions(
        &self,
        user: &UserId,
        here: &SessionId,
    ) -> Result<(), StoreError> {
        let (user, here) = (user.clone(), here.clone());
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
                    .bind(user.as_str())
                    .bind(here.as_str())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Keeps a link that signs somebody in once within a quarter of an hour.
    pub async fn add_login_link(
        &self,
        now: DateTime<Utc>,
        user: &UserId,
        secret: &str,
    ) -> Result<(), StoreError> {
        let (user, hash) = (user.clone(), secret_hash(secret));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO login_links (secret_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
                )
                .bind(hash)
                .bind(user.as_str())
                .bind(millis(now))
                .bind(millis(now + LINK_FOR))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns whom a link would sign in; it stays as it is.
    pub async fn login_link(
        &self,
        now: DateTime<Utc>,
        secret: &str,
    ) -> Result<Option<UserRow>, StoreError> {
        let row = sqlx::query(select_users(
            "JOIN login_links l ON l.user_id = u.id \
             WHERE l.secret_hash = $1 AND l.expires_at > $2 AND u.disabled_at IS NULL",
        ))
        .bind(secret_hash(secret))
        .bind(millis(now))
        .fetch_optional(&self.reads)
        .await?;
        row.as_ref().map(user_row).transpose()
    }

    /// Uses a link up: the session begins and the link is gone, both or neither. Returns whose it was.
    pub async fn use_login_link(
        &self,
        now: DateTime<Utc>,
        link: &str,
        session: NewSession,
    ) -> Result<Option<UserId>, StoreError> {
        let hash = secret_hash(link);
        self.write(move |connection| {
            Box::pin(async move {
                let whose: Option<(String,)> = sqlx::query_as(
                    "DELETE FROM login_links WHERE secret_hash = $1 AND expires_at > $2 RETURNING user_id",
                )
                .bind(hash)
                .bind(millis(now))
                .fetch_optional(&mut *connection)
                .await?;
                let Some((user,)) = whose else { return Ok(None) };
                let user = UserId::from_stored(user);
                let began = begin(connection, now, &user, &session).await?;
                Ok(began.then_some(user))
            })
        })
        .await
    }

    /// Counts an attempt to sign in, unless its login or its address must wait.
    pub async fn take_attempt(
        &self,
        now: DateTime<Utc>,
        tried: &Tried,
    ) -> Result<Attempt, StoreError> {
        let subjects: Vec<(String, i64)> = tried.subjects().collect();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM login_attempts WHERE forget_at <= $1")
                    .bind(millis(now))
                    .execute(&mut *connection)
                    .await?;
                let mut counts = Vec::new();
                let mut wait = None;
                for (subject, free) in subjects {
                    let (attempts, until) = count(connection, now, &subject).await?;
                    wait = wait.max(Some(until).filter(|until| *until > millis(now)));
                    counts.push((subject, attempts, free));
                }
                for (subject, attempts, free) in counts {
                    // An attempt that is refused makes nobody wait for longer.
                    let (attempts, until) = match wait {
                        Some(_) => (attempts - 1, None),
                        None => (attempts, Some(now + wait_after(attempts, free))),
                    };
                    sqlx::query(
                        "UPDATE login_attempts SET failures = $1, wait_until = COALESCE($2, wait_until) WHERE subject = $3",
                    )
                    .bind(attempts)
                    .bind(until.map(millis))
                    .bind(subject)
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(wait.map_or(Attempt::Taken, |until| Attempt::Wait(moment(until))))
            })
        })
        .await
    }

    /// Forgets the attempts of a login that has signed in, and the one of its address that was no guess.
    pub async fn forgive_attempts(&self, tried: &Tried) -> Result<(), StoreError> {
        let mut subjects = tried.subjects().map(|(subject, _)| subject);
        let (login, address) = (subjects.next(), subjects.next());
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM login_attempts WHERE subject = $1")
                    .bind(login)
                    .execute(&mut *connection)
                    .await?;
                // Others of the address stay: an account of one's own is no way to guess at those of others for longer.
                give_back(connection, address).await
            })
        })
        .await
    }

    /// Takes back an attempt whose password was not looked at.
    pub async fn give_attempt_back(&self, tried: &Tried) -> Result<(), StoreError> {
        let subjects: Vec<String> = tried.subjects().map(|(subject, _)| subject).collect();
        self.write(move |connection| {
            Box::pin(async move {
                for subject in subjects {
                    give_back(connection, Some(subject)).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// Takes one attempt back. It was taken while its subject did not wait, so the wait that it began ends.
async fn give_back(
    connection: &mut AnyConnection,
    subject: Option<String>,
) -> Result<(), StoreError> {
    let Some(subject) = subject else { return Ok(()) };
    sqlx::query(
        "UPDATE login_attempts SET failures = failures - 1, wait_until = 0 WHERE subject = $1 AND failures > 0",
    )
    .bind(subject)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts one more and returns how many there are now, and until when the subject waits. The row is held until the end of
/// the transaction.
async fn count(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    subject: &str,
) -> Result<(i64, i64), StoreError> {
    Ok(sqlx::query_as(
        "INSERT INTO login_attempts (subject, failures, wait_until, forget_at) VALUES ($1, 1, 0, $2) \
         ON CONFLICT (subject) DO UPDATE SET failures = login_attempts.failures + 1, forget_at = excluded.forget_at \
         RETURNING failures, wait_until",
    )
    .bind(subject)
    .bind(millis(now + REMEMBERED))
    .fetch_one(connection)
    .await?)
}

async fn begin(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    user: &UserId,
    session: &NewSession,
) -> Result<bool, StoreError> {
    let seen = sqlx::query("UPDATE users SET seen_at = $1 WHERE id = $2 AND disabled_at IS NULL")
        .bind(millis(now))
        .bind(user.as_str())
        .execute(&mut *connection)
        .await?;
    if seen.rows_affected() == 0 {
        return Ok(false);
    }
    for table in ["sessions", "login_links"] {
        let sql = format!("DELETE FROM {table} WHERE expires_at <= $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(millis(now)).execute(&mut *connection).await?;
    }
    sqlx::query(
        "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN \
           (SELECT id FROM sessions WHERE user_id = $1 ORDER BY seen_at DESC, id DESC LIMIT $2)",
    )
    .bind(user.as_str())
    .bind(SESSIONS_MAX - 1)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO sessions (secret_hash, id, user_id, csrf, entered, device, created_at, seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
    )
    .bind(secret_hash(&session.secret))
    .bind(session.id.as_str())
    .bind(user.as_str())
    .bind(&session.csrf)
    .bind(session.entered.as_str())
    .bind(no_nul(&session.device))
    .bind(millis(now))
    .bind(millis(now + IDLE))
    .execute(connection)
    .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour_and_no_further() {
        let seconds: Vec<i64> = (1..=12).map(|n| wait_after(n, 5).num_seconds()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(wait_after(i64::MAX, 5), WAITS.1);
    }

    #[test]
    fn neither_logins_nor_addresses_are_stored() {
        let tried = Tried { login: "rafa".to_owned(), address: Some("192.0.2.7".to_owned()) };
        let subjects: Vec<(String, i64)> = tried.subjects().collect();
        assert_eq!(subjects.len(), 2);
        assert!(subjects.iter().all(|(it, _)| it.len() == 64 && !it.contains("rafa")));
        let odd = Tried { login: "192.0.2.7".to_owned(), address: None };
        assert!(odd.subjects().all(|it| !subjects.contains(&it)), "a login is no address");
    }
}
