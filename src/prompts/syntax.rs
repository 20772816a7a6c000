//! Says in words of people why a template cannot be compiled: which tag is open, and where it was opened.

use handlebars::{Template, TemplateError};

use super::Files;
use crate::domain::decision::LocalText;

/// How many pieces inside each other are followed to the end of the last.
const DEEPEST: usize = 16;

/// A tag of a template.
struct Tag<'a> {
    /// All of it.
    whole: &'a str,
    /// What stands between its braces, without the marks that take blanks away.
    inside: &'a str,
    /// Its line, from 1.
    line: usize,
    /// Where it ends in the text.
    to: usize,
}

/// The tags of a template in order, and the place of one that has no end.
struct Tags<'a> {
    all: Vec<Tag<'a>>,
    open: Option<(usize, &'a str)>,
}

/// Says in which line of its file a template is wrong, and what to do; `above` is how many lines the file has above it.
pub(super) fn explained(text: &str, above: usize, error: &TemplateError) -> (usize, LocalText) {
    let tags = tags(text);
    if let Some((line, start)) = tags.open {
        return (
            above + line,
            LocalText::new(
                format!("`{start}` não está fechado; feche com }}}}"),
                format!("`{start}` is not closed; close it with }}}}"),
            ),
        );
    }
    wrong_tag(&tags.all, above)
        .or_else(|| blocks(&tags.all, above))
        .unwrap_or_else(|| unclear(text, above, error))
}

