//! A mail as received to what intake needs of it.
//!
//! Anything with at least one header field is a mail, however broken; what cannot be understood is
//! left out, and every count, depth and length has a bound.

mod attachment;
mod charset;
mod fields;
mod headers;
mod rtf;
mod tnef;
mod transfer;
mod walk;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::domain::labels::Locale;

pub use self::headers::Headers;
#[cfg(test)]
pub(super) use self::tnef::tests::sample as winmail_sample;
pub(super) use crate::domain::file_name::cut;

/// A mail, its fields read and its best body as plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// The id without angle brackets; one is derived from the mail where it states none.
    pub message_id: String,
    /// True if the mail stated no usable id.
    pub message_id_derived: bool,
    /// Ids of the mails that this one answers.
    pub in_reply_to: Vec<String>,
    /// Ids of the thread, oldest first.
    pub references: Vec<String>,
    /// When the sender says it was written.
    pub date: Option<DateTime<Utc>>,
    /// Who it says it is from; empty where nothing is said.
    pub from: Address,
    /// Who sent it on behalf of `from`.
    pub sender: Option<Address>,
    /// Where answers shall go.
    pub reply_to: Vec<Address>,
    /// Primary recipients.
    pub to: Vec<Address>,
    /// Further recipients.
    pub cc: Vec<Address>,
    /// Addresses that it was delivered for, as our own server noted (`Delivered-To` and the like).
    pub delivered_to: Vec<String>,
    /// The envelope sender as noted at delivery.
    pub return_path: ReturnPath,
    /// The subject, decoded, on one line.
    pub subject: String,
    /// The best body as plain text, quotes and signature included.
    pub text: String,
    /// True if the text was made from HTML.
    pub html_only: bool,
    /// The HTML body as the sender laid it out, unexamined and bounded, in UTF-8 whatever its own marks say.
    pub html: Option<String>,
    /// Everything beside the words.
    pub attachments: Vec<Attachment>,
    /// The method of the calendar object in it, in upper case (RFC 5546).
    pub calendar_method: Option<String>,
    /// Content type of the whole, in lower case.
    pub mime: String,
    /// The `report-type` of a `multipart/report` (RFC 6522), in lower case.
    pub report_type: Option<String>,
    /// The parts of a report.
    pub report: ReportParts,
    /// All header fields, undecoded.
    pub headers: Headers,
    /// True if a bound cut something off.
    pub truncated: bool,
}

/// A person or machine that mail comes from or goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The name shown.
    pub name: Option<String>,
    /// The address in lower case; it may be empty or none, as some machines have it.
    pub email: String,
}

impl Address {
    /// True if mail could be sent there.
    pub fn is_usable(&self) -> bool {
        fields::is_address(&self.email)
    }

    /// Returns what stands before the `@`.
    pub fn local(&self) -> &str {
        self.email.rsplit_once('@').map_or(self.email.as_str(), |(local, _)| local)
    }

    /// Returns what stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.email.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// The envelope sender, as the last server wrote it into `Return-Path` (RFC 5321 §4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReturnPath {
    /// The field is not there, which says nothing.
    #[default]
    Absent,
    /// `<>`: the mail must not be answered (RFC 5321 §4.5.5).
    Null,
    /// An address in lower case, or what stands in its place.
    Address(String),
}

/// A file or object in a mail. Its bytes stay where they are until they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// A safe name: no folder, no control characters, bounded.
    pub filename: Option<String>,
    /// Content type in lower case, as the sender states it.
    pub mime: String,
    /// Content type by the first bytes, where they tell; a sender can state anything.
    pub sniffed: Option<&'static str>,
    /// Size in bytes once decoded.
    pub size: usize,
    /// True if the sender wants it shown within the text.
    pub inline: bool,
    /// What the HTML calls it, without angle brackets.
    pub content_id: Option<String>,
    /// What it is.
    pub kind: AttachmentKind,
    place: Place,
}

