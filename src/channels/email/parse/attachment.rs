//! What a mail carries beside its words.

use std::borrow::Cow;

use super::fields::{self, Kind};
use super::headers::Headers;
use super::walk::Part;
use super::{Attachment, AttachmentKind, Place, transfer};
use crate::domain::file_name::{one_line, safe_name};
use crate::domain::sniff;

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
        .map(|id| one_line(id.trim_matches(['<', '>', ' ']), 200))
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
