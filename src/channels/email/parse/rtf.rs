//! Rich Text Format: what Outlook makes of a mail in a `winmail.dat`, compressed ([MS-OXRTFCP]), and its words.

use super::charset;

/// Most bytes that are unpacked.
const MAX_UNPACKED: usize = 8 * 1024 * 1024;
/// Deepest group whose properties are followed.
const MAX_DEPTH: usize = 200;
/// What every window begins with ([MS-OXRTFCP] §2.1.2.1).
const WINDOW_START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \
\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW: usize = 4096;

/// Undoes the compression; `None` if the bytes are not compressed that way. What is damaged is read up to the damage.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, data) = bytes.split_at_checked(16)?;
    match header.get(8..12)? {
        b"MELA" => Some(data.get(..MAX_UNPACKED).unwrap_or(data).to_vec()),
        b"LZFu" => Some(unpacked(data)),
        _ => None,
    }
}

fn unpacked(data: &[u8]) -> Vec<u8> {
    let mut window = [0u8; WINDOW];
    for (place, byte) in window.iter_mut().zip(WINDOW_START) {
        *place = *byte;
    }
    let mut at = WINDOW_START.len();
    let mut out = Vec::new();
    let mut data = data.iter().copied();
    let mut put = |byte: u8, window: &mut [u8; WINDOW], at: &mut usize| {
        if let Some(place) = window.get_mut(*at) {
            *place = byte;
        }
        *at = (*at + 1) % WINDOW;
        out.push(byte);
        out.len() < MAX_UNPACKED
    };
    'runs: while let Some(flags) = data.next() {
        for bit in 0..8 {
            let Some(first) = data.next() else { break 'runs };
            if flags >> bit & 1 == 0 {
                if !put(first, &mut window, &mut at) {
                    break 'runs;
                }
                continue;
            }
            let Some(second) = data.next() else { break 'runs };
            let reference = usize::from(u16::from_be_bytes([first, second]));
            let (mut from, len) = (reference >> 4, (reference & 15) + 2);
            // A reference to where the next byte goes ends the text.
            if from == at {
                break 'runs;
            }
            for _ in 0..len {
                let byte = window.get(from).copied().unwrap_or_default();
                if !put(byte, &mut window, &mut at) {
                    break 'runs;
                }
                from = (from + 1) % WINDOW;
            }
        }
    }
    out
}

/// What a group inherits and may change.
#[derive(Clone, Copy)]
struct Group {
    /// Holds no words: fonts, colours, pictures.
    silent: bool,
    /// Hidden text (`\v`).
    hidden: bool,
    /// How many characters stand in for one of Unicode (`\uc`).
    stand_ins: usize,
}

/// Returns the words of a text; empty if it is none.
pub(super) fn to_text(rtf: &[u8]) -> String {
    if !rtf.starts_with(b"{\\rtf") {
        return String::new();
    }
    let mut reader = Reader {
        rest: rtf,
        out: String::new(),
        bytes: Vec::new(),
        codepage: None,
        groups: vec![Group { silent: false, hidden: false, stand_ins: 1 }],
        beyond: 0,
        skip: 0,
        group_begins: false,
    };
    while let Some((first, rest)) = reader.rest.split_first() {
        reader.rest = rest;
        reader.take(*first);
    }
    reader.flush();
    reader.out
}

struct Reader<'a> {
    rest: &'a [u8],
    out: String,
    /// Characters of the code page that are not decoded yet; some are two bytes long.
    bytes: Vec<u8>,
    codepage: Option<&'static str>,
    groups: Vec<Group>,
    /// Groups beyond [`MAX_DEPTH`] that are open.
    beyond: usize,
    /// Characters to pass over, because one of Unicode stands for them.
    skip: usize,
    /// True right behind an opening brace, where a destination is named.
    group_begins: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, byte: u8) {
        let begins = std::mem::take(&mut self.group_begins);
        match byte {
            b'{' => {
                self.flush();
                self.group_begins = true;
                match self.groups.last().copied() {
                    Some(group) if self.groups.len() < MAX_DEPTH => self.groups.push(group),
                    _ => self.beyond += 1,
                }
            }
            b'}' => {
                self.flush();
                self.skip = 0;
                if self.beyond > 0 {
                    self.beyond -= 1;
                } else if self.groups.len() > 1 {
                    self.groups.pop();
                }
            }
            b'\\' => self.control(begins),
            b'\r' | b'\n' | 0 => {}
            _ => self.byte(byte),
        }
    }

    fn control(&mut self, begins: bool) {
        let letters = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol();
        }
        let word = self.advance(letters);
        let negative = self.rest.first() == Some(&b'-');
        let digits = self.rest.iter().skip(usize::from(negative)).take(19);
        let digits = digits.take_while(|b| b.is_ascii_digit()).count();
        let number = (digits > 0).then(|| self.advance(digits + usize::from(negative)));
        let number = number.and_then(|text| std::str::from_utf8(text).ok()?.parse::<i64>().ok());
        if self.rest.first() == Some(&b' ') {
            self.advance(1);
        }
        self.word(word, number, begins);
    }

    fn word(&mut self, word: &[u8], number: Option<i64>, begins: bool) {
        let group = self.groups.last_mut().filter(|_| self.beyond == 0);
        match (word, group) {
            (b"ansicpg", _) => self.codepage = number.and_then(codepage),
            (b"bin", _) => {
                let len = number.and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
                self.advance(len.min(self.rest.len()));
            }
            (b"u", _) => self.unicode(number.unwrap_or(0)),
            (b"uc", Some(group)) => {
                let count = number.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
                group.stand_ins = count.min(10);
            }
            (b"v", Some(group)) => group.hidden = number != Some(0),
            (b"plain", Some(group)) => group.hidden = false,
            (
                b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object"
                | b"header" | b"footer" | b"listtable" | b"fldinst" | b"datafield",
                Some(group),
            ) if begins => group.silent = true,
            (b"par" | b"line" | b"row" | b"sect" | b"page", _) => self.push('\n'),
            (b"tab" | b"cell", _) => self.push('\t'),
            (b"emdash", _) => self.push('—'),
            (b"endash", _) => self.push('–'),
            (b"bullet", _) => self.push('•'),
            (b"lquote", _) => self.push('‘'),
            (b"rquote", _) => self.push('’'),
            (b"ldblquote", _) => self.push('“'),
            (b"rdblquote", _) => self.push('”'),
            _ => {}
        }
    }

    /// A backslash and one character that is no letter.
    fn symbol(&mut self) {
        match self.advance(1) {
            b"'" => {
                let code = self.advance(2.min(self.rest.len()));
                let code = std::str::from_utf8(code).ok();
                if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                    self.byte(byte);
                }
            }
            // What only some programs read.
            b"*" => {
                if let Some(group) = self.groups.last_mut().filter(|_| self.beyond == 0) {
                    group.silent = true;
                }
            }
            b"~" => self.push(' '),
            b"_" => self.push('-'),
            b"\n" | b"\r" => self.push('\n'),
            [byte @ (b'\\' | b'{' | b'}')] => self.byte(*byte),
            _ => {}
        }
    }

    fn unicode(&mut self, code: i64) {
        // Written as signed 16 bits; what lies beyond comes as two surrogates, which say nothing alone.
        let code = u32::try_from(if code < 0 { code + 0x1_0000 } else { code }).unwrap_or(0);
        match char::from_u32(code) {
            Some(c) if c.is_control() => {}
            Some(c) => self.push(c),
            None => self.surrogate(code),
        }
        self.skip = self.groups.last().map_or(1, |group| group.stand_ins);
    }

    /// Joins two surrogates: the first is kept as U+FFFD until the second comes.
    fn surrogate(&mut self, code: u32) {
        if (0xdc00..0xe000).contains(&code)
            && let Some(high) = self.out.chars().next_back().map(u32::from)
            && (0xf_0000..0xf_0400).contains(&high)
        {
            self.out.pop();
            let joined = 0x1_0000 + ((high - 0xf_0000) << 10) + (code - 0xdc00);
            self.push(char::from_u32(joined).unwrap_or('\u{fffd}'));
        } else if (0xd800..0xdc00).contains(&code) {
            // A private character that no mail has stands for the first half.
            self.push(char::from_u32(0xf_0000 + code - 0xd800).unwrap_or('\u{fffd}'));
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_seen() {
            self.bytes.push(byte);
        }
    }

    fn push(&mut self, c: char) {
        self.flush();
        if self.is_seen() {
            self.out.push(c);
        }
    }

    fn is_seen(&self) -> bool {
        self.beyond == 0 && self.groups.last().is_some_and(|group| !group.silent && !group.hidden)
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            self.out.push_str(&charset::decode(&bytes, self.codepage.or(Some("windows-1252"))));
        }
    }

    fn advance(&mut self, len: usize) -> &'a [u8] {
        let (head, tail) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }
}

