//! The facts of a turn, for the rules of the policy. What is not known stays unset.

use super::{TurnInput, Verified};
use crate::domain::confidence::Confidence;
use crate::domain::draft::Passage;
use crate::domain::field::Engine;
use crate::domain::signal::Signal;
use crate::policy::{Fact, Facts, Pack};
use crate::understand::Understood;

/// How sure an answer is that rests on passages below the relevance floor alone.
const BELOW_FLOOR: f64 = 0.72;

/// Gathers the facts.
pub(super) fn of(
    pack: &Pack,
    turn: &TurnInput,
    understood: &Understood,
    passages: &[Passage],
    verified: Option<&Verified>,
) -> Facts {
    let mut facts = Facts::new();
    facts
        .set(Fact::Channel, turn.channel.as_str())
        .set(Fact::Mode, turn.mode(pack, &understood.category.value).as_str())
        .set(Fact::IncidentActive, turn.is_held_by_incident(&understood.category.value))
        .set(Fact::MessageMedia, turn.flags.media)
        .set(Fact::PassagesAboveFloor, above_floor(passages))
        .set(Fact::Confidence, answer_confidence(understood, passages, verified).get());
    understood_facts(&mut facts, understood);
    customer_facts(&mut facts, pack, turn);
    ticket_facts(&mut facts, turn, understood);
    draft_facts(&mut facts, verified);
    facts
}

fn understood_facts(facts: &mut Facts, understood: &Understood) {
    let signals: Vec<String> =
        understood.signals.iter().map(|hit| hit.signal.as_str().to_owned()).collect();
    let extra = &understood.extra;
    facts
        .set(Fact::Language, understood.language.value.as_str())
        .set(Fact::Category, understood.category.value.clone())
        .set_known(Fact::Subcategory, understood.subcategory.value.clone())
        .set(Fact::CategoryConfidence, understood.category.confidence.get())
        .set(Fact::Urgency, understood.urgency.value.as_str())
        .set(Fact::Sentiment, understood.sentiment.value.as_str())
        .set_known(Fact::SentimentScore, understood.sentiment.score)
        .set(Fact::Complexity, understood.complexity.value.as_str())
        .set_known(Fact::ComplexityScore, understood.complexity.score)
        .set(Fact::Signals, signals)
        .set(Fact::MessageWords, i64::from(extra.words))
        .set(Fact::MessageQuestions, i64::from(extra.questions))
        .set_known(Fact::MessageAffected, extra.affected.map(i64::from))
        .set_known(Fact::CompetitorNamed, extra.competitor_named)
        .set_known(Fact::CancellationDateSet, extra.cancellation_date_set)
        .set_known(Fact::RefundAmount, extra.refund_amount);
}

fn customer_facts(facts: &mut Facts, pack: &Pack, turn: &TurnInput) {
    let Some(profile) = &turn.profile else { return };
    // A plan that the pack does not know is no fact: rules over plans are then not known.
    let plan = profile.plan.as_deref().and_then(|plan| pack.plan(plan));
    facts
        .set_known(Fact::CustomerPlan, plan.map(|plan| plan.id.clone()))
        .set_known(Fact::CustomerVip, plan.map(|plan| plan.vip || tagged_vip(turn)))
        .set_known(
            Fact::CustomerAnnualRevenue,
            profile
                .annual_revenue
                .as_ref()
                .filter(|money| money.currency == pack.business.currency)
                .map(|money| hundredths(money.minor)),
        )
        .set_known(
            Fact::CustomerMonths,
            profile.customer_since.map(|since| months_between(since, turn.now.date_naive())),
        );
}

fn tagged_vip(turn: &TurnInput) -> bool {
    turn.tags.iter().any(|tag| tag == "vip")
}

/// Money in units; exact up to 2^53 hundredths, far above any revenue.
#[expect(clippy::cast_precision_loss, reason = "revenues stay far below 2^53 hundredths")]
fn hundredths(minor: i64) -> f64 {
    minor as f64 / 100.0
}

/// Whole months from one day to another; 0 for a day in the future.
fn months_between(since: chrono::NaiveDate, today: chrono::NaiveDate) -> i64 {
    use chrono::Datelike as _;
    let whole = i64::from(today.year() - since.year()) * 12 + i64::from(today.month())
        - i64::from(since.month())
        - i64::from(today.day() < since.day());
    whole.max(0)
}

fn ticket_facts(facts: &mut Facts, turn: &TurnInput, understood: &Understood) {
    let failed = if understood.has(Signal::Repeated) { turn.ai_turns.max(1) } else { 0 };
    facts
        .set(Fact::TicketAiTurns, i64::from(turn.ai_turns))
        .set(Fact::TicketFailedAttempts, i64::from(failed))
        .set(Fact::TicketReopened, turn.reopened)
        .set(Fact::TicketEarlierEscalations, i64::from(turn.escalations))
        .set(Fact::TicketTags, turn.tags.clone());
    let Some(recent) = &turn.recent else { return };
    let category = Some(understood.category.value.as_str());
    let same = recent.iter().filter(|(other, _)| other.as_deref() == category).count();
    let unresolved = recent.iter().filter(|(_, open)| *open).count();
    facts
        .set(Fact::TicketSameIssue30d, whole(same + 1))
        .set(Fact::TicketUnresolved30d, whole(unresolved));
}

