//! Joins several rankings into one: a weighted sum of standardised scores.
//!
//! Scores of different rankers cannot be added as they are, and their ranks forget how far apart two passages
//! stand. Standardised over a query's candidates they can be added.

/// The rankers, in the order of every list of scores or weights.
pub const RANKERS: [&str; 4] = ["body", "subject", "cover", "meaning"];

/// One number per ranker.
pub type PerRanker = [f64; RANKERS.len()];

/// What the rankers count where there is too little to learn from.
pub const DEFAULT_WEIGHTS: PerRanker = [0.8, 0.1, 0.1, 0.0];

/// The same where dense vectors give the meaning.
pub const MEANING_WEIGHTS: PerRanker = [0.5, 0.1, 0.1, 0.3];

/// The place of the meaning among the rankers.
pub const MEANING_RANKER: usize = 3;

/// Returns the weighted sum of each candidate's standardised scores: (score - mean) / standard deviation over
/// the candidates. A ranker that gives all the same tells nothing and adds nothing.
pub fn fuse(candidates: &[PerRanker], weights: &PerRanker) -> Vec<f64> {
    let mut fused = vec![0.0; candidates.len()];
    let standards = standards(candidates);
    for (sum, scores) in fused.iter_mut().zip(candidates) {
        for ((score, weight), (mean, deviation)) in scores.iter().zip(weights).zip(&standards) {
            if *deviation > 0.0 {
                *sum += weight * (score - mean) / deviation;
            }
        }
    }
    fused
}

/// Mean and standard deviation per ranker.
fn standards(candidates: &[PerRanker]) -> [(f64, f64); RANKERS.len()] {
    let count = f64::from(u32::try_from(candidates.len()).unwrap_or(u32::MAX)).max(1.0);
    std::array::from_fn(|ranker| {
        let scores = || candidates.iter().filter_map(|scores| scores.get(ranker));
        let mean = scores().sum::<f64>() / count;
        let variance = scores().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
        // Rounding leaves a trace of variance where all scores are equal.
        (mean, if variance > 1e-12 { variance.sqrt() } else { 0.0 })
    })
}

/// Turns a fused score into one between 0 and 1 that keeps the order.
pub fn squash(fused: f64) -> f64 {
    1.0 / (1.0 + (-fused).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_scores_are_summed_by_weight() {
        // body 1, 2, 3: mean 2, deviation sqrt(2/3) = 0.8165; subject 0, 0, 6: mean 2, deviation sqrt(8) = 2.8284.
        let candidates = [[1.0, 0.0, 5.0, 0.0], [2.0, 0.0, 5.0, 0.0], [3.0, 6.0, 5.0, 0.0]];
        for (weights, expected) in [
            ([1.0, 0.0, 0.0, 0.0], [-1.2247, 0.0, 1.2247]),
            ([0.0, 3.0, 0.0, 0.0], [-2.1213, -2.1213, 4.2426]),
            ([0.5, 0.5, 0.0, 0.0], [-0.9659, -0.3536, 1.3195]),
            ([0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0]),
        ] {
            for (got, expected) in fuse(&candidates, &weights).iter().zip(expected) {
                assert!((got - expected).abs() < 1e-4, "{weights:?}: {got} {expected}");
            }
        }
        assert!(fuse(&[], &DEFAULT_WEIGHTS).is_empty());
        assert_eq!(fuse(&[[3.0, 1.0, 0.0, 0.0]], &DEFAULT_WEIGHTS), [0.0]);
    }

    #[test]
    fn a_squashed_score_keeps_the_order() {
        assert!((squash(0.0) - 0.5).abs() < 1e-12);
        assert!(squash(1.0) > squash(0.5) && squash(-9.0) > 0.0 && squash(9.0) < 1.0);
    }
}
