//! Reads the fields of a JSON body by hand, so that every problem is told at once, with the field's
//! path and the fix. A key that nobody asked for is refused, with the likely one named.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::problem::{FieldProblem, Problem, say};
use crate::domain::decision::LocalText;

/// How alike two names must be for one to be suggested for the other.
const LIKENESS: f64 = 0.72;

/// The fields of one JSON object, its path, and what is wrong so far.
pub(super) struct Form {
    path: String,
    fields: Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

/// The limits of a short text.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Most characters.
    pub(super) max: usize,
    /// Whether it is an identifier: control characters are refused instead of cleaned.
    pub(super) exact: bool,
}

impl Form {
    /// Starts reading a body, which must be an object.
    pub(super) fn new(body: Value) -> Result<Self, Problem> {
        match body {
            Value::Object(fields) => Ok(Self::of(fields, String::new())),
            other => Err(Problem::field(
                "",
                say(
                    format!("o corpo é {}; precisa ser um objeto JSON", kind_name(&other).0),
                    format!("the body is {}; it must be a JSON object", kind_name(&other).1),
                ),
                None,
            )),
        }
    }

    fn of(fields: Map<String, Value>, path: String) -> Self {
        Self { path, fields, known: Vec::new(), problems: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn empty() -> Self {
        Self::of(Map::new(), String::new())
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> &[&'static str] {
        &self.known
    }

    /// Returns how many problems there are so far.
    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Takes a field's value; `null` counts as left out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn wrong(&mut self, name: &str, problem: LocalText, hint: Option<LocalText>) {
        let field = match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{name}", self.path),
        };
        self.problems.push(FieldProblem { field, problem, hint });
    }

    /// Says that a field is needed and was left out.
    pub(super) fn missing(&mut self, name: &'static str, hint: LocalText) {
        self.wrong(name, say("campo obrigatório ausente", "required field is missing"), Some(hint));
    }

    pub(super) fn wrong_kind(&mut self, name: &str, value: &Value, wanted: &LocalText) {
        let (pt, en) = kind_name(value);
        self.wrong(
            name,
            say(
                format!("é {pt}; precisa ser {}", wanted.pt_br),
                format!("is {en}; must be {}", wanted.en),
            ),
            None,
        );
    }

    /// Reads a text as it is.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong_kind(name, &other, &say("um texto", "a string"));
                None
            }
        }
    }

    /// Reads a short text: trimmed, blank counts as left out.
    pub(super) fn short(&mut self, name: &'static str, limits: Limits) -> Option<String> {
        let text = self.text(name)?;
        match short_text(&text, limits) {
            Ok(text) => text,
            Err(problem) => {
                self.wrong(name, problem, None);
                None
            }
        }
    }

    /// Reads one of an enum's words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(name)?;
        let found = all.iter().copied().find(|value| as_str(*value) == text);
        if found.is_none() {
            let words: Vec<&str> = all.iter().map(|value| as_str(*value)).collect();
            let (problem, hint) = unknown_word(&text, &words);
            self.wrong(name, problem, Some(hint));
        }
        found
    }

    /// Reads one of an enum's words, which must be there.
    pub(super) fn required_word<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let before = self.problems.len();
        let word = self.word(name, all, as_str);
        if word.is_none() && self.problems.len() == before {
            let words: Vec<&str> = all.iter().map(|value| as_str(*value)).collect();
            let words = words.join(", ");
            self.missing(name, say(format!("um de: {words}"), format!("one of: {words}")));
        }
        word
    }

    /// Reads a short text, which must be there.
    pub(super) fn required_short(&mut self, name: &'static str, limits: Limits) -> Option<String> {
        let before = self.problems.len();
        let text = self.short(name, limits);
        if text.is_none() && self.problems.len() == before {
            let max = limits.max;
            self.missing(
                name,
                say(
                    format!("um texto de 1 a {max} caracteres"),
                    format!("a text of 1 to {max} characters"),
                ),
            );
        }
        text
    }

    /// Reads a whole number, which must be there.
    pub(super) fn required_number(
        &mut self,
        name: &'static str,
        least: i64,
        most: i64,
    ) -> Option<i64> {
        let before = self.problems.len();
        let number = self.number(name, least, most);
        if number.is_none() && self.problems.len() == before {
            self.missing(name, say("um número inteiro", "a whole number"));
        }
        number
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong_kind(name, &other, &say("true ou false", "true or false"));
                None
            }
        }
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(&mut self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(
                name,
                say(
                    format!("precisa ser um número inteiro de {least} a {most}"),
                    format!("must be a whole number from {least} to {most}"),
                ),
                None,
            );
        }
        number
    }

    /// Reads a moment in RFC 3339.
    pub(super) fn moment(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        let moment = DateTime::parse_from_rfc3339(&text).ok();
        if moment.is_none() {
            self.wrong(
                name,
                say("não é uma data e hora da RFC 3339", "is not a date and time of RFC 3339"),
                Some(say(
                    "escreva, por exemplo, 2026-11-20T09:30:00-03:00",
                    "write, for example, 2026-11-20T09:30:00-03:00",
                )),
            );
        }
        moment.map(|moment| moment.with_timezone(&Utc))
    }

    /// Reads a list of short texts without repetitions.
    pub(super) fn texts(&mut self, name: &'static str, most: usize, limits: Limits) -> Vec<String> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.wrong_kind(name, &value, &say("uma lista de textos", "a list of strings"));
            return Vec::new();
        };
        if items.len() > most {
            self.wrong(
                name,
                say(format!("tem mais de {most} itens"), format!("has more than {most} items")),
                None,
            );
            return Vec::new();
        }
        let mut texts: Vec<String> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let at = format!("{name}[{index}]");
            match item.as_str().map(|text| short_text(text, limits)) {
                None => self.wrong_kind(&at, item, &say("um texto", "a string")),
                Some(Err(problem)) => self.wrong(&at, problem, None),
                Some(Ok(None)) => {
                    self.wrong(&at, say("está vazio", "is empty"), None);
                }
                Some(Ok(Some(text))) if texts.contains(&text) => {}
                Some(Ok(Some(text))) => texts.push(text),
            }
        }
        texts
    }

    /// Reads an object with fields of its own.
    pub(super) fn object(&mut self, name: &'static str) -> Option<Self> {
        match self.take(name)? {
            Value::Object(fields) => {
                let path = if self.path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{}.{name}", self.path)
                };
                Some(Self::of(fields, path))
            }
            other => {
                self.wrong_kind(name, &other, &say("um objeto", "an object"));
                None
            }
        }
    }

    /// Reads an object of free keys, as (key, value).
    pub(super) fn entries(&mut self, name: &'static str) -> Vec<(String, Value)> {
        self.object(name).map(|form| form.fields.into_iter().collect()).unwrap_or_default()
    }

    /// Takes over what was wrong inside.
    pub(super) fn adopt(&mut self, inner: Self) {
        self.problems.extend(inner.into_problems());
    }

    fn into_problems(mut self) -> Vec<FieldProblem> {
        let unknown: Vec<String> = self.fields.keys().cloned().collect();
        for name in unknown {
            let hint = nearest(&name, &self.known).map_or_else(
                || {
                    let known = self.known.join(", ");
                    say(format!("campos aceitos: {known}"), format!("known fields: {known}"))
                },
                |near| say(format!("você quis dizer `{near}`?"), format!("did you mean `{near}`?")),
            );
            let shown: String = name
                .chars()
                .take(64)
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect();
            self.wrong(&shown, say("campo desconhecido", "unknown field"), Some(hint));
        }
        self.problems
    }

    /// Ends the reading: the value if nothing was wrong, else every problem. A value that could not
    /// be made always has a problem behind it.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        let problems = self.into_problems();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(Problem::invalid(problems)),
        }
    }
}

