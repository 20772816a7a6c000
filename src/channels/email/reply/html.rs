//! A reply as simple HTML.
//!
//! No colours of our own but a grey line beside quoted words, so that a program's dark mode has nothing to fight; no
//! image, style sheet or address that is fetched when the mail is read. Programs drop what stands outside the body, so
//! language and font stand on an element within it too.

use super::markdown::{Block, Span};

const PARAGRAPH: &str = "margin:0 0 16px";
const LIST: &str = "margin:0 0 16px;padding-left:28px";
const ITEM: &str = "margin:0 0 6px";
const QUOTE: &str = "margin:0 0 16px;padding-left:12px;border-left:3px solid #999999";
/// Arial is what Gmail and Outlook write with themselves; sixteen pixels can be read on a phone.
const FONT: &str = "font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5";

/// Wraps a body into a page.
pub(super) fn page(lang: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n</head>\n\
         <body style=\"margin:0;padding:12px\">\n<div lang=\"{lang}\" dir=\"ltr\" style=\"{FONT}\">\n\
         {body}</div>\n</body>\n</html>\n"
    )
}

/// Writes blocks.
pub(super) fn write(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect()
}

/// Writes the lines below a signature's mark.
pub(super) fn signature(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    format!("<p style=\"{PARAGRAPH}\">-- <br>\n{}</p>\n", lines.join("<br>\n"))
}

/// Writes quoted words below the line that announces them. The names are those of Gmail, by which it and others fold
/// quoted words away.
pub(super) fn quote(announced: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    format!(
        "<div class=\"gmail_quote\">\n<div dir=\"ltr\" class=\"gmail_attr\">{}</div>\n\
         <blockquote type=\"cite\" class=\"gmail_quote\" style=\"{QUOTE}\">{}</blockquote>\n</div>\n",
        escape(announced),
        lines.join("<br>\n")
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(lines) => format!("<p style=\"{PARAGRAPH}\">{}</p>\n", lines_of(lines)),
        Block::Heading(words) => {
            format!("<p style=\"{PARAGRAPH}\"><b>{}</b></p>\n", line_of(words))
        }
        Block::Quote(blocks) => {
            format!("<blockquote style=\"{QUOTE}\">{}</blockquote>\n", write(blocks))
        }
        Block::List { first, items } => {
            let (open, tag) = match first {
                None => ("<ul".to_owned(), "ul"),
                Some(1) => ("<ol".to_owned(), "ol"),
                Some(first) => (format!("<ol start=\"{first}\""), "ol"),
            };
            let items: String = items.iter().map(|item| item_of(item)).collect();
            format!("{open} style=\"{LIST}\">\n{items}</{tag}>\n")
        }
    }
}

/// The words of an item stand in it without a paragraph of their own, which some programs would set apart.
fn item_of(blocks: &[Block]) -> String {
    match blocks.split_first() {
        Some((Block::Paragraph(lines), rest)) => {
            format!("<li style=\"{ITEM}\">{}{}</li>\n", lines_of(lines), write(rest))
        }
        _ => format!("<li style=\"{ITEM}\">{}</li>\n", write(blocks)),
    }
}

fn lines_of(lines: &[Vec<Span>]) -> String {
    lines.iter().map(|line| line_of(line)).collect::<Vec<_>>().join("<br>\n")
}

fn line_of(spans: &[Span]) -> String {
    let piece = |span: &Span| match span {
        Span::Text(words) => escape(words),
        Span::Code(words) => format!("<code>{}</code>", escape(words)),
        Span::Bold(inner) => format!("<b>{}</b>", line_of(inner)),
        Span::Italic(inner) => format!("<i>{}</i>", line_of(inner)),
        Span::Link { label, url } => {
            format!("<a href=\"{}\">{}</a>", escape(url), escape(label))
        }
    };
    spans.iter().map(piece).collect()
}

/// Escapes what HTML would read as markup, in text and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
