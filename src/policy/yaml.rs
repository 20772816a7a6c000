//! A policy file as a tree in which every value knows its line, and the overlaying of trees.
//!
//! Decoding from this tree, instead of straight into structs, lets one run report every problem
//! and lets an overlay keep the place of each value it inherits.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::problem::{Complaint, Problem, shortened};
use crate::domain::decision::LocalText;

/// The largest policy file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// Where a value stands. Line and column count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A file of policy by its name and text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name used in messages, usually the path.
    pub name: String,
    /// The YAML.
    pub text: String,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Place,
    /// The position in its list, in the file that wrote it; overlays shift lists, files do not.
    pub(super) index: usize,
    pub(super) value: Yaml,
}

/// A YAML value. Only `true` and `false` are booleans, so that `no` and `off` stay words.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) at: Place,
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Yaml::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, n)| n),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads one file. The problem is the parser's, because nothing can be read past it.
pub(super) fn parse(file: usize, source: &Source) -> Result<Node, Vec<Problem>> {
    let problem = |line, column, complaint: Complaint| Problem {
        file: source.name.clone(),
        line,
        column,
        path: String::new(),
        message: complaint.message,
        hint: complaint.hint,
    };
    if source.text.len() > MAX_BYTES {
        let complaint = Complaint::new("o arquivo passa de 1 MiB", "the file is larger than 1 MiB")
            .hint("divida a política e use \"extends\"", "split the policy and use \"extends\"");
        return Err(vec![problem(0, 0, complaint)]);
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_events: 200_000,
            max_aliases: 200,
            max_anchors: 200,
            max_depth: 40,
            max_buffered_comment_events: 4_000,
        },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(&source.text, options) {
        Ok(raw) => Ok(raw.value.into_node(file, raw.referenced)),
        Err(error) => {
            let at = error.location().unwrap_or(Location::UNKNOWN);
            Err(vec![problem(small(at.line()), small(at.column()), yaml_complaint(&error))])
        }
    }
}

