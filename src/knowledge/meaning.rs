//! Dense vectors of passages, titles and sample questions.
//!
//! A text is embedded once: its vector lies in the generation that first needed it, and every later one takes it from
//! there. What is looked for is embedded for each search.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::adapters::qdrant::{Shard, Values};
use crate::ports::{Embedder, PortError, TextRole};

/// The field of the index.
pub(super) const MEANING: &str = "meaning";
/// The file of a generation's vectors.
const FILE: &str = "meaning.bin";
/// Bytes of a hash that tell texts apart.
const KEY_BYTES: usize = 16;
/// Texts that are handed to the model at once.
const BATCH: usize = 64;
/// Characters of a text that are embedded: beyond, models read nothing.
const MAX_CHARS: usize = 4_000;

type Key = [u8; KEY_BYTES];

/// A text and what it is for.
pub(super) struct Text {
    pub(super) role: TextRole,
    pub(super) text: String,
}

impl Text {
    pub(super) fn new(role: TextRole, text: &str) -> Self {
        Self { role, text: text.chars().take(MAX_CHARS).collect() }
    }

    fn key(&self, embedder: &dyn Embedder) -> Key {
        let role: &[u8] = match self.role {
            TextRole::Passage => b"passage",
            TextRole::Query => b"query",
        };
        let mut hash = Sha256::new();
        for part in [embedder.name().as_bytes(), role, self.text.as_bytes()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        let mut key = [0; KEY_BYTES];
        key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        key
    }
}

/// Vectors by text, of one model.
pub(super) struct Vectors {
    embedder: Arc<dyn Embedder>,
    known: HashMap<Key, Vec<f32>>,
    used: HashMap<Key, Vec<f32>>,
}

impl Vectors {
    /// Takes what the generations below a folder have.
    pub(super) fn new(embedder: &Arc<dyn Embedder>, root: Option<&Path>) -> Self {
        let mut known = HashMap::new();
        let generations = root.and_then(|root| std::fs::read_dir(root).ok());
        for entry in generations.into_iter().flatten().flatten() {
            // A file that cannot be read, or is of another model, only saves no time.
            let Ok(content) = std::fs::read(entry.path().join(FILE)) else { continue };
            known.extend(records(&content, embedder.dimensions()));
        }
        Self { embedder: Arc::clone(embedder), known, used: HashMap::new() }
    }

    /// Makes sure that every one of these texts has its vector.
    pub(super) fn learn(&mut self, texts: impl Iterator<Item = Text>) -> Result<(), PortError> {
        let mut waiting: HashMap<Key, Text> = HashMap::with_capacity(2 * BATCH);
        for text in texts {
            let key = text.key(self.embedder.as_ref());
            if let Some(vector) = self.known.remove(&key) {
                self.used.insert(key, vector);
            } else if !self.used.contains_key(&key) {
                waiting.insert(key, text);
            }
            if waiting.len() >= BATCH {
                self.embed(&waiting)?;
                waiting.clear();
            }
        }
        self.embed(&waiting)
    }

    fn embed(&mut self, waiting: &HashMap<Key, Text>) -> Result<(), PortError> {
        for role in [TextRole::Passage, TextRole::Query] {
            let (keys, texts): (Vec<Key>, Vec<String>) = waiting
                .iter()
                .filter(|(_, text)| text.role == role)
                .map(|(key, text)| (*key, text.text.clone()))
                .unzip();
            if !texts.is_empty() {
                self.used.extend(keys.into_iter().zip(self.embedder.embed(role, &texts)?));
            }
        }
        Ok(())
    }

    /// Returns the vector of a text that was learnt.
    pub(super) fn of(&self, text: &Text) -> Option<Values> {
        self.used.get(&text.key(self.embedder.as_ref())).cloned().map(Values::Dense)
    }

    /// Writes what was learnt into a generation's folder.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let size = self.used.len() * (KEY_BYTES + 4 * self.embedder.dimensions());
        let mut content = Vec::with_capacity(size);
        for (key, vector) in &self.used {
            content.extend_from_slice(key);
            content.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        }
        std::fs::write(folder.join(FILE), content).context("write the vectors of the index")
    }
}

fn records(content: &[u8], dimensions: usize) -> impl Iterator<Item = (Key, Vec<f32>)> {
    content.chunks_exact(KEY_BYTES + 4 * dimensions).filter_map(|record| {
        let (key, numbers) = record.split_first_chunk::<KEY_BYTES>()?;
        let (numbers, _) = numbers.as_chunks::<4>();
        Some((*key, numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()))
    })
}

/// How near passages and articles' questions are to a text, as cosines.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// By the number of the passage.
    pub(super) passages: HashMap<usize, f64>,
    /// By the number of the title or question.
    pub(super) questions: HashMap<usize, f64>,
    /// What all others have at most.
    pub(super) floor: f64,
}

/// Embeds what is looked for. A model that fails is told in the log, and the words alone decide.
pub(super) fn query(embedder: &dyn Embedder, text: &str) -> Option<Values> {
    let text = Text::new(TextRole::Query, text);
    match embedder.embed(text.role, std::slice::from_ref(&text.text)) {
        Ok(vectors) => vectors.into_iter().next().map(Values::Dense),
        Err(error) => {
            tracing::error!("The embedding model failed, so words alone decide: {}", error.source);
            None
        }
    }
}

/// Finds what is near a vector; `None` where nothing has one.
pub(super) fn near(
    shard: &Shard,
    vector: &Values,
    wanted: usize,
) -> Result<Option<Near>, PortError> {
    let mut near = Near { floor: f64::INFINITY, ..Near::default() };
    for (id, cosine) in shard.nearest(MEANING, vector, wanted)? {
        let Ok(number) = usize::try_from(id / 2) else { continue };
        let place = if id % 2 == 0 { &mut near.passages } else { &mut near.questions };
        place.insert(number, f64::from(cosine));
        near.floor = near.floor.min(f64::from(cosine));
    }
    Ok(near.floor.is_finite().then_some(near))
}
