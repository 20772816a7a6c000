//! Conversations by mail: which one a mail belongs to, and what an answer in it goes to.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;

use super::network::{self, NetworkPerson};
use super::{Store, StoreError, from_json, no_nul};
use crate::domain::channel::Channel;
use crate::domain::ids::{OutboxId, TenantId, TicketId, TicketNumber};
use crate::domain::message::Contact;

/// Ids of earlier mails that are looked at, the nearest first.
const IDS_MAX: usize = 20;

/// What a mail says of itself and of its conversation.
#[derive(Clone, Debug)]
pub struct MailRef {
    /// Where it lies: mailbox, validity and number.
    pub external_id: String,
    /// The same for its copies in other mailboxes, and for no other mail.
    pub copy_key: String,
    /// Its id.
    pub message_id: String,
    /// Ids of the mails before it, the nearest first.
    pub ids: Vec<String>,
    /// The ticket that a signed address of ours names.
    pub ticket: Option<TicketId>,
    /// Ticket numbers in its subject.
    pub numbers: Vec<TicketNumber>,
    /// Who wrote it, in lower case.
    pub sender: String,
    /// The mailbox it came to.
    pub account: String,
    /// The key of a conversation of its own.
    pub fresh_thread: String,
    /// What answers go to and refer to; what it lacks is taken from what was known before.
    pub address: Value,
}

/// Where a mail belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Threaded {
    /// It is known already, from another mailbox.
    Copy,
    /// Into this conversation of this mailbox.
    Into {
        /// The conversation's key.
        thread: String,
        /// The mailbox that it began in.
        account: String,
    },
}

impl Store {
    /// Finds the conversation of a mail, or begins one. Whoever is no party of a conversation gets one of their own,
    /// whatever ids and numbers they name: both can be guessed or passed on.
    pub async fn thread_mail(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        mail: MailRef,
    ) -> Result<Threaded, StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move { thread_mail(connection, now, &tenant, &mail).await })
        })
        .await
    }

    /// Returns the conversation that one of these mails belongs to, whoever asks: for mails of our own.
    pub async fn thread_of_mails(
        &self,
        tenant: &TenantId,
        ids: &[String],
    ) -> Result<Option<(String, String)>, StoreError> {
        let mut connection = self.reads.acquire().await?;
        for id in ids.iter().take(IDS_MAX) {
            if let Some(place) = by_id(&mut connection, tenant, id).await? {
                return Ok(Some((place.thread, place.account)));
            }
        }
        Ok(None)
    }

    /// True where a mail of this id left from here.
    pub async fn is_our_mail(&self, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "SELECT 1 FROM outbox WHERE tenant = $1 AND audience = 'customer' AND (network_id = $2 OR id = $3) LIMIT 1",
        )
        .bind(tenant.as_str())
        .bind(no_nul(id))
        .bind(own_id(id).map(|id| id.as_str().to_owned()).unwrap_or_default())
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.is_some())
    }
}

/// Reads the row of the outbox out of the id of a mail of ours: `out_…@domain`.
pub fn own_id(message_id: &str) -> Option<OutboxId> {
    let (local, _) = message_id.split_once('@')?;
    local.starts_with("out_").then(|| OutboxId::from_stored(local.to_owned()))
}

struct Place {
    thread: String,
    account: String,
    contact: Contact,
}

