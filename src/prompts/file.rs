//! Reads a prompt file: front matter, then the two parts, `=== system` and `=== user`.

use std::collections::BTreeMap;
use std::path::Path;

use handlebars::TemplateError;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use crate::text::Problem;

/// Largest prompt file, in bytes.
const LARGEST: u64 = 200_000;

/// What stands between the two lines of `---`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) purpose: LocalText,
    #[serde(default)]
    pub(super) hints: Hints,
    #[serde(default)]
    pub(super) output_schema: Option<Value>,
    pub(super) samples: Vec<Sample>,
}

/// What an endpoint may be asked for besides.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Hints {
    pub(super) max_output: Option<u32>,
}

/// A case to try a prompt with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Its name, for `prompts render --sample`.
    pub id: String,
    /// What the prompt's variables hold in it, over those that every case has.
    pub context: serde_json::Map<String, Value>,
}

/// A file's parts, each with the line before its first.
pub(super) struct Read {
    pub(super) head: Head,
    pub(super) locale: Option<Locale>,
    pub(super) system: (usize, String),
    pub(super) user: (usize, String),
}

/// Reads a file.
pub(super) fn read(file: &str, text: &str) -> Result<Read, Problem> {
    let at = |line: usize, message: String| Problem { file: file.to_owned(), line, message };
    let stem = file.strip_suffix(".hbs").unwrap_or(file);
    let (id, locale) = match stem.split_once('.') {
        None => (stem, None),
        Some((id, locale)) => {
            let known = Locale::parse(locale).ok_or_else(|| {
                at(1, format!("`{locale}` is no locale of ours; name the file <id>.hbs, <id>.pt-BR.hbs or <id>.en.hbs"))
            })?;
            (id, Some(known))
        }
    };
    let normal = text.replace("\r\n", "\n");
    let rest = normal.strip_prefix("---\n").ok_or_else(|| {
        at(1, "start the file with front matter between two lines of `---`".to_owned())
    })?;
    let (front, body) = rest
        .split_once("\n---\n")
        .ok_or_else(|| at(1, "the front matter has no end; add a line of `---`".to_owned()))?;
    let head: Head = serde_saphyr::from_str(front).map_err(|error| {
        let line = error.location().map_or(1, |place| usize::try_from(place.line()).unwrap_or(1));
        let message = error.to_string();
        at(
            line + 1,
            format!(
                "the front matter cannot be read: {}",
                message.lines().next().unwrap_or_default()
            ),
        )
    })?;
    if head.id != id {
        return Err(at(
            2,
            format!(
                "its id is `{}`, but the file is named for `{id}`; make them the same",
                head.id
            ),
        ));
    }
    let before_body = front.lines().count() + 2;
    let (system, user) = parts(body).ok_or_else(|| {
        at(
            before_body,
            "write the two parts below lines of `=== system` and `=== user`, in this order"
                .to_owned(),
        )
    })?;
    let system = (before_body + system.0, system.1);
    let user = (before_body + user.0, user.1);
    Ok(Read { head, locale, system, user })
}

/// Cuts a body into its two parts, each with the number of lines before it.
fn parts(body: &str) -> Option<((usize, String), (usize, String))> {
    let lines: Vec<&str> = body.lines().collect();
    let place = |wanted: &str| lines.iter().position(|line| line.trim_end() == wanted);
    let (system, user) = (place("=== system")?, place("=== user")?);
    let between = lines.get(system + 1..user)?;
    let after = lines.get(user + 1..)?;
    Some(((system + 1, between.join("\n")), (user + 1, after.join("\n"))))
}

/// Says where a template does not compile; `before` is the number of lines above the part.
pub(super) fn not_compiled(file: &str, before: usize, error: &TemplateError) -> Problem {
    let line = error.pos().map_or(1, |(line, _)| line);
    let reason = error.reason().to_string();
    Problem {
        file: file.to_owned(),
        line: before + line,
        message: format!(
            "this is no valid template: {}",
            reason.lines().next().unwrap_or_default()
        ),
    }
}

/// Reads a team's folder over the embedded files.
pub(super) fn read_folder(
    folder: &Path,
    files: &mut BTreeMap<String, (String, bool)>,
    problems: &mut Vec<Problem>,
) {
    let problem = |file: String, message: String| Problem { file, line: 1, message };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            return problems.push(problem(
                folder.display().to_string(),
                format!("cannot be read ({error}); check that the folder exists and may be read"),
            ));
        }
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|ending| ending != "hbs") {
            continue;
        }
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if std::fs::metadata(&path).is_ok_and(|found| found.len() > LARGEST) {
            problems.push(problem(name, format!("is larger than {LARGEST} bytes; shorten it")));
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                files.insert(name, (text, true));
            }
            Err(error) => problems.push(problem(
                name,
                format!("cannot be read ({error}); check that it is UTF-8 and may be read"),
            )),
        }
    }
}
