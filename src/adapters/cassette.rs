//! Recorded answers of language models: a folder with one readable file per question, found again by a hash of
//! everything that shapes the answer. A question that was not recorded fails loudly.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::decision::LocalText;
use crate::ports::chat::{
    ChatAnswer, ChatError, ChatErrorKind, ChatMessage, ChatModel, ChatRequest, Purpose, TokenUse,
};

/// The file that says which models a folder holds answers of.
pub const MANIFEST: &str = "cassette.json";
/// The note of a folder whose answers somebody wrote.
pub const EXAMPLE: &str = "example";

/// What to do with recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cassette {
    /// Ask, and keep every answer in this folder.
    Record(PathBuf),
    /// Answer from a folder alone.
    Replay(Arc<Shelf>),
}

/// A folder of recordings, how many questions it had no answer to, and which of its answers cannot be read.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    missed: AtomicU64,
    damaged: Mutex<BTreeSet<PathBuf>>,
}

impl Shelf {
    /// Of a folder that `--record` wrote.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, missed: AtomicU64::new(0), damaged: Mutex::default() }
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True where a folder holds recordings, whatever its manifest says.
    pub fn has_recordings(&self) -> bool {
        let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries(&self.dir).filter(|entry| entry.path().is_dir()).any(|folder| {
            entries(&folder.path())
                .any(|file| file.path().extension().is_some_and(|ending| ending == "json"))
        })
    }

    /// Returns how many questions had no recording so far.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Returns the recordings that could not be read so far.
    pub fn damaged(&self) -> Vec<PathBuf> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl PartialEq for Shelf {
    fn eq(&self, other: &Self) -> bool {
        self.dir == other.dir
    }
}

impl Eq for Shelf {}

/// What a folder's manifest says of a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The model as it was configured.
    pub model: String,
    /// What else shaped its answers.
    pub parameters: Value,
}

/// Why a folder's manifest tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// There is none.
    #[error("there is no {MANIFEST}; name a folder that --record wrote")]
    Missing,
    /// It cannot be read.
    #[error("{MANIFEST} is damaged: {0}")]
    Damaged(String),
}

/// The models that a folder holds answers of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// What the recordings are, for people; [`EXAMPLE`] where somebody wrote the answers.
    pub note: String,
    /// The first rung.
    pub primary: Option<Recorded>,
    /// The more capable one.
    pub escalation: Option<Recorded>,
    /// How often a model was asked what a turn is about; `None` leaves it to the settings.
    pub samples: Option<u32>,
    /// When a model was asked for a draft; `None` leaves it to the settings.
    pub drafts: Option<String>,
}

impl Manifest {
    /// Reads a folder's manifest.
    pub fn read(dir: &Path) -> Result<Self, Unread> {
        let text = match std::fs::read_to_string(dir.join(MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Unread::Missing);
            }
            Err(error) => return Err(Unread::Damaged(error.to_string())),
        };
        serde_json::from_str(&text).map_err(|error| Unread::Damaged(error.to_string()))
    }

    /// Writes it.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(dir)?;
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(dir.join(MANIFEST), text + "\n")?;
        Ok(())
    }
}

/// One recording.
#[derive(Debug, Serialize, Deserialize)]
struct Tape {
    prompt: String,
    purpose: Purpose,
    model: String,
    repeat: u32,
    messages: Vec<ChatMessage>,
    answer: Option<Answer>,
    failure: Option<Failure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// Kept as JSON where it is JSON, so that people can read it.
    content: Value,
    answered_by: String,
    tokens: TokenUse,
    #[serde(default)]
    probability: Option<f64>,
    #[serde(default)]
    cost_micros: u64,
    #[serde(default)]
    took_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failure {
    kind: String,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    code: Option<String>,
}

/// A model whose answers are recorded, or come from a recording.
pub struct TapedModel {
    name: String,
    parameters: Value,
    shelf: Arc<Shelf>,
    /// `None` when replaying.
    inner: Option<Arc<dyn ChatModel>>,
}

impl fmt::Debug for TapedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapedModel")
            .field("name", &self.name)
            .field("dir", &self.shelf.dir)
            .finish_non_exhaustive()
    }
}

impl TapedModel {
    /// Asks a model and keeps what it answers.
    pub fn recording(inner: Arc<dyn ChatModel>, dir: PathBuf) -> Self {
        Self {
            name: inner.name().to_owned(),
            parameters: inner.parameters(),
            shelf: Arc::new(Shelf::new(dir)),
            inner: Some(inner),
        }
    }

