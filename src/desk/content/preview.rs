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
    let parts: Vec<Value> = [json!({"text": text, "mark": null})].into();
    json!({"label": label, "sample": sample, "parts": parts, "silent": text.is_empty(), "choices": choices})
}

/// A piece as a channel shows it: over WhatsApp what stands between stars or low lines is bold or slanted.
fn read_on(
    channel: Channel,
    label: &str,
    sample: &str,
    (text, choices): (&str, &[String]),
) -> Value {
    let mut piece = piece(label, sample, text, choices);
    if let (Channel::Whatsapp, Some(parts)) = (channel, piece.get_mut("parts")) {
        *parts = marked(text)
            .into_iter()
            .map(|(text, mark)| json!({"text": text, "mark": mark}))
            .collect();
    }
    piece
}

/// The parts of a text with WhatsApp's marks taken as it takes them: around words, within a line.
fn marked(text: &str) -> Vec<(&str, Option<&'static str>)> {
    let mut parts = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(['*', '_'])) {
        let start = at + found;
        at = start + 1;
        let (Some(before), Some(inside)) = (text.get(..start), text.get(at..)) else { break };
        let sign = if text.get(start..at) == Some("*") { '*' } else { '_' };
        let opens = !before.ends_with(char::is_alphanumeric)
            && !inside.starts_with(|c: char| c.is_whitespace() || c == sign);
        let line = inside.lines().next().unwrap_or_default();
        let closes = line.match_indices(sign).map(|(end, _)| end).find(|end| {
            let (inner, rest) = line.split_at_checked(*end).unwrap_or_default();
            !inner.ends_with(char::is_whitespace)
                && !rest.get(1..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
        });
        let Some(end) = closes.filter(|_| opens) else { continue };
        parts.extend(
            text.get(plain..start).filter(|text| !text.is_empty()).map(|text| (text, None)),
        );
        let mark = if sign == '*' { "bold" } else { "slanted" };
        parts.extend(text.get(at..at + end).map(|text| (text, Some(mark))));
        at += end + 1;
        plain = at;
    }
    parts.extend(text.get(plain..).filter(|text| !text.is_empty()).map(|text| (text, None)));
    parts
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
            Some(read_on(channel, label, "", (&draft.text, &draft.choices)))
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
            read_on(one.channel, label, &sample, (&one.text, &one.choices))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_whatsapp_are_taken_as_it_takes_them() {
        for (text, expected) in [
            (
                "Abra *Financeiro*.",
                vec![("Abra ", None), ("Financeiro", Some("bold")), (".", None)],
            ),
            ("_já_", vec![("já", Some("slanted"))]),
            ("2 * 3 * 4", vec![("2 * 3 * 4", None)]),
            ("snake_case_name", vec![("snake_case_name", None)]),
            ("* item\n* outro", vec![("* item\n* outro", None)]),
            ("*aberto\nfim*", vec![("*aberto\nfim*", None)]),
            ("", vec![]),
            ("**", vec![("**", None)]),
        ] {
            assert_eq!(marked(text), expected, "{text:?}");
        }
    }
}
