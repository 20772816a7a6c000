//! Checks how articles are written: what stops them from answering, and what would make them answer better.
//!
//! What breaks an answer is an error; what a writer may have reasons for is a warning.

mod form;
mod readability;
mod statements;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Months, NaiveDate};

use super::article::{self, Article};
use super::source::{self, Files};
use super::terms::Lexicon;
use crate::domain::labels::Locale;
use readability::Level;
use statements::Statement;

/// Articles older than this may no longer be true.
const STALE_MONTHS: u32 = 12;
/// Words in a row that two texts share by copying, not by chance.
const RUN: usize = 5;
/// The share of its runs that makes an article a copy of another.
const COPIED: f64 = 0.6;
/// A run that so many articles share is a fixed phrase.
const FIXED_PHRASE: usize = 8;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The article cannot answer as it is.
    Error,
    /// It would answer better.
    Warning,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, as a path inside the tree.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything found, by file and line.
    pub findings: Vec<Finding>,
    /// Articles per locale.
    pub articles: BTreeMap<Locale, usize>,
    /// Per locale the ids that only the other has.
    pub missing: BTreeMap<Locale, Vec<String>>,
}

/// Checks the Markdown files of a folder, or the samples without one; messages are in `lang`.
pub fn check(folder: Option<&Path>, today: NaiveDate, lang: Locale) -> Report {
    check_with(folder, None, today, lang)
}

/// Checks them as if one file, named by its path, said something else.
pub fn check_with(
    folder: Option<&Path>,
    changed: Option<(&str, &str)>,
    today: NaiveDate,
    lang: Locale,
) -> Report {
    let (mut files, problems) = match folder {
        Some(folder) => source::folder_files(folder),
        None => (source::sample_files(), Vec::new()),
    };
    if let Some((path, text)) = changed {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    let mut check = Check { lang, today, report: Report::default() };
    for problem in problems {
        check.error(&problem.file, problem.line, problem.message);
    }
    check.files(&files);
    check.report.findings.sort();
    check.report
}

struct Check {
    lang: Locale,
    today: NaiveDate,
    report: Report,
}

/// An article with the file it was read from.
struct Page<'a> {
    path: &'a str,
    text: String,
    article: Article,
}

impl Page<'_> {
    /// The line of a text within the file, from 1.
    fn line(&self, needle: &str) -> usize {
        let first = needle.lines().next().unwrap_or_default();
        article::line_of(&self.text, first)
    }
}

impl Check {
    fn say(&self, pt: impl Into<String>, en: impl Into<String>) -> String {
        match self.lang {
            Locale::PtBr => pt.into(),
            Locale::En => en.into(),
        }
    }

    fn error(&mut self, file: &str, line: usize, message: String) {
        let file = file.to_owned();
        self.report.findings.push(Finding { file, line, severity: Severity::Error, message });
    }

    fn warn(&mut self, file: &str, line: usize, message: String) {
        let file = file.to_owned();
        self.report.findings.push(Finding { file, line, severity: Severity::Warning, message });
    }

    fn files(&mut self, files: &Files) {
        let mut pages = Vec::new();
        for (path, bytes) in files {
            let read =
                source::utf8(path, bytes).and_then(|text| Ok((text, source::loose(path, text)?)));
            match read {
                Err(problem) => self.error(&problem.file, problem.line, problem.message),
                Ok((_, None)) => {
                    let message = self.say(
                        "não tem texto; escreva a resposta ou apague o arquivo",
                        "has no text; write the answer or delete the file",
                    );
                    self.error(path, 1, message);
                }
                Ok((text, Some(article))) => {
                    *self.report.articles.entry(article.locale).or_default() += 1;
                    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
                    pages.push(Page { path, text, article });
                }
            }
        }
        if files.is_empty() && self.report.findings.is_empty() {
            let message = self.say("não há arquivos .md na pasta", "the folder holds no .md file");
            self.error(".", 1, message);
        }
        for page in &pages {
            self.page(page);
        }
        self.related(&pages);
        self.copies(&pages);
        self.contradictions(&pages);
        self.coverage(&pages);
    }

