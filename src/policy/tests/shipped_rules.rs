//! Each rule of each shipped pack: a turn that makes it fire and one that does not.

use super::*;

/// Facts of an everyday turn, so that a rule is judged among known facts.
const EVERYDAY: &str = "channel=whatsapp language=pt-BR urgency=normal sentiment=neutral \
    sentiment_score=0.5 complexity=simple complexity_score=0.2 category_confidence=0.8 confidence=0.8 \
    signals= customer.plan=starter customer.vip=false customer.annual_revenue=1000 customer.months=8 \
    ticket.ai_turns=0 ticket.failed_attempts=0 ticket.reopened=false ticket.earlier_escalations=0 \
    ticket.same_issue_30d=1 ticket.unresolved_30d=0 ticket.tags= message.words=12 message.questions=1 \
    message.media=false message.affected=1 refund.amount=0 competitor_named=false \
    cancellation_date_set=false incident.active=false draft.present=true draft.coverage=1 \
    draft.promises=0 draft.discloses_ai=true draft.offers_person=true draft.language_matches=true \
    passages.above_floor=2 mode=draft";

/// (rule, facts with which it fires, facts with which it does not), over the everyday turn.
const ROWS: &[(&str, &str, &str)] = &[
    ("P3.safety", "signals=self_harm", "signals=abuse"),
    ("P3.safety", "signals=refund,child_safety", ""),
    ("P3.safety", "signals=violence", "signals=legal_threat"),
    ("P2.injection", "signals=injection", "signals=spam"),
    ("E3.request_human", "signals=request_human", "signals=request_manager"),
    ("E3.request_manager", "signals=request_manager", "signals=request_human"),
    ("E3.legal_threat", "signals=legal_threat", "signals=consumer_agency"),
    ("P4.consumer_agency", "signals=consumer_agency", "signals=legal_threat"),
    ("P4.data_protection", "signals=data_protection", "signals=security"),
    ("E3.security", "signals=security", "signals=data_loss"),
    ("E3.data_loss", "signals=data_loss", "signals=security"),
    ("E3.fraud", "signals=fraud", "signals=refund"),
    ("E3.billing_dispute", "signals=billing_dispute", "signals=refund"),
    ("E3.rights_holder", "signals=rights_holder", "signals=legal_threat"),
    ("E3.angry", "sentiment=angry", "sentiment=negative"),
    ("E11.abuse", "signals=abuse", "sentiment=angry"),
    ("E5.critical_incident", "signals=outage urgency=critical", "signals=outage urgency=high"),
    ("E11.many_affected", "message.affected=101", "message.affected=100"),
    ("E1.critical", "urgency=critical", "urgency=high"),
    (
        "E5.churn_senior",
        "signals=churn customer.annual_revenue=10000.5",
        "signals=churn customer.annual_revenue=10000",
    ),
    (
        "E5.churn",
        "signals=churn customer.annual_revenue=5001",
        "signals=churn customer.annual_revenue=5000",
    ),
    ("E5.churn", "signals=churn competitor_named=true", "competitor_named=true"),
    ("E5.churn", "signals=churn cancellation_date_set=true", "customer.annual_revenue=90000"),
    ("E5.churn", "signals=churn ticket.unresolved_30d=3", "signals=churn ticket.unresolved_30d=2"),
    ("E11.churn_follow_up", "signals=churn", "signals=refund"),
    ("E5.same_issue", "ticket.same_issue_30d=3", "ticket.same_issue_30d=2"),
    ("E5.public_post", "signals=public_post", "signals=consumer_agency"),
    ("E1.vip", "customer.vip=true", ""),
    ("E4.expert_complexity", "complexity_score=0.91", "complexity_score=0.9"),
    ("E4.complexity", "complexity_score=0.81", "complexity_score=0.8"),
    ("E4.failed_attempts", "ticket.failed_attempts=3", "ticket.failed_attempts=2"),
    ("E4.confirmed_bug", "ticket.tags=vip,confirmed_bug", "ticket.tags=bug"),
    ("E4.ai_behaviour", "ticket.tags=ai_behaviour", "ticket.tags=ai"),
    ("E8.earlier_escalation", "ticket.earlier_escalations=1", ""),
    ("E6.refund_over_limit", "refund.amount=500.01", "refund.amount=500"),
    ("E10.refund", "signals=refund", "signals=billing_dispute"),
    ("R4.three_turns", "ticket.ai_turns=3", "ticket.ai_turns=2"),
    ("R4.promise", "draft.promises=1", "draft.promises=1 draft.present=false"),
    ("R4.support", "draft.coverage=0.99", "draft.coverage=0.5 draft.present=false"),
    (
        "R4.ai_disclosure",
        "draft.discloses_ai=false",
        "draft.discloses_ai=false draft.present=false",
    ),
    (
        "R4.way_to_person",
        "draft.offers_person=false",
        "draft.offers_person=false draft.present=false",
    ),
    ("R1.draft_language", "draft.language_matches=false", ""),
    ("R1.other_language", "language=es", "language=en"),
    ("R1.other_language", "language=und", "language=pt-BR"),
    ("K1.no_passage", "passages.above_floor=0", "passages.above_floor=1"),
    ("C1.media", "message.media=true", ""),
    ("P6.incident", "incident.active=true", ""),
    ("T2.auto_reply", "signals=auto_reply", "signals=thank_you"),
    ("T2.spam", "signals=spam", ""),
    ("T2.opt_out", "signals=opt_out", "signals=churn"),
    (
        "T2.thank_you",
        "signals=thank_you message.questions=0",
        "signals=thank_you message.questions=1",
    ),
    (
        "T2.thank_you",
        "signals=greeting,thank_you message.questions=0",
        "signals=thank_you,refund message.questions=0",
    ),
];

