//! Policy packs: what a business wants, as files that people edit.
//!
//! A pack is loaded whole or refused whole, with every problem named by file, line and column.
//! Once loaded, nothing in it can fail: references exist, phrases and rules are compiled.

pub mod calendar;
pub mod clocks;
mod decode;
mod decode_parts;
mod decode_service;
mod examples;
mod facts;
pub mod lifecycle;
mod load;
mod lookup;
pub mod notices;
pub mod order;
mod pack;
pub mod people;
mod problem;
mod read;
mod rules;
mod sla;
mod yaml;

#[cfg(test)]
mod tests;

pub use facts::{Fact, FactType, FactValue, Facts, Vocabulary};
pub use lookup::{Route, RouteQuery};
pub use pack::{
    Business, Category, Department, EmergencyContact, IncidentKind, Keywords, Level, Modes, Pack,
    Plan, Role, RoutingRow, Safety, SafetyAction, SafetyStep, Severity, Subcategory, Team,
    Thresholds, TurnWindow, Turns, UrgencyPolicy, UrgencyRule, Voice,
};
pub use problem::Problem;
pub use rules::{Evaluated, Outcome as RuleOutcome, Rule, RuleAction, Then};
pub use sla::{
    ChannelTarget, IssueTarget, LegalTerm, LevelTarget, OnBreach, PlanTarget, PriorityTarget, Sla,
    SlaTime,
};
pub use yaml::Source;