/// Returns the label of a Windows code page.
pub(super) fn codepage(number: i64) -> Option<&'static str> {
    Some(match number {
        874 => "windows-874",
        932 => "shift_jis",
        936 => "gbk",
        949 => "euc-kr",
        950 => "big5",
        1250 => "windows-1250",
        1251 => "windows-1251",
        1252 => "windows-1252",
        1253 => "windows-1253",
        1254 => "windows-1254",
        1255 => "windows-1255",
        1256 => "windows-1256",
        1257 => "windows-1257",
        1258 => "windows-1258",
        20127 => "us-ascii",
        20866 => "koi8-r",
        28591 => "iso-8859-1",
        28592 => "iso-8859-2",
        28605 => "iso-8859-15",
        65001 => "utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_unpack() {
        assert_eq!(WINDOW_START.len(), 207);
        for (hex_digits, expected) in [
            (
                "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
                "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
            ),
            (
                "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0",
                "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
            ),
            ("0000000003000000", ""),
        ] {
            let bytes = hex::decode(hex_digits).unwrap();
            let found = unpack(&bytes).unwrap_or_default();
            assert_eq!(String::from_utf8_lossy(&found), expected, "{hex_digits}");
        }
        let plain = [&[0; 8][..], b"MELA", &[0; 4], b"{\\rtf1 oi}"].concat();
        assert_eq!(unpack(&plain).unwrap(), b"{\\rtf1 oi}");
        let endless = [&[0; 8][..], b"LZFu", &[0; 4], &b"\xff".repeat(3_000_000)].concat();
        assert!(unpack(&endless).unwrap().len() <= MAX_UNPACKED);
    }

    #[test]
    fn words_come_out_and_the_rest_does_not() {
        for (rtf, expected) in [
            ("{\\rtf1\\ansi oi}", "oi"),
            ("{\\rtf1\\ansi\\ansicpg1252 n\\'e3o \\u231 ?ok\\par fim}", "não çok\nfim"),
            ("{\\rtf1\\ansi\\ansicpg1251 \\'ef\\'f0\\'e8\\'e2\\'e5\\'f2}", "привет"),
            ("{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\colortbl;\\red0;}{\\*\\generator X;}oi}", "oi"),
            ("{\\rtf1\\uc2 \\u-10179 ??\\u-8694 ??!}", "\u{1f60a}!"),
            ("{\\rtf1 a{\\v escondido}b\\v c\\v0 d}", "abd"),
            ("{\\rtf1 a\\{b\\}\\\\\\~c\\tab d\\line e}", "a{b}\\ c\td\ne"),
            (
                "{\\rtf1\\fromhtml1{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 oi\\htmlrtf\\par}\\htmlrtf0}",
                "oi\n",
            ),
            ("{\\rtf1{\\pict\\bin3 }}}}oi}", "oi"),
            ("no rtf", ""),
            ("{\\rtf1 \\'z \\u99999999999999 \\bin99999", ""),
        ] {
            assert_eq!(to_text(rtf.as_bytes()), expected, "{rtf}");
        }
        let deep = format!("{{\\rtf1 {}x{}y}}", "{".repeat(100_000), "}".repeat(100_000));
        assert_eq!(to_text(deep.as_bytes()), "y");
    }
}
