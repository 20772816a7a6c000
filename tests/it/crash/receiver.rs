//! The receiving company in a process of its own, so that no kill touches what it knows. It plays both
//! kinds of network badly: refuses, hangs up after reading, answers late. What arrived is written down
//! before it is answered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Chance;
use crate::world::process::PATIENCE;

/// The variable that turns the ignored test below into the receiver.
const FOLDER: &str = "ATENDE_TEST_RECEIVER";
/// After so many bad answers to one key the receiver takes it, so that the test ends in time.
const BAD_ANSWERS_MAX: u32 = 2;

/// A request as it was read, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub(super) path: String,
    pub(super) key: String,
    pub(super) body: String,
    /// The status that was answered; 0 where the connection was cut instead.
    pub(super) answered: u16,
}

/// The receiver, seen from the test.
pub(super) struct ReceiverProcess {
    child: Child,
    folder: PathBuf,
    /// Where it listens, as `http://address`.
    pub(super) url: String,
}

impl ReceiverProcess {
    /// Starts it and waits until it says where it listens.
    pub(super) fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::receiver::the_receiving_company", "--exact", "--ignored"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let url = loop {
            match std::fs::read_to_string(folder.join("receiver.url")) {
                Ok(url) if !url.is_empty() => break url,
                _ => assert!(started.elapsed() < PATIENCE, "the receiver did not start"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Self { child, folder: folder.to_owned(), url }
    }

    /// Everything that arrived so far.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        let file = File::open(self.folder.join("arrivals.jsonl")).unwrap();
        BufReader::new(file)
            .lines()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect()
    }
}

impl Drop for ReceiverProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Company {
    page: File,
    chance: Chance,
    bad: BTreeMap<String, u32>,
}

impl Company {
    /// Chooses what becomes of a request: the status (0 cuts the line) and how long it takes.
    fn choose(&mut self, path: &str, key: &str) -> (u16, Duration) {
        let bad = self.bad.entry(key.to_owned()).or_default();
        // Without keys a bad answer ends in a person's queue, so it is rarer.
        let (refuse, cut) = if path == "/with-keys" { (15, 22) } else { (3, 6) };
        let (status, millis) = match self.chance.below(100) {
            dice if dice < refuse && *bad < BAD_ANSWERS_MAX => (500, 0),
            dice if dice < cut && *bad < BAD_ANSWERS_MAX => (0, 0),
            dice if dice >= 95 => (200, 50 + self.chance.below(200)),
            _ => (200, 0),
        };
        *bad += u32::from(status != 200);
        (status, Duration::from_millis(millis))
    }
}

/// Not a test: the receiver's process, started by the test above with its folder in a variable.
#[test]
#[ignore = "the receiver's own process, which the crash test starts"]
fn the_receiving_company() {
    let Some(folder) = atende::config::process_env().remove(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    // It ends with the test that started it: nobody else holds the other end of this pipe.
    std::thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::thread::sleep(Duration::from_millis(100));
        abort();
    });
    let page =
        File::options().create(true).append(true).open(folder.join("arrivals.jsonl")).unwrap();
    let company = Company { page, chance: Chance::new(), bad: BTreeMap::new() };
    let company = Arc::new(Mutex::new(company));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::fs::write(folder.join("receiver.part"), url).unwrap();
    std::fs::rename(folder.join("receiver.part"), folder.join("receiver.url")).unwrap();
    for stream in listener.incoming() {
        let company = Arc::clone(&company);
        // A sender that was killed in the middle of a request is no arrival.
        std::thread::spawn(move || stream.ok().and_then(|stream| serve(stream, &company)));
    }
}

fn abort() {
    std::process::abort();
}

/// Serves one request; `None` when it did not arrive whole.
fn serve(stream: TcpStream, company: &Mutex<Company>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let key = headers.get("idempotency-key")?.clone();
    let (status, pause) = {
        let mut company = company.lock().unwrap();
        let (answered, pause) = company.choose(&path, &key);
        let arrival = Arrival { path, key, body: String::from_utf8(body).unwrap(), answered };
        let line = serde_json::to_string(&arrival).unwrap();
        writeln!(company.page, "{line}").unwrap();
        (answered, pause)
    };
    std::thread::sleep(pause);
    if status != 0 {
        let answer =
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).ok()?;
    }
    Some(())
}
