//! The rows behind messages that were changed: which messages carry the words of one that was sent, what all its changes
//! say, and how a message comes to say something else.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::changes::Place;
use super::turns::MessageMeta;
use super::{Dialect, StoreError, attachments, from_json, millis, moment, no_nul, to_json};

/// A message that has the words of one that was sent: that one, or one that a later change became.
pub(super) struct Carrier {
    pub(super) id: String,
    seq: i64,
    pub(super) tenant: String,
    pub(super) conversation: String,
    pub(super) thread: String,
    pub(super) ticket: String,
    pub(super) current_ticket: String,
    closed: bool,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) deleted: bool,
    decided: bool,
    meta: MessageMeta,
}

/// What a change says.
pub(super) struct Version {
    pub(super) external_id: String,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) changed_at: DateTime<Utc>,
    /// Its place among those that came, for changes of the same second.
    pub(super) place: usize,
}

/// Whether somebody has answered a message, or is about to in a way that nothing takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Yes,
    No,
}

/// Returns the messages that have the words of one, oldest first. The conversation first, as everywhere.
pub(super) async fn carriers(
    connection: &mut AnyConnection,
    place: &Place<'_>,
) -> Result<Vec<Carrier>, StoreError> {
    let sql = format!(
        "SELECT m.id, m.seq, m.tenant, m.conversation_id, m.ticket_id, m.author, m.text, m.deleted_at, \
         m.decision_id, m.meta, c.thread, c.ticket_id AS current_ticket, t.status FROM messages m \
         JOIN conversations c ON c.id = m.conversation_id JOIN tickets t ON t.id = m.ticket_id \
         WHERE m.tenant = $1 AND m.channel = $2 AND m.account = $3 AND (m.external_id = $4 OR m.external_id IN (\
           SELECT k.external_id FROM message_changes k WHERE k.tenant = $1 AND k.channel = $2 AND k.account = $3 \
           AND k.target = $4)) ORDER BY m.seq{}",
        Dialect::of(connection).lock("c")
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(place.tenant)
        .bind(place.channel)
        .bind(place.account)
        .bind(place.target)
        .fetch_all(connection)
        .await?;
    rows.iter().map(carrier).collect()
}

fn carrier(row: &AnyRow) -> Result<Carrier, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    Ok(Carrier {
        id: text("id")?,
        seq: row.try_get("seq")?,
        tenant: text("tenant")?,
        conversation: text("conversation_id")?,
        thread: text("thread")?,
        ticket: text("ticket_id")?,
        current_ticket: text("current_ticket")?,
        closed: text("status")? == "closed",
        author: text("author")?,
        text: text("text")?,
        deleted: row.try_get::<Option<i64>, _>("deleted_at")?.is_some(),
        decided: row.try_get::<Option<String>, _>("decision_id")?.is_some(),
        meta: from_json("message meta", &text("meta")?)?,
    })
}

/// Returns everything that was said of a message, in the order in which it came.
pub(super) async fn versions(
    connection: &mut AnyConnection,
    place: &Place<'_>,
) -> Result<Vec<Version>, StoreError> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT external_id, kind, text, changed_at FROM message_changes WHERE tenant = $1 AND channel = $2 \
         AND account = $3 AND target = $4 ORDER BY received_at, external_id",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(place.target)
    .fetch_all(connection)
    .await?;
    let version = |(at, (external_id, kind, text, changed_at))| Version {
        external_id,
        kind,
        text,
        changed_at: moment(changed_at),
        place: at,
    };
    Ok(rows.into_iter().enumerate().map(version).collect())
}

