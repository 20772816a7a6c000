//! A pack's rules: an expression over declared facts, what follows, and why.
//!
//! Expressions are CEL, parsed and type-checked when the pack is loaded. Evaluation is
//! three-valued, so a fact that a turn lacks makes a rule *not known* instead of wrong.

mod check;
mod cut;
mod eval;
mod names;

pub(super) use check::{Scope, compile};
pub(super) use eval::Engine;
#[cfg(test)]
pub(super) use eval::{Expression, to_cel};

use super::facts::{Fact, Facts};
use crate::domain::decision::LocalText;
use crate::domain::labels::Urgency;

crate::domain::words! {
    /// What a rule asks for.
    RuleAction {
        /// A person takes over.
        Escalate = "escalate",
        /// A person reviews the draft before it leaves.
        Review = "review",
        /// No reply is wanted.
        None = "none",
    }
}

/// A rule of a pack.
#[derive(Debug)]
pub struct Rule {
    /// The id, told with every decision, e.g. `E3.legal_threat`.
    pub id: String,
    /// The expression, as written.
    pub when: String,
    /// What follows when it holds.
    pub then: Then,
    /// Why, for the agent who reads the decision.
    pub text: LocalText,
    pub(super) expression: eval::Expression,
}

/// What follows from a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Then {
    /// The action; `None` for a rule that only raises the priority or notifies.
    pub action: Option<RuleAction>,
    /// The team that takes the case; `None` leaves it to the routing table.
    pub team: Option<String>,
    /// The level; `None` leaves it to the routing table.
    pub level: Option<String>,
    /// The least urgency of the ticket.
    pub priority: Option<Urgency>,
    /// Roles to notify.
    pub notify: Vec<String>,
    /// Minutes until a person must have acted.
    pub within_mins: Option<u32>,
}

/// A pack's rules, compiled.
#[derive(Debug)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) engine: Engine,
}

/// What a rule says of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Fired,
    /// It does not hold.
    Not,
    /// It cannot be told without these facts, which the turn lacks.
    NotKnown(Vec<Fact>),
}

/// A rule with what it says of a turn.
#[derive(Clone, Debug)]
pub struct Evaluated<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// What it says.
    pub outcome: Outcome,
}

impl RuleSet {
    pub(super) fn evaluate(&self, facts: &Facts) -> Vec<Evaluated<'_>> {
        self.rules
            .iter()
            .map(|rule| Evaluated { rule, outcome: self.engine.judge(&rule.expression, facts) })
            .collect()
    }
}
