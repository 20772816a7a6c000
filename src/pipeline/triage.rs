//! What a language model says about a turn, and how it is joined with what the engines below it said.
//!
//! A model may raise alarm but never lower it: an urgency, a complexity or a fury that was heard below stays, and so
//! does every signal. So a customer's words that steer a model can bring a case to people, never keep it from them.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use super::TurnInput;
use super::briefing::Briefing;
use super::ladder::Question;
use crate::domain::channel::Channel;
use crate::domain::confidence::Confidence;
use crate::domain::draft::Passage;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::{
    Complexity, EstimatedResolution, Locale, Sentiment, SuggestedResponse, Urgency,
};
use crate::domain::message::{Author, PastMessage};
use crate::domain::signal::{LANGUAGE_MODEL, Signal, SignalHit};
use crate::policy::Pack;
use crate::ports::chat::{ChatAnswer, Purpose};
use crate::understand::Understood;
use crate::understand::votes::{Vote, tally};

/// How often each rung is right about a field before anything else is known of the answer.
const PRIMARY: f64 = 0.8;
const ESCALATION: f64 = 0.88;
/// How much an article of a category speaks for it, above and below the relevance floor.
const ARTICLE: f64 = 0.5;
const ARTICLE_BELOW: f64 = 0.2;
/// How sure a signal is that only a model heard.
const HEARD: f64 = 0.6;
/// Messages before the turn that a model reads.
const HISTORY: usize = 10;

/// Signals that a model may not set: they take an answer away, which only rules may do.
pub(super) const fn silences(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::ThankYou | Signal::AutoReply | Signal::Spam | Signal::OptOut | Signal::Greeting
    )
}

/// What a model answered, as far as it is an answer: what the policy does not know is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    category: Option<String>,
    subcategory: Option<String>,
    urgency: Option<Urgency>,
    sentiment: Option<Sentiment>,
    complexity: Option<Complexity>,
    signals: Vec<Signal>,
    needs_human: bool,
    response: Option<SuggestedResponse>,
    resolution: Option<EstimatedResolution>,
    /// From 0 to 1: how firm the answer is, by its tokens' probability and by how many askings agree.
    firmness: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    category: Option<String>,
    subcategory: Option<String>,
    urgency: Option<String>,
    sentiment: Option<String>,
    complexity: Option<String>,
    signals: Vec<String>,
    needs_human: bool,
    response: Option<String>,
    resolution: Option<String>,
}

/// The words of a case that a prompt shows: masked, shortened.
pub(super) struct CaseWords<'a> {
    pub(super) subject: Option<&'a str>,
    pub(super) text: &'a str,
    pub(super) history: &'a [PastMessage],
}

impl CaseWords<'_> {
    /// Returns what identifies the case for marks and recordings.
    pub(super) fn key(&self) -> String {
        let history: Vec<&str> = self.history.iter().map(|past| past.text.as_str()).collect();
        format!(
            "{}\u{1f}{}\u{1f}{}",
            self.subject.unwrap_or_default(),
            self.text,
            history.join("\u{1e}")
        )
    }

    pub(super) fn history(&self) -> Vec<Value> {
        let skip = self.history.len().saturating_sub(HISTORY);
        self.history
            .iter()
            .skip(skip)
            .map(|past| json!({"author": author(past.author), "text": past.text}))
            .collect()
    }
}

const fn author(author: Author) -> &'static str {
    match author {
        Author::Customer => "customer",
        Author::Ai => "assistant",
        Author::Agent => "agent",
        Author::System => "notice",
    }
}

/// True where a field that a model can judge is not sure.
pub(super) fn is_unsure(understood: &Understood, least: f64) -> bool {
    let fields = [
        understood.category.confidence,
        understood.urgency.confidence,
        understood.sentiment.confidence,
        understood.complexity.confidence,
    ];
    fields.iter().any(|confidence| confidence.get() < least)
}

/// Asks what a turn is about.
pub(super) fn question(
    briefing: &Briefing,
    locale: Locale,
    turn: &TurnInput,
    words: &CaseWords<'_>,
) -> Option<Question> {
    let case = case(turn.channel, turn.given.category.as_deref());
    briefing.question(Purpose::Triage, locale, words, case)
}

