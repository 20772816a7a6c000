//! Instructions that were filled before: most of a question's words stand there, and they say the same in nearly every
//! case.
//!
//! They are kept only where they follow from what the business says and from the program's own words (a channel, a
//! mood). What a case alone has is not among them: its canary takes the place of the one they were filled with, and its
//! texts and their marks are filled in anew every time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::Prompt;
use super::variables::{Asked, Shape};

/// The variable with the word that no answer may hold.
pub(super) const CANARY: &str = "canary";
/// Most instructions that are kept: more than the words of the program's own can make differ.
const KEPT_MAX: usize = 1_000;

/// What the words of a prompt's part depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    names: BTreeSet<String>,
    /// On more than it names, perhaps.
    pub(super) more: bool,
    /// On the marks of the case.
    pub(super) marks: bool,
    canary_named: usize,
    canary_written: usize,
}

impl Uses {
    /// Notes a variable by the path of what was named of it (`passages[].text`); `whole` where that has parts.
    pub(super) fn note(&mut self, path: &str, whole: bool) {
        let name = path.split(['.', '[']).next().unwrap_or_default();
        if name.is_empty() {
            // All variables at once, or nothing of any.
            self.more |= whole;
            return;
        }
        self.canary_named += usize::from(name == CANARY);
        self.names.insert(name.to_owned());
    }

    /// Notes that the canary stands there as it is.
    pub(super) fn note_canary_written(&mut self) {
        self.canary_written += 1;
    }

    /// Returns what decides its words besides the canary that is written in them; `None` where a case may have words of
    /// its own there.
    pub(super) fn settled_by(&self, asked: &Asked) -> Option<Vec<&'static str>> {
        let Shape::Parts(known) = asked.variables else { return None };
        if self.more || self.marks || self.canary_named != self.canary_written {
            return None;
        }
        let names = self.names.iter().filter(|name| *name != CANARY).map(|name| {
            let variable = known.iter().find(|one| one.name == name)?;
            let own = variable.paths().iter().all(|(_, of_others)| !of_others);
            own.then_some(variable.name)
        });
        names.collect()
    }

    /// True where its words may depend on a variable.
    fn may_name(&self, variable: &str) -> bool {
        self.more || self.names.contains(variable)
    }
}

/// What a business says in all its questions in a language, and the instructions that were filled with it.
#[derive(Debug, Default)]
pub struct House {
    variables: Map<String, Value>,
    /// Cut where the canary stands, by prompt and by what decided the words.
    kept: Mutex<BTreeMap<String, Arc<[String]>>>,
}

impl House {
    /// Takes the variables that hold the same in every case.
    pub fn new(variables: Map<String, Value>) -> Self {
        Self { variables, kept: Mutex::default() }
    }

    /// Returns the instructions for a case: those that were kept, else filled anew.
    pub(super) fn instructions(
        &self,
        prompt: &Prompt,
        case: &Map<String, Value>,
        fill: impl FnOnce(Value) -> Result<String, String>,
    ) -> Result<String, String> {
        let whole = || self.with(case.clone(), |_| true);
        let word = case.get(CANARY).and_then(Value::as_str).filter(|word| !word.is_empty());
        let (Some(word), Some(settled_by)) = (word, &prompt.settled_by) else {
            return fill(whole());
        };
        let key = Self::key(prompt, settled_by, case);
        let known = self.kept().get(&key).cloned();
        if let Some(pieces) = known {
            return Ok(pieces.join(word));
        }
        let text = fill(whole())?;
        let pieces: Arc<[String]> = text.split(word).map(str::to_owned).collect();
        let mut kept = self.kept();
        if kept.len() < KEPT_MAX {
            kept.insert(key, pieces);
        }
        drop(kept);
        Ok(text)
    }

    /// Returns what the case's part is filled with.
    pub(super) fn case(&self, uses: &Uses, case: Map<String, Value>) -> Value {
        self.with(case, |name| uses.may_name(name))
    }

    /// Adds to a case what the business says, as far as it is wanted.
    fn with(&self, mut case: Map<String, Value>, wanted: impl Fn(&str) -> bool) -> Value {
        for (name, value) in self.variables.iter().filter(|(name, _)| wanted(name)) {
            if !case.contains_key(name) {
                case.insert(name.clone(), value.clone());
            }
        }
        Value::Object(case)
    }

    /// What tells instructions apart. What the business says is the same in all of them.
    fn key(prompt: &Prompt, settled_by: &[&str], case: &Map<String, Value>) -> String {
        let mut key = prompt.reference();
        for name in settled_by.iter().filter(|name| case.contains_key(**name)) {
            key.push('\u{1f}');
            key.push_str(name);
            key.push('=');
            key.push_str(&case.get(*name).map(Value::to_string).unwrap_or_default());
        }
        key
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Arc<[String]>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Prompts, canary, mark};
    use super::*;
    use crate::domain::labels::Locale;

