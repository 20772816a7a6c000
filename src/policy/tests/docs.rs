//! docs/policy-packs.md says what is true: its examples load, its list of facts is complete.

use super::*;

const PAGE: &str = include_str!("../../../docs/policy-packs.md");

fn yaml_blocks() -> Vec<&'static str> {
    let parts = PAGE.split("```yaml\n").skip(1);
    parts.map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_example_of_the_page_loads_over_the_pack_it_is_taken_from() {
    let blocks = yaml_blocks();
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for block in blocks {
        let text = if block.contains("extends:") {
            block.to_owned()
        } else {
            format!("extends: saas-br\n{block}")
        };
        if let Err(problems) = company(&text) {
            panic!("{}\n{block}", told(&problems));
        }
    }
}

#[test]
fn the_page_lists_every_fact_with_its_type_and_meaning() {
    for fact in Fact::ALL {
        let ty = match fact.ty() {
            FactType::Text(_) => "text",
            FactType::Int => "whole number",
            FactType::Double => "number",
            FactType::Bool => "true/false",
            FactType::List(_) => "list",
        };
        let row = format!("| `{}` | {ty} | {} |", fact.name(), fact.doc());
        assert!(PAGE.contains(&row), "the page lacks:\n{row}");
    }
    for pack in Pack::shipped() {
        assert!(PAGE.contains(&format!("`{pack}`")), "{pack}");
    }
}
