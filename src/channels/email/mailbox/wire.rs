//! The bytes under an IMAP conversation: TCP or TLS, with a limit on silence and on how much may arrive.
//!
//! The IMAP library waits without end and buffers up to half a gigabyte. Both limits are held here, below it and
//! below TLS, so that no await above can forget them.

use std::fmt;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::client::TlsStream;

/// What a connection may cost, shared with whoever speaks on it.
#[derive(Debug)]
pub(super) struct Limits {
    /// Longest silence while something is awaited, in milliseconds; 0 is none.
    silence_ms: AtomicU64,
    /// Bytes that may still arrive.
    budget: AtomicU64,
}

impl Limits {
    pub(super) fn new(silence: Duration) -> Arc<Self> {
        let limits = Self { silence_ms: AtomicU64::new(0), budget: AtomicU64::new(u64::MAX) };
        limits.allow_silence(Some(silence));
        Arc::new(limits)
    }

    /// Sets the longest silence; `None` where the server has every right to be silent.
    pub(super) fn allow_silence(&self, silence: Option<Duration>) {
        let ms = silence
            .map_or(0, |silence| u64::try_from(silence.as_millis()).unwrap_or(u64::MAX).max(1));
        self.silence_ms.store(ms, Ordering::Relaxed);
    }

    /// Sets how many bytes may arrive from now on.
    pub(super) fn allow_bytes(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    fn deadline(&self) -> Option<Instant> {
        match self.silence_ms.load(Ordering::Relaxed) {
            0 => None,
            ms => Some(Instant::now() + Duration::from_millis(ms)),
        }
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.budget.load(Ordering::Relaxed);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let Some(left) = left.checked_sub(bytes) else {
            return Err(io::Error::other(TooMuch));
        };
        self.budget.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// The server sent more than it was allowed to.
#[derive(Debug, thiserror::Error)]
#[error("more bytes arrived than were asked for")]
pub(super) struct TooMuch;

/// A TCP connection that keeps its limits.
pub(super) struct Guarded {
    inner: TcpStream,
    limits: Arc<Limits>,
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(inner: TcpStream, limits: Arc<Limits>) -> Self {
        Self { inner, limits, reading: None, writing: None }
    }
}

/// Turns a wait that lasted too long into an error.
fn watch(
    slot: &mut Option<Pin<Box<Sleep>>>,
    limits: &Limits,
    context: &mut Context<'_>,
) -> Poll<io::Error> {
    if slot.is_none() {
        *slot = limits.deadline().map(|at| Box::pin(sleep_until(at)));
    }
    match slot {
        Some(sleep) => sleep.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into()),
        None => Poll::Pending,
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(context, buffer) {
            Poll::Ready(result) => {
                this.reading = None;
                let arrived = buffer.filled().len().saturating_sub(before);
                Poll::Ready(result.and_then(|()| this.limits.spend(arrived)))
            }
            Poll::Pending => watch(&mut this.reading, &this.limits, context).map(Err),
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_write(context, bytes) {
            Poll::Ready(result) => {
                this.writing = None;
                Poll::Ready(result)
            }
            Poll::Pending => watch(&mut this.writing, &this.limits, context).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// What the IMAP library reads and writes.
pub(super) enum Wire {
    /// In the clear.
    Plain(Guarded),
    /// Encrypted.
    Tls(Box<TlsStream<Guarded>>),
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Wire::Plain",
            Self::Tls(_) => "Wire::Tls",
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
