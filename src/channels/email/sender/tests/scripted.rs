//! A mail server that does what a real one will not do on demand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longest wait of the server for anything, so that no test leaves one behind.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server does instead of the usual answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Say(&'static str),
    /// Says it after so many milliseconds.
    Late(u64, &'static str),
    SayAndCut(&'static str),
    Cut,
    /// Reads on and says nothing.
    Silent,
    /// Neither reads nor says anything for some seconds.
    Stalled,
    /// Reads a mail slowly but steadily.
    Slow,
}

/// What is done at the first, second … time that a word comes on a connection. `GREET` is its beginning, `MORE` a line after
/// a question, `BODY` the first bytes of a mail, `DOT` its end.
pub(super) type Script = Vec<(&'static str, Act)>;

#[derive(Default)]
struct Seen {
    commands: Vec<String>,
    mails: Vec<Vec<u8>>,
}

pub(super) struct Scripted {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
    connections: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// A certificate for some names and the settings of a server that has it.
pub(super) fn certificate(names: &[&str], years: (i32, i32)) -> (String, Arc<ServerConfig>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    parameters.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (made.pem(), Arc::new(config))
}

impl Scripted {
    /// Each connection plays the next script, those after the last one the last.
    pub(super) fn start(scripts: &[Script]) -> Self {
        Self::start_with(scripts, None, false)
    }

    pub(super) fn start_with(
        scripts: &[Script],
        tls: Option<Arc<ServerConfig>>,
        from_first_byte: bool,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let connections = Arc::new(AtomicUsize::new(0));
        let most_at_once = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let scripts = scripts.to_vec();
        let accepting = {
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            let (connections, most) = (Arc::clone(&connections), Arc::clone(&most_at_once));
            let at_once = Arc::new(AtomicUsize::new(0));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let stream = stream.unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let number = connections.fetch_add(1, Ordering::SeqCst);
                    let script = scripts.get(number).or(scripts.last()).cloned();
                    let talk = Talk {
                        wire: Wire::Plain(stream),
                        script: script.unwrap_or_default(),
                        seen: Arc::clone(&seen),
                        tls: tls.clone(),
                    };
                    let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
                    std::thread::spawn(move || {
                        let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        // Whatever ends a conversation ends this thread.
                        drop(talk.run(from_first_byte));
                        at_once.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            })
        };
        Self { port, seen, connections, most_at_once, stop, accepting: Some(accepting) }
    }

    pub(super) fn mails(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().mails.clone()
    }

    /// Every command of every connection, in their order.
    pub(super) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    /// How often a command came.
    pub(super) fn count(&self, verb: &str) -> usize {
        self.commands().iter().filter(|command| command.starts_with(verb)).count()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        if TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            accepting.join().unwrap();
        }
    }
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Gone,
}

struct Talk {
    wire: Wire,
    script: Script,
    seen: Arc<Mutex<Seen>>,
    tls: Option<Arc<ServerConfig>>,
}

/// The end of a conversation.
struct Over;

impl Talk {
    fn run(mut self, from_first_byte: bool) -> Result<(), Over> {
        if from_first_byte {
            self.turn_to_tls();
        }
        self.act("GREET", "220 fake.example ready")?;
        loop {
            let line = self.line()?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            self.seen.lock().unwrap().commands.push(line);
            match verb.as_str() {
                "EHLO" => self.act(
                    "EHLO",
                    "250-fake.example\r\n250-SIZE 2000000\r\n250 AUTH PLAIN LOGIN XOAUTH2",
                )?,
                "STARTTLS" => {
                    self.act("STARTTLS", "220 go ahead")?;
                    self.turn_to_tls();
                    continue;
                }
                "AUTH" => self.act("AUTH", "235 2.7.0 welcome")?,
                "MAIL" => self.act("MAIL", "250 2.1.0 ok")?,
                "RCPT" => self.act("RCPT", "250 2.1.5 ok")?,
                "DATA" => {
                    if self.act("DATA", "354 go ahead")?.starts_with('3') {
                        self.mail()?;
                    }
                    continue;
                }
                "RSET" => self.act("RSET", "250 2.0.0 ok")?,
                "QUIT" => {
                    self.act("QUIT", "221 2.0.0 bye")?;
                    return Err(Over);
                }
                _ => self.act("MORE", "535 5.7.8 refused")?,
            };
        }
    }

    fn mail(&mut self) -> Result<(), Over> {
        let body = self.script.iter().find(|(word, _)| *word == "BODY").map(|(_, act)| *act);
        match body {
            Some(Act::Slow) => return self.slow_mail(),
            Some(_) => {
                self.line()?;
                self.act("BODY", "")?;
            }
            None => {}
        }
        let mut mail = Vec::new();
        loop {
            let line = self.raw_line()?;
            if line == b".\r\n" {
                break;
            }
            mail.extend(line.strip_prefix(b".").unwrap_or(&line));
        }
        self.seen.lock().unwrap().mails.push(mail);
        self.act("DOT", "250 2.0.0 queued as 4711")?;
        Ok(())
    }

    fn slow_mail(&mut self) -> Result<(), Over> {
        let Wire::Plain(stream) = &mut self.wire else { return Err(Over) };
        let (mut mail, mut piece) = (Vec::new(), vec![0; 256 * 1024]);
        while !mail.ends_with(b"\r\n.\r\n") {
            std::thread::sleep(Duration::from_millis(40));
            let count = stream.read(&mut piece).map_err(|_| Over)?;
            mail.extend(piece.get(..count).filter(|part| !part.is_empty()).ok_or(Over)?);
        }
        mail.truncate(mail.len() - b".\r\n".len());
        self.seen.lock().unwrap().mails.push(mail);
        self.act("DOT", "250 2.0.0 queued as 4711")?;
        Ok(())
    }

    /// Plays what the script has for a word, or says the usual.
    fn act(&mut self, word: &str, usual: &'static str) -> Result<&'static str, Over> {
        let found = self.script.iter().position(|(other, _)| *other == word);
        let act = found.map_or(Act::Say(usual), |at| self.script.remove(at).1);
        match act {
            Act::Say(text) => self.say(text),
            Act::Late(milliseconds, text) => {
                std::thread::sleep(Duration::from_millis(milliseconds));
                self.say(text)
            }
            Act::SayAndCut(text) => {
                drop(self.say(text));
                Err(Over)
            }
            Act::Cut => {
                if let Wire::Plain(stream) = &self.wire {
                    drop(stream.shutdown(Shutdown::Both));
                }
                Err(Over)
            }
            Act::Stalled => {
                std::thread::sleep(Duration::from_secs(6));
                Err(Over)
            }
            // Only a mail is read slowly.
            Act::Slow => Ok(usual),
            Act::Silent => loop {
                // Until the client hangs up.
                self.raw_line()?;
            },
        }
    }

    fn say(&mut self, text: &'static str) -> Result<&'static str, Over> {
        let bytes = format!("{text}\r\n");
        let sent = match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(bytes.as_bytes()),
            Wire::Tls(stream) => stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush()),
            Wire::Gone => return Err(Over),
        };
        sent.map(|()| text).map_err(|_| Over)
    }

    fn line(&mut self) -> Result<String, Over> {
        let line = self.raw_line()?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn raw_line(&mut self) -> Result<Vec<u8>, Over> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            let count = match &mut self.wire {
                Wire::Plain(stream) => stream.read(&mut byte),
                Wire::Tls(stream) => stream.read(&mut byte),
                Wire::Gone => return Err(Over),
            };
            if count.map_err(|_| Over)? == 0 {
                return Err(Over);
            }
            line.push(byte[0]);
        }
        Ok(line)
    }

    fn turn_to_tls(&mut self) {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else { return };
        let config = self.tls.clone().unwrap();
        let connection = ServerConnection::new(config).unwrap();
        self.wire = Wire::Tls(Box::new(StreamOwned::new(connection, stream)));
    }
}
