//! The little Markdown of our replies, read into blocks.
//!
//! A line break stays one, as it does on every other channel: replies are written in lines, not wrapped at a column.
//! Nothing fails: what is no markup stands there as it was written.

/// How deep lists and quotes may stand in one another; what lies deeper is read as plain lines.
const MAX_DEPTH: usize = 4;
/// How deep bold and italic may stand in one another.
const MAX_NESTED_SPANS: usize = 3;
/// How far the end of a mark is looked for, in bytes: nobody sets more than that in bold, and a line of stars costs no
/// more than its length.
const MAX_SPAN: usize = 2_000;
/// How many signs are looked at that might close a mark.
const MAX_CLOSINGS: usize = 16;
/// What may follow an address in running text without being part of it.
const AFTER_LINK: &[char] =
    &['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '"', '»', '”', '’', '…', '*', '_'];

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Lines of a paragraph.
    Paragraph(Vec<Vec<Span>>),
    /// A heading.
    Heading(Vec<Span>),
    /// A list; numbered if it has a first number.
    List { first: Option<u32>, items: Vec<Vec<Block>> },
    /// Words of somebody else.
    Quote(Vec<Block>),
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Words.
    Text(String),
    /// Bold.
    Bold(Vec<Span>),
    /// Italic.
    Italic(Vec<Span>),
    /// To be taken letter by letter.
    Code(String),
    /// A link; its label is the address itself where it has none.
    Link { label: String, url: String },
}

/// Reads a text.
pub(super) fn read(markdown: &str) -> Vec<Block> {
    let clean: String = markdown
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\r' | '\u{2028}' | '\u{2029}' => '\n',
            '\t' => ' ',
            c => c,
        })
        .filter(|c| *c == '\n' || !c.is_control())
        .collect();
    blocks(&clean.split('\n').collect::<Vec<_>>(), 0)
}

fn blocks(mut lines: &[&str], depth: usize) -> Vec<Block> {
    let mut found = Vec::new();
    while let Some((line, rest)) = lines.split_first() {
        if is_blank(line) || is_rule(line) {
            lines = rest;
        } else if depth < MAX_DEPTH && line.trim_start().starts_with('>') {
            let count = lines.iter().take_while(|line| line.trim_start().starts_with('>')).count();
            let (quoted, after) = lines.split_at_checked(count).unwrap_or((lines, &[]));
            let inner: Vec<&str> = quoted.iter().map(|line| unquoted(line)).collect();
            found.push(Block::Quote(blocks(&inner, depth + 1)));
            lines = after;
        } else if let Some(text) = heading(line) {
            found.push(Block::Heading(spans(text)));
            lines = rest;
        } else if let Some(marker) = marker(line).filter(|_| depth < MAX_DEPTH) {
            let (items, after) = list(lines, marker.number.is_some());
            let items = items.iter().map(|item| blocks(item, depth + 1)).collect();
            found.push(Block::List { first: marker.number, items });
            lines = after;
        } else {
            let more = rest.iter().take_while(|line| goes_on(line, depth)).count();
            let (paragraph, after) = lines.split_at_checked(more + 1).unwrap_or((lines, &[]));
            found.push(Block::Paragraph(paragraph.iter().map(|line| spans(line.trim())).collect()));
            lines = after;
        }
    }
    found
}

/// True for a line that belongs to the paragraph above it.
fn goes_on(line: &str, depth: usize) -> bool {
    if is_blank(line) || heading(line).is_some() {
        return false;
    }
    // Beyond the depth everything is plain lines. A number begins a list amid a paragraph only as 1, because "2026." does
    // not.
    depth >= MAX_DEPTH
        || !line.trim_start().starts_with('>')
            && marker(line).is_none_or(|marker| marker.number.is_some_and(|number| number != 1))
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// A line that only draws a rule.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && ["-", "*", "_"].iter().any(|sign| line.replace(sign, "").trim().is_empty())
}

fn unquoted(line: &str) -> &str {
    let line = line.trim_start();
    let line = line.strip_prefix('>').unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line)
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    let text = rest.strip_prefix(' ').map(str::trim)?;
    ((1..=6).contains(&level) && !text.is_empty()).then_some(text)
}

