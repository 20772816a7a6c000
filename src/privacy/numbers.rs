//! Numbers made of groups of digits, and which personal number each is.
//!
//! Check digits decide; a label or the usual punctuation masks a mistyped number too, because a
//! wrong digit does not make it less personal.

use super::checks;
use super::claims::{Claim, Claims};
use super::context::Context;
use super::keywords::{Label, label};
use super::kind::Kind;
use super::phones;

/// Most groups one number is written in (a boleto in fours has twelve).
const MAX_GROUPS: usize = 16;
/// Longest number that is looked at, in digits; the longest we know has 48.
const MAX_DIGITS: usize = 64;
/// Fewest digits of anything masked here.
const MIN_DIGITS: usize = 4;

pub(super) const SPACE: u8 = 1;
pub(super) const DOT: u8 = 2;
pub(super) const HYPHEN: u8 = 4;
pub(super) const SLASH: u8 = 8;
pub(super) const OPEN: u8 = 16;
pub(super) const CLOSE: u8 = 32;
pub(super) const LINE: u8 = 64;

/// Digits that follow each other without a break.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) end: usize,
    pub(super) len: usize,
    /// Digits up to and including this group.
    pub(super) total: usize,
    /// What stands between the group before and this one.
    pub(super) before: u8,
}

/// What stands to the left of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Free,
    /// A letter and a dot, hyphen or underscore: likely an article or serial number.
    Joined,
    Closed,
}

/// A number candidate: groups of digits from one place on.
#[derive(Debug, Default)]
pub(super) struct Number {
    pub(super) start: usize,
    pub(super) plus: bool,
    pub(super) paren: bool,
    joined: bool,
    groups: Vec<Group>,
    digits: Vec<u8>,
}

/// Returns the value of an ASCII or full-width digit.
pub(super) fn digit(c: char) -> Option<u8> {
    let value = match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        '０'..='９' => u32::from(c) - u32::from('０'),
        _ => return None,
    };
    u8::try_from(value).ok()
}

impl Number {
    /// Returns the group lengths of the first `count` groups.
    pub(super) fn shape(&self, count: usize) -> Vec<usize> {
        self.groups.iter().take(count).map(|group| group.len).collect()
    }

    /// Returns the group at this place.
    pub(super) fn group(&self, at: usize) -> Option<&Group> {
        self.groups.get(at)
    }

    /// Returns how many groups there are.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Returns the first `count` digits.
    pub(super) fn first(&self, count: usize) -> &[u8] {
        self.digits.get(..count).unwrap_or_default()
    }

    /// Returns what stands before each group but the first, for the first `count` groups.
    pub(super) fn marks(&self, count: usize) -> impl Iterator<Item = u8> + '_ {
        self.groups.iter().take(count).skip(1).map(|group| group.before)
    }

    /// Returns how many groups make exactly this many digits.
    fn groups_for(&self, digits: usize) -> Option<usize> {
        self.groups.iter().position(|group| group.total == digits).map(|at| at + 1)
    }

    fn read(&mut self, text: &str, at: usize, limit: usize) {
        self.start = at;
        self.groups.clear();
        self.digits.clear();
        let mut before = 0;
        let mut gap = 0;
        let mut open: Option<Group> = None;
        for (index, c) in text.get(at..limit).unwrap_or_default().char_indices() {
            if let Some(value) = digit(c) {
                let total = self.digits.len();
                let group = open.get_or_insert(Group { end: at, len: 0, total, before });
                group.len += 1;
                group.total += 1;
                group.end = at + index + c.len_utf8();
                if self.digits.len() < MAX_DIGITS {
                    self.digits.push(value);
                }
                continue;
            }
            if let Some(group) = open.take() {
                self.groups.push(group);
                if self.groups.len() == MAX_GROUPS || self.digits.len() == MAX_DIGITS {
                    return;
                }
                (before, gap) = (0, 0);
            }
            let Some(mark) = mark(c) else { break };
            before |= mark;
            gap += 1;
            if gap > 4 {
                break;
            }
        }
        self.groups.extend(open);
    }

    /// True when nothing after the first `count` groups says that the number goes on.
    pub(super) fn ends_at(&self, text: &str, claims: &Claims, count: usize) -> bool {
        let Some(last) = count.checked_sub(1).and_then(|at| self.groups.get(at)) else {
            return false;
        };
        if claims.covering(last.end).is_some() {
            return true;
        }
        let mut rest = text.get(last.end..).unwrap_or_default().chars();
        let mut is_digit = || rest.next().is_some_and(|c| digit(c).is_some());
        match text.get(last.end..).unwrap_or_default().chars().next() {
            Some(c) if c.is_alphanumeric() || c == '_' || c == '%' => false,
            Some('.' | '-' | ',') if claims.covering(last.end + 1).is_some() => true,
            Some('.' | '-') => {
                is_digit();
                !is_digit()
            }
            // One or two digits after a comma are cents; more are the next number of a list.
            Some(',') => {
                is_digit();
                !is_digit() || (is_digit() && is_digit())
            }
            _ => true,
        }
    }

    /// True when letters follow a hyphen at the end, as in article numbers.
    fn trails_letters(&self, text: &str, claims: &Claims, count: usize) -> bool {
        let end = count.checked_sub(1).and_then(|at| self.groups.get(at)).map_or(0, |g| g.end);
        let mut rest = text.get(end..).unwrap_or_default().chars();
        rest.next() == Some('-')
            && rest.next().is_some_and(char::is_alphabetic)
            && claims.covering(end + 1).is_none()
    }
}

