//! The language models of an installation, made from the settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::adapters::cassette::{Cassette, Manifest, Recorded, TapedModel};
use crate::adapters::openai::{Effort, EndpointSettings, OpenAi, OutputMode, Prices, Profile};
use crate::adapters::transcriber::{self, Transcriber};
use crate::config::{Config, ModelSettings, RungSettings, TranscriberSettings};
use crate::pipeline::{DraftsBy, Ladder};
use crate::ports::chat::ChatModel;
use crate::worker::Limits;

/// How long a connection to an endpoint may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_mins(1);

/// The endpoints that the settings name, each with the name of its section and its settings, to be asked what is
/// nobody's: they keep what an endpoint says about a failure.
pub fn endpoints(config: &Config) -> anyhow::Result<Vec<(&'static str, &RungSettings, OpenAi)>> {
    let rungs = [
        ("models.primary", &config.models.primary),
        ("models.escalation", &config.models.escalation),
    ];
    let mut found = Vec::new();
    for (section, rung) in rungs {
        if let Some(settings) = endpoint(rung) {
            found.push((section, rung, OpenAi::listening(settings, http()?)));
        }
    }
    Ok(found)
}

/// Returns the language models of the settings; `None` where they name none and no recording stands in for one.
pub fn ladder(config: &Config) -> anyhow::Result<Option<Ladder>> {
    let settings = &config.models;
    let mut samples = settings.samples;
    let mut drafts = DraftsBy::parse(&settings.drafts).unwrap_or(DraftsBy::Always);
    let rungs = match &settings.cassette {
        Some(Cassette::Replay(shelf)) => {
            let manifest = Manifest::read(shelf.dir())?;
            // Other questions than those that were recorded have no answer.
            samples = manifest.samples.unwrap_or(samples);
            drafts = manifest.drafts.as_deref().and_then(DraftsBy::parse).unwrap_or(drafts);
            let player = |recorded: Option<Recorded>| -> Option<Arc<dyn ChatModel>> {
                Some(Arc::new(TapedModel::replaying(recorded?, Arc::clone(shelf))))
            };
            (player(manifest.primary), player(manifest.escalation))
        }
        tape => {
            let rung = |rung: &RungSettings| -> anyhow::Result<Option<Arc<dyn ChatModel>>> {
                let Some(settings) = endpoint(rung) else { return Ok(None) };
                let model: Arc<dyn ChatModel> = Arc::new(OpenAi::new(settings, http()?));
                Ok(Some(match tape {
                    Some(Cassette::Record(dir)) => {
                        Arc::new(TapedModel::recording(model, dir.clone()))
                    }
                    _ => model,
                }))
            };
            (rung(&settings.primary)?, rung(&settings.escalation)?)
        }
    };
    if let Some(Cassette::Record(dir)) = &settings.cassette {
        let recorded = |model: &Option<Arc<dyn ChatModel>>| {
            model.as_ref().map(|model| Recorded {
                model: model.name().to_owned(),
                parameters: model.parameters(),
            })
        };
        anyhow::ensure!(
            rungs.0.is_some(),
            "there is nothing to record: the settings name no model; set [models.primary]"
        );
        let manifest = Manifest {
            note: String::new(),
            primary: recorded(&rungs.0),
            escalation: recorded(&rungs.1),
            samples: Some(samples),
            drafts: Some(drafts.as_str().to_owned()),
        };
        manifest
            .write(dir)
            .with_context(|| format!("cannot write recordings to {}", dir.display()))?;
    }
    let (Some(primary), escalation) = rungs else { return Ok(None) };
    Ok(Some(Ladder {
        primary,
        escalation,
        drafts,
        turn: Duration::from_secs(settings.turn_secs),
        samples,
        in_flight: settings.in_flight,
    }))
}

/// Returns what models may cost.
pub(super) fn limits(settings: &ModelSettings) -> Limits {
    let budget = &settings.budget;
    Limits {
        daily: budget.daily_usd.map(micros),
        monthly: budget.monthly_usd.map(micros),
        escalation_off_at: budget.escalation_off_at,
        embedded_only_at: budget.embedded_only_at,
        drafts_only_at: budget.drafts_only_at,
        has_escalation: settings.escalation.base_url.is_some(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "budgets are checked to lie between 0 and 10 million dollars"
)]
fn micros(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}

/// Returns whoever writes voice notes down; `None` where nobody is set.
pub(super) fn transcriber(settings: &TranscriberSettings) -> anyhow::Result<Option<Transcriber>> {
    let (Some(base_url), Some(model)) = (&settings.base_url, &settings.model) else {
        return Ok(None);
    };
    let transcriber = Transcriber::new(transcriber::TranscriberSettings {
        base_url: base_url.clone(),
        key: settings.key.clone(),
        model: model.clone(),
        timeout: Duration::from_secs(settings.timeout_secs),
        max_seconds: settings.max_seconds,
        minute_micros: settings.price_per_minute.map(micros),
    });
    transcriber.map(Some).context("the settings in [transcriber] cannot be used")
}

fn http() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("atende/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot make the HTTP client of the language models")
}

fn endpoint(rung: &RungSettings) -> Option<EndpointSettings> {
    let (Some(base_url), Some(model)) = (&rung.base_url, &rung.model) else { return None };
    let fields = rung.fields.as_ref().map(|fields| {
        fields.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    });
    Some(EndpointSettings {
        profile: Profile::parse(&rung.profile).unwrap_or(Profile::Other),
        base_url: base_url.clone(),
        key: rung.key.clone(),
        model: model.clone(),
        temperature: rung.temperature,
        seed: rung.seed,
        effort: rung.effort.as_deref().and_then(Effort::parse),
        output: rung.output.as_deref().and_then(OutputMode::parse),
        fields,
        timeout: Duration::from_secs(rung.timeout_secs),
        attempts: rung.attempts,
        max_output: rung.max_output,
        context: rung.context,
        requests_per_minute: rung.requests_per_minute,
        tokens_per_minute: rung.tokens_per_minute,
        in_flight: usize::try_from(rung.in_flight).unwrap_or(usize::MAX),
        prices: Prices {
            input: rung.price_input.unwrap_or_default(),
            cached: rung.price_cached.or(rung.price_input).unwrap_or_default(),
            output: rung.price_output.unwrap_or_default(),
        },
    })
}
