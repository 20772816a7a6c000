//! One-vs-rest squared-hinge weights by dual coordinate descent (Hsieh et al. 2008), for a block of
//! labels at once. Labels do not touch each other, so blocks can run on threads of their own.

use std::ops::Range;

use super::features::Encoded;

/// The constant feature beside those of the text.
const BIAS: f32 = 1.0;

/// The examples and what they cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    pub(super) texts: &'a [Encoded],
    pub(super) labels: &'a [usize],
    pub(super) features: usize,
    pub(super) cost: f32,
    /// Weight of each label.
    pub(super) weights: &'a [f32],
    pub(super) seed: u64,
}

/// Weights of a block of labels, and the duals they are the sum of.
#[derive(Debug)]
pub(super) struct Solver<'a> {
    problem: Problem<'a>,
    block: Range<usize>,
    /// One row per feature, one cell per label of the block; the last row is the bias.
    weights: Vec<f32>,
    /// One row per example.
    duals: Vec<f32>,
    squares: Vec<f32>,
    random: u64,
    scores: Vec<f32>,
    steps: Vec<f32>,
}

impl<'a> Solver<'a> {
    /// Starts from nothing.
    pub(super) fn new(problem: Problem<'a>, block: Range<usize>) -> Self {
        let width = block.len();
        let square = |text: &Encoded| {
            text.features.iter().map(|(_, value)| value * value).sum::<f32>() + BIAS * BIAS
        };
        Self {
            problem,
            weights: vec![0.0; (problem.features + 1) * width],
            duals: vec![0.0; problem.texts.len() * width],
            squares: problem.texts.iter().map(square).collect(),
            random: problem.seed,
            scores: vec![0.0; width],
            steps: vec![0.0; width],
            block,
        }
    }

    /// One row per feature, then one for the bias.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Passes over all examples but those held out, which are forgotten.
    pub(super) fn pass(&mut self, passes: usize, held_out: impl Fn(usize) -> bool) {
        let mut order = Vec::with_capacity(self.problem.texts.len());
        for index in 0..self.problem.texts.len() {
            if held_out(index) {
                self.forget(index);
            } else {
                order.push(index);
            }
        }
        for _ in 0..passes {
            shuffle(&mut order, &mut self.random);
            for index in &order {
                self.visit(*index);
            }
        }
    }

    /// Writes the score of each label of the block.
    pub(super) fn score(&self, text: &Encoded, scores: &mut [f32]) {
        scores.fill(0.0);
        each_row(self.problem.features, text, |feature, value| {
            if let Some(row) = row_of(&self.weights, feature, scores.len()) {
                for (score, weight) in scores.iter_mut().zip(row) {
                    *score += value * weight;
                }
            }
        });
    }

    fn visit(&mut self, index: usize) {
        let (Some(text), Some(label)) =
            (self.problem.texts.get(index), self.problem.labels.get(index).copied())
        else {
            return;
        };
        let mut scores = std::mem::take(&mut self.scores);
        self.score(text, &mut scores);
        let square = self.squares.get(index).copied().unwrap_or(1.0);
        let width = self.block.len();
        let Some(duals) = self.duals.get_mut(index * width..(index + 1) * width) else { return };
        let mut moved = 0;
        let columns = duals.iter_mut().zip(&scores).zip(&mut self.steps);
        for (column, ((dual, score), step)) in self.block.clone().zip(columns) {
            let own = column == label;
            let weight = if own { self.problem.weights.get(label).copied() } else { None };
            let ridge = 0.5 / (self.problem.cost * weight.unwrap_or(1.0));
            let sign = if own { 1.0 } else { -1.0 };
            let slope = sign * score - 1.0 + *dual * ridge;
            let next = (*dual - slope / (square + ridge)).max(0.0);
            *step = (next - *dual) * sign;
            moved += usize::from(next.to_bits() != dual.to_bits());
            *dual = next;
        }
        self.scores = scores;
        self.apply(text, moved);
    }

    fn forget(&mut self, index: usize) {
        let width = self.block.len();
        let (Some(text), Some(duals)) =
            (self.problem.texts.get(index), self.duals.get_mut(index * width..(index + 1) * width))
        else {
            return;
        };
        let label = self.problem.labels.get(index).copied();
        let mut moved = 0;
        for (column, (dual, step)) in self.block.clone().zip(duals.iter_mut().zip(&mut self.steps))
        {
            *step = if Some(column) == label { -*dual } else { *dual };
            moved += usize::from(*dual > 0.0);
            *dual = 0.0;
        }
        self.apply(text, moved);
    }

    /// Adds the steps, of which `moved` are not 0, to the weights of a text's features.
    fn apply(&mut self, text: &Encoded, moved: usize) {
        let width = self.block.len();
        if moved == 0 {
            return;
        }
        let few = moved * 6 < width;
        let steps = &self.steps;
        let sparse: Vec<(usize, f32)> = if few {
            steps.iter().copied().enumerate().filter(|(_, step)| *step != 0.0).collect()
        } else {
            Vec::new()
        };
        let weights = &mut self.weights;
        each_row(self.problem.features, text, |feature, value| {
            let Some(row) = weights.get_mut(feature * width..(feature + 1) * width) else { return };
            if few {
                for (column, step) in &sparse {
                    if let Some(weight) = row.get_mut(*column) {
                        *weight += value * step;
                    }
                }
            } else {
                for (weight, step) in row.iter_mut().zip(steps) {
                    *weight += value * step;
                }
            }
        });
    }
}

/// Returns one row of a table.
pub(super) fn row_of(cells: &[f32], row: usize, width: usize) -> Option<&[f32]> {
    cells.get(row * width..(row + 1) * width)
}

fn each_row(features: usize, text: &Encoded, mut visit: impl FnMut(usize, f32)) {
    for (feature, value) in &text.features {
        visit(*feature as usize, *value);
    }
    visit(features, BIAS);
}

/// Puts indices in a random order.
fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let other = usize::try_from(*random >> 33).unwrap_or_default() % (last + 1);
        order.swap(last, other);
    }
}
