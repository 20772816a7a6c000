//! What `check` says of servers that work and of such that do not.

use std::path::PathBuf;
use std::time::Duration;

use atende::channels::email::mailbox::{
    Checked, Finding, FolderRole, FoundBy, Mailbox, SentFolder, Settings, Step, Trouble,
};
use atende::channels::mail::MailSecurity;
use atende::domain::labels::Locale;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::bench::{Running, Store, mail, settings};
use super::dovecot::{Dovecot, Options, USUAL, free_port};
use super::scripted::{Act, Scripted, World};

/// An authority and a certificate of it.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
}

fn papers(name: &str, years: (i32, i32)) -> Papers {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&authority, &authority_key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Papers { authority: root.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

async fn check(settings: Settings) -> Vec<Checked> {
    Mailbox::new(settings).unwrap().check().await
}

/// Checks and returns what was in the way last.
async fn trouble(settings: Settings) -> (Step, Trouble) {
    let last = check(settings).await.pop().unwrap();
    (last.step, last.result.unwrap_err())
}

fn encrypted(port: u16, security: MailSecurity, ca_file: Option<PathBuf>) -> Settings {
    Settings { security, ca_file, ..settings(port) }
}

#[tokio::test]
async fn a_mailbox_that_works_says_so_step_by_step_over_tls_and_starttls() {
    let papers = papers("127.0.0.1", (2020, 2100));
    let certificate = Some((papers.certificate.as_str(), papers.key.as_str()));
    let Some(server) = Dovecot::start(Options { certificate, ..USUAL }) else { return };
    server.deliver(&mail("one"));
    server.deliver(&mail("two"));
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &papers.authority).unwrap();
    for (port, security, first) in [
        (server.tls, MailSecurity::Tls, Finding::Encrypted),
        (server.plain, MailSecurity::StartTls, Finding::Encrypted),
        (server.plain, MailSecurity::Plain, Finding::InTheClear),
    ] {
        let sent = SentFolder::Found;
        let checked = check(Settings { sent, ..encrypted(port, security, Some(ca.clone())) }).await;
        let expected = [
            (Step::Resolve, Finding::Resolved { addresses: 1 }),
            (Step::Connect, Finding::Connected),
            (Step::Tls, first),
            (Step::Login, Finding::LoggedIn),
            (Step::Inbox, Finding::Inbox { name: "INBOX".to_owned(), mails: 2 }),
            (Step::Idle, Finding::Idle { offered: true }),
            (Step::Sent, Finding::Sent { name: "Enviados".to_owned(), by: FoundBy::Mark }),
        ];
        let expected = expected.map(|(step, found)| Checked { step, result: Ok(found) });
        assert_eq!(checked, expected, "{security}");
    }
    assert_eq!(server.flags(), ["", ""]);

    // And mail arrives that way too.
    let store = Store::new();
    let watched = encrypted(server.tls, MailSecurity::Tls, Some(ca));
    let _running = Running::start(watched, &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("three"));
    store.until("the mail", |taken| taken.uids() == [3]).await;
}

#[tokio::test]
async fn certificates_that_are_no_good_are_told_apart() {
    for (name, years, gives_ca, expected) in [
        ("127.0.0.1", (2020, 2100), false, Trouble::CertificateNotTrusted),
        ("127.0.0.1", (2020, 2021), true, Trouble::CertificateExpired),
        ("127.0.0.1", (2090, 2100), true, Trouble::CertificateNotYetValid),
        (
            "mail.outro.example",
            (2020, 2100),
            true,
            Trouble::CertificateWrongName { host: "127.0.0.1".to_owned() },
        ),
    ] {
        let papers = papers(name, years);
        let certificate = Some((papers.certificate.as_str(), papers.key.as_str()));
        let Some(server) = Dovecot::start(Options { certificate, ..USUAL }) else { return };
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        // Something must be trusted, so that a machine without certificates of its own tells the same.
        let other = self::papers("other", (2020, 2100)).authority;
        std::fs::write(&ca, if gives_ca { &papers.authority } else { &other }).unwrap();
        for (port, security) in
            [(server.tls, MailSecurity::Tls), (server.plain, MailSecurity::StartTls)]
        {
            let met = trouble(encrypted(port, security, Some(ca.clone()))).await;
            assert_eq!(met, (Step::Tls, expected.clone()), "{security}");
        }
    }
}

#[tokio::test]
async fn each_failure_has_its_step_and_its_name() {
    let server = Scripted::start(World::default());
    let port = server.port;
    let nobody = free_port();
    let host = "127.0.0.1".to_owned();
    assert_eq!(
        trouble(settings(nobody)).await,
        (Step::Connect, Trouble::Refused { host, port: nobody })
    );
    // A label of 64 letters is never asked of anybody.
    let host = "a".repeat(64);
    let far = Settings { host: host.clone(), security: MailSecurity::Tls, ..settings(port) };
    assert_eq!(trouble(far).await, (Step::Resolve, Trouble::UnknownHost { host }));
    assert_eq!(
        trouble(encrypted(port, MailSecurity::Tls, None)).await,
        (Step::Tls, Trouble::NoTlsThere { port })
    );
    assert_eq!(
        trouble(encrypted(port, MailSecurity::StartTls, None)).await,
        (Step::Tls, Trouble::StartTlsNotOffered { port })
    );
    let missing = PathBuf::from("/no/such/ca.pem");
    let path = missing.clone();
    assert_eq!(
        trouble(encrypted(port, MailSecurity::Tls, Some(missing))).await,
        (Step::Tls, Trouble::CaFile { path })
    );
    let sent = SentFolder::Found;
    assert_eq!(
        trouble(Settings { sent, ..settings(port) }).await,
        (Step::Sent, Trouble::SentNotFound)
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let name = "Atendimento é aqui".to_owned();
    let checked = check(Settings { inbox: name.clone(), ..settings(server.plain) }).await;
    let inbox = checked.iter().find(|one| one.step == Step::Inbox).unwrap();
    assert_eq!(inbox.result, Err(Trouble::NoSuchFolder { name: name.clone() }));
    // The rest is still looked at.
    assert_eq!(checked.last().unwrap().result, Ok(Finding::SentOff));
    let sent = SentFolder::Named(name.clone());
    assert_eq!(
        trouble(Settings { sent, ..settings(server.plain) }).await,
        (Step::Sent, Trouble::NoSuchFolder { name })
    );
}

#[tokio::test]
async fn what_is_no_imap_server_is_called_so() {
    for greeting in ["+OK POP3 ready", "220 mail.example ESMTP", "HTTP/1.1 400 Bad Request"] {
        let server = Scripted::start(World { greeting: greeting.to_owned(), ..World::default() });
        let port = server.port;
        assert_eq!(
            trouble(settings(port)).await,
            (Step::Greeting, Trouble::NotImap { port }),
            "{greeting}"
        );
    }
    let full = "* BYE Maximum number of connections from user+IP exceeded".to_owned();
    let server = Scripted::start(World { greeting: full, ..World::default() });
    assert_eq!(trouble(settings(server.port)).await, (Step::Greeting, Trouble::Throttled));
}

#[tokio::test]
async fn a_server_that_is_silent_is_not_waited_for() {
    let hook = |_: usize, heard: &str| if heard == "CAPABILITY" { Act::Hush } else { Act::Usual };
    let server = Scripted::start(World { hook: Box::new(hook), ..World::default() });
    let timeout = Duration::from_millis(300);
    let met = trouble(Settings { timeout, ..settings(server.port) }).await;
    assert_eq!(met, (Step::Greeting, Trouble::TimedOut { step: Step::Greeting }));
}

#[tokio::test]
async fn somebody_in_between_who_keeps_starttls_away_learns_no_password() {
    for (greeting, answer) in [
        ("* PREAUTH welcome", "{tag} OK done\r\n"),
        ("* OK ready", "{tag} NO not now\r\n"),
        ("* OK ready", "{tag} BAD what\r\n"),
    ] {
        let hook = move |_: usize, heard: &str| match heard {
            "STARTTLS" => Act::Say(answer.to_owned()),
            _ => Act::Usual,
        };
        let server = Scripted::start(World {
            greeting: greeting.to_owned(),
            capabilities: "IMAP4rev1 STARTTLS".to_owned(),
            hook: Box::new(hook),
            ..World::default()
        });
        let port = server.port;
        let met = trouble(encrypted(port, MailSecurity::StartTls, None)).await;
        assert_eq!(met, (Step::Tls, Trouble::StartTlsNotOffered { port }), "{greeting} {answer}");
        assert_eq!(server.heard_with("LOGIN"), 0);
    }
}

#[tokio::test]
async fn what_is_found_can_be_read_in_two_languages() {
    let Some(server) = Dovecot::start(Options { marks_sent: false, ..USUAL }) else { return };
    let sent = SentFolder::Found;
    let checked = check(Settings { sent, ..settings(server.plain) }).await;
    let said = |locale| {
        let last = checked.last().unwrap();
        let found = last.result.clone().unwrap().in_locale(locale);
        format!("{}: {found}", last.step.in_locale(locale))
    };
    assert_eq!(
        said(Locale::PtBr),
        "pasta de enviados: \"Enviados\", reconhecida pelo nome; se não for ela, informe `sent`"
    );
    assert_eq!(
        said(Locale::En),
        "the folder of sent mail: \"Enviados\", known by its name; if it is another, give `sent`"
    );
}
