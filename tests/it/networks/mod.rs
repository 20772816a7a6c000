//! Networks as they behave: what their webhooks bring, and what becomes of it.

mod mail;
mod media;
mod sending;
mod whatsapp;

use whatsapp::{ana, brings, settled, text, tickets};
