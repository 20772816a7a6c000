//! From scores to probabilities: a temperature for the whole vector, a small logistic model for the
//! top label, and the same for whether a text is of any trained kind. More evidence never lowers
//! a probability.

use serde::{Deserialize, Serialize};

/// Facts about one scored text, each of which speaks for its top label.
pub(super) type Evidence = [f32; 5];

/// Odds, as a logarithm, at which they may start to count for more or less.
const KNEE: f32 = 1.5;

/// Rounds of the logistic fit; the change is below rounding long before.
const ROUNDS: usize = 60;
/// Pull of each weight to 0, in examples.
const RIDGE: f64 = 0.05;
/// Range of the temperature's inverse, and how finely it is searched.
const SHARPNESS: (f32, f32) = (0.5, 40.0);
const SEARCH_STEPS: usize = 24;
/// Texts on which the temperature is fitted.
const MOST_TEXTS: usize = 2500;

/// Texts on which a logistic model is fitted.
const MOST_WITNESSES: usize = 12_000;

/// A text with what is known to be true of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness {
    pub(super) evidence: Evidence,
    pub(super) holds: bool,
    pub(super) weight: f64,
}

/// A logistic model whose weights are never negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Logistic {
    weights: Evidence,
    bias: f32,
}

impl Logistic {
    /// Trusts what is known of a text and nothing else; used where nothing can be fitted.
    pub(super) const BY_COVERAGE: Self = Self { weights: [0.0, 0.0, 0.0, 0.0, 8.0], bias: -2.0 };

    /// Returns the probability.
    pub(super) fn probability(&self, evidence: &Evidence) -> f32 {
        sigmoid(self.logit(evidence))
    }

    fn logit(&self, evidence: &Evidence) -> f32 {
        let pairs = self.weights.iter().zip(evidence);
        self.bias + pairs.map(|(weight, fact)| weight * fact).sum::<f32>()
    }

    /// Fits by Newton steps, one coordinate at a time.
    pub(super) fn fit(witnesses: &[Witness]) -> Self {
        let stride = witnesses.len().div_ceil(MOST_WITNESSES).max(1);
        let sample: Vec<Witness> = witnesses.iter().copied().step_by(stride).collect();
        let witnesses = sample.as_slice();
        let mut fitted = Self { weights: [0.0; 5], bias: 0.0 };
        let mut logits = vec![0.0_f64; witnesses.len()];
        for _ in 0..ROUNDS {
            let fact = |_: &Evidence| 1.0;
            let step = newton_step(witnesses, &logits, 0.0, fact);
            fitted.bias += narrow(step);
            shift(&mut logits, witnesses, step, fact);
            for (coordinate, weight) in fitted.weights.iter_mut().enumerate() {
                let fact = |evidence: &Evidence| {
                    f64::from(evidence.get(coordinate).copied().unwrap_or_default())
                };
                let old = f64::from(*weight);
                let step = newton_step(witnesses, &logits, old, fact).max(-old);
                *weight = narrow(old + step);
                shift(&mut logits, witnesses, step, fact);
            }
        }
        fitted
    }
}

/// Returns the inverse temperature under which the labels of scored texts are most likely.
pub(super) fn fit_sharpness(scored: &[(&[f32], usize)]) -> f32 {
    let stride = scored.len().div_ceil(MOST_TEXTS).max(1);
    let loss = |sharpness: f32| {
        let texts = scored.iter().step_by(stride);
        texts.map(|(scores, label)| surprise(scores, *label, sharpness)).sum::<f64>()
    };
    let (mut low, mut high) = (SHARPNESS.0.ln(), SHARPNESS.1.ln());
    for _ in 0..SEARCH_STEPS {
        let (left, right) = (low + (high - low) * 0.382, low + (high - low) * 0.618);
        if loss(left.exp()) < loss(right.exp()) {
            high = right;
        } else {
            low = left;
        }
    }
    low.midpoint(high).exp()
}

/// The best two labels of a text and what speaks for the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) top: usize,
    pub(super) second: usize,
    /// Share of the first and second label under the temperature.
    pub(super) shares: (f32, f32),
    pub(super) evidence: Evidence,
}

