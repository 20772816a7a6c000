//! Who is meant by a phone, an e-mail, a reference or an id, and which conversations are theirs.
//!
//! Whom the business calls one customer is one person; whoever is no customer is known by the one key that was asked
//! for. Nothing is guessed from other keys that two conversations share: what is found here is also what is erased.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::customers::{email_key, keys_of};
use super::handling::{SPLIT, own_thread};
use super::many::to_int;
use super::{Dialect, Store, StoreError, from_json, no_nul, to_json};
use crate::domain::ids::TenantId;
use crate::domain::message::{Contact, InboundMessage, MessageOrigin};
use crate::domain::phone;

/// What a person is known by: `reference`, `email` or `phone`, and the value as contacts are looked up by.
type Key = (String, String);
/// What tells a business's conversations apart: channel, account and thread.
type Place = [String; 3];

/// A person, and the conversations that are theirs.
#[derive(Clone, Debug)]
pub struct Person {
    pub(super) tenant: TenantId,
    pub(super) customers: BTreeSet<String>,
    /// What was asked for.
    asked: String,
    keys: BTreeSet<Key>,
    conversations: BTreeMap<Place, String>,
    filed: BTreeSet<String>,
    also: BTreeSet<Key>,
}

impl Person {
    /// True where the store holds nothing of them.
    pub fn is_unknown(&self) -> bool {
        self.customers.is_empty() && self.conversations.is_empty()
    }

    /// Returns what else their conversations name: perhaps theirs as well, which nobody but the business can say.
    pub fn also_seen(&self) -> impl Iterator<Item = (&str, &str)> {
        self.also.iter().map(|(kind, value)| (kind.as_str(), value.as_str()))
    }

    /// Adds the conversations that these messages were filed under, whosever they are by then.
    pub fn add_filed(&mut self, messages: &[MessageOrigin]) {
        self.filed.extend(messages.iter().map(|message| message.id.clone()));
    }

    /// True where a message that is not filed yet may be theirs; `Store::is_theirs` knows.
    pub fn may_have_written(&self, message: &InboundMessage) -> bool {
        message.tenant == self.tenant
            && (self.conversations.contains_key(&place_of(message))
                || self.is_meant(&message.contact, &message.thread))
    }

    pub(super) fn conversation_ids(&self) -> Vec<&str> {
        self.conversations.values().map(String::as_str).collect()
    }

    /// What they are known by, as contacts are looked up.
    pub(super) fn keys(&self) -> impl Iterator<Item = (String, String)> {
        self.keys.iter().cloned()
    }

    /// The keys of their numbers.
    pub(super) fn phone_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|(kind, _)| kind == "phone").map(|(_, key)| key.as_str())
    }

    /// Their mail addresses.
    pub(super) fn mail_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|(kind, _)| kind == "email").map(|(_, key)| key.as_str())
    }

    /// True where somebody goes by one of this person's keys, or by what was asked for.
    fn is_meant(&self, contact: &Contact, thread: &str) -> bool {
        keys_in(contact, thread).any(|key| self.keys.contains(&key))
            || (self.customers.is_empty()
                && !self.asked.is_empty()
                && own_thread(thread) == self.asked)
    }

    fn owns(&self, row: &ConversationRow) -> bool {
        let (id, customer, contact, thread) = row;
        if is_erased(thread) {
            return false;
        }
        *id == self.asked
            || match customer {
                Some(customer) => self.customers.contains(customer),
                None => self.is_meant(contact, thread),
            }
    }
}

/// Id, customer, contact and thread.
type ConversationRow = (String, Option<String>, Contact, String);

/// True for the key that a conversation gets when its person is erased. No network has such a key.
pub(super) fn is_erased(thread: &str) -> bool {
    thread.starts_with(SPLIT)
}

fn place_of(message: &InboundMessage) -> Place {
    [message.channel.as_str().to_owned(), message.account.clone(), message.thread.clone()]
}

/// Returns the keys that a text can stand for, surest first.
fn keys_named(text: &str) -> impl Iterator<Item = Key> {
    let digits = text.chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c));
    let phone = Some(text).filter(|_| digits).and_then(phone::key);
    let email = email_key(text).map(|key| ("email", key));
    email
        .into_iter()
        .chain(phone.map(|key| ("phone", key)))
        .map(|(kind, key)| (kind.to_owned(), key))
}

