//! The clauses of a sentence, for comparing what one denies with what another denies.

use std::collections::BTreeMap;

use super::names::{Name, Shape};
use super::stems::{Denied, Stem};

/// A clause: its stems, each once and in their order, with how the last of them is denied.
#[derive(Clone, Copy)]
pub(super) struct Clause<'s> {
    stems: &'s [Stem],
    of: &'s [usize],
}

/// A stem that two clauses share, with how each denies it.
#[derive(Clone, Copy)]
pub(super) struct Shared<'s> {
    pub(super) stem: &'s str,
    pub(super) mine: Denied,
    pub(super) theirs: Denied,
}

/// Cuts a sentence's stems into its clauses; the words of menus and buttons are left out.
pub(super) fn of(stems: &[Stem], text: &str, names: &[Name]) -> Vec<Vec<usize>> {
    let mut clauses: BTreeMap<usize, BTreeMap<&str, usize>> = BTreeMap::new();
    let is_marked = |word: &str| {
        let mut marked = names.iter().filter(|name| name.shape == Shape::Marked);
        marked.any(|name| name.plain.split(' ').any(|part| part == word))
    };
    for (at, stem) in stems.iter().enumerate() {
        let rest = text.get(stem.at..);
        let word = rest.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
        if !word.is_some_and(is_marked) {
            clauses.entry(stem.clause).or_default().insert(&stem.root, at);
        }
    }
    clauses.into_values().map(|stems| stems.into_values().collect()).collect()
}

impl<'s> Clause<'s> {
    pub(super) const fn new(stems: &'s [Stem], of: &'s [usize]) -> Self {
        Self { stems, of }
    }

    /// Returns how many stems it has.
    pub(super) const fn len(&self) -> usize {
        self.of.len()
    }

    fn iter(&self) -> impl Iterator<Item = &'s Stem> + use<'s> {
        let stems = self.stems;
        self.of.iter().filter_map(move |at| stems.get(*at))
    }

    /// Puts the stems that both have into `shared`, in their order.
    pub(super) fn share(&self, other: &Clause<'_>, shared: &mut Vec<Shared<'s>>) {
        shared.clear();
        let mut theirs = other.iter().peekable();
        for mine in self.iter() {
            while theirs.next_if(|stem| stem.root < mine.root).is_some() {}
            if let Some(both) = theirs.next_if(|stem| stem.root == mine.root) {
                shared.push(Shared { stem: &mine.root, mine: mine.denied, theirs: both.denied });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::Sentence;
    use super::*;
    use crate::domain::labels::Locale;

    fn shared(one: &str, other: &str) -> Vec<(String, Denied, Denied)> {
        let read = |text: &str| Sentence::of(text, Locale::En);
        let (one, other) = (read(one), read(other));
        let (Some(mine), Some(theirs)) = (one.clauses().next(), other.clauses().next()) else {
            return Vec::new();
        };
        let mut shared = Vec::new();
        mine.share(&theirs, &mut shared);
        shared.iter().map(|one| (one.stem.to_owned(), one.mine, one.theirs)).collect()
    }

    #[test]
    fn two_clauses_share_what_both_say_and_how_each_denies_it() {
        let both = shared("We charge interest.", "The bank does not charge interest.");
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(both.is_sorted_by(|a, b| a.0 < b.0), "{both:?}");
        assert!(both.iter().all(|(_, mine, theirs)| *mine == Denied::No && *theirs != Denied::No));
        assert!(shared("We charge interest.", "Open the garden.").is_empty());
        // A word that stands twice counts once.
        assert_eq!(shared("Interest on interest", "Interest").len(), 1);
        // What a button is called states nothing.
        assert!(shared("Tap **Interest**", "Interest").is_empty());
    }
}
