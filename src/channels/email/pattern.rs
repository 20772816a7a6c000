//! Patterns that are compiled once, when they are first asked.
//!
//! A pattern that does not compile matches nothing; the tests beside each list compile it.

use regex::Regex;

/// Compiles a pattern.
pub(super) fn pattern(source: &str) -> Option<Regex> {
    Regex::new(source).ok()
}

/// True if a pattern is found in a text.
pub(super) fn is_match(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_some_and(|pattern| pattern.is_match(text))
}
