//! Learns, from the articles' own sample questions, what each ranker counts and where an answer begins.
//!
//! Each question is searched with its own place in its article left out, as a customer's words would be. With the
//! whole article left out it is a question that nothing answers. Both together place the floor. Articles without
//! sample questions have a floor of their own: their first sentences, each searched without its article, are what
//! nothing answers.

use serde::{Deserialize, Serialize};

use super::article::Article;
use super::fusion::{self, DEFAULT_WEIGHTS, MEANING_RANKER, PerRanker, RANKERS};
use super::meaning::{Text, Vectors};
use super::shelf::{Asked, Candidate, Hidden, Shelf};
use crate::adapters::qdrant::Shard;
use crate::ports::{PortError, TextRole};

/// Questions that are searched at most: more cost time and change little.
const CASES_MAX: usize = 300;
/// With fewer questions chance would decide, and the defaults stay.
const CASES_MIN: usize = 20;
/// The share of unanswerable questions that may be answered all the same.
const FALSE_ANSWERS_MAX: f64 = 0.10;
/// A fitted floor stays between these: its few questions do not know every message that will come.
const FLOOR_RANGE: (f64, f64) = (0.9, 1.0);
/// The share of them that the meaning alone may add.
const FALSE_MEANINGS_MAX: f64 = 0.05;
/// A fitted floor of the cosine stays between these.
const COSINE_RANGE: (f64, f64) = (0.0, 1.0);
/// A cosine that no text reaches: without cases nobody knows what a cosine of the model is worth.
const OUT_OF_REACH: f64 = 2.0;
/// Where a sum of BM25 scores counts half: three forms of each word are summed.
const HALF: f64 = 10.0;
/// How much a match with title and questions adds to a passage.
const OPENING_SHARE: f64 = 0.7;
/// The same for the odds of articles without sample questions.
const ODDS_RANGE: (f64, f64) = (-1.2, 0.5);
/// Rounding must not put a strength of exactly the floor below it.
const ROUNDING: f64 = 1e-9;
/// Weights are tried in steps of one tenth.
const STEPS: u32 = 10;
/// What a step away from the defaults must bring, so that chance does not pull the weights about.
const STEP_COST: f64 = 0.002;
/// An answer must be among this many of the best.
const SEEN: usize = 5;

/// What the questions came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The articles' sample questions.
    Questions,
    /// Their titles, because there are too few sample questions: the weights are the defaults.
    Titles,
    /// Too few of either: everything is a default.
    #[default]
    Defaults,
}

/// What was learnt for one locale, and how well it works on the questions it was learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// What each ranker counts; their sum is 1.
    pub weights: PerRanker,
    /// The strength from which an article with sample questions is an answer; 1 is the default.
    pub floor: f64,
    /// The odds, as a logarithm, from which an article without them is one.
    pub odds_floor: f64,
    /// What cosines mean; `None` without a model of dense vectors.
    #[serde(default)]
    pub meaning: Option<Meaning>,
    /// What the questions came from.
    pub basis: Basis,
    /// How many questions were searched.
    pub queries: usize,
    /// Share of the questions whose article is among the best five, by each ranker alone.
    pub recall_at_5: PerRanker,
    /// The same, by all rankers together.
    pub fused_recall_at_5: f64,
    /// Share of the questions that their article answers above the floor.
    pub answered: f64,
    /// Share of the questions that are answered above the floor although their article is left out.
    pub false_answers: f64,
}

/// What the cosines of a model mean: some models call everything alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// The model's name.
    pub model: String,
    /// The cosine from which an article is an answer; above 1 when there was too little to learn from.
    pub floor: f64,
    /// The mean cosine of the best article that is no answer.
    pub background: f64,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            weights: DEFAULT_WEIGHTS,
            floor: 1.0,
            odds_floor: -0.5,
            meaning: None,
            basis: Basis::Defaults,
            queries: 0,
            recall_at_5: [0.0; RANKERS.len()],
            fused_recall_at_5: 0.0,
            answered: 0.0,
            false_answers: 0.0,
        }
    }
}

impl Fit {
    /// True when a passage is an answer.
    pub(super) fn is_answer(&self, candidate: &Candidate) -> bool {
        let by_words = match candidate.odds {
            Some(odds) => odds + ROUNDING >= self.odds_floor,
            None => candidate.strength + ROUNDING >= self.floor,
        };
        by_words || self.means_the_same(&candidate.scores)
    }

    fn means_the_same(&self, scores: &PerRanker) -> bool {
        let floor = self.meaning.as_ref().map(|meaning| meaning.floor);
        let counts = self.meaning_weight() > 0.0;
        counts && floor.is_some_and(|floor| scores[MEANING_RANKER] >= floor)
    }

