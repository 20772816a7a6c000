//! Where an access token for XOAUTH2 comes from, to read a mailbox and to send.
//!
//! Getting and renewing tokens is the work of a program that the business chooses (each provider has its own ways and
//! secrets); here it is asked for one. A token is never printed, and what the program says of errors is not read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::domain::labels::Locale;
use crate::domain::secret::Secret;

/// Most bytes that are read from a program or file; tokens of Microsoft have some thousands.
const MAX_BYTES: u64 = 64 * 1024;
/// How long a file may take: one on a network drive can hang.
const FILE_LIMIT: Duration = Duration::from_secs(10);
/// How long a token is used whose end is not known.
const KEPT: chrono::Duration = chrono::Duration::minutes(5);
/// A token is not used this close to its end, as clocks differ and a conversation takes its time.
const MARGIN: chrono::Duration = chrono::Duration::minutes(1);

/// Where the token is.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A program that prints it, started without a shell.
    Program {
        /// The program.
        program: PathBuf,
        /// What it is told.
        args: Vec<String>,
        /// How long it may take.
        limit: Duration,
    },
    /// A file that another program keeps fresh; it is read for each connection.
    File(PathBuf),
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a program is told may hold a secret.
        match self {
            Self::Program { program, .. } => {
                f.debug_struct("Program").field("program", program).finish_non_exhaustive()
            }
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenTrouble {
    /// The program did not start.
    Start,
    /// The program failed with this code; `None` if a signal ended it.
    Exit(Option<i32>),
    /// The program took too long.
    Slow,
    /// The file could not be read.
    File,
    /// What came is no token.
    NoToken,
}

impl TokenTrouble {
    /// Says what was wrong and what to do; in English without capital and full stop, as errors are written.
    pub fn in_locale(self, locale: Locale) -> String {
        match locale {
            Locale::En => in_english(self),
            Locale::PtBr => in_portuguese(self),
        }
    }
}

fn in_english(trouble: TokenTrouble) -> String {
    let words = match trouble {
        TokenTrouble::Start => {
            "the program that gives the access token could not be started; check its path and rights"
        }
        TokenTrouble::Exit(Some(code)) => {
            return format!(
                "the program that gives the access token failed with exit code {code}; run it by hand as the user of this service"
            );
        }
        TokenTrouble::Exit(None) => {
            "the program that gives the access token was ended by a signal; run it by hand as the user of this service"
        }
        TokenTrouble::Slow => {
            "the program that gives the access token did not end in time; run it by hand as the user of this service"
        }
        TokenTrouble::File => {
            "the file of the access token could not be read; check its path and rights"
        }
        TokenTrouble::NoToken => {
            "what was given as an access token is none; it must be one line, or JSON with `access_token`"
        }
    };
    words.to_owned()
}

fn in_portuguese(trouble: TokenTrouble) -> String {
    let words = match trouble {
        TokenTrouble::Start => {
            "Não foi possível iniciar o programa que fornece o token de acesso; confira o caminho e as permissões dele."
        }
        TokenTrouble::Exit(Some(code)) => {
            return format!(
                "O programa que fornece o token de acesso falhou com o código de saída {code}; execute-o à mão com o usuário deste serviço."
            );
        }
        TokenTrouble::Exit(None) => {
            "O programa que fornece o token de acesso foi encerrado por um sinal; execute-o à mão com o usuário deste serviço."
        }
        TokenTrouble::Slow => {
            "O programa que fornece o token de acesso não terminou a tempo; execute-o à mão com o usuário deste serviço."
        }
        TokenTrouble::File => {
            "Não foi possível ler o arquivo do token de acesso; confira o caminho e as permissões dele."
        }
        TokenTrouble::NoToken => {
            "O que veio como token de acesso não é um token; precisa ser uma só linha, ou JSON com `access_token`."
        }
    };
    words.to_owned()
}

/// A token, and how long it lasts where that was said.
pub(super) struct Token {
    pub(super) secret: Secret,
    lasts: Option<chrono::Duration>,
}

/// Asks for a token.
pub(super) async fn fetch(source: &TokenSource) -> Result<Token, TokenTrouble> {
    let text = match source {
        TokenSource::Program { program, args, limit } => {
            let run = tokio::time::timeout(*limit, run(program, args));
            run.await.map_err(|_| TokenTrouble::Slow)??
        }
        TokenSource::File(path) => {
            let read = async {
                let file = tokio::fs::File::open(path).await?;
                let mut text = Vec::new();
                file.take(MAX_BYTES).read_to_end(&mut text).await?;
                std::io::Result::Ok(text)
            };
            let text = tokio::time::timeout(FILE_LIMIT, read).await;
            text.map_err(|_| TokenTrouble::File)?.map_err(|_| TokenTrouble::File)?
        }
    };
    read(&text).ok_or(TokenTrouble::NoToken)
}

/// The tokens of one account, each kept while it lasts.
pub(super) struct Tokens {
    source: TokenSource,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    token: Secret,
    until: DateTime<Utc>,
}

/// The answer of a token endpoint (RFC 6749 §5.1), which many programs pass on.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<i64>,
}

impl Tokens {
    pub(super) fn new(source: TokenSource) -> Self {
        Self { source, kept: Mutex::new(None) }
    }

