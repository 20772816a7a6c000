//! Follows a compiled prompt into its branches, loops and pieces: every variable exists, somebody else's words get in
//! through `data` alone, below `=== user`, and each of them once.
//!
//! What a sample happens not to reach is followed too, so that no case is the first to try it.

mod blocks;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};
use handlebars::{Handlebars, Path};

use super::kept::{CANARY, Uses};
use super::variables::{Asked, Shape};
use super::{Files, Problem};
use crate::domain::decision::LocalText;

/// What conditions may compute.
const FUNCTIONS: &[&str] = &["eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len"];
/// The blocks that prompts have.
const BLOCKS: &[&str] = &["if", "unless", "each"];
/// What a loop tells of itself.
const LOCALS: &[&str] = &["index", "first", "last"];

static OWN: Shape = Shape::Own;
static NO_PARTS: Shape = Shape::Parts(&[]);

/// A part of a prompt file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The instructions.
    System,
    /// The case.
    User,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: String,
    line: usize,
    /// Of the team's folder.
    own: bool,
}

/// What a name stands for.
#[derive(Clone, Debug)]
struct Held {
    shape: &'static Shape,
    /// As it is written from the top: `passages[].text`.
    path: String,
    /// The lists that have to be gone through to reach it.
    lists: Vec<String>,
}

impl Held {
    fn own() -> Self {
        Self { shape: &OWN, path: String::new(), lists: Vec::new() }
    }
}

/// What names mean in a block.
#[derive(Clone, Debug)]
struct Frame {
    this: Held,
    named: BTreeMap<String, Held>,
}

/// What has been inserted up to a place.
#[derive(Clone, Debug, Default)]
struct Inserted {
    /// Each text with the place of it, from the prompt's own file inwards.
    at: BTreeMap<String, Vec<Place>>,
    /// What stands there in every case.
    surely: BTreeSet<String>,
}

/// What a walk came to.
pub(super) struct Walked {
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// The pieces that were used.
    pub(super) pieces: BTreeSet<String>,
    /// What the instructions depend on, and what the case's part does.
    pub(super) uses: (Uses, Uses),
}

/// A prompt to walk through: its name in the folder, and its parts with the number of lines above them.
pub(super) struct Walk<'a> {
    pub(super) registry: &'a Handlebars<'static>,
    pub(super) files: &'a Files,
    pub(super) asked: &'static Asked,
    pub(super) file: &'a str,
}

impl Walk<'_> {
    /// Follows both parts.
    pub(super) fn parts(&self, system: (usize, &Template), user: (usize, &Template)) -> Walked {
        let mut walker = Walker {
            walk: self,
            part: Part::System,
            above: system.0,
            at: Vec::new(),
            frames: Vec::new(),
            loops: Vec::new(),
            guards: Vec::new(),
            inserted: Inserted::default(),
            problems: Vec::new(),
            pieces: BTreeSet::new(),
            unread: false,
            uses: Uses::default(),
        };
        walker.part(Part::System, system);
        if !walker.inserted.surely.contains(CANARY) {
            walker.report_whole(
                system.0,
                "falta nas instruções {{canary}}, que denuncia um modelo que obedeceu a um cliente; escreva-o, ou a peça \
                 que o contém, abaixo de `=== system`, fora de condições",
                "the instructions lack {{canary}}, which catches a model that obeys a customer; write it, or the \
                 piece that holds it, below `=== system`, outside any condition",
            );
        }
        let of_system = std::mem::take(&mut walker.uses);
        walker.part(Part::User, user);
        walker.lacking(user.0);
        Walked { problems: walker.problems, pieces: walker.pieces, uses: (of_system, walker.uses) }
    }
}

struct Walker<'w, 'a> {
    walk: &'w Walk<'a>,
    part: Part,
    /// Lines above the part in its file.
    above: usize,
    /// The place in the prompt's file, then in each piece that leads here.
    at: Vec<Place>,
    frames: Vec<Frame>,
    /// The lists of the loops around.
    loops: Vec<String>,
    /// What the conditions around say is there.
    guards: Vec<String>,
    inserted: Inserted,
    problems: Vec<Problem>,
    pieces: BTreeSet<String>,
    /// A piece could not be read: what is missing may stand in it.
    unread: bool,
    uses: Uses,
}

