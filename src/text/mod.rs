//! Text as people type it: folding, words, the phrase pattern language, sentences and regions.
//!
//! Everything here is a pure function of its input and takes time linear in it.

pub mod diff;
pub mod fold;
pub mod negation;
pub mod phrases;
mod problem;
pub mod regions;
pub mod search;
pub mod sentences;
pub mod tokens;
mod variants;

pub use problem::Problem;
