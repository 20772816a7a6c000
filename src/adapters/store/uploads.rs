//! Files that people hand in to be sent. One goes with one reply; one that no reply took is forgotten after a day.
//!
//! A row is written before its file, so that no file lies on the disk that nothing knows, and falls due unless the file
//! turns out whole. While a reply has it, it is that reply's: it becomes a file of the message once the reply has left,
//! and is free again, within the same conversation, if the reply surely or perhaps did not.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row as _};

use super::actions::TicketRef;
use super::attachments::GRACE;
use super::outbox::{Claimed, OutboxBody};
use super::{Dialect, Store, StoreError, millis, no_nul, to_json};
use crate::domain::attachment::{AttachmentKind, Source};
use crate::domain::channel::Channel;
use crate::domain::ids::{AttachmentId, OutboxId, TenantId, TicketId};

/// How many files of a business may lie about that no reply took.
const UNUSED_MAX: i64 = 500;

/// Parts the id of a reply from the number of a part of it. No id of its own has this letter.
pub(super) const PART: char = 'p';

/// Most UTF-16 units of the words below a file (Cloud API, caption of a media message).
const CAPTION_UNITS_MAX: usize = 1_024;

/// True for a file that the reply of a conversation `$2` may take.
const FREE: &str = "state = 'kept' AND source = $3 AND message_id = '' AND (outbox_id IS NULL OR outbox_id IN (\
     SELECT o.id FROM outbox o WHERE o.conversation_id = $2 AND o.state IN ('failed', 'unknown', 'retired')))";

/// Whether a file may be handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It may.
    Yes,
    /// Too many lie about that no reply took.
    TooMany,
}

