//! Which sentences nobody can vouch for although nothing in them is wrong: they go to a person, never out by themselves.
//!
//! A finding must be right nearly always, because people read it as a complaint; a doubt only costs a look.

use std::collections::BTreeSet;

use super::courtesy;
use super::reach;
use super::sources::{Sentence, share};
use super::stems;
use super::{Best, Examiner};
use crate::domain::draft::{Doubt, LedgerEntry, Support};

/// The share of a sentence's words that its passage must hold: a model may put a false thing into a few right words.
const HELD: f64 = 0.67;
/// A rival this much less about the same leaves a value in doubt.
const NEARLY_AS_ALIKE: f64 = -0.2;
/// The same for names.
const NEARLY_AS_ALIKE_NAMED: f64 = -0.15;
/// Of a part's words, weighted, what a denial must hold to be about the same.
const HALF: f64 = 0.5;
/// Share of a short statement's words that the sentence must have as well.
const ABOUT: f64 = 0.25;
/// So many words of a sentence may say nothing by themselves.
const FEW: usize = 3;

impl Examiner<'_> {
    /// Returns why nobody can vouch for a sentence with this support.
    pub(super) fn doubt(
        &self,
        sentence: &Sentence,
        support: Support,
        best: &Best,
        passage: Option<usize>,
    ) -> Option<Doubt> {
        let asks = sentence.plain.trim_end().ends_with(['?', ':']);
        match support {
            Support::None => None,
            _ if asks => None,
            Support::Ticket if super::baits::repeats_customer(&sentence.plain) => None,
            Support::Passage => self.loosely_held(sentence, best, passage),
            Support::Template | Support::Ticket => self.unfounded(sentence),
        }
    }

    /// Words that rest on no passage: courtesy says nothing else, and a yes or no waits for what stands beside it.
    fn unfounded(&self, sentence: &Sentence) -> Option<Doubt> {
        let courtesy = courtesy::is_courtesy(&sentence.plain);
        let states = courtesy::clauses(&sentence.plain).any(|clause| self.states(clause));
        match (courtesy, states) {
            (true, false) => None,
            (true, true) => Some(Doubt::Aside),
            (false, false) if courtesy::is_kind(&sentence.plain) => None,
            (false, false) if courtesy::is_answer(&sentence.plain) => Some(Doubt::Answer),
            (false, _) => Some(Doubt::Loose),
        }
    }

    /// A clause says more than courtesy, and no passage holds it firmly.
    fn states(&self, clause: &str) -> bool {
        if courtesy::is_kind(clause) {
            return false;
        }
        let clause = Sentence::of(clause, self.input.locale);
        let known = |stem: &String| {
            stems::is_courteous(stem, self.input.locale)
                || stems::is_light(stem, self.input.locale)
                || self.sources.ticket_stems.contains(stem)
        };
        if clause.set.iter().all(known) && clause.read.figures.is_empty() {
            return false;
        }
        let best = self.best(&clause);
        best.covered <= 0.0 || self.loosely_held(&clause, &best, Some(best.passage)).is_some()
    }

    fn loosely_held(
        &self,
        sentence: &Sentence,
        best: &Best,
        passage: Option<usize>,
    ) -> Option<Doubt> {
        if self.share_held(sentence, passage) < HELD {
            return Some(Doubt::Loose);
        }
        if self.says_little(sentence, best) {
            return Some(Doubt::Loose);
        }
        let rival = sentence.read.figures.iter().any(|figure| {
            self.rival_of_figure(sentence, figure).is_some_and(|lead| lead > NEARLY_AS_ALIKE)
        }) || sentence.names.iter().any(|name| {
            self.rival_of_name(sentence, name).is_some_and(|(lead, _)| lead > NEARLY_AS_ALIKE_NAMED)
        });
        if rival {
            return Some(Doubt::Rival);
        }
        let sources: Vec<&Sentence> = best
            .sentences
            .iter()
            .filter_map(|at| self.sources.sentences.get(*at))
            .map(|one| &**one)
            .collect();
        if self.denies_alone(sentence, best, &sources) {
            return Some(Doubt::Denial);
        }
        let all = |one: &Sentence| reach::generalizes(&one.words, self.input.locale);
        if all(sentence) && !sources.iter().any(|one| all(one)) {
            return Some(Doubt::Breadth);
        }
        let half =
            |one: &Sentence| [" e mei", " and a half "].iter().any(|half| one.words.contains(half));
        if half(sentence) && !sources.iter().any(|one| half(one)) {
            return Some(Doubt::Rival);
        }
        let said: Vec<&str> = sources.iter().map(|one| one.words.as_str()).collect();
        if reach::contrary(&sentence.words, &said) {
            return Some(Doubt::Denial);
        }
        None
    }

    /// A few words without a value or a name can be put together to anything: one statement must be about nothing else.
    fn says_little(&self, sentence: &Sentence, best: &Best) -> bool {
        let checkable = !sentence.read.figures.is_empty() || !sentence.names.is_empty();
        if checkable || sentence.set.len() > FEW {
            return false;
        }
        // One word alone is about anything.
        if sentence.set.len() == 1 {
            return true;
        }
        !best.near.iter().filter_map(|at| self.sources.sentences.get(*at)).any(|source| {
            source.parts.iter().any(|(stems, _)| {
                share(&sentence.set, stems) >= 1.0 && share(stems, &sentence.set) >= ABOUT
            })
        })
    }

    /// The share of what a sentence states that its passage holds. Words that state nothing of the business count only
    /// where the passage has them.
    fn share_held(&self, sentence: &Sentence, passage: Option<usize>) -> f64 {
        let held = passage.and_then(|at| self.sources.passages.get(at));
        let tells = |stem: &&String| {
            held.is_some_and(|held| held.contains(*stem))
                || !stems::is_light(stem, self.input.locale)
        };
        let stated: BTreeSet<String> = sentence.set.iter().filter(tells).cloned().collect();
        match held {
            _ if stated.is_empty() => 1.0,
            None => 0.0,
            Some(held) => share(&stated, held),
        }
    }

    /// It denies or restricts what its sources say plainly, or says plainly what they deny or restrict.
    fn denies_alone(&self, sentence: &Sentence, best: &Best, sources: &[&Sentence]) -> bool {
        let restrained = |sentence: &Sentence| sentence.denies || sentence.restricts;
        let mut near = best.near.iter().filter_map(|at| self.sources.sentences.get(*at));
        if restrained(sentence) {
            return !near.any(|one| restrained(one)) && !sources.iter().any(|one| restrained(one));
        }
        let weight = |stems: &mut dyn Iterator<Item = &String>| -> f64 {
            stems.map(|stem| self.sources.telling(stem).unwrap_or_default()).sum()
        };
        sentence.parts.iter().any(|(stems, _)| {
            let (mut plain, mut denied): (f64, f64) = (0.0, 0.0);
            for (theirs, restrained) in self.sources.sentences.iter().flat_map(|one| &one.parts) {
                let shared = weight(&mut stems.intersection(theirs));
                let side = if *restrained { &mut denied } else { &mut plain };
                *side = side.max(shared);
            }
            denied > plain && denied >= weight(&mut stems.iter()) * HALF
        })
    }
}

/// "Yes, you can." stands where the sentence after it does and says the same.
pub(super) fn answers(draft: &[Sentence], ledger: &[LedgerEntry], doubts: &mut [Option<Doubt>]) {
    for at in 0..doubts.len() {
        if doubts.get(at) != Some(&Some(Doubt::Answer)) {
            continue;
        }
        let firm = |other: usize| {
            let stands = ledger.get(other).is_some_and(|entry| entry.support == Support::Passage)
                && doubts.get(other) == Some(&None);
            stands.then(|| draft.get(other)).flatten()
        };
        // What follows explains an answer; where nothing does, what stands before it.
        let beside = firm(at + 1).or_else(|| at.checked_sub(1).and_then(firm));
        let borne_out = draft
            .get(at)
            .zip(beside)
            .is_some_and(|(answer, beside)| answer.denies == (beside.denies || beside.restricts));
        if borne_out && let Some(doubt) = doubts.get_mut(at) {
            *doubt = None;
        }
    }
}