/// Ties the changes of a message that are nobody's yet to the message that has its words.
pub(super) async fn link(
    connection: &mut AnyConnection,
    place: &Place<'_>,
    message: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE message_changes SET message_id = $5 WHERE tenant = $1 AND channel = $2 AND account = $3 AND target = $4 \
         AND message_id IS NULL",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(place.target)
    .bind(message)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ties one change to the message that it became.
pub(super) async fn move_to(
    connection: &mut AnyConnection,
    place: &Place<'_>,
    external_id: &str,
    message: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE message_changes SET message_id = $5 WHERE tenant = $1 AND channel = $2 AND account = $3 \
         AND external_id = $4",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(external_id)
    .bind(message)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the message that a change is of: a change of a change is one of its message.
pub(super) async fn target_of(
    connection: &mut AnyConnection,
    place: &Place<'_>,
) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT target FROM message_changes WHERE tenant = $1 AND channel = $2 AND account = $3 AND external_id = $4",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(place.target)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(target,)| target))
}

/// Forgets a change that concerns nothing of its sender's.
pub(super) async fn drop_change(
    connection: &mut AnyConnection,
    place: &Place<'_>,
    external_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM message_changes WHERE tenant = $1 AND channel = $2 AND account = $3 AND external_id = $4",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(no_nul(external_id))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets early changes of a message that others than its sender made.
pub(super) async fn drop_foreign(
    connection: &mut AnyConnection,
    place: &Place<'_>,
    thread: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM message_changes WHERE tenant = $1 AND channel = $2 AND account = $3 AND target = $4 \
         AND message_id IS NULL AND thread <> $5",
    )
    .bind(place.tenant)
    .bind(place.channel)
    .bind(place.account)
    .bind(place.target)
    .bind(thread)
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells whether somebody answered a message. What a person wrote and is about to leave counts, and so does what is just
/// being handed over; what the worker queued does not, because another version of the conversation holds it back.
pub(super) async fn answered(
    connection: &mut AnyConnection,
    one: &Carrier,
) -> Result<Answered, StoreError> {
    if !one.decided && one.author == "customer" {
        return Ok(Answered::No);
    }
    if one.closed || one.ticket != one.current_ticket {
        return Ok(Answered::Yes);
    }
    let (answers,): (i64,) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND seq > $2 AND author IN ('ai', 'agent')) \
         + (SELECT COUNT(*) FROM outbox WHERE conversation_id = $1 AND audience = 'customer' AND author IN ('ai', 'agent') \
           AND (state IN ('sending', 'awaiting') OR (state = 'queued' AND compare_version = 0)))",
    )
    .bind(&one.conversation)
    .bind(one.seq)
    .fetch_one(connection)
    .await?;
    Ok(if answers > 0 { Answered::Yes } else { Answered::No })
}

/// Puts words in the place of earlier ones. A turn that was decided with those is open again. A change whose words did not
/// come leaves the earlier ones and marks that they no longer tell all of it.
pub(super) async fn replace(
    connection: &mut AnyConnection,
    one: &Carrier,
    version: &Version,
) -> Result<(), StoreError> {
    let mut meta = one.meta.clone();
    let text = if version.kind == "edit" {
        &version.text
    } else {
        meta.flags.media = true;
        &one.text
    };
    sqlx::query(
        "UPDATE messages SET original = COALESCE(original, text), text = $1, meta = $2, edited_at = $3, \
         decision_id = CASE WHEN author = 'customer' THEN NULL ELSE decision_id END WHERE id = $4",
    )
    .bind(text)
    .bind(to_json(&meta))
    .bind(millis(version.changed_at))
    .bind(&one.id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves no words where engines and drafts look for them. What a recording said is not waited for any more.
pub(super) async fn take_back(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    one: &Carrier,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut meta = one.meta.clone();
    meta.flags.media = false;
    sqlx::query(
        "UPDATE messages SET original = COALESCE(original, text), text = '', meta = $1, deleted_at = $2 WHERE id = $3",
    )
    .bind(to_json(&meta))
    .bind(millis(at))
    .bind(&one.id)
    .execute(&mut *connection)
    .await?;
    let voices: Vec<(String,)> = sqlx::query_as(
        "UPDATE attachments SET words = 'none', due_at = CASE WHEN state = 'kept' THEN NULL ELSE due_at END \
         WHERE message_id = $1 AND words = 'wanted' RETURNING id",
    )
    .bind(&one.id)
    .fetch_all(&mut *connection)
    .await?;
    for (voice,) in voices {
        attachments::release_turn(connection, now, &voice).await?;
    }
    Ok(())
}
