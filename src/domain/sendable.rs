//! Which files a business may send: told by their bytes, never by what is claimed of them.
//!
//! Whoever gets a file opens it because a business sent it. So nothing passes that runs, holds other files, or is not known.

use super::attachment::AttachmentKind;
use super::sniff;

/// Types that may be sent, and what they are to whoever gets them.
const SENDABLE: &[(&str, AttachmentKind)] = &[
    ("image/jpeg", AttachmentKind::Image),
    ("image/png", AttachmentKind::Image),
    ("image/gif", AttachmentKind::Image),
    ("image/webp", AttachmentKind::Image),
    ("audio/ogg", AttachmentKind::Audio),
    ("audio/mpeg", AttachmentKind::Audio),
    ("audio/mp4", AttachmentKind::Audio),
    ("audio/amr", AttachmentKind::Audio),
    ("video/mp4", AttachmentKind::Video),
    ("video/3gpp", AttachmentKind::Video),
    ("application/pdf", AttachmentKind::Document),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        AttachmentKind::Document,
    ),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", AttachmentKind::Document),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        AttachmentKind::Document,
    ),
    ("application/vnd.oasis.opendocument.text", AttachmentKind::Document),
    ("application/vnd.oasis.opendocument.spreadsheet", AttachmentKind::Document),
    // Invoices of Brazilian companies (NF-e) are XML.
    ("application/xml", AttachmentKind::Document),
    ("text/calendar", AttachmentKind::Document),
    ("text/vcard", AttachmentKind::Document),
    (PLAIN, AttachmentKind::Document),
];

/// The type of a file that is words and nothing else.
const PLAIN: &str = "text/plain";

/// Returns type and kind of a file by its first bytes; `None` for one that may not be sent.
pub fn sendable(head: &[u8]) -> Option<(&'static str, AttachmentKind)> {
    let mime = sniff::mime(head).or_else(|| is_plain(head).then_some(PLAIN))?;
    SENDABLE.iter().find(|(known, _)| *known == mime).copied()
}

/// True for UTF-8 without the signs that only machines read. The last character may be cut off.
fn is_plain(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let machine = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    !text.is_empty() && !text.contains(machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_that_runs_holds_other_files_or_is_not_known() {
        for (bytes, expected) in [
            (&b"%PDF-1.7"[..], Some(("application/pdf", AttachmentKind::Document))),
            (b"\x89PNG\r\n\x1a\n", Some(("image/png", AttachmentKind::Image))),
            (b"\0\0\0\x18ftypisom", Some(("video/mp4", AttachmentKind::Video))),
            (b"OggS\0\x02", Some(("audio/ogg", AttachmentKind::Audio))),
            (
                b"<?xml version='1.0'?><nfeProc>",
                Some(("application/xml", AttachmentKind::Document)),
            ),
            ("opção;valor\r\n".as_bytes(), Some((PLAIN, AttachmentKind::Document))),
            // Cut off in the middle of a letter.
            (b"op\xc3\xa7\xc3", Some((PLAIN, AttachmentKind::Document))),
            (b"op\xe7\xe3o", None),
            (b"a\0b", None),
            (b"a\x1b[2J", None),
            (b"", None),
            (b"MZ\x90\0", None),
            (b"\x7fELF", None),
            (b"#!/bin/sh", None),
            (b"PK\x03\x04\0\0a.txt", None),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
            (b"<!doctype html>", None),
            (b"<svg onload=x>", None),
            (b"{\\rtf1", None),
        ] {
            assert_eq!(sendable(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
