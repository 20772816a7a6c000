//! The tree of MIME parts (RFC 2045, 2046), walked within bounds.
//!
//! Own code instead of the parser's, because a parser that nests as deep as the mail says
//! lets a stranger choose how much stack and time are spent.

use super::attachment::{self, Inside};
use super::fields::Kind;
use super::headers::{self, Headers};
use super::{AttachmentKind, ReportParts, charset, tnef, transfer};
use crate::channels::email::html;
use crate::domain::file_name::{cut, safe_name};

/// Deepest nesting that is read, in parts and nested mails together.
const MAX_DEPTH: usize = 12;
/// Most parts that are read of one mail.
const MAX_PARTS: usize = 500;
/// Most attachments that are listed.
const MAX_ATTACHMENTS: usize = 200;
/// Most bytes of one text part that are read.
const MAX_TEXT: usize = 1024 * 1024;
/// Most bytes of HTML that are kept to be shown.
const MAX_HTML: usize = 1024 * 1024;
/// Most bytes of one report part that are kept.
const MAX_REPORT: usize = 64 * 1024;
/// A plain part shorter than this, in characters, beside HTML ten times as long is a stub such as
/// "your program cannot show this mail".
const STUB: usize = 200;

/// One part with its fields and its body still encoded.
pub(super) struct Part<'a> {
    pub(super) headers: Headers,
    pub(super) body: &'a [u8],
    /// Where the body stands in the mail; of a part within a nested mail, in that.
    pub(super) start: usize,
}

impl<'a> Part<'a> {
    /// Reads a part that stands at `start`.
    pub(super) fn read(bytes: &'a [u8], start: usize) -> Self {
        let (headers, body) = headers::split(bytes);
        Self { headers, body, start: start + bytes.len() - body.len() }
    }
}

/// A stretch of readable text.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    html: bool,
    /// The HTML that the text was made from.
    markup: Option<String>,
}

/// What a walk gathers.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The best body as plain text.
    pub(super) text: String,
    /// True if the text was made from HTML.
    pub(super) html: bool,
    /// The HTML of the body, also where plain text was the better choice to read.
    pub(super) markup: String,
    /// Everything beside the words.
    pub(super) attachments: Vec<super::Attachment>,
    /// The parts of a report.
    pub(super) report: ReportParts,
    /// The method of a calendar part, in upper case.
    pub(super) calendar_method: Option<String>,
    /// True if a bound cut something off.
    pub(super) truncated: bool,
}

impl Gathered {
    /// Keeps what a piece was made from.
    fn keep_markup(&mut self, piece: &mut Piece) {
        let Some(markup) = piece.markup.take() else { return };
        let room = MAX_HTML.saturating_sub(self.markup.len());
        self.truncated |= markup.len() > room;
        self.markup.push_str(cut(&markup, room));
    }
}

/// Reads the tree below a part.
pub(super) fn gather(root: &Part<'_>) -> Gathered {
    let mut walk = Walk { parts_left: MAX_PARTS, ..Walk::default() };
    let mut pieces = walk.part(root, 0, Inside::default(), "text/plain");
    pieces.retain(|piece| !piece.text.trim().is_empty());
    if pieces.is_empty() {
        pieces = std::mem::take(&mut walk.spare);
        for piece in &mut pieces {
            walk.found.keep_markup(piece);
        }
    }
    let mut found = walk.found;
    found.html = !pieces.is_empty() && pieces.iter().all(|piece| piece.html);
    found.text = pieces
        .iter()
        .map(|p| p.text.trim_start_matches('\n').trim_end())
        .collect::<Vec<_>>()
        .join("\n\n");
    if found.text.len() > MAX_TEXT {
        found.text = cut(&found.text, MAX_TEXT).to_owned();
        found.truncated = true;
    }
    found
}

#[derive(Default)]
struct Walk {
    found: Gathered,
    /// Text from a nested mail or a winmail.dat, used where the mail has none of its own.
    spare: Vec<Piece>,
    parts_left: usize,
}

