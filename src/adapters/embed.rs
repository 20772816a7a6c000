//! Embedding models through fastembed: an ONNX graph in a folder, or one of a few by name, which is downloaded once.
//!
//! The ONNX Runtime is a library of its own that is looked for when the first model is loaded, because the binding
//! panics without it. One model serves the whole process, one call at a time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use fastembed::{
    EmbeddingModel, InitOptionsUserDefined, Pooling, TextEmbedding, TextInitOptions,
    TokenizerFiles, UserDefinedEmbeddingModel,
};
use serde_json::Value;

use crate::domain::labels::Locale;
use crate::ports::{Embedder, PortError, PortErrorKind, TextRole};

/// Tokens of a text that are read; passages are cut to sections well below it.
const MAX_TOKENS: usize = 512;
/// Texts per run of the model: more take memory and no less time.
const BATCH: usize = 16;
/// What the dynamic loader is asked for when the settings name no library.
const SYSTEM_RUNTIME: &str = "libonnxruntime.so";
/// Sizes of vocabularies that hold English alone: BERT uncased and cased, `RoBERTa`, `ModernBERT`.
const ENGLISH_VOCABULARIES: [u64; 4] = [30_522, 28_996, 50_265, 50_368];

/// A model that can be asked for by name.
struct Known {
    name: &'static str,
    model: EmbeddingModel,
    english_only: bool,
}

/// The names, smallest first among those that know Portuguese.
pub const NAMES: &[&str] = &[
    "multilingual-e5-small",
    "multilingual-e5-base",
    "multilingual-e5-large",
    "paraphrase-multilingual-minilm-l12-v2",
    "paraphrase-multilingual-mpnet-base-v2",
    "bge-m3",
    "all-minilm-l6-v2",
    "bge-small-en-v1.5",
];

fn known(name: &str) -> Option<Known> {
    let (model, english_only) = match name {
        "multilingual-e5-small" => (EmbeddingModel::MultilingualE5Small, false),
        "multilingual-e5-base" => (EmbeddingModel::MultilingualE5Base, false),
        "multilingual-e5-large" => (EmbeddingModel::MultilingualE5Large, false),
        "paraphrase-multilingual-minilm-l12-v2" => (EmbeddingModel::ParaphraseMLMiniLML12V2, false),
        "paraphrase-multilingual-mpnet-base-v2" => (EmbeddingModel::ParaphraseMLMpnetBaseV2, false),
        "bge-m3" => (EmbeddingModel::BGEM3, false),
        "all-minilm-l6-v2" => (EmbeddingModel::AllMiniLML6V2, true),
        "bge-small-en-v1.5" => (EmbeddingModel::BGESmallENV15, true),
        _ => return None,
    };
    let name = NAMES.iter().find(|known| **known == name)?;
    Some(Known { name, model, english_only })
}

/// Which model, and with what it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedderSettings {
    /// The folder that holds the model, or that a named one is downloaded into.
    pub dir: PathBuf,
    /// The name of a model to download; `None` when the folder holds one.
    pub name: Option<String>,
    /// The library of the ONNX Runtime; `None` leaves it to the system's loader.
    pub runtime: Option<PathBuf>,
    /// Threads that one text's vector is computed with.
    pub threads: usize,
}

