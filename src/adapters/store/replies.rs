//! A person's own words on their way into the outbox, once for each key of the caller.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::actions::{
    Actor, FALLBACK_QUEUE, Outcome, Refused, ReplyRequest, TicketRef, assign, set_status,
};
use super::outbox::{NewRow, OutboxBody, insert_rows};
use super::{StoreError, handling, millis, no_nul, uploads};
use crate::domain::ids::{OutboxId, TenantId, TicketNumber};
use crate::domain::labels::Locale;

/// Finds the reply that an earlier call with the same key made.
pub(super) async fn repeated(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    reply: &ReplyRequest,
) -> Result<Option<Outcome>, StoreError> {
    let Some((token, key, hash)) = &reply.once else { return Ok(None) };
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT body_hash, answer FROM idempotency WHERE tenant = $1 AND token_id = $2 AND key = $3",
    )
    .bind(tenant.as_str())
    .bind(token)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(known, answer)| {
        if known == *hash {
            Outcome::Repeated(OutboxId::from_stored(answer))
        } else {
            Outcome::Refused(Refused::KeyReused)
        }
    }))
}

pub(super) async fn write_reply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    actor: &Actor,
    reply: &ReplyRequest,
    version: i64,
) -> Result<(), StoreError> {
    super::drafts::retire_proposed(connection, &[&ticket.id]).await?;
    assign(connection, now, ticket, Some(&actor.name)).await?;
    set_status(connection, now, ticket, "pending").await?;
    let mut body =
        reply_body(connection, ticket, reply.text.clone(), reply.locale.as_str()).await?;
    body.attachments.clone_from(&reply.attachments);
    let parts = uploads::parts(connection, ticket.channel, &reply.id, body).await?;
    let rows: Vec<NewRow<'_>> = parts
        .iter()
        .map(|(id, body)| NewRow {
            id: id.as_str(),
            tenant: &ticket.tenant,
            conversation: &ticket.conversation,
            ticket: &ticket.id,
            author: "agent",
            author_ref: Some(&actor.name),
            kind: "reply",
            automatic: false,
            // A person's own words stand even if the customer writes in the same second.
            compare_version: false,
            body,
            version,
            epoch: 0,
            draft: None,
            leaves_at: reply.leaves_at,
        })
        .collect();
    insert_rows(connection, now, &rows).await?;
    for (id, body) in &parts {
        uploads::enclose(connection, id, &body.attachments).await?;
    }
    if let Some((token, key, hash)) = &reply.once {
        sqlx::query("INSERT INTO idempotency (tenant, token_id, key, body_hash, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(&ticket.tenant)
            .bind(token)
            .bind(key)
            .bind(hash)
            .bind(reply.id.as_str())
            .bind(millis(now))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Addresses a reply: to the conversation's contact, in answer to their latest message.
pub(super) async fn reply_body(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
    text: String,
    locale: &str,
) -> Result<OutboxBody, StoreError> {
    let latest: Option<(Option<String>,)> = sqlx::query_as(
        "SELECT external_id FROM messages WHERE conversation_id = $1 AND author = 'customer' AND deleted_at IS NULL \
         ORDER BY seq DESC LIMIT 1",
    )
    .bind(&ticket.conversation)
    .fetch_optional(connection)
    .await?;
    Ok(OutboxBody {
        thread: handling::own_thread(&ticket.thread).to_owned(),
        to: ticket.contact.clone(),
        ticket_number: TicketNumber::new(u64::try_from(ticket.number).unwrap_or(0)).to_string(),
        subject: ticket.subject.clone(),
        text: no_nul(&text),
        locale: Locale::parse(locale).unwrap_or(Locale::PtBr),
        in_reply_to: latest.and_then(|(id,)| id),
        template: None,
        choices: Vec::new(),
        attachments: Vec::new(),
        fallback_queue: ticket.queue.clone().unwrap_or_else(|| FALLBACK_QUEUE.to_owned()),
    })
}
