//! Reads the body of a webhook call, whatever is in it: messages, their states, news of people and accounts.
//!
//! Nothing that arrived is lost. What cannot be read is kept raw beside the reason and never keeps the rest of its
//! batch away, because Meta would send all of it again for a week. Whoever calls bounds the size of the body.

mod account;
mod content;
mod kind;
mod message;
mod sender;
mod status;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use account::{AccountFault, Alias, Preference};
pub use content::{
    Card, Context, Kind, Media, OrderItem, Pin, Product, Referral, SystemChange, SystemEvent,
};
pub use message::{Incoming, Silence};
pub use sender::Sender;
pub use status::{Pricing, Status, StatusChange, advance};

use super::json;

/// Most updates that Meta puts into one call.
pub const UPDATES_MAX: usize = 1_000;

/// What `object` says of a call that is about WhatsApp.
const OBJECT: &str = "whatsapp_business_account";
/// What a message change carries besides news: nothing of it is lost by not being read on its own.
const ENVELOPE: [&str; 3] = ["messaging_product", "metadata", "contacts"];

/// Everything that one call brought, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// One per item of the body.
    pub updates: Vec<Update>,
    /// How many there are beyond `UPDATES_MAX`. They were read all the same; Meta promises never to send them.
    pub beyond: usize,
}

/// One item of a call. `account` is the phone number id of the business's number, empty where the call names none.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A message of a customer, or an echo of one that the business sent from its own phone.
    Message(Box<Incoming>),
    /// What became of a message that we sent.
    Status(Box<StatusChange>),
    /// A customer's id changed.
    Alias(Alias),
    /// A customer chose what they want to receive.
    Preference(Preference),
    /// Something is wrong with the account itself.
    Fault(AccountFault),
    /// Well formed, but nothing that we act upon.
    Ignored {
        /// The number it is about.
        account: String,
        /// The field of the change, or within `messages` the name of the unknown list.
        field: String,
        /// The item as it came.
        raw: Value,
        /// Why it is set aside.
        why: &'static str,
    },
    /// Not to be read.
    Bad {
        /// The number it is about.
        account: String,
        /// The item as it came.
        raw: Value,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Update {
    /// Returns the phone number id that it is about, empty where the call names none.
    pub fn account(&self) -> &str {
        match self {
            Self::Message(message) => &message.account,
            Self::Status(change) => &change.account,
            Self::Alias(Alias { account, .. })
            | Self::Preference(Preference { account, .. })
            | Self::Fault(AccountFault { account, .. })
            | Self::Ignored { account, .. }
            | Self::Bad { account, .. } => account,
        }
    }

    /// Returns what is equal for two deliveries of the same item and for nothing else.
    ///
    /// All states of a message share its id; what has no id of its own goes by a hash of what it says.
    pub fn dedup_key(&self) -> String {
        match self {
            Self::Message(message) => format!("message:{}:{}", message.account, message.id),
            Self::Status(change) => {
                let who = change.recipient().unwrap_or_default();
                format!("status:{}:{}:{}:{who}", change.account, change.id, change.status)
            }
            Self::Alias(alias) => hashed("alias", &format!("{alias:?}")),
            Self::Preference(preference) => hashed("preference", &format!("{preference:?}")),
            Self::Fault(fault) => hashed("fault", &format!("{fault:?}")),
            Self::Ignored { account, field, raw, .. } => {
                hashed("ignored", &format!("{account}\n{field}\n{raw}"))
            }
            Self::Bad { account, raw, .. } => hashed("bad", &format!("{account}\n{raw}")),
        }
    }

    /// Returns the change of identity that an update tells of, be it an event or a system message. Who stays the same
    /// did not change.
    pub fn alias(&self) -> Option<Alias> {
        match self {
            Self::Alias(alias) => Some(alias).filter(|it| it.previous != it.current).cloned(),
            Self::Message(message) => message.alias(),
            _ => None,
        }
    }
}

fn hashed(what: &str, text: &str) -> String {
    format!("{what}:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

/// Why a body as a whole is no webhook call of WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// No bytes but blanks.
    Empty,
    /// No JSON, or nested deeper than 128 levels.
    NotJson {
        /// Line of the error, from 1.
        line: usize,
        /// Column of the error, from 1.
        column: usize,
    },
    /// JSON, but no object with a list of entries.
    NoEntries,
    /// A call about something else than WhatsApp.
    OtherObject,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the body is empty"),
            Self::NotJson { line, column } => {
                write!(f, "the body is not JSON: error in line {line}, column {column}")
            }
            Self::NoEntries => f.write_str("the body has no list `entry`"),
            Self::OtherObject => write!(f, "`object` is not `{OBJECT}`"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads the body of one call. A single change without the envelope around it is read too.
pub fn read(body: &[u8]) -> Result<Batch, Unreadable> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Empty);
    }
    let root = json::parse(body)
        .map_err(|error| Unreadable::NotJson { line: error.line(), column: error.column() })?;
    let mut updates = Vec::new();
    if root.get("entry").is_none() && root.get("field").is_some() && root.get("value").is_some() {
        read_change("", &root, &mut updates);
    } else {
        if json::word(&root, "object").is_some_and(|object| object != OBJECT) {
            return Err(Unreadable::OtherObject);
        }
        if root.get("entry").is_none() {
            return Err(Unreadable::NoEntries);
        }
        for entry in json::items(&root, "entry") {
            read_entry(entry, &mut updates);
        }
    }
    let beyond = updates.len().saturating_sub(UPDATES_MAX);
    Ok(Batch { updates, beyond })
}

fn read_entry(entry: &Value, updates: &mut Vec<Update>) {
    let bad = |raw: &Value, why| Update::Bad { account: String::new(), raw: raw.clone(), why };
    if !entry.is_object() {
        updates.push(bad(entry, "entry is no object"));
        return;
    }
    let changes = json::items(entry, "changes");
    if changes.is_empty() {
        updates.push(Update::Ignored {
            account: String::new(),
            field: String::new(),
            raw: entry.clone(),
            why: "entry without changes",
        });
    }
    let waba = json::word(entry, "id").unwrap_or_default();
    for change in changes {
        read_change(&waba, change, updates);
    }
}

/// Where a change belongs, and who it introduces.
struct Place<'v> {
    waba: &'v str,
    account: String,
    display_phone: Option<String>,
    people: sender::People<'v>,
}

