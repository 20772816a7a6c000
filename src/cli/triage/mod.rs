//! `atende triage`: JSON Lines in, JSON Lines out, in input order, as they come; nothing is stored.

mod asked;
mod input;
mod output;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, Sender};

use super::lines::{BadLine, read_line};
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::app::{INDEX_FOLDER, ladder, load_pipeline, make_ready};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::pipeline::{Allowance, Ladder, Outcome, Pipeline, TurnInput};
use crate::policy::Pack;
use crate::ports::Clock as _;
use crate::ports::chat::ModelCall;
use asked::Asked;

/// Decide messages of a file, one JSON object a line, without storing anything
///
/// Each line is one turn: {"id", "channel", "text"} and, optionally, "subject", "from", "customer",
/// "history". Prints one JSON object a line, in the same order. A line that cannot be read yields
/// {"error": {"line", "field", "message"}}; the others are still processed, and the command ends with 1.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to read; "-" or nothing reads standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Policy pack or policy file to decide by (default: that of the settings)
    #[arg(long, value_name = "PACK")]
    policy: Option<String>,
    /// Print the JSON Schema of an output line and stop
    #[arg(long)]
    schema: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    if args.schema {
        cx.out.write_all(include_bytes!("schema.json"))?;
        return Ok(ExitCode::Ok);
    }
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let mut config = loaded.config;
    if let Some(policy) = &args.policy {
        if Pack::shipped().contains(&policy.as_str()) {
            config.policy.pack.clone_from(policy);
            config.policy.file = None;
        } else {
            config.policy.file = Some(cx.current_dir.join(policy));
        }
    }
    // A data folder keeps the index, which takes long to make where meaning is searched; none is created for it.
    let root = cx.data.is_dir().then(|| cx.data.join(INDEX_FOLDER));
    let pipeline = load_pipeline(&config, &TenantId::main(), cx.lang, root.as_deref())?;
    make_ready(&pipeline, cx.model_cache().as_ref());
    let runtime = cx.runtime()?;
    let ladder = {
        let _inside = runtime.enter();
        ladder(&config)?
    };
    let engines = Engines { pipeline: &pipeline, ladder: ladder.as_ref(), runtime: &runtime };
    let now = SystemClock::default().now();
    let lang = cx.lang;
    let counts = match args.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let path = cx.current_dir.join(file);
            let file = std::fs::File::open(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            triage(&engines, lang, now, &mut BufReader::new(file), cx.out)?
        }
        None => triage(&engines, lang, now, cx.stdin, cx.out)?,
    };
    report(cx, &counts)?;
    Ok(if counts.bad > 0 { ExitCode::Problems } else { ExitCode::Ok })
}

/// What decides a line.
struct Engines<'e> {
    pipeline: &'e Pipeline,
    ladder: Option<&'e Ladder>,
    runtime: &'e Runtime,
}

impl Engines<'_> {
    /// Decides a turn, with models where there are any. A budget holds for what a worker does.
    async fn decide(&self, turn: &TurnInput) -> Outcome {
        match self.ladder {
            Some(ladder) => Box::pin(self.pipeline.run_with(turn, ladder, &Allowance::ALL)).await,
            None => self.pipeline.run(turn),
        }
    }

    /// Lines that may be decided at the same time: those that wait for a model.
    fn at_once(&self) -> usize {
        let most = self.ladder.map_or(1, |ladder| ladder.in_flight.max(1));
        usize::try_from(most).unwrap_or(usize::MAX)
    }
}

/// What happened to the lines.
#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    bad: u64,
    unknown: BTreeMap<String, u64>,
    asked: Asked,
}

fn report(cx: &mut CliCx<'_>, counts: &Counts) -> std::io::Result<()> {
    for (field, times) in &counts.unknown {
        let label = cx.say("campo desconhecido, ignorado", "unknown field passed over");
        writeln!(cx.err, "{label}: {field} ({times}x)")?;
    }
    for line in counts.asked.told(cx.lang) {
        writeln!(cx.err, "{line}")?;
    }
    if counts.bad > 0 {
        let (of, label) =
            (cx.say("de", "of"), cx.say("linhas não puderam ser lidas", "lines could not be read"));
        writeln!(cx.err, "{} {of} {} {label}", counts.bad, counts.lines)?;
    }
    Ok(())
}

/// A line of the input.
struct Line {
    number: u64,
    /// `None` for one that is too long.
    bytes: Option<Vec<u8>>,
}

/// Reads lines until there are no more, or nobody wants them; blank ones are passed over.
fn read_lines(input: &mut dyn BufRead, lines: &Sender<std::io::Result<Line>>) {
    let mut number = 0;
    loop {
        let mut bytes = Vec::new();
        let line = match read_line(input, &mut bytes) {
            Ok(None) => return,
            Ok(Some(whole)) => {
                number += 1;
                if bytes.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                Ok(Line { number, bytes: whole.then_some(bytes) })
            }
            Err(error) => Err(error),
        };
        let failed = line.is_err();
        if lines.blocking_send(line).is_err() || failed {
            return;
        }
    }
}

/// Decides line after line: each is answered as soon as it is decided and those before it are answered. Lines that wait
/// for a model do so together.
fn triage(
    engines: &Engines<'_>,
    lang: Locale,
    now: DateTime<Utc>,
    input: &mut (dyn BufRead + Send),
    out: &mut dyn std::io::Write,
) -> anyhow::Result<Counts> {
    let at_once = engines.at_once();
    let (sender, mut receiver) = mpsc::channel(at_once);
    std::thread::scope(|scope| {
        scope.spawn(move || read_lines(input, &sender));
        engines.runtime.block_on(async move {
            let mut counts = Counts::default();
            let mut asked = Asked::default();
            let lines = futures::stream::poll_fn(|cx| receiver.poll_recv(cx));
            {
                let pack = engines.pipeline.pack();
                let decided = lines
                    .map_ok(|line| answered(engines, lang, read(&line, pack, now, &mut counts)))
                    .try_buffered(at_once);
                let mut decided = pin!(decided);
                while let Some((answer, calls)) = decided.try_next().await? {
                    asked.add(&calls);
                    serde_json::to_writer(&mut *out, &answer)?;
                    out.write_all(b"\n")?;
                    out.flush()?;
                }
            }
            Ok(Counts { asked, ..counts })
        })
    })
}

/// Reads a turn out of a line, or the answer to one that has none.
fn read(
    line: &Line,
    pack: &Pack,
    now: DateTime<Utc>,
    counts: &mut Counts,
) -> Result<(Value, TurnInput), Value> {
    counts.lines += 1;
    let read = match &line.bytes {
        Some(bytes) => input::read(bytes, pack, now, &mut counts.unknown),
        None => Err(BadLine::too_long()),
    };
    read.map_err(|bad| {
        counts.bad += 1;
        bad.answer(line.number)
    })
}

async fn answered(
    engines: &Engines<'_>,
    lang: Locale,
    read: Result<(Value, TurnInput), Value>,
) -> std::io::Result<(Value, Vec<ModelCall>)> {
    match read {
        Ok((id, turn)) => {
            let started = Instant::now();
            let outcome = engines.decide(&turn).await;
            let answer = output::answer(&id, &outcome, lang, started.elapsed());
            Ok((answer, outcome.calls))
        }
        Err(answer) => Ok((answer, Vec::new())),
    }
}
