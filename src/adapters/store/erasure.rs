//! A person's data removed (LGPD, article 18): every word of theirs and to them, and whatever they are known by.
//!
//! Conversations and tickets stay as shells with ids, labels and times, so that decisions and the trail still have
//! something to stand on. What is on its way out is retired, and open tickets are closed.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::attachments::{ERASE, GRACE};
use super::handling::SPLIT;
use super::indexing::{FORGET_CONVERSATIONS, FORGET_CUSTOMERS, READ_CUSTOMERS_ANEW};
use super::many::{ROWS_MAX, to_int};
use super::person::{Kept, Person, TICKETS, count, origins};
use super::{Dialect, Store, StoreError, audit, millis, to_json};
use super::{marks, network, pace};
use crate::domain::message::MessageOrigin;

/// How many conversations are erased in one transaction.
const BATCH: usize = 50;

/// What was removed.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    /// How much.
    pub kept: Kept,
    /// Where the messages came from: the inbox may know them too.
    pub origins: Vec<MessageOrigin>,
}

/// A body that nothing is left of and that still reads as one.
pub(super) const NO_BODY: &str =
    r#"{"thread":"","to":{},"ticket_number":"","text":"","locale":"pt-BR","fallback_queue":""}"#;

/// What becomes of the conversations in `{ids}`. In this order: the trail is complete before a ticket notes that
/// nobody needs to look at it any more. A message that was never decided counts as decided, because nobody will.
const STATEMENTS: &[&str] = &[
    "DELETE FROM jobs WHERE kind = 'turn' AND subject IN {ids}",
    "{files}",
    "DELETE FROM message_changes WHERE message_id IN (SELECT id FROM messages WHERE conversation_id IN {ids}) \
     OR thread IN (SELECT thread FROM conversations WHERE id IN {ids})",
    "UPDATE messages SET text = '', whole = NULL, original = NULL, subject = NULL, meta = '{}', external_id = NULL, \
     decision_id = CASE WHEN author = 'customer' THEN COALESCE(decision_id, 'erased') ELSE decision_id END \
     WHERE conversation_id IN {ids}",
    "UPDATE drafts SET state = CASE WHEN state = 'proposed' THEN 'retired' ELSE state END, text = '', ledger = '[]', \
     passages = '[]', choices = NULL, final_text = NULL, reason = NULL WHERE ticket_id IN {tickets}",
    "DELETE FROM notes WHERE ticket_id IN {tickets}",
    "DELETE FROM content_wishes WHERE ticket_id IN {tickets}",
    FORGET_CONVERSATIONS,
    "DELETE FROM idempotency WHERE answer IN (SELECT id FROM outbox WHERE conversation_id IN {ids})",
    // What is just being handed over ends here as well: whoever hands it over finds nothing to finish.
    "UPDATE outbox SET body = '{no_body}', error = CASE WHEN {unsent} THEN 'contact erased' ELSE error END, \
     finished_at = CASE WHEN {unsent} THEN {now} ELSE finished_at END, \
     state = CASE WHEN {unsent} THEN 'retired' ELSE state END WHERE conversation_id IN {ids}",
    "UPDATE outbox SET body = '{}', finished_at = CASE WHEN {unsent} THEN {now} ELSE finished_at END, \
     state = CASE WHEN {unsent} THEN 'retired' ELSE state END WHERE audience = 'people' AND ticket_id IN {tickets}",
    // Nobody tells them more of an incident.
    "UPDATE incident_told SET heard = 9223372036854775807 WHERE conversation_id IN {ids} AND incident_id IN \
     (SELECT i.id FROM incidents i JOIN conversations c ON c.tenant = i.tenant WHERE c.id IN {ids})",
    // The only words in the trail that people choose freely.
    "UPDATE audit SET before = NULL, after = '{\"tags\":[]}' WHERE action = 'ticket.tagged' AND ticket_id IN {tickets}",
    "UPDATE tickets SET status = 'closed', solved_at = COALESCE(solved_at, {now}), closed_at = COALESCE(closed_at, {now}), \
     updated_at = {now}, subject = NULL, source_ref = '', fields = '{}', overrides = '{}', tags = '[]', \
     snoozed_until = NULL, callback_from = NULL, callback_until = NULL, texts_kept = 0, drafts_kept = 0, \
     clock_at = NULL, clock_rev = clock_rev + 1, \
     trail_seen = COALESCE((SELECT MAX(a.seq) FROM audit a WHERE a.ticket_id = tickets.id), trail_seen) \
     WHERE conversation_id IN {ids}",
    "DELETE FROM network_keys WHERE contact_id IN (SELECT thread FROM conversations WHERE id IN {ids})",
    "DELETE FROM network_contacts WHERE id IN (SELECT thread FROM conversations WHERE id IN {ids})",
    "UPDATE conversations SET thread = '{erased}' || id, contact = '{}', vault = '{}', owner = 'ai', owner_ref = NULL, \
     owner_until = NULL, version = version + 1, fence = fence + 1, updated_at = {now} WHERE id IN {ids}",
];