impl Walk {
    fn part(&mut self, part: &Part<'_>, depth: usize, inside: Inside, usual: &str) -> Vec<Piece> {
        if depth > MAX_DEPTH || self.parts_left == 0 {
            self.found.truncated = true;
            return Vec::new();
        }
        self.parts_left -= 1;
        let kind = Kind::read(&part.headers, "content-type");
        let mime = if is_known(&kind.name) { kind.name.as_str() } else { usual };
        if mime.starts_with("multipart/")
            && let Some(children) = self.children(part, &kind)
        {
            return self.multipart(mime, &children, depth);
        }
        match mime {
            "message/rfc822" | "message/global" => self.nested(part, mime, depth),
            "text/rfc822-headers" | "message/global-headers" => {
                let bytes = self.keep_report(part, mime);
                self.found.report.returned.get_or_insert_with(|| headers::read(&bytes));
                Vec::new()
            }
            "message/delivery-status" | "message/global-delivery-status" => {
                let bytes = self.keep_report(part, mime);
                self.found.report.delivery.push(charset::decode(&bytes, Some("utf-8")));
                Vec::new()
            }
            "message/feedback-report" => {
                let bytes = self.keep_report(part, mime);
                self.found.report.feedback = Some(charset::decode(&bytes, Some("utf-8")));
                Vec::new()
            }
            "message/disposition-notification" => {
                self.keep_report(part, mime);
                self.found.report.disposition = true;
                Vec::new()
            }
            _ => self.leaf(part, &kind, mime, inside),
        }
    }

