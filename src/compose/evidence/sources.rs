//! What a draft may rest on: the sentences of the passages and of the ticket, read once.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::{Figure, Read, read};
use super::names::{self, Name, Shape, simple};
use super::stems::{self, Denied, Stem};
use super::words::plain;
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;
use crate::text::sentences;

/// Letters between a word and a figure at which the word says half as much about the figure.
const HALF_AS_NEAR: f64 = 15.0;
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
    /// The name that a row of a list is about: "- **Starter:** up to 2 people".
    lead: Option<String>,
    /// The passage it is from.
    pub(super) passage: usize,
}

impl Sentence {
    pub(super) fn of(text: &str, locale: Locale) -> Self {
        let read = read(text, locale);
        let stems = stems::of(&read.text, locale);
        Self {
            plain: plain(text).replace('’', "'"),
            words: format!(" {} ", simple(text)),
            set: stems.iter().map(|stem| stem.root.clone()).collect(),
            stems,
            read,
            names: names::of(text),
            around: BTreeSet::new(),
            item: text.starts_with(['-', '*', '•', '–', '·']),
            lead: lead(text),
            passage: 0,
        }
    }

    /// The share of this sentence's words that the given ones hold.
    pub(super) fn covered_by(&self, known: &BTreeSet<String>) -> f64 {
        share(&self.set, known)
    }

    /// The stems around a figure, each with how near it stands, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "distances within a sentence are short")]
    fn near(&self, figure: &Figure) -> BTreeMap<&str, f64> {
        let end = figure.at + figure.shown.len();
        let mut near = BTreeMap::new();
        for stem in &self.stems {
            let distance = figure.at.saturating_sub(stem.at).max(stem.at.saturating_sub(end));
            let weight = 1.0 / (1.0 + distance as f64 / HALF_AS_NEAR);
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

    /// The clauses, each as its stems with how they are denied. The words of menus and buttons state nothing.
    pub(super) fn clauses(&self) -> Vec<BTreeMap<&str, Denied>> {
        let mut clauses: BTreeMap<usize, BTreeMap<&str, Denied>> = BTreeMap::new();
        let named = |word: &str| {
            self.names
                .iter()
                .filter(|name| name.shape == Shape::Marked)
                .any(|name| name.plain.split(' ').any(|part| part == word))
        };
        for stem in &self.stems {
            let word = self
                .read
                .text
                .get(stem.at..)
                .and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            if word.is_some_and(named) {
                continue;
            }
            clauses.entry(stem.clause).or_default().insert(&stem.root, stem.denied);
        }
        clauses.into_values().collect()
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

    /// It says "only" or "except": "only the Owner can" and "an Admin cannot" say the same.
    pub(super) fn restricts(&self) -> bool {
        // "É só conectar" restricts nothing.
        let words =
            self.words.replace(" e so ", " ").replace(" not only ", " ").replace(" nao so ", " ");
        words.split(' ').any(|word| {
            matches!(
                word,
                "so" | "somente" | "apenas" | "only" | "except" | "exceto" | "unless" | "salvo"
            )
        })
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
    pub(super) sentences: Vec<Sentence>,
    /// Per passage: every stem, heading included.
    pub(super) passages: Vec<BTreeSet<String>>,
    pub(super) ticket: Vec<Sentence>,
    pub(super) ticket_stems: BTreeSet<String>,
    /// Everything said anywhere, as plain words.
    pub(super) words: String,
    /// Which menu entry stands somewhere under which.
    pub(super) menu: BTreeMap<String, BTreeSet<String>>,
}

impl Sources {
    /// Reads the passages and what else is known: the ticket, the customer's name, approved sentences.
    pub(super) fn read(passages: &[Passage], ticket: &[&str], locale: Locale) -> Self {
        let mut sources = Self {
            sentences: Vec::new(),
            passages: Vec::new(),
            ticket: Vec::new(),
            ticket_stems: BTreeSet::new(),
            words: String::new(),
            menu: BTreeMap::new(),
        };
        for (at, passage) in passages.iter().enumerate() {
            sources.add(at, passage, locale);
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

    fn add(&mut self, at: usize, passage: &Passage, locale: Locale) {
        let heading = Sentence::of(&passage.heading, locale);
        let mut all = heading.set.clone();
        let mut around = heading.set.clone();
        self.words.push_str(&heading.words);
        let ranges = sentences::split(&passage.text);
        // "A bigger plan starts at once; a smaller one at the renewal" makes two statements.
        let statements = ranges
            .into_iter()
            .flat_map(|range| passage.text.get(range).unwrap_or_default().split("; "));
        for text in statements {
            let mut sentence = Sentence::of(text, locale);
            if text.starts_with('#') {
                around.clone_from(&sentence.set);
            }
            sentence.passage = at;
            sentence.around.clone_from(&around);
            all.extend(sentence.set.iter().cloned());
            self.words.push_str(&sentence.words);
            self.paths(&sentence);
            self.sentences.push(sentence);
        }
        // A name may run over the end of what was taken for a sentence.
        self.words.extend([" ", simple(&passage.text).as_str(), " "]);
        self.passages.push(all);
    }

    /// Notes which entries stand under which.
    fn paths(&mut self, sentence: &Sentence) {
        let mut above: Vec<&str> = Vec::new();
        for name in sentence.names.iter().filter(|name| name.shape == Shape::Marked) {
            if name.under.is_none() {
                above.clear();
            }
            for parent in &above {
                self.menu.entry((*parent).to_owned()).or_default().insert(name.plain.clone());
            }
            above.push(&name.plain);
        }
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