    fn page(&mut self, page: &Page<'_>) {
        let (article, path) = (&page.article, page.path);
        let title_line = page.line(&article.title);
        if !form::is_question_or_action(&article.title, article.locale) {
            let message = self.say(
                "o título não é pergunta nem ação; comece por \"Como\", \"Qual\" ou um verbo: \"Trocar a senha\"",
                "the title is neither a question nor an action; begin with \"How\", \"What\" or a verb: \"Change your password\"",
            );
            // A problem in a customer's words is found, if not as well; a bare name is not.
            if form::is_statement(&article.title) {
                self.warn(path, title_line, message);
            } else {
                self.error(path, title_line, message);
            }
        }
        self.opening(page);
        self.steps(page);
        let edge_cases =
            article.sections.iter().filter(|section| !section.heading.is_empty()).count();
        if edge_cases == 0 {
            let message = self.say(
                "não trata casos especiais; acrescente uma seção como \"## Se não funcionar\"",
                "covers no edge case; add a section such as \"## If it does not work\"",
            );
            self.warn(path, 1, message);
        }
        if article.related.is_empty() && !page.text.contains(".md)") {
            let message = self.say(
                "não aponta para outros artigos; acrescente \"related: [categoria/artigo]\" ao cabeçalho",
                "links to no other article; add \"related: [category/article]\" to the front matter",
            );
            self.warn(path, 1, message);
        }
        self.age(page);
        let texts: Vec<&str> = article.sections.iter().map(|s| s.text.as_str()).collect();
        let whole = texts.join("\n\n");
        if let Some(level) =
            readability::level(&whole, article.locale).filter(|level| level.is_hard())
        {
            let figure = match level {
                Level::Grade(grade) => format!("Flesch-Kincaid {grade:.1}"),
                Level::Index(index) => format!("Flesch {index:.0}"),
            };
            let message = self.say(
                format!("difícil de ler ({figure}); use frases curtas e palavras comuns, para a oitava série"),
                format!("hard to read ({figure}); use short sentences and common words, for grade 8"),
            );
            self.warn(path, title_line, message);
        }
    }

    /// The first paragraph answers, so it must be there and must not be a promise of an answer.
    fn opening(&mut self, page: &Page<'_>) {
        let Some(first) = page.article.sections.first() else { return };
        let paragraph = first.text.split("\n\n").next().unwrap_or_default();
        let line = page.line(paragraph);
        let problem = if !first.heading.is_empty() {
            Some((
                "o texto começa por um subtítulo; responda antes dele, em um parágrafo",
                "the text begins with a heading; answer above it, in one paragraph",
            ))
        } else if article::is_step(paragraph)
            || paragraph.starts_with(['-', '*', '|', '>', '!']) && !paragraph.starts_with("**")
        {
            Some((
                "o primeiro parágrafo é uma lista; responda em uma frase antes dela",
                "the first paragraph is a list; answer in a sentence above it",
            ))
        } else if paragraph.trim_end().ends_with('?') {
            Some((
                "o primeiro parágrafo pergunta; ele deve responder",
                "the first paragraph asks; it must answer",
            ))
        } else if form::only_announces(paragraph) {
            Some((
                "o primeiro parágrafo só anuncia; diga nele a resposta",
                "the first paragraph only announces; say the answer in it",
            ))
        } else {
            None
        };
        if let Some((pt, en)) = problem {
            let message = self.say(pt, en);
            self.error(page.path, line, message);
        }
    }

    /// Whoever does something needs numbered steps, each with something to do and to see.
    fn steps(&mut self, page: &Page<'_>) {
        let article = &page.article;
        let numbered = article.sections.iter().any(|section| article::has_steps(&section.text));
        if !numbered && form::is_how_to(&article.title, article.locale) {
            let message = self.say(
                "ensina a fazer algo sem passos numerados; escreva \"1. ..\", \"2. ..\"",
                "teaches how to do something without numbered steps; write \"1. ..\", \"2. ..\"",
            );
            self.warn(page.path, page.line(&article.title), message);
        }
        let mut expected = 1;
        for (number, line) in (1..).zip(page.text.lines()) {
            if !article::is_step(line) || line.starts_with(' ') {
                if line.starts_with('#') {
                    expected = 1;
                }
                continue;
            }
            let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
            let given: u32 = digits.parse().unwrap_or_default();
            // Markdown numbers a list of nothing but 1. by itself.
            if given != expected && given != 1 {
                let message = self.say(
                    format!("o passo {given} vem onde se espera o {expected}; numere em ordem"),
                    format!(
                        "step {given} stands where {expected} is expected; number them in order"
                    ),
                );
                self.warn(page.path, number, message);
            }
            expected = given + 1;
            if let Some(word) = form::vague(line) {
                let message = self.say(
                    format!("\"{word}\" não se pode testar; diga o que fazer e o que se vê depois"),
                    format!("\"{word}\" cannot be tested; say what to do and what is seen then"),
                );
                self.warn(page.path, number, message);
            }
        }
    }

    fn age(&mut self, page: &Page<'_>) {
        let Some(updated) = page.article.updated else {
            let message = self.say(
                "não diz quando foi atualizado; acrescente \"updated: AAAA-MM-DD\" ao cabeçalho",
                "does not say when it was updated; add \"updated: YYYY-MM-DD\" to the front matter",
            );
            self.error(page.path, 1, message);
            return;
        };
        let line = page.line("updated:");
        let oldest = self.today.checked_sub_months(Months::new(STALE_MONTHS));
        if oldest.is_some_and(|oldest| updated < oldest) {
            let message = self.say(
                format!("atualizado em {updated}, há mais de {STALE_MONTHS} meses; confira e troque a data"),
                format!("updated on {updated}, more than {STALE_MONTHS} months ago; check it and change the date"),
            );
            self.warn(page.path, line, message);
        } else if updated > self.today {
            let message = self.say(
                format!("atualizado em {updated}, que ainda não chegou; corrija a data"),
                format!("updated on {updated}, which is still to come; correct the date"),
            );
            self.warn(page.path, line, message);
        }
    }

