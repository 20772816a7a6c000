//! Turns a question into the body that goes over the wire.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::body::{Body, Format, Message};
use super::failure::Failure;
use super::settings::{Effort, EndpointSettings, OutputMode, Profile};
use super::shape::{Bad, Shape};
use crate::ports::chat::{ChatErrorKind, ChatRequest, Role, TokenUse};

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
pub(super) struct Question<'r> {
    /// The body of the request.
    pub(super) body: Body<'r>,
    /// The shape that the answer must have.
    pub(super) shape: Option<Shape>,
    /// Bytes of all its messages.
    pub(super) bytes: u64,
    max_output: u32,
}

impl<'r> Question<'r> {
    /// Puts a question into the endpoint's form.
    pub(super) fn new(settings: &'r EndpointSettings, request: &'r ChatRequest) -> Self {
        let mut messages: Vec<Message<'r>> = request
            .messages
            .iter()
            .map(|message| Message { role: message.role, content: Cow::from(&message.text) })
            .collect();
        let output = request.output.as_ref();
        let format = output.and_then(|output| Format::of(settings, output));
        let told = !format.as_ref().is_some_and(Format::carries_schema);
        let shape = output.map(|output| Shape { output: Arc::clone(output), told });
        if let Some(shape) = shape.as_ref().filter(|shape| shape.told) {
            tell(&mut messages, &shape.output.schema);
        }
        Self {
            shape,
            bytes: messages.iter().map(|message| length(&message.content)).sum(),
            body: Body {
                model: &settings.model,
                messages,
                options: options(settings, request),
                format,
            },
            max_output: answer_limit(settings, request),
        }
    }

    /// Returns the settings that it does not carry.
    pub(super) fn unsent(&self, settings: &EndpointSettings) -> Vec<Unsent> {
        let has = |fields: &[&str]| fields.iter().any(|field| self.body.has(field));
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
        let more = [(Role::Assistant, said.to_owned()), (Role::User, wrong)];
        again.body.messages.extend(more.map(|(role, text)| Message { role, content: text.into() }));
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

/// Tells the shape in words at the end of the instructions, where it stays the same for every case.
fn tell(messages: &mut Vec<Message<'_>>, schema: &Value) {
    let words = format!("Answer with one JSON object of this shape and nothing else: {schema}");
    match messages.iter_mut().rev().find(|message| message.role == Role::System) {
        Some(message) => {
            let text = message.content.to_mut();
            text.push_str("\n\n");
            text.push_str(&words);
        }
        None => messages.insert(0, Message { role: Role::System, content: words.into() }),
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
    use crate::ports::chat::{ChatMessage, OutputSchema, Purpose};

    fn unsent(settings: &EndpointSettings) -> Vec<(&'static str, &'static str)> {
        let request = ChatRequest {
            purpose: Purpose::Check,
            prompt: "check@1".to_owned(),
            messages: vec![ChatMessage { role: Role::User, text: "oi".to_owned() }],
            output: Some(Arc::new(OutputSchema {
                name: "x".to_owned(),
                schema: json!({"type": "object"}),
            })),
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
