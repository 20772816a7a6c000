//! Flows through the real parts: a store and an inbox on disk, the API as it is served.
#![cfg(test)]

mod api;
mod crash;
mod flows;
mod world;
