//! Turns a question into the body that goes over the wire.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::settings::{Effort, EndpointSettings, OutputMode, Profile};
use super::shape::{Bad, Shape};
use crate::ports::chat::{ChatErrorKind, ChatRequest, OutputSchema, Role, TokenUse};

/// Most bytes of a bad answer that are shown to the model again.
const BAD_ANSWER_MAX: usize = 8_000;
/// Most letters of a `prompt_cache_key`.
const CACHE_KEY_MAX: usize = 64;

/// The longest answer: what the prompt wants, within what the endpoint may give. A model that thinks first needs all
/// of that.
fn answer_limit(settings: &EndpointSettings, request: &ChatRequest) -> u32 {
    let thinks = settings.effort.is_some_and(|effort| effort != Effort::None);
    let wanted = request.max_output.filter(|_| !thinks);
    wanted.map_or(settings.max_output, |wanted| wanted.min(settings.max_output))
}

crate::domain::words! {
    /// Why a setting stays here.
    WhyUnsent {
        /// The profile does not have its field, or the operator's own list of fields.
        NotListed = "not_listed",
        /// The model takes it only where it does not think.
        Thinks = "thinks",
    }
}

/// A setting that is made and does not reach the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unsent {
    /// The setting, as it stands in the file.
    pub setting: &'static str,
    /// The field that would carry it.
    pub field: &'static str,
    /// Why it does not.
    pub why: WhyUnsent,
}

/// A question as one endpoint takes it.
#[derive(Clone)]
pub(super) struct Question {
    /// The body of the request.
    pub(super) body: Value,
    /// The shape that the answer must have.
    pub(super) shape: Option<Shape>,
    /// Bytes of all its messages.
    pub(super) bytes: u64,
    max_output: u32,
}

impl Question {
    /// Puts a question into the endpoint's form.
    pub(super) fn new(settings: &EndpointSettings, request: &ChatRequest) -> Self {
        let mut messages: Vec<(Role, String)> =
            request.messages.iter().map(|message| (message.role, message.text.clone())).collect();
        let format = request.output.as_ref().and_then(|output| response_format(settings, output));
        let told = !format.as_ref().is_some_and(carries_schema);
        let shape =
            request.output.as_ref().map(|output| Shape { schema: output.schema.clone(), told });
        if let Some(shape) = shape.as_ref().filter(|shape| shape.told) {
            tell(&mut messages, &shape.schema);
        }
        let bytes: u64 = messages.iter().map(|(_, text)| length(text)).sum();
        let messages: Vec<Value> =
            messages.into_iter().map(|(role, text)| message(role, &text)).collect();
        let mut body = Map::new();
        body.insert("model".to_owned(), settings.model.as_str().into());
        body.insert("messages".to_owned(), messages.into());
        for (field, value) in options(settings, request) {
            body.insert(field.to_owned(), value);
        }
        if let Some(format) = format {
            body.insert("response_format".to_owned(), format);
        }
        Self {
            body: Value::Object(body),
            shape,
            bytes,
            max_output: answer_limit(settings, request),
        }
    }

    /// Returns the settings that it does not carry.
    pub(super) fn unsent(&self, settings: &EndpointSettings) -> Vec<Unsent> {
        let has = |fields: &[&str]| fields.iter().any(|field| self.body.get(*field).is_some());
        let shaped = self.shape.is_some() && settings.output_mode() != OutputMode::Prompt;
        [
            ("temperature", settings.temperature.is_some(), &["temperature"][..]),
            ("seed", settings.seed.is_some(), &["seed"][..]),
            (
                "effort",
                settings.effort.is_some(),
                &["reasoning_effort", "chat_template_kwargs"][..],
            ),
            ("output", shaped, &["response_format"][..]),
            ("max_output", true, &["max_tokens", "max_completion_tokens"][..]),
        ]
        .into_iter()
        .filter(|(_, set, fields)| *set && !has(fields))
        .filter_map(|(setting, _, fields)| {
            let field = *fields.first()?;
            let listed = settings.allows(field);
            let why = if listed { WhyUnsent::Thinks } else { WhyUnsent::NotListed };
            Some(Unsent { setting, field, why })
        })
        .collect()
    }

