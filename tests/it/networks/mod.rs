//! Networks as they behave: what their webhooks bring, and what becomes of it.

mod whatsapp;