/// Returns the keys of a conversation: those of its contact, and its own thread where that is a number or an address.
fn keys_in(contact: &Contact, thread: &str) -> impl Iterator<Item = Key> {
    let told = keys_of(contact).into_iter().map(|(kind, key)| (kind.to_owned(), key));
    told.chain(keys_named(own_thread(thread)))
}

/// How much of a person is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Records of the business.
    pub customers: i64,
    /// Conversations.
    pub conversations: i64,
    /// Tickets.
    pub tickets: i64,
    /// Of these, tickets that are not closed.
    pub open_tickets: i64,
    /// Messages, in and out.
    pub messages: i64,
    /// Files that came with messages.
    pub files: i64,
    /// Drafts.
    pub drafts: i64,
    /// Replies and notices in the outbox.
    pub replies: i64,
    /// Of these, what has not left yet.
    pub unsent: i64,
    /// Notes of agents.
    pub notes: i64,
    /// Messages that are not filed yet.
    pub waiting: i64,
}

impl Kept {
    /// True where there is nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.conversations += other.conversations;
        self.tickets += other.tickets;
        self.open_tickets += other.open_tickets;
        self.messages += other.messages;
        self.files += other.files;
        self.drafts += other.drafts;
        self.replies += other.replies;
        self.unsent += other.unsent;
        self.notes += other.notes;
        self.waiting += other.waiting;
    }
}

/// How many conversations are read at once.
const PAGE: usize = 2_000;

impl Store {
    /// Finds whom a business means by a phone, an e-mail, a customer's reference, or the id of a customer or a
    /// conversation.
    pub async fn find_person(&self, tenant: &TenantId, asked: &str) -> Result<Person, StoreError> {
        let asked = no_nul(asked.trim());
        let by_id: Option<(String,)> = sqlx::query_as(
            "SELECT id FROM customers WHERE tenant = $1 AND id = $2 AND seen_at IS NOT NULL \
             UNION SELECT k.id FROM conversations c JOIN customers k ON k.id = c.customer_id \
             WHERE c.tenant = $1 AND c.id = $2 AND k.seen_at IS NOT NULL",
        )
        .bind(tenant.as_str())
        .bind(&asked)
        .fetch_optional(&self.reads)
        .await?;
        let mut keys = vec![("reference".to_owned(), asked.clone())];
        keys.extend(keys_named(&asked));
        let mut customer = by_id.map(|(id,)| id);
        for key in &keys {
            if customer.is_none() {
                customer = self.customer_by(tenant, key).await?;
            }
        }
        let mut person = Person {
            tenant: tenant.clone(),
            customers: BTreeSet::new(),
            asked,
            keys: BTreeSet::new(),
            conversations: BTreeMap::new(),
            filed: BTreeSet::new(),
            also: BTreeSet::new(),
        };
        match customer {
            Some(customer) => self.adopt(&mut person, customer).await?,
            None => person.keys.extend(keys),
        }
        let holders = self.survey(&mut person).await?;
        // A number that a customer wrote from need not stand in their record.
        if person.customers.is_empty()
            && let Some(only) = holders.first().filter(|_| holders.len() == 1)
        {
            self.adopt(&mut person, only.clone()).await?;
            self.survey(&mut person).await?;
        } else if person.customers.is_empty() {
            person.also.extend(holders.into_iter().map(|id| ("customer".to_owned(), id)));
        }
        Ok(person)
    }

    /// Makes a customer the person who is meant.
    async fn adopt(&self, person: &mut Person, customer: String) -> Result<(), StoreError> {
        let keys: Vec<Key> =
            sqlx::query_as("SELECT kind, value FROM contacts WHERE customer_id = $1")
                .bind(&customer)
                .fetch_all(&self.reads)
                .await?;
        person.keys.extend(keys);
        person.customers.insert(customer);
        Ok(())
    }

