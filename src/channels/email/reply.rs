//! Writes a reply to a customer as the bytes of a mail.
//!
//! It depends on its input alone: every attempt of a reply has the same bytes, its Message-ID and date included, so one
//! that arrives twice is known for what it is. It holds the same words as plain text and as simple HTML, and nothing that
//! a mail program would fetch. Text of others (subjects, names, ids, quoted words) never becomes a header or markup.
//!
//! Never looked at in a real Gmail, Outlook or phone: how the HTML looks there, in light and dark, whether the quoted words
//! are folded away, and whether a thread stays one where the subject was changed.

mod address;
mod html;
mod markdown;
mod plain;
mod thread;

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, FixedOffset, Utc};
use lettre::Message;
use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

pub use self::address::Address;
pub use self::thread::Parent;
use crate::channels::mail::SUPPRESSED;
use crate::domain::labels::Locale;

/// How the name reads where a person answers, unless the business says otherwise.
pub const PERSON_STYLE: &str = "{person} ({business})";
/// Most lines of the customer's own words that go back to them.
const MAX_QUOTED_LINES: usize = 40;
/// Most characters of them.
const MAX_QUOTED: usize = 3_000;
/// Longest value of the loop header.
const MAX_LOOP_MARK: usize = 64;
/// Most characters of an attachment's name.
const MAX_FILE_NAME: usize = 120;

/// Who answers. Machines of others decide by it whether to answer back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author<'a> {
    /// Nobody looked at it: an automatic answer.
    Automatic,
    /// A person wrote or approved it: no machine's answer (RFC 3834 §2).
    Person {
        /// The name that customers may see; `None` where the business stands for all.
        name: Option<&'a str>,
        /// How name and business are put together; see [`PERSON_STYLE`].
        style: &'a str,
    },
    /// A message about something that happened, such as an outage, which answers nothing.
    Notice,
}

/// One side of a mail.
#[derive(Clone, Copy)]
pub struct Party<'a> {
    /// The address.
    pub address: &'a str,
    /// The name; empty where none is known.
    pub name: &'a str,
}

/// The message of the customer's that is quoted below the reply.
#[derive(Clone, Copy)]
pub struct Quote<'a> {
    /// Who wrote it.
    pub name: &'a str,
    /// When, in the time of the business.
    pub at: DateTime<FixedOffset>,
    /// Its words without what they quoted themselves.
    pub text: &'a str,
}

/// A file that goes along.
#[derive(Clone, Copy)]
pub struct Attachment<'a> {
    /// Its name; folders in it are left out.
    pub name: &'a str,
    /// Its type; one that is none is sent as bytes of no known type.
    pub mime: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// A reply before it is written.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// The business.
    pub from: Party<'a>,
    /// The customer.
    pub to: Party<'a>,
    /// Where answers go, usually an address that names the ticket; `None` for the address of the business.
    pub reply_to: Option<&'a str>,
    /// The subject of the ticket.
    pub subject: &'a str,
    /// The mail that is answered; `None` for a message that answers none.
    pub parent: Option<Parent<'a>>,
    /// The id of this mail, minted and stored before.
    pub message_id: &'a str,
    /// When it was written.
    pub date: DateTime<Utc>,
    /// The words, in our small Markdown.
    pub body: &'a str,
    /// Lines below the words; none where the body ends with its own.
    pub signature: &'a [String],
    /// The customer's message below all.
    pub quote: Option<Quote<'a>>,
    /// Files.
    pub attachments: &'a [Attachment<'a>],
    /// The language of the words.
    pub locale: Locale,
    /// Who answers.
    pub author: Author<'a>,
    /// The business's own opaque value, by which it knows its mails when they come back.
    pub loop_mark: &'a str,
}

