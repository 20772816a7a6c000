//! The form of a placeholder, `[CPF_1]`: a kind's tag, an underscore and a number from 1.

use std::fmt;

use super::kind::Kind;

/// Largest number of a placeholder; bounds what is read as one.
pub(super) const MAX_NUMBER: u32 = 999_999;

/// Longest placeholder between its brackets, in bytes.
const MAX_INNER: usize = "BIRTH_DATE_999999".len();

/// A place for one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placeholder {
    pub(super) kind: Kind,
    pub(super) number: u32,
}

impl Placeholder {
    /// Reads `CPF_1`; only the canonical spelling counts, so that printing gives the same text.
    pub(super) fn parse(inner: &str) -> Option<Self> {
        let (tag, number) = inner.rsplit_once('_')?;
        let canonical = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number: u32 = canonical.then(|| number.parse().ok())??;
        let kind = Kind::from_tag(tag)?;
        (1..=MAX_NUMBER).contains(&number).then_some(Self { kind, number })
    }

    /// Returns `CPF_1`, the key under which a vault stores the value.
    pub(super) fn name(self) -> String {
        format!("{}_{}", self.kind.tag(), self.number)
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}_{}]", self.kind.tag(), self.number)
    }
}

/// Gives every placeholder of a text with the bytes it takes, in order.
pub(super) fn all_in(text: &str) -> impl Iterator<Item = (usize, usize, Placeholder)> + '_ {
    text.match_indices('[').filter_map(|(start, _)| {
        let rest = text.get(start + 1..)?;
        let close = rest.bytes().take(MAX_INNER + 1).position(|b| b == b']')?;
        let placeholder = Placeholder::parse(rest.get(..close)?)?;
        Some((start, start + close + 2, placeholder))
    })
}
