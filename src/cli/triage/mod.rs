//! `atende triage`: JSON Lines in, JSON Lines out, in input order, as they come; nothing is stored.

mod input;
mod output;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::lines::{BadLine, read_line};
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::app::{INDEX_FOLDER, ladder, load_pipeline, make_ready};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::pipeline::{Allowance, Ladder, Outcome, Pipeline, TurnInput};
use crate::policy::Pack;
use crate::ports::Clock as _;

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
    let decide = |turn: &TurnInput| decided(&pipeline, ladder.as_ref(), &runtime, turn);
    let now = SystemClock::default().now();
    let lang = cx.lang;
    let counts = match args.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let path = cx.current_dir.join(file);
            let file = std::fs::File::open(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            triage(&pipeline, &decide, lang, now, &mut BufReader::new(file), cx.out)?
        }
        None => triage(&pipeline, &decide, lang, now, cx.stdin, cx.out)?,
    };
    report(cx, &counts)?;
    Ok(if counts.bad > 0 { ExitCode::Problems } else { ExitCode::Ok })
}

/// Decides a turn, with models where there are any. A budget holds for what a worker does.
fn decided(
    pipeline: &Pipeline,
    ladder: Option<&Ladder>,
    runtime: &tokio::runtime::Runtime,
    turn: &TurnInput,
) -> Outcome {
    match ladder {
        Some(ladder) => runtime.block_on(Box::pin(pipeline.run_with(turn, ladder, Allowance::ALL))),
        None => pipeline.run(turn),
    }
}

/// What happened to the lines.
#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    bad: u64,
    unknown: BTreeMap<String, u64>,
}

fn report(cx: &mut CliCx<'_>, counts: &Counts) -> std::io::Result<()> {
    for (field, times) in &counts.unknown {
        let label = cx.say("campo desconhecido, ignorado", "unknown field passed over");
        writeln!(cx.err, "{label}: {field} ({times}x)")?;
    }
    if counts.bad > 0 {
        let (of, label) =
            (cx.say("de", "of"), cx.say("linhas não puderam ser lidas", "lines could not be read"));
        writeln!(cx.err, "{} {of} {} {label}", counts.bad, counts.lines)?;
    }
    Ok(())
}

/// Decides line after line. A line is answered before the next one is read.
fn triage(
    pipeline: &Pipeline,
    decide: &dyn Fn(&TurnInput) -> Outcome,
    lang: Locale,
    now: DateTime<Utc>,
    input: &mut dyn BufRead,
    out: &mut dyn std::io::Write,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    let mut number = 0;
    while let Some(whole) = read_line(input, &mut line)? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        counts.lines += 1;
        let read = if whole {
            input::read(&line, pipeline.pack(), now, &mut counts.unknown)
        } else {
            Err(BadLine::too_long())
        };
        let answer = match read {
            Ok((id, turn)) => {
                let started = Instant::now();
                let outcome = decide(&turn);
                output::answer(&id, &outcome, lang, started.elapsed())
            }
            Err(bad) => {
                counts.bad += 1;
                bad.answer(number)
            }
        };
        serde_json::to_writer(&mut *out, &answer)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(counts)
}
