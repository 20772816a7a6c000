//! The model at the far end: an endpoint of chat completions on this machine that answers what a story tells it to,
//! well or badly, in the manner of each server that the program knows.
//!
//! It speaks HTTP by hand, because half of what it must do no HTTP server would do. A session is bounded in bytes and
//! in time; dropping the endpoint ends all of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Most bytes of a request's body.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// Longest session; stories that let minutes pass still find their connections open.
const SESSION_TIME_MAX: Duration = Duration::from_hours(1);
/// The first byte of a client that wants to speak TLS.
const TLS_HANDSHAKE: u8 = 0x16;
/// Bytes of a piece of a body that never ends, and how many are sent at most.
const PIECE: usize = 64 * 1024;
const PIECES_MAX: usize = 1_000;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The path, with `/v1`.
    pub(crate) path: String,
    /// The headers, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    pub(crate) body: Vec<u8>,
    /// The body; null where it is no JSON.
    pub(crate) json: Value,
}

impl Asked {
    /// The instructions.
    pub(crate) fn system(&self) -> String {
        self.said_by("system").join("\n\n")
    }

    /// What the user said last.
    pub(crate) fn user(&self) -> String {
        self.said_by("user").pop().unwrap_or_default()
    }

    /// The name of the shape asked for; empty where the server is not given it.
    pub(crate) fn purpose(&self) -> &str {
        self.json["response_format"]["json_schema"]["name"].as_str().unwrap_or_default()
    }

    fn said_by(&self, role: &str) -> Vec<String> {
        let messages = self.json["messages"].as_array().into_iter().flatten();
        messages
            .filter(|message| message["role"] == role)
            .map(|message| message["content"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// What the endpoint does about a request.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    /// Answers with this content, in the manner of `OpenAI` and as the model that was asked: a text as it is, anything
    /// else as JSON.
    Answer(Value),
    /// Replies this.
    Reply { status: u16, headers: Vec<(String, String)>, content_type: String, body: Vec<u8> },
    /// Promises a body, sends so many bytes of it and hangs up.
    Cut { body: Vec<u8>, after: usize },
    /// Begins a body that never ends.
    Endless,
    /// Resets the connection.
    Reset,
    /// Says nothing, until the client is gone.
    Hang,
    /// Streams these pieces of data, one per event, although nobody asked for a stream.
    EventStream(Vec<String>),
    /// Waits before it does something else.
    Delay(Duration, Box<Play>),
}

impl Play {
    /// Replies JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    /// Replies a text of some type.
    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            content_type: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// Adds a header to a reply.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        let Self::Reply { headers, .. } = &mut self else { panic!("only a reply has headers") };
        headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Does one thing after the other, and the last one from then on.
pub(crate) fn in_turn(plays: Vec<Play>) -> impl Fn(&Asked) -> Play + Send + Sync + 'static {
    let next = AtomicUsize::new(0);
    move |_: &Asked| {
        let at = next.fetch_add(1, Ordering::SeqCst);
        plays[at.min(plays.len() - 1)].clone()
    }
}

/// The endpoint.
pub(crate) struct Endpoint {
    port: u16,
    script: Arc<Script>,
    /// Dropped with the endpoint; that ends the sessions too.
    tasks: JoinSet<()>,
}

struct Script {
    play: Box<dyn Fn(&Asked) -> Play + Send + Sync>,
    asked: Mutex<Vec<Asked>>,
}

impl Endpoint {
    /// Starts an endpoint that does what `play` says about each request.
    pub(crate) async fn start(play: impl Fn(&Asked) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Script { play: Box::new(play), asked: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&script)));
        Self { port, script, tasks }
    }

    /// How the program reaches it.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    /// Ends it; nobody listens at its address any more.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        sessions.spawn(async move {
            // A client that goes away or stays too long is its own affair.
            tokio::time::timeout(SESSION_TIME_MAX, converse(stream, &script)).await.ok();
        });
        while sessions.try_join_next().is_some() {}
    }
}

type Stream = BufReader<TcpStream>;

async fn converse(stream: TcpStream, script: &Script) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    if stream.fill_buf().await?.first() == Some(&TLS_HANDSHAKE) {
        // What web servers say to somebody who speaks TLS at a plain port.
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await?;
        return until_gone(&mut stream).await;
    }
    while let Some(asked) = read_request(&mut stream).await? {
        script.asked.lock().unwrap().push(asked.clone());
        let play = (script.play)(&asked);
        if !perform(&mut stream, &asked, play).await? {
            return Ok(());
        }
    }
    Ok(())
}

async fn read_request(stream: &mut Stream) -> io::Result<Option<Asked>> {
    let first = read_line(stream).await?;
    let Some(path) = first.split(' ').nth(1) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    loop {
        let line = read_line(stream).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let body = match headers.get("content-length") {
        Some(length) => read_bytes(stream, length.parse().unwrap()).await?,
        None if headers.contains_key("transfer-encoding") => read_chunks(stream).await?,
        None => Vec::new(),
    };
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(Asked { path: path.to_owned(), headers, body, json }))
}

/// Reads a line without its end; an empty one where the client is gone.
async fn read_line(stream: &mut Stream) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

