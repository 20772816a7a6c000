//! HTML mail to readable plain text.
//!
//! Built on a tokenizer that follows the standard and takes linear time. The tree is followed only
//! as far as it decides what is seen and what is quoted; what is nested deeper than any person
//! would keeps its words and loses its shape.

mod colour;
mod element;
mod sheet;
mod style;
mod writer;

#[cfg(test)]
mod tests;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use self::element::{Role, closes, is_boundary, is_special, is_void, role};
use self::sheet::Sheet;
use self::style::{Attributes, Look};
use self::writer::{RULE, Writer};

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 256;
/// Longest link address that is written out, in bytes.
const MAX_LINK: usize = 300;
/// Longest cell of a table, in bytes, that stays on one line with the next.
const MAX_CELL: usize = 80;
/// First of the characters that stand for images: Unicode keeps them for private use.
const FIRST_MARK: u32 = 0xe000;
/// How many there are.
const MARKED_MAX: u32 = 6400;
/// Opens a signature (RFC 3676 §4.3).
const SIGNATURE: &str = "-- ";

/// Returns the words of an HTML mail as a reader would see them. Lines that it marks as quoted
/// begin with `> `, and a signature that it marks as such stands behind a line `-- `.
pub fn to_text(html: &str) -> String {
    read(html, Page::default()).writer.finish()
}

/// Returns the words like [`to_text`], with a mark in the place of each image that came with the mail, and what the page calls
/// those images. A mark is one character that words do not have; [`mark`] gives it by the image's place in the list.
pub(super) fn with_images(html: &str) -> (String, Vec<String>) {
    let page = read(html, Page { images: Some(Vec::new()), ..Page::default() });
    (page.writer.finish(), page.images.unwrap_or_default())
}

/// Returns the mark of an image. No letter, digit or space, so that a line of it reads like no sentence and no number.
pub(super) fn mark(place: usize) -> Option<char> {
    let place = u32::try_from(place).ok().filter(|place| *place < MARKED_MAX)?;
    char::from_u32(FIRST_MARK + place)
}

fn read(html: &str, mut page: Page) -> Page {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => page.start(&tag),
            Token::EndTag(tag) => page.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page
}

/// An element that is open.
struct Open {
    name: String,
    look: Look,
    /// How many quotes it stands in.
    quotes: usize,
    preformatted: bool,
    link: Option<Link>,
    /// For a list: how many items it had, if they are numbered.
    items: Option<usize>,
    /// For a cell: where its text begins.
    cell_start: usize,
    /// True for Word's paragraphs, which have no space between them.
    tight: bool,
    role: Role,
    /// For a row: whether the last cell was short enough for the next to follow on its line.
    joins: bool,
}

struct Link {
    address: String,
    start: usize,
}

#[derive(Default)]
struct Page {
    writer: Writer,
    open: Vec<Open>,
    sheet: Sheet,
    /// Elements beyond [`MAX_DEPTH`] that are open.
    beyond: usize,
    /// True if one of those hides what it holds. They are not told apart, so all of them then do.
    beyond_hides: bool,
    /// True once a mark was seen behind which everything is quoted.
    rest_quoted: bool,
    /// What images of the mail itself are called, where their places are to be marked.
    images: Option<Vec<String>>,
}

impl Page {
    fn look(&self) -> Look {
        self.open.last().map(|open| open.look).unwrap_or_default()
    }

    fn is_hidden(&self) -> bool {
        (self.beyond > 0 && self.beyond_hides) || self.look().is_hidden(&self.sheet)
    }

    fn quotes(&self) -> usize {
        self.open.last().map_or(0, |open| open.quotes) + usize::from(self.rest_quoted)
    }

