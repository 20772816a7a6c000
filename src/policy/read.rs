//! Reads values out of a policy tree and collects what is wrong with them.
//!
//! A reader never stops: what is missing or wrong becomes a problem and an empty value, so that
//! one run shows every problem of a file. The caller refuses the pack when any was found.

use std::cell::RefCell;

use super::problem::{Complaint, KEY, Noun, Problem, unknown};
use super::yaml::{Key, Node, Place, Source, Yaml};
use crate::domain::decision::LocalText;

/// The problems found so far and the files they may lie in.
pub(super) struct Desk<'s> {
    pub(super) sources: &'s [Source],
    problems: RefCell<Vec<Problem>>,
}

impl<'s> Desk<'s> {
    pub(super) fn new(sources: &'s [Source]) -> Self {
        Self { sources, problems: RefCell::default() }
    }

    pub(super) fn report(&self, at: Place, path: &str, complaint: Complaint) {
        self.problems.borrow_mut().push(Problem {
            file: self.sources.get(at.file).map(|s| s.name.clone()).unwrap_or_default(),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            message: complaint.message,
            hint: complaint.hint,
        });
    }

    pub(super) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        problems.dedup();
        problems
    }
}

/// A value of the tree with its path.
pub(super) struct View<'n, 'd> {
    pub(super) node: &'n Node,
    pub(super) path: String,
    pub(super) desk: &'d Desk<'d>,
}

impl<'n, 'd> View<'n, 'd> {
    pub(super) fn complain(&self, complaint: Complaint) {
        self.desk.report(self.node.at, &self.path, complaint);
    }

    fn wrong_kind(&self, pt_br: &str, en: &str) {
        let (found_pt, found_en) = match &self.node.value {
            Yaml::Null => ("nada", "nothing"),
            Yaml::Bool(_) => ("verdadeiro/falso", "true/false"),
            Yaml::Int(_) | Yaml::Float(_) => ("um número", "a number"),
            Yaml::Text(_) => ("um texto", "a text"),
            Yaml::List(_) => ("uma lista", "a list"),
            Yaml::Map(_) => ("um mapa", "a map"),
        };
        let complaint = Complaint::new(
            format!("esperava {pt_br}, encontrei {found_pt}"),
            format!("expected {en}, found {found_en}"),
        );
        let scalar = matches!(self.node.value, Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_));
        self.complain(if en == "a text" && scalar {
            complaint.hint("ponha o valor entre aspas", "put the value in quotes")
        } else {
            complaint
        });
    }

    /// Returns the text, empty after a problem.
    pub(super) fn text(&self) -> String {
        match &self.node.value {
            Yaml::Text(text) if text.trim().is_empty() => {
                self.complain(Complaint::new("o texto está vazio", "the text is empty"));
                String::new()
            }
            Yaml::Text(text) => text.trim().to_owned(),
            _ => {
                self.wrong_kind("um texto", "a text");
                String::new()
            }
        }
    }

    pub(super) fn bool(&self) -> bool {
        if let Yaml::Bool(value) = self.node.value {
            return value;
        }
        self.wrong_kind("true ou false", "true or false");
        false
    }

    /// Returns a whole number from `least` to `most`.
    pub(super) fn whole(&self, least: u32, most: u32) -> u32 {
        let Yaml::Int(value) = self.node.value else {
            self.wrong_kind("um número inteiro", "a whole number");
            return least;
        };
        let value = u32::try_from(value).ok().filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.complain(Complaint::new(
                format!("o número deve ficar entre {least} e {most}"),
                format!("the number must lie between {least} and {most}"),
            ));
        }
        value.unwrap_or(least)
    }

    /// Returns a number from `least` to `most`.
    #[expect(clippy::cast_precision_loss, reason = "numbers in a policy are small")]
    pub(super) fn number(&self, least: f64, most: f64) -> f64 {
        let value = match self.node.value {
            Yaml::Int(value) => value as f64,
            Yaml::Float(value) => value,
            _ => {
                self.wrong_kind("um número", "a number");
                return least;
            }
        };
        if (least..=most).contains(&value) {
            return value;
        }
        self.complain(Complaint::new(
            format!("o número deve ficar entre {least} e {most}"),
            format!("the number must lie between {least} and {most}"),
        ));
        least
    }

    /// Returns the place of a character of this text: exact where the text stands on one line,
    /// the start of the text otherwise.
    pub(super) fn place_inside(&self, text: &str, offset: Option<usize>) -> Place {
        let at = self.node.at;
        let source = self.desk.sources.get(at.file).map(|source| source.text.as_str());
        let line = source.and_then(|text| text.lines().nth(at.line.checked_sub(1)? as usize));
        let before = at.column.saturating_sub(1) as usize;
        let rest: String = line.unwrap_or_default().chars().skip(before).collect();
        let quote = usize::from(rest.starts_with(['"', '\'']));
        let stands_here = rest.get(quote..).is_some_and(|rest| rest.starts_with(text));
        let Some(offset) = offset.filter(|_| stands_here) else { return at };
        let shift = u32::try_from(quote + offset).unwrap_or(0);
        Place { column: at.column.saturating_add(shift), ..at }
    }

    /// Returns a word of a fixed list.
    pub(super) fn word<T: Copy>(
        &self,
        noun: Noun,
        parse: fn(&str) -> Option<T>,
        all: &[&str],
    ) -> Option<T> {
        let text = self.text();
        if text.is_empty() {
            return None;
        }
        let value = parse(&text);
        if value.is_none() {
            self.complain(unknown(noun, &text, all));
        }
        value
    }

    /// Returns a name that must be among those declared, empty after a problem.
    pub(super) fn name_of(&self, noun: Noun, declared: &[&str]) -> String {
        let text = self.text();
        if text.is_empty() || declared.contains(&text.as_str()) {
            return text;
        }
        self.complain(unknown(noun, &text, declared));
        String::new()
    }

    /// Returns the identifier of a thing: letters, digits, `_`, `-` and `.`.
    pub(super) fn id(&self) -> String {
        let text = self.text();
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !text.is_empty() && (text.len() > 64 || !text.chars().all(fine)) {
            self.complain(
                Complaint::new(
                    "um id tem letras sem acento, números, \"_\", \"-\" e \".\", até 64",
                    "an id has plain letters, digits, \"_\", \"-\" and \".\", up to 64",
                )
                .hint(
                    "o nome bonito, com acentos, vai em \"name\"",
                    "the display name goes into \"name\"",
                ),
            );
        }
        text
    }

    pub(super) fn list(&self) -> Vec<View<'n, 'd>> {
        let Yaml::List(items) = &self.node.value else {
            self.wrong_kind("uma lista", "a list");
            return Vec::new();
        };
        let view = |node: &'n Node| View {
            node,
            path: format!("{}[{}]", self.path, node.index),
            desk: self.desk,
        };
        items.iter().map(view).collect()
    }

    /// Returns the items of a list, or the value itself as the only item.
    pub(super) fn one_or_many(&self) -> Vec<View<'n, 'd>> {
        if matches!(self.node.value, Yaml::List(_)) {
            return self.list();
        }
        vec![View { node: self.node, path: self.path.clone(), desk: self.desk }]
    }

    /// Returns the map and complains about every key that is not known.
    pub(super) fn map(&self, known: &[&str]) -> MapView<'n, 'd> {
        let map = self.open_map();
        for (key, _) in map.entries {
            if !known.contains(&key.name.as_str()) {
                let path = map.path_of(&key.name);
                self.desk.report(key.at, &path, unknown(KEY, &key.name, known));
            }
        }
        map
    }

    /// Returns the map whatever its keys are.
    pub(super) fn open_map(&self) -> MapView<'n, 'd> {
        let entries: Option<&[(Key, Node)]> = match &self.node.value {
            Yaml::Map(entries) => Some(entries),
            _ => None,
        };
        if entries.is_none() {
            self.wrong_kind("um mapa (chave: valor)", "a map (key: value)");
        }
        MapView {
            entries: entries.unwrap_or_default(),
            at: self.node.at,
            path: self.path.clone(),
            desk: self.desk,
            is_map: entries.is_some(),
        }
    }
}