/// What begins an item of a list.
struct Marker<'a> {
    number: Option<u32>,
    /// Where the words begin.
    width: usize,
    rest: &'a str,
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let body = line.trim_start_matches(' ');
    let indent = line.len() - body.len();
    let (number, rest) = if let Some(rest) = body.strip_prefix(['-', '*', '+', '•']) {
        (None, rest)
    } else {
        let digits = body.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = body.get(..digits).filter(|_| digits <= 4)?.parse().ok()?;
        (Some(number), body.get(digits..)?.strip_prefix(['.', ')'])?)
    };
    let words = rest.strip_prefix(' ')?;
    let width = indent + (body.len() - words.len());
    (!words.trim().is_empty()).then_some(Marker { number, width, rest: words })
}

/// Splits the lines of a list into those of its items, and returns what follows the list.
fn list<'a, 'b>(lines: &'b [&'a str], numbered: bool) -> (Vec<Vec<&'a str>>, &'b [&'a str]) {
    let mut items: Vec<Vec<&str>> = Vec::new();
    let (mut rest, mut width, mut own_indent) = (lines, 0, None);
    while let Some((line, after)) = rest.split_first() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let item = marker(line).filter(|m| {
            m.number.is_some() == numbered && own_indent.is_none_or(|own| indent <= own + 1)
        });
        if let Some(found) = item {
            own_indent = own_indent.or(Some(indent));
            width = found.width;
            items.push(vec![found.rest]);
        } else if is_blank(line) {
            // Empty lines belong to the list if it goes on behind them.
            let next = after.iter().find(|line| !is_blank(line));
            let goes_on = next.is_some_and(|line| {
                let deeper = line.len() - line.trim_start_matches(' ').len();
                deeper >= own_indent.unwrap_or(0) + 2
                    || marker(line).is_some_and(|m| m.number.is_some() == numbered)
            });
            if !goes_on {
                return (items, after);
            }
            if let Some(item) = items.last_mut() {
                item.push("");
            }
        } else if indent >= own_indent.unwrap_or(0) + 2 {
            if let Some(item) = items.last_mut() {
                item.push(line.get(indent.min(width)..).unwrap_or(line));
            }
        } else {
            return (items, rest);
        }
        rest = after;
    }
    (items, rest)
}

fn spans(line: &str) -> Vec<Span> {
    let mut found = Vec::new();
    spans_into(line, 0, &mut found);
    found
}