/// Returns what a character between groups of digits is; `None` ends the number.
fn mark(c: char) -> Option<u8> {
    Some(match c {
        ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' => SPACE,
        '.' | '·' => DOT,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => HYPHEN,
        '/' => SLASH,
        '(' => OPEN,
        ')' => CLOSE,
        '\n' | '\r' => LINE,
        // Copied contacts carry invisible marks of direction.
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => 0,
        _ => return None,
    })
}

/// Claims every personal number of the text.
pub(super) fn find(text: &str, claims: &mut Claims) {
    let mut number = Number::default();
    let mut at = 0;
    while let Some(start) = next_digit(text, at) {
        if let Some(claim) = claims.covering(start) {
            at = claim.end;
            continue;
        }
        let limit = claims.limit(start).min(text.len());
        number.read(text, start, limit);
        let left = left_of(text, start, claims);
        let found = match left {
            Left::Closed => None,
            _ if number.digits.len() < MIN_DIGITS => None,
            _ => {
                number.joined = left == Left::Joined;
                number.take_prefix(text, start, claims);
                recognise(text, &number, start, claims)
            }
        };
        at = match found {
            Some((kind, end)) => {
                claims.add(Claim { start: number.start, end, kind, kept: false });
                end
            }
            None => number.group(0).map_or(start + 1, |group| group.end),
        };
    }
}

fn next_digit(text: &str, at: usize) -> Option<usize> {
    text.get(at..)?.find(|c| digit(c).is_some()).map(|index| at + index)
}

impl Number {
    /// Takes in a `+` or `(` that belongs to the number.
    fn take_prefix(&mut self, text: &str, start: usize, claims: &Claims) {
        (self.plus, self.paren) = (false, false);
        let floor = claims.before(start).map_or(0, |claim| claim.end);
        let mut position = start;
        for c in text.get(floor..start).unwrap_or_default().chars().rev().take(4) {
            match c {
                '(' if !self.paren && !self.plus => self.paren = true,
                '+' if !self.plus => self.plus = true,
                ' ' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => {
                    position -= c.len_utf8();
                    continue;
                }
                _ => break,
            }
            position -= c.len_utf8();
            self.start = position;
        }
        // A parenthesis belongs to the number only if it closes after the first group.
        let closes = self.groups.get(1).is_some_and(|group| group.before & CLOSE != 0);
        if self.paren && !closes {
            self.paren = false;
            if !self.plus {
                self.start = start;
            }
        }
    }
}

fn left_of(text: &str, start: usize, claims: &Claims) -> Left {
    let floor = claims.before(start).map_or(0, |claim| claim.end);
    let before = text.get(floor..start).unwrap_or_default();
    let mut back = before.chars().rev();
    let (last, second) = (back.next(), back.next());
    match (last, second) {
        (Some('-' | '.'), Some(c)) if digit(c).is_some() => Left::Closed,
        (Some('-' | '.' | '_' | '#'), Some(c)) if c.is_alphabetic() && !glued(before, 1) => {
            Left::Joined
        }
        (Some('_'), _) => Left::Joined,
        (Some(c), _) if c.is_alphabetic() => {
            if glued(before, 0) {
                Left::Free
            } else {
                Left::Closed
            }
        }
        (Some(c), _) if c.is_alphanumeric() => Left::Closed,
        _ if before.trim_end_matches([' ', '\u{a0}']).ends_with(['$', '€', '£']) => Left::Closed,
        _ => Left::Free,
    }
}

