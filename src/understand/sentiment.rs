//! Mood by a native lexicon with negation, intensifiers, capitals, exclamation marks and emoji.
//!
//! Missing an angry customer costs more than seeing one too many, so anger adds up from many sides;
//! courtesy words hardly outweigh a complaint.

use serde::Deserialize;

use super::learned::pool;
use super::reading::{Reading, Use};
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::Sentiment;
use crate::domain::signal::{Signal, SignalHit};
use crate::text::negation::is_negated;
use crate::text::phrases::Pattern;
use crate::text::tokens::{Break, Tokens};

const SOURCE: &str = include_str!("lexicon/sentiment.yaml");
/// Below this score a turn is negative.
const NEGATIVE: f64 = 0.3;
/// Above this score a turn is positive.
const POSITIVE: f64 = 0.7;
/// How much words of mood speak for their label beside the learned model, as logarithm of odds.
const WORDS: f64 = 2.0;
/// Anger from which a negative turn is angry.
const ANGRY: f64 = 1.0;

/// Weight and anger of each group of the lexicon, in its order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    weight: f64,
    #[serde(default)]
    anger: f64,
    any: Vec<String>,
}

static GROUPS: std::sync::LazyLock<Vec<Group>> =
    // The file is part of the program; a test reads it strictly.
    std::sync::LazyLock::new(|| serde_saphyr::from_str(SOURCE).unwrap_or_default());

/// Appends the patterns of mood.
pub(super) fn patterns(patterns: &mut Vec<(Pattern, Use)>) {
    for (at, group) in GROUPS.iter().enumerate() {
        let read = group.any.iter().filter_map(|source| Pattern::parse(source).ok());
        patterns.extend(read.map(|pattern| (pattern, Use::Mood(at))));
    }
}

#[derive(Default)]
struct Mood {
    bad: f64,
    good: f64,
    anger: f64,
}

/// Returns the mood of a turn.
pub(super) fn judge(reading: &Reading<'_, '_>, signals: &[SignalHit]) -> Field<Sentiment> {
    let by_words = by_words(reading, signals);
    // What wants no answer comes from no angry customer, whatever it resembles.
    if signals.iter().any(|hit| hit.signal.wants_no_reply()) {
        return by_words;
    }
    // Words of the lexicon say something; their absence says little.
    let speaks = |label: &str| {
        let same = label == by_words.value.as_str();
        if same && by_words.value != Sentiment::Neutral {
            WORDS * by_words.confidence.get()
        } else {
            0.0
        }
    };
    let Some(best) = pool(&reading.learned.sentiment, speaks) else { return by_words };
    let Some(label) = Sentiment::parse(best.label) else { return by_words };
    let mean = best.mean(middle);
    let score = match label {
        Sentiment::Positive => mean.max(POSITIVE + 0.01),
        Sentiment::Neutral => mean.clamp(NEGATIVE, POSITIVE),
        Sentiment::Negative | Sentiment::Angry => mean.min(NEGATIVE - 0.01),
    };
    let sure = Confidence::clamped(best.probability);
    let mut field =
        Field::new(label, sure, Engine::Linear).scored(score).because("learned examples");
    if label == by_words.value {
        field.reasons.extend(by_words.reasons);
    }
    field
}

/// The score in the middle of a label's range.
fn middle(label: &str) -> f64 {
    match Sentiment::parse(label) {
        Some(Sentiment::Positive) => 0.85,
        Some(Sentiment::Negative) => 0.2,
        Some(Sentiment::Angry) => 0.06,
        Some(Sentiment::Neutral) | None => 0.5,
    }
}

fn by_words(reading: &Reading<'_, '_>, signals: &[SignalHit]) -> Field<Sentiment> {
    let mut mood = words(reading);
    let has = |signal: Signal| signals.iter().any(|hit| hit.signal == signal);
    if has(Signal::Abuse) {
        mood.bad -= 3.0;
        mood.anger += 1.5;
    }
    if has(Signal::LegalThreat) || has(Signal::ConsumerAgency) || has(Signal::PublicPost) {
        mood.bad -= 1.5;
        mood.anger += if mood.bad < -3.4 { 0.7 } else { 0.3 };
    }
    for (signal, weight) in [
        (Signal::BillingDispute, 1.0),
        (Signal::Fraud, 1.5),
        (Signal::Repeated, 1.0),
        (Signal::Churn, 0.6),
        (Signal::DataLoss, 1.0),
        (Signal::Outage, 0.6),
        (Signal::SelfHarm, 3.0),
        (Signal::Violence, 2.0),
    ] {
        if has(signal) {
            mood.bad -= weight;
        }
    }
    loudness(&mut mood, reading);
    let courtesy = if mood.bad <= -1.5 { 0.2 } else { 0.55 };
    let total = mood.bad + courtesy * if mood.bad < 0.0 { mood.good } else { mood.good / courtesy };
    let mut score = 0.5 + 0.5 * (total / 3.2).tanh();
    if has(Signal::ThankYou) && score > 0.5 {
        score = score.max(0.78);
    }
    let label = if score < NEGATIVE && mood.anger >= ANGRY {
        Sentiment::Angry
    } else if score < NEGATIVE {
        Sentiment::Negative
    } else if score > POSITIVE {
        Sentiment::Positive
    } else {
        Sentiment::Neutral
    };
    let evidence = mood.good - mood.bad;
    let sure = if evidence <= 0.0 { 0.6 } else { 0.5 + 0.42 * (1.0 - (-evidence / 2.5).exp()) };
    let field = Field::new(label, Confidence::clamped(sure), Engine::Rules).scored(score);
    match label {
        Sentiment::Angry => field.because("words of anger"),
        Sentiment::Negative => field.because("words of complaint"),
        Sentiment::Positive => field.because("words of praise or thanks"),
        Sentiment::Neutral => field,
    }
}

