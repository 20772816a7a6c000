//! The articles of one locale, ready to be searched: the index gives candidates, the rankers judge them together.

use std::collections::HashMap;
use std::sync::Arc;

use super::article::{Article, Audience};
use super::fields::{self, Analyzer, Counts, Means};
use super::fit::Fit;
use super::fusion::{self, DEFAULT_WEIGHTS, MEANING_WEIGHTS, PerRanker};
use super::meaning::{self, MEANING, Near, Text, Vectors};
use super::odds::{self, Match};
use super::rank::{Book, Cover};
use super::terms::Lexicon;
use crate::adapters::qdrant::{Field, Point, Shard, Values};
use crate::domain::labels::Locale;
use crate::ports::{Embedder, PortError, TextRole};

/// The fields of the index: what passages say, and what titles and sample questions ask.
pub(super) const BODY: &str = "body";
pub(super) const SUBJECT: &str = "subject";
/// Candidates that each field gives, at least.
const CANDIDATES: usize = 50;
/// Candidates that are compared with the message word by word, at least: that costs more than finding them.
const COMPARED: usize = 60;
/// A heading counts this many times.
const HEADING_TIMES: u32 = 2;
/// What a match of the whole article counts for a passage that is not its opening, which answers.
const LATER_SHARE: f64 = 0.6;

/// A passage that matches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// Index of the article in the list of all.
    pub(super) article: usize,
    /// Index of the section within the article.
    pub(super) section: usize,
    /// From 0 to 1.
    pub(super) score: f64,
    /// From 0 to 1: how well it would do as an answer, which is absolute.
    pub(super) answer: f64,
    /// True when the article is an answer.
    pub(super) above_floor: bool,
}

/// A passage on its way to a hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Number of the article on this shelf.
    pub(super) article: usize,
    pub(super) section: usize,
    pub(super) scores: PerRanker,
    /// How far above the floor, by title and sample questions.
    pub(super) strength: f64,
    /// The odds that an article without sample questions is an answer, as a logarithm; `None` with questions.
    pub(super) odds: Option<f64>,
}

/// What is looked for.
pub(super) struct Asked<'t> {
    pub(super) text: &'t str,
    /// Its dense vector; `None` leaves words alone to decide.
    pub(super) meaning: Option<Values>,
    pub(super) hidden: Hidden,
}

/// What a held-out question hides: its own article, or only the question's place in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden {
    /// Number of an article and of a title (0) or sample question of it.
    pub(super) question: Option<(usize, usize)>,
    /// Number of an article that is not there at all.
    pub(super) article: Option<usize>,
}

/// The articles of one locale.
pub(super) struct Shelf {
    lexicon: Lexicon,
    analyzer: Analyzer,
    book: Book,
    /// For the shelf's article numbers, places in the list of all.
    places: Vec<usize>,
    /// (article, section) of every passage; its number is its id in the index, doubled.
    passages: Vec<(u32, u32)>,
    /// (article, title or question) of every subject; its id is its number doubled, plus one.
    subjects: Vec<(u32, u32)>,
    /// The model of dense vectors, where one is configured that knows the locale.
    embedder: Option<Arc<dyn Embedder>>,
    pub(super) fit: Fit,
}

