//! Turns the Markdown of articles into what a channel can show, and fits it to the channel's length.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::domain::channel::Channel;

/// Patterns that are tested to compile; one that did not would leave its markup as it is.
static LINK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"!?\[([^\]\n]+)\]\(([^)\s]+)\)").ok());
static BOLD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\*\*([^*\n]+)\*\*").ok());
static ITALIC: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[^*\w])\*([^*\s][^*\n]*)\*").ok());
static HEADING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^#{1,6} +(.+?) *$").ok());

/// Returns Markdown as the channel's own formatting: WhatsApp's marks there, plain text elsewhere.
pub fn for_channel(markdown: &str, channel: Channel) -> String {
    let marks = channel == Channel::Whatsapp;
    let text = replace(&LINK, '[', markdown, |found| {
        let (label, target) = (group(found, 1), group(found, 2));
        // A link inside the knowledge tree leads nowhere for a customer.
        if target.starts_with("http://") || target.starts_with("https://") {
            format!("{label} ({target})")
        } else {
            label.to_owned()
        }
    });
    let text =
        replace(&HEADING, '#', &text, |found| format!("**{}**", group(found, 1).replace("**", "")));
    // Italics first: afterwards a single star means bold.
    let text = replace(&ITALIC, '*', &text, |found| {
        let (before, inner) = (group(found, 1), group(found, 2));
        if marks { format!("{before}_{inner}_") } else { format!("{before}{inner}") }
    });
    let text = replace(&BOLD, '*', &text, |found| {
        let inner = group(found, 1);
        if marks { format!("*{inner}*") } else { inner.to_owned() }
    });
    if marks { text } else { text.replace('`', "") }
}

fn replace(
    pattern: &LazyLock<Option<Regex>>,
    sign: char,
    text: &str,
    with: impl Fn(&Captures<'_>) -> String,
) -> String {
    match &**pattern {
        Some(pattern) if text.contains(sign) => pattern.replace_all(text, with).into_owned(),
        _ => text.to_owned(),
    }
}

fn group<'a>(found: &'a Captures<'_>, number: usize) -> &'a str {
    found.get(number).map_or("", |part| part.as_str())
}

/// Returns ever shorter forms of a passage, the whole first. Steps are kept or left out together.
pub(super) fn shorter_forms(markdown: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for block in markdown.split("\n\n").filter(|block| !block.trim().is_empty()) {
        // Steps with empty lines between them are one list, and so is what is indented below a step.
        let goes_on = is_list(block) || block.starts_with([' ', '\t']);
        match blocks.last_mut() {
            Some(list) if goes_on && is_list(list) => {
                list.push_str("\n\n");
                list.push_str(block.trim_end());
            }
            _ => blocks.push(block.trim().to_owned()),
        }
    }
    let joined = |blocks: &[String]| blocks.join("\n\n");
    let mut forms = vec![joined(&blocks)];
    let last_list = blocks.iter().rposition(|block| is_list(block));
    if let Some(until) = last_list.and_then(|at| blocks.get(..=at)) {
        forms.push(joined(until));
    }
    if let (Some(opening), Some(list)) =
        (blocks.first(), blocks.iter().find(|block| is_list(block)))
        && opening != list
    {
        forms.push(format!("{opening}\n\n{list}"));
    }
    if let Some(opening) = blocks.first() {
        forms.push(opening.clone());
    }
    forms.dedup();
    forms
}

/// True for a block whose first line is a list item.
pub(super) fn is_list(block: &str) -> bool {
    let line = block.trim_start();
    line.starts_with("- ") || line.starts_with("* ") || is_numbered(block)
}

/// True for a block whose first line is a numbered step.
pub(super) fn is_numbered(block: &str) -> bool {
    let line = block.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && line.get(digits..).is_some_and(|rest| rest.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [&LINK, &BOLD, &ITALIC, &HEADING] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn markdown_becomes_the_formatting_of_the_channel() {
        for (markdown, whatsapp, mail) in [
            ("Toque em **Salvar**.", "Toque em *Salvar*.", "Toque em Salvar."),
            ("Isto é *importante*.", "Isto é _importante_.", "Isto é importante."),
            ("# Título\nTexto", "*Título*\nTexto", "Título\nTexto"),
            (
                "[site](https://a.example/b)",
                "site (https://a.example/b)",
                "site (https://a.example/b)",
            ),
            ("[outro](../billing/x.md)", "outro", "outro"),
            ("* item\n* outro", "* item\n* outro", "* item\n* outro"),
            ("**A > B** e **C**", "*A > B* e *C*", "A > B e C"),
            ("2 * 3 * 4", "2 * 3 * 4", "2 * 3 * 4"),
        ] {
            assert_eq!(for_channel(markdown, Channel::Whatsapp), whatsapp, "{markdown}");
            assert_eq!(for_channel(markdown, Channel::Email), mail, "{markdown}");
        }
    }

    #[test]
    fn shorter_forms_never_tear_steps_apart() {
        let forms = shorter_forms("A.\n\nB.\n\n1. x\n2. y\n\nC.");
        assert_eq!(
            forms,
            ["A.\n\nB.\n\n1. x\n2. y\n\nC.", "A.\n\nB.\n\n1. x\n2. y", "A.\n\n1. x\n2. y", "A."]
        );
        assert_eq!(shorter_forms("A."), ["A."]);
        let spaced = "A.\n\n1. x\n\n   more\n\n2. y\n\nC.";
        assert_eq!(shorter_forms(spaced), [spaced, "A.\n\n1. x\n\n   more\n\n2. y", "A."]);
    }
}
