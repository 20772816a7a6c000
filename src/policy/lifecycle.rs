//! The timers of a ticket's life (T2): what happens by itself when nobody does anything.
//!
//! Pure: what stands and what was is given, and every timer comes back with the moment at which it is due. Which of
//! them were acted on already is for the caller to know, by [`Timer::key`].

use chrono::{DateTime, Duration, Utc};

use super::clocks::History;
use crate::domain::ticket::{OwnerKind, TicketStatus};

/// How long each stage of a ticket may last, by the clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeCycle {
    /// Until somebody must have been assigned to what waits for people.
    pub unassigned: Duration,
    /// Until people must have acknowledged an escalation, where no rule gives less time.
    pub acknowledge: Duration,
    /// How long each name of the chain has before the next one is told.
    pub chain_step: Duration,
    /// How many names the chain has.
    pub chain_names: u32,
    /// How long an agent may hold a conversation without doing anything before somebody offers help.
    pub stuck: Duration,
    /// How long the customer is waited for before they are reminded.
    pub pending_reminder: Duration,
    /// How long after the reminder the ticket closes.
    pub pending_close: Duration,
    /// How long a solved ticket stays open for the customer's word.
    pub solved_close: Duration,
    /// How long an agent's claim lasts that names no time.
    pub claim: Duration,
}

impl Default for LifeCycle {
    fn default() -> Self {
        Self {
            unassigned: Duration::minutes(15),
            acknowledge: Duration::hours(4),
            chain_step: Duration::hours(1),
            chain_names: 0,
            stuck: Duration::minutes(30),
            pending_reminder: Duration::hours(72),
            pending_close: Duration::hours(24),
            solved_close: Duration::hours(48),
            claim: Duration::minutes(60),
        }
    }
}

crate::domain::words! {
    /// What is due when nobody did anything.
    TimerKind {
        /// Nobody was assigned in time.
        Unassigned = "unassigned",
        /// Nobody acknowledged the escalation in time.
        Unacknowledged = "unacknowledged",
        /// Its agent has done nothing for a while.
        Stuck = "stuck",
        /// Its agent's lease is over.
        LeaseLapsed = "lease_lapsed",
        /// The customer has not answered for long and is reminded.
        PendingReminder = "pending_reminder",
        /// The customer did not answer the reminder: the ticket closes.
        PendingClose = "pending_close",
        /// Nobody objected to the solution: the ticket closes.
        SolvedClose = "solved_close",
        /// It was put aside until now.
        SnoozeOver = "snooze_over",
        /// The customer wants to be called now.
        CallbackDue = "callback_due",
        /// The time in which the customer wanted to be called is over, and nobody called.
        CallbackMissed = "callback_missed",
    }
}

/// A promise to call between two moments.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Callback {
    /// Not before.
    pub from: DateTime<Utc>,
    /// Not after.
    pub until: DateTime<Utc>,
}

/// How a ticket stands, as far as timers need it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its stage.
    pub status: TicketStatus,
    /// Who has the conversation.
    pub owner: OwnerKind,
    /// Until when an agent has it.
    pub owner_until: Option<DateTime<Utc>>,
    /// True when a person is assigned.
    pub assigned: bool,
    /// When an agent last did anything with it.
    pub last_act: Option<DateTime<Utc>>,
    /// Put aside until then.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The promised call that was not made yet.
    pub callback: Option<Callback>,
    /// True while a message of the customer waits for its decision.
    pub undecided: bool,
    /// A shorter time to acknowledge that a rule gave.
    pub acknowledge_within: Option<Duration>,
    /// What happened.
    pub history: &'a History,
}

/// Something that is due at a moment unless something happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What is due.
    pub kind: TimerKind,
    /// Since when it runs.
    pub since: DateTime<Utc>,
    /// Which of several of its kind, from 0: the place in the chain of names.
    pub turn: u32,
    /// When it is due.
    pub at: DateTime<Utc>,
}

impl Timer {
    /// Names this run of the timer, the same however often it is asked.
    pub fn key(&self) -> String {
        format!("{}:{}:{}", self.kind, self.since.timestamp_millis(), self.turn)
    }
}

/// Returns the timers that run.
pub fn timers(life: &LifeCycle, now: &Standing<'_>) -> Vec<Timer> {
    let mut timers = Vec::new();
    let mut add = |kind, since: DateTime<Utc>, turn, after: Duration| {
        if let Some(at) = since.checked_add_signed(after) {
            timers.push(Timer { kind, since, turn, at });
        }
    };
    if now.status == TicketStatus::Closed {
        return timers;
    }
    if let (OwnerKind::Agent, Some(until)) = (now.owner, now.owner_until) {
        add(TimerKind::LeaseLapsed, until, 0, Duration::zero());
    }
    if let Some(callback) = now.callback {
        add(TimerKind::CallbackDue, callback.from, 0, Duration::zero());
        add(TimerKind::CallbackMissed, callback.until, 0, Duration::zero());
    }
    if let Some(until) = now.snoozed_until {
        add(TimerKind::SnoozeOver, until, 0, Duration::zero());
    }
    // A message that is not decided yet changes the stage in a moment.
    let idle_since = now.history.work.last().and_then(|(_, end)| *end).filter(|_| !now.undecided);
    match now.status {
        TicketStatus::Solved => {
            if let Some(since) = now.history.solved.filter(|_| !now.undecided) {
                add(TimerKind::SolvedClose, since, 0, life.solved_close);
            }
        }
        // A promised call is waited for, not the customer.
        TicketStatus::Pending if now.callback.is_none() => {
            if let Some(since) = idle_since {
                add(TimerKind::PendingReminder, since, 0, life.pending_reminder);
                add(TimerKind::PendingClose, since, 0, life.pending_reminder + life.pending_close);
            }
        }
        _ if now.snoozed_until.is_some() => {}
        TicketStatus::New | TicketStatus::Open | TicketStatus::Escalated => {
            people(life, now, &mut add);
        }
        TicketStatus::Pending | TicketStatus::Closed => {}
    }
    timers
}

/// The timers of what people must do.
fn people(
    life: &LifeCycle,
    now: &Standing<'_>,
    add: &mut impl FnMut(TimerKind, DateTime<Utc>, u32, Duration),
) {
    match now.owner {
        OwnerKind::Queue | OwnerKind::Review => {
            let since = now.history.handed_over.or(now.history.waiting);
            if let (Some(since), false) = (since, now.assigned) {
                add(TimerKind::Unassigned, since, 0, life.unassigned);
            }
        }
        OwnerKind::Agent => {
            if let Some(since) = now.last_act {
                add(TimerKind::Stuck, since, 0, life.stuck);
            }
        }
        OwnerKind::Ai => return,
    }
    // Being given a ticket is not yet taking it.
    if let (Some(since), None, TicketStatus::Escalated) =
        (now.history.handed_over, now.history.taken, now.status)
    {
        let own = now.acknowledge_within.unwrap_or(life.acknowledge).min(life.acknowledge);
        for turn in 0..life.chain_names.max(1) {
            let waited = own + life.chain_step * i32::try_from(turn).unwrap_or(i32::MAX);
            add(TimerKind::Unacknowledged, since, turn, waited);
        }
    }
}

#[cfg(test)]
mod tests;
