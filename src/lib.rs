//! The crate of `atende`. Modules may import only those below them in this list; a test holds it.

pub mod domain;
pub mod text;
pub mod understand;
