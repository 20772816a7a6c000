//! `winmail.dat`: Microsoft's Transport Neutral Encapsulation Format ([MS-OXTNEF]).
//!
//! Its files come out, and its words: as plain text, as HTML, or from compressed RTF, which is listed as a file too.

use std::ops::Range;
use std::sync::Arc;

use super::{Attachment, AttachmentKind, Place, charset, rtf};
use crate::domain::file_name::{one_line, safe_name};
use crate::domain::sniff;

const SIGNATURE: u32 = 0x223e_9f78;
/// Most attributes that are read of one file.
const MAX_ATTRIBUTES: usize = 2000;
/// Most properties that are read of one list.
const MAX_PROPERTIES: usize = 500;
/// Longest text of a property that is read, in bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

// Attribute ids, [MS-OXTNEF] §2.1.3.3.
const ATT_ATTACH_TITLE: u32 = 0x0001_8010;
const ATT_ATTACH_DATA: u32 = 0x0006_800f;
const ATT_ATTACH_REND_DATA: u32 = 0x0006_9002;
const ATT_ATTACHMENT: u32 = 0x0006_9005;
const ATT_BODY: u32 = 0x0002_800c;
const ATT_MESSAGE_PROPS: u32 = 0x0006_9003;
const ATT_OEM_CODEPAGE: u32 = 0x0006_9007;

// Property ids, [MS-OXPROPS].
const PR_BODY: u16 = 0x1000;
const PR_RTF_COMPRESSED: u16 = 0x1009;
const PR_BODY_HTML: u16 = 0x1013;
const PR_ATTACH_DATA: u16 = 0x3701;
const PR_ATTACH_FILENAME: u16 = 0x3704;
const PR_ATTACH_LONG_FILENAME: u16 = 0x3707;
const PR_ATTACH_MIME_TAG: u16 = 0x370e;
const PR_ATTACH_CONTENT_ID: u16 = 0x3712;

// Property types, [MS-OXCDATA] §2.11.1.
const PT_OBJECT: u16 = 0x0d;
const PT_STRING8: u16 = 0x1e;
const PT_UNICODE: u16 = 0x1f;
const PT_BINARY: u16 = 0x102;
/// Says that a property has many values.
const PT_MANY: u16 = 0x1000;
/// What stands before an object: the id of its interface.
const OBJECT_ID: usize = 16;

/// What a `winmail.dat` holds.
#[derive(Debug, Default)]
pub(super) struct Winmail {
    /// The body as plain text.
    pub(super) text: Option<String>,
    /// The body as HTML.
    pub(super) html: Option<String>,
    /// The files in it.
    pub(super) attachments: Vec<Attachment>,
}

/// Reads a file; `None` if it is none. A damaged one is read up to the damage.
pub(super) fn read(bytes: &[u8]) -> Option<Winmail> {
    let mut reader = Reader { rest: bytes, at: 0 };
    if reader.u32()? != SIGNATURE {
        return None;
    }
    reader.take(2)?;
    let mut found = Found::default();
    for _ in 0..MAX_ATTRIBUTES {
        if attribute(&mut reader, &mut found).is_none() {
            break;
        }
    }
    Some(found.winmail(bytes))
}

/// A file as its attributes describe it, one after another.
#[derive(Default)]
struct File {
    name: Option<String>,
    mime: Option<String>,
    content_id: Option<String>,
    range: Range<usize>,
}

#[derive(Default)]
struct Found {
    text: Option<String>,
    html: Option<String>,
    rtf: Option<Vec<u8>>,
    files: Vec<File>,
    codepage: Option<&'static str>,
}

impl Found {
    fn winmail(self, bytes: &[u8]) -> Winmail {
        let mut attachments = Vec::with_capacity(self.files.len());
        if !self.files.is_empty() {
            let held: Arc<[u8]> = Arc::from(bytes);
            attachments.extend(self.files.into_iter().map(|file| file.attachment(&held)));
        }
        let said = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.trim().is_empty());
        let mut text = self.text;
        if let Some(rtf) = self.rtf
            && !said(&text)
            && !said(&self.html)
        {
            text = Some(rtf::to_text(&rtf));
            let file = File {
                name: Some("body.rtf".to_owned()),
                mime: Some("application/rtf".to_owned()),
                content_id: None,
                range: 0..rtf.len(),
            };
            attachments.push(file.attachment(&Arc::from(rtf)));
        }
        Winmail { text, html: self.html, attachments }
    }
}

impl File {
    fn attachment(self, held: &Arc<[u8]>) -> Attachment {
        let bytes = held.get(self.range.clone()).unwrap_or_default();
        let sniffed = sniff::mime(bytes);
        let stated = self.mime.filter(|mime| mime.contains('/'));
        Attachment {
            filename: self.name,
            mime: stated.or(sniffed.map(str::to_owned)).unwrap_or_else(|| UNKNOWN.to_owned()),
            sniffed,
            size: bytes.len(),
            inline: false,
            content_id: self.content_id,
            kind: AttachmentKind::File,
            place: Place::Held { bytes: Arc::clone(held), range: self.range },
        }
    }
}

