//! The header fields of a mail or of one of its parts, as text.
//!
//! Fields are unfolded (RFC 5322 §2.2.3) and kept in order; their meaning is read in `fields`.

use std::borrow::Cow;

use super::charset;

/// Most fields that are kept of one block.
const MAX_FIELDS: usize = 500;
/// Longest field that is kept, in bytes; the rest of it is left out.
const MAX_FIELD: usize = 32 * 1024;
/// Longest name of a field, in bytes.
const MAX_FIELD_NAME: usize = 100;
/// Most bytes of one block that are read.
const MAX_BLOCK: usize = 512 * 1024;

/// Header fields in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Returns the first field of a name (lower case), unfolded and trimmed.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns every field of a name (lower case), topmost first.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// True if a field of this name (lower case) stands there, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// True if the name of any field starts so (lower case).
    pub fn has_prefix(&self, prefix: &str) -> bool {
        self.0.iter().any(|(key, _)| key.starts_with(prefix))
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Splits bytes into header fields and the body behind the first empty line. Words that stand below the last field without
/// that line are the body's too.
pub(super) fn split(bytes: &[u8]) -> (Headers, &[u8]) {
    let mut at = 0;
    let mut in_field = false;
    // Where the last line of a field ends, and where the body begins.
    let (mut fields_end, mut body) = (0, bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let next = at + line.len();
        if line.trim_ascii().is_empty() {
            body = next;
            break;
        }
        in_field = name(line).is_some() || (in_field && is_folded(line));
        if in_field {
            fields_end = next;
        }
        at = next;
    }
    let words = bytes.get(fields_end..at).unwrap_or_default();
    if at > fields_end && !is_envelope_line(words) {
        body = fields_end;
    }
    let block = bytes.get(..at.min(MAX_BLOCK)).unwrap_or(bytes);
    (read(block), bytes.get(body..).unwrap_or_default())
}

/// True for the line that mbox files put before a mail (RFC 4155), which some programs leave among its fields.
pub(super) fn is_envelope_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

fn is_folded(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

/// Returns the name of the field that a line begins, in the case in which it stands there.
fn name(line: &[u8]) -> Option<&str> {
    let end = line.iter().position(|b| *b == b':')?;
    let name = line.get(..end)?.trim_ascii_end();
    let fits = (1..=MAX_FIELD_NAME).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(name).ok().filter(|_| fits)
}

/// Reads the fields of one block. A line that is no field is passed over, with what is folded behind it.
pub(super) fn read(block: &[u8]) -> Headers {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut in_field = false;
    for line in block.split(|b| *b == b'\n') {
        if is_folded(line) {
            if in_field
                && let Some((_, value)) = fields.last_mut()
                && value.len() + line.len() < MAX_FIELD
            {
                value.push(' ');
                value.push_str(text(line).trim());
            }
            continue;
        }
        let Some(name) = name(line) else {
            in_field = false;
            continue;
        };
        if fields.len() == MAX_FIELDS {
            break;
        }
        in_field = true;
        let value = line.splitn(2, |b| *b == b':').nth(1).unwrap_or_default();
        let value = text(value.get(..MAX_FIELD).unwrap_or(value));
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    for (_, value) in &mut fields {
        let trimmed = value.trim();
        if trimmed.len() < value.len() {
            *value = trimmed.to_owned();
        }
    }
    Headers(fields)
}

/// RFC 5322 fields are ASCII; what is not was written without asking. Each line is read apart, because one server may have
/// written Latin-1 above the UTF-8 of another.
fn text(line: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(charset::decode(line, None)),
    };
    if text.contains(['\r', '\n', '\0']) {
        return Cow::Owned(text.replace(['\r', '\n', '\0'], " "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_what_is_none_is_passed_over() {
        let raw = b"Subject: one\n two\n\tthree\nFrom : a@b\nnonsense\n and more\n: empty\nX-Null:\nX: 1\nx: 2\n\nbody\n\nrest";
        let (headers, body) = split(raw);
        assert_eq!(headers.get("subject"), Some("one two three"));
        assert_eq!(headers.get("from"), Some("a@b"));
        assert_eq!(headers.get("x-null"), Some(""));
        assert_eq!(headers.all("x").collect::<Vec<_>>(), ["1", "2"]);
        assert!(headers.has_prefix("x-n") && !headers.has("y"));
        assert_eq!(body, b"body\n\nrest");
        for (raw, body) in [
            (&b"Subject: x\r\n\r\nbody"[..], &b"body"[..]),
            (b"\nbody: x", b"body: x"),
            (b"\n", b""),
            (b"Subject: x\nno line between\n\nrest", b"no line between\n\nrest"),
            (b"Subject: x\n folded\nno line between", b"no line between"),
            (b"Subject: x\n>From a Thu Jan\n\nbody", b"body"),
            (b"only words\n\nand more", b"only words\n\nand more"),
        ] {
            assert_eq!(split(raw).1, body, "{raw:?}");
        }
    }

    #[test]
    fn a_block_of_any_size_is_bounded() {
        let mut raw = b"Subject: a\n".to_vec();
        raw.extend(b" folded\n".repeat(200_000));
        raw.extend(b"\nbody");
        let (headers, body) = split(&raw);
        assert!(headers.get("subject").is_some_and(|value| value.len() <= MAX_FIELD));
        assert_eq!(body, b"body");

        let many = b"A: b\n".repeat(100_000);
        assert_eq!(split(&many).0.0.len(), MAX_FIELDS);
    }

    #[test]
    fn bytes_without_a_label_are_read() {
        let (headers, _) = split(b"Subject: devolu\xe7\xe3o n\xe3o caiu\n\n");
        assert_eq!(headers.get("subject"), Some("devolução não caiu"));
        let (headers, _) = split(b"From: Jo\xc3\xa3o <a@b>\nSubject: devolu\xe7\xe3o\n\n");
        assert_eq!(headers.get("from"), Some("João <a@b>"));
        assert_eq!(headers.get("subject"), Some("devolução"));
    }
}
