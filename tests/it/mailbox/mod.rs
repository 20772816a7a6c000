//! The mailbox against a real IMAP server, and against servers that misbehave on purpose.

mod bench;
mod dovecot;
mod hostile;
mod proxy;
mod real;
mod refused;
mod scripted;
mod setup;

pub(crate) use bench::{PASSWORD, USER};
pub(crate) use dovecot::{Dovecot, USUAL};
