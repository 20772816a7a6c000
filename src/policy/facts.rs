//! The facts that a rule may use: a declared, typed list, and the facts of one turn.
//!
//! A fact that a turn lacks is unknown, never a default: rules over it are then not known.

use std::borrow::Cow;
use std::fmt;

use super::problem::{self, Noun};

/// The words that a text fact can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// Any text.
    Free,
    /// Channels.
    Channel,
    /// Languages, BCP 47.
    Language,
    /// The pack's categories.
    Category,
    /// The pack's subcategories.
    Subcategory,
    /// Urgencies.
    Urgency,
    /// Sentiments.
    Sentiment,
    /// Complexities.
    Complexity,
    /// Signals.
    Signal,
    /// The pack's plans.
    Plan,
    /// Modes.
    Mode,
}

impl Vocabulary {
    pub(super) fn noun(self) -> Noun {
        match self {
            Self::Free => problem::WORD,
            Self::Channel => problem::CHANNEL,
            Self::Language => problem::LANGUAGE,
            Self::Category => problem::CATEGORY,
            Self::Subcategory => problem::SUBCATEGORY,
            Self::Urgency => problem::URGENCY,
            Self::Sentiment => problem::SENTIMENT,
            Self::Complexity => problem::COMPLEXITY,
            Self::Signal => problem::SIGNAL,
            Self::Plan => problem::PLAN,
            Self::Mode => problem::MODE,
        }
    }
}

/// The type of a fact, in the expression language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactType {
    /// A text of a vocabulary.
    Text(Vocabulary),
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// True or false.
    Bool,
    /// A list of texts of a vocabulary.
    List(Vocabulary),
}

