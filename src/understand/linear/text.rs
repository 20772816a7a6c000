//! Folds a text to padded lower-case tokens, in time and memory bounded by a constant.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Bytes of a text that are read; what follows cannot change a triage decision.
pub(super) const MOST_BYTES: usize = 8 * 1024;

/// Bytes of one token that are kept; longer runs are keys, hashes or noise.
const MOST_TOKEN_BYTES: usize = 24;

/// Longest run of one character that is kept, so that "oiiiii" and "oiii" are one word.
const MOST_REPEATS: usize = 2;

/// The tokens of one text, each between two spaces, in one buffer that can be used again.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Tokens with one space before, between and after them.
    bytes: Vec<u8>,
    /// Where each token ends, the space after it not counted.
    ends: Vec<usize>,
    /// Last byte that was pushed and how often.
    repeat: (u8, usize),
}

impl Tokens {
    /// Replaces the tokens by those of a text.
    pub(super) fn read(&mut self, text: &str) {
        self.bytes.clear();
        self.ends.clear();
        self.bytes.push(b' ');
        self.repeat = (b' ', 0);
        let cut = text.floor_char_boundary(MOST_BYTES);
        let text = text.get(..cut).unwrap_or_default();
        if text.is_ascii() {
            for byte in text.bytes() {
                self.push(byte);
            }
        } else {
            for character in text.nfkd().filter(|character| !is_combining_mark(*character)) {
                self.push_char(character);
            }
        }
        self.end_token();
    }

    /// Yields each token with its two spaces.
    pub(super) fn padded(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let token = self.bytes.get(start..=*end).unwrap_or_default();
            start = *end;
            token
        })
    }

    fn push_char(&mut self, character: char) {
        if character.is_ascii() {
            self.push(u8::try_from(character).unwrap_or(b' '));
        } else if character.is_alphanumeric() {
            let mut utf8 = [0; 4];
            for lower in character.to_lowercase() {
                for byte in lower.encode_utf8(&mut utf8).bytes() {
                    self.push_letter(byte);
                }
            }
        } else if character.is_whitespace() || is_quiet(character) {
            self.end_token();
        } else {
            let mut utf8 = [0; 4];
            self.push_symbol(character.encode_utf8(&mut utf8).as_bytes());
        }
    }

    fn push(&mut self, byte: u8) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => self.push_letter(byte),
            b'A'..=b'Z' => self.push_letter(byte.to_ascii_lowercase()),
            // "don't" and "dont" are one word.
            b'\'' | b'`' => {}
            b'?' | b'!' | b'$' | b'%' => self.push_symbol(&[byte]),
            _ => self.end_token(),
        }
    }

    fn push_letter(&mut self, byte: u8) {
        if self.repeat.0 == byte {
            self.repeat.1 += 1;
        } else {
            self.repeat = (byte, 1);
        }
        let begun = self.ends.last().map_or(1, |end| end + 1);
        let length = self.bytes.len().saturating_sub(begun);
        let elongated = self.repeat.1 > MOST_REPEATS && byte.is_ascii_lowercase();
        if !elongated && length < MOST_TOKEN_BYTES {
            self.bytes.push(byte);
        }
    }

    fn push_symbol(&mut self, symbol: &[u8]) {
        self.end_token();
        self.bytes.extend_from_slice(symbol);
        self.end_token();
    }

    fn end_token(&mut self) {
        self.repeat = (b' ', 0);
        if self.bytes.last() != Some(&b' ') {
            self.ends.push(self.bytes.len());
            self.bytes.push(b' ');
        }
    }
}

/// Says whether a character outside ASCII only separates words.
fn is_quiet(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens_of(text: &str) -> Vec<String> {
        let mut tokens = Tokens::default();
        tokens.read("something before");
        tokens.read(text);
        tokens.padded().map(|token| String::from_utf8_lossy(token).into_owned()).collect()
    }

    #[test]
    fn texts_fold_to_padded_tokens() {
        for (text, expected) in [
            ("", vec![]),
            (" .,; ", vec![]),
            ("Oi", vec![" oi "]),
            ("Não, CHEGOU!", vec![" nao ", " chegou ", " ! "]),
            ("don't", vec![" dont "]),
            ("oiiiiii aaa", vec![" oii ", " aa "]),
            ("R$ 1000,00", vec![" r ", " $ ", " 1000 ", " 00 "]),
            ("raiva\u{1f621}\u{1f621}", vec![" raiva ", " \u{1f621} ", " \u{1f621} "]),
            ("a\u{2014}b", vec![" a ", " b "]),
            ("ﬁm Ｏｉ", vec![" fim ", " oi "]),
            ("ЖДУ", vec![" жду "]),
        ] {
            assert_eq!(tokens_of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(tokens_of(&"ab".repeat(50))[0].len(), MOST_TOKEN_BYTES + 2);
        assert!(tokens_of(&"é ".repeat(MOST_BYTES)).len() <= MOST_BYTES);
    }
}