async fn read_bytes(stream: &mut Stream, length: usize) -> io::Result<Vec<u8>> {
    assert!(length <= BODY_MAX, "a body of {length} bytes");
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn read_chunks(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(stream).await?, 16).unwrap();
        body.extend(read_bytes(stream, length).await?);
        read_line(stream).await?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// Does what the story says; false when the connection is of no more use.
async fn perform(stream: &mut Stream, asked: &Asked, play: Play) -> io::Result<bool> {
    match play {
        Play::Answer(content) => {
            let mut answer = openai(content);
            answer["model"] = asked.json["model"].clone();
            let body = answer.to_string();
            let head = head(200, "application/json", Some(body.len()), &[]);
            stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
        }
        Play::Reply { status, headers, content_type, body } => {
            let head = head(status, &content_type, Some(body.len()), &headers);
            stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        }
        Play::Cut { body, after } => {
            let head = head(200, "application/json", Some(body.len()), &[]);
            stream.write_all(&[head.as_bytes(), &body[..after]].concat()).await?;
            return Ok(false);
        }
        Play::Endless => {
            stream.write_all(head(200, "application/json", None, &[]).as_bytes()).await?;
            let piece = vec![b' '; PIECE];
            for _ in 0..PIECES_MAX {
                write_chunk(stream, &piece).await?;
            }
            return Ok(false);
        }
        Play::Reset => {
            stream.get_ref().set_zero_linger()?;
            return Ok(false);
        }
        Play::Hang => {
            until_gone(stream).await?;
            return Ok(false);
        }
        Play::EventStream(events) => {
            stream.write_all(head(200, "text/event-stream", None, &[]).as_bytes()).await?;
            for event in events {
                write_chunk(stream, format!("data: {event}\n\n").as_bytes()).await?;
            }
            write_chunk(stream, b"").await?;
        }
        Play::Delay(wait, then) => {
            tokio::time::sleep(wait).await;
            return Box::pin(perform(stream, asked, *then)).await;
        }
    }
    Ok(true)
}

/// The head of a reply; without a length its body comes in chunks.
fn head(
    status: u16,
    content_type: &str,
    length: Option<usize>,
    headers: &[(String, String)],
) -> String {
    let length = length.map_or_else(
        || "transfer-encoding: chunked".to_owned(),
        |length| format!("content-length: {length}"),
    );
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let more = lines.concat();
    format!("HTTP/1.1 {status} Reply\r\ncontent-type: {content_type}\r\n{length}\r\n{more}\r\n")
}

async fn write_chunk(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    let length = format!("{:x}\r\n", bytes.len());
    stream.write_all(&[length.as_bytes(), bytes, b"\r\n"].concat()).await
}

async fn until_gone(stream: &mut Stream) -> io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

/// What stands in an answer: a text as it is, anything else as JSON.
fn words(content: Value) -> String {
    match content {
        Value::String(text) => text,
        json => json.to_string(),
    }
}

/// An answer as `OpenAI` gives it: 1000 tokens of which 400 were ready, and 50.
pub(crate) fn openai(content: impl Into<Value>) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "openai-2026-11-01",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": words(content.into()),
                "refusal": null,
                "annotations": [],
            },
            "logprobs": {"content": [
                {"token": "{", "logprob": -0.1, "bytes": [123], "top_logprobs": []},
                {"token": "}", "logprob": -0.3, "bytes": [125], "top_logprobs": []},
            ]},
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 50,
            "total_tokens": 1050,
            "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 10},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    })
}

/// An answer as Gemini gives it: 30 hidden tokens stand in the total alone.
pub(crate) fn gemini(content: impl Into<Value>) -> Value {
    json!({
        "choices": [{
            "finish_reason": "stop",
            "index": 0,
            "message": {"content": words(content.into()), "role": "assistant"},
        }],
        "created": 1_795_000_000,
        "id": "abc",
        "model": "gemini-2026",
        "object": "chat.completion",
        "usage": {"completion_tokens": 20, "prompt_tokens": 1000, "total_tokens": 1050},
    })
}

/// An answer as Ollama gives it.
pub(crate) fn ollama(content: impl Into<Value>) -> Value {
    json!({
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "ollama-2026",
        "system_fingerprint": "fp_ollama",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": words(content.into())},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
    })
}

/// An answer as vLLM gives it.
pub(crate) fn vllm(content: impl Into<Value>) -> Value {
    json!({
        "id": "chatcmpl-8",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "vllm-2026",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": words(content.into()),
                "reasoning_content": null,
                "tool_calls": [],
            },
            "logprobs": null,
            "finish_reason": "stop",
            "stop_reason": null,
        }],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 50,
            "total_tokens": 1050,
            "prompt_tokens_details": null,
        },
        "prompt_logprobs": null,
        "kv_transfer_params": null,
    })
}

/// An answer as llama.cpp gives it.
pub(crate) fn llamacpp(content: impl Into<Value>) -> Value {
    json!({
        "choices": [{
            "finish_reason": "stop",
            "index": 0,
            "message": {"role": "assistant", "content": words(content.into())},
        }],
        "created": 1_795_000_000,
        "model": "llamacpp-2026",
        "system_fingerprint": "b7000-abc",
        "object": "chat.completion",
        "usage": {"completion_tokens": 50, "prompt_tokens": 1000, "total_tokens": 1050},
        "id": "chatcmpl-9",
        "timings": {"prompt_n": 1, "prompt_ms": 12.5, "predicted_n": 50},
    })
}

/// An error as `OpenAI` and Ollama put it.
pub(crate) fn openai_error(kind: &str, code: Option<&str>, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// An error as Gemini puts it: in an array, its code a number.
pub(crate) fn gemini_error(code: u16, status: &str, message: &str) -> Value {
    json!([{"error": {"code": code, "message": message, "status": status}}])
}

/// An error as llama.cpp and vLLM put it: its code is a number.
pub(crate) fn numbered_error(code: u16, kind: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "type": kind}})
}

/// An error as older versions of vLLM put it: not under `error`.
pub(crate) fn bare_error(code: u16, kind: &str, message: &str) -> Value {
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": code})
}
