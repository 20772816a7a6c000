//! The knowledge base: articles in each locale, and the passages that answer a question.
//!
//! Sample articles are part of the binary; a company's folder replaces them. `generation` keeps the index on disk,
//! `shelf` searches it, `fusion` joins its rankers, `fit` learns their weights and the relevance floor.

mod article;
mod fields;
mod fit;
pub mod fusion;
mod generation;
pub mod lint;
mod meaning;
pub mod metrics;
mod odds;
mod rank;
mod shelf;
mod source;
mod spelling;
mod steering;
mod stem;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use article::{Article, Audience, Priority, Section};
pub use fit::{Basis, Fit, Meaning};
pub use generation::{Changes, Manifest, Pointer};
use generation::{Content, Generation};
use shelf::{Hit, Shelf};
pub use source::{Files, Source, article_of, locale_of_text};
pub use steering::speaks_to_machines;

use crate::domain::draft::Passage;
use crate::domain::labels::Locale;
use crate::ports::{Embedder, PortError};
use crate::text::Problem;

/// Every article, ready to be searched. Searches block: call them from threads that may.
#[derive(Clone)]
pub struct Library(Arc<Inner>);

struct Inner {
    articles: Vec<Article>,
    by_id: HashMap<(Locale, String), usize>,
    shelves: BTreeMap<Locale, Shelf>,
    /// Passages that give orders to machines, by article and section.
    steering: BTreeSet<(usize, usize)>,
    generation: Arc<Generation>,
    built: bool,
}

/// What is understood of a message besides its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hint<'a> {
    /// Its category; `None` when nothing spoke for one.
    pub category: Option<&'a str>,
    /// Its subcategory.
    pub subcategory: Option<&'a str>,
    /// How sure the category is, from 0 to 1.
    pub confidence: f64,
}

/// What a category in common adds to how well an article would do as an answer, and a subcategory in common again.
/// It orders answers and makes none.
const SAME_CATEGORY: f64 = 0.2;
const SAME_SUBCATEGORY: f64 = 0.2;

impl Hint<'_> {
    fn bonus(&self, article: &Article) -> f64 {
        let same = |of: Option<&str>, known: Option<&str>| known.is_some() && of == known;
        if !same(Some(article.category.as_str()), self.category) {
            return 0.0;
        }
        let further = same(article.subcategory.as_deref(), self.subcategory);
        self.confidence * (SAME_CATEGORY + if further { SAME_SUBCATEGORY } else { 0.0 })
    }
}

/// How deep in the ranking answers are looked for, at least.
const ANSWERS_SEEN: usize = 40;

/// The samples never change while a process runs, so it indexes them once where nothing is kept on disk. Held by those
/// who use them: whoever is last deletes the temporary place.
static SAMPLES: Mutex<Weak<Inner>> = Mutex::new(Weak::new());

