//! What language models are told: one file per prompt, and per locale where the words differ. Embedded ones are
//! replaced file by file by a team's folder.
//!
//! Nothing is published that cannot be rendered: every file is compiled, rendered with its own samples in strict
//! mode, and its schema is held against what the program reads. Customers' words and articles are data: they reach a
//! prompt only through the helper `data`, each once, between marks that they cannot forge.

mod check;
mod data;
mod file;

use std::collections::BTreeMap;
use std::path::Path;

use handlebars::{Context, Handlebars};
use rust_embed::RustEmbed;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use crate::ports::chat::{ChatMessage, Role};
use crate::text::Problem;
pub use check::{sample_context, sample_schema};
pub use data::{canary, mark};
pub use file::Sample;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/prompts"]
struct Embedded;

/// One prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for: `triage`, `draft` or `repair`.
    pub id: String,
    /// The locale of the reply that it asks for; `None` for all.
    pub locale: Option<Locale>,
    /// What it does, for the people who edit it.
    pub purpose: LocalText,
    /// The longest answer in tokens, where it wants less than the endpoint's limit.
    pub max_output: Option<u32>,
    /// The shape of the answer, a JSON Schema. Texts that begin with `$` stand for lists that the policy knows.
    pub output_schema: Option<Value>,
    /// Cases to try it with.
    pub samples: Vec<Sample>,
    /// The first 12 digits of a SHA-256 over the file and the pieces that it uses.
    pub hash: String,
    /// True where it is a team's own file.
    pub overridden: bool,
    system: String,
    user: String,
}

impl Prompt {
    /// Returns `id@hash`, as decisions and recordings cite it.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name(), self.hash)
    }

    /// Returns the file's name without its ending.
    pub fn name(&self) -> String {
        match self.locale {
            Some(locale) => format!("{}.{locale}", self.id),
            None => self.id.clone(),
        }
    }
}

/// All prompts, compiled.
#[derive(Debug)]
pub struct Prompts {
    registry: Handlebars<'static>,
    prompts: BTreeMap<String, Prompt>,
}

impl Prompts {
    /// Loads the embedded prompts and, over them, those of a folder. Everything that is wrong, at once.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut files: BTreeMap<String, (String, bool)> = Embedded::iter()
            .filter_map(|name| {
                let file = Embedded::get(&name)?;
                let text = String::from_utf8_lossy(&file.data).into_owned();
                Some((name.into_owned(), (text, false)))
            })
            .collect();
        if let Some(folder) = folder {
            file::read_folder(folder, &mut files, &mut problems);
        }
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        registry.register_helper("data", Box::new(data::DataHelper));
        let mut prompts = Self { registry, prompts: BTreeMap::new() };
        for (name, (text, _)) in files.iter().filter(|(name, _)| name.starts_with('_')) {
            prompts.add_piece(name, text, &mut problems);
        }
        for (name, (text, own)) in files.iter().filter(|(name, _)| !name.starts_with('_')) {
            match prompts.add(name, text, *own, &files) {
                Ok(()) => {}
                Err(problem) => problems.push(problem),
            }
        }
        check::missing(&prompts, &mut problems);
        check::samples(&prompts, &mut problems);
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        problems.dedup();
        if problems.is_empty() { Ok(prompts) } else { Err(problems) }
    }

    fn add_piece(&mut self, file: &str, text: &str, problems: &mut Vec<Problem>) {
        let name = file.trim_end_matches(".hbs");
        if let Err(error) = self.registry.register_template_string(name, text.trim_end()) {
            problems.push(file::not_compiled(file, 0, &error));
        }
    }

    fn add(
        &mut self,
        file: &str,
        text: &str,
        overridden: bool,
        files: &BTreeMap<String, (String, bool)>,
    ) -> Result<(), Problem> {
        let read = file::read(file, text)?;
        let mut hash = Sha256::new();
        hash.update(text);
        // Pieces may use pieces.
        let mut pieces: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open: Vec<&str> = vec![&read.system.1, &read.user.1];
        while let Some(body) = open.pop() {
            for (piece, (text, _)) in files.iter().filter(|(name, _)| name.starts_with('_')) {
                let stands = body.contains(piece.trim_end_matches(".hbs"));
                if stands && pieces.insert(piece, text).is_none() {
                    open.push(text);
                }
            }
        }
        for text in pieces.values() {
            hash.update(text);
        }
        let digest = hex::encode(hash.finalize());
        let name = file.trim_end_matches(".hbs").to_owned();
        let (system, user) = (format!("{name}/system"), format!("{name}/user"));
        for (part, (at, body)) in [(&system, &read.system), (&user, &read.user)] {
            self.registry
                .register_template_string(part, body)
                .map_err(|error| file::not_compiled(file, *at, &error))?;
        }
        check::trusted(file, &read, files)?;
        let head = read.head;
        if head.hints.max_output == Some(0) {
            let message =
                "max_output must be at least 1; leave it out for the endpoint's own limit";
            return Err(Problem { file: file.to_owned(), line: 1, message: message.to_owned() });
        }
        check::schema(file, &head.id, head.output_schema.as_ref())?;
        let prompt = Prompt {
            id: head.id,
            locale: read.locale,
            purpose: head.purpose,
            max_output: head.hints.max_output,
            output_schema: head.output_schema,
            samples: head.samples,
            hash: digest.get(..12).unwrap_or_default().to_owned(),
            overridden,
            system,
            user,
        };
        self.prompts.insert(name, prompt);
        Ok(())
    }

    /// Returns every prompt, by name.
    pub fn all(&self) -> impl Iterator<Item = &Prompt> {
        self.prompts.values()
    }

    /// Returns the prompt of that name (`draft.pt-BR`, `triage`).
    pub fn named(&self, name: &str) -> Option<&Prompt> {
        self.prompts.get(name)
    }

    /// Returns the prompt for a reply in a locale: the locale's own, else the one for all.
    pub fn find(&self, id: &str, locale: Locale) -> Option<&Prompt> {
        self.named(&format!("{id}.{locale}")).or_else(|| self.named(id))
    }

    /// Renders a prompt; the error names the variable that is missing.
    pub fn render(&self, prompt: &Prompt, context: &Value) -> Result<Vec<ChatMessage>, String> {
        let context = Context::from(context.clone());
        let part = |name: &str, role: Role| {
            self.registry
                .render_with_context(name, &context)
                .map(|text| ChatMessage { role, text: text.trim().to_owned() })
                .map_err(|error| error.reason().to_string())
        };
        Ok(vec![part(&prompt.system, Role::System)?, part(&prompt.user, Role::User)?])
    }
}

/// Puts the policy's lists in the place of `$name` in a schema.
pub fn filled(schema: &Value, lists: &BTreeMap<&str, Vec<String>>) -> Value {
    match schema {
        Value::String(text) => match text.strip_prefix('$').and_then(|name| lists.get(name)) {
            Some(list) => list.iter().cloned().map(Value::String).collect(),
            None => schema.clone(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, lists)).collect(),
        Value::Object(fields) => {
            let mut all: serde_json::Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), filled(value, lists))).collect();
            let nullable = all
                .get("type")
                .and_then(Value::as_array)
                .is_some_and(|types| types.contains(&Value::from("null")));
            // What may be absent must be among the values too.
            if let Some(Value::Array(values)) = all.get_mut("enum")
                && nullable
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
            Value::Object(all)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => schema.clone(),
    }
}

#[cfg(test)]
mod tests;
