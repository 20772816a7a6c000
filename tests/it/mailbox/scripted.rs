//! An IMAP server that does as a test tells it: usual answers, and others in their place.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is answered instead of the usual. `{tag}` stands for the tag of the command.
pub(crate) enum Act {
    Usual,
    Say(String),
    SayAndClose(String),
    Hush,
}

type Hook = Box<dyn FnMut(usize, &str) -> Act + Send>;

/// What the server holds and how it behaves.
pub(crate) struct World {
    pub(crate) mails: Vec<(u32, Vec<u8>)>,
    pub(crate) uid_validity: Option<u32>,
    pub(crate) uid_next: Option<u32>,
    pub(crate) greeting: String,
    pub(crate) capabilities: String,
    /// The lines of LIST, without `* LIST `.
    pub(crate) folders: Vec<String>,
    /// What UID SEARCH finds.
    pub(crate) since: Vec<u32>,
    pub(crate) appended: Vec<Vec<u8>>,
    /// True when IDLE says "still here" all the time.
    pub(crate) chatty: bool,
    /// True when IDLE never tells of new mail.
    pub(crate) deaf: bool,
    /// True when IDLE tells of new mail at once, though there is none.
    pub(crate) nervous: bool,
    /// Asked first: the number of the connection, from 0, and the command without its tag.
    pub(crate) hook: Hook,
}

impl Default for World {
    fn default() -> Self {
        Self {
            mails: Vec::new(),
            uid_validity: Some(7),
            uid_next: None,
            greeting: "* OK ready".to_owned(),
            capabilities: "IMAP4rev1 IDLE".to_owned(),
            folders: vec![r#"(\HasNoChildren) "/" INBOX"#.to_owned()],
            since: Vec::new(),
            appended: Vec::new(),
            chatty: false,
            deaf: false,
            nervous: false,
            hook: Box::new(|_, _| Act::Usual),
        }
    }
}

/// A running server; dropped, it is ended.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
    heard: Mutex<Vec<String>>,
    connections: AtomicUsize,
    over: AtomicBool,
}

