//! Models behind endpoints that speak chat completions in the manner of `OpenAI`: its own, Gemini's, Ollama, vLLM,
//! llama.cpp, and whatever else does.
//!
//! Every question ends in an answer of the shape asked for or in one of the kinds of `ChatError`, by its deadline,
//! within the limits set, and without a word of the question or the answer in a log or an error.

mod answer;
mod body;
mod breaker;
mod failure;
mod pace;
mod request;
mod said;
mod settings;
mod shape;
mod stream;
mod transport;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_openai::Client;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

pub use breaker::BreakerState;
pub use request::{Unsent, WhyUnsent};
pub use settings::{Effort, EndpointSettings, FIELDS, OutputMode, Prices, Profile};

use crate::domain::decision::LocalText;
use crate::ports::chat::{ChatAnswer, ChatError, ChatErrorKind, ChatModel, ChatRequest, TokenUse};
use answer::{Completion, Reading};
use breaker::{Breaker, Change, Outcome};
use failure::Failure;
use pace::Pace;
use request::Question;
use transport::{Address, Wire};

/// A deadline further away than this is none that anybody waits for.
const DEADLINE_MAX: Duration = Duration::from_hours(24);
/// Questions of fewer bytes are not looked at for a part that Ollama left out.
const CHECKED_FROM: u64 = 12_000;

/// A model behind an endpoint.
pub struct OpenAi {
    settings: EndpointSettings,
    client: Client<Address>,
    pace: Arc<Pace>,
    breaker: Breaker,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("profile", &self.settings.profile)
            .field("model", &self.settings.model)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Takes an endpoint and the client to reach it with, which should follow no redirects.
    pub fn new(settings: EndpointSettings, http: reqwest::Client) -> Self {
        let pace = Arc::new(Pace::new(&settings));
        let wire = Wire::new(http.clone(), Arc::clone(&pace));
        Self::over(settings, http, pace, wire)
    }

    /// The same for questions that are nobody's: what the endpoint says about a failure is kept in the error.
    pub fn listening(settings: EndpointSettings, http: reqwest::Client) -> Self {
        let pace = Arc::new(Pace::new(&settings));
        let wire = Wire::new(http.clone(), Arc::clone(&pace)).listening(settings.key.clone());
        Self::over(settings, http, pace, wire)
    }

    fn over(
        settings: EndpointSettings,
        http: reqwest::Client,
        pace: Arc<Pace>,
        wire: Wire,
    ) -> Self {
        let wire = Arc::new(wire);
        let service = tower::service_fn(move |request: HttpRequestFactory| {
            let wire = Arc::clone(&wire);
            async move {
                let reply = wire.carry(request).await;
                reply.map_err(|failure| OpenAIError::Boxed(Box::new(failure)))
            }
        });
        let client = Client::build(http, Address::new(&settings)).with_http_service(service);
        Self { settings, client, pace, breaker: Breaker::new() }
    }

    /// Returns what it was made from.
    pub fn settings(&self) -> &EndpointSettings {
        &self.settings
    }

    /// Returns the settings that a question does not carry to the endpoint.
    pub fn unsent(&self, request: &ChatRequest) -> Vec<Unsent> {
        Question::new(&self.settings, request).unsent(&self.settings)
    }

    /// Returns whether the endpoint is asked, or left alone because it failed.
    pub fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Asks when the provider will take the model away; `None` where it does not say so in time.
    pub async fn shutdown_date(&self, within: Duration) -> Option<String> {
        let listed = tokio::time::timeout(within, self.client.models().list_byot::<Value>()).await;
        let list = listed.ok()?.ok()?;
        let ours = list.get("data")?.as_array()?.iter().find(|model| {
            let id = model.get("id").and_then(Value::as_str).unwrap_or_default();
            // Gemini lists its models in a folder.
            id.strip_prefix("models/").unwrap_or(id) == self.settings.model
        })?;
        failure::clean(ours.get("shutdown_date")?.as_str()?)
    }

