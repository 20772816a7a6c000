//! WhatsApp Cloud API without its network: signatures, webhook bodies, error codes, identities and formatting.
//!
//! Everything here is a function of its input. Nothing reads a clock, a file or a socket.

pub mod accounts;
pub mod answer;
pub mod errors;
pub mod format;
pub mod identity;
pub mod inspect;
mod json;
pub mod payload;
#[cfg(test)]
mod samples;
pub mod signature;