/// True when the word right before the number, without a space, is a label: "cpf52998224725".
fn glued(before: &str, marks: usize) -> bool {
    let word: Vec<char> = before
        .chars()
        .rev()
        .skip(marks)
        .take_while(|c| c.is_alphabetic())
        .take(16)
        .collect::<Vec<_>>();
    let word: String = word.into_iter().rev().collect();
    label(&super::names::folded(&word)).is_some_and(|found| found != Label::Order)
}

/// Says what the number is and where it ends.
fn recognise(text: &str, number: &Number, at: usize, claims: &Claims) -> Option<(Kind, usize)> {
    let end = number.groups.last().map_or(at, |group| group.end);
    let before = Context::before(text, number.start, claims);
    let around = before.or_after(text, end, claims);
    let scan = Scan { text, number, claims, before, around };
    scan.boleto()
        .or_else(|| scan.cnpj())
        .or_else(|| scan.cpf())
        .or_else(|| scan.card())
        .or_else(|| scan.labelled())
        .or_else(|| {
            let free = !number.joined;
            let fits = |count| phones::is_phone(text, number, claims, scan.around(count), count);
            let count = (1..=number.len().min(7)).rev().find(|count| free && fits(*count))?;
            scan.found(Kind::Phone, count)
        })
        .or_else(|| scan.cep())
}

/// One number under inspection.
struct Scan<'t> {
    text: &'t str,
    number: &'t Number,
    claims: &'t Claims,
    before: Context,
    /// What stands before, else what stands after the last group.
    around: Context,
}

