//! Conditions, loops and pieces: what each lets stand how often.

use std::collections::BTreeMap;

use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement,
};

use super::super::variables::{Shape, nearest};
use super::{BLOCKS, FUNCTIONS, Frame, Held, Inserted, NO_PARTS, Place, Walker, raw};

impl Walker<'_, '_> {
    pub(super) fn block(&mut self, block: &HelperTemplate, line: usize) {
        // What is handed by name (`includeZero=…`) is not followed.
        self.uses.more |= !block.hash.is_empty();
        match block.name.as_name().unwrap_or_default() {
            "if" => self.condition(block, line, true),
            "unless" => self.condition(block, line, false),
            "each" => self.each(block, line),
            name => {
                let (pt, en) = super::meant(nearest(name, BLOCKS).map(|near| format!("#{near}")));
                self.report(
                    format!("`#{name}` não existe em prompts; há #if, #unless e #each{pt}"),
                    format!("prompts have no `#{name}`; there are #if, #unless and #each{en}"),
                );
            }
        }
    }

    fn condition(&mut self, block: &HelperTemplate, line: usize, positive: bool) {
        let [param] = block.params.as_slice() else {
            let name = block.name.as_name().unwrap_or_default();
            return self.report(
                format!("`#{name}` recebe uma só condição, como em {{{{#{name} subject}}}} ou {{{{#{name} (eq channel \"email\")}}}}"),
                format!("`#{name}` takes one condition, as in {{{{#{name} subject}}}} or {{{{#{name} (eq channel \"email\")}}}}"),
            );
        };
        let known = self.tested(param);
        let whole = matches!(param, Parameter::Path(_)).then(|| known.first().cloned()).flatten();
        let (yes, no) = if positive { (known, Vec::new()) } else { (Vec::new(), known) };
        let otherwise = self.else_line(block, line);
        let before = self.inserted.clone();
        self.branch(block.template.as_ref(), line, yes);
        let first = std::mem::replace(&mut self.inserted, before);
        self.branch(block.inverse.as_ref(), otherwise, no);
        self.either(first, whole.as_deref());
    }

    fn branch(&mut self, template: Option<&Template>, line: usize, guards: Vec<String>) {
        let around = self.guards.len();
        self.guards.extend(guards);
        if let Some(template) = template {
            self.template(template, line);
        }
        self.guards.truncate(around);
    }

    /// Joins two ways of which a case takes one. `whole` is what the condition asks for by itself: where it is missing
    /// there is nothing to insert.
    fn either(&mut self, first: Inserted, whole: Option<&str>) {
        let second = std::mem::take(&mut self.inserted);
        let sure = |path: &String| {
            let (one, other) = (first.surely.contains(path), second.surely.contains(path));
            one && other || (one || other) && whole == Some(path)
        };
        let surely =
            first.surely.union(&second.surely).filter(|path| sure(path)).cloned().collect();
        let mut at = second.at;
        at.extend(first.at);
        self.inserted = Inserted { at, surely };
    }

    /// An `{{else if}}` knows no place of its own: its line is looked up in the text.
    fn else_line(&self, block: &HelperTemplate, line: usize) -> usize {
        let chained =
            block.inverse.as_ref().and_then(|inverse| match inverse.elements.as_slice() {
                [TemplateElement::HelperBlock(next)] if inverse.mapping.is_empty() => Some(next),
                _ => None,
            });
        let (Some(next), Some(place)) = (chained, self.at.last()) else { return line };
        let wanted = next.params.first().and_then(first_name).unwrap_or_default();
        let source = self.walk.files.get(&place.file).map_or("", |source| source.text.as_str());
        let ahead = source.lines().skip(place.line.saturating_sub(1)).position(|text| {
            text.split("{{").any(|tag| {
                let tag = tag.trim_start_matches('~').trim_start();
                tag.starts_with("else") && tag.contains(wanted)
            })
        });
        line + ahead.unwrap_or_default()
    }