/// The entries of a map with its path.
pub(super) struct MapView<'n, 'd> {
    pub(super) entries: &'n [(Key, Node)],
    pub(super) at: Place,
    pub(super) path: String,
    pub(super) desk: &'d Desk<'d>,
    is_map: bool,
}

impl<'n, 'd> MapView<'n, 'd> {
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn get(&self, key: &str) -> Option<View<'n, 'd>> {
        self.entries.iter().find(|(k, _)| k.name == key).map(|(_, node)| View {
            node,
            path: self.path_of(key),
            desk: self.desk,
        })
    }

    /// Returns the value of a key that must be there.
    pub(super) fn need(&self, key: &str) -> Option<View<'n, 'd>> {
        let found = self.get(key);
        // A value that should have been a map was already complained about.
        if found.is_none() && self.is_map {
            self.desk.report(
                self.at,
                &self.path,
                Complaint::new(
                    format!("falta a chave \"{key}\""),
                    format!("the key \"{key}\" is missing"),
                ),
            );
        }
        found
    }

    pub(super) fn views(&self) -> Vec<(&'n Key, View<'n, 'd>)> {
        self.entries
            .iter()
            .map(|(key, node)| (key, View { node, path: self.path_of(&key.name), desk: self.desk }))
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.need(key).map(|view| view.text()).unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        self.need("id").map(|view| view.id()).unwrap_or_default()
    }

    /// Returns a text in both languages that must be there.
    pub(super) fn local(&self, key: &str) -> LocalText {
        self.need(key).map(|view| local(&view)).unwrap_or_default()
    }

    pub(super) fn list(&self, key: &str) -> Vec<View<'n, 'd>> {
        self.get(key).map(|view| view.list()).unwrap_or_default()
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |view| view.bool())
    }
}

/// Reads a text in both languages; both are needed, because agents of either language read it.
pub(super) fn local(view: &View<'_, '_>) -> LocalText {
    if let Yaml::Text(_) = view.node.value {
        view.complain(
            Complaint::new(
                "este texto precisa das duas línguas",
                "this text is needed in both languages",
            )
            .hint("escreva pt-BR: … e en: …", "write pt-BR: … and en: …"),
        );
        return LocalText::default();
    }
    let map = view.map(&["pt-BR", "en"]);
    LocalText::new(map.text("pt-BR"), map.text("en"))
}
