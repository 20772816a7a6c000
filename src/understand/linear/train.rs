//! Trains a classifier: full weights first, then the same weights without each fold and without each
//! group of labels, to learn how far scores can be trusted and what strange texts look like.

use std::collections::BTreeSet;
use std::ops::Range;

use super::calibration::{Logistic, Witness, fit_sharpness, judge};
use super::features::{Encoded, FeatureSpace, Known};
use super::model::{Calibration, Scratch};
use super::solver::{Problem, Solver, row_of};
use super::{Example, LinearModel, TrainError, TrainSettings, ratio};

/// Share of messages of no trained kind that confidence allows for.
const STRANGE_SHARE: f64 = 0.005;
/// Fewest labels of which one can be held out and others still be told apart.
const FEWEST_FOR_STRANGERS: usize = 3;

/// Trains a classifier.
pub fn train(examples: &[Example], settings: &TrainSettings) -> Result<LinearModel, TrainError> {
    let weighted = settings.label_weights.values();
    let positive =
        weighted.chain([&settings.cost]).all(|number| number.is_finite() && *number > 0.0);
    if !positive || settings.passes == 0 || settings.fold_passes == 0 || settings.folds < 2 {
        return Err(TrainError::BadSettings);
    }
    let names: Vec<String> = {
        let set: BTreeSet<&String> = examples.iter().map(|example| &example.label).collect();
        set.into_iter().cloned().collect()
    };
    if names.len() < 2 {
        return Err(TrainError::OneLabel);
    }
    let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
    let labels: Vec<usize> = examples
        .iter()
        .map(|example| names.binary_search(&example.label).unwrap_or_default())
        .collect();
    let (space, readings) = FeatureSpace::fit(&texts, &labels, names.len());
    if space.len() == 0 {
        return Err(TrainError::NoWords);
    }
    let weights: Vec<f32> =
        names.iter().map(|name| settings.label_weights.get(name).copied().unwrap_or(1.0)).collect();
    let encode = |known| readings.iter().map(|reading| space.encode(reading, known)).collect();
    let encoded: Vec<Encoded> = encode(Known::All);
    let problem = Problem {
        texts: &encoded,
        labels: &labels,
        features: space.len(),
        cost: settings.cost,
        weights: &weights,
        seed: settings.seed,
    };
    let trial = Trial {
        folds: folds_of(&labels, names.len(), settings.folds),
        fold_count: settings.folds,
        groups: if names.len() < FEWEST_FOR_STRANGERS {
            0
        } else {
            settings.folds.min(names.len())
        },
        unseen: encode(Known::WithoutText),
        strange: encode(Known::WithoutLabel),
    };
    let solved = solve(problem, &trial, names.len(), settings);
    let mut model = LinearModel::pack(names, &space, &solved.weights);
    calibrate(&mut model, &solved, &trial, problem, settings);
    Ok(model)
}

/// What is held out when, and how held-out texts look.
struct Trial {
    /// Fold of each example.
    folds: Vec<usize>,
    fold_count: usize,
    /// Groups of labels that are held out in turn.
    groups: usize,
    unseen: Vec<Encoded>,
    strange: Vec<Encoded>,
}

/// Weights, and the scores of every example by models that did not see it or its label.
#[derive(Default)]
struct Solved {
    /// One row per feature, then the bias.
    weights: Vec<f32>,
    /// One row per example.
    unseen: Vec<f32>,
    /// One row per example; nothing where no group was held out.
    strange: Vec<f32>,
}

/// Neighbouring examples of a label are often one author's, so a fold is a run of them; a random
/// fold would learn an author by heart and promise too much.
fn folds_of(labels: &[usize], label_count: usize, folds: usize) -> Vec<usize> {
    let mut totals = vec![0_usize; label_count];
    for label in labels {
        if let Some(total) = totals.get_mut(*label) {
            *total += 1;
        }
    }
    let mut seen = vec![0_usize; label_count];
    let fold_of = |label: &usize| match (seen.get_mut(*label), totals.get(*label)) {
        (Some(seen), Some(total)) => {
            // Labels start at different folds, so that small ones do not all miss the same fold.
            let fold = *seen * folds / total + *label;
            *seen += 1;
            fold % folds
        }
        _ => 0,
    };
    labels.iter().map(fold_of).collect()
}

/// Solves blocks of labels, each on a thread, and joins their columns.
fn solve(problem: Problem<'_>, trial: &Trial, labels: usize, settings: &TrainSettings) -> Solved {
    let threads = settings.threads.clamp(1, labels);
    let blocks: Vec<Range<usize>> = (0..threads)
        .map(|thread| thread * labels / threads..(thread + 1) * labels / threads)
        .collect();
    let solve_block = |block: &Range<usize>| solve_block(problem, trial, block.clone(), settings);
    let solved: Vec<Solved> = match blocks.as_slice() {
        [only] => vec![solve_block(only)],
        _ => std::thread::scope(|scope| {
            let workers: Vec<_> = blocks
                .iter()
                .map(|block| (block, scope.spawn(move || solve_block(block))))
                .collect();
            let join = |(block, worker): (&Range<usize>, std::thread::ScopedJoinHandle<'_, _>)| {
                worker.join().unwrap_or_else(|_| solve_block(block))
            };
            workers.into_iter().map(join).collect()
        }),
    };
    let columns = |part: fn(&Solved) -> &Vec<f32>, rows: usize| {
        let mut joined = Vec::with_capacity(rows * labels);
        for row in 0..rows {
            for (block, solved) in blocks.iter().zip(&solved) {
                joined
                    .extend_from_slice(row_of(part(solved), row, block.len()).unwrap_or_default());
            }
        }
        joined
    };
    let examples = problem.texts.len();
    Solved {
        weights: columns(|solved| &solved.weights, problem.features + 1),
        unseen: columns(|solved| &solved.unseen, examples),
        strange: columns(|solved| &solved.strange, examples),
    }
}

