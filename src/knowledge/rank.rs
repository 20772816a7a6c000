//! How well an article covers a customer's words, and whether well enough to be an answer.
//!
//! The quantity is absolute: it asks what share of the message's own content words the article has, so it means the
//! same for ten articles and for ten thousand, and "nothing found" is an answer. It is costly, so only candidates
//! that the index found are judged.

use std::collections::HashMap;

use super::article::Article;
use super::spelling::Spelling;
use super::terms::Lexicon;

/// What a word counts that an article has in its body but not in its title or sample questions.
const BODY_SHARE: f64 = 0.5;
/// The share of a question's content words that an article must cover.
const COVERAGE_FLOOR: f64 = 0.56;
/// The part of that share that its title and sample questions must have by themselves.
const SUBJECT_FLOOR: f64 = 0.35;
/// How alike the message and one title or sample question must be, from 0 to 1: words that an article has in
/// different questions do not add up to a subject.
const LIKENESS_FLOOR: f64 = 0.3;
/// The share of a sample question's words that must be there when the message itself is wordy, ...
const QUESTION_FLOOR: f64 = 0.7;
/// ... and the share of the message they must then make up.
const WORDY_COVERAGE_FLOOR: f64 = 0.4;
/// The share of the whole message that the matching sentence's words must make up.
const MESSAGE_FLOOR: f64 = 0.15;
/// A one-word question needs a word that at most this share of the articles knows, ...
const TELLING_SHARE: f64 = 0.3;
/// ... and that makes up at least this share of a title or sample question.
const LONE_WORD_SHARE: f64 = 0.5;
/// Words beyond this mass count less, because long messages tell a story around their question.
const FULL_MASS: f64 = 5.0;
const STORY_SHARE: f64 = 0.35;
/// What a word counts that no article knows.
const UNKNOWN_WEIGHT: f64 = 1.25;
/// What the name of somebody else's service counts against the articles.
const FOREIGN_WEIGHT: f64 = 3.0;
/// The share of a message from which one sentence of it counts in full for ranking: a short "how do I make another?"
/// must not outweigh the sentence that says another what.
const SENTENCE_SHARE: f64 = 0.5;
/// The strength of a message that says a sample question word for word, above any other.
const EXACT: f64 = 2.0;

/// How an article matches a message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cover {
    /// From 0 to 1; for ranking.
    pub(super) relevance: f64,
    /// How far above the floor, by title and sample questions: an answer from 1 on, before the floor is fitted.
    pub(super) strength: f64,
    /// From 0 to 1: the share of the whole message that the article has anywhere.
    pub(super) found: f64,
}

/// The terms of an article, each as its number, sorted.
struct Entry {
    body: Box<[u32]>,
    /// Title and sample questions, each with the mass of its words.
    questions: Vec<(Box<[u32]>, f64)>,
}

/// The words of one locale's articles.
pub(super) struct Book {
    spelling: Spelling,
    terms: HashMap<Box<str>, u32>,
    /// Per term the number of articles that have it anywhere.
    articles_with: Vec<u32>,
    entries: Vec<Entry>,
}

/// A word of a message.
#[derive(Clone, Copy)]
struct Word {
    /// Its term, where an article has it.
    term: Option<u32>,
    mass: f64,
}

/// A message, ready to be compared with articles.
pub(super) struct Reading {
    /// Its sentences and, where there are several, all of it.
    parts: Vec<Vec<Word>>,
    whole: f64,
}

