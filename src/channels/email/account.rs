//! The mailboxes that an installation answers from, and what the worker knows of each.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::kind::Own;
use super::mailbox::{Fetched, FolderRole, Mailbox};
use super::sender::Sender;
use crate::adapters::store::Pace;
use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;

/// The header field that every mail of ours carries, in lower case.
pub const LOOP_HEADER: &str = "x-atende-loop";

/// A mailbox of a business.
pub struct MailAccount {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its address, in lower case.
    pub address: String,
    /// The name that customers see beside it.
    pub name: String,
    /// What is ours, by which our own mail is known.
    pub own: Own,
    /// Where mail comes from; `None` where it is only sent.
    pub mailbox: Option<Mailbox>,
    /// How replies leave; `None` where somebody else sends them.
    pub sender: Option<Sender>,
    /// True where what was sent is put into the folder of sent mail.
    pub keeps_sent: bool,
    /// How many mails that nobody looked at one address gets.
    pub pace: Pace,
    /// The key that signs addresses which name a ticket.
    pub key: Secret,
    /// The value of [`LOOP_HEADER`].
    pub loop_mark: String,
}

impl fmt::Debug for MailAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailAccount")
            .field("tenant", &self.tenant)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MailAccount {
    /// Names a folder of it, for its cursor and the ids of its mails.
    pub fn folder(&self, role: FolderRole) -> String {
        format!("{}/{}", self.address, role.as_str())
    }
}

/// Returns a value of [`LOOP_HEADER`] that tells nobody anything but ourselves.
pub fn loop_mark(key: &Secret, address: &str) -> String {
    let mut mark = hex::encode(Sha256::digest(format!("{}\0loop\0{address}", key.expose())));
    mark.truncate(32);
    mark
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct MailAccounts(HashMap<(TenantId, String), Arc<MailAccount>>);

impl MailAccounts {
    /// Puts accounts together. An address that a business names twice is the first one's.
    pub fn new(accounts: Vec<MailAccount>) -> Self {
        let mut all = HashMap::new();
        for account in accounts {
            let key = (account.tenant.clone(), account.address.clone());
            all.entry(key).or_insert_with(|| Arc::new(account));
        }
        Self(all)
    }

    /// Returns a business's mailbox.
    pub fn get(&self, tenant: &TenantId, address: &str) -> Option<&Arc<MailAccount>> {
        self.0.get(&(tenant.clone(), address.to_owned()))
    }

    /// Returns all of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<MailAccount>> {
        self.0.values()
    }
}

/// What stands before a mail's bytes where it waits to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Whose mailbox.
    pub tenant: TenantId,
    /// Its address.
    pub address: String,
    /// The folder's role.
    pub role: String,
    /// The mail's own place.
    pub external_id: String,
    /// Its headers alone came, because it is too large or the server could not give it.
    #[serde(default)]
    pub cut: bool,
}

impl Envelope {
    /// Puts a mail behind its envelope: one line of JSON, then the bytes.
    pub fn wrap(account: &MailAccount, role: FolderRole, mail: &Fetched) -> Vec<u8> {
        let envelope = Self {
            tenant: account.tenant.clone(),
            address: account.address.clone(),
            role: role.as_str().to_owned(),
            external_id: mail.external_id(&account.folder(role)),
            cut: mail.too_large || mail.unreadable,
        };
        let mut bytes = serde_json::to_vec(&envelope).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&mail.bytes);
        bytes
    }

    /// Takes the envelope off.
    pub fn unwrap_from(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = bytes.split_at_checked(end)?;
        Some((serde_json::from_slice(head).ok()?, rest.get(1..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_comes_off_as_it_was_put_on() {
        let envelope = Envelope {
            tenant: TenantId::main(),
            address: "sac@loja.example".to_owned(),
            role: "inbox".to_owned(),
            external_id: "sac@loja.example/inbox:7:41".to_owned(),
            cut: false,
        };
        let mut bytes = serde_json::to_vec(&envelope).unwrap();
        bytes.extend_from_slice(b"\nFrom: a@b\r\n\r\noi");
        let (read, mail) = Envelope::unwrap_from(&bytes).unwrap();
        assert_eq!((read, mail), (envelope, &b"From: a@b\r\n\r\noi"[..]));
        assert!(Envelope::unwrap_from(b"no line").is_none());
    }
}
