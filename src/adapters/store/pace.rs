//! How many mails that nobody looked at leave for one address, over all conversations: two machines that answer each other,
//! each time in a thread of its own, must come to an end. Addresses are kept as digests, and for a day.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;

use super::person::Person;
use super::{Dialect, Store, StoreError, from_json, millis, to_json};
use crate::domain::ids::{OutboxId, TenantId};

/// How many mails of machines an address gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// In an hour, at most.
    pub per_hour: u32,
    /// In a day, at most.
    pub per_day: u32,
}

/// A mail's id in the outbox and when it was to leave.
type Mail = (String, i64);

impl Store {
    /// Notes that a mail is about to leave for an address. False where that got as many as it may; then nothing is noted. A
    /// mail counts once, however often it is tried.
    pub async fn pace_mail(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        (recipient, mail): (&str, &OutboxId),
        pace: Pace,
    ) -> Result<bool, StoreError> {
        let (tenant, recipient) = (tenant.as_str().to_owned(), digest(recipient));
        let mail = mail.as_str().to_owned();
        self.write(move |connection| {
            Box::pin(async move { note(connection, now, (&tenant, &recipient), mail, pace).await })
        })
        .await
    }
}

async fn note(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    (tenant, recipient): (&str, &str),
    mail: String,
    pace: Pace,
) -> Result<bool, StoreError> {
    sqlx::query("DELETE FROM mail_pace WHERE last_at < $1")
        .bind(millis(now - Duration::days(1)))
        .execute(&mut *connection)
        .await?;
    // Touched even where it stays as it is, so that nobody else counts until this is over.
    let (mails,): (String,) = sqlx::query_as(
        "INSERT INTO mail_pace (tenant, recipient, mails, last_at) VALUES ($1, $2, '[]', $3) \
         ON CONFLICT (tenant, recipient) DO UPDATE SET last_at = mail_pace.last_at RETURNING mails",
    )
    .bind(tenant)
    .bind(recipient)
    .bind(millis(now))
    .fetch_one(&mut *connection)
    .await?;
    let mut mails: Vec<Mail> = from_json("mail pace", &mails)?;
    mails.retain(|(_, at)| *at > millis(now - Duration::days(1)));
    if mails.iter().any(|(known, _)| *known == mail) {
        return Ok(true);
    }
    let last_hour = mails.iter().filter(|(_, at)| *at > millis(now - Duration::hours(1))).count();
    let is_full = |count: usize, most: u32| u32::try_from(count).unwrap_or(u32::MAX) >= most;
    if is_full(last_hour, pace.per_hour) || is_full(mails.len(), pace.per_day) {
        return Ok(false);
    }
    mails.push((mail, millis(now)));
    sqlx::query(
        "UPDATE mail_pace SET mails = $1, last_at = $2 WHERE tenant = $3 AND recipient = $4",
    )
    .bind(to_json(&mails))
    .bind(millis(now))
    .bind(tenant)
    .bind(recipient)
    .execute(connection)
    .await?;
    Ok(true)
}

/// Forgets what left for a person.
pub(super) async fn forget(
    connection: &mut AnyConnection,
    person: &Person,
) -> Result<(), StoreError> {
    let digests: Vec<String> = person.mail_keys().map(digest).collect();
    let sql = format!(
        "DELETE FROM mail_pace WHERE tenant = $1 AND recipient IN {}",
        Dialect::of(connection).json_strings("$2")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .persistent(false)
        .bind(person.tenant.as_str())
        .bind(to_json(&digests))
        .execute(connection)
        .await?;
    Ok(())
}

fn digest(address: &str) -> String {
    hex::encode(Sha256::digest(address.trim().to_lowercase().as_bytes()))
}
