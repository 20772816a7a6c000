//! What a policy pack says, as plain data. `load` makes it and vouches for it: every reference
//! inside a pack names something that the pack declares.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lifecycle::LifeCycle;
use super::notices::Notices;
use super::people::{Notifications, Person};
use super::sla::{Sla, SlaTime};
use crate::domain::channel::Channel;
use crate::domain::decision::{LocalText, Mode};
use crate::domain::example::Examples;
use crate::domain::labels::{Complexity, Locale, Urgency};
use crate::domain::signal::Signal;

/// A validated policy. Made by `Pack::load`, `Pack::embedded` and `Pack::load_file` only.
#[derive(Debug)]
pub struct Pack {
    /// The pack's id, e.g. `saas-br`.
    pub id: String,
    /// The pack's own version, as its authors write it.
    pub version: String,
    /// SHA-256, in hex, of the files that made the pack, overlays included.
    pub digest: String,
    /// Display name.
    pub name: LocalText,
    /// Whom the pack is for.
    pub description: LocalText,
    /// The business that speaks.
    pub business: Business,
    /// How it speaks.
    pub voice: Voice,
    /// What customers write about. Exactly one category is the default.
    pub taxonomy: Vec<Category>,
    /// Keyword rules for urgency.
    pub urgency: UrgencyPolicy,
    /// The teams of people, each with its levels.
    pub teams: Vec<Team>,
    /// The customers' plans or tiers.
    pub plans: Vec<Plan>,
    /// Roles and people that rules and incidents notify.
    pub roles: Vec<Role>,
    /// The routing table; its last row matches everything.
    pub routing: Vec<RoutingRow>,
    /// How far the worker may go by itself.
    pub modes: Modes,
    /// Confidence floors.
    pub thresholds: Thresholds,
    /// Amounts and counts that rules name as `limits.<name>`.
    pub limits: BTreeMap<String, f64>,
    /// When a turn is over.
    pub turns: Turns,
    /// What happens when a person is in danger.
    pub safety: Safety,
    /// Service levels and calendars.
    pub sla: Sla,
    /// What happens to tickets by itself when nobody does anything.
    pub lifecycle: LifeCycle,
    /// What customers are told besides answers.
    pub notices: Notices,
    /// Who works here.
    pub people: Vec<Person>,
    /// Who is told what.
    pub notifications: Notifications,
    /// Departments that get hand-overs of their own (E6).
    pub departments: Vec<Department>,
    /// The business's own crises (P6).
    pub incidents: Vec<IncidentKind>,
    /// Labelled messages that the embedded models learn from.
    pub examples: Arc<Examples>,
    pub(super) rules: super::rules::RuleSet,
}

/// The business that speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Business {
    /// The name customers know.
    pub brand: String,
    /// The language of replies to a customer whose language is not written natively.
    pub default_language: Option<Locale>,
    /// ISO 4217 code of the pack's amounts.
    pub currency: String,
    /// IANA time zone, e.g. `America/Sao_Paulo`.
    pub time_zone: chrono_tz::Tz,
    /// The assistant's name.
    pub ai_name: LocalText,
    /// The sentence that says a machine writes.
    pub ai_disclosure: LocalText,
    /// The sentence that says how to reach a person.
    pub way_to_person: LocalText,
}

impl Business {
    /// Returns the language of replies where the customer's own is not written natively.
    pub fn default_locale(&self) -> Locale {
        self.default_language.unwrap_or(Locale::PtBr)
    }
}

/// Guidance for whoever drafts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voice {
    /// The manner in a few sentences.
    pub tone: Vec<LocalText>,
    /// What a reply always does.
    pub always: Vec<LocalText>,
    /// What a reply never does.
    pub never: Vec<LocalText>,
    /// Phrases that no reply may hold, in the pattern language.
    pub forbidden: Keywords,
}

