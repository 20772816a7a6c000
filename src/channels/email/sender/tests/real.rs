//! A real server: Debian's chasquid, out of a folder; see `scripts/smtp-server`.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::Instant as Moment;

use mail_parser::{MessageParser, MimeHeaders as _};

use super::scripted::certificate;
use super::*;
use crate::channels::email::reply::Attachment;

/// Longest wait for the server to begin, and for a mail to be delivered.
const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "hunter2-da-loja";

/// Returns where the server's program is; `None`, after one loud line, where it is not.
fn program() -> Option<PathBuf> {
    static LOUD: Once = Once::new();
    if let Some(folder) = std::env::var_os("ATENDE_TEST_SMTPD") {
        return Some(PathBuf::from(folder).join("usr/bin"));
    }
    let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!ci, "ATENDE_TEST_SMTPD is not set and CI=true; see scripts/smtp-server");
    // Written past the test harness, which swallows what passing tests print.
    LOUD.call_once(|| {
        let line = b"\n!!! NO SMTP SERVER: tests against a real one are skipped; see scripts/smtp-server\n\n";
        std::io::stderr().write_all(line).unwrap();
    });
    None
}

struct Server {
    child: Child,
    folder: tempfile::TempDir,
    /// Ports for mail from servers, for STARTTLS and for TLS from the first byte.
    ports: [u16; 3],
}

