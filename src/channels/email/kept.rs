//! What of a mail is kept beside the words that engines read: its files, its HTML, and the words that were taken off.
//!
//! Pure: bytes in, values out. Nothing here is examined for being safe to show; whoever shows the HTML cleans it first.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::html;
use super::parse::{Attachment as Part, AttachmentKind as PartKind, Mail, cut};
use super::quote::{self, Stripped};
use crate::domain::attachment::{Attachment, AttachmentKind, KeptBytes, Source};
use crate::domain::ids::AttachmentId;
use crate::domain::message::{Original, TextPart};

/// Most bytes of a mail's own words that are kept; threads that quote themselves again and again become longer.
const MAX_ORIGINAL: usize = 128 * 1024;
/// An image within the words that has fewer bytes is a spacer, a bullet or the sign of a network.
const TINY: usize = 4 * 1024;
/// Types of files that only prove who sent a mail.
const SIGNATURES: &[&str] = &[
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
    "application/pgp-keys",
];

/// A file of a mail with its bytes; none for one that is not taken.
#[derive(Debug)]
pub struct File<'a> {
    /// What is told of it.
    pub attachment: Attachment,
    /// What is written to its place.
    pub bytes: Option<Cow<'a, [u8]>>,
}

/// Returns the files of a mail and its HTML. `raw` are the bytes that it was read from, `max` is the size of the largest file
/// that is taken, `id` names them by their place.
pub fn files<'a>(
    mail: &'a Mail,
    raw: &'a [u8],
    max: u64,
    id: impl Fn(usize) -> AttachmentId,
) -> Vec<File<'a>> {
    let unpacked = mail.attachments.iter().any(Part::is_unpacked);
    let is_file = |part: &&Part| match part.kind {
        PartKind::Report => false,
        // What it holds stands beside it.
        PartKind::Winmail => !unpacked,
        _ => true,
    };
    let mut files: Vec<File<'a>> = Vec::new();
    for (at, part) in mail.attachments.iter().filter(is_file).enumerate() {
        let size = u64::try_from(part.size).unwrap_or(u64::MAX);
        let bytes = (size <= max).then(|| part.content(raw));
        let kept = bytes.as_deref().map(|bytes| known(bytes, part.sniffed));
        files.push(File {
            attachment: Attachment {
                id: id(at + 1),
                kind: kind_of(part),
                name: part.filename.clone(),
                mime: Some(part.mime.clone()),
                size: Some(size),
                source: Source::Mail {
                    kept,
                    inline: part.inline,
                    content_id: part.content_id.clone(),
                },
            },
            bytes,
        });
    }
    if let Some(html) = &mail.html {
        let bytes = html.as_bytes();
        files.push(File {
            attachment: Attachment {
                id: id(0),
                kind: AttachmentKind::MailHtml,
                name: None,
                mime: Some("text/html".to_owned()),
                size: u64::try_from(bytes.len()).ok(),
                source: Source::Mail {
                    kept: Some(known(bytes, Some("text/html"))),
                    inline: false,
                    content_id: None,
                },
            },
            bytes: Some(Cow::Borrowed(bytes)),
        });
    }
    files
}

fn known(bytes: &[u8], sniffed: Option<&str>) -> KeptBytes {
    let sha256 = hex::encode(Sha256::digest(bytes));
    KeptBytes { sha256, sniffed: sniffed.map(str::to_owned) }
}

fn kind_of(part: &Part) -> AttachmentKind {
    let mime = part.sniffed.unwrap_or(&part.mime);
    match mime.split_once('/') {
        Some(("image", _)) => AttachmentKind::Image,
        Some(("audio", _)) => AttachmentKind::Audio,
        Some(("video", _)) => AttachmentKind::Video,
        Some(("text", _)) => AttachmentKind::Document,
        _ if DOCUMENTS.iter().any(|start| mime.starts_with(start)) => AttachmentKind::Document,
        _ => AttachmentKind::File,
    }
}

/// What the types of documents begin with.
const DOCUMENTS: &[&str] = &[
    "application/pdf",
    "application/rtf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
];

