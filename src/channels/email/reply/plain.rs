//! A reply as plain text.
//!
//! Paragraphs are one line each, however long: programs wrap them to the reader's window, and a line that was wrapped
//! here would be wrapped again, badly, on a phone.

use super::markdown::{Block, Span};

/// Writes blocks with an empty line between them.
pub(super) fn write(blocks: &[Block]) -> String {
    let mut lines = Vec::new();
    write_blocks(blocks, true, &mut lines);
    lines.join("\n")
}

fn write_blocks(blocks: &[Block], airy: bool, lines: &mut Vec<String>) {
    for (at, block) in blocks.iter().enumerate() {
        // Within an item a list follows its words at once.
        if at > 0 && (airy || !matches!(block, Block::List { .. })) {
            lines.push(String::new());
        }
        match block {
            Block::Paragraph(words) => lines.extend(words.iter().map(|line| line_of(line))),
            Block::Heading(words) => lines.push(line_of(words)),
            Block::Quote(blocks) => {
                let mut inner = Vec::new();
                write_blocks(blocks, true, &mut inner);
                lines.extend(inner.iter().map(|line| quoted(line)));
            }
            Block::List { first, items } => write_list(*first, items, lines),
        }
    }
}

fn write_list(first: Option<u32>, items: &[Vec<Block>], lines: &mut Vec<String>) {
    for (at, item) in (0u32..).zip(items) {
        let marker = match first {
            Some(first) => format!("{}. ", first.saturating_add(at)),
            None => "- ".to_owned(),
        };
        let mut inner = Vec::new();
        write_blocks(item, false, &mut inner);
        for (number, line) in inner.iter().enumerate() {
            let lead = if number == 0 { marker.clone() } else { " ".repeat(marker.len()) };
            lines.push(format!("{lead}{line}").trim_end().to_owned());
        }
    }
}

/// Puts the sign of quoted words before a line.
pub(super) fn quoted(line: &str) -> String {
    if line.is_empty() { ">".to_owned() } else { format!("> {line}") }
}

fn line_of(spans: &[Span]) -> String {
    let mut line = String::new();
    for span in spans {
        match span {
            Span::Text(words) | Span::Code(words) => line.push_str(words),
            Span::Bold(inner) | Span::Italic(inner) => line.push_str(&line_of(inner)),
            Span::Link { label, url } if shown(url) == label || url == label => {
                line.push_str(label);
            }
            // RFC 3986, appendix C: so that a full stop behind it is not taken for a part of it.
            Span::Link { label, url } => {
                line.push_str(label);
                line.push_str(" <");
                line.push_str(shown(url));
                line.push('>');
            }
        }
    }
    line.trim_end().to_owned()
}

/// An address as people read it.
fn shown(url: &str) -> &str {
    url.strip_prefix("mailto:").unwrap_or(url)
}
