//! One decision as one output line.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::decision::Decision;
use crate::domain::labels::Locale;
use crate::pipeline::Outcome;

/// Writes the answer to a line.
pub(super) fn answer(id: &Value, outcome: &Outcome, lang: Locale, took: Duration) -> Value {
    let understood = &outcome.understood;
    let signals: Vec<&str> = understood.signals.iter().map(|hit| hit.signal.as_str()).collect();
    // What would leave first: the fixed safety text stands before any draft.
    let draft = outcome.safety.as_ref().or(outcome.draft.as_ref());
    let took_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    let mut answer = json!({
        "id": id,
        "language": understood.language,
        "category": understood.category,
        "subcategory": understood.subcategory,
        "urgency": understood.urgency,
        "sentiment": understood.sentiment,
        "complexity": understood.complexity,
        "requires_human": understood.requires_human,
        "estimated_resolution": understood.estimated_resolution,
        "suggested_response": understood.suggested_response,
        "signals": signals,
        "passages": outcome.passages,
        "draft": draft,
        "decision": decision(&outcome.decision, lang),
        "took_ms": took_ms,
    });
    if !outcome.calls.is_empty()
        && let Value::Object(fields) = &mut answer
    {
        fields.insert("models".to_owned(), json!(outcome.calls));
    }
    answer
}

/// Writes a decision with its reasons in one language.
pub(in crate::cli) fn decision(decision: &Decision, lang: Locale) -> Value {
    let reasons: Vec<Value> = decision
        .reasons
        .iter()
        .map(|reason| json!({"rule": reason.rule, "text": reason.text.in_locale(lang)}))
        .collect();
    let mut value = json!({
        "action": decision.action,
        "would": decision.would,
        "queue": decision.queue,
        "level": decision.level,
        "priority": decision.priority,
        "confidence": decision.confidence,
        "reasons": reasons,
    });
    if !decision.not_known.is_empty()
        && let Value::Object(object) = &mut value
    {
        object.insert("not_known".to_owned(), json!(decision.not_known));
    }
    value
}
