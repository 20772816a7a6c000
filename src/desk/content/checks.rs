//! What the lints say of a text before it is published: those of the commands, beside the words. What would break another
//! file counts as much as what is wrong with this one.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::home::Folders;
use super::kind::Kind;
use crate::compose::Templates;
use crate::domain::labels::Locale;
use crate::knowledge::Source;
use crate::knowledge::lint::{self, Severity};
use crate::prompts::Prompts;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// The file, where it is another one.
    pub(super) file: Option<String>,
    /// The line, from 1; 0 for the file as a whole.
    pub(super) line: usize,
    /// True where it stops the text from being published.
    pub(super) error: bool,
    /// What is wrong and what to do.
    pub(super) message: String,
}

/// What is to be checked: a text in the place of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proposed<'a> {
    pub(super) folders: &'a Folders,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// Checks a text; errors first, then by line.
pub(super) fn check(text: Proposed<'_>, today: NaiveDate, lang: Locale) -> Vec<Finding> {
    let mut found = match text.kind {
        Kind::Article => article(text, today, lang),
        Kind::Template => template(text),
        Kind::Prompt => prompt(text, lang),
    };
    found.sort_by_key(|one| (one.file.is_some(), !one.error, one.line));
    found.dedup();
    found
}

/// As pages show them.
pub(super) fn shown(found: &[Finding]) -> Value {
    let errors = found.iter().filter(|one| one.error).count();
    let row = |one: &Finding| json!({"file": one.file, "line": one.line, "error": one.error, "message": one.message});
    json!({
        "errors": errors, "warnings": found.len() - errors,
        "rows": found.iter().map(row).collect::<Vec<_>>(),
    })
}

fn article(text: Proposed<'_>, today: NaiveDate, lang: Locale) -> Vec<Finding> {
    let Proposed { folders, name, .. } = text;
    let folder = folders.of(Kind::Article);
    let report = lint::check_with(folder, Some((name, text.text)), today, lang);
    let mut found: Vec<Finding> = report
        .findings
        .into_iter()
        .filter(|one| one.file == name || one.severity == Severity::Error)
        .map(|one| Finding {
            file: (one.file != name).then_some(one.file),
            line: one.line,
            error: one.severity == Severity::Error,
            message: one.message,
        })
        .collect();
    // The form that answers are held to is stricter than what the lint can read.
    let source = folder.map_or(Source::Samples, |folder| Source::Company(folder.to_owned()));
    let strict = source.read_with(name, text.text).err().unwrap_or_default();
    let told = |one: &crate::text::Problem| {
        // The lint reads links, and what is no YAML, in its own words.
        let same = |known: &Finding| {
            known.line == one.line && known.message.starts_with(one.message.as_str())
        };
        one.file == name && (one.message.starts_with("related article") || found.iter().any(same))
    };
    let strict: Vec<Finding> = strict
        .into_iter()
        .filter(|one| !told(one))
        .map(|one| Finding {
            file: (one.file != name).then_some(one.file),
            line: one.line,
            error: true,
            message: one.message,
        })
        .collect();
    found.extend(strict);
    if found.iter().any(|one| one.file.is_some()) {
        let before = lint::check(folder, today, lang).findings.into_iter();
        let before = before.filter(|one| one.severity == Severity::Error);
        let mut known: BTreeSet<(String, String)> =
            before.map(|one| (one.file, one.message)).collect();
        known.extend(source.read().err().into_iter().flatten().map(|one| (one.file, one.message)));
        new_only(&mut found, &known);
    }
    found
}

/// Leaves out what is wrong with other files whatever this one says.
fn new_only(found: &mut Vec<Finding>, known: &BTreeSet<(String, String)>) {
    found.retain(|one| {
        let Some(file) = &one.file else { return true };
        !known.contains(&(file.clone(), one.message.clone()))
    });
}