/// The messages of the conversations in `{ids}`.
const MESSAGES: &str = "(SELECT id FROM messages WHERE conversation_id IN {ids})";
/// The messages of the tickets in `{ids}`.
const MESSAGES_OF_TICKETS: &str = "(SELECT id FROM messages WHERE conversation_id IN (SELECT conversation_id FROM tickets \
     WHERE id IN {ids}) AND ticket_id IN {ids})";

/// The replies of the conversations in `{ids}`.
const REPLIES: &str = "(SELECT id FROM outbox WHERE conversation_id IN {ids})";
/// The replies of the tickets in `{ids}`.
const REPLIES_OF_TICKETS: &str = "(SELECT id FROM outbox WHERE conversation_id IN (SELECT conversation_id FROM tickets \
     WHERE id IN {ids}) AND ticket_id IN {ids})";

/// Writes a statement of ours for a database: `$1` is the list of ids.
pub(super) fn fill(dialect: Dialect, statement: &str, now: DateTime<Utc>) -> String {
    statement
        .replace("{files}", &ERASE.replace("{messages}", MESSAGES).replace("{replies}", REPLIES))
        .replace(
            "{files_of_tickets}",
            &ERASE
                .replace("{messages}", MESSAGES_OF_TICKETS)
                .replace("{replies}", REPLIES_OF_TICKETS),
        )
        .replace("{gone}", &millis(now + GRACE).to_string())
        .replace("{tickets}", TICKETS)
        .replace("{ids}", &dialect.json_strings("$1"))
        .replace("{unsent}", "state IN ('queued', 'sending')")
        .replace("{no_body}", NO_BODY)
        .replace("{erased}", SPLIT.encode_utf8(&mut [0; 4]))
        .replace("{now}", &millis(now).to_string())
}

