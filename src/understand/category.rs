//! Category and subcategory by the pack's keywords.
//!
//! Longer keywords weigh more, a repeated keyword counts twice at most, and the confidence says how
//! much stands for the winner and how little for the next.

use std::collections::BTreeMap;

use super::learned::pool;
use super::reading::{Reading, Role, Use};
use super::{TurnView, Understander};
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::message::Author;
use crate::domain::signal::{Signal, SignalHit};
use crate::text::phrases::Hit;
use crate::text::tokens::Tokens;

/// Confidence where no keyword was found.
const NOTHING: f64 = 0.3;
/// Confidence that no amount of keywords exceeds.
const MOST: f64 = 0.95;
/// What the words of earlier messages are worth against those of this one.
const EARLIER: f64 = 0.75;

/// How much all keywords of a clear message speak for their category, beside the learned model: as
/// logarithm of odds, so 2 makes it about seven times as likely.
const KEYWORDS: f64 = 2.0;
/// A message of at most so many words is read together with the one before it.
const FEW_WORDS: usize = 5;
/// The least share of its category that a learned subcategory must have.
const SUBCATEGORY_SHARE: f64 = 0.3;

/// How much more a keyword weighs inside the words of a complaint or demand.
const CORE: f64 = 2.5;
/// Most such places looked at.
const MOST_CORE: usize = 20;

struct Scores {
    categories: Vec<f64>,
    subcategories: BTreeMap<(usize, usize), f64>,
}

