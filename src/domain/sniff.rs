//! What a file is by its first bytes, where they tell.

/// Where the name of a file within an archive is looked for.
const PEEKED: usize = 4096;

/// Bytes, where they stand, and what they mean; the first that fits counts.
const MARKS: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\0\0\x01\0", "image/x-icon"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"MSCF", "application/vnd.ms-cab-compressed"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (0, b"#!", "text/x-script"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
    (0, b"BEGIN:VCARD", "text/vcard"),
];

/// Files of other programs that are ZIP archives, by the name of a file within.
const ARCHIVES: &[(&[u8], &str)] = &[
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (
        b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.spreadsheet",
    ),
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
];

/// Returns the content type that the first bytes of a file show; `None` if they show none, as those of plain text.
pub fn mime(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..PEEKED).unwrap_or(bytes);
    let stands = |at: usize, mark: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(mark));
    let holds = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    if let Some((_, _, mime)) = MARKS.iter().find(|(at, mark, _)| stands(*at, mark)) {
        return Some(mime);
    }
    // Two letters begin many a text, so the field that is always zero must follow.
    if stands(0, b"BM") && stands(6, &[0; 4]) {
        return Some("image/bmp");
    }
    if stands(0, b"PK\x03\x04") {
        let known = ARCHIVES.iter().find(|(name, _)| holds(name));
        return Some(known.map_or("application/zip", |(_, mime)| mime));
    }
    // Readers of PDF look for its mark in the first kilobyte.
    if head.get(..1024).unwrap_or(head).windows(5).any(|window| window == b"%PDF-") {
        return Some("application/pdf");
    }
    let text = head.trim_ascii_start();
    let begins = |tag: &[u8]| text.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
    if begins(b"<!doctype html") || begins(b"<html") || begins(b"<script") {
        return Some("text/html");
    }
    if begins(b"<svg") || (begins(b"<?xml") && holds(b"<svg")) {
        return Some("image/svg+xml");
    }
    begins(b"<?xml").then_some("application/xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_what_they_begin_with() {
        for (bytes, expected) in [
            (&b"%PDF-1.7\n"[..], Some("application/pdf")),
            (b"\n\n%PDF-1.7\n", Some("application/pdf")),
            (b"\x89PNG\r\n\x1a\n\0\0", Some("image/png")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x18ftypheic", Some("image/heic")),
            (b"\0\0\0\x18ftypisom", Some("video/mp4")),
            (b"MZ\x90\0", Some("application/vnd.microsoft.portable-executable")),
            (b"PK\x03\x04\0\0[Content_Types].xml\0\0word/document.xml", Some(ARCHIVES[0].1)),
            (b"PK\x03\x04\0\0a.txt", Some("application/zip")),
            (b" <!DOCTYPE HTML><p>", Some("text/html")),
            (b"<?xml version='1.0'?><svg>", Some("image/svg+xml")),
            (b"<?xml version='1.0'?><nfeProc>", Some("application/xml")),
            (b"nota fiscal", None),
            (b"BMW 320i", None),
            (b"M", None),
            (b"", None),
        ] {
            assert_eq!(mime(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
