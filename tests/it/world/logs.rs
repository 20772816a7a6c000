//! Everything that the process says while a story runs, at the noisiest level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use atende::telemetry::{LogFormat, LogLevel, LogSettings, subscriber};

/// A page that the log is written to.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// What was said so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens on this thread until the guard is dropped; a story on one thread says everything there.
pub(crate) fn install_logs() -> (Logs, tracing::subscriber::DefaultGuard) {
    let page = Logs::default();
    let writer = page.clone();
    let settings = LogSettings { level: LogLevel::Trace, format: LogFormat::Json };
    let guard =
        tracing::subscriber::set_default(subscriber(&settings, move || writer.clone(), false));
    (page, guard)
}