impl Walker<'_, '_> {
    fn part(&mut self, part: Part, (above, template): (usize, &Template)) {
        let top =
            Held { shape: &self.walk.asked.variables, path: String::new(), lists: Vec::new() };
        (self.part, self.above) = (part, above);
        self.inserted = Inserted::default();
        self.frames = vec![Frame { this: top, named: BTreeMap::new() }];
        self.at = vec![self.whole(above)];
        self.template(template, 1);
    }

    /// The prompt's file, at the line of a part's mark.
    fn whole(&self, line: usize) -> Place {
        let file = self.walk.file.to_owned();
        let own = self.walk.files.get(&file).is_some_and(|source| source.own);
        Place { file, line, own }
    }

    /// Tells which words of the case stand nowhere, or not always.
    fn lacking(&mut self, line: usize) {
        for path in self.walk.asked.shown {
            let there = self.inserted.at.contains_key(*path);
            let always = self.inserted.surely.contains(*path) || path.contains("[]");
            if there && always {
                continue;
            }
            let write = example(path);
            let (pt, en) = if there {
                (
                    format!(
                        "`{path}` só entra em alguns casos; tire {write} de dentro da condição"
                    ),
                    format!(
                        "`{path}` is inserted in some cases only; take {write} out of the condition"
                    ),
                )
            } else {
                (
                    format!(
                        "o modelo precisa ler `{path}`; escreva {write}, ou a peça que o contém, abaixo de `=== user`"
                    ),
                    format!(
                        "the model has to read `{path}`; write {write}, or the piece that holds it, below `=== user`"
                    ),
                )
            };
            self.report_whole(line, &pt, &en);
        }
    }

    fn report(&mut self, pt: impl Into<String>, en: impl Into<String>) {
        let chain = self.at.clone();
        self.report_chain(&chain, pt.into(), en.into());
    }

    /// Tells a problem at the innermost place that the team can edit.
    fn report_chain(&mut self, chain: &[Place], mut pt: String, mut en: String) {
        let Some(inner) = chain.last() else { return };
        let place = chain.iter().rev().find(|place| place.own).unwrap_or(inner).clone();
        if place != *inner {
            let piece = inner.file.trim_end_matches(".hbs");
            pt = format!("na peça `{piece}`, linha {}: {pt}", inner.line);
            en = format!("in the piece `{piece}`, line {}: {en}", inner.line);
        }
        self.report_at(place, pt, en);
    }

    /// Tells what is missing from a part; where the file is not the team's own, its pieces are what to look at.
    fn report_whole(&mut self, line: usize, pt: &str, en: &str) {
        if self.unread {
            return;
        }
        let place = self.whole(line);
        let (mut pt, mut en) = (pt.to_owned(), en.to_owned());
        let pieces = self.own_pieces();
        if !place.own && !pieces.is_empty() {
            pt = format!("com {pieces}, {pt}");
            en = format!("with {pieces}, {en}");
        }
        self.report_at(place, pt, en);
    }

    fn own_pieces(&self) -> String {
        let files = self.pieces.iter().map(|name| format!("{name}.hbs"));
        let own = files.filter(|file| self.walk.files.get(file).is_some_and(|source| source.own));
        own.collect::<Vec<_>>().join(", ")
    }

    fn report_at(&mut self, place: Place, pt: String, en: String) {
        let message = LocalText::new(pt, en);
        self.problems.push(Problem { file: place.file, line: place.line, message });
    }

    fn line(&mut self, line: usize) {
        let above = if self.at.len() == 1 { self.above } else { 0 };
        if let Some(place) = self.at.last_mut() {
            place.line = above + line;
        }
    }

    /// Follows a template; `near` is the line of what stands around it, from the top of its part or piece.
    fn template(&mut self, template: &Template, near: usize) {
        for (at, element) in template.elements.iter().enumerate() {
            let line = template.mapping.get(at).map_or(near, |place| place.0);
            self.line(line);
            match element {
                TemplateElement::Expression(call) => self.expression(call),
                TemplateElement::HtmlExpression(call) => self.unescaped(call),
                TemplateElement::HelperBlock(block) => self.block(block, line),
                TemplateElement::PartialExpression(piece) => self.piece(piece),
                TemplateElement::PartialBlock(_)
                | TemplateElement::DecoratorExpression(_)
                | TemplateElement::DecoratorBlock(_) => self.report(
                    "prompts não definem peças dentro de si; ponha a peça em um arquivo _nome.hbs e escreva {{> _nome}}",
                    "prompts define no pieces inside themselves; put the piece into a file _name.hbs and write {{> _name}}",
                ),
                _ => {}
            }
        }
    }

