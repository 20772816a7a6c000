//! `atende models`: whether the configured language models work, and what they did.

mod check;
mod stats;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::{CliCx, ExitCode};
use crate::config::RungSettings;

/// Test the language models and show what they did
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::CheckArgs),
    Stats(stats::StatsArgs),
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => check::run(cx, args),
        Command::Stats(args) => stats::run(cx, args),
    }
}

/// Whether the settings say what a question costs; a price of 0 is one too.
fn is_priced(rung: &RungSettings) -> bool {
    rung.missing_prices().is_empty()
}

/// Shows millionths of a dollar as dollars.
pub(super) fn usd(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
