//! What an operator says about an endpoint, and what each kind of server takes of it.
//!
//! A field that a server does not know is an error at some and silently ignored at others, so nothing optional is
//! sent that is not on a list: the profile's, or the operator's in its place.

use std::time::Duration;

use crate::domain::secret::Secret;

crate::domain::words! {
    /// Which kind of server answers; it decides what may be sent.
    Profile {
        /// `OpenAI` itself.
        OpenAi = "openai",
        /// Google's endpoint in the manner of `OpenAI`.
        Gemini = "gemini",
        /// Ollama.
        Ollama = "ollama",
        /// vLLM.
        Vllm = "vllm",
        /// The server of llama.cpp.
        LlamaCpp = "llamacpp",
        /// Anything else that speaks chat completions: only what all of them know is sent.
        Other = "other",
    }
}

crate::domain::words! {
    /// How the shape of an answer is asked for.
    OutputMode {
        /// The server holds the model to the schema.
        JsonSchema = "json_schema",
        /// The server holds the model to JSON; the schema is told in words where it cannot be sent.
        JsonObject = "json_object",
        /// Words alone.
        Prompt = "prompt",
    }
}

crate::domain::words! {
    /// How much a model thinks before it answers.
    Effort {
        /// Not at all.
        None = "none",
        /// As little as it can.
        Minimal = "minimal",
        /// A little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// A lot.
        High = "high",
    }
}

/// Every optional field that some server is sent.
pub const FIELDS: &[&str] = &[
    "temperature",
    "seed",
    "reasoning_effort",
    "chat_template_kwargs",
    "response_format",
    "logprobs",
    "max_tokens",
    "max_completion_tokens",
    "prompt_cache_key",
];

/// US dollars per million tokens, which are also millionths of a dollar per token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    /// Tokens of the question.
    pub input: f64,
    /// Tokens of the question that the provider had ready.
    pub cached: f64,
    /// Tokens of the answer, hidden reasoning among them.
    pub output: f64,
}

/// One model at one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSettings {
    /// The kind of server.
    pub profile: Profile,
    /// The address up to, and without, `/chat/completions`.
    pub base_url: String,
    /// The key; `None` where the server wants none.
    pub key: Option<Secret>,
    /// The model's name as the server knows it.
    pub model: String,
    /// How freely the model chooses its words; `None` leaves it to the server.
    pub temperature: Option<f64>,
    /// A number that makes answers repeat as far as the server can.
    pub seed: Option<i64>,
    /// How much the model thinks; `None` leaves it to the server.
    pub effort: Option<Effort>,
    /// How a shape is asked for; `None` takes the profile's way.
    pub output: Option<OutputMode>,
    /// Optional fields that may be sent, in place of the profile's list.
    pub fields: Option<Vec<String>>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Most attempts per question; at least one is made.
    pub attempts: u32,
    /// Most tokens of an answer, hidden reasoning among them.
    pub max_output: u32,
    /// Tokens that question and answer may have together; `None` where nobody said.
    pub context: Option<u32>,
    /// Most requests per minute; `None` sets no limit.
    pub requests_per_minute: Option<u32>,
    /// Most tokens per minute, in and out; `None` sets no limit.
    pub tokens_per_minute: Option<u32>,
    /// Most requests at the same time; at least one.
    pub in_flight: usize,
    /// What it costs.
    pub prices: Prices,
}

impl EndpointSettings {
    /// Returns how a shape is asked for.
    pub fn output_mode(&self) -> OutputMode {
        self.output.unwrap_or(match self.profile {
            Profile::OpenAi | Profile::Gemini | Profile::Ollama | Profile::Vllm => {
                OutputMode::JsonSchema
            }
            Profile::LlamaCpp => OutputMode::JsonObject,
            Profile::Other => OutputMode::Prompt,
        })
    }

    /// True where an optional field may be sent.
    pub(super) fn allows(&self, field: &str) -> bool {
        match &self.fields {
            Some(fields) => fields.iter().any(|allowed| allowed == field),
            None => self.profile.fields().contains(&field),
        }
    }

    /// Returns the optional fields that may be sent.
    pub(super) fn allowed(&self) -> Vec<&str> {
        match &self.fields {
            Some(fields) => fields.iter().map(String::as_str).collect(),
            None => self.profile.fields().to_vec(),
        }
    }
}

impl Profile {
    /// Returns the optional fields that such a server is known to take.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi => &[
                "temperature",
                "seed",
                "reasoning_effort",
                "response_format",
                "logprobs",
                "max_completion_tokens",
                "prompt_cache_key",
            ],
            // Answers 400 to a field that it does not know, `seed` among them.
            Self::Gemini => &["temperature", "reasoning_effort", "response_format", "max_tokens"],
            // Ignores `max_completion_tokens`, and then writes without end.
            Self::Ollama => &[
                "temperature",
                "seed",
                "reasoning_effort",
                "response_format",
                "logprobs",
                "max_tokens",
            ],
            Self::Vllm | Self::LlamaCpp => &[
                "temperature",
                "seed",
                "reasoning_effort",
                "chat_template_kwargs",
                "response_format",
                "logprobs",
                "max_tokens",
            ],
            Self::Other => &["temperature", "response_format", "max_tokens"],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_of_fields_is_what_the_profiles_send() {
        let sent: BTreeSet<&str> =
            Profile::ALL.iter().flat_map(|profile| profile.fields()).copied().collect();
        assert_eq!(sent, FIELDS.iter().copied().collect());
        assert_eq!(sent.len(), FIELDS.len(), "none stands there twice");
    }

    /// The table names each field of a profile in its third column, before the first semicolon.
    #[test]
    fn the_documented_table_names_the_fields_of_every_profile() {
        let page = include_str!("../../../docs/models.md");
        for profile in Profile::ALL {
            let row = page.lines().find_map(|line| line.strip_prefix(&format!("| `{profile}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/models.md has no row for {profile}"));
            let fields = row.split('|').nth(1).unwrap_or_default();
            let fields = fields.split(';').next().unwrap_or_default();
            let told: BTreeSet<&str> = fields.split(',').map(str::trim).collect();
            assert_eq!(told, profile.fields().iter().copied().collect(), "{profile}");
        }
    }
}