fn template(text: Proposed<'_>) -> Vec<Finding> {
    let folder = text.folders.of(Kind::Template);
    let problems = Templates::load_with(folder, Some((text.name, text.text))).err();
    let mut found: Vec<Finding> = problems
        .into_iter()
        .flatten()
        .map(|one| Finding {
            file: (one.file != text.name).then_some(one.file),
            line: one.line,
            error: true,
            message: one.message,
        })
        .collect();
    if found.iter().any(|one| one.file.is_some()) {
        let before = Templates::load(folder).err().into_iter().flatten();
        new_only(&mut found, &before.map(|one| (one.file, one.message)).collect());
    }
    found
}

fn prompt(text: Proposed<'_>, lang: Locale) -> Vec<Finding> {
    let folder = text.folders.of(Kind::Prompt);
    let changed = Some((text.name, text.text));
    let (problems, error) = match Prompts::load_with(folder, changed) {
        Ok(prompts) => (prompts.notes().to_vec(), false),
        Err(problems) => (problems, true),
    };
    let mut found: Vec<Finding> = problems
        .into_iter()
        .filter(|one| error || one.file == text.name)
        .map(|one| Finding {
            message: one.message.in_locale(lang).to_owned(),
            line: one.line,
            file: (one.file != text.name).then_some(one.file),
            error,
        })
        .collect();
    if found.iter().any(|one| one.file.is_some()) {
        let before = Prompts::load(folder).err().into_iter().flatten();
        let told = |one: crate::text::Problem<crate::domain::decision::LocalText>| {
            (one.file, one.message.in_locale(lang).to_owned())
        };
        new_only(&mut found, &before.map(told).collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()
    }

    #[test]
    fn what_a_text_would_break_is_told_with_its_line_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("closing.en.hbs"), "{{nothing}}").unwrap();
        let folders = Folders { templates: Some(folder.path().to_owned()), ..Folders::default() };
        let of = |name, text| {
            let text = Proposed { folders: &folders, kind: Kind::Template, name, text };
            check(text, today(), Locale::En)
        };
        let found = of("answer.pt-BR.hbs", "Oi\n{{anser}}");
        assert_eq!((found.len(), found[0].line, found[0].error), (1, 2, true), "{found:?}");
        assert!(found[0].message.contains("did you mean `answer`"), "{found:?}");
        assert_eq!(of("answer.pt-BR.hbs", "{{answer}}"), [], "the other file was broken before");
    }

    #[test]
    fn an_article_is_held_to_its_form_and_to_the_lint() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("en/billing");
        std::fs::create_dir_all(&place).unwrap();
        let folders = Folders { articles: Some(folder.path().to_owned()), ..Folders::default() };
        let of = |text| {
            let name = "en/billing/invoice.md";
            let text = Proposed { folders: &folders, kind: Kind::Article, name, text };
            check(text, today(), Locale::En)
        };
        let good = "---\ntitle: How do I get an invoice?\ncategory: billing\nupdated: 2026-11-01\n---\n\
                    The invoice is in the customer area.\n\n1. Open it.\n2. Press Download.\n";
        assert!(of(good).iter().all(|one| !one.error), "{:?}", of(good));
        let bare = of("Just text.");
        assert!(
            bare.iter().any(|one| one.error && one.message.contains("front matter")),
            "{bare:?}"
        );
        let wrong = of(&good.replace("How do I get an invoice?", "Invoice"));
        assert!(wrong[0].error && wrong[0].line == 2, "{wrong:?}");
    }

    #[test]
    fn a_prompt_is_held_to_what_the_program_reads() {
        let folders = Folders::default();
        let text =
            Proposed { folders: &folders, kind: Kind::Prompt, name: "draft.en.hbs", text: "x" };
        let found = check(text, today(), Locale::En);
        assert!(found.iter().any(|one| one.error && one.file.is_none()), "{found:?}");
        let shipped = crate::prompts::shipped();
        for (name, words) in &shipped {
            let text = Proposed { folders: &folders, kind: Kind::Prompt, name, text: words };
            assert_eq!(check(text, today(), Locale::En), [], "{name}");
        }
    }
}
