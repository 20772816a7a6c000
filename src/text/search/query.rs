//! What a query asks for: words that must all be there, phrases, and the ticket whose number it is.

use super::{Field, Kind, PHONE_LEAST, WORD_MAX, begin, is_kept, pieces, read};
use crate::domain::ids::TicketNumber;
use crate::domain::phone;
use crate::text::fold::fold;
use crate::text::tokens::Tokens;

/// Longest query that is read, in bytes.
const QUERY_MAX: usize = 512;
/// Most terms of a query; further words are passed over.
const TERMS_MAX: usize = 10;
/// The shortest beginning of a word that is looked for, in characters.
const PREFIX_LEAST: usize = 2;

/// Something that must be there, in one of its forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// Any of these words.
    pub words: Vec<String>,
    /// Or any word that begins like this.
    pub prefix: Option<String>,
}

impl Term {
    /// True for a kept word that this term asks for.
    pub fn matches(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
            || self.prefix.as_ref().is_some_and(|prefix| word.starts_with(prefix.as_str()))
    }

    fn word(word: &str) -> Self {
        Self { words: vec![begin(word, WORD_MAX).to_owned()], prefix: None }
    }

    fn prefix(word: &str) -> Self {
        Self { words: Vec::new(), prefix: Some(begin(word, WORD_MAX).to_owned()) }
    }
}

/// A query as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What must all be there.
    pub terms: Vec<Term>,
    /// The running numbers of tickets that it names, surest first.
    pub numbers: Vec<u64>,
    phrases: Vec<Vec<String>>,
}

impl Query {
    /// Reads a query: words, of which the last may be a beginning; phrases in quotes; an e-mail address, a telephone or
    /// another number in any spelling; or the number of a ticket, with or without its check digit.
    pub fn parse(text: &str) -> Self {
        let text = begin(text, QUERY_MAX).trim();
        let mut query = Self { numbers: numbers(text), ..Self::default() };
        let mut segments = text.split(['"', '“', '”']).peekable();
        let mut quoted = false;
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            // A quote that is still open is words so far.
            if quoted && !is_last {
                query.phrase(segment);
            } else {
                query.plain(segment, is_last);
            }
            quoted = !quoted;
        }
        let mut terms: Vec<Term> = Vec::new();
        for term in query.terms.drain(..) {
            if !terms.contains(&term) && terms.len() < TERMS_MAX {
                terms.push(term);
            }
        }
        query.terms = terms;
        query
    }

    /// True where it asks for nothing that could be found.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.numbers.is_empty()
    }

    /// True where words must stand side by side, which only the texts can tell.
    pub fn has_phrases(&self) -> bool {
        !self.phrases.is_empty()
    }

    /// True where each phrase stands in one of these texts.
    pub fn phrases_are_in<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let mut open: Vec<&[String]> = self.phrases.iter().map(Vec::as_slice).collect();
        for text in texts {
            if open.is_empty() {
                break;
            }
            let tokens = Tokens::of(text);
            let words: Vec<&str> = tokens.iter().map(|(_, word)| word).collect();
            open.retain(|phrase| !words.windows(phrase.len()).any(|window| window == *phrase));
        }
        open.is_empty()
    }

    /// Returns the places of the words in a text that this query asks for, in order and apart, and how many terms they
    /// satisfy.
    pub(super) fn marks(&self, text: &str) -> (Vec<std::ops::Range<usize>>, usize) {
        let mut places = Vec::new();
        let mut satisfied = vec![false; self.terms.len()];
        read(text, |place, word| {
            for (term, satisfied) in self.terms.iter().zip(&mut satisfied) {
                if term.matches(word) {
                    *satisfied = true;
                    places.push(place.clone());
                }
            }
        });
        places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
        let mut apart: Vec<std::ops::Range<usize>> = Vec::with_capacity(places.len());
        for place in places {
            if apart.last().is_none_or(|last| last.end <= place.start) {
                apart.push(place);
            }
        }
        (apart, satisfied.into_iter().filter(|satisfied| *satisfied).count())
    }

    /// Returns the fields of a kept word's bits.
    pub fn fields(bits: i64) -> Vec<Field> {
        Field::ALL.iter().copied().filter(|field| bits & field.bit() != 0).collect()
    }

    fn phrase(&mut self, text: &str) {
        let tokens = Tokens::of(text);
        let words: Vec<String> = tokens.iter().map(|(_, word)| word.to_owned()).collect();
        self.terms.extend(words.iter().filter(|word| is_kept(word)).map(|word| Term::word(word)));
        if words.len() > 1 {
            self.phrases.push(words);
        }
    }

    fn plain(&mut self, text: &str, ends_here: bool) {
        let pieces = pieces(text);
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            let is_last = ends_here && at == last;
            let written = text.get(piece.place).unwrap_or_default();
            match piece.kind {
                Kind::Email(word) => self.terms.push(address(&word, is_last)),
                Kind::Number(digits) => self.terms.push(number(&digits, written, is_last)),
                Kind::Plain => self.words(written, is_last),
            }
        }
    }

    fn words(&mut self, written: &str, is_last: bool) {
        let tokens = Tokens::of(written);
        let count = tokens.len();
        let before = self.terms.len();
        for (at, (token, word)) in tokens.iter().enumerate() {
            let raw = fold(written.get(token.start..token.end).unwrap_or_default());
            if is_last && at + 1 == count && is_kept(word) && word.chars().count() >= PREFIX_LEAST {
                // A beginning may look like a chat spelling of another word.
                let words = if raw == word { Vec::new() } else { vec![word.to_owned()] };
                let prefix = if raw.is_empty() || raw.contains('\'') { word } else { &raw };
                self.terms.push(Term { words, ..Term::prefix(prefix) });
            } else if is_kept(word) {
                self.terms.push(Term::word(word));
            }
        }
        // On its own even a word that is everywhere is the beginning of others.
        let raw = fold(written);
        let is_word = raw.chars().count() >= PREFIX_LEAST && raw.chars().all(char::is_alphanumeric);
        if is_last && is_word && before == 0 && self.terms.is_empty() {
            self.terms.push(Term::prefix(&raw));
        }
    }
}

