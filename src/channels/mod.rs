//! The networks that carry messages: parsing is pure, clients stand beside it.

pub mod callback;
pub mod email;
pub mod enclosures;
pub mod mail;
pub mod whatsapp;
