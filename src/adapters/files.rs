//! Files of messages, on the disk: `<data>/files/<two letters>/<id>`, for nobody's eyes but ours.
//!
//! The name is our id, so nothing that a stranger wrote becomes part of a path, and without an extension no program takes
//! a file for something to open or run. A file is written elsewhere and moved to its place when it is whole: what lies
//! under an id is complete, and what was left half-written is swept away at the next start.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::domain::ids::AttachmentId;

/// The folder of the files in a data directory.
const FOLDER: &str = "files";
/// Where files are while they are written.
const UNFINISHED: &str = "unfinished";
/// How much of a file is read to tell what it is.
const HEAD: u64 = 4096;

/// The files of a data directory.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Names the files of a data directory; touches nothing.
    pub fn of(data: &Path) -> Self {
        Self { root: data.join(FOLDER) }
    }

    /// Begins to write a file.
    pub async fn begin(&self, id: &AttachmentId) -> io::Result<Unfinished> {
        let place = self.place(id).ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.root.join(UNFINISHED);
        let made = blocking(move || {
            create(&folder)?;
            // Readable and writable by its owner only; removed when it is dropped.
            NamedTempFile::with_prefix_in("", folder)
        });
        let (file, path) = made.await?.into_parts();
        Ok(Unfinished { file: File::from_std(file), path, place })
    }

    /// Opens a file; `None` where there is none of that id.
    pub async fn open(&self, id: &AttachmentId) -> io::Result<Option<File>> {
        let Some(place) = self.place(id) else { return Ok(None) };
        match File::open(place).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a whole file; `None` where there is none of that id.
    pub async fn read(&self, id: &AttachmentId) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open(id).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).await?;
        Ok(Some(bytes))
    }

    /// Removes a file, if there is one.
    pub async fn remove(&self, id: &AttachmentId) -> io::Result<()> {
        let Some(place) = self.place(id) else { return Ok(()) };
        match tokio::fs::remove_file(place).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was left half-written. Only for the one worker of a directory, when it starts. Returns how many files
    /// that were.
    pub async fn sweep(&self) -> io::Result<usize> {
        let folder = self.root.join(UNFINISHED);
        blocking(move || {
            let names = list(&folder)?;
            for path in &names {
                std::fs::remove_file(path)?;
            }
            Ok(names.len())
        })
        .await
    }

    /// Returns the ids of all files.
    pub async fn ids(&self) -> io::Result<BTreeSet<String>> {
        let root = self.root.clone();
        blocking(move || {
            let mut ids = BTreeSet::new();
            for folder in list(&root)? {
                if !folder.is_dir() || folder.ends_with(UNFINISHED) {
                    continue;
                }
                let names = list(&folder)?;
                let names = names.iter().filter_map(|path| path.file_name());
                ids.extend(names.map(|name| name.to_string_lossy().into_owned()));
            }
            Ok(ids)
        })
        .await
    }

    /// Copies all files into a folder that does not exist yet. Returns how many that were.
    pub async fn copy_to(&self, folder: PathBuf) -> io::Result<usize> {
        let copy = Self { root: folder };
        let mut copied = 0;
        for id in self.ids().await? {
            let id = AttachmentId::from_stored(id);
            let (Some(from), Some(to)) = (self.place(&id), copy.place(&id)) else { continue };
            let done = blocking(move || {
                create(to.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
                std::fs::copy(from, to)
            });
            match done.await {
                Ok(_) => copied += 1,
                // Erased a moment ago.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(copied)
    }

    /// Where a file lies. Ids begin with the time, so that their last two letters are the ones that spread them; whatever
    /// is no id of ours has no place.
    fn place(&self, id: &AttachmentId) -> Option<PathBuf> {
        let bits = id.as_str().strip_prefix(AttachmentId::PREFIX)?.strip_prefix('_')?;
        let is_ours = bits.len() == 32 && bits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (_, letters) = bits.split_at_checked(30).filter(|_| is_ours)?;
        Some(self.root.join(letters).join(id.as_str()))
    }
}

/// A file that is being written; dropped before it is kept, it is gone.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    path: TempPath,
    place: PathBuf,
}

impl Unfinished {
    /// Returns where to write to.
    pub fn writer(&mut self) -> &mut File {
        &mut self.file
    }

    /// Reads the first bytes of what was written.
    pub async fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(&self.path).await?.take(HEAD).read_to_end(&mut head).await?;
        Ok(head)
    }

    /// Moves the file to its place once the disk has all of it.
    pub async fn keep(self) -> io::Result<()> {
        let Self { file, path, place } = self;
        file.sync_all().await?;
        drop(file);
        blocking(move || {
            let folder = place.parent().ok_or(io::ErrorKind::InvalidInput)?;
            if create(folder)?
                && let Some(root) = folder.parent()
            {
                std::fs::File::open(root)?.sync_all()?;
            }
            path.persist(&place).map_err(|refused| refused.error)?;
            // The name too must be on the disk before the store relies on it.
            std::fs::File::open(folder)?.sync_all()
        })
        .await
    }
}

/// Creates a folder for its owner only. Returns whether it was missing.
fn create(folder: &Path) -> io::Result<bool> {
    if folder.is_dir() {
        return Ok(false);
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    Ok(true)
}

/// Lists a folder; one that does not exist is empty.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn id(bits: u128) -> AttachmentId {
        AttachmentId::from_bits(bits)
    }

    fn on_disk(folder: &Path) -> usize {
        list(folder).unwrap().iter().map(|path| if path.is_dir() { on_disk(path) } else { 1 }).sum()
    }

    #[tokio::test]
    async fn a_file_is_whole_in_its_place_or_nowhere() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::of(data.path());
        assert!(files.open(&id(1)).await.unwrap().is_none());
        assert!(files.ids().await.unwrap().is_empty());

        let mut unfinished = files.begin(&id(1)).await.unwrap();
        unfinished.writer().write_all(b"%PDF-1.7 nota").await.unwrap();
        unfinished.writer().flush().await.unwrap();
        assert_eq!(unfinished.head().await.unwrap(), b"%PDF-1.7 nota");
        assert!(files.open(&id(1)).await.unwrap().is_none(), "not yet");
        unfinished.keep().await.unwrap();
        let mut read = Vec::new();
        files.open(&id(1)).await.unwrap().unwrap().read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"%PDF-1.7 nota");
        assert!(data.path().join("files/01").join(id(1).as_str()).is_file());
        assert_eq!(files.ids().await.unwrap(), [id(1).as_str().to_owned()].into());

        drop(files.begin(&id(2)).await.unwrap());
        assert_eq!(on_disk(data.path()), 1, "what is given up leaves nothing");
        files.remove(&id(1)).await.unwrap();
        files.remove(&id(1)).await.unwrap();
        assert_eq!(on_disk(data.path()), 0);
    }

    #[tokio::test]
    async fn a_copy_has_every_file_in_the_same_place() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::of(data.path());
        for bits in [1, 2, 0x102] {
            files.begin(&id(bits)).await.unwrap().keep().await.unwrap();
        }
        let other = tempfile::tempdir().unwrap();
        assert_eq!(files.copy_to(other.path().join("files")).await.unwrap(), 3);
        let copy = Files::of(other.path());
        assert_eq!(copy.ids().await.unwrap(), files.ids().await.unwrap());
        assert!(copy.open(&id(0x102)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_a_crash_left_half_written_is_swept_away_and_nothing_else() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::of(data.path());
        assert_eq!(files.sweep().await.unwrap(), 0);
        files.begin(&id(1)).await.unwrap().keep().await.unwrap();
        std::fs::write(data.path().join("files/unfinished/x"), "half").unwrap();
        assert_eq!(files.ids().await.unwrap().len(), 1);
        assert_eq!(files.sweep().await.unwrap(), 1);
        assert_eq!(on_disk(data.path()), 1);
    }

    #[tokio::test]
    async fn only_ids_of_ours_have_a_place() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::of(data.path());
        for odd in
            ["", "att_", "../../etc/passwd", "att_../../../../../../../../etc/passwd0", "att_1"]
        {
            let odd = AttachmentId::from_stored(odd);
            assert!(files.begin(&odd).await.is_err(), "{odd}");
            assert!(files.open(&odd).await.unwrap().is_none(), "{odd}");
            files.remove(&odd).await.unwrap();
        }
        assert_eq!(on_disk(data.path()), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_may_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let files = Files::of(data.path());
        files.begin(&id(0xab)).await.unwrap().keep().await.unwrap();
        let folder = data.path().join("files/ab");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&data.path().join("files")), 0o700);
        assert_eq!(mode(&folder.join(id(0xab).as_str())), 0o600);
    }
}
