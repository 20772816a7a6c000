//! Takes JSON out of an answer and holds it against the shape that was asked for.
//!
//! What is said to be wrong names places and rules of the schema, never a word of the answer.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::decision::LocalText;
use crate::ports::chat::OutputSchema;

/// Most places of an answer at which an object is looked for.
const PLACES_MAX: usize = 64;

/// The shape that an answer must have.
#[derive(Clone)]
pub(super) struct Shape {
    /// The JSON Schema, with its name.
    pub(super) output: Arc<OutputSchema>,
    /// True where the model knows the shape only from words, and may put words around its answer too.
    pub(super) told: bool,
}

/// An answer that is not of the shape.
pub(super) struct Bad {
    /// The answer.
    pub(super) text: String,
    /// What is wrong with it.
    pub(super) wrong: LocalText,
}

impl Shape {
    /// Returns the JSON of an answer, or what is wrong with it. Some servers put fences around it even where they were
    /// given the schema.
    pub(super) fn read(&self, text: &str) -> Result<String, LocalText> {
        let text = text.trim();
        let read = |text: &str| serde_json::from_str::<Value>(text);
        match read(text).or_else(|error| read(unfenced(text).ok_or(error)?)) {
            Ok(value) => self.check(&value),
            Err(_) if self.told => self.read_among_words(text),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(LocalText::new(
                    format!("não é JSON a partir da linha {line}, coluna {column}"),
                    format!("it is no JSON from line {line} column {column} on"),
                ))
            }
        }
    }

    /// Takes the object that fits, of several that may stand in fences and between words.
    fn read_among_words(&self, text: &str) -> Result<String, LocalText> {
        let mut first = None;
        for object in objects(text) {
            match self.check(&object) {
                Ok(json) => return Ok(json),
                Err(wrong) => first = first.or(Some(wrong)),
            }
        }
        Err(first.unwrap_or_else(|| {
            LocalText::new("não há objeto JSON na resposta", "there is no JSON object in it")
        }))
    }

    fn check(&self, value: &Value) -> Result<String, LocalText> {
        check(&self.output.schema, value, &At::Top).map(|()| value.to_string())
    }
}

/// Returns what stands between a pair of fences that is all there is; `None` where there are none.
fn unfenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("```")?.strip_suffix("```")?;
    // The language of a block of code stands behind its first fence.
    Some(inside.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric()).trim())
}

/// Returns the objects that stand in a text, without those inside others.
fn objects(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..PLACES_MAX {
        let Some(start) = rest.find('{').and_then(|at| rest.get(at..)) else { break };
        let mut values = serde_json::Deserializer::from_str(start).into_iter::<Value>();
        let end = match values.next() {
            Some(Ok(value)) => {
                found.push(value);
                values.byte_offset()
            }
            Some(Err(_)) | None => 1,
        };
        rest = start.get(end..).unwrap_or_default();
    }
    found
}

