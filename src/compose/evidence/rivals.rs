//! Values and names that stand in the passages, but where the passages say something else: a rival of the same sort
//! stands where they say what the sentence says.

use std::collections::BTreeSet;

use super::figures::{Figure, FigureKind};
use super::names::Name;
use super::sources::{self, Place, Sentence};
use super::stems;
use super::{Best, Examiner};

/// How much more a rival must be about the same for the value to be wrong.
const MORE_ALIKE: f64 = 0.2;
/// The same for names, whose kinds are less certain.
const MORE_ALIKE_NAMED: f64 = 0.35;

impl Examiner<'_> {
    /// The value stands in the passages, but another of its sort, which the draft nowhere says, stands where they say
    /// what the sentence says.
    pub(super) fn of_another_statement(&self, sentence: &Sentence, figure: &Figure) -> bool {
        // What is counted differs too much for one count to be another's rival.
        !matches!(figure.kind, FigureKind::Number | FigureKind::Code | FigureKind::Document)
            && self.rival_of_figure(sentence, figure).is_some_and(|lead| lead > MORE_ALIKE)
    }

    /// How much more a rival of a figure is about the same; `None` without a rival, or where the draft says it too.
    pub(super) fn rival_of_figure(&self, sentence: &Sentence, figure: &Figure) -> Option<f64> {
        let mine = Place::of(sentence, figure);
        let before = self.at.checked_sub(1).and_then(|at| self.draft.get(at));
        let said = |other: &Figure| {
            self.draft.iter().any(|own| own.read.figures.iter().any(|known| known.equals(other)))
        };
        let (mut own, mut rival): (f64, f64) = (0.0, 0.0);
        let mut rival_is_said = true;
        for (at, source) in self.sources.sentences.iter().enumerate() {
            for other in source.read.figures.iter().filter(|other| figure.is_of_sort(other)) {
                let theirs = Place::of(source, other);
                let same = self.sources.about_the_same(mine, before, theirs, at);
                if other.equals(figure) {
                    own = own.max(same);
                } else if same > rival {
                    (rival, rival_is_said) = (same, said(other));
                }
            }
        }
        (!rival_is_said).then_some(rival - own)
    }

    /// A name of the passages, but another of its kind ("plano Rede", "plano Livre"), which the draft nowhere says,
    /// stands where they say what the sentence says.
    pub(super) fn of_another_namesake(&self, sentence: &Sentence, name: &Name) -> Option<String> {
        let (lead, rival) = self.rival_of_name(sentence, name)?;
        (lead > MORE_ALIKE_NAMED).then_some(rival)
    }

    /// The same as for figures: how much a rival leads, and its name.
    pub(super) fn rival_of_name(&self, sentence: &Sentence, name: &Name) -> Option<(f64, String)> {
        let before = self.at.checked_sub(1).and_then(|at| self.draft.get(at));
        let mine = sentence.places(&name.plain).next()?;
        let said = |other: &Name| {
            self.draft.iter().any(|own| own.words.contains(&format!(" {} ", other.plain)))
        };
        let (mut own, mut rival): (f64, f64) = (0.0, 0.0);
        let mut instead = None;
        for (at, source) in self.sources.sentences.iter().enumerate() {
            for theirs in source.places(&name.plain) {
                own = own.max(self.sources.about_the_same(mine, before, theirs, at));
            }
            for other in source.names.iter().filter(|other| other.plain != name.plain) {
                let kin = |theirs: &Place<'_>| mine.is_named_like(name, theirs, other);
                for theirs in source.places(&other.plain).filter(kin) {
                    let same = self.sources.about_the_same(mine, before, theirs, at);
                    if same > rival {
                        rival = same;
                        instead = (!said(other)).then(|| other.shown.clone());
                    }
                }
            }
        }
        instead.filter(|_| own > 0.0).map(|instead| (rival - own, instead))
    }

    /// The value stands in a list or table, but beside another name than the sentence's.
    pub(super) fn of_another_row(&self, sentence: &Sentence, figure: &Figure, right: f64) -> bool {
        let same_count =
            |other: &Figure| figure.kind != FigureKind::Number || other.of == figure.of;
        let mut other_row = false;
        for source in &self.sources.sentences {
            for other in &source.read.figures {
                let beside = source.beside(other, sentence);
                if other.equals(figure) {
                    if beside != Some(false) {
                        return false;
                    }
                } else if other.kind == figure.kind && beside == Some(true) && same_count(other) {
                    other_row |= sentence.alike(figure, source, other) >= right - 0.1;
                }
            }
        }
        other_row
    }

    /// A name that exists, but stands where the same statement has another one.
    pub(super) fn replaced(&self, sentence: &Sentence, name: &Name, best: &Best) -> Option<String> {
        let own: BTreeSet<String> =
            stems::of(&name.plain, self.input.locale).into_iter().map(|stem| stem.root).collect();
        let rest: BTreeSet<String> = sentence.set.difference(&own).cloned().collect();
        if rest.len() < 2 {
            return None;
        }
        let mut instead = None;
        for source in &self.sources.sentences {
            let covered = sources::share(&rest, &source.set);
            if source.words.contains(&format!(" {} ", name.plain))
                || own.iter().all(|stem| source.set.contains(stem))
            {
                if covered >= 0.5
                    || best
                        .near
                        .iter()
                        .filter_map(|at| self.sources.sentences.get(*at))
                        .any(|near| std::ptr::eq(near, source))
                {
                    return None;
                }
                continue;
            }
            if covered < 0.75 {
                continue;
            }
            let other = source.names.iter().find(|other| {
                other.shape == name.shape
                    && !sentence.words.contains(&format!(" {} ", other.plain))
                    && (name.under.is_none() || other.under == name.under)
            });
            if let Some(other) = other {
                instead = Some(other.shown.clone());
            }
        }
        instead
    }
}
