//! Bytes of unknown or claimed charset to text.
//!
//! UTF-8 is tried first, because it is almost never valid by accident; then the label; then what
//! the bytes look like. Control characters that no reader sees are dropped.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Where the bytes leave doubt, they are taken for what is usual under this domain.
const USUAL_DOMAIN: &[u8] = b"br";

/// How much of a text is looked at to guess its charset, in bytes.
const SAMPLE: usize = 64 * 1024;

/// Returns the text of bytes whose sender claims the charset `label`.
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> String {
    clean(&decode_raw(bytes, label))
}

fn decode_raw(bytes: &[u8], label: Option<&str>) -> String {
    let label = label.map(str::trim).filter(|label| !label.is_empty());
    let encoding = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let as_utf8 = std::str::from_utf8(bytes).ok();
    match (encoding, as_utf8) {
        // The label of a Western charset is what programs write that never asked the text.
        (Some(encoding), Some(text)) if encoding == UTF_8 || encoding == WINDOWS_1252 => {
            seven_bit(bytes, text)
        }
        (Some(encoding), _) if encoding == UTF_8 => damaged_or_guessed(bytes),
        (Some(encoding), _) => {
            let (text, _, had_errors) = encoding.decode(bytes);
            if !had_errors {
                return text.into_owned();
            }
            as_utf8.map_or_else(|| fewer_losses(text.into_owned(), guessed(bytes)), str::to_owned)
        }
        (None, as_utf8) => {
            if let Some(decoder) = label.and_then(|label| charset_decoder(label.as_bytes())) {
                return decoder(bytes);
            }
            as_utf8.map_or_else(|| damaged_or_guessed(bytes), |text| seven_bit(bytes, text))
        }
    }
}

/// UTF-8 with a few broken characters is still UTF-8: programs cut a text amid a character before they put theirs behind
/// it. Bytes of another charset rarely make one character that is valid.
fn damaged_or_guessed(bytes: &[u8]) -> String {
    let (mut valid, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if valid > broken {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    guessed(bytes)
}

/// ISO-2022-JP (RFC 1468) looks like ASCII but for its escapes.
fn seven_bit(bytes: &[u8], text: &str) -> String {
    if text.contains("\u{1b}$") { guessed(bytes) } else { text.to_owned() }
}

fn guessed(bytes: &[u8]) -> String {
    // A long mail may begin with pages of plain ASCII, which say nothing.
    let telling = bytes.iter().position(|b| !b.is_ascii() || *b == 0x1b).unwrap_or(0);
    let sample = bytes.get(telling.saturating_sub(SAMPLE / 64)..).unwrap_or(bytes);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample.get(..SAMPLE).unwrap_or(sample), true);
    let encoding = detector.guess(Some(USUAL_DOMAIN), Utf8Detection::Allow);
    encoding.decode(bytes).0.into_owned()
}

fn fewer_losses(one: String, other: String) -> String {
    let losses = |text: &str| text.matches('\u{fffd}').count();
    if losses(&other) < losses(&one) { other } else { one }
}

/// Drops what no reader sees of controls, and writes every end of line as `\n`, also those that two programs wrote.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let twice = text.contains("\r\r\n").then(|| text.replace("\r\r\n", "\n"));
    let mut chars = twice.as_deref().unwrap_or(text).chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{feff}' => {}
            _ if c.is_control() => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn labels_are_believed_only_as_far_as_the_bytes_allow() {
        for (bytes, label, expected) in [
            (&b"a\xc3\xa7\xc3\xa3o"[..], None, "ação"),
            (b"a\xc3\xa7\xc3\xa3o", Some("iso-8859-1"), "ação"),
            (b"a\xc3\xa7\xc3\xa3o", Some("us-ascii"), "ação"),
            (b"a\xe7\xe3o", Some("iso-8859-1"), "ação"),
            (b"a\xe7\xe3o", Some("utf-8"), "ação"),
            (b"n\xe3o recebi a devolu\xe7\xe3o", None, "não recebi a devolução"),
            (b"n\xe3o", None, "não"),
            (b"pre\xe7o \x80 10 \x96 ok", None, "preço € 10 – ok"),
            (b"\x1b$B$3$s$K$A$O\x1b(B", Some("iso-2022-jp"), "こんにちは"),
            (b"\x1b$B$3$s$K$A$O\x1b(B", None, "こんにちは"),
            (b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7", Some("gb2312"), "你好，世界"),
            (b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7", Some("gb18030"), "你好，世界"),
            (b"\xd0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r"), "привет"),
            (b"+AOM-", Some("utf-7"), "ã"),
            (b"\xff\xfeo\0l\0\xe1\0", Some("utf-16"), "olá"),
            (b"ol\xc3\xa1", Some("no-such-charset"), "olá"),
            (b"\xef\xbb\xbfol\xc3\xa1", None, "olá"),
            (b"a\0b\x07c\r\nd\re\r\r\nf", None, "abc\nd\ne\nf"),
            (b"", Some(""), ""),
            (b"at\xe9 amanh\xe3", Some("utf-8"), "até amanhã"),
            (b"at\xe9 amanh\xe3", None, "até amanhã"),
            (b"cortado \xc3\xa9 n\xc3\xa3o, \xc3", Some("utf-8"), "cortado é não, \u{fffd}"),
        ] {
            assert_eq!(decode(bytes, label), expected, "{bytes:?} {label:?}");
        }
    }

    #[test]
    fn one_broken_character_does_not_change_the_charset_of_the_others() {
        let words = "não é ação é devolução ".repeat(10);
        let mut broken = words.clone().into_bytes();
        broken.extend(b"cortad\xc3 -- aviso da lista");
        for label in [None, Some("utf-8")] {
            let text = decode(&broken, label);
            assert!(text.starts_with(&words) && text.ends_with("cortad\u{fffd} -- aviso da lista"));
        }
    }

    #[test]
    fn a_long_text_is_guessed_by_the_part_that_tells() {
        let plain = "plain words ".repeat(20_000);
        let mut bytes = plain.clone().into_bytes();
        bytes.extend(b"n\xe3o recebi a devolu\xe7\xe3o");
        assert_eq!(decode(&bytes, None), plain + "não recebi a devolução");
    }
}