/// Translates the parser's words where people meet them often.
fn yaml_complaint(error: &serde_saphyr::Error) -> Complaint {
    let words = error.without_snippet().to_string();
    let words = words.lines().next().unwrap_or_default();
    let words = words.split(" at line ").next().unwrap_or_default();
    if let Some((_, key)) = words.split_once("duplicate mapping key:") {
        let key = shortened(key.split(',').next().unwrap_or_default().trim());
        return Complaint::new(
            format!("a chave \"{key}\" aparece duas vezes"),
            format!("the key \"{key}\" appears twice"),
        )
        .hint("junte as duas ou apague uma", "join the two or delete one");
    }
    if words.contains("budget breached") {
        return Complaint::new(
            "o arquivo tem níveis ou repetições (&, *) demais",
            "the file has too many levels or repetitions (&, *)",
        )
        .hint("escreva os valores por extenso", "write the values out");
    }
    if words.contains("multiple YAML documents") {
        return Complaint::new(
            "há mais de um documento (---) no arquivo",
            "there is more than one document (---) in the file",
        )
        .hint("separe em arquivos", "put each into a file of its own");
    }
    if words.contains("merge keys") {
        return Complaint::new("\"<<\" não é usado aqui", "\"<<\" is not used here")
            .hint("use \"extends\" no topo do arquivo", "use \"extends\" at the top of the file");
    }
    Complaint::new(format!("YAML inválido: {words}"), format!("invalid YAML: {words}")).hint(
        "confira o recuo, as aspas e os dois-pontos desta linha e da anterior",
        "check indentation, quotes and colons on this line and the one before",
    )
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn place(file: usize, at: Location) -> Place {
    Place { file, line: small(at.line()), column: small(at.column()) }
}

/// What serde hands over, before the file's number is known.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl Raw {
    fn into_node(self, file: usize, at: Location) -> Node {
        let value = match self {
            Self::Null => Yaml::Null,
            Self::Bool(value) => Yaml::Bool(value),
            Self::Int(value) => Yaml::Int(value),
            Self::Float(value) => Yaml::Float(value),
            Self::Text(value) => Yaml::Text(value),
            Self::List(items) => Yaml::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| Node {
                        index,
                        ..item.value.into_node(file, item.referenced)
                    })
                    .collect(),
            ),
            Self::Map(entries) => Yaml::Map(
                entries
                    .into_iter()
                    .map(|(key, node)| {
                        let key = Key { at: place(file, key.referenced), name: key.value };
                        (key, node.value.into_node(file, node.referenced))
                    })
                    .collect(),
            ),
        };
        Node { at: place(file, at), index: 0, value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Raw, E> {
        i64::try_from(value).map(Raw::Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Raw, E> {
        i64::try_from(value).map(Raw::Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Raw, E> {
        i64::try_from(value).map(Raw::Int).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Raw>>()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map: Vec<(Spanned<String>, Spanned<Raw>)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Raw>>()? {
            if map.iter().any(|(earlier, _)| earlier.value == key.value) {
                return Err(A::Error::custom(format!("duplicate mapping key: {}", key.value)));
            }
            map.push((key, value));
        }
        Ok(Raw::Map(map))
    }
}

/// Lays one tree over another: maps are joined key by key, lists of things with an `id` are
/// joined thing by thing, everything else of the upper tree replaces what lies below.
pub(super) fn overlay(below: Node, above: Node) -> Node {
    let Node { at, index, value: above } = above;
    let value = match (below.value, above) {
        (Yaml::Map(below), Yaml::Map(above)) => Yaml::Map(overlay_maps(below, above)),
        (Yaml::List(below), Yaml::List(above)) if has_ids(&below) && has_ids(&above) => {
            Yaml::List(overlay_lists(below, above, false))
        }
        (_, above) => above,
    };
    Node { at, index, value }
}

fn overlay_maps(mut below: Vec<(Key, Node)>, above: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    for (key, node) in above {
        let Some(slot) = below.iter_mut().find(|(k, _)| k.name == key.name) else {
            below.push((key, node));
            continue;
        };
        let old = std::mem::replace(&mut slot.1, nothing(key.at));
        // The first matching row of the routing table wins, so a company's own rows must stand
        // before the pack's catch-all.
        slot.1 = match (old.value, node.value) {
            (Yaml::List(old), Yaml::List(new))
                if key.name == "routing" && has_ids(&old) && has_ids(&new) =>
            {
                Node { value: Yaml::List(overlay_lists(old, new, true)), ..nothing(node.at) }
            }
            (below, above) => overlay(
                Node { value: below, ..nothing(old.at) },
                Node { value: above, ..nothing(node.at) },
            ),
        };
        slot.0 = key;
    }
    below
}

/// Joins two lists of things with ids. With `new_first`, new things stand before the old ones;
/// otherwise each stands after the thing that the upper list names before it, or last.
fn overlay_lists(mut below: Vec<Node>, above: Vec<Node>, new_first: bool) -> Vec<Node> {
    let mut first = Vec::new();
    let mut previous = None;
    for node in above {
        let id = node.get("id").and_then(Node::as_text).map(str::to_owned);
        let same = |other: &Node| other.get("id").and_then(Node::as_text) == id.as_deref();
        let known = below.iter().position(same);
        if let Some(slot) = known.and_then(|index| below.get_mut(index)) {
            let old = std::mem::replace(slot, nothing(node.at));
            *slot = overlay(old, node);
            previous = known;
        } else if new_first {
            first.push(node);
        } else {
            let index = previous.map_or(below.len(), |index| index + 1);
            below.insert(index.min(below.len()), node);
            previous = Some(index);
        }
    }
    first.append(&mut below);
    first
}

fn nothing(at: Place) -> Node {
    Node { at, index: 0, value: Yaml::Null }
}

/// Returns the things of one file that repeat the id of an earlier one in the same list.
pub(super) fn repeated_ids(node: &Node) -> Vec<(Place, String)> {
    let mut repeated = Vec::new();
    match &node.value {
        Yaml::List(items) => {
            let mut seen = BTreeSet::new();
            for item in items {
                let id = item.get("id").and_then(Node::as_text);
                if let Some(id) = id.filter(|id| !seen.insert(*id)) {
                    repeated.push((item.at, id.to_owned()));
                }
                repeated.extend(repeated_ids(item));
            }
        }
        Yaml::Map(entries) => {
            repeated.extend(entries.iter().flat_map(|(_, node)| repeated_ids(node)));
        }
        _ => {}
    }
    repeated
}

fn has_ids(list: &[Node]) -> bool {
    list.iter().all(|node| node.get("id").and_then(Node::as_text).is_some())
}

/// Makes a problem that concerns a file as a whole.
pub(super) fn file_problem(name: &str, message: LocalText, hint: Option<LocalText>) -> Problem {
    Problem { file: name.to_owned(), line: 0, column: 0, path: String::new(), message, hint }
}
