//! The index on disk: immutable generations, each named for what is in it, behind pointers that are swapped.
//!
//! `<root>/<hash>/` holds `articles.jsonl`, one folder of the index per locale, and `manifest.json`, written last.
//! A generation is built beside the others and renamed into place whole, so no reader meets half of one. One handle
//! at a time may open a generation: a process that finds it taken works on a copy of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::article::Article;
use super::fit::{self, Fit};
use super::meaning::Vectors;
use super::shelf::Shelf;
use crate::adapters::qdrant::Shard;
use crate::domain::labels::Locale;
use crate::ports::{PortError, PortErrorKind};

/// Raised when the same articles would give another index: other forms, weights, fits or files.
const FORMAT: &str = "atende-index-5";
const MANIFEST: &str = "manifest.json";
const ARTICLES: &str = "articles.jsonl";
/// Characters of a hash that name a generation.
const NAME_LENGTH: usize = 24;
/// Unfinished generations older than this were left behind by a crash.
const ABANDONED: std::time::Duration = std::time::Duration::from_hours(1);

/// What a generation says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The name of the generation.
    pub hash: String,
    /// What was learnt, per locale.
    pub fits: BTreeMap<Locale, Fit>,
    /// A hash per article, by locale and id.
    pub articles: BTreeMap<String, String>,
}

/// How the articles of a generation differ from those of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Not there before.
    pub added: usize,
    /// There with another content.
    pub changed: usize,
    /// No longer there.
    pub removed: usize,
    /// As before.
    pub unchanged: usize,
}

impl Changes {
    /// Compares two sets of articles.
    pub(super) fn between(
        before: &BTreeMap<String, String>,
        now: &BTreeMap<String, String>,
    ) -> Self {
        let mut changes = Self::default();
        for (id, hash) in now {
            match before.get(id) {
                None => changes.added += 1,
                Some(old) if old == hash => changes.unchanged += 1,
                Some(_) => changes.changed += 1,
            }
        }
        changes.removed = before.keys().filter(|id| !now.contains_key(*id)).count();
        changes
    }
}

/// An open generation.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) manifest: Manifest,
    pub(super) shards: BTreeMap<Locale, Shard>,
    /// A copy of one's own, or the whole where nothing is kept; deleted after use.
    _own: Option<TempDir>,
}

/// Generations that this process has open: the lock on their files holds within a process too.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Generation>>> = Mutex::new(BTreeMap::new());

/// What articles come to on disk.
pub(super) struct Content {
    pub(super) hash: String,
    lines: Vec<String>,
    hashes: BTreeMap<String, String>,
}

impl Content {
    /// Writes articles down and hashes them together with everything else that shapes an index, such as the model
    /// of its dense vectors.
    pub(super) fn of(articles: &[Article], model: Option<&str>) -> anyhow::Result<Self> {
        let mut whole = Sha256::new_with_prefix(FORMAT);
        if let Some(model) = model {
            whole.update(Sha256::digest(model));
        }
        let (mut lines, mut hashes) = (Vec::new(), BTreeMap::new());
        for article in articles {
            let line = serde_json::to_string(article).context("write article")?;
            let hash = Sha256::digest(line.as_bytes());
            whole.update(hash);
            hashes.insert(format!("{}/{}", article.locale, article.id), hex::encode(hash));
            lines.push(line);
        }
        let mut hash = hex::encode(whole.finalize());
        hash.truncate(NAME_LENGTH);
        Ok(Self { hash, lines, hashes })
    }
}

/// Opens the generation of these articles, building it where it is not there yet; in a temporary place where there is
/// no root. True when it was built.
pub(super) fn ensure(
    root: Option<&Path>,
    content: &Content,
    articles: &[Article],
    shelves: &mut BTreeMap<Locale, Shelf>,
) -> anyhow::Result<(Arc<Generation>, bool)> {
    let Some(root) = root else {
        let own = TempDir::with_prefix("atende-index-").context("create a temporary folder")?;
        let manifest = write(own.path(), None, content, articles, shelves)?;
        let shards = open_shards(own.path(), &manifest)?;
        return Ok((Arc::new(Generation { manifest, shards, _own: Some(own) }), true));
    };
    let folder = root.join(&content.hash);
    let mut built = !folder.join(MANIFEST).is_file();
    if built {
        build(root, &folder, content, articles, shelves)?;
    }
    let generation = match open(&folder) {
        // What is on disk was damaged: everything in it can be made again.
        Err(error) if !built => {
            tracing::warn!("An index could not be opened and is built anew: {error:#}");
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("delete the damaged index {}", folder.display()))?;
            build(root, &folder, content, articles, shelves)?;
            built = true;
            open(&folder)?
        }
        opened => opened?,
    };
    for (locale, shelf) in shelves {
        if let Some(fit) = generation.manifest.fits.get(locale) {
            shelf.fit = fit.clone();
        }
    }
    Ok((generation, built))
}

