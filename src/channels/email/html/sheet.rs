//! The rules of `<style>` elements, as far as they bear on what is seen.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::colour::Paint;
use super::style::{Declared, WHITE};

/// Most rules that are kept.
const MAX_RULES: usize = 500;

/// Rules by class and by id.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    classes: BTreeMap<String, Declared>,
    ids: BTreeMap<String, Declared>,
    /// True if something is painted by a rule that is not followed here, so that no part of the page is known to be white.
    paints_elsewhere: bool,
}

impl Sheet {
    /// Returns what lies behind letters where no element says anything.
    pub(super) fn page(&self) -> Option<Paint> {
        (!self.paints_elsewhere).then_some(WHITE)
    }

    /// Returns the rules for an element, the ones that win last.
    pub(super) fn rules<'a>(
        &'a self,
        classes: &'a str,
        id: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Declared> + 'a {
        let known = |rules: &'a BTreeMap<String, Declared>, name: &str| {
            if rules.is_empty() { None } else { rules.get(&name.to_ascii_lowercase()) }
        };
        let by_class =
            classes.split_ascii_whitespace().filter_map(move |one| known(&self.classes, one));
        by_class.chain(id.and_then(|id| known(&self.ids, id)))
    }

    /// Reads the rules whose selector is one class or one id. What stands in an at-rule holds only on some screens and is
    /// passed over.
    pub(super) fn read(&mut self, sheet: &str) {
        let sheet = plain(sheet);
        let mut rest: &str = &sheet;
        while let Some((selectors, tail)) = rest.split_once('{') {
            let selectors = selectors.rsplit(['}', ';']).next().unwrap_or_default();
            let selectors = selectors.replace("<!--", " ");
            if selectors.trim_start().starts_with('@') {
                let (block, after) = split_block(tail);
                self.paints_elsewhere |= block.contains("background");
                rest = after;
                continue;
            }
            let (body, tail) = tail.split_once('}').unwrap_or((tail, ""));
            rest = tail;
            let declared = Declared::read(body);
            if declared.says_something() {
                for selector in selectors.split(',').map(str::trim) {
                    self.add(selector, &declared);
                }
            }
        }
    }

    fn add(&mut self, selector: &str, declared: &Declared) {
        let simple = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        };
        let (element, name) = selector.split_once(['.', '#']).unwrap_or_default();
        let full = self.classes.len() + self.ids.len() >= MAX_RULES;
        if full || !simple(name) || !(element.is_empty() || simple(element)) {
            self.paints_elsewhere |= declared.paints();
        } else if selector.contains('#') {
            self.ids.insert(name.to_owned(), declared.clone());
        } else {
            self.classes.insert(name.to_owned(), declared.clone());
        }
    }
}

/// Returns a style in lower case without comments, its escapes undone: browsers read past both, and so must whoever looks
/// for what is hidden. Mails rarely state a document type, and without one even names of classes differ not by case.
pub(super) fn plain(style: &str) -> Cow<'_, str> {
    if !style.contains(['\\', '/']) && !style.contains(|c: char| c.is_ascii_uppercase()) {
        return Cow::Borrowed(style);
    }
    let mut out = String::with_capacity(style.len());
    let mut rest = style;
    while let Some(at) = rest.find(['\\', '/']) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(head);
        if let Some(comment) = tail.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if let Some(escaped) = tail.strip_prefix('\\') {
            rest = unescape(escaped, &mut out);
        } else {
            out.push('/');
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out.make_ascii_lowercase();
    Cow::Owned(out)
}

/// Writes the character of an escape and returns what stands behind it (CSS Syntax §4.3.7).
fn unescape<'a>(escaped: &'a str, out: &mut String) -> &'a str {
    let digits = escaped.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
    let (code, rest) = escaped.split_at_checked(digits).unwrap_or((escaped, ""));
    if let Ok(code) = u32::from_str_radix(code, 16) {
        out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
        return rest.strip_prefix([' ', '\t', '\n']).unwrap_or(rest);
    }
    let mut chars = escaped.chars();
    out.extend(chars.next());
    chars.as_str()
}

/// Splits what stands in a block that was opened just before from what stands behind its end.
fn split_block(text: &str) -> (&str, &str) {
    let mut open = 1usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            let after = text.get(at + 1..).unwrap_or_default();
            return (text.get(..at).unwrap_or_default(), after);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_sheet_hide_classes_and_ids() {
        let mut sheet = Sheet::default();
        sheet.read(
            "<!-- .a, p.b { display:none } @media (max-width:9px) { .c { display:none } } /* .z{display:none} */ \
             #d{opacity:0} .e .f{display:none} .g{margin:0} @import url(x); .H{font-size:0}",
        );
        let classes: Vec<_> = sheet.classes.keys().map(String::as_str).collect();
        assert_eq!(classes, ["a", "b", "h"]);
        assert!(sheet.ids.contains_key("d"));
        assert_eq!(sheet.page(), Some(WHITE));
    }

    #[test]
    fn a_page_is_white_only_where_nothing_else_paints_it() {
        for (text, white) in [
            (".a{background:#000}", true),
            ("body{background:#000}", false),
            ("td, .a{background-color:navy}", false),
            (".a .b{background:url(x)}", false),
            ("@media screen{.a{background:#000}}", false),
            ("body{color:#333}", true),
        ] {
            let mut sheet = Sheet::default();
            sheet.read(text);
            assert_eq!(sheet.page().is_some(), white, "{text}");
        }
    }

    #[test]
    fn comments_and_escapes_are_read_past() {
        for (style, expected) in [
            ("a:b", "a:b"),
            ("DISPLAY:none", "display:none"),
            ("display:/**/none/*", "display:none"),
            ("d\\69splay:n\\6f ne", "display:none"),
            ("a\\:b\\", "a:b"),
            ("url(http://x/y)", "url(http://x/y)"),
            ("é/*ç*/ã", "éã"),
        ] {
            assert_eq!(plain(style), expected, "{style}");
        }
    }
}
