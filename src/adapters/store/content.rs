//! What was published of articles, templates and prompts, by whom, and what is being written. The files are the source:
//! a version is kept after its file is in its place, and what a file said before it was replaced is kept with it.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError, audit, millis, moment, no_nul, to_json};
use crate::domain::ids::TenantId;

/// Most versions of one file that are listed, the newest first.
const LISTED: i64 = 200;

/// Which file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentKey {
    /// `article`, `template` or `prompt`.
    pub kind: String,
    /// Its path inside its folder.
    pub name: String,
}

/// A version of a file, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentVersion {
    /// Counted from 1.
    pub version: i64,
    /// The hash of its text.
    pub hash: String,
    /// Where it came from: `desk`, `folder` or `shipped`.
    pub origin: String,
    /// Who published it; `None` for what was found.
    pub by: Option<String>,
    /// When it was published, or found.
    pub at: DateTime<Utc>,
    /// The version whose text it took up again.
    pub back_to: Option<i64>,
}

/// A text that is not published yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDraft {
    /// The text.
    pub text: String,
    /// The hash of the file that it began from; empty where there was none.
    pub base: String,
    /// Counts its changes.
    pub rev: i64,
    /// Who changed it last.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a file stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentState {
    /// Its newest version.
    pub latest: Option<ContentVersion>,
    /// Who writes on it, and when they last did.
    pub draft: Option<(String, DateTime<Utc>)>,
}

/// A text to be kept as a draft.
#[derive(Clone, Debug)]
pub struct NewContentDraft {
    /// The text.
    pub text: String,
    /// The hash of the file that it began from.
    pub base: String,
    /// The change of the draft that its writer saw; 0 where there was no draft.
    pub seen: i64,
    /// Who writes.
    pub by: String,
}

/// A file that was put in its place.
#[derive(Clone, Debug)]
pub struct Publication {
    /// What the file said before, and where that came from, where no version holds it: text, hash, origin, since when.
    pub before: Option<(String, String, String, DateTime<Utc>)>,
    /// What it says now.
    pub text: String,
    /// The hash of that.
    pub hash: String,
    /// Who published it.
    pub by: String,
    /// The version whose text it takes up again.
    pub back_to: Option<i64>,
}

const VERSION: &str = "version, hash, origin, written_by, at, back_to";

fn version_row(row: &AnyRow) -> Result<ContentVersion, StoreError> {
    Ok(ContentVersion {
        version: row.try_get("version")?,
        hash: row.try_get("hash")?,
        origin: row.try_get("origin")?,
        by: row.try_get("written_by")?,
        at: moment(row.try_get("at")?),
        back_to: row.try_get("back_to")?,
    })
}

fn draft_row(row: &AnyRow) -> Result<ContentDraft, StoreError> {
    Ok(ContentDraft {
        text: row.try_get("text")?,
        base: row.try_get("base")?,
        rev: row.try_get("rev")?,
        by: row.try_get("written_by")?,
        at: moment(row.try_get("at")?),
    })
}

impl Store {
    /// Returns how every file of a business stands that was ever published or is being written.
    pub async fn content_states(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(ContentKey, ContentState)>, StoreError> {
        let mut states = std::collections::BTreeMap::<ContentKey, ContentState>::new();
        let key = |row: &AnyRow| -> Result<ContentKey, StoreError> {
            Ok(ContentKey { kind: row.try_get("kind")?, name: row.try_get("name")? })
        };
        let sql = format!(
            "SELECT kind, name, {VERSION} FROM content_versions v WHERE tenant = $1 AND version = \
             (SELECT MAX(w.version) FROM content_versions w WHERE w.tenant = v.tenant AND w.kind = v.kind AND w.name = v.name)"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(tenant.as_str());
        for row in rows.fetch_all(&self.reads).await? {
            states.entry(key(&row)?).or_default().latest = Some(version_row(&row)?);
        }
        let rows =
            sqlx::query("SELECT kind, name, written_by, at FROM content_drafts WHERE tenant = $1");
        for row in rows.bind(tenant.as_str()).fetch_all(&self.reads).await? {
            let by = (row.try_get("written_by")?, moment(row.try_get("at")?));
            states.entry(key(&row)?).or_default().draft = Some(by);
        }
        Ok(states.into_iter().collect())
    }

    /// Returns the versions of a file, the newest first.
    pub async fn content_versions(
        &self,
        tenant: &TenantId,
        key: &ContentKey,
    ) -> Result<Vec<ContentVersion>, StoreError> {
        let sql = format!(
            "SELECT {VERSION} FROM content_versions WHERE tenant = $1 AND kind = $2 AND name = $3 \
             ORDER BY version DESC LIMIT {LISTED}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(no_nul(&key.kind))
            .bind(no_nul(&key.name))
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(version_row).collect()
    }

    /// Returns the text of a version.
    pub async fn content_text(
        &self,
        tenant: &TenantId,
        key: &ContentKey,
        version: i64,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT text FROM content_versions WHERE tenant = $1 AND kind = $2 AND name = $3 AND version = $4",
        )
        .bind(tenant.as_str())
        .bind(no_nul(&key.kind))
        .bind(no_nul(&key.name))
        .bind(version)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|row| row.try_get("text")).transpose()?)
    }