async fn thread_mail(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    mail: &MailRef,
) -> Result<Threaded, StoreError> {
    let copy = format!("copy:{}", short_hash(&mail.copy_key));
    let own = format!("{copy}:{}", short_hash(&mail.external_id));
    let known: Vec<(String,)> = sqlx::query_as(
        "SELECT key FROM network_keys WHERE tenant = $1 AND network = 'email' AND key IN ($2, $3)",
    )
    .bind(tenant.as_str())
    .bind(&copy)
    .bind(&own)
    .fetch_all(&mut *connection)
    .await?;
    // One that was read before and not filed is not its own copy.
    if !known.is_empty() && known.iter().all(|(key,)| *key != own) {
        return Ok(Threaded::Copy);
    }
    let found = find(connection, tenant, mail).await?;
    let mut address = mail.address.clone();
    let (thread, account) = match found {
        Some(place) => {
            // Who wrote is only what the mail says: an answer to a conversation that goes on is not led elsewhere by it.
            let elsewhere = address.get("email").and_then(Value::as_str) != Some(&mail.sender);
            if let (true, Some(address)) = (elsewhere, address.as_object_mut()) {
                address.remove("email");
            }
            (place.thread, place.account)
        }
        None => (mail.fresh_thread.clone(), mail.account.clone()),
    };
    let keys = vec![id_key(&mail.message_id), party_key(&thread, &mail.sender), copy, own];
    for key in &keys {
        sqlx::query(
            "INSERT INTO network_keys (tenant, network, key, contact_id) VALUES ($1, 'email', $2, $3) \
             ON CONFLICT (tenant, network, key) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(&thread)
        .execute(&mut *connection)
        .await?;
    }
    let person = NetworkPerson { fresh_id: thread.clone(), keys: Vec::new(), address };
    network::know(connection, now, tenant, Channel::Email, &person).await?;
    Ok(Threaded::Into { thread, account })
}

async fn find(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    mail: &MailRef,
) -> Result<Option<Place>, StoreError> {
    for id in mail.ids.iter().take(IDS_MAX) {
        if let Some(place) = by_id(connection, tenant, id).await?
            && is_party(connection, tenant, &place, &mail.sender).await?
        {
            return Ok(Some(place));
        }
    }
    if let Some(ticket) = &mail.ticket
        && let Some(place) = conversation(connection, tenant, "t.id = $2", ticket.as_str()).await?
        && is_party(connection, tenant, &place, &mail.sender).await?
    {
        return Ok(Some(place));
    }
    for number in &mail.numbers {
        let running = number.running().to_string();
        let place =
            conversation(connection, tenant, "t.number = CAST($2 AS BIGINT)", &running).await?;
        if let Some(place) = place
            && is_party(connection, tenant, &place, &mail.sender).await?
        {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// The conversation that a mail of this id belongs to, ours or theirs.
async fn by_id(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Place>, StoreError> {
    if let Some(own) = own_id(id) {
        let sql = "SELECT c.thread, c.account, c.contact FROM outbox o JOIN conversations c ON c.id = o.conversation_id \
                   WHERE o.id = $2 AND o.tenant = $1 AND c.channel = 'email'";
        return place(connection, tenant, sql, own.as_str()).await;
    }
    let sql = "SELECT c.thread, c.account, c.contact FROM network_keys k JOIN conversations c \
               ON c.tenant = k.tenant AND c.channel = 'email' AND c.thread = k.contact_id \
               WHERE k.tenant = $1 AND k.network = 'email' AND k.key = $2";
    place(connection, tenant, sql, &id_key(id)).await
}

async fn conversation(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    which: &str,
    value: &str,
) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT c.thread, c.account, c.contact FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
         WHERE t.tenant = $1 AND c.channel = 'email' AND {which}"
    );
    place(connection, tenant, &sql, value).await
}

async fn place(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    sql: &str,
    value: &str,
) -> Result<Option<Place>, StoreError> {
    let row: Option<(String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned()))
        .bind(tenant.as_str())
        .bind(value)
        .fetch_optional(connection)
        .await?;
    row.map(|(thread, account, contact)| {
        Ok(Place { thread, account, contact: from_json("contact", &contact)? })
    })
    .transpose()
}

/// True for whoever wrote in a conversation before, or is its customer.
async fn is_party(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    place: &Place,
    sender: &str,
) -> Result<bool, StoreError> {
    if sender.is_empty() {
        return Ok(false);
    }
    if place.contact.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(sender)) {
        return Ok(true);
    }
    let row: Option<(i64,)> = sqlx::query_as(
        "SELECT 1 FROM network_keys WHERE tenant = $1 AND network = 'email' AND key = $2",
    )
    .bind(tenant.as_str())
    .bind(party_key(&place.thread, sender))
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

fn id_key(message_id: &str) -> String {
    format!("id:{}", short_hash(message_id))
}

fn party_key(thread: &str, sender: &str) -> String {
    format!("from:{}", short_hash(&format!("{thread}\u{1f}{sender}")))
}

/// Ids and addresses come from outside in any length, and keys need not show them.
fn short_hash(text: &str) -> String {
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    digest.get(..40).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_of_ours_is_known_by_its_id() {
        assert_eq!(own_id("out_0af@loja.example").unwrap().as_str(), "out_0af");
        assert_eq!(own_id("abc@loja.example"), None);
        assert_eq!(own_id("out_"), None);
    }

    #[test]
    fn keys_show_no_address() {
        let key = party_key("mail_1", "ana@x.example");
        assert!(!key.contains("ana") && key.len() == 45, "{key}");
        assert_ne!(key, party_key("mail_2", "ana@x.example"));
    }
}
