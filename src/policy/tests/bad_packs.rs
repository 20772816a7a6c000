//! What a person reads who made a mistake: exact messages with their places.

use super::*;

fn messages(text: &str) -> String {
    told(&company(text).err().unwrap_or_default())
}

const EXPRESSIONS: &[&str] = &[
    "custmer.plan == \"free\"",
    "customer.plan == \"entreprise\"",
    "'\"legal_thret\" in signals'",
    "'\"x\" in customer.plan'",
    "urgency > \"high\"",
    "ticket.ai_turns == \"3\"",
    "ticket.ai_turns > 2 && 5",
    "customer",
    "channel == whatsapp",
    "language in [\"pt-BR\", \"pt\"]",
    "category == \"biling\" || \"refnd\" in signals",
    "category.startsWit(\"bi\")",
    "size(signals) > 2 && size(3) > 1",
    "ticket.ai_turns / 2 > 1",
    "signals[0] == \"refund\"",
    "customer.plan != null",
    "has(customer.plan) == true",
    "has(customer.plann)",
    "signals.map(s, s) == signals",
    "signals.exists(s, s == \"chrun\")",
    "category.matches(\"(\")",
    "refund.amount > limits.refund",
    "refund.amount + 1 > 2",
    "customer.vip = true",
    "ticket.ai_turns >",
    "'\"free\"'",
    "'{\"a\": 1}'",
    "'mode == \"manual\" ? true : 3'",
];

/// Returns the first lines that each case's problems are told in.
fn told_each<'a>(cases: impl Iterator<Item = (&'a str, Result<Pack, Vec<Problem>>)>) -> String {
    let mut blocks = Vec::new();
    for (name, loaded) in cases {
        let text = told(&loaded.err().unwrap_or_default());
        let short: Vec<&str> = text.lines().take(4).collect();
        blocks.push(format!("{name}\n{}\n", short.join("\n")));
    }
    blocks.join("\n")
}

