//! What networks tell besides messages: who a person is, what the business wrote from its own phone, and what became of
//! what we sent.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AnyConnection, Row as _};

use super::actions::{Actor, TicketRef, lock_ticket, raise_version};
use super::outbox::{self, Claimed, DeliveryEnd};
use super::person::Person;
use super::turns::MessageMeta;
use super::{
    Dialect, Store, StoreError, attachments, audit, drafts, endings, from_json, marks, millis,
    no_nul, to_json,
};
use crate::domain::channel::Channel;
use crate::domain::ids::{MessageId, TenantId, TicketId};
use crate::domain::mark::MarkNews;
use crate::domain::message::InboundMessage;
use crate::domain::phone;

/// A person on a network.
#[derive(Clone, Debug)]
pub struct NetworkPerson {
    /// The id they get when none of their keys is known.
    pub fresh_id: String,
    /// Their keys, surest first.
    pub keys: Vec<String>,
    /// What replies go to; what it lacks is taken from what was known before.
    pub address: Value,
}

/// A message that the business wrote from its own phone.
#[derive(Clone, Debug)]
pub struct OwnWords {
    /// The message: of the business, in the conversation of its thread.
    pub message: InboundMessage,
    /// Who has the conversation from now on, as people are told.
    pub by: String,
    /// Until when the worker leaves it alone.
    pub hold_until: DateTime<Utc>,
}

/// How far the network says that something of ours came.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// What the network calls it.
    pub network_id: String,
    /// What we call it, where that came back.
    pub own_id: Option<String>,
    /// The state, in the network's word.
    pub state: &'static str,
    /// Its place among the states: a message only rises.
    pub rank: u8,
    /// When it was reached.
    pub at: DateTime<Utc>,
    /// Why it will not arrive.
    pub error: Option<String>,
    /// What that says of where it was sent to, and the addresses that the network names.
    pub mark: Option<(MarkNews, Vec<String>)>,
}

impl Store {
    /// Finds people by their keys, or makes them known. Returns the thread of each, in their order.
    pub async fn know(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        network: Channel,
        people: Vec<NetworkPerson>,
    ) -> Result<Vec<String>, StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let mut threads = Vec::with_capacity(people.len());
                for person in &people {
                    threads.push(know(connection, now, &tenant, network, person).await?);
                }
                Ok(threads)
            })
        })
        .await
    }

    /// Notes that two keys are one person's. Where both are somebody's already, who had the earlier key keeps it, and
    /// later messages of either find that one.
    pub async fn alias(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        network: Channel,
        (previous, current): (String, String),
    ) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let place = (tenant.as_str(), network.as_str());
                let Some(person) = holder(connection, place, &previous).await? else {
                    return Ok(());
                };
                sqlx::query(
                    "INSERT INTO network_keys (tenant, network, key, contact_id) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (tenant, network, key) DO UPDATE SET contact_id = excluded.contact_id",
                )
                .bind(place.0)
                .bind(place.1)
                .bind(no_nul(&current))
                .bind(&person)
                .execute(&mut *connection)
                .await?;
                sqlx::query("UPDATE network_contacts SET updated_at = $1 WHERE id = $2")
                    .bind(millis(now))
                    .bind(&person)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns what replies to a person on a network go to.
    pub async fn network_address(
        &self,
        tenant: &TenantId,
        thread: &str,
    ) -> Result<Option<Value>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT address FROM network_contacts WHERE id = $1 AND tenant = $2")
                .bind(thread)
                .bind(tenant.as_str())
                .fetch_optional(&self.reads)
                .await?;
        row.map(|(address,)| from_json("address", &address)).transpose()
    }

    /// Notes what the business wrote from its own phone: the person who wrote has the conversation now, and every draft
    /// in it is retired. Returns `false` for a repeated one and where there is no such conversation.
    pub async fn record_own_words(
        &self,
        now: DateTime<Utc>,
        words: OwnWords,
    ) -> Result<bool, StoreError> {
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move { own_words(connection, dialect, now, &words).await })
        })
        .await
    }

    /// Notes how far messages of ours came, in any order. One that will not arrive is handed to people; one of which
    /// nobody knew whether it left is known now. Returns how many were ours.
    pub async fn note_deliveries(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        deliveries: Vec<(Delivered, MessageId)>,
    ) -> Result<usize, StoreError> {
        let (dialect, tenant) = (self.dialect, tenant.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let mut ours = 0;
                for (delivered, message) in &deliveries {
                    let row = note(connection, dialect, now, &tenant, delivered, message).await?;
                    ours += usize::from(row);
                }
                Ok(ours)
            })
        })
        .await
    }
}

