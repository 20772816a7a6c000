//! Finding tickets by words: which words of a text are kept, what a query asks for, what of a text is shown.
//!
//! Texts and queries are read by the same function, so that whatever was written alike is found: folded words with chat
//! spellings written out, whole e-mail addresses, and numbers without what people put between their digits.

mod query;
mod snippet;

use std::collections::BTreeMap;
use std::ops::Range;

use super::fold::fold;
use super::tokens::Tokens;
use crate::domain::phone;

pub use query::{Query, Term};
pub use snippet::{Part, snippet};

/// Longest word that is kept, in bytes; a longer one is cut, in texts and in queries alike.
const WORD_MAX: usize = 64;
/// Most words that are kept of one ticket.
const WORDS_MAX: usize = 400;
/// Most bytes that are read of one text.
const TEXT_MAX: usize = 20_000;
/// How many digits a number has that is kept in one piece, whatever stands between them.
const NUMBER: std::ops::RangeInclusive<usize> = 5..=20;
/// From so many digits on a number may be somebody's telephone.
const PHONE_LEAST: usize = 8;

/// Words that stand in nearly every text. In order, folded.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "am", "an", "and", "ao", "aos", "are", "as", "at", "be", "but", "by", "can", "com", "como", "da", "das", "de", "do", "dos", "ela",
    "ele", "em", "essa", "esse", "esta", "este", "estou", "eu", "foi", "for", "from", "has", "have", "in", "is", "isso", "it", "ja", "mais",
    "mas", "me", "meu", "minha", "muito", "my", "na", "nao", "nas", "no", "nos", "not", "of", "on", "or", "os", "ou", "para", "pela", "pelo",
    "por", "porque", "que", "se", "sem", "ser", "seu", "so", "sou", "sua", "tambem", "tem", "tenho", "ter", "that", "the", "there", "this",
    "to", "um", "uma", "voce", "was", "we", "will", "with", "would", "you", "your",
];

crate::domain::words! {
    /// Where a word of a query was found.
    Field {
        /// It is the ticket's number.
        Number = "number",
        /// In the subject line.
        Subject = "subject",
        /// In a message, theirs or ours.
        Message = "message",
        /// In a note of an agent.
        Note = "note",
        /// In the customer's name, reference or other data.
        Customer = "customer",
        /// It is, or is part of, an e-mail address of the customer.
        Email = "email",
        /// It is a telephone number of the customer.
        Phone = "phone",
        /// In a tag.
        Tag = "tag",
        /// In the name of a file.
        File = "file",
    }
}

impl Field {
    /// The bit by which a kept word tells that it stands in this field.
    pub const fn bit(self) -> i64 {
        1 << self as i64
    }
}

/// The words of a ticket, each with the fields that it stands in.
#[derive(Debug, Default)]
pub struct Bag {
    words: BTreeMap<String, i64>,
}

impl Bag {
    /// Adds the words of a text.
    pub fn text(&mut self, field: Field, text: &str) {
        read(text, |_, word| self.put(field, word));
    }

    /// Adds a telephone number in every form in which people look for it.
    pub fn phone(&mut self, written: &str) {
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        if let Some(key) = phone::key(written) {
            let last = key.len().saturating_sub(PHONE_LEAST);
            self.put(Field::Phone, key.get(last..).unwrap_or_default());
            for form in phone::forms(&key) {
                self.put(Field::Phone, &form);
            }
        }
        if NUMBER.contains(&digits.len()) {
            self.put(Field::Phone, &digits);
        }
    }

    /// True where no further word fits in.
    pub fn is_full(&self) -> bool {
        self.words.len() >= WORDS_MAX
    }

    /// Returns the words, each with the bits of its fields.
    pub fn into_words(self) -> BTreeMap<String, i64> {
        self.words
    }

    fn put(&mut self, field: Field, word: &str) {
        if let Some(fields) = self.words.get_mut(word) {
            *fields |= field.bit();
        } else if !self.is_full() && !word.is_empty() {
            self.words.insert(word.to_owned(), field.bit());
        }
    }
}

