//! Networks as they behave: what their webhooks bring, and what becomes of it.

mod changes;
mod enclosures;
mod mail;
mod mailed;
mod marks;
mod media;
mod post;
mod sending;
mod whatsapp;

use whatsapp::{ana, brings, settled, text, tickets};