/// Sets the facts of a draft that nothing is wrong with.
pub(super) fn with_faultless_draft(facts: &mut Facts) {
    facts
        .set(Fact::DraftPresent, true)
        .set(Fact::DraftCoverage, 1.0)
        .set(Fact::DraftPromises, 0_i64)
        .set(Fact::DraftDisclosesAi, true)
        .set(Fact::DraftOffersPerson, true)
        .set(Fact::DraftLanguageMatches, true)
        .set(Fact::Confidence, 1.0);
}

fn draft_facts(facts: &mut Facts, verified: Option<&Verified>) {
    facts.set(Fact::DraftPresent, verified.is_some());
    let Some(Verified { checks, .. }) = verified else { return };
    facts
        .set(Fact::DraftCoverage, checks.coverage)
        .set(Fact::DraftPromises, i64::from(checks.promises))
        .set(Fact::DraftDisclosesAi, checks.discloses_ai)
        .set(Fact::DraftOffersPerson, checks.offers_person)
        .set(Fact::DraftLanguageMatches, checks.language_matches);
}

/// Confidence in an automatic answer without calibration data: the minimum of how sure the category
/// is, how clearly one article answers, and how much of the draft has support. It is monotone in
/// each of them, and 0 without a draft.
pub(super) fn answer_confidence(
    understood: &Understood,
    passages: &[Passage],
    verified: Option<&Verified>,
) -> Confidence {
    let Some(verified) = verified else { return Confidence::ZERO };
    let found = match &verified.written {
        None => retrieval_confidence(passages),
        Some(_) => cited_confidence(verified, passages),
    };
    let evidence = verified.written.as_ref().map_or(1.0, |written| written.confidence);
    field_confidence(understood, passages)
        .min(Confidence::clamped(found))
        .min(Confidence::clamped(verified.checks.coverage))
        .min(Confidence::clamped(evidence))
}

/// What a model's reply rests on: as sure as the search where it cites what is above the floor, less than what is sent
/// where it found its answer below.
fn cited_confidence(verified: &Verified, passages: &[Passage]) -> f64 {
    let mut cited = verified
        .draft
        .ledger
        .iter()
        .flat_map(|entry| &entry.passages)
        .filter_map(|at| passages.get(*at));
    if cited.any(|passage| passage.above_floor) {
        retrieval_confidence(passages)
    } else {
        BELOW_FLOOR
    }
}

/// Two engines that agree are surer than one: an article of the category that the keywords found,
/// above the floor, lifts the category's confidence to 0.9.
fn field_confidence(understood: &Understood, passages: &[Passage]) -> Confidence {
    let category = &understood.category;
    let agrees = category.engine != Engine::Articles
        && passages.first().is_some_and(|best| {
            best.above_floor && best.article.split('/').next() == Some(category.value.as_str())
        });
    let lifted = Confidence::clamped(0.9);
    if agrees && category.confidence < lifted { lifted } else { category.confidence }
}

/// From how clearly the best article leads the next one: 0.95 with a lead of a fifth, falling to 0.8
/// for a tie; 0 below the relevance floor.
fn retrieval_confidence(passages: &[Passage]) -> f64 {
    let Some(best) = passages.first().filter(|best| best.above_floor) else { return 0.0 };
    let rival = passages
        .iter()
        .find(|other| {
            other.above_floor && other.locale == best.locale && other.article != best.article
        })
        .map_or(0.0, |other| (other.score / best.score).clamp(0.0, 1.0));
    let lead = ((1.0 - rival) / 0.2).clamp(0.0, 1.0);
    0.8 + 0.15 * lead
}

fn above_floor(passages: &[Passage]) -> i64 {
    whole(passages.iter().filter(|passage| passage.above_floor).count())
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::domain::labels::Locale;

    fn passage(article: &str, score: f64, above_floor: bool) -> Passage {
        Passage {
            article: article.to_owned(),
            locale: Locale::En,
            heading: String::new(),
            score,
            above_floor,
            text: String::new(),
        }
    }

    #[test]
    fn a_clear_lead_is_surer_than_a_tie_and_nothing_found_is_no_answer() {
        let clear = [passage("a/x", 10.0, true), passage("b/y", 5.0, true)];
        let close = [passage("a/x", 10.0, true), passage("b/y", 9.0, true)];
        let tie = [passage("a/x", 10.0, true), passage("b/y", 10.0, true)];
        let same_article = [passage("a/x", 10.0, true), passage("a/x", 9.9, true)];
        let none = [passage("a/x", 10.0, false)];
        let of = |passages: &[Passage]| format!("{:.3}", retrieval_confidence(passages));
        assert_eq!(of(&clear), "0.950");
        assert_eq!(of(&close), "0.875");
        assert_eq!(of(&tie), "0.800");
        assert_eq!(of(&same_article), "0.950");
        assert_eq!(of(&none), "0.000");
        assert_eq!(of(&[]), "0.000");
    }

    #[test]
    fn months_are_counted_whole() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        for (since, today, expected) in [
            (day(2026, 1, 31), day(2026, 2, 28), 0),
            (day(2026, 1, 15), day(2026, 2, 15), 1),
            (day(2024, 3, 2), day(2026, 3, 2), 24),
            (day(2027, 1, 1), day(2026, 1, 1), 0),
        ] {
            assert_eq!(months_between(since, today), expected, "{since} {today}");
        }
    }
}