/// Why there is no embedding model, and what to do about it.
#[derive(Debug)]
pub enum EmbedderProblem {
    /// The library of the ONNX Runtime could not be loaded.
    NoRuntime {
        /// What was tried.
        tried: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// A file of the model is missing or cannot be read.
    NoFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No such name.
    UnknownName(String),
    /// The files are there but are no model.
    NoModel {
        /// Its folder or name.
        what: String,
        /// What the library said.
        reason: String,
    },
}

impl EmbedderProblem {
    /// Says what is wrong and what to do, in the operator's language.
    pub fn describe(&self, lang: Locale) -> String {
        match (self, lang) {
            (Self::NoRuntime { tried, reason }, Locale::PtBr) => format!(
                "não foi possível carregar o ONNX Runtime ({}): {reason}\n  instale-o (o pacote onnxruntime do PyPI \
                 traz libonnxruntime.so.*; há também em github.com/microsoft/onnxruntime/releases) e aponte \
                 embeddings.runtime para o arquivo da biblioteca, ou retire a seção [embeddings]",
                tried.display()
            ),
            (Self::NoRuntime { tried, reason }, Locale::En) => format!(
                "the ONNX Runtime could not be loaded ({}): {reason}\n  install it (the onnxruntime package on \
                 PyPI includes libonnxruntime.so.*; github.com/microsoft/onnxruntime/releases has it too) and point \
                 embeddings.runtime at the library file, or remove the section [embeddings]",
                tried.display()
            ),
            (Self::NoFile { path, reason }, Locale::PtBr) => format!(
                "falta ou não pôde ser lido um arquivo do modelo, {}: {reason}\n  a pasta embeddings.dir precisa de model.onnx, \
                 tokenizer.json, tokenizer_config.json, special_tokens_map.json e config.json",
                path.display()
            ),
            (Self::NoFile { path, reason }, Locale::En) => format!(
                "a model file is missing or cannot be read, {}: {reason}\n  the folder embeddings.dir needs model.onnx, \
                 tokenizer.json, tokenizer_config.json, special_tokens_map.json and config.json",
                path.display()
            ),
            (Self::UnknownName(name), Locale::PtBr) => {
                format!("nenhum modelo se chama {name}\n  use um destes: {}", NAMES.join(", "))
            }
            (Self::UnknownName(name), Locale::En) => {
                format!("there is no model called {name}\n  use one of: {}", NAMES.join(", "))
            }
            (Self::NoModel { what, reason }, Locale::PtBr) => format!(
                "o modelo {what} não pôde ser carregado: {reason}\n  confira se os arquivos estão completos e se esta \
                 máquina acessa huggingface.co, caso o modelo precise ser baixado"
            ),
            (Self::NoModel { what, reason }, Locale::En) => format!(
                "the model {what} could not be loaded: {reason}\n  check that its files are complete and that this \
                 machine can reach huggingface.co if the model must be downloaded"
            ),
        }
    }
}

/// A loaded model.
pub struct FastEmbedder {
    settings: EmbedderSettings,
    name: String,
    dimensions: usize,
    english_only: bool,
    prefixes: Prefixes,
    model: Mutex<TextEmbedding>,
}

impl fmt::Debug for FastEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FastEmbedder").field(&self.name).finish()
    }
}

/// The model that this process has loaded: businesses and reloads share it.
static LOADED: Mutex<Weak<FastEmbedder>> = Mutex::new(Weak::new());

impl FastEmbedder {
    /// Returns the model of these settings, loading it if this process has not. Blocks, for minutes where a model has
    /// to be downloaded first.
    pub fn load(settings: &EmbedderSettings) -> Result<Arc<Self>, EmbedderProblem> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = loaded.upgrade().filter(|model| model.settings == *settings) {
            return Ok(model);
        }
        let model = Arc::new(Self::new(settings)?);
        *loaded = Arc::downgrade(&model);
        Ok(model)
    }

    /// Says what would keep the model from being loaded, without loading or downloading it.
    pub fn check(settings: &EmbedderSettings) -> Result<(), EmbedderProblem> {
        match &settings.name {
            Some(name) if known(name).is_none() => {
                return Err(EmbedderProblem::UnknownName(name.clone()));
            }
            Some(_) => {}
            None => FILES.iter().try_for_each(|file| {
                let path = settings.dir.join(file);
                let found = std::fs::File::open(&path);
                found.map(drop).map_err(|error| no_file(path, &error))
            })?,
        }
        runtime(settings)
    }

    fn new(settings: &EmbedderSettings) -> Result<Self, EmbedderProblem> {
        runtime(settings)?;
        let (name, english_only, mut model) = match &settings.name {
            Some(name) => named(settings, name)?,
            None => local(settings)?,
        };
        let prefixes = Prefixes::of(&name);
        // What a model says of itself is not always so: a vector is asked for.
        let problem = |reason: String| EmbedderProblem::NoModel { what: name.clone(), reason };
        let probe = model.embed(["."], None).map_err(|error| problem(error.to_string()))?;
        let dimensions = probe.first().map_or(0, Vec::len);
        if dimensions == 0 {
            return Err(problem("it gave an empty vector".to_owned()));
        }
        Ok(Self {
            settings: settings.clone(),
            dimensions,
            english_only,
            prefixes,
            model: Mutex::new(model),
            name,
        })
    }
}

