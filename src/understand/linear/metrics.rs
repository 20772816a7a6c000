//! How good a classifier is: of its labels, of its probabilities, and of telling strange texts.
//!
//! Every function is 0 on nothing and never divides by 0. Ties in confidence are taken in the order
//! given, as the golden figures do.

use std::collections::BTreeMap;

/// Share of in-scope texts that a threshold must keep when strange texts are counted.
const KEPT: f64 = 0.95;

/// The expected and the predicted label of one text.
pub type Pair = (usize, usize);

/// How one label fared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LabelScore {
    /// Texts of the label.
    pub support: usize,
    /// Share of the predictions of the label that are right.
    pub precision: f64,
    /// Share of the texts of the label that were found.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// Returns the share of texts whose label is right.
pub fn accuracy(pairs: &[Pair]) -> f64 {
    share(pairs.iter().filter(|(expected, predicted)| expected == predicted).count(), pairs.len())
}

/// Returns the score of each label from 0 to `labels`.
pub fn per_label(pairs: &[Pair], labels: usize) -> Vec<LabelScore> {
    let score = |label| {
        let support = pairs.iter().filter(|(expected, _)| *expected == label).count();
        let predicted = pairs.iter().filter(|(_, predicted)| *predicted == label).count();
        let right = pairs.iter().filter(|pair| **pair == (label, label)).count();
        LabelScore {
            support,
            precision: share(right, predicted),
            recall: share(right, support),
            f1: share(2 * right, support + predicted),
        }
    };
    (0..labels).map(score).collect()
}

/// Returns the mean F1 of the labels that occur as expected or predicted.
pub fn macro_f1(pairs: &[Pair], labels: usize) -> f64 {
    let occurs = |label: usize| pairs.iter().any(|(a, b)| *a == label || *b == label);
    let scores = per_label(pairs, labels);
    let scores: Vec<f64> = scores
        .iter()
        .enumerate()
        .filter(|(label, _)| occurs(*label))
        .map(|(_, score)| score.f1)
        .collect();
    scores.iter().sum::<f64>() / float(scores.len().max(1))
}