    /// Answers from a folder.
    pub fn replaying(recorded: Recorded, shelf: Arc<Shelf>) -> Self {
        Self { name: recorded.model, parameters: recorded.parameters, shelf, inner: None }
    }

    fn path(&self, request: &ChatRequest) -> PathBuf {
        let key = key_of(&self.name, &self.parameters, request);
        let prompt = request.prompt.split('@').next().unwrap_or_default();
        let folder: String = prompt
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        self.shelf.dir.join(folder).join(format!("{key}.json"))
    }

    fn read(&self, path: &Path) -> Result<ChatAnswer, Box<ChatError>> {
        let unanswered = |kind: ChatErrorKind, detail: LocalText| {
            tracing::error!(detail = detail.en, "A question has no answer in the recordings");
            Err(Box::new(ChatError::new(kind, detail)))
        };
        let damaged = |pt: String, en: String| {
            let shown = path.display();
            let detail = LocalText::new(
                format!("{shown} está danificado: {pt}; apague o arquivo e grave de novo"),
                format!("{shown} is damaged: {en}; delete the file and record it again"),
            );
            let mut damaged = self.shelf.damaged.lock().unwrap_or_else(PoisonError::into_inner);
            damaged.insert(path.to_path_buf());
            drop(damaged);
            unanswered(ChatErrorKind::BadRecording, detail)
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (path, dir) = (path.display(), self.shelf.dir.display());
                let detail = LocalText::new(
                    format!("não há gravação {path}; grave com --record {dir}"),
                    format!("no recording {path}; record it with --record {dir}"),
                );
                self.shelf.missed.fetch_add(1, Ordering::Relaxed);
                return unanswered(ChatErrorKind::NotRecorded, detail);
            }
            Err(error) => return damaged(error.to_string(), error.to_string()),
        };
        let tape: Tape = match serde_json::from_str(&text) {
            Ok(tape) => tape,
            Err(error) => return damaged(error.to_string(), error.to_string()),
        };
        match (tape.answer, tape.failure) {
            (Some(answer), _) => Ok(ChatAnswer {
                text: match answer.content {
                    Value::String(text) => text,
                    content => content.to_string(),
                },
                model: answer.answered_by,
                tokens: answer.tokens,
                probability: answer.probability,
                cost_micros: answer.cost_micros,
                took: Duration::from_millis(answer.took_ms),
                attempts: 1,
            }),
            (None, Some(failure)) => {
                let Some(kind) = ChatErrorKind::parse(&failure.kind) else {
                    let kind = &failure.kind;
                    return damaged(
                        format!("`{kind}` não é motivo de falta de resposta"),
                        format!("`{kind}` is no reason for a lack of an answer"),
                    );
                };
                let mut error = ChatError::new(kind, LocalText::new("como gravado", "as recorded"));
                (error.status, error.code, error.attempts) = (failure.status, failure.code, 1);
                Err(Box::new(error))
            }
            (None, None) => {
                damaged("não contém resposta".to_owned(), "it holds no answer".to_owned())
            }
        }
    }

    fn write(
        &self,
        path: &Path,
        request: &ChatRequest,
        answer: &Result<ChatAnswer, ChatError>,
    ) -> std::io::Result<()> {
        let (answer, failure) = match answer {
            Ok(answer) => {
                let content = serde_json::from_str(&answer.text)
                    .unwrap_or_else(|_| Value::String(answer.text.clone()));
                let answer = Answer {
                    content,
                    answered_by: answer.model.clone(),
                    tokens: answer.tokens,
                    probability: answer.probability,
                    cost_micros: answer.cost_micros,
                    took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
                };
                (Some(answer), None)
            }
            Err(error) => {
                let failure = Failure {
                    kind: error.kind.as_str().to_owned(),
                    status: error.status,
                    code: error.code.clone(),
                };
                (None, Some(failure))
            }
        };
        let tape = Tape {
            prompt: request.prompt.clone(),
            purpose: request.purpose,
            model: self.name.clone(),
            repeat: request.repeat,
            messages: request.messages.clone(),
            answer,
            failure,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(&tape)? + "\n")
    }
}

/// Hashes what shapes an answer: the prompt's words, the model, its parameters, the shape asked for, the repeat. The
/// deadline does not.
fn key_of(model: &str, parameters: &Value, request: &ChatRequest) -> String {
    let output = request.output.as_ref().map(|output| json!([output.name, output.schema]));
    let whole = json!({
        "model": model,
        "parameters": parameters,
        "messages": request.messages,
        "output": output,
        "max_output": request.max_output,
        "repeat": request.repeat,
    });
    let digest = hex::encode(Sha256::digest(whole.to_string()));
    digest.get(..24).unwrap_or_default().to_owned()
}

