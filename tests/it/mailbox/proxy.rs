//! A way to a server that can be held up, cut, or counted.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Where a mail's way is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before its content: nothing of it can have arrived.
    BeforeContent,
    /// Once the server has it, and before anybody hears its answer.
    BeforeAnswer,
}

#[derive(Debug, Default)]
struct State {
    over: AtomicBool,
    /// True while nothing is passed on.
    held: AtomicBool,
    /// Bytes of answers that the connections may still bring; then they are cut.
    left: AtomicUsize,
    /// Connections made.
    connections: AtomicUsize,
    /// Where the next mail is cut.
    cut: Mutex<Option<Cut>>,
    /// True once the end of a mail is on its way, and the answer to it is to be kept back.
    deaf: AtomicBool,
}

impl State {
    /// Says whether these bytes are the ones to cut at.
    fn is_cut(&self, bytes: &[u8], is_answer: bool) -> bool {
        if is_answer {
            return self.deaf.swap(false, Ordering::SeqCst);
        }
        let mut cut = self.cut.lock().unwrap();
        match *cut {
            Some(Cut::BeforeContent) if bytes == b"DATA\r\n" => {
                *cut = None;
                true
            }
            Some(Cut::BeforeAnswer) if bytes.ends_with(b"\r\n.\r\n") => {
                *cut = None;
                self.deaf.store(true, Ordering::SeqCst);
                false
            }
            _ => false,
        }
    }
}

/// A way to a port of this machine; dropped, it is closed.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(State { left: AtomicUsize::new(usize::MAX), ..State::default() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                pass(near.try_clone().unwrap(), far.try_clone().unwrap(), &shared, false);
                pass(far, near, &shared, true);
            }
        });
        Self { port: own, state }
    }

    /// Passes nothing on from now on, or again.
    pub(crate) fn hold(&self, held: bool) {
        self.state.held.store(held, Ordering::Relaxed);
    }

    /// Cuts connections after this many more bytes of answers.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.state.left.store(bytes, Ordering::Relaxed);
    }

    /// Cuts the connection of the next mail, which goes in the clear.
    pub(crate) fn cut_mail(&self, cut: Cut) {
        *self.state.cut.lock().unwrap() = Some(cut);
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &Arc<State>, counts: bool) {
    let state = Arc::clone(state);
    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while !state.over.load(Ordering::Relaxed) {
            if state.held.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => break,
            };
            if state.is_cut(buffer.get(..count).unwrap(), counts) {
                break;
            }
            let left = state.left.load(Ordering::Relaxed);
            let most = if counts { count.min(left) } else { count };
            if to.write_all(&buffer[..most]).is_err() {
                break;
            }
            if counts && left != usize::MAX {
                state.left.store(left - most, Ordering::Relaxed);
                if left == most {
                    break;
                }
            }
        }
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    });
}