impl Server {
    fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "certs/localhost",
            "domains/loja.example",
            "domains/cliente.example",
            "data",
            "new",
            "tmp",
        ] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let (pem, key) = pair();
        std::fs::write(root.join("certs/localhost/fullchain.pem"), pem).unwrap();
        std::fs::write(root.join("certs/localhost/privkey.pem"), key).unwrap();
        // All held at once, so that they are three.
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = held.map(|listener| listener.local_addr().unwrap().port());
        let at = root.display();
        let settings = format!(
            "hostname: \"localhost\"\nmax_data_size_mb: 1\nsmtp_address: \"127.0.0.1:{}\"\n\
             submission_address: \"127.0.0.1:{}\"\nsubmission_over_tls_address: \"127.0.0.1:{}\"\n\
             mail_delivery_agent_bin: \"/bin/sh\"\nmail_delivery_agent_args: \"-c\"\n\
             mail_delivery_agent_args: \"t=$(mktemp {at}/tmp/XXXXXXXX) && cat > $t && mv $t {at}/new/\"\n\
             data_dir: \"{at}/data\"\nmail_log_path: \"{at}/mail.log\"\n",
            ports[0], ports[1], ports[2]
        );
        std::fs::write(root.join("chasquid.conf"), settings).unwrap();
        for user in ["suporte@loja.example", "ana@cliente.example"] {
            let made = Command::new(program.join("chasquid-util"))
                .arg(format!("-C={at}"))
                .args(["user-add", user, &format!("--password={PASSWORD}")])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        let log = std::fs::File::create(root.join("server.log")).unwrap();
        let child = Command::new(program.join("chasquid"))
            .arg(format!("-config_dir={at}"))
            .arg("-logtime")
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { child, folder, ports };
        let until = Moment::now() + PATIENCE;
        for port in ports {
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = server.child.try_wait().unwrap();
                assert!(ended.is_none() && Moment::now() < until, "{}", server.log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Some(server)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn settings(&self, security: MailSecurity) -> SenderSettings {
        let port = match security {
            MailSecurity::Plain => self.ports[0],
            MailSecurity::StartTls => self.ports[1],
            MailSecurity::Tls => self.ports[2],
        };
        let password = Secret::new(PASSWORD);
        SenderSettings {
            host: "localhost".to_owned(),
            security,
            login: Login::Password { user: "suporte@loja.example".to_owned(), password },
            ca_file: Some(self.folder.path().join("certs/localhost/fullchain.pem")),
            ..settings(port)
        }
    }

    /// Waits until so many mails are delivered, and returns them in the order of their ids.
    fn delivered(&self, count: usize) -> Vec<Vec<u8>> {
        let until = Moment::now() + PATIENCE;
        loop {
            let paths = files(&self.folder.path().join("new"));
            if paths.len() >= count || Moment::now() > until {
                let mut mails: Vec<Vec<u8>> =
                    paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
                mails.sort_by_key(|raw| {
                    let mail = MessageParser::default().parse(raw).unwrap();
                    mail.message_id().map(str::to_owned)
                });
                assert_eq!(mails.len(), count, "{}", self.log());
                return mails;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // By its id alone, and waited for, so that nothing of it is left.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A certificate for this machine, and its key.
fn pair() -> (String, String) {
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn replies_reach_a_real_mailbox_as_they_were_written() {
    let Some(server) = Server::start() else { return };
    let bytes: Vec<u8> = (0..=255u8).cycle().take(50_000).collect();
    let files = [Attachment { name: "Nota nº 1.pdf", mime: "application/pdf", bytes: &bytes }];
    let body = "Olá, **Ana** 😀!\n\n.\n\n.. dois pontos\n\n1. Abra\n2. Salve";
    let reply = Reply {
        from: Party { address: "suporte@loja.example", name: "Loja X" },
        to: Party { address: "ana+compras@cliente.example", name: "Ana Souza" },
        reply_to: Some("suporte+t.abc@loja.example"),
        subject: "Ação não concluída",
        parent: Some(crate::channels::email::reply::Parent {
            message_id: "pai@cliente.example",
            references: &[],
        }),
        message_id: "out_0@loja.example",
        date: now(),
        body,
        signature: &[],
        quote: None,
        attachments: &files,
        locale: Locale::PtBr,
        author: Author::Person { name: Some("Bia"), style: "{person}, {business}" },
        loop_mark: "b7f3c2",
    };
    let written = write(&reply).unwrap();
    for security in [MailSecurity::StartTls, MailSecurity::Tls] {
        let sender = Sender::new(server.settings(security)).unwrap();
        assert_eq!(send(&sender, &written).await, accepted(&written), "{}", server.log());
    }
    for raw in server.delivered(2) {
        let mail = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(mail.subject(), Some("Re: Ação não concluída"));
        assert_eq!(mail.from().unwrap().first().unwrap().name(), Some("Bia, Loja X"));
        assert_eq!(mail.in_reply_to().as_text(), Some("pai@cliente.example"));
        let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(text, "Olá, Ana 😀!\n\n.\n\n.. dois pontos\n\n1. Abra\n2. Salve\n");
        let file = mail.attachment(0).unwrap();
        assert_eq!((file.attachment_name(), file.contents()), (Some("Nota nº 1.pdf"), &bytes[..]));
        let ours = String::from_utf8(written.bytes.clone()).unwrap();
        let theirs = String::from_utf8(raw.clone()).unwrap().replace("\r\n", "\n");
        assert!(theirs.trim_end().ends_with(ours.replace("\r\n", "\n").trim_end()));
    }
}

#[tokio::test]
async fn many_replies_share_a_real_connection() {
    let Some(server) = Server::start() else { return };
    let sender = Sender::new(server.settings(MailSecurity::Tls)).unwrap();
    for number in 1..=5 {
        assert_eq!(send(&sender, &mail(number)).await, accepted(&mail(number)));
    }
    sender.close().await;
    let mails = server.delivered(5);
    for (number, raw) in (1..).zip(&mails) {
        let parsed = MessageParser::default().parse(raw).unwrap();
        assert_eq!(parsed.message_id(), Some(mail(number).message_id.as_str()));
    }
    let log = std::fs::read_to_string(server.folder.path().join("mail.log")).unwrap();
    assert_eq!(log.matches(" auth succeeded for ").count(), 1, "{log}");
}

#[tokio::test]
async fn refusals_of_a_real_server_are_understood() {
    let Some(server) = Server::start() else { return };
    let sender = Sender::new(server.settings(MailSecurity::StartTls)).unwrap();
    let unknown = mail_to(1, "ninguem@cliente.example", "oi");
    let outcome = send(&sender, &unknown).await;
    assert!(matches!(outcome, Outcome::Failed(Fault::Address, _)), "{outcome:?}");
    assert!(!reason(&outcome).to_string().contains("ninguem"));

    let large = mail_to(2, "ana@cliente.example", &"palavra ".repeat(200_000));
    let outcome = send(&sender, &large).await;
    let limit = Cause::LargerThan(1_048_576);
    assert_eq!(outcome, Outcome::Failed(Fault::TooLarge, Reason::of(limit)));

    // The same connection still serves.
    assert_eq!(send(&sender, &mail(3)).await, accepted(&mail(3)));
    assert_eq!(server.delivered(1).len(), 1);

    let wrong = Login::Password {
        user: "suporte@loja.example".to_owned(),
        password: Secret::new("not the one"),
    };
    let settings = SenderSettings { login: wrong, ..server.settings(MailSecurity::Tls) };
    let outcome = send(&Sender::new(settings).unwrap(), &mail(4)).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    assert_eq!(reason(&outcome).cause, Cause::Refused(Refusal::Login));

    // Without a login it takes mail for its own people alone.
    let open = SenderSettings { login: Login::None, ..server.settings(MailSecurity::Plain) };
    let elsewhere = mail_to(5, "ana@alhures.example", "oi");
    let outcome = send(&Sender::new(open).unwrap(), &elsewhere).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");

    // And on the port of submission it takes none at all.
    let none = SenderSettings { login: Login::None, ..server.settings(MailSecurity::Tls) };
    let outcome = send(&Sender::new(none).unwrap(), &mail(6)).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    assert_eq!(server.delivered(1).len(), 1, "nothing else was delivered");
}

#[tokio::test]
async fn a_real_server_passes_the_check_and_gets_no_mail_by_it() {
    let Some(server) = Server::start() else { return };
    let (works, size) = (Found::Works, Found::WorksUpTo(1_048_576));
    for security in [MailSecurity::StartTls, MailSecurity::Tls] {
        let sender = Sender::new(server.settings(security)).unwrap();
        let findings = sender.check(now()).await;
        let found: Vec<Found> = findings.iter().map(|finding| finding.found).collect();
        assert_eq!(found, [works, works, works, works, size], "{security}");
    }
    let (pem, _) = certificate(&["localhost"], (2020, 2090));
    let other = server.folder.path().join("other.pem");
    std::fs::write(&other, pem).unwrap();
    let settings =
        SenderSettings { ca_file: Some(other), ..server.settings(MailSecurity::StartTls) };
    let findings = Sender::new(settings).unwrap().check(now()).await;
    assert_eq!(findings[2].found, Found::Fails(Reason::of(Cause::Untrusted)));
    assert!(server.delivered(0).is_empty());
}

#[tokio::test]
async fn a_real_server_that_went_away_while_a_connection_rested_gets_nothing_twice() {
    let Some(mut server) = Server::start() else { return };
    let sender = Sender::new(server.settings(MailSecurity::StartTls)).unwrap();
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
    assert_eq!(server.delivered(1).len(), 1);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let outcome = send(&sender, &mail(2)).await;
    assert!(matches!(outcome, Outcome::RetryAt(..)), "{outcome:?}");
    assert_eq!(reason(&outcome).cause, Cause::NobodyListens);
    assert_eq!(server.delivered(1).len(), 1);
}
