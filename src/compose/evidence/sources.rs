//! What a draft may rest on: the sentences of the passages and of the ticket, read once.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use super::clauses::{self, Clause};
use super::figures::{self, Figure, Read};
use super::names::{self, Name, Shape, simple};
use super::passages::{PassageReader, ReadPassage};
use super::reach;
use super::stems::{self, Stem};
use super::words::plain;
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;
use crate::text::sentences;

/// Letters between a word and a figure at which the word says half as much about the figure.
const HALF_AS_NEAR: f64 = 15.0;
/// The same where the whole statement is compared, weighted by how rare its words are.
const HALF_AS_NEAR_WITHIN: f64 = 40.0;
/// How near the words of the sentence before count as standing.
const BEFORE: f64 = 0.15;
/// The same for what a draft's sentence before says.
const SAID_BEFORE: f64 = 0.1;
/// How near a heading's words count as standing to every figure below it.
const OVERHEAD: f64 = 0.3;

/// A sentence with everything that can be compared.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    /// Lower case, no marks, straight apostrophes.
    pub(super) plain: String,
    /// Plain words with one space around each.
    pub(super) words: String,
    pub(super) read: Read,
    pub(super) stems: Vec<Stem>,
    pub(super) set: BTreeSet<String>,
    pub(super) names: Vec<Name>,
    /// Stems of the heading above and of the list item's or table's lead.
    pub(super) around: BTreeSet<String>,
    /// It is an item of a list, whose subject the line above may name.
    pub(super) item: bool,
    /// It denies something.
    pub(super) denies: bool,
    /// It says "only" or "except": "only the Owner can" and "an Admin cannot" say the same.
    pub(super) restricts: bool,
    /// Its parts, each with whether it denies or restricts.
    pub(super) parts: Vec<(BTreeSet<String>, bool)>,
    clauses: Vec<Vec<usize>>,
    /// The name that a row of a list is about: "- **Starter:** up to 2 people".
    lead: Option<String>,
}

/// A sentence of a passage.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The number of its passage.
    pub(super) passage: usize,
    sentence: Arc<Sentence>,
}

impl Deref for Source {
    type Target = Sentence;

    fn deref(&self) -> &Sentence {
        &self.sentence
    }
}

impl Sentence {
    pub(super) fn of(text: &str, locale: Locale) -> Self {
        let plain = plain(text);
        let read = figures::of_plain(&plain, locale);
        let stems = stems::of(&read.text, locale);
        let names = names::of(text);
        let words = [" ", &names::words_of_plain(&plain), " "].concat();
        let in_order = stems::words(&plain);
        Self {
            parts: stems::parts(&in_order, locale),
            denies: stems::denies_any(&in_order, locale),
            restricts: reach::restricts(&words, locale),
            plain: plain.replace('’', "'"),
            words,
            set: stems.iter().map(|stem| stem.root.clone()).collect(),
            clauses: clauses::of(&stems, &read.text, &names),
            stems,
            read,
            names,
            around: BTreeSet::new(),
            item: text.starts_with(['-', '*', '•', '–', '·']),
            lead: lead(text),
        }
    }

    /// The share of this sentence's words that the given ones hold.
    pub(super) fn covered_by(&self, known: &BTreeSet<String>) -> f64 {
        share(&self.set, known)
    }

    /// The share of this sentence's words that a sentence, or what stands above it, holds; with another's words too.
    #[expect(clippy::cast_precision_loss, reason = "a sentence has a few words")]
    pub(super) fn covered_around(&self, source: &Self, other: Option<&Self>) -> f64 {
        let held = self.set.iter().filter(|stem| {
            source.set.contains(*stem)
                || source.around.contains(*stem)
                || other.is_some_and(|other| other.set.contains(*stem))
        });
        if self.set.is_empty() { 0.0 } else { held.count() as f64 / self.set.len() as f64 }
    }

    /// The stems around a figure, each with how near it stands, from 0 to 1.
    fn near(&self, figure: &Figure) -> BTreeMap<&str, f64> {
        self.near_span(figure.at, figure.at + figure.shown.len(), HALF_AS_NEAR)
    }