impl Embedder for FastEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn knows(&self, locale: Locale) -> bool {
        locale == Locale::En || !self.english_only
    }

    fn embed(&self, role: TextRole, texts: &[String]) -> Result<Vec<Vec<f32>>, PortError> {
        let prefix = self.prefixes.of_role(role);
        let texts: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let vectors = model.embed(&texts, Some(BATCH)).map_err(|error| {
            PortError::new("embed text", PortErrorKind::Permanent, anyhow::anyhow!("{error}"))
        })?;
        if vectors.len() != texts.len() || vectors.iter().any(|v| v.len() != self.dimensions) {
            return Err(PortError::permanent(
                "embed text",
                "the model gave other vectors than before",
            ));
        }
        Ok(vectors)
    }
}

/// What a family of models wants before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Prefixes {
    passage: &'static str,
    query: &'static str,
}

impl Prefixes {
    /// Models are told apart by their names, as their authors ask in the models' descriptions.
    fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let (passage, query) = if name.contains("e5-") {
            ("passage: ", "query: ")
        } else if name.contains("bge-") && name.contains("-en") {
            ("", "Represent this sentence for searching relevant passages: ")
        } else if name.contains("nomic-embed") {
            ("search_document: ", "search_query: ")
        } else {
            ("", "")
        };
        Self { passage, query }
    }

    fn of_role(self, role: TextRole) -> &'static str {
        match role {
            TextRole::Passage => self.passage,
            TextRole::Query => self.query,
        }
    }
}

const FILES: [&str; 5] = [
    "model.onnx",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config.json",
];

/// Loads the ONNX Runtime. A path that does not exist is told before the loader is asked.
fn runtime(settings: &EmbedderSettings) -> Result<(), EmbedderProblem> {
    let tried = settings.runtime.clone().unwrap_or_else(|| PathBuf::from(SYSTEM_RUNTIME));
    match ort::init_from(&tried) {
        Ok(_) => Ok(()),
        Err(error) => Err(EmbedderProblem::NoRuntime { tried, reason: error.to_string() }),
    }
}

type Opened = (String, bool, TextEmbedding);

fn named(settings: &EmbedderSettings, name: &str) -> Result<Opened, EmbedderProblem> {
    let Some(known) = known(name) else {
        return Err(EmbedderProblem::UnknownName(name.to_owned()));
    };
    let options = TextInitOptions::new(known.model)
        .with_cache_dir(settings.dir.clone())
        .with_max_length(MAX_TOKENS)
        .with_intra_threads(settings.threads)
        .with_show_download_progress(false);
    let model = TextEmbedding::try_new(options).map_err(|error| EmbedderProblem::NoModel {
        what: name.to_owned(),
        reason: error.to_string(),
    })?;
    Ok((known.name.to_owned(), known.english_only, model))
}

fn local(settings: &EmbedderSettings) -> Result<Opened, EmbedderProblem> {
    let dir = &settings.dir;
    let file = |name: &str| {
        let path = dir.join(name);
        std::fs::read(&path).map_err(|error| no_file(path, &error))
    };
    let [onnx, tokenizer, tokenizer_config, special_tokens, config] = FILES;
    let config_file = file(config)?;
    let config: Value = serde_json::from_slice(&config_file).unwrap_or_default();
    let onnx = file(onnx)?;
    let name = local_name(dir, &config, &onnx);
    let english_only = is_english(&config);
    let files = TokenizerFiles {
        tokenizer_file: file(tokenizer)?,
        config_file,
        special_tokens_map_file: file(special_tokens)?,
        tokenizer_config_file: file(tokenizer_config)?,
    };
    let model = UserDefinedEmbeddingModel::new(onnx, files).with_pooling(pooling(dir));
    let options = InitOptionsUserDefined::new()
        .with_max_length(MAX_TOKENS)
        .with_intra_threads(settings.threads);
    let model = TextEmbedding::try_new_from_user_defined(model, options).map_err(|error| {
        EmbedderProblem::NoModel { what: dir.display().to_string(), reason: error.to_string() }
    })?;
    Ok((name, english_only, model))
}

