//! Reads JSON that others wrote: numbers as text and the reverse, null for nothing, one thing where a list is due.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Last second of the year 9999, the last that RFC 3339 can write.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Parses a body, mending half emoji and broken UTF-8 first where they are in the way.
///
/// A name that was cut in the middle of an emoji leaves half a surrogate pair in the escapes. No parser takes
/// that, and without mending one customer's name would keep a whole batch away for as long as it is sent again.
pub(super) fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).or_else(|_| serde_json::from_str(&mended(body)))
}

fn mended(body: &[u8]) -> String {
    const LONE: &str = "\\ufffd";
    let text = String::from_utf8_lossy(body);
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut out = String::with_capacity(rest.len());
    while let Some((before, tail)) = rest.split_once('\\') {
        out.push_str(before);
        let (kept, taken) = match escaped_unit(tail) {
            Some(0xd800..=0xdbff) => {
                let second = tail.get(5..).and_then(|next| next.strip_prefix('\\'));
                match second.and_then(escaped_unit) {
                    Some(0xdc00..=0xdfff) => (None, 11),
                    _ => (Some(LONE), 5),
                }
            }
            Some(0xdc00..=0xdfff) => (Some(LONE), 5),
            Some(_) => (None, 5),
            // Whatever follows a backslash belongs to it, another backslash above all.
            None => (None, tail.chars().next().map_or(0, char::len_utf8)),
        };
        let (escape, after) = tail.split_at_checked(taken).unwrap_or((tail, ""));
        if let Some(replacement) = kept {
            out.push_str(replacement);
        } else {
            out.push('\\');
            out.push_str(escape);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Reads `uXXXX`, the part of an escape after its backslash.
fn escaped_unit(tail: &str) -> Option<u16> {
    let digits = tail.strip_prefix('u')?.get(..4)?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
}

/// Returns a list; one thing that is no list counts as a list of one, and null or nothing as none.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    match value.get(key) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
    }
}

/// Returns text as it was written, or a number as text; `None` for empty text too.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns an id or a keyword: text or a number, without blanks around it.
pub(super) fn word(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns a whole number, also one that is written as text.
pub(super) fn integer(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns a finite number, also one that is written as text.
pub(super) fn number(value: &Value, key: &str) -> Option<f64> {
    let number = match value.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Returns a moment given in Unix seconds; `None` outside the years 1970 to 9999.
pub(super) fn moment(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    let seconds = integer(value, key).filter(|seconds| (1..=SECONDS_MAX).contains(seconds))?;
    DateTime::from_timestamp(seconds, 0)
}

/// True for `true`, also written as text.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    boolean(value, key) == Some(true)
}

/// Returns a truth value, also one that is written as text.
pub(super) fn boolean(value: &Value, key: &str) -> Option<bool> {
    match value.get(key)? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_an_emoji_or_a_broken_byte_does_not_keep_the_rest_away() {
        let table: &[(&[u8], Option<Value>)] = &[
            (br#"{"a":"\ud83d"}"#, Some(json!({"a": "\u{fffd}"}))),
            (br#"{"a":"\ud83d\n"}"#, Some(json!({"a": "\u{fffd}\n"}))),
            (br#"{"a":"\udc4d x"}"#, Some(json!({"a": "\u{fffd} x"}))),
            (br#"{"a":"\ud83d\ud83d\udc4d"}"#, Some(json!({"a": "\u{fffd}👍"}))),
            (br#"{"a":"\ud83d\udc4d\ud83d"}"#, Some(json!({"a": "👍\u{fffd}"}))),
            // A backslash before the backslash: these are the letters, not an escape.
            (br#"{"a":"\\ud83d","b":"\udead"}"#, Some(json!({"a": "\\ud83d", "b": "\u{fffd}"}))),
            (b"{\"a\":\"\xff\xfe\"}", Some(json!({"a": "\u{fffd}\u{fffd}"}))),
            (b"\xef\xbb\xbf{\"a\":1}", Some(json!({"a": 1}))),
            (br#"{"a":"\u+123"}"#, None),
            (br#"{"a":"\ud83d"#, None),
            (br#"{"a":"\"#, None),
            (br#"{"a":"\ud8"#, None),
            (b"{", None),
            (b"", None),
            (b" \n", None),
            (b"\xff", None),
        ];
        for (body, expected) in table {
            assert_eq!(parse(body).ok(), *expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn values_are_read_however_they_are_written() {
        let value = json!({"n": 7, "s": " 7 ", "f": 1.5, "z": null, "b": "true", "e": "", "l": [1], "o": {}, "t": -3});
        assert_eq!([word(&value, "n"), word(&value, "s")], [Some("7".into()), Some("7".into())]);
        assert_eq!([text(&value, "s"), text(&value, "e")], [Some(" 7 ".into()), None]);
        assert_eq!([integer(&value, "s"), integer(&value, "f")], [Some(7), None]);
        assert_eq!([number(&value, "s"), number(&value, "f")], [Some(7.0), Some(1.5)]);
        assert_eq!(
            [flag(&value, "b"), flag(&value, "n"), flag(&value, "missing")],
            [true, false, false]
        );
        let lengths = ["l", "o", "z", "missing"].map(|key| items(&value, key).len());
        assert_eq!(lengths, [1, 1, 0, 0]);
        for (seconds, fine) in [
            (json!("1795166400"), true),
            (json!(1_795_166_400), true),
            (json!("1795166400.5"), false),
            (json!(1.7e9), false),
            (json!("1795166400000"), false),
            (json!(-1), false),
            (json!(0), false),
            (json!("soon"), false),
            (json!(null), false),
            (json!([1]), false),
        ] {
            assert_eq!(moment(&json!({"t": seconds}), "t").is_some(), fine, "{seconds}");
        }
    }
}
