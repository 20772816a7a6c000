//! The crate of `atende`. Modules may import only those below them in this list; a test holds it.

pub mod compose;
pub mod domain;
pub mod knowledge;