/// Returns which labels were taken for which and how often, most often first.
pub fn worst_confusions(pairs: &[Pair], most: usize) -> Vec<(Pair, usize)> {
    let mut counts = BTreeMap::new();
    for pair in pairs.iter().filter(|(expected, predicted)| expected != predicted) {
        *counts.entry(*pair).or_insert(0) += 1;
    }
    let mut counts: Vec<(Pair, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(most);
    counts
}

/// Returns the expected calibration error of (confidence, right) in bins of equal width, each closed
/// on its right.
pub fn calibration_error(answers: &[(f64, bool)], bins: usize) -> f64 {
    let bin_of = |confidence: f64| {
        let upper = |bin: &usize| float(*bin + 1) / float(bins);
        (0..bins).find(|bin| confidence <= upper(bin)).unwrap_or(bins.saturating_sub(1))
    };
    let mut gaps = vec![0.0; bins];
    for (confidence, right) in answers {
        if let Some(gap) = gaps.get_mut(bin_of(*confidence)) {
            *gap += confidence - f64::from(u8::from(*right));
        }
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / float(answers.len().max(1))
}

/// Returns the area under the risk-coverage curve: the mean, over every share of texts kept, of the
/// errors among those with the highest confidence. Lower is better.
pub fn risk_coverage_area(answers: &[(f64, bool)]) -> f64 {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut errors = 0;
    let mut sum = 0.0;
    for (index, (_, right)) in sorted.iter().enumerate() {
        errors += usize::from(!right);
        sum += share(errors, index + 1);
    }
    sum / float(sorted.len().max(1))
}

/// Returns how likely a positive scores above a negative, half where they tie.
pub fn ranking_area(positives: &[f64], negatives: &[f64]) -> f64 {
    let mut sorted = negatives.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above = |score: &f64| {
        let below = sorted.partition_point(|other| other < score);
        let up_to = sorted.partition_point(|other| other <= score);
        float(below + up_to) / 2.0
    };
    let wins: f64 = positives.iter().map(above).sum();
    wins / float((positives.len() * negatives.len()).max(1))
}

/// Returns the share of strange texts that are found when 95 of 100 in-scope texts are kept; scores
/// are higher the more familiar a text is.
pub fn strange_recall(in_scope: &[f64], strange: &[f64]) -> f64 {
    let mut sorted = in_scope.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let kept = (1..=sorted.len()).find(|count| share(*count, sorted.len()) >= KEPT).unwrap_or(0);
    let Some(threshold) = kept.checked_sub(1).and_then(|index| sorted.get(index)) else {
        return 0.0;
    };
    share(strange.iter().filter(|score| *score < threshold).count(), strange.len())
}

fn share(part: usize, whole: usize) -> f64 {
    float(part) / float(whole.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 answers of `shared/golden/metrics.json`.
    const GOLDEN: [(f64, bool); 10] = [
        (0.95, true),
        (0.9, true),
        (0.9, false),
        (0.85, true),
        (0.8, true),
        (0.75, true),
        (0.7, false),
        (0.6, true),
        (0.55, false),
        (0.4, false),
    ];

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn golden_figures_are_met() {
        near(calibration_error(&GOLDEN, 10), 0.24);
        near(risk_coverage_area(&GOLDEN), 0.221_904_761_904_761_9);
        let (right, wrong): (Vec<_>, Vec<_>) = GOLDEN.iter().partition(|(_, right)| *right);
        let scores = |side: Vec<(f64, bool)>| side.iter().map(|(c, _)| *c).collect::<Vec<_>>();
        near(ranking_area(&scores(right), &scores(wrong)), 0.770_833_333_333_333_3);
    }

    #[test]
    fn hand_worked_labels() {
        // Label 0: 2 of 3 found, 2 of 2 predictions right. Label 1: 1 of 1, 1 of 2. Label 2: never.
        let pairs = [(0, 0), (0, 0), (0, 1), (1, 1)];
        near(accuracy(&pairs), 0.75);
        let scores = per_label(&pairs, 3);
        assert_eq!(
            scores[0],
            LabelScore { support: 3, precision: 1.0, recall: 2.0 / 3.0, f1: 0.8 }
        );
        assert_eq!(
            scores[1],
            LabelScore { support: 1, precision: 0.5, recall: 1.0, f1: 2.0 / 3.0 }
        );
        assert_eq!(scores[2], LabelScore::default());
        near(macro_f1(&pairs, 3), f64::midpoint(0.8, 2.0 / 3.0));
    }

    #[test]
    fn the_worst_confusion_comes_first() {
        let pairs = [(0, 1), (1, 0), (1, 0), (1, 1), (2, 0)];
        assert_eq!(worst_confusions(&pairs, 2), [((1, 0), 2), ((0, 1), 1)]);
    }

    #[test]
    fn hand_worked_probabilities() {
        for (answers, expected) in [
            (vec![], 0.0),
            (vec![(1.0, true), (0.0, false)], 0.0),
            (vec![(1.0, false)], 1.0),
            // Two in one bin: |0.82 + 0.84 - 1| / 2.
            (vec![(0.82, true), (0.84, false)], 0.33),
            // 0.2 closes the third of 15 bins, so both stay apart: (0.2 + 0.79) / 2.
            (vec![(0.2, false), (0.21, true)], 0.495),
        ] {
            near(calibration_error(&answers, 15), expected);
        }
        for (answers, expected) in [
            (vec![], 0.0),
            (vec![(0.9, true), (0.1, false)], 0.25),
            (vec![(0.1, true), (0.9, false)], 0.75),
        ] {
            near(risk_coverage_area(&answers), expected);
        }
    }

    #[test]
    fn hand_worked_strangers() {
        near(ranking_area(&[0.9, 0.5], &[0.5, 0.1]), 0.875);
        near(ranking_area(&[], &[0.5]), 0.0);
        let in_scope: Vec<f64> = (1..=20).map(f64::from).collect();
        // 19 of 20 are kept at 2, so what is below 2 is found.
        near(strange_recall(&in_scope, &[0.0, 1.5, 2.0, 3.0]), 0.5);
        near(strange_recall(&[], &[0.0]), 0.0);
    }
}
