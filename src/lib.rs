//! The crate of `atende`. Modules may import only those below them in this list; a test holds it.

pub mod cli;

pub mod app;

pub mod config;
pub mod shutdown;
pub mod telemetry;

pub mod desk;
pub mod web;
pub mod worker;

pub mod pipeline;

pub mod report;

pub mod compose;
pub mod knowledge;
pub mod privacy;
pub mod prompts;
pub mod understand;

pub mod channels;

pub mod adapters;

pub mod policy;

pub mod ports;
pub mod text;

pub mod domain;