/// A reply as it leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// Its Message-ID without angle brackets.
    pub message_id: String,
    /// Whom a server is told that it is from.
    pub from: Address,
    /// Whom it is for.
    pub to: Address,
    /// The mail, ASCII with CRLF.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a customer is told reaches no log by accident.
        f.debug_struct("Written")
            .field("message_id", &self.message_id)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Why a reply cannot be written, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The sender is no address.
    #[error("the address of the business is not one mail address; write it as support@example.com")]
    From,
    /// The recipient is no address.
    #[error(
        "the customer's address is not one mail address that servers take; correct it or reply on another channel"
    )]
    To,
    /// Answers would go nowhere.
    #[error("the address for answers is not one mail address; write it as support@example.com")]
    ReplyTo,
    /// The id cannot stand in a header.
    #[error("the Message-ID is not of the form name@example.com in ASCII; mint another one")]
    MessageId,
    /// The value cannot stand in a header.
    #[error(
        "the loop mark is not 1 to 64 letters, digits, '.', '-' or '_' in ASCII; choose another one"
    )]
    LoopMark,
    /// There is nothing to say.
    #[error("the reply is empty; write it or attach a file")]
    Empty,
}

impl WriteError {
    /// Returns the words of a locale.
    pub fn in_locale(self, locale: Locale) -> String {
        let pt = match self {
            _ if locale == Locale::En => return self.to_string(),
            Self::From => {
                "O endereço da empresa não é um endereço de e-mail; escreva-o como suporte@exemplo.com.br."
            }
            Self::To => {
                "O endereço do cliente não é um endereço que os servidores aceitem; corrija-o ou responda por outro canal."
            }
            Self::ReplyTo => {
                "O endereço para respostas não é um endereço de e-mail; escreva-o como suporte@exemplo.com.br."
            }
            Self::MessageId => {
                "O Message-ID não tem a forma nome@exemplo.com.br em ASCII; gere outro."
            }
            Self::LoopMark => {
                "A marca contra laços precisa ter de 1 a 64 letras sem acento, números, '.', '-' ou '_'; escolha outra."
            }
            Self::Empty => "A resposta está vazia; escreva algo ou anexe um arquivo.",
        };
        pt.to_owned()
    }
}

/// Writes a reply.
pub fn write(reply: &Reply<'_>) -> Result<Written, WriteError> {
    let from = Address::parse(reply.from.address).ok_or(WriteError::From)?;
    let to = Address::parse(reply.to.address).ok_or(WriteError::To)?;
    let reply_to = reply.reply_to.map(|text| Address::parse(text).ok_or(WriteError::ReplyTo));
    let reply_to = reply_to.transpose()?;
    let message_id = thread::valid_id(reply.message_id).ok_or(WriteError::MessageId)?;
    let content = content(reply, message_id)?;

    let business = address::display_name(reply.from.name);
    let named = |name: Option<String>, address: &Address| Mailbox::new(name, address.to_lettre());
    let subject = match reply.parent {
        Some(_) => thread::reply_subject(reply.subject),
        None => thread::fresh_subject(reply.subject),
    };
    // Dates before 1970 have no spelling in the library.
    let date = SystemTime::from(reply.date.max(DateTime::UNIX_EPOCH));
    let mut message = Message::builder()
        .from(named(sender_name(reply), &from))
        .to(named(address::display_name(reply.to.name), &to))
        .subject(subject)
        .date(date)
        .raw_header(written("Message-ID", format!("<{message_id}>")));
    if let Some(address) = reply_to {
        message = message.reply_to(named(business, &address));
    }
    for header in headers(reply)? {
        message = message.raw_header(header);
    }
    let message = message.multipart(content).map_err(|_| WriteError::From)?;
    let bytes = message.formatted();
    Ok(Written { message_id: message_id.to_owned(), from, to, bytes })
}

/// The name before the business's address.
fn sender_name(reply: &Reply<'_>) -> Option<String> {
    let business = address::display_name(reply.from.name);
    let Author::Person { name: Some(name), style } = reply.author else { return business };
    let Some(person) = address::display_name(name) else { return business };
    let Some(business) = business else { return Some(person) };
    // One pass, so that a name cannot bring a placeholder along.
    let parts: Vec<&str> = style.split("{person}").collect();
    let parts: Vec<String> =
        parts.iter().map(|part| part.replace("{business}", &business)).collect();
    address::display_name(&parts.join(&person)).or(Some(business))
}