    /// Asks if the question may be asked at all.
    async fn converse(
        &self,
        request: &ChatRequest,
        deadline: Instant,
        spent: &mut Spent,
    ) -> Result<Answered, Failure> {
        let question = Question::new(&self.settings, request);
        question.check_length(self.settings.context)?;
        let _seat = self.pace.seat()?;
        let pass = self.breaker.enter().map_err(resting)?;
        let answered = self.answer(&question, deadline, spent).await;
        let error = answered.as_ref().err().map(|failure| &*failure.error);
        // Whoever came too late to send anything says nothing about the endpoint.
        let outcome = match spent.attempts {
            0 => Outcome::Untold,
            _ => Outcome::of(error.map(|error| error.kind)),
        };
        let change = pass.settle(outcome);
        self.log_change(change, error);
        answered.map_err(|mut failure| {
            let rests = self.state() != BreakerState::Closed;
            failure.error.told = rests && failure.error.kind.is_outage();
            failure
        })
    }

    /// Tells when the endpoint begins to be left alone, and when it is asked again.
    fn log_change(&self, change: Change, error: Option<&ChatError>) {
        let (model, endpoint) = (&self.settings.model, &self.settings.base_url);
        match (change, error) {
            (Change::Begins(rest), Some(error)) => tracing::warn!(
                model,
                endpoint,
                rest_secs = rest.as_secs(),
                outcome = error.kind.as_str(),
                "Leaving the model {model} alone and trying it again from time to time: {error}"
            ),
            (Change::Ends, _) => {
                tracing::warn!(model, endpoint, "The model {model} answers again");
            }
            (Change::Begins(_), None) | (Change::No, _) => {}
        }
    }

    /// Asks, and once more with what was wrong where the answer is not of its shape.
    async fn answer(
        &self,
        question: &Question<'_>,
        deadline: Instant,
        spent: &mut Spent,
    ) -> Result<Answered, Failure> {
        let bad = match self.exchange(question, deadline, spent).await? {
            Reading::Good { text, probability } => return Ok(Answered { text, probability }),
            Reading::Bad(bad) => bad,
        };
        match self.exchange(&question.repaired(&bad), deadline, spent).await? {
            Reading::Good { text, probability } => Ok(Answered { text, probability }),
            Reading::Bad(bad) => {
                let LocalText { pt_br, en } = bad.wrong;
                Err(Failure::new(
                    ChatErrorKind::BadShape,
                    format!("a resposta não tem a forma pedida, nem repetida: {pt_br}"),
                    format!("the answer is not of its shape even when repeated: {en}"),
                ))
            }
        }
    }

