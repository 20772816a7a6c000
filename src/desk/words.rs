//! The words of the desk's pages, in both languages side by side: `templates/desk/*.toml`.

use std::collections::BTreeMap;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason,
};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::labels::Locale;

/// One entry: a text, or a text for one and another for several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Counted([String; 2]),
}

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    pt: Text,
    en: Text,
}

/// Every entry by its dotted name.
#[derive(Clone, Debug, Default)]
pub struct Words(BTreeMap<String, Entry>);

impl Words {
    /// Reads a file of words; says what is wrong with it.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        self.collect("", table)
    }

    fn collect(&mut self, prefix: &str, table: toml::Table) -> Result<(), String> {
        for (key, value) in table {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(inner)
                    if inner.contains_key("pt") || inner.contains_key("en") =>
                {
                    let entry = toml::Value::Table(inner).try_into();
                    let entry: Entry = entry.map_err(|error| format!("{name}: {error}"))?;
                    if self.0.contains_key(&name) {
                        return Err(format!("{name}: stands in another file too"));
                    }
                    self.0.insert(name, entry);
                }
                toml::Value::Table(inner) => self.collect(&name, inner)?,
                _ => return Err(format!("{name}: must have the texts pt and en")),
            }
        }
        Ok(())
    }

    /// Returns the names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Says an entry in a language, with `{name}` replaced; of two texts the one that fits `n`. An unknown entry says
    /// its name, which no test lets pass.
    pub fn say(&self, locale: Locale, name: &str, values: &[(&str, &str)]) -> String {
        let Some(entry) = self.0.get(name) else { return name.to_owned() };
        let text = match locale {
            Locale::PtBr => &entry.pt,
            Locale::En => &entry.en,
        };
        let text = match text {
            Text::One(text) => text,
            Text::Counted([one, many]) => {
                let count = values.iter().find(|(key, _)| *key == "n").map(|(_, value)| *value);
                if is_singular(locale, count) { one } else { many }
            }
        };
        let mut said = text.clone();
        for (key, value) in values {
            said = said.replace(&format!("{{{key}}}"), value);
        }
        said
    }
}

/// Portuguese counts nothing in the singular, English in the plural.
fn is_singular(locale: Locale, count: Option<&str>) -> bool {
    match locale {
        Locale::PtBr => matches!(count, Some("0" | "1")),
        Locale::En => count == Some("1"),
    }
}

/// `{{t "queue.empty" n=3}}` in the language of the page.
pub(super) struct Say {
    pub(super) words: std::sync::Arc<Words>,
    pub(super) locale: Locale,
}

impl HelperDef for Say {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name = helper.param(0).and_then(|param| param.value().as_str());
        let name = name.ok_or(RenderErrorReason::ParamNotFoundForIndex("t", 0))?;
        if !self.words.0.contains_key(name) {
            return Err(RenderErrorReason::Other(format!("no words are called {name}")).into());
        }
        let values: Vec<(&str, String)> =
            helper.hash().iter().map(|(key, value)| (*key, shown(value.value()))).collect();
        let values: Vec<(&str, &str)> =
            values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let said = self.words.say(self.locale, name, &values);
        out.write(&registry.get_escape_fn()(&said))?;
        Ok(())
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_said_in_both_languages_and_counted() {
        let mut words = Words::default();
        words.add(
            "[queue]\nempty = { pt = \"Nada para revisar.\", en = \"Nothing to review.\" }\n\
             drafts = { pt = [\"{n} rascunho\", \"{n} rascunhos\"], en = [\"{n} draft\", \"{n} drafts\"] }",
        )
        .unwrap();
        assert_eq!(words.say(Locale::PtBr, "queue.empty", &[]), "Nada para revisar.");
        for (locale, n, expected) in [
            (Locale::PtBr, "0", "0 rascunho"),
            (Locale::PtBr, "1", "1 rascunho"),
            (Locale::PtBr, "2", "2 rascunhos"),
            (Locale::En, "0", "0 drafts"),
            (Locale::En, "1", "1 draft"),
        ] {
            assert_eq!(words.say(locale, "queue.drafts", &[("n", n)]), expected);
        }
        assert!(words.add("a = { pt = \"só\" }").unwrap_err().contains("a:"));
        assert!(words.add("a = 1").is_err());
        assert!(
            words
                .add("[queue]\nempty = { pt = \"x\", en = \"x\" }")
                .unwrap_err()
                .contains("another file")
        );
    }
}
