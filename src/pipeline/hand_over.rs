//! Which reply suits a case that goes to people without an answer.

use crate::compose::Family;
use crate::domain::labels::{Language, Sentiment};
use crate::domain::signal::Signal;
use crate::understand::Understood;

/// How sure a category must be for a reply of its own.
const SURE_FROM: f64 = 0.5;

/// Chooses the family; the first line that holds decides.
pub(super) fn family(understood: &Understood) -> Family {
    let has = |signals: &[Signal]| signals.iter().any(|signal| understood.has(*signal));
    let category = Some(understood.category.value.as_str())
        .filter(|_| understood.category.confidence.get() >= SURE_FROM);
    if understood.language.value == Language::Es {
        Family::LanguageFallback
    } else if understood.sentiment.value == Sentiment::Angry {
        Family::Angry
    } else if has(&[Signal::Abuse]) {
        Family::AbuseBoundary
    } else if has(&[
        Signal::LegalThreat,
        Signal::ConsumerAgency,
        Signal::DataProtection,
        Signal::Security,
        Signal::DataLoss,
        Signal::Fraud,
        Signal::Injection,
        Signal::BillingDispute,
        Signal::RequestHuman,
        Signal::RequestManager,
    ]) {
        Family::Escalation
    } else if has(&[Signal::Refund]) {
        Family::Refund
    } else {
        match category {
            Some("bug_report") => Family::BugReport,
            Some("feature_request") => Family::FeatureRequest,
            Some("onboarding") => Family::Onboarding,
            _ => Family::Escalation,
        }
    }
}
