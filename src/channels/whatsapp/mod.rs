//! WhatsApp Cloud API: signatures, webhook bodies, error codes, identities and formatting, and the client beside them.
//!
//! Everything but the client is a function of its input. Nothing reads a clock, and nothing but the client a socket.

pub mod accounts;
pub mod answer;
pub mod client;
pub mod errors;
pub mod format;
pub mod identity;
pub mod inspect;
mod json;
pub mod outlet;
pub mod payload;
#[cfg(test)]
mod samples;
pub mod signature;
