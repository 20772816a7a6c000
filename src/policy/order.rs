//! The order in which people take tickets: deadline × risk.

use chrono::{DateTime, Duration, Utc};

use super::clocks::{Clock, tightest};
use super::sla::Sla;
use crate::domain::labels::Urgency;
use crate::domain::signal::Signal;

/// What stands without a deadline counts as if it had this long.
const WITHOUT_DEADLINE: Duration = Duration::days(7);
/// A person in danger comes before everybody else.
const DANGER_FIRST: Duration = Duration::days(3_650);

/// What makes a ticket more pressing than its deadline says.
#[derive(Clone, Copy, Debug)]
pub struct Risks<'a> {
    /// How urgent it is.
    pub urgency: Urgency,
    /// How its customer feels, where known.
    pub sentiment: Option<&'a str>,
    /// True for a customer of a plan that goes to the priority queue.
    pub vip: bool,
    /// What its messages said.
    pub signals: &'a [String],
}

/// Returns by how much the time allowed is divided: the product of the policy's weights, at least 0.01.
pub fn risk(sla: &Sla, risks: &Risks<'_>) -> f64 {
    let weight = |name: &str| sla.risk.get(name).copied().unwrap_or(1.0);
    let signals: f64 = risks.signals.iter().map(|signal| weight(signal)).product();
    let vip = if risks.vip { weight("vip") } else { 1.0 };
    let sentiment = risks.sentiment.map_or(1.0, weight);
    (weight(risks.urgency.as_str()) * sentiment * vip * signals).clamp(0.01, 1e6)
}

/// Returns the moment that a ticket's place in its queue goes by: its tightest deadline, with the time allowed divided
/// by the risk. The earliest is taken first; somebody in danger before all others.
pub fn rank(
    sla: &Sla,
    risks: &Risks<'_>,
    clocks: &[Clock],
    opened: DateTime<Utc>,
) -> DateTime<Utc> {
    let (from, due) = tightest(clocks)
        .and_then(|clock| Some((clock.started, clock.due?)))
        .unwrap_or((opened, opened + WITHOUT_DEADLINE));
    let in_danger = |name: &String| Signal::parse(name).is_some_and(Signal::is_safety);
    if risks.signals.iter().any(in_danger) {
        return from - DANGER_FIRST;
    }
    from + divided(due - from, risk(sla, risks))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "milliseconds of years are far below 2^53"
)]
fn divided(time: Duration, by: f64) -> Duration {
    Duration::milliseconds((time.num_milliseconds() as f64 / by) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::Channel;
    use crate::policy::Pack;
    use crate::policy::clocks::{Facts, History, clocks};

    #[test]
    fn the_more_is_at_risk_the_earlier_a_ticket_is_taken() {
        let sla = Pack::embedded("saas-br").unwrap().sla;
        let opened: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let place = |urgency, sentiment: &str, vip, signals: &[&str], minutes| {
            let signals: Vec<String> = signals.iter().map(|s| (*s).to_owned()).collect();
            let facts = Facts {
                priority: urgency,
                plan: None,
                category: None,
                subcategory: None,
                channel: Channel::Email,
                level: None,
                signals: &signals,
                incidents: &[],
            };
            let opened = opened + Duration::minutes(minutes);
            let clocks = clocks(&sla, &facts, &History::opened(opened), opened);
            let risks = Risks { urgency, sentiment: Some(sentiment), vip, signals: &signals };
            rank(&sla, &risks, &clocks, opened)
        };
        let calm = place(Urgency::Normal, "neutral", false, &[], 0);
        let angry = place(Urgency::Normal, "angry", false, &[], 0);
        let vip = place(Urgency::Normal, "angry", true, &[], 0);
        let critical = place(Urgency::Critical, "neutral", false, &[], 10);
        let danger = place(Urgency::Low, "neutral", false, &["self_harm"], 60);
        assert!(danger < critical && critical < vip && vip < angry && angry < calm);
        let older = place(Urgency::Normal, "neutral", false, &[], -30);
        assert!(older < calm, "of two alike the older one");
    }
}
