//! Messages into conversations and tickets: each recorded once, each with a job for its turn.

use chrono::{DateTime, Duration, Utc};
use sqlx::AnyConnection;

use super::{Dialect, Store, StoreError, audit, from_json, millis, no_nul, to_json};
use crate::domain::ids::{ConversationId, JobId, TicketId};
use crate::domain::message::{Contact, InboundMessage};

/// When the turn that a message belongs to is over.
#[derive(Clone, Copy, Debug)]
pub struct TurnWindow {
    /// After the last message.
    pub after_last: Duration,
    /// After the first message at the latest.
    pub at_most: Duration,
}

/// A message together with what intake needs to file it.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The message.
    pub message: InboundMessage,
    /// The id a new conversation gets.
    pub conversation_id: ConversationId,
    /// The id a new job gets.
    pub job_id: JobId,
    /// When its turn ends.
    pub window: TurnWindow,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was filed under this ticket.
    New(TicketId),
    /// It was filed before.
    Duplicate,
}

struct Filed {
    id: String,
    ticket: String,
    status: String,
    customer: Option<String>,
    contact: String,
}

impl Store {
    /// Files messages in their order, all in one transaction: finds or opens conversation and ticket,
    /// raises the conversation's version, queues or extends the turn's job. Idempotent by
    /// (tenant, channel, account, external id).
    pub async fn record_inbound(
        &self,
        now: DateTime<Utc>,
        mut batch: Vec<Intake>,
    ) -> Result<Vec<Recorded>, StoreError> {
        for intake in &mut batch {
            make_storable(&mut intake.message);
        }
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move {
                let mut recorded = Vec::with_capacity(batch.len());
                for intake in &batch {
                    recorded.push(record_one(connection, dialect, now, intake).await?);
                }
                Ok(recorded)
            })
        })
        .await
    }
}

/// Takes NUL out of everything that the sender chose.
fn make_storable(message: &mut InboundMessage) {
    let texts = [
        Some(&mut message.account),
        Some(&mut message.external_id),
        Some(&mut message.thread),
        Some(&mut message.text),
        message.subject.as_mut(),
        message.given.category.as_mut(),
        message.contact.reference.as_mut(),
        message.contact.email.as_mut(),
    ];
    for text in texts.into_iter().flatten() {
        if text.contains('\0') {
            *text = no_nul(text);
        }
    }
}

async fn record_one(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    intake: &Intake,
) -> Result<Recorded, StoreError> {
    let message = &intake.message;
    let known: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM messages WHERE tenant = $1 AND channel = $2 AND account = $3 AND external_id = $4",
    )
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.external_id)
    .fetch_optional(&mut *connection)
    .await?;
    if known.is_some() {
        return Ok(Recorded::Duplicate);
    }

    let (conversation, ticket) = match find_conversation(connection, dialect, message).await? {
        Some(filed) if filed.status != "closed" => {
            touch_conversation(connection, now, message, &filed).await?;
            (filed.id, filed.ticket)
        }
        Some(filed) => {
            let customer = touch_conversation(connection, now, message, &filed).await?;
            let (customer, parent) = (customer.as_deref(), Some(filed.ticket.as_str()));
            open_ticket(connection, now, message, &filed.id, customer, parent).await?;
            sqlx::query("UPDATE conversations SET ticket_id = $1, owner = 'ai', owner_ref = NULL, owner_until = NULL, fence = fence + 1 WHERE id = $2")
                .bind(message.ticket_id.as_str())
                .bind(&filed.id)
                .execute(&mut *connection)
                .await?;
            (filed.id, message.ticket_id.as_str().to_owned())
        }
        None => {
            let id = intake.conversation_id.as_str();
            let customer = find_customer(connection, message).await?;
            open_conversation(connection, now, message, id, customer.as_deref()).await?;
            open_ticket(connection, now, message, id, customer.as_deref(), None).await?;
            (id.to_owned(), message.ticket_id.as_str().to_owned())
        }
    };
    insert_message(connection, message, &conversation, &ticket).await?;
    queue_turn(connection, now, intake, &conversation).await?;
    Ok(Recorded::New(TicketId::from_stored(ticket)))
}

/// Locks both rows, so that nobody closes the ticket between this look and the filing.
async fn find_conversation(
    connection: &mut AnyConnection,
    dialect: Dialect,
    message: &InboundMessage,
) -> Result<Option<Filed>, StoreError> {
    let sql = format!(
        "SELECT c.id, t.id, t.status, c.customer_id, c.contact FROM conversations c JOIN tickets t ON t.id = c.ticket_id \
         WHERE c.tenant = $1 AND c.channel = $2 AND c.account = $3 AND c.thread = $4{}",
        dialect.lock("c, t")
    );
    let row: Option<(String, String, String, Option<String>, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(message.tenant.as_str())
            .bind(message.channel.as_str())
            .bind(&message.account)
            .bind(&message.thread)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(id, ticket, status, customer, contact)| Filed {
        id,
        ticket,
        status,
        customer,
        contact,
    }))
}

