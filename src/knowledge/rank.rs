//! The lexical ranker: which passages match a text, how well, and whether well enough to be an answer.
//!
//! Order comes from BM25 over passages plus the match with titles and sample questions. The floor is absolute:
//! it asks what share of the customer's own content words an article covers, so it means the same for ten
//! articles and for ten thousand, and "nothing found" is an answer.

use std::collections::HashMap;

use super::article::Article;
use super::spelling::Spelling;
use super::terms::Lexicon;

/// BM25's usual term saturation and length normalisation.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// A word in the heading counts as this many in the body.
const HEADING_WEIGHT: u32 = 2;
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
/// Where a BM25 sum counts half.
const HALF: f64 = 4.0;
/// How much a match with title and questions adds to the opening passage.
const OPENING_SHARE: f64 = 0.7;

/// A passage that matches.
pub(super) struct Hit {
    /// Index of the article in the list given to [`Index::new`].
    pub(super) article: usize,
    /// Index of the section within the article.
    pub(super) section: usize,
    /// From 0 to 1.
    pub(super) score: f64,
    /// True when the article is an answer.
    pub(super) above_floor: bool,
}

#[derive(Default)]
struct Term {
    /// Number of articles that have it anywhere.
    articles: u32,
    /// (passage, saturated frequency).
    passages: Vec<(usize, f64)>,
    /// Titles and sample questions that have it.
    questions: Vec<usize>,
}

/// The searchable form of one locale's articles.
pub(super) struct Index {
    lexicon: Lexicon,
    spelling: Spelling,
    terms: HashMap<String, Term>,
    /// (article, section) of every passage.
    passages: Vec<(usize, usize)>,
    /// (article, mass of its words) of every title and sample question.
    questions: Vec<(usize, f64)>,
    articles: usize,
}

/// What one sentence of the message has in common with one article.
#[derive(Clone, Copy, Default)]
struct Overlap {
    covered: f64,
    words: u32,
    subject: f64,
    subject_score: f64,
    /// Number, from 1, of the last word counted, so that none counts twice.
    last_word: usize,
    best_question: f64,
    best_question_share: f64,
    best_question_words: u32,
}

impl Index {
    /// Indexes articles of one locale.
    pub(super) fn new(lexicon: Lexicon, articles: &[&Article]) -> Self {
        let mut index = Self {
            lexicon,
            spelling: Spelling::default(),
            terms: HashMap::new(),
            passages: Vec::new(),
            questions: Vec::new(),
            articles: articles.len(),
        };
        let mut lengths = Vec::new();
        let mut question_terms = Vec::new();
        for (number, article) in articles.iter().enumerate() {
            for (section, content) in article.sections.iter().enumerate() {
                index.add_passage((number, section), content, &mut lengths);
            }
            for question in std::iter::once(&article.title).chain(&article.questions) {
                let mut terms = index.lexicon.terms(question);
                terms.sort_unstable();
                terms.dedup();
                question_terms.push((number, terms));
            }
        }
        for (number, terms) in &question_terms {
            for term in terms {
                let at = index.questions.len();
                index.terms.entry(term.clone()).or_default().questions.push(at);
            }
            index.questions.push((*number, 0.0));
        }
        let texts = articles.iter().flat_map(|article| {
            let sections = article.sections.iter().flat_map(|s| [&s.heading, &s.text]);
            std::iter::once(&article.title).chain(&article.questions).chain(sections)
        });
        let words: std::collections::BTreeSet<String> =
            texts.flat_map(|text| index.lexicon.words(text)).collect();
        index.spelling = Spelling::new(&words);
        index.saturate(&lengths);
        index.count_articles();
        let masses: Vec<f64> = question_terms
            .iter()
            .map(|(_, terms)| terms.iter().map(|term| index.mass(term)).sum())
            .collect();
        for (question, mass) in index.questions.iter_mut().zip(masses) {
            question.1 = mass;
        }
        index
    }

