//! What people said of the worker's judgement: drafts that they sent, changed or rejected, fields that they corrected,
//! passages that helped. Read page by page in the order in which it happened; nothing is kept twice, so that what is erased
//! is gone from here too.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError, from_json, millis, moment};
use crate::domain::ids::{TenantId, TicketNumber};

/// Where a page of labels ends: a moment or a place in the trail, and what tells rows of one moment apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelCursor(i64, String);

impl LabelCursor {
    /// The beginning of what happened since a moment.
    pub fn since(moment: Option<DateTime<Utc>>) -> Self {
        Self(moment.map_or(i64::MIN, millis), String::new())
    }
}

/// What a label is about.
#[derive(Clone, Debug)]
pub struct LabelCase {
    /// The ticket.
    pub ticket: String,
    /// Its number.
    pub number: String,
    /// The way it came.
    pub channel: String,
    /// The language of the ticket.
    pub language: Option<String>,
    /// Names to mask.
    pub names: Vec<String>,
    /// What the customer wrote; nothing where it was erased.
    pub text: Option<String>,
    /// What the worker understood, as its decision record says.
    pub understood: Value,
    /// The account of whoever judged; nothing where no account has that name.
    pub by: Option<String>,
    /// Their part in the team now.
    pub role: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A draft that somebody decided.
#[derive(Clone, Debug)]
pub struct DraftLabel {
    /// What it is about.
    pub case: LabelCase,
    /// approved, edited or rejected.
    pub state: String,
    /// How the draft came about.
    pub kind: String,
    /// Its language.
    pub locale: String,
    /// Its version.
    pub version: i64,
    /// Its words; nothing where they were erased.
    pub draft: Option<String>,
    /// The words that were sent.
    pub sent: Option<String>,
    /// Why it was rejected: a code of the desk, and the agent's words.
    pub reason: (Option<String>, Option<String>),
}

/// A field that somebody corrected.
#[derive(Clone, Debug)]
pub struct FieldLabel {
    /// What it is about.
    pub case: LabelCase,
    /// The field.
    pub field: String,
    /// The value that it got.
    pub value: Value,
}

/// What somebody said of a passage.
#[derive(Clone, Debug)]
pub struct PassageLabel {
    /// What it is about; of the case nothing but the ticket.
    pub case: LabelCase,
    /// The article.
    pub article: String,
    /// Its language.
    pub locale: String,
    /// The heading of the passage.
    pub heading: String,
    /// It helped.
    pub helpful: bool,
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What every label reads of its row.
fn case(row: &AnyRow) -> Result<LabelCase, StoreError> {
    let running = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default();
    let name = |json: Option<String>| -> Option<String> {
        let known: Value = serde_json::from_str(&json?).ok()?;
        known.get("name")?.as_str().map(str::to_owned)
    };
    let (contact, profile) = (row.try_get("contact")?, row.try_get("profile")?);
    let names = [name(contact), name(profile)].into_iter().flatten().filter(|name| name.len() > 2);
    let record: Option<String> = row.try_get("record")?;
    let record: Value = record.map_or(Ok(Value::Null), |record| from_json("record", &record))?;
    Ok(LabelCase {
        ticket: row.try_get("ticket_id")?,
        number: TicketNumber::new(running).to_string(),
        channel: row.try_get("channel")?,
        language: row.try_get("language")?,
        names: names.collect(),
        text: None,
        understood: record.get("understood").cloned().unwrap_or_default(),
        by: row.try_get("by_id")?,
        role: row.try_get("by_role")?,
        at: moment(row.try_get("at_ms")?),
    })
}

const CASE: &str = "t.number, t.language, c.channel, c.contact, k.profile, x.record, x.id AS decision, u.id AS by_id, \
     u.role AS by_role";
const JOINS: &str = "JOIN tickets t ON t.id = l.ticket_id JOIN conversations c ON c.id = t.conversation_id \
     LEFT JOIN customers k ON k.id = t.customer_id";

impl Store {
    /// Returns drafts that people decided, after a place, and the place after them; none where there are no more.
    pub async fn draft_labels(
        &self,
        tenant: &TenantId,
        after: &LabelCursor,
        limit: u32,
    ) -> Result<Option<(Vec<DraftLabel>, LabelCursor)>, StoreError> {
        let sql = format!(
            "SELECT l.id, l.ticket_id, l.decided_at AS at_ms, l.state, l.kind, l.locale, l.version, l.text, l.final_text, \
             l.reason_code, l.reason, {CASE} FROM drafts l {JOINS} LEFT JOIN decisions x ON x.id = l.decision_id \
             LEFT JOIN users u ON u.tenant = l.tenant AND u.name = l.decided_by \
             WHERE l.tenant = $1 AND l.decided_at IS NOT NULL AND l.decided_by IS NOT NULL \
             AND l.state IN ('approved', 'edited', 'rejected') \
             AND (l.decided_at > $2 OR (l.decided_at = $2 AND l.id > $3)) ORDER BY l.decided_at, l.id LIMIT $4"
        );
        let rows = self.label_rows(&sql, tenant, after, limit).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let next = LabelCursor(last.try_get("at_ms")?, last.try_get("id")?);
        let mut labels = Vec::with_capacity(rows.len());
        for row in &rows {
            labels.push(DraftLabel {
                case: self.with_text(row).await?,
                state: row.try_get("state")?,
                kind: row.try_get("kind")?,
                locale: row.try_get("locale")?,
                version: row.try_get("version")?,
                draft: some(row.try_get("text")?),
                sent: row.try_get::<Option<String>, _>("final_text")?.and_then(some),
                reason: (row.try_get("reason_code")?, row.try_get("reason")?),
            });
        }
        Ok(Some((labels, next)))
    }