    fn text(&mut self, text: &str) {
        if self.open.last().is_some_and(|open| open.name == "style") {
            self.sheet.read(text);
            return;
        }
        if self.is_hidden() {
            return;
        }
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        if self.open.last().is_some_and(|open| open.preformatted) {
            self.writer.preformatted(&text, self.quotes());
        } else {
            self.writer.text(&text, self.quotes());
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let attributes: Vec<(String, String)> =
            tag.attributes.iter().map(|(key, value)| (lossy(key), lossy(&value.value))).collect();
        let attributes = Attributes(&attributes);
        self.close_implied(&name);
        let role = role(&name, &attributes);
        let look = self.look().within(&attributes, &self.sheet);
        let look = if role == Role::Unseen { look.gone() } else { look };
        let hidden = look.is_hidden(&self.sheet);
        if !hidden && !self.is_hidden() {
            self.before(&name, role, &attributes);
        }
        if is_void(&name) || (tag.self_closing && hidden) {
            return;
        }
        if self.open.len() >= MAX_DEPTH {
            self.beyond_hides = hidden || (self.beyond > 0 && self.beyond_hides);
            self.beyond += 1;
            return;
        }
        let outer = self.open.last();
        let quotes = outer.map_or(0, |open| open.quotes) + usize::from(role == Role::Quote);
        let preformatted = outer.is_some_and(|open| open.preformatted)
            || matches!(name.as_str(), "pre" | "textarea" | "xmp");
        let start = self.writer.position();
        let link = (name == "a").then(|| attributes.get("href")).flatten();
        let link = link.map(|address| Link { address: address.trim().to_owned(), start });
        let items = (name == "ol").then_some(0);
        let tight = is_tight(&attributes);
        self.open.push(Open {
            name,
            look,
            quotes,
            preformatted,
            link,
            items,
            cell_start: start,
            tight,
            role,
            joins: false,
        });
    }

    /// Writes what an element brings before its content.
    fn before(&mut self, name: &str, role: Role, attributes: &Attributes<'_>) {
        match role {
            Role::Signature if self.quotes() == 0 => self.writer.announce(SIGNATURE),
            Role::RestQuoted => self.rest_quoted = true,
            _ => {}
        }
        match name {
            "br" => self.writer.one_more_line(),
            "hr" => {
                self.writer.line();
                self.writer.text(RULE, self.quotes());
                self.writer.line();
            }
            "p" if is_tight(attributes) => self.writer.line(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" => {
                self.writer.paragraph();
            }
            "li" => self.item(),
            "tr" => self.writer.end_row(),
            "td" | "th" => self.cell(),
            "img" => self.image(attributes),
            _ if is_special(name) => self.writer.line(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.writer.line();
        let lists = self.open.iter().filter(|open| matches!(open.name.as_str(), "ul" | "ol"));
        let indent = "  ".repeat(lists.count().saturating_sub(1).min(5));
        let list = self.open.iter_mut().rev().find(|o| matches!(o.name.as_str(), "ul" | "ol"));
        let bullet = match list.and_then(|list| list.items.as_mut()) {
            Some(items) => {
                *items += 1;
                format!("{indent}{items}.")
            }
            None => format!("{indent}-"),
        };
        let quotes = self.quotes();
        self.writer.preformatted(&bullet, quotes);
        self.writer.text(" ", quotes);
    }

    /// A cell follows a short one on the same line, so that a row of figures stays a row.
    fn cell(&mut self) {
        let joins = self.open.last().is_some_and(|row| row.name == "tr" && row.joins);
        if joins {
            self.writer.join(" | ");
        } else {
            self.writer.line();
        }
    }

    fn image(&mut self, attributes: &Attributes<'_>) {
        let alt = attributes.get("alt").unwrap_or_default().trim();
        let is_file = [".png", ".jpg", ".jpeg", ".gif"].iter().any(|end| alt.ends_with(end));
        let is_tiny = ["width", "height"].iter().any(|side| {
            attributes.get(side).is_some_and(|value| matches!(value.trim(), "0" | "1"))
        });
        if let Some(images) = self.images.as_mut()
            && let Some(id) = attributes.get("src").and_then(own_image)
            && let Some(mark) = mark(images.len()).filter(|_| !is_tiny)
        {
            images.push(id);
            let quotes = self.quotes();
            self.writer.text(mark.encode_utf8(&mut [0; 4]), quotes);
            return;
        }
        if alt.is_empty() || alt.len() > 100 || is_file || is_tiny {
            return;
        }
        let quotes = self.quotes();
        self.writer.text(&format!("[{alt}]"), quotes);
    }

    /// Closes what the start of an element ends without saying so.
    fn close_implied(&mut self, name: &str) {
        loop {
            let nearest = self.open.iter().rposition(|open| {
                closes(name, &open.name)
                    || is_boundary(&open.name)
                    || (name == "li" && matches!(open.name.as_str(), "ul" | "ol"))
                    || (matches!(name, "dt" | "dd") && open.name == "dl")
            });
            let Some(at) = nearest else { return };
            if !self.open.get(at).is_some_and(|open| closes(name, &open.name)) {
                return;
            }
            self.close_to(at);
        }
    }

    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        match name {
            "br" => return self.writer.one_more_line(),
            "p" if !self.open.iter().any(|open| open.name == "p") => self.writer.paragraph(),
            _ => {}
        }
        let inline = !is_special(name);
        let found = self.open.iter().rposition(|open| {
            open.name == name
                || (inline && is_special(&open.name))
                || (is_boundary(&open.name) && !is_boundary(name))
        });
        if let Some(at) = found
            && self.open.get(at).is_some_and(|open| open.name == name)
        {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, at: usize) {
        while self.open.len() > at {
            let Some(closed) = self.open.pop() else { return };
            self.after(closed);
        }
    }

    /// Writes what an element brings behind its content.
    fn after(&mut self, closed: Open) {
        if closed.look.is_hidden(&self.sheet) {
            return;
        }
        if closed.role == Role::Signature {
            self.writer.withdraw();
        }
        if let Some(link) = closed.link {
            let shown = self.writer.since(link.start).trim().to_owned();
            if let Some(address) = worth_showing(&link.address, &shown) {
                let quotes = self.quotes();
                self.writer.text(&format!(" ({address})"), quotes);
            }
            return;
        }
        match closed.name.as_str() {
            "td" | "th" => {
                let written = self.writer.since(closed.cell_start);
                // What stands before the first word of a cell is the end of the line before it.
                let cell = written.trim();
                let joins = !cell.is_empty() && cell.len() <= MAX_CELL && !cell.contains('\n');
                if let Some(row) = self.open.last_mut() {
                    row.joins = joins;
                }
            }
            "tr" => self.writer.end_row(),
            "p" if closed.tight => self.writer.line(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" => {
                self.writer.paragraph();
            }
            name if is_special(name) => self.writer.line(),
            _ => {}
        }
    }
}

/// Returns what an address calls an image of the mail itself (RFC 2392).
fn own_image(address: &str) -> Option<String> {
    let (scheme, id) = address.trim().split_once(':')?;
    let id = id.trim().replace("%40", "@");
    (scheme.eq_ignore_ascii_case("cid") && !id.is_empty()).then_some(id)
}

fn is_tight(attributes: &Attributes<'_>) -> bool {
    attributes.get("class").is_some_and(|class| class.starts_with("Mso"))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Characters without width, which mails use to fill or to split words.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        || (c.is_control() && !c.is_whitespace())
}

/// Returns a link's address if it says more than the text that it stands under.
fn worth_showing(address: &str, shown: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    let scheme = lower.split_once(':').map(|(scheme, _)| scheme)?;
    let bare = match scheme {
        "http" | "https" => address,
        "mailto" | "tel" => address.get(scheme.len() + 1..)?.split('?').next()?,
        _ => return None,
    };
    let same = |text: &str| {
        let text = text.trim().to_lowercase();
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        let text = text.trim_start_matches("www.").trim_end_matches('/');
        text.chars().filter(|c| !matches!(c, ' ' | '(' | ')' | '-' | '<' | '>')).collect::<String>()
    };
    if shown.is_empty() || same(shown) == same(bare) {
        return None;
    }
    let cut = super::parse::cut(bare, MAX_LINK);
    let plain: String = cut.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let more = if cut.len() < bare.len() { "…" } else { "" };
    (!plain.is_empty()).then(|| format!("{plain}{more}"))
}
