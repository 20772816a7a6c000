//! `atende knowledge lint`: checks how articles are written.

use std::path::PathBuf;

use super::configured;
use crate::adapters::clock::SystemClock;
use crate::cli::{CliCx, ExitCode};
use crate::domain::labels::Locale;
use crate::knowledge::Source;
use crate::knowledge::lint::{self, Severity};
use crate::ports::Clock as _;

/// Check how articles are written
///
/// Errors, which end with 1: a file that cannot be read, a title that is neither question nor action, a first paragraph
/// that does not answer, no date, a link to nothing, the same title twice. Warnings: no numbered steps, no edge cases,
/// no links, hard to read, not updated for 12 months, a repeated text, two articles that state a sum or a period
/// differently, no translation. Each names file, line, and what to do.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Folder of Markdown files (default: the articles of the settings, or the samples)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = match &args.dir {
        Some(dir) => Some(cx.current_dir.join(dir)),
        None => match configured(cx)?.map(|configured| configured.source) {
            None => return Ok(ExitCode::Problems),
            Some(Source::Company(folder)) => Some(folder),
            Some(_) => None,
        },
    };
    let report = lint::check(folder.as_deref(), SystemClock::default().now().date_naive(), cx.lang);
    let (error, warning) = (cx.say("erro", "error"), cx.say("aviso", "warning"));
    for finding in &report.findings {
        let kind = match finding.severity {
            Severity::Error => error,
            Severity::Warning => warning,
        };
        writeln!(cx.out, "{}:{}: {kind}: {}", finding.file, finding.line, finding.message)?;
    }
    for locale in Locale::ALL {
        let count = report.articles.get(locale).copied().unwrap_or_default();
        let missing = report.missing.get(locale).map_or(0, Vec::len);
        match cx.lang {
            Locale::PtBr => writeln!(cx.out, "{locale}: {count} artigos, {missing} sem tradução")?,
            Locale::En => writeln!(cx.out, "{locale}: {count} articles, {missing} not translated")?,
        }
    }
    let errors = report.findings.iter().filter(|f| f.severity == Severity::Error).count();
    let warnings = report.findings.len() - errors;
    match cx.lang {
        Locale::PtBr => writeln!(cx.out, "{errors} erros, {warnings} avisos")?,
        Locale::En => writeln!(cx.out, "{errors} errors, {warnings} warnings")?,
    }
    Ok(if errors > 0 { ExitCode::Problems } else { ExitCode::Ok })
}
