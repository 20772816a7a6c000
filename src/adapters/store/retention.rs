//! What has had its time is forgotten: words of closed tickets, their drafts, customers who were not heard of.
//!
//! Each kind goes along an index of what is still kept, so that nothing forgotten is looked at again. Ids, labels and
//! times stay, as in an erasure.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use sqlx::AnyConnection;

use super::erasure::{erase_conversations, erase_customers, fill, run_all};
use super::indexing::{FORGET_TICKETS, READ_ANEW};
use super::{Dialect, Store, StoreError, audit, marks, millis, to_json};

/// How many rows one transaction forgets at the most.
const BATCH: usize = 500;
/// Who forgets.
const WORKER: &str = "worker";

/// For how many days what is kept of people stays; 0 keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Words of a ticket after it was closed: messages, replies, notes, subject, masked values, and who wrote where
    /// they are no customer; and where nothing arrived that long ago. What somebody does not want is kept.
    pub messages_days: u32,
    /// Drafts of a ticket after it was closed.
    pub drafts_days: u32,
    /// Customers after their record last changed and their last ticket was closed, with all their words.
    pub customers_days: u32,
}

/// What is forgotten of closed tickets.
struct Texts {
    /// As the settings call it.
    name: &'static str,
    /// The column of tickets that says whether it is still kept.
    kept: &'static str,
    /// What is done to the tickets in `{ids}`. The conversation first, as everywhere.
    statements: &'static [&'static str],
}

const MESSAGES: Texts = Texts {
    name: "messages",
    kept: "texts_kept",
    statements: &[
        "DELETE FROM network_keys WHERE contact_id IN (SELECT thread FROM conversations WHERE customer_id IS NULL \
         AND id IN (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids})",
        "DELETE FROM network_contacts WHERE id IN (SELECT thread FROM conversations WHERE customer_id IS NULL \
         AND id IN (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids})",
        "UPDATE conversations SET vault = '{}', contact = CASE WHEN customer_id IS NULL THEN '{}' ELSE contact END, \
         thread = CASE WHEN customer_id IS NULL THEN '{erased}' || id ELSE thread END \
         WHERE id IN (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids}",
        "{files_of_tickets}",
        "DELETE FROM message_changes WHERE message_id IN (SELECT id FROM messages WHERE conversation_id IN \
         (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids})",
        "UPDATE messages SET text = '', whole = NULL, original = NULL, subject = NULL, external_id = NULL \
         WHERE conversation_id IN (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids}",
        "UPDATE outbox SET body = '{no_body}' WHERE audience = 'customer' AND NOT ({unsent}) \
         AND conversation_id IN (SELECT conversation_id FROM tickets WHERE id IN {ids}) AND ticket_id IN {ids}",
        "DELETE FROM notes WHERE ticket_id IN {ids}",
        FORGET_TICKETS,
        // Whose they are may still be known.
        READ_ANEW,
        "UPDATE tickets SET subject = NULL, source_ref = '', texts_kept = 0 WHERE id IN {ids}",
    ],
};

const DRAFTS: Texts = Texts {
    name: "drafts",
    kept: "drafts_kept",
    statements: &[
        "UPDATE drafts SET text = '', ledger = '[]', passages = '[]', choices = NULL, final_text = NULL, \
         reason = NULL \
         WHERE ticket_id IN {ids}",
        "UPDATE tickets SET drafts_kept = 0 WHERE id IN {ids}",
    ],
};

/// What one transaction did.
struct Step {
    /// False while more may be due.
    is_last: bool,
    /// How many tickets or customers it forgot.
    forgotten: usize,
}

impl Store {
    /// Forgets what has had its time. Returns how many tickets and customers that concerned.
    pub async fn forget(
        &self,
        now: DateTime<Utc>,
        retention: Retention,
    ) -> Result<usize, StoreError> {
        let before = |days: u32| (days > 0).then(|| now - Duration::days(i64::from(days)));
        let mut forgotten = 0;
        for (texts, days) in
            [(&MESSAGES, retention.messages_days), (&DRAFTS, retention.drafts_days)]
        {
            let mut due = before(days);
            while let Some(before) = due {
                let step = self
                    .write(move |connection| {
                        Box::pin(async move { forget_texts(connection, now, before, texts).await })
                    })
                    .await?;
                forgotten += step.forgotten;
                due = due.filter(|_| !step.is_last);
            }
        }
        if let Some(before) = before(retention.messages_days) {
            self.write(move |connection| {
                Box::pin(async move { marks::forget_old(connection, before).await })
            })
            .await?;
        }
        let mut due = before(retention.customers_days);
        while let Some(before) = due {
            let step = self
                .write(move |connection| {
                    Box::pin(async move { forget_customers(connection, now, before).await })
                })
                .await?;
            forgotten += step.forgotten;
            due = due.filter(|_| !step.is_last);
        }
        Ok(forgotten)
    }
}

