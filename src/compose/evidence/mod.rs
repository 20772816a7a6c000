//! The evidence ledger of a draft that was not put together from approved words: a model's or a person's.
//!
//! Each sentence is accounted for by a passage, by the ticket, or as mere courtesy, or by nothing; and whatever can
//! be looked up (amounts, shares, dates, deadlines, codes, links, addresses, names, denials, commitments) is looked
//! up. Deterministic, without a model: each finding names the sentence and the words in it.

mod baits;
mod clauses;
mod courtesy;
mod doubt;
mod figures;
mod finding;
mod lexicon;
mod names;
mod numerals;
mod passages;
mod polarity;
mod promises;
mod reach;
mod rivals;
mod sources;
mod stems;

use std::collections::BTreeSet;

use super::{verify, words};
use crate::domain::draft::{Doubt, LedgerEntry, Passage, Support};
use crate::domain::labels::Locale;
use crate::text::sentences;
pub use baits::contacts_not_in;
use baits::repeats_customer;
use doubt::answers;
use figures::{Figure, FigureKind};
pub use finding::{Finding, FindingKind};
use names::{Name, Shape};
pub use passages::PassageReader;
use sources::{Sentence, Sources};

/// Share of a sentence's words that one or two sentences of a passage must hold for it to be supported.
const SUPPORTED: f64 = 0.25;
/// The same where its figures or names are found there too.
const SUPPORTED_WITH_FIGURES: f64 = 0.2;
/// The same for the passage as a whole, or the ticket.
const SUPPORTED_BY_WHOLE: f64 = 0.6;
/// Share of a sentence's words that the ticket must hold for it to tell the customer's story back.
const TOLD: f64 = 0.5;
/// How many sentences are tried as the first of a pair.
const FIRST_TRIES: usize = 12;
/// How much closer another value must be, in what it is about, to be the one that was meant.
const CLOSER: f64 = 0.3;

/// What a draft is examined against.
#[derive(Clone, Copy, Debug)]
pub struct ExamineInput<'a> {
    /// Reads the passages.
    pub reader: &'a PassageReader,
    /// The language the customer should read.
    pub locale: Locale,
    /// The passages that the ledger's indices mean.
    pub passages: &'a [Passage],
    /// What the customer wrote, and what else is known of them and may be said to them.
    pub ticket: &'a [&'a str],
    /// The customer's name, where it is known.
    pub customer: Option<&'a str>,
    /// Sentences that may be said as they are: the policy's own.
    pub approved: &'a [&'a str],
}

/// The result: what is wrong, and sentence by sentence what supports the draft.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Nothing, for a draft that may be said.
    pub findings: Vec<Finding>,
    /// One entry a sentence.
    pub ledger: Vec<LedgerEntry>,
}

/// Examines a draft.
pub fn examine(draft: &str, input: &ExamineInput<'_>) -> Evidence {
    let sources = Sources::read(input.reader, input.passages, input.ticket, input.locale);
    let approved: Vec<String> = input.approved.iter().map(|text| names::simple(text)).collect();
    let texts: Vec<&str> =
        sentences::split(draft).into_iter().filter_map(|range| draft.get(range)).collect();
    let read: Vec<Sentence> = texts.iter().map(|text| Sentence::of(text, input.locale)).collect();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for sentence in read.iter().filter(|sentence| courtesy::is_courtesy(&sentence.plain)) {
        known.extend(sentence.words.split_whitespace().map(str::to_owned));
    }
    let mut examiner =
        Examiner { input, sources: &sources, draft: &read, at: 0, known, findings: Vec::new() };
    let (mut ledger, mut doubts) = (Vec::new(), Vec::new());
    for (at, (text, sentence)) in texts.iter().zip(&read).enumerate() {
        examiner.at = at;
        let said = sentence.words.trim();
        let is_approved = !said.is_empty()
            && approved.iter().any(|own| own == said || own.contains(said) && said.contains(' '));
        let (support, passages, doubt) = if is_approved {
            (Support::Template, Vec::new(), None)
        } else {
            examiner.sentence(text, sentence)
        };
        doubts.push(doubt);
        ledger.push(LedgerEntry {
            sentence: (*text).to_owned(),
            support,
            passages,
            flaws: Vec::new(),
            doubt: None,
        });
    }
    let mut findings = examiner.findings;
    if !verify::reads_as(draft, input.locale) {
        let first = texts.first().copied().unwrap_or_default().to_owned();
        findings.push(Finding {
            kind: FindingKind::Language,
            found: first.clone(),
            sentence: first,
            expected: None,
        });
    }
    answers(&read, &ledger, &mut doubts);
    for (entry, doubt) in ledger.iter_mut().zip(doubts) {
        entry.doubt = doubt;
    }
    Evidence { findings, ledger }
}

