//! What single header fields mean: addresses, dates, ids, content types.

use chrono::{DateTime, Utc};
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::headers::Headers;
use super::{Address, ReturnPath, words};
use crate::domain::file_name::{cut, one_line};

/// Most addresses that are kept of one field.
const MAX_ADDRESSES: usize = 100;
/// Longest address, in bytes (RFC 5321 §4.5.3.1: 64 + 1 + 255).
const MAX_ADDRESS: usize = 320;
/// Longest name of a person, in bytes.
const MAX_NAME: usize = 200;
/// Longest message id, in bytes; RFC 5322 §2.1.1 allows 998 a line.
const MAX_ID: usize = 500;
/// Most ids that are kept of one field: the first, which began the thread, and the last ones.
const MAX_IDS: usize = 50;
/// Longest subject, in bytes.
const MAX_SUBJECT: usize = 1000;

/// Parses one unfolded value with a parser that wants to see the end of its line.
fn parsed<T>(value: &str, parse: impl FnOnce(&mut MessageStream<'_>) -> Option<T>) -> Option<T> {
    let line = format!("{}\n", words::joined(value));
    parse(&mut MessageStream::new(line.as_bytes()))
}

/// Returns the text of a field with its encoded words (RFC 2047) decoded.
pub(super) fn text(value: &str, max: usize) -> String {
    let decoded = parsed(value, |stream| match stream.parse_unstructured() {
        HeaderValue::Text(text) => Some(text.into_owned()),
        HeaderValue::TextList(texts) => Some(texts.join(" ")),
        _ => None,
    });
    one_line(&decoded.unwrap_or_default(), max)
}

/// Returns the subject, or an empty text.
pub(super) fn subject(headers: &Headers) -> String {
    headers.get("subject").map(|value| text(value, MAX_SUBJECT)).unwrap_or_default()
}

/// Returns the addresses of every field of a name (lower case), groups flattened.
pub(super) fn addresses(headers: &Headers, name: &str) -> Vec<Address> {
    let mut found = Vec::new();
    for value in headers.all(name) {
        let list = parsed(value, |stream| match stream.parse_address() {
            HeaderValue::Address(list) => {
                Some(list.iter().map(|one| address(one.name(), one.address())).collect::<Vec<_>>())
            }
            _ => None,
        });
        found.extend(list.unwrap_or_default());
    }
    found.retain(|one| !one.email.is_empty() || one.name.is_some());
    found.truncate(MAX_ADDRESSES);
    found
}

fn address(name: Option<&str>, email: Option<&str>) -> Address {
    let mut name = name.map(|name| text(name, MAX_NAME)).filter(|name| !name.is_empty());
    let mut email = one_line(email.unwrap_or_default(), MAX_ADDRESS).to_lowercase();
    if !email.contains('@') && name.as_ref().is_some_and(|name| is_address(name)) {
        email = name.take().unwrap_or_default().to_lowercase();
    }
    Address { name, email: email.trim_matches(['<', '>', ' ']).to_owned() }
}

/// True for `local@domain` without white space: enough to write to, and no more is promised.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= MAX_ADDRESS
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
        && text.rsplit_once('@').is_some_and(|(local, domain)| {
            let quoted = local.starts_with('"') && local.ends_with('"');
            !local.is_empty()
                && (quoted || !local.contains('@'))
                && !domain.is_empty()
                && !domain.starts_with('.')
        })
}

/// Returns the bare addresses of a field whose value is one address, such as `Delivered-To`.
pub(super) fn bare_addresses(headers: &Headers, name: &str) -> Vec<String> {
    let bare = |value: &str| value.trim_matches(['<', '>', ' ', '"']).to_lowercase();
    headers.all(name).map(bare).filter(|one| is_address(one)).take(MAX_ADDRESSES).collect()
}

/// Reads `Return-Path`: what matters most is whether it is there and empty (RFC 5321 §4.5.5).
pub(super) fn return_path(headers: &Headers) -> ReturnPath {
    match headers.get("return-path") {
        None => ReturnPath::Absent,
        Some(value) => {
            let path = cut(value.trim_matches(['<', '>', ' ', '"']), MAX_ADDRESS).to_lowercase();
            if path.is_empty() { ReturnPath::Null } else { ReturnPath::Address(path) }
        }
    }
}

/// Returns the message ids of a field without their angle brackets, oldest first.
pub(super) fn ids(value: &str) -> Vec<String> {
    let mut found: Vec<String> = value
        .split('<')
        .skip(1)
        .filter_map(|piece| piece.split_once('>'))
        .map(|(id, _)| id)
        .filter(|id| is_id(id))
        .map(str::to_owned)
        .collect();
    if !value.contains('<') {
        let bare = value.split([' ', '\t', ',']).map(|id| id.trim_matches(['<', '>', '"']));
        found = bare.filter(|id| id.contains('@') && is_id(id)).map(str::to_owned).collect();
    }
    if found.len() > MAX_IDS {
        let last = found.split_off(found.len() - (MAX_IDS - 1));
        found.truncate(1);
        found.extend(last);
    }
    found
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && !id.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<')
}

/// Returns when a mail says that it was written; `None` for no date or one that cannot be.
pub(super) fn date(headers: &Headers) -> Option<DateTime<Utc>> {
    parsed(headers.get("date")?, |stream| match stream.parse_date() {
        HeaderValue::DateTime(date) if date.is_valid() => {
            DateTime::from_timestamp(date.to_timestamp(), 0)
        }
        _ => None,
    })
}

