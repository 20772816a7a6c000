//! What a mail carries beside its words.

use std::borrow::Cow;

use super::fields::{self, Kind};
use super::headers::{Headers, cut};
use super::walk::Part;
use super::{Attachment, AttachmentKind, Place, sniff, transfer};

/// Longest file name, in bytes; common file systems take 255.
const MAX_NAME: usize = 150;

/// Describes a part as an attachment, and returns its bytes decoded.
pub(super) fn describe<'a>(
    part: &Part<'a>,
    mime: &str,
    inside: Inside,
) -> (Attachment, Cow<'a, [u8]>) {
    let disposition = Kind::read(&part.headers, "content-disposition");
    let content_type = Kind::read(&part.headers, "content-type");
    let content_id = part
        .headers
        .get("content-id")
        .map(|id| fields::one_line(id.trim_matches(['<', '>', ' ']), 200))
        .filter(|id| !id.is_empty());
    let filename = file_name(&disposition, &content_type);
    let inline = disposition.name == "inline" || (inside.related && content_id.is_some());
    let kind = kind_of(mime, filename.as_deref(), inline);
    let encoding = encoding(&part.headers);
    let bytes = transfer::decode(&encoding, part.body);
    let attachment = Attachment {
        filename,
        mime: mime.to_owned(),
        sniffed: sniff::mime(&bytes),
        size: bytes.len(),
        inline,
        content_id,
        kind,
        place: Place::Mail { range: part.start..part.start + part.body.len(), encoding },
    };
    (attachment, bytes)
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inside {
    /// Under `multipart/related`, whose parts the HTML shows.
    pub(super) related: bool,
    /// Under `multipart/alternative`, whose parts say the same.
    pub(super) alternative: bool,
}

/// Returns the transfer encoding of a part in lower case.
pub(super) fn encoding(headers: &Headers) -> String {
    let value = headers.get("content-transfer-encoding").unwrap_or_default();
    value.split([';', ' ', '(']).next().unwrap_or_default().trim_matches('"').to_ascii_lowercase()
}

/// Returns the file name that a part states, made safe.
pub(super) fn file_name(disposition: &Kind, content_type: &Kind) -> Option<String> {
    let stated = disposition.parameter("filename").or_else(|| content_type.parameter("name"))?;
    safe_name(&fields::text(stated, 1000))
}

/// Makes a name that can be shown and stored: no folder, no control or direction characters, no
/// leading dot, at most [`MAX_NAME`] bytes with its extension kept.
pub(super) fn safe_name(stated: &str) -> Option<String> {
    let stated = fields::one_line(stated, 4000);
    let base = stated.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String =
        base.chars().map(|c| if r#"<>:"|?*"#.contains(c) { '_' } else { c }).collect();
    let name = plain.trim_matches([' ', '.']);
    if name.is_empty() {
        return None;
    }
    if name.len() <= MAX_NAME {
        return Some(name.to_owned());
    }
    let (stem, extension) = name.rsplit_once('.').filter(|(_, e)| e.len() <= 10).unzip();
    Some(match (stem, extension) {
        (Some(stem), Some(extension)) => {
            format!("{}.{extension}", cut(stem, MAX_NAME - extension.len() - 1))
        }
        _ => cut(name, MAX_NAME).to_owned(),
    })
}

fn kind_of(mime: &str, filename: Option<&str>, inline: bool) -> AttachmentKind {
    let is_named =
        |end: &str| filename.is_some_and(|name| name.to_ascii_lowercase().ends_with(end));
    match mime {
        "message/rfc822" | "message/global" => AttachmentKind::NestedMail,
        "application/ms-tnef" | "application/vnd.ms-tnef" => AttachmentKind::Winmail,
        "text/calendar" | "application/ics" => AttachmentKind::Calendar,
        "message/delivery-status"
        | "message/global-delivery-status"
        | "message/feedback-report"
        | "message/disposition-notification"
        | "text/rfc822-headers"
        | "message/global-headers" => AttachmentKind::Report,
        _ if is_named("winmail.dat") => AttachmentKind::Winmail,
        _ if is_named(".ics") => AttachmentKind::Calendar,
        _ if is_named(".eml") => AttachmentKind::NestedMail,
        _ if inline && mime.starts_with("image/") => AttachmentKind::InlineImage,
        _ => AttachmentKind::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_only_a_name() {
        let long = format!("{}.pdf", "ç".repeat(300));
        for (stated, expected) in [
            ("nota fiscal.pdf", Some("nota fiscal.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\x\\boleto.pdf", Some("boleto.pdf")),
            ("a\r\nb\0c.pdf", Some("a b c.pdf")),
            ("fdp.\u{202e}exe", Some("fdp.exe")),
            ("..", None),
            (".htaccess", Some("htaccess")),
            ("", None),
            ("a:b?.txt", Some("a_b_.txt")),
        ] {
            assert_eq!(safe_name(stated).as_deref(), expected, "{stated:?}");
        }
        let short = safe_name(&long).unwrap();
        assert!(short.len() <= MAX_NAME && short.to_lowercase().ends_with(".pdf"), "{short}");
    }
}
