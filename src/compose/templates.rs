//! Loads reply templates: embedded ones, replaced file by file by a company's folder.
//!
//! Nothing is published that cannot be rendered: every file is compiled, every variable it names must be one
//! that replies have, and it is rendered in every tone with everything known and with nothing known.

use std::collections::BTreeMap;
use std::path::Path;

use handlebars::template::{Parameter, Template, TemplateElement};
use handlebars::{Context, Handlebars, Path as VariablePath, PathSeg};
use rust_embed::RustEmbed;
use serde_json::Value;

use super::context;
use super::front::{self, Cut};
use super::ledger::LINE_KEEPER;
use crate::domain::channel::Channel;
use crate::domain::draft::numbered;
use crate::domain::labels::Locale;
use crate::text::Problem;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/templates/reply"]
struct Embedded;

crate::domain::words! {
    /// What a reply is for; one template each, in each locale.
    Family {
        /// A passage of the knowledge base answers.
        Answer = "answer",
        /// A language model wrote the answer; this is its frame.
        Written = "written",
        /// The message arrived; a person will answer.
        Acknowledgement = "acknowledgement",
        /// A person takes over.
        Escalation = "escalation",
        /// Danger of self-harm.
        SafetySelfHarm = "safety_self_harm",
        /// A child may be in danger.
        SafetyChild = "safety_child",
        /// Violence or an emergency.
        SafetyViolence = "safety_violence",
        /// Plan, amount and next charge explained.
        BillingAnswer = "billing_answer",
        /// What was asked cannot be done; what can.
        Refusal = "refusal",
        /// The customer writes a language that we do not.
        LanguageFallback = "language_fallback",
        /// The customer is furious and a person takes over.
        Angry = "angry",
        /// A suggestion arrived.
        FeatureRequest = "feature_request",
        /// A fault was reported.
        BugReport = "bug_report",
        /// Money is asked back; a person decides.
        Refund = "refund",
        /// Somebody is just starting.
        Onboarding = "onboarding",
        /// It is solved.
        Resolution = "resolution",
        /// The customer's answer is still waited for.
        Reminder = "reminder",
        /// It was closed, because no answer came.
        Closed = "closed",
        /// Thanks for a rating.
        CsatThanks = "csat_thanks",
        /// A known problem.
        Outage = "outage",
        /// More about a known problem.
        OutageUpdate = "outage_update",
        /// A known problem is over.
        OutageEnd = "outage_end",
        /// When the customer will be called.
        Callback = "callback",
        /// Insults are asked to end, and a manager is offered.
        AbuseBoundary = "abuse_boundary",
    }
}

/// Pieces that families share; they are files like the others.
const PARTS: &[&str] =
    &["greeting", "acknowledge", "next_step", "closing", "signature", "protocol"];

/// Every reply template, compiled.
pub struct Templates {
    locales: BTreeMap<Locale, Handlebars<'static>>,
    /// What templates offer to tap, by locale and name.
    choices: BTreeMap<(Locale, String), Vec<String>>,
}

/// What a template came to.
#[derive(Debug)]
pub(super) struct Rendered {
    /// The words, with the ledger's marks.
    pub(super) text: String,
    /// The short answers that stand beside the words, where the channel shows them to tap.
    pub(super) choices: Vec<String>,
}