    /// Sends a question until there is an answer or no more sense in it.
    async fn exchange(
        &self,
        question: &Question<'_>,
        deadline: Instant,
        spent: &mut Spent,
    ) -> Result<Reading, Failure> {
        let (mut tries, mut before) = (0, None);
        loop {
            let permit = match self.pace.enter(question.tokens(), deadline).await {
                Ok(permit) => permit,
                // Why it would be asked again says more than that there is no room for it.
                Err(no_room) => return Err(before.unwrap_or(no_room)),
            };
            let start = Instant::now();
            let limit = deadline.saturating_duration_since(start).min(self.settings.timeout);
            if limit.is_zero() {
                return Err(before.unwrap_or_else(|| timed_out(limit)));
            }
            tries += 1;
            spent.attempts += 1;
            let came = self.attempt(question, limit).await;
            drop(permit);
            self.log(tries, start.elapsed(), &came);
            let failure = match came {
                Ok(completion) => return self.take(&completion, question, spent),
                Err(failure) => failure,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = waiting::before_next(&failure, tries, self.settings.attempts, left);
            let Some(wait) = wait else { return Err(failure) };
            tokio::time::sleep(wait).await;
            before = Some(failure);
        }
    }

    /// Sends a question once. Nobody knows what became of one that timed out, but nothing came of it either.
    async fn attempt(
        &self,
        question: &Question<'_>,
        limit: Duration,
    ) -> Result<Completion, Failure> {
        let chat = self.client.chat();
        let came = tokio::time::timeout(limit, chat.create_byot(&question.body)).await;
        came.map_err(|_| timed_out(limit))?.map(Completion::of).map_err(unwrapped)
    }

    /// Notes what an answer cost and reads it.
    fn take(
        &self,
        completion: &Completion,
        question: &Question<'_>,
        spent: &mut Spent,
    ) -> Result<Reading, Failure> {
        let tokens = completion.tokens();
        spent.add(tokens, answer::cost_micros(tokens, self.settings.prices));
        let model = completion.model.clone().filter(|model| !model.trim().is_empty());
        spent.model = model.or_else(|| spent.model.take());
        let real = tokens.input.saturating_add(tokens.output);
        if real > 0 {
            self.pace.correct(question.tokens(), real);
        }
        self.check_that_all_was_read(question, tokens)?;
        completion.read(question.shape.as_ref())
    }

    /// Ollama silently leaves out the oldest part of a question that its context does not hold: the instructions.
    fn check_that_all_was_read(
        &self,
        question: &Question<'_>,
        tokens: TokenUse,
    ) -> Result<(), Failure> {
        // No text of ours has more than six bytes to a token; six tenths of that many are surely too few.
        let is_short = tokens.input > 0 && tokens.input.saturating_mul(10) < question.bytes;
        if self.settings.profile != Profile::Ollama || question.bytes <= CHECKED_FROM || !is_short {
            return Ok(());
        }
        let (read, bytes) = (tokens.input, question.bytes);
        Err(Failure::new(
            ChatErrorKind::TooLong,
            format!(
                "o Ollama leu só {read} tokens de uma pergunta de {bytes} bytes: aumente OLLAMA_CONTEXT_LENGTH, ou \
                 `num_ctx` do modelo"
            ),
            format!(
                "Ollama read only {read} tokens of a question of {bytes} bytes: set OLLAMA_CONTEXT_LENGTH, or \
                 `num_ctx` of the model, higher"
            ),
        ))
    }

    fn log(&self, attempt: u32, took: Duration, came: &Result<Completion, Failure>) {
        let error = came.as_ref().err().map(|failure| &failure.error);
        let tokens = came.as_ref().map(Completion::tokens).unwrap_or_default();
        tracing::debug!(
            model = self.settings.model,
            attempt,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome = error.map_or("answered", |error| error.kind.as_str()),
            status = error.and_then(|error| error.status),
            tokens.input = tokens.input,
            tokens.output = tokens.output,
            "Asked a model"
        );
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        &self.settings.model
    }

    fn parameters(&self) -> Value {
        let settings = &self.settings;
        json!({
            "profile": settings.profile,
            "temperature": settings.temperature,
            "seed": settings.seed,
            "effort": settings.effort,
            "output": settings.output_mode(),
            "fields": settings.allowed(),
            "max_output": settings.max_output,
        })
    }

    fn most_micros(&self, request: &ChatRequest) -> u64 {
        let most = Question::new(&self.settings, request).most_tokens();
        answer::cost_micros(most, self.settings.prices)
    }

    async fn ask(&self, request: &ChatRequest) -> Result<ChatAnswer, ChatError> {
        let start = Instant::now();
        let deadline = start + request.deadline.min(DEADLINE_MAX);
        let mut spent = Spent::default();
        match self.converse(request, deadline, &mut spent).await {
            Ok(Answered { text, probability }) => Ok(ChatAnswer {
                text,
                model: spent.model.unwrap_or_default(),
                tokens: spent.tokens,
                probability,
                cost_micros: spent.cost_micros,
                took: start.elapsed(),
                attempts: spent.attempts,
            }),
            Err(failure) => {
                let error = *failure.error;
                Err(ChatError {
                    model: spent.model,
                    tokens: spent.tokens,
                    cost_micros: spent.cost_micros,
                    took: start.elapsed(),
                    attempts: spent.attempts,
                    ..error
                })
            }
        }
    }
}

/// An answer of the shape asked for.
struct Answered {
    text: String,
    probability: Option<f64>,
}

/// What all attempts at a question came to.
#[derive(Default)]
struct Spent {
    tokens: TokenUse,
    cost_micros: u64,
    attempts: u32,
    model: Option<String>,
}

impl Spent {
    fn add(&mut self, tokens: TokenUse, cost_micros: u64) {
        self.tokens.input = self.tokens.input.saturating_add(tokens.input);
        self.tokens.cached = self.tokens.cached.saturating_add(tokens.cached);
        self.tokens.output = self.tokens.output.saturating_add(tokens.output);
        self.cost_micros = self.cost_micros.saturating_add(cost_micros);
    }
}

fn timed_out(limit: Duration) -> Failure {
    let limit = limit.as_millis();
    Failure::new(
        ChatErrorKind::TimedOut,
        format!("nenhuma resposta inteira chegou em {limit} ms"),
        format!("no whole answer came within {limit} ms"),
    )
}

fn resting(rest: Duration) -> Failure {
    let secs = rest.as_secs().max(1);
    let mut failure = Failure::new(
        ChatErrorKind::Resting,
        format!("o endereço falhou tanto que não é consultado por mais {secs} s"),
        format!("the endpoint failed so often that it is left alone for another {secs} s"),
    );
    failure.error.retry_after = Some(rest);
    failure.error.told = true;
    failure
}

/// Takes our failure out of the client's error. The others cannot occur: the wire hands up nothing but whole answers,
/// and they may hold a body, so nothing of them is kept.
fn unwrapped(error: OpenAIError) -> Failure {
    let strange = || {
        let (pt, en) = ("a resposta não pôde ser lida", "the reply could not be read");
        Failure::new(ChatErrorKind::BadReply, pt, en)
    };
    match error {
        OpenAIError::Boxed(inner) => {
            inner.downcast::<Failure>().map_or_else(|_| strange(), |failure| *failure)
        }
        OpenAIError::InvalidArgument(_) => {
            let (pt, en) =
                ("o pedido não pôde ser montado", "the request could not be put together");
            Failure::new(ChatErrorKind::Rejected, pt, en)
        }
        OpenAIError::Reqwest(_)
        | OpenAIError::ApiError(_)
        | OpenAIError::JSONDeserialize(..)
        | OpenAIError::FileSaveError(_)
        | OpenAIError::FileReadError(_)
        | OpenAIError::StreamError(_) => strange(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings of an endpoint that does not exist.
    pub(super) fn settings() -> EndpointSettings {
        EndpointSettings {
            profile: Profile::OpenAi,
            base_url: "http://127.0.0.1:9/v1/".to_owned(),
            key: None,
            model: "m".to_owned(),
            temperature: None,
            seed: None,
            effort: None,
            output: None,
            fields: None,
            timeout: Duration::from_secs(1),
            attempts: 1,
            max_output: 100,
            context: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            in_flight: 4,
            prices: Prices::default(),
        }
    }

    #[test]
    fn foreign_errors_lose_what_they_may_hold() {
        let body = "SEGREDO".to_owned();
        let json = serde_json::from_str::<Value>("{").unwrap_err();
        for error in [
            OpenAIError::JSONDeserialize(json, body.clone()),
            OpenAIError::Boxed(body.clone().into()),
            OpenAIError::InvalidArgument(body),
        ] {
            assert!(!format!("{:?}", unwrapped(error)).contains("SEGREDO"));
        }
    }
}
