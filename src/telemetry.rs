//! What the process says about itself: one stream of events on stderr, as text or JSON.
//!
//! Events carry ids, labels and durations, never customer text. Libraries are heard only from `warn`
//! up, whatever the level, because their lower levels quote requests and queries.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{EnvFilter, Layer};

use crate::domain::words;

words! {
    /// How much is said; each level includes those before it.
    LogLevel {
        /// A person must act.
        Error = "error",
        /// Recovered, but to be watched.
        Warn = "warn",
        /// One or two lines per ticket.
        Info = "info",
        /// The rest.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// How events are written.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

/// What the process says on stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How much is said. Default `info`.
    pub level: LogLevel,
    /// How it is written. Default `text`.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Text }
    }
}

/// Parts of libraries that warn of nothing anybody can do something about, and at each start: the index says that a
/// program which embeds it has not looked for file systems that map a file only once, and has chosen no experiments.
const HARMLESS: &[&str] = &["qdrant_edge::common::mmap::ops", "qdrant_edge::common::flags"];

/// Libraries whose lower levels print whole mails, and passwords as they are sent. Below `info` nobody hears them, however the
/// levels are set.
const QUOTING: &[&str] = &["async_imap", "imap_proto"];

/// Starts writing events to stderr; an error when something else of this process already does.
pub fn start(settings: &LogSettings) -> Result<(), TryInitError> {
    let colours = std::io::stderr().is_terminal();
    subscriber(settings, std::io::stderr, colours).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        // The message of a panic may quote a customer; the place is enough to find the fault.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A part of the program failed at {place}");
    }));
    Ok(())
}

/// Makes the stream of events, written to `writer`, with colours in text form if wanted.
pub fn subscriber<W>(
    settings: &LogSettings,
    writer: W,
    colours: bool,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    stream(&directives(settings.level), settings.format, writer, colours)
}

fn stream<W>(
    directives: &str,
    format: LogFormat,
    writer: W,
    colours: bool,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::new(directives).and(filter_fn(|event| !quotes(event)));
    // A closed stderr must not end the process, so failed writes are not reported to it.
    let events = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    let events = match format {
        LogFormat::Text => events.with_ansi(colours).boxed(),
        LogFormat::Json => events.with_ansi(false).json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(events.with_filter(filter))
}

/// True for what a library says that quotes whatever passes through it.
fn quotes(event: &Metadata<'_>) -> bool {
    let library = event.target().split("::").next().unwrap_or_default();
    *event.level() > Level::INFO && QUOTING.contains(&library)
}

/// Returns who is heard from which level up. Whoever wants to know more of us hears the harmless as well.
fn directives(level: LogLevel) -> String {
    let ours = format!("warn,atende={level}");
    match level {
        LogLevel::Debug | LogLevel::Trace => ours,
        LogLevel::Error | LogLevel::Warn | LogLevel::Info => {
            HARMLESS.iter().fold(ours, |all, target| format!("{all},{target}=error"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn said(level: LogLevel, format: LogFormat) -> String {
        let page = Page::default();
        let writer = page.clone();
        let stream = subscriber(&LogSettings { level, format }, move || writer.clone(), false);
        tracing::subscriber::with_default(stream, || {
            tracing::info!(target: "atende::worker", { job.attempt = 2 }, "Took the job");
            tracing::debug!(target: "atende::worker", "Looked for work");
            tracing::info!(target: "sqlx::query", "select a customer's words");
            tracing::warn!(target: "sqlx::pool", "Slow to connect");
            tracing::warn!(target: "qdrant_edge::common::mmap::ops", "Should be initialized");
            tracing::error!(target: "qdrant_edge::common::mmap::ops", "Cannot map the file");
            tracing::warn!(target: "qdrant_edge::wal::segment", "Checksum mismatch");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_level_is_ours_and_libraries_are_heard_from_warn_up() {
        for (level, ours) in [(LogLevel::Warn, 0), (LogLevel::Info, 1), (LogLevel::Trace, 2)] {
            let text = said(level, LogFormat::Text);
            assert_eq!(text.matches("atende::worker").count(), ours, "{level}: {text}");
            assert!(text.contains("Slow to connect"), "{level}: {text}");
            assert!(!text.contains("customer"), "{level}: {text}");
        }
    }

    #[test]
    fn what_quotes_mails_and_passwords_is_not_heard_even_where_everything_is() {
        let page = Page::default();
        let writer = page.clone();
        let stream = stream("trace", LogFormat::Text, move || writer.clone(), false);
        tracing::subscriber::with_default(stream, || {
            tracing::debug!(target: "async_imap::imap_stream", "LOGIN ana secret");
            tracing::trace!(target: "imap_proto", "a secret");
            tracing::info!(target: "async_imap::client", "Connected");
            tracing::debug!(target: "async_imap_of_others", "Looked around");
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("Connected") && text.contains("Looked around"), "{text}");
    }

    #[test]
    fn what_the_index_warns_of_at_each_start_is_heard_only_by_those_who_listen_closely() {
        for (level, heard) in [(LogLevel::Info, false), (LogLevel::Debug, true)] {
            let text = said(level, LogFormat::Text);
            assert_eq!(text.contains("Should be initialized"), heard, "{level}: {text}");
            assert!(text.contains("Cannot map the file"), "{level}: {text}");
            assert!(text.contains("Checksum mismatch"), "{level}: {text}");
        }
    }

    #[test]
    fn json_is_one_object_per_line_with_the_facts_as_fields() {
        let text = said(LogLevel::Info, LogFormat::Json);
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["message"], "Took the job");
        assert_eq!(first["job.attempt"], 2);
        assert_eq!(first["level"], "INFO");
        assert_eq!(text.lines().count(), 4);
    }
}
