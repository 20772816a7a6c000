//! E-mail as it arrives: bytes in, values out.
//!
//! Nothing here opens a file, a store or a connection, and nothing fails on hostile input: every
//! count, depth and length has a bound, and what lies beyond it is left out and said so.

pub mod account;
pub mod html;
pub mod inspect;
pub mod kept;
pub mod kind;
pub mod mailbox;
pub mod parse;
mod pattern;
pub mod quote;
pub mod reply;
pub mod sender;
pub mod thread;
pub mod token;

#[cfg(test)]
mod tests;
