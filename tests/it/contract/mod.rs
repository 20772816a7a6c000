//! What the store and the inbox promise. Each story runs on SQLite and on PostgreSQL: with two databases
//! in one crate no macro can check the queries, so these stories are their type checker.

mod accounts;
mod actions;
mod answers;
mod attachments;
mod content;
mod desk;
mod drafts;
mod inbox;
mod intake;
mod mail;
mod marks;
mod outbox;
mod people;
mod privacy;
mod read;
mod retry;
mod search;
mod search_load;
mod service;
mod switches;
mod tallies;
mod turns;
mod upkeep;
pub(crate) mod world;