/// Builds a generation beside its place and puts it there whole.
fn build(
    root: &Path,
    folder: &Path,
    content: &Content,
    articles: &[Article],
    shelves: &mut BTreeMap<Locale, Shelf>,
) -> anyhow::Result<()> {
    create_private(root)?;
    let unfinished = tempfile::Builder::new()
        .prefix(".building-")
        .tempdir_in(root)
        .with_context(|| format!("create a folder in {}", root.display()))?;
    write(unfinished.path(), Some(root), content, articles, shelves)?;
    match std::fs::rename(unfinished.path(), folder) {
        // It is in its place now; there is nothing left to delete.
        Ok(()) => drop(unfinished.keep()),
        // Another process was quicker, with the same articles.
        Err(_) if folder.join(MANIFEST).is_file() => {}
        Err(error) => {
            return Err(error).with_context(|| format!("put the index into {}", folder.display()));
        }
    }
    Ok(())
}

/// Creates the folder of all generations, readable by its owner only, like the data folder around it.
fn create_private(root: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(root)
        .with_context(|| format!("cannot create {}; check its permissions", root.display()))
}

/// Writes a generation into an empty folder, its manifest last.
fn write(
    folder: &Path,
    root: Option<&Path>,
    content: &Content,
    articles: &[Article],
    shelves: &mut BTreeMap<Locale, Shelf>,
) -> anyhow::Result<Manifest> {
    let mut text = content.lines.join("\n");
    text.push('\n');
    std::fs::write(folder.join(ARTICLES), text).context("write the articles of the index")?;
    let vectors = vectors(root, articles, shelves)?;
    if let Some(vectors) = &vectors {
        vectors.write(folder)?;
    }
    let mut fits = BTreeMap::new();
    for (locale, shelf) in shelves.iter_mut() {
        let place = folder.join(locale.as_str());
        let vectors = vectors.as_ref().filter(|_| shelf.embedder().is_some());
        let points = shelf.points(articles, vectors);
        Shard::write(&place, &shelf.fields(), points).map_err(|error| told(&error))?;
        let shard = Shard::open(&place).map_err(|error| told(&error))?;
        shelf.fit = fit::fit(shelf, &shard, articles, vectors).map_err(|error| told(&error))?;
        fits.insert(*locale, shelf.fit.clone());
    }
    let manifest = Manifest { hash: content.hash.clone(), fits, articles: content.hashes.clone() };
    let text =
        serde_json::to_string_pretty(&manifest).context("write the manifest of the index")?;
    std::fs::write(folder.join(MANIFEST), text).context("write the manifest of the index")?;
    Ok(manifest)
}

/// Embeds every text of the shelves that have a model; `None` when none has.
fn vectors(
    root: Option<&Path>,
    articles: &[Article],
    shelves: &BTreeMap<Locale, Shelf>,
) -> anyhow::Result<Option<Vectors>> {
    let Some(embedder) = shelves.values().find_map(Shelf::embedder) else { return Ok(None) };
    let mut vectors = Vectors::new(embedder, root);
    for shelf in shelves.values().filter(|shelf| shelf.embedder().is_some()) {
        vectors.learn(shelf.texts(articles)).map_err(|error| told(&error))?;
    }
    Ok(Some(vectors))
}

fn told(error: &PortError) -> anyhow::Error {
    anyhow::anyhow!("{error}: {}", error.source)
}

/// Opens a generation that is on disk.
fn open(folder: &Path) -> anyhow::Result<Arc<Generation>> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|_, generation| generation.strong_count() > 0);
    if let Some(generation) = open.get(folder).and_then(Weak::upgrade) {
        return Ok(generation);
    }
    let manifest = read_manifest(folder)?;
    let generation = match open_shards(folder, &manifest) {
        Ok(shards) => Generation { manifest, shards, _own: None },
        Err(error) if is_taken(&error) => {
            let own = TempDir::with_prefix("atende-index-").context("create a temporary folder")?;
            copy(folder, own.path()).context("copy the index")?;
            let shards = open_shards(own.path(), &manifest)?;
            Generation { manifest, shards, _own: Some(own) }
        }
        Err(error) => return Err(error),
    };
    let generation = Arc::new(generation);
    open.insert(folder.to_path_buf(), Arc::downgrade(&generation));
    Ok(generation)
}

