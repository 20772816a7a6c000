//! Content transfer encodings (RFC 2045 §6), read leniently: what is no part of the encoding is
//! passed over or kept as it stands, so a damaged part still shows what is left of it.

use std::borrow::Cow;

/// Undoes a transfer encoding; an unknown one leaves the bytes as they are.
pub(super) fn decode<'a>(encoding: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding {
        "base64" => Cow::Owned(base64(bytes)),
        "quoted-printable" => Cow::Owned(quoted_printable(bytes)),
        _ => Cow::Borrowed(bytes),
    }
}

/// Padding ends a quantum and not the data, because some senders join two encodings. Lists and virus scanners write words
/// behind what is encoded, which are no part of it.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut bits = 0u32;
    let mut held = 0u32;
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.trim_ascii();
        if !out.is_empty() && is_words(line) {
            continue;
        }
        for byte in line {
            if *byte == b'=' {
                (bits, held) = (0, 0);
                continue;
            }
            let Some(value) = sextet(*byte) else { continue };
            bits = (bits << 6) | u32::from(value);
            held += 6;
            if held >= 8 {
                held -= 8;
                let [.., low] = (bits >> held).to_be_bytes();
                out.push(low);
                bits &= (1 << held) - 1;
            }
        }
    }
    out
}

/// True for a line that no encoder writes: with a space amid it, a link, or a rule.
fn is_words(line: &[u8]) -> bool {
    line.iter().any(|b| matches!(b, b' ' | b':')) || line.iter().all(|b| matches!(b, b'-' | b'_'))
}

const fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// RFC 2045 §6.7; white space at the end of a line is no part of it (rule 3).
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let ends = line.last() == Some(&b'\n');
        let line = line.trim_ascii_end();
        let (line, soft) = match line.split_last() {
            Some((b'=', rest)) => (rest, true),
            _ => (line, false),
        };
        let mut rest = line.iter().copied();
        while let Some(byte) = rest.next() {
            let mut ahead = rest.clone();
            let pair = (byte == b'=').then(|| (ahead.next(), ahead.next()));
            match pair {
                Some((Some(high), Some(low))) => match (nibble(high), nibble(low)) {
                    (Some(high), Some(low)) => {
                        out.push(high << 4 | low);
                        rest = ahead;
                    }
                    _ => out.push(byte),
                },
                _ => out.push(byte),
            }
        }
        if ends && !soft {
            out.push(b'\n');
        }
    }
    out
}

const fn nibble(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'F' => byte - b'A' + 10,
        b'a'..=b'f' => byte - b'a' + 10,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone_and_damage_is_survived() {
        for (encoding, encoded, expected) in [
            ("base64", "b2zDoQ==", "olá"),
            ("base64", "b2z\nDoQ", "olá"),
            ("base64", "b2w=w6E=", "olá"),
            ("base64", "!!!b2zDoQ", "olá"),
            ("base64", "b2zDoQ==\r\n\r\n____\r\nEsta lista tem regras\r\nhttp://lista\r\n", "olá"),
            ("base64", "b2 zD oQ", "olá"),
            ("base64", "", ""),
            ("quoted-printable", "ol=C3=A1", "olá"),
            ("quoted-printable", "ol=c3=a1 \nx", "olá\nx"),
            ("quoted-printable", "so=\nft", "soft"),
            ("quoted-printable", "so= \nft", "soft"),
            ("quoted-printable", "50=% =", "50=% "),
            ("quoted-printable", "=4", "=4"),
            ("7bit", "as is =20", "as is =20"),
            ("x-unknown", "as is", "as is"),
        ] {
            let decoded = decode(encoding, encoded.as_bytes());
            assert_eq!(String::from_utf8_lossy(&decoded), expected, "{encoding} {encoded:?}");
        }
    }
}
