//! The pattern language of lexicons and policy packs, and the matcher for many patterns at once.
//!
//! Patterns are read with the same tokenizer as texts, so case, accents, contractions and chat
//! spellings never matter. A match never crosses the end of a sentence.

mod matcher;
mod parse;

pub use matcher::{Hit, PhraseSet};
pub use parse::{Pattern, PatternError};

#[cfg(test)]
mod tests;
