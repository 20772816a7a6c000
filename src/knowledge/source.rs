//! Where articles come from: the samples of the binary, a company's folder, any tree of Markdown, or JSON Lines.
//!
//! A company's folder is held to its form, because answers leave on its word. Any other tree or file is taken as it
//! is, with what it lacks left out; only what cannot be read at all is a problem.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chrono::NaiveDate;
use rust_embed::RustEmbed;
use serde::Deserialize;

use super::article::{self, Article, Audience, Priority};
use super::terms::list;
use crate::domain::labels::Locale;
use crate::text::Problem;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/knowledge"]
struct Samples;

/// Where to read articles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The samples of the binary.
    Samples,
    /// A company's folder, `<locale>/<category>/<slug>.md` with front matter.
    Company(PathBuf),
    /// Any tree of Markdown files.
    Tree(PathBuf),
    /// A file with one JSON object a line: `{"id", "title", "text", "locale"}`.
    Lines(PathBuf),
}

impl Source {
    /// Reads every article, or says everything that is wrong.
    pub fn read(&self) -> Result<Vec<Article>, Vec<Problem>> {
        match self {
            Self::Samples => {
                let files = Samples::iter().filter_map(|path| {
                    Samples::get(&path).map(|file| (path.into_owned(), file.data.into_owned()))
                });
                company(&files.collect(), Vec::new())
            }
            Self::Company(folder) => {
                let (files, problems) = folder_files(folder);
                company(&files, problems)
            }
            Self::Tree(folder) => tree(folder),
            Self::Lines(file) => lines(file),
        }
    }

    /// Reads every article as if one file said this; only of a company's folder and of the samples.
    pub fn read_with(&self, path: &str, text: &str) -> Result<Vec<Article>, Vec<Problem>> {
        let (mut files, problems) = match self {
            Self::Samples => (sample_files(), Vec::new()),
            Self::Company(folder) => folder_files(folder),
            Self::Tree(_) | Self::Lines(_) => return self.read(),
        };
        files.insert(path.to_owned(), text.as_bytes().to_vec());
        company(&files, problems)
    }

    /// Returns the files of a company's folder, or of the samples, by their path inside it.
    pub fn files(&self) -> Files {
        match self {
            Self::Samples => sample_files(),
            Self::Company(folder) => folder_files(folder).0,
            Self::Tree(_) | Self::Lines(_) => Files::new(),
        }
    }
}

/// Reads one article as far as it can be read; `None` where nothing of it can.
pub fn article_of(path: &str, text: &str) -> Option<Article> {
    loose(path, text).ok().flatten()
}

/// Files by their path inside the tree.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Returns the files of the binary.
pub(super) fn sample_files() -> Files {
    Samples::iter()
        .filter_map(|path| Some((path.to_string(), Samples::get(&path)?.data.into_owned())))
        .collect()
}

fn company(files: &Files, mut problems: Vec<Problem>) -> Result<Vec<Article>, Vec<Problem>> {
    let mut articles = Vec::new();
    for (path, bytes) in files {
        match utf8(path, bytes).and_then(|text| article::parse(path, text)) {
            Ok(article) => articles.push(article),
            Err(problem) => problems.push(problem),
        }
    }
    check_related(&articles, files, &mut problems);
    if problems.is_empty() { Ok(articles) } else { Err(problems) }
}

/// Reads every Markdown file below a folder.
pub(super) fn folder_files(folder: &Path) -> (Files, Vec<Problem>) {
    let (mut files, mut problems) = (Files::new(), Vec::new());
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
            // A link to a folder could lead back up; files behind links are read.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
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
    (files, problems)
}

fn unreadable(folder: &Path, path: &Path, error: &std::io::Error) -> Problem {
    let file = match relative(folder, path) {
        name if name.is_empty() => folder.display().to_string(),
        name => name,
    };
    let message = format!("cannot be read ({error}); check that it exists and its permissions");
    Problem { file, line: 1, message }
}

/// A path inside the folder with `/` on every system.
fn relative(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = inside.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

pub(super) fn utf8<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        Problem {
            file: path.to_owned(),
            line: before.split(|byte| *byte == b'\n').count(),
            message: "save the article as UTF-8".to_owned(),
        }
    })
}

/// Reports links to articles that do not exist in the same locale.
fn check_related(articles: &[Article], files: &Files, problems: &mut Vec<Problem>) {
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

/// What a foreign front matter may say; everything else in it is somebody else's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Loose {
    title: Option<String>,
    topic: Option<String>,
    locale: Option<String>,
    lang: Option<String>,
    category: Option<String>,
    subcategory: Option<String>,
    audience: Audience,
    priority: Priority,
    updated: Option<NaiveDate>,
    related: Vec<String>,
    questions: Vec<String>,
}

