//! Reads an article: front matter, then Markdown, cut into the passages that can answer a question.
//!
//! A list of numbered steps is never torn apart, and the opening keeps the steps that belong to it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::labels::Locale;
use crate::text::Problem;

/// Who an article is written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Anyone; only these articles are searched for customers.
    #[default]
    Customers,
    /// The support team alone.
    Agents,
}

/// How much an article matters to the business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Nice to have.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Asked for often, or costly when wrong.
    High,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    #[serde(default)]
    topic: Option<String>,
    category: String,
    #[serde(default)]
    subcategory: Option<String>,
    #[serde(default)]
    audience: Audience,
    #[serde(default)]
    priority: Priority,
    updated: NaiveDate,
    #[serde(default)]
    related: Vec<String>,
    #[serde(default)]
    questions: Vec<String>,
}

/// One article of the knowledge base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// Category, slash, slug; the same in every locale.
    pub id: String,
    /// The language it is written in.
    pub locale: Locale,
    /// A question or an action.
    pub title: String,
    /// What it is about, as words that fit after "about": "your password"; `None` leaves that to the category.
    pub topic: Option<String>,
    /// The category, which is also its folder.
    pub category: String,
    /// The subcategory; `None` when the article is about the whole category.
    pub subcategory: Option<String>,
    /// Who it is for.
    pub audience: Audience,
    /// How much it matters.
    pub priority: Priority,
    /// When its facts were last checked; `None` where the file does not say.
    pub updated: Option<NaiveDate>,
    /// Ids of articles to read next.
    pub related: Vec<String>,
    /// Questions it answers, in customers' words.
    pub questions: Vec<String>,
    /// Its passages in order; the first one answers.
    pub sections: Vec<Section>,
}

/// A passage of an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading above it; empty for the opening.
    pub heading: String,
    /// Its Markdown.
    pub text: String,
}

/// Reads one file; `path` is `<locale>/<category>/<slug>.md`.
pub(super) fn parse(path: &str, text: &str) -> Result<Article, Problem> {
    let problem = |line: usize, message: String| Problem { file: path.to_owned(), line, message };
    let mut parts = path.split('/');
    let (Some(locale), Some(category), Some(file), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(problem(1, "put the article under <locale>/<category>/<slug>.md".to_owned()));
    };
    let Some(locale) = Locale::parse(locale) else {
        let message = format!("`{locale}` is no locale of ours; use `pt-BR` or `en`");
        return Err(problem(1, message));
    };
    let slug = file.strip_suffix(".md").unwrap_or(file);

    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let Some((front, body)) =
        text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"))
    else {
        let message = "start the article with front matter between two lines of `---`".to_owned();
        return Err(problem(1, message));
    };
    let front_lines = front.lines().count() + 2;
    let front: FrontMatter = serde_saphyr::from_str(front).map_err(|error| {
        let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1) + 1);
        problem(line, short(&error.to_string()))
    })?;
    if front.title.trim().is_empty() {
        return Err(problem(2, "give the article a title: a question or an action".to_owned()));
    }
    if front.category != category {
        let message = format!(
            "category `{}` differs from the folder `{category}`; make them the same",
            front.category
        );
        return Err(problem(line_of(&text, "category:"), message));
    }
    let sections = sections(body);
    if sections.is_empty() {
        return Err(problem(front_lines + 1, "write the answer below the front matter".to_owned()));
    }
    Ok(Article {
        id: format!("{category}/{slug}"),
        locale,
        title: front.title.trim().to_owned(),
        topic: front.topic,
        category: front.category,
        subcategory: front.subcategory,
        audience: front.audience,
        priority: front.priority,
        updated: Some(front.updated),
        related: front.related,
        questions: front.questions,
        sections,
    })
}

/// Returns the number of the first line that holds a text, 1 when none does.
pub(super) fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).map_or(1, |at| at + 1)
}

/// Keeps what a YAML parser says: the place before it and the drawing after it repeat the line we name.
pub(super) fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or("not readable as YAML");
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((place, what)) if place.starts_with("line ") => what.to_owned(),
        _ => line.to_owned(),
    }
}

/// Cuts Markdown at its headings.
pub(super) fn sections(body: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut current = Section { heading: String::new(), text: String::new() };
    let mut fenced = false;
    for line in body.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let level = line.bytes().take_while(|b| *b == b'#').count();
        let heading = line.trim_start_matches('#').strip_prefix(' ');
        if let (false, 1..=6, Some(heading)) = (fenced, level, heading) {
            finish(&mut sections, &mut current);
            // A first-level heading repeats the title, so what follows is still the opening.
            if level > 1 {
                heading.trim().clone_into(&mut current.heading);
            }
        } else {
            current.text.push_str(line);
            current.text.push('\n');
        }
    }
    finish(&mut sections, &mut current);
    join_steps_to_opening(sections)
}