    /// `{{brand}}`, `{{data "customer" message}}`.
    fn expression(&mut self, call: &HelperTemplate) {
        if call.params.is_empty() && call.hash.is_empty() {
            return match &call.name {
                Parameter::Path(path) => self.printed(path),
                _ => self.computed(),
            };
        }
        match call.name.as_name() {
            Some("data") => self.data(call),
            name => {
                let name = name.unwrap_or_default();
                self.report(
                    format!(
                        "`{name}` não é função de prompts; o que escreve texto é {{{{data \"nome\" variável}}}}, e condições usam {{{{#if}}}}"
                    ),
                    format!(
                        "`{name}` is no function of prompts; {{{{data \"name\" variable}}}} writes text, and conditions use {{{{#if}}}}"
                    ),
                );
            }
        }
    }

    fn computed(&mut self) {
        self.report(
            "contas entre parênteses só valem em {{#if}} e {{#unless}}",
            "calls in parentheses are for {{#if}} and {{#unless}} alone",
        );
    }

    /// `{{{message}}}` and `{{&message}}`, which elsewhere mean "do not escape".
    fn unescaped(&mut self, call: &HelperTemplate) {
        let name = call.name.as_name().unwrap_or_default().to_owned();
        let own = match &call.name {
            Parameter::Path(path) if call.params.is_empty() => {
                let told = self.problems.len();
                let held = self.resolve(path);
                if self.problems.len() > told {
                    return;
                }
                held.is_some_and(|held| matches!(held.shape, Shape::Own))
            }
            _ => false,
        };
        if own {
            self.report(
                format!("escreva {{{{{name}}}}} com duas chaves: em prompts nada é escapado, e três chaves ou & não mudam nada"),
                format!("write {{{{{name}}}}} with two braces: nothing is escaped in a prompt, and three braces or & change nothing"),
            );
        } else {
            self.report(
                format!(
                    "três chaves ou & poriam palavras de outras pessoas soltas no prompt, onde seriam lidas como ordens; \
                     escreva {{{{data \"nome\" {name}}}}} abaixo de `=== user`"
                ),
                format!(
                    "three braces or & would put somebody else's words loose into the prompt, where they read as orders; \
                     write {{{{data \"name\" {name}}}}} below `=== user`"
                ),
            );
        }
    }

    fn printed(&mut self, path: &Path) {
        let Some(held) = self.resolve(path) else { return };
        let name = raw(path).to_owned();
        match held.shape {
            Shape::Own => {
                if held.path == CANARY {
                    self.uses.note_canary_written();
                    self.inserted.surely.insert(held.path);
                }
            }
            Shape::Data | Shape::Maybe if self.part == Part::System => self.misplaced(&name),
            Shape::Data | Shape::Maybe => self.report(
                format!(
                    "`{name}` traz palavras de outras pessoas; escreva {{{{data \"nome\" {name}}}}}"
                ),
                format!("`{name}` holds somebody else's words; write {{{{data \"name\" {name}}}}}"),
            ),
            Shape::List(_) => self.report(
                format!(
                    "`{name}` é uma lista; percorra-a com {{{{#each {name}}}}} … {{{{/each}}}}"
                ),
                format!(
                    "`{name}` is a list; go through it with {{{{#each {name}}}}} … {{{{/each}}}}"
                ),
            ),
            Shape::Parts(parts) => {
                let names = parts.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
                self.report(
                    format!("`{name}` tem partes; escreva uma delas: {names}"),
                    format!("`{name}` has parts; write one of them: {names}"),
                );
            }
        }
    }

    fn misplaced(&mut self, name: &str) {
        self.report(
            format!(
                "`{name}` traz palavras de outras pessoas, que não entram nas instruções; leve para baixo de `=== user`, \
                 como {{{{data \"nome\" {name}}}}}"
            ),
            format!(
                "`{name}` holds somebody else's words, which do not belong among the instructions; move it below \
                 `=== user`, as {{{{data \"name\" {name}}}}}"
            ),
        );
    }

