//! Commands and answers of IMAP, over the library's reading of what the server says.
//!
//! The library's own commands are not used after that: its fetches and searches end alike when the server is done,
//! when it refuses and when the connection breaks, which looks like mails that are no longer there; and it writes
//! passwords into the log at the finest level. Here a command is done when its own tagged answer came, else it failed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Client;
use async_imap::imap_proto::{Capability, MailboxDatum, Response, ResponseCode, Status as Verdict};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};

use super::trouble::{Step, Trouble};
use super::wire::{Limits, Wire};

/// The slowest link that is waited for, in bytes per second.
const SLOWEST: u64 = 4 * 1024;
/// Bytes that any command may bring: answers that nobody asked for, and long lists of folders.
const SMALL_TALK: u64 = 8 * 1024 * 1024;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    No,
    Bad,
}

/// The tagged answer to a command.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// What the server said, to be looked at and dropped.
    pub(super) words: String,
}

impl Answer {
    /// Turns a refusal into its trouble.
    pub(super) fn done(&self, step: Step) -> Result<(), Trouble> {
        if self.outcome == Outcome::Done {
            return Ok(());
        }
        Err(Trouble::of_words(&self.words).unwrap_or(Trouble::CommandRefused { step }))
    }
}

/// What came while an answer was awaited.
pub(super) enum Heard {
    /// The tagged answer.
    Answer(Answer),
    /// The server waits for more, with these words.
    GoOn(String),
    /// Anything else.
    Said,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Conversation {
    client: Client<Wire>,
    limits: Arc<Limits>,
    silence: Duration,
    /// The running number of commands.
    number: u64,
    tag: String,
    capabilities: BTreeSet<String>,
    /// True when the server told of new mail since this was last asked.
    news: bool,
}

impl Conversation {
    pub(super) fn new(wire: Wire, limits: Arc<Limits>, silence: Duration) -> Self {
        Self {
            client: Client::new(wire),
            limits,
            silence,
            number: 0,
            tag: String::new(),
            capabilities: BTreeSet::new(),
            news: false,
        }
    }

    /// Gives the bytes below back, to encrypt them. What the server sent too early is dropped with the library's buffer:
    /// it came in the clear and may be anybody's.
    pub(super) fn into_wire(self) -> (Wire, Arc<Limits>) {
        (self.client.into_inner(), self.limits)
    }

    /// True when the server said that it can do this.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// True when the server told of new mail since the last call.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Reads the first words of a server; true when they say that somebody is logged in already.
    pub(super) async fn greeting(&mut self, port: u16) -> Result<bool, Trouble> {
        let first = timeout(self.silence, self.client.read_response()).await;
        let first = match first {
            Err(_) => return Err(Trouble::TimedOut { step: Step::Greeting }),
            Ok(Err(error)) => {
                return Err(match Trouble::of_io(&error, Step::Greeting) {
                    Trouble::Garbled => Trouble::NotImap { port },
                    other => other,
                });
            }
            Ok(Ok(None)) => return Err(Trouble::Lost),
            Ok(Ok(Some(first))) => first,
        };
        match first.parsed() {
            Response::Data { status: Verdict::Ok, .. } => Ok(false),
            Response::Data { status: Verdict::PreAuth, .. } => Ok(true),
            Response::Data { status: Verdict::Bye | Verdict::No, outcome } => {
                let words = outcome.information.as_deref().unwrap_or_default();
                Err(Trouble::of_words(words).unwrap_or(Trouble::Busy))
            }
            _ => Err(Trouble::NotImap { port }),
        }
    }

    /// Asks what the server can do.
    pub(super) async fn ask_capabilities(&mut self, step: Step) -> Result<(), Trouble> {
        let mut found = BTreeSet::new();
        let answer = self
            .command(step, "CAPABILITY", |response| {
                if let Response::Capabilities(all) = response {
                    found.extend(all.iter().map(spelling));
                }
            })
            .await?;
        answer.done(step)?;
        self.capabilities = found;
        Ok(())
    }

