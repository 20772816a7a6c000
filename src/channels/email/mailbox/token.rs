//! Reads an access token, anew for each connection. Neither the token nor what a program says ever reaches a log.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::settings::TokenSource;
use super::trouble::{TokenTrouble, Trouble};

/// Longest token; Microsoft's have some 2,500 characters.
const TOKEN_MAX: usize = 16 * 1024;
/// How long a file may take: one on a network drive can hang.
const FILE_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn read(source: &TokenSource) -> Result<String, Trouble> {
    match source {
        TokenSource::Command { program, args, limit } => {
            run(program, args, *limit).await.map_err(Trouble::TokenCommand)
        }
        TokenSource::File(path) => from_file(path).await.map_err(Trouble::TokenFile),
    }
}

async fn run(program: &Path, args: &[String], limit: Duration) -> Result<String, TokenTrouble> {
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // One that is late or no longer wanted must not go on by itself.
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| TokenTrouble::NotThere)?;
    let Some(stdout) = child.stdout.take() else {
        return Err(TokenTrouble::NoToken);
    };
    let ended = tokio::time::timeout(limit, async {
        let mut printed = Vec::new();
        let most = u64::try_from(TOKEN_MAX).unwrap_or(u64::MAX) + 1;
        // The pipe is closed by the end of this read, so one that prints without end is ended by that.
        stdout.take(most).read_to_end(&mut printed).await.map_err(|_| TokenTrouble::NoToken)?;
        if printed.len() > TOKEN_MAX {
            return Err(TokenTrouble::NoToken);
        }
        let status = child.wait().await.map_err(|_| TokenTrouble::NotThere)?;
        Ok((status, printed))
    });
    let (status, printed) = ended.await.map_err(|_| TokenTrouble::TooSlow)??;
    if !status.success() {
        return Err(TokenTrouble::Failed(status.code()));
    }
    token_in(&printed)
}

async fn from_file(path: &Path) -> Result<String, TokenTrouble> {
    let read = async {
        let file = tokio::fs::File::open(path).await.map_err(|_| TokenTrouble::NotThere)?;
        let mut held = Vec::new();
        let most = u64::try_from(TOKEN_MAX).unwrap_or(u64::MAX) + 1;
        file.take(most).read_to_end(&mut held).await.map_err(|_| TokenTrouble::NotThere)?;
        Ok(held)
    };
    let held =
        tokio::time::timeout(FILE_LIMIT, read).await.map_err(|_| TokenTrouble::NotThere)??;
    token_in(&held)
}

/// A token is one word of printable ASCII (RFC 6750); whatever else came would break the login's own form.
fn token_in(bytes: &[u8]) -> Result<String, TokenTrouble> {
    let text = std::str::from_utf8(bytes).map_err(|_| TokenTrouble::NoToken)?.trim();
    if text.is_empty() || text.len() > TOKEN_MAX || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(TokenTrouble::NoToken);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> TokenSource {
        let args = vec!["-c".to_owned(), script.to_owned()];
        TokenSource::Command { program: "/bin/sh".into(), args, limit }
    }

    #[tokio::test]
    async fn a_command_gives_a_token_or_says_why_not() {
        let limit = Duration::from_secs(5);
        assert_eq!(read(&shell("echo ya29.token", limit)).await.unwrap(), "ya29.token");
        for (script, why) in [
            ("exit 3", TokenTrouble::Failed(Some(3))),
            ("echo token; exit 1", TokenTrouble::Failed(Some(1))),
            ("true", TokenTrouble::NoToken),
            ("echo one; echo two", TokenTrouble::NoToken),
            ("kill -9 $$", TokenTrouble::Failed(None)),
        ] {
            assert_eq!(
                read(&shell(script, limit)).await,
                Err(Trouble::TokenCommand(why)),
                "{script}"
            );
        }
        let missing =
            TokenSource::Command { program: "/no/such/program".into(), args: Vec::new(), limit };
        assert_eq!(read(&missing).await, Err(Trouble::TokenCommand(TokenTrouble::NotThere)));
    }

    #[tokio::test]
    async fn a_command_that_never_ends_or_never_stops_printing_is_ended() {
        let started = std::time::Instant::now();
        assert_eq!(
            read(&shell("sleep 30", Duration::from_millis(200))).await,
            Err(Trouble::TokenCommand(TokenTrouble::TooSlow))
        );
        assert_eq!(
            read(&shell("while :; do echo 0123456789012345; done", Duration::from_secs(5))).await,
            Err(Trouble::TokenCommand(TokenTrouble::NoToken))
        );
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_file_is_read_anew_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source = TokenSource::File(path.clone());
        assert_eq!(read(&source).await, Err(Trouble::TokenFile(TokenTrouble::NotThere)));
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(read(&source).await.unwrap(), "first");
        std::fs::write(&path, "second").unwrap();
        assert_eq!(read(&source).await.unwrap(), "second");
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read(&source).await, Err(Trouble::TokenFile(TokenTrouble::NoToken)));
    }
}
