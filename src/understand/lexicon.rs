//! The built-in lexicons: one file per concern, read once, each rule with its guards.

use serde::Deserialize;

use super::reading::{Role, Use};
use crate::domain::signal::Signal;
use crate::text::phrases::Pattern;

const FILES: [(&str, &str); 5] = [
    ("safety", include_str!("lexicon/safety.yaml")),
    ("people", include_str!("lexicon/people.yaml")),
    ("legal", include_str!("lexicon/legal.yaml")),
    ("business", include_str!("lexicon/business.yaml")),
    ("machine", include_str!("lexicon/machine.yaml")),
];

/// A rule of a lexicon, without its patterns.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// What it finds.
    pub(super) signal: Signal,
    /// Signal and rule name, e.g. `churn.wants_to_cancel`.
    pub(super) name: String,
    /// Confidence of one plain match.
    pub(super) confidence: f64,
    /// What a negation before the match does.
    pub(super) negation: Negation,
    /// Several matches are needed, or one strong one: confidences add up.
    pub(super) combine: bool,
    /// How many lists must have a match close by; 0 where single matches count.
    pub(super) parts: usize,
    /// Most words from the first match to the last of a rule with parts.
    pub(super) within: usize,
}

/// Most lists of a rule with parts.
pub(super) const MAX_PARTS: usize = 4;
/// Reach of a rule with parts that states none, in words.
const WITHIN: usize = 24;

/// What a negation before a match does to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Negation {
    /// The match does not count.
    #[default]
    Suppress,
    /// The match counts with less confidence.
    Lower,
    /// The negation means nothing.
    Ignore,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concern {
    signal: Signal,
    #[serde(default)]
    combine: bool,
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    confidence: f64,
    #[serde(default)]
    negation: Negation,
    #[serde(default)]
    any: Vec<OneOrMany>,
    /// Each of these lists must have a match, all of them close together, in any order.
    #[serde(default)]
    together: Vec<Vec<OneOrMany>>,
    /// Most words from the first of these matches to the last.
    #[serde(default)]
    within: Option<usize>,
    /// A match that one of these overlaps does not count.
    #[serde(default)]
    unless: Vec<OneOrMany>,
    /// A match does not count where one of these stands in its sentence.
    #[serde(default)]
    unless_near: Vec<String>,
    /// A match counts less where one of these stands in its sentence or right after.
    #[serde(default)]
    lower_near: Vec<String>,
}

/// A list shared between rules is an entry of another list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        }
        .iter()
    }
}

/// Returns the rules and appends their patterns.
pub(super) fn rules(patterns: &mut Vec<(Pattern, Use)>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (_, source) in FILES {
        // The files are part of the program; a test reads every one of them strictly.
        for concern in serde_saphyr::from_str::<Vec<Concern>>(source).unwrap_or_default() {
            for rule in concern.rules {
                let at = rules.len();
                let mut add = |list: &mut dyn Iterator<Item = &String>, role: Role| {
                    let read = list.filter_map(|source| Pattern::parse(source).ok());
                    patterns.extend(read.map(|pattern| (pattern, Use::Rule { rule: at, role })));
                };
                add(&mut rule.any.iter().flat_map(OneOrMany::iter), Role::Any);
                for (part, list) in rule.together.iter().take(MAX_PARTS).enumerate() {
                    add(&mut list.iter().flat_map(OneOrMany::iter), Role::Part(part));
                }
                add(&mut rule.unless.iter().flat_map(OneOrMany::iter), Role::Unless);
                add(&mut rule.unless_near.iter(), Role::UnlessNear);
                add(&mut rule.lower_near.iter(), Role::LowerNear);
                rules.push(Rule {
                    signal: concern.signal,
                    name: format!("{}.{}", concern.signal, rule.id),
                    confidence: rule.confidence,
                    negation: rule.negation,
                    combine: concern.combine,
                    parts: rule.together.len().min(MAX_PARTS),
                    within: rule.within.unwrap_or(WITHIN),
                });
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lexicon_reads_and_every_pattern_is_valid() {
        let mut problems = Vec::new();
        for (name, source) in FILES {
            let concerns: Vec<Concern> = match serde_saphyr::from_str(source) {
                Ok(concerns) => concerns,
                Err(error) => {
                    problems.push(format!("{name}: {error}"));
                    continue;
                }
            };
            for concern in concerns {
                for rule in concern.rules {
                    if rule.together.len() > MAX_PARTS || rule.together.len() == 1 {
                        problems.push(format!("{name} {}: two to four lists together", rule.id));
                    }
                    if rule.any.is_empty() == rule.together.is_empty() {
                        problems.push(format!("{name} {}: either `any` or `together`", rule.id));
                    }
                    let lists =
                        rule.any.iter().chain(&rule.unless).chain(rule.together.iter().flatten());
                    let near = rule.unless_near.iter().chain(&rule.lower_near);
                    for source in lists.flat_map(OneOrMany::iter).chain(near) {
                        if let Err(error) = Pattern::parse(source) {
                            problems.push(format!("{name} {}: {error}", rule.id));
                        }
                    }
                }
            }
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