/// The rules that a pack has beside the base's.
const OWN_ROWS: &[(&str, &str, &str, &str)] = &[
    (
        "saas-br",
        "E4.integration",
        "category=technical complexity=complex",
        "category=billing complexity=complex",
    ),
    ("call-centre", "S6.complaint", "ticket.tags=complaint", "ticket.tags=vip"),
    ("operations", "U3.enterprise_tier", "customer.plan=enterprise", "customer.plan=business"),
    ("operations", "U3.business_tier", "customer.plan=business", "customer.plan=starter"),
    (
        "operations",
        "E4.complex_integration",
        "category=technical complexity=complex",
        "category=technical",
    ),
    ("publisher", "E7.safety_category", "category=safety", "category=content"),
    (
        "publisher",
        "E7.child_protection",
        "category=safety subcategory=crisis",
        "category=safety subcategory=privacy",
    ),
    (
        "publisher",
        "E7.child_protection",
        "category=safety subcategory=mandatory_reporting",
        "category=account",
    ),
    (
        "publisher",
        "E7.rights_holder_claim",
        "category=ip_attribution subcategory=rights_holder_claim",
        "category=ip_attribution subcategory=question",
    ),
    (
        "publisher",
        "E7.repeated_dispute",
        "category=ip_attribution ticket.same_issue_30d=2",
        "category=ip_attribution",
    ),
    (
        "publisher",
        "E7.inappropriate",
        "category=content subcategory=inappropriate",
        "category=content subcategory=quality",
    ),
];

pub(super) fn facts(rows: &[&str]) -> Facts {
    let mut facts = Facts::new();
    for (name, value) in
        rows.iter().flat_map(|row| row.split_whitespace()).map(|pair| pair.split_once('=').unwrap())
    {
        let fact = Fact::parse(name).unwrap_or_else(|| panic!("{name}"));
        match fact.ty() {
            FactType::Text(_) => facts.set(fact, value.to_owned()),
            FactType::Int => facts.set(fact, value.parse::<i64>().unwrap()),
            FactType::Double => facts.set(fact, value.parse::<f64>().unwrap()),
            FactType::Bool => facts.set(fact, value.parse::<bool>().unwrap()),
            FactType::List(_) => facts.set(
                fact,
                value.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>(),
            ),
        };
    }
    facts
}