/// The content type of a file of which nothing is known.
const UNKNOWN: &str = "application/octet-stream";

fn attribute(reader: &mut Reader<'_>, found: &mut Found) -> Option<()> {
    reader.take(1)?;
    let id = reader.u32()?;
    let len = usize::try_from(reader.u32()?).ok()?;
    let start = reader.at;
    let value = reader.take(len)?;
    reader.take(2)?;
    let codepage = found.codepage;
    let file = found.files.last_mut();
    match (id, file) {
        (ATT_ATTACH_REND_DATA, _) => found.files.push(File::default()),
        (ATT_ATTACH_TITLE, Some(file)) if file.name.is_none() => {
            file.name = safe_name(&charset::decode(value, codepage));
        }
        (ATT_ATTACH_DATA, Some(file)) => file.range = start..start + len,
        (ATT_ATTACHMENT, Some(file)) => properties(value, start, |property| {
            file.take(property, codepage);
        }),
        (ATT_BODY, _) => found.text = Some(charset::decode(cut(value), codepage)),
        (ATT_OEM_CODEPAGE, _) => {
            let number = value.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            found.codepage = number.and_then(|number| rtf::codepage(i64::from(number)));
        }
        (ATT_MESSAGE_PROPS, _) => properties(value, start, |property| match property.id {
            PR_BODY => found.text = Some(property.text(codepage)),
            PR_BODY_HTML => found.html = Some(property.text(None)),
            PR_RTF_COMPRESSED => found.rtf = rtf::unpack(property.value),
            _ => {}
        }),
        _ => {}
    }
    Some(())
}

impl File {
    fn take(&mut self, property: &Property<'_>, codepage: Option<&'static str>) {
        let text = || one_line(&property.text(codepage), 1000);
        match property.id {
            PR_ATTACH_LONG_FILENAME => self.name = safe_name(&text()).or(self.name.take()),
            PR_ATTACH_FILENAME if self.name.is_none() => self.name = safe_name(&text()),
            PR_ATTACH_MIME_TAG => self.mime = Some(text().to_lowercase()),
            PR_ATTACH_CONTENT_ID => {
                let id = text();
                self.content_id = Some(id.trim_matches(['<', '>']).to_owned());
            }
            PR_ATTACH_DATA if self.range.is_empty() => {
                let skipped = if property.kind == PT_OBJECT { OBJECT_ID } else { 0 };
                let end = property.start + property.value.len();
                self.range = (property.start + skipped).min(end)..end;
            }
            _ => {}
        }
    }
}

/// One value of a property that is a text, bytes or an object.
struct Property<'a> {
    id: u16,
    kind: u16,
    value: &'a [u8],
    /// Where the value stands in the file.
    start: usize,
}

impl Property<'_> {
    fn text(&self, codepage: Option<&'static str>) -> String {
        let value = cut(self.value);
        match self.kind {
            PT_UNICODE => charset::decode(value, Some("utf-16le")),
            PT_STRING8 => charset::decode(value, codepage),
            _ => charset::decode(value, None),
        }
    }
}

fn cut(bytes: &[u8]) -> &[u8] {
    bytes.get(..MAX_TEXT).unwrap_or(bytes)
}

/// Calls back with each property that has a text, bytes or an object ([MS-OXTNEF] §2.1.3.4).
fn properties(bytes: &[u8], start: usize, mut each: impl FnMut(&Property<'_>)) {
    let mut reader = Reader { rest: bytes, at: start };
    let count = reader.u32().map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX));
    for _ in 0..count.min(MAX_PROPERTIES) {
        if property(&mut reader, &mut each).is_none() {
            break;
        }
    }
}

fn property(reader: &mut Reader<'_>, each: &mut impl FnMut(&Property<'_>)) -> Option<()> {
    let (kind, id) = (reader.u16()?, reader.u16()?);
    if id >= 0x8000 {
        reader.take(16)?;
        if reader.u32()? == 0 {
            reader.take(4)?;
        } else {
            reader.padded()?;
        }
    }
    let base = kind & !PT_MANY;
    let fixed = match base {
        0x02 | 0x03 | 0x04 | 0x0a | 0x0b => 4,
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
        0x48 => 16,
        // Texts, binaries and objects say how many follow, even where it is one.
        PT_OBJECT | PT_STRING8 | PT_UNICODE | PT_BINARY => 0,
        _ => return None,
    };
    let values = if fixed == 0 || kind & PT_MANY != 0 { reader.u32()? } else { 1 };
    for _ in 0..values {
        if fixed > 0 {
            reader.take(fixed)?;
            continue;
        }
        let (start, value) = reader.padded()?;
        each(&Property { id, kind: base, value, start });
    }
    Some(())
}

