//! Messages into conversations and tickets: each recorded once, each with a job for its turn.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use sqlx::AnyConnection;

use super::filing::{Filed, Group, insert_messages, open_conversations, open_tickets, queue_turns};
use super::many::{ROWS_MAX, to_int, with_rows};
use super::{Dialect, Store, StoreError, changes, from_json, millis, no_nul, to_json};
use crate::domain::ids::{ConversationId, JobId, TicketId};
use crate::domain::message::InboundMessage;

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

impl Store {
    /// Files messages in their order, all in one transaction: finds or opens conversations and tickets,
    /// raises the conversations' versions, queues or extends the turns' jobs. Idempotent by
    /// (tenant, channel, account, external id).
    pub async fn record_inbound(
        &self,
        now: DateTime<Utc>,
        mut batch: Vec<Intake>,
    ) -> Result<Vec<Recorded>, StoreError> {
        for intake in &mut batch {
            make_storable(&mut intake.message);
        }
        self.write(move |connection| {
            Box::pin(async move {
                let mut recorded = Vec::with_capacity(batch.len());
                for batch in batch.chunks(ROWS_MAX) {
                    recorded.extend(record(connection, now, batch).await?);
                }
                Ok(recorded)
            })
        })
        .await
    }
}

/// Takes NUL out of everything that the sender chose.
pub(super) fn make_storable(message: &mut InboundMessage) {
    let texts = [
        Some(&mut message.account),
        Some(&mut message.external_id),
        Some(&mut message.thread),
        Some(&mut message.text),
        message.original.as_mut().and_then(|original| original.text.as_mut()),
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

/// What tells one conversation from every other one.
fn thread_of(message: &InboundMessage) -> [&str; 4] {
    [
        message.tenant.as_str(),
        message.channel.as_str(),
        message.account.as_str(),
        message.thread.as_str(),
    ]
}

pub(super) async fn record(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    batch: &[Intake],
) -> Result<Vec<Recorded>, StoreError> {
    let new = without_duplicates(connection, batch).await?;
    let mut order: BTreeMap<[&str; 4], usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for intake in batch.iter().zip(&new).filter(|(_, new)| **new).map(|(intake, _)| intake) {
        let at = *order.entry(thread_of(&intake.message)).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { messages: Vec::new(), filed: None, customer: None });
        }
        if let Some(group) = groups.get_mut(at) {
            group.messages.push(intake);
        }
    }
    if groups.is_empty() {
        return Ok(vec![Recorded::Duplicate; batch.len()]);
    }
    find_conversations(connection, &mut groups).await?;
    find_customers(connection, &mut groups).await?;
    touch_conversations(connection, now, &groups).await?;
    open_conversations(connection, now, &groups).await?;
    open_tickets(connection, now, &groups).await?;
    insert_messages(connection, now, &groups).await?;
    queue_turns(connection, now, &groups).await?;
    let filed: Vec<&Intake> =
        groups.iter().flat_map(|group| group.messages.iter().copied()).collect();
    changes::apply_early(connection, now, &filed).await?;
    let tickets: Vec<String> = batch
        .iter()
        .map(|intake| order.get(&thread_of(&intake.message)).and_then(|at| groups.get(*at)))
        .map(|group| group.map(|group| group.ticket().to_owned()).unwrap_or_default())
        .collect();
    Ok(new
        .into_iter()
        .zip(tickets)
        .map(
            |(new, ticket)| {
                if new { Recorded::New(TicketId::from_stored(ticket)) } else { Recorded::Duplicate }
            },
        )
        .collect())
}

/// Tells for each message whether it is new, to the store and among the ones before it.
async fn without_duplicates(
    connection: &mut AnyConnection,
    batch: &[Intake],
) -> Result<Vec<bool>, StoreError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "{}SELECT m.tenant, m.channel, m.account, m.external_id FROM r JOIN messages m ON m.tenant = r.tenant \
         AND m.channel = r.channel AND m.account = r.account AND m.external_id = r.external_id",
        with_rows(dialect, &["tenant", "channel", "account", "external_id"], batch.len())
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(batch.len() == 1);
    for Intake { message, .. } in batch {
        query = query
            .bind(message.tenant.as_str())
            .bind(message.channel.as_str())
            .bind(&message.account)
            .bind(&message.external_id);
    }
    let known: Vec<(String, String, String, String)> = query.fetch_all(connection).await?;
    let mut seen: HashSet<[&str; 4]> = known
        .iter()
        .map(|(tenant, channel, account, external)| [tenant.as_str(), channel, account, external])
        .collect();
    Ok(batch
        .iter()
        .map(|Intake { message, .. }| {
            seen.insert([
                message.tenant.as_str(),
                message.channel.as_str(),
                &message.account,
                &message.external_id,
            ])
        })
        .collect())
}

