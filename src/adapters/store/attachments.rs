//! Files that came with messages. Each row is its own job: whoever takes it holds it until its lease is over, and ends
//! it only if nobody else, such as an erasure, has ended it meanwhile.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use sqlx::{AnyConnection, Row as _};

use super::jobs::LeasedJob;
use super::many::{ROWS_MAX, with_rows};
use super::writer::Lasting;
use super::{Store, StoreError, from_json, millis, moment, no_nul, to_json};
use crate::domain::attachment::{Attachment, AttachmentKind, AttachmentState, KeptBytes, Source};
use crate::domain::ids::{AttachmentId, TenantId};

/// Why a file of a mail was not taken.
const TOO_LARGE: &str = "it is larger than the limit";
/// What becomes of the rows of messages in `{messages}`, and of replies in `{replies}`, whose data is removed. What is fetched at this moment ends in
/// vain; the file is removed again once that is over, however it ended.
pub(super) const ERASE: &str = "UPDATE attachments SET state = 'erased', name = NULL, claimed = NULL, sniffed = NULL, \
     size = NULL, sha256 = NULL, source = '{}', reason = NULL, words = 'none', leased = 0, attempts = 0, due_at = {gone} \
     WHERE state <> 'erased' AND (message_id IN {messages} OR outbox_id IN {replies})";
/// For longer than anybody works on a file.
pub(super) const GRACE: Duration = Duration::minutes(10);

/// True for conversations that still wait for the words of a voice note.
const WORDS_TO_COME: &str = "EXISTS (SELECT 1 FROM messages m JOIN attachments a ON a.message_id = m.id \
     WHERE m.conversation_id = jobs.subject AND m.author = 'customer' AND m.decision_id IS NULL \
     AND a.words = 'wanted' AND a.due_at IS NOT NULL)";

/// What is to be done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDo {
    /// It is fetched from there.
    Fetch(Source),
    /// It is here, and its words are wanted.
    Transcribe,
    /// Its data was erased, and so is the file.
    Remove,
}

/// A file that this worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct DueFile {
    /// The file.
    pub id: AttachmentId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is.
    pub kind: AttachmentKind,
    /// What is to be done.
    pub todo: ToDo,
    /// This attempt at it, from 1.
    pub attempt: u32,
    /// Since when it is known.
    pub since: DateTime<Utc>,
}

/// A file that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// The type that its first bytes show.
    pub sniffed: Option<&'static str>,
    /// Its words are to be had, where they are wanted.
    pub words: bool,
}

/// A file of a message, as people see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AttachmentRow {
    /// Its id; `GET /v1/attachments/{id}` returns the bytes of one that is kept.
    pub id: String,
    /// image, voice, audio, video, document, sticker or file.
    pub kind: String,
    /// The sender's name for it.
    pub name: Option<String>,
    /// The type that its first bytes show, else the one that the sender claims.
    pub r#type: Option<String>,
    /// Its size in bytes, as far as known.
    pub size: Option<i64>,
    /// waiting, kept, refused, lost or erased.
    pub state: String,
    /// Why it is not here, or not yet.
    pub reason: Option<String>,
    /// True for a voice note whose words are the message's text.
    pub transcribed: bool,
    /// True for a file of a mail that is shown among its words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
    /// What the HTML of its mail calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

/// How a file begins in the store.
struct Beginning<'a> {
    state: AttachmentState,
    reason: Option<&'static str>,
    /// True where it is still to be fetched.
    due: bool,
    kept: Option<&'a KeptBytes>,
}

impl<'a> Beginning<'a> {
    fn of(source: &'a Source) -> Self {
        let (state, reason, kept) = match source {
            Source::Whatsapp { .. } | Source::Upload => (AttachmentState::Waiting, None, None),
            Source::Mail { kept: Some(kept), .. } => (AttachmentState::Kept, None, Some(kept)),
            Source::Mail { kept: None, .. } => (AttachmentState::Refused, Some(TOO_LARGE), None),
        };
        Self { state, reason, due: state == AttachmentState::Waiting, kept }
    }
}