    fn meaning_weight(&self) -> f64 {
        self.weights[MEANING_RANKER]
    }

    /// Joins how much of the message the article covers, how well the passage itself matches and how near it is in
    /// meaning to a worth from 0 to 1 that is absolute.
    pub(super) fn as_answer(&self, [body, subject, relevance, cosine]: &PerRanker) -> f64 {
        let local = body + OPENING_SHARE * subject;
        let words = 0.7 * relevance + 0.3 * local / (local + HALF);
        let Some(meaning) = &self.meaning else { return words };
        let range = (1.0 - meaning.background).max(f64::EPSILON);
        let meant = ((cosine - meaning.background) / range).clamp(0.0, 1.0);
        let weight = self.meaning_weight();
        (1.0 - weight) * words + weight * meant
    }
}

/// A question whose article is known.
struct Case {
    own: usize,
    candidates: Vec<Candidate>,
}

/// Learns weights and floor of a shelf.
pub(super) fn fit(
    shelf: &Shelf,
    shard: &Shard,
    articles: &[Article],
    vectors: Option<&Vectors>,
) -> Result<Fit, PortError> {
    let (basis, questions) = questions(shelf, articles);
    let sentences = sentence_odds(shelf, shard, articles)?;
    let default = Fit::default();
    let odds_floor =
        best_floor(sentences.clone(), default.odds_floor, ODDS_RANGE, FALSE_ANSWERS_MAX);
    let model = shelf.embedder().map(|embedder| embedder.name().to_owned());
    if basis == Basis::Defaults {
        let meaning = model.map(|model| Meaning { model, floor: OUT_OF_REACH, background: 0.0 });
        return Ok(Fit { weights: *shelf.default_weights(), odds_floor, meaning, ..default });
    }
    let mut cases = Vec::with_capacity(questions.len());
    for (own, question, text) in questions {
        let hidden = Hidden { question: Some((own, question)), article: None };
        let meaning = vectors.and_then(|known| known.of(&Text::new(TextRole::Query, text)));
        let (candidates, _) = shelf.candidates(shard, &Asked { text, meaning, hidden }, 0)?;
        cases.push(Case { own, candidates });
    }
    let weights = match basis {
        Basis::Questions => best_weights(&cases, shelf.default_weights()),
        Basis::Titles | Basis::Defaults => *shelf.default_weights(),
    };
    let others: Vec<f64> = cases.iter().map(|case| case.other_strength(&weights)).collect();
    let cosines: Vec<f64> = cases.iter().map(|case| case.other_cosine(&weights)).collect();
    let mut fit = Fit {
        weights,
        floor: best_floor(others, default.floor, FLOOR_RANGE, FALSE_ANSWERS_MAX),
        odds_floor,
        meaning: model.map(|model| Meaning {
            model,
            background: mean(cosines.iter().copied()),
            floor: best_floor(cosines, OUT_OF_REACH, COSINE_RANGE, FALSE_MEANINGS_MAX),
        }),
        ..default
    };
    let alone = |ranker: usize| std::array::from_fn(|at| if at == ranker { 1.0 } else { 0.0 });
    let answered = |of_own: bool| {
        let given = |case: &Case| {
            let seen = case.seen(&weights).into_iter();
            let mut counted = seen.filter(|c| (c.article == case.own) == of_own);
            counted.any(|c| fit.is_answer(c))
        };
        mean(cases.iter().map(|case| if given(case) { 1.0 } else { 0.0 }))
    };
    (fit.answered, fit.false_answers) = (answered(true), answered(false));
    if basis == Basis::Titles {
        // Titles repeat each other, which makes them no measure of what nothing answers.
        let above = |odds: &f64| if *odds >= odds_floor { 1.0 } else { 0.0 };
        fit.false_answers = mean(sentences.iter().map(above));
    }
    Ok(Fit {
        basis,
        queries: cases.len(),
        recall_at_5: std::array::from_fn(|ranker| recall(&cases, &alone(ranker))),
        fused_recall_at_5: recall(&cases, &weights),
        ..fit
    })
}

/// Searches the first sentence of each article without sample questions, the article left out, and returns the
/// greatest odds that another is its answer.
fn sentence_odds(
    shelf: &Shelf,
    shard: &Shard,
    articles: &[Article],
) -> Result<Vec<f64>, PortError> {
    let first = |(number, place): (usize, &usize)| {
        let article = articles.get(*place).filter(|article| article.questions.is_empty())?;
        let text = &article.sections.first()?.text;
        let range = crate::text::sentences::split(text).into_iter().next()?;
        Some((number, text.get(range)?))
    };
    let sentences: Vec<_> = shelf.places().iter().enumerate().filter_map(first).collect();
    let mut odds = Vec::new();
    for (own, sentence) in thin(sentences) {
        let hidden = Hidden { question: None, article: Some(own) };
        // The odds are those of words.
        let asked = Asked { text: sentence, meaning: None, hidden };
        let (candidates, _) = shelf.candidates(shard, &asked, 0)?;
        odds.push(candidates.iter().filter_map(|c| c.odds).fold(f64::NEG_INFINITY, f64::max));
    }
    Ok(odds)
}

