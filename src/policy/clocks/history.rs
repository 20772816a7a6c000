//! What happened to a ticket, as far as its clocks ask.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Stretches of work that are kept apart; earlier ones are joined.
pub(super) const STRETCHES_MAX: usize = 32;

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The customer wrote something that wants an answer. A bare thank-you is no event.
    Asked,
    /// Somebody told the customer that the message arrived.
    Acknowledged,
    /// An answer left.
    Answered,
    /// It was handed to people, who have not taken it yet.
    HandedOver,
    /// A person took it.
    Taken,
    /// It waits for the customer.
    Pending,
    /// It is being worked on again.
    Resumed,
    /// It is solved or closed.
    Solved,
}

/// What happened to a ticket, as far as clocks need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// When it was opened.
    pub opened: Option<DateTime<Utc>>,
    /// When somebody first said that it arrived.
    pub acknowledged: Option<DateTime<Utc>>,
    /// When the first answer left.
    pub answered: Option<DateTime<Utc>>,
    /// Since when the customer waits for an answer.
    pub waiting: Option<DateTime<Utc>>,
    /// When the customer last wrote.
    pub last_asked: Option<DateTime<Utc>>,
    /// Since when people have it without having taken it.
    pub handed_over: Option<DateTime<Utc>>,
    /// When they took it.
    pub taken: Option<DateTime<Utc>>,
    /// When it was solved; `None` while it is not.
    pub solved: Option<DateTime<Utc>>,
    /// Stretches in which it was ours to work on, the last without an end while it is.
    pub work: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
}

impl History {
    /// Begins the history of a ticket.
    pub fn opened(at: DateTime<Utc>) -> Self {
        Self {
            opened: Some(at),
            waiting: Some(at),
            last_asked: Some(at),
            work: vec![(at, None)],
            ..Self::default()
        }
    }

    /// Adds what happened; events come in the order of their time.
    pub fn record(&mut self, event: Event, at: DateTime<Utc>) {
        match event {
            Event::Asked => {
                self.waiting.get_or_insert(at);
                self.last_asked = Some(at);
                self.solved = None;
                self.resume(at);
            }
            Event::Acknowledged => {
                self.acknowledged.get_or_insert(at);
            }
            Event::Answered => {
                self.acknowledged.get_or_insert(at);
                self.answered.get_or_insert(at);
                self.waiting = None;
                self.taken = self.handed_over.map(|_| self.taken.unwrap_or(at));
            }
            Event::HandedOver => {
                if self.handed_over.is_none() || self.taken.is_some() {
                    (self.handed_over, self.taken) = (Some(at), None);
                }
                self.resume(at);
            }
            Event::Taken => {
                if self.handed_over.is_some() {
                    self.taken.get_or_insert(at);
                }
                self.resume(at);
            }
            Event::Pending => self.pause(at),
            Event::Resumed => {
                self.solved = None;
                self.resume(at);
            }
            Event::Solved => {
                self.solved.get_or_insert(at);
                self.waiting = None;
                self.handed_over = None;
                self.taken = None;
                self.pause(at);
            }
        }
    }

    fn pause(&mut self, at: DateTime<Utc>) {
        if let Some((_, end @ None)) = self.work.last_mut() {
            *end = Some(at);
        }
    }

    fn resume(&mut self, at: DateTime<Utc>) {
        if self.solved.is_some() || self.work.last().is_some_and(|(_, end)| end.is_none()) {
            return;
        }
        self.work.push((at, None));
        if self.work.len() > STRETCHES_MAX {
            // The two oldest become one: a ticket that goes to and fro so often has long been late.
            let end = self.work.get(1).and_then(|(_, end)| *end);
            self.work.remove(1);
            if let Some(first) = self.work.first_mut() {
                first.1 = end;
            }
        }
    }
}
