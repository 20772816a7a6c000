//! A real IMAP server on the loopback: dovecot, as `scripts/dovecot install` unpacks it.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::bench::{PASSWORD, USER};

/// A running server; dropped, it is ended.
pub(crate) struct Dovecot {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    folder: TempDir,
    /// Where the programs are.
    place: PathBuf,
    child: Option<Child>,
    delivered: AtomicU64,
}

/// What differs between the servers of the tests.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    /// Capabilities to offer instead of the usual ones.
    pub(crate) capability: Option<&'a str>,
    /// True when a folder is marked as the one of sent mail.
    pub(crate) marks_sent: bool,
    /// Certificate and key in PEM.
    pub(crate) certificate: Option<(&'a str, &'a str)>,
}

pub(crate) const USUAL: Options<'static> =
    Options { capability: None, marks_sent: true, certificate: None };

impl Dovecot {
    /// Starts a server; `None`, with a loud line, where there is none to start.
    pub(crate) fn start(options: Options<'_>) -> Option<Self> {
        let Some(root) = std::env::var_os("ATENDE_TEST_DOVECOT") else {
            let line = b"\n!!! NO DOVECOT: a test with a real IMAP server is skipped; set ATENDE_TEST_DOVECOT to what scripts/dovecot install prints\n\n";
            // Past the test runner's capture, so that nobody takes the skipped half for passed.
            std::io::stderr().write_all(line).unwrap();
            return None;
        };
        let mut server = Self {
            plain: free_port(),
            tls: free_port(),
            folder: tempfile::tempdir().unwrap(),
            place: std::fs::read_to_string(PathBuf::from(root).join("place"))
                .unwrap()
                .trim()
                .into(),
            child: None,
            delivered: AtomicU64::new(0),
        };
        for name in ["base", "state", "cur", "new", "tmp"] {
            let parent = if name.len() == 3 { server.maildir() } else { server.path("") };
            std::fs::create_dir_all(parent.join(name)).unwrap();
        }
        std::fs::write(server.path("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n")).unwrap();
        let config = server.config(options);
        std::fs::write(server.path("dovecot.conf"), config).unwrap();
        server.run();
        Some(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn maildir(&self) -> PathBuf {
        self.path("home/Maildir")
    }

    fn config(&self, options: Options<'_>) -> String {
        // It refuses to run as root; tests in a container often do.
        let (user, group, uid, gid) = if id("-u") == "0" {
            ("nobody".to_owned(), id_of_nobody("-gn"), id_of_nobody("-u"), id_of_nobody("-g"))
        } else {
            (id("-un"), id("-gn"), id("-u"), id("-g"))
        };
        let folder = self.folder.path().display().to_string();
        let libexec = self.place.display();
        let tls = match options.certificate {
            None => "ssl = no".to_owned(),
            Some((certificate, key)) => {
                std::fs::write(self.path("cert.pem"), certificate).unwrap();
                std::fs::write(self.path("key.pem"), key).unwrap();
                format!("ssl = yes\nssl_cert = <{folder}/cert.pem\nssl_key = <{folder}/key.pem")
            }
        };
        let capability = options.capability.map_or_else(String::new, |capability| {
            format!("protocol imap {{\n imap_capability = {capability}\n}}")
        });
        let mark = if options.marks_sent { "special_use = \\Sent" } else { "" };
        let (plain, tls_port) = (self.plain, self.tls);
        format!(
            r"
base_dir = {folder}/base
state_dir = {folder}/state
libexec_dir = {libexec}
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
first_valid_gid = 0
protocols = imap
listen = 127.0.0.1
{tls}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{folder}/home/Maildir
mail_max_userip_connections = 50
# New mail is told of at once, not half a second later.
mailbox_idle_check_interval = 1 s
passdb {{
 driver = passwd-file
 args = {folder}/users
}}
userdb {{
 driver = static
 args = uid={uid} gid={gid} home={folder}/home
}}
namespace inbox {{
 inbox = yes
 separator = .
 mailbox Enviados {{
  auto = create
  {mark}
 }}
}}
service imap-login {{
 chroot =
 inet_listener imap {{
  port = {plain}
 }}
 inet_listener imaps {{
  port = {tls_port}
 }}
}}
service anvil {{
 chroot =
}}
service stats {{
 chroot =
}}
{capability}
"
        )
    }

    /// Starts it, or starts it again on the same ports.
    pub(crate) fn run(&mut self) {
        let config = self.path("dovecot.conf");
        // It would look for this program where Debian installs it.
        let mut command = Command::new(self.place.join("doveconf"));
        if id("-u") == "0" {
            give(self.folder.path(), "nobody");
            command.uid(id_of_nobody("-u").parse().unwrap());
            command.gid(id_of_nobody("-g").parse().unwrap());
        }
        let child = command
            .args(["-f", "service=master", "-m", "master", "-c"])
            .arg(&config)
            .arg("-e")
            .arg(self.place.join("dovecot"))
            .args(["-F", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.plain)).is_err() {
            let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(20), "dovecot did not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it and all that it started, at once.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // Its processes are in a group of its own, which has its number.
        let group = format!("-{}", child.id());
        Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
        child.wait().unwrap();
        drop(std::fs::remove_file(self.path("base/master.pid")));
    }

    /// Puts a mail into the inbox, as a delivery agent does.
    pub(crate) fn deliver(&self, mail: &[u8]) {
        self.deliver_to(&self.maildir(), mail);
    }

    pub(crate) fn deliver_to(&self, maildir: &Path, mail: &[u8]) {
        let number = self.delivered.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{number:06}.test", 1_795_000_000 + number);
        std::fs::write(maildir.join("tmp").join(&name), mail).unwrap();
        std::fs::rename(maildir.join("tmp").join(&name), maildir.join("new").join(&name)).unwrap();
    }

    /// Makes the server forget which numbers it gave; it must be ended.
    pub(crate) fn forget_numbers(&self) {
        for entry in std::fs::read_dir(self.maildir()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    /// The flags of all mails in the inbox, as the file names spell them.
    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        for part in ["new", "cur"] {
            for entry in std::fs::read_dir(self.maildir().join(part)).unwrap() {
                let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                flags.push(name.split_once(":2,").map(|(_, f)| f.to_owned()).unwrap_or_default());
            }
        }
        flags
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read(self.path("log")).unwrap_or_default();
            drop(std::io::stderr().write_all(&log));
        }
    }
}

fn id(flag: &str) -> String {
    asked(Command::new("id").arg(flag))
}

fn id_of_nobody(flag: &str) -> String {
    asked(Command::new("id").args([flag, "nobody"]))
}

fn asked(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Gives a folder and all in it to a user.
fn give(path: &Path, user: &str) {
    assert!(Command::new("chown").args(["-R", user]).arg(path).status().unwrap().success());
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