/// An address that has its whole domain is meant as it stands.
fn address(word: &str, is_last: bool) -> Term {
    let ending = word.rsplit_once('.').map_or("", |(_, ending)| ending);
    let whole = word.contains('@') && ending.len() > 1 && !ending.contains('@');
    if whole || !is_last { Term::word(word) } else { Term::prefix(word) }
}

/// A number in every form in which it may have been kept.
fn number(digits: &str, written: &str, is_last: bool) -> Term {
    if digits.len() < PHONE_LEAST {
        return if is_last { Term::prefix(digits) } else { Term::word(digits) };
    }
    let mut term = Term::word(digits);
    if let Some(key) = phone::key(written) {
        term.words.extend(phone::forms(&key));
    }
    // Without an area code, the last digits are all that can be compared.
    if let Some(last) = digits.len().checked_sub(PHONE_LEAST).filter(|more| *more <= 1) {
        term.words.push(digits.get(last..).unwrap_or_default().to_owned());
    }
    term.words.sort();
    term.words.dedup();
    term
}

/// The tickets that a query can name, where it is a number and nothing else.
fn numbers(text: &str) -> Vec<u64> {
    let text = text.trim_start_matches('#').trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ');
    if digits.is_empty() || digits.len() > 18 || !plain {
        return Vec::new();
    }
    let checked = TicketNumber::parse(text).map(TicketNumber::running);
    // A dash announces the check digit.
    let running = digits.parse().ok().filter(|running| *running > 0 && !text.contains('-'));
    let mut numbers: Vec<u64> = checked.into_iter().chain(running).collect();
    numbers.dedup();
    numbers
}
