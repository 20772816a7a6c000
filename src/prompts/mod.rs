//! What language models are told: one file per prompt, and per locale where the words differ. Embedded ones are
//! replaced file by file by a team's folder.
//!
//! Nothing is published that cannot be rendered: every file is compiled, followed into every branch and piece, rendered
//! with its own samples in strict mode, and its schema is held against what the program reads. Customers' words and
//! articles are data: they reach a prompt only through the helper `data`, each once, between marks that they cannot
//! forge.

mod check;
mod data;
mod file;
mod folder;
mod kept;
mod schema;
mod syntax;
mod variables;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use handlebars::{Context, Handlebars};
use rust_embed::RustEmbed;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::decision::LocalText;
use crate::domain::labels::Locale;
use crate::ports::chat::{ChatMessage, Role};
pub use check::{sample_context, sample_schema};
pub use data::{canary, mark};
pub use file::Sample;
pub use kept::House;
pub use variables::{Variable, variables};

/// A problem of a prompt, in both languages.
type Problem = crate::text::Problem<LocalText>;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/prompts"]
struct Embedded;

/// A prompt file or a piece.
#[derive(Debug)]
struct Source {
    text: String,
    /// Of the team's folder.
    own: bool,
}

/// All of them, by name.
type Files = BTreeMap<String, Source>;

/// One prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for: `triage`, `draft`, `repair` or `again`.
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
    /// The files of the team's folder that it is made of: its own file, pieces.
    pub own_files: Vec<String>,
    system: String,
    user: String,
    /// What decides the words of the instructions, besides what the business says; `None` where a case may.
    settled_by: Option<Vec<&'static str>>,
    /// What the words below `=== user` depend on.
    user_uses: kept::Uses,
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
    by_name: BTreeMap<String, Prompt>,
    pieces: usize,
    own: Vec<String>,
    notes: Vec<Problem>,
}