    /// Where words stand together in the text.
    pub(super) fn places<'s>(&'s self, words: &'s str) -> impl Iterator<Item = Place<'s>> {
        let text = self.read.text.as_str();
        let apart = move |at: usize| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(text.get(..at).and_then(|before| before.chars().next_back()))
                && edge(text.get(at + words.len()..).and_then(|after| after.chars().next()))
        };
        let found = text.match_indices(words).map(|(at, _)| at).filter(move |at| apart(*at));
        found.map(|at| Place { sentence: self, start: at, end: at + words.len(), names: true })
    }

    #[expect(clippy::cast_precision_loss, reason = "distances within a sentence are short")]
    fn near_span(&self, start: usize, end: usize, half: f64) -> BTreeMap<&str, f64> {
        let mut near = BTreeMap::new();
        for stem in &self.stems {
            let distance = start.saturating_sub(stem.at).max(stem.at.saturating_sub(end));
            let weight = 1.0 / (1.0 + distance as f64 / half);
            let most = near.entry(stem.root.as_str()).or_insert(weight);
            *most = weight.max(*most);
        }
        near
    }

    /// How far another sentence's figure is about what this one's is about, from 0 to 1.
    pub(super) fn alike(&self, figure: &Figure, other: &Self, others: &Figure) -> f64 {
        let (mine, theirs) = (self.near(figure), other.near(others));
        let all: f64 = mine.values().sum();
        if all <= 0.0 {
            return 0.0;
        }
        let shared = mine.iter().map(|(stem, weight)| {
            let other = theirs.get(stem).copied().unwrap_or_else(|| {
                // What stands in the heading above is about everything below it.
                if other.around.contains(*stem) { OVERHEAD } else { 0.0 }
            });
            weight.min(other)
        });
        shared.sum::<f64>() / all
    }

    /// The clauses. The words of menus and buttons state nothing.
    pub(super) fn clauses(&self) -> impl Iterator<Item = Clause<'_>> {
        self.clauses.iter().map(|of| Clause::new(&self.stems, of))
    }

    /// Whether the name closest to a figure here is one that the given sentence names too; `None` where no name is near.
    pub(super) fn beside(&self, figure: &Figure, sentence: &Self) -> Option<bool> {
        if let Some(lead) = &self.lead {
            let named =
                |word: &str| word.len() > 3 && sentence.words.contains(&format!(" {word} "));
            return Some(lead.split(' ').any(named));
        }
        let end = figure.at + figure.shown.len();
        let capitals = self.names.iter().filter(|name| name.shape == Shape::Capital);
        let nearest = capitals.filter_map(|name| {
            let first = name.plain.split(' ').next()?;
            let at = self.read.text.match_indices(first).map(|(at, _)| {
                figure.at.saturating_sub(at + first.len()).max(at.saturating_sub(end))
            });
            Some((at.min()?, name))
        });
        let (_, name) = nearest.min_by_key(|(distance, _)| *distance)?;
        Some(sentence.words.contains(&format!(" {} ", name.plain)))
    }
}

fn lead(text: &str) -> Option<String> {
    let row = text.strip_prefix("- ").or_else(|| text.strip_prefix("* "))?;
    let (lead, _) = row.split_once(':')?;
    let lead = simple(lead);
    (!lead.is_empty() && lead.split(' ').count() <= 3).then_some(lead)
}

/// The share of `wanted` that is in `known`; 0 for nothing wanted.
#[expect(clippy::cast_precision_loss, reason = "a sentence has a few words")]
pub(super) fn share(wanted: &BTreeSet<String>, known: &BTreeSet<String>) -> f64 {
    if wanted.is_empty() {
        return 0.0;
    }
    wanted.intersection(known).count() as f64 / wanted.len() as f64
}

/// Everything that a draft may rest on.
pub(super) struct Sources {
    pub(super) sentences: Vec<Source>,
    /// Per passage: every stem, heading included.
    pub(super) passages: Vec<Arc<BTreeSet<String>>>,
    pub(super) ticket: Vec<Sentence>,
    pub(super) ticket_stems: BTreeSet<String>,
    /// Everything said anywhere, as plain words.
    pub(super) words: String,
    /// Which menu entry stands somewhere under which.
    pub(super) menu: BTreeMap<String, BTreeSet<String>>,
    /// Made when it is first asked for: what says nothing that has a rival is examined without it.
    telling: OnceCell<HashMap<String, f64>>,
}

/// A place in a sentence: where a figure or a name stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    pub(super) sentence: &'s Sentence,
    pub(super) start: usize,
    pub(super) end: usize,
    /// It is a name, and no figure.
    names: bool,
}

impl<'s> Place<'s> {
    pub(super) fn of(sentence: &'s Sentence, figure: &Figure) -> Self {
        Self { sentence, start: figure.at, end: figure.at + figure.shown.len(), names: false }
    }

    fn spans(&self, stem: &Stem) -> bool {
        (self.start..self.end).contains(&stem.at)
    }

    /// True where two names could be two of a kind: the same word stands before or after both, or they share one.
    pub(super) fn is_named_like(&self, name: &Name, other: &Self, others: &Name) -> bool {
        let around = |place: &Self| {
            let text = &place.sentence.read.text;
            let word = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
            let before = text.get(..place.start).unwrap_or_default().split_whitespace().next_back();
            let after = text.get(place.end..).unwrap_or_default().split_whitespace().next();
            (before.map(word).unwrap_or_default(), after.map(word).unwrap_or_default())
        };
        let telling = |word: &str| word.len() > 3;
        let (mine, theirs) = (around(self), around(other));
        let contained = name.plain.contains(&others.plain) || others.plain.contains(&name.plain);
        let shares = name
            .plain
            .split(' ')
            .any(|word| telling(word) && others.plain.split(' ').any(|own| own == word));
        !contained
            && (telling(&mine.0) && mine.0 == theirs.0
                || telling(&mine.1) && mine.1 == theirs.1
                || shares)
    }
}