/// Returns a mail's own form, given what was left of its words.
pub fn original(mail: &Mail, stripped: &Stripped) -> Original {
    let part = if mail.html_only { TextPart::Html } else { TextPart::Plain };
    let same = mail.text.split_whitespace().eq(stripped.text.split_whitespace());
    let text = (!same).then(|| {
        let whole = mail.text.trim();
        let short = cut(whole, MAX_ORIGINAL);
        if short.len() < whole.len() { format!("{short}\n[…]") } else { short.to_owned() }
    });
    Original { part, text }
}

/// True where a file may hold what a mail means: all but proofs of its sender, spacers, and images that its HTML shows in
/// a signature or in a quoted mail only.
pub fn may_mean_a_file(mail: &Mail) -> bool {
    let is_proof = |part: &&Part| !SIGNATURES.contains(&part.mime.as_str());
    let mut parts = mail.attachments.iter().filter(is_proof).peekable();
    if parts.peek().is_none() {
        return false;
    }
    let (shown, own) = mail.html.as_deref().map(images).unwrap_or_default();
    parts.any(|part| {
        if part.kind != PartKind::InlineImage {
            return true;
        }
        let is_in = |ids: &[String]| part.content_id.as_ref().is_some_and(|id| ids.contains(id));
        part.size >= TINY && (is_in(&own) || !is_in(&shown))
    })
}

