//! What filing writes: new conversations, tickets with their numbers, messages, and the turns' jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::intake::Intake;
use super::many::{to_int, with_rows};
use super::{Dialect, StoreError, attachments, audit, millis, to_json};
use crate::domain::labels::Urgency;
use crate::domain::message::{Contact, InboundMessage};

/// The new messages of one conversation, and what is known of it.
pub(super) struct Group<'b> {
    pub(super) messages: Vec<&'b Intake>,
    pub(super) filed: Option<Filed>,
    pub(super) customer: Option<String>,
}

pub(super) struct Filed {
    pub(super) id: String,
    pub(super) ticket: String,
    pub(super) closed: bool,
    pub(super) customer: Option<String>,
    pub(super) contact: Contact,
}

impl<'b> Group<'b> {
    pub(super) fn first(&self) -> Option<&'b Intake> {
        self.messages.first().copied()
    }

    pub(super) fn last(&self) -> Option<&'b Intake> {
        self.messages.last().copied()
    }

    pub(super) fn conversation(&self) -> &str {
        match &self.filed {
            Some(filed) => &filed.id,
            None => self.first().map_or("", |first| first.conversation_id.as_str()),
        }
    }

    /// True when its messages open a ticket: the conversation is new, or its ticket is closed.
    pub(super) fn opens(&self) -> bool {
        self.filed.as_ref().is_none_or(|filed| filed.closed)
    }

    pub(super) fn ticket(&self) -> &str {
        match &self.filed {
            Some(filed) if !filed.closed => &filed.ticket,
            _ => self.first().map_or("", |first| first.message.ticket_id.as_str()),
        }
    }

    pub(super) fn contact(&self) -> Contact {
        let known = self.filed.as_ref().map(|filed| filed.contact.clone()).unwrap_or_default();
        self.messages.iter().fold(known, |known, intake| merged(known, &intake.message.contact))
    }
}

fn merged(known: Contact, new: &Contact) -> Contact {
    Contact {
        reference: new.reference.clone().or(known.reference),
        name: new.name.clone().or(known.name),
        email: new.email.clone().or(known.email),
        phone: new.phone.clone().or(known.phone),
    }
}

