//! Looks whether the shape of an answer gives what the program reads, in the subset that every provider takes.

use serde_json::{Map, Value};

use super::variables::{Asked, nearest};
use crate::domain::decision::LocalText;

const TYPES: &[&str] = &["object", "array", "string", "integer", "number", "boolean", "null"];

/// Something wrong, with words of the line it is likely to stand in.
pub(super) struct Wrong {
    /// Words that stand in the line.
    pub(super) near: Vec<String>,
    /// What is wrong and what to do.
    pub(super) message: LocalText,
}

/// Returns everything that is wrong with a prompt's schema.
pub(super) fn wrong(asked: &Asked, schema: Option<&Value>) -> Vec<Wrong> {
    let mut look = Look { lists: asked.lists, wrong: Vec::new() };
    let Some(Value::Object(schema)) = schema else {
        look.add(
            &[],
            "falta `output_schema`, que diz a forma da resposta".to_owned(),
            "`output_schema` is missing: it says what shape the answer has".to_owned(),
        );
        return look.wrong;
    };
    look.strict(schema, "");
    for (path, kind) in asked.answer {
        look.read(schema, path, kind);
    }
    look.wrong
}

struct Look {
    lists: &'static [&'static str],
    wrong: Vec<Wrong>,
}

impl Look {
    fn add(&mut self, near: &[&str], pt: String, en: String) {
        let near = near.iter().map(|word| (*word).to_owned()).collect();
        self.wrong.push(Wrong { near, message: LocalText::new(pt, en) });
    }

