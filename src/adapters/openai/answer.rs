//! Reads an answer: why it ended, whether the model declined, its words, and what it cost.
//!
//! Everything in it is optional and every word of a list is a text: one field that some server spells its own way
//! must not lose an answer that was paid for.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::failure::Failure;
use super::settings::Prices;
use super::shape::{Bad, Shape};
use crate::ports::chat::{ChatErrorKind, TokenUse};

/// An answer as it came.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Completion {
    /// The model that really answered.
    #[serde(deserialize_with = "lenient")]
    pub(super) model: Option<String>,
    #[serde(deserialize_with = "lenient")]
    choices: Vec<Choice>,
    usage: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    #[serde(deserialize_with = "lenient")]
    finish_reason: String,
    #[serde(deserialize_with = "lenient")]
    message: Message,
    logprobs: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Value,
    #[serde(deserialize_with = "lenient")]
    refusal: String,
}

/// Reads a field as far as it has the expected form; anything else counts as missing.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// What an answer turned out to be.
pub(super) enum Reading {
    /// One to go on with.
    Good {
        /// The words, or JSON of the shape.
        text: String,
        /// The mean probability of its tokens.
        probability: Option<f64>,
    },
    /// One that is not of the shape; the model may have another try.
    Bad(Bad),
}

impl Completion {
    /// Takes it out of JSON.
    pub(super) fn of(answer: Value) -> Self {
        serde_json::from_value(answer).unwrap_or_default()
    }

    /// Returns what it cost in tokens.
    pub(super) fn tokens(&self) -> TokenUse {
        let count = |path: &str| self.usage.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        let (input, total) = (count("/prompt_tokens"), count("/total_tokens"));
        TokenUse {
            input,
            cached: count("/prompt_tokens_details/cached_tokens").min(input),
            // Gemini leaves hidden reasoning out of the answer's tokens, counts it in the total, and charges for it.
            output: count("/completion_tokens").max(total.saturating_sub(input)),
        }
    }

    /// Reads it. Why it ended comes first: an answer that was cut off is never of its shape.
    pub(super) fn read(&self, shape: Option<&Shape>) -> Result<Reading, Failure> {
        let Some(choice) = self.choices.first() else {
            let (pt, en) = ("a resposta veio vazia", "there is no choice in the answer");
            return Err(Failure::new(ChatErrorKind::Empty, pt, en));
        };
        choice.check_end()?;
        let text = choice.message.text();
        let refused = choice.message.refusal.trim().len() + refusals(&choice.message.content);
        if refused > 0 {
            let (pt, en) = ("o modelo se recusou a responder", "the model declined to answer");
            return Err(Failure::new(ChatErrorKind::Refused, pt, en));
        }
        if text.trim().is_empty() {
            let (pt, en) = ("não há palavras na resposta", "there are no words in the answer");
            return Err(Failure::new(ChatErrorKind::Empty, pt, en));
        }
        let probability = choice.probability();
        let Some(shape) = shape else { return Ok(Reading::Good { text, probability }) };
        match shape.read(&text) {
            Ok(text) => Ok(Reading::Good { text, probability }),
            Err(wrong) => Ok(Reading::Bad(Bad { text, wrong })),
        }
    }
}

impl Choice {
    fn check_end(&self) -> Result<(), Failure> {
        let reason = self.finish_reason.to_ascii_lowercase();
        match reason.as_str() {
            "length" | "max_tokens" | "model_length" => Err(Failure::new(
                ChatErrorKind::CutOff,
                "a resposta foi cortada em `max_output`, que o raciocínio oculto também gasta",
                "the answer was cut off at `max_output`, which hidden reasoning uses up too",
            )),
            // Gemini's own words come through now and then, also as "content_filter: SAFETY".
            "safety" | "recitation" | "blocklist" | "prohibited_content" | "spii" => {
                Err(declined())
            }
            filtered if filtered.starts_with("content_filter") => Err(declined()),
            _ => Ok(()),
        }
    }

    /// Returns the geometric mean of the tokens' probabilities.
    fn probability(&self) -> Option<f64> {
        let tokens = self.logprobs.get("content")?.as_array()?;
        let (mut sum, mut count) = (0.0, 0.0);
        for logprob in tokens.iter().filter_map(|token| token.get("logprob")?.as_f64()) {
            sum += logprob;
            count += 1.0;
        }
        (count > 0.0).then(|| (sum / count).exp().clamp(0.0, 1.0))
    }
}

fn declined() -> Failure {
    Failure::new(
        ChatErrorKind::Filtered,
        "o filtro do provedor barrou a resposta",
        "the provider's filter stopped the answer",
    )
}