    /// Runs a command to its end and shows everything that the server says meanwhile.
    pub(super) async fn command(
        &mut self,
        step: Step,
        line: &str,
        hear: impl FnMut(&Response<'_>),
    ) -> Result<Answer, Trouble> {
        self.large_command(step, line, SMALL_TALK, hear).await
    }

    /// As `command`, where about this many bytes are expected.
    pub(super) async fn large_command(
        &mut self,
        step: Step,
        line: &str,
        bytes: u64,
        mut hear: impl FnMut(&Response<'_>),
    ) -> Result<Answer, Trouble> {
        self.limits.allow_bytes(bytes.saturating_add(SMALL_TALK));
        // Silence is watched below; this ends a server that says a little forever.
        let most = self.silence + Duration::from_secs(bytes / SLOWEST);
        let run = async {
            self.start(step, line).await?;
            loop {
                match self.hear_with(step, &mut hear).await? {
                    Heard::Answer(answer) => return Ok(answer),
                    Heard::Said => {}
                    // Nothing waits for more here, except a login that gave up.
                    Heard::GoOn(_) => self.write(step, b"*\r\n").await?,
                }
            }
        };
        timeout(most, run).await.unwrap_or(Err(Trouble::TimedOut { step }))
    }

    /// Sends a command without waiting for anything.
    pub(super) async fn start(&mut self, step: Step, line: &str) -> Result<(), Trouble> {
        self.number += 1;
        self.tag = format!("a{}", self.number);
        let line = format!("{} {line}\r\n", self.tag);
        self.write(step, line.as_bytes()).await
    }

    /// Sends bytes as they are.
    pub(super) async fn write(&mut self, step: Step, bytes: &[u8]) -> Result<(), Trouble> {
        let wire = self.client.get_mut();
        let most = self.silence + time_for(bytes.len());
        let write = async {
            wire.write_all(bytes).await?;
            wire.flush().await
        };
        match timeout(most, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Trouble::of_io(&error, step)),
            Err(_) => Err(Trouble::TimedOut { step }),
        }
    }

    /// Reads what comes next. It may be dropped at any time: nothing that came is lost.
    pub(super) async fn hear(&mut self, step: Step) -> Result<Heard, Trouble> {
        self.hear_with(step, &mut |_| {}).await
    }

    async fn hear_with(
        &mut self,
        step: Step,
        hear: &mut impl FnMut(&Response<'_>),
    ) -> Result<Heard, Trouble> {
        let response = match self.client.read_response().await {
            Ok(Some(response)) => response,
            Ok(None) => return Err(Trouble::Lost),
            Err(error) => return Err(Trouble::of_io(&error, step)),
        };
        match response.parsed() {
            Response::Done { tag, status, outcome } if tag.0 == self.tag => {
                let outcome_words = match &outcome.code {
                    // The library takes this code out of the words.
                    Some(ResponseCode::TryCreate) => "[TRYCREATE] ",
                    _ => "",
                };
                let words = outcome.information.as_deref().unwrap_or_default();
                let outcome = match status {
                    Verdict::Ok | Verdict::PreAuth => Outcome::Done,
                    Verdict::No => Outcome::No,
                    Verdict::Bad | Verdict::Bye => Outcome::Bad,
                };
                let words = format!("{outcome_words}{words}");
                return Ok(Heard::Answer(Answer { outcome, words }));
            }
            Response::Continue(more) => {
                let words = more.information.as_deref().unwrap_or_default().to_owned();
                return Ok(Heard::GoOn(words));
            }
            Response::Data { status: Verdict::Bye, outcome } => {
                let words = outcome.information.as_deref().unwrap_or_default();
                return Err(Trouble::of_words(words).unwrap_or(Trouble::Lost));
            }
            Response::MailboxData(MailboxDatum::Exists(_)) => self.news = true,
            _ => {}
        }
        hear(response.parsed());
        Ok(Heard::Said)
    }

    /// Lets the server tell of changes until it does, or until this long has passed. `None` where it refuses to.
    pub(super) async fn idle(&mut self, at_most: Duration) -> Result<Option<Idled>, Trouble> {
        self.limits.allow_bytes(SMALL_TALK);
        let silence = self.silence;
        let begin = async {
            self.start(Step::Idle, "IDLE").await?;
            loop {
                match self.hear(Step::Idle).await? {
                    Heard::GoOn(_) => return Ok(true),
                    Heard::Answer(_) => return Ok(false),
                    Heard::Said => {}
                }
            }
        };
        let answer = timeout(silence, begin).await;
        if !answer.unwrap_or(Err(Trouble::TimedOut { step: Step::Idle }))? {
            return Ok(None);
        }

        self.limits.allow_silence(None);
        let until = Instant::now() + at_most;
        let mut over = false;
        while !self.news && !over {
            // The end is fixed: a server that says "still here" every two minutes must not put off the look that
            // follows.
            match tokio::time::timeout_at(until, self.hear(Step::Idle)).await {
                Err(_) => break,
                Ok(Err(trouble)) => return Err(trouble),
                Ok(Ok(heard)) => over = matches!(heard, Heard::Answer(_)),
            }
        }
        let limit = self.silence.min(DONE_LIMIT);
        self.limits.allow_silence(Some(limit));
        if !over {
            timeout(limit, self.end_idle())
                .await
                .unwrap_or(Err(Trouble::TimedOut { step: Step::Idle }))?;
        }
        self.limits.allow_silence(Some(self.silence));
        Ok(Some(if self.news { Idled::News } else { Idled::Quiet }))
    }

    async fn end_idle(&mut self) -> Result<(), Trouble> {
        self.write(Step::Idle, b"DONE\r\n").await?;
        loop {
            if let Heard::Answer(answer) = self.hear(Step::Idle).await? {
                return answer.done(Step::Idle);
            }
        }
    }

    /// Says good-bye; nobody waits for the answer.
    pub(super) async fn leave(mut self) {
        // The server closes the connection by itself when this does not arrive.
        drop(timeout(Duration::from_secs(1), self.start(Step::Connect, "LOGOUT")).await);
    }
}

/// How long the end of IDLE may take. A connection that died meanwhile shows here.
const DONE_LIMIT: Duration = Duration::from_secs(15);

/// How IDLE ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idled {
    /// The server told of new mail.
    News,
    /// The time passed.
    Quiet,
}

fn spelling(capability: &Capability<'_>) -> String {
    match capability {
        Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
        Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
        Capability::Atom(atom) => atom.to_ascii_uppercase(),
    }
}

/// Writes a string as IMAP quotes it. Line breaks are refused with the settings.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns how long the slowest link takes for this many bytes.
pub(super) fn time_for(bytes: usize) -> Duration {
    Duration::from_secs(to_u64(bytes) / SLOWEST)
}

pub(super) fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
