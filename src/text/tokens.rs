//! Words of a text in folded form, each with its place in the source.
//!
//! Chat spellings and contractions are written out ("vc" is "voce", "can't" is "can not"), in the
//! text and in patterns alike, so that a pattern is written once in plain spelling.

use std::ops::Range;

use super::fold::{fold_char, is_dropped};
use super::variants::{self, Spelling};

/// What separates a word from the one before it, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// Nothing but space.
    #[default]
    None,
    /// A comma, colon, dash, bracket or dots that trail off.
    Comma,
    /// A line break.
    Line,
    /// The end of a sentence, a blank line, or a piece of text left out.
    Sentence,
}

/// A word, a number or an emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// First byte in the source.
    pub start: usize,
    /// One past the last byte in the source.
    pub end: usize,
    /// What stands between the previous token and this one.
    pub before: Break,
    /// Written in capitals, at least two letters.
    pub caps: bool,
    from: usize,
    to: usize,
}

/// The tokens of a text.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    folded: String,
    items: Vec<Token>,
    question_marks: u32,
    exclamation_marks: u32,
}

impl Tokens {
    /// Reads a whole text.
    pub fn of(text: &str) -> Self {
        Self::without(text, &[])
    }

    /// Reads a text leaving out some byte ranges, which must be sorted and lie on character bounds;
    /// what is left out separates like the end of a sentence.
    pub fn without(text: &str, left_out: &[Range<usize>]) -> Self {
        let mut reader = Reader::new(text);
        let mut at = 0;
        for range in left_out {
            if range.start > at {
                reader.read(text.get(at..range.start).unwrap_or_default(), at);
            }
            reader.end_word();
            reader.pending = Break::Sentence;
            at = at.max(range.end);
        }
        reader.read(text.get(at..).unwrap_or_default(), at);
        reader.end_word();
        reader.tokens
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True where the text holds no word, number or emoji.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the folded form of a token; empty past the end.
    pub fn word(&self, index: usize) -> &str {
        self.items.get(index).and_then(|t| self.folded.get(t.from..t.to)).unwrap_or_default()
    }

    /// Returns a token; `None` past the end.
    pub fn get(&self, index: usize) -> Option<&Token> {
        self.items.get(index)
    }

    /// Returns what stands before a token; past the end, the end of a sentence.
    pub fn before(&self, index: usize) -> Break {
        self.items.get(index).map_or(Break::Sentence, |t| t.before)
    }

    /// Returns all tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Token, &str)> {
        self.items.iter().map(|t| (t, self.folded.get(t.from..t.to).unwrap_or_default()))
    }

    /// Returns the sentence around a token, as a range of tokens.
    pub fn sentence_around(&self, index: usize) -> Range<usize> {
        let mut start = index.min(self.items.len());
        while start > 0 && self.before(start) < Break::Sentence {
            start -= 1;
        }
        let mut end = index + 1;
        while end < self.items.len() && self.before(end) < Break::Sentence {
            end += 1;
        }
        start..end
    }

    /// Question marks read, a run of them counted once.
    pub fn question_marks(&self) -> u32 {
        self.question_marks
    }

    /// Exclamation marks read, each counted.
    pub fn exclamation_marks(&self) -> u32 {
        self.exclamation_marks
    }
}

/// What a character is to the reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Apostrophe,
    Joiner,
    Symbol,
    Nothing,
    Other,
}