async fn forget_texts(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
    texts: &Texts,
) -> Result<Step, StoreError> {
    let sql = format!(
        "SELECT id, tenant FROM tickets WHERE closed_at IS NOT NULL AND {} = 1 AND closed_at < $1 \
         ORDER BY closed_at LIMIT {BATCH}",
        texts.kept
    );
    let due: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(millis(before))
        .fetch_all(&mut *connection)
        .await?;
    run_all(connection, texts.statements, &ids_of(&due), now).await?;
    tell(connection, now, texts.name, &due).await?;
    Ok(Step { is_last: due.len() < BATCH, forgotten: due.len() })
}

/// Looks at customers who were last seen long ago, as far as anybody looked. Whoever wrote since is put off until that
/// is long ago too, so that a message need not touch its customer's record.
async fn forget_customers(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<Step, StoreError> {
    let dialect = Dialect::of(connection);
    let due = format!(
        "SELECT id, tenant FROM customers WHERE seen_at IS NOT NULL AND seen_at < $1 ORDER BY seen_at LIMIT {BATCH}"
    );
    let due: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(due))
        .bind(millis(before))
        .fetch_all(&mut *connection)
        .await?;
    let is_last = due.len() < BATCH;
    let ids = ids_of(&due);
    let conversations = format!(
        "SELECT c.id FROM conversations c WHERE c.customer_id IN {} ORDER BY c.id{}",
        dialect.json_strings("$1"),
        dialect.lock("c")
    );
    sqlx::query(sqlx::AssertSqlSafe(conversations)).bind(&ids).fetch_all(&mut *connection).await?;
    let seen = "UPDATE customers SET seen_at = COALESCE((SELECT MAX(CASE WHEN t.status = 'closed' \
         THEN COALESCE(t.closed_at, t.created_at) ELSE {now} END) FROM tickets t WHERE t.customer_id = customers.id), \
         seen_at) WHERE id IN {ids}";
    run_all(connection, &[seen], &ids, now).await?;
    let gone = format!(
        "SELECT id, tenant FROM customers WHERE seen_at < $2 AND id IN {} ORDER BY id",
        dialect.json_strings("$1")
    );
    let gone: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(gone))
        .bind(&ids)
        .bind(millis(before))
        .fetch_all(&mut *connection)
        .await?;
    let theirs = fill(dialect, "SELECT id FROM conversations WHERE customer_id IN {ids}", now);
    let theirs: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(theirs))
        .bind(ids_of(&gone))
        .fetch_all(&mut *connection)
        .await?;
    let theirs: Vec<String> = theirs.into_iter().map(|(id,)| id).collect();
    erase_conversations(connection, now, &theirs, WORKER).await?;
    let customers: Vec<String> = gone.iter().map(|(id, _)| id.clone()).collect();
    erase_customers(connection, now, &customers).await?;
    tell(connection, now, "customers", &gone).await?;
    Ok(Step { is_last, forgotten: gone.len() })
}

fn ids_of(rows: &[(String, String)]) -> String {
    to_json(&rows.iter().map(|(id, _)| id).collect::<Vec<_>>())
}

/// Leaves one line for each business: how much of what was forgotten, by which setting.
async fn tell(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    name: &str,
    rows: &[(String, String)],
) -> Result<(), StoreError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, tenant) in rows {
        *counts.entry(tenant).or_default() += 1;
    }
    for (tenant, count) in counts {
        let what = if name == "customers" { "customers" } else { "tickets" };
        audit::append(
            connection,
            audit::Entry {
                tenant,
                at: now,
                ticket: None,
                conversation: None,
                actor: WORKER,
                action: "privacy.expired",
                before: None,
                after: Some(to_json(&serde_json::json!({"kind": name, what: count}))),
                cause: Some(format!("privacy.retention_{name}_days")),
            },
        )
        .await?;
    }
    Ok(())
}