impl Book {
    /// Learns the words of articles.
    pub(super) fn new(lexicon: &Lexicon, articles: &[&Article]) -> Self {
        let mut book = Self {
            spelling: Spelling::default(),
            terms: HashMap::new(),
            articles_with: Vec::new(),
            entries: Vec::new(),
        };
        let mut words = std::collections::BTreeSet::new();
        for article in articles {
            let mut body = Vec::new();
            for section in &article.sections {
                for text in [&section.heading, &section.text] {
                    book.learn(lexicon, text, &mut words, &mut body);
                }
            }
            let questions: Vec<(Box<[u32]>, f64)> = std::iter::once(&article.title)
                .chain(&article.questions)
                .map(|question| {
                    let mut terms = Vec::new();
                    book.learn(lexicon, question, &mut words, &mut terms);
                    (sorted(terms), 0.0)
                })
                .collect();
            let all = body.iter().chain(questions.iter().flat_map(|(terms, _)| terms)).copied();
            for term in sorted(all.collect()) {
                if let Some(count) = book.articles_with.get_mut(place(term)) {
                    *count += 1;
                }
            }
            book.entries.push(Entry { body: sorted(body), questions });
        }
        book.spelling = Spelling::new(&words);
        let masses: Vec<Vec<f64>> = book
            .entries
            .iter()
            .map(|entry| {
                let mass = |terms: &[u32]| terms.iter().map(|term| book.mass(*term)).sum();
                entry.questions.iter().map(|(terms, _)| mass(terms)).collect()
            })
            .collect();
        for (entry, masses) in book.entries.iter_mut().zip(masses) {
            for (question, mass) in entry.questions.iter_mut().zip(masses) {
                question.1 = mass;
            }
        }
        book
    }

    fn learn(
        &mut self,
        lexicon: &Lexicon,
        text: &str,
        words: &mut std::collections::BTreeSet<String>,
        terms: &mut Vec<u32>,
    ) {
        for word in lexicon.words(text) {
            let term = lexicon.term(&word);
            let next = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
            let number = *self.terms.entry(term.into_boxed_str()).or_insert(next);
            if number == next {
                self.articles_with.push(0);
            }
            terms.push(number);
            words.insert(word);
        }
    }

    /// What a word counts in coverage: 1 for a word of one article among many, less for one that all share.
    fn mass(&self, term: u32) -> f64 {
        let with = self.articles_with.get(place(term)).copied().unwrap_or(0);
        let share = (1.0 + f64::from(with)).ln() / (2.0 + count(self.entries.len())).ln();
        0.4 + 0.6 * (1.0 - share.min(1.0))
    }

    /// Reads a message.
    pub(super) fn read(&self, lexicon: &Lexicon, text: &str) -> Reading {
        let mut parts: Vec<Vec<String>> = sentences(text)
            .map(|sentence| distinct(self.terms_of(lexicon, sentence)))
            .filter(|terms| !terms.is_empty())
            .collect();
        let all = distinct(parts.iter().flatten().cloned().collect());
        if parts.len() > 1 {
            parts.push(all.clone());
        }
        let word = |name: &String| self.word(lexicon, name);
        Reading {
            parts: parts.iter().map(|terms| terms.iter().map(word).collect()).collect(),
            whole: all.iter().map(|name| word(name).mass).sum(),
        }
    }

    /// An unknown word counts most: it is what the message says and the articles do not.
    fn word(&self, lexicon: &Lexicon, name: &str) -> Word {
        let term = self.terms.get(name).copied();
        let mass = match term {
            Some(term) => self.mass(term),
            None if lexicon.is_foreign(name) => FOREIGN_WEIGHT,
            None => UNKNOWN_WEIGHT,
        };
        Word { term, mass }
    }

    /// Returns the terms of a customer's words; a word one slip away from a known one is taken for it.
    fn terms_of(&self, lexicon: &Lexicon, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        for word in lexicon.words(text) {
            let term = lexicon.term(&word);
            if self.terms.contains_key(term.as_str()) || lexicon.is_foreign(&term) {
                terms.push(term);
                continue;
            }
            let mut meant: Vec<String> =
                self.spelling.neighbours(&word).iter().map(|near| lexicon.term(near)).collect();
            meant.dedup();
            // Two different words as near as each other: nobody can tell which was meant.
            terms.push(if meant.len() == 1 { meant.pop().unwrap_or(term) } else { term });
        }
        terms
    }

    /// Compares a message with an article; `left_out` is the number of a title or question that does not count.
    pub(super) fn cover(
        &self,
        reading: &Reading,
        article: usize,
        left_out: Option<usize>,
    ) -> Cover {
        let Some(entry) = self.entries.get(article) else { return Cover::default() };
        // The whole message is the last part.
        reading.parts.iter().fold(Cover::default(), |best, words| {
            let cover = self.judge(words, reading.whole, entry, left_out);
            let mass: f64 = words.iter().map(|word| word.mass).sum();
            let weight = (mass / (SENTENCE_SHARE * reading.whole)).min(1.0);
            Cover {
                relevance: best.relevance.max(weight * cover.relevance),
                strength: best.strength.max(cover.strength),
                found: cover.found,
            }
        })
    }