impl Shelf {
    /// Prepares the articles of a locale that customers may see; `None` when there are none.
    pub(super) fn new(
        locale: Locale,
        articles: &[Article],
        embedder: Option<&Arc<dyn Embedder>>,
    ) -> Option<Self> {
        let places: Vec<usize> = (0..)
            .zip(articles)
            .filter(|(_, a)| a.locale == locale && a.audience == Audience::Customers)
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return None;
        }
        let chosen: Vec<&Article> = places.iter().filter_map(|at| articles.get(*at)).collect();
        let lexicon = Lexicon::new(locale);
        let book = Book::new(&lexicon, &chosen);
        let (mut passages, mut subjects) = (Vec::new(), Vec::new());
        for (number, article) in (0..).zip(&chosen) {
            passages.extend((0..).zip(&article.sections).map(|(section, _)| (number, section)));
            let texts = std::iter::once(&article.title).chain(&article.questions);
            subjects.extend((0..).zip(texts).map(|(question, _)| (number, question)));
        }
        let analyzer = Analyzer::new(locale);
        let fit = Fit::default();
        let embedder = embedder.filter(|embedder| embedder.knows(locale)).map(Arc::clone);
        Some(Self { lexicon, analyzer, book, places, passages, subjects, embedder, fit })
    }

    /// The fields of its index.
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields =
            vec![Field { name: BODY, dense: None }, Field { name: SUBJECT, dense: None }];
        fields.extend(
            self.embedder
                .iter()
                .map(|embedder| Field { name: MEANING, dense: Some(embedder.dimensions()) }),
        );
        fields
    }

    /// The model of its dense vectors.
    pub(super) fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.embedder.as_ref()
    }

    /// What the rankers count before anything is learnt.
    pub(super) fn default_weights(&self) -> &'static PerRanker {
        if self.embedder.is_some() { &MEANING_WEIGHTS } else { &DEFAULT_WEIGHTS }
    }

    /// How many passages there are.
    pub(super) fn passages(&self) -> usize {
        self.passages.len()
    }

    /// The articles, as places in the list of all.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Calls back with every point of the index. Texts are read twice, because the mean length comes first and
    /// keeping every text's counts would take more memory than the index.
    pub(super) fn points<'a>(
        &'a self,
        articles: &'a [Article],
        vectors: Option<&'a Vectors>,
    ) -> impl Iterator<Item = Point> + 'a {
        let body_means = fields::means(self.bodies(articles).map(|(_, counts)| counts));
        let subject_means = fields::means(self.subject_counts(articles).map(|(_, counts)| counts));
        let point = move |id: u64, field, counts: &Counts, means: &Means, text: Option<Text>| {
            let words = Analyzer::stored(counts, means);
            let meaning = vectors.zip(text).and_then(|(vectors, text)| vectors.of(&text));
            // A text of nothing but function words has no dimension, and cannot be found by its words.
            let words = (!words.is_empty()).then_some((field, Values::Sparse(words)));
            Point {
                id,
                vectors: words.into_iter().chain(meaning.map(|values| (MEANING, values))).collect(),
            }
        };
        let bodies = self.bodies(articles).map(move |(number, counts)| {
            point(2 * number, BODY, &counts, &body_means, self.passage_text(articles, number))
        });
        let subjects = self.subject_counts(articles).map(move |(number, counts)| {
            let text =
                self.subject_text(articles, number).map(|text| Text::new(TextRole::Query, text));
            point(2 * number + 1, SUBJECT, &counts, &subject_means, text)
        });
        bodies.chain(subjects).filter(|point| !point.vectors.is_empty())
    }

    /// Every text that has a dense vector.
    pub(super) fn texts<'a>(&'a self, articles: &'a [Article]) -> impl Iterator<Item = Text> + 'a {
        let passages =
            (0..).zip(&self.passages).filter_map(|(number, _)| self.passage_text(articles, number));
        let subjects = (0..).zip(&self.subjects).filter_map(|(number, _)| {
            Some(Text::new(TextRole::Query, self.subject_text(articles, number)?))
        });
        passages.chain(subjects)
    }

    fn passage_text(&self, articles: &[Article], number: u64) -> Option<Text> {
        let (article, section) = self.passages.get(usize::try_from(number).ok()?)?;
        let article = self.article(articles, *article)?;
        let section = article.sections.get(usize::try_from(*section).ok()?)?;
        let parts = [&article.title, &section.heading, &section.text];
        let parts: Vec<&str> =
            parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
        Some(Text::new(TextRole::Passage, &parts.join("\n")))
    }

    fn subject_text<'a>(&self, articles: &'a [Article], number: u64) -> Option<&'a str> {
        let (article, question) = self.subjects.get(usize::try_from(number).ok()?)?;
        let article = self.article(articles, *article)?;
        match usize::try_from(*question).ok()?.checked_sub(1) {
            None => Some(&article.title),
            Some(question) => article.questions.get(question).map(String::as_str),
        }
    }

    fn article<'a>(&self, articles: &'a [Article], number: u32) -> Option<&'a Article> {
        articles.get(*self.places.get(usize::try_from(number).ok()?)?)
    }

    fn bodies<'a>(&'a self, articles: &'a [Article]) -> impl Iterator<Item = (u64, Counts)> + 'a {
        (0..).zip(&self.passages).filter_map(|(number, (article, section))| {
            let article = self.article(articles, *article)?;
            let section = article.sections.get(usize::try_from(*section).ok()?)?;
            let mut counts = self.analyzer.counts(&self.lexicon, &section.text);
            // What a passage answers often stands only in the title above it.
            fields::join(&mut counts, &self.analyzer.counts(&self.lexicon, &article.title));
            if !section.heading.is_empty() {
                let heading = self.analyzer.counts(&self.lexicon, &section.heading);
                (0..HEADING_TIMES).for_each(|_| fields::join(&mut counts, &heading));
            }
            Some((number, counts))
        })
    }

    fn subject_counts<'a>(
        &'a self,
        articles: &'a [Article],
    ) -> impl Iterator<Item = (u64, Counts)> + 'a {
        (0..).zip(&self.subjects).filter_map(|(number, _)| {
            let text = self.subject_text(articles, number)?;
            Some((number, self.analyzer.counts(&self.lexicon, text)))
        })
    }

    /// Returns the passages that share anything with the text, best first; what could be an answer and what
    /// could not, in one order.
    pub(super) fn search(
        &self,
        shard: &Shard,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Hit>, PortError> {
        let meaning =
            self.embedder.as_ref().and_then(|embedder| meaning::query(embedder.as_ref(), text));
        let asked = Asked { text, meaning, hidden: Hidden::default() };
        let (candidates, rest) = self.candidates(shard, &asked, limit)?;
        let fused = fusion::fuse(&scores(&candidates), &self.fit.weights);
        let mut order: Vec<(f64, Candidate)> = fused.into_iter().zip(candidates).collect();
        order.sort_by(best_first);
        // What was not compared stands below what was, in the order of the index.
        let lowest = order.last().map_or(0.0, |(fused, _)| *fused);
        order.extend(
            (1_u32..)
                .zip(rest)
                .map(|(rank, candidate)| (lowest - f64::from(rank) / 100.0, candidate)),
        );
        let hits = order.into_iter().take(limit).filter_map(|(fused, candidate)| {
            Some(Hit {
                article: *self.places.get(candidate.article)?,
                section: candidate.section,
                score: fusion::squash(fused),
                answer: self.fit.as_answer(&candidate.scores),
                above_floor: self.fit.is_answer(&candidate),
            })
        });
        Ok(hits.collect())
    }

    /// Finds candidates and compares the most promising with the text; the others come second.
    pub(super) fn candidates(
        &self,
        shard: &Shard,
        asked: &Asked<'_>,
        limit: usize,
    ) -> Result<(Vec<Candidate>, Vec<Candidate>), PortError> {
        let Asked { text, hidden, .. } = *asked;
        let query = Values::Sparse(self.analyzer.query(&self.lexicon, text));
        let wanted = CANDIDATES.max(limit.saturating_mul(2));
        let subjects = self.subjects_near(shard, &query, wanted, hidden)?;
        let meanings = self.near_in_meaning(shard, asked, wanted)?;
        let bodies = shard.nearest(BODY, &query, wanted)?;
        // What a full list leaves out scores no more than its last.
        let floor = if bodies.len() == wanted {
            bodies.last().map_or(0.0, |b| f64::from(b.1))
        } else {
            0.0
        };
        let mut found: HashMap<(u32, u32), f64> = HashMap::with_capacity(2 * wanted);
        for (id, score) in bodies {
            if let Some(place) = usize::try_from(id / 2).ok().and_then(|at| self.passages.get(at)) {
                found.insert(*place, f64::from(score));
            }
        }
        for place in meanings.passages.keys() {
            found.entry(*place).or_insert(floor);
        }
        for article in subjects.keys().chain(meanings.articles.keys()) {
            found.entry((*article, 0)).or_insert(floor);
        }
        let mut candidates: Vec<Candidate> = found
            .into_iter()
            .filter(|((article, _), _)| hidden.article != usize::try_from(*article).ok())
            .filter_map(|((article, section), body)| {
                let part = if section == 0 { 1.0 } else { LATER_SHARE };
                let subject = part * subjects.get(&article).copied().unwrap_or(0.0);
                Some(Candidate {
                    article: usize::try_from(article).ok()?,
                    section: usize::try_from(section).ok()?,
                    scores: [body, subject, 0.0, meanings.of(article, section)],
                    strength: 0.0,
                    odds: None,
                })
            })
            .collect();
        let fused = fusion::fuse(&scores(&candidates), self.default_weights());
        let mut order: Vec<(f64, Candidate)> =
            fused.into_iter().zip(candidates.drain(..)).collect();
        order.sort_by(best_first);
        candidates.extend(order.into_iter().map(|(_, candidate)| candidate));
        let rest = candidates.split_off(candidates.len().min(COMPARED.max(limit)));
        let bodies =
            odds::best_two(candidates.iter().chain(&rest).map(|c| (c.article, c.scores[0])));
        let dimensions = if let Values::Sparse(query) = &query { query.len() } else { 0 };
        let measure = Measure { text, dimensions, bodies };
        self.compare(&measure, &mut candidates, hidden);
        Ok((candidates, rest))
    }

    /// The best score of each article's title and sample questions.
    fn subjects_near(
        &self,
        shard: &Shard,
        query: &Values,
        wanted: usize,
        hidden: Hidden,
    ) -> Result<HashMap<u32, f64>, PortError> {
        let found = shard.nearest(SUBJECT, query, wanted)?;
        let found = found
            .into_iter()
            .filter_map(|(id, score)| Some((usize::try_from(id / 2).ok()?, f64::from(score))));
        Ok(self.best_questions(found, hidden))
    }

    /// The best of each article's title and sample questions, of which one may be hidden.
    fn best_questions(
        &self,
        found: impl Iterator<Item = (usize, f64)>,
        hidden: Hidden,
    ) -> HashMap<u32, f64> {
        let mut articles: HashMap<u32, f64> = HashMap::new();
        for (number, score) in found {
            let Some((article, question)) = self.subjects.get(number) else { continue };
            let numbers = usize::try_from(*article).ok().zip(usize::try_from(*question).ok());
            if numbers.is_some() && numbers == hidden.question {
                continue;
            }
            let best = articles.entry(*article).or_insert(score);
            *best = best.max(score);
        }
        articles
    }

    /// How near passages and articles are in meaning; all equal without a vector.
    fn near_in_meaning(
        &self,
        shard: &Shard,
        asked: &Asked<'_>,
        wanted: usize,
    ) -> Result<Meanings, PortError> {
        let Some(vector) = &asked.meaning else { return Ok(Meanings::default()) };
        // Passages and questions stand in one field.
        let near = meaning::near(shard, vector, 2 * wanted)?;
        let Some(Near { passages, questions, floor }) = near else {
            return Ok(Meanings::default());
        };
        let passages = passages
            .into_iter()
            .filter_map(|(number, cosine)| Some((*self.passages.get(number)?, cosine)))
            .collect();
        let articles = self.best_questions(questions.into_iter(), asked.hidden);
        Ok(Meanings { passages, articles, floor })
    }

    fn compare(&self, message: &Measure<'_>, candidates: &mut [Candidate], hidden: Hidden) {
        let reading = self.book.read(&self.lexicon, message.text);
        let mut covers: HashMap<usize, Cover> = HashMap::with_capacity(candidates.len());
        for candidate in candidates {
            let cover = covers.entry(candidate.article).or_insert_with(|| {
                let left_out = hidden.question.filter(|(article, _)| *article == candidate.article);
                self.book.cover(&reading, candidate.article, left_out.map(|(_, question)| question))
            });
            let share = if candidate.section == 0 { 1.0 } else { LATER_SHARE };
            let [_, _, relevance, _] = &mut candidate.scores;
            *relevance = share * cover.relevance;
            candidate.strength = cover.strength;
            if !self.book.has_questions(candidate.article) {
                let matched = Match {
                    body: candidate.scores[0],
                    rival: message.bodies.rival_of(candidate.article),
                    found: cover.found,
                };
                candidate.odds = Some(matched.odds(message.dimensions, self.passages.len()));
            }
        }
    }
}