fn solve_block(
    problem: Problem<'_>,
    trial: &Trial,
    block: Range<usize>,
    settings: &TrainSettings,
) -> Solved {
    let width = block.len();
    let mut solver = Solver::new(problem, block);
    solver.pass(settings.passes, |_| false);
    let weights = solver.weights().to_vec();
    let examples = problem.texts.len();
    let mut unseen = vec![0.0; examples * width];
    let mut hold_out =
        |parts: usize, part_of: &dyn Fn(usize) -> usize, texts: &[Encoded], scores: &mut [f32]| {
            for part in 0..parts {
                solver.pass(settings.fold_passes, |index| part_of(index) == part);
                let held_out = texts.iter().zip(scores.chunks_exact_mut(width)).enumerate();
                for (_, (text, scores)) in held_out.filter(|(index, _)| part_of(*index) == part) {
                    solver.score(text, scores);
                }
            }
        };
    let fold = |index: usize| trial.folds.get(index).copied().unwrap_or_default();
    hold_out(trial.fold_count, &fold, &trial.unseen, &mut unseen);
    let mut strange = Vec::new();
    if trial.groups > 0 {
        strange.resize(examples * width, 0.0);
        let group =
            |index: usize| problem.labels.get(index).map_or(0, |label| label % trial.groups);
        hold_out(trial.groups, &group, &trial.strange, &mut strange);
    }
    Solved { weights, unseen, strange }
}

/// Fits probabilities and novelty, and leans towards the labels that weigh more.
fn calibrate(
    model: &mut LinearModel,
    solved: &Solved,
    trial: &Trial,
    problem: Problem<'_>,
    settings: &TrainSettings,
) {
    let width = problem.weights.len();
    let scored: Vec<(&[f32], usize)> =
        solved.unseen.chunks_exact(width).zip(problem.labels.iter().copied()).collect();
    let sharpness = fit_sharpness(&scored);
    let shifts: Vec<f32> = problem.weights.iter().map(|weight| weight.ln() / sharpness).collect();
    let mut familiar = Vec::new();
    let mut shifted = vec![0.0; width];
    for ((scores, label), text) in scored.iter().zip(&trial.unseen) {
        for ((to, score), shift) in shifted.iter_mut().zip(*scores).zip(&shifts) {
            *to = score + shift;
        }
        let judged = judge(&shifted, sharpness, text.coverage);
        familiar.push(Witness {
            evidence: judged.evidence,
            holds: judged.top == *label,
            weight: 1.0,
        });
    }
    let mut strange = Vec::new();
    let masked = solved.strange.chunks_exact(width).zip(&trial.strange).zip(problem.labels);
    for ((scores, text), label) in masked {
        for (column, ((to, score), shift)) in
            shifted.iter_mut().zip(scores).zip(&shifts).enumerate()
        {
            let held_out = column % trial.groups == label % trial.groups;
            *to = if held_out { f32::NEG_INFINITY } else { score + shift };
        }
        let judged = judge(&shifted, sharpness, text.coverage);
        strange.push(Witness { evidence: judged.evidence, holds: false, weight: 1.0 });
    }
    weigh(&mut strange, ratio(familiar.len()).into());
    let mut given = judge_given(model, &settings.out_of_scope, &shifts, sharpness);
    weigh(&mut given, ratio(familiar.len()).into());
    strange.append(&mut given);
    let right = fit_right(&familiar, &strange);
    let known = if strange.is_empty() {
        Logistic::BY_COVERAGE
    } else {
        weigh(&mut strange, ratio(familiar.len()).into());
        let of_a_kind = familiar.iter().map(|witness| Witness { holds: true, ..*witness });
        Logistic::fit(&of_a_kind.chain(strange).collect::<Vec<_>>())
    };
    model.calibrate(Calibration { sharpness, right, familiar: known }, &shifts);
}

fn fit_right(familiar: &[Witness], strange: &[Witness]) -> Logistic {
    let mut strange = strange.to_vec();
    weigh(&mut strange, f64::from(ratio(familiar.len())) * STRANGE_SHARE);
    Logistic::fit(&familiar.iter().copied().chain(strange).collect::<Vec<_>>())
}

/// Judges texts that are known to be of no label.
fn judge_given(
    model: &LinearModel,
    texts: &[String],
    shifts: &[f32],
    sharpness: f32,
) -> Vec<Witness> {
    let mut scratch = Scratch::default();
    let judge_one = |text: &String| {
        let coverage = model.score(text, &mut scratch);
        let scores = LinearModel::last_scores(&scratch).iter().zip(shifts);
        let shifted: Vec<f32> = scores.map(|(score, shift)| score + shift).collect();
        let evidence = judge(&shifted, sharpness, coverage).evidence;
        Witness { evidence, holds: false, weight: 1.0 }
    };
    texts.iter().map(judge_one).collect()
}

/// Scales the weights of witnesses to a total.
fn weigh(witnesses: &mut [Witness], total: f64) {
    let sum: f64 = witnesses.iter().map(|witness| witness.weight).sum();
    for witness in witnesses {
        witness.weight *= total / sum;
    }
}
