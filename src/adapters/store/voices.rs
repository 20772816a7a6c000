//! The words of a voice note, put in the place of what it had none for.
//!
//! A turn that is still to be decided is decided with them. One that was decided without them is decided anew only while
//! nobody has answered: whoever got an answer, or is with a person of the business, is not answered again because of what
//! was heard late; the words stand in the conversation all the same. Notices of ours are no answer.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row as _};

use super::attachments::DueFile;
use super::turns::MessageMeta;
use super::{Dialect, Store, StoreError, drafts, from_json, jobs, millis, no_nul, to_json};

/// The message of a voice note, with its conversation.
struct Place {
    message: String,
    seq: i64,
    tenant: String,
    conversation: String,
    ticket: String,
    meta: MessageMeta,
    decided: bool,
}

impl Store {
    /// Puts the words of a voice note into its message. False where nobody wants them any more.
    pub async fn put_words(
        &self,
        now: DateTime<Utc>,
        file: &DueFile,
        words: &str,
    ) -> Result<bool, StoreError> {
        let (id, attempt) = (file.id.as_str().to_owned(), i64::from(file.attempt));
        let words = no_nul(words);
        self.write(move |connection| {
            Box::pin(async move {
                let Some(place) = place_of(connection, &id).await? else { return Ok(false) };
                let done = sqlx::query(
                    "UPDATE attachments SET words = 'done', reason = NULL, due_at = NULL, leased = 0 \
                     WHERE id = $1 AND attempts = $2 AND state = 'kept' AND words = 'wanted'",
                )
                .bind(&id)
                .bind(attempt)
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                write_words(connection, &place, &words).await?;
                if !place.decided {
                    raise_version(connection, now, &place).await?;
                    super::attachments::release_turn(connection, now, &id).await?;
                } else if is_unanswered(connection, now, &place).await? {
                    raise_version(connection, now, &place).await?;
                    drafts::retire_proposed(connection, &[&place.ticket]).await?;
                    jobs::queue_turn(connection, now, &place.tenant, &place.conversation).await?;
                }
                Ok(true)
            })
        })
        .await
    }

    /// Adds what a transcript cost, in millionths of a US dollar, to what a business spent on models.
    pub async fn note_spending(
        &self,
        now: DateTime<Utc>,
        tenant: &str,
        micros: u64,
    ) -> Result<(), StoreError> {
        let (tenant, micros) = (tenant.to_owned(), i64::try_from(micros).unwrap_or(i64::MAX));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO model_spending (tenant, day, cost_micros, calls) VALUES ($1, $2, $3, 1) \
                     ON CONFLICT (tenant, day) DO UPDATE SET cost_micros = model_spending.cost_micros + excluded.cost_micros, \
                     calls = model_spending.calls + 1",
                )
                .bind(tenant)
                .bind(now.date_naive().to_string())
                .bind(micros)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

/// The conversation first, as everywhere.
async fn place_of(connection: &mut AnyConnection, file: &str) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT m.id, m.seq, m.tenant, m.conversation_id, c.ticket_id, m.meta, m.decision_id FROM attachments a \
         JOIN messages m ON m.id = a.message_id JOIN conversations c ON c.id = m.conversation_id WHERE a.id = $1{}",
        Dialect::of(connection).lock("c")
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(file).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Place {
        message: row.try_get("id")?,
        seq: row.try_get("seq")?,
        tenant: row.try_get("tenant")?,
        conversation: row.try_get("conversation_id")?,
        ticket: row.try_get("ticket_id")?,
        meta: from_json("message meta", &row.try_get::<String, _>("meta")?)?,
        decided: row.try_get::<Option<String>, _>("decision_id")?.is_some(),
    }))
}

async fn write_words(
    connection: &mut AnyConnection,
    place: &Place,
    words: &str,
) -> Result<(), StoreError> {
    // Something else beside it still says what no word does.
    let (others,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM attachments WHERE message_id = $1 AND words <> 'done'",
    )
    .bind(&place.message)
    .fetch_one(&mut *connection)
    .await?;
    let mut meta = place.meta.clone();
    meta.flags.media = others > 0;
    meta.transcribed = true;
    sqlx::query("UPDATE messages SET text = $1, meta = $2 WHERE id = $3")
        .bind(words)
        .bind(to_json(&meta))
        .bind(&place.message)
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO search_due (ticket_id) SELECT ticket_id FROM messages WHERE id = $1")
        .bind(&place.message)
        .execute(connection)
        .await?;
    Ok(())
}

/// What was drafted without the words does not leave.
async fn raise_version(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    place: &Place,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE conversations SET version = version + 1, updated_at = $1 WHERE id = $2")
        .bind(millis(now))
        .bind(&place.conversation)
        .execute(connection)
        .await?;
    Ok(())
}

/// True where nobody has answered since, nothing of an answer is under way, and no person has the conversation.
async fn is_unanswered(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    place: &Place,
) -> Result<bool, StoreError> {
    let (waits,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM conversations c JOIN tickets t ON t.id = c.ticket_id WHERE c.id = $1 \
         AND t.status IN ('new', 'open', 'pending', 'escalated') AND NOT (c.owner = 'agent' AND c.owner_until > $2) \
         AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.seq > $3 \
           AND m.author IN ('ai', 'agent')) \
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation_id = c.id AND o.audience = 'customer' \
           AND o.author IN ('ai', 'agent') AND o.state IN ('queued', 'sending', 'awaiting'))",
    )
    .bind(&place.conversation)
    .bind(millis(now))
    .bind(place.seq)
    .fetch_one(connection)
    .await?;
    Ok(waits > 0)
}