/// Reads a line piece by piece. `before` is the letter in front of the rest, because a star amid a word is no mark.
fn spans_into(line: &str, depth: usize, found: &mut Vec<Span>) {
    let (mut rest, mut words, mut before) = (line, String::new(), ' ');
    while let Some(c) = rest.chars().next() {
        if let Some((span, after)) = mark(rest, before, depth) {
            if !words.is_empty() {
                found.push(Span::Text(std::mem::take(&mut words)));
            }
            before = match &span {
                Span::Text(_) => 'x',
                _ => ' ',
            };
            match span {
                // An escaped sign.
                Span::Text(text) => words.push_str(&text),
                span => found.push(span),
            }
            rest = after;
        } else {
            words.push(c);
            before = c;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    if !words.is_empty() {
        found.push(Span::Text(words));
    }
}

fn mark(rest: &str, before: char, depth: usize) -> Option<(Span, &str)> {
    match rest.chars().next()? {
        '\\' => {
            let sign = rest.get(1..)?.chars().next().filter(char::is_ascii_punctuation)?;
            Some((Span::Text(sign.to_string()), rest.get(2..)?))
        }
        '`' => {
            let ticks = if rest.starts_with("```") { "```" } else { "`" };
            let (inner, after) = until(rest.strip_prefix(ticks)?, ticks)?;
            Some((Span::Code(inner.trim().to_owned()), after))
        }
        '!' => rest.strip_prefix('!').and_then(labelled_link),
        '[' => labelled_link(rest),
        '<' => {
            let (url, after) = until(rest.strip_prefix('<')?, ">")?;
            is_web(url).then(|| (Span::Link { label: url.to_owned(), url: url.to_owned() }, after))
        }
        'h' if !before.is_alphanumeric() => bare_link(rest),
        '*' | '_' if depth < MAX_NESTED_SPANS => emphasis(rest, before, depth),
        _ => None,
    }
}

fn labelled_link(rest: &str) -> Option<(Span, &str)> {
    let (label, after) = until(rest.strip_prefix('[')?, "](")?;
    let (url, after) = until(after, ")")?;
    let label: String = plain_of(label);
    if label.trim().is_empty() || url.is_empty() || url.contains(char::is_whitespace) {
        return None;
    }
    if !is_web(url) && !url.starts_with("mailto:") {
        // A link inside the knowledge tree leads nowhere for a customer, and any other scheme may do harm.
        return Some((Span::Text(label), after));
    }
    // A label that reads as an address of its own must not hide where it leads.
    let reads_as_address = label.contains("://") || label.starts_with("www.");
    let label = if reads_as_address { url.to_owned() } else { label };
    Some((Span::Link { label, url: url.to_owned() }, after))
}

/// The words of a label without marks.
fn plain_of(label: &str) -> String {
    label.replace("**", "").replace('`', "").trim().to_owned()
}

fn bare_link(rest: &str) -> Option<(Span, &str)> {
    let end = rest.find(|c: char| c.is_whitespace() || "<>\"`|".contains(c)).unwrap_or(rest.len());
    let url = rest.get(..end)?;
    // A closing bracket belongs to the address only if it opened there.
    let balanced = url.contains('(') && url.ends_with(')');
    let url = if balanced { url } else { url.trim_end_matches(AFTER_LINK) };
    if !is_web(url) {
        return None;
    }
    Some((Span::Link { label: url.to_owned(), url: url.to_owned() }, rest.get(url.len()..)?))
}

/// Bold or italic. Signs that stand alone or within a word, as in `2 * 3` and `snake_case`, are none.
fn emphasis(rest: &str, before: char, depth: usize) -> Option<(Span, &str)> {
    let sign = rest.get(..1)?;
    let double = rest.get(..2).filter(|two| two.chars().all(|c| sign.contains(c)));
    let mark = double.unwrap_or(sign);
    if before.is_alphanumeric() && (mark.len() == 1 || sign == "_") {
        return None;
    }
    let inner_on = rest.strip_prefix(mark)?;
    if inner_on.starts_with(|c: char| c.is_whitespace()) {
        return None;
    }
    let (inner, after) = closing(inner_on, mark)?;
    let mut spans = Vec::new();
    spans_into(inner, depth + 1, &mut spans);
    Some((if mark.len() == 2 { Span::Bold(spans) } else { Span::Italic(spans) }, after))
}

/// Finds the mark that closes: behind a letter, before none, and for a single sign no double one.
fn closing<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let sign = mark.get(..1)?;
    let mut from = 0;
    for _ in 0..MAX_CLOSINGS {
        let at = from + text.get(from..)?.find(mark)?;
        let after = text.get(at + mark.len()..)?;
        let run = after.len() - after.trim_start_matches(sign).len();
        if mark.len() == 1 && run > 0 {
            from = at + 1 + run;
            continue;
        }
        // Of three in a row the first belongs to what is within.
        let at = at + run;
        let (inner, after) = (text.get(..at)?, text.get(at + mark.len()..)?);
        let behind_word = inner.ends_with(|c: char| !c.is_whitespace());
        let before_word = after.starts_with(char::is_alphanumeric);
        let single_fits = mark.len() == 2 && sign == "*" || !before_word;
        if behind_word && single_fits && at <= MAX_SPAN {
            return Some((inner, after));
        }
        from = at + mark.len();
    }
    None
}

/// Splits at an end that must not be far.
fn until<'a>(text: &'a str, end: &str) -> Option<(&'a str, &'a str)> {
    let window = text.get(..text.floor_char_boundary(MAX_SPAN)).unwrap_or(text);
    let at = window.find(end)?;
    Some((text.get(..at)?, text.get(at + end.len()..)?)).filter(|(inner, _)| !inner.is_empty())
}

/// True for an address that a browser opens, without signs that end an attribute.
fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(char::is_alphanumeric)
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c))
    })
}