/// Trims a short text; `None` if it is blank.
pub(super) fn short_text(text: &str, limits: Limits) -> Result<Option<String>, LocalText> {
    let text = text.trim();
    if text.chars().count() > limits.max {
        let max = limits.max;
        return Err(say(
            format!("tem mais de {max} caracteres"),
            format!("has more than {max} characters"),
        ));
    }
    if limits.exact && text.chars().any(char::is_control) {
        return Err(say("contém caracteres de controle", "contains control characters"));
    }
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.trim();
    Ok((!clean.is_empty()).then(|| clean.to_owned()))
}

/// Says that a word is none of those that count, and which is likely meant.
pub(super) fn unknown_word(word: &str, words: &[&str]) -> (LocalText, LocalText) {
    let all = words.join(", ");
    let hint = nearest(word, words).map_or_else(
        || say(format!("valores aceitos: {all}"), format!("known values: {all}")),
        |near| {
            say(
                format!("você quis dizer `{near}`? Valores aceitos: {all}"),
                format!("did you mean `{near}`? Known values: {all}"),
            )
        },
    );
    (say("valor desconhecido", "unknown value"), hint)
}

/// Returns the word most like another, if one is like it at all.
pub(super) fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let word: String = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let likeness = |other: &str| {
        let other = other.to_lowercase();
        let part = word.chars().count() >= 2 && other.starts_with(&word);
        strsim::jaro_winkler(&word, &other).max(if part { 0.9 } else { 0.0 })
    };
    words
        .iter()
        .map(|other| (likeness(other), *other))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

fn kind_name(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", "null"),
        Value::Bool(_) => ("um booleano", "a boolean"),
        Value::Number(_) => ("um número", "a number"),
        Value::String(_) => ("um texto", "a string"),
        Value::Array(_) => ("uma lista", "a list"),
        Value::Object(_) => ("um objeto", "an object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::labels::Locale;

    const NAME: Limits = Limits { max: 5, exact: true };

    #[test]
    fn every_problem_is_told_at_once_with_its_path() {
        let body = json!({"name": 7, "from": {"mail": "x", "nmae": "too long a name"}, "nubmer": 3, "tags": ["a", 1, "", "a"]});
        let mut form = Form::new(body).unwrap();
        form.short("name", NAME);
        form.number("number", 1, 9);
        form.texts("tags", 9, NAME);
        let mut inner = form.object("from").unwrap();
        inner.short("name", NAME);
        inner.short("email", NAME);
        form.adopt(inner);
        let document = form.finish(Some(())).unwrap_err().document(Locale::En);
        insta::assert_json_snapshot!(document["errors"], @r#"
        [
          {
            "field": "name",
            "problem": "is a number; must be a string"
          },
          {
            "field": "tags[1]",
            "problem": "is a number; must be a string"
          },
          {
            "field": "tags[2]",
            "problem": "is empty"
          },
          {
            "field": "from.mail",
            "problem": "unknown field",
            "hint": "did you mean `email`?"
          },
          {
            "field": "from.nmae",
            "problem": "unknown field",
            "hint": "did you mean `name`?"
          },
          {
            "field": "nubmer",
            "problem": "unknown field",
            "hint": "did you mean `number`?"
          }
        ]
        "#);
    }

    #[test]
    fn the_nearest_word_is_suggested_only_where_one_is_near() {
        for (word, expected) in [
            ("catgory", Some("category")),
            ("Status", Some("status")),
            ("chanel", Some("channel")),
            ("sub", Some("subcategory")),
            ("zzz", None),
            ("", None),
        ] {
            let near = nearest(word, &["category", "subcategory", "status", "channel"]);
            assert_eq!(near, expected, "{word}");
        }
    }
}
