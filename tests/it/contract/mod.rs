//! What the store and the inbox promise. Each story runs on SQLite and on PostgreSQL: with two databases
//! in one crate no macro can check the queries, so these stories are their type checker.

mod actions;
mod attachments;
mod drafts;
mod inbox;
mod intake;
mod outbox;
mod people;
mod privacy;
mod read;
mod service;
mod turns;
mod upkeep;
pub(crate) mod world;
