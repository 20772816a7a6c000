//! The mailbox against a real IMAP server, and against servers that misbehave on purpose.

mod bench;
mod chasquid;
mod dovecot;
mod hostile;
mod proxy;
mod real;
mod refused;
mod scripted;
mod setup;

pub(crate) use bench::{PASSWORD, USER};
pub(crate) use chasquid::{BIA, Chasquid, FULL};
pub(crate) use dovecot::{Dovecot, USUAL};
pub(crate) use proxy::{Cut, Proxy};
