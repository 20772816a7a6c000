//! Reads patterns: `word`, `word*` (prefix), `word?` and `(..)?` (may be missing), `(..)*` (none to
//! four of these), `(a|b c|d*)` (alternatives), `...` (up to four words between).

use std::fmt;

use crate::text::tokens::Tokens;

/// Longest pattern in bytes; a longer one is a list that should be several patterns.
const MAX_BYTES: usize = 3000;
/// Shortest prefix before `*`, in letters: a shorter one matches half the dictionary.
const MIN_PREFIX: usize = 2;
/// Most gaps in one pattern; each multiplies the work of a match.
const MAX_GAPS: usize = 4;
/// Most repetitions that `(..)*` stands for.
const MAX_REPEATS: usize = 4;
/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 8;

/// A pattern that was read without error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    pub(super) root: Vec<Part>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Exactly this word.
    Word(String),
    /// Any word that starts so.
    Prefix(String),
    /// Up to four words of any kind.
    Gap,
    /// One of these sequences.
    OneOf(Vec<Vec<Part>>),
    /// This sequence or nothing.
    Maybe(Vec<Part>),
}

/// Why a pattern could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {at} of the pattern `{pattern}`")]
pub struct PatternError {
    /// The pattern as written.
    pub pattern: String,
    /// Which character, counted from 1.
    pub at: usize,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong and where.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let mut parser = Parser { source, chars: source.char_indices().collect(), at: 0, gaps: 0 };
        if source.len() > MAX_BYTES {
            return Err(parser.error("the pattern is too long: write several shorter ones"));
        }
        let root = parser.sequence(0)?;
        if parser.peek().is_some() {
            return Err(parser.error(match parser.peek() {
                Some('|') => "`|` stands outside brackets: write `(a|b)`",
                _ => "this `)` closes nothing",
            }));
        }
        if root.is_empty() {
            return Err(parser.error("the pattern is empty: write at least one word"));
        }
        if can_be_empty(&root) {
            return Err(parser
                .error("everything in the pattern may be missing, so it would match anywhere"));
        }
        if starts_with_gap(&root) || ends_with_gap(&root) {
            return Err(parser.error("`...` needs a word before it and a word after it"));
        }
        Ok(Self { source: source.to_owned(), root })
    }

    /// Returns the pattern as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Returns how specific the pattern is: the fewest words that a match must have.
    pub fn min_words(&self) -> usize {
        min_words(&self.root)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(source: &str) -> Result<Self, Self::Err> {
        Self::parse(source)
    }
}

fn min_words(parts: &[Part]) -> usize {
    parts
        .iter()
        .map(|part| match part {
            Part::Word(_) | Part::Prefix(_) => 1,
            Part::Gap | Part::Maybe(_) => 0,
            Part::OneOf(many) => many.iter().map(|one| min_words(one)).min().unwrap_or(0),
        })
        .sum()
}

fn can_be_empty(parts: &[Part]) -> bool {
    min_words(parts) == 0
}

fn starts_with_gap(parts: &[Part]) -> bool {
    edge_gap(parts.iter())
}

fn ends_with_gap(parts: &[Part]) -> bool {
    edge_gap(parts.iter().rev())
}

/// True where a gap can be the first part in the order given.
fn edge_gap<'a>(parts: impl DoubleEndedIterator<Item = &'a Part>) -> bool {
    for part in parts {
        match part {
            Part::Gap => return true,
            Part::Maybe(_) => {}
            Part::Word(_) | Part::Prefix(_) | Part::OneOf(_) => return false,
        }
    }
    false
}

