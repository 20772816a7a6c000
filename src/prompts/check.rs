//! What must hold of prompts before a customer's case meets one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::Read;
use super::{Prompt, Prompts, Sample, canary, filled, mark};
use crate::domain::labels::{Complexity, Locale, Sentiment, Urgency};
use crate::domain::signal::Signal;
use crate::ports::chat::Role;
use crate::text::Problem;

/// The prompts that the program asks with, and which fields of their answers it reads.
const NEEDED: &[(&str, &[&str])] = &[
    (
        "triage",
        &[
            "category",
            "subcategory",
            "urgency",
            "sentiment",
            "complexity",
            "signals",
            "needs_human",
        ],
    ),
    ("draft", &["sentences", "open_questions", "promises", "needs_human", "language"]),
    ("repair", &["sentences", "open_questions", "promises", "needs_human", "language"]),
];

/// Variables that hold the program's or the business's own words and may stand in a prompt as they are. Everything else
/// is data.
const TRUSTED: &[&str] = &[
    "this",
    "brand",
    "ai_name",
    "canary",
    "channel",
    "id",
    "name",
    "description",
    "meaning",
    "n",
    "language",
    "register",
    "sentiment",
    "limit",
    "kind",
];

/// Says which prompts are missing.
pub(super) fn missing(prompts: &Prompts, problems: &mut Vec<Problem>) {
    for (id, _) in NEEDED {
        for locale in [Locale::PtBr, Locale::En] {
            if prompts.find(id, locale).is_none()
                && !problems.iter().any(|it| it.file.starts_with(id))
            {
                problems.push(Problem {
                    file: format!("{id}.{locale}.hbs"),
                    line: 1,
                    message: "this prompt is missing; add it".to_owned(),
                });
            }
        }
    }
}

/// Renders every prompt with every sample of its own.
pub(super) fn samples(prompts: &Prompts, problems: &mut Vec<Problem>) {
    for prompt in prompts.all() {
        let file = format!("{}.hbs", prompt.name());
        let problem = |message: String| Problem { file: file.clone(), line: 1, message };
        if prompt.samples.is_empty() {
            problems.push(problem("add at least one sample to try it with".to_owned()));
        }
        for sample in &prompt.samples {
            match prompts.render(prompt, &sample_context(prompt, sample)) {
                Err(why) => problems.push(problem(format!(
                    "cannot be rendered with the sample `{}`: {why}",
                    sample.id
                ))),
                Ok(messages) => {
                    let secret = canary(&sample.id);
                    if !messages
                        .iter()
                        .any(|one| one.role == Role::System && one.text.contains(&secret))
                    {
                        problems.push(problem(
                            "the instructions lack {{canary}}, by which a model is caught that obeys a customer; write it, or the piece that holds it, below `=== system`"
                                .to_owned(),
                        ));
                    }
                }
            }
        }
    }
}

/// What the variables hold in a sample: a made-up case, with what the sample says over it.
pub fn sample_context(prompt: &Prompt, sample: &Sample) -> Value {
    let locale = prompt.locale.unwrap_or(Locale::PtBr);
    let mut context = json!({
        "mark": mark(&sample.id),
        "canary": canary(&sample.id),
        "brand": "Aurora",
        "ai_name": "Aya",
        "channel": "whatsapp",
        "language": locale.as_str(),
        "register": "neutral",
        "sentiment": "neutral",
        "limit": 900,
        "categories": [{"id": "billing", "name": "Cobrança", "description": "Boletos.", "subcategories": [{"id": "refund", "name": "Reembolso"}]}],
        "signals": [{"id": "request_human", "meaning": "asks for a person"}],
        "tone": [], "always": [], "never": [], "facts": [],
        "stated": null, "subject": null, "history": [], "message": "", "passages": [], "draft": "", "complaints": [],
    });
    if let Value::Object(fields) = &mut context {
        for (name, value) in &sample.context {
            fields.insert(name.clone(), value.clone());
        }
    }
    context
}