    async fn customer_by(
        &self,
        tenant: &TenantId,
        (kind, value): &Key,
    ) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT customer_id FROM contacts WHERE tenant = $1 AND kind = $2 AND value = $3",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(value)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.map(|(id,)| id))
    }

    /// Looks through the business's conversations for those of a person: contacts stand in them as their channel told
    /// them, so no index finds them. Returns other customers who have conversations under this person's keys.
    pub(super) async fn survey(&self, person: &mut Person) -> Result<BTreeSet<String>, StoreError> {
        let sql = format!(
            "SELECT c.id, CASE WHEN k.seen_at IS NULL THEN NULL ELSE c.customer_id END AS customer, c.contact, c.channel, \
             c.account, c.thread, CASE WHEN c.id IN (SELECT m.conversation_id FROM messages m WHERE m.tenant = $1 \
             AND m.id IN {}) THEN 1 ELSE 0 END AS filed FROM conversations c LEFT JOIN customers k ON k.id = c.customer_id \
             WHERE c.tenant = $1 AND c.id > $2 ORDER BY c.id LIMIT {PAGE}",
            self.dialect.json_strings("$3")
        );
        let filed = to_json(&person.filed);
        let (mut found, mut also, mut holders) =
            (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let mut after = String::new();
        loop {
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(person.tenant.as_str())
                .bind(&after)
                .bind(&filed)
                .fetch_all(&self.reads)
                .await?;
            for row in &rows {
                let (conversation, place, filed) = conversation(row)?;
                let (id, customer, contact, thread) = &conversation;
                after.clone_from(id);
                if person.owns(&conversation) || (filed && !is_erased(thread)) {
                    let keys = keys_in(contact, thread);
                    also.extend(keys.filter(|key| !person.keys.contains(key)));
                    found.insert(place, id.clone());
                } else if person.is_meant(contact, thread) {
                    holders.extend(customer.clone());
                }
            }
            if rows.len() < PAGE {
                person.conversations = found;
                person.also = also;
                return Ok(holders);
            }
        }
    }

    /// True where a message that is not filed yet is this person's, as filing it would say.
    pub async fn is_theirs(
        &self,
        person: &Person,
        message: &InboundMessage,
    ) -> Result<bool, StoreError> {
        if !person.may_have_written(message) {
            return Ok(false);
        }
        let place = place_of(message);
        if person.conversations.contains_key(&place) {
            return Ok(true);
        }
        let [channel, account, thread] = &place;
        let of_another: Option<(String,)> = sqlx::query_as(
            "SELECT id FROM conversations WHERE tenant = $1 AND channel = $2 AND account = $3 AND thread = $4",
        )
        .bind(person.tenant.as_str())
        .bind(channel)
        .bind(no_nul(account))
        .bind(no_nul(thread))
        .fetch_optional(&self.reads)
        .await?;
        if of_another.is_some() {
            return Ok(false);
        }
        for (kind, key) in keys_of(&message.contact) {
            if let Some(customer) =
                self.customer_by(&person.tenant, &(kind.to_owned(), key)).await?
            {
                return Ok(person.customers.contains(&customer));
            }
        }
        Ok(true)
    }

    /// Counts what is kept of a person, without what is not filed yet.
    pub async fn kept_of(&self, person: &Person) -> Result<Kept, StoreError> {
        let mut connection = self.reads.acquire().await?;
        let mut kept = count(&mut connection, &person.conversation_ids()).await?;
        kept.customers = to_int(person.customers.len());
        Ok(kept)
    }

    /// Returns where a person's messages came from.
    pub async fn origins_of(&self, person: &Person) -> Result<Vec<MessageOrigin>, StoreError> {
        let mut connection = self.reads.acquire().await?;
        origins(&mut connection, &person.conversation_ids()).await
    }
}

fn conversation(row: &AnyRow) -> Result<(ConversationRow, Place, bool), StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let contact = from_json("contact", &text("contact")?)?;
    let thread = text("thread")?;
    let place = [text("channel")?, text("account")?, thread.clone()];
    let filed = row.try_get::<i64, _>("filed")? == 1;
    Ok(((text("id")?, row.try_get("customer")?, contact, thread), place, filed))
}

type Counts = (i64, i64, i64, i64, i64, i64, i64, i64);