/// Phrases by language, in the pattern language of `text::phrases`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords {
    /// Brazilian Portuguese.
    pub pt_br: Vec<String>,
    /// English.
    pub en: Vec<String>,
    /// Spanish.
    pub es: Vec<String>,
}

impl Keywords {
    /// Returns the phrases of every language.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.pt_br.iter().chain(&self.en).chain(&self.es).map(String::as_str)
    }

    /// True when there is no phrase in any language.
    pub fn is_empty(&self) -> bool {
        self.pt_br.is_empty() && self.en.is_empty() && self.es.is_empty()
    }
}

/// Something customers write about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Category {
    /// The id used everywhere.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// The definition, for agents and engines.
    pub description: LocalText,
    /// Phrases that speak for it.
    pub keywords: Keywords,
    /// The team that owns it.
    pub team: String,
    /// Finer kinds; may be empty.
    pub subcategories: Vec<Subcategory>,
    /// True for the one category that takes what fits nowhere.
    pub default: bool,
}

impl Category {
    /// Returns a subcategory by its id.
    pub fn subcategory(&self, id: &str) -> Option<&Subcategory> {
        self.subcategories.iter().find(|sub| sub.id == id)
    }
}

/// A finer kind within a category.
#[derive(Clone, Debug, PartialEq)]
pub struct Subcategory {
    /// The id, unique within the category.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// The definition, for agents and engines.
    pub description: LocalText,
    /// Phrases that speak for it.
    pub keywords: Keywords,
}

/// How words move the urgency (U3).
#[derive(Clone, Debug, PartialEq)]
pub struct UrgencyPolicy {
    /// Display names of the four levels.
    pub labels: BTreeMap<Urgency, LocalText>,
    /// The urgency where no rule speaks.
    pub default: Urgency,
    /// The keyword rules, in the file's order.
    pub rules: Vec<UrgencyRule>,
}

/// Phrases that stand for an urgency.
#[derive(Clone, Debug, PartialEq)]
pub struct UrgencyRule {
    /// The rule's id, e.g. `U3.critical`.
    pub id: String,
    /// The urgency it stands for.
    pub level: Urgency,
    /// The phrases.
    pub keywords: Keywords,
}

/// A team of people. Its id is the queue's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The id, also the queue's name.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// Levels, lowest first; never empty.
    pub levels: Vec<Level>,
}

/// A level within a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The id, e.g. `L1`.
    pub id: String,
    /// Display name.
    pub name: LocalText,
}

/// A customers' plan or tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The id, as customer profiles spell it.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// True where the customer goes to the priority queue (E1).
    pub vip: bool,
    /// Other spellings that the business's systems use.
    pub aliases: Vec<String>,
}

/// A role that is notified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The id used in `notify`.
    pub id: String,
    /// Display name.
    pub name: LocalText,
}

/// One row of the routing table. An empty list of conditions matches anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingRow {
    /// The row's id, told with the decision.
    pub id: String,
    /// Categories.
    pub category: Vec<String>,
    /// Subcategories.
    pub subcategory: Vec<String>,
    /// Complexities.
    pub complexity: Vec<Complexity>,
    /// Urgencies.
    pub urgency: Vec<Urgency>,
    /// Plans.
    pub plan: Vec<String>,
    /// The team; `None` means the category's own.
    pub team: Option<String>,
    /// The level within the team.
    pub level: String,
}

/// How far the worker may go by itself, by category and channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Where nothing else is said.
    pub default: Mode,
    /// By category, then channel; `None` stands for `"*"`.
    pub by: BTreeMap<Option<String>, BTreeMap<Option<Channel>, Mode>>,
}

/// Confidence floors, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Least overall confidence for sending by itself (E2).
    pub send: f64,
    /// Least confidence of a field before the next engine is asked (E2).
    pub field: f64,
    /// Least confidence for treating a message as spam.
    pub spam: f64,
    /// Sentiment scores below this are negative (U1).
    pub negative: f64,
    /// Known solutions below this need a follow-up (K6).
    pub follow_up: f64,
}