#[async_trait]
impl ChatModel for TapedModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn parameters(&self) -> Value {
        self.parameters.clone()
    }

    fn most_micros(&self, request: &ChatRequest) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.most_micros(request))
    }

    async fn ask(&self, request: &ChatRequest) -> Result<ChatAnswer, ChatError> {
        let path = self.path(request);
        let Some(inner) = &self.inner else { return self.read(&path).map_err(|error| *error) };
        let answer = inner.ask(request).await;
        if let Err(error) = self.write(&path, request, &answer) {
            tracing::error!(error = %error, "Cannot keep a recording in {}", self.shelf.dir.display());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::chat::Role;

    #[derive(Debug)]
    struct Echo;

    #[async_trait]
    impl ChatModel for Echo {
        fn name(&self) -> &'static str {
            "echo"
        }

        fn parameters(&self) -> Value {
            json!({"temperature": 0})
        }

        fn most_micros(&self, _request: &ChatRequest) -> u64 {
            7
        }

        async fn ask(&self, request: &ChatRequest) -> Result<ChatAnswer, ChatError> {
            let text = request.messages.last().map(|last| last.text.clone()).unwrap_or_default();
            if text == "fail" {
                return Err(ChatError::new(ChatErrorKind::Filtered, LocalText::default()));
            }
            Ok(ChatAnswer {
                text: format!("{{\"said\":\"{text}\"}}"),
                model: "echo-1".to_owned(),
                tokens: TokenUse { input: 3, cached: 0, output: 2 },
                probability: Some(0.9),
                cost_micros: 7,
                took: Duration::from_millis(5),
                attempts: 1,
            })
        }
    }

    fn request(text: &str, repeat: u32) -> ChatRequest {
        ChatRequest {
            purpose: Purpose::Triage,
            prompt: "triage@0123".to_owned(),
            messages: vec![ChatMessage { role: Role::User, text: text.to_owned() }],
            output: None,
            max_output: None,
            repeat,
            deadline: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn what_was_recorded_is_answered_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let taping = TapedModel::recording(Arc::new(Echo), dir.path().to_owned());
        let said = taping.ask(&request("oi", 0)).await.unwrap();
        taping.ask(&request("fail", 0)).await.unwrap_err();
        let recorded = Recorded { model: "echo".to_owned(), parameters: json!({"temperature": 0}) };
        let shelf = Arc::new(Shelf::new(dir.path().to_owned()));
        let player = TapedModel::replaying(recorded.clone(), Arc::clone(&shelf));
        assert_eq!(player.ask(&request("oi", 0)).await.unwrap(), said);
        assert_eq!(
            player.ask(&request("fail", 0)).await.unwrap_err().kind,
            ChatErrorKind::Filtered
        );
        for other in [request("oi!", 0), request("oi", 1)] {
            let missing = player.ask(&other).await.unwrap_err();
            assert_eq!(missing.kind, ChatErrorKind::NotRecorded);
            assert!(missing.detail.en.contains("--record"), "{missing}");
            assert!(missing.detail.pt_br.contains("grave com --record"), "{missing:?}");
        }
        let path = player.path(&request("oi", 0));
        let whole = std::fs::read_to_string(&path).unwrap();
        let odd = whole.replace("\"answer\": {", "\"answer\": null, \"was\": {");
        let odd = odd.replace("\"failure\": null", "\"failure\": {\"kind\": \"tired\"}");
        for broken in [whole.trim_end_matches(['}', '\n']), "{}", "not JSON", &odd] {
            std::fs::write(&path, broken).unwrap();
            let damaged = player.ask(&request("oi", 0)).await.unwrap_err();
            assert_eq!(damaged.kind, ChatErrorKind::BadRecording, "{broken}");
            assert!(damaged.detail.en.contains("is damaged"), "{damaged}");
        }
        std::fs::write(&path, whole).unwrap();
        assert_eq!(shelf.damaged(), [path]);
        let warmer = Recorded { parameters: json!({"temperature": 1}), ..recorded };
        assert_eq!(shelf.missed(), 2);
        let player = TapedModel::replaying(warmer, shelf);
        assert_eq!(
            player.ask(&request("oi", 0)).await.unwrap_err().kind,
            ChatErrorKind::NotRecorded
        );
    }
}
