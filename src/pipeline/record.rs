//! The decision record: what went in (as hashes), what was found, why it was decided.
//!
//! It holds ids, rules, hashes and scores, never the customer's words, so that it survives an erasure.

use serde_json::{Value, json};

use super::Outcome;
use crate::domain::draft::{DraftText, Support};
use crate::policy::Pack;

/// The reason id of a case that the pipeline itself failed on.
pub const ENGINE_FAILURE: &str = "E2.engine_failure";

/// Writes the record of a decided turn as JSON.
pub fn of(outcome: &Outcome, pack: &Pack, took_us: u64) -> String {
    let passages: Vec<Value> = outcome
        .passages
        .iter()
        .map(|passage| {
            json!({
                "article": passage.article, "locale": passage.locale, "heading": passage.heading,
                "score": passage.score, "above_floor": passage.above_floor,
            })
        })
        .collect();
    let record = json!({
        "policy": {"pack": pack.id, "version": pack.version, "digest": pack.digest},
        "input": {"sha256": outcome.input_hash},
        "understood": outcome.understood,
        "passages": passages,
        "draft": outcome.draft.as_ref().map(draft_record),
        "safety_text": outcome.safety.as_ref().map(|text| text.locale),
        "models": outcome.calls,
        "decision": outcome.decision,
        "took_us": took_us,
    });
    record.to_string()
}

fn draft_record(draft: &DraftText) -> Value {
    let count = |support: Support| draft.ledger.iter().filter(|e| e.support == support).count();
    json!({
        "kind": draft.kind, "locale": draft.locale, "coverage": draft.coverage(),
        "sentences": {
            "passage": count(Support::Passage), "ticket": count(Support::Ticket),
            "template": count(Support::Template), "none": count(Support::None),
        },
    })
}

/// What is known of a case that the pipeline failed on.
#[derive(Debug)]
pub struct FailureRecord<'a> {
    /// The policy.
    pub pack: &'a Pack,
    /// The queue it went to.
    pub queue: &'a str,
    /// The attempt that failed.
    pub attempt: u32,
    /// True when the pipeline was not tried again because earlier attempts never came back.
    pub poison: bool,
}

/// Writes the record of a case that the pipeline failed on.
pub fn of_failure(failure: &FailureRecord<'_>) -> String {
    json!({
        "policy": {
            "pack": failure.pack.id, "version": failure.pack.version, "digest": failure.pack.digest,
        },
        "decision": {
            "action": "escalate", "would": "escalate", "queue": failure.queue, "priority": "high",
            "confidence": 0.0,
            "reasons": [{
                "rule": ENGINE_FAILURE,
                "text": {
                    "pt-BR": "O atendimento automático falhou neste caso; uma pessoa assume.",
                    "en": "Automatic handling failed on this case; a person takes over.",
                },
            }],
        },
        "attempt": failure.attempt,
        "gave_up": failure.poison,
    })
    .to_string()
}
