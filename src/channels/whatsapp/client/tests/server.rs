use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::channels::whatsapp::client::{ClientSettings, CloudClient};
use crate::domain::secret::Secret;

/// What must never be seen anywhere but in one header.
pub(super) const TOKEN: &str = "EAAGm0PX4ZCpsBAKZB1ZCxyz0123456789abcdefZD";
/// The id of the number that calls are for.
pub(super) const NUMBER: &str = "106540352242922";

/// What the server does with the next call that comes in.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Answers and waits for the next one.
    Answer(Vec<u8>),
    /// Answers and hangs up.
    HangUp(Vec<u8>),
    /// Answers and says nothing more, without hanging up.
    Stall(Vec<u8>),
    /// Breaks the connection without a word.
    Reset,
}

/// A call as it came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server that does what it was told, call by call, for as long as somebody waits for a client.
pub(super) struct Server {
    listener: TcpListener,
    script: Rc<Script>,
    /// Connections outlive the calls that made them.
    open: Mutex<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    connections: Cell<usize>,
}

/// What is to be done, and what came in so far.
#[derive(Default)]
struct Script {
    steps: RefCell<VecDeque<Step>>,
    seen: RefCell<Vec<Seen>>,
}

impl Server {
    pub(super) async fn with(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps = RefCell::new(steps.into_iter().collect());
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            script: Rc::new(Script { steps, ..Script::default() }),
            open: Mutex::default(),
            connections: Cell::default(),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Serves until a call to it has ended.
    pub(super) async fn during<T>(&self, call: impl Future<Output = T>) -> T {
        tokio::select! {
            end = call => end,
            () = self.serve() => panic!("the server ends only with its caller"),
        }
    }

    pub(super) fn then(&self, step: Step) {
        self.script.steps.borrow_mut().push_back(step);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.script.seen.borrow().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.get()
    }

    async fn serve(&self) {
        let mut open = self.open.lock().await;
        loop {
            tokio::select! {
                stream = self.listener.accept() => {
                    self.connections.set(self.connections.get() + 1);
                    let script = Rc::clone(&self.script);
                    open.push(async move { script.play(stream.unwrap().0).await }.boxed_local());
                }
                Some(()) = open.next(), if !open.is_empty() => {}
            }
        }
    }
}

impl Script {
    async fn play(&self, mut stream: TcpStream) {
        while let Some(seen) = read(&mut stream).await {
            self.seen.borrow_mut().push(seen);
            let step = self.steps.borrow_mut().pop_front();
            let bytes = match &step {
                Some(Step::Answer(bytes) | Step::HangUp(bytes) | Step::Stall(bytes)) => bytes,
                Some(Step::Reset) => return stream.set_zero_linger().unwrap(),
                None => panic!("the server was told nothing about this call"),
            };
            // The client may have seen enough and gone.
            let sent = stream.write_all(bytes).await;
            match step {
                Some(Step::Answer(_)) if sent.is_ok() => {}
                Some(Step::Stall(_)) => std::future::pending().await,
                _ => return,
            }
        }
    }
}

/// Reads one call; nothing when the client hung up.
async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut seen = Seen { head: String::from_utf8(bytes[..head].to_vec()).unwrap(), body: vec![] };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = bytes[head..].to_vec();
    Some(seen)
}

/// Returns an answer with a body.
pub(super) fn answer(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer_with(status, "", body)
}

/// Returns an answer with further headers, each ending its line.
pub(super) fn answer_with(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(super) fn settings(url: &str) -> ClientSettings {
    // Another test may have installed it first.
    drop(rustls::crypto::ring::default_provider().install_default());
    ClientSettings {
        base_url: url.to_owned(),
        timeout: Duration::from_secs(20),
        ..ClientSettings::new(Secret::new(TOKEN))
    }
}

pub(super) fn client_of(settings: ClientSettings) -> CloudClient {
    CloudClient::with(settings, reqwest::Client::builder().no_proxy()).unwrap()
}

pub(super) fn client(server: &Server) -> CloudClient {
    client_of(settings(&server.url()))
}

/// A client that does not wait long for what never comes.
pub(super) fn hasty(server: &Server) -> CloudClient {
    let timeout = Duration::from_millis(400);
    client_of(ClientSettings { timeout, transfer_timeout: timeout, ..settings(&server.url()) })
}
