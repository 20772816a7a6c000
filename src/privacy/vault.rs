//! The values behind a conversation's placeholders.
//!
//! One value has one placeholder, however it is written. A placeholder that the customer typed is
//! never given to a value, so text that forges one can never be restored into somebody's data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::placeholder::{MAX_NUMBER, Placeholder, all_in};

/// Placeholders of one conversation and the values they stand for. Stored as JSON; printing it for
/// debugging shows counts only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Vault {
    values: BTreeMap<Placeholder, String>,
    typed: BTreeSet<Placeholder>,
    known: BTreeMap<(Kind, String), Placeholder>,
    last: BTreeMap<Kind, u32>,
}

/// What a vault looks like at rest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Placeholder without brackets → the value as it was first written.
    values: BTreeMap<String, String>,
    /// Placeholders that the customer typed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    typed: BTreeSet<String>,
}

impl Vault {
    /// Makes an empty vault.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the values back: every placeholder of this vault becomes the value as it was first
    /// written; all other text, look-alikes included, stays as it is.
    pub fn restore(&self, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        let mut copied = 0;
        for (start, end, placeholder) in all_in(text) {
            if let Some(value) = self.values.get(&placeholder) {
                restored.push_str(text.get(copied..start).unwrap_or_default());
                restored.push_str(value);
                copied = end;
            }
        }
        restored.push_str(text.get(copied..).unwrap_or_default());
        restored
    }

    /// Returns the placeholders of a text that this vault holds and that stand for more than a name, as written.
    pub fn contacts_in(&self, text: &str) -> Vec<String> {
        all_in(text)
            .filter(|(.., placeholder)| self.holds(*placeholder) && placeholder.kind != Kind::Name)
            .map(|(.., placeholder)| placeholder.to_string())
            .collect()
    }

    /// Returns the placeholders of a text that this vault does not hold: nobody's data, or another conversation's.
    pub fn foreign_in(&self, text: &str) -> Vec<String> {
        all_in(text)
            .filter(|(.., placeholder)| !self.holds(*placeholder))
            .map(|(.., placeholder)| placeholder.to_string())
            .collect()
    }

    /// Returns how many values the vault holds.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True when no value was ever masked.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// True when the placeholder stands for a value.
    pub(super) fn holds(&self, placeholder: Placeholder) -> bool {
        self.values.contains_key(&placeholder)
    }

    /// Notes that the customer typed this placeholder, so that no value ever gets it.
    pub(super) fn burn(&mut self, placeholder: Placeholder) {
        self.typed.insert(placeholder);
    }

    /// Returns the value's placeholder, a new one at first sight; `None` once a kind's numbers
    /// are used up.
    pub(super) fn placeholder(&mut self, kind: Kind, value: &str) -> Option<Placeholder> {
        let key = (kind, kind.key(value));
        if let Some(placeholder) = self.known.get(&key) {
            return Some(*placeholder);
        }
        let last = self.last.entry(kind).or_insert(0);
        let placeholder = (*last + 1..=MAX_NUMBER)
            .map(|number| Placeholder { kind, number })
            .find(|placeholder| !self.typed.contains(placeholder))?;
        *last = placeholder.number;
        self.known.insert(key, placeholder);
        self.values.insert(placeholder, value.to_owned());
        Some(placeholder)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

impl From<Stored> for Vault {
    /// Names that are no placeholders (written by a newer version) are passed over.
    fn from(stored: Stored) -> Self {
        let mut vault = Self::default();
        for (name, value) in stored.values {
            let Some(placeholder) = Placeholder::parse(&name) else { continue };
            let last = vault.last.entry(placeholder.kind).or_insert(0);
            *last = (*last).max(placeholder.number);
            vault.known.insert((placeholder.kind, placeholder.kind.key(&value)), placeholder);
            vault.values.insert(placeholder, value);
        }
        vault.typed = stored.typed.iter().filter_map(|name| Placeholder::parse(name)).collect();
        vault
    }
}

impl From<Vault> for Stored {
    fn from(vault: Vault) -> Self {
        Self {
            values: vault.values.into_iter().map(|(at, value)| (at.name(), value)).collect(),
            typed: vault.typed.into_iter().map(Placeholder::name).collect(),
        }
    }
}