/// A parsed `Content-Type` or `Content-Disposition`.
#[derive(Clone, Debug, Default)]
pub(super) struct Kind {
    /// `type/subtype` or the disposition, in lower case; empty if there is none.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
}

impl Kind {
    /// Reads one field, with its parameters of RFC 2231 and the encoded words people put there.
    pub(super) fn read(headers: &Headers, field: &str) -> Self {
        let Some(value) = headers.get(field) else { return Self::default() };
        let read = parsed(value, |stream| match stream.parse_content_type() {
            HeaderValue::ContentType(content) => Some(Self::from_parsed(&content)),
            _ => None,
        });
        read.unwrap_or_default()
    }

    fn from_parsed(content: &ContentType<'_>) -> Self {
        let name = match content.subtype() {
            Some(subtype) => format!("{}/{subtype}", content.ctype()),
            None => content.ctype().to_owned(),
        };
        let pairs = content.attributes().unwrap_or_default();
        let parameters =
            pairs.iter().map(|pair| (pair.name.to_lowercase(), pair.value.clone().into_owned()));
        Self { name: one_line(&name.to_lowercase(), 200), parameters: parameters.collect() }
    }

    /// Returns a parameter by its name (lower case).
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers;
    use super::*;

    fn of(raw: &str) -> Headers {
        headers::read(raw.as_bytes())
    }

    #[test]
    fn addresses_of_every_shape_are_read() {
        for (field, name, email) in [
            ("João <Joao@X.com>", Some("João"), "joao@x.com"),
            ("\"Silva, João\" <j@x.com>", Some("Silva, João"), "j@x.com"),
            ("=?utf-8?B?Sm/Do28=?= <j@x.com>", Some("João"), "j@x.com"),
            ("\"=?iso-8859-1?Q?Jo=E3o?=\" <j@x.com>", Some("João"), "j@x.com"),
            ("j@x.com (João)", Some("João"), "j@x.com"),
            ("=?utf-8?Q?Jo=C3?= =?utf-8?Q?=A3o?= <j@x.com>", Some("João"), "j@x.com"),
            ("j@x.com", None, "j@x.com"),
            ("\"j@x.com\"", None, "j@x.com"),
            ("MAILER-DAEMON <>", Some("MAILER-DAEMON"), ""),
        ] {
            let found = addresses(&of(&format!("From: {field}\n")), "from");
            let expected = Address { name: name.map(str::to_owned), email: email.to_owned() };
            assert_eq!(found, [expected], "{field}");
        }
        let many = addresses(&of("To: friends: a@x, b@x;, c@x\nTo: d@x\n"), "to");
        assert_eq!(
            many.iter().map(|one| one.email.as_str()).collect::<Vec<_>>(),
            ["a@x", "b@x", "c@x", "d@x"]
        );
    }

    #[test]
    fn ids_paths_dates_and_types_are_read() {
        for (value, expected) in [
            ("<a@b>", vec!["a@b"]),
            ("<a@b> <c@d>\t<e@f>", vec!["a@b", "c@d", "e@f"]),
            ("<a@b><c@d>", vec!["a@b", "c@d"]),
            ("Your message of today <a@b>", vec!["a@b"]),
            ("a@b", vec!["a@b"]),
            ("<with space@b>", vec![]),
            ("<>", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(ids(value), expected, "{value}");
        }
        let long: Vec<String> = (0..500).map(|n| format!("<{n}@x>")).collect();
        let kept = ids(&long.join(" "));
        assert_eq!((kept.len(), kept[0].as_str(), kept[49].as_str()), (50, "0@x", "499@x"));

        assert_eq!(return_path(&of("Return-Path: <>\n")), ReturnPath::Null);
        assert_eq!(return_path(&of("Subject: x\n")), ReturnPath::Absent);
        let path = ReturnPath::Address("a@b".to_owned());
        assert_eq!(return_path(&of("Return-Path: <A@b>\n")), path);

        let at = date(&of("Date: Thu, 17 Jul 2013 23:34:45 -0300 (BRT)\n"));
        assert_eq!(at.map(|at| at.to_rfc3339()).as_deref(), Some("2013-07-18T02:34:45+00:00"));
        assert_eq!(date(&of("Date: yesterday\n")), None);

        let kind = Kind::read(
            &of("Content-Type: Text/Plain; charset=\"UTF-8\";\n name*=utf-8''nota%20n%C2%BA.pdf\n"),
            "content-type",
        );
        assert_eq!(kind.name, "text/plain");
        assert_eq!(kind.parameter("charset"), Some("UTF-8"));
        assert_eq!(kind.parameter("name"), Some("nota nº.pdf"));
    }

    #[test]
    fn a_subject_is_one_clean_line() {
        for (value, expected) in [
            ("=?utf-8?Q?Devolu=C3=A7=C3=A3o?= do pedido", "Devolução do pedido"),
            ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?devolu=C3?= =?utf-8?Q?=A7=C3=A3o?=", "devolução"),
            ("=?UTF-8?B?ZGV2b2x1ww==?= =?utf-8?B?p8Ojbw==?=", "devolução"),
            ("=?utf-8?Q?linha=0D=0ABcc:_x@y?=", "linha Bcc: x@y"),
            ("abc\u{202e}def", "abcdef"),
            ("", ""),
        ] {
            assert_eq!(subject(&of(&format!("Subject: {value}\n"))), expected);
        }
    }
}
