//! The crate of `atende`. Modules may import only those below them in this list; a test holds it.

pub mod cli;
pub mod domain;
pub mod policy;
pub mod text;
