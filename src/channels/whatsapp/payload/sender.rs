//! Who a message is from. Any one id may be missing: people with a user name may show no number.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::channels::whatsapp::{identity, json};

/// A customer, as far as a call tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Business-scoped user id, such as `BR.1502576394655843`. It changes when the number does.
    pub user_id: Option<String>,
    /// The same for a group of portfolios, such as `BR.ENT.42`.
    pub parent_user_id: Option<String>,
    /// The id that replies go to, exactly as it came.
    pub wa_id: Option<String>,
    /// `wa_id` in E.164 with its plus, where it is a number.
    pub phone: Option<String>,
    /// Name that people chose to be found by. It changes and is for display only.
    pub username: Option<String>,
    /// Name of the profile.
    pub name: Option<String>,
}

impl Sender {
    /// Sets the id that replies go to, and the number that it is.
    pub fn set_wa_id(&mut self, wa_id: Option<String>) {
        self.phone = wa_id.as_deref().and_then(identity::e164);
        self.wa_id = wa_id;
    }

    /// True when an answer could be addressed.
    pub fn is_known(&self) -> bool {
        self.user_id.is_some() || self.parent_user_id.is_some() || self.wa_id.is_some()
    }

    /// Returns the number, or the id where there is none.
    pub fn address(&self) -> Option<&str> {
        self.phone
            .as_deref()
            .or(self.user_id.as_deref())
            .or(self.parent_user_id.as_deref())
            .or(self.wa_id.as_deref())
    }

    /// True when both have an id of one sort and it is not the same.
    fn contradicts(&self, other: &Self) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        let numbers = match (&self.phone, &other.phone) {
            (Some(own), Some(others)) => identity::phone_key(own) != identity::phone_key(others),
            _ => differ(&self.wa_id, &other.wa_id),
        };
        numbers || differ(&self.user_id, &other.user_id)
    }

    /// Takes from another what is missing here.
    fn complete(&mut self, other: &Self) {
        let fill = |own: &mut Option<String>, other: &Option<String>| {
            if own.is_none() {
                own.clone_from(other);
            }
        };
        fill(&mut self.user_id, &other.user_id);
        fill(&mut self.parent_user_id, &other.parent_user_id);
        fill(&mut self.username, &other.username);
        fill(&mut self.name, &other.name);
        if self.wa_id.is_none() {
            self.set_wa_id(other.wa_id.clone());
        }
    }
}

/// The people that a change introduces in `contacts`.
pub(super) struct People<'v> {
    by_key: BTreeMap<String, &'v Value>,
    /// The only one of a change with a single message: theirs, even if the two share no id.
    only: Option<&'v Value>,
}

impl<'v> People<'v> {
    pub(super) fn read(contacts: &'v [Value], messages: usize) -> Self {
        let mut by_key = BTreeMap::new();
        for contact in contacts {
            for key in identity::sender_keys(&of_contact(contact)) {
                by_key.entry(key).or_insert(contact);
            }
        }
        let only = match contacts {
            [contact] if messages <= 1 => Some(contact),
            _ => None,
        };
        Self { by_key, only }
    }

    /// Adds what `contacts` says of somebody. An entry that contradicts an id of theirs is somebody else's.
    pub(super) fn complete(&self, sender: &mut Sender) {
        let found = identity::sender_keys(sender)
            .iter()
            .find_map(|key| self.by_key.get(key).copied())
            .or(self.only)
            .map(of_contact);
        if let Some(contact) = found.filter(|contact| !sender.contradicts(contact)) {
            sender.complete(&contact);
        }
    }
}

fn of_contact(contact: &Value) -> Sender {
    let profile = contact.get("profile").unwrap_or(&Value::Null);
    let mut sender = Sender {
        user_id: json::word(contact, "user_id"),
        parent_user_id: json::word(contact, "parent_user_id"),
        username: json::word(profile, "username"),
        name: json::word(profile, "name"),
        ..Sender::default()
    };
    sender.set_wa_id(json::word(contact, "wa_id"));
    sender
}

/// Reads the ids under these names: those of user, parent and number, the first that is there of each.
pub(super) fn by_names(raw: &Value, user: &[&str], parent: &[&str], number: &[&str]) -> Sender {
    let first = |names: &[&str]| names.iter().find_map(|name| json::word(raw, name));
    let mut sender =
        Sender { user_id: first(user), parent_user_id: first(parent), ..Sender::default() };
    sender.set_wa_id(first(number));
    sender
}
