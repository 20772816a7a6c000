//! Engines that answer the same question: what they agree on is surer than what any of them says alone.

use crate::domain::confidence::Confidence;
use crate::domain::field::Engine;

/// The most that a value can reach for which a single language model speaks and nothing else: less than what an
/// answer may rest on, so that a model's own word is always seconded or checked.
const ALONE: f64 = 0.69;
/// The most that any agreement reaches.
const MOST: f64 = 0.97;
/// How much an engine of another opinion takes away.
const AGAINST: f64 = 0.5;

/// What one engine says.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote<T> {
    /// Who says it.
    pub engine: Engine,
    /// What it says.
    pub value: T,
    /// How often an engine is right that says it this firmly, from 0 to 1.
    pub weight: f64,
}

/// Returns the value with most behind it and how sure it is; the earlier wins a tie, `None` without a vote.
///
/// Engines err on their own, so a value is wrong only if all who say it are: `1 - Π(1 - w)` over its supporters. Each
/// opponent takes `w / 2` of that away. The value of a single language model stays below 0.7.
pub fn tally<T: PartialEq + Clone>(votes: &[Vote<T>]) -> Option<(T, Confidence)> {
    let mut best: Option<(&T, f64)> = None;
    for vote in votes {
        let sure = support(votes, &vote.value);
        if best.is_none_or(|(_, most)| sure > most) {
            best = Some((&vote.value, sure));
        }
    }
    let (value, sure) = best?;
    let against: f64 = votes
        .iter()
        .filter(|vote| vote.value != *value)
        .map(|vote| 1.0 - vote.weight.clamp(0.0, 1.0) * AGAINST)
        .product();
    let supporters = || votes.iter().filter(|vote| vote.value == *value);
    let one_model = supporters().count() == 1 && supporters().all(|vote| is_model(vote.engine));
    let most = if one_model { ALONE } else { MOST };
    Some((value.clone(), Confidence::clamped((sure * against).min(most))))
}

fn support<T: PartialEq>(votes: &[Vote<T>], value: &T) -> f64 {
    let wrong: f64 = votes
        .iter()
        .filter(|vote| vote.value == *value)
        .map(|vote| 1.0 - vote.weight.clamp(0.0, 1.0))
        .product();
    1.0 - wrong
}

/// True for a language model.
pub const fn is_model(engine: Engine) -> bool {
    matches!(engine, Engine::Primary | Engine::Escalation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(engine: Engine, value: &'static str, weight: f64) -> Vote<&'static str> {
        Vote { engine, value, weight }
    }

    #[test]
    fn agreement_is_surer_and_disagreement_less_sure() {
        use Engine::{Articles, Escalation, Linear, Primary};
        for (votes, expected, low, high) in [
            (vec![vote(Linear, "a", 0.5), vote(Primary, "a", 0.8)], "a", 0.89, 0.91),
            (vec![vote(Linear, "a", 0.5), vote(Primary, "b", 0.8)], "b", 0.59, 0.61),
            (vec![vote(Linear, "a", 0.3), vote(Primary, "b", 0.8)], "b", 0.67, 0.69),
            (
                vec![vote(Linear, "a", 0.3), vote(Articles, "b", 0.5), vote(Primary, "b", 0.8)],
                "b",
                0.7,
                0.8,
            ),
            (
                vec![vote(Linear, "a", 0.5), vote(Primary, "b", 0.8), vote(Escalation, "b", 0.88)],
                "b",
                0.7,
                0.75,
            ),
            (
                vec![vote(Linear, "a", 0.5), vote(Primary, "b", 0.8), vote(Escalation, "c", 0.88)],
                "c",
                0.3,
                0.5,
            ),
            (
                vec![vote(Linear, "a", 0.6), vote(Primary, "b", 0.8), vote(Escalation, "a", 0.88)],
                "a",
                0.5,
                0.6,
            ),
        ] {
            let (value, sure) = tally(&votes).unwrap();
            assert_eq!(value, expected, "{votes:?}");
            assert!((low..=high).contains(&sure.get()), "{votes:?}: {}", sure.get());
        }
        assert_eq!(tally::<&str>(&[]), None);
    }

    #[test]
    fn a_model_alone_is_never_sure_however_firm() {
        let (_, sure) = tally(&[vote(Engine::Primary, "a", 1.0)]).unwrap();
        assert!(sure.get() < 0.7);
        let (_, rules) = tally(&[vote(Engine::Rules, "a", 0.95)]).unwrap();
        assert_eq!(rules, Confidence::clamped(0.95));
    }
}
