//! What became of messages that we sent.
//!
//! States arrive in any order and more than once, so they are not a history but a lattice: a message only rises.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Place;
use crate::channels::whatsapp::errors::{self, ApiError};
use crate::channels::whatsapp::json;

/// How far a message came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Left Meta.
    Sent,
    /// Reached the phone.
    Delivered,
    /// Was seen. Never comes from people who switched receipts off.
    Read,
    /// A voice message was listened to.
    Played,
    /// Did not and will not arrive.
    Failed,
    /// A state that we do not know.
    Other(String),
}

impl Status {
    fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// Returns the word that Meta uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Other(word) => word,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Other(_) => 0,
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Read => 3,
            Self::Played => 4,
            Self::Failed => 5,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the state to store, or `None` when `next` changes nothing.
///
/// The outcome does not depend on the order of arrival: a later state stands whatever comes late, and a failure
/// stands against everything.
pub fn advance(current: Option<Status>, next: Status) -> Option<Status> {
    let reached = current.map_or(0, |status| status.rank());
    (next.rank() > reached).then_some(next)
}

/// A state that a message reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The phone number id that the message left from.
    pub account: String,
    /// The business account.
    pub waba: String,
    /// The id that WhatsApp gave our message when it took it.
    pub id: String,
    /// The state.
    pub status: Status,
    /// When it was reached.
    pub at: DateTime<Utc>,
    /// The number of whom it was for, as WhatsApp writes it.
    pub recipient_id: Option<String>,
    /// Their user id. Missing from failures of what was sent to a number.
    pub recipient_user_id: Option<String>,
    /// What went wrong.
    pub errors: Vec<ApiError>,
    /// What it costs.
    pub pricing: Option<Pricing>,
    /// Our own words that came back: what we put into `biz_opaque_callback_data`.
    pub opaque: Option<String>,
}

impl StatusChange {
    /// Returns whom it was for: the number, else the user id.
    pub fn recipient(&self) -> Option<&str> {
        self.recipient_id.as_deref().or(self.recipient_user_id.as_deref())
    }
}

/// What a message costs, in Meta's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Whether it costs anything, if told.
    pub billable: Option<bool>,
    /// Category, such as `service` or `utility`.
    pub category: Option<String>,
    /// Kind of price, such as `regular` or `free_customer_service`.
    pub kind: Option<String>,
}

pub(super) fn read(place: &Place<'_>, raw: &Value) -> Result<StatusChange, &'static str> {
    let pricing = raw.get("pricing").filter(|pricing| pricing.is_object()).map(|pricing| Pricing {
        billable: json::boolean(pricing, "billable"),
        category: json::word(pricing, "category"),
        kind: json::word(pricing, "type"),
    });
    Ok(StatusChange {
        account: place.account.clone(),
        waba: place.waba.to_owned(),
        id: json::word(raw, "id").ok_or("status without the id of a message")?,
        status: Status::parse(&json::word(raw, "status").ok_or("status without a status")?),
        at: json::moment(raw, "timestamp").ok_or("status without a readable timestamp")?,
        recipient_id: json::word(raw, "recipient_id"),
        recipient_user_id: json::word(raw, "recipient_user_id"),
        errors: errors::read_all(raw),
        pricing,
        opaque: json::text(raw, "biz_opaque_callback_data"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_only_rises() {
        use Status::{Delivered, Failed, Other, Played, Read, Sent};
        let other = || Other("warned".to_owned());
        for (current, next, expected) in [
            (None, Sent, Some(Sent)),
            (None, Read, Some(Read)),
            (None, Failed, Some(Failed)),
            (None, other(), None),
            (Some(Sent), Sent, None),
            (Some(Sent), Delivered, Some(Delivered)),
            (Some(Sent), Read, Some(Read)),
            (Some(Sent), Failed, Some(Failed)),
            (Some(Delivered), Sent, None),
            (Some(Read), Delivered, None),
            (Some(Read), Played, Some(Played)),
            (Some(Played), Read, None),
            (Some(Failed), Sent, None),
            (Some(Failed), Played, None),
            (Some(Failed), Failed, None),
            (Some(Sent), other(), None),
            (Some(other()), Sent, Some(Sent)),
        ] {
            assert_eq!(advance(current.clone(), next.clone()), expected, "{current:?}, {next:?}");
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_change_the_outcome() {
        let all = [Status::Sent, Status::Delivered, Status::Read, Status::Played, Status::Failed];
        let after = |first: &Status, second: &Status| {
            let stored = advance(None, first.clone());
            advance(stored.clone(), second.clone()).or(stored)
        };
        for (first, second) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            assert_eq!(after(first, second), after(second, first), "{first} and {second}");
        }
    }
}
