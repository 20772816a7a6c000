//! `atende verify`: checks drafts against the passages they rest on; JSON Lines in, JSON Lines out, nothing stored.

mod input;
mod output;
#[cfg(test)]
mod tests;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::lines::{BadLine, read_line};
use super::{CliCx, ExitCode, language};
use crate::compose::{ExamineInput, PassageReader, examine, likely_locale};
use crate::domain::labels::Locale;
use input::Case;

/// Check drafts of replies against the passages they rest on
///
/// Each line is one draft: {"draft", "passages": [{"text"}]} and, optionally, "id", "locale" (pt-BR or en;
/// without it, the language of the ticket or of the passages), "ticket": {"text", "customer"} and "approved",
/// sentences that may be said as they are. Prints one JSON object a line, in the same order: {"id", "ok",
/// "findings", "ledger"}. Prices, dates, deadlines, percentages, codes, links, names, denials and promises are
/// looked up in the passages and the ticket. A line that cannot be read yields {"error": {"line", "field",
/// "message"}}; the others are still checked, and the command ends with 1.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to read; "-" or nothing reads standard input
    #[arg(value_name = "FILE", conflicts_with = "draft")]
    file: Option<PathBuf>,
    /// Check one draft only: the text of this file
    #[arg(long, value_name = "DRAFT")]
    draft: Option<PathBuf>,
    /// Texts that draft rests on
    #[arg(long, value_name = "PASSAGE", num_args = 1.., requires = "draft")]
    passages: Vec<PathBuf>,
    /// What the customer wrote, for that draft
    #[arg(long, value_name = "TICKET", requires = "draft")]
    ticket: Option<PathBuf>,
    /// Language the customer should read, where a line does not say
    #[arg(long, value_name = "LANG", value_parser = ["pt-BR", "en"], ignore_case = true, hide_possible_values = true)]
    locale: Option<String>,
    /// Print text for people instead of JSON
    #[arg(long)]
    text: bool,
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
    let asked = args.locale.as_deref().map(language::locale);
    let show = Show { reader: PassageReader::default(), lang: cx.lang, asked, text: args.text };
    if let Some(draft) = &args.draft {
        let read = |file: &Path| {
            let path = cx.current_dir.join(file);
            std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let mut passages = Vec::new();
        for file in &args.passages {
            passages.push((file.display().to_string(), read(file)?));
        }
        let ticket = args.ticket.as_deref().map(read).transpose()?;
        let case = Case::of_files(read(draft)?, passages, ticket);
        let fine = show.checked(&case, cx.out)?;
        return Ok(if fine { ExitCode::Ok } else { ExitCode::Problems });
    }
    let (lines, bad) = match args.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let path = cx.current_dir.join(file);
            let file = std::fs::File::open(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            check(&show, &mut BufReader::new(file), cx.out)?
        }
        None => check(&show, cx.stdin, cx.out)?,
    };
    if bad == 0 {
        return Ok(ExitCode::Ok);
    }
    let (of, label) =
        (cx.say("de", "of"), cx.say("linhas não puderam ser lidas", "lines could not be read"));
    writeln!(cx.err, "{bad} {of} {lines} {label}")?;
    Ok(ExitCode::Problems)
}

/// How results are shown.
struct Show {
    reader: PassageReader,
    lang: Locale,
    asked: Option<Locale>,
    text: bool,
}

impl Show {
    /// Checks a draft and writes the result; true when nothing is wrong.
    fn checked(&self, case: &Case, out: &mut dyn Write) -> anyhow::Result<bool> {
        let ticket: Vec<&str> = case.ticket.iter().map(String::as_str).collect();
        let guessed = case.ticket.iter().chain(&case.texts).find_map(|text| likely_locale(text));
        let locale = case
            .locale
            .or(self.asked)
            .or(guessed)
            .or_else(|| likely_locale(&case.draft))
            .unwrap_or(self.lang);
        let passages = case.passages(locale);
        let approved: Vec<&str> = case.approved.iter().map(String::as_str).collect();
        let input = ExamineInput {
            reader: &self.reader,
            locale,
            passages: &passages,
            ticket: &ticket,
            customer: case.customer.as_deref(),
            approved: &approved,
        };
        let evidence = examine(&case.draft, &input);
        if self.text {
            output::text(case.id.as_ref(), &evidence, self.lang, out)?;
        } else {
            let answer = output::answer(case.id.as_ref(), &evidence, self.lang);
            serde_json::to_writer(&mut *out, &answer)?;
            out.write_all(b"\n")?;
        }
        Ok(evidence.findings.is_empty())
    }
}

/// Checks line after line; returns how many there were and how many could not be read.
fn check(show: &Show, input: &mut dyn BufRead, out: &mut dyn Write) -> anyhow::Result<(u64, u64)> {
    let (mut number, mut lines, mut bad) = (0, 0, 0);
    let mut line = Vec::new();
    while let Some(whole) = read_line(input, &mut line)? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        lines += 1;
        let read = if whole { input::read(&line) } else { Err(BadLine::too_long()) };
        match read {
            Ok(case) => drop(show.checked(&case, out)?),
            Err(wrong) => {
                bad += 1;
                serde_json::to_writer(&mut *out, &wrong.answer(number))?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()?;
    }
    Ok((lines, bad))
}
