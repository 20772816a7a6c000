//! What must hold of prompts before a customer's case meets one: their samples fit, and fill them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::variables::{Asked, Shape, Variable, nearest};
use super::walk::meant;
use super::{Files, Problem, Prompt, Prompts, Sample, canary, filled, mark, variables};
use crate::domain::decision::LocalText;
use crate::domain::labels::{Complexity, Locale, Sentiment, Urgency};
use crate::domain::signal::Signal;

/// Tells which of the team's pieces stand in no prompt.
pub(super) fn unused(files: &Files, used: &BTreeSet<String>) -> Vec<Problem> {
    let known: Vec<&str> = used.iter().map(String::as_str).collect();
    let own = files.iter().filter(|(name, source)| source.own && name.starts_with('_'));
    own.filter_map(|(file, _)| {
        let name = file.trim_end_matches(".hbs");
        if used.contains(name) {
            return None;
        }
        let (pt, en) = meant(nearest(name, &known).map(|near| format!("{near}.hbs")));
        let message = LocalText::new(
            format!("nenhum prompt usa esta peça; escreva {{{{> {name}}}}} onde ela deve entrar, ou apague o arquivo{pt}"),
            format!("no prompt uses this piece; write {{{{> {name}}}}} where it belongs, or delete the file{en}"),
        );
        Some(Problem { file: file.clone(), line: 0, message })
    })
    .collect()
}

/// Renders every prompt with every sample of its own.
pub(super) fn samples(prompts: &Prompts) -> Vec<Problem> {
    let mut problems = Vec::new();
    for prompt in prompts.all() {
        for sample in &prompt.samples {
            if let Err(why) = prompts.render(prompt, sample_context(prompt, sample)) {
                let message = LocalText::new(
                    format!("não dá para preencher o prompt com o exemplo `{}`: {why}", sample.id),
                    format!("the sample `{}` cannot fill the prompt: {why}", sample.id),
                );
                let file = format!("{}.hbs", prompt.name());
                problems.push(Problem { file, line: sample.line, message });
            }
        }
    }
    problems
}

/// Holds what samples give to what the prompt's variables hold.
pub(super) fn contexts(file: &str, asked: &Asked, samples: &[Sample]) -> Vec<Problem> {
    let Shape::Parts(known) = asked.variables else { return Vec::new() };
    let mut problems = Vec::new();
    for sample in samples {
        let mut wrong = Vec::new();
        for (name, value) in &sample.context {
            match known.iter().find(|one| one.name == name) {
                Some(one) => fits(&one.shape, value, name, &mut wrong),
                None => wrong.push(unknown(known, name, "")),
            }
        }
        problems.extend(wrong.into_iter().map(|(pt, en)| {
            let id = &sample.id;
            let message = LocalText::new(
                format!("no exemplo `{id}`, {pt}"),
                format!("in the sample `{id}`, {en}"),
            );
            Problem { file: file.to_owned(), line: sample.line, message }
        }));
    }
    problems
}

fn unknown(known: &[Variable], name: &str, whole: &str) -> (String, String) {
    let names: Vec<&str> = known.iter().map(|one| one.name).collect();
    let (pt, en) = if let Some(near) = nearest(name, &names) {
        meant(Some(near.to_owned()))
    } else {
        let all = names.join(", ");
        (format!("; há {all}"), format!("; there are {all}"))
    };
    (
        format!("`{whole}{name}` não é variável deste prompt{pt}"),
        format!("`{whole}{name}` is no variable of this prompt{en}"),
    )
}

fn fits(shape: &Shape, value: &Value, path: &str, wrong: &mut Vec<(String, String)>) {
    match (shape, value) {
        (Shape::Own, Value::String(_) | Value::Number(_))
        | (Shape::Data | Shape::Maybe, Value::String(_))
        | (Shape::Maybe, Value::Null) => {}
        (Shape::List(inner), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                fits(inner, item, &format!("{path}[{at}]"), wrong);
            }
        }
        (Shape::Parts(parts), Value::Object(fields)) => {
            for name in fields.keys().filter(|name| parts.iter().all(|part| part.name != *name)) {
                wrong.push(unknown(parts, name, &format!("{path}.")));
            }
            for part in *parts {
                match fields.get(part.name) {
                    Some(value) => {
                        fits(&part.shape, value, &format!("{path}.{}", part.name), wrong);
                    }
                    None => wrong.push((
                        format!("falta `{path}.{}`", part.name),
                        format!("`{path}.{}` is missing", part.name),
                    )),
                }
            }
        }
        _ => {
            let (pt, en) = match shape {
                Shape::Own | Shape::Data | Shape::Maybe => {
                    ("um texto; ponha-o entre aspas", "a text; put it in quotes")
                }
                Shape::List(_) => {
                    ("uma lista, com - em cada item", "a list, with - before each item")
                }
                Shape::Parts(_) => (
                    "algo com partes, como {n: 1, text: \"…\"}",
                    "something with parts, such as {n: 1, text: \"…\"}",
                ),
            };
            wrong.push((format!("`{path}` deve ser {pt}"), format!("`{path}` has to be {en}")));
        }
    }
}

/// What the variables hold in a sample: a made-up case, with what the sample says over it.
pub fn sample_context(prompt: &Prompt, sample: &Sample) -> Value {
    let locale = prompt.locale.unwrap_or(Locale::PtBr);
    let neutral = if locale == Locale::PtBr { "neutro" } else { "neutral" };
    let made_up = json!({
        "canary": canary(&sample.id),
        "brand": "Aurora",
        "channel": "whatsapp",
        "language": locale.as_str(),
        "register": neutral,
        "sentiment": neutral,
        "limit": 900,
        "categories": [{"id": "billing", "name": "Cobrança", "description": "Boletos.", "subcategories": [{"id": "refund", "name": "Reembolso"}]}],
        "signals": [{"id": "request_human", "meaning": "asks for a person"}],
        "tone": [], "always": [], "never": [], "facts": [],
        "stated": null, "subject": null, "history": [], "message": "", "passages": [], "draft": "", "complaints": [],
        "instruction": "",
    });
    let mut context = Map::from_iter([("mark".to_owned(), json!(mark(&sample.id)))]);
    for variable in variables(&prompt.id) {
        let given = sample.context.get(variable.name).or_else(|| made_up.get(variable.name));
        context.extend(given.map(|value| (variable.name.to_owned(), value.clone())));
    }
    Value::Object(context)
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
