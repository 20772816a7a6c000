//! What people's queues at the desk show: the tickets of a place, as people take them, and how many there are.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::read::{TICKET_COLUMNS, TICKET_TABLES};
use super::rows::{Cursor, TicketFilter, TicketRow, ticket_row};
use super::{Store, StoreError, from_json, millis, no_nul, to_json};
use crate::domain::ids::TenantId;

/// Most characters of a message that a row shows.
const WORDS_MAX: u32 = 120;

/// Where at the desk a ticket waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A draft waits to be reviewed.
    Review,
    /// A queue of people.
    Queue(String),
    /// An agent has it.
    Of(String),
    /// It was put aside.
    Snoozed,
    /// Anywhere, as long as it is not over.
    Anywhere,
}

/// Which tickets of a place are shown.
#[derive(Clone, Debug)]
pub struct QueueAsk {
    /// Where they wait.
    pub place: Place,
    /// What they must be like.
    pub filter: TicketFilter,
    /// The last row of the page before.
    pub after: Option<Cursor>,
    /// How many at the most.
    pub limit: u32,
}

/// A ticket in a queue.
#[derive(Clone, Debug)]
pub struct QueueRow {
    /// The ticket.
    pub ticket: TicketRow,
    /// How sure the worker was of its latest decision.
    pub confidence: Option<f64>,
    /// The customer's plan.
    pub plan: Option<String>,
    /// What the customer is known by where they have no name: an address, a number, the business's own key.
    pub contact: Option<String>,
    /// The beginning of what the customer wrote last.
    pub words: Option<String>,
}

impl Store {
    /// Lists the tickets of a place by deadline and risk; those put aside by when they come back.
    pub async fn desk_queue(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        ask: &QueueAsk,
    ) -> Result<Vec<QueueRow>, StoreError> {
        let mut conditions = vec!["t.tenant = $1".to_owned()];
        let mut texts: Vec<&str> = vec![tenant.as_str()];
        self.narrow(&ask.filter, &mut conditions, &mut texts);
        conditions.extend(place(&ask.place, now, &mut texts));
        if let Some(cursor) = &ask.after {
            texts.push(&cursor.id);
            let (id, at) = (texts.len(), cursor.at);
            conditions
                .push(format!("(t.queue_rank > {at} OR (t.queue_rank = {at} AND t.id > ${id}))"));
        }
        let sql = format!(
            "SELECT {TICKET_COLUMNS}, d.confidence, (SELECT SUBSTR(m.text, 1, {WORDS_MAX}) FROM messages m \
             WHERE m.conversation_id = c.id AND m.author = 'customer' ORDER BY m.seq DESC LIMIT 1) AS words \
             FROM {TICKET_TABLES} LEFT JOIN decisions d ON d.id = t.decision_id \
             WHERE {} ORDER BY t.queue_rank, t.id LIMIT {}",
            conditions.join(" AND "),
            ask.limit
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(no_nul(text));
        }
        query.fetch_all(&self.reads).await?.iter().map(queue_row).collect()
    }

    /// Returns tickets by their ids, newest first; those of other businesses are none.
    pub async fn ticket_rows(
        &self,
        tenant: &TenantId,
        ids: &[&str],
    ) -> Result<Vec<TicketRow>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {TICKET_COLUMNS} FROM {TICKET_TABLES} WHERE t.tenant = $1 AND t.id IN {} ORDER BY t.created_at DESC",
            self.dialect.json_strings("$2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(to_json(&ids))
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(ticket_row).collect()
    }

    /// Returns the place of the newest message of all.
    pub async fn latest_message(&self) -> Result<i64, StoreError> {
        let (seq,): (Option<i64>,) =
            sqlx::query_as("SELECT MAX(seq) FROM messages").fetch_one(&self.reads).await?;
        Ok(seq.unwrap_or(0))
    }

    /// Returns the tickets that messages came to after a place among the messages.
    pub async fn messages_after(
        &self,
        tenant: &TenantId,
        now: DateTime<Utc>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let until = self.settled_by(now);
        Ok(sqlx::query_as(
            "SELECT seq, ticket_id FROM messages WHERE seq > $1 AND tenant = $2 AND received_at <= $3 ORDER BY seq LIMIT $4",
        )
        .bind(after)
        .bind(tenant.as_str())
        .bind(until)
        .bind(i64::from(limit))
        .fetch_all(&self.reads)
        .await?)
    }

    /// Counts the tickets of a place, at most `most`: what is beyond is of no use to anybody.
    pub async fn desk_count(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        of: &Place,
        most: u32,
    ) -> Result<i64, StoreError> {
        let mut texts: Vec<&str> = vec![tenant.as_str()];
        let mut conditions = vec!["t.tenant = $1".to_owned()];
        conditions.extend(place(of, now, &mut texts));
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
             WHERE {} LIMIT {most}) AS some",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(no_nul(text));
        }
        let (count,): (i64,) = query.fetch_one(&self.reads).await?;
        Ok(count)
    }
}

/// The conditions of a place. Each names what its index is for.
fn place<'p>(place: &'p Place, now: DateTime<Utc>, texts: &mut Vec<&'p str>) -> Vec<String> {
    const LIVE: &str = "t.clock_at IS NOT NULL AND t.queue_rank IS NOT NULL";
    const WAITS: &str = "t.status IN ('new', 'open', 'escalated')";
    let awake = format!("(t.snoozed_until IS NULL OR t.snoozed_until <= {})", millis(now));
    let mut conditions = vec![LIVE.to_owned()];
    match place {
        Place::Review => {
            conditions.push("t.action = 'review' AND c.owner = 'review'".to_owned());
            conditions.extend([WAITS.to_owned(), awake]);
        }
        Place::Queue(queue) => {
            texts.push(queue);
            conditions
                .push(format!("t.queue = ${} AND c.owner IN ('queue', 'agent')", texts.len()));
            conditions.extend([WAITS.to_owned(), awake]);
        }
        Place::Of(agent) => {
            texts.push(agent);
            conditions.push(format!("t.assignee = ${} AND c.owner = 'agent'", texts.len()));
            conditions.push(awake);
        }
        Place::Snoozed => {
            conditions.push(format!("t.snoozed_until > {}", millis(now)));
            conditions.push("t.status NOT IN ('solved', 'closed')".to_owned());
        }
        Place::Anywhere => conditions.push("t.status NOT IN ('solved', 'closed')".to_owned()),
    }
    // Of the tickets of a conversation only the latest is worked on.
    conditions.push("c.ticket_id = t.id".to_owned());
    conditions
}

fn queue_row(row: &AnyRow) -> Result<QueueRow, StoreError> {
    let profile: Option<String> = row.try_get("profile")?;
    let profile: Value = profile.map_or(Ok(Value::Null), |text| from_json("customer", &text))?;
    let contact: Value = from_json("contact", &row.try_get::<String, _>("contact")?)?;
    let ticket = ticket_row(row)?;
    Ok(QueueRow {
        contact: known_by(&contact).map(str::to_owned),
        confidence: row.try_get("confidence")?,
        plan: profile.get("plan").and_then(Value::as_str).map(str::to_owned),
        words: row.try_get::<Option<String>, _>("words")?.map(|text| one_line(&text)),
        ticket,
    })
}

/// What a contact without a name is called by.
pub fn known_by(contact: &Value) -> Option<&str> {
    ["email", "phone", "reference"].into_iter().find_map(|name| contact.get(name)?.as_str())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
