//! How attempts to deliver end: what a reply becomes that left, and who gets one that did not.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::outbox::{Claimed, DeliveryEnd};
use super::turns::MessageMeta;
use super::{StoreError, audit, millis, network, no_nul, to_json, uploads};

pub(super) async fn finish(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    end: &DeliveryEnd,
    message: &str,
) -> Result<(), StoreError> {
    let (state, error) = match end {
        DeliveryEnd::RetryAt(at, why) => {
            sqlx::query("UPDATE outbox SET state = 'queued', due_at = $1, error = $2 WHERE id = $3 AND state = 'sending'")
                .bind(millis(*at))
                .bind(why)
                .bind(row.id.as_str())
                .execute(connection)
                .await?;
            return Ok(());
        }
        DeliveryEnd::NotTried(at) => {
            // Pauses grow with the answers of the receiver, not with our own restarts and limits.
            sqlx::query("UPDATE outbox SET state = 'queued', due_at = $1, attempts = attempts - 1 WHERE id = $2 AND state = 'sending'")
                .bind(millis(*at))
                .bind(row.id.as_str())
                .execute(connection)
                .await?;
            return Ok(());
        }
        DeliveryEnd::Awaiting(until, why) => match delivery_of(connection, row).await?.as_deref() {
            None => {
                sqlx::query("UPDATE outbox SET state = 'awaiting', due_at = $1, error = $2 WHERE id = $3 AND state = 'sending'")
                    .bind(millis(*until))
                    .bind(why)
                    .bind(row.id.as_str())
                    .execute(connection)
                    .await?;
                return Ok(());
            }
            // The network's word was quicker than the end of the call.
            Some("failed") => ("failed", Some(why.as_str())),
            Some(_) => ("sent", None),
        },
        DeliveryEnd::Sent | DeliveryEnd::Accepted(_) => ("sent", None),
        DeliveryEnd::Failed(why) => ("failed", Some(why.as_str())),
        DeliveryEnd::Unknown(why) => ("unknown", Some(why.as_str())),
    };
    let changed: Option<(Option<String>,)> = sqlx::query_as(
        "UPDATE outbox SET state = $1, error = $2, finished_at = $3 WHERE id = $4 AND state IN ('sending', 'awaiting') \
         RETURNING delivery",
    )
    .bind(state)
    .bind(error)
    .bind(millis(now))
    .bind(row.id.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((delivery,)) = changed else { return Ok(()) };
    let (position,): (i64,) = sqlx::query_as(
        "INSERT INTO counters (tenant, name, value) VALUES ($1, 'outbox', 1) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + 1 RETURNING value",
    )
    .bind(row.tenant.as_str())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("UPDATE outbox SET position = $1 WHERE id = $2")
        .bind(position)
        .bind(row.id.as_str())
        .execute(&mut *connection)
        .await?;
    if let DeliveryEnd::Accepted(id) = end {
        sqlx::query("UPDATE outbox SET network_id = $1 WHERE id = $2")
            .bind(no_nul(id))
            .bind(row.id.as_str())
            .execute(&mut *connection)
            .await?;
    }
    if state == "sent" {
        record_sent(connection, now, row, message).await?;
    } else if !row.is_notice() {
        hand_over(connection, now, row).await?;
    }
    let what = if row.is_notice() { "notice" } else { "reply" };
    audit_row(connection, now, row, &format!("{what}.{state}"), error.unwrap_or("delivered"))
        .await?;
    // Networks may tell that it will not arrive before they answer the call that brought it.
    if state == "sent" && delivery.as_deref() == Some("failed") {
        let why = "the network could not deliver it";
        return network::fail_later(connection, now, row, "sent", why).await;
    }
    Ok(())
}

/// Returns how far the network says that a row came.
async fn delivery_of(
    connection: &mut AnyConnection,
    row: &Claimed,
) -> Result<Option<String>, StoreError> {
    let (delivery,): (Option<String>,) =
        sqlx::query_as("SELECT delivery FROM outbox WHERE id = $1")
            .bind(row.id.as_str())
            .fetch_one(connection)
            .await?;
    Ok(delivery)
}

/// What the network has becomes a message of its conversation.
pub(super) async fn record_sent(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    message: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO messages (id, tenant, channel, account, conversation_id, ticket_id, author, subject, text, meta, \
         sent_at, received_at, outbox_id, author_ref) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $10, $10, $12, (SELECT author_ref FROM outbox WHERE id = $12))",
    )
    .bind(message)
    .bind(row.tenant.as_str())
    .bind(row.channel.as_str())
    .bind(&row.account)
    .bind(&row.conversation)
    .bind(&row.ticket)
    .bind(&row.author)
    .bind(&row.body.subject)
    .bind(&row.body.text)
    .bind(millis(now))
    .bind(to_json(&MessageMeta {
        notice: row.is_notice().then(|| row.kind.clone()),
        choices: row.body.choices.clone(),
        ..MessageMeta::default()
    }))
    .bind(row.id.as_str())
    .execute(&mut *connection)
    .await?;
    uploads::left_with(connection, row, message).await?;
    sqlx::query(
        "UPDATE conversations SET last_outbound_at = $1, updated_at = $1, \
         ai_turns = CASE WHEN $2 = 'ai' THEN ai_turns + 1 WHEN $2 = 'agent' THEN 0 ELSE ai_turns END WHERE id = $3",
    )
    .bind(millis(now))
    .bind(&row.author)
    .bind(&row.conversation)
    .execute(&mut *connection)
    .await?;
    if row.kind == "reply" {
        sqlx::query("UPDATE tickets SET first_response_at = COALESCE(first_response_at, $1), updated_at = $1 WHERE id = $2")
            .bind(millis(now))
            .bind(&row.ticket)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A reply that did not surely arrive is a person's business.
pub(super) async fn hand_over(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
) -> Result<(), StoreError> {
    // The conversation first, as everywhere, so that nobody waits in a circle.
    sqlx::query(
        "UPDATE conversations SET version = version + 1, fence = fence + 1, owner = 'queue', \
         owner_ref = $1, owner_until = NULL, updated_at = $2 WHERE id = $3 AND owner <> 'agent'",
    )
    .bind(&row.body.fallback_queue)
    .bind(millis(now))
    .bind(&row.conversation)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE tickets SET status = CASE WHEN status = 'closed' THEN status ELSE 'escalated' END, action = 'escalate', \
         queue = COALESCE(queue, $1), escalations = escalations + 1, escalated_to = COALESCE(queue, $1), \
         escalated_at = $2, solved_at = NULL, updated_at = $2 WHERE id = $3",
    )
    .bind(&row.body.fallback_queue)
    .bind(millis(now))
    .bind(&row.ticket)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn audit_row(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    action: &str,
    cause: &str,
) -> Result<(), StoreError> {
    audit::append(
        connection,
        audit::Entry {
            tenant: row.tenant.as_str(),
            at: now,
            ticket: Some(&row.ticket),
            conversation: Some(&row.conversation),
            actor: "worker",
            action,
            before: None,
            after: Some(to_json(&serde_json::json!({
                "outbox": row.id, "attempt": row.attempt, "author": row.author, "kind": row.kind,
            }))),
            cause: Some(cause.to_owned()),
        },
    )
    .await
}