impl Templates {
    /// Loads the embedded templates and, over them, those of a folder; every problem is reported.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::load_with(folder, None)
    }

    /// Loads them as if one file, named as it is in the folder, said something else.
    pub fn load_with(
        folder: Option<&Path>,
        changed: Option<(&str, &str)>,
    ) -> Result<Self, Vec<Problem>> {
        let (mut files, mut problems) = (shipped(), Vec::new());
        if let Some(folder) = folder {
            read_folder(folder, &mut files, &mut problems);
        }
        if let Some((name, text)) = changed {
            files.insert(name.to_owned(), text.to_owned());
        }
        let mut templates = Self { locales: BTreeMap::new(), choices: BTreeMap::new() };
        for locale in Locale::ALL {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            registry.register_escape_fn(handlebars::no_escape);
            templates.locales.insert(*locale, registry);
        }
        for (file, text) in &files {
            if let Err(problem) = templates.add(file, text) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            templates.try_all(&mut problems);
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), Problem> {
        let at = |line: usize, message: String| Problem { file: file.to_owned(), line, message };
        let (name, locale) = name_and_locale(file).map_err(|message| at(1, message))?;
        let Cut { choices, above, body } =
            front::cut(text).map_err(|(line, message)| at(line, message))?;
        if !choices.is_empty() && takes_no_buttons(&name) {
            return Err(at(2, "this template has no buttons; remove them".to_owned()));
        }
        let template = Template::compile(&keep_lines(&body)).map_err(|error| {
            let line = error.pos().map_or(1, |(line, _)| line) + above;
            at(
                line,
                format!("this is no valid template: {}", first_line(&error.reason().to_string())),
            )
        })?;
        if let Some((line, variable)) = unknown_variable(&template) {
            let hint = nearest(&variable, context::VARIABLES)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(at(line + above, format!("replies have no variable `{variable}`{hint}")));
        }
        if !choices.is_empty() {
            self.choices.insert((locale, name.clone()), choices);
        }
        if let Some(registry) = self.locales.get_mut(&locale) {
            registry.register_template(&name, template);
        }
        Ok(())
    }

    /// Renders every template with every sample, so that a customer is never the first to try one.
    fn try_all(&self, problems: &mut Vec<Problem>) {
        for (locale, registry) in &self.locales {
            for family in Family::ALL {
                if registry.get_template(family.as_str()).is_none() {
                    problems.push(Problem {
                        file: format!("{family}.{locale}.hbs"),
                        line: 1,
                        message: "this template is missing; add it".to_owned(),
                    });
                }
            }
            for name in registry.get_templates().keys() {
                for sample in context::samples(*locale) {
                    if let Err(error) = registry.render(name, &sample) {
                        problems.push(Problem {
                            file: format!("{name}.{locale}.hbs"),
                            line: error.line_no.unwrap_or(1),
                            message: format!("cannot be rendered: {}", error.reason()),
                        });
                        break;
                    }
                }
            }
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }

    /// Renders a family for a channel: the channel's own file where there is one. What it offers to tap stands beside the
    /// words on WhatsApp, and below them with numbers elsewhere.
    pub(super) fn render(
        &self,
        family: Family,
        channel: Channel,
        locale: Locale,
        context: Value,
    ) -> Option<Rendered> {
        let registry = self.locales.get(&locale)?;
        let name = variants(channel)
            .iter()
            .map(|variant| format!("{family}.{variant}"))
            .find(|name| registry.has_template(name))
            .unwrap_or_else(|| family.as_str().to_owned());
        let text = registry.render_with_context(&name, &Context::from(context)).ok()?;
        let choices = self.choices.get(&(locale, name)).cloned().unwrap_or_default();
        Some(match channel {
            Channel::Whatsapp => Rendered { text, choices },
            _ => Rendered { text: numbered(&text, &choices), choices: Vec::new() },
        })
    }

    /// Renders the file of that name, and not another in its place, with what a reply has.
    pub(super) fn render_file(
        &self,
        file: &str,
        channel: Channel,
        context: Value,
    ) -> Option<Rendered> {
        let (name, locale) = name_and_locale(file).ok()?;
        let text =
            self.locales.get(&locale)?.render_with_context(&name, &Context::from(context)).ok()?;
        let choices = self.choices.get(&(locale, name)).cloned().unwrap_or_default();
        Some(match channel {
            Channel::Whatsapp => Rendered { text, choices },
            _ => Rendered { text: numbered(&text, &choices), choices: Vec::new() },
        })
    }

    /// Returns the language of a template's file, and the channel where it is for one alone; `None` for a name that
    /// no template has.
    pub fn place_of(file: &str) -> Option<(Locale, Option<Channel>)> {
        let (name, locale) = name_and_locale(file).ok()?;
        let channel = name.split_once('.').and_then(|(_, channel)| Channel::parse(channel));
        Some((locale, channel))
    }

    /// Returns which of WhatsApp and mail are answered with a file that is for all channels.
    pub(super) fn channels_of(&self, file: &str) -> Vec<Channel> {
        let Ok((name, locale)) = name_and_locale(file) else { return Vec::new() };
        let has_own = |channel: &Channel| {
            let registry = self.locales.get(&locale);
            registry.is_some_and(|registry| registry.has_template(&format!("{name}.{channel}")))
        };
        let mut channels = vec![Channel::Whatsapp, Channel::Email];
        channels.retain(|channel| !has_own(channel));
        channels
    }

    /// Returns the names of all templates of a locale, channel part included, in order.
    pub fn names(&self, locale: Locale) -> Vec<String> {
        let registry = self.locales.get(&locale);
        let mut names: Vec<String> = registry
            .map(|registry| registry.get_templates().keys().cloned().collect())
            .unwrap_or_default();
        names.sort_unstable();
        names
    }
}

/// Returns the templates that come with the program, by file name.
pub fn shipped() -> BTreeMap<String, String> {
    let text = |name: &str| Some(String::from_utf8_lossy(&Embedded::get(name)?.data).into_owned());
    Embedded::iter().filter_map(|name| Some((name.to_string(), text(&name)?))).collect()
}

/// True for the fixed safety texts, where nothing is to be chosen, and for pieces of other templates.
fn takes_no_buttons(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let safety = [Family::SafetySelfHarm, Family::SafetyChild, Family::SafetyViolence];
    PARTS.contains(&family) || safety.iter().any(|one| one.as_str() == family)
}

/// The channel parts of file names to try, in order. A form is answered like a mail.
const fn variants(channel: Channel) -> &'static [&'static str] {
    match channel {
        Channel::Whatsapp => &["whatsapp"],
        Channel::Email => &["email"],
        Channel::WebForm => &["web_form", "email"],
        Channel::Chat => &["chat"],
        Channel::Phone => &["phone"],
        Channel::Api => &["api"],
    }
}

