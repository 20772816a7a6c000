//! What the words around a number say about it.
//!
//! The look around is bounded and stops at other numbers, at data found earlier and at the ends of
//! sentences; it sees a masked name and a name that is about to be masked alike, so that masking
//! masked text changes nothing.

use super::claims::Claims;
use super::keywords::{Label, is_filler, label};
use super::kind::Kind;
use super::names::folded;

/// How many words before a number can be its label.
const WORDS_BEFORE: usize = 6;
/// How many words after a number can be its label ("11 98765-4321 é o meu whats").
const WORDS_AFTER: usize = 4;
/// Longest word that is looked at, in bytes; labels are short.
const MAX_WORD: usize = 24;

/// The label of a number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context {
    /// The nearest word that says what the number is, save for orders and the like.
    pub(super) label: Option<Label>,
    /// How many words lie between that label and the number.
    pub(super) distance: usize,
    /// Pix was named in the same breath.
    pub(super) pix: bool,
    /// The number is said to be an order's, a protocol's, a model's.
    pub(super) order: bool,
}

impl Context {
    /// Reads the words around the bytes `start..end`.
    pub(super) fn read(text: &str, start: usize, end: usize, claims: &Claims) -> Self {
        Self::before(text, start, claims).or_after(text, end, claims)
    }

    /// Reads the words before a number.
    pub(super) fn before(text: &str, start: usize, claims: &Claims) -> Self {
        let mut context = Self::default();
        context.read_before(text, start, claims);
        context
    }

    /// Reads the words after a number where those before it say nothing.
    pub(super) fn or_after(mut self, text: &str, end: usize, claims: &Claims) -> Self {
        if self.label.is_none() && !self.order {
            self.read_after(text, end, claims);
        }
        self
    }

    /// True when the label is this one and nothing nearer speaks against it.
    pub(super) fn is(&self, wanted: Label) -> bool {
        self.label == Some(wanted) && !self.order
    }

    fn read_before(&mut self, text: &str, start: usize, claims: &Claims) {
        let mut at = start;
        let mut words = 0;
        let mut fillers_only = true;
        while words < WORDS_BEFORE {
            let claim = claims.before(at);
            let floor = claim.map_or(0, |claim| claim.end);
            match step_back(text, floor, at, words > 0) {
                Step::Word { start: next, word, comma } => {
                    fillers_only &= !comma;
                    let found = label(&word);
                    if found == Some(Label::Order) {
                        self.order |= fillers_only && self.label.is_none();
                    } else if found == Some(Label::Pix) {
                        self.pix = true;
                        self.settle(Label::Pix, words);
                    } else if let Some(found) = found {
                        self.settle(found, words);
                    }
                    fillers_only &= is_filler(&word);
                    at = next;
                }
                Step::Claim => match claim {
                    Some(claim) if claim.kind == Kind::Name => {
                        fillers_only = false;
                        at = claim.start;
                    }
                    _ => return,
                },
                Step::Stop => return,
            }
            words += 1;
        }
    }

    fn read_after(&mut self, text: &str, end: usize, claims: &Claims) {
        let limit = claims.limit(end).min(text.len());
        let Some(rest) = text.get(end..limit) else { return };
        let stop = rest
            .find(|c: char| c.is_ascii_digit() || "[@\n\r.,;!?".contains(c))
            .unwrap_or(rest.len())
            .min(WORDS_AFTER * MAX_WORD);
        let nearby = floor_boundary(rest, stop);
        let words = nearby.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        for (distance, word) in words.take(WORDS_AFTER).enumerate() {
            match label(&folded(word)) {
                Some(Label::Order) => {
                    self.order = true;
                    return;
                }
                Some(found) => {
                    self.pix |= found == Label::Pix;
                    self.settle(found, distance);
                    return;
                }
                None => {}
            }
        }
    }

    /// The nearest label wins, but Pix gives way to a label that is more exact ("pix cpf …").
    fn settle(&mut self, found: Label, distance: usize) {
        if self.label.is_none() || self.label == Some(Label::Pix) {
            self.label = Some(found);
            self.distance = distance;
        }
    }
}

enum Step {
    Word { start: usize, word: String, comma: bool },
    Claim,
    Stop,
}

/// Reads the word before `at`, not reaching below `floor`.
fn step_back(text: &str, floor: usize, at: usize, inside: bool) -> Step {
    let Some(before) = text.get(floor..at) else { return Step::Stop };
    let mut comma = false;
    let mut lines = 0;
    let mut word_end = None;
    let mut word_start = at;
    for (index, c) in before.char_indices().rev() {
        let position = floor + index;
        if c.is_alphanumeric() && !c.is_ascii_digit() {
            word_end.get_or_insert(position + c.len_utf8());
            word_start = position;
            if word_end.is_some_and(|end| end - word_start > MAX_WORD) {
                return Step::Stop;
            }
            continue;
        }
        if word_end.is_some() {
            break;
        }
        match c {
            '0'..='9' | '[' | ']' | '@' => return Step::Stop,
            '\n' if inside || lines > 0 => return Step::Stop,
            '\n' => lines += 1,
            '.' | '!' | '?' | ';' if inside => return Step::Stop,
            ',' => comma = true,
            _ if at - position > MAX_WORD => return Step::Stop,
            _ => {}
        }
    }
    match word_end.and_then(|end| text.get(word_start..end)) {
        Some(word) => Step::Word { start: word_start, word: folded(word), comma },
        None if floor > 0 => Step::Claim,
        None => Step::Stop,
    }
}

/// Returns the longest beginning of at most `length` bytes.
fn floor_boundary(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}
