//! Finds the statement of a passage that a draft turns round: a denial added or left out, or a word replaced by its
//! opposite.

use super::clauses::{Clause, Shared};
use super::finding::FindingKind;
use super::reach::{self, has};
use super::sources::Sentence;
use super::stems::Denied;
use super::{Best, Examiner};

/// Statements this much less alike than the closest one are as close.
const NEARLY: f64 = 0.1;

impl Examiner<'_> {
    /// A statement of a passage with a denial added or left out, or with one word turned to its opposite.
    pub(super) fn polarity(&mut self, text: &str, sentence: &Sentence, best: &Best) {
        for clause in sentence.clauses() {
            if let Some((stem, instead)) = self.contradicted(sentence, clause) {
                let found = word(sentence, &stem);
                self.find(FindingKind::Negation, text, &found, Some(instead));
                return;
            }
        }
        if best.single < 0.7 {
            return;
        }
        let nearest = || best.near.iter().filter_map(|at| self.sources.sentences.get(*at));
        for (one, two) in reach::OPPOSITES {
            for (mine, other) in [(one, two), (two, one)] {
                let turned =
                    |source: &Sentence| has(&source.words, other) && !has(&source.words, mine);
                if has(&sentence.words, mine)
                    && !has(&sentence.words, other)
                    && nearest().all(|source| turned(source))
                {
                    self.find(FindingKind::Negation, text, mine, Some((*other).to_owned()));
                    return;
                }
            }
        }
    }

    /// Returns the stem of a clause that the closest statement of the passages denies while the clause does not, or the
    /// other way round, with that statement.
    fn contradicted(&self, sentence: &Sentence, clause: Clause<'_>) -> Option<(String, String)> {
        let mut closest: Vec<(f64, bool, String, &Sentence)> = Vec::new();
        let mut shared = Vec::new();
        for source in &self.sources.sentences {
            for other in source.clauses() {
                clause.share(&other, &mut shared);
                let least = clause.len().min(other.len());
                let few = least == 1 && clause.len().max(other.len()) <= 2;
                // Half of what is said here, and most of the shorter of both, must be the same.
                if shared.is_empty()
                    || shared.len() < 2 && !few
                    || shared.len() * 5 < clause.len() * 2
                    || shared.len() * 5 < least * 3
                {
                    continue;
                }
                let Some(agree) = agree(clause.len(), other.len(), few, &shared) else { continue };
                let agree = agree || source.restricts != sentence.restricts;
                let all = clause.len() + other.len() - shared.len();
                #[expect(clippy::cast_precision_loss, reason = "a clause has a few words")]
                let alike = shared.len() as f64 / all as f64;
                let differs = shared.iter().find(|one| one.mine != one.theirs);
                let stem = differs.map_or("", |one| one.stem).to_owned();
                closest.push((alike, agree, stem, source));
            }
        }
        let most = closest.iter().map(|(alike, ..)| *alike).fold(0.0, f64::max);
        let mut near = closest.into_iter().filter(|(alike, ..)| *alike >= most - NEARLY).peekable();
        near.peek()?;
        let near: Vec<_> = near.collect();
        if near.iter().any(|(_, agree, ..)| *agree) {
            return None;
        }
        near.into_iter().next().map(|(_, _, stem, source)| (stem, source.plain.clone()))
    }
}

/// Whether two clauses of so many stems agree on whether what both say is so; `None` where that is not clear. In clauses
/// of a word or two (`few`) a denial is of the whole.
fn agree(mine: usize, theirs: usize, few: bool, shared: &[Shared<'_>]) -> Option<bool> {
    let shared: Vec<(Denied, Denied)> = shared
        .iter()
        .map(|one| (one.mine, one.theirs))
        .filter(|(mine, theirs)| *mine != Denied::Unclear && *theirs != Denied::Unclear)
        .collect();
    if shared.is_empty() {
        return None;
    }
    let denied_by = |who: fn(&(Denied, Denied)) -> Denied| {
        shared.iter().filter(move |pair| who(pair) == Denied::Yes)
    };
    let only = |pair: &(Denied, Denied)| {
        pair.0 != pair.1 && (pair.0 == Denied::No || pair.1 == Denied::No)
    };
    // "No coupon covers" and "coupons don't cover" deny the same thing at another word.
    let mine_more = denied_by(|pair| pair.0).any(only)
        && !denied_by(|pair| pair.1).any(|pair| pair.0 != Denied::Yes);
    let theirs_more = denied_by(|pair| pair.1).any(only)
        && !denied_by(|pair| pair.0).any(|pair| pair.1 != Denied::Yes);
    if few {
        // "None of your conversations are lost" does not deny the conversations, "we add no fee" does deny a fee.
        let whole = |stems: usize, denied: Denied| stems == 1 || denied == Denied::Reached;
        let opposite = |pair: &(Denied, Denied)| match *pair {
            (Denied::No, denied @ (Denied::Yes | Denied::Reached)) => whole(theirs, denied),
            (denied @ (Denied::Yes | Denied::Reached), Denied::No) => {
                whole(mine, denied) && theirs == 1
            }
            _ => false,
        };
        return Some(!shared.iter().any(opposite));
    }
    Some(!(mine_more || theirs_more))
}

/// The word of a sentence that a stem comes from.
fn word(sentence: &Sentence, stem: &str) -> String {
    let at = sentence.stems.iter().find(|known| known.root == stem).map_or(0, |known| known.at);
    let rest = sentence.read.text.get(at..).unwrap_or_default();
    rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
