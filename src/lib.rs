//! The crate of `atende`. Modules may import only those below them in this list; a test holds it.

pub mod cli;

pub mod privacy;
pub mod understand;

pub mod channels;

pub mod adapters;
pub mod ports;

pub mod domain;
