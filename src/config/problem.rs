//! What is wrong with the settings: where it stands, what it is and what to do, in both languages.
//!
//! The texts may repeat names of keys, files and hosts, never the value of a secret.

use std::path::PathBuf;

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program.
    Default,
    /// A line of the file, counted from 1; `None` when the whole file is meant.
    File {
        /// The file as it was found or named.
        file: PathBuf,
        /// The line.
        line: Option<usize>,
    },
    /// An environment variable, by its name.
    Variable(String),
}

impl Origin {
    /// Returns `atende.toml:12`, the name of the variable, or nothing.
    pub fn place(&self) -> String {
        match self {
            Self::Default => String::new(),
            Self::File { file, line: None } => file.display().to_string(),
            Self::File { file, line: Some(line) } => format!("{}:{line}", file.display()),
            Self::Variable(name) => name.clone(),
        }
    }
}

/// Whether the program can start all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Whether the program can start all the same.
    pub severity: Severity,
    /// The key, e.g. `worker.lease_secs`; empty when the whole file is meant.
    pub path: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// What is wrong.
    pub problem: LocalText,
    /// What to do.
    pub hint: LocalText,
}

impl ConfigProblem {
    /// Writes the problem for people, in three lines at most, without a line break at the end.
    pub fn describe(&self, locale: Locale) -> String {
        let word = match (self.severity, locale) {
            (Severity::Error, Locale::PtBr) => "erro",
            (Severity::Error, Locale::En) => "error",
            (Severity::Warning, Locale::PtBr) => "aviso",
            (Severity::Warning, Locale::En) => "warning",
        };
        let mut text = word.to_owned();
        for part in [&self.origin.place(), &self.path] {
            if !part.is_empty() {
                text.push_str("  ");
                text.push_str(part);
            }
        }
        for line in [&self.problem, &self.hint] {
            text.push_str("\n    ");
            text.push_str(line.in_locale(locale));
        }
        text
    }
}

/// What is wrong and what to do, not yet tied to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub problem: LocalText,
    /// What to do.
    pub hint: LocalText,
}

impl Complaint {
    /// Makes a complaint from (Portuguese, English) pairs.
    pub fn new(
        problem: (impl Into<String>, impl Into<String>),
        hint: (impl Into<String>, impl Into<String>),
    ) -> Self {
        Self { problem: LocalText::new(problem.0, problem.1), hint: LocalText::new(hint.0, hint.1) }
    }

    /// Ties it to a key as an error.
    pub fn error(self, path: impl Into<String>, origin: Origin) -> ConfigProblem {
        self.at(Severity::Error, path, origin)
    }

    /// Ties it to a key as a warning.
    pub fn warning(self, path: impl Into<String>, origin: Origin) -> ConfigProblem {
        self.at(Severity::Warning, path, origin)
    }

    fn at(self, severity: Severity, path: impl Into<String>, origin: Origin) -> ConfigProblem {
        let Self { problem, hint } = self;
        ConfigProblem { severity, path: path.into(), origin, problem, hint }
    }
}

/// Says that a name is not known, with the nearest known one if there is one near.
pub fn unknown_name(what: (&str, &str), name: &str, known: &[&str]) -> Complaint {
    let list = known.join(", ");
    let hint = match nearest(name, known) {
        Some(near) => (
            format!("você quis dizer {near}? opções: {list}"),
            format!("did you mean {near}? choices: {list}"),
        ),
        None => (format!("opções: {list}"), format!("choices: {list}")),
    };
    Complaint::new(
        (format!("{} desconhecida: {name}", what.0), format!("unknown {}: {name}", what.1)),
        hint,
    )
}

/// Returns the known name that a slip of the fingers may have turned into `name`.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Jaro-Winkler 0.8 finds lost and doubled letters and words that share their start; one slip in a
    // short word (`lgo`) weighs too much there, so a single edit is near as well.
    const NEAR: f64 = 0.8;
    let name = name.to_lowercase();
    let one_slip = |candidate: &str| name.len() > 2 && strsim::osa_distance(&name, candidate) <= 1;
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name, candidate), *candidate))
        .filter(|(score, candidate)| *score >= NEAR || one_slip(candidate))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_likely_slip_and_never_a_wild_guess() {
        let known = ["lease_secs", "renew_secs", "max_attempts", "poll_ms", "log", "dir"];
        for (name, expected) in [
            ("lease_sec", Some("lease_secs")),
            ("lease", Some("lease_secs")),
            ("Renew_Secs", Some("renew_secs")),
            ("max_atempts", Some("max_attempts")),
            ("lgo", Some("log")),
            ("colour", None),
            ("ir", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }
}