    /// Returns the same question with a bad answer to it and what was wrong with that.
    pub(super) fn repaired(&self, bad: &Bad) -> Self {
        let end = bad.text.floor_char_boundary(BAD_ANSWER_MAX);
        let said = bad.text.get(..end).unwrap_or_default();
        let wrong = format!(
            "That is not what was asked for: {}. Answer again, with the one corrected JSON object and nothing else.",
            bad.wrong.en
        );
        let mut again = self.clone();
        again.bytes += length(said) + length(&wrong);
        if let Some(messages) = again.body.get_mut("messages").and_then(Value::as_array_mut) {
            messages.push(message(Role::Assistant, said));
            messages.push(message(Role::User, &wrong));
        }
        again
    }

    /// Returns about how many tokens question and answer may have together.
    pub(super) fn tokens(&self) -> u64 {
        let most = self.most_tokens();
        most.input + most.output
    }

    /// Returns about how many tokens question and answer may have.
    pub(super) fn most_tokens(&self) -> TokenUse {
        // Three and a half bytes are a token of Portuguese, English and JSON, roughly and on the safe side.
        let input = (self.bytes * 2).div_ceil(7);
        TokenUse { input, cached: 0, output: u64::from(self.max_output) }
    }

    /// Refuses a question that cannot fit, before anybody is paid for saying so.
    pub(super) fn check_length(&self, context: Option<u32>) -> Result<(), Failure> {
        let Some(context) = context else { return Ok(()) };
        let needed = self.tokens();
        if needed <= u64::from(context) {
            return Ok(());
        }
        Err(Failure::new(
            ChatErrorKind::TooLong,
            format!(
                "pergunta e resposta precisam de uns {needed} tokens, e `context` permite {context}"
            ),
            format!(
                "question and answer need about {needed} tokens, and `context` allows {context}"
            ),
        ))
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn message(role: Role, text: &str) -> Value {
    json!({"role": role, "content": text})
}

/// Tells the shape in words at the end of the instructions, where it stays the same for every case.
fn tell(messages: &mut Vec<(Role, String)>, schema: &Value) {
    let words = format!("Answer with one JSON object of this shape and nothing else: {schema}");
    match messages.iter_mut().rev().find(|(role, _)| *role == Role::System) {
        Some((_, text)) => {
            text.push_str("\n\n");
            text.push_str(&words);
        }
        None => messages.insert(0, (Role::System, words)),
    }
}

/// Returns the `response_format`; `None` where the shape is told in words alone.
fn response_format(settings: &EndpointSettings, output: &OutputSchema) -> Option<Value> {
    if !settings.allows("response_format") {
        return None;
    }
    match settings.output_mode() {
        OutputMode::JsonSchema => {
            let mut schema = output.schema.clone();
            if settings.profile == Profile::OpenAi {
                drop_lengths(&mut schema);
            }
            // The schema stands inside: llama.cpp silently ignores the flat form that its own page shows.
            let inner = json!({"name": output.name, "strict": true, "schema": schema});
            Some(json!({"type": "json_schema", "json_schema": inner}))
        }
        OutputMode::JsonObject if settings.profile == Profile::LlamaCpp => {
            let mut schema = output.schema.clone();
            drop_types_of_enums(&mut schema);
            Some(json!({"type": "json_object", "schema": schema}))
        }
        OutputMode::JsonObject => Some(json!({"type": "json_object"})),
        OutputMode::Prompt => None,
    }
}

/// Leaves out lists of types beside an `enum`: llama-cpp-python's grammar would forget the `enum` for them.
fn drop_types_of_enums(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("enum") && fields.get("type").is_some_and(Value::is_array) {
                fields.shift_remove("type");
            }
            fields.values_mut().for_each(drop_types_of_enums);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_types_of_enums),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn carries_schema(format: &Value) -> bool {
    format.get("schema").is_some() || format.get("json_schema").is_some()
}

/// Leaves out the lengths of texts, which a strict schema of `OpenAI` may not hold ("`maxLength` is not permitted").
/// The answer is held to them all the same.
fn drop_lengths(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.retain(|keyword, _| keyword != "maxLength" && keyword != "minLength");
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(drop_lengths);
    }
    if let Some(items) = schema.get_mut("items") {
        drop_lengths(items);
    }
}

/// Returns the optional fields that are set and that the server takes.
fn options(settings: &EndpointSettings, request: &ChatRequest) -> Vec<(&'static str, Value)> {
    // Models of OpenAI refuse `temperature` and `logprobs` as long as they think.
    let thinks = settings.profile == Profile::OpenAi
        && settings.effort.is_some_and(|effort| effort != Effort::None);
    let longest = if settings.allows("max_completion_tokens") {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    let cache_key: String = request.prompt.chars().take(CACHE_KEY_MAX).collect();
    [
        ("temperature", settings.temperature.filter(|_| !thinks).map(Value::from)),
        ("seed", settings.seed.map(Value::from)),
        ("logprobs", (!thinks).then_some(Value::Bool(true))),
        (longest, Some(Value::from(answer_limit(settings, request)))),
        ("prompt_cache_key", Some(Value::from(cache_key))),
    ]
    .into_iter()
    .filter(|(field, _)| settings.allows(field))
    .filter_map(|(field, value)| Some((field, value?)))
    .chain(effort(settings))
    .collect()
}

/// Returns the field that says how much to think.
fn effort(settings: &EndpointSettings) -> Option<(&'static str, Value)> {
    let effort = settings.effort?;
    // A switch in the template of the model, which these servers had before they took a word for it.
    if effort == Effort::None && settings.allows("chat_template_kwargs") {
        return Some(("chat_template_kwargs", json!({"enable_thinking": false})));
    }
    let effort = match (settings.profile, effort) {
        // They answer 400 to this word.
        (Profile::Ollama | Profile::Vllm, Effort::Minimal) => Effort::Low,
        _ => effort,
    };
    settings.allows("reasoning_effort").then(|| ("reasoning_effort", effort.as_str().into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::settings;
    use super::*;
    use crate::ports::chat::{ChatMessage, Purpose};

    fn unsent(settings: &EndpointSettings) -> Vec<(&'static str, &'static str)> {
        let request = ChatRequest {
            purpose: Purpose::Check,
            prompt: "check@1".to_owned(),
            messages: vec![ChatMessage { role: Role::User, text: "oi".to_owned() }],
            output: Some(OutputSchema { name: "x".to_owned(), schema: json!({"type": "object"}) }),
            max_output: None,
            repeat: 0,
            deadline: Duration::from_secs(1),
        };
        let unsent = Question::new(settings, &request).unsent(settings);
        unsent.into_iter().map(|one| (one.setting, one.why.as_str())).collect()
    }

    #[test]
    fn settings_that_do_not_reach_the_endpoint_are_named() {
        let all = EndpointSettings {
            temperature: Some(0.2),
            seed: Some(7),
            effort: Some(Effort::Low),
            output: Some(OutputMode::JsonSchema),
            ..settings()
        };
        let (listed, thinks) = ("not_listed", "thinks");
        for (profile, expected) in [
            (Profile::OpenAi, vec![("temperature", thinks)]),
            (Profile::Gemini, vec![("seed", listed)]),
            (Profile::Ollama, vec![]),
            (Profile::Vllm, vec![]),
            (Profile::LlamaCpp, vec![]),
            (Profile::Other, vec![("seed", listed), ("effort", listed)]),
        ] {
            let settings = EndpointSettings { profile, ..all.clone() };
            assert_eq!(unsent(&settings), expected, "{profile}");
        }
        let own = EndpointSettings { fields: Some(vec!["seed".to_owned()]), ..all.clone() };
        let rest = ["temperature", "effort", "output", "max_output"].map(|name| (name, listed));
        assert_eq!(unsent(&own), rest);
        let switched = EndpointSettings { effort: Some(Effort::None), ..all };
        for profile in [Profile::OpenAi, Profile::Vllm] {
            assert_eq!(unsent(&EndpointSettings { profile, ..switched.clone() }), [], "{profile}");
        }
        assert_eq!(unsent(&settings()), [], "what nobody set is not missed");
    }
}