/// Judges the scores of at least two labels.
pub(super) fn judge(scores: &[f32], sharpness: f32, coverage: f32) -> Judged {
    let (mut top, mut second) = ((0, f32::NEG_INFINITY), (0, f32::NEG_INFINITY));
    for (label, score) in scores.iter().copied().enumerate() {
        if score > top.1 {
            second = top;
            top = (label, score);
        } else if score > second.1 {
            second = (label, score);
        }
    }
    let others: f32 = {
        let rest = scores.iter().enumerate().filter(|(label, _)| *label != top.0);
        rest.map(|(_, score)| ((score - top.1) * sharpness).exp()).sum()
    };
    let first_share = 1.0 / (1.0 + others);
    let second_share = ((second.1 - top.1) * sharpness).exp() * first_share;
    let odds = -others.max(1e-6).ln();
    Judged {
        top: top.0,
        second: second.0,
        shares: (first_share, second_share),
        evidence: [
            odds.min(KNEE),
            (odds - KNEE).max(0.0),
            top.1,
            (top.1 - second.1).min(4.0),
            coverage,
        ],
    }
}

fn surprise(scores: &[f32], label: usize, sharpness: f32) -> f64 {
    let own = scores.get(label).copied().unwrap_or_default();
    let total: f32 = scores.iter().map(|score| ((score - own) * sharpness).min(80.0).exp()).sum();
    f64::from(total.ln())
}

fn newton_step(
    witnesses: &[Witness],
    logits: &[f64],
    current: f64,
    fact: impl Fn(&Evidence) -> f64,
) -> f64 {
    let (mut slope, mut curve) = (RIDGE * current, RIDGE);
    for (witness, logit) in witnesses.iter().zip(logits) {
        let probability = 1.0 / (1.0 + (-logit).exp());
        let fact = fact(&witness.evidence);
        let miss = probability - f64::from(u8::from(witness.holds));
        slope += witness.weight * miss * fact;
        curve += witness.weight * probability * (1.0 - probability) * fact * fact;
    }
    (-slope / curve).clamp(-2.0, 2.0)
}

fn shift(logits: &mut [f64], witnesses: &[Witness], step: f64, fact: impl Fn(&Evidence) -> f64) {
    for (logit, witness) in logits.iter_mut().zip(witnesses) {
        *logit += step * fact(&witness.evidence);
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
fn narrow(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right as often as a number below 100 is below the percentage.
    fn witnesses() -> Vec<Witness> {
        let witness = |number: u16| {
            let score = f32::from(number % 10) / 10.0;
            let holds = u32::from(number * 37 % 100) < u32::from(number % 10) * 10;
            Witness { evidence: [score, 0.0, score, -score, 0.5], holds, weight: 1.0 }
        };
        (0..1000).map(witness).collect()
    }

    #[test]
    fn more_evidence_never_lowers_a_probability() {
        let fitted = Logistic::fit(&witnesses());
        for coordinate in 0..5 {
            let mut last = 0.0;
            for step in 0..20_u8 {
                let mut evidence = [0.2; 5];
                evidence[coordinate] = f32::from(step) / 10.0;
                let next = fitted.probability(&evidence);
                assert!(next >= last, "{fitted:?}");
                last = next;
            }
        }
    }

    #[test]
    fn the_fitted_mean_is_the_share_that_holds() {
        let witnesses = witnesses();
        let fitted = Logistic::fit(&witnesses);
        let sum: f32 = witnesses.iter().map(|w| fitted.probability(&w.evidence)).sum();
        let held = witnesses.iter().filter(|witness| witness.holds).count();
        assert!((sum - super::super::ratio(held)).abs() < 5.0, "{sum} is not {held}");
    }

    #[test]
    fn one_sided_witnesses_stay_finite() {
        for holds in [true, false] {
            let all = [Witness { evidence: [1.0; 5], holds, weight: 1.0 }; 4];
            let probability = Logistic::fit(&all).probability(&[1.0; 5]);
            assert!((probability > 0.5) == holds && probability.is_finite());
        }
        assert!(Logistic::fit(&[]).probability(&[0.0; 5]).is_finite());
    }

    #[test]
    fn sharp_scores_need_no_sharpening() {
        let right: Vec<(&[f32], usize)> = vec![(&[1.0, -1.0], 0), (&[-1.0, 1.0], 1)];
        let half: Vec<(&[f32], usize)> = vec![(&[1.0, -1.0], 0), (&[1.0, -1.0], 1)];
        assert!(fit_sharpness(&right) > 30.0);
        assert!(fit_sharpness(&half) < 0.6);
    }

    #[test]
    fn the_best_two_are_found_and_share_one() {
        let judged = judge(&[0.0, 0.5, 1.0], 1.0, 1.0);
        assert_eq!((judged.top, judged.second), (2, 1));
        let total = 1.0_f32.exp() + 0.5_f32.exp() + 1.0;
        assert!((judged.shares.0 - 1.0_f32.exp() / total).abs() < 1e-6);
        assert!((judged.shares.1 - 0.5_f32.exp() / total).abs() < 1e-6);
    }
}