struct Reader {
    tokens: Tokens,
    pending: Break,
    /// First byte of the word being read.
    word_start: Option<usize>,
    word_end: usize,
    word_from: usize,
    apostrophe: Option<usize>,
    upper: u32,
    lower: u32,
    last: char,
    newlines: u8,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self {
            tokens: Tokens {
                folded: String::with_capacity(text.len() + 16),
                items: Vec::with_capacity(text.len() / 5 + 4),
                ..Tokens::default()
            },
            pending: Break::Sentence,
            word_start: None,
            word_end: 0,
            word_from: 0,
            apostrophe: None,
            upper: 0,
            lower: 0,
            last: ' ',
            newlines: 0,
        }
    }

    fn read(&mut self, text: &str, offset: usize) {
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, c)| *c);
            let start = offset + at;
            match kind(c) {
                Kind::Nothing => continue,
                Kind::Letter | Kind::Digit => self.push(c, start),
                Kind::Symbol => self.symbol(c, start),
                Kind::Apostrophe if self.word_start.is_some() && next.is_alphabetic() => {
                    self.apostrophe = Some(self.tokens.folded.len());
                    self.word_end = start + c.len_utf8();
                }
                Kind::Joiner if self.joins(c, next) => self.push(c, start),
                Kind::Apostrophe | Kind::Joiner | Kind::Other => self.between(c, next),
            }
            self.last = c;
        }
    }

    /// A dot or comma inside a number, or an underscore inside a word, belongs to it.
    fn joins(&self, c: char, next: char) -> bool {
        self.word_start.is_some()
            && match c {
                '_' => next.is_alphanumeric() && self.last.is_alphanumeric(),
                _ => next.is_ascii_digit() && self.last.is_ascii_digit(),
            }
    }

    fn push(&mut self, c: char, start: usize) {
        if self.word_start.is_none() {
            self.word_start = Some(start);
            self.word_from = self.tokens.folded.len();
            (self.upper, self.lower) = (0, 0);
        }
        self.word_end = start + c.len_utf8();
        if c.is_uppercase() {
            self.upper += 1;
        } else if c.is_lowercase() {
            self.lower += 1;
        }
        fold_char(c, &mut self.tokens.folded);
    }

    fn symbol(&mut self, c: char, start: usize) {
        self.end_word();
        let from = self.tokens.folded.len();
        self.tokens.folded.push(c);
        self.emit(from, start, start + c.len_utf8(), false);
    }

    fn between(&mut self, c: char, next: char) {
        let after_dot = self.last == '.';
        self.end_word();
        let found = match c {
            '\n' => {
                self.newlines = self.newlines.saturating_add(1);
                if self.newlines > 1 { Break::Sentence } else { Break::Line }
            }
            '?' => {
                if self.last != '?' {
                    self.tokens.question_marks += 1;
                }
                Break::Sentence
            }
            '!' => {
                self.tokens.exclamation_marks += 1;
                Break::Sentence
            }
            '.' if after_dot || next == '.' => Break::Comma,
            '.' if next.is_whitespace() && !self.after_abbreviation() => Break::Sentence,
            '.' if next.is_whitespace() => Break::Comma,
            ';' | '|' | '•' => Break::Sentence,
            ',' | ':' | '(' | ')' | '[' | ']' | '—' | '–' | '…' | '"' | '“' | '”' => {
                Break::Comma
            }
            '-' if self.last.is_whitespace() && next.is_whitespace() => Break::Comma,
            _ => Break::None,
        };
        self.pending = self.pending.max(found);
    }

    fn after_abbreviation(&self) -> bool {
        let last = self.tokens.items.len().wrapping_sub(1);
        variants::is_abbreviation(self.tokens.word(last))
    }

    fn end_word(&mut self) {
        let Some(start) = self.word_start.take() else { return };
        let caps = self.upper >= 2 && self.lower == 0;
        let apostrophe = self.apostrophe.take();
        let from = self.word_from;
        let end = self.word_end;
        squeeze(&mut self.tokens.folded, from);
        let to = self.tokens.folded.len();
        if to == from {
            return;
        }
        let word = self.tokens.folded.get(from..to).unwrap_or_default();
        let cut = apostrophe.and_then(|at| at.checked_sub(from));
        match variants::spelling(word, cut) {
            Spelling::AsIs => self.emit(from, start, end, caps),
            Spelling::Words(words) => {
                self.tokens.folded.truncate(from);
                for word in words {
                    let from = self.tokens.folded.len();
                    self.tokens.folded.push_str(word);
                    self.emit(from, start, end, caps);
                }
            }
            Spelling::Stem(keep, more) => {
                self.tokens.folded.truncate(from + keep);
                self.emit(from, start, end, caps);
                if !more.is_empty() {
                    let from = self.tokens.folded.len();
                    self.tokens.folded.push_str(more);
                    self.emit(from, start, end, caps);
                }
            }
        }
    }

    fn emit(&mut self, from: usize, start: usize, end: usize, caps: bool) {
        let before = std::mem::take(&mut self.pending);
        self.newlines = 0;
        let to = self.tokens.folded.len();
        self.tokens.items.push(Token { start, end, before, caps, from, to });
    }
}