    fn multipart(&mut self, mime: &str, children: &[Part<'_>], depth: usize) -> Vec<Piece> {
        let usual = if mime == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        let inside = Inside {
            related: mime == "multipart/related",
            alternative: mime == "multipart/alternative",
        };
        let mut results = Vec::with_capacity(children.len());
        for child in children {
            results.push(self.part(child, depth + 1, inside, usual));
        }
        match mime {
            "multipart/alternative" => best_alternative(results),
            // Its first part is the text, the others are files beside it (RFC 2387 §3.4).
            "multipart/related" => {
                results.into_iter().find(|pieces| !pieces.is_empty()).unwrap_or_default()
            }
            _ => results.into_iter().flatten().collect(),
        }
    }

    /// Splits a multipart body; `None` if there is no boundary line in it.
    fn children<'a>(&mut self, part: &Part<'a>, kind: &Kind) -> Option<Vec<Part<'a>>> {
        let stated = kind.parameter("boundary").map(|text| text.as_bytes().trim_ascii_end());
        let guess = || {
            let mut lines = part.body.split(|b| *b == b'\n').take(100).map(<[u8]>::trim_ascii_end);
            lines.find(|line| line.starts_with(b"--") && line.len() > 4)?.get(2..)
        };
        let boundary = stated.filter(|boundary| !boundary.is_empty()).or_else(guess)?;
        let (parts, cut) = split_parts(part.body, boundary, self.parts_left);
        self.found.truncated |= cut;
        let read = |(at, bytes)| Part::read(bytes, part.start + at);
        (!parts.is_empty()).then(|| parts.into_iter().map(read).collect())
    }

    fn nested(&mut self, part: &Part<'_>, mime: &str, depth: usize) -> Vec<Piece> {
        let (mut entry, bytes) = attachment::describe(part, mime, Inside::default());
        let inner = Part::read(&bytes, 0);
        if entry.filename.is_none() {
            let subject = super::fields::subject(&inner.headers);
            entry.filename = safe_name(&format!("{subject}.eml"));
        }
        self.list(entry);
        self.found.report.returned.get_or_insert_with(|| inner.headers.clone());
        // What the nested mail carries is its own; only its words may stand in for missing ones.
        if depth < MAX_DEPTH && self.spare.is_empty() && !inner.headers.is_empty() {
            let mut walk = Self { parts_left: self.parts_left, ..Self::default() };
            let pieces = walk.part(&inner, depth + 1, Inside::default(), "text/plain");
            self.parts_left = walk.parts_left;
            self.found.truncated |= walk.found.truncated;
            self.spare_piece(pieces);
            self.spare_piece(walk.spare);
        }
        Vec::new()
    }

    /// Keeps words for a mail that has none of its own.
    fn spare_piece(&mut self, mut pieces: Vec<Piece>) {
        if self.spare.is_empty() {
            pieces.retain(|piece| !piece.text.trim().is_empty());
            self.spare = pieces;
        }
    }

    fn keep_report(&mut self, part: &Part<'_>, mime: &str) -> Vec<u8> {
        let (entry, bytes) = attachment::describe(part, mime, Inside::default());
        self.list(entry);
        cut_bytes(&bytes, MAX_REPORT).to_vec()
    }

    fn leaf(&mut self, part: &Part<'_>, kind: &Kind, mime: &str, inside: Inside) -> Vec<Piece> {
        let disposition = Kind::read(&part.headers, "content-disposition");
        let named = attachment::file_name(&disposition, kind).is_some();
        let attached = disposition.name == "attachment";
        let is_text = is_words(mime) || mime.starts_with("multipart/");
        if is_text && !attached && !named {
            // A form of the words that only some programs read, such as `text/x-amp-html`.
            let plain_or_html = matches!(mime, "text/plain" | "text/html");
            if inside.alternative && mime.starts_with("text/") && !plain_or_html {
                return Vec::new();
            }
            let encoding = attachment::encoding(&part.headers);
            let bytes = transfer::decode(&encoding, part.body);
            let mut piece = self.piece(&bytes, kind, mime);
            self.found.keep_markup(&mut piece);
            return vec![piece];
        }
        let (entry, bytes) = attachment::describe(part, mime, inside);
        match entry.kind {
            AttachmentKind::Winmail => self.winmail(&bytes),
            AttachmentKind::Calendar => {
                let method = kind
                    .parameter("method")
                    .map(str::to_owned)
                    .or_else(|| calendar_method(cut_bytes(&bytes, MAX_REPORT)));
                let method = method.map(|method| method.trim().to_ascii_uppercase());
                self.found.calendar_method = self.found.calendar_method.take().or(method);
            }
            // Some gateways give the words of the mail a name.
            _ if is_text && !attached && self.spare.is_empty() => {
                let piece = self.piece(&bytes, kind, mime);
                self.spare_piece(vec![piece]);
            }
            _ => {}
        }
        self.list(entry);
        Vec::new()
    }

    fn piece(&mut self, bytes: &[u8], kind: &Kind, mime: &str) -> Piece {
        self.found.truncated |= bytes.len() > MAX_TEXT;
        let text = charset::decode(cut_bytes(bytes, MAX_TEXT), kind.parameter("charset"));
        let html = mime == "text/html";
        // The marks of enriched text (RFC 1896) are tags as well.
        let tagged = html || mime.starts_with("text/enrich") || mime == "text/richtext";
        if !tagged {
            return Piece { text: unflow(text, kind), html, markup: None };
        }
        Piece { text: html::to_text(&text), html, markup: html.then_some(text) }
    }

    fn winmail(&mut self, bytes: &[u8]) {
        let Some(winmail) = tnef::read(bytes) else { return };
        for entry in winmail.attachments {
            self.list(entry);
        }
        let html = winmail.html.as_deref().map(|html| cut(html, MAX_TEXT));
        let markup = |html: &str| Some(html.to_owned());
        let html =
            html.map(|html| Piece { text: html::to_text(html), html: true, markup: markup(html) });
        let plain = winmail.text.map(|text| Piece { text, html: false, markup: None });
        self.spare_piece(plain.or(html).into_iter().collect());
    }

    fn list(&mut self, entry: super::Attachment) {
        if self.found.attachments.len() < MAX_ATTACHMENTS {
            self.found.attachments.push(entry);
        } else {
            self.found.truncated = true;
        }
    }
}

/// True for a content type whose first half is one of the registry's; RFC 2045 §5.2 takes what is misspelled for plain text.
fn is_known(mime: &str) -> bool {
    mime.split_once('/').is_some_and(|(family, _)| {
        matches!(
            family,
            "text"
                | "multipart"
                | "message"
                | "application"
                | "image"
                | "audio"
                | "video"
                | "model"
                | "font"
                | "chemical"
                | "x-world"
        )
    })
}