impl Sources {
    /// Reads the passages and what else is known: the ticket, the customer's name, approved sentences.
    pub(super) fn read(
        reader: &PassageReader,
        passages: &[Passage],
        ticket: &[&str],
        locale: Locale,
    ) -> Self {
        let mut sources = Self {
            sentences: Vec::new(),
            passages: Vec::new(),
            ticket: Vec::new(),
            ticket_stems: BTreeSet::new(),
            words: String::new(),
            menu: BTreeMap::new(),
            telling: OnceCell::new(),
        };
        for (at, passage) in passages.iter().enumerate() {
            sources.add(at, &reader.read(passage, locale));
        }
        for text in ticket {
            for range in sentences::split(text) {
                let sentence = Sentence::of(text.get(range).unwrap_or_default(), locale);
                sources.ticket_stems.extend(sentence.set.iter().cloned());
                sources.words.push_str(&sentence.words);
                sources.ticket.push(sentence);
            }
        }
        sources
    }

    fn add(&mut self, at: usize, read: &ReadPassage) {
        self.words.push_str(&read.words);
        for (above, below) in &read.menu {
            self.menu.entry(above.clone()).or_default().extend(below.iter().cloned());
        }
        let of = |sentence: &Arc<Sentence>| Source { passage: at, sentence: Arc::clone(sentence) };
        self.sentences.extend(read.sentences.iter().map(of));
        self.passages.push(Arc::clone(&read.stems));
    }

    /// How telling a stem of the passages is: the fewer of their sentences have it, the more. `None` for one of none.
    pub(super) fn telling(&self, stem: &str) -> Option<f64> {
        self.telling.get_or_init(|| self.weighed()).get(stem).copied()
    }

    #[expect(clippy::cast_precision_loss, reason = "passages have a few hundred sentences")]
    fn weighed(&self) -> HashMap<String, f64> {
        let mut with: HashMap<&str, f64> = HashMap::new();
        for stem in self.sentences.iter().flat_map(|sentence| &sentence.set) {
            *with.entry(stem).or_default() += 1.0;
        }
        let all = self.sentences.len() as f64;
        with.into_iter()
            .map(|(stem, with)| (stem.to_owned(), (all / (0.5 + with)).ln_1p()))
            .collect()
    }

    /// How far a place in the passages is about what a place in a draft is about: 0 for nothing, 1 and more for the
    /// same. `before` is what the draft's sentence before says.
    pub(super) fn about_the_same(
        &self,
        mine: Place<'_>,
        before: Option<&Sentence>,
        theirs: Place<'_>,
        theirs_at: usize,
    ) -> f64 {
        let mut wanted = mine.sentence.near_span(mine.start, mine.end, HALF_AS_NEAR_WITHIN);
        // A name is not about itself.
        for stem in mine.sentence.stems.iter().filter(|stem| mine.names && mine.spans(stem)) {
            wanted.remove(stem.root.as_str());
        }
        for stem in before.into_iter().flat_map(|sentence| &sentence.set) {
            wanted.entry(stem).or_insert(SAID_BEFORE);
        }
        let there = theirs.sentence.near_span(theirs.start, theirs.end, HALF_AS_NEAR_WITHIN);
        let of_passage = self.sentences.get(theirs_at).map(|source| source.passage);
        let previous = theirs_at.checked_sub(1).and_then(|at| self.sentences.get(at));
        let previous = previous.filter(|before| Some(before.passage) == of_passage);
        let (mut shared, mut whole) = (0.0, 0.0);
        for (stem, weight) in &wanted {
            let Some(telling) = self.telling(stem) else { continue };
            whole += weight * weight * telling;
            shared += weight
                * telling
                * match there.get(stem) {
                    Some(weight) => *weight,
                    None if theirs.sentence.around.contains(*stem) => OVERHEAD,
                    None if previous.is_some_and(|before| before.set.contains(*stem)) => BEFORE,
                    None => 0.0,
                };
        }
        if whole > 0.0 { shared / whole } else { 0.0 }
    }

    /// True where these words stand together somewhere.
    pub(super) fn say(&self, words: &str) -> bool {
        self.words.contains(&format!(" {words} "))
    }

    /// True where one sentence holds all of these words.
    pub(super) fn say_apart(&self, words: &str) -> bool {
        self.sentences.iter().any(|sentence| {
            words.split(' ').all(|word| sentence.words.contains(&format!(" {word} ")))
        })
    }
}
