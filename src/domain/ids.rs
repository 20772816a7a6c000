//! Names of things. Each id is a type of its own, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from 128 bits that nobody has used before (see `adapters::clock`).
            pub fn from_bits(bits: u128) -> Self {
                Self(format!(concat!($prefix, "_{:032x}"), bits))
            }

            /// Takes an id that was stored or sent by a caller, as it is.
            pub fn from_stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(/** A message, in or out. */ MessageId, "msg");
id!(/** A conversation: one contact on one channel (e-mail: one thread). */ ConversationId, "cnv");
id!(/** A ticket. */ TicketId, "tck");
id!(/** A customer. */ CustomerId, "cus");
id!(/** A turn: everything since our last reply, joined. */ TurnId, "trn");
id!(/** A decision record. */ DecisionId, "dec");
id!(/** A draft. */ DraftId, "drf");
id!(/** A message that is to leave; also the key under which a receiver sees it once. */ OutboxId, "out");
id!(/** A piece of work. */ JobId, "job");
id!(/** A file of a message, in or out. */ AttachmentId, "att");
id!(/** An account of somebody who works at the desk. */ UserId, "usr");
id!(/** A browser that is signed in (not its secret). */ SessionId, "ses");
id!(/** A bearer token (not its secret). */ TokenId, "tok");

/// The business that a record belongs to. Every table, key, token and filter carries it.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct TenantId(String);

impl TenantId {
    /// Longest tenant name.
    pub const MAX_LEN: usize = 64;

    /// Accepts 1 to 64 lower-case letters, digits, `-` and `_`; it becomes part of paths and keys.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        fits.then(|| Self(text.to_owned()))
    }

    /// The tenant of an installation that serves one business.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
            .ok_or_else(|| "a tenant is 1 to 64 lower-case letters, digits, '-' or '_'".to_owned())
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

/// A ticket number that can be read over the phone (in Brazil the *protocolo*): a running number
/// per tenant and, after a dash, a check digit that catches every single wrong or swapped digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNumber(u64);

impl TicketNumber {
    /// Takes the running number, which starts at 1.
    pub const fn new(running: u64) -> Self {
        Self(running)
    }

    /// Returns the running number without its check digit.
    pub const fn running(self) -> u64 {
        self.0
    }

    /// Reads `1042-7`, with or without the dash and spaces; `None` when the check digit is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ' | '#')).collect();
        let value: u64 = digits.parse().ok()?;
        let number = Self(value / 10);
        (number.0 > 0 && number.check_digit() == value % 10).then_some(number)
    }

    /// Damm's check digit (H. Michael Damm, 2004): one table, catches all single-digit errors and
    /// all adjacent swaps.
    fn check_digit(self) -> u64 {
        const TABLE: [[u8; 10]; 10] = [
            [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
            [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
            [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
            [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
            [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
            [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
            [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
            [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
            [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
            [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
        ];
        let state = self.0.to_string().bytes().fold(0u8, |state, byte| {
            TABLE
                .get(usize::from(state))
                .and_then(|row| row.get(usize::from(byte.wrapping_sub(b'0'))))
                .copied()
                .unwrap_or(0)
        });
        u64::from(state)
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.check_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_number_reads_back_and_refuses_a_slip_of_the_tongue() {
        assert_eq!(TicketNumber::new(572).to_string(), "572-4", "Damm's own example");
        for running in [1, 9, 10, 1042, 999_999, u64::from(u32::MAX)] {
            let number = TicketNumber::new(running);
            assert_eq!(TicketNumber::parse(&number.to_string()), Some(number));
        }
        assert_eq!(TicketNumber::parse("5724"), Some(TicketNumber::new(572)));
        assert_eq!(TicketNumber::parse("752-4"), None, "swapped digits");
        assert_eq!(TicketNumber::parse("573-4"), None, "one wrong digit");
        assert_eq!(TicketNumber::parse("abc"), None);
        assert_eq!(TicketNumber::parse("0"), None);
    }

    #[test]
    fn a_tenant_is_a_plain_word() {
        assert!(TenantId::parse("acme-br_2").is_some());
        for bad in ["", "Acme", "a/b", "a b", "á", &"x".repeat(65)] {
            assert!(TenantId::parse(bad).is_none(), "{bad}");
        }
    }
}