    /// Looks at a condition; returns the texts that are there where it holds.
    fn tested(&mut self, param: &Parameter) -> Vec<String> {
        match param {
            Parameter::Path(path) => self
                .resolve(path)
                .map(|held| held.path)
                .filter(|path| !path.is_empty())
                .into_iter()
                .collect(),
            Parameter::Subexpression(call) => {
                let TemplateElement::Expression(call) = call.as_element() else {
                    return Vec::new();
                };
                if call.params.is_empty() && call.hash.is_empty() {
                    return self.tested(&call.name);
                }
                self.uses.more |= !call.hash.is_empty();
                let name = call.name.as_name().unwrap_or_default();
                if !FUNCTIONS.contains(&name) {
                    let (pt, en) = super::meant(nearest(name, FUNCTIONS).map(ToOwned::to_owned));
                    let all = FUNCTIONS.join(", ");
                    self.report(
                        format!("`{name}` não é função de condições; há {all}{pt}"),
                        format!("conditions have no function `{name}`; there are {all}{en}"),
                    );
                }
                let known: Vec<String> =
                    call.params.iter().flat_map(|param| self.tested(param)).collect();
                if name == "and" { known } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn each(&mut self, block: &HelperTemplate, line: usize) {
        let [Parameter::Path(path)] = block.params.as_slice() else {
            return self.report(
                "`#each` recebe uma lista, como em {{#each passages}}",
                "`#each` takes a list, as in {{#each passages}}",
            );
        };
        let Some(held) = self.resolve(path) else { return };
        let Shape::List(inner) = held.shape else {
            let name = raw(path);
            return self.report(
                format!("`{name}` não é uma lista; `#each` percorre listas, e para um texto basta {{{{#if {name}}}}}"),
                format!("`{name}` is no list; `#each` goes through lists, and for a text {{{{#if {name}}}}} is enough"),
            );
        };
        let mut lists = held.lists;
        lists.push(held.path.clone());
        let item = Held { shape: inner, path: format!("{}[]", held.path), lists };
        let mut named = BTreeMap::new();
        match &block.block_param {
            Some(BlockParam::Single(one)) => {
                named.extend(one.as_name().map(|name| (name.to_owned(), item.clone())));
            }
            Some(BlockParam::Pair((one, index))) => {
                named.extend(one.as_name().map(|name| (name.to_owned(), item.clone())));
                named.extend(index.as_name().map(|name| (name.to_owned(), Held::own())));
            }
            _ => {}
        }
        let before = self.inserted.clone();
        self.frames.push(Frame { this: item, named });
        self.loops.push(held.path);
        self.branch(block.template.as_ref(), line, Vec::new());
        self.loops.pop();
        self.frames.pop();
        let first = std::mem::replace(&mut self.inserted, before);
        self.branch(block.inverse.as_ref(), line, Vec::new());
        self.either(first, None);
    }

    /// `{{> _rules.en}}`.
    pub(super) fn piece(&mut self, call: &DecoratorTemplate) {
        let Some(name) = call.name.as_name().map(|name| name.trim_matches(['\'', '"', '[', ']']))
        else {
            return self.report(
                "escreva o nome da peça por extenso, como em {{> _data.en}}",
                "write the piece's name out, as in {{> _data.en}}",
            );
        };
        if !name.starts_with('_') {
            return self.report(
                format!("`{name}` não é uma peça; o nome de uma peça começa com _, como _data.en"),
                format!("`{name}` is no piece; a piece's name begins with _, such as _data.en"),
            );
        }
        let file = format!("{name}.hbs");
        let Some(own) = self.walk.files.get(&file).map(|source| source.own) else {
            return self.no_such_piece(name);
        };
        self.pieces.insert(name.to_owned());
        if self.at.iter().any(|place| place.file == file) {
            return self.report(
                format!("a peça `{name}` contém a si mesma; tire {{{{> {name}}}}} daqui"),
                format!("the piece `{name}` contains itself; take {{{{> {name}}}}} out of here"),
            );
        }
        let Some(frame) = self.handed(call) else { return };
        // A piece that does not compile has its own problem.
        let Some(template) = self.walk.registry.get_template(name) else {
            self.unread = true;
            return;
        };
        self.frames.push(frame);
        self.at.push(Place { file, line: 1, own });
        self.template(template, 1);
        self.at.pop();
        self.frames.pop();
    }

    fn no_such_piece(&mut self, name: &str) {
        let known: Vec<&str> = self
            .walk
            .files
            .keys()
            .filter(|file| file.starts_with('_'))
            .map(|file| file.trim_end_matches(".hbs"))
            .collect();
        let (pt, en) = super::meant(nearest(name, &known).map(ToOwned::to_owned));
        self.report(
            format!("não há peça `{name}`; há {}{pt}", known.join(", ")),
            format!("there is no piece `{name}`; there are {}{en}", known.join(", ")),
        );
    }

    /// What names mean inside a piece: as outside, and what it is handed: `{{> _piece passages}}`, `{{> _piece n=1}}`.
    fn handed(&mut self, call: &DecoratorTemplate) -> Option<Frame> {
        let mut this = self.frames.last()?.this.clone();
        match call.params.as_slice() {
            [] => {}
            [Parameter::Path(path)] => this = self.resolve(path)?,
            _ => {
                self.report(
                    "uma peça recebe variáveis: {{> _peça variável}} ou {{> _peça nome=variável}}",
                    "a piece is handed variables: {{> _piece variable}} or {{> _piece name=variable}}",
                );
                return None;
            }
        }
        let mut named = BTreeMap::new();
        for (name, value) in &call.hash {
            let held = match value {
                Parameter::Path(path) => self.resolve(path)?,
                Parameter::Literal(_) => Held::own(),
                _ => {
                    self.computed();
                    return None;
                }
            };
            named.insert(name.clone(), held);
        }
        if !named.is_empty() && !matches!(this.shape, Shape::Parts(_)) {
            this.shape = &NO_PARTS;
        }
        Some(Frame { this, named })
    }
}

/// The first name that a condition asks about.
fn first_name(param: &Parameter) -> Option<&str> {
    match param {
        Parameter::Path(path) => Some(raw(path)),
        Parameter::Subexpression(call) => call.params()?.iter().find_map(first_name),
        _ => None,
    }
}