/// The headers that the library has no words for, and those whose ids it would encode when they are long.
fn headers(reply: &Reply<'_>) -> Result<Vec<HeaderValue>, WriteError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let mark = reply.loop_mark;
    if !(1..=MAX_LOOP_MARK).contains(&mark.len()) || !mark.chars().all(fits) {
        return Err(WriteError::LoopMark);
    }
    let mut found = Vec::new();
    if let Some(parent) = &reply.parent {
        if let Some(id) = thread::valid_id(parent.message_id) {
            found.push(written("In-Reply-To", format!("<{id}>")));
        }
        let ids = thread::references(parent);
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(|id| format!("<{id}>")).collect();
            found.push(written("References", ids.join("\r\n ")));
        }
    }
    // RFC 3834 §5. What a person approved bears none of them: an absence note may well answer it.
    let kind = match reply.author {
        Author::Automatic => Some("auto-replied"),
        Author::Notice => Some("auto-generated"),
        Author::Person { .. } => None,
    };
    if let Some(kind) = kind {
        found.push(written("Auto-Submitted", kind.to_owned()));
        // Exchange does not look at RFC 3834.
        found.push(written("X-Auto-Response-Suppress", SUPPRESSED.to_owned()));
    }
    found.push(written("X-Atende-Loop", mark.to_owned()));
    found.push(written("Content-Language", reply.locale.as_str().to_owned()));
    Ok(found)
}

/// A header whose value is ASCII and folded already.
fn written(name: &'static str, value: String) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value)
}

fn content(reply: &Reply<'_>, message_id: &str) -> Result<MultiPart, WriteError> {
    let blocks = markdown::read(reply.body);
    if blocks.is_empty() && reply.attachments.is_empty() {
        return Err(WriteError::Empty);
    }
    let (mut text, mut page) = (plain::write(&blocks), html::write(&blocks));
    let signature: Vec<String> = reply.signature.iter().map(|l| address::one_line(l)).collect();
    if !signature.is_empty() {
        // The mark below which programs fold a signature away; the space belongs to it.
        text = format!("{text}\n\n-- \n{}", signature.join("\n"));
        page.push_str(&html::signature(&signature));
    }
    if let Some(quote) = &reply.quote {
        let announced = announced(quote, reply.locale);
        let lines = quoted_lines(quote.text);
        let marked: Vec<String> = lines.iter().map(|line| plain::quoted(line)).collect();
        text = format!("{text}\n\n{announced}\n\n{}", marked.join("\n"));
        page.push_str(&html::quote(&announced, &lines));
    }
    let page = html::page(reply.locale.as_str(), &page);
    let alternative = MultiPart::alternative()
        .boundary(boundary(message_id, "alternative"))
        .singlepart(text_part(ContentType::TEXT_PLAIN, format!("{}\n", text.trim_start())))
        .singlepart(text_part(ContentType::TEXT_HTML, page));
    if reply.attachments.is_empty() {
        return Ok(alternative);
    }
    let mut mixed =
        MultiPart::mixed().boundary(boundary(message_id, "mixed")).multipart(alternative);
    for attachment in reply.attachments {
        mixed = mixed.singlepart(file_part(attachment, reply.locale));
    }
    Ok(mixed)
}

/// Quoted-printable, because Portuguese stays readable in it and filters are wary of texts in base64.
fn text_part(kind: ContentType, text: String) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = match Body::new_with_encoding(text, encoding) {
        Ok(body) => body,
        // Never: the library refuses 7bit and 8bit alone.
        Err(bytes) => Body::new(bytes),
    };
    SinglePart::builder().header(kind).body(body)
}

fn file_part(attachment: &Attachment<'_>, locale: Locale) -> SinglePart {
    let name = with_ending(file_name(attachment.name, locale), attachment.mime);
    let bytes = attachment.bytes.to_vec();
    let body = match Body::new_with_encoding(bytes, ContentTransferEncoding::Base64) {
        Ok(body) => body,
        Err(bytes) => Body::new(bytes),
    };
    SinglePart::builder()
        .header(mime(attachment.mime))
        .header(ContentDisposition::attachment(&name))
        .body(body)
}

