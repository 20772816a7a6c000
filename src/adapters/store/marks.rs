//! What is known of addresses and of whom they are, whichever conversation it was learnt in: that somebody wants to
//! receive nothing unasked, or no advertisements, and that nothing arrives.
//!
//! A row stays when it holds no more, because the youngest news counts and older news may still come.

use chrono::{DateTime, Utc};
use sqlx::{AnyConnection, Row as _};

use super::customers::{email_key, keys_of};
use super::handling::own_thread;
use super::many::{ROWS_MAX, to_int, with_rows};
use super::outbox::Claimed;
use super::settle::Settlement;
use super::{Dialect, Store, StoreError, from_json, millis, moment, no_nul, to_json};
use crate::domain::channel::Channel;
use crate::domain::customer::Customer;
use crate::domain::ids::TenantId;
use crate::domain::mark::{Mark, MarkKey, MarkKind, MarkNews, StandingMark};
use crate::domain::message::{Contact, InboundMessage};
use crate::domain::phone;

/// A mark that stands on one of the keys that were asked for, by that key's place.
pub(super) struct Found {
    pub(super) place: usize,
    pub(super) kind: MarkKind,
    pub(super) mark: Mark,
    pub(super) reason: Option<String>,
    pub(super) at: DateTime<Utc>,
}

impl Found {
    fn shown(self) -> StandingMark {
        StandingMark { mark: self.mark, on: self.kind, reason: self.reason, since: self.at }
    }
}

impl Store {
    /// Notes that somebody wrote from these addresses, and when: whatever did not arrive there before may arrive now.
    pub async fn heard_from(
        &self,
        tenant: &TenantId,
        heard: Vec<(MarkKey, DateTime<Utc>)>,
    ) -> Result<(), StoreError> {
        if heard.is_empty() {
            return Ok(());
        }
        let (keys, times): (Vec<MarkKey>, Vec<DateTime<Utc>>) = heard.into_iter().unzip();
        let mut connection = self.reads.acquire().await?;
        let marks = standing(&mut connection, tenant.as_str(), &keys).await?;
        drop(connection);
        let unreachable = marks.into_iter().filter(|found| found.mark == Mark::Unreachable);
        let over: Vec<(MarkKey, DateTime<Utc>)> = unreachable
            .filter_map(|found| Some((keys.get(found.place)?.clone(), *times.get(found.place)?)))
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move {
                for (key, at) in over {
                    let reason = "wrote again".to_owned();
                    let news = MarkNews { mark: Mark::Unreachable, stands: false, reason, at };
                    note(connection, tenant.as_str(), &[key], &news).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes what an attempt to deliver a row says of whom it was for.
    pub async fn note_mark(&self, row: &Claimed, news: MarkNews) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            Box::pin(async move { note_of_row(connection, &row, &[], &news).await })
        })
        .await
    }

    /// Notes what a person on a network chose, for them and for the customer that they are.
    pub async fn note_preference(
        &self,
        tenant: &TenantId,
        thread: &str,
        phone: Option<&str>,
        news: MarkNews,
    ) -> Result<(), StoreError> {
        let (tenant, thread) = (tenant.clone(), no_nul(thread));
        let phone = phone.and_then(phone::key);
        self.write(move |connection| {
            Box::pin(async move {
                let customers: Vec<(String,)> = sqlx::query_as(
                    "SELECT DISTINCT customer_id FROM conversations WHERE tenant = $1 AND channel = $2 AND thread = $3 \
                     AND customer_id IS NOT NULL",
                )
                .bind(tenant.as_str())
                .bind(Channel::Whatsapp.as_str())
                .bind(&thread)
                .fetch_all(&mut *connection)
                .await?;
                let mut keys = vec![(MarkKind::Network, thread)];
                keys.extend(customers.into_iter().map(|(id,)| (MarkKind::Customer, id)));
                keys.extend(phone.map(|key| (MarkKind::Phone, key)));
                note(connection, tenant.as_str(), &keys, &news).await
            })
        })
        .await
    }