    /// True when an article has sample questions, by which a message can be told from its neighbours'.
    pub(super) fn has_questions(&self, article: usize) -> bool {
        self.entries.get(article).is_some_and(|entry| entry.questions.len() > 1)
    }

    fn judge(&self, words: &[Word], whole: f64, entry: &Entry, left_out: Option<usize>) -> Cover {
        let full: f64 = words.iter().map(|word| word.mass).sum();
        let mass =
            if full > FULL_MASS { FULL_MASS + STORY_SHARE * (full - FULL_MASS) } else { full };
        let telling = match words {
            [Word { term: Some(term), .. }] => {
                let with = self.articles_with.get(place(*term)).copied().unwrap_or(0);
                f64::from(with) <= (TELLING_SHARE * count(self.entries.len())).max(2.0)
            }
            _ => false,
        };
        let overlap = entry.overlap(words, mass, left_out);
        if overlap.words == 0 {
            return Cover::default();
        }
        let coverage = (overlap.covered / mass).min(1.0);
        let mut strength = 0.0_f64;
        if overlap.words >= 2 || telling && overlap.best_question_share >= LONE_WORD_SHARE {
            let plain = (coverage / COVERAGE_FLOOR)
                .min(overlap.subject / mass / SUBJECT_FLOOR)
                .min(overlap.best_question / LIKENESS_FLOOR);
            strength = strength.max(plain);
        }
        if overlap.best_question_words >= 2 {
            let of_many =
                (overlap.best_question_share / QUESTION_FLOOR).min(coverage / WORDY_COVERAGE_FLOOR);
            strength = strength.max(of_many);
        }
        if coverage >= 1.0 && overlap.best_question_share >= 1.0 {
            strength = strength.max(EXACT);
        }
        Cover {
            relevance: 0.6 * coverage + 0.4 * overlap.best_question,
            strength: strength.min(overlap.covered / whole / MESSAGE_FLOOR),
            found: (overlap.anywhere / full).min(1.0),
        }
    }
}

/// What one sentence of a message has in common with one article.
#[derive(Clone, Copy, Default)]
struct Overlap {
    /// Mass of the words it has; those of its text count in part.
    covered: f64,
    /// The same, those of its text in full.
    anywhere: f64,
    words: u32,
    subject: f64,
    best_question: f64,
    best_question_share: f64,
    best_question_words: u32,
}

impl Entry {
    fn overlap(&self, words: &[Word], mass: f64, left_out: Option<usize>) -> Overlap {
        let mut overlap = Overlap::default();
        let mut shared = vec![(0.0_f64, 0_u32); self.questions.len()];
        for (term, weight) in words.iter().filter_map(|word| Some((word.term?, word.mass))) {
            let mut in_subject = false;
            for (at, ((terms, _), shared)) in self.questions.iter().zip(&mut shared).enumerate() {
                if Some(at) != left_out && terms.binary_search(&term).is_ok() {
                    *shared = (shared.0 + weight, shared.1 + 1);
                    in_subject = true;
                }
            }
            if in_subject {
                overlap.covered += weight;
                overlap.subject += weight;
            } else if self.body.binary_search(&term).is_ok() {
                overlap.covered += weight * BODY_SHARE;
            } else {
                continue;
            }
            overlap.anywhere += weight;
            overlap.words += 1;
        }
        for ((common, words), (_, question)) in shared.iter().zip(&self.questions) {
            if *words == 0 || *question <= 0.0 {
                continue;
            }
            let (of_message, of_question) = ((common / mass).min(1.0), common / question);
            let both = 2.0 * of_message * of_question / (of_message + of_question);
            if both > overlap.best_question {
                overlap.best_question = both;
                overlap.best_question_share = of_question;
                overlap.best_question_words = *words;
            }
        }
        overlap
    }
}

/// Cuts where a question may begin or end; a rough cut is enough here because the whole is judged too.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '!', '?', ';', '\n', '…'])
}

fn sorted(mut terms: Vec<u32>) -> Box<[u32]> {
    terms.sort_unstable();
    terms.dedup();
    terms.into_boxed_slice()
}

fn distinct(mut terms: Vec<String>) -> Vec<String> {
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn place(term: u32) -> usize {
    usize::try_from(term).unwrap_or(usize::MAX)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}
