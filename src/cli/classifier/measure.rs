//! What is measured of a classifier, as numbers and as text.

use std::io::Write;
use std::time::Instant;

use serde::Serialize;

use crate::domain::labels::Locale;
use crate::understand::linear::metrics::{
    accuracy, calibration_error, macro_f1, ranking_area, risk_coverage_area, strange_recall,
    worst_confusions,
};
use crate::understand::linear::{Example, LinearModel, Scratch};

/// Bins of the calibration error, of equal width.
const BINS: usize = 15;
/// How many confusions are shown.
const CONFUSIONS: usize = 10;
/// How many texts are classified to measure the speed.
const SPEED_TEXTS: usize = 60_000;

/// The figures of one evaluation.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Texts measured on.
    texts: usize,
    /// Labels of the model.
    labels: usize,
    accuracy: f64,
    macro_f1: f64,
    /// Expected calibration error of the top label in 15 bins of equal width.
    ece: f64,
    /// Area under the risk-coverage curve; lower is better.
    aurc: f64,
    /// Seconds of training; `None` for a model from a file.
    train_s: Option<f64>,
    /// Texts a second on one thread.
    texts_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_scope: Option<OutOfScope>,
    confusions: Vec<Confusion>,
}

#[derive(Debug, Serialize)]
struct OutOfScope {
    texts: usize,
    /// How likely a text of no label looks stranger than one of a label.
    auroc: f64,
    /// Share of texts of no label that are found when 95 of 100 others are kept.
    recall_at_95: f64,
}

#[derive(Debug, Serialize)]
struct Confusion {
    expected: String,
    found: String,
    count: usize,
}

impl Report {
    /// Measures a model.
    pub(super) fn of(
        model: &LinearModel,
        tests: &[Example],
        strange: Option<&[Example]>,
        train_s: Option<f64>,
    ) -> Self {
        let labels = Labels::of(model, tests);
        let mut scratch = Scratch::default();
        let (mut pairs, mut answers, mut familiar) = (Vec::new(), Vec::new(), Vec::new());
        for test in tests {
            let found = model.classify_with(&test.text, &mut scratch);
            let expected = labels.place(&test.label);
            pairs.push((expected, found.index));
            answers.push((f64::from(found.probability), expected == found.index));
            familiar.push(1.0 - f64::from(found.novelty));
        }
        let confusions = worst_confusions(&pairs, CONFUSIONS)
            .into_iter()
            .map(|((expected, found), count)| Confusion {
                expected: labels.name(expected),
                found: labels.name(found),
                count,
            })
            .collect();
        Self {
            texts: tests.len(),
            labels: model.labels().len(),
            accuracy: accuracy(&pairs),
            macro_f1: macro_f1(&pairs, labels.0.len()),
            ece: calibration_error(&answers, BINS),
            aurc: risk_coverage_area(&answers),
            train_s,
            texts_per_s: speed(model, tests, &mut scratch),
            out_of_scope: strange.map(|strange| {
                let strange: Vec<f64> = strange
                    .iter()
                    .map(|one| {
                        1.0 - f64::from(model.classify_with(&one.text, &mut scratch).novelty)
                    })
                    .collect();
                OutOfScope {
                    texts: strange.len(),
                    auroc: ranking_area(&familiar, &strange),
                    recall_at_95: strange_recall(&familiar, &strange),
                }
            }),
            confusions,
        }
    }

    /// Writes the figures for people.
    pub(super) fn write(&self, out: &mut dyn Write, lang: Locale) -> std::io::Result<()> {
        let say = |pt: &'static str, en: &'static str| match lang {
            Locale::PtBr => pt,
            Locale::En => en,
        };
        let mut line = |name: &str, value: String| writeln!(out, "{name:<34}{value}");
        line(say("textos", "texts"), self.texts.to_string())?;
        line(say("rótulos", "labels"), self.labels.to_string())?;
        line(say("acurácia", "accuracy"), format!("{:.4}", self.accuracy))?;
        line("macro-F1", format!("{:.4}", self.macro_f1))?;
        line(
            say("erro de calibração (ECE, 15)", "calibration error (ECE, 15)"),
            format!("{:.4}", self.ece),
        )?;
        line(
            say("área risco-cobertura (AURC)", "risk-coverage area (AURC)"),
            format!("{:.4}", self.aurc),
        )?;
        if let Some(seconds) = self.train_s {
            line(say("treino, segundos", "training, seconds"), format!("{seconds:.2}"))?;
        }
        line(
            say("textos por segundo, uma thread", "texts a second, one thread"),
            format!("{:.0}", self.texts_per_s),
        )?;
        if let Some(strange) = &self.out_of_scope {
            line(say("fora do escopo: textos", "out of scope: texts"), strange.texts.to_string())?;
            line(
                say("fora do escopo: AUROC", "out of scope: AUROC"),
                format!("{:.4}", strange.auroc),
            )?;
            line(
                say("fora do escopo: revocação a 95 %", "out of scope: recall at 95 %"),
                format!("{:.4}", strange.recall_at_95),
            )?;
        }
        if !self.confusions.is_empty() {
            writeln!(
                out,
                "{}",
                say(
                    "\nConfusões mais frequentes (esperado > encontrado):",
                    "\nWorst confusions (expected > found):"
                )
            )?;
        }
        for one in &self.confusions {
            writeln!(out, "{:>5}  {} > {}", one.count, one.expected, one.found)?;
        }
        Ok(())
    }
}

/// The model's labels, then those that only the tests have; none of these is ever found.
struct Labels(Vec<String>);

impl Labels {
    fn of(model: &LinearModel, tests: &[Example]) -> Self {
        let known = model.labels();
        let mut unknown: Vec<&String> =
            tests.iter().map(|test| &test.label).filter(|label| !known.contains(label)).collect();
        unknown.sort();
        unknown.dedup();
        Self(known.iter().chain(unknown).cloned().collect())
    }

    fn place(&self, label: &str) -> usize {
        self.0.iter().position(|known| known == label).unwrap_or(usize::MAX)
    }

    fn name(&self, place: usize) -> String {
        self.0.get(place).cloned().unwrap_or_default()
    }
}

/// Returns texts a second on this thread.
fn speed(model: &LinearModel, tests: &[Example], scratch: &mut Scratch) -> f64 {
    let rounds = SPEED_TEXTS.div_ceil(tests.len().max(1));
    let started = Instant::now();
    let mut done: u32 = 0;
    for _ in 0..rounds {
        for test in tests {
            std::hint::black_box(model.classify_with(&test.text, scratch).probability);
            done = done.saturating_add(1);
        }
    }
    (f64::from(done) / started.elapsed().as_secs_f64().max(1e-9)).round()
}
