//! The knowledge base: articles in each locale, and the passages that answer a question.
//!
//! Sample articles are part of the binary; a company's folder replaces them file by file. Search ranks in
//! `rank` alone, so another engine can stand behind [`Library::search`].

mod article;
mod rank;
mod spelling;
mod stem;
mod terms;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use article::{Article, Audience, Priority, Problem, Section};
use rank::Index;
use rust_embed::RustEmbed;
use terms::Lexicon;

use crate::domain::draft::Passage;
use crate::domain::labels::Locale;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/knowledge"]
struct Samples;

/// Every article, ready to be searched.
pub struct Library {
    articles: Vec<Article>,
    /// Per locale: the index and, for its article numbers, places in `articles`.
    indexes: BTreeMap<Locale, (Index, Vec<usize>)>,
}

impl Library {
    /// Loads a company's articles, or the samples where it has no folder; every problem is reported.
    ///
    /// The two never mix: the samples state facts of a made-up company.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let mut files = BTreeMap::new();
        let mut problems = Vec::new();
        match folder {
            Some(folder) => read_folder(folder, &mut files, &mut problems),
            None => {
                for path in Samples::iter() {
                    if let Some(file) = Samples::get(&path) {
                        files.insert(path.into_owned(), file.data.into_owned());
                    }
                }
            }
        }
        let mut articles = Vec::new();
        for (path, bytes) in &files {
            match read(path, bytes) {
                Ok(article) => articles.push(article),
                Err(problem) => problems.push(problem),
            }
        }
        check_related(&articles, &files, &mut problems);
        if problems.is_empty() { Ok(Self::new(articles)) } else { Err(problems) }
    }

    /// Makes a library of the given articles.
    pub fn new(articles: Vec<Article>) -> Self {
        let mut indexes = BTreeMap::new();
        for locale in Locale::ALL {
            let places: Vec<usize> = (0..)
                .zip(&articles)
                .filter(|(_, a)| a.locale == *locale && a.audience == Audience::Customers)
                .map(|(place, _)| place)
                .collect();
            let chosen: Vec<&Article> = places.iter().filter_map(|at| articles.get(*at)).collect();
            indexes.insert(*locale, (Index::new(Lexicon::new(*locale), &chosen), places));
        }
        Self { articles, indexes }
    }

    /// Returns every article, in the order of their files.
    pub fn articles(&self) -> &[Article] {
        &self.articles
    }

    /// Returns an article by id and locale.
    pub fn article(&self, id: &str, locale: Locale) -> Option<&Article> {
        self.articles.iter().find(|article| article.locale == locale && article.id == id)
    }

    /// Returns at most `limit` passages for a customer's words: those of the customer's locale first, then
    /// those of the other, in each the answers (`above_floor`) first and the best first.
    ///
    /// A text that no article answers yields no passage above the floor.
    pub fn search(&self, text: &str, locale: Locale, limit: usize) -> Vec<Passage> {
        let mut passages = Vec::new();
        let others = Locale::ALL.iter().copied().filter(|other| *other != locale);
        for locale in std::iter::once(locale).chain(others) {
            let Some((index, places)) = self.indexes.get(&locale) else { continue };
            for hit in index.search(text) {
                if passages.len() == limit {
                    return passages;
                }
                let article = places.get(hit.article).and_then(|at| self.articles.get(*at));
                let Some(article) = article else { continue };
                let Some(section) = article.sections.get(hit.section) else { continue };
                passages.push(Passage {
                    article: article.id.clone(),
                    locale,
                    heading: section.heading.clone(),
                    score: (hit.score * 10_000.0).round() / 10_000.0,
                    above_floor: hit.above_floor,
                    text: section.text.clone(),
                });
            }
        }
        passages
    }
}

fn read(path: &str, bytes: &[u8]) -> Result<Article, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem {
        file: path.to_owned(),
        line: 1,
        message: "save the article as UTF-8".to_owned(),
    })?;
    article::parse(path, text)
}

/// Adds a company's files, which replace samples of the same path.
fn read_folder(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>, problems: &mut Vec<Problem>) {
    let mut open: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(directory) = open.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(unreadable(folder, &directory, &error));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                match std::fs::read(&path) {
                    Ok(bytes) => {
                        files.insert(relative(folder, &path), bytes);
                    }
                    Err(error) => problems.push(unreadable(folder, &path, &error)),
                }
            }
        }
    }
}

fn unreadable(folder: &Path, path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("cannot be read ({error}); check that it exists and its permissions");
    Problem { file: relative(folder, path), line: 1, message }
}

/// A path inside the folder with `/` on every system.
fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Reports links to articles that do not exist in the same locale.
fn check_related(
    articles: &[Article],
    files: &BTreeMap<String, Vec<u8>>,
    problems: &mut Vec<Problem>,
) {
    let known: std::collections::BTreeSet<(Locale, &str)> =
        articles.iter().map(|article| (article.locale, article.id.as_str())).collect();
    for article in articles {
        for related in &article.related {
            if known.contains(&(article.locale, related.as_str())) {
                continue;
            }
            let file = format!("{}/{}.md", article.locale, article.id);
            let text = files.get(&file).map(|bytes| String::from_utf8_lossy(bytes));
            let line = text.map_or(1, |text| article::line_of(&text, related));
            let message = format!(
                "related article `{related}` does not exist in {}; name it as category/slug or remove it",
                article.locale
            );
            problems.push(Problem { file, line, message });
        }
    }
}

#[cfg(test)]
mod tests;
