//! A CSV file as spreadsheets write it: which encoding, which separator, then row by row.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use csv::ByteRecord;

use crate::domain::decision::LocalText;

/// How much of the file is looked at for its separator.
const HEAD_BYTES: u64 = 64 * 1024;
/// What Windows-1252 has at 0x80 to 0x9F, where Latin-1 has control characters; U+FFFD for the five
/// bytes it leaves open.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
    '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}',
    'ž', 'Ÿ',
];

/// An open file, past its first line.
pub(super) struct CsvFile {
    /// The names of the columns.
    pub(super) headers: Vec<String>,
    rows: csv::Reader<BufReader<File>>,
    record: ByteRecord,
    utf8: bool,
}

impl CsvFile {
    /// Opens a file and reads its first line. The inner error is what the person must mend.
    pub(super) fn open(path: &Path) -> io::Result<Result<Self, LocalText>> {
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) || head.contains(&0) {
            return Ok(Err(LocalText::new(
                "o arquivo não é texto CSV; na planilha, salve como \"CSV UTF-8\"",
                "the file is not CSV text; in the spreadsheet, save it as \"CSV UTF-8\"",
            )));
        }
        let delimiter = delimiter_of(&head);
        file.seek(SeekFrom::Start(0))?;
        let utf8 = is_utf8(BufReader::new(&mut file))?;
        // The csv reader skips a byte order mark of UTF-8 by itself.
        file.seek(SeekFrom::Start(0))?;
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(BufReader::new(file));
        let headers: Vec<String> =
            rows.byte_headers()?.iter().map(|name| decoded(name, utf8).trim().to_owned()).collect();
        if headers.iter().all(String::is_empty) {
            return Ok(Err(LocalText::new(
                "o arquivo está vazio; a primeira linha precisa nomear as colunas",
                "the file is empty; its first line must name the columns",
            )));
        }
        Ok(Ok(Self { headers, rows, record: ByteRecord::new(), utf8 }))
    }

    /// Returns the next row that has anything in it, with its line in the file.
    pub(super) fn next_row(&mut self) -> io::Result<Option<(u64, Vec<String>)>> {
        while self.rows.read_byte_record(&mut self.record)? {
            let line = self.record.position().map_or(0, csv::Position::line);
            let values: Vec<String> =
                self.record.iter().map(|value| decoded(value, self.utf8)).collect();
            if values.iter().any(|value| !value.trim().is_empty()) {
                return Ok(Some((line, values)));
            }
        }
        Ok(None)
    }
}

/// Finds the separator: whatever stands most often outside quotation marks on the first line.
fn delimiter_of(head: &[u8]) -> u8 {
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'\n' if !quoted => break,
            b'"' => quoted = !quoted,
            _ => {}
        }
        for (delimiter, count) in &mut counts {
            *count += i32::from(!quoted && byte == delimiter);
        }
    }
    // The first of equals wins: the one that Portuguese spreadsheets write.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(b';', |(delimiter, _)| *delimiter)
}

/// Reads to the end to see whether all of it is UTF-8.
fn is_utf8(mut reader: impl Read) -> io::Result<bool> {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = 0;
    loop {
        let space = buffer.get_mut(kept..).unwrap_or_default();
        let read = reader.read(space)?;
        let filled = buffer.get(..kept + read).unwrap_or_default();
        if read == 0 {
            return Ok(filled.is_empty());
        }
        match std::str::from_utf8(filled) {
            Ok(_) => kept = 0,
            Err(error) if error.error_len().is_some() => return Ok(false),
            Err(error) => {
                // A character is cut in two: its beginning moves to the front.
                let (from, end) = (error.valid_up_to(), filled.len());
                buffer.copy_within(from..end, 0);
                kept = end - from;
            }
        }
    }
}

fn decoded(bytes: &[u8], utf8: bool) -> String {
    if utf8 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let char_of = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
        byte => char::from(*byte),
    };
    bytes.iter().map(char_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_of_the_first_line() {
        for (head, expected) in [
            ("a;b;c\n1,2,3,4", b';'),
            ("a,b\n1;2;3", b','),
            ("\"a;b;c\",d\n", b','),
            ("a\tb\n", b'\t'),
            ("a\n", b';'),
            ("", b';'),
        ] {
            assert_eq!(delimiter_of(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn an_encoding_is_seen_across_the_edges_of_the_buffer() {
        let long = "a".repeat(64 * 1024 - 1);
        for (text, expected) in [
            (b"".to_vec(), true),
            (b"abc".to_vec(), true),
            (format!("{long}é{long}ã").into_bytes(), true),
            (b"Jo\xe3o".to_vec(), false),
            (b"cut \xc3".to_vec(), false),
        ] {
            let shown = text.len();
            assert_eq!(is_utf8(text.as_slice()).unwrap(), expected, "{shown} bytes");
        }
    }

    #[test]
    fn windows_1252_keeps_its_letters_and_marks() {
        assert_eq!(decoded(b"Jo\xe3o \x80 \x96 \x81", false), "João € – \u{fffd}");
    }
}