/// Holds customers' words and articles to their place: never among the instructions, and nowhere but through `data`.
pub(super) fn trusted(
    file: &str,
    read: &Read,
    files: &BTreeMap<String, (String, bool)>,
) -> Result<(), Problem> {
    for (part, (before, body)) in [("system", &read.system), ("user", &read.user)] {
        part_is_trusted(file, part, *before, body)?;
        let mut seen: Vec<&str> = Vec::new();
        let mut bodies = vec![body.as_str()];
        while let Some(body) = bodies.pop() {
            for (name, (text, _)) in files.iter().filter(|(name, _)| name.starts_with('_')) {
                if body.contains(name.trim_end_matches(".hbs")) && !seen.contains(&name.as_str()) {
                    seen.push(name);
                    part_is_trusted(name, part, 0, text)?;
                    bodies.push(text);
                }
            }
        }
    }
    Ok(())
}

fn part_is_trusted(file: &str, part: &str, before: usize, body: &str) -> Result<(), Problem> {
    for (line, tag) in tags(body) {
        let problem =
            |message: String| Err(Problem { file: file.to_owned(), line: before + line, message });
        let first = tag.split_whitespace().next().unwrap_or_default();
        if first == "data" {
            if part == "system" {
                return problem(
                    "customers' words and articles do not belong among the instructions; move `data` below `=== user`"
                        .to_owned(),
                );
            }
            continue;
        }
        let is_word = first.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let name = first.rsplit(['.', '/']).next().unwrap_or_default();
        let unescaped = tag.starts_with(['{', '&']);
        if unescaped || is_word && first != "else" && !TRUSTED.contains(&name) {
            return problem(format!(
                "`{first}` may hold somebody else's words; write {{{{data \"name\" {first}}}}} below `=== user`"
            ));
        }
    }
    Ok(())
}

/// Gives the inside of every `{{…}}` that prints something, with its line from 1.
fn tags(body: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = body;
    let mut line = 1;
    while let Some((before, after)) = rest.split_once("{{") {
        line += before.matches('\n').count();
        let Some((tag, next)) = after.split_once("}}") else { break };
        let inner = tag.trim_matches(|c: char| c.is_whitespace() || c == '~');
        if !inner.starts_with(['#', '/', '>', '!', '^', '@']) && !inner.is_empty() {
            found.push((line, inner));
        }
        line += tag.matches('\n').count();
        rest = next;
    }
    found
}

/// Looks whether a schema gives what the program reads, in the subset that every provider takes.
pub(super) fn schema(file: &str, id: &str, schema: Option<&Value>) -> Result<(), Problem> {
    let problem = |message: String| Err(Problem { file: file.to_owned(), line: 1, message });
    let Some((_, fields)) = NEEDED.iter().find(|(known, _)| *known == id) else {
        return problem(format!(
            "`{id}` is no prompt that the program asks with; it has triage, draft and repair"
        ));
    };
    let Some(schema) = schema else {
        return problem("`output_schema` is missing: it says what shape the answer has".to_owned());
    };
    for field in *fields {
        let declared = schema.pointer(&format!("/properties/{field}")).is_some();
        if !declared {
            return problem(format!(
                "`output_schema` lacks the field `{field}`, which the program reads"
            ));
        }
    }
    strict(schema).map_or(Ok(()), problem)
}

/// Every object lists all its properties as required and allows no other.
fn strict(schema: &Value) -> Option<String> {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if let Some(name) = properties.keys().find(|name| !required.contains(&name.as_str())) {
            return Some(format!(
                "`output_schema`: list `{name}` under `required`; providers want every field there"
            ));
        }
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Some(
                "`output_schema`: every object needs `additionalProperties: false`".to_owned(),
            );
        }
    }
    match schema {
        Value::Object(fields) => fields.values().find_map(strict),
        Value::Array(items) => items.iter().find_map(strict),
        _ => None,
    }
}

/// Returns a prompt's schema as it would be sent, with the lists of a made-up policy.
pub fn sample_schema(prompt: &Prompt) -> Option<Value> {
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let lists = BTreeMap::from([
        ("categories", words(&["billing", "technical"])),
        ("subcategories", words(&["refund", "login"])),
        ("urgencies", Urgency::ALL.iter().map(ToString::to_string).collect()),
        ("sentiments", Sentiment::ALL.iter().map(ToString::to_string).collect()),
        ("complexities", Complexity::ALL.iter().map(ToString::to_string).collect()),
        ("signals", Signal::ALL.iter().map(ToString::to_string).collect()),
    ]);
    Some(filled(prompt.output_schema.as_ref()?, &lists))
}
