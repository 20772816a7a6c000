//! Tests of loading, checking and judging whole packs.

mod agree;
mod bad_packs;
mod docs;
mod lookups;
mod shipped_rules;
mod truth;

use super::rules::{Expression, Outcome, Scope, compile};
use super::*;
use crate::domain::labels::Locale;

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|p| p.render(Locale::En)).collect::<Vec<_>>().join("\n")
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn shipped(id: &str) -> Pack {
    Pack::embedded(id).unwrap_or_else(|problems| panic!("{id}:\n{}", told(&problems)))
}

/// Loads a text as a company's file.
fn company(text: &str) -> Result<Pack, Vec<Problem>> {
    Pack::load(source("acme.yaml", text), Vec::new())
}

/// Loads a file that extends saas-br with one rule.
fn with_rule(when: &str) -> Result<Pack, Vec<Problem>> {
    company(&format!(
        "extends: saas-br\nrules:\n  - id: X.test\n    when: {when}\n    then: {{action: review}}\n    text: {{pt-BR: a, en: b}}\n"
    ))
}

/// Compiles an expression where any word of a vocabulary is allowed; `None` when it is refused.
fn try_compile(when: &str) -> Option<Expression> {
    let limits = std::collections::BTreeMap::new();
    compile(when, &Scope { limits: &limits, words: &|_| None }).ok()
}

fn compiled(when: &str) -> Expression {
    try_compile(when).unwrap_or_else(|| panic!("refused: {when}"))
}

#[test]
fn every_shipped_pack_loads_without_a_problem() {
    for id in Pack::shipped() {
        let pack = shipped(id);
        assert_eq!(pack.id, *id);
        assert_eq!(pack.digest.len(), 64);
    }
}