/// Returns category and subcategory of a turn.
pub(super) fn choose(
    engine: &Understander,
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> (Field<String>, Field<Option<String>>) {
    let mut scores = score(engine, &reading.hits, &reading.tokens, reading.body);
    let mut worth = 1.0;
    if scores.categories.iter().all(|s| *s <= 0.0) {
        // "e aí?" and "ainda nada" belong to what was said before.
        let earlier = turn.history.iter().rev().filter(|past| past.author == Author::Customer);
        for past in earlier.take(3).filter(|past| past.text.len() < 5000) {
            let tokens = Tokens::of(&past.text);
            scores = score(engine, &engine.set.find(&tokens), &tokens, 0);
            worth = EARLIER;
            if scores.categories.iter().any(|s| *s > 0.0) {
                break;
            }
        }
    }
    let known = |id: &str| engine.vocabulary.categories.iter().position(|c| c.id == id);
    let given = turn.given.category.as_deref().and_then(|id| known(id).map(|at| (at, id)));
    let danger = signals.iter().find(|hit| hit.signal.is_safety());
    let safety = engine.vocabulary.safety_category.as_deref().and_then(|id| Some((known(id)?, id)));
    let (at, category) = if let (Some(hit), Some((at, id))) = (danger, safety) {
        // A person in danger is the subject, whatever else is mentioned.
        let field = Field::new(id.to_owned(), hit.confidence, Engine::Rules);
        (Some(at), field.because(format!("signal {}", hit.signal)))
    } else if let Some((at, id)) = given {
        let field = Field::new(id.to_owned(), Confidence::CERTAIN, Engine::Given);
        (Some(at), field.because("stated with the message"))
    } else if let Some(learned) = by_examples(engine, turn, reading, &scores, worth) {
        learned
    } else {
        by_keywords(engine, &scores, worth)
    };
    let category = if reading.cut {
        category.because("long text: only its first 20000 and last 2000 bytes were read")
    } else {
        category
    };
    let subcategory = learned_subcategory(engine, reading, &category, at)
        .unwrap_or_else(|| subcategory(engine, &scores, at, worth));
    (category, subcategory)
}

/// Returns what the learned model says, with the keywords as further evidence; `None` without a model.
fn by_examples(
    engine: &Understander,
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
    scores: &Scores,
    worth: f64,
) -> Option<(Option<usize>, Field<String>)> {
    let in_context = with_context(turn, reading).map(|text| engine.models.get().read(&text));
    // A lone emoji or sign is no word that anything was learned from.
    if in_context.is_none() && !reading.own.contains(char::is_alphanumeric) {
        return None;
    }
    let shares = &in_context.as_ref().unwrap_or(&reading.learned).category;
    let total: f64 = scores.categories.iter().sum();
    let strength = worth * (1.0 - (-total / 1.6).exp());
    let place = |id: &str| engine.vocabulary.categories.iter().position(|c| c.id == id);
    let keywords = |id: &str| {
        let score = place(id).and_then(|at| scores.categories.get(at)).copied().unwrap_or_default();
        if total > 0.0 { KEYWORDS * strength * score / total } else { 0.0 }
    };
    let best = pool(shares, keywords)?;
    let Some(at) = place(best.label) else {
        let default = engine.vocabulary.default_category.clone();
        let sure = Confidence::clamped(NOTHING.min(1.0 - best.probability));
        let field = Field::new(default, sure, Engine::Default);
        return Some((None, field.because("unlike this business's subjects")));
    };
    let sure = Confidence::clamped(best.probability.min(MOST));
    let field = Field::new(best.label.to_owned(), sure, Engine::Linear).because("learned examples");
    let field = if keywords(best.label) > 0.0 {
        field.because(format!("keywords of {}", best.label))
    } else {
        field
    };
    Some((Some(at), field))
}

/// A few words, such as "e aí?", are read together with what the customer wrote before.
fn with_context(turn: &TurnView<'_>, reading: &Reading<'_, '_>) -> Option<String> {
    if reading.tokens.len() > FEW_WORDS {
        return None;
    }
    let earlier = turn.history.iter().rev().find(|past| past.author == Author::Customer)?;
    Some(format!("{}\n{}", earlier.text, reading.own))
}

fn learned_subcategory(
    engine: &Understander,
    reading: &Reading<'_, '_>,
    category: &Field<String>,
    at: Option<usize>,
) -> Option<Field<Option<String>>> {
    let words = engine.vocabulary.categories.get(at?)?;
    let shares = &reading.learned.subcategory;
    let own: Vec<(&str, f64)> = shares
        .iter()
        .filter_map(|(pair, share)| Some((pair.split_once('/')?, *share)))
        .filter(|((of, id), _)| {
            *of == category.value && words.subcategories.iter().any(|sub| sub.id == *id)
        })
        .map(|((_, id), share)| (id, share))
        .collect();
    let total: f64 = own.iter().map(|(_, share)| share).sum();
    let (best, first) =
        own.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let share = first / total;
    if share.is_nan() || share < SUBCATEGORY_SHARE {
        return Some(Field::new(None, Confidence::clamped(NOTHING), Engine::Default));
    }
    let sure = Confidence::clamped(share * category.confidence.get());
    Some(Field::new(Some(best.to_owned()), sure, Engine::Linear).because("learned examples"))
}

fn by_keywords(
    engine: &Understander,
    scores: &Scores,
    worth: f64,
) -> (Option<usize>, Field<String>) {
    let (best, first, second) = top_two(scores.categories.iter().copied());
    let Some(category) = best.and_then(|at| engine.vocabulary.categories.get(at)) else {
        let default = engine.vocabulary.default_category.clone();
        let field = Field::new(default, Confidence::clamped(NOTHING), Engine::Default);
        return (None, field.because("no keyword of any category"));
    };
    let sure = Confidence::clamped(confidence(first, second) * worth);
    let field = Field::new(category.id.clone(), sure, Engine::Rules).because(if worth < 1.0 {
        format!("keywords of {} in earlier messages", category.id)
    } else {
        format!("keywords of {}", category.id)
    });
    (best, field)
}

fn subcategory(
    engine: &Understander,
    scores: &Scores,
    category: Option<usize>,
    worth: f64,
) -> Field<Option<String>> {
    let words = category.and_then(|at| engine.vocabulary.categories.get(at));
    let score = |sub: usize| {
        category.and_then(|at| scores.subcategories.get(&(at, sub))).copied().unwrap_or_default()
    };
    let subcategories = words.map(|w| w.subcategories.as_slice()).unwrap_or_default();
    let (best, first, second) = top_two((0..subcategories.len()).map(score));
    match best.and_then(|at| subcategories.get(at)) {
        Some(found) => {
            let sure = Confidence::clamped(confidence(first, second) * worth);
            Field::new(Some(found.id.clone()), sure, Engine::Rules)
                .because(format!("keywords of {}", found.id))
        }
        None => Field::new(None, Confidence::clamped(NOTHING), Engine::Default),
    }
}

fn score(engine: &Understander, hits: &[Hit<'_, Use>], tokens: &Tokens, body: usize) -> Scores {
    let mut counted: BTreeMap<(usize, Option<usize>, u32), u32> = BTreeMap::new();
    let mut scores = Scores {
        categories: vec![0.0; engine.vocabulary.categories.len()],
        subcategories: BTreeMap::new(),
    };
    let core = core(engine, hits);
    for hit in hits {
        let Use::Category { category, subcategory, keyword, words } = *hit.value else { continue };
        let times = counted.entry((category, subcategory, keyword)).or_insert(0);
        *times += 1;
        if *times > 2 {
            continue;
        }
        let mut weight = match words {
            0 | 1 => 1.0,
            2 => 1.8,
            3 => 2.4,
            _ => 2.8,
        };
        if *times == 2 {
            weight *= 0.4;
        }
        if core.iter().any(|(start, end)| hit.start < *end && *start < hit.end) {
            weight *= CORE;
        }
        // A subject says what a mail is about.
        if tokens.get(hit.start).is_some_and(|token| token.start < body) {
            weight *= 1.3;
        }
        if let Some(score) = scores.categories.get_mut(category) {
            *score += weight;
        }
        if let Some(sub) = subcategory {
            *scores.subcategories.entry((category, sub)).or_insert(0.0) += weight;
        }
    }
    scores
}

/// Returns the words by which the customer complains or demands: they say what the turn is about, and
/// what stands around them says where it happened.
fn core(engine: &Understander, hits: &[Hit<'_, Use>]) -> Vec<(usize, usize)> {
    hits.iter()
        .filter_map(|hit| match *hit.value {
            Use::Rule { rule, role: Role::Any } => {
                let signal = engine.rules.get(rule)?.signal;
                is_a_matter(signal).then_some((hit.start, hit.end))
            }
            _ => None,
        })
        .take(MOST_CORE)
        .collect()
}

const fn is_a_matter(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::BillingDispute
            | Signal::Refund
            | Signal::Security
            | Signal::DataLoss
            | Signal::RightsHolder
            | Signal::DataProtection
    )
}

/// Returns the index of the best positive score, the score and the next one; the earlier wins a tie.
fn top_two(scores: impl Iterator<Item = f64>) -> (Option<usize>, f64, f64) {
    let (mut best, mut first, mut second) = (None, 0.0, 0.0);
    for (at, score) in scores.enumerate() {
        if score > first {
            (best, second, first) = (Some(at), first, score);
        } else if score > second {
            second = score;
        }
    }
    (best, first, second)
}

/// About 0.64 for one word alone, 0.9 for several without a rival, 0.38 for a tie.
fn confidence(first: f64, second: f64) -> f64 {
    if first <= 0.0 {
        return NOTHING;
    }
    let strength = 1.0 - (-first / 1.6).exp();
    let lead = (first - second) / (first + second);
    (0.38 + 0.57 * strength * lead).min(MOST)
}

/// Returns how many categories have a claim of their own on the turn.
pub(super) fn claims(reading: &Reading<'_, '_>) -> usize {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    for hit in &reading.hits {
        if let Use::Category { category, words, .. } = *hit.value {
            *seen.entry(category).or_insert(0) += words.max(1);
        }
    }
    seen.values().filter(|words| **words >= 2).count()
}

#[cfg(test)]
mod tests {
    use super::confidence;

    #[test]
    fn confidence_follows_strength_and_lead() {
        for (first, second, low, high) in [
            (1.0, 0.0, 0.55, 0.68),
            (4.0, 0.0, 0.85, 0.95),
            (2.0, 2.0, 0.3, 0.45),
            (4.0, 1.0, 0.6, 0.75),
            (50.0, 0.0, 0.9, 0.95),
        ] {
            let got = confidence(first, second);
            assert!((low..=high).contains(&got), "{first} against {second}: {got}");
        }
    }
}