    /// `{{data "name" text}}`.
    fn data(&mut self, call: &HelperTemplate) {
        let ([name, Parameter::Path(text)], true) = (call.params.as_slice(), call.hash.is_empty())
        else {
            return self.report(
                "`data` recebe um nome e uma variável, como em {{data \"customer\" message}}",
                "`data` takes a name and a variable, as in {{data \"customer\" message}}",
            );
        };
        self.uses.marks = true;
        self.mark_name(name);
        let Some(held) = self.resolve(text) else { return };
        let written = raw(text).to_owned();
        match held.shape {
            Shape::Own => {}
            Shape::Data | Shape::Maybe if self.part == Part::System => self.misplaced(&written),
            Shape::Data | Shape::Maybe => self.insert(held, &written),
            Shape::List(_) | Shape::Parts(_) => self.report(
                format!("`{written}` não é um texto; percorra a lista com {{{{#each}}}} e dê o texto de cada item a `data`"),
                format!("`{written}` is no text; go through the list with {{{{#each}}}} and give `data` the text of each item"),
            ),
        }
    }

    /// The name beside the mark is written as it is, so it must be the program's or the team's own.
    fn mark_name(&mut self, name: &Parameter) {
        let plain = match name {
            Parameter::Literal(value) => value.as_str().is_some_and(|word| {
                !word.is_empty()
                    && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
            }),
            Parameter::Path(path) => match self.resolve(path) {
                Some(held) => matches!(held.shape, Shape::Own),
                None => return,
            },
            _ => false,
        };
        if !plain {
            self.report(
                "o nome dado a `data` é uma palavra entre aspas, de letras, números e hífens, como \"customer\"",
                "the name that `data` gets is a word in quotes, of letters, digits and hyphens, such as \"customer\"",
            );
        }
    }

    fn insert(&mut self, held: Held, written: &str) {
        let path = held.path;
        if matches!(held.shape, Shape::Maybe) && !self.guards.contains(&path) {
            self.report(
                format!("`{written}` pode faltar; escreva {{{{#if {written}}}}} … {{{{/if}}}} em volta"),
                format!("`{written}` may be missing; write {{{{#if {written}}}}} … {{{{/if}}}} around it"),
            );
        }
        if self.loops != held.lists {
            let list = self.loops.last().cloned().unwrap_or_default();
            self.report(
                format!("`{written}` entraria uma vez por item de `{list}`; cada texto entra uma só vez: tire-o de {{{{#each}}}}"),
                format!("`{written}` would be inserted once for every item of `{list}`; a text is inserted once: take it out of {{{{#each}}}}"),
            );
        }
        if let Some(first) = self.inserted.at.get(&path).cloned() {
            return self.twice(&first, written);
        }
        self.inserted.surely.insert(path.clone());
        self.inserted.at.insert(path, self.at.clone());
    }

    /// Tells a second insertion at its own place; where one piece stands twice, at the second of its own.
    fn twice(&mut self, first: &[Place], written: &str) {
        let second = self.at.clone();
        let differ = second.iter().zip(first).position(|(a, b)| a != b);
        let same_end = second.last() == first.last();
        let shown = match differ {
            Some(at) if same_end => second.get(..=at).unwrap_or_default(),
            _ => second.as_slice(),
        };
        let before = match differ {
            Some(at) if same_end => first.get(at),
            _ => first.last(),
        };
        let (file, line) = before.map_or(("", 0), |place| (place.file.as_str(), place.line));
        self.report_chain(
            shown,
            format!(
                "`{written}` entra aqui pela segunda vez; a primeira está em {file}, linha {line}. O texto de um cliente \
                 ou artigo entra uma só vez: apague uma das duas"
            ),
            format!(
                "`{written}` is inserted a second time here; the first is in {file}, line {line}. A customer's or an \
                 article's text is inserted once: delete one of the two"
            ),
        );
    }
}

/// How a text is inserted.
fn example(path: &str) -> String {
    match path.split_once("[]") {
        None => {
            format!("{{{{data \"{}\" {path}}}}}", if path == "message" { "customer" } else { path })
        }
        Some((list, rest)) => {
            let text = if rest.is_empty() { "this" } else { rest.trim_start_matches('.') };
            format!(
                "{{{{#each {list}}}}}{{{{data \"{}\" {text}}}}}{{{{/each}}}}",
                list.trim_end_matches('s')
            )
        }
    }
}

/// Asks whether something else was meant, in both languages.
pub(super) fn meant(near: Option<String>) -> (String, String) {
    near.map_or_else(Default::default, |near| {
        (format!("; você quis dizer `{near}`?"), format!("; did you mean `{near}`?"))
    })
}

/// A name as it is written.
fn raw(path: &Path) -> &str {
    match path {
        Path::Relative((_, raw)) | Path::Local((_, _, raw)) => raw,
    }
}
