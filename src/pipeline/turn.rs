//! What goes into the pipeline and what comes out, the same for live traffic and for files.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::adapters::store::IncidentScope;
use crate::domain::channel::Channel;
use crate::domain::customer::CustomerProfile;
use crate::domain::decision::{Decision, Mode};
use crate::domain::draft::{DraftText, Passage};
use crate::domain::labels::Language;
use crate::domain::message::{Contact, Given, MessageFlags, PastMessage};
use crate::domain::ticket::OwnerKind;
use crate::policy::Pack;
use crate::ports::chat::ModelCall;
use crate::understand::Understood;

/// A turn: everything that the customer wrote since somebody last answered, and what is known of them.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a turn")]
pub struct TurnInput {
    /// The way it came.
    pub channel: Channel,
    /// Subject line, if any.
    pub subject: Option<String>,
    /// The customer's messages that nobody has answered, in order, as received.
    pub messages: Vec<String>,
    /// How many of these an earlier turn decided already; the rest are new.
    pub waiting: usize,
    /// The conversation before this turn, oldest first.
    pub history: Vec<PastMessage>,
    /// The person, as the channel tells.
    pub contact: Contact,
    /// The customer's profile, where the business supplied one.
    pub profile: Option<CustomerProfile>,
    /// What a form or a phone agent stated.
    pub given: Given,
    /// What the channel knows of the messages.
    pub flags: MessageFlags,
    /// The language of the conversation so far.
    pub language: Option<Language>,
    /// Who has the conversation.
    pub owner: OwnerKind,
    /// The queue and level that it waits in, if people have it.
    pub held_in: Option<(String, Option<String>)>,
    /// Replies of the assistant since a person last answered.
    pub ai_turns: u32,
    /// True when the ticket was solved before this turn.
    pub reopened: bool,
    /// Earlier escalations of the ticket.
    pub escalations: u32,
    /// The ticket's tags.
    pub tags: Vec<String>,
    /// The customer's other tickets of the last 30 days: category and whether it is still open.
    /// `None` when nothing is known of the customer's past.
    pub recent: Option<Vec<(Option<String>, bool)>>,
    /// Values that a person set, by field.
    pub overrides: BTreeMap<String, serde_json::Value>,
    /// What the declared incidents concern that stop automatic answers.
    pub incidents: Vec<IncidentScope>,
    /// True while somebody has stopped the assistant: nothing leaves without a person.
    pub stopped: bool,
    /// The furthest that supervisors let the assistant go on this channel, by category; the policy holds where it is
    /// stricter.
    pub lowered: BTreeMap<String, Mode>,
    /// True when the satisfaction question was asked and not answered yet.
    pub rating_asked: bool,
    /// True when the contact asked to receive nothing more.
    pub opted_out: bool,
    /// Masked values of the conversation, as JSON.
    pub vault: String,
    /// The ticket's number with its check digit, for the reply.
    pub ticket_number: Option<String>,
    /// The present moment.
    pub now: DateTime<Utc>,
}

impl TurnInput {
    /// A first message of somebody of whom nothing is known.
    pub fn fresh(channel: Channel, text: impl Into<String>, now: DateTime<Utc>) -> Self {
        Self {
            channel,
            subject: None,
            messages: vec![text.into()],
            waiting: 0,
            history: Vec::new(),
            contact: Contact::default(),
            profile: None,
            given: Given::default(),
            flags: MessageFlags::default(),
            language: None,
            owner: OwnerKind::Ai,
            held_in: None,
            ai_turns: 0,
            reopened: false,
            escalations: 0,
            tags: Vec::new(),
            recent: None,
            overrides: BTreeMap::new(),
            incidents: Vec::new(),
            stopped: false,
            lowered: BTreeMap::new(),
            rating_asked: false,
            opted_out: false,
            vault: "{}".to_owned(),
            ticket_number: None,
            now,
        }
    }

    /// Returns how far the worker may go with a turn of this category: the stricter of policy and supervisors.
    pub fn mode(&self, pack: &Pack, category: &str) -> Mode {
        let policy = pack.mode(category, self.channel);
        self.lowered.get(category).map_or(policy, |lowered| policy.stricter(*lowered))
    }

    /// True where an incident stops automatic answers to a turn of this category.
    pub fn is_held_by_incident(&self, category: &str) -> bool {
        self.incidents.iter().any(|scope| scope.covers(Some(category), self.channel))
    }
}

/// What the pipeline made of a turn.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Language, category, urgency and the rest, each with confidence and engine.
    pub understood: Understood,
    /// The passages found, best first.
    pub passages: Vec<Passage>,
    /// The drafted reply, names restored.
    pub draft: Option<DraftText>,
    /// The fixed safety text, where it is to leave at once.
    pub safety: Option<DraftText>,
    /// What happens.
    pub decision: Decision,
    /// Masked values of the conversation, as JSON.
    pub vault: String,
    /// SHA-256 of the masked turn, for the record.
    pub input_hash: String,
    /// The rating that this turn gives, 1 to 5, where it was asked for.
    pub rating: Option<u8>,
    /// True when this turn asks to receive nothing more.
    pub opts_out: bool,
    /// What was asked of language models, in order.
    pub calls: Vec<ModelCall>,
    /// True when the ticket's stage and owner stay as they are (a thank-you, an automatic reply).
    pub leaves_ticket_alone: bool,
}