macro_rules! facts {
    ($($variant:ident = $name:literal, $ty:expr, $doc:literal;)+) => {
        /// A fact that rules may use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fact { $(#[doc = $doc] $variant),+ }

        impl Fact {
            /// Every fact, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name used in rules.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns the type.
            pub const fn ty(self) -> FactType {
                use FactType::*;
                use Vocabulary::*;
                match self { $(Self::$variant => $ty),+ }
            }

            /// Returns what the fact says, in one sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc),+ }
            }

            /// Finds a fact by the name used in rules.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

facts! {
    Channel = "channel", Text(Channel), "Where the message came from.";
    Language = "language", Text(Language), "The customer's language, BCP 47.";
    Category = "category", Text(Category), "The category.";
    Subcategory = "subcategory", Text(Subcategory), "The subcategory, where the category has one.";
    Urgency = "urgency", Text(Urgency), "The urgency before the rules.";
    Sentiment = "sentiment", Text(Sentiment), "The customer's mood.";
    SentimentScore = "sentiment_score", Double, "The mood from 0 (worst) to 1.";
    Complexity = "complexity", Text(Complexity), "How hard the case is.";
    ComplexityScore = "complexity_score", Double, "How hard the case is, from 0 to 1 (hardest).";
    CategoryConfidence = "category_confidence", Double, "How sure the category is, from 0 to 1.";
    Confidence = "confidence", Double, "Overall confidence in an automatic answer, from 0 to 1.";
    Signals = "signals", List(Signal), "The signals found in the turn.";
    CustomerPlan = "customer.plan", Text(Plan), "The customer's plan.";
    CustomerVip = "customer.vip", Bool, "Whether the customer's plan or profile marks a VIP.";
    CustomerAnnualRevenue = "customer.annual_revenue", Double, "What the customer pays in a year, in the pack's currency; lacking when the profile has another currency.";
    CustomerMonths = "customer.months", Int, "For how many whole months they have been a customer.";
    TicketAiTurns = "ticket.ai_turns", Int, "How many replies of the assistant the ticket has.";
    TicketFailedAttempts = "ticket.failed_attempts", Int, "How often an answer did not help.";
    TicketReopened = "ticket.reopened", Bool, "Whether the ticket was solved before and came back.";
    TicketEarlierEscalations = "ticket.earlier_escalations", Int, "How often the ticket was escalated before.";
    TicketSameIssue30d = "ticket.same_issue_30d", Int, "How many tickets of this category the customer opened in 30 days, this one included.";
    TicketUnresolved30d = "ticket.unresolved_30d", Int, "How many tickets of the last 30 days are still unresolved.";
    TicketTags = "ticket.tags", List(Free), "The ticket's tags.";
    MessageWords = "message.words", Int, "How many words the turn has.";
    MessageQuestions = "message.questions", Int, "How many questions the turn asks.";
    MessageMedia = "message.media", Bool, "Whether the meaning lies in an image, a recording or a file.";
    MessageAffected = "message.affected", Int, "How many users the customer says are affected.";
    RefundAmount = "refund.amount", Double, "The amount that the customer wants back, in the pack's currency.";
    CompetitorNamed = "competitor_named", Bool, "Whether the customer names a competitor.";
    CancellationDateSet = "cancellation_date_set", Bool, "Whether the customer names a date for leaving.";
    IncidentActive = "incident.active", Bool, "Whether an incident of ours is declared.";
    DraftPresent = "draft.present", Bool, "Whether there is a draft.";
    DraftCoverage = "draft.coverage", Double, "The share of the draft's sentences that have support, from 0 to 1.";
    DraftPromises = "draft.promises", Int, "How many promises of the draft no article or policy backs.";
    DraftDisclosesAi = "draft.discloses_ai", Bool, "Whether the draft says that a machine writes.";
    DraftOffersPerson = "draft.offers_person", Bool, "Whether the draft says how to reach a person.";
    DraftLanguageMatches = "draft.language_matches", Bool, "Whether the draft is in the customer's language.";
    PassagesAboveFloor = "passages.above_floor", Int, "How many passages clear the relevance floor.";
    Mode = "mode", Text(Mode), "The mode of the category on this channel.";
}

impl Fact {
    pub(super) const fn bit(self) -> u64 {
        1 << self as u64
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Returns the facts of a set of bits.
pub(super) fn facts_of(bits: u64) -> Vec<Fact> {
    Fact::ALL.iter().copied().filter(|fact| bits & fact.bit() != 0).collect()
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactValue {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Int(i64),
    /// A number; never NaN.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// A list of texts.
    List(Vec<Cow<'static, str>>),
}

macro_rules! from {
    ($($from:ty => |$value:ident| $made:expr),+ $(,)?) => {
        $(impl From<$from> for FactValue { fn from($value: $from) -> Self { $made } })+
    };
}

from! {
    bool => |value| Self::Bool(value),
    i64 => |value| Self::Int(value),
    u32 => |value| Self::Int(i64::from(value)),
    usize => |value| Self::Int(i64::try_from(value).unwrap_or(i64::MAX)),
    f64 => |value| Self::Double(value),
    &'static str => |value| Self::Text(Cow::Borrowed(value)),
    String => |value| Self::Text(Cow::Owned(value)),
    Cow<'static, str> => |value| Self::Text(value),
    Vec<&'static str> => |value| Self::List(value.into_iter().map(Cow::Borrowed).collect()),
    Vec<String> => |value| Self::List(value.into_iter().map(Cow::Owned).collect()),
}

/// The facts known of one turn.
#[derive(Clone, Debug)]
pub struct Facts {
    values: Vec<Option<FactValue>>,
    known: u64,
}

impl Default for Facts {
    fn default() -> Self {
        Self::new()
    }
}

impl Facts {
    /// Makes an empty set: every fact is unknown.
    pub fn new() -> Self {
        Self { values: vec![None; Fact::ALL.len()], known: 0 }
    }

    /// Sets a fact. A value of another type than the fact's, and a NaN, leave it unknown, because
    /// a rule must not be judged on a value that means something else.
    pub fn set(&mut self, fact: Fact, value: impl Into<FactValue>) -> &mut Self {
        let value = fitting(fact.ty(), value.into());
        debug_assert!(value.is_some(), "{fact} was set to a value of another type");
        if let Some(slot) = self.values.get_mut(fact as usize) {
            self.known =
                if value.is_some() { self.known | fact.bit() } else { self.known & !fact.bit() };
            *slot = value;
        }
        self
    }

    /// Sets a fact where the value is known, and leaves it unknown otherwise.
    pub fn set_known(&mut self, fact: Fact, value: Option<impl Into<FactValue>>) -> &mut Self {
        if let Some(value) = value {
            self.set(fact, value);
        }
        self
    }

    /// Returns the value; `None` when the turn lacks the fact.
    pub fn get(&self, fact: Fact) -> Option<&FactValue> {
        self.values.get(fact as usize).and_then(Option::as_ref)
    }

    /// Returns the facts that are known, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Fact, &FactValue)> {
        Fact::ALL.iter().filter_map(|fact| Some((*fact, self.get(*fact)?)))
    }

    pub(super) fn missing(&self, wanted: u64) -> u64 {
        wanted & !self.known
    }
}

fn fitting(ty: FactType, value: FactValue) -> Option<FactValue> {
    match (ty, value) {
        (FactType::Double, FactValue::Double(value)) if value.is_nan() => None,
        (FactType::Double, FactValue::Int(value)) => {
            #[expect(clippy::cast_precision_loss, reason = "amounts and counts are small")]
            let value = value as f64;
            Some(FactValue::Double(value))
        }
        (FactType::Text(_), value @ FactValue::Text(_))
        | (FactType::Int, value @ FactValue::Int(_))
        | (FactType::Double, value @ FactValue::Double(_))
        | (FactType::Bool, value @ FactValue::Bool(_))
        | (FactType::List(_), value @ FactValue::List(_)) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_by_its_name_and_has_a_bit_of_its_own() {
        let mut bits = 0;
        for fact in Fact::ALL {
            assert_eq!(Fact::parse(fact.name()), Some(*fact));
            assert_eq!(bits & fact.bit(), 0, "{fact}");
            bits |= fact.bit();
        }
        assert_eq!(facts_of(bits), Fact::ALL);
    }

    #[test]
    fn a_whole_number_fits_a_fact_that_is_a_number_and_a_nan_fits_none() {
        let mut facts = Facts::new();
        facts.set(Fact::RefundAmount, 7_i64);
        assert_eq!(facts.get(Fact::RefundAmount), Some(&FactValue::Double(7.0)));
        assert_eq!(fitting(FactType::Double, FactValue::Double(f64::NAN)), None);
        assert_eq!(fitting(FactType::Bool, FactValue::Int(1)), None);
        assert_eq!(facts.missing(Fact::RefundAmount.bit() | Fact::Mode.bit()), Fact::Mode.bit());
    }
}