/// True for text that people write to each other; what programs exchange is a file.
fn is_words(mime: &str) -> bool {
    const FILES: &[&str] = &[
        "calendar",
        "vcard",
        "x-vcard",
        "directory",
        "csv",
        "tab-separated-values",
        "xml",
        "css",
        "javascript",
        "rtf",
    ];
    mime.strip_prefix("text/").is_some_and(|kind| !FILES.contains(&kind))
}

/// Returns the plain alternative if it says something, or else the last one that does: the
/// alternatives stand in order of faithfulness, the best last (RFC 2046 §5.1.4).
fn best_alternative(results: Vec<Vec<Piece>>) -> Vec<Piece> {
    let words = |pieces: &[Piece]| pieces.iter().map(|p| p.text.trim().len()).sum::<usize>();
    let longest = results.iter().map(|pieces| words(pieces)).max().unwrap_or(0);
    let says = |pieces: &[Piece]| {
        let len = words(pieces);
        len > 0 && !(len < STUB && longest > 10 * len)
    };
    let plain = |pieces: &[Piece]| pieces.iter().all(|piece| !piece.html);
    let best = results
        .iter()
        .position(|pieces| plain(pieces) && says(pieces))
        .or_else(|| results.iter().rposition(|pieces| says(pieces)));
    best.and_then(|at| results.into_iter().nth(at)).unwrap_or_default()
}

/// Splits a body at its boundary lines (RFC 2046 §5.1.1); each part with where it begins. True if more parts than `max`
/// were there.
fn split_parts<'a>(body: &'a [u8], boundary: &[u8], max: usize) -> (Vec<(usize, &'a [u8])>, bool) {
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        let next = at + line.len();
        let mark = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary));
        let mark = mark.map(<[u8]>::trim_ascii_end);
        if let Some(end @ (b"" | b"--")) = mark {
            if let Some(start) = start {
                let part = body.get(start..at).unwrap_or_default();
                // The end of line before a boundary belongs to the boundary.
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                parts.push((start, part.strip_suffix(b"\r").unwrap_or(part)));
            }
            start = (end.is_empty()).then_some(next);
            if end == b"--" {
                return (parts, false);
            }
            if parts.len() >= max {
                return (parts, true);
            }
        }
        at = next;
    }
    if let Some(start) = start {
        parts.push((start, body.get(start..).unwrap_or_default()));
    }
    (parts, false)
}

/// Returns the start of bytes, at most `max` of them, without a character of UTF-8 that the end cuts.
fn cut_bytes(bytes: &[u8], max: usize) -> &[u8] {
    let goes_on = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut end = max.min(bytes.len());
    while end + 3 > max && end > 0 && goes_on(end) {
        end -= 1;
    }
    bytes.get(..end).unwrap_or(bytes)
}

/// Joins the soft line ends of `format=flowed` (RFC 3676 §4), quotes and signature mark apart.
fn unflow(text: String, kind: &Kind) -> String {
    if !kind.parameter("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed")) {
        return text;
    }
    let delete_space = kind.parameter("delsp").is_some_and(|yes| yes.eq_ignore_ascii_case("yes"));
    let mut out = String::with_capacity(text.len());
    let mut flowing = false;
    for line in text.lines() {
        let quoted = line.starts_with('>');
        let line = if quoted { line } else { line.strip_prefix(' ').unwrap_or(line) };
        if flowing && (quoted || line == "-- ") {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
        flowing = !quoted && line.ends_with(' ') && line != "-- " && !line.trim().is_empty();
        out.push_str(if flowing && delete_space { line.trim_end_matches(' ') } else { line });
        if !flowing {
            out.push('\n');
        }
    }
    out
}

/// Returns the method that an iCalendar text states (RFC 5546 §1.4).
fn calendar_method(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().take(50);
    lines.find_map(|line| line.strip_prefix("METHOD:").map(|method| method.trim().to_owned()))
}
