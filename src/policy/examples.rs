//! The files of labelled messages that a policy names, one JSON object a line.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::load::embedded_file;
use super::problem::{Complaint, Problem};
use super::read::{Desk, MapView, View};
use super::yaml::file_problem;
use crate::domain::decision::LocalText;
use crate::domain::example::{Examples, LabelledExample};

/// The largest file of examples that is read, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How many wrong lines of one file are reported.
const MAX_PROBLEMS: usize = 20;

/// Reads every file named under `examples`, in the order of their ids' first mention.
pub(super) fn read(map: &MapView<'_, '_>, desk: &Desk<'_>) -> Examples {
    let mut hash = Sha256::new();
    let mut list = Vec::new();
    for view in super::decode::enabled(map, "examples") {
        let entry = view.map(&["id", "file", "disabled"]);
        entry.id();
        let Some(file) = entry.need("file") else { continue };
        let name = file.text();
        match find(&file, &name, desk) {
            Ok((name, text)) => {
                hash.update(text.len().to_be_bytes());
                hash.update(text.as_bytes());
                parse(&name, &text, &mut list, desk);
            }
            Err(complaint) => file.complain(complaint),
        }
    }
    Examples { digest: hex::encode(hash.finalize()), list }
}

/// Looks beside the policy file that names it, then among the files of the binary.
fn find(file: &View<'_, '_>, name: &str, desk: &Desk<'_>) -> Result<(String, String), Complaint> {
    let source = desk.sources.get(file.node.at.file).map_or("", |source| source.name.as_str());
    let path = Path::new(source).parent().unwrap_or(Path::new("")).join(name);
    let shown = path.display().to_string();
    let found = match std::fs::metadata(&path) {
        Ok(meta) if meta.len() > MAX_BYTES as u64 => {
            return Err(Complaint::new(
                format!("{shown} tem mais de {} MiB", MAX_BYTES >> 20),
                format!("{shown} has more than {} MiB", MAX_BYTES >> 20),
            )
            .hint("divida o arquivo em vários", "split it into several files"));
        }
        Ok(_) => std::fs::read(&path).map_err(|error| {
            Complaint::new(
                format!("não foi possível ler {shown}: {error}"),
                format!("cannot read {shown}: {error}"),
            )
        })?,
        Err(_) => embedded_file(name).ok_or_else(|| {
            Complaint::new(
                format!("o arquivo {shown} não existe"),
                format!("there is no file {shown}"),
            )
            .hint(
                "o caminho conta a partir da pasta deste arquivo",
                "the path counts from this file's folder",
            )
        })?,
    };
    let text = String::from_utf8(found).map_err(|_| {
        Complaint::new(
            format!("{shown} não é texto em UTF-8"),
            format!("{shown} is not UTF-8 text"),
        )
        .hint("salve o arquivo como UTF-8", "save the file as UTF-8")
    })?;
    Ok((shown, text))
}

fn parse(name: &str, text: &str, list: &mut Vec<LabelledExample>, desk: &Desk<'_>) {
    let mut wrong = 0;
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let problem = match serde_json::from_str::<LabelledExample>(text) {
            Ok(example) if example.text.trim().is_empty() => {
                LocalText::new("\"text\" está vazio", "\"text\" is empty")
            }
            Ok(example) => {
                list.push(example);
                continue;
            }
            Err(error) => {
                let error = error.to_string();
                // The place inside the line is told as a column of our own.
                let error = error.split(" at line ").next().unwrap_or_default().to_owned();
                LocalText::new(
                    format!("a linha não é um exemplo: {error}"),
                    format!("the line is no example: {error}"),
                )
            }
        };
        wrong += 1;
        if wrong > MAX_PROBLEMS {
            return;
        }
        desk.push(Problem { line, ..file_problem(name, problem, Some(hint())) });
    }
}

fn hint() -> LocalText {
    LocalText::new(
        "cada linha é um objeto JSON com \"text\" e os rótulos: category, subcategory, urgency, sentiment, complexity, signals",
        "each line is a JSON object with \"text\" and labels: category, subcategory, urgency, sentiment, complexity, signals",
    )
}