fn is_taken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<PortError>().is_some_and(|error| error.kind == PortErrorKind::Transient)
}

fn open_shards(folder: &Path, manifest: &Manifest) -> anyhow::Result<BTreeMap<Locale, Shard>> {
    let mut shards = BTreeMap::new();
    for locale in manifest.fits.keys() {
        shards.insert(*locale, Shard::open(&folder.join(locale.as_str()))?);
    }
    Ok(shards)
}

/// Copies a folder; the log of the process that has it open is left behind.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "wal" {
                std::fs::create_dir_all(&target)?;
                copy(&entry.path(), &target)?;
            }
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn read_manifest(folder: &Path) -> anyhow::Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; build the index again", path.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!("{} is not readable; delete its folder and build the index again", path.display())
    })
}

/// Returns the articles of a generation, as they were when it was built.
pub(super) fn articles(root: &Path, hash: &str) -> anyhow::Result<Vec<Article>> {
    let path = root.join(hash).join(ARTICLES);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; build the index again", path.display()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).context("read an article of the index"))
        .collect()
}

/// A pointer to the generation that is searched under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The generation.
    pub hash: String,
    /// Where its articles came from, for people to read.
    pub source: String,
}

fn pointer_path(root: &Path, name: &str) -> PathBuf {
    root.join(format!("{name}.json"))
}

/// Returns what a name points to; `None` when it points nowhere or to a generation that has gone.
pub(super) fn pointer(root: &Path, name: &str) -> Option<Pointer> {
    let text = std::fs::read_to_string(pointer_path(root, name)).ok()?;
    let pointer: Pointer = serde_json::from_str(&text).ok()?;
    root.join(&pointer.hash).join(MANIFEST).is_file().then_some(pointer)
}

/// Points a name to a generation, in one step, and says how its articles differ from those it pointed to.
pub(super) fn swap(
    root: &Path,
    name: &str,
    pointer: &Pointer,
    manifest: &Manifest,
) -> anyhow::Result<Changes> {
    let before = self::pointer(root, name)
        .and_then(|old| read_manifest(&root.join(old.hash)).ok())
        .map(|manifest| manifest.articles)
        .unwrap_or_default();
    let text = serde_json::to_string_pretty(pointer).context("write the pointer of the index")?;
    let mut file =
        tempfile::NamedTempFile::new_in(root).context("write the pointer of the index")?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .context("write the pointer of the index")?;
    file.persist(pointer_path(root, name)).context("swap the pointer of the index")?;
    collect(root, &pointer.hash);
    Ok(Changes::between(&before, &manifest.articles))
}

/// Lets a name point nowhere.
pub(super) fn forget(root: &Path, name: &str) {
    // A pointer that is not there needs no deleting.
    drop(std::fs::remove_file(pointer_path(root, name)));
}

