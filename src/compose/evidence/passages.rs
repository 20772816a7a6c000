//! Passages read for comparing. Articles change seldom and are compared with every draft: what was read of them is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::figures::{Figure, FigureKind, read};
use super::names::{Shape, simple};
use super::sources::Sentence;
use crate::domain::draft::Passage;
use crate::domain::labels::Locale;
use crate::text::sentences;

/// Passages that are kept; one comes to some 30 KB.
const KEPT: usize = 512;

/// A passage with everything that can be compared.
#[derive(Debug)]
pub(super) struct ReadPassage {
    pub(super) sentences: Vec<Arc<Sentence>>,
    /// Every stem, heading included.
    pub(super) stems: Arc<BTreeSet<String>>,
    /// Everything said, as plain words.
    pub(super) words: String,
    /// Which menu entry stands somewhere under which.
    pub(super) menu: BTreeMap<String, BTreeSet<String>>,
    /// Links, addresses, phone and document numbers.
    pub(super) contacts: Vec<Figure>,
}

impl ReadPassage {
    fn of(passage: &Passage, locale: Locale) -> Self {
        let heading = Sentence::of(&passage.heading, locale);
        let mut stems = heading.set.clone();
        let mut around = heading.set.clone();
        let (mut sentences, mut words, mut menu) = (Vec::new(), heading.words, BTreeMap::new());
        let ranges = sentences::split(&passage.text);
        // "A bigger plan starts at once; a smaller one at the renewal" makes two statements.
        let statements = ranges
            .into_iter()
            .flat_map(|range| passage.text.get(range).unwrap_or_default().split("; "));
        for text in statements {
            let mut sentence = Sentence::of(text, locale);
            if text.starts_with('#') {
                around.clone_from(&sentence.set);
            }
            sentence.around.clone_from(&around);
            stems.extend(sentence.set.iter().cloned());
            words.push_str(&sentence.words);
            note_paths(&sentence, &mut menu);
            sentences.push(Arc::new(sentence));
        }
        // A name may run over the end of what was taken for a sentence.
        words.extend([" ", simple(&passage.text).as_str(), " "]);
        let contacts = read(&passage.text, locale).figures.into_iter().filter(is_contact).collect();
        Self { sentences, stems: Arc::new(stems), words, menu, contacts }
    }
}

/// True for a way to reach or to pay somebody.
pub(super) fn is_contact(figure: &Figure) -> bool {
    matches!(
        figure.kind,
        FigureKind::Link | FigureKind::Email | FigureKind::Phone | FigureKind::Document
    )
}

/// Notes which entries stand under which.
fn note_paths(sentence: &Sentence, menu: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut above: Vec<&str> = Vec::new();
    for name in sentence.names.iter().filter(|name| name.shape == Shape::Marked) {
        if name.under.is_none() {
            above.clear();
        }
        for parent in &above {
            menu.entry((*parent).to_owned()).or_default().insert(name.plain.clone());
        }
        above.push(&name.plain);
    }
}

/// Reads passages for comparing them with drafts, and keeps those that were read last.
pub struct PassageReader {
    kept: Cache<[u8; 32], Arc<ReadPassage>>,
}

impl PassageReader {
    /// Returns a passage, read.
    pub(super) fn read(&self, passage: &Passage, locale: Locale) -> Arc<ReadPassage> {
        let key: [u8; 32] = Sha256::new()
            .chain_update(locale.as_str())
            .chain_update([0])
            .chain_update(&passage.heading)
            .chain_update([0])
            .chain_update(&passage.text)
            .finalize()
            .into();
        if let Some(read) = self.kept.get(&key) {
            return read;
        }
        let read = Arc::new(ReadPassage::of(passage, locale));
        self.kept.insert(key, Arc::clone(&read));
        read
    }
}

impl Default for PassageReader {
    fn default() -> Self {
        Self { kept: Cache::new(KEPT) }
    }
}

impl fmt::Debug for PassageReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassageReader").field("kept", &self.kept.len()).finish()
    }
}
