//! Tests of loading, checking and judging whole packs.

use super::*;
use crate::domain::labels::Locale;

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|p| p.render(Locale::En)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_pack_loads_without_a_problem() {
    for id in Pack::shipped() {
        if let Err(problems) = Pack::embedded(id) {
            panic!("{id}:\n{}", told(&problems));
        }
    }
}
