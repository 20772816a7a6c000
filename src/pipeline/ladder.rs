//! The rungs above the embedded engines: who may be asked about a turn, for how long, and what became of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::decision::LocalText;
use crate::domain::field::Engine;
use crate::ports::chat::{
    ANSWERED, ChatAnswer, ChatError, ChatErrorKind, ChatMessage, ChatModel, ChatRequest, ModelCall,
    OutputSchema, Purpose, TokenUse,
};

/// With less time left than this nothing is asked any more.
const LEAST_TIME: Duration = Duration::from_millis(200);

crate::domain::words! {
    /// When a model writes drafts.
    DraftsBy {
        /// Whenever a reply is wanted.
        Always = "always",
        /// Only where the embedded composer has no answer that may be sent.
        Unsure = "unsure",
    }
}

/// The language models of an installation.
#[derive(Clone)]
pub struct Ladder {
    /// The model that is asked first.
    pub primary: Arc<dyn ChatModel>,
    /// The more capable one.
    pub escalation: Option<Arc<dyn ChatModel>>,
    /// When a model writes drafts.
    pub drafts: DraftsBy,
    /// How long all questions about one turn may take together.
    pub turn: Duration,
    /// How often a model is asked what a turn is about.
    pub samples: u32,
    /// Turns that may wait for a model at once.
    pub in_flight: u32,
}

impl fmt::Debug for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder")
            .field("primary", &self.primary.name())
            .field("escalation", &self.escalation.as_ref().map(|model| model.name().to_owned()))
            .finish_non_exhaustive()
    }
}

/// What the budget leaves of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Models may be asked.
    pub models: bool,
    /// The escalation rung among them.
    pub escalation: bool,
    /// Replies may leave without a person.
    pub sending: bool,
}

impl Allowance {
    /// Nothing is held back.
    pub const ALL: Self = Self { models: true, escalation: true, sending: true };
}

/// What a business may still spend on models, asked before each question: turns that are decided at the same time share
/// it, so that a burst costs no more than one after the other would.
pub trait Purse: Send + Sync {
    /// Says what the budget leaves now.
    fn allowance(&self) -> Allowance;

    /// Sets aside what a question to a rung may cost at most, in millionths of a US dollar. `false` where the budget
    /// does not hold so much: then nobody is asked.
    fn set_aside(&self, rung: Engine, micros: u64) -> bool;

    /// Gives back what was set aside for a question and takes what it did cost.
    fn settle(&self, set_aside: u64, cost: u64);
}

/// What nobody counts: every question is allowed, or none.
impl Purse for Allowance {
    fn allowance(&self) -> Allowance {
        *self
    }

    fn set_aside(&self, _rung: Engine, _micros: u64) -> bool {
        true
    }

    fn settle(&self, _set_aside: u64, _cost: u64) {}
}

/// Money set aside for one question; what is not spent when it is dropped goes back.
struct SetAside<'p> {
    purse: &'p dyn Purse,
    most: u64,
    cost: u64,
}

impl<'p> SetAside<'p> {
    fn take(purse: &'p dyn Purse, rung: Engine, most: u64) -> Option<Self> {
        // Not `then_some`: what is made and dropped would give back what it never took.
        purse.set_aside(rung, most).then(|| Self { purse, most, cost: 0 })
    }

    fn spend(mut self, cost: u64) {
        self.cost = cost;
    }
}

impl Drop for SetAside<'_> {
    fn drop(&mut self) {
        self.purse.settle(self.most, self.cost);
    }
}

/// A question as it is put to a rung.
pub(super) struct Question {
    pub(super) purpose: Purpose,
    pub(super) prompt: String,
    /// The word in the instructions that must not come back.
    pub(super) canary: String,
    pub(super) messages: Vec<ChatMessage>,
    pub(super) output: Option<Arc<OutputSchema>>,
    pub(super) max_output: Option<u32>,
    pub(super) repeat: u32,
}