    fn related(&mut self, pages: &[Page<'_>]) {
        let known: BTreeSet<(Locale, &str)> =
            pages.iter().map(|page| (page.article.locale, page.article.id.as_str())).collect();
        for page in pages {
            for related in &page.article.related {
                if known.contains(&(page.article.locale, related.as_str())) {
                    continue;
                }
                let message = self.say(
                    format!(
                        "o artigo relacionado `{related}` não existe em {}; corrija ou retire",
                        page.article.locale
                    ),
                    format!(
                        "related article `{related}` does not exist in {}; correct or remove it",
                        page.article.locale
                    ),
                );
                self.error(page.path, page.line(related), message);
            }
        }
    }

    /// Reports articles that say the same: by title, or by the words they share in the same order.
    fn copies(&mut self, pages: &[Page<'_>]) {
        let mut titles: BTreeMap<(Locale, String), &str> = BTreeMap::new();
        let mut runs: BTreeMap<(Locale, u64), Vec<usize>> = BTreeMap::new();
        let mut counts = Vec::new();
        for (number, page) in pages.iter().enumerate() {
            let title = crate::text::fold::fold(&page.article.title);
            let title = title.trim_end_matches(['?', '.', ' ']).to_owned();
            let first = titles.get(&(page.article.locale, title.clone())).copied();
            if let Some(first) = first {
                let message = self.say(
                    format!("tem o mesmo título de {first}; junte os dois ou distinga os títulos"),
                    format!(
                        "has the same title as {first}; join the two or tell their titles apart"
                    ),
                );
                self.error(page.path, page.line(&page.article.title), message);
            } else {
                titles.insert((page.article.locale, title), page.path);
            }
            let own = form::runs(&page.article, RUN);
            counts.push(own.len());
            for run in own {
                runs.entry((page.article.locale, run)).or_default().push(number);
            }
        }
        let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for numbers in runs.values().filter(|numbers| (2..=FIXED_PHRASE).contains(&numbers.len())) {
            for (at, one) in numbers.iter().enumerate() {
                for other in numbers.iter().skip(at + 1) {
                    *shared.entry((*one, *other)).or_default() += 1;
                }
            }
        }
        for ((one, other), common) in shared {
            let least = counts.get(one).zip(counts.get(other)).map_or(0, |(a, b)| *a.min(b));
            let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            let (Some(first), Some(copy)) = (pages.get(one), pages.get(other)) else { continue };
            if number(common) >= COPIED * number(least) {
                let message = self.say(
                    format!("repete o texto de {}; junte os dois", first.path),
                    format!("repeats the text of {}; join the two", first.path),
                );
                self.warn(copy.path, copy.line(&copy.article.title), message);
            }
        }
    }

    fn contradictions(&mut self, pages: &[Page<'_>]) {
        for locale in Locale::ALL {
            let lexicon = Lexicon::new(*locale);
            let mut all: Vec<(&Page<'_>, usize, Statement)> = Vec::new();
            for page in pages.iter().filter(|page| page.article.locale == *locale) {
                for section in &page.article.sections {
                    let first = page.line(&section.text);
                    let found = statements::find(&section.text, &lexicon);
                    all.extend(
                        found
                            .into_iter()
                            .map(|statement| (page, first + statement.line, statement)),
                    );
                }
            }
            for (at, (page, line, statement)) in all.iter().enumerate() {
                for (earlier, earlier_line, other) in all.iter().take(at) {
                    if earlier.path == page.path || !statements::contradict(statement, other) {
                        continue;
                    }
                    let (here, there) = (&statement.written, &other.written);
                    let place = format!("{}:{earlier_line}", earlier.path);
                    let message = self.say(
                        format!("diz {here}, mas {place} diz {there} da mesma coisa; acerte um dos dois"),
                        format!("says {here}, but {place} says {there} of the same thing; correct one of them"),
                    );
                    self.warn(page.path, *line, message);
                }
            }
        }
    }

    /// Where articles are written in both languages, each should be.
    fn coverage(&mut self, pages: &[Page<'_>]) {
        if self.report.articles.len() < Locale::ALL.len() {
            return;
        }
        let known: BTreeSet<(Locale, &str)> =
            pages.iter().map(|page| (page.article.locale, page.article.id.as_str())).collect();
        for page in pages {
            for locale in Locale::ALL.iter().filter(|locale| **locale != page.article.locale) {
                if known.contains(&(*locale, page.article.id.as_str())) {
                    continue;
                }
                let missing = self.report.missing.entry(*locale).or_default();
                missing.push(page.article.id.clone());
                let message = self.say(
                    format!("não existe em {locale}; traduza o artigo"),
                    format!("does not exist in {locale}; translate the article"),
                );
                self.warn(page.path, 1, message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