    /// The shipped prompts, with other words in the place of those of the English draft's instructions.
    fn instructed(instructions: &str) -> Prompts {
        let folder = tempfile::tempdir().unwrap();
        let shipped = super::super::Embedded::get("draft.en.hbs").unwrap();
        let text = String::from_utf8(shipped.data.into_owned()).unwrap();
        let text = text.replace("{{> _rules.en}}", instructions);
        std::fs::write(folder.path().join("draft.en.hbs"), text).unwrap();
        if instructions.contains("_own") {
            std::fs::write(folder.path().join("_own.hbs"), "{{word}}, {{brand}}").unwrap();
        }
        Prompts::load(Some(folder.path())).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn house() -> Map<String, Value> {
        let said = json!({
            "brand": "Aurora",
            "tone": ["Short.", "Warm."], "always": ["Thank them."], "never": [],
            "categories": [
                {"id": "billing", "name": "Cobrança", "description": "Boletos.", "subcategories": [
                    {"id": "refund", "name": "Reembolso"}, {"id": "invoice", "name": "Nota"},
                ]},
                {"id": "technical", "name": "Técnico", "description": "Erros.", "subcategories": []},
            ],
            "signals": [{"id": "refund", "meaning": "wants money back"}],
        });
        let Value::Object(said) = said else { panic!() };
        said
    }

    fn case(message: &str, channel: &str, history: &Value) -> Map<String, Value> {
        let case = json!({
            "canary": canary(message), "mark": mark(message),
            "channel": channel, "language": "en", "limit": 700, "register": "casual", "sentiment": "bad",
            "stated": null, "subject": if history == &json!([]) { Value::Null } else { json!("Re: it") },
            "message": message, "history": history, "facts": ["Plan: Pro"],
            "passages": [{"n": 1, "text": "Open Billing."}], "draft": "Wrong.", "complaints": ["so it is"], "instruction": "Shorter.",
        });
        let Value::Object(case) = case else { panic!() };
        case
    }

    fn cases() -> Vec<Map<String, Value>> {
        let said = json!([{"author": "customer", "text": "hello there"}]);
        vec![
            case("where is my invoice", "chat", &json!([])),
            case("and my refund? {{brand}}", "chat", &said),
            case("the third one", "whatsapp", &said),
            case("where is my invoice", "whatsapp", &json!([])),
        ]
    }

    /// Asserts that all cases read as if each were rendered alone, and returns how many instructions were kept.
    fn kept_of(prompts: &Prompts, prompt: &Prompt) -> usize {
        let of_house = House::new(house());
        for case in cases().into_iter().chain(cases()) {
            let mut whole = house();
            whole.extend(case.clone());
            let alone = prompts.render(prompt, Value::Object(whole)).unwrap();
            let message = case["message"].clone();
            let rendered = prompts.render_for(prompt, &of_house, case).unwrap();
            assert!(rendered == alone, "{}: {message}", prompt.name());
        }
        of_house.kept().len()
    }

    #[test]
    fn instructions_read_as_if_they_were_rendered_for_each_case() {
        let prompts = Prompts::load(None).unwrap();
        for prompt in prompts.all() {
            // A draft's instructions tell channels apart; what a message is about is asked in the same words on all.
            let expected = if prompt.id == "triage" { 1 } else { 2 };
            assert_eq!(kept_of(&prompts, prompt), expected, "{}", prompt.name());
        }
    }

    #[test]
    fn a_teams_instructions_are_kept_only_where_a_case_has_no_words_in_them() {
        for (instructions, expected) in [
            ("{{canary}} {{brand}} {{canary}}", 1),
            ("{{brand}}{{canary}}{{#each tone}}{{@index}}{{this}}{{../brand}}{{/each}}", 1),
            ("{{canary}}{{#if (eq channel \"chat\")}}Briefly.{{else}}{{limit}}{{/if}}", 2),
            ("{{canary}}{{#each tone as |one at|}}{{at}}{{one}}{{@root.channel}}{{/each}}", 2),
            ("{{canary}} {{> _own word=channel}}", 2),
            // The word itself decides, or stands where it is changed.
            ("{{canary}}{{#if (eq canary \"x\")}}x{{/if}}", 0),
            ("{{canary}}{{data \"word\" canary}}", 0),
            ("{{canary}}{{> _own word=canary}}", 0),
            // Marks are the case's own.
            ("{{canary}}{{data \"house\" brand}}", 0),
            // What the customer wrote decides.
            ("{{canary}}{{#if history}}You know them.{{else}}You do not.{{/if}}", 0),
            ("{{canary}}{{#unless subject}}No subject.{{/unless}}", 0),
            ("{{canary}}{{#if (gt (len history) 0)}}Again.{{/if}}", 0),
            ("{{canary}}{{#each history}}{{author}} {{/each}}", 0),
            // What is not followed, and all variables at once.
            ("{{canary}}{{#if limit includeZero=history}}x{{/if}}", 0),
            ("{{canary}}{{#if this}}x{{/if}}", 0),
        ] {
            let prompts = instructed(instructions);
            let prompt = prompts.find("draft", Locale::En).unwrap();
            assert_eq!(kept_of(&prompts, prompt), expected, "{instructions}");
        }
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let prompts = instructed("{{canary}} {{limit}}");
        let prompt = prompts.find("draft", Locale::En).unwrap();
        let of_house = House::new(house());
        for limit in 0..KEPT_MAX + 5 {
            let mut case = case("hi", "chat", &json!([]));
            case.insert("limit".to_owned(), limit.into());
            let rendered = prompts.render_for(prompt, &of_house, case).unwrap();
            assert_eq!(rendered[0].text, format!("{} {limit}", canary("hi")));
        }
        assert_eq!(of_house.kept().len(), KEPT_MAX);
    }
}