    fn add_passage(
        &mut self,
        place: (usize, usize),
        content: &super::article::Section,
        lengths: &mut Vec<f64>,
    ) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for term in self.lexicon.terms(&content.text) {
            *counts.entry(term).or_default() += 1;
        }
        for term in self.lexicon.terms(&content.heading) {
            *counts.entry(term).or_default() += HEADING_WEIGHT;
        }
        let at = self.passages.len();
        self.passages.push(place);
        lengths.push(f64::from(counts.values().sum::<u32>()));
        for (term, count) in counts {
            self.terms.entry(term).or_default().passages.push((at, f64::from(count)));
        }
    }

    /// Turns counts into BM25's saturated frequencies.
    fn saturate(&mut self, lengths: &[f64]) {
        let mean = (lengths.iter().sum::<f64>() / count(lengths.len())).max(1.0);
        for (passage, frequency) in self.terms.values_mut().flat_map(|t| t.passages.iter_mut()) {
            let length = lengths.get(*passage).copied().unwrap_or(mean);
            let norm = K1 * (1.0 - B + B * length / mean);
            *frequency = *frequency * (K1 + 1.0) / (*frequency + norm);
        }
    }

    fn count_articles(&mut self) {
        for term in self.terms.values_mut() {
            let in_passages =
                term.passages.iter().filter_map(|(at, _)| self.passages.get(*at)).map(|p| p.0);
            let in_questions =
                term.questions.iter().filter_map(|at| self.questions.get(*at)).map(|q| q.0);
            let mut articles: Vec<usize> = in_passages.chain(in_questions).collect();
            articles.sort_unstable();
            articles.dedup();
            term.articles = u32::try_from(articles.len()).unwrap_or(u32::MAX);
        }
    }

    /// What a word counts in coverage: 1 for a word of one article among many, less for one that all share.
    /// An unknown word counts most: it is what the message says and the articles do not.
    fn mass(&self, term: &str) -> f64 {
        match self.terms.get(term) {
            Some(known) => {
                let share =
                    (1.0 + f64::from(known.articles)).ln() / (2.0 + count(self.articles)).ln();
                0.4 + 0.6 * (1.0 - share.min(1.0))
            }
            None if self.lexicon.is_foreign(term) => FOREIGN_WEIGHT,
            None => UNKNOWN_WEIGHT,
        }
    }

    /// BM25's weight of a word.
    fn rarity(&self, term: &Term) -> f64 {
        let (all, with) = (count(self.articles), f64::from(term.articles));
        (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
    }

    /// Returns the passages that share a word with the text, best first.
    pub(super) fn search(&self, text: &str) -> Vec<Hit> {
        let sentences: Vec<Vec<String>> = sentences(text)
            .map(|sentence| distinct(self.terms_of(sentence)))
            .filter(|terms| !terms.is_empty())
            .collect();
        let all = distinct(sentences.iter().flatten().cloned().collect());
        let whole: f64 = all.iter().map(|term| self.mass(term)).sum();
        if all.is_empty() || self.articles == 0 {
            return Vec::new();
        }
        let mut relevance = vec![(0.0_f64, false); self.articles];
        let mut subjects = vec![0.0_f64; self.articles];
        for sentence in &sentences {
            self.judge(sentence, whole, &mut relevance, &mut subjects);
        }
        if sentences.len() > 1 {
            self.judge(&all, whole, &mut relevance, &mut subjects);
        }
        self.hits(&all, &relevance, &subjects)
    }

    /// Returns the terms of a customer's words; a word one slip away from a known one is taken for it.
    fn terms_of(&self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        for word in self.lexicon.words(text) {
            let term = self.lexicon.term(&word);
            if self.terms.contains_key(&term) || self.lexicon.is_foreign(&term) {
                terms.push(term);
                continue;
            }
            let mut meant: Vec<String> = self
                .spelling
                .neighbours(&word)
                .iter()
                .map(|near| self.lexicon.term(near))
                .collect();
            meant.dedup();
            // Two different words as near as each other: nobody can tell which was meant.
            terms.push(if meant.len() == 1 { meant.pop().unwrap_or(term) } else { term });
        }
        terms
    }

    /// Raises the relevance of the articles that a sentence matches.
    fn judge(
        &self,
        terms: &[String],
        whole: f64,
        relevance: &mut [(f64, bool)],
        subjects: &mut [f64],
    ) {
        let full: f64 = terms.iter().map(|term| self.mass(term)).sum();
        let mass =
            if full > FULL_MASS { FULL_MASS + STORY_SHARE * (full - FULL_MASS) } else { full };
        let telling = terms.len() == 1
            && terms.first().and_then(|term| self.terms.get(term)).is_some_and(|term| {
                f64::from(term.articles) <= (TELLING_SHARE * count(self.articles)).max(2.0)
            });
        for (article, overlap) in self.overlaps(terms, mass).iter().enumerate() {
            if overlap.words == 0 {
                continue;
            }
            let coverage = (overlap.covered / mass).min(1.0);
            let wordy = overlap.best_question_words >= 2
                && overlap.best_question_share >= QUESTION_FLOOR
                && coverage >= WORDY_COVERAGE_FLOOR;
            let plain = coverage >= COVERAGE_FLOOR
                && overlap.subject / mass >= SUBJECT_FLOOR
                && overlap.best_question >= LIKENESS_FLOOR
                && (overlap.words >= 2
                    || telling && overlap.best_question_share >= LONE_WORD_SHARE);
            let exact = coverage >= 1.0 && overlap.best_question_share >= 1.0;
            let enough = (plain || wordy || exact) && overlap.covered / whole >= MESSAGE_FLOOR;
            let score = 0.6 * coverage + 0.4 * overlap.best_question;
            if let Some(best) = relevance.get_mut(article) {
                *best = (best.0.max(score), best.1 || enough);
            }
            if let Some(subject) = subjects.get_mut(article) {
                *subject = subject.max(overlap.subject_score);
            }
        }
    }

    /// Compares a sentence with every article at once.
    fn overlaps(&self, terms: &[String], mass: f64) -> Vec<Overlap> {
        let mut overlaps = vec![Overlap::default(); self.articles];
        let mut shared = vec![(0.0_f64, 0_u32); self.questions.len()];
        let known = terms.iter().filter_map(|name| Some((name, self.terms.get(name)?)));
        for (number, (name, term)) in (1..).zip(known) {
            let (weight, rarity) = (self.mass(name), self.rarity(term));
            for at in &term.questions {
                let Some((article, _)) = self.questions.get(*at) else { continue };
                if let Some(share) = shared.get_mut(*at) {
                    *share = (share.0 + weight, share.1 + 1);
                }
                let Some(overlap) = overlaps.get_mut(*article) else { continue };
                if overlap.last_word != number {
                    overlap.last_word = number;
                    overlap.covered += weight;
                    overlap.words += 1;
                    overlap.subject += weight;
                    overlap.subject_score += rarity;
                }
            }
            for (passage, _) in &term.passages {
                let Some((article, _)) = self.passages.get(*passage) else { continue };
                let Some(overlap) = overlaps.get_mut(*article) else { continue };
                if overlap.last_word != number {
                    overlap.last_word = number;
                    overlap.covered += weight * BODY_SHARE;
                    overlap.words += 1;
                }
            }
        }
        for ((common, words), (article, question)) in shared.iter().zip(&self.questions) {
            let Some(overlap) = overlaps.get_mut(*article) else { continue };
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
        overlaps
    }

    /// Spreads the articles' relevance over their passages and sorts them.
    fn hits(&self, all: &[String], relevance: &[(f64, bool)], subjects: &[f64]) -> Vec<Hit> {
        let mut bodies = vec![0.0_f64; self.passages.len()];
        for term in all.iter().filter_map(|name| self.terms.get(name)) {
            let rarity = self.rarity(term);
            for (passage, frequency) in &term.passages {
                if let Some(body) = bodies.get_mut(*passage) {
                    *body += rarity * frequency;
                }
            }
        }
        let mut hits: Vec<Hit> = self
            .passages
            .iter()
            .zip(bodies)
            .filter_map(|((article, section), body)| {
                let (relevance, above_floor) = *relevance.get(*article)?;
                let subject = if *section == 0 { *subjects.get(*article)? } else { 0.0 };
                let local = body + OPENING_SHARE * subject;
                (relevance > 0.0 && local > 0.0).then(|| Hit {
                    article: *article,
                    section: *section,
                    score: 0.7 * relevance + 0.3 * local / (local + HALF),
                    above_floor,
                })
            })
            .collect();
        hits.sort_by(|a, b| {
            b.above_floor
                .cmp(&a.above_floor)
                .then(b.score.total_cmp(&a.score))
                .then(a.article.cmp(&b.article))
                .then(a.section.cmp(&b.section))
        });
        hits
    }
}

/// Cuts where a question may begin or end; a rough cut is enough here because the whole is judged too.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '!', '?', ';', '\n', '…'])
}

fn distinct(mut terms: Vec<String>) -> Vec<String> {
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}