/// A place in an answer, put into words only where something is wrong there.
enum At<'a> {
    Top,
    Property(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => f.write_str("$"),
            Self::Property(of, name) => write!(f, "{of}.{name}"),
            Self::Item(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

fn check(schema: &Value, value: &Value, path: &At<'_>) -> Result<(), LocalText> {
    check_type(schema, value, path)?;
    let allowed = schema.get("enum").and_then(Value::as_array);
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return Err(LocalText::new(
            format!("`{path}` precisa ser um dos valores listados para ele"),
            format!("`{path}` must be one of the values listed for it"),
        ));
    }
    match value {
        Value::Object(object) => check_object(schema, object, path),
        Value::Array(items) => check_array(schema, items, path),
        Value::String(text) => check_text(schema, text, path),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_type(schema: &Value, value: &Value, path: &At<'_>) -> Result<(), LocalText> {
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if names.iter().any(|name| is_of(value, name)) {
        return Ok(());
    }
    Err(LocalText::new(
        format!("`{path}` precisa ser do tipo {}", names.join(" ou ")),
        format!("`{path}` must be of type {}", names.join(" or ")),
    ))
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        // 3.0 is an integer to JSON Schema.
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        _ => true,
    }
}

fn check_object(
    schema: &Value,
    object: &Map<String, Value>,
    path: &At<'_>,
) -> Result<(), LocalText> {
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !object.contains_key(name) {
            return Err(LocalText::new(
                format!("falta `{path}.{name}`"),
                format!("`{path}.{name}` is missing"),
            ));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in object {
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => check(schema, value, &At::Property(path, name))?,
            None if closed => {
                return Err(LocalText::new(
                    format!("`{path}` tem uma propriedade que a forma não prevê"),
                    format!("`{path}` has a property that the shape does not have"),
                ));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_array(schema: &Value, items: &[Value], path: &At<'_>) -> Result<(), LocalText> {
    check_size(schema, ("minItems", "maxItems"), items.len(), ("itens", "items"), path)?;
    let Some(of_items) = schema.get("items") else { return Ok(()) };
    for (at, item) in items.iter().enumerate() {
        check(of_items, item, &At::Item(path, at))?;
    }
    Ok(())
}

fn check_text(schema: &Value, text: &str, path: &At<'_>) -> Result<(), LocalText> {
    let letters = ("caracteres", "letters");
    check_size(schema, ("minLength", "maxLength"), text.chars().count(), letters, path)
}

fn check_size(
    schema: &Value,
    (least, most): (&str, &str),
    size: usize,
    (unit_pt, unit): (&str, &str),
    path: &At<'_>,
) -> Result<(), LocalText> {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    if let Some(least) = limit(least).filter(|least| size < *least) {
        return Err(LocalText::new(
            format!("`{path}` precisa ter pelo menos {least} {unit_pt}"),
            format!("`{path}` must have at least {least} {unit}"),
        ));
    }
    if let Some(most) = limit(most).filter(|most| size > *most) {
        return Err(LocalText::new(
            format!("`{path}` pode ter no máximo {most} {unit_pt}"),
            format!("`{path}` must have at most {most} {unit}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(told: bool) -> Shape {
        let schema = json!({
            "type": "object",
            "properties": {
                "mood": {"type": "string", "enum": ["good", "bad"]},
                "why": {"type": ["string", "null"], "maxLength": 5},
                "tags": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 2,
                    "items": {"type": "integer"},
                },
            },
            "required": ["mood", "why", "tags"],
            "additionalProperties": false,
        });
        Shape { output: Arc::new(OutputSchema { name: "x".to_owned(), schema }), told }
    }

    #[test]
    fn an_answer_is_held_to_every_rule_of_its_shape() {
        for (answer, wrong) in [
            (json!({"mood": "good", "why": "ação!", "tags": [1]}), None),
            (json!({"mood": "bad", "why": null, "tags": [1, 2.0]}), None),
            (json!([]), Some("`$` must be of type object")),
            (json!({"mood": "good", "why": null}), Some("`$.tags` is missing")),
            (
                json!({"mood": "SEGREDO", "why": null, "tags": [1]}),
                Some("`$.mood` must be one of the values listed for it"),
            ),
            (json!({"mood": 3, "why": null, "tags": [1]}), Some("`$.mood` must be of type string")),
            (
                json!({"mood": "good", "why": 1, "tags": [1]}),
                Some("`$.why` must be of type string or null"),
            ),
            (
                json!({"mood": "good", "why": "longer", "tags": [1]}),
                Some("`$.why` must have at most 5 letters"),
            ),
            (
                json!({"mood": "good", "why": null, "tags": []}),
                Some("`$.tags` must have at least 1 items"),
            ),
            (
                json!({"mood": "good", "why": null, "tags": [1, 2, 3]}),
                Some("`$.tags` must have at most 2 items"),
            ),
            (
                json!({"mood": "good", "why": null, "tags": [1, 2.5]}),
                Some("`$.tags[1]` must be of type integer"),
            ),
            (
                json!({"mood": "good", "why": null, "tags": [1], "SEGREDO": 1}),
                Some("`$` has a property that the shape does not have"),
            ),
        ] {
            let read = shape(false).read(&answer.to_string());
            let found = read.err();
            assert_eq!(found.as_ref().map(|found| found.en.as_str()), wrong, "{answer}");
            assert!(found.is_none_or(|found| found.pt_br != found.en), "{answer}");
        }
    }

    #[test]
    fn json_is_found_in_fences_and_between_words_where_the_shape_was_told() {
        let good = r#"{"mood":"good","why":null,"tags":[1]}"#;
        for text in [
            good.to_owned(),
            format!("  {good}\n"),
            format!("```json\n{good}\n```"),
            format!("Claro! Aqui está: {good} Espero que ajude {{sempre}}."),
            format!("<think>{{\"mood\": \"?\"}} or {{</think>{good}"),
        ] {
            assert_eq!(shape(true).read(&text).as_deref(), Ok(good), "{text}");
        }
        for (text, wrong) in [
            ("nothing", "there is no JSON object in it"),
            ("{ {{ {", "there is no JSON object in it"),
            (r#"see: {"mood":"good"}"#, "`$.why` is missing"),
        ] {
            assert_eq!(shape(true).read(text).unwrap_err().en, wrong, "{text}");
        }
    }

    #[test]
    fn a_server_that_was_given_the_schema_may_put_fences_around_but_no_words() {
        let good = r#"{"mood":"good","why":null,"tags":[1]}"#;
        for text in [
            format!("```json\n{good}\n```"),
            format!("\n```\r\n  {good}\r\n```\n\n"),
            format!("```JSON {good}```"),
        ] {
            assert_eq!(shape(false).read(&text).as_deref(), Ok(good), "{text}");
        }
        for (text, wrong) in [
            ("```json\n{\"mood\": \"good\"}\n```".to_owned(), "`$.why` is missing"),
            ("```json\nSEGREDO\n```".to_owned(), "it is no JSON from line 1 column 1 on"),
            (format!("```json\n{good}"), "it is no JSON from line 1 column 1 on"),
            ("```".to_owned(), "it is no JSON from line 1 column 1 on"),
            (format!("Claro:\n```json\n{good}\n```"), "it is no JSON from line 1 column 1 on"),
            (format!("```\n{good}\n``` SEGREDO"), "it is no JSON from line 1 column 1 on"),
        ] {
            assert_eq!(shape(false).read(&text).unwrap_err().en, wrong, "{text}");
        }
        let wrong = shape(false).read("{\"mood\": \"SEGREDO").unwrap_err().en;
        assert!(wrong.starts_with("it is no JSON") && !wrong.contains("SEGREDO"), "{wrong}");
    }
}
