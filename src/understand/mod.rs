//! Understanding of one turn by rules, signals and learned models: what it is about, how urgent, in what mood, and
//! which facts change its route.
//!
//! Pure and in linear time. No reason and no pattern name ever repeats the customer's words.

mod category;
mod complexity;
mod courtesy;
mod extra;
pub mod language;
mod learned;
mod lexicon;
pub mod linear;
mod outcome;
mod overrides;
mod reading;
mod sentiment;
mod signals;
pub mod turn_end;
mod unasked;
mod urgency;
pub mod vocabulary;
pub mod votes;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::channel::Channel;
use crate::domain::example::Examples;
use crate::domain::field::Field;
use crate::domain::labels::{
    Complexity, EstimatedResolution, Language, Locale, Sentiment, SuggestedResponse, Urgency,
};
use crate::domain::message::{Given, MessageFlags, PastMessage};
use crate::domain::signal::SignalHit;
use crate::text::phrases::PhraseSet;
use reading::{Reading, Use};
pub use vocabulary::Vocabulary;

/// One customer turn as the engine reads it.
#[derive(Clone, Copy, Debug)]
pub struct TurnView<'a> {
    /// The way it came.
    pub channel: Channel,
    /// Subject line, where the channel has one.
    pub subject: Option<&'a str>,
    /// The masked words: personal data is replaced by placeholders such as `[CPF_1]`.
    pub text: &'a str,
    /// The conversation so far, oldest first.
    pub history: &'a [PastMessage],
    /// What a form or a phone agent stated.
    pub given: &'a Given,
    /// What the channel knows of the message.
    pub flags: MessageFlags,
    /// The language of the conversation so far; `None` at its start.
    pub conversation_language: Option<Language>,
    /// The business's own language.
    pub default_language: Locale,
}

/// Everything the engine understood of a turn.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Understood {
    /// The language of the turn.
    pub language: Field<Language>,
    /// A category of the pack.
    pub category: Field<String>,
    /// A subcategory of that category; `None` where none fits.
    pub subcategory: Field<Option<String>>,
    /// How soon an answer is needed.
    pub urgency: Field<Urgency>,
    /// The mood, with its score from 0 (worst) to 1 (best).
    pub sentiment: Field<Sentiment>,
    /// How hard the case is, with its score from 0 to 1.
    pub complexity: Field<Complexity>,
    /// Whether a person has to deal with it.
    pub requires_human: Field<bool>,
    /// How long the solution is expected to take.
    pub estimated_resolution: Field<EstimatedResolution>,
    /// The kind of answer that fits.
    pub suggested_response: Field<SuggestedResponse>,
    /// The signals found, at most one hit per signal, in the order of the signals.
    pub signals: Vec<SignalHit>,
    /// Facts for rules.
    pub extra: Extra,
}

/// Countable facts of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Extra {
    /// Questions asked.
    pub questions: u32,
    /// Words of the customer's own.
    pub words: u32,
    /// How many people or customers are said to be affected; `None` where no number is given.
    pub affected: Option<u32>,
    /// Whether a competitor is named or meant.
    pub competitor_named: Option<bool>,
    /// Whether a date for cancelling is set.
    pub cancellation_date_set: Option<bool>,
    /// The amount asked back or contested, in units of the pack's currency; `None` where no amount in
    /// that currency stands by such words.
    pub refund_amount: Option<f64>,
}

/// The engine: lexicons and a pack's vocabulary compiled to one matcher.
#[derive(Clone, Debug)]
pub struct Understander {
    vocabulary: Vocabulary,
    rules: Vec<lexicon::Rule>,
    set: PhraseSet<Use>,
    courtesy: courtesy::Courtesy,
    models: learned::Models,
}

impl Understander {
    /// Compiles a pack's vocabulary together with the built-in lexicons. Patterns that cannot be read
    /// are passed over; the pack's own check reports them. The models learn from the examples when they
    /// are first asked, or when they are warmed.
    pub fn new(vocabulary: &Vocabulary, examples: Arc<Examples>) -> Self {
        let mut patterns = Vec::new();
        let rules = lexicon::rules(&mut patterns);
        sentiment::patterns(&mut patterns);
        unasked::patterns(&mut patterns);
        vocabulary.patterns(&mut patterns);
        Self {
            models: learned::Models::new(
                examples,
                vocabulary.categories.iter().map(|category| category.id.clone()).collect(),
            ),
            vocabulary: vocabulary.clone(),
            rules,
            set: PhraseSet::new(patterns),
            courtesy: courtesy::Courtesy::new(),
        }
    }

    /// Makes the models ready, so that the first turn does not wait for them: from what `kept` returns
    /// for their key, else by training. Returns them as bytes to keep where they were trained.
    pub fn warm(&self, kept: impl FnOnce(&str) -> Option<Vec<u8>>) -> Option<(String, Vec<u8>)> {
        self.models.warm(kept)
    }

    /// True once the models are ready: until then whoever asks for them waits for their training.
    pub fn is_ready(&self) -> bool {
        self.models.is_ready()
    }

    /// Understands a turn whose language was detected before.
    pub fn understand(&self, turn: &TurnView<'_>, language: Field<Language>) -> Understood {
        let reading = Reading::of(turn, &self.set, self.models.get(), language.value);
        let signals = signals::find(self, turn, &reading);
        let (category, subcategory) = category::choose(self, turn, &reading, &signals);
        let urgency = urgency::judge(self, turn, &reading, &signals);
        let sentiment = sentiment::judge(&reading, &signals);
        let complexity = complexity::judge(turn, &reading, &signals);
        let extra = extra::read(self, &reading, &signals);
        let requires_human =
            outcome::requires_human(&signals, sentiment.value, language.value, &reading);
        let estimated_resolution = outcome::estimated_resolution(&signals, &complexity);
        let suggested_response =
            outcome::suggested_response(requires_human.value, &reading, &signals);
        Understood {
            language,
            category,
            subcategory,
            urgency,
            sentiment,
            complexity,
            requires_human,
            estimated_resolution,
            suggested_response,
            signals,
            extra,
        }
    }
}
