//! News of people and accounts that is no message: changed ids, chosen preferences, faults.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Place, Sender, sender};
use crate::channels::whatsapp::errors::{self, ApiError};
use crate::channels::whatsapp::{identity, json};

/// Two keys of one person, written as `identity::sender_keys` writes them. Merge them; never overwrite one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The phone number id that heard of it.
    pub account: String,
    /// The business account.
    pub waba: String,
    /// The key that messages carried until now.
    pub previous: String,
    /// The key that they will carry.
    pub current: String,
    /// When it changed, if told.
    pub at: Option<DateTime<Utc>>,
}

/// What a customer chose to receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The phone number id they chose it for.
    pub account: String,
    /// The business account.
    pub waba: String,
    /// Who chose.
    pub sender: Sender,
    /// What it is about, such as `marketing_messages`.
    pub category: String,
    /// The choice, such as `stop` or `resume`.
    pub value: String,
    /// When they chose, if told.
    pub at: Option<DateTime<Utc>>,
}

impl Preference {
    /// True when the customer wants no more marketing, false when they want it again; `None` for anything else. It says
    /// nothing about answers to their questions.
    pub fn stops_marketing(&self) -> Option<bool> {
        match (self.category.as_str(), self.value.as_str()) {
            ("marketing_messages", "stop") => Some(true),
            ("marketing_messages", "resume") => Some(false),
            _ => None,
        }
    }
}

/// Something wrong with a number or an account, told outside of any message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFault {
    /// The phone number id.
    pub account: String,
    /// The business account.
    pub waba: String,
    /// What is wrong.
    pub error: ApiError,
}

pub(super) fn alias(place: &Place<'_>, raw: &Value) -> Result<Alias, &'static str> {
    let ids = raw.get("user_id").unwrap_or(&Value::Null);
    let previous = json::word(ids, "previous").ok_or("change of user id without the previous")?;
    let current = json::word(ids, "current").ok_or("change of user id without the current")?;
    Ok(Alias {
        account: place.account.clone(),
        waba: place.waba.to_owned(),
        previous: identity::user_key(&previous),
        current: identity::user_key(&current),
        at: json::moment(raw, "timestamp"),
    })
}

pub(super) fn preference(place: &Place<'_>, raw: &Value) -> Result<Preference, &'static str> {
    let mut sender = sender::by_names(raw, &["user_id"], &["parent_user_id"], &["wa_id"]);
    place.people.complete(&mut sender);
    if !sender.is_known() {
        return Err("preference of nobody");
    }
    Ok(Preference {
        account: place.account.clone(),
        waba: place.waba.to_owned(),
        sender,
        category: json::word(raw, "category").unwrap_or_default(),
        value: json::word(raw, "value").ok_or("preference without a value")?,
        at: json::moment(raw, "timestamp"),
    })
}

pub(super) fn fault(place: &Place<'_>, raw: &Value) -> AccountFault {
    AccountFault {
        account: place.account.clone(),
        waba: place.waba.to_owned(),
        error: errors::read(raw),
    }
}
