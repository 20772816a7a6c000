//! What happened to a ticket, as far as its clocks need it, read from its messages and its trail.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{AuditRow, TicketView};
use crate::domain::channel::Channel;
use crate::domain::labels::Urgency;
use crate::policy::clocks::{Event, Facts, History};

/// What is known of a ticket now, for its clocks.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketFacts {
    priority: Urgency,
    plan: Option<String>,
    category: Option<String>,
    subcategory: Option<String>,
    channel: Channel,
    level: Option<String>,
    signals: Vec<String>,
}

impl TicketFacts {
    /// Returns the same, borrowed.
    pub fn as_facts(&self) -> Facts<'_> {
        Facts {
            priority: self.priority,
            plan: self.plan.as_deref(),
            category: self.category.as_deref(),
            subcategory: self.subcategory.as_deref(),
            channel: self.channel,
            level: self.level.as_deref(),
            signals: &self.signals,
        }
    }
}

impl TicketView {
    /// Returns what clocks need to know of the ticket; an urgency that nobody gave yet is normal.
    pub fn facts(&self) -> TicketFacts {
        let signals = self.fields.get("signals").and_then(Value::as_array).into_iter().flatten();
        let name = |hit: &Value| Some(hit.get("signal")?.as_str()?.to_owned());
        TicketFacts {
            priority: self
                .row
                .urgency
                .as_deref()
                .and_then(Urgency::parse)
                .unwrap_or(Urgency::Normal),
            plan: self.customer.get("plan").and_then(Value::as_str).map(str::to_owned),
            category: self.row.category.clone(),
            subcategory: self.row.subcategory.clone(),
            channel: Channel::parse(&self.row.channel).unwrap_or(Channel::Api),
            level: self.row.level.clone(),
            signals: signals.filter_map(name).collect(),
        }
    }

    /// Returns what happened to the ticket, in order. A turn that wanted no answer, such as a bare thank-you, is left
    /// out; a message that is not decided yet counts, because it may want one.
    pub fn history(&self) -> History {
        let mut events: Vec<(DateTime<Utc>, Event)> = Vec::new();
        for entry in &self.audit {
            self.read(entry, &mut events);
        }
        let undecided = self.messages.iter().filter(|message| {
            message.author == "customer"
                && message.decision_id.is_none()
                && message.sent_at >= self.row.created_at
        });
        events.extend(undecided.map(|message| (message.sent_at, Event::Asked)));
        let mut history = History::opened(self.row.created_at);
        // A message was sent before it was decided, and never before what we had seen until then.
        let mut last = self.row.created_at;
        for (at, event) in events {
            last = last.max(at);
            history.record(event, last);
        }
        history
    }

    fn read(&self, entry: &AuditRow, events: &mut Vec<(DateTime<Utc>, Event)>) {
        let after = |key: &str| entry.after.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut add = |event: Event| events.push((entry.at, event));
        match entry.action.as_str() {
            "turn.decided" => {
                let action = after("action");
                if action == "none" {
                    // A first message that wants no answer solves its ticket; later ones change nothing.
                    if after("status") == "solved" {
                        add(Event::Solved);
                    }
                    return;
                }
                let of_turn =
                    |decision: &Option<String>| decision.as_deref() == Some(after("decision"));
                let asked = self.messages.iter().filter(|message| {
                    of_turn(&message.decision_id) && message.author == "customer"
                });
                let asked = asked.map(|message| message.sent_at).min();
                events.push((asked.unwrap_or(entry.at), Event::Asked));
                if action == "escalate" {
                    events.push((entry.at, Event::HandedOver));
                }
            }
            "reply.sent" if self.is_reply(after("outbox")) => {
                add(Event::Answered);
                add(Event::Pending);
            }
            "reply.sent" => add(Event::Acknowledged),
            "ticket.claimed" => add(Event::Taken),
            "ticket.released" if after("owner") == "ai" => add(Event::Resumed),
            "draft.decided" if after("state") != "rejected" => {}
            "reply.failed" | "reply.unknown" | "ticket.released" | "draft.decided" => {
                add(Event::HandedOver);
            }
            "ticket.status" => match after("status") {
                "open" => add(Event::Resumed),
                "pending" => add(Event::Pending),
                "solved" | "closed" => add(Event::Solved),
                "escalated" => add(Event::HandedOver),
                _ => {}
            },
            _ => {}
        }
    }

    /// A row of the outbox that answers; the fixed safety text does not.
    fn is_reply(&self, outbox: &str) -> bool {
        let rows = self.outbox.as_array().into_iter().flatten();
        let row =
            rows.into_iter().find(|row| row.get("id").and_then(Value::as_str) == Some(outbox));
        row.is_none_or(|row| row.get("author").and_then(Value::as_str) != Some("system"))
    }
}
