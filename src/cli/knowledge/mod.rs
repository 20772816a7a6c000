//! `atende knowledge`: index articles, search them, and check how they are written.

mod index;
mod lint;
mod search;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;

use super::{CliCx, ExitCode};
use crate::config::EmbeddingSettings;
use crate::domain::ids::TenantId;
use crate::knowledge::Source;
use crate::ports::Embedder;
use crate::text::Problem;

/// The pointer to what `index --dir` or `index --jsonl` was last asked to index.
const ASKED: &str = "asked";

/// Index, search and check articles
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Index(index::Args),
    Search(search::Args),
    Lint(lint::Args),
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Index(args) => index::run(cx, args),
        Command::Search(args) => search::run(cx, args),
        Command::Lint(args) => lint::run(cx, args),
    }
}

/// The folder of the index.
fn root(cx: &CliCx<'_>) -> PathBuf {
    cx.data.join(crate::app::INDEX_FOLDER)
}

/// What the settings say of articles.
struct Configured {
    source: Source,
    embeddings: EmbeddingSettings,
}

/// The articles that the settings name; `None` after telling what is wrong with the settings.
fn configured(cx: &mut CliCx<'_>) -> anyhow::Result<Option<Configured>> {
    let Some(loaded) = cx.settings()? else { return Ok(None) };
    if !super::usable(&loaded) {
        return Ok(None);
    }
    let folder =
        loaded.config.tenant(&TenantId::main()).and_then(|view| view.knowledge.dir.clone());
    let source = folder.map_or(Source::Samples, Source::Company);
    Ok(Some(Configured { source, embeddings: loaded.config.embeddings }))
}

/// The model that compares articles by meaning, where the settings name one; an error after telling why it cannot be
/// used.
fn embedder(
    cx: &mut CliCx<'_>,
    settings: &EmbeddingSettings,
) -> anyhow::Result<Result<Option<Arc<dyn Embedder>>, ExitCode>> {
    Ok(match crate::app::embedder(settings, cx.lang) {
        Ok(embedder) => Ok(embedder),
        Err(problem) => {
            writeln!(cx.err, "{problem}")?;
            Err(ExitCode::Problems)
        }
    })
}

/// Names a source for people.
fn name(cx: &CliCx<'_>, source: &Source) -> String {
    match source {
        Source::Samples => cx.say("os artigos de exemplo", "the sample articles").to_owned(),
        Source::Company(path) | Source::Tree(path) | Source::Lines(path) => {
            path.display().to_string()
        }
    }
}

/// Tells every problem on its own line.
fn tell(cx: &mut CliCx<'_>, problems: &[Problem]) -> std::io::Result<()> {
    for problem in problems {
        writeln!(cx.err, "{problem}")?;
    }
    let (pt, en) = match problems.len() {
        1 => ("1 problema; nada foi indexado", "1 problem; nothing was indexed"),
        _ => ("problemas; nada foi indexado", "problems; nothing was indexed"),
    };
    if problems.len() > 1 {
        write!(cx.err, "{} ", problems.len())?;
    }
    writeln!(cx.err, "{}", cx.say(pt, en))
}