/// Adds up the lexicon; where phrases overlap the longest counts, so that "bom dia" is no praise.
fn words(reading: &Reading<'_, '_>) -> Mood {
    let mut mood = Mood::default();
    let mut hits: Vec<_> = reading
        .hits
        .iter()
        .filter_map(|hit| match *hit.value {
            Use::Mood(at) => GROUPS.get(at).map(|group| (hit.start, hit.end, group)),
            Use::Rule { .. }
            | Use::Category { .. }
            | Use::Urgency(_)
            | Use::Competitor
            | Use::Unasked(_) => None,
        })
        .collect();
    hits.sort_by_key(|(start, end, _)| (std::cmp::Reverse(end - start), *start));
    let tokens = &reading.tokens;
    let mut taken = vec![false; tokens.len()];
    for (start, end, group) in hits {
        if taken.iter().take(end).skip(start).any(|t| *t) {
            continue;
        }
        taken.iter_mut().take(end).skip(start).for_each(|t| *t = true);
        let mut weight = group.weight;
        let mut anger = group.anger;
        if is_negated(tokens, start, reading.english) {
            // "nada bom" is a complaint, "nada mau" is hardly praise.
            weight = if weight > 0.0 { -0.9 * weight } else { 0.15 * -weight };
            anger = 0.0;
        } else if intensified(tokens, start, end) {
            weight *= 1.4;
            anger *= 1.2;
        }
        if tokens.get(start).is_some_and(|t| t.caps) && weight < 0.0 {
            weight *= 1.2;
            anger += 0.2;
        }
        if weight < 0.0 {
            mood.bad += weight;
            mood.anger += anger;
        } else {
            mood.good += weight;
        }
    }
    mood
}

fn intensified(tokens: &Tokens, start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| tokens.word(at)).unwrap_or_default();
    let strong = |word: &str| {
        matches!(
            word,
            "muito"
                | "muita"
                | "super"
                | "extremamente"
                | "tao"
                | "totalmente"
                | "completamente"
                | "bastante"
                | "tremendamente"
                | "absolutamente"
                | "profundamente"
                | "really"
                | "very"
                | "so"
                | "extremely"
                | "totally"
                | "absolutely"
                | "completely"
                | "utterly"
                | "incredibly"
                | "beyond"
                | "deeply"
                | "muy"
                | "mega"
                | "hiper"
                | "mais"
        )
    };
    strong(before)
        || (tokens.before(end) == Break::None && matches!(tokens.word(end), "demais" | "mesmo"))
}

/// Capitals and exclamation marks make a complaint louder; faces of punctuation count as words.
fn loudness(mood: &mut Mood, reading: &Reading<'_, '_>) {
    let tokens = &reading.tokens;
    let text = reading.text.as_ref();
    if text.contains(":(") || text.contains(":-(") || text.contains(":'(") || text.contains("=(") {
        mood.bad -= 0.8;
    }
    if text.contains(":)") || text.contains(":-)") || text.contains(":D") || text.contains("=)") {
        mood.good += 0.8;
    }
    let long = tokens.iter().filter(|(_, word)| word.len() > 1).count();
    let caps = tokens.iter().filter(|(token, word)| token.caps && word.len() > 1).count();
    let shouting = long >= 4 && caps * 10 >= long * 7;
    if shouting && mood.bad < 0.0 {
        mood.bad -= 1.0;
        mood.anger += 0.8;
    } else if shouting {
        mood.bad -= 0.6;
        mood.anger += 0.3;
    } else if caps >= 2 && mood.bad < 0.0 {
        mood.anger += 0.2;
    }
    let marks = tokens.exclamation_marks();
    if mood.bad < 0.0 && marks >= 3 {
        mood.bad *= 1.15;
        mood.anger += 0.5;
    } else if mood.bad < 0.0 && marks > 0 {
        mood.bad *= 1.05;
        mood.anger += 0.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lexicon_of_mood_reads_and_every_pattern_is_valid() {
        let groups: Vec<Group> = serde_saphyr::from_str(SOURCE).unwrap();
        let problems: Vec<_> = groups
            .iter()
            .flat_map(|g| &g.any)
            .filter_map(|source| Pattern::parse(source).err())
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
