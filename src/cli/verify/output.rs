//! The result of one check, as one output line or as text for people.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::compose::{Evidence, Finding};
use crate::domain::labels::Locale;

/// Writes the answer to a line.
pub(super) fn answer(id: Option<&Value>, evidence: &Evidence, lang: Locale) -> Value {
    let mut answer = Map::new();
    if let Some(id) = id {
        answer.insert("id".to_owned(), id.clone());
    }
    let findings: Vec<Value> =
        evidence.findings.iter().map(|finding| shown(finding, lang)).collect();
    answer.insert("ok".to_owned(), Value::Bool(evidence.findings.is_empty()));
    answer.insert("findings".to_owned(), Value::Array(findings));
    answer.insert("ledger".to_owned(), json!(evidence.ledger));
    Value::Object(answer)
}

fn shown(finding: &Finding, lang: Locale) -> Value {
    let mut value = json!({
        "kind": finding.kind,
        "sentence": finding.sentence,
        "found": finding.found,
        "message": finding.kind.message(lang),
    });
    if let (Some(expected), Value::Object(object)) = (&finding.expected, &mut value) {
        object.insert("expected".to_owned(), Value::String(expected.clone()));
    }
    value
}

/// Writes a result for people.
pub(super) fn text(
    id: Option<&Value>,
    evidence: &Evidence,
    lang: Locale,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let say = |pt: &'static str, en: &'static str| match lang {
        Locale::PtBr => pt,
        Locale::En => en,
    };
    if let Some(id) = id {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        writeln!(out, "== {id}")?;
    }
    for entry in &evidence.ledger {
        let passages: Vec<String> = entry.passages.iter().map(ToString::to_string).collect();
        let support = if passages.is_empty() {
            entry.support.to_string()
        } else {
            format!("{} {}", entry.support, passages.join(", "))
        };
        writeln!(out, "  [{support}] {}", entry.sentence.replace('\n', " "))?;
        if let Some(doubt) = entry.doubt {
            writeln!(out, "      ? {}", doubt.message(lang))?;
        }
        for finding in evidence.findings.iter().filter(|finding| finding.sentence == entry.sentence)
        {
            write!(
                out,
                "      ! {}: {}",
                finding.kind.message(lang),
                finding.found.replace('\n', " ")
            )?;
            if let Some(expected) = &finding.expected {
                write!(out, " ({}: {expected})", say("a passagem diz", "the passage says"))?;
            }
            writeln!(out)?;
        }
    }
    match evidence.findings.len() {
        0 => writeln!(out, "{}", say("nada a corrigir", "nothing to correct")),
        1 => writeln!(out, "{}", say("1 problema", "1 problem")),
        more => writeln!(out, "{more} {}", say("problemas", "problems")),
    }
}