fn finish(sections: &mut Vec<Section>, current: &mut Section) {
    let done = std::mem::replace(current, Section { heading: String::new(), text: String::new() });
    let text = done.text.trim();
    if !text.is_empty() {
        sections.push(Section { heading: done.heading, text: text.to_owned() });
    }
}

/// An answer without its steps is half an answer: when the article's only list of steps stands right below
/// the opening, the two become one passage.
fn join_steps_to_opening(mut sections: Vec<Section>) -> Vec<Section> {
    let with_steps: Vec<usize> =
        (0..).zip(&sections).filter(|(_, s)| has_steps(&s.text)).map(|(at, _)| at).collect();
    let opening_is_plain = sections.first().is_some_and(|first| first.heading.is_empty());
    if with_steps == [1] && opening_is_plain {
        let steps = sections.remove(1);
        if let Some(opening) = sections.first_mut() {
            opening.text.push_str("\n\n");
            opening.text.push_str(&steps.text);
        }
    }
    sections
}

/// True where a text holds at least two numbered steps.
pub(super) fn has_steps(text: &str) -> bool {
    text.lines().filter(|line| is_step(line)).count() >= 2
}

pub(super) fn is_step(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&digits)
        && line.get(digits..).is_some_and(|rest| rest.starts_with(". ") || rest.starts_with(") "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT: &str =
        "---\ntitle: Como trocar a senha\ncategory: technical\nupdated: 2026-11-02\n---\n";

    #[test]
    fn an_article_is_cut_at_its_headings_and_keeps_its_steps_with_the_answer() {
        for (body, expected) in [
            ("Resposta.", vec![("", "Resposta.")]),
            (
                "# Título\nResposta.\n\n## Se falhar\nTexto.",
                vec![("", "Resposta."), ("Se falhar", "Texto.")],
            ),
            (
                "Resposta.\n\n## Passo a passo\n1. Um\n2. Dois\n\n## Casos\nTrês.",
                vec![("", "Resposta.\n\n1. Um\n2. Dois"), ("Casos", "Três.")],
            ),
            (
                "Resposta.\n\n## Pix\n1. Um\n2. Dois\n\n## Cartão\n1. Um\n2. Dois",
                vec![("", "Resposta."), ("Pix", "1. Um\n2. Dois"), ("Cartão", "1. Um\n2. Dois")],
            ),
            ("Antes\n```\n# não é título\n```", vec![("", "Antes\n```\n# não é título\n```")]),
        ] {
            let article = parse("pt-BR/technical/senha.md", &format!("{FRONT}{body}")).unwrap();
            let got: Vec<(&str, &str)> =
                article.sections.iter().map(|s| (s.heading.as_str(), s.text.as_str())).collect();
            assert_eq!(got, expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_article_is_told_with_its_line() {
        for (path, text, line, part) in [
            ("pt-BR/senha.md", "", 1, "<locale>/<category>/<slug>.md"),
            ("fr/technical/senha.md", "", 1, "`fr` is no locale"),
            ("en/technical/a.md", "Just text", 1, "front matter"),
            (
                "en/technical/a.md",
                "---\ntitle: A\ncategory: technical\n---\nText",
                3,
                "missing field `updated`",
            ),
            (
                "en/technical/a.md",
                "---\ntitle: A\ncategory: billing\nupdated: 2026-01-01\n---\nText",
                3,
                "differs",
            ),
            (
                "en/technical/a.md",
                "---\ntitle: A\ncategory: technical\nupdated: soon\n---\nText",
                4,
                "",
            ),
            (
                "en/technical/a.md",
                "---\ntitle: A\ncategory: technical\nupdated: 2026-01-01\nowner: x\n---\nText",
                5,
                "owner",
            ),
            (
                "en/technical/a.md",
                "---\ntitle: ''\ncategory: technical\nupdated: 2026-01-01\n---\nText",
                2,
                "title",
            ),
            (
                "en/technical/a.md",
                "---\ntitle: A\ncategory: technical\nupdated: 2026-01-01\n---\n\n",
                6,
                "write the answer",
            ),
        ] {
            let problem = parse(path, text).unwrap_err();
            assert_eq!(problem.line, line, "{text}: {problem}");
            assert!(problem.message.contains(part), "{text}: {problem}");
        }
    }
}
