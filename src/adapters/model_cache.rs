//! Trained models on disk, so that a command does not learn the same examples again.
//!
//! A cache: what cannot be read is trained anew, what cannot be written is trained again next time.

use std::path::{Path, PathBuf};

/// How many sets of models are kept; each takes some ten megabytes.
const KEPT: usize = 4;
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The folder of trained models.
#[derive(Clone, Debug)]
pub struct ModelCache {
    dir: PathBuf,
}

impl ModelCache {
    /// Keeps models in this folder, which is created when there is something to keep.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// Returns what was kept under a key of letters and digits.
    pub fn read(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key);
        let small = std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_BYTES);
        if small { std::fs::read(path).ok() } else { None }
    }

    /// Keeps models; two processes may do so at once.
    pub fn write(&self, key: &str, models: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        let unfinished = self.dir.join(format!("{key}.{}.tmp", std::process::id()));
        std::fs::write(&unfinished, models)?;
        std::fs::rename(&unfinished, self.path(key))?;
        self.prune()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{key}.models"))
    }

    fn prune(&self) -> std::io::Result<()> {
        let mut files: Vec<_> = std::fs::read_dir(&self.dir)?
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "models"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(KEPT);
        files.into_iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_and_old_files_go() {
        let dir = tempfile::tempdir().unwrap();
        let cache = ModelCache::new(&dir.path().join("models"));
        assert_eq!(cache.read("a"), None);
        for key in ["a", "b", "c", "d", "e"] {
            cache.write(key, key.as_bytes()).unwrap();
            // Times of files may be as coarse as some milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(15));
        }
        assert_eq!(cache.read("a"), None, "the oldest went");
        assert_eq!(cache.read("e").as_deref(), Some(&b"e"[..]));
        assert_eq!(std::fs::read_dir(dir.path().join("models")).unwrap().count(), KEPT);
    }
}