/// Returns who has a key.
async fn holder(
    connection: &mut AnyConnection,
    (tenant, network): (&str, &str),
    key: &str,
) -> Result<Option<String>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT contact_id FROM network_keys WHERE tenant = $1 AND network = $2 AND key = $3",
    )
    .bind(tenant)
    .bind(network)
    .bind(no_nul(key))
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(id,)| id))
}

pub(super) async fn know(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    network: Channel,
    person: &NetworkPerson,
) -> Result<String, StoreError> {
    let place = (tenant.as_str(), network.as_str());
    let mut known = None;
    let mut missing = Vec::new();
    for key in &person.keys {
        match holder(connection, place, key).await? {
            Some(id) => known = known.or(Some(id)),
            None => missing.push(key),
        }
    }
    let id = known.clone().unwrap_or_else(|| person.fresh_id.clone());
    for key in missing {
        // Another writer may have been first; then theirs stands and this person is found by another key.
        sqlx::query(
            "INSERT INTO network_keys (tenant, network, key, contact_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, network, key) DO NOTHING",
        )
        .bind(place.0)
        .bind(place.1)
        .bind(no_nul(key))
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    }
    let before: Option<(String,)> =
        sqlx::query_as("SELECT address FROM network_contacts WHERE id = $1")
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await?;
    let before: Option<Value> =
        before.map(|(address,)| from_json("address", &address)).transpose()?;
    let address = completed(&person.address, before.as_ref());
    if before.as_ref() == Some(&address) {
        return Ok(id);
    }
    sqlx::query(
        "INSERT INTO network_contacts (id, tenant, network, address, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET address = excluded.address, updated_at = excluded.updated_at",
    )
    .bind(&id)
    .bind(place.0)
    .bind(place.1)
    .bind(no_nul(&address.to_string()))
    .bind(millis(now))
    .execute(connection)
    .await?;
    Ok(id)
}

/// What came now, with what only came before.
fn completed(now: &Value, before: Option<&Value>) -> Value {
    let (Value::Object(now), Some(Value::Object(before))) = (now, before) else {
        return now.clone();
    };
    let mut whole = before.clone();
    whole.extend(
        now.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())),
    );
    Value::Object(whole)
}

async fn own_words(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    words: &OwnWords,
) -> Result<bool, StoreError> {
    let OwnWords { message, by, hold_until } = words;
    let seen: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM messages WHERE tenant = $1 AND channel = $2 AND account = $3 AND external_id = $4",
    )
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.external_id)
    .fetch_optional(&mut *connection)
    .await?;
    if seen.is_some() {
        return Ok(false);
    }
    let Some(ticket) = latest_ticket(connection, dialect, message).await? else {
        return Ok(false);
    };
    insert_own(connection, now, message, &ticket).await?;
    drafts::retire_proposed(connection, &[&ticket.id]).await?;
    let actor = Actor { name: by.clone() };
    let version = raise_version(
        connection,
        now,
        &ticket,
        Some(("agent", Some(&actor.name), Some(*hold_until))),
    )
    .await?;
    sqlx::query("UPDATE conversations SET last_outbound_at = $1, ai_turns = 0 WHERE id = $2")
        .bind(millis(now))
        .bind(&ticket.conversation)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE tickets SET first_response_at = COALESCE(first_response_at, $1), updated_at = $1, \
         status = CASE WHEN status IN ('new', 'open', 'escalated') THEN 'pending' ELSE status END WHERE id = $2",
    )
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(&mut *connection)
    .await?;
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &actor.audit_name(),
            action: "reply.written",
            before: Some(to_json(
                &serde_json::json!({"status": ticket.status, "owner": ticket.owner}),
            )),
            after: Some(to_json(&serde_json::json!({
                "owner": "agent", "until": hold_until, "version": version, "message": message.id,
            }))),
            cause: Some("outside".to_owned()),
        },
    )
    .await?;
    Ok(true)
}