/// A file that was handed in and is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// What it is.
    pub kind: AttachmentKind,
    /// The type that its first bytes show.
    pub mime: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// A file that goes with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    /// Its id, under which the files have its bytes.
    pub id: AttachmentId,
    /// What it is.
    pub kind: AttachmentKind,
    /// What whoever handed it in calls it.
    pub name: Option<String>,
    /// The type that its first bytes show.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Store {
    /// Notes that a file is being handed in, under this name.
    pub async fn begin_upload(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        id: &AttachmentId,
        name: Option<&str>,
    ) -> Result<Begun, StoreError> {
        let (tenant, id) = (tenant.as_str().to_owned(), id.as_str().to_owned());
        let name = name.map(no_nul);
        self.write(move |connection| {
            Box::pin(async move {
                let (unused,): (i64,) = sqlx::query_as(
                    "SELECT COUNT(*) FROM attachments WHERE message_id = '' AND outbox_id IS NULL AND state = 'kept' \
                     AND tenant = $1",
                )
                .bind(&tenant)
                .fetch_one(&mut *connection)
                .await?;
                if unused >= UNUSED_MAX {
                    return Ok(Begun::TooMany);
                }
                sqlx::query(
                    "INSERT INTO attachments (id, tenant, message_id, kind, name, source, state, words, attempts, leased, \
                     due_at, created_at) VALUES ($1, $2, '', $3, $4, $5, 'waiting', 'none', 0, 0, $6, $7)",
                )
                .bind(id)
                .bind(tenant)
                .bind(AttachmentKind::File.as_str())
                .bind(name)
                .bind(to_json(&Source::Upload))
                .bind(millis(now + GRACE))
                .bind(millis(now))
                .execute(connection)
                .await?;
                Ok(Begun::Yes)
            })
        })
        .await
    }

    /// Notes that a file is here, whole. False where it took so long that nobody waits for it any more.
    pub async fn keep_upload(
        &self,
        id: &AttachmentId,
        whole: Uploaded,
    ) -> Result<bool, StoreError> {
        let id = id.as_str().to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE attachments SET state = 'kept', kind = $1, sniffed = $2, size = $3, sha256 = $4, due_at = NULL \
                     WHERE id = $5 AND state = 'waiting' AND attempts = 0",
                )
                .bind(whole.kind.as_str())
                .bind(whole.mime)
                .bind(i64::try_from(whole.size).unwrap_or(i64::MAX))
                .bind(hex::encode(whole.sha256))
                .bind(id)
                .execute(connection)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        })
        .await
    }

    /// Forgets a file that was not taken.
    pub async fn drop_upload(&self, id: &AttachmentId) -> Result<(), StoreError> {
        let id = id.as_str().to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "DELETE FROM attachments WHERE id = $1 AND state = 'waiting' AND source = $2",
                )
                .bind(id)
                .bind(to_json(&Source::Upload))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns what is known of files that go with a reply, in their order. One that is not kept is left out.
    pub async fn enclosed(
        &self,
        tenant: &TenantId,
        ids: &[AttachmentId],
    ) -> Result<Vec<Enclosed>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT id, kind, name, COALESCE(sniffed, 'application/octet-stream') AS mime, COALESCE(size, 0) AS size \
             FROM attachments WHERE tenant = $2 AND state = 'kept' AND source = $3 AND id IN {}",
            self.dialect.json_strings("$1")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(no_nul(&to_json(&ids)))
            .bind(tenant.as_str())
            .bind(to_json(&Source::Upload))
            .fetch_all(&self.reads)
            .await?;
        let mut found: Vec<Enclosed> = rows
            .iter()
            .map(|row| {
                Ok(Enclosed {
                    id: AttachmentId::from_stored(row.try_get::<String, _>("id")?),
                    kind: super::turns::word(row, "kind", AttachmentKind::parse)?,
                    name: row.try_get("name")?,
                    mime: row.try_get("mime")?,
                    size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or_default(),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        found.sort_by_key(|one| ids.iter().position(|id| *id == one.id));
        Ok(found)
    }

    /// Returns the way a ticket's answers leave; `None` if the tenant has no such ticket.
    pub async fn channel_of(
        &self,
        tenant: &TenantId,
        ticket: &TicketId,
    ) -> Result<Option<Channel>, StoreError> {
        let row = sqlx::query("SELECT channel FROM tickets WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(no_nul(ticket.as_str()))
            .fetch_optional(&self.reads)
            .await?;
        row.map(|row| super::turns::word(&row, "channel", Channel::parse)).transpose()
    }

    /// Forgets the files of before then that no reply took; the files themselves are due at once. Returns how many.
    pub async fn forget_uploads(
        &self,
        now: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE attachments SET state = 'erased', name = NULL, sniffed = NULL, size = NULL, sha256 = NULL, \
                     source = '{}', due_at = $1 WHERE message_id = '' AND outbox_id IS NULL AND state = 'kept' \
                     AND created_at < $2",
                )
                .bind(millis(now))
                .bind(millis(before))
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }
}

/// True where a reply of a ticket may take all of these files. They stay so until the transaction ends.
pub(super) async fn are_free(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
    ids: &[AttachmentId],
) -> Result<bool, StoreError> {
    if ids.is_empty() {
        return Ok(true);
    }
    let dialect = Dialect::of(connection);
    let sql = format!(
        "SELECT id FROM attachments WHERE tenant = $4 AND {FREE} AND id IN {}{}",
        dialect.json_strings("$1"),
        dialect.lock("attachments")
    );
    let free = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(no_nul(&to_json(&ids)))
        .bind(&ticket.conversation)
        .bind(to_json(&Source::Upload))
        .bind(&ticket.tenant)
        .fetch_all(connection)
        .await?;
    Ok(free.len() == ids.len())
}

/// Splits a reply by the files that one message of its channel carries: on WhatsApp one, with the words below the first
/// where they fit there, elsewhere all of them. Each part gets an id of its own, the first one the reply's.
pub(super) async fn parts(
    connection: &mut AnyConnection,
    channel: Channel,
    id: &OutboxId,
    body: OutboxBody,
) -> Result<Vec<(OutboxId, OutboxBody)>, StoreError> {
    let Some((first, more)) =
        body.attachments.split_first().filter(|_| channel == Channel::Whatsapp)
    else {
        return Ok(vec![(id.clone(), body)]);
    };
    let (kind,): (String,) = sqlx::query_as("SELECT kind FROM attachments WHERE id = $1")
        .bind(first.as_str())
        .fetch_one(connection)
        .await?;
    let fits = body.text.encode_utf16().count() <= CAPTION_UNITS_MAX && body.choices.is_empty();
    // A file that leaves without words has nothing to leave apart from it.
    let captioned = body.text.is_empty() || (fits && kind != AttachmentKind::Audio.as_str());
    let file = |attachment: &AttachmentId| OutboxBody {
        text: String::new(),
        choices: Vec::new(),
        attachments: vec![attachment.clone()],
        ..body.clone()
    };
    let words = OutboxBody {
        attachments: if captioned { vec![first.clone()] } else { Vec::new() },
        ..body.clone()
    };
    let alone = (!captioned).then(|| file(first));
    let bodies = std::iter::once(words).chain(alone).chain(more.iter().map(file));
    let part_id = |at: usize| match at {
        0 => id.clone(),
        at => OutboxId::from_stored(format!("{id}{PART}{at}")),
    };
    Ok(bodies.enumerate().map(|(at, body)| (part_id(at), body)).collect())
}

/// Gives files to a reply.
pub(super) async fn enclose(
    connection: &mut AnyConnection,
    reply: &OutboxId,
    ids: &[AttachmentId],
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE attachments SET outbox_id = $2 WHERE id IN {}",
        Dialect::of(connection).json_strings("$1")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(to_json(&ids))
        .bind(reply.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the files of a reply that has left those of its message.
pub(super) async fn left_with(
    connection: &mut AnyConnection,
    row: &Claimed,
    message: &str,
) -> Result<(), StoreError> {
    if row.body.attachments.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE attachments SET message_id = $1 WHERE outbox_id = $2 AND message_id = ''")
        .bind(message)
        .bind(row.id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