/// What supports a sentence best.
struct Best {
    /// The share of its words in the best one or two sentences of one passage.
    covered: f64,
    /// The passage and those sentences.
    passage: usize,
    sentences: Vec<usize>,
    /// Every sentence of any passage that alone holds nearly as much as the best.
    near: Vec<usize>,
    single: f64,
}

struct Examiner<'a> {
    input: &'a ExamineInput<'a>,
    sources: &'a Sources,
    /// Every sentence of the draft, and the number of the one that is examined.
    draft: &'a [Sentence],
    at: usize,
    /// Words of courtesy in this draft: the names of the brand, of the customer, of who signs.
    known: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Examiner<'_> {
    fn sentence(
        &mut self,
        text: &str,
        sentence: &Sentence,
    ) -> (Support, Vec<usize>, Option<Doubt>) {
        let before = self.findings.len();
        let courtesy = courtesy::is_courtesy(&sentence.plain);
        let best = self.best(sentence);
        for figure in &sentence.read.figures {
            self.figure(text, sentence, figure);
        }
        for name in &sentence.names {
            self.name(text, sentence, name, courtesy, &best);
        }
        self.wording(text, sentence, &best);
        self.polarity(text, sentence, &best);
        let (support, passages) =
            self.support(sentence, courtesy, &best, self.findings.len() > before);
        if support == Support::None && self.findings.len() == before {
            self.find(FindingKind::Unsupported, text, text, None);
        }
        if self.findings.len() > before {
            return (Support::None, Vec::new(), None);
        }
        let doubt = self.doubt(sentence, support, &best, passages.first().copied());
        (support, passages, doubt)
    }

    fn find(&mut self, kind: FindingKind, sentence: &str, found: &str, expected: Option<String>) {
        self.findings.push(Finding {
            kind,
            sentence: sentence.to_owned(),
            found: found.to_owned(),
            expected,
        });
    }

    /// Finds the one or two sentences of one passage that hold most of the sentence's words.
    fn best(&self, sentence: &Sentence) -> Best {
        let all = &self.sources.sentences;
        let alone: Vec<f64> =
            all.iter().map(|source| sentence.covered_around(source, None)).collect();
        let single = alone.iter().copied().fold(0.0, f64::max);
        let mut best =
            Best { covered: 0.0, passage: 0, sentences: Vec::new(), near: Vec::new(), single };
        if single <= 0.0 {
            return best;
        }
        best.near = (0..)
            .zip(&alone)
            .filter(|(_, share)| **share >= single - 0.1)
            .map(|(at, _)| at)
            .collect();
        // The best pair begins with one of the best alone; trying all would take the square of a long list's time.
        let mut first_tries: Vec<(usize, f64)> = (0..).zip(alone.iter().copied()).collect();
        first_tries.sort_by(|a, b| b.1.total_cmp(&a.1));
        first_tries.truncate(FIRST_TRIES);
        for (first, own) in first_tries.into_iter().filter(|(_, own)| *own > 0.0) {
            let Some(source) = all.get(first) else { continue };
            let pair = all
                .iter()
                .enumerate()
                .filter(|(at, other)| *at != first && other.passage == source.passage)
                .map(|(at, other)| (at, sentence.covered_around(source, Some(other))))
                .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            let (covered, sentences) = match pair {
                Some((at, covered)) if covered > own + 0.05 => (covered, vec![first, at]),
                _ => (own, vec![first]),
            };
            if covered > best.covered {
                best.covered = covered;
                best.passage = source.passage;
                best.sentences = sentences;
            }
        }
        best
    }

    fn support(
        &self,
        sentence: &Sentence,
        courtesy: bool,
        best: &Best,
        wrong: bool,
    ) -> (Support, Vec<usize>) {
        if wrong {
            return (Support::None, Vec::new());
        }
        let figures = sentence.read.figures.iter().any(|figure| !figure.spelled);
        let marked = !sentence.names.is_empty();
        let needed = if figures || marked { SUPPORTED_WITH_FIGURES } else { SUPPORTED };
        let whole = self.sources.passages.iter().map(|stems| sentence.covered_by(stems));
        let whole =
            (0..).zip(whole).max_by(|a: &(usize, f64), b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
        if courtesy && best.covered < 0.8 {
            let told = sentence.covered_by(&self.sources.ticket_stems) >= 0.5;
            let support = if told { Support::Ticket } else { Support::Template };
            return (support, Vec::new());
        }
        if best.covered >= needed && !sentence.set.is_empty() {
            return (Support::Passage, self.passages_of(best));
        }
        if whole.1 >= SUPPORTED_BY_WHOLE {
            return (Support::Passage, vec![whole.0]);
        }
        let told = sentence.covered_by(&self.sources.ticket_stems);
        let of_ticket = |figure: &Figure| {
            self.sources
                .ticket
                .iter()
                .any(|source| source.read.figures.iter().any(|other| other.equals(figure)))
        };
        if figures && sentence.read.figures.iter().all(of_ticket) {
            return (Support::Ticket, Vec::new());
        }
        if told >= SUPPORTED_BY_WHOLE
            || courtesy::is_about_ticket(&sentence.plain) && told >= SUPPORTED_WITH_FIGURES
        {
            return (Support::Ticket, Vec::new());
        }
        // A question asks and a few words lead in; neither states anything.
        let states_little = sentence.set.len() <= 3 && !figures && !marked;
        let exclaims =
            sentence.plain.trim_end().ends_with('!') && !figures && sentence.set.len() <= 4;
        let asks = sentence.plain.trim_end().ends_with('?') && !figures;
        let leads_in =
            sentence.plain.trim_end().ends_with(':') && !figures && sentence.set.len() <= 6;
        if courtesy || states_little || asks || leads_in || exclaims {
            return (Support::Template, Vec::new());
        }
        (Support::None, Vec::new())
    }

    /// The passages that support a sentence, the best first: its own, and those that say nearly as much.
    fn passages_of(&self, best: &Best) -> Vec<usize> {
        let near = best.near.iter().filter_map(|at| self.sources.sentences.get(*at));
        let mut passages = vec![best.passage];
        for passage in near.map(|source| source.passage) {
            if !passages.contains(&passage) {
                passages.push(passage);
            }
        }
        passages
    }

    fn figure(&mut self, text: &str, sentence: &Sentence, figure: &Figure) {
        let (mut right, mut wrong): (Option<f64>, Option<(f64, &Figure)>) = (None, None);
        let noun =
            |figure: &Figure| figure.of.as_deref().map(|of| stems::stem(of, self.input.locale));
        let wanted = noun(figure);
        let mut counted = false;
        for source in &self.sources.sentences {
            for other in &source.read.figures {
                if other.equals(figure) {
                    let alike = sentence.alike(figure, source, other);
                    right = Some(right.map_or(alike, |most| most.max(alike)));
                    continue;
                }
                let sort = figure.is_of_sort(other);
                let same_count =
                    figure.kind != FigureKind::Number || wanted.is_some() && wanted == noun(other);
                let also_said = sentence.read.figures.iter().any(|own| own.equals(other));
                if !sort || !same_count || also_said {
                    continue;
                }
                counted |= figure.kind == FigureKind::Number;
                let alike = sentence.alike(figure, source, other);
                if wrong.is_none_or(|(most, _)| alike > most) {
                    wrong = Some((alike, other));
                }
            }
        }
        let told = self
            .sources
            .ticket
            .iter()
            .any(|source| source.read.figures.iter().any(|other| other.equals(figure)));
        let (closest, instead) =
            wrong.map_or((0.0, None), |(alike, other)| (alike, Some(other.shown.clone())));
        // Counts of the same thing stand in lists, whose subject another sentence may name.
        let closer = if figure.kind == FigureKind::Number { CLOSER } else { CLOSER - 0.05 };
        // What the customer was told or believes does not become true by it.
        let told = told && (closest < 0.6 || courtesy::is_about_ticket(&sentence.plain));
        let missing = match right {
            None => !told,
            Some(right) => {
                !told
                    && !sentence.item
                    && (closest > right + closer && closest >= 0.5
                        || self.of_another_row(sentence, figure, right))
                    || !told && self.of_another_statement(sentence, figure)
            }
        };
        // "Two quick steps" counts nothing that an article would count.
        let spoken = figure.spelled
            && figure.kind == FigureKind::Number
            && (figure.pointed || !counted || closest < 0.5);
        if missing && !spoken {
            self.find(figure.kind.into(), text, &figure.shown, instead.filter(|_| closest >= 0.3));
        }
    }

    fn name(&mut self, text: &str, sentence: &Sentence, name: &Name, courtesy: bool, best: &Best) {
        let whole_words = |words: &str| {
            words.split(' ').all(|word| {
                word.len() <= 3
                    && name.shape == Shape::Capital
                    && !word.is_empty()
                    && matches!(word, "e" | "de" | "da" | "do" | "of" | "and")
                    || self.sources.say(word)
                    || self.sources.say(word.strip_suffix('s').unwrap_or(word))
                    || self.sources.say(&format!("{word}s"))
                    || self.known.contains(word)
            })
        };
        // "Abra Configurações > Faturas e escolha": where the last step of a path ends is not written.
        let below = name.under.as_ref().and_then(|above| self.sources.menu.get(above));
        let mut plain = name.plain.as_str();
        while name.under.is_some()
            && !(self.sources.say(plain)
                && below.is_none_or(|below| {
                    below.iter().any(|known| {
                        known
                            .strip_prefix(plain)
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                    })
                }))
        {
            let Some((shorter, _)) = plain.rsplit_once(' ') else {
                plain = name.plain.as_str();
                break;
            };
            plain = shorter;
        }
        let name = &Name { plain: plain.to_owned(), ..name.clone() };
        let said = self.sources.say(plain);
        if name.addressed {
            return self.addressed(text, name);
        }
        let fine = match name.shape {
            Shape::Marked => said || self.sources.say_apart(&name.plain),
            Shape::Quoted => said || courtesy || self.sources.say_apart(&name.plain),
            Shape::Capital | Shape::Acronym => said || courtesy || whole_words(&name.plain),
        };
        let misplaced = name.under.as_ref().is_some_and(|above| {
            self.sources.menu.get(above).is_some_and(|below| {
                !below.contains(&name.plain)
                    && !below.iter().any(|known| known.starts_with(&name.plain))
            })
        });
        if fine && !misplaced {
            let other = if courtesy { None } else { self.replaced(sentence, name, best) };
            let other = other.or_else(|| self.of_another_namesake(sentence, name));
            if let Some(other) = other {
                self.find(FindingKind::Name, text, &name.shown, Some(other));
            }
            return;
        }
        let kind = match name.shape {
            _ if name.person => FindingKind::PersonalData,
            Shape::Quoted if name.plain.split(' ').count() > 3 => FindingKind::Quote,
            _ => FindingKind::Name,
        };
        let instead =
            best.sentences.first().and_then(|at| self.sources.sentences.get(*at)).and_then(
                |source| {
                    let other = source.names.iter().find(|other| {
                        other.shape == name.shape
                            && !sentence.names.iter().any(|own| own.plain == other.plain)
                    });
                    other.map(|other| other.shown.clone())
                },
            );
        self.find(kind, text, &name.shown, instead);
    }

    /// Whoever is addressed must be the customer, where we know who that is.
    fn addressed(&mut self, text: &str, name: &Name) {
        let Some(customer) = self.input.customer else { return };
        let customer = format!(" {} ", names::simple(customer));
        if !name.plain.split(' ').any(|word| customer.contains(&format!(" {word} ")))
            && !self.sources.say(&name.plain)
        {
            self.find(FindingKind::PersonalData, text, &name.shown, None);
        }
    }

    /// Commitments, blanks and forbidden words.
    fn wording(&mut self, text: &str, sentence: &Sentence, best: &Best) {
        let backing: Vec<&str> = best
            .sentences
            .iter()
            .chain(&best.near)
            .filter_map(|at| self.sources.sentences.get(*at))
            .map(|source| source.plain.as_str())
            .collect();
        if let Some(found) = promises::unbacked(&sentence.plain, &backing) {
            self.find(FindingKind::Promise, text, found, None);
        }
        let told = sentence.covered_by(&self.sources.ticket_stems) >= TOLD;
        if let Some(found) = promises::happened(&sentence.plain, &backing)
            && !(told && repeats_customer(&sentence.plain))
        {
            self.find(FindingKind::Event, text, found, None);
        }
        if let Some(found) = verify::blank(text) {
            self.find(FindingKind::Placeholder, text, found, None);
        }
        if let Some(found) = verify::forbidden(&sentence.plain) {
            self.find(FindingKind::Forbidden, text, found, None);
        }
    }
}
