//! A text as it will be read: an article cut into its passages and as an answer, a template with sample tickets, a prompt
//! as a model gets it.

use serde_json::{Value, json};

use super::checks::Proposed;
use super::kind::Kind;
use crate::compose::Templates;
use crate::desk::shown::View;
use crate::domain::channel::Channel;
use crate::knowledge::{article_of, speaks_to_machines};
use crate::pipeline::Pipeline;
use crate::prompts::{Prompts, sample_context};
use crate::report::words;

/// Most samples of prompts that are shown.
const SAMPLES_MAX: usize = 8;

/// What there is to see: `kind`, and the rows of that kind. Empty where the text cannot be read.
pub(super) fn preview(view: &View<'_>, pipeline: &Pipeline, text: Proposed<'_>) -> Value {
    let rows = match text.kind {
        Kind::Article => return article(view, pipeline, text),
        Kind::Template => template(view, pipeline, text),
        Kind::Prompt => prompt(text),
    };
    json!({"passages": [], "channels": rows, "empty": rows.is_empty()})
}

/// A piece of a preview: where it is read, with what, and its words.
fn piece(label: &str, sample: &str, text: &str, choices: &[String]) -> Value {
    json!({"label": label, "sample": sample, "text": text, "choices": choices})
}

fn article(view: &View<'_>, pipeline: &Pipeline, text: Proposed<'_>) -> Value {
    let Some(article) = article_of(text.name, text.text) else {
        return json!({"passages": [], "channels": [], "empty": true});
    };
    let passages: Vec<Value> = (1..)
        .zip(&article.sections)
        .map(|(n, section): (usize, _)| {
            json!({
                "n": n, "heading": section.heading, "text": section.text,
                "steering": speaks_to_machines(&section.text),
            })
        })
        .collect();
    let channels: Vec<Value> = [Channel::Whatsapp, Channel::Email]
        .into_iter()
        .filter_map(|channel| {
            let draft = pipeline.answered_by(&article, channel)?;
            let label = words::channel(channel.as_str(), view.locale());
            Some(piece(label, "", &draft.text, &draft.choices))
        })
        .collect();
    json!({"passages": passages, "channels": channels, "empty": false})
}

fn template(view: &View<'_>, pipeline: &Pipeline, text: Proposed<'_>) -> Vec<Value> {
    let folder = text.folders.of(Kind::Template);
    let place = Templates::place_of(text.name);
    let loaded = Templates::load_with(folder, Some((text.name, text.text)));
    let (Ok(templates), Some((locale, _))) = (loaded, place) else { return Vec::new() };
    templates
        .sampled(text.name, &pipeline.house(locale))
        .iter()
        .map(|one| {
            let label = words::channel(one.channel.as_str(), view.locale());
            let sample = view.say(&format!("content.sample.{}", one.case), &[]);
            piece(label, &sample, &one.text, &one.choices)
        })
        .collect()
}

/// The prompts that a file is part of, each with its samples.
fn prompt(text: Proposed<'_>) -> Vec<Value> {
    let changed = Some((text.name, text.text));
    let Ok(prompts) = Prompts::load_with(text.folders.of(Kind::Prompt), changed) else {
        return Vec::new();
    };
    let of_it = prompts.all().filter(|one| one.own_files.iter().any(|file| file == text.name));
    of_it
        .flat_map(|one| one.samples.iter().map(move |sample| (one, sample)))
        .take(SAMPLES_MAX)
        .filter_map(|(one, sample)| {
            let messages = prompts.render(one, sample_context(one, sample)).ok()?;
            let told: Vec<String> = messages
                .iter()
                .map(|message| format!("=== {}\n{}", message.role, message.text))
                .collect();
            Some(piece(&one.name(), &sample.id, &told.join("\n\n"), &[]))
        })
        .collect()
}