    /// Notes what a business says that a customer wants. With `false` they may be written to in every conversation again.
    pub async fn note_opt_out(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        customer: &Customer,
        opted_out: bool,
    ) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), customer.id.as_str().to_owned());
        let keys = keys_of_customer(customer);
        self.write(move |connection| {
            Box::pin(async move {
                let mut keys = keys;
                let rows: Vec<(String, String)> = sqlx::query_as(
                    "SELECT channel, thread FROM conversations WHERE customer_id = $1",
                )
                .bind(&id)
                .fetch_all(&mut *connection)
                .await?;
                keys.extend(rows.iter().filter_map(|(channel, thread)| network(channel, thread)));
                let news = MarkNews {
                    mark: Mark::OptedOut,
                    stands: opted_out,
                    reason: "api".to_owned(),
                    at: now,
                };
                note(connection, tenant.as_str(), &keys, &news).await?;
                if !opted_out {
                    sqlx::query("UPDATE conversations SET opted_out = 0 WHERE customer_id = $1")
                        .bind(&id)
                        .execute(connection)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns what is known of a customer and their addresses.
    pub async fn marks_of_customer(
        &self,
        tenant: &TenantId,
        customer: &Customer,
    ) -> Result<Vec<StandingMark>, StoreError> {
        let mut keys = keys_of_customer(customer);
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT channel, thread FROM conversations WHERE customer_id = $1")
                .bind(customer.id.as_str())
                .fetch_all(&self.reads)
                .await?;
        keys.extend(rows.iter().filter_map(|(channel, thread)| network(channel, thread)));
        self.shown(tenant, keys).await
    }

    /// Returns what is known of whom a conversation is with.
    pub(super) async fn marks_of_conversation(
        &self,
        tenant: &TenantId,
        conversation: &str,
    ) -> Result<Vec<StandingMark>, StoreError> {
        let mut connection = self.reads.acquire().await?;
        let keys = keys_of_conversation(&mut connection, conversation).await?;
        drop(connection);
        self.shown(tenant, keys).await
    }

    async fn shown(
        &self,
        tenant: &TenantId,
        mut keys: Vec<MarkKey>,
    ) -> Result<Vec<StandingMark>, StoreError> {
        keys.sort();
        keys.dedup();
        let mut connection = self.reads.acquire().await?;
        let found = standing(&mut connection, tenant.as_str(), &keys).await?;
        let mut shown: Vec<StandingMark> = found.into_iter().map(Found::shown).collect();
        shown.sort_by_key(|one| (one.mark, one.on, one.since));
        Ok(shown)
    }
}

fn keys_of_customer(customer: &Customer) -> Vec<MarkKey> {
    let profile = &customer.profile;
    let emails = profile.emails.iter().filter_map(|email| email_key(email));
    let phones = profile.phones.iter().filter_map(|phone| phone::key(phone));
    std::iter::once((MarkKind::Customer, customer.id.as_str().to_owned()))
        .chain(emails.map(|key| (MarkKind::Email, key)))
        .chain(phones.map(|key| (MarkKind::Phone, key)))
        .collect()
}

/// The key of a conversation's person on their network, where the network has persons.
fn network(channel: &str, thread: &str) -> Option<MarkKey> {
    let whatsapp = channel == Channel::Whatsapp.as_str();
    whatsapp.then(|| (MarkKind::Network, own_thread(thread).to_owned()))
}

/// The keys of an address as messages carry it.
fn keys_of_contact(contact: &Contact) -> impl Iterator<Item = MarkKey> {
    keys_of(contact).into_iter().filter_map(|(kind, key)| match kind {
        "email" => Some((MarkKind::Email, key)),
        "phone" => Some((MarkKind::Phone, key)),
        _ => None,
    })
}

pub(super) async fn keys_of_conversation(
    connection: &mut AnyConnection,
    conversation: &str,
) -> Result<Vec<MarkKey>, StoreError> {
    let row: Option<(Option<String>, String, String, String)> = sqlx::query_as(
        "SELECT customer_id, contact, channel, thread FROM conversations WHERE id = $1",
    )
    .bind(conversation)
    .fetch_optional(connection)
    .await?;
    let Some((customer, contact, channel, thread)) = row else { return Ok(Vec::new()) };
    let contact: Contact = from_json("contact", &contact)?;
    let mut keys: Vec<MarkKey> = keys_of_contact(&contact).collect();
    keys.extend(customer.map(|id| (MarkKind::Customer, id)));
    keys.extend(network(&channel, &thread));
    Ok(keys)
}

/// The keys of whom a row of the outbox is for, with their customer where known.
pub(super) fn keys_of_row(row: &Claimed, customer: Option<String>) -> Vec<MarkKey> {
    let mut keys: Vec<MarkKey> = keys_of_contact(&row.body.to).collect();
    keys.extend(customer.map(|id| (MarkKind::Customer, id)));
    keys.extend(network(row.channel.as_str(), &row.body.thread));
    keys
}

/// Returns what whoever wrote a message is reached at over its channel, where marks can hang on that.
pub fn address_of(message: &InboundMessage) -> Option<MarkKey> {
    match message.channel {
        Channel::Whatsapp => network(message.channel.as_str(), &message.thread),
        Channel::Email => {
            let email = message.contact.email.as_deref().and_then(email_key);
            email.map(|key| (MarkKind::Email, key))
        }
        Channel::WebForm | Channel::Chat | Channel::Phone | Channel::Api => None,
    }
}

/// True where nothing arrives over a channel whose address has this mark.
pub(super) fn hinders(found: &Found, channel: Channel) -> bool {
    found.mark == Mark::Unreachable
        && match channel {
            Channel::Whatsapp => found.kind == MarkKind::Network,
            Channel::Email => found.kind == MarkKind::Email,
            Channel::WebForm | Channel::Chat | Channel::Phone | Channel::Api => false,
        }
}

/// Notes what a network says of whom a row was for. That nothing arrives hangs on the address it was sent to: one of
/// those that the network named, where it named any. What somebody does not want hangs on all that they are known by.
pub(super) async fn note_of_row(
    connection: &mut AnyConnection,
    row: &Claimed,
    addresses: &[String],
    news: &MarkNews,
) -> Result<(), StoreError> {
    if news.mark != Mark::Unreachable {
        return note_choice(connection, row.tenant.as_str(), &row.conversation, news).await;
    }
    let named: Vec<MarkKey> = addresses
        .iter()
        .filter_map(|address| email_key(address))
        .map(|key| (MarkKind::Email, key))
        .collect();
    let wanted = match row.channel {
        Channel::Email => MarkKind::Email,
        _ => MarkKind::Network,
    };
    let own = || keys_of_row(row, None).into_iter().filter(|(kind, _)| *kind == wanted).collect();
    let keys: Vec<MarkKey> = if named.is_empty() { own() } else { named };
    note(connection, row.tenant.as_str(), &keys, news).await
}

/// Notes what turns say of whether their senders want to receive anything unasked.
pub(super) async fn note_choices(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    for turn in turns {
        let Some(stands) = turn.opts_out else { continue };
        let reason = if stands { "asked" } else { "wrote again" }.to_owned();
        let news = MarkNews { mark: Mark::OptedOut, stands, reason, at: now };
        let tenant = turn.job.tenant.as_str();
        note_choice(connection, tenant, turn.conversation.as_str(), &news).await?;
    }
    Ok(())
}

/// Notes for everything by which a conversation's person is known that they want to receive nothing unasked, or that they
/// do again.
pub(super) async fn note_choice(
    connection: &mut AnyConnection,
    tenant: &str,
    conversation: &str,
    news: &MarkNews,
) -> Result<(), StoreError> {
    let keys = keys_of_conversation(connection, conversation).await?;
    note(connection, tenant, &keys, news).await
}

/// Writes news down, unless younger news is known.
pub(super) async fn note(
    connection: &mut AnyConnection,
    tenant: &str,
    keys: &[MarkKey],
    news: &MarkNews,
) -> Result<(), StoreError> {
    for (kind, value) in keys {
        sqlx::query(
            "INSERT INTO contact_marks (tenant, kind, value, mark, standing, reason, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, kind, value, mark) DO UPDATE SET \
             standing = excluded.standing, reason = excluded.reason, at = excluded.at \
             WHERE contact_marks.at <= excluded.at",
        )
        .bind(tenant)
        .bind(kind.as_str())
        .bind(no_nul(value))
        .bind(news.mark.as_str())
        .bind(i64::from(news.stands))
        .bind(no_nul(&news.reason))
        .bind(millis(news.at))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Returns the marks that stand on any of these keys of a business.
pub(super) async fn standing(
    connection: &mut AnyConnection,
    tenant: &str,
    keys: &[MarkKey],
) -> Result<Vec<Found>, StoreError> {
    let keys: Vec<(&str, &MarkKey)> = keys.iter().map(|key| (tenant, key)).collect();
    standing_of(connection, &keys).await
}

/// The same for keys of several businesses.
pub(super) async fn standing_of(
    connection: &mut AnyConnection,
    keys: &[(&str, &MarkKey)],
) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for (chunk, keys) in keys.chunks(ROWS_MAX).enumerate() {
        let sql = format!(
            "{}SELECT r.place, m.kind, m.mark, m.reason, m.at FROM r JOIN contact_marks m ON m.tenant = r.tenant \
             AND m.kind = r.kind AND m.value = r.word WHERE m.standing = 1",
            with_rows(Dialect::of(connection), &["place", "tenant", "kind", "word"], keys.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(keys.len() == 1);
        for (place, (tenant, (kind, value))) in keys.iter().enumerate() {
            let place = to_int(chunk * ROWS_MAX + place);
            query = query.bind(place).bind(*tenant).bind(kind.as_str()).bind(no_nul(value));
        }
        for row in query.fetch_all(&mut *connection).await? {
            found.push(Found {
                place: usize::try_from(row.try_get::<i64, _>("place")?).unwrap_or_default(),
                kind: super::turns::word(&row, "kind", MarkKind::parse)?,
                mark: super::turns::word(&row, "mark", Mark::parse)?,
                reason: row.try_get("reason")?,
                at: moment(row.try_get("at")?),
            });
        }
    }
    Ok(found)
}

/// Forgets what is known of addresses.
pub(super) async fn forget_keys(
    connection: &mut AnyConnection,
    tenant: &str,
    keys: impl Iterator<Item = (String, String)>,
) -> Result<(), StoreError> {
    for (kind, value) in keys {
        sqlx::query("DELETE FROM contact_marks WHERE tenant = $1 AND kind = $2 AND value = $3")
            .bind(tenant)
            .bind(kind)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Forgets where nothing arrived long ago. What people do not want stays until they are erased, or it would not be kept to.
pub(super) async fn forget_old(
    connection: &mut AnyConnection,
    before: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM contact_marks WHERE mark = $1 AND at < $2")
        .bind(Mark::Unreachable.as_str())
        .bind(millis(before))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets what is known of the addresses in conversations: they are erased.
pub(super) async fn forget(
    connection: &mut AnyConnection,
    conversations: &[String],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "SELECT tenant, contact, channel, thread FROM conversations WHERE id IN {}",
        dialect.json_strings("$1")
    );
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(to_json(&conversations))
        .fetch_all(&mut *connection)
        .await?;
    for (tenant, contact, channel, thread) in rows {
        let contact: Contact = from_json("contact", &contact)?;
        let keys = keys_of_contact(&contact).chain(network(&channel, &thread));
        let keys = keys.map(|(kind, value)| (kind.as_str().to_owned(), value));
        forget_keys(connection, &tenant, keys).await?;
    }
    Ok(())
}
