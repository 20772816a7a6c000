//! The stretches of a text that are already spoken for, in order and without overlap.

use super::kind::Kind;

/// A stretch of bytes that later passes leave alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    /// True for a placeholder that the customer typed and that stays as it is.
    pub(super) kept: bool,
}

/// Claims of the passes so far, sorted, and those of the pass under way.
#[derive(Debug, Default)]
pub(super) struct Claims {
    settled: Vec<Claim>,
    fresh: Vec<Claim>,
}

impl Claims {
    /// Adds a stretch, which a pass finds from left to right; an empty or taken one is refused.
    pub(super) fn add(&mut self, claim: Claim) {
        let after_last = self.fresh.last().is_none_or(|last| last.end <= claim.start);
        if claim.start < claim.end && after_last && self.limit(claim.start) >= claim.end {
            self.fresh.push(claim);
        }
    }

    /// Ends a pass.
    pub(super) fn settle(&mut self) {
        if !self.fresh.is_empty() {
            self.settled.append(&mut self.fresh);
            self.settled.sort_unstable_by_key(|claim| claim.start);
        }
    }

    /// Returns where the settled claim after this byte begins; the byte itself inside a claim.
    pub(super) fn limit(&self, at: usize) -> usize {
        let next = self.settled.partition_point(|claim| claim.end <= at);
        self.settled.get(next).map_or(usize::MAX, |claim| claim.start.max(at))
    }

    /// Returns the settled claim that this byte lies in.
    pub(super) fn covering(&self, at: usize) -> Option<Claim> {
        let next = self.settled.partition_point(|claim| claim.end <= at);
        self.settled.get(next).copied().filter(|claim| claim.start <= at)
    }

    /// Returns the claim, of this pass too, that ends at or before this byte and lies nearest.
    pub(super) fn before(&self, at: usize) -> Option<Claim> {
        let next = self.settled.partition_point(|claim| claim.end <= at);
        let settled = next.checked_sub(1).and_then(|last| self.settled.get(last));
        let fresh = self.fresh.last().filter(|claim| claim.end <= at);
        settled.into_iter().chain(fresh).max_by_key(|claim| claim.end).copied()
    }

    /// Gives all settled claims in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.settled.iter()
    }
}
