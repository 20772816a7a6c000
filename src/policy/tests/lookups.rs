//! Modes, routes, turn windows, safety and overlays of loaded packs.

use super::*;
use crate::domain::channel::Channel;
use crate::domain::decision::Mode;
use crate::domain::labels::{Complexity, Urgency};
use crate::domain::signal::Signal;

#[test]
fn the_most_specific_mode_wins() {
    let pack = company(
        "extends: saas-br\nmodes:\n  default: draft\n  by_category:\n    billing: {whatsapp: off, '*': auto}\n    technical: auto\n    '*': {email: off}\n",
    )
    .unwrap_or_else(|p| panic!("{}", told(&p)));
    for (category, channel, expected) in [
        ("billing", Channel::Whatsapp, Mode::Off),
        ("billing", Channel::Chat, Mode::Auto),
        ("billing", Channel::Email, Mode::Auto),
        ("technical", Channel::Email, Mode::Auto),
        ("onboarding", Channel::Email, Mode::Off),
        ("onboarding", Channel::Chat, Mode::Draft),
        ("no such category", Channel::Chat, Mode::Draft),
    ] {
        assert_eq!(pack.mode(category, channel), expected, "{category} on {channel}");
    }
}

#[test]
fn every_pack_ships_with_a_person_before_each_reply() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        for category in &pack.taxonomy {
            for channel in Channel::ALL {
                assert_eq!(pack.mode(&category.id, *channel), Mode::Draft, "{id} {}", category.id);
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row per route")]
fn routes_follow_the_table_of_each_pack() {
    use Complexity::{Complex, Moderate, Simple};
    use Urgency::{Critical, Normal};
    for (id, category, sub, complexity, urgency, plan, expected) in [
        ("saas-br", "billing", None, Simple, Normal, None, "billing L1 R.rest"),
        ("saas-br", "technical", None, Moderate, Normal, None, "technical L2 R.technical"),
        ("saas-br", "technical", None, Simple, Normal, Some("free"), "technical L1 R.rest"),
        ("saas-br", "bug_report", None, Complex, Critical, None, "technical L3 R.bug_complex"),
        ("saas-br", "billing", None, Simple, Critical, None, "billing L2 R.critical"),
        (
            "saas-br",
            "billing",
            None,
            Simple,
            Normal,
            Some("Empresarial"),
            "billing L2 R.premium_plan",
        ),
        ("saas-br", "never heard of", None, Simple, Normal, Some("gold"), "support L1 R.rest"),
        ("call-centre", "account", None, Simple, Normal, None, "accounts L1 R.rest"),
        (
            "call-centre",
            "technical",
            None,
            Complex,
            Normal,
            None,
            "technical L3 R.technical_complex",
        ),
        ("operations", "account", Some("billing"), Simple, Normal, None, "finance L1 R.finance"),
        ("operations", "account", Some("login"), Simple, Normal, None, "support L1 R.rest"),
        ("operations", "technical", Some("sso"), Simple, Normal, None, "engineering L2 R.sso"),
        ("operations", "product", Some("bug"), Complex, Normal, None, "product L3 R.bug_complex"),
        (
            "publisher",
            "ip_attribution",
            Some("rights_holder_claim"),
            Simple,
            Normal,
            None,
            "ip_attribution L3 R.rights_holder",
        ),
        (
            "publisher",
            "ip_attribution",
            Some("question"),
            Simple,
            Normal,
            None,
            "ip_attribution L1 R.rest",
        ),
        (
            "publisher",
            "safety",
            Some("crisis"),
            Simple,
            Normal,
            Some("enterprise"),
            "safety L1 R.safety",
        ),
        (
            "publisher",
            "safety",
            Some("mandatory_reporting"),
            Simple,
            Normal,
            None,
            "safety L2 R.safety_report",
        ),
        (
            "publisher",
            "content",
            Some("inappropriate"),
            Simple,
            Normal,
            None,
            "content L3 R.content_unsafe",
        ),
    ] {
        let pack = shipped(id);
        let query = RouteQuery { category, subcategory: sub, complexity, urgency, plan };
        let route = pack.route(&query);
        assert_eq!(
            format!("{} {} {}", route.team, route.level, route.rule_id),
            expected,
            "{query:?}"
        );
    }
}

#[test]
fn conversational_channels_wait_for_the_end_of_a_turn_and_the_others_do_not() {
    let pack = company("extends: saas-br\nturns: {chat: {after_last_secs: 4}}\n").unwrap();
    assert_eq!(pack.turn_window(Channel::Email), TurnWindow::default());
    let whatsapp = pack.turn_window(Channel::Whatsapp);
    assert_eq!((whatsapp.after_last_secs, whatsapp.after_question_secs), (6, 3));
    assert_eq!((whatsapp.after_greeting_secs, whatsapp.max_secs), (12, 45));
    assert_eq!(pack.turn_window(Channel::Chat).after_last_secs, 4);
    assert_eq!(pack.turn_window(Channel::Chat).max_secs, 45);
}

#[test]
fn danger_to_a_person_is_critical_and_has_numbers_to_call_in_both_locales() {
    for id in Pack::shipped() {
        let safety = shipped(id).safety;
        assert!(safety.send_at_once, "{id}");
        assert_eq!(safety.severity([Signal::Refund, Signal::SelfHarm]), Some(Severity::Critical));
        assert_eq!(safety.severity([Signal::Refund]), None);
        let numbers: Vec<&str> =
            safety.contacts[&Locale::PtBr].iter().map(|c| c.number.as_str()).collect();
        assert_eq!(numbers, ["188", "192", "190", "100"], "{id}");
        assert!(!safety.contacts[&Locale::En].is_empty(), "{id}");
        let critical = &safety.severities[&Severity::Critical];
        assert!(critical.actions.contains(&SafetyAction::CrisisIntervention), "{id}");
    }
}

#[test]
fn a_company_file_changes_what_it_states_and_inherits_the_rest() {
    let base = shipped("saas-br");
    let pack = company(
        "extends: saas-br
id: acme
business: {brand: Acme}
thresholds: {send: 0.95}
limits: {refund_approval: 50}
rules:
  - {id: E3.angry, disabled: true}
  - {id: E3.security, then: {within_mins: 5}}
  - id: X.acme
    when: refund.amount > limits.refund_approval && customer.months < 6
    then: {action: review}
    text: {pt-BR: Cliente novo pede reembolso., en: A new customer asks for a refund.}
taxonomy:
  - {id: billing, more_keywords: {pt-BR: [carnê]}}
  - {id: onboarding, disabled: true}
routing:
  - {id: R.acme, when: {category: billing}, team: success, level: L2}
",
    )
    .unwrap_or_else(|p| panic!("{}", told(&p)));
    assert_eq!((pack.business.brand.as_str(), pack.business.currency.as_str()), ("Acme", "BRL"));
    assert_eq!((pack.thresholds().send, pack.thresholds().field), (0.95, 0.7));
    assert_ne!(pack.digest, base.digest);
    assert!(pack.rule("E3.angry").is_none());
    let security = pack.rule("E3.security").unwrap();
    assert_eq!(
        (security.then.within_mins, security.then.team.as_deref()),
        (Some(5), Some("technical"))
    );
    let ids: Vec<&str> = pack.rules().iter().map(|rule| rule.id.as_str()).collect();
    let after = ids.iter().position(|id| *id == "E3.security").unwrap() + 1;
    assert_eq!(ids[after], "X.acme", "a new rule stands after the one the file names before it");
    let billing = pack.category("billing").unwrap();
    assert_eq!(billing.keywords.pt_br.last().map(String::as_str), Some("carnê"));
    assert_eq!(
        billing.keywords.pt_br.len(),
        base.category("billing").unwrap().keywords.pt_br.len() + 1
    );
    assert!(pack.category("onboarding").is_none());
    let query = RouteQuery {
        category: "billing",
        subcategory: None,
        complexity: Complexity::Complex,
        urgency: Urgency::Critical,
        plan: None,
    };
    assert_eq!(pack.route(&query).rule_id, "R.acme");
}

#[test]
fn files_extend_files_beside_them_but_not_in_a_circle() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    write("acme.yaml", "extends: saas-br\nid: acme\nbusiness: {brand: Acme}\n");
    let child = write("store.yaml", "extends: acme.yaml\nid: store\n");
    let demo = write("demo.yaml", "modes: {default: auto}\n");
    let pack = Pack::load_files(&child, &[demo]).unwrap_or_else(|p| panic!("{}", told(&p)));
    assert_eq!((pack.id.as_str(), pack.business.brand.as_str()), ("store", "Acme"));
    assert_eq!(pack.mode("billing", Channel::Email), Mode::Auto);

    write("a.yaml", "extends: b.yaml\n");
    let circle = write("b.yaml", "extends: a.yaml\n");
    let problems = Pack::load_file(&circle).err().unwrap();
    assert_eq!(problems.len(), 1);
    assert!(told(&problems).contains("in a circle"), "{}", told(&problems));

    let latin = folder.path().join("latin.yaml");
    std::fs::write(&latin, b"id: s\xe3o\n").unwrap();
    let problems = Pack::load_file(&latin).err().unwrap();
    assert!(told(&problems).ends_with("not text in UTF-8\n  hint: save the file as UTF-8"));
}

#[test]
fn categories_and_subcategories_have_definitions_and_enough_phrases_in_both_languages() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        for category in &pack.taxonomy {
            let subs = category.subcategories.iter();
            let pt: usize = subs.clone().map(|s| s.keywords.pt_br.len()).sum();
            let en: usize = subs.clone().map(|s| s.keywords.en.len()).sum();
            assert!(category.keywords.pt_br.len() + pt >= 25, "{id} {}", category.id);
            assert!(category.keywords.en.len() + en >= 25, "{id} {}", category.id);
            for sub in subs {
                let name = format!("{id} {}.{}", category.id, sub.id);
                let of = |one: &&crate::domain::example::LabelledExample| {
                    let names = (one.category.as_deref(), one.subcategory.as_deref());
                    names == (Some(category.id.as_str()), Some(sub.id.as_str()))
                };
                // By phrases of its own, or by examples.
                let phrases = sub.keywords.pt_br.len() >= 5 && sub.keywords.en.len() >= 5;
                let examples = pack.examples.list.iter().filter(of).count();
                assert!(phrases || examples >= 40, "{name}");
                assert!(sub.description.pt_br.len() > 10, "{name}");
            }
        }
    }
}