    /// Returns what is being written for a file.
    pub async fn content_draft(
        &self,
        tenant: &TenantId,
        key: &ContentKey,
    ) -> Result<Option<ContentDraft>, StoreError> {
        let row = sqlx::query(
            "SELECT text, base, rev, written_by, at FROM content_drafts WHERE tenant = $1 AND kind = $2 AND name = $3",
        )
        .bind(tenant.as_str())
        .bind(no_nul(&key.kind))
        .bind(no_nul(&key.name))
        .fetch_optional(&self.reads)
        .await?;
        row.as_ref().map(draft_row).transpose()
    }

    /// Keeps a draft. Where somebody changed it since its writer saw it, nothing is kept and theirs is returned.
    pub async fn save_content_draft(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        key: &ContentKey,
        draft: NewContentDraft,
    ) -> Result<Result<i64, ContentDraft>, StoreError> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let rev = draft.seen + 1;
                // One statement decides, so that of two who saw the same one is kept.
                let kept = sqlx::query(
                    "INSERT INTO content_drafts (tenant, kind, name, text, base, rev, written_by, at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, kind, name) DO UPDATE SET \
                     text = excluded.text, base = excluded.base, rev = excluded.rev, written_by = excluded.written_by, \
                     at = excluded.at WHERE content_drafts.rev = $9",
                )
                .bind(tenant.as_str())
                .bind(no_nul(&key.kind))
                .bind(no_nul(&key.name))
                .bind(no_nul(&draft.text))
                .bind(no_nul(&draft.base))
                .bind(rev)
                .bind(no_nul(&draft.by))
                .bind(millis(now))
                .bind(draft.seen)
                .execute(&mut *connection)
                .await?
                .rows_affected();
                if kept > 0 {
                    return Ok(Ok(rev));
                }
                let row = sqlx::query(
                    "SELECT text, base, rev, written_by, at FROM content_drafts \
                     WHERE tenant = $1 AND kind = $2 AND name = $3",
                )
                .bind(tenant.as_str())
                .bind(no_nul(&key.kind))
                .bind(no_nul(&key.name))
                .fetch_one(&mut *connection)
                .await?;
                Ok(Err(draft_row(&row)?))
            })
        })
        .await
    }

    /// Throws a draft away as somebody saw it. Returns whether it was that one.
    pub async fn discard_content_draft(
        &self,
        tenant: &TenantId,
        key: &ContentKey,
        rev: i64,
    ) -> Result<bool, StoreError> {
        let (tenant, key) = (tenant.clone(), key.clone());
        self.write(move |connection| {
            Box::pin(async move { Ok(discard(connection, &tenant, &key, Some(rev)).await? > 0) })
        })
        .await
    }

    /// Keeps what was published, with what the file said before where no version holds that, and ends its draft unless
    /// an older text was taken up again. Returns the version.
    pub async fn publish_content(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        actor: &str,
        key: &ContentKey,
        publication: Publication,
    ) -> Result<i64, StoreError> {
        let (tenant, actor, key) = (tenant.clone(), actor.to_owned(), key.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let Publication { before, text, hash, by, back_to } = publication;
                let row = sqlx::query(
                    "SELECT COALESCE(MAX(version), 0) AS version FROM content_versions \
                     WHERE tenant = $1 AND kind = $2 AND name = $3",
                )
                .bind(tenant.as_str())
                .bind(no_nul(&key.kind))
                .bind(no_nul(&key.name))
                .fetch_one(&mut *connection)
                .await?;
                let mut version: i64 = row.try_get("version")?;
                let was = before.as_ref().map(|(_, hash, ..)| hash.clone());
                if let Some((text, hash, origin, at)) = before {
                    version += 1;
                    let found = ContentVersion { version, hash, origin, by: None, at, back_to: None };
                    insert(connection, &tenant, &key, &found, &text).await?;
                }
                version += 1;
                let (origin, by) = ("desk".to_owned(), Some(by));
                let new = ContentVersion { version, hash, origin, by, at: now, back_to };
                insert(connection, &tenant, &key, &new, &text).await?;
                if back_to.is_none() {
                    discard(connection, &tenant, &key, None).await?;
                }
                let action =
                    if back_to.is_some() { "content.rolled_back" } else { "content.published" };
                let of = |hash: &str| json!({"kind": key.kind, "name": key.name, "hash": hash});
                let after = json!({
                    "kind": key.kind, "name": key.name, "hash": new.hash, "version": version, "back_to": back_to,
                });
                let entry = audit::Entry {
                    tenant: tenant.as_str(),
                    at: now,
                    ticket: None,
                    conversation: None,
                    actor: &actor,
                    action,
                    before: was.map(|hash| to_json(&of(&hash))),
                    after: Some(to_json(&after)),
                    cause: None,
                };
                audit::append(connection, entry).await?;
                Ok(version)
            })
        })
        .await
    }
}

async fn discard(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    key: &ContentKey,
    rev: Option<i64>,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM content_drafts WHERE tenant = $1 AND kind = $2 AND name = $3 AND ($4 < 0 OR rev = $4)";
    let done = sqlx::query(sql)
        .bind(tenant.as_str())
        .bind(no_nul(&key.kind))
        .bind(no_nul(&key.name))
        .bind(rev.unwrap_or(-1))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn insert(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    key: &ContentKey,
    version: &ContentVersion,
    text: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO content_versions (tenant, kind, name, version, text, hash, origin, written_by, at, back_to) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(tenant.as_str())
    .bind(no_nul(&key.kind))
    .bind(no_nul(&key.name))
    .bind(version.version)
    .bind(no_nul(text))
    .bind(version.hash.clone())
    .bind(version.origin.clone())
    .bind(version.by.clone())
    .bind(millis(version.at))
    .bind(version.back_to)
    .execute(connection)
    .await?;
    Ok(())
}