/// The ticket that a conversation is about now.
async fn latest_ticket(
    connection: &mut AnyConnection,
    dialect: Dialect,
    message: &InboundMessage,
) -> Result<Option<TicketRef>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT t.id FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
         WHERE c.tenant = $1 AND c.channel = $2 AND c.account = $3 AND c.thread = $4 \
         ORDER BY t.number DESC LIMIT 1",
    )
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(&message.thread)
    .fetch_optional(&mut *connection)
    .await?;
    match row {
        Some((id,)) => {
            lock_ticket(connection, dialect, &message.tenant, &TicketId::from_stored(id)).await
        }
        None => Ok(None),
    }
}

async fn insert_own(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    message: &InboundMessage,
    ticket: &TicketRef,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO messages (id, tenant, channel, account, external_id, conversation_id, ticket_id, author, subject, \
         text, whole, meta, sent_at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'agent', $8, $9, $10, $11, $12, $13)",
    )
    .bind(message.id.as_str())
    .bind(message.tenant.as_str())
    .bind(message.channel.as_str())
    .bind(&message.account)
    .bind(no_nul(&message.external_id))
    .bind(&ticket.conversation)
    .bind(&ticket.id)
    .bind(message.subject.as_deref().map(no_nul))
    .bind(no_nul(&message.text))
    .bind(message.original.as_ref().and_then(|original| original.text.as_deref()).map(no_nul))
    .bind(to_json(&MessageMeta::of(message)))
    .bind(millis(message.sent_at))
    .bind(millis(message.received_at))
    .execute(&mut *connection)
    .await?;
    let place = (message.tenant.as_str(), message.id.as_str());
    attachments::insert(connection, now, place, &message.attachments, false).await
}

async fn note(
    connection: &mut AnyConnection,
    dialect: Dialect,
    now: DateTime<Utc>,
    tenant: &TenantId,
    delivered: &Delivered,
    message: &MessageId,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT id, tenant, channel, account, conversation_id, ticket_id, author, author_ref, kind, attempts, body, created_at, \
         state, delivery FROM outbox WHERE tenant = $1 AND audience = 'customer' AND (network_id = $2 OR id = $3) \
         ORDER BY seq LIMIT 1{}",
        dialect.lock("outbox")
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .bind(no_nul(&delivered.network_id))
        .bind(no_nul(delivered.own_id.as_deref().unwrap_or_default()))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let reached = row.try_get::<Option<String>, _>("delivery")?;
    if delivered.rank <= reached.as_deref().map_or(0, rank) {
        return Ok(true);
    }
    let state: String = row.try_get("state")?;
    let claimed = outbox::claimed(&row)?;
    sqlx::query("UPDATE outbox SET network_id = $1, delivery = $2, delivery_at = $3 WHERE id = $4")
        .bind(no_nul(&delivered.network_id))
        .bind(delivered.state)
        .bind(millis(delivered.at))
        .bind(claimed.id.as_str())
        .execute(&mut *connection)
        .await?;
    if let Some((news, addresses)) = &delivered.mark {
        marks::note_of_row(connection, &claimed, addresses, news).await?;
    }
    match (state.as_str(), &delivered.error) {
        ("sent" | "unknown", Some(why)) => {
            fail_later(connection, now, &claimed, &state, why).await?;
        }
        ("unknown", None) => {
            settle_unknown(connection, now, &claimed, message.as_str()).await?;
        }
        ("awaiting", None) => {
            endings::finish(connection, now, &claimed, &DeliveryEnd::Sent, message.as_str())
                .await?;
        }
        ("awaiting", Some(why)) => {
            let end = DeliveryEnd::Failed(why.clone());
            endings::finish(connection, now, &claimed, &end, message.as_str()).await?;
        }
        // Still under way here: its own end is written when the call returns.
        _ => {}
    }
    Ok(true)
}

