//! `atende classifier`: trains the embedded linear classifier on any labelled texts, and measures it.

mod labelled;
mod measure;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Subcommand;

use super::{CliCx, ExitCode};
use crate::understand::linear::{Example, LinearModel, TrainSettings, train};
use measure::Report;

/// The embedded classifier
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Train(TrainArgs),
    Evaluate(EvaluateArgs),
}

/// Train a classifier on labelled texts and write it to a file
///
/// Texts are JSON Lines with "text" and "label", or CSV with these two columns. The same texts give the
/// same model.
#[derive(Debug, clap::Args)]
pub(super) struct TrainArgs {
    /// Labelled texts to learn from
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Texts of no label, to tell strange texts better; their labels do not count
    #[arg(long, value_name = "FILE")]
    out_of_scope: Option<PathBuf>,
    /// Where to write the model
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Measure a classifier on labelled texts that it has not seen
///
/// Prints accuracy, macro-F1, the worst confusions, the calibration error (15 bins of equal width), the
/// area under the risk-coverage curve, training time and speed on one thread; with texts of no label also
/// how well these are told apart. Texts are JSON Lines with "text" and "label", or CSV with these columns.
#[derive(Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    /// Labelled texts to learn from
    #[arg(long, value_name = "FILE", conflicts_with = "model", required_unless_present = "model")]
    train: Option<PathBuf>,
    /// A model that "classifier train" wrote
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Labelled texts to measure on
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// Texts of no label that should be found strange
    #[arg(long, value_name = "FILE")]
    out_of_scope: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Train(args) => train_to_file(cx, args),
        Command::Evaluate(args) => evaluate(cx, args),
    }
}

fn train_to_file(cx: &mut CliCx<'_>, args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let Some(examples) = read(cx, &args.train)? else { return Ok(ExitCode::Problems) };
    let mut settings = settings();
    if let Some(path) = &args.out_of_scope {
        let Some(strange) = read(cx, path)? else { return Ok(ExitCode::Problems) };
        settings.out_of_scope = strange.into_iter().map(|example| example.text).collect();
    }
    let started = Instant::now();
    let model = learn(&args.train, &examples, &settings)?;
    let seconds = started.elapsed().as_secs_f64();
    let path = cx.current_dir.join(&args.out);
    std::fs::write(&path, serde_json::to_vec(&model)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let (count, labels) = (examples.len(), model.labels().len());
    let line = match cx.lang {
        crate::domain::labels::Locale::PtBr => {
            format!(
                "{count} textos, {labels} rótulos, treinado em {seconds:.2} s: {}",
                path.display()
            )
        }
        crate::domain::labels::Locale::En => {
            format!("{count} texts, {labels} labels, trained in {seconds:.2} s: {}", path.display())
        }
    };
    writeln!(cx.out, "{line}")?;
    Ok(ExitCode::Ok)
}

fn evaluate(cx: &mut CliCx<'_>, args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let (model, train_seconds) = match (&args.model, &args.train) {
        (Some(path), _) => (load(&cx.current_dir.join(path))?, None),
        (None, Some(path)) => {
            let Some(examples) = read(cx, path)? else { return Ok(ExitCode::Problems) };
            let started = Instant::now();
            let model = learn(path, &examples, &settings())?;
            (model, Some(started.elapsed().as_secs_f64()))
        }
        (None, None) => {
            anyhow::bail!("name the texts to learn from (--train) or a model (--model)")
        }
    };
    let Some(tests) = read(cx, &args.test)? else { return Ok(ExitCode::Problems) };
    let strange = match &args.out_of_scope {
        Some(path) => {
            let Some(strange) = read(cx, path)? else { return Ok(ExitCode::Problems) };
            Some(strange)
        }
        None => None,
    };
    let report = Report::of(&model, &tests, strange.as_deref(), train_seconds);
    if args.json {
        serde_json::to_writer(&mut *cx.out, &report)?;
        writeln!(cx.out)?;
    } else {
        report.write(cx.out, cx.lang)?;
    }
    Ok(ExitCode::Ok)
}

fn settings() -> TrainSettings {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    TrainSettings { threads, ..TrainSettings::default() }
}

fn learn(
    path: &Path,
    examples: &[Example],
    settings: &TrainSettings,
) -> anyhow::Result<LinearModel> {
    train(examples, settings).with_context(|| format!("cannot learn from {}", path.display()))
}

fn load(path: &Path) -> anyhow::Result<LinearModel> {
    let stored = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&stored).with_context(|| {
        format!(
            "{} is no model of this version; make one with \"atende classifier train\"",
            path.display()
        )
    })
}

/// Reads labelled texts; every bad line is told, and then there is nothing.
fn read(cx: &mut CliCx<'_>, path: &Path) -> anyhow::Result<Option<Vec<Example>>> {
    let path = cx.current_dir.join(path);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match labelled::parse(&bytes) {
        Ok(examples) => Ok(Some(examples)),
        Err(problems) => {
            for problem in &problems {
                writeln!(cx.err, "{}:{}", path.display(), problem.in_locale(cx.lang))?;
            }
            Ok(None)
        }
    }
}