/// A message as its candidates are compared with it.
struct Measure<'t> {
    text: &'t str,
    /// Dimensions of its query.
    dimensions: usize,
    /// The articles whose texts match best.
    bodies: odds::BestTwo,
}

/// How near a message is in meaning, as cosines.
#[derive(Default)]
struct Meanings {
    passages: HashMap<(u32, u32), f64>,
    /// By the best of an article's title and sample questions.
    articles: HashMap<u32, f64>,
    floor: f64,
}

impl Meanings {
    /// The nearer of the passage and of the questions of its article, which are answered by its opening first.
    fn of(&self, article: u32, section: u32) -> f64 {
        let passage = self.passages.get(&(article, section)).copied().unwrap_or(self.floor);
        let asked = self.articles.get(&article).copied().unwrap_or(passage).max(passage);
        if section == 0 { asked } else { f64::midpoint(passage, asked) }
    }
}

fn scores(candidates: &[Candidate]) -> Vec<PerRanker> {
    candidates.iter().map(|candidate| candidate.scores).collect()
}

/// Ties keep the order of articles and sections, so that a search repeats itself.
fn best_first(a: &(f64, Candidate), b: &(f64, Candidate)) -> std::cmp::Ordering {
    let place = |candidate: &Candidate| (candidate.article, candidate.section);
    b.0.total_cmp(&a.0).then_with(|| place(&a.1).cmp(&place(&b.1)))
}
