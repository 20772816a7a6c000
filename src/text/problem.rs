//! Something wrong with a file that people edit, and where.

use std::fmt;

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;

/// A problem at a place of an article, a template or a prompt. `M` is how its message is written: once, or as a
/// [`LocalText`] in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem<M = String> {
    /// The file's name, as a path inside its folder.
    pub file: String,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: M,
}

impl<M> Problem<M> {
    fn written(&self, message: &str) -> String {
        match self.line {
            0 => format!("{}: {message}", self.file),
            line => format!("{}:{line}: {message}", self.file),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&self.message))
    }
}

impl Problem<LocalText> {
    /// Returns the problem as one line in a language.
    pub fn render(&self, locale: Locale) -> String {
        self.written(self.message.in_locale(locale))
    }
}