impl Attachment {
    /// True for one that was taken out of a file of the mail.
    pub fn is_unpacked(&self) -> bool {
        matches!(self.place, Place::Held { .. })
    }

    /// Returns its bytes, decoded. `raw` are the bytes of the mail that it was read from; of another mail's, this returns
    /// what happens to stand there.
    pub fn content<'a>(&'a self, raw: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.place {
            Place::Mail { range, encoding } => match with_line_ends(raw) {
                Cow::Borrowed(raw) => {
                    transfer::decode(encoding, raw.get(range.clone()).unwrap_or_default())
                }
                Cow::Owned(raw) => {
                    let part = raw.get(range.clone()).unwrap_or_default();
                    Cow::Owned(transfer::decode(encoding, part).into_owned())
                }
            },
            Place::Held { bytes, range } => {
                Cow::Borrowed(bytes.get(range.clone()).unwrap_or_default())
            }
        }
    }
}

/// Where the bytes of an attachment are.
#[derive(Clone, PartialEq, Eq)]
enum Place {
    /// In the mail, still encoded.
    Mail { range: Range<usize>, encoding: String },
    /// In a file of the mail that holds several.
    Held { bytes: Arc<[u8]>, range: Range<usize> },
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are a customer's.
        match self {
            Self::Mail { range, encoding } => write!(f, "Mail({range:?}, {encoding:?})"),
            Self::Held { range, .. } => write!(f, "Held({range:?})"),
        }
    }
}

/// What an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A file.
    File,
    /// An image that the text shows.
    InlineImage,
    /// An invitation or an answer to one.
    Calendar,
    /// A mail.
    NestedMail,
    /// Microsoft's `winmail.dat`; what it holds is listed too.
    Winmail,
    /// A machine's report about another mail.
    Report,
}

impl AttachmentKind {
    /// Returns the word for it in answers and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::InlineImage => "inline_image",
            Self::Calendar => "calendar",
            Self::NestedMail => "nested_mail",
            Self::Winmail => "winmail",
            Self::Report => "report",
        }
    }
}

/// What the parts of a report say, unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportParts {
    /// Each `message/delivery-status` (RFC 3464).
    pub delivery: Vec<String>,
    /// The `message/feedback-report` (RFC 5965).
    pub feedback: Option<String>,
    /// True if a `message/disposition-notification` is there (RFC 8098).
    pub disposition: bool,
    /// Header fields of the mail that the report is about, or of the first nested mail.
    pub returned: Option<Headers>,
}

/// Why bytes are no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is nothing.
    Empty,
    /// Larger than [`MAX_RAW`].
    TooLarge,
    /// None of the header fields of a mail is there.
    NoHeaders,
}

impl Unreadable {
    /// Says it to a person, with what to do.
    pub const fn text(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::Empty, Locale::En) => "the mail is empty",
            (Self::Empty, Locale::PtBr) => "o e-mail está vazio",
            (Self::TooLarge, Locale::En) => "the mail is larger than 50 MiB",
            (Self::TooLarge, Locale::PtBr) => "o e-mail tem mais de 50 MiB",
            (Self::NoHeaders, Locale::En) => {
                "this is no mail: no From, To, Date, Subject, Message-ID, Received or Content-Type is in its header; save \
                 the mail with its header, as the server has it"
            }
            (Self::NoHeaders, Locale::PtBr) => {
                "não é um e-mail: o cabeçalho não tem From, To, Date, Subject, Message-ID, Received nem Content-Type; salve \
                 o e-mail com o cabeçalho, como está no servidor"
            }
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(Locale::En))
    }
}

impl std::error::Error for Unreadable {}

/// Returns the addresses of every field of a name (lower case).
pub(super) fn addresses(headers: &Headers, name: &str) -> Vec<Address> {
    fields::addresses(headers, name)
}

/// Returns the message ids in a header value, without angle brackets.
pub(super) fn ids(value: &str) -> Vec<String> {
    fields::ids(value)
}

