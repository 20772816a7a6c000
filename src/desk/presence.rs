//! Who looks at which ticket now. Kept in memory for seconds: it is a courtesy, nothing rests on it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::person::{Person, initials};
use crate::domain::ids::TenantId;

/// How long somebody is believed to be there without saying so again.
const BELIEVED: Duration = Duration::seconds(45);
/// Tickets that are remembered; far more than are open on screens at a time.
const TICKETS_MAX: usize = 5_000;

#[derive(Clone, Debug)]
struct Watcher {
    user: String,
    name: String,
    editing: bool,
    until: DateTime<Utc>,
}

/// Everybody who looks at a ticket, by ticket.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<HashMap<(TenantId, String), Vec<Watcher>>>);

impl Presence {
    /// Notes that somebody looks at a ticket, and at no other.
    pub(super) fn note(&self, now: DateTime<Utc>, person: &Person, ticket: &str, editing: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(tenant, _), watchers| {
            watchers.retain(|one| {
                one.until > now && !(*tenant == person.tenant && one.user == person.id.as_str())
            });
            !watchers.is_empty()
        });
        if known.len() >= TICKETS_MAX {
            return;
        }
        known.entry((person.tenant.clone(), ticket.to_owned())).or_default().push(Watcher {
            user: person.id.as_str().to_owned(),
            name: person.name.clone(),
            editing,
            until: now + BELIEVED,
        });
    }

    /// Returns who else looks at which ticket.
    pub(super) fn all(&self, now: DateTime<Utc>, person: &Person) -> Value {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tickets = known.keys().filter(|(tenant, _)| *tenant == person.tenant);
        let tickets: Vec<String> = tickets.map(|(_, ticket)| ticket.clone()).collect();
        drop(known);
        let mut found: Vec<(String, Value)> = tickets
            .into_iter()
            .map(|ticket| {
                let others = self.others(now, person, &ticket);
                (ticket, Value::Array(others))
            })
            .filter(|(_, others)| others.as_array().is_some_and(|others| !others.is_empty()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Value::Object(found.into_iter().collect())
    }

    /// Returns who else looks at a ticket.
    pub(super) fn others(&self, now: DateTime<Utc>, person: &Person, ticket: &str) -> Vec<Value> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let watchers = known.get(&(person.tenant.clone(), ticket.to_owned()));
        let others = watchers.into_iter().flatten();
        others
            .filter(|one| one.until > now && one.user != person.id.as_str())
            .map(|one| {
                json!({"initials": initials(&one.name), "name": one.name, "editing": one.editing})
            })
            .collect()
    }
}
