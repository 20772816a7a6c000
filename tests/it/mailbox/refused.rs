//! Logins: those that work and those that are refused.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atende::channels::email::mailbox::{
    FolderRole, Login, Mailbox, SentFolder, Settings, Step, Trouble,
};
use atende::channels::email::token::{TokenSource, TokenTrouble};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::bench::{PASSWORD, Running, Store, USER, mail, settings, until};
use super::dovecot::{Dovecot, USUAL};
use super::proxy::Proxy;
use super::scripted::{Act, Scripted, World};

fn password(password: &str) -> Login {
    Login::Password { user: USER.to_owned(), password: password.to_owned() }
}

/// The lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Keeps what this thread logs, everything included.
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_rarely_for_both_folders_together() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let proxy = Proxy::to(server.plain);
    let store = Store::new();
    let wrong = Settings {
        login: password("errada"),
        sent: SentFolder::Found,
        pause_max: Duration::from_mins(5),
        ..settings(proxy.port)
    };
    let running = Running::start(wrong, &store);
    for role in [FolderRole::Inbox, FolderRole::Sent] {
        until("the refusal", || running.health.of(role).last_failure.is_some()).await;
        let health = running.health.of(role);
        assert_eq!(health.last_failure.clone().unwrap().1.trouble, Trouble::LoginRefused);
        assert!(!health.connected && health.is_failing() && health.last_success.is_none());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(proxy.connections(), 1);
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_refused_login_is_said_once_with_what_to_do_and_without_secrets() {
    let hook = |_: usize, heard: &str| match heard.split(' ').next() {
        Some("LOGIN") => {
            let answer = format!("{{tag}} NO [AUTHENTICATIONFAILED] {USER} may not\r\n");
            Act::Say(answer)
        }
        _ => Act::Usual,
    };
    let server = Scripted::start(World { hook: Box::new(hook), ..World::default() });
    let log = Log::default();
    let _kept = log.keep();
    let store = Store::new();
    let wrong = Settings {
        login: password("errada"),
        sent: SentFolder::Found,
        pause_max: Duration::from_millis(50),
        ..settings(server.port)
    };
    let running = Running::start(wrong, &store);
    until("some tries", || server.heard_with("LOGIN") >= 4).await;
    server.with(|world| world.hook = Box::new(|_, _| Act::Usual));
    store.until_watched(FolderRole::Inbox).await;
    running.stop().await;
    let text = log.text();
    assert_eq!(text.matches("The server refused user or password.").count(), 1, "{text}");
    assert_eq!(text.matches("The folder inbox is watched again").count(), 1, "{text}");
    assert!(!text.contains("errada") && !text.contains(USER), "{text}");
}

#[tokio::test]
async fn neither_a_mail_nor_a_password_reaches_the_log() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let log = Log::default();
    let _kept = log.keep();
    let store = Store::new();
    let running = Running::start(settings(server.plain), &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("confidential"));
    store.until("the mail", |taken| taken.uids() == [1]).await;
    running.stop().await;
    let text = log.text();
    assert!(text.contains("Watching a folder from now on"), "{text}");
    for secret in [PASSWORD, USER, "confidential", "bia@cliente.example"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_password_with_quotes_and_accents_arrives_as_it_is() {
    let odd = r#"a"b\c çã€"#;
    let server = Scripted::start(World {
        capabilities: "IMAP4rev1 AUTH=PLAIN".to_owned(),
        ..World::default()
    });
    let login = |text: &str| Settings { login: password(text), ..settings(server.port) };
    let checked = Mailbox::new(login(odd)).unwrap().check().await;
    assert!(checked.iter().all(|one| one.result.is_ok()), "{checked:?}");
    let secret = STANDARD.encode(format!("\0{USER}\0{odd}"));
    assert_eq!(server.heard_with(&secret), 1);
    Mailbox::new(login(r#"a"b\c"#)).unwrap().check().await;
    assert_eq!(server.heard_with(&format!(r#"LOGIN "{USER}" "a\"b\\c""#)), 1);
}

#[tokio::test]
async fn a_login_that_the_server_does_not_offer_sends_nothing_secret() {
    let server = Scripted::start(World {
        capabilities: "IMAP4rev1 LOGINDISABLED".to_owned(),
        ..World::default()
    });
    let checked = Mailbox::new(settings(server.port)).unwrap().check().await;
    let last = checked.last().unwrap();
    assert_eq!(last.step, Step::Login);
    assert_eq!(last.result, Err(Trouble::LoginNotOffered { mechanism: "PLAIN" }));
    let token = TokenSource::File(PathBuf::from("/no/such/file"));
    let login = Login::Xoauth2 { user: USER.to_owned(), token };
    let checked = Mailbox::new(Settings { login, ..settings(server.port) }).unwrap().check().await;
    let last = checked.last().unwrap();
    assert_eq!(last.result, Err(Trouble::LoginNotOffered { mechanism: "XOAUTH2" }));
    assert_eq!(server.heard_with("LOGIN \"") + server.heard_with("AUTHENTICATE"), 0);
}

#[tokio::test]
async fn a_token_is_read_anew_for_each_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let server = Scripted::start(World {
        capabilities: "IMAP4rev1 AUTH=XOAUTH2".to_owned(),
        ..World::default()
    });
    let args = vec!["-c".to_owned(), "exec cat \"$0\"".to_owned(), path.display().to_string()];
    let limit = Duration::from_secs(5);
    for token in [
        TokenSource::File(path.clone()),
        TokenSource::Program { program: "/bin/sh".into(), args, limit },
    ] {
        let login = Login::Xoauth2 { user: USER.to_owned(), token };
        let mailbox = Mailbox::new(Settings { login, ..settings(server.port) }).unwrap();
        for word in ["second", "third"] {
            std::fs::write(&path, format!("{word}\n")).unwrap();
            let before = server.heard_with("AUTHENTICATE XOAUTH2");
            let checked = mailbox.check().await;
            assert!(checked.iter().all(|one| one.result.is_ok()), "{checked:?}");
            assert_eq!(server.heard_with("AUTHENTICATE XOAUTH2"), before + 1);
            let secret = format!("user={USER}\x01auth=Bearer {word}\x01\x01");
            assert!(server.heard_with(&STANDARD.encode(secret)) >= 1);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_says_the_status_of_the_challenge() {
    let challenge = STANDARD.encode(r#"{"status":"400","schemes":"Bearer","scope":"x"}"#);
    let mut step = 0;
    let hook = move |_: usize, heard: &str| {
        step = if heard.starts_with("AUTHENTICATE") { 1 } else { step + 1 };
        match (heard, step) {
            (_, 1) if heard.starts_with("AUTHENTICATE") => Act::Say("+ \r\n".to_owned()),
            // The token, which has no tag and so no command.
            ("", 2) => Act::Say(format!("+ {challenge}\r\n")),
            // The empty line.
            ("", 3) => Act::Say("a2 NO SASL authentication failed\r\n".to_owned()),
            _ => Act::Usual,
        }
    };
    let server = Scripted::start(World {
        capabilities: "IMAP4rev1 AUTH=XOAUTH2".to_owned(),
        hook: Box::new(hook),
        ..World::default()
    });
    let limit = Duration::from_secs(5);
    let command = |program: &str, args: &[&str]| TokenSource::Program {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        limit,
    };
    for (token, expected) in [
        (
            command("/bin/echo", &["stale"]),
            Trouble::TokenRefused { status: Some("400".to_owned()) },
        ),
        (command("/bin/false", &[]), Trouble::NoToken(TokenTrouble::Exit(Some(1)))),
    ] {
        let login = Login::Xoauth2 { user: USER.to_owned(), token };
        let timed = Settings { login, ..settings(server.port) };
        let checked = Mailbox::new(timed).unwrap().check().await;
        let last = checked.last().unwrap();
        assert_eq!((last.step, &last.result), (Step::Login, &Err(expected)));
    }
}