    /// Holds a schema and those inside it to what providers take; `path` is what it describes.
    fn strict(&mut self, schema: &Map<String, Value>, path: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        if properties.is_some() || types(schema).contains(&"object") {
            self.object(schema, properties, path);
        }
        self.kind(schema, path);
        self.choices(schema, path);
        for (name, property) in properties.into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.inner(property, &path);
        }
        for (word, value) in schema {
            match word.as_str() {
                "items" => self.inner(value, &format!("{path}[]")),
                "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
                    for one in value.as_array().into_iter().flatten() {
                        self.inner(one, path);
                    }
                }
                "$defs" | "definitions" => {
                    for (name, one) in value.as_object().into_iter().flatten() {
                        self.inner(one, &format!("{word}.{name}"));
                    }
                }
                _ => {}
            }
        }
    }

    fn inner(&mut self, schema: &Value, path: &str) {
        match schema {
            Value::Object(schema) => self.strict(schema, path),
            _ => self.add(
                &[last(path)],
                format!("`output_schema`: `{path}` precisa dizer o tipo, como em {{type: string}}"),
                format!("`output_schema`: `{path}` has to say its type, as in {{type: string}}"),
            ),
        }
    }

    /// Every object lists all its properties as required and allows no other.
    fn object(
        &mut self,
        schema: &Map<String, Value>,
        properties: Option<&Map<String, Value>>,
        path: &str,
    ) {
        let (at_pt, at_en) = place(path);
        let required: Vec<&str> = match schema.get("required") {
            None => Vec::new(),
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
                names.iter().filter_map(Value::as_str).collect()
            }
            Some(_) => {
                return self.add(
                    &["required"],
                    format!("`output_schema`{at_pt}: `required` é uma lista de nomes, como [text, cites]"),
                    format!("`output_schema`{at_en}: `required` is a list of names, such as [text, cites]"),
                );
            }
        };
        let known: Vec<&str> =
            properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        for name in known.iter().filter(|name| !required.contains(name)) {
            self.add(
                &["required"],
                format!("`output_schema`{at_pt}: ponha `{name}` em `required`; os provedores querem ali todos os campos"),
                format!("`output_schema`{at_en}: list `{name}` under `required`; providers want every field there"),
            );
        }
        let mut seen: Vec<&str> = Vec::new();
        for name in &required {
            if seen.contains(name) {
                self.add(
                    &["required", name],
                    format!("`output_schema`{at_pt}: `{name}` está duas vezes em `required`; deixe uma só"),
                    format!("`output_schema`{at_en}: `{name}` stands twice in `required`; keep one"),
                );
            }
            seen.push(name);
        }
        for name in required.iter().filter(|name| !known.contains(name)) {
            let (pt, en) = super::walk::meant(nearest(name, &known).map(ToOwned::to_owned));
            self.add(
                &["required", name],
                format!("`output_schema`{at_pt}: `required` pede `{name}`, que não está em `properties`; descreva-o ali ou tire-o daqui{pt}"),
                format!("`output_schema`{at_en}: `required` names `{name}`, which `properties` lacks; describe it there or take it away here{en}"),
            );
        }
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            self.add(
                &[last(path)],
                format!(
                    "`output_schema`{at_pt}: um objeto precisa de `additionalProperties: false`"
                ),
                format!("`output_schema`{at_en}: an object needs `additionalProperties: false`"),
            );
        }
    }

    fn kind(&mut self, schema: &Map<String, Value>, path: &str) {
        for word in types(schema).into_iter().filter(|word| !TYPES.contains(word)) {
            let (at_pt, at_en) = place(path);
            let (pt, en) = super::walk::meant(nearest(word, TYPES).map(ToOwned::to_owned));
            let all = TYPES.join(", ");
            self.add(
                &[last(path), word],
                format!("`output_schema`{at_pt}: não há tipo `{word}`; há {all}{pt}"),
                format!("`output_schema`{at_en}: there is no type `{word}`; there are {all}{en}"),
            );
        }
    }

    /// `enum` is a list, or `$name` of one that the policy knows.
    fn choices(&mut self, schema: &Map<String, Value>, path: &str) {
        let Some(value) = schema.get("enum") else { return };
        let word = value.as_str().unwrap_or_default();
        if value.is_array() || word.strip_prefix('$').is_some_and(|name| self.lists.contains(&name))
        {
            return;
        }
        let (at_pt, at_en) = place(path);
        let lists: Vec<String> = self.lists.iter().map(|name| format!("${name}")).collect();
        let (pt, en) = if lists.is_empty() {
            (String::new(), String::new())
        } else {
            let all = lists.join(", ");
            (
                format!(" ou uma das listas da política: {all}"),
                format!(" or one of the policy's lists: {all}"),
            )
        };
        self.add(
            &[last(path), "enum"],
            format!("`output_schema`{at_pt}: `enum` é uma lista de valores{pt}"),
            format!("`output_schema`{at_en}: `enum` is a list of values{en}"),
        );
    }

    /// Looks for what the program reads at a path such as `sentences[].text`.
    fn read(&mut self, schema: &Map<String, Value>, path: &str, kind: &str) {
        let mut at = schema;
        let dotted = path.replace("[]", ".[]");
        let mut steps = dotted.split('.').peekable();
        while let Some(step) = steps.next() {
            let next = match step {
                "[]" => at.get("items"),
                name => at.get("properties").and_then(|properties| properties.get(name)),
            };
            match next {
                Some(Value::Object(next)) => at = next,
                // What is told already, or put together in a way that is not followed; or the lack of a whole, told there.
                Some(_) => return,
                None if is_composed(at) || steps.peek().is_some() => return,
                None if step == "[]" => {
                    return self.add(
                        &[last(path)],
                        format!("`output_schema`: diga em `items` o que há em `{path}`, que o programa lê"),
                        format!("`output_schema`: say under `items` what is in `{path}`, which the program reads"),
                    );
                }
                None => {
                    return self.add(
                        &["properties"],
                        format!("falta em `output_schema` o campo `{path}`, que o programa lê"),
                        format!(
                            "`output_schema` lacks the field `{path}`, which the program reads"
                        ),
                    );
                }
            }
        }
        let found = types(at);
        let chosen = found.is_empty() && at.contains_key("enum");
        if !is_composed(at) && !chosen && !found.contains(&kind) {
            self.add(
                &[last(path)],
                format!("`output_schema`: o programa lê em `{path}` um valor do tipo {kind}; escreva type: {kind}"),
                format!("`output_schema`: the program reads a value of type {kind} in `{path}`; write type: {kind}"),
            );
        }
    }
}

fn is_composed(schema: &Map<String, Value>) -> bool {
    ["$ref", "anyOf", "oneOf", "allOf"].iter().any(|word| schema.contains_key(*word))
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Says what a schema describes, where it is not the whole answer.
fn place(path: &str) -> (String, String) {
    if path.is_empty() {
        return (String::new(), String::new());
    }
    (format!(", em `{path}`"), format!(", at `{path}`"))
}

/// The name in the last part of a path, as it stands in the file.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]")
}