pub(super) async fn open_conversations(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    groups: &[Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let new: Vec<(&Group<'_>, &InboundMessage, &Intake)> = groups
        .iter()
        .filter(|group| group.filed.is_none())
        .filter_map(|group| Some((group, &group.first()?.message, group.last()?)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let columns = [
        "id", "tenant", "channel", "account", "thread", "customer", "contact", "version", "ticket",
        "inbound", "now",
    ];
    let sql = format!(
        "{}INSERT INTO conversations (id, tenant, channel, account, thread, customer_id, contact, version, fence, \
         owner, ai_turns, opted_out, ticket_id, vault, last_inbound_at, created_at, updated_at) \
         SELECT id, tenant, channel, account, thread, customer, contact, version, 1, 'ai', 0, 0, ticket, '{{}}', \
         inbound, now, now FROM r",
        with_rows(dialect, &columns, new.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(new.len() == 1);
    for (group, first, last) in new {
        query = query
            .bind(group.conversation())
            .bind(first.tenant.as_str())
            .bind(first.channel.as_str())
            .bind(&first.account)
            .bind(&first.thread)
            .bind(group.customer.as_deref())
            .bind(to_json(&group.contact()))
            .bind(to_int(group.messages.len()))
            .bind(group.ticket())
            .bind(millis(last.message.sent_at))
            .bind(millis(now));
    }
    query.execute(connection).await?;
    Ok(())
}

pub(super) async fn open_tickets(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    groups: &[Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let new: Vec<(&Group<'_>, &InboundMessage)> = groups
        .iter()
        .filter(|group| group.opens())
        .filter_map(|group| Some((group, &group.first()?.message)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut numbers = take_numbers(connection, &new).await?;
    let columns = [
        "id",
        "tenant",
        "number",
        "conversation",
        "customer",
        "parent",
        "channel",
        "source",
        "subject",
        "category",
        "urgency",
        "now",
    ];
    let sql = format!(
        "{}INSERT INTO tickets (id, tenant, number, conversation_id, customer_id, parent_id, channel, source_ref, \
         status, subject, category, urgency, fields, overrides, tags, escalations, created_at, updated_at, clock_at) \
         SELECT id, tenant, number, conversation, customer, parent, channel, source, 'new', subject, category, \
         urgency, '{{}}', '{{}}', '[]', 0, now, now, now FROM r",
        with_rows(dialect, &columns, new.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(new.len() == 1);
    let mut entries = Vec::with_capacity(new.len());
    for (group, first) in &new {
        let number = numbers.get_mut(first.tenant.as_str()).and_then(Iterator::next);
        let parent = group.filed.as_ref().map(|filed| filed.ticket.as_str());
        query = query
            .bind(group.ticket())
            .bind(first.tenant.as_str())
            .bind(number.ok_or(StoreError::Unreadable("ticket counter"))?)
            .bind(group.conversation())
            .bind(group.customer.as_deref())
            .bind(parent)
            .bind(first.channel.as_str())
            .bind(&first.external_id)
            .bind(first.subject.as_deref())
            .bind(first.given.category.as_deref())
            .bind(first.given.urgency.map(Urgency::as_str))
            .bind(millis(now));
        entries.push(audit::Entry {
            tenant: first.tenant.as_str(),
            at: now,
            ticket: Some(group.ticket()),
            conversation: Some(group.conversation()),
            actor: "worker",
            action: "ticket.opened",
            before: None,
            after: Some(to_json(&serde_json::json!({"status": "new", "parent": parent}))),
            cause: Some(first.id.as_str().to_owned()),
        });
    }
    query.execute(&mut *connection).await?;
    audit::append_all(connection, &entries).await
}

/// Takes the next numbers for each tenant's new tickets.
async fn take_numbers<'b>(
    connection: &mut AnyConnection,
    new: &[(&Group<'b>, &'b InboundMessage)],
) -> Result<BTreeMap<&'b str, std::ops::RangeInclusive<i64>>, StoreError> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, message) in new {
        *wanted.entry(message.tenant.as_str()).or_default() += 1;
    }
    let mut numbers = BTreeMap::new();
    for (tenant, count) in wanted {
        let (last,): (i64,) = sqlx::query_as(
            "INSERT INTO counters (tenant, name, value) VALUES ($1, 'ticket', $2) \
             ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + $2 RETURNING value",
        )
        .bind(tenant)
        .bind(count)
        .fetch_one(&mut *connection)
        .await?;
        numbers.insert(tenant, last - count + 1..=last);
    }
    Ok(numbers)
}

pub(super) async fn insert_messages(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    groups: &[Group<'_>],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let rows: Vec<(&Group<'_>, &InboundMessage)> = groups
        .iter()
        .flat_map(|group| group.messages.iter().map(move |intake| (group, &intake.message)))
        .collect();
    let columns = [
        "id",
        "tenant",
        "channel",
        "account",
        "external_id",
        "conversation",
        "ticket",
        "subject",
        "words",
        "whole",
        "meta",
        "sent",
        "received",
    ];
    let sql = format!(
        "{}INSERT INTO messages (id, tenant, channel, account, external_id, conversation_id, ticket_id, author, \
         subject, text, whole, meta, sent_at, received_at) \
         SELECT id, tenant, channel, account, external_id, conversation, ticket, 'customer', subject, words, whole, \
         meta, sent, received FROM r",
        with_rows(dialect, &columns, rows.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
    for (group, message) in &rows {
        query = query
            .bind(message.id.as_str())
            .bind(message.tenant.as_str())
            .bind(message.channel.as_str())
            .bind(&message.account)
            .bind(&message.external_id)
            .bind(group.conversation())
            .bind(group.ticket())
            .bind(message.subject.as_deref())
            .bind(&message.text)
            .bind(message.original.as_ref().and_then(|original| original.text.as_deref()))
            .bind(to_json(&super::turns::MessageMeta::of(message)))
            .bind(millis(message.sent_at))
            .bind(millis(message.received_at));
    }
    query.execute(&mut *connection).await?;
    for (_, message) in rows {
        let place = (message.tenant.as_str(), message.id.as_str());
        attachments::insert(connection, now, place, &message.attachments, true).await?;
    }
    Ok(())
}

/// Moves the ends of turns that wait already, and queues the others: `after_last` past the last
/// message, never later than `at_most` past the first. A dead job comes back to life: a new message
/// deserves a new try.
pub(super) async fn queue_turns(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    groups: &[Group<'_>],
) -> Result<(), StoreError> {
    // The conversations are locked, so nobody ends a turn between the two statements.
    let dialect = Dialect::of(connection);
    let rows =
        with_rows(dialect, &["id", "tenant", "subject", "now", "due", "at_most"], groups.len());
    let moved = format!(
        "{rows}UPDATE jobs SET \
           due_at = CASE WHEN state = 'dead' OR r.due < first_at + r.at_most THEN r.due ELSE first_at + r.at_most END, \
           first_at = CASE WHEN state = 'dead' THEN r.now ELSE first_at END, \
           attempts = CASE WHEN state = 'dead' THEN 0 ELSE attempts END, \
           held_at = CASE WHEN state = 'dead' THEN NULL ELSE held_at END, \
           state = 'pending' FROM r WHERE jobs.kind = 'turn' AND jobs.subject = r.subject"
    );
    let queued = format!(
        // WHERE true: without it SQLite reads ON CONFLICT as the condition of a join.
        "{rows}INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, attempts, created_at) \
         SELECT id, tenant, 'message', 'turn', subject, now, due, 'pending', 0, now FROM r WHERE true \
         ON CONFLICT (kind, subject) DO NOTHING"
    );
    for sql in [moved, queued] {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(groups.len() == 1);
        for group in groups {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let window = last.window;
            query = query
                .bind(first.job_id.as_str())
                .bind(first.message.tenant.as_str())
                .bind(group.conversation())
                .bind(millis(now))
                .bind(millis(now + window.after_last.min(window.at_most)))
                .bind(window.at_most.num_milliseconds());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