/// Counts what these conversations hold.
pub(super) async fn count(
    connection: &mut AnyConnection,
    conversations: &[&str],
) -> Result<Kept, StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM tickets WHERE conversation_id IN {ids}), \
         (SELECT COUNT(*) FROM tickets WHERE conversation_id IN {ids} AND status <> 'closed'), \
         (SELECT COUNT(*) FROM messages WHERE conversation_id IN {ids}), \
         (SELECT COUNT(*) FROM attachments WHERE state <> 'erased' AND (message_id IN \
           (SELECT id FROM messages WHERE conversation_id IN {ids}) \
           OR outbox_id IN (SELECT id FROM outbox WHERE conversation_id IN {ids}))), \
         (SELECT COUNT(*) FROM drafts WHERE ticket_id IN {tickets}), \
         (SELECT COUNT(*) FROM outbox WHERE conversation_id IN {ids}), \
         (SELECT COUNT(*) FROM outbox WHERE conversation_id IN {ids} AND state IN ('queued', 'sending')), \
         (SELECT COUNT(*) FROM notes WHERE ticket_id IN {tickets})";
    let sql = sql
        .replace("{tickets}", TICKETS)
        .replace("{ids}", &Dialect::of(connection).json_strings("$1"));
    let (tickets, open_tickets, messages, files, drafts, replies, unsent, notes): Counts =
        sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(to_json(&conversations))
            .fetch_one(connection)
            .await?;
    let conversations = to_int(conversations.len());
    Ok(Kept {
        customers: 0,
        conversations,
        tickets,
        open_tickets,
        messages,
        files,
        drafts,
        replies,
        unsent,
        notes,
        waiting: 0,
    })
}

/// Returns where the customers' messages of these conversations came from.
pub(super) async fn origins(
    connection: &mut AnyConnection,
    conversations: &[&str],
) -> Result<Vec<MessageOrigin>, StoreError> {
    let sql = format!(
        "SELECT id, channel, account, external_id FROM messages WHERE conversation_id IN {} AND external_id IS NOT NULL",
        Dialect::of(connection).json_strings("$1")
    );
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(to_json(&conversations))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, channel, account, external_id)| MessageOrigin {
            id,
            channel,
            account,
            external_id,
        })
        .collect())
}

/// The tickets of the conversations in `{ids}`.
pub(super) const TICKETS: &str = "(SELECT id FROM tickets WHERE conversation_id IN {ids})";

#[cfg(test)]
mod tests {
    use super::*;

    fn person(keys: &[(&str, &str)], customers: &[&str], asked: &str) -> Person {
        Person {
            tenant: TenantId::main(),
            customers: customers.iter().map(|id| (*id).to_owned()).collect(),
            asked: asked.to_owned(),
            keys: keys.iter().map(|(kind, key)| ((*kind).to_owned(), (*key).to_owned())).collect(),
            conversations: BTreeMap::new(),
            filed: BTreeSet::new(),
            also: BTreeSet::new(),
        }
    }

    #[test]
    fn a_text_stands_for_an_address_or_a_number_and_an_id_for_neither() {
        for (text, expected) in [
            ("Ana@Exemplo.com", &[("email", "ana@exemplo.com")][..]),
            ("+55 (11) 98765-4321", &[("phone", "551187654321")]),
            ("551187654321", &[("phone", "551187654321")]),
            ("tck_0193aabbccdd12345678901234567890", &[]),
            ("PR-1001", &[]),
            ("190", &[]),
        ] {
            let named: Vec<Key> = keys_named(text).collect();
            let named: Vec<(&str, &str)> =
                named.iter().map(|(kind, key)| (kind.as_str(), key.as_str())).collect();
            assert_eq!(named, expected, "{text}");
        }
    }

    #[test]
    fn a_conversation_belongs_to_its_customer_and_only_without_one_to_a_key() {
        let contact = Contact { phone: Some("11 98765-4321".to_owned()), ..Contact::default() };
        let nobody = Contact::default();
        let phone = &[("phone", "551187654321")];
        let (ana, unknown) = (person(phone, &["cus_1"], "c1"), person(phone, &[], "t-1"));
        for (customer, contact, thread, of_ana, of_unknown) in [
            (Some("cus_1"), &nobody, "x", true, false),
            (Some("cus_2"), &contact, "x", false, false),
            (None, &contact, "x", true, true),
            (None, &nobody, "5511987654321", true, true),
            (None, &nobody, "551187654321\u{1f}7", true, true),
            (None, &nobody, "t-1", false, true),
            (None, &nobody, "c1", false, false),
            (Some("cus_1"), &contact, "\u{1f}cnv_1", false, false),
        ] {
            let row = (
                "cnv_1".to_owned(),
                customer.map(str::to_owned),
                contact.clone(),
                thread.to_owned(),
            );
            assert_eq!(ana.owns(&row), of_ana, "{customer:?} {thread}");
            assert_eq!(unknown.owns(&row), of_unknown, "{customer:?} {thread}");
        }
    }
}