fn tree(folder: &Path) -> Result<Vec<Article>, Vec<Problem>> {
    let (files, mut problems) = folder_files(folder);
    let mut articles = Vec::new();
    let mut seen: BTreeMap<(Locale, String), String> = BTreeMap::new();
    for (path, bytes) in &files {
        match utf8(path, bytes).and_then(|text| loose(path, text)) {
            Ok(None) => {}
            Ok(Some(article)) => {
                let key = (article.locale, article.id.clone());
                if let Some(first) = seen.insert(key, path.clone()) {
                    let message =
                        format!("the same article as {first}; remove or rename one of them");
                    problems.push(Problem { file: path.clone(), line: 1, message });
                }
                articles.push(article);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() && articles.is_empty() {
        let message = "holds no Markdown file (.md) with text; name the folder of your articles";
        problems.push(Problem {
            file: folder.display().to_string(),
            line: 1,
            message: message.to_owned(),
        });
    }
    if problems.is_empty() { Ok(articles) } else { Err(problems) }
}

/// Takes a Markdown file as it is; `None` for one without text.
pub(super) fn loose(path: &str, text: &str) -> Result<Option<Article>, Problem> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let (front, body) = match text.strip_prefix("---\n").and_then(|rest| {
        rest.split_once("\n---\n").or_else(|| Some((rest.strip_suffix("\n---")?, "")))
    }) {
        Some((front, body)) => (read_front(path, front)?, body),
        None => (Loose::default(), text.as_str()),
    };
    let sections = article::sections(body);
    if sections.is_empty() {
        return Ok(None);
    }
    let (in_path, inner) = match path.split_once('/') {
        Some((first, rest)) if locale_of(first).is_some() => (locale_of(first), rest),
        _ => (None, path),
    };
    let id = inner.strip_suffix(".md").unwrap_or(inner).to_owned();
    let heading = body.lines().find_map(|line| line.strip_prefix("# ")).map(str::to_owned);
    let slug = id.rsplit('/').next().unwrap_or(&id).replace(['-', '_'], " ");
    let locale = front.locale.or(front.lang).as_deref().and_then(locale_of).or(in_path);
    let category = id.rsplit_once('/').map_or("", |(folders, _)| folders).to_owned();
    Ok(Some(Article {
        locale: locale.unwrap_or_else(|| guess(body)),
        title: front.title.or(heading).map_or(slug, |title| title.trim().to_owned()),
        topic: front.topic,
        category: front.category.unwrap_or(category),
        subcategory: front.subcategory,
        audience: front.audience,
        priority: front.priority,
        updated: front.updated,
        related: front.related,
        questions: front.questions,
        sections,
        id,
    }))
}

fn read_front(path: &str, front: &str) -> Result<Loose, Problem> {
    if front.trim().is_empty() {
        return Ok(Loose::default());
    }
    serde_saphyr::from_str(front).map_err(|error| Problem {
        file: path.to_owned(),
        line: error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1) + 1),
        message: format!(
            "{}; correct the front matter or remove it",
            article::short(&error.to_string())
        ),
    })
}

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(default)]
    title: String,
    text: String,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    questions: Vec<String>,
}

fn lines(file: &Path) -> Result<Vec<Article>, Vec<Problem>> {
    let name = file.display().to_string();
    let problem = |line: usize, message: String| Problem { file: name.clone(), line, message };
    let bytes = std::fs::read(file).map_err(|error| {
        vec![problem(
            1,
            format!("cannot be read ({error}); check that it exists and its permissions"),
        )]
    })?;
    let (mut articles, mut problems) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<(Locale, String), usize> = BTreeMap::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Ok(text) = std::str::from_utf8(line) else {
            problems.push(problem(number, "is not UTF-8; save the file as UTF-8".to_owned()));
            continue;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        match read_line(text) {
            Err(message) => problems.push(problem(number, message)),
            Ok(article) => {
                let key = (article.locale, article.id.clone());
                if let Some(first) = seen.insert(key, number) {
                    let message = format!(
                        "id `{}` is already that of line {first}; ids must differ",
                        article.id
                    );
                    problems.push(problem(number, message));
                }
                articles.push(article);
            }
        }
    }
    if articles.is_empty() && problems.is_empty() {
        let message =
            "is empty; write one object a line: {\"id\", \"title\", \"text\", \"locale\"}";
        problems.push(problem(1, message.to_owned()));
    }
    if problems.is_empty() { Ok(articles) } else { Err(problems) }
}

fn read_line(text: &str) -> Result<Article, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default().to_owned();
        format!(
            "{said}, at character {}; write {{\"id\", \"title\", \"text\", \"locale\"}}",
            error.column()
        )
    })?;
    if line.id.trim().is_empty() {
        return Err("id is empty; give every line an id of its own".to_owned());
    }
    let sections = article::sections(&line.text);
    if sections.is_empty() {
        return Err(format!("`{}` has no text; write its text or remove the line", line.id));
    }
    let locale = match line.locale.as_deref() {
        None => guess(&line.text),
        Some(name) => locale_of(name)
            .ok_or_else(|| format!("`{name}` is no locale of ours; use `pt-BR` or `en`"))?,
    };
    Ok(Article {
        id: line.id,
        locale,
        title: line.title.trim().to_owned(),
        topic: None,
        category: String::new(),
        subcategory: None,
        audience: Audience::Customers,
        priority: Priority::Normal,
        updated: None,
        related: Vec::new(),
        questions: line.questions,
        sections,
    })
}