/// Little-endian values from the front of bytes; every read past the end is `None`.
struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` stands in the file.
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(len)?;
        self.rest = tail;
        self.at += len;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// A length and so many bytes, filled up to a multiple of four; returned with where they stand.
    fn padded(&mut self) -> Option<(usize, &'a [u8])> {
        let len = usize::try_from(self.u32()?).ok()?;
        let start = self.at;
        let value = self.take(len)?;
        self.take(len.next_multiple_of(4) - len)?;
        Some((start, value))
    }
}

#[cfg(test)]
pub(in crate::channels::email) mod tests {
    use super::*;

    fn attribute_bytes(id: u32, value: &[u8]) -> Vec<u8> {
        let mut out = vec![1];
        out.extend(id.to_le_bytes());
        out.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        out.extend(value);
        out.extend([0, 0]);
        out
    }

    fn text_property(id: u16, text: &str) -> Vec<u8> {
        let value: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        property_bytes(PT_UNICODE, id, &value)
    }

    fn property_bytes(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
        let mut out = kind.to_le_bytes().to_vec();
        out.extend(id.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
        out.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    /// A file with a body and one attachment.
    pub(in crate::channels::email) fn sample() -> Vec<u8> {
        let mut out = SIGNATURE.to_le_bytes().to_vec();
        out.extend([1, 0]);
        let mut body = 1_u32.to_le_bytes().to_vec();
        body.extend(text_property(PR_BODY, "Segue o contrato, João."));
        out.extend(attribute_bytes(ATT_MESSAGE_PROPS, &body));
        out.extend(attribute_bytes(ATT_ATTACH_REND_DATA, &[0; 14]));
        out.extend(attribute_bytes(ATT_ATTACH_TITLE, b"CONTRA~1.PDF\0"));
        out.extend(attribute_bytes(ATT_ATTACH_DATA, &[7; 1234]));
        let mut props = 1_u32.to_le_bytes().to_vec();
        props.extend(text_property(PR_ATTACH_LONG_FILENAME, "contrato de locação.pdf"));
        out.extend(attribute_bytes(ATT_ATTACHMENT, &props));
        out
    }

    #[test]
    fn a_winmail_gives_its_body_and_files() {
        let found = read(&sample()).unwrap();
        assert_eq!(found.text.as_deref(), Some("Segue o contrato, João."));
        let [file] = found.attachments.as_slice() else { panic!("{found:?}") };
        assert_eq!(file.filename.as_deref(), Some("contrato de locação.pdf"));
        assert_eq!((file.size, &file.content(b"")[..]), (1234, &[7; 1234][..]));
    }

    #[test]
    fn a_body_that_is_only_rich_text_gives_its_words_and_is_a_file() {
        let plain = b"{\\rtf1\\ansi\\ansicpg1252 Segue a ata da reuni\\'e3o.\\par}";
        let packed = [&[0; 8][..], b"MELA", &[0; 4], plain].concat();
        let mut out = SIGNATURE.to_le_bytes().to_vec();
        out.extend([1, 0]);
        out.extend(attribute_bytes(ATT_OEM_CODEPAGE, &1252_u64.to_le_bytes()));
        let mut body = 2_u32.to_le_bytes().to_vec();
        body.extend(text_property(PR_BODY, " "));
        body.extend(property_bytes(PT_BINARY, PR_RTF_COMPRESSED, &packed));
        out.extend(attribute_bytes(ATT_MESSAGE_PROPS, &body));
        // A picture within, as an object of a property only.
        out.extend(attribute_bytes(ATT_ATTACH_REND_DATA, &[0; 14]));
        out.extend(attribute_bytes(ATT_ATTACH_TITLE, b"imagem \xe7.png\0"));
        let mut props = 2_u32.to_le_bytes().to_vec();
        let object = [&[9; OBJECT_ID][..], b"\x89PNG\r\n\x1a\n"].concat();
        props.extend(property_bytes(PT_OBJECT, PR_ATTACH_DATA, &object));
        props.extend(text_property(PR_ATTACH_CONTENT_ID, "<i1>"));
        out.extend(attribute_bytes(ATT_ATTACHMENT, &props));

        let found = read(&out).unwrap();
        assert_eq!(found.text.as_deref().map(str::trim), Some("Segue a ata da reunião."));
        let [image, body] = found.attachments.as_slice() else { panic!("{found:?}") };
        assert_eq!(image.filename.as_deref(), Some("imagem ç.png"));
        assert_eq!(
            (image.mime.as_str(), image.content_id.as_deref(), &image.content(b"")[..]),
            ("image/png", Some("i1"), &b"\x89PNG\r\n\x1a\n"[..])
        );
        assert_eq!(
            (body.filename.as_deref(), &body.content(b"")[..]),
            (Some("body.rtf"), &plain[..])
        );
    }

    #[test]
    fn a_damaged_winmail_is_read_up_to_the_damage() {
        let whole = sample();
        for len in 0..whole.len() {
            let found = read(&whole[..len]);
            assert_eq!(found.is_some(), len >= 6, "{len}");
        }
        assert!(read(b"PK\x03\x04 no winmail").is_none());
    }
}