impl Prompts {
    /// Loads the embedded prompts and, over them, those of a folder. Everything that is wrong, at once.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::load_with(folder, None)
    }

    /// Loads them as if one file, named as it is in the folder, said something else.
    pub fn load_with(
        folder: Option<&Path>,
        changed: Option<(&str, &str)>,
    ) -> Result<Self, Vec<Problem>> {
        let of = |(name, text)| (name, Source { text, own: false });
        let mut files: Files = shipped().into_iter().map(of).collect();
        let told = folder::read(folder, changed, &mut files);
        let mut problems = told.problems;
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        registry.register_helper("data", Box::new(data::DataHelper));
        let is_piece = |name: &str| name.starts_with('_');
        let mut prompts = Self {
            registry,
            by_name: BTreeMap::new(),
            pieces: files.keys().filter(|name| is_piece(name)).count(),
            own: files
                .iter()
                .filter(|(_, source)| source.own)
                .map(|(name, _)| name.clone())
                .collect(),
            notes: told.notes,
        };
        for (name, source) in files.iter().filter(|(name, _)| is_piece(name)) {
            let text = source.text.trim_end();
            let piece = name.trim_end_matches(".hbs");
            problems.extend(prompts.compile(name, piece, (0, text), &files));
        }
        let mut used = BTreeSet::new();
        for (name, source) in files.iter().filter(|(name, _)| !is_piece(name)) {
            match prompts.add(name, source, &files) {
                Ok(pieces) => used.extend(pieces),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            problems.extend(check::unused(&files, &used));
            problems.extend(check::samples(&prompts));
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        problems.dedup();
        if problems.is_empty() { Ok(prompts) } else { Err(problems) }
    }

    /// Compiles a template that stands below so many lines of a file.
    fn compile(
        &mut self,
        file: &str,
        name: &str,
        (above, text): (usize, &str),
        files: &Files,
    ) -> Option<Problem> {
        let kept = syntax::keeping_lines(text, files);
        let error = self.registry.register_template_string(name, kept).err()?;
        let (line, message) = syntax::explained(text, above, &error);
        Some(Problem { file: file.to_owned(), line, message })
    }

    /// Adds a prompt; returns the pieces that it uses.
    fn add(
        &mut self,
        file: &str,
        source: &Source,
        files: &Files,
    ) -> Result<BTreeSet<String>, Vec<Problem>> {
        let read = file::read(file, &source.text)?;
        let name = file.trim_end_matches(".hbs").to_owned();
        let (system, user) = (format!("{name}/system"), format!("{name}/user"));
        let mut problems = Vec::new();
        for (part, (above, body)) in [(&system, &read.system), (&user, &read.user)] {
            problems.extend(self.compile(file, part, (*above, body), files));
        }
        let templates = (self.registry.get_template(&system), self.registry.get_template(&user));
        let ((Some(instructions), Some(case)), Some(asked)) =
            (templates, variables::asked(read.id))
        else {
            return Err(problems);
        };
        let walk = walk::Walk { registry: &self.registry, files, asked, file };
        let walked = walk.parts((read.system.0, instructions), (read.user.0, case));
        problems.extend(walked.problems);
        problems.extend(check::contexts(file, asked, &read.head.samples));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut hash = Sha256::new();
        hash.update(&source.text);
        let pieces: Vec<String> = walked.pieces.iter().map(|name| format!("{name}.hbs")).collect();
        for piece in &pieces {
            hash.update(files.get(piece).map_or("", |source| source.text.as_str()));
        }
        let digest = hex::encode(hash.finalize());
        let is_own = |name: &&String| files.get(*name).is_some_and(|source| source.own);
        let made_of = std::iter::once(file.to_owned()).chain(pieces).collect::<Vec<_>>();
        let prompt = Prompt {
            id: read.id.to_owned(),
            locale: read.locale,
            purpose: read.head.purpose,
            max_output: read.head.max_output,
            output_schema: read.head.output_schema,
            samples: read.head.samples,
            hash: digest.get(..12).unwrap_or_default().to_owned(),
            overridden: source.own,
            own_files: made_of.iter().filter(is_own).cloned().collect(),
            system,
            user,
            settled_by: walked.uses.0.settled_by(asked),
            user_uses: walked.uses.1,
        };
        self.by_name.insert(name, prompt);
        Ok(walked.pieces)
    }

    /// Returns every prompt, by name.
    pub fn all(&self) -> impl Iterator<Item = &Prompt> {
        self.by_name.values()
    }

    /// Returns how many pieces there are that prompts share.
    pub const fn pieces(&self) -> usize {
        self.pieces
    }

    /// Returns the files of the team's folder that count, by name.
    pub fn own_files(&self) -> &[String] {
        &self.own
    }

    /// Returns what stands in the team's folder and is not read.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// Returns the prompt of that name (`draft.pt-BR`, `triage`).
    pub fn named(&self, name: &str) -> Option<&Prompt> {
        self.by_name.get(name)
    }

    /// Returns the prompt for a reply in a locale: the locale's own, else the one for all.
    pub fn find(&self, id: &str, locale: Locale) -> Option<&Prompt> {
        self.named(&format!("{id}.{locale}")).or_else(|| self.named(id))
    }

    /// Renders a prompt; the error names the variable that is missing.
    pub fn render(&self, prompt: &Prompt, context: Value) -> Result<Vec<ChatMessage>, String> {
        let context = Context::from(context);
        let system = self.part(&prompt.system, &context)?;
        Ok(told(system, self.part(&prompt.user, &context)?))
    }

    /// Renders a prompt for a case of a business; `case` holds what the business does not say in all its questions. The
    /// words are those of `render`; instructions that were rendered before are not rendered again.
    pub fn render_for(
        &self,
        prompt: &Prompt,
        house: &House,
        case: Map<String, Value>,
    ) -> Result<Vec<ChatMessage>, String> {
        let fill = |context| self.part(&prompt.system, &Context::from(context));
        let system = house.instructions(prompt, &case, fill)?;
        let context = Context::from(house.case(&prompt.user_uses, case));
        Ok(told(system, self.part(&prompt.user, &context)?))
    }

    fn part(&self, name: &str, context: &Context) -> Result<String, String> {
        self.registry
            .render_with_context(name, context)
            .map(|text| text.trim().to_owned())
            .map_err(|error| error.reason().to_string())
    }
}

/// Returns the prompts and pieces that come with the program, by file name.
pub fn shipped() -> BTreeMap<String, String> {
    let text =
        |name: &str| Some(folder::plain(&String::from_utf8_lossy(&Embedded::get(name)?.data)));
    Embedded::iter().filter_map(|name| Some((name.to_string(), text(&name)?))).collect()
}

/// The messages of a prompt.
fn told(system: String, user: String) -> Vec<ChatMessage> {
    [(Role::System, system), (Role::User, user)]
        .map(|(role, text)| ChatMessage { role, text })
        .into()
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