/// Deletes what no pointer names and nobody in this process has open. Another process that still reads one keeps its
/// files until it closes them; one that is about to open it finds it gone and builds it again.
fn collect(root: &Path, keep: &str) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let mut named: Vec<String> = vec![keep.to_owned()];
    for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "json")) {
        let pointer = std::fs::read_to_string(path).ok();
        let pointer = pointer.and_then(|text| serde_json::from_str::<Pointer>(&text).ok());
        named.extend(pointer.map(|pointer| pointer.hash));
    }
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    for path in paths.iter().filter(|path| path.is_dir()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name else { continue };
        let in_use = open.get(path).is_some_and(|generation| generation.strong_count() > 0);
        let unfinished = name.starts_with(".building-");
        if in_use || named.contains(&name) || unfinished && !is_abandoned(path) {
            continue;
        }
        if unfinished || path.join(MANIFEST).is_file() {
            // What cannot be deleted now is deleted the next time.
            drop(std::fs::remove_dir_all(path));
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    fn corpus(folder: &Path, lines: &[(&str, &str)]) -> Vec<Article> {
        let file = folder.join("corpus.jsonl");
        let line = |(id, text): &(&str, &str)| {
            format!(r#"{{"id":"{id}","title":"{id}","text":"{text}","locale":"en"}}"#)
        };
        std::fs::write(&file, lines.iter().map(line).collect::<Vec<_>>().join("\n")).unwrap();
        Source::Lines(file).read().unwrap()
    }

    fn built(root: &Path, articles: &[Article]) -> (Arc<Generation>, bool, Changes) {
        let mut shelves: BTreeMap<Locale, Shelf> = Locale::ALL
            .iter()
            .filter_map(|locale| Some((*locale, Shelf::new(*locale, articles, None)?)))
            .collect();
        let content = Content::of(articles, None).unwrap();
        let (generation, built) = ensure(Some(root), &content, articles, &mut shelves).unwrap();
        let pointer = Pointer { hash: content.hash.clone(), source: "test".to_owned() };
        let changes = swap(root, "main", &pointer, &generation.manifest).unwrap();
        (generation, built, changes)
    }

    fn generations(root: &Path) -> usize {
        std::fs::read_dir(root).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count()
    }

    #[test]
    fn the_same_articles_are_one_generation_and_changed_ones_another() {
        let (here, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = corpus(here.path(), &[("a", "refund money"), ("b", "password reset")]);
        let (one, fresh, changes) = built(root.path(), &first);
        assert!(fresh);
        assert_eq!(changes, Changes { added: 2, ..Changes::default() });
        let (again, fresh, changes) = built(root.path(), &first);
        assert!(!fresh && Arc::ptr_eq(&one, &again), "one handle serves the whole process");
        assert_eq!(changes, Changes { unchanged: 2, ..Changes::default() });

        let second = corpus(here.path(), &[("a", "refund money soon"), ("c", "new one")]);
        let (_, fresh, changes) = built(root.path(), &second);
        assert!(fresh);
        assert_eq!(changes, Changes { added: 1, changed: 1, removed: 1, unchanged: 0 });
        assert_eq!(generations(root.path()), 2, "what is open stays");
        drop((one, again));
        let third = corpus(here.path(), &[("c", "new one")]);
        built(root.path(), &third);
        assert_eq!(generations(root.path()), 1, "what nobody needs goes");
        let hash = pointer(root.path(), "main").unwrap().hash;
        assert_eq!(articles(root.path(), &hash).unwrap(), third);
        forget(root.path(), "main");
        assert_eq!(pointer(root.path(), "main"), None);
    }

    #[test]
    fn the_hash_depends_on_everything_that_is_searched() {
        let here = tempfile::tempdir().unwrap();
        let hash =
            |lines: &[(&str, &str)]| Content::of(&corpus(here.path(), lines), None).unwrap().hash;
        let base = hash(&[("a", "x y"), ("b", "z w")]);
        assert_eq!(base.len(), NAME_LENGTH);
        assert_eq!(base, hash(&[("a", "x y"), ("b", "z w")]));
        for other in
            [&[("a", "x y")][..], &[("a", "x y"), ("b", "z v")], &[("a", "x y"), ("c", "z w")]]
        {
            assert_ne!(base, hash(other), "{other:?}");
        }
        let articles = corpus(here.path(), &[("a", "x y"), ("b", "z w")]);
        let with = |model: &str| Content::of(&articles, Some(model)).unwrap().hash;
        assert_ne!(base, with("one"));
        assert_ne!(with("one"), with("other"));
    }

    #[test]
    fn a_generation_that_another_handle_has_is_searched_in_a_copy() {
        let (here, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let articles = corpus(here.path(), &[("a", "refund money"), ("b", "password reset")]);
        let (first, ..) = built(root.path(), &articles);
        let folder = root.path().join(&first.manifest.hash);
        // As in another process, which knows nothing of our handle.
        OPEN.lock().unwrap().remove(&folder);
        let second = open(&folder).unwrap();
        assert_eq!(second.shards.len(), 1);
    }

    #[test]
    fn a_damaged_generation_is_built_anew() {
        let (here, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let articles = corpus(here.path(), &[("a", "refund money"), ("b", "password reset")]);
        for damage in [MANIFEST, "en/edge_config.json"] {
            let (first, ..) = built(root.path(), &articles);
            let folder = root.path().join(&first.manifest.hash);
            drop(first);
            std::fs::write(folder.join(damage), "{").unwrap();
            let (again, fresh, _) = built(root.path(), &articles);
            assert!(fresh, "{damage}");
            assert_eq!(again.shards.len(), 1);
        }
    }
}