/// Reads header fields that stand in a text, such as those of a report.
pub(super) fn fields_of(text: &str) -> Headers {
    headers::read(text.as_bytes())
}

/// Largest mail that is read, in bytes.
pub const MAX_RAW: usize = 50 * 1024 * 1024;

/// Fields of which every mail has some. A file of something else may well have a line with a colon.
const MAIL_FIELDS: &[&str] = &[
    "from",
    "to",
    "date",
    "subject",
    "message-id",
    "received",
    "content-type",
    "mime-version",
    "return-path",
    "delivered-to",
    "reply-to",
    "cc",
    "sender",
];

/// Reads a mail.
pub fn read(raw: &[u8]) -> Result<Mail, Unreadable> {
    if raw.len() > MAX_RAW {
        return Err(Unreadable::TooLarge);
    }
    let raw = with_line_ends(raw);
    let bytes = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw).trim_ascii_start();
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let lines = without_envelope_line(bytes);
    let root = walk::Part::read(lines, raw.len() - lines.len());
    if !MAIL_FIELDS.iter().any(|name| root.headers.has(name)) {
        return Err(Unreadable::NoHeaders);
    }
    Ok(assemble(root))
}

fn assemble(root: walk::Part<'_>) -> Mail {
    let found = walk::gather(&root);
    let headers = root.headers;
    let first = |name: &str| fields::addresses(&headers, name).into_iter().next();
    let kind = fields::Kind::read(&headers, "content-type");
    let subject = fields::subject(&headers);
    let from = first("from").unwrap_or_default();
    let stated = headers.get("message-id").map(fields::ids).and_then(|ids| ids.into_iter().next());
    let message_id_derived = stated.is_none();
    let message_id = stated.unwrap_or_else(|| derived_id(&headers, &from, &subject, root.body));
    let ids = |name: &str| headers.get(name).map(fields::ids).unwrap_or_default();
    let mut delivered_to = Vec::new();
    for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"] {
        delivered_to.extend(fields::bare_addresses(&headers, name));
    }
    Mail {
        message_id,
        message_id_derived,
        in_reply_to: ids("in-reply-to"),
        references: ids("references"),
        date: fields::date(&headers),
        sender: first("sender"),
        reply_to: fields::addresses(&headers, "reply-to"),
        to: fields::addresses(&headers, "to"),
        cc: fields::addresses(&headers, "cc"),
        delivered_to,
        return_path: fields::return_path(&headers),
        subject,
        from,
        text: found.text,
        html_only: found.html,
        html: Some(found.markup).filter(|markup| !markup.trim().is_empty()),
        attachments: found.attachments,
        calendar_method: found.calendar_method,
        report_type: kind.parameter("report-type").map(str::to_ascii_lowercase),
        mime: kind.name,
        report: found.report,
        headers,
        truncated: found.truncated,
    }
}

/// Returns bytes whose lines end with `\n`, as long as they were: old programs for the Macintosh write only `\r`.
fn with_line_ends(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Drops the `From sender date` line that mbox files put before a mail (RFC 4155).
fn without_envelope_line(bytes: &[u8]) -> &[u8] {
    if !headers::is_envelope_line(bytes) {
        return bytes;
    }
    let end = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

/// Makes an id from what two copies of a mail have in common, so that a copy is known as one. Its
/// domain can belong to nobody (RFC 2606 §2).
fn derived_id(headers: &Headers, from: &Address, subject: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for field in [headers.get("date").unwrap_or_default(), &from.email, subject] {
        hash.update(field.as_bytes());
        hash.update([0]);
    }
    // One copy may have come over a connection, where lines end otherwise than in a file.
    for line in body.trim_ascii_end().split(|b| *b == b'\n') {
        hash.update(line.trim_ascii_end());
        hash.update([b'\n']);
    }
    let digest = hex::encode(hash.finalize());
    format!("sha256-{}@derived.invalid", cut(&digest, 32))
}