/// A type that may be sent in base64: parts that have parts of their own may not (RFC 2045 §6.4).
fn mime(text: &str) -> ContentType {
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let composite = kind.starts_with("multipart/") || kind.starts_with("message/");
    let kind = if composite || kind.len() > MAX_FILE_NAME { "" } else { kind.as_str() };
    let bytes = || ContentType::parse("application/octet-stream").ok();
    ContentType::parse(kind).ok().or_else(bytes).unwrap_or(ContentType::TEXT_PLAIN)
}

/// A file's name without folders and signs that a file system or a header would misread.
fn file_name(text: &str, locale: Locale) -> String {
    let name = address::one_line(text);
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !"\"<>:|?*".contains(*c)).collect();
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() {
        return match locale {
            Locale::PtBr => "anexo",
            Locale::En => "attachment",
        }
        .to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= 10 => {
            format!("{}.{ending}", address::cut(stem, MAX_FILE_NAME))
        }
        _ => address::cut(name, MAX_FILE_NAME),
    }
}

/// Adds the ending that a file of this type has, where it has none that fits: programs open files by it, and servers refuse
/// some by it.
fn with_ending(name: String, mime: &str) -> String {
    let Some((_, endings)) = ENDINGS.iter().find(|(known, _)| *known == mime) else { return name };
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match (endings.first(), ending) {
        (Some(_), Some(ending)) if endings.contains(&ending.as_str()) => name,
        (Some(first), _) => format!("{name}.{first}"),
        (None, _) => name,
    }
}

/// How files of these types are named; the first is the usual one.
const ENDINGS: &[(&str, &[&str])] = &[
    ("application/pdf", &["pdf"]),
    ("application/xml", &["xml"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("audio/ogg", &["ogg", "oga", "opus"]),
    ("audio/mpeg", &["mp3"]),
    ("audio/mp4", &["m4a", "mp4"]),
    ("audio/amr", &["amr"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("video/3gpp", &["3gp"]),
    ("text/calendar", &["ics"]),
    ("text/vcard", &["vcf"]),
    ("text/plain", &["txt", "csv", "tsv", "log", "md", "json", "ofx", "ret", "rem"]),
];

/// The same for every attempt, and in no encoded text: neither base64 nor quoted-printable has `=_` (RFC 2045 §6.7).
fn boundary(message_id: &str, part: &str) -> String {
    let hash = Sha256::digest(format!("{part} {message_id}"));
    format!("=_{}", hex::encode(hash.get(..16).unwrap_or_default()))
}

/// The line above quoted words, as people of the locale know it, and by which programs find where the quote begins.
fn announced(quote: &Quote<'_>, locale: Locale) -> String {
    let name = address::display_name(quote.name);
    let at = quote.at;
    match locale {
        Locale::PtBr => {
            let name = name.unwrap_or_else(|| "você".to_owned());
            format!("Em {}, às {}, {name} escreveu:", at.format("%d/%m/%Y"), at.format("%-H:%M"))
        }
        Locale::En => {
            let name = name.unwrap_or_else(|| "you".to_owned());
            format!("On {} at {}, {name} wrote:", at.format("%-d %B %Y"), at.format("%-I:%M %P"))
        }
    }
}

/// The first lines of quoted words; what is left out is marked.
fn quoted_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = MAX_QUOTED;
    for line in text.trim().lines() {
        let visible: String = line.chars().filter(|c| address::is_visible(*c)).collect();
        let kept: String = visible.trim_end().chars().take(room).collect();
        let whole = kept.len() == visible.trim_end().len();
        room = room.saturating_sub(kept.chars().count() + 1);
        lines.push(kept);
        if !whole || room == 0 || lines.len() == MAX_QUOTED_LINES {
            lines.push("[…]".to_owned());
            break;
        }
    }
    lines
}

#[cfg(test)]
mod tests;