/// Makes shared pieces behave as they look: the last line break of a file is no part of it, so that a piece can
/// stand inside a line, and the break after a piece stays, which Handlebars would swallow.
fn keep_lines(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.trim_end().lines() {
        if !kept.is_empty() {
            kept.push('\n');
        }
        kept.push_str(line);
        if line.trim_start().starts_with("{{>") && line.trim_end().ends_with("}}") {
            kept.push(LINE_KEEPER);
        }
    }
    kept
}

/// Reads `<family>[.<channel>].<locale>.hbs` into the name within the locale.
fn name_and_locale(file: &str) -> Result<(String, Locale), String> {
    let shape = "name it <family>.<locale>.hbs or <family>.<channel>.<locale>.hbs";
    let stem = file.strip_suffix(".hbs").ok_or(shape)?;
    let (name, locale) = stem.rsplit_once('.').ok_or(shape)?;
    let locale = Locale::parse(locale)
        .ok_or_else(|| format!("`{locale}` is no locale of ours; use `pt-BR` or `en`"))?;
    let (family, channel) = name.split_once('.').unwrap_or((name, ""));
    if Family::parse(family).is_none() && !PARTS.contains(&family) {
        let families: Vec<&str> = Family::ALL.iter().map(|family| family.as_str()).collect();
        let hint = nearest(family, &families)
            .map_or_else(|| shape.to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(format!("`{family}` is no family of replies; {hint}"));
    }
    if !channel.is_empty() && Channel::parse(channel).is_none() {
        return Err(format!(
            "`{channel}` is no channel; use whatsapp, email, web_form, chat, phone or api"
        ));
    }
    Ok((name.to_owned(), locale))
}

/// Returns the known word that a mistyped one most likely meant.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|near| (strsim::jaro_winkler(word, near), *near))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, near)| near)
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

fn read_folder(folder: &Path, files: &mut BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    let unreadable = |file: String, error: &std::io::Error| Problem {
        file,
        line: 1,
        message: format!(
            "cannot be read ({error}); check that it exists, is UTF-8, and its permissions"
        ),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return problems.push(unreadable(folder.display().to_string(), &error)),
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "hbs") {
            continue;
        }
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                files.insert(name, text);
            }
            Err(error) => problems.push(unreadable(name, &error)),
        }
    }
}

/// Finds the first variable that replies do not have, in a branch that a sample may not reach.
fn unknown_variable(template: &Template) -> Option<(usize, String)> {
    template.elements.iter().zip(&template.mapping).find_map(|(element, at)| {
        let in_inner = |inner: Option<&Template>| inner.and_then(unknown_variable);
        match element {
            TemplateElement::Expression(helper)
            | TemplateElement::HtmlExpression(helper)
            | TemplateElement::HelperBlock(helper) => {
                // The name of a call is a helper; alone in braces it is a variable.
                let alone = helper.params.is_empty() && helper.hash.is_empty() && !helper.block;
                let name = alone.then(|| unknown_in(&helper.name)).flatten();
                name.or_else(|| {
                    helper.params.iter().chain(helper.hash.values()).find_map(unknown_in)
                })
                .map(|name| (at.0, name))
                .or_else(|| in_inner(helper.template.as_ref()))
                .or_else(|| in_inner(helper.inverse.as_ref()))
            }
            TemplateElement::PartialExpression(part) | TemplateElement::PartialBlock(part) => part
                .params
                .iter()
                .chain(part.hash.values())
                .find_map(unknown_in)
                .map(|name| (at.0, name))
                .or_else(|| in_inner(part.template.as_ref())),
            _ => None,
        }
    })
}

fn unknown_in(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Name(name) => {
            (!context::VARIABLES.contains(&name.as_str())).then(|| name.clone())
        }
        Parameter::Path(VariablePath::Relative((segments, _))) => {
            segments.iter().find_map(|segment| match segment {
                PathSeg::Named(name) if !context::VARIABLES.contains(&name.as_str()) => {
                    Some(name.clone())
                }
                _ => None,
            })
        }
        Parameter::Subexpression(call) => {
            let params = call.params().into_iter().flatten().find_map(unknown_in);
            params.or_else(|| call.hash().and_then(|hash| hash.values().find_map(unknown_in)))
        }
        _ => None,
    }
}