/// Returns the images that HTML shows, and those of them that stand among the words left of it.
fn images(html: &str) -> (Vec<String>, Vec<String>) {
    let (text, shown) = html::with_images(html);
    let left = quote::strip(&text).text;
    let stays = |place: usize| html::mark(place).is_some_and(|mark| left.contains(mark));
    let own = shown.iter().enumerate().filter(|(place, _)| stays(*place));
    let own = own.map(|(_, id)| id.clone()).collect();
    (shown, own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::parse;

    const PNG: &str = "iVBORw0KGgo=";

    fn id(place: usize) -> AttachmentId {
        AttachmentId::from_bits(u128::try_from(place).unwrap())
    }

    fn image(id: &str, disposition: &str, bytes: usize) -> String {
        // Four letters of base64 are three bytes.
        let more = "AAAA".repeat(bytes / 3);
        format!(
            "--m\nContent-Type: image/png; name=\"{id}.png\"\nContent-ID: <{id}>\nContent-Disposition: {disposition}\n\
             Content-Transfer-Encoding: base64\n\n{PNG}{more}\n"
        )
    }

    fn related(html: &str, parts: &str) -> String {
        format!(
            "From: a@b.example\nSubject: x\nContent-Type: multipart/related; boundary=m\n\n\
             --m\nContent-Type: text/html; charset=utf-8\n\n{html}\n{parts}--m--\n"
        )
    }

    #[test]
    fn files_and_html_are_kept_with_what_their_bytes_show() {
        let raw = format!(
            "From: a@b.example\nSubject: x\nContent-Type: multipart/mixed; boundary=m\n\n\
             --m\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\nOi\n--a\nContent-Type: text/html\n\n<p>Oi</p>\n--a--\n\
             --m\nContent-Type: application/octet-stream; name=\"../nota.pdf\"\n\n%PDF-1.7 x\n{}\
             --m\nContent-Type: message/rfc822\n\nSubject: antes\n\noi\n--m--\n",
            image("f1", "inline", 3)
        );
        let mail = parse::read(raw.as_bytes()).unwrap();
        let files = files(&mail, raw.as_bytes(), 10_000, id);
        let told: Vec<_> = files
            .iter()
            .map(|file| {
                let one = &file.attachment;
                let Source::Mail { kept, inline, content_id } = &one.source else { panic!() };
                let kept = kept.as_ref().unwrap();
                let bytes = file.bytes.as_deref().unwrap();
                assert_eq!(kept.sha256, hex::encode(Sha256::digest(bytes)));
                assert_eq!(one.size, Some(bytes.len() as u64));
                (
                    one.kind,
                    one.name.as_deref(),
                    kept.sniffed.as_deref(),
                    *inline,
                    content_id.clone(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (AttachmentKind::Document, Some("nota.pdf"), Some("application/pdf"), false, None),
                (AttachmentKind::Image, Some("f1.png"), Some("image/png"), true, Some("f1".into())),
                (AttachmentKind::File, Some("antes.eml"), None, false, None),
                (AttachmentKind::MailHtml, None, Some("text/html"), false, None),
            ]
        );
        let ids: std::collections::BTreeSet<_> = files.iter().map(|f| &f.attachment.id).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(files[3].bytes.as_deref(), Some(&b"<p>Oi</p>"[..]));
    }

    #[test]
    fn a_file_beyond_the_limit_is_told_of_and_not_taken() {
        let raw =
            "From: a@b.example\nSubject: x\nContent-Type: application/pdf; name=a.pdf\n\n%PDF-1.7";
        let mail = parse::read(raw.as_bytes()).unwrap();
        let sized = |max| {
            let file = files(&mail, raw.as_bytes(), max, id).remove(0);
            (file.attachment.size, file.bytes.is_some())
        };
        assert_eq!(sized(8), (Some(8), true));
        assert_eq!(sized(7), (Some(8), false));
    }

    #[test]
    fn what_was_taken_off_is_kept_where_anything_was() {
        for (raw, part, whole) in [
            ("Subject: x\n\nOi,\n\n  tudo bem?\n\n", TextPart::Plain, None),
            (
                "Subject: x\n\nE agora?\n\nEm 1 de nov. de 2026, Loja <a@b.example> escreveu:\n> Abra a página\n",
                TextPart::Plain,
                Some(
                    "E agora?\n\nEm 1 de nov. de 2026, Loja <a@b.example> escreveu:\n> Abra a página",
                ),
            ),
            ("Content-Type: text/html\nSubject: x\n\n<p>Oi</p>", TextPart::Html, None),
        ] {
            let mail = parse::read(raw.as_bytes()).unwrap();
            let found = original(&mail, &quote::strip(&mail.text));
            assert_eq!((found.part, found.text.as_deref()), (part, whole), "{raw}");
        }
        let long = format!("Subject: x\n\noi\n\n-- \n{}", "nome\n".repeat(40_000));
        let mail = parse::read(long.as_bytes()).unwrap();
        let found = original(&mail, &Stripped { text: "oi".to_owned(), ..Stripped::default() });
        let text = found.text.unwrap();
        assert!(text.len() < MAX_ORIGINAL + 10 && text.ends_with("[…]"), "{}", text.len());
    }

    #[test]
    fn a_picture_means_something_unless_it_signs_or_was_quoted() {
        let own = "<p>Veja o erro:</p><p><img src=\"cid:i1\"></p>";
        let signed =
            "<p>Como troco a senha?</p><p>Atenciosamente,<br>Ana Lima<br><img src=\"cid:i1\"></p>";
        let quoted = "<p>E agora?</p><blockquote type=\"cite\"><p>Veja <img src=\"cid:i1\"></p></blockquote>";
        for (html, part, expected) in [
            (own, image("i1", "inline", 9_000), true),
            (own, image("i1", "inline", 300), false),
            (signed, image("i1", "inline", 9_000), false),
            (quoted, image("i1", "inline", 9_000), false),
            // As phones attach photos: within the mail, and nothing shows them.
            ("<p>Segue a foto</p>", image("i1", "inline", 9_000), true),
            (
                "<p>Segue a nota</p>",
                "--m\nContent-Type: application/pdf\nContent-Disposition: inline\n\n%PDF-1\n"
                    .to_owned(),
                true,
            ),
            (
                "<p>Oi</p>",
                "--m\nContent-Type: application/pgp-signature; name=a.asc\n\nx\n".to_owned(),
                false,
            ),
            ("<p>Oi</p>", String::new(), false),
        ] {
            let raw = related(html, &part);
            let mail = parse::read(raw.as_bytes()).unwrap();
            assert_eq!(may_mean_a_file(&mail), expected, "{html} {}", part.len());
        }
    }
}