/// Runs statements of ours on a list of ids.
pub(super) async fn run_all(
    connection: &mut AnyConnection,
    statements: &[&str],
    ids: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for statement in statements {
        let sql = fill(Dialect::of(connection), statement, now);
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .persistent(false)
            .bind(ids)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// Erases a person, in batches that a running worker passes between. `waiting` is how many of their messages were
    /// removed before they were filed. A message of theirs that is filed afterwards is somebody new's.
    pub async fn erase_person(
        &self,
        now: DateTime<Utc>,
        person: &Person,
        waiting: usize,
        actor: &str,
    ) -> Result<Erased, StoreError> {
        let mut person = person.clone();
        self.survey(&mut person).await?;
        let mut erased = Erased::default();
        erased.kept.waiting = to_int(waiting);
        for batch in person.conversation_ids().chunks(BATCH) {
            let ids: Vec<String> = batch.iter().map(|id| (*id).to_owned()).collect();
            let actor = actor.to_owned();
            let part = self
                .write(move |connection| {
                    Box::pin(
                        async move { erase_conversations(connection, now, &ids, &actor).await },
                    )
                })
                .await?;
            erased.kept.add(&part.kept);
            erased.origins.extend(part.origins);
        }
        // The record last: while it stands, another attempt finds what this one left.
        let (actor, mut kept) = (actor.to_owned(), erased.kept);
        erased.kept = self
            .write(move |connection| {
                Box::pin(async move {
                    // Whoever the business wrote to and who never wrote back has no conversation.
                    network::forget(connection, &person).await?;
                    pace::forget(connection, &person).await?;
                    let tenant = person.tenant.as_str();
                    marks::forget_keys(connection, tenant, person.keys()).await?;
                    let ids: Vec<String> = person.customers.iter().cloned().collect();
                    kept.customers = erase_customers(connection, now, &ids).await?;
                    if !kept.is_nothing() {
                        let entry = entry(person.tenant.as_str(), now, &actor, &kept);
                        audit::append(connection, entry).await?;
                    }
                    Ok(kept)
                })
            })
            .await?;
        Ok(erased)
    }
}

/// The one line that tells of an erasure: how much of what, and nothing of whom.
fn entry<'a>(tenant: &'a str, at: DateTime<Utc>, actor: &'a str, kept: &Kept) -> audit::Entry<'a> {
    audit::Entry {
        tenant,
        at,
        ticket: None,
        conversation: None,
        actor,
        action: "privacy.erased",
        before: None,
        after: Some(to_json(kept)),
        cause: None,
    }
}

/// Makes shells of conversations, all of one transaction.
pub(super) async fn erase_conversations(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ids: &[String],
    actor: &str,
) -> Result<Erased, StoreError> {
    let dialect = Dialect::of(connection);
    marks::forget(connection, ids).await?;
    let borrowed: Vec<&str> = ids.iter().map(String::as_str).collect();
    let ids = to_json(&ids);
    // The conversation first, as everywhere, so that nobody waits in a circle.
    let lock = format!(
        "SELECT c.id FROM conversations c WHERE c.id IN {} ORDER BY c.id{}",
        dialect.json_strings("$1"),
        dialect.lock("c")
    );
    sqlx::query(sqlx::AssertSqlSafe(lock)).bind(&ids).fetch_all(&mut *connection).await?;
    let kept = count(connection, &borrowed).await?;
    let origins = origins(connection, &borrowed).await?;
    tell_of_closing(connection, now, &ids, actor).await?;
    run_all(connection, STATEMENTS, &ids, now).await?;
    Ok(Erased { kept, origins })
}

/// Leaves a line for each ticket that an erasure closes: its clocks are read from there.
async fn tell_of_closing(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ids: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT id, tenant, conversation_id, status FROM tickets WHERE status <> 'closed' AND conversation_id IN {}",
        Dialect::of(connection).json_strings("$1")
    );
    let open: Vec<(String, String, String, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
    let entries: Vec<audit::Entry<'_>> = open
        .iter()
        .map(|(ticket, tenant, conversation, status)| audit::Entry {
            tenant,
            at: now,
            ticket: Some(ticket),
            conversation: Some(conversation),
            actor,
            action: "ticket.status",
            before: Some(to_json(&serde_json::json!({"status": status}))),
            after: Some(to_json(&serde_json::json!({"status": "closed"}))),
            cause: Some("privacy.erased".to_owned()),
        })
        .collect();
    for entries in entries.chunks(ROWS_MAX) {
        audit::append_all(connection, entries).await?;
    }
    Ok(())
}

/// Leaves of customers their ids only. Returns how many there were.
pub(super) async fn erase_customers(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ids: &[String],
) -> Result<i64, StoreError> {
    let dialect = Dialect::of(connection);
    let ids = to_json(&ids);
    let sql = fill(
        dialect,
        "UPDATE customers SET reference = '{erased}' || id, profile = '{}', updated_at = {now}, seen_at = NULL \
         WHERE seen_at IS NOT NULL AND id IN {ids}",
        now,
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&ids).execute(&mut *connection).await?;
    let statements = [
        "DELETE FROM contact_marks WHERE (kind = 'customer' AND value IN {ids}) OR (tenant, kind, value) IN \
         (SELECT tenant, kind, value FROM contacts WHERE customer_id IN {ids})",
        "DELETE FROM contacts WHERE customer_id IN {ids}",
        FORGET_CUSTOMERS,
        READ_CUSTOMERS_ANEW,
    ];
    run_all(connection, &statements, &ids, now).await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::store::OutboxBody;

    #[test]
    fn an_emptied_body_still_reads_as_one() {
        let body: OutboxBody = serde_json::from_str(NO_BODY).unwrap();
        assert_eq!((body.text.as_str(), body.thread.as_str(), body.to.name), ("", "", None));
    }

    #[test]
    fn no_statement_keeps_a_gap_or_touches_everything() {
        let now = DateTime::UNIX_EPOCH;
        for statement in STATEMENTS {
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let sql = fill(dialect, statement, now);
                for gap in [
                    "{ids}",
                    "{tickets}",
                    "{now}",
                    "{unsent}",
                    "{no_body}",
                    "{erased}",
                    "{gone}",
                    "{files}",
                    "{messages}",
                    "{replies}",
                ] {
                    assert!(!sql.contains(gap), "{sql}");
                }
                assert!(sql.contains("$1"), "{sql}");
            }
        }
    }
}
