//! What follows from the rest: whether a person is needed, how long it takes, what answer fits.

use super::reading::Reading;
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::{
    Complexity, EstimatedResolution, Language, Sentiment, SuggestedResponse,
};
use crate::domain::signal::{Signal, SignalHit};

/// Returns whether a person has to deal with the turn, and why.
pub(super) fn requires_human(
    signals: &[SignalHit],
    sentiment: Sentiment,
    language: Language,
    reading: &Reading<'_, '_>,
) -> Field<bool> {
    let reason = signals
        .iter()
        .filter(|hit| needs_person(hit.signal))
        .max_by(|a, b| a.confidence.get().total_cmp(&b.confidence.get()));
    if let Some(hit) = reason {
        return Field::new(true, hit.confidence, Engine::Rules)
            .because(format!("signal {}", hit.signal));
    }
    if sentiment == Sentiment::Angry {
        return Field::new(true, Confidence::clamped(0.8), Engine::Rules).because("angry customer");
    }
    if language == Language::Es {
        return Field::new(true, Confidence::clamped(0.75), Engine::Rules)
            .because("a language without native replies");
    }
    if reading.tokens.is_empty() {
        return Field::new(true, Confidence::clamped(0.7), Engine::Rules)
            .because("there are no words to understand");
    }
    Field::new(false, Confidence::clamped(0.75), Engine::Rules)
}

const fn needs_person(signal: Signal) -> bool {
    match signal {
        Signal::RequestHuman
        | Signal::RequestManager
        | Signal::LegalThreat
        | Signal::ConsumerAgency
        | Signal::DataProtection
        | Signal::Security
        | Signal::DataLoss
        | Signal::BillingDispute
        | Signal::Fraud
        | Signal::SelfHarm
        | Signal::ChildSafety
        | Signal::Violence
        | Signal::Injection
        | Signal::Abuse
        | Signal::PublicPost
        | Signal::RightsHolder
        | Signal::Outage => true,
        Signal::Churn
        | Signal::Refund
        | Signal::Spam
        | Signal::ThankYou
        | Signal::AutoReply
        | Signal::OptOut
        | Signal::Repeated
        | Signal::Greeting => false,
    }
}

/// Returns how long the solution is expected to take.
pub(super) fn estimated_resolution(
    signals: &[SignalHit],
    complexity: &Field<Complexity>,
) -> Field<EstimatedResolution> {
    let has = |wanted: &[Signal]| signals.iter().any(|hit| wanted.contains(&hit.signal));
    let days = [
        Signal::LegalThreat,
        Signal::ConsumerAgency,
        Signal::DataProtection,
        Signal::DataLoss,
        Signal::Fraud,
        Signal::RightsHolder,
    ];
    let hours = [
        Signal::Refund,
        Signal::BillingDispute,
        Signal::Security,
        Signal::Outage,
        Signal::Churn,
        Signal::Repeated,
        Signal::RequestManager,
    ];
    let (value, confidence) = if has(&days) || complexity.value == Complexity::Complex {
        (EstimatedResolution::Days, 0.65)
    } else if has(&hours) || complexity.value == Complexity::Moderate {
        (EstimatedResolution::Hours, 0.6)
    } else {
        (EstimatedResolution::Minutes, 0.65)
    };
    Field::new(value, Confidence::clamped(confidence), Engine::Rules)
}

/// Returns the kind of answer that fits.
pub(super) fn suggested_response(
    requires_human: bool,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Field<SuggestedResponse> {
    if requires_human {
        return Field::new(SuggestedResponse::Escalation, Confidence::clamped(0.85), Engine::Rules);
    }
    let tokens = &reading.tokens;
    let any = |words: &[&str]| tokens.iter().any(|(_, word)| words.contains(&word));
    let pair = |first: &[&str], second: &[&str]| {
        (1..tokens.len())
            .any(|i| first.contains(&tokens.word(i - 1)) && second.contains(&tokens.word(i)))
    };
    let how = pair(
        &["como"],
        &[
            "faco",
            "fazer",
            "eu",
            "posso",
            "configuro",
            "configurar",
            "crio",
            "mudo",
            "altero",
            "troco",
            "conecto",
            "exporto",
            "importo",
            "cadastro",
            "adiciono",
            "usar",
            "uso",
            "ativo",
            "emitir",
            "gero",
        ],
    ) || pair(&["how"], &["do", "can", "to", "should", "estou"])
        || any(&["passo", "tutorial", "steps", "configurar", "instalar", "setup", "install"]);
    let documents = any(&[
        "manual",
        "documentacao",
        "documentation",
        "docs",
        "artigo",
        "article",
        "guia",
        "guide",
        "changelog",
        "roadmap",
    ]) || pair(
        &["onde", "where"],
        &["encontro", "acho", "vejo", "fica", "can", "is", "do", "baixo"],
    );
    let trouble =
        any(&["erro", "error", "nao", "not", "problema", "problem", "travando", "broken", "falha"]);
    let courtesy =
        signals.iter().any(|hit| matches!(hit.signal, Signal::ThankYou | Signal::Greeting));
    let (value, confidence) = if courtesy {
        (SuggestedResponse::Explanation, 0.5)
    } else if how {
        (SuggestedResponse::StepByStep, 0.75)
    } else if documents {
        (SuggestedResponse::DocumentationLink, 0.7)
    } else if trouble {
        (SuggestedResponse::StepByStep, 0.6)
    } else {
        (SuggestedResponse::Explanation, 0.55)
    };
    Field::new(value, Confidence::clamped(confidence), Engine::Rules)
}