/// Finds a block that is not closed, or a closing tag that closes nothing.
fn blocks(tags: &[Tag<'_>], above: usize) -> Option<(usize, LocalText)> {
    let mut open: Vec<(&str, &Tag<'_>)> = Vec::new();
    for tag in tags {
        if let Some(block) = tag.inside.strip_prefix('#') {
            open.push((first_word(block.trim_start_matches(['>', '*'])), tag));
        } else if let Some(name) = tag.inside.strip_prefix('/') {
            let name = name.trim();
            match open.pop() {
                Some((block, _)) if block == name => {}
                Some((block, opened)) => {
                    return Some(unclosed(block, opened, Some((name, tag.line)), above));
                }
                None => {
                    return Some((
                        above + tag.line,
                        LocalText::new(
                            format!(
                                "`{{{{/{name}}}}}` não fecha nada; apague-o ou abra antes um {{{{#{name}}}}}"
                            ),
                            format!(
                                "`{{{{/{name}}}}}` closes nothing; delete it or open a {{{{#{name}}}}} before"
                            ),
                        ),
                    ));
                }
            }
        } else if open.is_empty() && (first_word(tag.inside) == "else" || tag.inside == "^") {
            return Some((
                above + tag.line,
                LocalText::new(
                    "`{{else}}` está fora de um bloco; ele fica entre {{#if}} e {{/if}}",
                    "`{{else}}` stands outside of a block; its place is between {{#if}} and {{/if}}",
                ),
            ));
        }
    }
    open.first().map(|(block, opened)| unclosed(block, opened, None, above))
}

fn unclosed(
    block: &str,
    opened: &Tag<'_>,
    by: Option<(&str, usize)>,
    above: usize,
) -> (usize, LocalText) {
    let tag = opened.inside;
    let text = match by.map(|(other, line)| (other, above + line)) {
        Some((other, line)) => LocalText::new(
            format!(
                "`{{{{{tag}}}}}` ainda está aberto quando vem {{{{/{other}}}}}, na linha {line}; feche-o antes com {{{{/{block}}}}}"
            ),
            format!(
                "`{{{{{tag}}}}}` is still open when {{{{/{other}}}}} comes in line {line}; close it before that with {{{{/{block}}}}}"
            ),
        ),
        None => LocalText::new(
            format!("`{{{{{tag}}}}}` não é fechado; falta {{{{/{block}}}}}"),
            format!("`{{{{{tag}}}}}` is never closed; add {{{{/{block}}}}}"),
        ),
    };
    (above + opened.line, text)
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The first tag that is none by itself.
fn wrong_tag(tags: &[Tag<'_>], above: usize) -> Option<(usize, LocalText)> {
    let wrong = tags.iter().find(|tag| {
        let block = tag.inside.strip_prefix('#').map(|rest| rest.trim_start_matches(['>', '*']));
        let text = match block {
            Some(block) => format!("{}{{{{/{}}}}}", tag.whole, first_word(block)),
            None if tag.inside.starts_with('/') => return false,
            None if first_word(tag.inside) == "else" || tag.inside == "^" => return false,
            None => tag.whole.to_owned(),
        };
        Template::compile(&text).is_err()
    })?;
    Some((above + wrong.line, unreadable(wrong.whole)))
}

/// The compiler's place, with what stands there.
fn unclear(text: &str, above: usize, error: &TemplateError) -> (usize, LocalText) {
    let line = error.pos().map_or(1, |(line, _)| line);
    let whole = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    (above + line, unreadable(whole.trim()))
}

fn unreadable(text: &str) -> LocalText {
    let shown: String = text.chars().take(60).collect();
    LocalText::new(
        format!("não dá para ler `{shown}`; confira aspas, chaves e nomes"),
        format!("`{shown}` cannot be read; check quotes, braces and names"),
    )
}

/// Makes pieces stand as they look: the line break behind a piece that has a line to itself stays, which Handlebars
/// would swallow. An empty comment behind it does that, and moves no line. A piece that ends with a block brings its
/// line break along, and is left as it is.
pub(super) fn keeping_lines(text: &str, files: &Files) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut done = 0;
    for tag in tags(text).all.iter().filter(|tag| tag.inside.starts_with('>')) {
        let from = tag.to - tag.whole.len();
        let before = text.get(..from).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let behind = text.get(tag.to..).unwrap_or_default().split('\n').next().unwrap_or_default();
        // A mark that takes blanks away is the writer's wish.
        let wished = tag.whole.starts_with("{{~") || tag.whole.ends_with("~}}");
        let alone = before.trim().is_empty() && behind.trim().is_empty();
        if !wished && alone && !ends_with_block(piece_of(tag.inside), files, 0) {
            kept.push_str(text.get(done..tag.to).unwrap_or_default());
            kept.push_str("{{!}}");
            done = tag.to + behind.len();
        }
    }
    kept.push_str(text.get(done..).unwrap_or_default());
    kept
}

/// The piece that a tag includes.
fn piece_of(inside: &str) -> &str {
    first_word(inside.trim_start_matches('>'))
}

/// Whether the last line of a piece is the end of a block, or a piece of which that holds.
fn ends_with_block(piece: &str, files: &Files, depth: usize) -> bool {
    let Some(source) = files.get(&format!("{piece}.hbs")) else { return false };
    let last = source.text.trim_end().lines().next_back().unwrap_or_default().trim();
    let tags = tags(last).all;
    let [tag] = tags.as_slice() else { return false };
    if tag.whole != last || tag.whole.ends_with("~}}") {
        return false;
    }
    let inner = tag.inside.starts_with('>') && depth < DEEPEST;
    tag.inside.starts_with('/') || inner && ends_with_block(piece_of(tag.inside), files, depth + 1)
}

/// Finds the tags of a template. Comments and what a backslash takes out are none.
fn tags(text: &str) -> Tags<'_> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(ahead) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let from = at + ahead;
        let rest = text.get(from..).unwrap_or_default();
        let line = 1 + text.get(..from).unwrap_or_default().matches('\n').count();
        let braces = rest.chars().take_while(|c| *c == '{').count().min(4);
        if text.get(..from).is_some_and(|before| before.ends_with('\\')) {
            at = from + braces;
            continue;
        }
        let is_comment = rest.starts_with("{{!");
        let end = if rest.starts_with("{{!--") { "--}}" } else { "}}" };
        let inside = rest.get(2..).unwrap_or_default();
        let close = inside.find(end).filter(|close| {
            // A tag that another one interrupts was not closed.
            is_comment || inside.get(braces - 2..*close).is_none_or(|tag| !tag.contains("{{"))
        });
        let Some(close) = close else {
            let start =
                rest.lines().next().unwrap_or_default().chars().take(40).collect::<String>();
            let shown = rest.get(..start.trim_end().len()).unwrap_or_default();
            return Tags { all, open: Some((line, shown)) };
        };
        let last = rest.get(2 + close..).unwrap_or_default().chars().take_while(|c| *c == '}');
        let to = from + 2 + close + if is_comment { end.len() } else { last.count().min(braces) };
        if !is_comment {
            let whole = text.get(from..to).unwrap_or_default();
            let inside = inside.get(..close).unwrap_or_default();
            let inside = inside.trim_matches(|c: char| c.is_whitespace() || c == '~' || c == '{');
            all.push(Tag { whole, inside, line, to });
        }
        at = to;
    }
    Tags { all, open: None }
}