    /// Returns fields that people corrected, likewise.
    pub async fn field_labels(
        &self,
        tenant: &TenantId,
        since: Option<DateTime<Utc>>,
        after: i64,
        limit: u32,
    ) -> Result<Option<(Vec<FieldLabel>, i64)>, StoreError> {
        let sql = format!(
            "SELECT l.seq, l.ticket_id, l.at AS at_ms, l.after, {CASE} FROM audit l {JOINS} \
             LEFT JOIN decisions x ON x.id = (SELECT d.id FROM decisions d WHERE d.ticket_id = l.ticket_id \
               AND d.decided_at <= l.at ORDER BY d.decided_at DESC, d.id DESC LIMIT 1) \
             LEFT JOIN users u ON u.tenant = l.tenant AND 'agent:' || u.name = l.actor \
             WHERE l.tenant = $1 AND l.action = 'field.overridden' AND l.at >= $2 AND l.seq > $3 ORDER BY l.seq LIMIT $4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(LabelCursor::since(since).0)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.reads)
            .await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let next = last.try_get("seq")?;
        let mut labels = Vec::with_capacity(rows.len());
        for row in &rows {
            let set: Option<String> = row.try_get("after")?;
            let set: Value = set.map_or(Ok(Value::Null), |set| from_json("trail", &set))?;
            let set = set.as_object().and_then(|set| set.iter().next());
            let Some((field, value)) = set else { continue };
            let (field, value) = (field.clone(), value.clone());
            labels.push(FieldLabel { case: self.with_text(row).await?, field, value });
        }
        Ok(Some((labels, next)))
    }

    /// Returns what people said of passages, likewise.
    pub async fn passage_labels(
        &self,
        tenant: &TenantId,
        after: &LabelCursor,
        limit: u32,
    ) -> Result<Option<(Vec<PassageLabel>, LabelCursor)>, StoreError> {
        const KEY: &str = "l.ticket_id || '#' || l.article || '#' || l.locale || '#' || l.heading || '#' || l.user_id";
        let sql = format!(
            "SELECT {KEY} AS id, l.ticket_id, l.voted_at AS at_ms, l.article, l.locale, l.heading, l.helpful, t.number, \
             t.language, c.channel, CAST(NULL AS TEXT) AS contact, CAST(NULL AS TEXT) AS profile, \
             CAST(NULL AS TEXT) AS record, l.user_id AS by_id, u.role AS by_role FROM passage_votes l {JOINS} \
             LEFT JOIN users u ON u.id = l.user_id WHERE l.tenant = $1 \
             AND (l.voted_at > $2 OR (l.voted_at = $2 AND {KEY} > $3)) ORDER BY l.voted_at, {KEY} LIMIT $4"
        );
        let rows = self.label_rows(&sql, tenant, after, limit).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let next = LabelCursor(last.try_get("at_ms")?, last.try_get("id")?);
        let labels = rows.iter().map(|row| {
            Ok(PassageLabel {
                case: case(row)?,
                article: row.try_get("article")?,
                locale: row.try_get("locale")?,
                heading: row.try_get("heading")?,
                helpful: row.try_get::<i64, _>("helpful")? != 0,
            })
        });
        Ok(Some((labels.collect::<Result<_, StoreError>>()?, next)))
    }

    async fn label_rows(
        &self,
        sql: &str,
        tenant: &TenantId,
        after: &LabelCursor,
        limit: u32,
    ) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(tenant.as_str())
            .bind(after.0)
            .bind(&after.1)
            .bind(i64::from(limit))
            .fetch_all(&self.reads)
            .await?)
    }

    /// Reads the case of a label with what the customer wrote in the turn that was decided.
    async fn with_text(&self, row: &AnyRow) -> Result<LabelCase, StoreError> {
        let mut found = case(row)?;
        let decision: Option<String> = row.try_get("decision")?;
        let Some(decision) = decision else { return Ok(found) };
        let texts: Vec<(String,)> = sqlx::query_as(
            "SELECT m.text FROM messages m JOIN tickets t ON t.conversation_id = m.conversation_id \
             WHERE t.id = $1 AND m.decision_id = $2 AND m.author = 'customer' ORDER BY m.seq",
        )
        .bind(&found.ticket)
        .bind(decision)
        .fetch_all(&self.reads)
        .await?;
        let texts: Vec<String> = texts.into_iter().map(|(text,)| text).collect();
        found.text = some(texts.join("\n").trim().to_owned());
        Ok(found)
    }
}
