//! Finds personal data in a customer's words and puts placeholders in its place.
//!
//! Nothing behind this room (rules, models, logs, caches) sees the data itself; only a conversation's
//! [`Vault`] can put it back. The scan is linear in the length of the text.

mod announced;
mod checks;
mod claims;
mod context;
mod emails;
mod hint;
mod keywords;
mod kind;
pub mod mask;
mod names;
mod numbers;
mod phones;
mod placeholder;
mod secrets;
mod vault;

pub use hint::MaskedEmail;
pub use kind::Kind;
pub use mask::{Found, Masked, Masker};
pub use vault::Vault;

#[cfg(test)]
mod tests;