#[test]
fn the_service_levels_of_the_packs_are_those_of_the_requirements() {
    use SlaTime::{BusinessDays, Minutes};
    let saas = shipped("saas-br").sla;
    let critical = &saas.by_priority[&Urgency::Critical];
    assert_eq!((critical.first_response, critical.resolution), (Minutes(15), Minutes(240)));
    assert!((critical.first_response_share - 0.99).abs() < 1e-9);
    assert_eq!(saas.by_priority[&Urgency::Normal].resolution, Minutes(48 * 60));
    assert_eq!(saas.by_priority[&Urgency::Low].resolution, Minutes(7 * 24 * 60));
    assert_eq!(saas.by_plan["free"].escalation, BusinessDays(7));
    let operations = shipped("operations").sla;
    assert_eq!(operations.by_priority[&Urgency::Normal].resolution, Minutes(24 * 60));
    assert_eq!(operations.by_priority[&Urgency::Normal].first_response, Minutes(240));
    assert_eq!(operations.by_priority[&Urgency::Low].resolution, Minutes(72 * 60));
    let publisher = shipped("publisher").sla;
    assert_eq!(publisher.by_issue[0].acknowledge, Some(Minutes(60)));
    assert_eq!(publisher.by_channel[&Channel::Whatsapp].calendar.as_deref(), Some("business"));
    assert_eq!(
        publisher.calendars["business"].days[&crate::policy::calendar::Weekday::Mon],
        [(480, 1080)]
    );
}