/// Raises the version, so that nothing drafted before this message is sent after it. Returns the
/// customer, if known by now.
async fn touch_conversation(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    message: &InboundMessage,
    filed: &Filed,
) -> Result<Option<String>, StoreError> {
    let contact = merged(from_json("contact", &filed.contact)?, &message.contact);
    let customer = match &filed.customer {
        Some(known) => Some(known.clone()),
        None => find_customer(connection, message).await?,
    };
    sqlx::query(
        "UPDATE conversations SET version = version + 1, contact = $1, customer_id = $2, \
         last_inbound_at = $3, updated_at = $4 WHERE id = $5",
    )
    .bind(to_json(&contact))
    .bind(&customer)
    .bind(millis(message.sent_at))
    .bind(millis(now))
    .bind(&filed.id)
    .execute(&mut *connection)
    .await?;
    if filed.customer.is_none() && customer.is_some() {
        // Whoever wrote before they were known has their tickets all the same.
        sqlx::query(
            "UPDATE tickets SET customer_id = $1 WHERE conversation_id = $2 AND customer_id IS NULL",
        )
        .bind(&customer)
        .bind(&filed.id)
        .execute(&mut *connection)
        .await?;
    }
    super::drafts::retire_proposed(connection, &filed.ticket).await?;
    Ok(customer)
}

fn merged(known: Contact, new: &Contact) -> Contact {
    Contact {
        reference: new.reference.clone().or(known.reference),
        name: new.name.clone().or(known.name),
        email: new.email.clone().or(known.email),
        phone: new.phone.clone().or(known.phone),
    }
}

async fn find_customer(
    connection: &mut AnyConnection,
    message: &InboundMessage,
) -> Result<Option<String>, StoreError> {
    for (kind, value) in super::customers::keys_of(&message.contact) {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT customer_id FROM contacts WHERE tenant = $1 AND kind = $2 AND value = $3",
        )
        .bind(message.tenant.as_str())
        .bind(kind)
        .bind(value)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some((id,)) = row {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn open_conversation(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    message: &InboundMessage,
    id: &str,
    customer: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO conversations (id, tenant, channel, account, thread, customer_id, contact, version, fence, \
         owner, ai_turns, opted_out, ticket_id, vault, last_inbound_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 1, 'ai', 0, 0, $8, '{}', $9, $10, $10)",
    )
    .bind(id)
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.thread)
    .bind(customer)
    .bind(to_json(&message.contact))
    .bind(message.ticket_id.as_str())
    .bind(millis(message.sent_at))
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(())
}

async fn open_ticket(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    message: &InboundMessage,
    conversation: &str,
    customer: Option<&str>,
    parent: Option<&str>,
) -> Result<(), StoreError> {
    let (number,): (i64,) = sqlx::query_as(
        "INSERT INTO counters (tenant, name, value) VALUES ($1, 'ticket', 1) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value",
    )
    .bind(message.tenant.as_str())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO tickets (id, tenant, number, conversation_id, customer_id, parent_id, channel, source_ref, \
         status, subject, category, urgency, fields, overrides, tags, escalations, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'new', $9, $10, $11, '{}', '{}', '[]', 0, $12, $12)",
    )
    .bind(message.ticket_id.as_str())
    .bind(message.tenant.as_str())
    .bind(number)
    .bind(conversation)
    .bind(customer)
    .bind(parent)
    .bind(message.channel.as_str())
    .bind(&message.external_id)
    .bind(&message.subject)
    .bind(&message.given.category)
    .bind(message.given.urgency.map(crate::domain::labels::Urgency::as_str))
    .bind(millis(now))
    .execute(&mut *connection)
    .await?;
    audit::append(
        connection,
        audit::Entry {
            tenant: message.tenant.as_str(),
            at: now,
            ticket: Some(message.ticket_id.as_str()),
            conversation: Some(conversation),
            actor: "worker",
            action: "ticket.opened",
            before: None,
            after: Some(to_json(&serde_json::json!({"status": "new", "parent": parent}))),
            cause: Some(message.id.as_str().to_owned()),
        },
    )
    .await
}

async fn insert_message(
    connection: &mut AnyConnection,
    message: &InboundMessage,
    conversation: &str,
    ticket: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO messages (id, tenant, channel, account, external_id, conversation_id, ticket_id, author, \
         subject, text, meta, sent_at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'customer', $8, $9, $10, $11, $12)",
    )
    .bind(message.id.as_str())
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.external_id)
    .bind(conversation)
    .bind(ticket)
    .bind(&message.subject)
    .bind(&message.text)
    .bind(to_json(&super::turns::MessageMeta {
        flags: message.flags,
        given: message.given.clone(),
    }))
    .bind(millis(message.sent_at))
    .bind(millis(message.received_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Queues the turn's job, or moves its end: `after_last` past this message, never later than
/// `at_most` past the first. A dead job comes back to life: a new message deserves a new try.
async fn queue_turn(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    intake: &Intake,
    conversation: &str,
) -> Result<(), StoreError> {
    let due = now + intake.window.after_last;
    let at_most = intake.window.at_most.num_milliseconds();
    sqlx::query(
        "INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, attempts, created_at) \
         VALUES ($1, $2, 'message', 'turn', $3, $4, $5, 'pending', 0, $4) \
         ON CONFLICT (kind, subject) DO UPDATE SET \
           due_at = CASE WHEN jobs.state = 'dead' OR excluded.due_at < jobs.first_at + $6 \
                         THEN excluded.due_at ELSE jobs.first_at + $6 END, \
           first_at = CASE WHEN jobs.state = 'dead' THEN excluded.first_at ELSE jobs.first_at END, \
           attempts = CASE WHEN jobs.state = 'dead' THEN 0 ELSE jobs.attempts END, \
           state = 'pending'",
    )
    .bind(intake.job_id.as_str())
    .bind(intake.message.tenant.as_str())
    .bind(conversation)
    .bind(millis(now))
    .bind(millis(due))
    .bind(at_most)
    .execute(connection)
    .await?;
    Ok(())
}