/// Takes the HTML of a mail out of a message's files: its id, where it is kept, and the others.
pub(super) fn without_html(files: Vec<AttachmentRow>) -> (Option<String>, Vec<AttachmentRow>) {
    let (html, files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.kind == AttachmentKind::MailHtml.as_str());
    let kept = |file: &AttachmentRow| file.state == AttachmentState::Kept.as_str();
    (html.into_iter().find(kept).map(|file| file.id), files)
}

/// A file to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: AttachmentId,
    /// The sender's name for it.
    pub name: Option<String>,
    /// The type that its first bytes show.
    pub sniffed: Option<String>,
    /// How far it came.
    pub state: AttachmentState,
}

/// Files the attachments of a message.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    (tenant, message): (&str, &str),
    attachments: &[Attachment],
    from_customer: bool,
) -> Result<(), StoreError> {
    for one in attachments {
        let words = one.kind == AttachmentKind::Voice && from_customer;
        let begins = Beginning::of(&one.source);
        sqlx::query(
            "INSERT INTO attachments (id, tenant, message_id, kind, name, claimed, size, source, words, attempts, leased, \
             created_at, state, reason, due_at, sha256, sniffed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $11, $12, $13, $14, $15)",
        )
        .bind(one.id.as_str())
        .bind(tenant)
        .bind(message)
        .bind(one.kind.as_str())
        .bind(one.name.as_deref().map(no_nul))
        .bind(one.mime.as_deref().map(no_nul))
        .bind(one.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)))
        .bind(to_json(&one.source))
        .bind(if words { "wanted" } else { "none" })
        .bind(millis(now))
        .bind(begins.state.as_str())
        .bind(begins.reason)
        .bind(begins.due.then(|| millis(now)))
        .bind(begins.kept.map(|kept| kept.sha256.as_str()))
        .bind(begins.kept.and_then(|kept| kept.sniffed.as_deref()))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Lets the end of a turn come that waits for words, unless others are still to come.
pub(super) async fn release_turn(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    file: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE jobs SET due_at = $1 WHERE kind = 'turn' AND state = 'pending' AND held_at IS NOT NULL \
         AND leased_until IS NULL AND due_at > $1 AND subject IN (SELECT m.conversation_id FROM messages m \
         JOIN attachments a ON a.message_id = m.id WHERE a.id = $2) AND NOT {WORDS_TO_COME}"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(millis(now)).bind(file).execute(connection).await?;
    Ok(())
}