/// Returns (article, title or question, text) of what is searched, spread evenly over the articles.
fn questions<'a>(shelf: &Shelf, articles: &'a [Article]) -> (Basis, Vec<(usize, usize, &'a str)>) {
    let own = |number: usize, place: &usize| Some((number, articles.get(*place)?));
    let chosen: Vec<(usize, &Article)> = shelf
        .places()
        .iter()
        .enumerate()
        .filter_map(|(number, place)| own(number, place))
        .collect();
    let samples: Vec<_> = chosen
        .iter()
        .flat_map(|(number, article)| {
            (1..).zip(&article.questions).map(|(at, text)| (*number, at, text.as_str()))
        })
        .collect();
    if samples.len() >= CASES_MIN {
        return (Basis::Questions, thin(samples));
    }
    let titles: Vec<_> = chosen
        .iter()
        .filter(|(_, article)| !article.title.is_empty())
        .map(|(number, article)| (*number, 0, article.title.as_str()))
        .collect();
    if titles.len() >= CASES_MIN {
        (Basis::Titles, thin(titles))
    } else {
        (Basis::Defaults, Vec::new())
    }
}

fn thin<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(CASES_MAX).max(1);
    all.into_iter().step_by(step).collect()
}

impl Case {
    /// The rank of the own article from 0, by the best passage of each article.
    fn rank(&self, weights: &PerRanker) -> Option<usize> {
        self.order(weights).iter().position(|candidate| candidate.article == self.own)
    }

    /// Each article's best passage, best first.
    fn order(&self, weights: &PerRanker) -> Vec<&Candidate> {
        let scores: Vec<PerRanker> = self.candidates.iter().map(|c| c.scores).collect();
        let mut order: Vec<(f64, &Candidate)> =
            fusion::fuse(&scores, weights).into_iter().zip(&self.candidates).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.article.cmp(&b.1.article)));
        let mut seen = std::collections::BTreeSet::new();
        order.into_iter().map(|(_, c)| c).filter(|c| seen.insert(c.article)).collect()
    }

    /// What a reader would see: the first few with the own article, and without it.
    fn seen(&self, weights: &PerRanker) -> Vec<&Candidate> {
        let mut others = 0;
        let mut order = self.order(weights).into_iter().enumerate();
        let mut seen = Vec::new();
        while let Some((at, candidate)) = order.next().filter(|_| others < SEEN) {
            let own = candidate.article == self.own;
            others += usize::from(!own);
            if !own || at < SEEN {
                seen.push(candidate);
            }
        }
        seen
    }

    /// The greatest strength of the other articles that a reader would see.
    fn other_strength(&self, weights: &PerRanker) -> f64 {
        let others = self.seen(weights).into_iter().filter(|c| c.article != self.own);
        others.filter(|c| c.odds.is_none()).map(|c| c.strength).fold(0.0, f64::max)
    }

    /// The greatest cosine of the other articles that a reader would see.
    fn other_cosine(&self, weights: &PerRanker) -> f64 {
        let others = self.seen(weights).into_iter().filter(|c| c.article != self.own);
        others.map(|c| c.scores[MEANING_RANKER]).fold(0.0, f64::max)
    }
}

fn recall(cases: &[Case], weights: &PerRanker) -> f64 {
    mean(cases.iter().map(|case| match case.rank(weights) {
        Some(rank) if rank < SEEN => 1.0,
        _ => 0.0,
    }))
}

/// Tries every mix in steps and takes the one that ranks the own articles highest. The meaning counts only where the
/// defaults count it, which is where there is a model.
fn best_weights(cases: &[Case], defaults: &PerRanker) -> PerRanker {
    let mut best = (f64::NEG_INFINITY, *defaults);
    let meanings = if defaults[MEANING_RANKER] > 0.0 { STEPS } else { 0 };
    for meaning in 0..=meanings {
        for body in 0..=STEPS - meaning {
            for subject in 0..=STEPS - meaning - body {
                let cover = STEPS - meaning - body - subject;
                let weights =
                    [body, subject, cover, meaning].map(|part| f64::from(part) / f64::from(STEPS));
                let gain = mean(cases.iter().map(|case| {
                    case.rank(&weights).map_or(0.0, |rank| {
                        1.0 / (1.0 + f64::from(u32::try_from(rank).unwrap_or(u32::MAX)))
                    })
                }));
                let moved: f64 =
                    weights.iter().zip(defaults).map(|(a, b): (&f64, &f64)| (a - b).abs()).sum();
                let worth = gain - STEP_COST * moved * f64::from(STEPS);
                if worth > best.0 {
                    best = (worth, weights);
                }
            }
        }
    }
    best.1
}