/// The questions about one turn: they share a deadline, and each is noted.
pub(super) struct Asking<'l> {
    ladder: &'l Ladder,
    purse: &'l dyn Purse,
    until: Instant,
    pub(super) calls: Vec<ModelCall>,
    /// A model or its provider declined to answer: a person looks.
    pub(super) declined: bool,
}

impl<'l> Asking<'l> {
    pub(super) fn new(ladder: &'l Ladder, purse: &'l dyn Purse) -> Self {
        let until = Instant::now() + ladder.turn;
        Self { ladder, purse, until, calls: Vec::new(), declined: false }
    }

    /// True where the more capable model may be asked too.
    pub(super) fn has_escalation(&self) -> bool {
        self.ladder.escalation.is_some() && self.purse.allowance().escalation
    }

    /// Asks a rung. An error where it does not exist, may not be asked, or has no answer.
    pub(super) async fn ask(
        &mut self,
        rung: Engine,
        question: &Question,
    ) -> Result<ChatAnswer, ChatErrorKind> {
        let model = match rung {
            Engine::Escalation if self.has_escalation() => self.ladder.escalation.as_ref(),
            Engine::Primary => Some(&self.ladder.primary),
            _ => None,
        };
        let Some(model) = model else { return Err(ChatErrorKind::Resting) };
        let left = self.until.saturating_duration_since(Instant::now());
        if left < LEAST_TIME {
            return Err(ChatErrorKind::TimedOut);
        }
        let request = ChatRequest {
            purpose: question.purpose,
            prompt: question.prompt.clone(),
            messages: question.messages.clone(),
            output: question.output.clone(),
            max_output: question.max_output,
            repeat: question.repeat,
            deadline: left,
        };
        let most = model.most_micros(&request);
        let Some(money) = SetAside::take(self.purse, rung, most) else {
            let none = ChatError::new(ChatErrorKind::NoMoney, LocalText::default());
            self.calls.push(noted(rung, model.name(), question, &Err(none)));
            return Err(ChatErrorKind::NoMoney);
        };
        let mut answer = model.ask(&request).await;
        if let Ok(answer) = &mut answer
            && answer.tokens == TokenUse::default()
        {
            // Whoever tells no tokens has to be taken at the most that it may have cost.
            answer.cost_micros = most;
        }
        money.spend(match &answer {
            Ok(answer) => answer.cost_micros,
            Err(error) => error.cost_micros,
        });
        self.calls.push(noted(rung, model.name(), question, &answer));
        answer.map_err(|error| {
            self.declined |= matches!(error.kind, ChatErrorKind::Filtered | ChatErrorKind::Refused);
            let (purpose, model, attempts) = (question.purpose, model.name(), error.attempts);
            // While an endpoint is left alone, every turn would say so again.
            if error.told {
                tracing::debug!(%purpose, %rung, model, attempts, "The {rung} model has no answer: {error}");
            } else {
                tracing::warn!(%purpose, %rung, model, attempts, "The {rung} model has no answer: {error}");
            }
            error.kind
        })
    }
}

fn noted(
    rung: Engine,
    model: &str,
    question: &Question,
    answer: &Result<ChatAnswer, ChatError>,
) -> ModelCall {
    let (answered_by, outcome, tokens, cost_micros, took, attempts) = match answer {
        Ok(answer) => (
            Some(answer.model.clone()),
            ANSWERED,
            answer.tokens,
            answer.cost_micros,
            answer.took,
            answer.attempts,
        ),
        Err(error) => (
            error.model.clone(),
            error.kind.as_str(),
            error.tokens,
            error.cost_micros,
            error.took,
            error.attempts,
        ),
    };
    ModelCall {
        purpose: question.purpose,
        rung,
        prompt: question.prompt.clone(),
        model: model.to_owned(),
        answered_by: answered_by.filter(|name| !name.is_empty()),
        outcome: outcome.to_owned(),
        tokens,
        cost_micros,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        attempts,
    }
}