#[test]
fn expressions_that_could_fail_at_run_time_are_refused_at_load() {
    let told_all = told_each(EXPRESSIONS.iter().map(|when| (*when, with_rule(when))));
    insta::assert_snapshot!(told_all, @r#"
custmer.plan == "free"
acme.yaml:4:11: rules[0].when: unknown fact "custmer.plan"; did you mean "customer.plan"?

customer.plan == "entreprise"
acme.yaml:4:27: rules[0].when: unknown plan "entreprise"; did you mean "enterprise"?
  hint: the plans are free, starter, professional, scale, enterprise

'"legal_thret" in signals'
acme.yaml:4:12: rules[0].when: unknown signal "legal_thret"; did you mean "legal_threat"?

'"x" in customer.plan'
acme.yaml:4:12: rules[0].when: "in" looks into a list, and customer.plan is a text
  hint: use customer.plan == "…" or customer.plan in ["…", "…"]

urgency > "high"
acme.yaml:4:11: rules[0].when: only numbers are greater or less, and here is a text
  hint: use urgency in ["…", "…"]

ticket.ai_turns == "3"
acme.yaml:4:11: rules[0].when: a whole number cannot be compared with a text

ticket.ai_turns > 2 && 5
acme.yaml:4:33: rules[0].when: expected true/false, and here is a whole number

customer
acme.yaml:4:11: rules[0].when: unknown fact "customer"; did you mean "customer.vip"?
  hint: the facts are customer.plan, customer.vip, customer.annual_revenue, customer.months

channel == whatsapp
acme.yaml:4:21: rules[0].when: unknown fact "whatsapp"
  hint: if "whatsapp" is a text, put it in quotes

language in ["pt-BR", "pt"]
acme.yaml:4:32: rules[0].when: unknown language "pt"; did you mean "pt-BR"?
  hint: the languages are pt-BR, en, es, und

category == "biling" || "refnd" in signals
acme.yaml:4:22: rules[0].when: unknown category "biling"; did you mean "billing"?
  hint: the categories are billing, bug_report, feature_request, general_inquiry, onboarding, technical
acme.yaml:4:34: rules[0].when: unknown signal "refnd"; did you mean "refund"?

category.startsWit("bi")
acme.yaml:4:11: rules[0].when: unknown function "startsWit"; did you mean "startsWith"?
  hint: the functions are has, size, startsWith, endsWith, contains, matches, exists, all, exists_one

size(signals) > 2 && size(3) > 1
acme.yaml:4:36: rules[0].when: size() measures lists and texts, and here is a whole number

ticket.ai_turns / 2 > 1
acme.yaml:4:11: rules[0].when: divisions are not used in rules
  hint: multiply the other side

signals[0] == "refund"
acme.yaml:4:11: rules[0].when: brackets are not used to take parts of a fact
  hint: use "text" in fact

customer.plan != null
acme.yaml:4:27: rules[0].when: null is not used in rules
  hint: use has(fact) to tell whether a fact is known

has(customer.plan) == true
acme.yaml:4:14: rules[0].when: has() stands only between &&, ||, ! and ?:

has(customer.plann)
acme.yaml:4:14: rules[0].when: unknown fact "customer.plann"; did you mean "customer.plan"?

signals.map(s, s) == signals
acme.yaml:4:21: rules[0].when: map() and filter() are not used in rules
  hint: use exists or all

signals.exists(s, s == "chrun")
acme.yaml:4:33: rules[0].when: unknown signal "chrun"; did you mean "churn"?

category.matches("(")
acme.yaml:4:27: rules[0].when: the regular expression is invalid

refund.amount > limits.refund
acme.yaml:4:26: rules[0].when: unknown limit "refund"; did you mean "refund_approval"?
  hint: the limits are affected_users, ai_turns, churn_revenue, churn_revenue_senior, failed_attempts, refund_approval, same_issue, unresolved

refund.amount + 1 > 2
acme.yaml:4:11: rules[0].when: whole numbers and decimals do not mix in a sum
  hint: write 2.0 instead of 2

customer.vip = true
acme.yaml:4:24: rules[0].when: the expression cannot be read: token recognition error at: '= '
  hint: texts go in quotes; use && (and), || (or), ! (not), == and in

ticket.ai_turns >
acme.yaml:4:28: rules[0].when: the expression cannot be read: mismatched input '<EOF>'
  hint: texts go in quotes; use && (and), || (or), ! (not), == and in

'"free"'
acme.yaml:4:12: rules[0].when: the expression yields a text; a rule needs true or false

'{"a": 1}'
acme.yaml:4:12: rules[0].when: maps and structures are not used in rules

'mode == "manual" ? true : 3'
acme.yaml:4:19: rules[0].when: unknown mode "manual"
  hint: the modes are auto, draft, off
"#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads, in full")]
fn every_problem_of_a_file_is_told_at_once_with_its_place() {
    insta::assert_snapshot!(messages(r#"extends: saas-br
version: 2.0
tresholds: {send: 0.9}
thresholds: {send: 1.5, fild: 0.7}
business: {currency: reais, time_zone: America/Sao_Paolo, default_language: pt}
teams:
  - {id: suport, name: {pt-BR: Suporte}, levels: []}
modes:
  default: automatic
  by_category:
    biling: auto
    billing: {whatsap: auto, email: off}
routing:
  - {id: R.mine, when: {category: tecnical, plan: gold, complexity: hard}, level: L9}
  - {id: R.two, level: L1}
turns: {whatsapp: {after_last_secs: 90}}
safety: {queue: crisis, send_at_once: yes, signals: {self_harm: grave, refund: low}}
urgency: {rules: [{id: U3.mine, level: urgent, keywords: {pt-BR: ["(a|", "x*"], en: [no, 24]}}]}
taxonomy:
  - {id: "cobrança", team: biling, name: só português, description: {pt-BR: a, en: ""}}
  - {id: billing, default: true}
sla: {by_priority: {critical: {first_response: 15 min}}, by_plan: {gold: {first_response: 1h, resolution: 1h, escalation: 1h}}, calendars: {business: {days: {mon: "18:00-08:00", seg: "08:00-18:00"}, holidays: ["13-01"]}}}
rules:
  - {id: E3.angry, then: {acton: escalate, team: fury, level: L7, priority: urgent, notify: [ceo], within_mins: -1}}
  - {id: E3.angry, disabled: sim}
  - {id: X.none, when: customer.vip, then: {}, text: {pt-BR: a, en: b}}
"#), @r#"
acme.yaml:2:10: version: expected a text, found a number
  hint: put the value in quotes
acme.yaml:3:1: tresholds: unknown key "tresholds"; did you mean "thresholds"?
acme.yaml:4:20: thresholds.send: the number must lie between 0 and 1
acme.yaml:4:25: thresholds.fild: unknown key "fild"; did you mean "field"?
  hint: the keys are send, field, spam, negative, follow_up
acme.yaml:5:11: business.currency: "reais" is not a currency code such as BRL
acme.yaml:5:40: business.time_zone: unknown time zone "America/Sao_Paolo"; did you mean "America/Sao_Paulo"?
acme.yaml:5:77: business.default_language: unknown language "pt"; did you mean "pt-BR"?
  hint: the languages are pt-BR, en
acme.yaml:7:5: teams[0]: a team needs at least one level
acme.yaml:7:24: teams[0].name: the key "en" is missing
acme.yaml:9:12: modes.default: unknown mode "automatic"
  hint: the modes are auto, draft, off
acme.yaml:11:5: modes.by_category.biling: unknown category "biling"; did you mean "billing"?
  hint: the categories are billing, bug_report, cobrança, feature_request, general_inquiry, onboarding, technical
acme.yaml:12:15: modes.by_category.billing.whatsap: unknown channel "whatsap"; did you mean "whatsapp"?
  hint: the channels are whatsapp, email, web_form, chat, phone, api
acme.yaml:14:35: routing[0].when.category: unknown category "tecnical"; did you mean "technical"?
  hint: the categories are billing, bug_report, cobrança, feature_request, general_inquiry, onboarding, technical
acme.yaml:14:51: routing[0].when.plan: unknown plan "gold"
  hint: the plans are free, starter, professional, scale, enterprise
acme.yaml:14:69: routing[0].when.complexity: unknown complexity "hard"
  hint: the complexities are simple, moderate, complex
acme.yaml:15:5: routing[1]: this row matches everything, and those after it are never used
acme.yaml:16:19: turns.whatsapp: max_secs (45) is shorter than one of the waits (90)
acme.yaml:17:17: safety.queue: unknown team "crisis"
  hint: the teams are support, technical, billing, success, product, legal, safety, suport
acme.yaml:17:39: safety.send_at_once: expected true or false, found a text
acme.yaml:17:65: safety.signals.self_harm: unknown severity "grave"
  hint: the severities are low, medium, high, critical
acme.yaml:17:72: safety.signals.refund: unknown key "refund"
  hint: the keys are self_harm, child_safety, violence
acme.yaml:18:40: urgency.rules[0].level: unknown urgency "urgent"
  hint: the urgencies are low, normal, high, critical
acme.yaml:18:67: urgency.rules[0].keywords.pt-BR[0]: the phrase cannot be read, at character 4: an alternative is empty: write `(a|b)?` for one that may be missing
  hint: what there is: word, prefix*, optional?, (one|other) and ... between words
acme.yaml:18:74: urgency.rules[0].keywords.pt-BR[1]: the phrase cannot be read, at character 1: the prefix before `*` is too short: write two letters or more
  hint: what there is: word, prefix*, optional?, (one|other) and ... between words
acme.yaml:18:90: urgency.rules[0].keywords.en[1]: expected a text, found a number
  hint: put the value in quotes
acme.yaml:20:3: taxonomy: 2 categories have "default: true"; it must be one
  hint: mark the category that takes what fits nowhere else
acme.yaml:20:10: taxonomy[0].id: an id has plain letters, digits, "_", "-" and ".", up to 64
  hint: the display name goes into "name"
acme.yaml:20:28: taxonomy[0].team: unknown team "biling"; did you mean "billing"?
  hint: the teams are support, technical, billing, success, product, legal, safety, suport
acme.yaml:20:42: taxonomy[0].name: this text is needed in both languages
  hint: write pt-BR: … and en: …
acme.yaml:20:84: taxonomy[0].description.en: the text is empty
acme.yaml:22:48: sla.by_priority.critical.first_response: "15 min" is not a length of time
  hint: use 15m, 4h, 2d, 1w or 3bd (business days)
acme.yaml:22:74: sla.by_plan.gold: unknown plan "gold"
  hint: the plans are free, starter, professional, scale, enterprise
acme.yaml:22:164: sla.calendars.business.days.mon: "18:00-08:00" is not a span of hours
  hint: use "08:00-18:00", in quotes
acme.yaml:22:184: sla.calendars.business.days.seg: unknown word "seg"
  hint: the words are mon, tue, wed, thu, fri, sat, sun
acme.yaml:22:211: sla.calendars.business.holidays[0]: "13-01" is not a date: use "MM-DD" or "YYYY-MM-DD", in quotes
acme.yaml:24:27: rules[1].then.acton: unknown key "acton"; did you mean "action"?
  hint: the keys are action, team, level, priority, notify, within_mins
acme.yaml:24:50: rules[1].then.team: unknown team "fury"
  hint: the teams are support, technical, billing, success, product, legal, safety, suport
acme.yaml:24:63: rules[1].then.level: unknown level "L7"
  hint: the levels are L1, L2, L3
acme.yaml:24:77: rules[1].then.priority: unknown urgency "urgent"
  hint: the urgencies are low, normal, high, critical
acme.yaml:24:94: rules[1].then.notify[0]: unknown role "ceo"
  hint: the roles are team_lead, supervisor, manager, legal, privacy_officer, security, engineering, product_manager, account_manager, customer_success_lead, retention, finance, social_media, press, safety_lead, executive
acme.yaml:24:113: rules[1].then.within_mins: the number must lie between 0 and 43200
acme.yaml:25:5: id: the id "E3.angry" appears twice in the same list
  hint: join the two or change one
acme.yaml:25:30: rules[1].disabled: expected true or false, found a text
acme.yaml:26:44: rules[2].then: the rule does nothing
  hint: put at least action, priority or notify
"#);
}

#[test]
fn a_file_that_is_no_yaml_or_no_pack_is_refused_with_a_reason() {
    let deep = format!("extends: saas-br\nname: {}1{}\n", "[".repeat(60), "]".repeat(60));
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e]\n";
    let large = format!("extends: saas-br\n# {}\n", "x".repeat(1024 * 1024));
    let cases = [
        ("empty", ""),
        ("only a list", "- a\n- b\n"),
        ("a key twice", "extends: saas-br\nid: a\nid: b\n"),
        ("a key twice, deeper", "extends: saas-br\nbusiness:\n  brand: a\n  brand: b\n"),
        ("an open quote", "extends: saas-br\nid: \"a\n"),
        ("a tab", "extends: saas-br\nbusiness:\n\tbrand: a\n"),
        ("an unknown base", "extends: sass-br\n"),
        ("a base that is no word", "extends: [saas-br]\n"),
        ("a missing file", "extends: other.yaml\n"),
        ("deep", &deep),
        ("bomb", bomb),
        ("large", &large),
        ("two documents", "extends: saas-br\n---\nid: a\n"),
        ("merge key", "x: &x {a: 1}\ny: {<<: *x}\n"),
        ("NUL", "extends: saas-br\nid: \u{0}\n"),
    ];
    let told_all = told_each(cases.iter().map(|(name, text)| (*name, company(text))));
    insta::assert_snapshot!(told_all, @r#"
empty
acme.yaml:1:1: expected a map (key: value), found nothing
acme.yaml:1:1: taxonomy: "taxonomy" needs at least one item
  hint: start with "extends: saas-br" and change only what you want
acme.yaml:1:1: teams: "teams" needs at least one item

only a list
acme.yaml:1:1: expected a map (key: value), found a list
acme.yaml:1:1: taxonomy: "taxonomy" needs at least one item
  hint: start with "extends: saas-br" and change only what you want
acme.yaml:1:1: teams: "teams" needs at least one item

a key twice
acme.yaml:3:1: the key "id" appears twice
  hint: join the two or delete one

a key twice, deeper
acme.yaml:4:3: the key "brand" appears twice
  hint: join the two or delete one

an open quote
acme.yaml:3:1: invalid YAML: invalid indentation in multiline quoted scalar
  hint: check indentation, quotes and colons on this line and the one before

a tab
acme.yaml:3:2: invalid YAML: tabs disallowed within this context (block indentation)
  hint: check indentation, quotes and colons on this line and the one before

an unknown base
acme.yaml:1:10: extends: unknown pack "sass-br"; did you mean "saas-br"?
  hint: the packs are saas-br, call-centre, operations, publisher

a base that is no word
acme.yaml:1:10: extends: expected the name of a pack or a file

a missing file
acme.yaml:1:10: extends: the file cannot be read: No such file or directory (os error 2)

deep
acme.yaml:2:46: the file has too many levels or repetitions (&, *)
  hint: write the values out

bomb
acme.yaml:6:17: the file has too many levels or repetitions (&, *)
  hint: write the values out

large
acme.yaml: the file is larger than 1 MiB
  hint: split the policy and use "extends"

two documents
acme.yaml:3:1: there is more than one document (---) in the file
  hint: put each into a file of its own

merge key
acme.yaml:2:5: "<<" is not used here
  hint: use "extends" at the top of the file

NUL
acme.yaml:2:5: invalid YAML: unexpected character: `\u{0}'
  hint: check indentation, quotes and colons on this line and the one before
"#);
}

#[test]
fn messages_are_written_in_portuguese_too() {
    let problems = with_rule("custmer.plan == \"free\"").err().unwrap();
    let told: Vec<String> = problems.iter().map(|p| p.render(Locale::PtBr)).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
acme.yaml:4:11: rules[0].when: fato desconhecido "custmer.plan"; você quis dizer "customer.plan"?
"#);
}
