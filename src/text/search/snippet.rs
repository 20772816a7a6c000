//! What of a text is shown: a line around the words that were looked for, with these marked.

use std::ops::Range;

use serde::Serialize;

use super::{Query, TEXT_MAX, begin};

/// About how many characters are shown.
const SHOWN: usize = 120;
/// How many of them stand before the first word that was looked for.
const BEFORE: usize = 40;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// Its characters.
    pub text: String,
    /// True for a word that was looked for.
    pub mark: bool,
}

/// Returns a line of the text that satisfies most of a query, the first of several; `None` where none holds any word of
/// it.
pub fn snippet<'a>(query: &Query, texts: impl IntoIterator<Item = &'a str>) -> Option<Vec<Part>> {
    let mut best: Option<(&str, Vec<Range<usize>>, usize)> = None;
    for text in texts {
        let (marks, satisfied) = query.marks(text);
        if satisfied > best.as_ref().map_or(0, |(.., most)| *most) {
            best = Some((text, marks, satisfied));
        }
        if satisfied == query.terms.len() {
            break;
        }
    }
    best.map(|(text, marks, _)| line(begin(text, TEXT_MAX), &marks))
}

fn line(text: &str, marks: &[Range<usize>]) -> Vec<Part> {
    let first = marks.first().cloned().unwrap_or_default();
    let Range { start, end } = window(text, &first);
    let mut parts = Parts::default();
    if start > 0 {
        parts.add("…", false);
    }
    let mut at = start;
    for mark in marks.iter().filter(|mark| mark.end <= end) {
        parts.add(text.get(at..mark.start).unwrap_or_default(), false);
        parts.add(text.get(mark.clone()).unwrap_or_default(), true);
        at = mark.end;
    }
    parts.add(text.get(at..end).unwrap_or_default(), false);
    if !text.get(end..).unwrap_or_default().trim().is_empty() {
        parts.add("…", false);
    }
    parts.0
}

/// The bytes that are shown: whole words around the first mark.
fn window(text: &str, first: &Range<usize>) -> Range<usize> {
    let before = text.get(..first.start).unwrap_or_default();
    let far = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let start = match before.get(far..).and_then(|near| near.find(char::is_whitespace)) {
        Some(space) if far > 0 => far + space + 1,
        _ => far,
    };
    let start = if text.is_char_boundary(start) { start } else { far };
    let after = text.get(start..).unwrap_or_default();
    let far = after.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| start + at);
    let far = far.max(first.end);
    if far == text.len() {
        return start..far;
    }
    let tail = text.get(first.end..far).unwrap_or_default();
    let end = tail.rfind(char::is_whitespace).map_or(far, |space| first.end + space);
    start..end
}

/// Parts of one line: white space of any kind is one space.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn add(&mut self, text: &str, mark: bool) {
        let mut shown = String::with_capacity(text.len());
        let before = self.0.last().and_then(|part| part.text.chars().last()).unwrap_or(' ');
        let mut was_space = before == ' ';
        for c in text.chars() {
            let is_space = c.is_whitespace();
            if is_space && !was_space {
                shown.push(' ');
            } else if !is_space && !c.is_control() {
                shown.push(c);
            }
            was_space = is_space;
        }
        if shown.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.mark == mark => last.text.push_str(&shown),
            _ => self.0.push(Part { text: shown, mark }),
        }
    }
}