/// Hands over every word of a text that is kept, with its place in the text.
fn read(text: &str, mut each: impl FnMut(Range<usize>, &str)) {
    let text = begin(text, TEXT_MAX);
    for (token, word) in Tokens::of(text).iter().filter(|(_, word)| is_kept(word)) {
        each(token.start..token.end, begin(word, WORD_MAX));
    }
    for piece in pieces(text) {
        match piece.kind {
            Kind::Plain => {}
            Kind::Email(word) => each(piece.place, &word),
            Kind::Number(digits) => {
                let written = text.get(piece.place.clone()).unwrap_or_default();
                let key = (digits.len() >= PHONE_LEAST).then(|| phone::key(written)).flatten();
                each(piece.place.clone(), &digits);
                if let Some(key) = key.filter(|key| *key != digits) {
                    each(piece.place, &key);
                }
            }
        }
    }
}

/// True for a word that tells something: no sign, no single letter or digit, none that is everywhere.
fn is_kept(word: &str) -> bool {
    word.len() > 1
        && COMMON.binary_search(&word).is_err()
        && word.chars().any(char::is_alphanumeric)
}

/// Returns the first bytes of a text, whole characters only.
fn begin(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A part of a text between white space.
#[derive(Debug)]
struct Piece {
    place: Range<usize>,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// A whole address, folded.
    Email(String),
    /// The digits of a number; white space may stand between them.
    Number(String),
}

/// Signs around a word that are not part of it.
const AROUND: &[char] =
    &[',', ';', ':', '!', '?', '"', '\'', '<', '>', '[', ']', '{', '}', '*', '“', '”', '_'];

/// Takes a text apart at white space. Pieces of one number, such as `(11) 98765-4321`, are one piece.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut run = Run::default();
    let mut at = 0;
    for part in text.split_inclusive(char::is_whitespace) {
        let start = at;
        at += part.len();
        let piece = part.trim_end();
        let core = piece.trim_matches(AROUND);
        let from = start + piece.len() - piece.trim_start_matches(AROUND).len();
        if is_numeric(core) {
            run.add(core, from);
            if !piece.ends_with(core) || part.ends_with('\n') {
                run.end(&mut found);
            }
            continue;
        }
        if !piece.is_empty() || part.ends_with('\n') {
            run.end(&mut found);
        }
        if !core.is_empty() {
            found.push(word_or_address(core, from));
        }
    }
    run.end(&mut found);
    found
}

/// True for digits with what people write between them.
fn is_numeric(core: &str) -> bool {
    core.contains(|c: char| c.is_ascii_digit())
        && core.chars().all(|c| c.is_ascii_digit() || "+()-./#".contains(c))
}

fn word_or_address(core: &str, from: usize) -> Piece {
    let place = from..from + core.len();
    let address = core.trim_matches(|c: char| !c.is_alphanumeric());
    match address.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            let start = from + core.find(address).unwrap_or_default();
            let word = begin(&fold(address), WORD_MAX).to_owned();
            Piece { place: start..start + address.len(), kind: Kind::Email(word) }
        }
        _ => Piece { place, kind: Kind::Plain },
    }
}

/// A number that is being read.
#[derive(Default)]
struct Run {
    digits: String,
    place: Range<usize>,
}

impl Run {
    fn add(&mut self, core: &str, from: usize) {
        if self.digits.is_empty() {
            self.place.start = from;
        }
        self.place.end = from + core.len();
        self.digits.extend(core.chars().filter(char::is_ascii_digit));
    }

    fn end(&mut self, found: &mut Vec<Piece>) {
        let digits = std::mem::take(&mut self.digits);
        if digits.is_empty() {
            return;
        }
        let place = std::mem::take(&mut self.place);
        let kind = if NUMBER.contains(&digits.len()) { Kind::Number(digits) } else { Kind::Plain };
        found.push(Piece { place, kind });
    }
}

#[cfg(test)]
mod tests;