/// The place of a stored state among the states.
fn rank(state: &str) -> u8 {
    match state {
        "sent" => 1,
        "delivered" => 2,
        "read" => 3,
        "played" => 4,
        "failed" => 5,
        _ => 0,
    }
}

/// The network says afterwards that a row will not arrive.
pub(super) async fn fail_later(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    state: &str,
    why: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE outbox SET state = 'failed', error = $1 WHERE id = $2")
        .bind(why)
        .bind(row.id.as_str())
        .execute(&mut *connection)
        .await?;
    // One that nobody knew of is with people already.
    if state == "sent" && !row.is_notice() {
        endings::hand_over(connection, now, row).await?;
    }
    let what = if row.is_notice() { "notice.failed" } else { "reply.failed" };
    endings::audit_row(connection, now, row, what, why).await
}

/// The network says that a row arrived of which nobody knew whether it left.
async fn settle_unknown(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    row: &Claimed,
    message: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE outbox SET state = 'sent', error = NULL WHERE id = $1")
        .bind(row.id.as_str())
        .execute(&mut *connection)
        .await?;
    endings::record_sent(connection, now, row, message).await?;
    let what = if row.is_notice() { "notice.sent" } else { "reply.sent" };
    endings::audit_row(connection, now, row, what, "the network has it after all").await
}

/// Returns the network keys of a person: those of their conversations' threads, and those of their numbers.
async fn keys_of(
    connection: &mut AnyConnection,
    person: &Person,
) -> Result<Vec<String>, StoreError> {
    let dialect = Dialect::of(connection);
    let numbers: Vec<String> = person.phone_keys().map(|key| format!("phone:{key}")).collect();
    let sql = format!(
        "SELECT DISTINCT key FROM network_keys WHERE tenant = $1 AND contact_id IN (\
         SELECT thread FROM conversations WHERE id IN {} \
         UNION SELECT contact_id FROM network_keys WHERE tenant = $1 AND key IN {})",
        dialect.json_strings("$2"),
        dialect.json_strings("$3")
    );
    let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(person.tenant.as_str())
        .bind(to_json(&person.conversation_ids()))
        .bind(to_json(&numbers))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// Forgets under which keys a person is known.
pub(super) async fn forget(
    connection: &mut AnyConnection,
    person: &Person,
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let keys = to_json(&keys_of(connection, person).await?);
    for sql in [
        "DELETE FROM message_changes WHERE tenant = $1 AND thread IN (SELECT contact_id FROM network_keys WHERE tenant = $1 AND key IN {keys})",
        "DELETE FROM network_contacts WHERE id IN (SELECT contact_id FROM network_keys WHERE tenant = $1 AND key IN {keys})",
        "DELETE FROM network_keys WHERE tenant = $1 AND key IN {keys}",
    ] {
        let sql = sql.replace("{keys}", &dialect.json_strings("$2"));
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .persistent(false)
            .bind(person.tenant.as_str())
            .bind(&keys)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// Returns what networks call a person, as it stands in their calls.
    pub async fn network_names(&self, person: &Person) -> Result<Vec<String>, StoreError> {
        let person = person.clone();
        let numbers = person.phone_keys().flat_map(phone::forms);
        let own: Vec<String> = numbers.chain(person.mail_keys().map(str::to_owned)).collect();
        let keys = self
            .write(move |connection| Box::pin(async move { keys_of(connection, &person).await }))
            .await?;
        let names = keys.iter().filter_map(|key| key.split_once(':')).flat_map(|(kind, name)| {
            let forms = if kind == "phone" { phone::forms(name) } else { vec![name.to_owned()] };
            forms.into_iter()
        });
        let names: BTreeSet<String> = names.chain(own).collect();
        Ok(names.into_iter().collect())
    }
}