impl Scan<'_> {
    /// Returns the context of the first `count` groups; only the last group touches what follows.
    fn around(&self, count: usize) -> Context {
        if count == self.number.len() { self.around } else { self.before }
    }

    fn found(&self, kind: Kind, count: usize) -> Option<(Kind, usize)> {
        Some((kind, self.number.group(count.checked_sub(1)?)?.end))
    }

    /// Returns the groups that make this many digits and end there, on one line.
    fn exactly(&self, digits: usize) -> Option<usize> {
        let count = self.number.groups_for(digits)?;
        let one_line = self.number.marks(count).all(|mark| mark & LINE == 0);
        (one_line && self.ends(count)).then_some(count)
    }

    fn ends(&self, count: usize) -> bool {
        self.number.ends_at(self.text, self.claims, count)
    }

    fn boleto(&self) -> Option<(Kind, usize)> {
        [48, 47, 44].into_iter().find_map(|length| {
            let count = self.number.groups_for(length).filter(|count| self.ends(*count))?;
            let digits = self.number.first(length);
            let utility = digits.first() == Some(&8);
            let plausible = match length {
                // Nothing else that people write has 47 digits, or 48 with an 8 in front.
                48 => utility,
                47 => true,
                _ => checks::boleto(digits),
            };
            let labelled = self.around(count).is(Label::Boleto);
            (plausible || labelled).then(|| self.found(Kind::Boleto, count))?
        })
    }

    fn cnpj(&self) -> Option<(Kind, usize)> {
        let count = self.exactly(14)?;
        let shape = self.number.shape(count);
        let last_slash = self.number.marks(count).any(|mark| mark & SLASH != 0);
        let usual = matches!(
            shape[..],
            [14] | [2, 3, 3, 4, 2] | [8, 4, 2] | [8, 6] | [2, 3, 3, 6] | [12, 2]
        );
        let formatted = matches!(shape[..], [2, 3, 3, 4, 2] | [8, 4, 2]) && last_slash;
        let valid = usual && checks::cnpj(self.number.first(14));
        (valid || formatted || self.around(count).is(Label::Cnpj))
            .then(|| self.found(Kind::Cnpj, count))?
    }

    fn cpf(&self) -> Option<(Kind, usize)> {
        if let Some(count) = self.exactly(11) {
            let around = self.around(count);
            let digits = self.number.first(11);
            let shape = self.number.shape(count);
            let bare = count == 1;
            let usual = matches!(shape[..], [11] | [3, 3, 3, 2] | [9, 2] | [3, 3, 5] | [3, 6, 2]);
            let marks: Vec<u8> = self.number.marks(count).collect();
            let formatted = matches!(shape[..], [3, 3, 3, 2])
                && matches!(marks[..], [DOT, DOT, last] if last & (HYPHEN | SLASH | DOT | SPACE) != 0);
            let mobile = phones::is_mobile(digits);
            let valid = usual && checks::cpf(digits) && !self.number.plus;
            let said_phone = bare && mobile && around.is(Label::Phone);
            let pix = bare && !mobile && around.is(Label::Pix);
            if !said_phone && (valid || formatted || pix || around.is(Label::Cpf)) {
                return self.found(Kind::Cpf, count);
            }
        }
        // A digit too few or too many.
        [12, 10, 9].into_iter().find_map(|length| {
            let count = self.exactly(length).filter(|count| *count <= 4)?;
            let around = self.around(count);
            let near = around.is(Label::Cpf) && around.distance <= 2;
            let count = near.then_some(count)?;
            self.found(Kind::Cpf, count)
        })
    }

    fn card(&self) -> Option<(Kind, usize)> {
        (13..=19).rev().find_map(|length| {
            let count = self.exactly(length)?;
            let around = self.around(count);
            let digits = self.number.first(length);
            let shape = self.number.shape(count);
            let (last, head) = shape.split_last()?;
            let fours = head.iter().all(|len| *len == 4) && (1..=4).contains(last);
            let grouped = count > 1 && fours || matches!(shape[..], [4, 6, 4 | 5]);
            let separated = self.number.marks(count).all(|mark| mark & (SLASH | OPEN | CLOSE) == 0);
            let issued = checks::card_issuer(digits);
            let valid = issued && checks::luhn(digits) && (grouped || count == 1);
            let formatted = grouped && issued && !around.order && !self.number.joined;
            (separated && (valid || formatted || around.is(Label::Card)))
                .then(|| self.found(Kind::Card, count))?
        })
    }

    /// What only a label makes personal.
    fn labelled(&self) -> Option<(Kind, usize)> {
        let said = |count: &usize, wanted: Label| {
            let around = self.around(*count);
            around.is(wanted) && around.distance <= 3
        };
        let longest = |lengths: &[usize]| lengths.iter().find_map(|length| self.exactly(*length));
        if let Some(count) = (1..=3).rev().find(|count| self.is_date(*count))
            && said(&count, Label::Birth)
        {
            return self.found(Kind::BirthDate, count);
        }
        if let Some(count) = self.exactly(8).filter(|count| said(count, Label::Cep)) {
            return self.found(Kind::Cep, count);
        }
        if let Some(found) = self.rg(&said) {
            return Some(found);
        }
        let count = longest(&[12, 11, 9, 8]).filter(|count| said(count, Label::Document))?;
        self.found(Kind::Document, count)
    }

    fn rg(&self, said: &dyn Fn(&usize, Label) -> bool) -> Option<(Kind, usize)> {
        let with_letter = [9, 8, 7].iter().find_map(|length| {
            let count = self.number.groups_for(*length).filter(|count| said(count, Label::Rg))?;
            let (kind, end) = self.found(Kind::Rg, count)?;
            Some((kind, self.with_check_letter(end)?))
        });
        with_letter.or_else(|| {
            let count = [10, 9, 8, 7].iter().find_map(|length| self.exactly(*length))?;
            said(&count, Label::Rg).then(|| self.found(Kind::Rg, count))?
        })
    }

    fn is_date(&self, count: usize) -> bool {
        let shape = self.number.shape(count);
        let marked =
            self.number.marks(count).all(|mark| mark & (SLASH | DOT | HYPHEN | SPACE) != 0);
        let date = matches!(shape[..], [1 | 2, 1 | 2, 2 | 4] | [4, 1 | 2, 1 | 2] | [8]);
        date && marked && self.ends(count)
    }

    /// An RG may end in X in place of a digit.
    fn with_check_letter(&self, end: usize) -> Option<usize> {
        let mut rest = self.text.get(end..).unwrap_or_default().chars();
        let mut length = 0;
        let mut next = rest.next();
        if next == Some('-') {
            length = 1;
            next = rest.next();
        }
        let alone = !rest.next().is_some_and(char::is_alphanumeric);
        (matches!(next, Some('x' | 'X')) && alone).then_some(end + length + 1)
    }

    fn cep(&self) -> Option<(Kind, usize)> {
        let count = self.exactly(8)?;
        let marks: Vec<u8> = self.number.marks(count).collect();
        let usual = match self.number.shape(count)[..] {
            [5, 3] => matches!(marks[..], [HYPHEN]),
            [2, 3, 3] => matches!(marks[..], [DOT, HYPHEN]),
            _ => false,
        };
        let plain = !self.number.joined && !self.around(count).order;
        (usual && plain && !self.number.trails_letters(self.text, self.claims, count))
            .then(|| self.found(Kind::Cep, count))?
    }
}