/// What the variables of the triage prompt hold besides a case's words and what the business says in all of them.
pub(super) fn case(channel: Channel, stated: Option<&str>) -> Vec<(&'static str, Value)> {
    vec![("channel", channel.as_str().into()), ("stated", stated.into())]
}

/// Reads an answer; `None` where it is none.
pub(super) fn read(pack: &Pack, answer: &ChatAnswer) -> Option<Reading> {
    let raw: Raw = serde_json::from_str(&answer.text).ok()?;
    let category = raw.category.filter(|id| pack.category(id).is_some());
    let of = category.as_deref().and_then(|id| pack.category(id));
    let subcategory = raw
        .subcategory
        .filter(|id| of.is_some_and(|of| of.subcategories.iter().any(|sub| sub.id == *id)));
    let mut signals: Vec<Signal> = raw
        .signals
        .iter()
        .filter_map(|word| Signal::parse(word))
        .filter(|signal| !silences(*signal))
        .collect();
    signals.sort_unstable();
    signals.dedup();
    Some(Reading {
        category,
        subcategory,
        urgency: raw.urgency.as_deref().and_then(Urgency::parse),
        sentiment: raw.sentiment.as_deref().and_then(Sentiment::parse),
        complexity: raw.complexity.as_deref().and_then(Complexity::parse),
        signals,
        needs_human: raw.needs_human,
        response: raw.response.as_deref().and_then(SuggestedResponse::parse),
        resolution: raw.resolution.as_deref().and_then(EstimatedResolution::parse),
        // A token's mean probability of one half says little; the labels are a few among many certain tokens.
        firmness: answer.probability.map_or(1.0, |mean| 0.6 + 0.4 * mean.clamp(0.0, 1.0)),
    })
}

