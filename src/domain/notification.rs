//! What the people of a business are told about a ticket or an incident while they look elsewhere.
//!
//! A notification carries labels and times. Of what a customer wrote it holds nothing, unless the business asked
//! for the hand-over package, which stands in `text` and `detail` alone.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::labels::Locale;

super::words! {
    /// What happened.
    NotifyEvent {
        /// A ticket was handed to people.
        Escalated = "escalated",
        /// Most of the time until a deadline has gone.
        SlaAtRisk = "sla_at_risk",
        /// A deadline has passed.
        SlaBreached = "sla_breached",
        /// A ticket waits in a queue and nobody took it.
        Unassigned = "unassigned",
        /// A ticket was handed to people, and nobody said that they have seen it.
        Unacknowledged = "unacknowledged",
        /// A person holds a ticket and does not get on with it.
        AgentStuck = "agent_stuck",
        /// A person's hold on a ticket ran out before it was done.
        LeaseLapsed = "lease_lapsed",
        /// A ticket was given to a person.
        Assigned = "assigned",
        /// A ticket that was put off is due again.
        SnoozeOver = "snooze_over",
        /// The time for a promised call has come.
        CallbackDue = "callback_due",
        /// The time for a promised call has passed without one.
        CallbackMissed = "callback_missed",
        /// A reply did not surely arrive.
        DeliveryFailed = "delivery_failed",
        /// A customer rated the service low.
        CsatLow = "csat_low",
        /// A ticket got a tag that somebody watches.
        Tagged = "tagged",
        /// An incident was declared.
        IncidentDeclared = "incident_declared",
        /// What is known of an incident changed.
        IncidentUpdated = "incident_updated",
        /// An incident is over.
        IncidentEnded = "incident_ended",
        /// Nothing: somebody tries whether notifications arrive.
        Test = "test",
    }
}

/// What one recipient is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// What happened.
    pub event: NotifyEvent,
    /// Whose it is.
    pub tenant: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The language the recipient reads.
    pub locale: Locale,
    /// The recipient's time zone, by its IANA name.
    pub zone: String,
    /// The team it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The level of support it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The ticket; `None` for what concerns the business as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketBrief>,
    /// Why, in the recipient's language; never a customer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More for machines: the hand-over package, the summary of an incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
    /// More for people, added to a mail as it is: the hand-over package in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A ticket in labels. An empty label is one that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketBrief {
    /// The ticket's id.
    pub id: String,
    /// Its number, with the check digit.
    pub number: String,
    /// What it is about, by the policy's word.
    pub category: String,
    /// How urgent it is.
    pub priority: String,
    /// Where it stands in its life cycle.
    pub status: String,
    /// The queue it is in.
    pub queue: String,
    /// The way the customer writes.
    pub channel: String,
    /// The customer's plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The deadline that matters now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime<Utc>>,
    /// What that deadline is for: the word of its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_notification_reads_back_and_leaves_out_what_is_not_known() {
        let told = Notification {
            event: NotifyEvent::SlaAtRisk,
            tenant: "main".to_owned(),
            at: DateTime::UNIX_EPOCH,
            locale: Locale::PtBr,
            zone: "America/Sao_Paulo".to_owned(),
            team: None,
            level: None,
            ticket: None,
            reason: None,
            detail: None,
            text: None,
        };
        let stored = serde_json::to_string(&told).unwrap();
        assert_eq!(
            stored,
            r#"{"event":"sla_at_risk","tenant":"main","at":"1970-01-01T00:00:00Z","locale":"pt-BR","zone":"America/Sao_Paulo"}"#
        );
        assert_eq!(serde_json::from_str::<Notification>(&stored).unwrap(), told);
    }

    #[test]
    fn every_event_reads_back_by_its_word() {
        for event in NotifyEvent::ALL {
            assert_eq!(NotifyEvent::parse(event.as_str()), Some(*event), "{event}");
        }
    }
}
