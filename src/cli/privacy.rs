//! `atende privacy`: what is kept of one person, and `mask`, which masks lines of text, one JSON object per line, and
//! stores nothing.
//!
//! To `mask` every line is its own conversation. Offsets count characters (Unicode scalar values) of the input
//! line, so that languages other than ours can slice by them.

mod contact;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use super::{CliCx, ExitCode};
use crate::privacy::{Kind, Masker, Vault};

/// Personal data
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Mask(MaskArgs),
    Export(contact::ExportArgs),
    Erase(contact::EraseArgs),
}

/// Mask personal data in lines of text, without storing anything
///
/// Reads lines of text and prints one JSON object a line: {"text", "found": [{"kind", "start", "end"}]}.
/// "text" is the line with placeholders such as `[CPF_1]`; "start" and "end" (exclusive) count characters
/// (Unicode scalar values) of the line as it came in. A line that cannot be read yields {"error": {"line",
/// "field", "message"}}; the others are still processed, and the command ends with 1.
#[derive(Debug, clap::Args)]
pub(super) struct MaskArgs {
    /// File to read; "-" or nothing reads standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Mask(args) => mask_file(cx, args),
        Command::Export(args) => contact::export(cx, args),
        Command::Erase(args) => contact::erase(cx, args),
    }
}

fn mask_file(cx: &mut CliCx<'_>, args: &MaskArgs) -> anyhow::Result<ExitCode> {
    match args.file.as_deref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let path = cx.current_dir.join(file);
            let file = std::fs::File::open(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            mask(&mut BufReader::new(file), cx.out, cx.err)
        }
        None => mask(cx.stdin, cx.out, cx.err),
    }
}

/// Longest line, in bytes.
const MAX_LINE: usize = 2 * 1024 * 1024;

#[derive(Serialize)]
struct MaskedLine {
    text: String,
    found: Vec<FoundChars>,
}

#[derive(Serialize)]
struct FoundChars {
    kind: Kind,
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct BadLine {
    error: LineError,
}

#[derive(Serialize)]
struct LineError {
    line: u64,
    field: &'static str,
    message: String,
}

/// Masks every line of `input` into `out`; exit code 1 when a line could not be read.
fn mask(
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let masker = Masker::new();
    let mut bytes = Vec::new();
    let mut line = 0;
    let mut bad = 0_u64;
    loop {
        bytes.clear();
        let read = read_line(input, &mut bytes).context("read input failed")?;
        let text = match read {
            LineRead::End => break,
            LineRead::TooLong => Err(format!(
                "the line is longer than {MAX_LINE} bytes; split it into shorter lines"
            )),
            LineRead::Whole => std::str::from_utf8(&bytes).map_err(|error| {
                format!(
                    "the line is not valid UTF-8 (byte {}); save the file as UTF-8",
                    error.valid_up_to() + 1
                )
            }),
        };
        line += 1;
        match text {
            Ok(text) => write_json(out, &mask_line(masker, text))?,
            Err(message) => {
                bad += 1;
                let error = LineError { line, field: "text", message };
                write_json(out, &BadLine { error })?;
            }
        }
    }
    out.flush().context("write output failed")?;
    if bad == 0 {
        return Ok(ExitCode::Ok);
    }
    writeln!(err, "{bad} of {line} lines could not be read; see \"error\" in the output")?;
    Ok(ExitCode::Problems)
}

fn mask_line(masker: Masker, text: &str) -> MaskedLine {
    let result = masker.mask(text, &mut Vault::new(), &[]);
    let mut chars = 0;
    let mut counted = 0;
    let mut chars_until = |byte: usize| {
        chars += text.get(counted..byte).unwrap_or_default().chars().count();
        counted = byte;
        chars
    };
    let found = result
        .found
        .iter()
        .map(|found| FoundChars {
            kind: found.kind,
            start: chars_until(found.start),
            end: chars_until(found.end),
        })
        .collect();
    MaskedLine { text: result.text, found }
}

enum LineRead {
    Whole,
    TooLong,
    End,
}

/// Reads a line without its end; of one that is too long only the fact is kept.
fn read_line(input: &mut dyn BufRead, bytes: &mut Vec<u8>) -> std::io::Result<LineRead> {
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX) + 2;
    if input.take(limit).read_until(b'\n', bytes)? == 0 {
        return Ok(LineRead::End);
    }
    let mut ended = bytes.last() == Some(&b'\n');
    if ended {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() <= MAX_LINE {
        return Ok(LineRead::Whole);
    }
    while !ended {
        bytes.clear();
        let read = input.take(limit).read_until(b'\n', bytes)?;
        ended = read == 0 || bytes.last() == Some(&b'\n');
    }
    Ok(LineRead::TooLong)
}

fn write_json(out: &mut dyn Write, line: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from)?;
    out.write_all(b"\n").context("write output failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8]) -> (String, String, ExitCode) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = mask(&mut &*input, &mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), code)
    }

    #[test]
    fn every_line_is_its_own_conversation_and_offsets_count_characters() {
        let (out, err, code) = run("Olá 👋🏽 é 529.982.247-25\r\n\ncpf 529.982.247-25".as_bytes());
        assert_eq!(
            out,
            concat!(
                r#"{"text":"Olá 👋🏽 é [CPF_1]","found":[{"kind":"cpf","start":9,"end":23}]}"#,
                "\n",
                r#"{"text":"","found":[]}"#,
                "\n",
                r#"{"text":"cpf [CPF_1]","found":[{"kind":"cpf","start":4,"end":18}]}"#,
                "\n"
            )
        );
        assert_eq!((err.as_str(), code), ("", ExitCode::Ok));
    }

    #[test]
    fn a_line_that_is_no_text_is_named_and_the_rest_goes_on() {
        let mut input = b"a\n\xff\xfe\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', MAX_LINE + 5));
        input.extend(b"\nana@example.com\n");
        let (out, err, code) = run(&input);
        let lines: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 4, "{out}");
        assert_eq!(lines[1]["error"]["line"], 2);
        assert!(lines[1]["error"]["message"].as_str().unwrap().contains("UTF-8"));
        assert_eq!(lines[2]["error"]["line"], 3);
        assert_eq!(lines[3]["text"], "[EMAIL_1]");
        assert_eq!(err, "2 of 4 lines could not be read; see \"error\" in the output\n");
        assert_eq!(code, ExitCode::Problems);
    }
}