fn kind(c: char) -> Kind {
    match c {
        'a'..='z' | 'A'..='Z' => Kind::Letter,
        '0'..='9' => Kind::Digit,
        '\'' | '’' | '‘' | '´' | '`' => Kind::Apostrophe,
        '.' | ',' | '_' => Kind::Joiner,
        _ if c.is_ascii() => {
            if is_dropped(c) {
                Kind::Nothing
            } else {
                Kind::Other
            }
        }
        _ if is_dropped(c) => Kind::Nothing,
        _ if is_symbol(c) => Kind::Symbol,
        _ if unicode_normalization::char::is_combining_mark(c) => Kind::Nothing,
        _ if c.is_alphanumeric() => Kind::Letter,
        _ => Kind::Other,
    }
}

/// True for emoji and the pictures that people use as such.
const fn is_symbol(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}')
}

/// Shortens letters held down ("urgenteeee", "cancelaaar") to one from the third repetition on.
fn squeeze(folded: &mut String, from: usize) {
    let word = folded.get(from..).unwrap_or_default();
    let bytes = word.as_bytes();
    let held = |w: &[u8]| matches!(w, [a, b, c] if a == b && b == c && a.is_ascii_alphabetic());
    if !bytes.windows(3).any(held) {
        return;
    }
    let mut short = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let mut run = 1;
        while chars.peek() == Some(&c) {
            chars.next();
            run += 1;
        }
        // A word of one letter only ("kkkk", "ooo") keeps three, or it would become that letter.
        let only = run == word.len();
        let keep = match run {
            3.. if only && c.is_ascii_alphabetic() => 3,
            3.. if c.is_ascii_alphabetic() => 1,
            _ => run,
        };
        short.extend(std::iter::repeat_n(c, keep));
    }
    folded.truncate(from);
    folded.push_str(&short);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Break, Tokens};

    fn words(text: &str) -> String {
        Tokens::of(text).iter().map(|(_, w)| w.to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_read_as_people_mean_them() {
        for (text, expected) in [
            ("Não consigo ACESSAR!!!", "nao consigo acessar"),
            ("vc n me respondeu pq?", "voce nao me respondeu porque"),
            ("I can't log in, won't pay", "i can not log in will not pay"),
            ("dont cannot it's customer's", "do not can not it is customer"),
            ("urgenteeeee cancelaaaar", "urgente cancelar"),
            ("R$ 1.234,56 em 2x", "r 1.234,56 em 2x"),
            ("e-mail [EMAIL_1] _oi_ *oi*", "e mail email_1 oi oi"),
            ("copo d’água", "copo dagua"),
            ("ok👍🏽❤️", "ok 👍 ❤"),
            ("consumidor.gov.br", "consumidor gov br"),
            ("pro\u{200b}con", "procon"),
            ("\0 \u{301} ...", ""),
            ("1000 5555555", "1000 5555555"),
            ("kkkkkk ooo", "kkk ooo"),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn breaks_tell_sentences_lines_and_commas_apart() {
        for (text, expected) in [
            ("a1. b1", Break::Sentence),
            ("a1... b1", Break::Comma),
            ("a1, b1", Break::Comma),
            ("a1\nb1", Break::Line),
            ("a1\n \nb1", Break::Sentence),
            ("a1!b1", Break::Sentence),
            ("a1.b1", Break::None),
            ("Sr. b1", Break::Comma),
            ("a1 - b1", Break::Comma),
            ("a1-b1", Break::None),
        ] {
            assert_eq!(Tokens::of(text).before(1), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_left_out_separates_like_a_sentence() {
        let text = "quero cancelar isto";
        let left_out = std::iter::once(6..15).collect::<Vec<_>>();
        let tokens = Tokens::without(text, &left_out);
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens.before(1), Break::Sentence);
        assert_eq!(text.get(tokens.get(1).unwrap().start..), Some("isto"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_spans_lie_on_character_bounds(text in "\\PC{0,80}|[ -~çã’\\n\\t.?!]{0,60}") {
            let tokens = Tokens::of(&text);
            for (token, word) in tokens.iter() {
                prop_assert!(!word.is_empty());
                prop_assert!(text.get(token.start..token.end).is_some());
            }
        }
    }
}