impl Place<'_> {
    fn bad(&self, raw: &Value, why: &'static str) -> Update {
        Update::Bad { account: self.account.clone(), raw: raw.clone(), why }
    }

    fn ignored(&self, field: &str, raw: &Value, why: &'static str) -> Update {
        let account = self.account.clone();
        Update::Ignored { account, field: field.to_owned(), raw: raw.clone(), why }
    }

    /// Reads every item of a list; one that fails is kept as it came.
    fn each(
        &self,
        list: &[Value],
        updates: &mut Vec<Update>,
        read: impl Fn(&Self, &Value) -> Result<Update, &'static str>,
    ) {
        updates.extend(list.iter().map(|raw| {
            let update = if raw.is_object() { read(self, raw) } else { Err("item is no object") };
            update.unwrap_or_else(|why| self.bad(raw, why))
        }));
    }
}

fn read_change(waba: &str, change: &Value, updates: &mut Vec<Update>) {
    let value = change.get("value").unwrap_or(&Value::Null);
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    let news = ["messages", "message_echoes"].map(|list| json::items(value, list).len());
    let place = Place {
        waba,
        account: json::word(metadata, "phone_number_id").unwrap_or_default(),
        display_phone: json::word(metadata, "display_phone_number"),
        people: sender::People::read(json::items(value, "contacts"), news.iter().sum()),
    };
    if !value.is_object() {
        updates.push(place.bad(change, "change without a value"));
        return;
    }
    let known = updates.len();
    let field = json::word(change, "field").unwrap_or_default();
    match field.as_str() {
        // A change that does not say what it is about says so by its lists.
        "messages" | "" => read_messages(&place, value, updates),
        "smb_message_echoes" | "message_echoes" => {
            for list in ["message_echoes", "messages"] {
                place.each(json::items(value, list), updates, |place, raw| {
                    message::read(place, raw, true).map(|m| Update::Message(Box::new(m)))
                });
            }
        }
        "user_preferences" => {
            place.each(json::items(value, "user_preferences"), updates, |place, raw| {
                account::preference(place, raw).map(Update::Preference)
            });
        }
        "user_id_update" => {
            place.each(json::items(value, "user_id_update"), updates, |place, raw| {
                account::alias(place, raw).map(Update::Alias)
            });
        }
        _ => updates.push(place.ignored(&field, change, "field is not acted upon")),
    }
    if updates.len() == known {
        updates.push(place.ignored(&field, change, "nothing in it to act upon"));
    }
}

fn read_messages(place: &Place<'_>, value: &Value, updates: &mut Vec<Update>) {
    for (key, list) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "messages" => place.each(json::items(value, key), updates, |place, raw| {
                message::read(place, raw, false).map(|m| Update::Message(Box::new(m)))
            }),
            "statuses" => place.each(json::items(value, key), updates, |place, raw| {
                status::read(place, raw).map(|change| Update::Status(Box::new(change)))
            }),
            "errors" => place.each(json::items(value, key), updates, |place, raw| {
                Ok(Update::Fault(account::fault(place, raw)))
            }),
            envelope if ENVELOPE.contains(&envelope) => {}
            _ if list.is_null() => {}
            unknown => updates.push(place.ignored(unknown, list, "list is not known")),
        }
    }
}