/// Locks both rows of each, so that nobody closes a ticket between this look and the filing.
async fn find_conversations(
    connection: &mut AnyConnection,
    groups: &mut [Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "{}SELECT r.place, c.id, t.id, t.status, c.customer_id, c.contact FROM r \
         JOIN conversations c ON c.tenant = r.tenant AND c.channel = r.channel AND c.account = r.account \
         AND c.thread = r.thread JOIN tickets t ON t.id = c.ticket_id ORDER BY c.id{}",
        with_rows(dialect, &["place", "tenant", "channel", "account", "thread"], groups.len()),
        dialect.lock("c, t")
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(groups.len() == 1);
    for (at, group) in groups.iter().enumerate() {
        query = query.bind(to_int(at));
        for part in group.first().iter().flat_map(|first| thread_of(&first.message)) {
            query = query.bind(part.to_owned());
        }
    }
    let rows: Vec<(i64, String, String, String, Option<String>, String)> =
        query.fetch_all(connection).await?;
    for (at, id, ticket, status, customer, contact) in rows {
        let contact = from_json("contact", &contact)?;
        if let Some(group) = usize::try_from(at).ok().and_then(|at| groups.get_mut(at)) {
            group.customer.clone_from(&customer);
            group.filed = Some(Filed { id, ticket, closed: status == "closed", customer, contact });
        }
    }
    Ok(())
}

/// Looks for who writes where no customer is known yet: by the first message that names one, by its
/// surest key.
async fn find_customers(
    connection: &mut AnyConnection,
    groups: &mut [Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let mut keys: Vec<(usize, &str, &'static str, String)> = Vec::new();
    for (at, group) in groups.iter().enumerate().filter(|(_, group)| group.customer.is_none()) {
        for Intake { message, .. } in &group.messages {
            for (kind, value) in super::customers::keys_of(&message.contact) {
                if !keys
                    .iter()
                    .rev()
                    .any(|known| known.0 == at && (known.2, &known.3) == (kind, &value))
                {
                    keys.push((at, message.tenant.as_str(), kind, value));
                }
            }
        }
    }
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    for (chunk, rows) in keys.chunks(ROWS_MAX).enumerate() {
        let sql = format!(
            "{}SELECT r.place, k.customer_id FROM r JOIN contacts k ON k.tenant = r.tenant AND k.kind = r.kind \
             AND k.value = r.word",
            with_rows(dialect, &["place", "tenant", "kind", "word"], rows.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
        for (place, (_, tenant, kind, value)) in rows.iter().enumerate() {
            query = query.bind(to_int(place)).bind(*tenant).bind(*kind).bind(value.as_str());
        }
        let known: Vec<(i64, String)> = query.fetch_all(&mut *connection).await?;
        for (place, customer) in known {
            let place = usize::try_from(place).unwrap_or_default();
            if let Some((at, ..)) = rows.get(place) {
                found.push((*at, chunk * ROWS_MAX + place, customer));
            }
        }
    }
    found.sort_unstable();
    for (at, _, customer) in found {
        if let Some(group) = groups.get_mut(at).filter(|group| group.customer.is_none()) {
            group.customer = Some(customer);
        }
    }
    Ok(())
}

/// Raises the versions of conversations that go on, so that nothing drafted before these messages is
/// sent after them. One whose ticket is closed goes back to the assistant, with the ticket that
/// is opened next.
async fn touch_conversations(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    groups: &[Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let known: Vec<(&Group<'_>, &Filed)> =
        groups.iter().filter_map(|group| Some((group, group.filed.as_ref()?))).collect();
    if known.is_empty() {
        return Ok(());
    }
    let columns = ["messages", "contact", "customer", "inbound", "now", "ticket", "reopened", "id"];
    let sql = format!(
        "{}UPDATE conversations SET version = version + r.messages, contact = r.contact, \
         customer_id = r.customer, last_inbound_at = r.inbound, updated_at = r.now, ticket_id = r.ticket, \
         owner = CASE WHEN r.reopened = 1 THEN 'ai' ELSE owner END, \
         owner_ref = CASE WHEN r.reopened = 1 THEN NULL ELSE owner_ref END, \
         owner_until = CASE WHEN r.reopened = 1 THEN NULL ELSE owner_until END, \
         fence = fence + r.reopened FROM r WHERE conversations.id = r.id",
        with_rows(dialect, &columns, known.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(known.len() == 1);
    for (group, filed) in &known {
        query = query
            .bind(to_int(group.messages.len()))
            .bind(to_json(&group.contact()))
            .bind(group.customer.as_deref())
            .bind(group.last().map(|last| millis(last.message.sent_at)))
            .bind(millis(now))
            .bind(group.ticket())
            .bind(i64::from(filed.closed))
            .bind(filed.id.as_str());
    }
    query.execute(&mut *connection).await?;
    for (group, filed) in &known {
        if filed.customer.is_none() && group.customer.is_some() {
            // Whoever wrote before they were known has their tickets all the same.
            sqlx::query(
                "UPDATE tickets SET customer_id = $1 WHERE conversation_id = $2 AND customer_id IS NULL",
            )
            .bind(group.customer.as_deref())
            .bind(filed.id.as_str())
            .execute(&mut *connection)
            .await?;
            sqlx::query(
                "INSERT INTO search_due (ticket_id) SELECT id FROM tickets WHERE conversation_id = $1",
            )
            .bind(filed.id.as_str())
            .execute(&mut *connection)
            .await?;
        }
    }
    let tickets: Vec<&str> = known.iter().map(|(_, filed)| filed.ticket.as_str()).collect();
    super::drafts::retire_proposed(connection, &tickets).await
}