fn outcome(pack: &Pack, rule: &str, facts: &Facts) -> Outcome {
    let all = pack.evaluate(facts);
    let found = all.into_iter().find(|e| e.rule.id == rule);
    found.unwrap_or_else(|| panic!("{} has no rule {rule}", pack.id)).outcome
}

fn rows_of(id: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let own =
        OWN_ROWS.iter().filter(|row| row.0 == id).map(|(_, rule, yes, no)| (*rule, *yes, *no));
    ROWS.iter().copied().chain(own).collect()
}

#[test]
fn every_rule_of_every_pack_fires_when_it_should_and_only_then() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        for (rule, fires, does_not) in rows_of(id) {
            let outcome = |row| outcome(&pack, rule, &facts(&[EVERYDAY, row]));
            assert_eq!(outcome(fires), Outcome::Fired, "{id} {rule}: {fires}");
            assert_eq!(outcome(does_not), Outcome::Not, "{id} {rule}: {does_not}");
        }
    }
}

#[test]
fn no_shipped_rule_is_without_a_row_here() {
    for id in Pack::shipped() {
        let rows = rows_of(id);
        for rule in shipped(id).rules() {
            assert!(rows.iter().any(|row| row.0 == rule.id), "{id}: {} has no row", rule.id);
            assert!(!rule.text.pt_br.is_empty() && !rule.text.en.is_empty(), "{}", rule.id);
        }
    }
}

#[test]
fn an_everyday_turn_fires_no_rule_and_leaves_only_category_rules_open() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        let judged = pack.evaluate(&facts(&[EVERYDAY]));
        let fired: Vec<&str> = judged
            .iter()
            .filter(|e| e.outcome == Outcome::Fired)
            .map(|e| e.rule.id.as_str())
            .collect();
        assert_eq!(fired, Vec::<&str>::new(), "{id}");
        for judged in judged {
            if let Outcome::NotKnown(missing) = judged.outcome {
                let about_category = |f: &Fact| matches!(f, Fact::Category | Fact::Subcategory);
                assert!(missing.iter().all(about_category), "{id} {}", judged.rule.id);
            }
        }
    }
}

#[test]
fn a_turn_without_customer_and_draft_leaves_their_rules_not_known() {
    let pack = shipped("saas-br");
    let facts = facts(&["signals=churn ticket.unresolved_30d=0 message.questions=0"]);
    for (rule, missing) in [
        ("E1.vip", vec![Fact::CustomerVip]),
        ("E5.churn_senior", vec![Fact::CustomerAnnualRevenue]),
        (
            "E5.churn",
            vec![Fact::CustomerAnnualRevenue, Fact::CompetitorNamed, Fact::CancellationDateSet],
        ),
        ("R4.promise", vec![Fact::DraftPresent, Fact::DraftPromises]),
    ] {
        assert_eq!(outcome(&pack, rule, &facts), Outcome::NotKnown(missing), "{rule}");
    }
    assert_eq!(outcome(&pack, "T2.thank_you", &facts), Outcome::Not);
}

#[test]
fn what_must_reach_a_person_always_escalates() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        for signal in [
            "request_human",
            "request_manager",
            "legal_threat",
            "consumer_agency",
            "injection",
            "self_harm",
            "child_safety",
            "violence",
            "security",
            "data_loss",
            "billing_dispute",
            "rights_holder",
            "data_protection",
        ] {
            let facts = facts(&[EVERYDAY, &format!("signals={signal}")]);
            let escalates = pack.evaluate(&facts).iter().any(|e| {
                e.outcome == Outcome::Fired && e.rule.then.action == Some(RuleAction::Escalate)
            });
            assert!(escalates, "{id}: {signal}");
        }
    }
}

#[test]
fn the_team_of_a_rule_has_the_level_that_the_rule_asks_for() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        for rule in pack.rules() {
            if let (Some(team), Some(level)) = (&rule.then.team, &rule.then.level) {
                assert_eq!(pack.level_in(team, level), level, "{id} {}", rule.id);
            }
        }
    }
}
