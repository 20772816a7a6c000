//! The settings of language models: two rungs, what they may cost, and when they are asked.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::adapters::cassette::Cassette;
use crate::domain::secret::Secret;

/// When models are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// `always` (the default): a model writes every draft. `unsure`: only where the embedded composer has no
    /// answer that may be sent.
    pub drafts: String,
    /// How long all questions about one turn may take together, in seconds. Default 60.
    pub turn_secs: u64,
    /// Turns that wait for a model at once. Default 64.
    pub in_flight: u32,
    /// How often a model is asked what a turn is about, where it is asked: more than once shows how firm it is.
    /// Default 1.
    pub samples: u32,
    /// The model that is asked first.
    pub primary: RungSettings,
    /// The more capable model, for what the first is not sure of.
    pub escalation: RungSettings,
    /// What models may cost.
    pub budget: BudgetSettings,
    /// Where answers are recorded, or come from; said on the command line.
    #[serde(skip)]
    pub cassette: Option<Cassette>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            drafts: "always".to_owned(),
            turn_secs: 60,
            in_flight: 64,
            samples: 1,
            primary: RungSettings::default(),
            escalation: RungSettings::default(),
            budget: BudgetSettings::default(),
            cassette: None,
        }
    }
}

/// One model behind an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RungSettings {
    /// Whose dialect the endpoint speaks. Default `other`.
    pub profile: String,
    /// Address of the endpoint, to which `/chat/completions` is added. `None` (the default): the rung is not used.
    pub base_url: Option<String>,
    /// The key; a secret. `None`: none is sent.
    pub key: Option<Secret>,
    /// File that holds the key, instead of `key`. After loading, `key` holds what it says.
    pub key_file: Option<PathBuf>,
    /// The model's name, as the endpoint knows it.
    pub model: Option<String>,
    /// How freely the model chooses its words, 0 to 2. `None`: the endpoint's default.
    pub temperature: Option<f64>,
    /// Makes answers repeatable where the endpoint can.
    pub seed: Option<i64>,
    /// How long a reasoning model thinks.
    pub effort: Option<String>,
    /// How answers are held to their shape. `None`: the best that the profile knows.
    pub output: Option<String>,
    /// The optional request fields that are sent, separated by commas, instead of the profile's.
    pub fields: Option<String>,
    /// How long one attempt may take, in seconds. Default 30.
    pub timeout_secs: u64,
    /// Attempts for one question. Default 3.
    pub attempts: u32,
    /// Tokens of the longest answer, hidden reasoning among them. Default 1500.
    pub max_output: u32,
    /// Tokens that the model takes, question and answer together. `None`: the endpoint tells when it is too much.
    pub context: Option<u32>,
    /// Requests per minute. `None`: no limit of ours.
    pub requests_per_minute: Option<u32>,
    /// Tokens per minute. `None`: no limit of ours.
    pub tokens_per_minute: Option<u32>,
    /// Requests at once. Default 32.
    pub in_flight: u32,
    /// US dollars per million tokens of the question. `None`: nobody knows; 0 says that it is free.
    pub price_input: Option<f64>,
    /// The same for tokens that the provider had ready. `None`: as much as the others.
    pub price_cached: Option<f64>,
    /// US dollars per million tokens of the answer. `None`: nobody knows; 0 says that it is free.
    pub price_output: Option<f64>,
}

impl Default for RungSettings {
    fn default() -> Self {
        Self {
            profile: "other".to_owned(),
            base_url: None,
            key: None,
            key_file: None,
            model: None,
            temperature: None,
            seed: None,
            effort: None,
            output: None,
            fields: None,
            timeout_secs: 30,
            attempts: 3,
            max_output: 1500,
            context: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            in_flight: 32,
            price_input: None,
            price_cached: None,
            price_output: None,
        }
    }
}

impl RungSettings {
    /// Returns which prices are missing to tell what a question costs.
    pub fn missing_prices(&self) -> Vec<&'static str> {
        [("price_input", self.price_input), ("price_output", self.price_output)]
            .into_iter()
            .filter_map(|(key, price)| price.is_none().then_some(key))
            .collect()
    }
}

/// What models may cost each business, and what happens as the money goes. Shares are in hundredths of the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// US dollars a day (UTC). `None`: no limit.
    pub daily_usd: Option<f64>,
    /// US dollars a calendar month (UTC). `None`: no limit.
    pub monthly_usd: Option<f64>,
    /// Share of either budget from which the escalation rung is not asked any more. Default 80.
    pub escalation_off_at: u32,
    /// Share from which no model is asked any more. Default 100.
    pub embedded_only_at: u32,
    /// Share from which nothing is sent by itself any more. `None` (the default): the embedded engines go on
    /// sending what the policy lets them.
    pub drafts_only_at: Option<u32>,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            daily_usd: None,
            monthly_usd: None,
            escalation_off_at: 80,
            embedded_only_at: 100,
            drafts_only_at: None,
        }
    }
}
