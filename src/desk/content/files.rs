//! The files of content: read from a business's folder over what is shipped, and written into the folder whole or not at
//! all. Nothing is written outside the folder, through a link, or among what is shipped.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::home::Folders;
use super::kind::Kind;
use crate::{compose, knowledge, prompts};

/// Most bytes of a text that the desk edits: the form that carries it may be three times as long.
pub(super) const TEXT_MAX: usize = 64 * 1024;

/// A file as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it says.
    pub(super) text: String,
    /// True where it lies in the business's folder.
    pub(super) own: bool,
    /// When it was changed last, where it lies in the folder.
    pub(super) changed: Option<DateTime<Utc>>,
}

impl Found {
    /// The hash of what it says.
    pub(super) fn hash(&self) -> String {
        hash(&self.text)
    }
}

/// The hash of a text, by which versions are compared.
pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A text as files keep it: line ends of one kind, one at the end, no mark at the beginning.
pub(super) fn tidied(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// Reads every file of a kind by its name: the folder's over those that are shipped. Articles never mix. What is no text
/// is left out.
pub(super) fn all(folders: &Folders, kind: Kind) -> BTreeMap<String, Found> {
    let folder = folders.of(kind);
    let shipped = |text| Found { text, own: false, changed: None };
    let mut found: BTreeMap<String, Found> = match kind {
        Kind::Article if folder.is_some() => BTreeMap::new(),
        Kind::Article => knowledge::Source::Samples
            .files()
            .into_iter()
            .filter_map(|(name, bytes)| Some((name, shipped(String::from_utf8(bytes).ok()?))))
            .collect(),
        Kind::Template => {
            compose::shipped().into_iter().map(|(name, text)| (name, shipped(text))).collect()
        }
        Kind::Prompt => {
            prompts::shipped().into_iter().map(|(name, text)| (name, shipped(text))).collect()
        }
    };
    let Some(folder) = folder else { return found };
    let names: Vec<String> = match kind {
        Kind::Article => {
            knowledge::Source::Company(folder.to_path_buf()).files().into_keys().collect()
        }
        Kind::Template | Kind::Prompt => fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
    };
    for name in names.into_iter().filter(|name| kind.takes(name)) {
        if let Some(own) = own(folder, &name) {
            found.insert(name, own);
        }
    }
    found
}

/// Reads one file.
pub(super) fn one(folders: &Folders, kind: Kind, name: &str) -> Option<Found> {
    if !kind.takes(name) {
        return None;
    }
    let folder = folders.of(kind);
    if let Some(found) = folder.and_then(|folder| own(folder, name)) {
        return Some(found);
    }
    let text = match kind {
        Kind::Article if folder.is_some() => None,
        Kind::Article => knowledge::Source::Samples
            .files()
            .remove(name)
            .and_then(|text| String::from_utf8(text).ok()),
        Kind::Template => compose::shipped().remove(name),
        Kind::Prompt => prompts::shipped().remove(name),
    };
    text.map(|text| Found { text, own: false, changed: None })
}

fn own(folder: &Path, name: &str) -> Option<Found> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).ok()?;
    let changed = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
    Some(Found {
        text: text.replace("\r\n", "\n"),
        own: true,
        changed: changed.map(DateTime::from),
    })
}

/// Why a file was not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotWritten {
    /// It would lie outside the folder.
    Outside,
    /// A link stands in its place, or on the way to it.
    Link,
    /// The disk says no.
    Disk(String),
}

impl From<std::io::Error> for NotWritten {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// Puts a file into its place, whole or not at all.
pub(super) fn write(folder: &Path, kind: Kind, name: &str, text: &str) -> Result<(), NotWritten> {
    if !kind.takes(name) {
        return Err(NotWritten::Outside);
    }
    let root = folder.canonicalize()?;
    let place = place(&root, name)?;
    let target = place.join(name.rsplit('/').next().unwrap_or(name));
    let before = match fs::symlink_metadata(&target) {
        Ok(meta) if meta.is_symlink() => return Err(NotWritten::Link),
        Ok(meta) if !meta.is_file() => return Err(NotWritten::Outside),
        Ok(meta) => Some(meta.permissions()),
        Err(_) => None,
    };
    // Its ending is none that anything reads, so that nobody sees half of it.
    let mut file =
        tempfile::Builder::new().prefix(".atende-").suffix(".tmp").tempfile_in(&place)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    let usual: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    #[cfg(unix)]
    file.as_file().set_permissions(before.unwrap_or(usual))?;
    #[cfg(not(unix))]
    drop(before);
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The name must last as the words do; some systems cannot say so of a folder.
    if let Ok(folder) = fs::File::open(&place) {
        drop(folder.sync_all());
    }
    Ok(())
}

/// The folder that a file lies in, made where it is missing; every step stays a folder of its own below the root.
fn place(root: &Path, name: &str) -> Result<PathBuf, NotWritten> {
    let mut place = root.to_path_buf();
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in parts {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(meta) if meta.is_symlink() => return Err(NotWritten::Link),
            Ok(meta) if !meta.is_dir() => return Err(NotWritten::Outside),
            Ok(_) => {}
            Err(_) => fs::create_dir(&place)?,
        }
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_with_line_ends_of_one_kind() {
        for (text, expected) in [
            ("a\r\nb", "a\nb\n"),
            ("\u{feff}a\n\n\n", "a\n"),
            ("", ""),
            ("\n", ""),
            ("a\0b", "ab\n"),
        ] {
            assert_eq!(tidied(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_written_whole_into_its_folder_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { articles: Some(folder.path().to_owned()), ..Folders::default() };
        let name = "pt-BR/billing/boleto.md";
        assert_eq!(one(&folders, Kind::Article, name), None);
        write(folder.path(), Kind::Article, name, "um\n").unwrap();
        write(folder.path(), Kind::Article, name, "dois\n").unwrap();
        let found = one(&folders, Kind::Article, name).unwrap();
        assert_eq!((found.text.as_str(), found.own), ("dois\n", true));
        assert_eq!(all(&folders, Kind::Article).into_keys().collect::<Vec<_>>(), [name]);
        let left: Vec<_> = fs::read_dir(folder.path().join("pt-BR/billing")).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing half written stays: {left:?}");
    }

    #[test]
    fn what_is_shipped_stays_and_the_folder_stands_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { templates: Some(folder.path().to_owned()), ..Folders::default() };
        let name = "answer.pt-BR.hbs";
        assert!(!one(&folders, Kind::Template, name).unwrap().own);
        write(folder.path(), Kind::Template, name, "{{answer}}\n").unwrap();
        assert_eq!(one(&folders, Kind::Template, name).unwrap().text, "{{answer}}\n");
        assert!(all(&folders, Kind::Template).len() > 40);
        assert!(all(&folders, Kind::Prompt).values().all(|found| !found.own));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_or_above_the_folder() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("a.md"), "alheio").unwrap();
        std::os::unix::fs::symlink(other.path(), folder.path().join("pt-BR")).unwrap();
        std::os::unix::fs::symlink(other.path().join("a.md"), folder.path().join("b.md")).unwrap();
        for (name, expected) in [
            ("pt-BR/a.md", NotWritten::Link),
            ("b.md", NotWritten::Link),
            ("../a.md", NotWritten::Outside),
        ] {
            assert_eq!(write(folder.path(), Kind::Article, name, "x"), Err(expected), "{name}");
        }
        assert_eq!(fs::read_to_string(other.path().join("a.md")).unwrap(), "alheio");
    }
}