/// Names a model by its folder, by what it says of itself and by its content: a folder can be filled anew.
fn local_name(dir: &Path, config: &Value, onnx: &[u8]) -> String {
    use sha2::Digest as _;
    let folder = dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = config.get("_name_or_path").and_then(Value::as_str).unwrap_or_default();
    let mut digest = hex::encode(sha2::Sha256::digest(onnx));
    digest.truncate(12);
    format!("{} {own} {digest}", folder.unwrap_or_default())
}

/// True for a vocabulary that is known to hold English alone. A model of several languages has a far larger one.
fn is_english(config: &Value) -> bool {
    let size = config.get("vocab_size").and_then(Value::as_u64);
    size.is_some_and(|size| ENGLISH_VOCABULARIES.contains(&size))
}

/// How the vectors of tokens become one: as the folder says in the layout of sentence-transformers, else their mean,
/// which nearly all such models want.
fn pooling(dir: &Path) -> Pooling {
    let said = std::fs::read(dir.join("1_Pooling/config.json")).ok();
    let said: Option<Value> = said.and_then(|said| serde_json::from_slice(&said).ok());
    let cls = said.and_then(|said| said.get("pooling_mode_cls_token")?.as_bool());
    if cls == Some(true) { Pooling::Cls } else { Pooling::Mean }
}

fn no_file(path: PathBuf, error: &std::io::Error) -> EmbedderProblem {
    EmbedderProblem::NoFile { path, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &Path) -> EmbedderSettings {
        let runtime = Some(dir.join("libonnxruntime.so"));
        EmbedderSettings { dir: dir.to_path_buf(), name: None, runtime, threads: 1 }
    }

    #[test]
    fn a_missing_runtime_is_told_with_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        for file in FILES {
            std::fs::write(dir.path().join(file), "{}").unwrap();
        }
        for problem in [
            FastEmbedder::check(&settings(dir.path())).unwrap_err(),
            FastEmbedder::load(&settings(dir.path())).unwrap_err(),
        ] {
            let (en, pt) = (problem.describe(Locale::En), problem.describe(Locale::PtBr));
            assert!(en.contains("ONNX Runtime could not be loaded"), "{en}");
            assert!(en.contains("libonnxruntime.so") && en.contains("embeddings.runtime"), "{en}");
            assert!(pt.contains("não foi possível carregar o ONNX Runtime"), "{pt}");
        }
    }

    #[test]
    fn a_missing_file_and_an_unknown_name_are_told_before_the_runtime() {
        let dir = tempfile::tempdir().unwrap();
        let problem = FastEmbedder::check(&settings(dir.path())).unwrap_err();
        assert!(problem.describe(Locale::En).contains("model.onnx"), "{problem:?}");
        let other = EmbedderSettings { name: Some("e5".to_owned()), ..settings(dir.path()) };
        let problem = FastEmbedder::check(&other).unwrap_err();
        assert!(problem.describe(Locale::PtBr).contains("multilingual-e5-small"), "{problem:?}");
    }

    #[test]
    fn every_name_is_a_model_and_says_whether_it_knows_portuguese() {
        for name in NAMES {
            let known = known(name).unwrap();
            assert_eq!(known.name, *name);
            let multilingual = ["multilingual", "m3"].iter().any(|part| name.contains(part));
            assert_eq!(known.english_only, !multilingual, "{name}");
        }
    }

    #[test]
    fn families_get_the_prefixes_their_authors_ask_for() {
        for (name, passage, query) in [
            ("multilingual-e5-small", "passage: ", "query: "),
            ("model intfloat/multilingual-e5-base 0123", "passage: ", "query: "),
            ("bge-small-en-v1.5", "", "Represent this sentence for searching relevant passages: "),
            ("bge-m3", "", ""),
            ("all-minilm-l6-v2", "", ""),
        ] {
            assert_eq!(Prefixes::of(name), Prefixes { passage, query }, "{name}");
        }
    }

    #[test]
    fn a_vocabulary_of_english_alone_is_recognised() {
        for (size, english) in [(30_522, true), (119_547, false), (250_002, false)] {
            assert_eq!(is_english(&serde_json::json!({ "vocab_size": size })), english, "{size}");
        }
        assert!(!is_english(&Value::Null));
    }
}