/// When a turn is over, by channel (DESIGN 1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turns {
    pub(super) by: BTreeMap<Channel, TurnWindow>,
}

/// How long to wait for the end of a turn, in seconds. All zero means at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnWindow {
    /// After the last message.
    pub after_last_secs: u32,
    /// After a complete question.
    pub after_question_secs: u32,
    /// After a bare greeting or an unfinished line.
    pub after_greeting_secs: u32,
    /// After the first message, at the latest.
    pub max_secs: u32,
    /// After the end of the turn, at the latest, while the words of a voice note are awaited.
    pub max_transcript_secs: u32,
}

crate::domain::words! {
    /// How grave a safety case is (P3).
    Severity {
        /// Keep an eye on it.
        Low = "low",
        /// Somebody responsible must know.
        Medium = "medium",
        /// A mandatory report is prepared.
        High = "high",
        /// Intervention at once.
        Critical = "critical",
    }
}

crate::domain::words! {
    /// A step of the safety procedure (P3).
    SafetyAction {
        /// People of the safety queue watch the conversation.
        Watch = "watch",
        /// The responsible person or guardian is notified.
        NotifyResponsible = "notify_responsible",
        /// A mandatory report is prepared.
        PrepareReport = "prepare_report",
        /// Crisis intervention starts at once.
        CrisisIntervention = "crisis_intervention",
        /// Every step is documented.
        Document = "document",
    }
}

/// What happens when a person is in danger.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// Whether the fixed text leaves at once, even in draft mode.
    pub send_at_once: bool,
    /// The team whose queue takes the case.
    pub queue: String,
    /// The level within the team.
    pub level: String,
    /// The procedure for each severity.
    pub severities: BTreeMap<Severity, SafetyStep>,
    /// How grave each safety signal is.
    pub signals: BTreeMap<Signal, Severity>,
    /// Emergency lines per locale, in the order they are shown.
    pub contacts: BTreeMap<Locale, Vec<EmergencyContact>>,
}

impl Safety {
    /// Returns the gravest severity among signals; `None` when none is a safety signal.
    pub fn severity(&self, signals: impl IntoIterator<Item = Signal>) -> Option<Severity> {
        signals.into_iter().filter_map(|signal| self.signals.get(&signal).copied()).max()
    }
}

/// The procedure for one severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyStep {
    /// What is done.
    pub actions: Vec<SafetyAction>,
    /// Who is told.
    pub notify: Vec<String>,
    /// Minutes until a person must have acted.
    pub within_mins: u32,
    /// The step in words.
    pub text: LocalText,
}

/// An emergency line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmergencyContact {
    /// The id, e.g. `cvv`.
    pub id: String,
    /// The line's name.
    pub name: String,
    /// The number as people dial it.
    pub number: String,
    /// When to call it.
    pub when: LocalText,
    /// The safety signals it is for; empty means all.
    pub signals: Vec<Signal>,
}

/// A department that gets hand-overs of its own (E6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// The id.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// When a case goes there.
    pub when: LocalText,
    /// The fields of its hand-over, in order.
    pub payload: Vec<String>,
    /// The role whose people get it with what they are told.
    pub role: Option<String>,
}

/// A crisis of the business itself (P6), declared by an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentKind {
    /// The id.
    pub id: String,
    /// Display name.
    pub name: LocalText,
    /// Minutes until the stakeholders must know; 0 means at once.
    pub within_mins: u32,
    /// Minutes between updates to customers; `None` where none are posted.
    pub update_every_mins: Option<u32>,
    /// Who is told.
    pub notify: Vec<String>,
    /// Whether automatic answers stop.
    pub stop_auto: bool,
    /// Whether clocks stand still while it lasts.
    pub suspend_sla: bool,
    /// The time until a response of tickets opened while it lasts; `None` changes nothing.
    pub first_response: Option<SlaTime>,
    /// The same until the resolution.
    pub resolution: Option<SlaTime>,
}
