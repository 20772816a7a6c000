//! Everything that is tested from outside, in one binary: the house rules, what store and inbox promise,
//! and flows through the real parts with the API as it is served.

#![cfg(test)]

mod api;
mod browser;
mod contract;
mod crash;
mod desk;
mod examples;
mod flows;
mod fuzz;
mod inspect;
mod knowledge;
mod ledger;
mod mailbox;
mod migrations;
mod models;
mod networks;
mod tidy;
mod triage;
mod unasked;
mod world;