    /// Returns a token; `refused` is one that a server did not take, which is then asked for anew.
    pub(super) async fn get(
        &self,
        now: DateTime<Utc>,
        refused: Option<&Secret>,
    ) -> Result<Secret, TokenTrouble> {
        // Held while the program runs, so that many mails start it once.
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref()
            && now < kept.until
            && refused != Some(&kept.token)
        {
            return Ok(kept.token.clone());
        }
        let Token { secret, lasts } = fetch(&self.source).await?;
        let until = match self.source {
            TokenSource::File(_) => now,
            TokenSource::Program { .. } => now + lasts.map_or(KEPT, |lasts| lasts - MARGIN),
        };
        *kept = Some(Kept { token: secret.clone(), until });
        Ok(secret)
    }
}

async fn run(program: &Path, args: &[String]) -> Result<Vec<u8>, TokenTrouble> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // One that is late or no longer wanted must not go on by itself.
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| TokenTrouble::Start)?;
    let mut text = Vec::new();
    if let Some(out) = child.stdout.take() {
        out.take(MAX_BYTES).read_to_end(&mut text).await.map_err(|_| TokenTrouble::NoToken)?;
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) >= MAX_BYTES {
        return Err(TokenTrouble::NoToken);
    }
    let status = child.wait().await.map_err(|_| TokenTrouble::Exit(None))?;
    if !status.success() {
        return Err(TokenTrouble::Exit(status.code()));
    }
    Ok(text)
}

/// Reads a token and how long it lasts, from one line or from JSON. It is one word of printable ASCII (RFC 6750): whatever
/// else came would break the login's own form.
fn read(text: &[u8]) -> Option<Token> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (token, lasts) = if text.starts_with('{') {
        let answer: Answer = serde_json::from_str(text).ok()?;
        (answer.access_token, answer.expires_in)
    } else {
        (text.to_owned(), None)
    };
    let fits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    let lasts = lasts.and_then(chrono::Duration::try_seconds);
    fits.then(|| Token { secret: Secret::new(token), lasts })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_000_000, 0).unwrap()
    }

    fn shell(script: &str) -> Tokens {
        Tokens::new(TokenSource::Program {
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            limit: Duration::from_secs(20),
        })
    }

    #[test]
    fn tokens_are_read_from_a_line_or_from_json() {
        let of = |text: &str| {
            read(text.as_bytes()).map(|token| (token.secret.expose().to_owned(), token.lasts))
        };
        let hour = chrono::Duration::try_seconds(3600);
        for (text, expected) in [
            ("ya29.abc\n", Some(("ya29.abc".to_owned(), None))),
            (r#"{"access_token":"x","expires_in":3600,"scope":"s"}"#, Some(("x".to_owned(), hour))),
            (r#"{"error":"invalid_grant"}"#, None),
            ("", None),
            ("two words", None),
            ("two\nlines", None),
            ("é", None),
            ("a\u{1}b", None),
        ] {
            assert_eq!(of(text), expected, "{text:?}");
        }
        assert!(read(b"\xff").is_none());
    }

    #[tokio::test]
    async fn a_program_that_never_stops_printing_is_ended() {
        let tokens = shell("while :; do echo 0123456789012345; done");
        assert_eq!(tokens.get(now(), None).await, Err(TokenTrouble::NoToken));
    }

    #[tokio::test]
    async fn a_program_is_asked_once_until_the_token_ends_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let tokens = shell(&format!(
            r#"echo x >> {0}; printf '{{"access_token":"t%s","expires_in":600}}' $(wc -l < {0})"#,
            count.display()
        ));
        let first = tokens.get(now(), None).await.unwrap();
        assert_eq!(first.expose(), "t1");
        let later = now() + chrono::Duration::seconds(539);
        assert_eq!(tokens.get(later, None).await.unwrap(), first);
        let end = now() + chrono::Duration::seconds(540);
        let second = tokens.get(end, None).await.unwrap();
        assert_eq!(second.expose(), "t2");
        assert_eq!(tokens.get(end, Some(&first)).await.unwrap(), second, "refused was another one");
        assert_eq!(tokens.get(end, Some(&second)).await.unwrap().expose(), "t3");
    }

    #[tokio::test]
    async fn a_program_that_gives_no_token_says_why() {
        let of = async |script: &str| shell(script).get(now(), None).await.unwrap_err();
        assert_eq!(of("exit 3").await, TokenTrouble::Exit(Some(3)));
        assert_eq!(of("kill -9 $$").await, TokenTrouble::Exit(None));
        assert_eq!(of("echo secret words").await, TokenTrouble::NoToken);
        let missing = TokenSource::Program {
            program: "/nonexistent/program".into(),
            args: Vec::new(),
            limit: Duration::from_secs(5),
        };
        assert_eq!(Tokens::new(missing).get(now(), None).await, Err(TokenTrouble::Start));
        let slow = TokenSource::Program {
            program: "/bin/sleep".into(),
            args: vec!["30".to_owned()],
            limit: Duration::from_millis(100),
        };
        assert_eq!(Tokens::new(slow).get(now(), None).await, Err(TokenTrouble::Slow));
    }

    #[tokio::test]
    async fn arguments_reach_the_program_without_a_shell() {
        let tokens = Tokens::new(TokenSource::Program {
            program: "/bin/echo".into(),
            args: vec!["$(id)`id`;".to_owned()],
            limit: Duration::from_secs(20),
        });
        assert_eq!(tokens.get(now(), None).await.unwrap().expose(), "$(id)`id`;");
    }

    #[tokio::test]
    async fn a_file_is_read_anew_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let tokens = Tokens::new(TokenSource::File(path.clone()));
        assert_eq!(tokens.get(now(), None).await, Err(TokenTrouble::File));
        for text in ["one", "two"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(tokens.get(now(), None).await.unwrap().expose(), text);
        }
    }
}
