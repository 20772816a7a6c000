//! What happened to a ticket, as far as its clocks need it, read from its messages and its trail.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Incident, TicketView};
use crate::domain::channel::Channel;
use crate::domain::labels::Urgency;
use crate::policy::clocks::{Event, Facts, History, IncidentSpan};

/// What is known of a ticket now, for its clocks.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketFacts {
    pub(super) priority: Urgency,
    pub(super) plan: Option<String>,
    pub(super) category: Option<String>,
    pub(super) subcategory: Option<String>,
    pub(super) channel: Channel,
    pub(super) level: Option<String>,
    pub(super) signals: Vec<String>,
    pub(super) incidents: Vec<IncidentSpan>,
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
            incidents: &self.incidents,
        }
    }

    /// Adds the incidents that the ticket falls under.
    #[must_use]
    pub fn under(mut self, incidents: &[Incident]) -> Self {
        let mine =
            incidents.iter().filter(|one| one.concerns(self.category.as_deref(), self.channel));
        self.incidents = mine.map(Incident::span).collect();
        self
    }
}

/// Names of the signals among a ticket's understood fields.
pub(super) fn signals_of(fields: &Value) -> Vec<String> {
    let signals = fields.get("signals").and_then(Value::as_array).into_iter().flatten();
    signals.filter_map(|hit| Some(hit.get("signal")?.as_str()?.to_owned())).collect()
}

/// A line of a ticket's trail.
pub(super) struct Line<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) action: &'a str,
    pub(super) after: &'a Value,
}

/// When the customer wrote, and the decision that covered it.
pub(super) struct Asked<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) decision: Option<&'a str>,
}

impl TicketView {
    /// Returns what clocks need to know of the ticket; an urgency that nobody gave yet is normal.
    pub fn facts(&self) -> TicketFacts {
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
            signals: signals_of(&self.fields),
            incidents: Vec::new(),
        }
    }

    /// Returns what happened to the ticket, in order.
    pub fn history(&self) -> History {
        let lines = self.audit.iter().map(|entry| Line {
            at: entry.at,
            action: &entry.action,
            after: &entry.after,
        });
        let mine = self.messages.iter().filter(|message| {
            message.author == "customer"
                && (message.decision_id.is_some() || message.sent_at >= self.row.created_at)
        });
        let asked: Vec<Asked<'_>> = mine
            .map(|message| Asked { at: message.sent_at, decision: message.decision_id.as_deref() })
            .collect();
        fold(self.row.created_at, lines, &asked)
    }
}

/// Makes a ticket's history from its trail and its customer's messages. A turn that wanted no answer, such as a bare
/// thank-you, is left out; a message that is not decided yet counts, because it may want one.
pub(super) fn fold<'a>(
    opened: DateTime<Utc>,
    lines: impl Iterator<Item = Line<'a>>,
    asked: &[Asked<'_>],
) -> History {
    let mut events: Vec<(DateTime<Utc>, Event)> = Vec::new();
    for line in lines {
        read(&line, asked, &mut events);
    }
    let undecided = asked.iter().filter(|message| message.decision.is_none());
    events.extend(undecided.map(|message| (message.at, Event::Asked)));
    let mut history = History::opened(opened);
    // A message was sent before it was decided, and never before what we had seen until then.
    let mut last = opened;
    for (at, event) in events {
        last = last.max(at);
        history.record(event, last);
    }
    history
}

fn read(line: &Line<'_>, asked: &[Asked<'_>], events: &mut Vec<(DateTime<Utc>, Event)>) {
    let after = |key: &str| line.after.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut add = |event: Event| events.push((line.at, event));
    match line.action {
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
                asked.iter().filter(|message| message.decision == Some(after("decision")));
            let first = of_turn.map(|message| message.at).min();
            events.push((first.unwrap_or(line.at), Event::Asked));
            if action == "escalate" {
                events.push((line.at, Event::HandedOver));
            }
        }
        "reply.sent" if after("kind") == "safety" => add(Event::Acknowledged),
        "reply.sent" => {
            add(Event::Answered);
            add(Event::Pending);
        }
        "ticket.claimed" | "reply.written" => add(Event::Taken),
        "notice.sent" if matches!(after("kind"), "acknowledgement" | "escalation") => {
            add(Event::Acknowledged);
        }
        "ticket.released" if after("owner") == "ai" => add(Event::Resumed),
        "draft.decided" if after("state") != "rejected" => {}
        "reply.failed" | "reply.unknown" | "ticket.released" | "draft.decided"
        | "ticket.transferred" | "lease.lapsed" => add(Event::HandedOver),
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
