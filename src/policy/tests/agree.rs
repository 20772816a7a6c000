//! Our judging against the CEL interpreter itself: with every fact known, both must say the same
//! of any expression that the type check lets pass.

use std::collections::HashMap;

use cel::{Context, Program, Value};
use proptest::prelude::*;

use super::*;
use crate::policy::rules::Engine;

const WORDS: &[&str] = &["a", "b", "c"];

fn leaf() -> impl Strategy<Value = String> {
    let texts = prop::sample::select(vec!["category", "customer.plan", "mode", "urgency"]);
    let lists = prop::sample::select(vec!["signals", "ticket.tags"]);
    let ints = prop::sample::select(vec!["ticket.ai_turns", "message.words"]);
    let doubles = prop::sample::select(vec!["confidence", "refund.amount"]);
    let flags = prop::sample::select(vec!["customer.vip", "draft.present", "competitor_named"]);
    let word = prop::sample::select(WORDS.to_vec());
    let order = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let same = prop::sample::select(vec!["==", "!="]);
    prop_oneof![
        (texts.clone(), same.clone(), word.clone())
            .prop_map(|(f, o, w)| format!("{f} {o} \"{w}\"")),
        (word.clone(), same.clone(), texts.clone())
            .prop_map(|(w, o, f)| format!("\"{w}\" {o} {f}")),
        (texts.clone(), same, texts.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (texts.clone(), prop::collection::vec(word.clone(), 0..3))
            .prop_map(|(f, ws)| format!("{f} in {ws:?}")),
        (word.clone(), lists.clone()).prop_map(|(w, f)| format!("\"{w}\" in {f}")),
        (texts, lists.clone()).prop_map(|(t, f)| format!("{t} in {f}")),
        (ints.clone(), order.clone(), -3_i64..4).prop_map(|(f, o, n)| format!("{f} {o} {n}")),
        (-3_i64..4, order.clone(), ints.clone()).prop_map(|(n, o, f)| format!("{n} {o} {f}")),
        (ints.clone(), order.clone(), ints.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (ints, order.clone(), -3_i64..4).prop_map(|(f, o, n)| format!("{f} * 2 - 1 {o} {n}")),
        (doubles.clone(), order.clone(), -3_i64..4).prop_map(|(f, o, n)| format!("{f} {o} {n}.5")),
        (doubles, order.clone(), -3_i64..4).prop_map(|(f, o, n)| format!("{f} {o} {n}")),
        (lists.clone(), order, 0_i64..3).prop_map(|(f, o, n)| format!("size({f}) {o} {n}")),
        (lists.clone(), word.clone()).prop_map(|(f, w)| format!("{f}.exists(x, x == \"{w}\")")),
        (lists, word).prop_map(|(f, w)| format!("{f}.all(x, x != \"{w}\")")),
        flags.prop_map(str::to_owned),
        Just("true".to_owned()),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

fn value(fact: Fact) -> BoxedStrategy<FactValue> {
    let word = prop::sample::select(WORDS.to_vec());
    match fact.ty() {
        FactType::Text(_) => word.prop_map(FactValue::from).boxed(),
        FactType::Int => (-3_i64..4).prop_map(FactValue::from).boxed(),
        FactType::Double => (-6_i32..8).prop_map(|n| FactValue::Double(f64::from(n) / 2.0)).boxed(),
        FactType::Bool => any::<bool>().prop_map(FactValue::from).boxed(),
        FactType::List(_) => prop::collection::vec(word, 0..3).prop_map(FactValue::from).boxed(),
    }
}

fn all_facts() -> impl Strategy<Value = Vec<FactValue>> {
    Fact::ALL.iter().map(|fact| value(*fact)).collect::<Vec<_>>()
}

/// What the interpreter says of the source as written, facts as nested maps.
fn interpreted(when: &str, values: &[FactValue]) -> Result<bool, String> {
    let mut groups: HashMap<&str, HashMap<String, Value>> = HashMap::new();
    let mut context = Context::default();
    for (fact, value) in Fact::ALL.iter().zip(values) {
        let value = crate::policy::rules::to_cel(value);
        match fact.name().split_once('.') {
            Some((group, name)) => {
                groups.entry(group).or_default().insert(name.to_owned(), value);
            }
            None => context.add_variable_from_value(fact.name(), value),
        }
    }
    for (group, values) in groups {
        context.add_variable_from_value(group, values);
    }
    match Program::compile(when).unwrap().execute(&context) {
        Ok(Value::Bool(value)) => Ok(value),
        other => Err(format!("{other:?}")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn our_judges_and_the_interpreter_agree(when in expression(), values in all_facts()) {
        let compiled = compiled(&when);
        let mut facts = Facts::new();
        for (fact, value) in Fact::ALL.iter().zip(&values) {
            facts.set(*fact, value.clone());
        }
        let ours = Engine::new().judge(&compiled, &facts);
        let theirs = interpreted(&when, &values).map(|fired| if fired { Outcome::Fired } else { Outcome::Not });
        prop_assert_eq!(Ok(ours), theirs);
    }

    #[test]
    fn taking_facts_away_never_turns_an_answer_around(
        when in expression(),
        values in all_facts(),
        kept in prop::collection::vec(any::<bool>(), Fact::ALL.len()),
    ) {
        let compiled = compiled(&when);
        let (mut all, mut some) = (Facts::new(), Facts::new());
        for ((fact, value), kept) in Fact::ALL.iter().zip(&values).zip(kept) {
            all.set(*fact, value.clone());
            if kept {
                some.set(*fact, value.clone());
            }
        }
        let engine = Engine::new();
        match engine.judge(&compiled, &some) {
            Outcome::NotKnown(missing) => {
                prop_assert!(!missing.is_empty());
                prop_assert!(missing.iter().all(|fact| some.get(*fact).is_none()));
            }
            known => prop_assert_eq!(known, engine.judge(&compiled, &all)),
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(when in "\\PC{0,40}|[a-z.\"'()!&|<>=?: 0-9\\[\\]{}+*/-]{0,40}") {
        let _either = try_compile(&when);
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "(\\PC|\n|- |: ){0,60}") {
        prop_assert!(company(&text).is_err());
    }
}