impl Scripted {
    pub(crate) fn start(world: World) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            heard: Mutex::default(),
            connections: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.over.load(Ordering::Relaxed) {
                    return;
                }
                let number = server.connections.fetch_add(1, Ordering::Relaxed);
                let server = Arc::clone(&server);
                // A connection that the client ends is the end of its thread, whatever was being said.
                thread::spawn(move || drop(Talk::new(stream, server, number).run()));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut World) -> T) -> T {
        use_it(&mut self.shared.world.lock().unwrap())
    }

    /// The commands that came, without their tags.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().unwrap().clone()
    }

    pub(crate) fn heard_with(&self, part: &str) -> usize {
        self.heard().iter().filter(|line| line.contains(part)).count()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

struct Talk {
    stream: TcpStream,
    server: Arc<Shared>,
    number: usize,
    read: Vec<u8>,
}

impl Talk {
    fn new(stream: TcpStream, server: Arc<Shared>, number: usize) -> Self {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Self { stream, server, number, read: Vec::new() }
    }

    fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes())
    }

    /// Reads more; false when nothing came for a moment.
    fn more(&mut self) -> std::io::Result<bool> {
        if self.server.over.load(Ordering::Relaxed) {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.read.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn wait_line(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(line) = self.line() {
                return Ok(line);
            }
            self.more()?;
        }
    }

    fn run(mut self) -> std::io::Result<()> {
        let greeting = self.server.world.lock().unwrap().greeting.clone();
        self.say(&format!("{greeting}\r\n"))?;
        loop {
            let line = self.wait_line()?;
            let (tag, command) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            self.server.heard.lock().unwrap().push(command.to_owned());
            let act = {
                let mut world = self.server.world.lock().unwrap();
                (world.hook)(self.number, command)
            };
            match act {
                Act::Usual => self.usual(tag, command)?,
                Act::Say(text) => self.say(&text.replace("{tag}", tag))?,
                Act::SayAndClose(text) => {
                    self.say(&text.replace("{tag}", tag))?;
                    // It still listens, as a proxy does, so that only the end of what it says tells of it.
                    self.stream.shutdown(Shutdown::Write)?;
                    loop {
                        self.more()?;
                    }
                }
                Act::Hush => {}
            }
        }
    }

    fn usual(&mut self, tag: &str, command: &str) -> std::io::Result<()> {
        let upper = command.to_ascii_uppercase();
        let mut answer = String::new();
        if upper == "IDLE" {
            return self.idle(tag);
        } else if upper.starts_with("APPEND") {
            return self.append(tag, command);
        } else if upper.starts_with("AUTHENTICATE") {
            self.say("+ \r\n")?;
            let secret = self.wait_line()?;
            self.server.heard.lock().unwrap().push(secret);
        } else if upper.starts_with("UID FETCH") {
            let bytes = self.fetch(command);
            self.stream.write_all(&bytes)?;
        } else {
            let world = self.server.world.lock().unwrap();
            if upper == "CAPABILITY" {
                writeln!(answer, "* CAPABILITY {}\r", world.capabilities).unwrap();
            } else if upper.starts_with("EXAMINE") {
                writeln!(answer, "* {} EXISTS\r", world.mails.len()).unwrap();
                if let Some(number) = world.uid_validity {
                    writeln!(answer, "* OK [UIDVALIDITY {number}] so\r").unwrap();
                }
                if let Some(number) = world.uid_next {
                    writeln!(answer, "* OK [UIDNEXT {number}] next\r").unwrap();
                }
            } else if upper.starts_with("LIST") {
                for folder in &world.folders {
                    writeln!(answer, "* LIST {folder}\r").unwrap();
                }
            } else if upper.starts_with("UID SEARCH") {
                answer.push_str("* SEARCH");
                for uid in &world.since {
                    write!(answer, " {uid}").unwrap();
                }
                answer.push_str("\r\n");
            }
        }
        self.say(&format!("{answer}{tag} OK done\r\n"))
    }

    fn fetch(&self, command: &str) -> Vec<u8> {
        let world = self.server.world.lock().unwrap();
        let mut answer = Vec::new();
        let set = command.split(' ').nth(2).unwrap();
        let last = world.mails.last().map_or(0, |(uid, _)| *uid);
        for (index, (uid, mail)) in world.mails.iter().enumerate() {
            let is_asked = set.split(',').any(|part| match part.split_once(':') {
                // As servers do, the last one comes however high the first number is.
                Some((first, _)) => *uid >= first.parse().unwrap() || *uid == last,
                None if part == "*" => *uid == last,
                None => part == uid.to_string(),
            });
            if !is_asked {
                continue;
            }
            answer.extend(format!("* {} FETCH (UID {uid}", index + 1).into_bytes());
            let headers =
                mail.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
            for (item, spelled, part) in [
                ("BODY.PEEK[]", "BODY[]", &mail[..]),
                ("BODY.PEEK[HEADER]", "BODY[HEADER]", &mail[..headers]),
            ] {
                if command.contains(item) {
                    answer.extend(format!(" {spelled} {{{}}}\r\n", part.len()).into_bytes());
                    answer.extend_from_slice(part);
                }
            }
            if command.contains("RFC822.SIZE") {
                let date = " 1-Nov-2026 12:00:00 +0000";
                let text = format!(" RFC822.SIZE {} INTERNALDATE \"{date}\"", mail.len());
                answer.extend(text.into_bytes());
            }
            answer.extend_from_slice(b")\r\n");
        }
        answer
    }

    fn idle(&mut self, tag: &str) -> std::io::Result<()> {
        let count = |talk: &Self| talk.server.world.lock().unwrap().mails.len();
        let (chatty, deaf, nervous) = {
            let world = self.server.world.lock().unwrap();
            (world.chatty, world.deaf, world.nervous)
        };
        let before = if nervous { usize::MAX } else { count(self) };
        self.say("+ idling\r\n")?;
        let mut told = deaf;
        loop {
            if let Some(line) = self.line() {
                assert_eq!(line, "DONE");
                return self.say(&format!("{tag} OK done\r\n"));
            }
            let now = count(self);
            if now != before && !told {
                told = true;
                self.say(&format!("* {now} EXISTS\r\n"))?;
            }
            if chatty {
                self.say("* OK Still here\r\n")?;
            }
            self.more()?;
        }
    }

    fn append(&mut self, tag: &str, command: &str) -> std::io::Result<()> {
        let size = command.rsplit_once('{').unwrap().1.trim_end_matches('}').parse().unwrap();
        self.say("+ go on\r\n")?;
        while self.read.len() < size {
            self.more()?;
        }
        let mail = self.read.drain(..size).collect();
        self.server.world.lock().unwrap().appended.push(mail);
        self.wait_line()?;
        self.say(&format!("{tag} OK done\r\n"))
    }
}
