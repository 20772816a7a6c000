//! Encoded words (RFC 2047) that follow one another.
//!
//! Each must be decodable by itself, but many programs cut one within a character, so that neither half can be read. Joined
//! before they are decoded, they can.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::transfer;

/// One encoded word and what stands behind it.
struct Word<'a> {
    charset: &'a str,
    encoding: &'a str,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Word<'a> {
    /// Reads a word that begins here.
    fn read(value: &'a str) -> Option<Self> {
        let (charset, rest) = value.strip_prefix("=?")?.split_once('?')?;
        let (encoding, rest) = rest.split_once('?')?;
        let (text, rest) = rest.split_once('?')?;
        let rest = rest.strip_prefix('=')?;
        let fits = matches!(encoding, "b" | "B" | "q" | "Q")
            && !charset.is_empty()
            && !charset.contains(char::is_whitespace);
        fits.then_some(Self { charset, encoding, text, rest })
    }

    fn goes_on_in(&self, next: &Self) -> bool {
        self.charset.eq_ignore_ascii_case(next.charset)
            && self.encoding.eq_ignore_ascii_case(next.encoding)
    }
}

/// Returns a value in which encoded words of one charset and encoding that follow one another are one word.
pub(super) fn joined(value: &str) -> Cow<'_, str> {
    if value.matches("=?").nth(1).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("=?") {
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let Some(first) = Word::read(tail) else {
            out.push_str("=?");
            rest = tail.get(2..).unwrap_or_default();
            continue;
        };
        let mut texts = vec![first.text];
        rest = first.rest;
        while let Some(next) = Word::read(rest.trim_start())
            && first.goes_on_in(&next)
        {
            texts.push(next.text);
            rest = next.rest;
        }
        let text = match texts.as_slice() {
            [one] => Cow::Borrowed(*one),
            many if first.encoding.eq_ignore_ascii_case("q") => Cow::Owned(many.concat()),
            many => {
                let decode = |text: &&str| transfer::decode("base64", text.as_bytes()).into_owned();
                Cow::Owned(STANDARD.encode(many.iter().map(decode).collect::<Vec<_>>().concat()))
            }
        };
        for piece in ["=?", first.charset, "?", first.encoding, "?", &text, "?="] {
            out.push_str(piece);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn words_are_joined_only_where_they_are_of_one_kind() {
        for (value, expected) in [
            ("=?utf-8?Q?a=C3?= =?UTF-8?q?=A7b?= c", "=?utf-8?Q?a=C3=A7b?= c"),
            ("=?utf-8?B?w6fDow==?=\t=?utf-8?B?bw==?=", "=?utf-8?B?w6fDo28=?="),
            ("=?utf-8?B?ww==?= =?utf-8?B?pw==?= <a@b>", "=?utf-8?B?w6c=?= <a@b>"),
            ("=?utf-8?Q?a?= =?iso-8859-1?Q?b?=", "=?utf-8?Q?a?= =?iso-8859-1?Q?b?="),
            ("=?utf-8?Q?a?= =?utf-8?B?YQ==?=", "=?utf-8?Q?a?= =?utf-8?B?YQ==?="),
            ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "=?utf-8?Q?a?= b =?utf-8?Q?c?="),
            ("=?=?=?x?y?z?= =?", "=?=?=?x?y?z?= =?"),
            ("no words", "no words"),
            ("", ""),
        ] {
            assert_eq!(joined(value), expected, "{value}");
        }
    }
}
