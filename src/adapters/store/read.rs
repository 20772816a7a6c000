//! What lists and pages read. Lists are walked by cursor along an index, never counted from the start.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row;

use super::attachments::without_html;
use super::rows::{
    AuditRow, Cursor, DraftRow, MessageRow, QueueCount, ReviewRow, TicketFilter, TicketOrder,
    TicketRow, TicketView, draft_row, ticket_row,
};
use super::turns::MessageMeta;
use super::{Store, StoreError, from_json, moment, no_nul, to_json};
use crate::domain::ids::{TenantId, TicketId, TicketNumber};

pub(super) const TICKET_COLUMNS: &str = "t.id, t.number, t.status, t.channel, t.subject, t.language, t.category, t.subcategory, \
     t.urgency, t.sentiment, t.action, t.queue, t.level, t.assignee, t.tags, t.created_at, t.updated_at, t.sla_state, \
     t.sla_clock, t.sla_due_at, t.breach_reason, t.queue_rank, t.snoozed_until, t.callback_from, t.callback_until, t.csat, \
     c.owner, c.contact, k.profile";
pub(super) const TICKET_TABLES: &str = "tickets t JOIN conversations c ON c.id = t.conversation_id \
     LEFT JOIN customers k ON k.id = t.customer_id";

impl Store {
    /// Lists tickets in an order.
    pub async fn list_tickets(
        &self,
        tenant: &TenantId,
        filter: &TicketFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<TicketRow>, StoreError> {
        let mut conditions = vec!["t.tenant = $1".to_owned()];
        let mut texts: Vec<&str> = vec![tenant.as_str()];
        self.narrow(filter, &mut conditions, &mut texts);
        let (column, beyond, direction) = match filter.order {
            TicketOrder::Newest => ("t.created_at", "<", "DESC"),
            TicketOrder::Rank => ("t.queue_rank", ">", "ASC"),
        };
        if filter.order == TicketOrder::Rank {
            conditions.push("t.clock_at IS NOT NULL AND t.queue_rank IS NOT NULL".to_owned());
        }
        if let Some(cursor) = after {
            texts.push(&cursor.id);
            let (id, at) = (texts.len(), cursor.at);
            conditions.push(format!(
                "({column} {beyond} {at} OR ({column} = {at} AND t.id {beyond} ${id}))"
            ));
        }
        let sql = format!(
            "SELECT {TICKET_COLUMNS} FROM {TICKET_TABLES} WHERE {} \
             ORDER BY {column} {direction}, t.id {direction} LIMIT {limit}",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for text in texts {
            query = query.bind(no_nul(text));
        }
        query.fetch_all(&self.reads).await?.iter().map(ticket_row).collect()
    }

    /// Adds what a filter asks for to the conditions of a query, and the texts that they name.
    pub(super) fn narrow<'f>(
        &self,
        filter: &'f TicketFilter,
        conditions: &mut Vec<String>,
        texts: &mut Vec<&'f str>,
    ) {
        for (column, value) in &filter.equal {
            if TicketFilter::COLUMNS.contains(column) {
                texts.push(value);
                conditions.push(format!("t.{column} = ${}", texts.len()));
                if *column == "sla_state" && value != "on_track" {
                    // Says to the planner what its index of late tickets is for.
                    conditions
                        .push("t.sla_state <> 'on_track' AND t.clock_at IS NOT NULL".to_owned());
                }
            }
        }
        if let Some(tag) = &filter.tag {
            texts.push(tag);
            let tags = self.dialect.json_strings("t.tags");
            conditions.push(format!("${} IN {tags}", texts.len()));
        }
        if let Some(customer) = &filter.customer {
            texts.push(customer);
            conditions.push(format!("k.reference = ${}", texts.len()));
        }
    }

    /// Returns everything about a ticket; `None` if the tenant has no such ticket.
    pub async fn ticket(
        &self,
        tenant: &TenantId,
        id: &TicketId,
    ) -> Result<Option<TicketView>, StoreError> {
        let sql = format!(
            "SELECT {TICKET_COLUMNS}, c.version, c.owner_ref, c.owner_until, c.opted_out, c.last_inbound_at, c.account, t.customer_id, t.parent_id, t.fields, t.overrides, t.decision_id, \
             t.conversation_id, t.first_response_at, t.solved_at, t.closed_at FROM {TICKET_TABLES} \
             WHERE t.tenant = $1 AND t.id = $2"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(no_nul(id.as_str()))
            .fetch_optional(&self.reads)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let json = |column: &'static str| -> Result<Value, StoreError> {
            row.try_get::<Option<String>, _>(column)?
                .map_or(Ok(Value::Null), |text: String| from_json(column, &text))
        };
        let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
            Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
        };
        let conversation: String = row.try_get("conversation_id")?;
        let customer: Option<String> = row.try_get("customer_id")?;
        let decision: Option<String> = row.try_get("decision_id")?;
        Ok(Some(TicketView {
            row: ticket_row(&row)?,
            version: row.try_get("version")?,
            owner_name: row.try_get("owner_ref")?,
            owner_until: when("owner_until")?,
            opted_out: row.try_get::<i64, _>("opted_out")? != 0,
            last_inbound_at: when("last_inbound_at")?,
            account: row.try_get("account")?,
            contact: json("contact")?,
            customer: json("profile")?,
            marks: self.marks_of_conversation(tenant, &conversation).await?,
            parent_id: row.try_get("parent_id")?,
            linked: self.linked(customer.as_deref(), id).await?,
            fields: json("fields")?,
            overrides: json("overrides")?,
            messages: self.messages_of(&conversation).await?,
            drafts: self.drafts_of(id).await?,
            decision: self.decision(decision.as_deref()).await?,
            notes: self.notes_of(id).await?,
            outbox: self.outbox_of(id).await?,
            audit: self.audit_of(id).await?,
            first_response_at: when("first_response_at")?,
            solved_at: when("solved_at")?,
            closed_at: when("closed_at")?,
        }))
    }