struct Parser<'a> {
    source: &'a str,
    chars: Vec<(usize, char)>,
    at: usize,
    gaps: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).map(|(_, c)| *c)
    }

    fn error(&self, problem: &str) -> PatternError {
        self.error_at(self.at, problem)
    }

    fn error_at(&self, at: usize, problem: &str) -> PatternError {
        PatternError { pattern: self.source.to_owned(), at: at + 1, problem: problem.to_owned() }
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += 1;
        }
        found
    }

    /// Reads up to the end, a `|` or a `)`.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Part>, PatternError> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '|' | ')' => break,
                '(' => parts.push(self.group(depth)?),
                '.' if self.three_dots() => self.gap(&mut parts)?,
                _ if c.is_whitespace() => self.at += 1,
                _ => self.words(&mut parts)?,
            }
        }
        Ok(parts)
    }

    fn three_dots(&self) -> bool {
        (0..3).all(|i| self.chars.get(self.at + i).is_some_and(|(_, c)| *c == '.'))
    }

    fn gap(&mut self, parts: &mut Vec<Part>) -> Result<(), PatternError> {
        if parts.last() == Some(&Part::Gap) {
            return Err(self.error("two gaps stand side by side: one `...` is enough"));
        }
        if parts.is_empty() {
            return Err(self.error("`...` needs a word before it and a word after it"));
        }
        self.gaps += 1;
        if self.gaps > MAX_GAPS {
            return Err(self.error("the pattern has more than four gaps: write several patterns"));
        }
        self.at += 3;
        parts.push(Part::Gap);
        Ok(())
    }

    fn group(&mut self, depth: usize) -> Result<Part, PatternError> {
        let opened = self.at;
        if depth >= MAX_DEPTH {
            return Err(self.error("brackets are nested too deeply"));
        }
        self.at += 1;
        let mut many = Vec::new();
        loop {
            let start = self.at;
            let one = self.sequence(depth + 1)?;
            if one.is_empty() || can_be_empty(&one) {
                return Err(self.error_at(
                    start,
                    "an alternative is empty: write `(a|b)?` for one that may be missing",
                ));
            }
            if starts_with_gap(&one) || ends_with_gap(&one) {
                return Err(
                    self.error_at(start, "a gap may not stand at the edge of an alternative")
                );
            }
            many.push(one);
            if !self.eat('|') {
                break;
            }
        }
        if !self.eat(')') {
            return Err(self.error_at(opened, "this `(` is never closed"));
        }
        let group = Part::OneOf(many);
        if self.eat('?') {
            return Ok(Part::Maybe(vec![group]));
        }
        if self.eat('*') {
            // Innermost first, so that each further repetition needs the one before it.
            let mut repeated = Part::Maybe(vec![group.clone()]);
            for _ in 1..MAX_REPEATS {
                repeated = Part::Maybe(vec![group.clone(), repeated]);
            }
            return Ok(repeated);
        }
        Ok(group)
    }

    fn words(&mut self, parts: &mut Vec<Part>) -> Result<(), PatternError> {
        let start = self.at;
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, '(' | ')' | '|' | '*' | '?') {
                break;
            }
            word.push(c);
            self.at += 1;
        }
        let prefix = self.eat('*');
        let optional = self.eat('?');
        if self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '|')) {
            return Err(self.error("`*` and `?` may only stand at the end of a word"));
        }
        let read = literal(&word, prefix);
        let Some(last) = read.last() else {
            return Err(self.error_at(start, "there is no word here: letters or digits are needed"));
        };
        if let Part::Prefix(stem) = last
            && stem.chars().count() < MIN_PREFIX
        {
            return Err(self
                .error_at(start, "the prefix before `*` is too short: write two letters or more"));
        }
        if optional {
            parts.push(Part::Maybe(read));
        } else {
            parts.extend(read);
        }
        Ok(())
    }
}

/// Reads one written word, which can be several tokens ("e-mail", "can't").
fn literal(word: &str, prefix: bool) -> Vec<Part> {
    // A prefix is a stem, not a word, so it keeps its letters: "to*" must not become "estou*".
    let mut words: Vec<String> = if prefix {
        let folded = crate::text::fold::fold(word);
        folded
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    } else {
        Tokens::of(word).iter().map(|(_, w)| w.to_owned()).collect()
    };
    let last = if prefix { words.pop() } else { None };
    words.into_iter().map(Part::Word).chain(last.map(Part::Prefix)).collect()
}
