//! The body of a request, written straight from the question: shapes are long, and the same for many questions.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use super::settings::{EndpointSettings, OutputMode, Profile};
use crate::ports::chat::{OutputSchema, Role};

/// The field that carries the shape.
const RESPONSE_FORMAT: &str = "response_format";

/// What goes over the wire.
#[derive(Clone)]
pub(super) struct Body<'r> {
    pub(super) model: &'r str,
    pub(super) messages: Vec<Message<'r>>,
    /// The optional fields.
    pub(super) options: Vec<(&'static str, Value)>,
    /// `None` where the shape is told in words alone.
    pub(super) format: Option<Format<'r>>,
}

/// One message.
#[derive(Clone, serde::Serialize)]
pub(super) struct Message<'r> {
    pub(super) role: Role,
    pub(super) content: Cow<'r, str>,
}

impl Body<'_> {
    /// True where it carries an optional field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == field)
            || field == RESPONSE_FORMAT && self.format.is_some()
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("model", self.model)?;
        body.serialize_entry("messages", &self.messages)?;
        for (field, value) in &self.options {
            body.serialize_entry(field, value)?;
        }
        if let Some(format) = &self.format {
            body.serialize_entry(RESPONSE_FORMAT, format)?;
        }
        body.end()
    }
}

/// How the shape of the answer is asked for.
#[derive(Clone, Copy)]
pub(super) enum Format<'r> {
    /// By a schema that the answer is held to.
    Schema {
        output: &'r OutputSchema,
        /// The lengths of texts may stand in it.
        lengths: bool,
    },
    /// Any object; the schema beside it is a grammar to llama.cpp.
    ObjectOf(&'r Value),
    /// Any object.
    Object,
}

impl<'r> Format<'r> {
    /// Returns how an endpoint is asked; `None` where the shape is told in words alone.
    pub(super) fn of(settings: &EndpointSettings, output: &'r OutputSchema) -> Option<Self> {
        if !settings.allows(RESPONSE_FORMAT) {
            return None;
        }
        match settings.output_mode() {
            // A strict schema of `OpenAI` may not hold them ("`maxLength` is not permitted"). The answer is held to them
            // all the same.
            OutputMode::JsonSchema => {
                Some(Self::Schema { output, lengths: settings.profile != Profile::OpenAi })
            }
            OutputMode::JsonObject if settings.profile == Profile::LlamaCpp => {
                Some(Self::ObjectOf(&output.schema))
            }
            OutputMode::JsonObject => Some(Self::Object),
            OutputMode::Prompt => None,
        }
    }

    pub(super) const fn carries_schema(&self) -> bool {
        matches!(self, Self::Schema { .. } | Self::ObjectOf(_))
    }
}

impl Serialize for Format<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut format = serializer.serialize_map(None)?;
        match self {
            Self::Schema { output, lengths } => {
                format.serialize_entry("type", "json_schema")?;
                // The schema stands inside: llama.cpp silently ignores the flat form that its own page shows.
                format.serialize_entry("json_schema", &Inner { output, lengths: *lengths })?;
            }
            Self::ObjectOf(schema) => {
                format.serialize_entry("type", "json_object")?;
                format.serialize_entry("schema", &UntypedEnums(schema))?;
            }
            Self::Object => format.serialize_entry("type", "json_object")?,
        }
        format.end()
    }
}

struct Inner<'r> {
    output: &'r OutputSchema,
    lengths: bool,
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut inner = serializer.serialize_map(Some(3))?;
        inner.serialize_entry("name", &self.output.name)?;
        inner.serialize_entry("strict", &true)?;
        let schema = &self.output.schema;
        if self.lengths {
            inner.serialize_entry("schema", schema)?;
        } else {
            inner.serialize_entry("schema", &WithoutLengths(schema))?;
        }
        inner.end()
    }
}

/// A schema without the lengths of its texts.
struct WithoutLengths<'r>(&'r Value);

impl Serialize for WithoutLengths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(schema) = self.0.as_object() else { return self.0.serialize(serializer) };
        let mut fields = serializer.serialize_map(None)?;
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                ("maxLength" | "minLength", _) => {}
                ("properties", Value::Object(properties)) => {
                    fields.serialize_entry(keyword, &Properties(properties))?;
                }
                ("items", value) => fields.serialize_entry(keyword, &WithoutLengths(value))?,
                (_, value) => fields.serialize_entry(keyword, value)?,
            }
        }
        fields.end()
    }
}

struct Properties<'r>(&'r Map<String, Value>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, WithoutLengths(schema))))
    }
}

/// A schema without lists of types beside an `enum`: llama-cpp-python's grammar would forget the `enum` for them.
struct UntypedEnums<'r>(&'r Value);

impl Serialize for UntypedEnums<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let listed = fields.contains_key("enum");
                let left = |name: &str, value: &Value| listed && name == "type" && value.is_array();
                let kept = fields.iter().filter(|(name, value)| !left(name, value));
                serializer.collect_map(kept.map(|(name, value)| (name, UntypedEnums(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(UntypedEnums)),
            value => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(profile: Profile, mode: OutputMode, schema: Value) -> Option<Value> {
        let base = super::super::tests::settings();
        let settings = EndpointSettings { profile, output: Some(mode), ..base };
        let output = OutputSchema { name: "x".to_owned(), schema };
        Format::of(&settings, &output).map(|format| serde_json::to_value(format).unwrap())
    }

    #[test]
    fn a_shape_is_sent_as_each_server_takes_it() {
        let schema = json!({
            "type": "object",
            "properties": {
                "maxLength": {"type": "string", "maxLength": 5, "minLength": 1},
                "list": {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 9}},
                "mood": {"type": ["string", "null"], "enum": ["good", null]},
            },
        });
        let strict = json!({
            "type": "object",
            "properties": {
                "maxLength": {"type": "string"},
                "list": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
                "mood": {"type": ["string", "null"], "enum": ["good", null]},
            },
        });
        let mut untyped = schema.clone();
        untyped["properties"]["mood"] = json!({"enum": ["good", null]});
        let of_schema = |schema: &Value| {
            let inner = json!({"name": "x", "strict": true, "schema": schema});
            Some(json!({"type": "json_schema", "json_schema": inner}))
        };
        let (shaped, object) = (OutputMode::JsonSchema, OutputMode::JsonObject);
        for (profile, mode, expected) in [
            (Profile::OpenAi, shaped, of_schema(&strict)),
            (Profile::Vllm, shaped, of_schema(&schema)),
            (Profile::LlamaCpp, object, Some(json!({"type": "json_object", "schema": untyped}))),
            (Profile::Vllm, object, Some(json!({"type": "json_object"}))),
            (Profile::OpenAi, OutputMode::Prompt, None),
        ] {
            assert_eq!(sent(profile, mode, schema.clone()), expected, "{profile} {mode}");
        }
    }

    #[test]
    fn fields_stand_in_the_order_that_keeps_what_is_the_same_in_front() {
        let message = Message { role: Role::User, content: "oi".into() };
        let body = Body {
            model: "m",
            messages: vec![message],
            options: vec![("seed", json!(7))],
            format: Some(Format::Object),
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"model":"m","messages":[{"role":"user","content":"oi"}],"seed":7,"response_format":{"type":"json_object"}}"#
        );
        assert!(body.has("seed") && body.has(RESPONSE_FORMAT) && !body.has("temperature"));
    }
}
