//! `atende config check`: what the settings come to, where each comes from, and all that is wrong.

use clap::Subcommand;

use super::{CliCx, ExitCode, usable};
use crate::app::problems_of;
use crate::config::{effective, survey};

/// Look at the settings
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
}

/// Show the effective settings, secrets masked, and every problem
///
/// Prints the settings as TOML on stdout, each that is not a default with the place it comes from, and
/// every problem on stderr with file, line, key and what to do. Ends with 1 when there are errors.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {}

/// Prints settings and problems.
pub(super) fn check(cx: &mut CliCx<'_>, _args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let loaded = cx.with_sources(survey);
    write!(cx.out, "{}", effective(&loaded, cx.lang))?;
    cx.out.flush()?;
    for problem in &loaded.problems {
        writeln!(cx.err, "{}", problem.describe(cx.lang))?;
    }
    if !usable(&loaded) {
        return Ok(ExitCode::Problems);
    }
    let problems = problems_of(&loaded.config, cx.lang);
    for problem in &problems {
        writeln!(cx.err, "{problem}")?;
    }
    if !problems.is_empty() {
        return Ok(ExitCode::Problems);
    }
    let verdict = if loaded.problems.is_empty() {
        cx.say("A configuração está em ordem.", "The settings are in order.")
    } else {
        cx.say("A configuração serve, com avisos.", "The settings can be used, with warnings.")
    };
    writeln!(cx.err, "{verdict}")?;
    Ok(ExitCode::Ok)
}
