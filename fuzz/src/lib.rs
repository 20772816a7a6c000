//! The rooms of `atende` that read what strangers send, compiled from where they are and without anything
//! that opens a store, a socket or a model: a build with coverage marks takes a minute instead of an hour.

#[path = "../../src/domain/mod.rs"]
pub mod domain;

#[path = "../../src/text/mod.rs"]
pub mod text;

/// Only the readers; clients and senders stand beside them in the crate.
#[path = "../../src/channels"]
pub mod channels {
    /// Mail.
    pub mod email {
        pub mod html;
        pub mod inspect;
        pub mod kind;
        pub mod parse;
        mod pattern;
        pub mod quote;
        pub mod thread;
    }
    /// WhatsApp.
    pub mod whatsapp {
        pub mod errors;
        pub mod format;
        pub mod identity;
        pub mod inspect;
        mod json;
        pub mod payload;
        pub mod signature;
    }
}
