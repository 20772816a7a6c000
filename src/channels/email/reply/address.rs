//! Addresses and names as they may stand in a mail that we write.

use std::fmt;

/// Longest local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Longest address: a path of 256 octets less its angle brackets (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
/// Most characters of a display name; longer ones are cut, nobody's program shows them.
const MAX_NAME: usize = 100;

/// One mail address in ASCII: what is written to a server and compared. Domains are A-labels in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    inner: lettre::Address,
}

impl Address {
    /// Reads one address without a name. `None` for what is no address, for one whose local part is not ASCII, which
    /// few servers take, and for quoted local parts and IP addresses, which no customer has.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let fits = (1..=MAX_LOCAL).contains(&local.len()) && local.bytes().all(is_atom_or_dot);
        if !fits || domain.ends_with('.') || domain.starts_with('[') {
            return None;
        }
        // Refuses whatever is no host name: spaces, line breaks, signs, labels that are too long.
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        // An address of four numbers would be taken for a name.
        if domain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        let inner = lettre::Address::new(local, domain).ok()?;
        (AsRef::<str>::as_ref(&inner).len() <= MAX_ADDRESS).then_some(Self { inner })
    }

    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        self.inner.as_ref()
    }

    /// Returns the domain, in lower case.
    pub fn domain(&self) -> &str {
        self.inner.domain()
    }

    /// Returns the library's own type.
    pub(in crate::channels::email) fn to_lettre(&self) -> lettre::Address {
        self.inner.clone()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A person's address reaches no log by accident.
        write!(f, "Address(***@{})", self.domain())
    }
}

/// RFC 5322 §3.2.3.
fn is_atom_or_dot(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte)
}

/// Returns a text as one line of what people can read: line breaks, control characters and marks that turn the
/// direction of what follows, with which a name may pose as another, become spaces.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_visible(c) { c } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// False for control characters and for those that turn the direction of text (UAX #9).
pub(super) const fn is_visible(c: char) -> bool {
    !matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Returns a name as it may stand before an address; `None` when nothing is left of it.
pub(super) fn display_name(text: &str) -> Option<String> {
    let name = cut(&one_line(text), MAX_NAME);
    let name = name.trim_matches(['"', '\'', ' ']).to_owned();
    // Programs warn of a name that reads as another address, and rightly so.
    (!name.is_empty() && !name.contains('@')).then_some(name)
}

/// Returns at most so many characters, the last of them an ellipsis where some are missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_the_form_that_servers_know() {
        for (text, expected) in [
            ("ana@loja.example", "ana@loja.example"),
            (" Ana.Souza+x@LOJA.example ", "Ana.Souza+x@loja.example"),
            ("ana@lojão.com.br", "ana@xn--lojo-ioa.com.br"),
            ("ana@例え.jp", "ana@xn--r8jz45g.jp"),
            ("o'brien@x.example", "o'brien@x.example"),
        ] {
            assert_eq!(Address::parse(text).unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@x.example", "a".repeat(65));
        let longer = format!("a@{}.example", ["b".repeat(60).as_str(); 5].join("."));
        for text in [
            "",
            "ana",
            "ana@",
            "@loja.example",
            "ana@loja.example\r\nBcc: eve@example.com",
            "ana\r\nDATA@loja.example",
            "ana@loja.example\n",
            "ana@loja.example, eve@example.com",
            "ana@loja.example eve@example.com",
            "Ana <ana@loja.example>",
            "<ana@loja.example>",
            "ana@loja_x.example",
            "ana@-loja.example",
            "ana@loja.example.",
            "ana@[127.0.0.1]",
            "ana@127.0.0.1",
            "ana..souza@x.example",
            ".ana@x.example",
            "\"ana souza\"@x.example",
            "joão@loja.example",
            "ana@x..example",
            long.as_str(),
            longer.as_str(),
        ] {
            // A trailing line break alone is trimmed, as it comes from files.
            if text == "ana@loja.example\n" {
                assert!(Address::parse(text).is_some());
                continue;
            }
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_address_is_not_printed_by_accident() {
        let printed = format!("{:?}", Address::parse("ana@loja.example").unwrap());
        assert!(!printed.contains("ana"), "{printed}");
    }

    #[test]
    fn names_are_one_readable_line() {
        for (text, expected) in [
            ("Ana Souza", Some("Ana Souza")),
            (" \"Souza, Ana\" ", Some("Souza, Ana")),
            ("Ana\r\nBcc: x", Some("Ana Bcc: x")),
            ("Ana\u{202e}moc", Some("Ana moc")),
            ("  ", None),
            ("suporte@banco.example", None),
        ] {
            assert_eq!(display_name(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(display_name(&"é".repeat(300)).unwrap().chars().count(), MAX_NAME);
    }
}
