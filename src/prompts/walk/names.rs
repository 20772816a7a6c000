//! What a name stands for: looked up as it will be when a case fills the prompt.

use handlebars::Path;

use super::super::variables::{Shape, nearest};
use super::{Held, LOCALS, Walker, raw};

/// A name as it is written.
struct Written {
    /// `@root.`
    from_top: bool,
    /// How many `../`.
    up: usize,
    names: Vec<String>,
}

impl Walker<'_, '_> {
    /// Returns what a name stands for; `None` after telling that there is no such thing.
    pub(super) fn resolve(&mut self, path: &Path) -> Option<Held> {
        if let Path::Local((_, name, raw)) = path {
            return self.local(name, raw);
        }
        let written = written(raw(path));
        let handed = written.names.first().filter(|_| !written.from_top).and_then(|name| {
            self.frames.iter().rev().find_map(|frame| frame.named.get(name)).cloned()
        });
        let (mut held, names) = match handed {
            Some(held) => (held, written.names.get(1..).unwrap_or_default()),
            None => (self.base(&written, raw(path))?, written.names.as_slice()),
        };
        for name in names {
            held = self.part_of(held, name, path)?;
        }
        self.uses.note(&held.path, matches!(held.shape, Shape::Parts(_)));
        Some(held)
    }

    /// `@index`, `@first`, `@last`.
    fn local(&mut self, name: &str, raw: &str) -> Option<Held> {
        let known = LOCALS.contains(&name);
        if known && !self.loops.is_empty() {
            return Some(Held::own());
        }
        if known {
            self.report(
                format!("`{raw}` só existe dentro de {{{{#each}}}}"),
                format!("`{raw}` exists inside {{{{#each}}}} only"),
            );
        } else {
            self.report(
                format!("`{raw}` não existe; há @index, @first e @last, dentro de {{{{#each}}}}"),
                format!(
                    "there is no `{raw}`; there are @index, @first and @last, inside {{{{#each}}}}"
                ),
            );
        }
        None
    }

    fn base(&mut self, written: &Written, raw: &str) -> Option<Held> {
        if written.from_top {
            return self.frames.first().map(|frame| frame.this.clone());
        }
        let found = self.frames.iter().rev().nth(written.up).map(|frame| frame.this.clone());
        if found.is_none() {
            self.report(
                format!("`{raw}` sobe mais níveis do que há aqui; tire um ../"),
                format!("`{raw}` goes up further than there is anything; take a ../ away"),
            );
        }
        found
    }

    fn part_of(&mut self, whole: Held, name: &str, path: &Path) -> Option<Held> {
        match whole.shape {
            Shape::Parts(parts) => {
                if let Some(part) = parts.iter().find(|part| part.name == name) {
                    let path = if whole.path.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{}.{name}", whole.path)
                    };
                    return Some(Held { shape: &part.shape, path, lists: whole.lists });
                }
                self.unknown(&whole, name, path);
            }
            Shape::List(_) => {
                let raw = raw(path);
                let ends = [format!(".{name}"), format!("/{name}"), format!(".[{name}")];
                let end = ends.iter().find_map(|end| raw.find(end)).unwrap_or(raw.len());
                let list = raw.get(..end).unwrap_or_default().to_owned();
                self.report(
                    format!("`{list}` é uma lista; percorra-a com {{{{#each {list}}}}}, e conte os itens com (len {list})"),
                    format!("`{list}` is a list; go through it with {{{{#each {list}}}}}, and count its items with (len {list})"),
                );
            }
            Shape::Own | Shape::Data | Shape::Maybe => self.unknown(&whole, name, path),
        }
        None
    }

    fn unknown(&mut self, whole: &Held, name: &str, path: &Path) {
        let here: Vec<&str> = match whole.shape {
            Shape::Parts(parts) => parts.iter().map(|part| part.name).collect(),
            _ => Vec::new(),
        };
        let mut visible = here.clone();
        visible.extend(self.frames.iter().flat_map(|frame| frame.named.keys().map(String::as_str)));
        let meant = nearest(name, &visible).map(ToOwned::to_owned).or_else(|| self.above(name));
        let raw = raw(path).to_owned();
        let (pt, en) = match meant {
            Some(meant) => super::meant(Some(meant)),
            None if visible.is_empty() => (String::new(), String::new()),
            None => {
                let all = visible.join(", ");
                (format!("; aqui há {all}"), format!("; the variables here are {all}"))
            }
        };
        self.report(
            format!("não há variável `{raw}` aqui{pt}"),
            format!("there is no variable `{raw}` here{en}"),
        );
    }

    /// Looks for a name in what stands around a loop.
    fn above(&self, name: &str) -> Option<String> {
        self.frames.iter().rev().enumerate().skip(1).find_map(|(up, frame)| {
            let Shape::Parts(parts) = frame.this.shape else { return None };
            let known: Vec<&str> = parts.iter().map(|part| part.name).collect();
            nearest(name, &known).map(|near| format!("{}{near}", "../".repeat(up)))
        })
    }
}

fn written(raw: &str) -> Written {
    let mut rest = raw;
    for start in ["this.", "this/", "./"] {
        rest = rest.strip_prefix(start).unwrap_or(rest);
    }
    let top = rest.strip_prefix("@root.").or_else(|| rest.strip_prefix("@root/"));
    let from_top = top.is_some();
    rest = top.unwrap_or(rest);
    let mut up = 0;
    while let Some(next) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("...")) {
        (rest, up) = (next, up + 1);
    }
    let names = rest
        .split(['.', '/'])
        .map(|name| name.trim_matches(['[', ']']).to_owned())
        .filter(|name| name != "this" && !name.is_empty())
        .collect();
    Written { from_top, up, names }
}
