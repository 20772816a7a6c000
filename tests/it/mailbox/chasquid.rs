//! A real SMTP server on the loopback: Debian's chasquid, as `scripts/smtp-server install` unpacks it. It delivers into
//! maildirs, and returns to its sender what a mailbox refuses for good.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tempfile::TempDir;

use super::bench::{PASSWORD, USER};

/// A customer with a mailbox.
pub(crate) const BIA: &str = "bia@cliente.example";
/// A customer whose mailbox takes nothing, as the server learns only when it delivers.
pub(crate) const FULL: &str = "caio@cliente.example";
/// Longest wait for the server to begin, and for a mail to be delivered.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; dropped, it is ended.
pub(crate) struct Chasquid {
    /// Where servers hand in mail without a login, for this server's own people.
    pub(crate) plain: u16,
    /// Where people hand in mail, over STARTTLS.
    pub(crate) submission: u16,
    folder: TempDir,
    program: PathBuf,
    child: Option<Child>,
}

impl Chasquid {
    /// Starts a server for customers; where `ours` is named, for the business too, whose mail goes into that maildir.
    /// `None`, with a loud line, where there is none to start.
    pub(crate) fn start(ours: Option<&Path>) -> Option<Self> {
        let Some(root) = std::env::var_os("ATENDE_TEST_SMTPD") else {
            let line = b"\n!!! NO SMTP SERVER: a test with a real one is skipped; set ATENDE_TEST_SMTPD to what scripts/smtp-server install prints\n\n";
            // Past the test runner's capture, so that nobody takes the skipped half for passed.
            std::io::stderr().write_all(line).unwrap();
            return None;
        };
        // Both held at once, so that they are two.
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, submission] = held.map(|listener| listener.local_addr().unwrap().port());
        let mut server = Self {
            plain,
            submission,
            folder: tempfile::tempdir().unwrap(),
            program: PathBuf::from(root).join("usr/bin"),
            child: None,
        };
        server.write_files(ours);
        for user in [BIA, FULL].into_iter().chain(ours.map(|_| USER)) {
            let made = Command::new(server.program.join("chasquid-util"))
                .arg(format!("-C={}", server.path("").display()))
                .args(["user-add", user, &format!("--password={PASSWORD}")])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        server.run();
        Some(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_files(&self, ours: Option<&Path>) {
        let domains = ["domains/cliente.example", "domains/loja.example"];
        let domains = &domains[..if ours.is_some() { 2 } else { 1 }];
        for name in domains.iter().chain(&["certs/localhost", "data", "bia/new", "bia/tmp"]) {
            std::fs::create_dir_all(self.path(name)).unwrap();
        }
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        std::fs::write(self.certificate(), pem).unwrap();
        std::fs::write(self.path("certs/localhost/privkey.pem"), key.serialize_pem()).unwrap();
        let at = self.path("").display().to_string();
        // The IMAP server may run as somebody else, and must be able to read it.
        let ours =
            ours.map_or_else(|| "/dev/null".to_owned(), |folder| folder.display().to_string());
        let deliver = format!(
            "case \"$1\" in\n{USER}|ana+*@loja.example) to={ours} ;;\n{BIA}) to={at}/bia ;;\n\
             *) cat >/dev/null; echo 'mailbox is full' >&2; exit 1 ;;\nesac\n\
             name=$(basename \"$(mktemp \"$to/tmp/XXXXXXXXXX\")\") && cat >\"$to/tmp/$name\" && chmod 644 \"$to/tmp/$name\" &&\n\
             mv \"$to/tmp/$name\" \"$to/new/$name\"\n"
        );
        std::fs::write(self.path("deliver"), deliver).unwrap();
        let (plain, submission) = (self.plain, self.submission);
        let config = format!(
            "hostname: \"localhost\"\nmax_data_size_mb: 1\nsmtp_address: \"127.0.0.1:{plain}\"\n\
             submission_address: \"127.0.0.1:{submission}\"\nmail_delivery_agent_bin: \"/bin/sh\"\n\
             mail_delivery_agent_args: \"{at}/deliver\"\nmail_delivery_agent_args: \"%to%\"\n\
             data_dir: \"{at}/data\"\nmail_log_path: \"{at}/mail.log\"\n"
        );
        std::fs::write(self.path("chasquid.conf"), config).unwrap();
    }

    /// The file of its certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("certs/localhost/fullchain.pem")
    }

    /// Starts it, or starts it again on the same ports.
    pub(crate) fn run(&mut self) {
        let log = self.path("server.log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(self.program.join("chasquid"))
            .arg(format!("-config_dir={}", self.path("").display()))
            .current_dir(self.path(""))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let child = self.child.insert(child);
        let started = Instant::now();
        for port in [self.plain, self.submission] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none() && started.elapsed() < PATIENCE, "chasquid did not start");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Hands in a customer's mail, as their mail program does.
    pub(crate) async fn hand_in(&self, from: &str, to: &str, mail: &str) {
        let pem = std::fs::read(self.certificate()).unwrap();
        let tls = TlsParameters::builder("localhost".to_owned())
            .add_root_certificate(Certificate::from_pem(&pem).unwrap())
            .build_rustls()
            .unwrap();
        let program = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
            .port(self.submission)
            .tls(Tls::Required(tls))
            .credentials(Credentials::new(from.to_owned(), PASSWORD.to_owned()))
            .build();
        let envelope = Envelope::new(Some(from.parse().unwrap()), vec![to.parse().unwrap()]);
        program.send_raw(&envelope.unwrap(), mail.replace('\n', "\r\n").as_bytes()).await.unwrap();
    }

    /// The mails in Bia's mailbox, in no order.
    pub(crate) fn delivered(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.path("bia/new")).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// Waits until so many mails are in Bia's mailbox and returns them.
    pub(crate) async fn until_delivered(&self, count: usize) -> Vec<String> {
        let started = Instant::now();
        loop {
            let mails = self.delivered();
            if mails.len() >= count {
                return mails;
            }
            assert!(started.elapsed() < PATIENCE, "{} of {count} mails arrived", mails.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Chasquid {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read(self.path("server.log")).unwrap_or_default();
            drop(std::io::stderr().write_all(&log));
        }
    }
}