impl Message {
    /// Returns the words, which come in one piece or in several.
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
        }
    }
}

/// Counts the parts in which the model declines.
fn refusals(content: &Value) -> usize {
    let parts = content.as_array().into_iter().flatten();
    parts.filter(|part| part.get("refusal").is_some_and(Value::is_string)).count()
}

/// Returns the price in millionths of a US dollar, to the nearest one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float stops at the ends of the range"
)]
pub(super) fn cost_micros(tokens: TokenUse, prices: Prices) -> u64 {
    let fresh = tokens.input.saturating_sub(tokens.cached);
    let micros = number(fresh) * prices.input
        + number(tokens.cached) * prices.cached
        + number(tokens.output) * prices.output;
    (micros + 0.5).floor() as u64
}

#[expect(clippy::cast_precision_loss, reason = "nobody pays for 2^53 tokens")]
fn number(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completion(value: Value) -> Completion {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_answer_is_read_as_far_as_it_makes_sense() {
        for value in [
            json!({"choices": [{"message": {"content": "ok"}}]}),
            json!({"id": 7, "created": 1.5, "model": 3, "service_tier": "on_demand", "choices": [
                {"index": "0", "finish_reason": "eos", "message": {"content": "ok", "refusal": null}}
            ]}),
            json!({"usage": "none", "choices": [{"finish_reason": null, "logprobs": [], "message": {
                "content": [{"type": "text", "text": "o"}, {"type": "thinking"}, "k"]
            }}]}),
        ] {
            let reading = completion(value.clone()).read(None);
            assert!(matches!(reading, Ok(Reading::Good { text, .. }) if text == "ok"), "{value}");
        }
    }

    #[test]
    fn an_answer_that_is_none_says_why() {
        for (choice, kind) in [
            (json!({"finish_reason": "length", "message": {"content": "{"}}), "cut_off"),
            (json!({"finish_reason": "MAX_TOKENS", "message": {"content": ""}}), "cut_off"),
            (json!({"finish_reason": "content_filter", "message": {"content": null}}), "filtered"),
            (json!({"finish_reason": "content_filter: OTHER", "message": {}}), "filtered"),
            (json!({"finish_reason": "SAFETY"}), "filtered"),
            (json!({"message": {"content": null, "refusal": "No."}}), "refused"),
            (json!({"message": {"content": [{"type": "refusal", "refusal": "No."}]}}), "refused"),
            (json!({"message": {"content": " \n"}}), "empty"),
            (json!({"message": {"content": null, "reasoning_content": "hm"}}), "empty"),
            (json!({"message": "ok"}), "empty"),
        ] {
            let read = completion(json!({"choices": [choice]})).read(None);
            let Err(failure) = read else { panic!("{choice}") };
            assert_eq!(failure.error.kind.as_str(), kind, "{choice}");
        }
        let none = completion(json!({"choices": []})).read(None);
        assert!(matches!(none, Err(failure) if failure.error.kind == ChatErrorKind::Empty));
    }

    #[test]
    fn tokens_cost_what_the_prices_say_to_the_nearest_millionth() {
        let usage = |usage: Value| completion(json!({"usage": usage})).tokens();
        let plain = usage(json!({
            "prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
            "prompt_tokens_details": {"cached_tokens": 400}
        }));
        assert_eq!(plain, TokenUse { input: 1000, cached: 400, output: 50 });
        let hidden =
            usage(json!({"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}));
        assert_eq!(hidden, TokenUse { input: 20, cached: 0, output: 603 });
        assert_eq!(usage(json!(null)), TokenUse::default());
        let prices = Prices { input: 0.10, cached: 0.01, output: 0.50 };
        // 600 × 0.10 + 400 × 0.01 + 50 × 0.50
        assert_eq!(cost_micros(plain, prices), 89);
        let odd = TokenUse { input: 5, cached: 0, output: 0 };
        assert_eq!(cost_micros(odd, prices), 1, "a half is rounded up");
        assert_eq!(cost_micros(odd, Prices::default()), 0);
    }

    #[test]
    fn the_probability_is_the_mean_over_the_tokens() {
        let choice = |logprobs: Value| {
            let choice = json!({"message": {"content": "ok"}, "logprobs": logprobs});
            let read = completion(json!({"choices": [choice]})).read(None);
            let Ok(Reading::Good { probability, .. }) = read else { panic!() };
            probability
        };
        let mean = choice(json!({"content": [{"logprob": -0.1}, {"logprob": -0.3}]}));
        assert!((mean.unwrap() - (-0.2_f64).exp()).abs() < 1e-9);
        assert_eq!(choice(json!({"content": []})), None);
        assert_eq!(choice(json!(null)), None);
    }
}