/// Joins several askings of the same question: what most of them say, less firm the fewer they are.
pub(super) fn joined(mut readings: Vec<Reading>) -> Option<Reading> {
    let total = readings.len();
    let agreeing = |reading: &Reading| {
        readings
            .iter()
            .filter(|other| other.category == reading.category && other.urgency == reading.urgency)
            .count()
    };
    let (at, most) = readings
        .iter()
        .enumerate()
        .map(|(at, reading)| (at, agreeing(reading)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let mut heard: Vec<Signal> =
        readings.iter().flat_map(|reading| reading.signals.iter().copied()).collect();
    heard.sort_unstable();
    heard.dedup();
    let needs_human = readings.iter().any(|reading| reading.needs_human);
    let mut chosen = readings.swap_remove(at);
    #[expect(clippy::cast_precision_loss, reason = "a handful of askings")]
    let share = most as f64 / total as f64;
    chosen.firmness *= share;
    chosen.signals = heard;
    chosen.needs_human = needs_human;
    Some(chosen)
}

/// Joins what was understood with what models read, each rung's reading with its engine, in the order they were asked.
///
/// `below` is what the embedded engines understood. Fields that a person set or a form stated stay as they are.
pub(super) fn merged(
    below: &Understood,
    readings: &[(Engine, Reading)],
    passages: &[Passage],
) -> Understood {
    let mut all = below.clone();
    if readings.is_empty() {
        return all;
    }
    category(&mut all, below, readings, passages);
    if let Some(urgency) = field(&below.urgency, readings, |reading| reading.urgency) {
        all.urgency = raised(&below.urgency, urgency);
    }
    if let Some(complexity) = field(&below.complexity, readings, |reading| reading.complexity) {
        let score =
            complexity_score(complexity.value).max(below.complexity.score.unwrap_or_default());
        all.complexity = raised(&below.complexity, complexity).scored(score);
    }
    if let Some(sentiment) = field(&below.sentiment, readings, |reading| reading.sentiment) {
        all.sentiment = mood(&below.sentiment, sentiment);
    }
    for (engine, reading) in readings {
        for signal in reading.signals.iter().filter(|signal| !below.has(**signal)) {
            if !all.has(*signal) {
                let confidence = Confidence::clamped(HEARD * reading.firmness);
                all.signals.push(SignalHit {
                    signal: *signal,
                    confidence,
                    pattern: LANGUAGE_MODEL.to_owned(),
                });
            }
        }
        if reading.needs_human && !all.requires_human.value {
            let sure = Confidence::clamped(HEARD * reading.firmness);
            all.requires_human = Field::new(true, sure, *engine)
                .because("a language model thinks a person should handle this");
        }
    }
    all.signals.sort_by_key(|hit| hit.signal);
    let last = readings.last().map(|(engine, reading)| (*engine, reading));
    if let Some((engine, reading)) = last {
        let sure = Confidence::clamped(HEARD * reading.firmness);
        if let Some(response) =
            reading.response.filter(|_| all.suggested_response.confidence < sure)
        {
            all.suggested_response = Field::new(response, sure, engine);
        }
        if let Some(resolution) =
            reading.resolution.filter(|_| all.estimated_resolution.confidence <= sure)
            && resolution > all.estimated_resolution.value
        {
            all.estimated_resolution = Field::new(resolution, sure, engine);
        }
    }
    all
}

fn is_settled(engine: Engine) -> bool {
    matches!(engine, Engine::Human | Engine::Given)
}

fn weight(engine: Engine, reading: &Reading) -> f64 {
    let right = if engine == Engine::Escalation { ESCALATION } else { PRIMARY };
    right * reading.firmness
}

fn category(
    all: &mut Understood,
    below: &Understood,
    readings: &[(Engine, Reading)],
    passages: &[Passage],
) {
    if is_settled(below.category.engine) {
        return;
    }
    let own = &below.category;
    let mut votes: Vec<Vote<String>> =
        vec![Vote { engine: own.engine, value: own.value.clone(), weight: own.confidence.get() }];
    if own.engine != Engine::Articles
        && let Some(best) = passages.first()
        && let Some(id) = best.article.split('/').next()
    {
        let weight = if best.above_floor { ARTICLE } else { ARTICLE_BELOW };
        votes.push(Vote { engine: Engine::Articles, value: id.to_owned(), weight });
    }
    let models = readings.iter().filter_map(|(engine, reading)| {
        let value = reading.category.clone()?;
        Some(Vote { engine: *engine, value, weight: weight(*engine, reading) })
    });
    votes.extend(models);
    // An article alone names no category that no engine read in the words.
    let spoken: Vec<Vote<String>> = votes
        .iter()
        .filter(|vote| {
            vote.engine != Engine::Articles
                || votes
                    .iter()
                    .any(|other| other.engine != Engine::Articles && other.value == vote.value)
        })
        .cloned()
        .collect();
    let Some((value, confidence)) = tally(&spoken) else { return };
    let who = spoken
        .iter()
        .rev()
        .find(|vote| vote.value == value && vote.engine != Engine::Articles)
        .map_or(own.engine, |vote| vote.engine);
    all.category = Field { value: value.clone(), confidence, engine: who, ..own.clone() }
        .because(named(&spoken, &value));
    let sub = readings.iter().rev().find_map(|(engine, reading)| {
        (reading.category.as_ref() == Some(&value)).then_some((*engine, reading))
    });
    if let Some((engine, reading)) = sub
        && !is_settled(below.subcategory.engine)
    {
        let agrees = own.value == value && below.subcategory.value == reading.subcategory;
        let sure = if agrees {
            confidence.get()
        } else {
            (confidence.get() * weight(engine, reading)).min(0.69)
        };
        all.subcategory =
            Field::new(reading.subcategory.clone(), Confidence::clamped(sure), engine);
    } else if own.value != value && !is_settled(below.subcategory.engine) {
        all.subcategory = Field::new(None, Confidence::clamped(0.3), Engine::Default);
    }
}

/// Says who stands behind a value and who would have said another, for people who look.
fn named<T: PartialEq + fmt::Display>(votes: &[Vote<T>], value: &T) -> String {
    let (with, against): (Vec<_>, Vec<_>) = votes.iter().partition(|vote| vote.value == *value);
    let names: Vec<&str> = with.iter().map(|vote| who(vote.engine)).collect();
    let verb = if names.len() > 1 || names.iter().any(|name| name.ends_with('s')) {
        "say"
    } else {
        "says"
    };
    let others =
        against.iter().map(|vote| format!("{} would say {}", who(vote.engine), vote.value));
    let said = format!("{} {verb} {value}", names.join(" and "));
    std::iter::once(said).chain(others).collect::<Vec<_>>().join("; ")
}

/// Names an engine to people.
const fn who(engine: Engine) -> &'static str {
    match engine {
        Engine::Rules => "the rules",
        Engine::Lingua => "the language detector",
        Engine::Linear => "the built-in classifier",
        Engine::Articles => "the articles",
        Engine::Primary => "the language model",
        Engine::Escalation => "the more capable model",
        Engine::Given => "the form",
        Engine::Human => "a person",
        Engine::Default => "the policy's default",
    }
}

/// Tallies a field over the engine below and the models; `None` where it is settled or no model speaks.
fn field<T: Copy + PartialEq + fmt::Display>(
    own: &Field<T>,
    readings: &[(Engine, Reading)],
    of: impl Fn(&Reading) -> Option<T>,
) -> Option<Field<T>> {
    if is_settled(own.engine) {
        return None;
    }
    let mut votes =
        vec![Vote { engine: own.engine, value: own.value, weight: own.confidence.get() }];
    votes.extend(readings.iter().filter_map(|(engine, reading)| {
        Some(Vote { engine: *engine, value: of(reading)?, weight: weight(*engine, reading) })
    }));
    if votes.len() == 1 {
        return None;
    }
    let (value, confidence) = tally(&votes)?;
    let engine = votes.iter().rev().find(|vote| vote.value == value)?.engine;
    Some(
        Field { value, confidence, engine, reasons: own.reasons.clone(), score: own.score }
            .because(named(&votes, &value)),
    )
}

/// A model raises what was read below and never lowers it; where it would have, the value is less sure.
fn raised<T: Copy + PartialOrd>(below: &Field<T>, tallied: Field<T>) -> Field<T> {
    if tallied.value >= below.value {
        return tallied;
    }
    let less = Confidence::clamped(below.confidence.get() * 0.8);
    Field { confidence: less, ..below.clone() }.because("a language model would have put it lower")
}

/// Fury that was heard below stays; between the other moods the engines decide together.
fn mood(below: &Field<Sentiment>, tallied: Field<Sentiment>) -> Field<Sentiment> {
    if below.value == Sentiment::Angry && tallied.value != Sentiment::Angry {
        let less = Confidence::clamped(below.confidence.get() * 0.8);
        return Field { confidence: less, ..below.clone() }
            .because("a language model would have called it milder");
    }
    let (low, high) = mood_range(tallied.value);
    let score = below.score.unwrap_or(0.5).clamp(low, high);
    tallied.scored(score)
}

/// The scores that a mood's label stands for (U1: below 0.3 is negative).
const fn mood_range(mood: Sentiment) -> (f64, f64) {
    match mood {
        Sentiment::Positive => (0.6, 1.0),
        Sentiment::Neutral => (0.3, 0.7),
        Sentiment::Negative => (0.05, 0.299),
        Sentiment::Angry => (0.0, 0.15),
    }
}

const fn complexity_score(complexity: Complexity) -> f64 {
    match complexity {
        Complexity::Simple => 0.2,
        Complexity::Moderate => 0.5,
        Complexity::Complex => 0.8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_who_says_it_and_who_would_say_another() {
        let vote = |engine, value: &str| Vote { engine, value: value.to_owned(), weight: 0.5 };
        let (linear, model) = (Engine::Linear, Engine::Primary);
        for (votes, expected) in [
            (
                vec![vote(linear, "technical"), vote(model, "billing")],
                "the language model says billing; the built-in classifier would say technical",
            ),
            (
                vec![vote(linear, "billing"), vote(model, "billing")],
                "the built-in classifier and the language model say billing",
            ),
            (vec![vote(Engine::Rules, "billing")], "the rules say billing"),
        ] {
            assert_eq!(named(&votes, &"billing".to_owned()), expected);
        }
    }
}