    /// Finds the ticket of a message; `None` while it is still in the inbox.
    pub async fn ticket_of_message(
        &self,
        tenant: &TenantId,
        message: &str,
    ) -> Result<Option<(String, bool)>, StoreError> {
        let row: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT ticket_id, decision_id FROM messages WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(no_nul(message))
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|(ticket, decision)| (ticket, decision.is_some())))
    }

    async fn linked(
        &self,
        customer: Option<&str>,
        id: &TicketId,
    ) -> Result<Vec<String>, StoreError> {
        let Some(customer) = customer else { return Ok(Vec::new()) };
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM tickets WHERE customer_id = $1 AND id <> $2 ORDER BY created_at DESC LIMIT 20",
        )
        .bind(customer)
        .bind(id.as_str())
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    async fn messages_of(&self, conversation: &str) -> Result<Vec<MessageRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, author, author_ref, outbox_id, subject, text, whole, original, edited_at, deleted_at, meta, decision_id, sent_at \
             FROM messages WHERE conversation_id = $1 ORDER BY seq DESC LIMIT 200",
        )
        .bind(conversation)
        .fetch_all(&self.reads)
        .await?;
        let ids: Result<Vec<String>, sqlx::Error> =
            rows.iter().map(|row| row.try_get("id")).collect();
        let ids = ids?;
        let mut attachments = self.attachments_of(&ids).await?;
        let is_changed = |row: &&sqlx::any::AnyRow| {
            row.try_get::<Option<String>, _>("original").is_ok_and(|original| original.is_some())
        };
        let mut edits = match rows.iter().find(is_changed) {
            Some(_) => self.edits_of(&ids).await?,
            None => HashMap::new(),
        };
        rows.iter()
            .rev()
            .map(|row| {
                let id: String = row.try_get("id")?;
                let meta: String = row.try_get("meta")?;
                let meta: MessageMeta = from_json("message meta", &meta)?;
                let (html, attachments) = without_html(attachments.remove(&id).unwrap_or_default());
                let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
                    Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
                };
                let (text, deleted_at): (String, _) = (row.try_get("text")?, when("deleted_at")?);
                let before: Option<String> = row.try_get("original")?;
                let edits = edits.remove(&id).unwrap_or_default();
                Ok(MessageRow {
                    attachments,
                    html,
                    original: row.try_get("whole")?,
                    part: meta.part.map(|part| part.as_str().to_owned()),
                    transcribed: meta.transcribed,
                    notice: meta.notice,
                    author_name: row.try_get("author_ref")?,
                    outbox_id: row.try_get("outbox_id")?,
                    id,
                    author: row.try_get("author")?,
                    subject: row.try_get("subject")?,
                    earlier: earlier(before, edits, deleted_at.is_none().then_some(&text)),
                    text,
                    edited_at: when("edited_at")?,
                    deleted_at,
                    decision_id: row.try_get("decision_id")?,
                    sent_at: moment(row.try_get("sent_at")?),
                })
            })
            .collect()
    }

    /// Returns the words that changes gave to messages, by message, in the order in which their sender wrote them.
    async fn edits_of(
        &self,
        messages: &[String],
    ) -> Result<HashMap<String, Vec<String>>, StoreError> {
        let sql = format!(
            "SELECT message_id, text FROM message_changes WHERE kind = 'edit' AND message_id IN {} \
             ORDER BY changed_at, received_at, external_id",
            self.dialect.json_strings("$1")
        );
        let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(to_json(&messages))
            .fetch_all(&self.reads)
            .await?;
        let mut edits: HashMap<String, Vec<String>> = HashMap::new();
        for (message, text) in rows {
            edits.entry(message).or_default().push(text);
        }
        Ok(edits)
    }

    async fn drafts_of(&self, id: &TicketId) -> Result<Vec<DraftRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, state, text, final_text, locale, kind, choices, ledger, passages, decided_by, decided_at, reason, \
             created_at AS draft_created_at FROM drafts WHERE ticket_id = $1 ORDER BY version DESC LIMIT 50",
        )
        .bind(id.as_str())
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(draft_row).collect()
    }

    async fn decision(&self, id: Option<&str>) -> Result<Value, StoreError> {
        let Some(id) = id else { return Ok(Value::Null) };
        let row: Option<(String,)> = sqlx::query_as("SELECT record FROM decisions WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reads)
            .await?;
        row.map_or(Ok(Value::Null), |(record,)| from_json("decision", &record))
    }

    async fn notes_of(&self, id: &TicketId) -> Result<Value, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT id, author, text, created_at FROM notes WHERE ticket_id = $1 ORDER BY created_at, id LIMIT 200",
        )
        .bind(id.as_str())
        .fetch_all(&self.reads)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, author, text, at)| {
                serde_json::json!({"id": id, "author": author, "text": text, "at": moment(at)})
            })
            .collect())
    }

    async fn outbox_of(&self, id: &TicketId) -> Result<Value, StoreError> {
        let rows = sqlx::query(
            "SELECT o.id, o.state, o.author, o.author_ref, o.automatic, o.kind, o.error, o.delivery, o.attempts, o.body, o.due_at, \
             o.created_at FROM outbox o JOIN tickets t ON t.conversation_id = o.conversation_id \
             WHERE t.id = $1 AND o.ticket_id = t.id ORDER BY o.seq DESC LIMIT 50",
        )
        .bind(id.as_str())
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(outbox_line).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    async fn audit_of(&self, id: &TicketId) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, at, actor, action, before, after, cause FROM audit WHERE ticket_id = $1 \
             ORDER BY seq DESC LIMIT 500",
        )
        .bind(id.as_str())
        .fetch_all(&self.reads)
        .await?;
        let json = |text: Option<String>| {
            text.map_or(Ok(Value::Null), |text| from_json("audit entry", &text))
        };
        rows.iter()
            .rev()
            .map(|row| {
                Ok(AuditRow {
                    seq: row.try_get("seq")?,
                    at: moment(row.try_get("at")?),
                    actor: row.try_get("actor")?,
                    action: row.try_get("action")?,
                    before: json(row.try_get("before")?)?,
                    after: json(row.try_get("after")?)?,
                    cause: row.try_get("cause")?,
                })
            })
            .collect()
    }

    /// Counts live tickets by how they stand.
    pub async fn sla_counts(&self, tenant: &TenantId) -> Result<Vec<(String, i64)>, StoreError> {
        // Those in time are many and the others few: an index lists only the others.
        let mut counts: Vec<(String, i64)> = sqlx::query_as(
            "SELECT sla_state, COUNT(*) FROM tickets WHERE tenant = $1 AND clock_at IS NOT NULL AND sla_state <> 'on_track' \
             AND status IN ('new', 'open', 'pending', 'escalated') GROUP BY sla_state ORDER BY sla_state",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        let (all,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM tickets WHERE tenant = $1 AND status IN ('new', 'open', 'pending', 'escalated')",
        )
        .bind(tenant.as_str())
        .fetch_one(&self.reads)
        .await?;
        let others: i64 = counts.iter().map(|(_, count)| count).sum();
        counts.push(("on_track".to_owned(), all - others));
        Ok(counts)
    }

    /// Counts what waits, per queue, level and kind of owner.
    pub async fn queue_counts(&self, tenant: &TenantId) -> Result<Vec<QueueCount>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.queue, t.level, c.owner, COUNT(*) AS tickets, MIN(t.created_at) AS oldest, \
             SUM(CASE WHEN t.sla_state = 'at_risk' THEN 1 ELSE 0 END) AS at_risk, \
             SUM(CASE WHEN t.sla_state = 'breached' THEN 1 ELSE 0 END) AS breached, MIN(t.sla_due_at) AS next_due FROM tickets t \
             JOIN conversations c ON c.id = t.conversation_id \
             WHERE t.tenant = $1 AND t.status IN ('new', 'open', 'escalated', 'pending') AND t.queue IS NOT NULL \
             AND c.ticket_id = t.id AND c.owner <> 'ai' GROUP BY t.queue, t.level, c.owner ORDER BY t.queue, t.level, c.owner",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(QueueCount {
                    queue: row.try_get("queue")?,
                    level: row.try_get("level")?,
                    owner: row.try_get("owner")?,
                    tickets: row.try_get("tickets")?,
                    oldest: row.try_get::<Option<i64>, _>("oldest")?.map(moment),
                    at_risk: row.try_get("at_risk")?,
                    breached: row.try_get("breached")?,
                    next_due: row.try_get::<Option<i64>, _>("next_due")?.map(moment),
                })
            })
            .collect()
    }

    /// Finds a ticket by its number; `None` if the tenant has no such ticket.
    pub async fn ticket_by_number(
        &self,
        tenant: &TenantId,
        number: TicketNumber,
    ) -> Result<Option<TicketId>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT id FROM tickets WHERE tenant = $1 AND number = $2")
                .bind(tenant.as_str())
                .bind(i64::try_from(number.running()).unwrap_or(i64::MAX))
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|(id,)| TicketId::from_stored(id)))
    }

    /// Lists drafts that wait for review, oldest first.
    pub async fn list_review(
        &self,
        tenant: &TenantId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<ReviewRow>, StoreError> {
        let after = after.cloned().unwrap_or(Cursor { at: i64::MIN, id: String::new() });
        let sql = format!(
            "SELECT {TICKET_COLUMNS}, d.version, d.state, d.text, d.final_text, d.locale, d.kind, d.choices, d.ledger, d.passages, \
             d.decided_by, d.decided_at, d.reason, d.created_at AS draft_created_at \
             FROM drafts d JOIN tickets t ON t.id = d.ticket_id JOIN conversations c ON c.id = t.conversation_id \
             LEFT JOIN customers k ON k.id = t.customer_id \
             WHERE d.tenant = $1 AND d.state = 'proposed' AND t.action = 'review' AND (d.created_at > $2 OR (d.created_at = $2 AND t.id > $3)) \
             ORDER BY d.created_at, t.id LIMIT {limit}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(after.at)
            .bind(no_nul(&after.id))
            .fetch_all(&self.reads)
            .await?;
        rows.iter()
            .map(|row| Ok(ReviewRow { draft: draft_row(row)?, ticket: ticket_row(row)? }))
            .collect()
    }
}

fn outbox_line(row: &sqlx::any::AnyRow) -> Result<Value, StoreError> {
    let body: Value = from_json("outbox body", &row.try_get::<String, _>("body")?)?;
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    Ok(serde_json::json!({
        "id": text("id")?, "state": text("state")?, "author": text("author")?, "by": text("author_ref")?,
        "automatic": row.try_get::<i64, _>("automatic")? == 1, "kind": text("kind")?, "error": text("error")?,
        "delivery": text("delivery")?, "attempts": row.try_get::<i64, _>("attempts")?, "text": body.get("text"),
        "leaves_at": moment(row.try_get("due_at")?), "at": moment(row.try_get("created_at")?),
    }))
}

/// Returns what a message said before what it says now, each once in a row.
fn earlier(original: Option<String>, edits: Vec<String>, now: Option<&String>) -> Vec<String> {
    let Some(original) = original else { return Vec::new() };
    let mut said = vec![original];
    said.extend(edits);
    said.dedup();
    if said.last() == now {
        said.pop();
    }
    said.retain(|words| !words.is_empty());
    said
}
