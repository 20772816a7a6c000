//! Real mail: bounces, reports, replies and signatures, in the folder that `ATENDE_TEST_MAILS` names.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder of real mail; `None`, and says so, where it is absent.
pub(super) fn corpus() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("ATENDE_TEST_MAILS") else {
        say("SKIPPED: ATENDE_TEST_MAILS names no folder of real mail");
        return None;
    };
    Some(PathBuf::from(root))
}

/// Prints a line that people who run the tests shall see.
#[expect(clippy::print_stderr, reason = "figures and skipped tests are for whoever runs them")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}

/// Returns each mail of the corpus with its path and kind, as its manifest has them.
pub(super) fn manifest(corpus: &Path) -> Vec<(String, String, Vec<u8>)> {
    let text = fs::read_to_string(corpus.join("manifest.csv")).unwrap();
    let mut rows: Vec<(String, String, Vec<u8>)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split(',');
            let (file, kind) = (cells.next().unwrap(), cells.next().unwrap());
            (file.to_owned(), kind.to_owned(), fs::read(corpus.join(file)).unwrap())
        })
        .collect();
    rows.sort();
    rows
}
mod hostile;
mod inspection;
mod real;