impl Library {
    /// Loads a company's articles, or the samples where it has no folder; every problem is reported. The index lies in
    /// a temporary place, and words alone are searched.
    ///
    /// The two never mix: the samples state facts of a made-up company.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let source = folder.map_or(Source::Samples, |folder| Source::Company(folder.to_path_buf()));
        Self::read(&source, None, None)
    }

    /// Loads articles and opens their index below a folder, building it where it is not there yet; in a temporary
    /// place without a folder. With a model their meaning is searched too, in the locales that it knows.
    pub fn read(
        source: &Source,
        root: Option<&Path>,
        embedder: Option<&Arc<dyn Embedder>>,
    ) -> Result<Self, Vec<Problem>> {
        let mut samples = SAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = *source == Source::Samples && root.is_none() && embedder.is_none();
        if let (true, Some(library)) = (shared, samples.upgrade()) {
            return Ok(Self(library));
        }
        // Whoever reads articles of its own need not wait for the samples.
        if shared {
            let library = Self::open(source.read()?, root, None).map_err(no_index)?;
            *samples = Arc::downgrade(&library.0);
            return Ok(library);
        }
        drop(samples);
        Self::open(source.read()?, root, embedder).map_err(no_index)
    }

    /// Makes a library of the given articles, with its index below a folder or in a temporary place.
    pub fn open(
        articles: Vec<Article>,
        root: Option<&Path>,
        embedder: Option<&Arc<dyn Embedder>>,
    ) -> anyhow::Result<Self> {
        let mut shelves: BTreeMap<Locale, Shelf> = Locale::ALL
            .iter()
            .filter_map(|locale| Some((*locale, Shelf::new(*locale, &articles, embedder)?)))
            .collect();
        let content = Content::of(&articles, embedder.map(|model| model.name()))?;
        let (generation, built) = generation::ensure(root, &content, &articles, &mut shelves)?;
        let by_id = (0..)
            .zip(&articles)
            .map(|(at, a): (usize, _)| ((a.locale, a.id.clone()), at))
            .collect();
        let steering = steering(&articles);
        Ok(Self(Arc::new(Inner { articles, by_id, shelves, steering, generation, built })))
    }

    /// Opens what a name points to below a folder, with its articles as they were when it was built; `None` when it
    /// points nowhere.
    pub fn pointed(
        root: &Path,
        name: &str,
        embedder: Option<&Arc<dyn Embedder>>,
    ) -> anyhow::Result<Option<(Self, Pointer)>> {
        let Some(pointer) = generation::pointer(root, name) else { return Ok(None) };
        let articles = generation::articles(root, &pointer.hash)?;
        Ok(Some((Self::open(articles, Some(root), embedder)?, pointer)))
    }

    /// Lets a name point to this library's generation and returns how its articles differ from those before.
    pub fn point(&self, root: &Path, name: &str, source: &str) -> anyhow::Result<Changes> {
        let manifest = &self.0.generation.manifest;
        let pointer = Pointer { hash: manifest.hash.clone(), source: source.to_owned() };
        generation::swap(root, name, &pointer, manifest)
    }

    /// Lets a name point nowhere.
    pub fn forget(root: &Path, name: &str) {
        generation::forget(root, name);
    }

    /// Returns every article, in the order of their files.
    pub fn articles(&self) -> &[Article] {
        &self.0.articles
    }

    /// Returns an article by id and locale.
    pub fn article(&self, id: &str, locale: Locale) -> Option<&Article> {
        self.0.by_id.get(&(locale, id.to_owned())).and_then(|at| self.0.articles.get(*at))
    }

    /// Names the generation of the index.
    pub fn hash(&self) -> &str {
        &self.0.generation.manifest.hash
    }

    /// True when the index was built now, false when it was there.
    pub fn is_new(&self) -> bool {
        self.0.built
    }

    /// Returns what was learnt per locale, with the number of passages.
    pub fn fits(&self) -> impl Iterator<Item = (Locale, usize, &Fit)> {
        self.0.shelves.iter().map(|(locale, shelf)| (*locale, shelf.passages(), &shelf.fit))
    }

    /// Returns at most `limit` passages for a customer's words: those of the customer's locale first, then
    /// those of the other, in each the answers (`above_floor`) first and the best first.
    ///
    /// A text that no article answers yields no passage above the floor, and neither does an index that fails.
    pub fn search(&self, text: &str, locale: Locale, limit: usize) -> Vec<Passage> {
        self.search_with(text, locale, limit, &Hint::default())
    }

    /// Returns the same; among them the articles of the message's category come earlier.
    pub fn search_with(
        &self,
        text: &str,
        locale: Locale,
        limit: usize,
        hint: &Hint<'_>,
    ) -> Vec<Passage> {
        let found = self.found(text, locale, limit.max(ANSWERS_SEEN)).unwrap_or_else(|error| {
            tracing::error!("The search failed, so nothing was found: {error}: {}", error.source);
            Vec::new()
        });
        let mut found: Vec<(f64, Found<'_>)> = found
            .into_iter()
            .filter(|one| !self.0.steering.contains(&(one.hit.article, one.hit.section)))
            .map(|one| (one.hit.answer + hint.bonus(one.article), one))
            .collect();
        found.sort_by(|(worth_a, a), (worth_b, b)| {
            let group = |one: &Found<'_>| (one.article.locale != locale, !one.hit.above_floor);
            group(a).cmp(&group(b)).then(worth_b.total_cmp(worth_a))
        });
        found.truncate(limit);
        found.into_iter().map(|(_, one)| one.passage(one.hit.answer)).collect()
    }

    /// Returns at most `limit` passages in the order of their score, the customer's locale first; answers or not.
    pub fn rank(
        &self,
        text: &str,
        locale: Locale,
        limit: usize,
    ) -> Result<Vec<Passage>, PortError> {
        let found = self.found(text, locale, limit)?;
        Ok(found.into_iter().map(|one| one.passage(one.hit.score)).collect())
    }

    /// Passages in the order of their score.
    fn found(&self, text: &str, locale: Locale, limit: usize) -> Result<Vec<Found<'_>>, PortError> {
        let mut passages = Vec::new();
        let others = Locale::ALL.iter().copied().filter(|other| *other != locale);
        for locale in std::iter::once(locale).chain(others) {
            let found = self.0.shelves.get(&locale).zip(self.0.generation.shards.get(&locale));
            let (Some((articles, shard)), true) = (found, passages.len() < limit) else { continue };
            for hit in articles.search(shard, text, limit - passages.len())? {
                let Some(article) = self.0.articles.get(hit.article) else { continue };
                let Some(section) = article.sections.get(hit.section) else { continue };
                passages.push(Found { article, section, hit });
            }
        }
        Ok(passages)
    }
}

/// Finds the passages that give orders to machines, by article and section. Nobody is answered with them.
fn steering(articles: &[Article]) -> BTreeSet<(usize, usize)> {
    let mut found = BTreeSet::new();
    for (at, article) in articles.iter().enumerate() {
        for (section, passage) in article.sections.iter().enumerate() {
            if speaks_to_machines(&passage.text) {
                tracing::warn!(
                    article = %article.id, locale = %article.locale,
                    "An article gives orders to machines; the passage is left out until somebody looks: {}", article.id
                );
                found.insert((at, section));
            }
        }
    }
    found
}

/// A passage that was found, not yet copied.
struct Found<'l> {
    article: &'l Article,
    section: &'l Section,
    hit: Hit,
}

impl Found<'_> {
    fn passage(&self, score: f64) -> Passage {
        Passage {
            article: self.article.id.clone(),
            locale: self.article.locale,
            heading: self.section.heading.clone(),
            score: rounded(score),
            above_floor: self.hit.above_floor,
            text: self.section.text.clone(),
        }
    }
}

fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}

/// An index that cannot be written is told like an article that cannot be read.
fn no_index(error: anyhow::Error) -> Vec<Problem> {
    let message = format!("cannot be written or opened: {:#}", error.context("the index"));
    vec![Problem { file: "index".to_owned(), line: 1, message }]
}

#[cfg(test)]
mod tests;
