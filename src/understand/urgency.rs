//! Urgency: the pack's rules as a floor, raised by signals; negated words do not count.

use super::learned::pool;
use super::reading::{Reading, Use};
use super::{TurnView, Understander};
use crate::domain::confidence::Confidence;
use crate::domain::field::{Engine, Field};
use crate::domain::labels::Urgency;
use crate::domain::signal::{Signal, SignalHit};

/// How sure the learned model must be to raise what a rule found.
const RAISES: f64 = 0.5;
/// Confidence of the pack's default.
const DEFAULT: f64 = 0.5;

/// Returns the urgency of a turn.
pub(super) fn judge(
    engine: &Understander,
    turn: &TurnView<'_>,
    reading: &Reading<'_, '_>,
    signals: &[SignalHit],
) -> Field<Urgency> {
    let safety = signals.iter().find(|hit| hit.signal.is_safety());
    if let Some(hit) = safety {
        return Field::new(Urgency::Critical, Confidence::clamped(0.97), Engine::Rules)
            .because(format!("signal {}", hit.signal));
    }
    if let Some(given) = turn.given.urgency {
        return Field::new(given, Confidence::CERTAIN, Engine::Given)
            .because("stated with the message");
    }
    let mut best: Option<(Urgency, f64, String)> = None;
    let mut raise = |level: Urgency, confidence: f64, why: String| match &mut best {
        // A rule that lowers holds only where nothing raises.
        Some((old, sure, _)) if *old == level => *sure = (*sure + 0.05).min(0.95),
        Some((old, ..)) if *old > level => {}
        _ => best = Some((level, confidence, why)),
    };
    for hit in &reading.hits {
        let Use::Urgency(at) = *hit.value else { continue };
        if reading.is_void(hit) {
            continue;
        }
        if let Some(rule) = engine.vocabulary.urgency.get(at) {
            let sure = if rule.level == Urgency::Low { 0.7 } else { 0.85 };
            raise(rule.level, sure, format!("urgency rule {}", rule.id));
        }
    }
    for hit in signals {
        if let Some(level) = floor(hit.signal) {
            raise(level, 0.75, format!("signal {}", hit.signal));
        }
    }
    match best {
        Some((level, confidence, why)) => {
            // Rules are a floor: what was learned may raise it.
            let rule =
                Field::new(level, Confidence::clamped(confidence), Engine::Rules).because(why);
            match by_examples(reading) {
                Some(learned)
                    if learned.value > level.max(Urgency::Normal)
                        && learned.confidence.get() >= RAISES =>
                {
                    learned
                }
                _ => rule,
            }
        }
        None if signals.iter().any(|hit| is_idle(hit.signal)) => {
            Field::new(Urgency::Low, Confidence::clamped(0.8), Engine::Rules)
                .because("nothing is asked")
        }
        None if let Some(learned) = by_examples(reading) => learned,
        None => {
            let level = engine.vocabulary.default_urgency.unwrap_or(Urgency::Normal);
            Field::new(level, Confidence::clamped(DEFAULT), Engine::Default)
                .because("no urgency rule applies")
        }
    }
}

fn by_examples(reading: &Reading<'_, '_>) -> Option<Field<Urgency>> {
    let best = pool(&reading.learned.urgency, |_| 0.0)?;
    let sure = Confidence::clamped(best.probability);
    Some(Field::new(Urgency::parse(best.label)?, sure, Engine::Linear).because("learned examples"))
}

fn floor(signal: Signal) -> Option<Urgency> {
    match signal {
        Signal::SelfHarm | Signal::ChildSafety | Signal::Violence => Some(Urgency::Critical),
        Signal::Security
        | Signal::DataLoss
        | Signal::Outage
        | Signal::Fraud
        | Signal::LegalThreat
        | Signal::ConsumerAgency => Some(Urgency::High),
        Signal::RequestHuman
        | Signal::RequestManager
        | Signal::DataProtection
        | Signal::Churn
        | Signal::Refund
        | Signal::BillingDispute
        | Signal::Injection
        | Signal::Spam
        | Signal::ThankYou
        | Signal::AutoReply
        | Signal::OptOut
        | Signal::Abuse
        | Signal::PublicPost
        | Signal::RightsHolder
        | Signal::Repeated
        | Signal::Greeting => None,
    }
}

const fn is_idle(signal: Signal) -> bool {
    matches!(signal, Signal::ThankYou | Signal::Greeting | Signal::Spam | Signal::AutoReply)
}