/// Returns the lowest floor that keeps false answers rare: every lower one answers more, but too much of it falsely.
/// `others` has the best other article's strength per question, of which the share `rare` may pass.
fn best_floor(mut others: Vec<f64>, default: f64, range: (f64, f64), rare: f64) -> f64 {
    if others.len() < CASES_MIN {
        return default;
    }
    others.sort_by(|a, b| b.total_cmp(a));
    let allowed = others
        .iter()
        .zip(1_u32..)
        .take_while(|(_, count)| {
            f64::from(*count) <= rare * f64::from(u32::try_from(others.len()).unwrap_or(u32::MAX))
        })
        .count();
    // Just above the strongest of those that must not pass.
    let floor = others.get(allowed).map_or(range.0, |strongest| strongest + 0.001);
    floor.clamp(range.0, range.1)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(own: usize, scores: &[(usize, PerRanker, f64)]) -> Case {
        let candidate = |(article, scores, strength): &(usize, PerRanker, f64)| Candidate {
            article: *article,
            section: 0,
            scores: *scores,
            strength: *strength,
            odds: None,
        };
        Case { own, candidates: scores.iter().map(candidate).collect() }
    }

    #[test]
    fn a_ranker_that_misleads_gets_nothing() {
        let cases: Vec<Case> = (0..30)
            .map(|_| {
                case(
                    1,
                    &[
                        (0, [9.0, 0.0, 9.0, 0.0], 0.0),
                        (1, [1.0, 5.0, 1.0, 0.0], 0.0),
                        (2, [2.0, 1.0, 2.0, 0.0], 0.0),
                    ],
                )
            })
            .collect();
        let weights = best_weights(&cases, &DEFAULT_WEIGHTS);
        assert_eq!(cases[0].rank(&weights), Some(0), "{weights:?}");
        assert!((recall(&cases, &weights) - 1.0).abs() < 1e-9);
        assert_eq!(cases[0].rank(&[0.0, 1.0, 0.0, 0.0]), Some(0));
        assert_eq!(cases[0].rank(&[1.0, 0.0, 0.0, 0.0]), Some(2));
        assert!(
            best_weights(&[], &DEFAULT_WEIGHTS)
                .iter()
                .zip(DEFAULT_WEIGHTS)
                .all(|(a, b)| (a - b).abs() < 1e-9)
        );
    }

    #[test]
    fn the_floor_lets_one_in_ten_false_answers_pass_and_no_more() {
        let with =
            |others: &[f64]| best_floor(others.to_vec(), 1.0, FLOOR_RANGE, FALSE_ANSWERS_MAX);
        let few = [1.2; 5];
        let mut twenty = [0.1; 20];
        assert!((with(&few) - 1.0).abs() < 1e-9, "too few to learn from");
        assert!((with(&twenty) - FLOOR_RANGE.0).abs() < 1e-9, "never below its range");
        twenty[..2].fill(1.4);
        assert!((with(&twenty) - FLOOR_RANGE.0).abs() < 1e-9, "two of twenty may pass");
        twenty[..3].copy_from_slice(&[1.4, 1.3, 0.95]);
        assert!((with(&twenty) - 0.951).abs() < 1e-9, "the third may not");
        twenty[..3].fill(9.0);
        assert!((with(&twenty) - FLOOR_RANGE.1).abs() < 1e-9, "never above its range");
    }

    #[test]
    fn strengths_are_those_a_reader_would_see() {
        let case = case(
            1,
            &[
                (0, [3.0, 0.0, 0.0, 0.0], 0.8),
                (1, [2.0, 0.0, 0.0, 0.0], 1.2),
                (2, [1.0, 0.0, 0.0, 0.0], 0.9),
            ],
        );
        assert!((case.other_strength(&[1.0, 0.0, 0.0, 0.0]) - 0.9).abs() < 1e-9);
        let seen = |own: usize| {
            let candidates = (0..8)
                .zip([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0])
                .map(|(n, body)| (n, [body, 0.0, 0.0, 0.0], 1.0))
                .collect::<Vec<_>>();
            let case = self::case(own, &candidates);
            case.seen(&[1.0, 0.0, 0.0, 0.0]).iter().map(|c| c.article).collect::<Vec<_>>()
        };
        assert_eq!(seen(2), [0, 1, 2, 3, 4, 5]);
        assert_eq!(seen(5), [0, 1, 2, 3, 4]);
        assert_eq!(seen(6), [0, 1, 2, 3, 4]);
    }
}
