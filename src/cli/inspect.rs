//! `atende inspect`: shows what the networks hand over, as it is understood, one JSON object a line; opens no store and no
//! index.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CliCx, ExitCode};
use crate::channels::{email, whatsapp};
use crate::domain::labels::Locale;

/// Largest file that is read, in bytes; what the networks send is smaller.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Show what payloads of WhatsApp and mails say, one JSON object a line
///
/// Reads webhook bodies as they were posted, or mails as they are on the server (.eml, one mail a file), from a file, from
/// every file of a folder and those below it, or from standard input, and stores nothing. Each line holds "kind" (message,
/// status, ignored or error), "type", "from", "text" (of a mail: without quotes and signature), "attachments", ids, times,
/// and whether a reply is allowed or why not; lines of a folder begin with "file". A file that cannot be understood gives a
/// line of kind error, and the command ends with 1.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The network: whatsapp or email
    #[arg(value_name = "NETWORK", value_parser = ["whatsapp", "email"], hide_possible_values = true)]
    network: String,
    /// File or folder to read; "-" reads standard input
    #[arg(value_name = "FILE")]
    input: PathBuf,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let understand: Understand = match args.network.as_str() {
        "email" => |body: &[u8], locale| vec![email::inspect::inspected(body, locale)],
        _ => whatsapp::inspect::inspected,
    };
    let mut bad = false;
    if args.input.as_os_str() == "-" {
        let mut body = Vec::new();
        cx.stdin.take(MAX_FILE + 1).read_to_end(&mut body).context("cannot read standard input")?;
        bad |= show(cx, understand, None, Ok(body))?;
    } else {
        let input = cx.current_dir.join(&args.input);
        let whole = input.is_dir();
        for path in files(&input)? {
            let name = path.strip_prefix(&input).unwrap_or(&path).display().to_string();
            bad |= show(cx, understand, whole.then_some(name.as_str()), read(&path))?;
        }
    }
    Ok(if bad { ExitCode::Problems } else { ExitCode::Ok })
}

/// The file itself, or every file of a folder and those below it, by name. Links are not followed.
fn files(input: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read {}", input.display());
    if !std::fs::metadata(input).with_context(cannot)?.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(input)
        .with_context(cannot)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(cannot)?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let kind = std::fs::symlink_metadata(&entry).with_context(cannot)?.file_type();
        if kind.is_dir() {
            found.extend(files(&entry)?);
        } else if kind.is_file() {
            found.push(entry);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut body)?;
    Ok(body)
}

/// Returns what the bytes of one file say, a value per line.
type Understand = fn(&[u8], Locale) -> Vec<Value>;

/// Writes the lines of one file; true where one of them tells of an error.
fn show(
    cx: &mut CliCx<'_>,
    understand: Understand,
    file: Option<&str>,
    body: std::io::Result<Vec<u8>>,
) -> anyhow::Result<bool> {
    let error = |reason: String| vec![json!({"kind": "error", "reason": reason})];
    let lines = match body {
        Err(why) => error(why.to_string()),
        Ok(body) if u64::try_from(body.len()).is_ok_and(|len| len > MAX_FILE) => error(
            cx.say("o arquivo tem mais de 64 MiB", "the file is larger than 64 MiB").to_owned(),
        ),
        Ok(body) => understand(&body, cx.lang),
    };
    let mut bad = false;
    for mut line in lines {
        bad |= line.get("kind").is_some_and(|kind| kind == "error");
        if let (Some(file), Value::Object(object)) = (file, &mut line) {
            object.shift_insert(0, "file".to_owned(), json!(file));
        }
        serde_json::to_writer(&mut *cx.out, &line)?;
        cx.out.write_all(b"\n")?;
    }
    Ok(bad)
}