/// Reads `pt-BR`, `pt_br`, `pt`, `en`, `en-US` and the like.
fn locale_of(name: &str) -> Option<Locale> {
    match name.to_ascii_lowercase().split(['-', '_']).next() {
        Some("pt") if name.len() <= 5 => Some(Locale::PtBr),
        Some("en") if name.len() <= 5 => Some(Locale::En),
        _ => None,
    }
}

/// Tells the language of an article that does not say; Portuguese where nothing speaks for either.
fn guess(text: &str) -> Locale {
    locale_of_text(text).unwrap_or(Locale::PtBr)
}

/// Tells the language of a text by its function words; `None` where neither language has more of them.
pub fn locale_of_text(text: &str) -> Option<Locale> {
    let folded = crate::text::fold::fold(text);
    let (pt, en) = folded.split(|c: char| !c.is_alphanumeric()).take(GUESSED_WORDS).fold(
        (0, 0),
        |(pt, en), word| {
            let has = |words: &HashSet<String>| i32::from(words.contains(word));
            (pt + has(&PORTUGUESE), en + has(&ENGLISH))
        },
    );
    match pt.cmp(&en) {
        Ordering::Greater => Some(Locale::PtBr),
        Ordering::Less => Some(Locale::En),
        Ordering::Equal => None,
    }
}

/// Words of a text that tell its language.
const GUESSED_WORDS: usize = 300;

static PORTUGUESE: LazyLock<HashSet<String>> =
    LazyLock::new(|| list(include_str!("words/common.pt-BR.txt")).collect());
static ENGLISH: LazyLock<HashSet<String>> =
    LazyLock::new(|| list(include_str!("words/common.en.txt")).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_does_not_name_its_language_is_in_that_of_its_small_words() {
        for (text, expected) in [
            ("Como eu troco a senha da minha conta?", Locale::PtBr),
            ("How do I change the password of my account?", Locale::En),
            ("", Locale::PtBr),
        ] {
            assert_eq!(guess(text), expected, "{text}");
        }
    }

    #[test]
    fn any_markdown_is_taken_as_it_is() {
        for (path, text, expected) in [
            (
                "faq/troca.md",
                "# Como trocar?\nVocê tem 30 dias.",
                ("faq/troca", "Como trocar?", Locale::PtBr),
            ),
            ("en/faq/how-to.md", "Just text.", ("faq/how-to", "how to", Locale::En)),
            ("x.md", "---\ntitle: T\nowner: x\n---\nThis is it.", ("x", "T", Locale::En)),
        ] {
            let article = loose(path, text).unwrap().unwrap();
            assert_eq!((article.id.as_str(), article.title.as_str(), article.locale), expected);
        }
        assert_eq!(loose("x.md", "---\ntitle: T\n---\n").unwrap(), None);
        assert_eq!(loose("x.md", "---\ntitle: [\n---\nText").unwrap_err().file, "x.md");
    }

    #[test]
    fn what_is_wrong_with_json_lines_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        let good = r#"{"id":"a","title":"T","text":"Texto","locale":"pt-BR"}"#;
        for (bytes, line, part) in [
            (String::new(), 1, "is empty"),
            (format!("{good}\n{{\"id\": 1}}"), 2, "expected a string, at character"),
            (format!("{good}\n\nnot json"), 3, "at character"),
            (format!("{good}\n{good}"), 2, "already that of line 1"),
            (format!("{good}\n{}", r#"{"id":"b","text":" "}"#), 2, "no text"),
            (format!("{good}\n{}", r#"{"id":"","text":"x"}"#), 2, "id is empty"),
            (r#"{"id":"a","text":"x","locale":"fr"}"#.to_owned(), 1, "`fr` is no locale"),
            (r#"{"id":"a"}"#.to_owned(), 1, "missing field `text`"),
        ] {
            std::fs::write(&file, &bytes).unwrap();
            let problems = lines(&file).unwrap_err();
            assert_eq!((problems.len(), problems[0].line), (1, line), "{bytes}: {problems:?}");
            assert!(problems[0].message.contains(part), "{bytes}: {problems:?}");
        }
        std::fs::write(&file, [good.as_bytes(), b"\n\xff\xfe"].concat()).unwrap();
        assert!(lines(&file).unwrap_err()[0].message.contains("UTF-8"));
        assert!(
            lines(&folder.path().join("no")).unwrap_err()[0].message.contains("cannot be read")
        );
    }
}
