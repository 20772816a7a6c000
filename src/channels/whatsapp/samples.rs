//! Finds payloads that Meta publishes as samples, in the folder that `ATENDE_TEST_WHATSAPP` names.

use std::path::{Path, PathBuf};

/// Returns names and contents of the files of a folder in order; none, and says so, where it is absent.
#[expect(clippy::print_stderr, reason = "a check that is skipped says so")]
pub(super) fn read(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(root) = std::env::var_os("ATENDE_TEST_WHATSAPP") else {
        eprintln!("SKIPPED: ATENDE_TEST_WHATSAPP names no folder of published payloads");
        return Vec::new();
    };
    let folder = PathBuf::from(root).join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}