impl Store {
    /// Takes the file that has been due for longest, and hides it until `until`.
    pub async fn claim_file(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<DueFile>, StoreError> {
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM attachments WHERE due_at IS NOT NULL AND due_at <= $1 \
             ORDER BY due_at LIMIT 1{}) \
             UPDATE attachments SET leased = 1, due_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM due) \
             RETURNING id, tenant, kind, source, state, attempts, created_at",
            self.dialect.skip_locked()
        );
        self.writer
            .run(Lasting::No, move |connection| {
                Box::pin(async move {
                    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                        .bind(millis(now))
                        .bind(millis(until))
                        .fetch_optional(connection)
                        .await?;
                    row.as_ref().map(due_file).transpose()
                })
            })
            .await
    }

    /// Returns when the next file is due.
    pub async fn next_file_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: (Option<i64>,) =
            sqlx::query_as("SELECT MIN(due_at) FROM attachments WHERE due_at IS NOT NULL")
                .fetch_one(&self.reads)
                .await?;
        Ok(row.0.map(moment))
    }

    /// Makes due what somebody held who is gone. Only for the one worker of a directory, when it starts.
    pub async fn take_back_files(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE attachments SET leased = 0, due_at = $1 WHERE due_at IS NOT NULL AND leased = 1",
                )
                .bind(millis(now))
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }

    /// Notes that a file is here. False where nobody wants it any more: then it must not stay. Whoever lost the lease
    /// notes nothing and leaves the file to whoever has it now.
    pub async fn file_came(
        &self,
        now: DateTime<Utc>,
        file: &DueFile,
        whole: Whole,
    ) -> Result<bool, StoreError> {
        let (id, attempt) = (file.id.as_str().to_owned(), i64::from(file.attempt));
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE attachments SET state = 'kept', reason = NULL, size = $1, sha256 = $2, sniffed = $3, \
                     words = CASE WHEN words = 'wanted' AND $4 = 1 THEN 'wanted' ELSE 'none' END, \
                     due_at = CASE WHEN words = 'wanted' AND $4 = 1 THEN $5 ELSE NULL END, \
                     leased = 0, attempts = 0 WHERE id = $6 AND attempts = $7 AND state = 'waiting'",
                )
                .bind(i64::try_from(whole.size).unwrap_or(i64::MAX))
                .bind(hex::encode(whole.sha256))
                .bind(whole.sniffed)
                .bind(i64::from(whole.words))
                .bind(millis(now))
                .bind(&id)
                .bind(attempt)
                .execute(&mut *connection)
                .await?;
                release_turn(connection, now, &id).await?;
                if done.rows_affected() == 1 {
                    return Ok(true);
                }
                let (wanted,): (i64,) = sqlx::query_as(
                    "SELECT COUNT(*) FROM attachments WHERE id = $1 AND state IN ('waiting', 'kept')",
                )
                .bind(&id)
                .fetch_one(connection)
                .await?;
                Ok(wanted > 0)
            })
        })
        .await
    }

    /// Gives a file back for another attempt.
    pub async fn retry_file(
        &self,
        file: &DueFile,
        at: DateTime<Utc>,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        let (id, attempt) = (file.id.as_str().to_owned(), i64::from(file.attempt));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE attachments SET due_at = $1, reason = $2, leased = 0 \
                     WHERE id = $3 AND attempts = $4 AND state IN ('waiting', 'kept')",
                )
                .bind(millis(at))
                .bind(reason)
                .bind(id)
                .bind(attempt)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends the way of a file that does not come, in *refused* or *lost*.
    pub async fn file_ended(
        &self,
        now: DateTime<Utc>,
        file: &DueFile,
        state: AttachmentState,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        self.end(
            now,
            file,
            "UPDATE attachments SET state = $1, reason = $2, words = 'none', due_at = NULL, leased = 0 \
             WHERE id = $3 AND attempts = $4 AND state = 'waiting'",
            (state.as_str(), reason),
        )
        .await
    }

    /// Ends the hope for the words of a voice note; the file stays.
    pub async fn words_ended(
        &self,
        now: DateTime<Utc>,
        file: &DueFile,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        self.end(
            now,
            file,
            "UPDATE attachments SET words = $1, reason = $2, due_at = NULL, leased = 0 \
             WHERE id = $3 AND attempts = $4 AND state = 'kept'",
            ("failed", reason),
        )
        .await
    }

    async fn end(
        &self,
        now: DateTime<Utc>,
        file: &DueFile,
        sql: &'static str,
        (word, reason): (&'static str, &'static str),
    ) -> Result<(), StoreError> {
        let (id, attempt) = (file.id.as_str().to_owned(), i64::from(file.attempt));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(sql)
                    .bind(word)
                    .bind(reason)
                    .bind(&id)
                    .bind(attempt)
                    .execute(&mut *connection)
                    .await?;
                release_turn(connection, now, &id).await
            })
        })
        .await
    }

    /// Notes that nothing is left of an erased file.
    pub async fn file_removed(&self, file: &DueFile) -> Result<(), StoreError> {
        let (id, attempt) = (file.id.as_str().to_owned(), i64::from(file.attempt));
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE attachments SET due_at = NULL, leased = 0, state = 'erased', name = NULL \
                     WHERE id = $1 AND attempts = $2 AND (state = 'erased' OR (state = 'waiting' AND source = $3))",
                )
                .bind(id)
                .bind(attempt)
                .bind(to_json(&Source::Upload))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns the erased files that nobody has seen gone for certain.
    pub async fn files_to_remove(&self) -> Result<Vec<AttachmentId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM attachments WHERE due_at IS NOT NULL AND state = 'erased'",
        )
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(|(id,)| AttachmentId::from_stored(id)).collect())
    }

    /// Returns a file to hand out; `None` if the tenant has no such file.
    pub async fn attachment(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Option<StoredFile>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, sniffed, state FROM attachments WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(no_nul(id))
        .fetch_optional(&self.reads)
        .await?;
        row.map(|row| {
            Ok(StoredFile {
                id: AttachmentId::from_stored(row.try_get::<String, _>("id")?),
                name: row.try_get("name")?,
                sniffed: row.try_get("sniffed")?,
                state: super::turns::word(&row, "state", AttachmentState::parse)?,
            })
        })
        .transpose()
    }

    /// Returns the files of messages, by message.
    pub(super) async fn attachments_of(
        &self,
        messages: &[String],
    ) -> Result<HashMap<String, Vec<AttachmentRow>>, StoreError> {
        let sql = format!(
            "SELECT message_id, id, kind, name, COALESCE(sniffed, claimed) AS mime, size, state, reason, words, source \
             FROM attachments WHERE message_id IN {} ORDER BY id",
            self.dialect.json_strings("$1")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(to_json(&messages))
            .fetch_all(&self.reads)
            .await?;
        let mut found: HashMap<String, Vec<AttachmentRow>> = HashMap::new();
        for row in &rows {
            // Of an erased one nothing is left to read.
            let source = serde_json::from_str(&row.try_get::<String, _>("source")?).ok();
            let (inline, content_id) = match source {
                Some(Source::Mail { inline, content_id, .. }) => (inline, content_id),
                _ => (false, None),
            };
            found.entry(row.try_get("message_id")?).or_default().push(AttachmentRow {
                inline,
                content_id,
                id: row.try_get("id")?,
                kind: row.try_get("kind")?,
                name: row.try_get("name")?,
                r#type: row.try_get("mime")?,
                size: row.try_get("size")?,
                state: row.try_get("state")?,
                reason: row.try_get("reason")?,
                transcribed: row.try_get::<String, _>("words")? == "done",
            });
        }
        Ok(found)
    }

    /// Returns every file that may lie on the disk, each with whether it must.
    pub async fn known_files(&self) -> Result<BTreeMap<String, bool>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, state FROM attachments WHERE state = 'kept' OR due_at IS NOT NULL",
        )
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(|(id, state)| (id, state == "kept")).collect())
    }

    /// Puts off the ends of turns whose words are still to come, each for the time beside its job altogether. Returns which
    /// of the leased jobs that were: they are nobody's again, and the attempt does not count.
    pub async fn hold_turns(
        &self,
        now: DateTime<Utc>,
        leased: Vec<(LeasedJob, Duration)>,
    ) -> Result<Vec<String>, StoreError> {
        let mut held = Vec::new();
        for leased in leased.chunks(ROWS_MAX) {
            let leased = leased.to_vec();
            let sql = format!(
                "{}UPDATE jobs SET held_at = COALESCE(held_at, r.now), due_at = COALESCE(held_at, r.now) + r.at_most, \
                 attempts = attempts - 1, lease = NULL, leased_until = NULL FROM r \
                 WHERE jobs.id = r.job AND jobs.lease = r.word AND COALESCE(held_at, r.now) + r.at_most > r.now \
                 AND {WORDS_TO_COME} RETURNING id",
                with_rows(self.dialect, &["job", "word", "now", "at_most"], leased.len())
            );
            let ids: Vec<(String,)> = self
                .writer
                .run(Lasting::No, move |connection| {
                    Box::pin(async move {
                        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
                        for (job, at_most) in &leased {
                            query = query
                                .bind(job.id.as_str().to_owned())
                                .bind(job.lease.0.clone())
                                .bind(millis(now))
                                .bind(at_most.num_milliseconds());
                        }
                        Ok(query.fetch_all(connection).await?)
                    })
                })
                .await?;
            held.extend(ids.into_iter().map(|(id,)| id));
        }
        Ok(held)
    }
}

fn due_file(row: &sqlx::any::AnyRow) -> Result<DueFile, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let todo = match super::turns::word(row, "state", AttachmentState::parse)? {
        AttachmentState::Waiting => match from_json("source", &text("source")?)? {
            // Whoever handed it in went away before it was whole.
            Source::Upload => ToDo::Remove,
            source @ (Source::Whatsapp { .. } | Source::Mail { .. }) => ToDo::Fetch(source),
        },
        AttachmentState::Kept => ToDo::Transcribe,
        AttachmentState::Erased | AttachmentState::Refused | AttachmentState::Lost => ToDo::Remove,
    };
    Ok(DueFile {
        id: AttachmentId::from_stored(text("id")?),
        tenant: TenantId::parse(&text("tenant")?).ok_or(StoreError::Unreadable("tenant"))?,
        kind: super::turns::word(row, "kind", AttachmentKind::parse)?,
        todo,
        attempt: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        since: moment(row.try_get("created_at")?),
    })
}
