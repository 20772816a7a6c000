//! Stories: what customers, agents and operators see, through every real part.

mod clockwork;
mod commands;
mod deadlines;
mod erasure;
mod incidents;
mod notices;
mod notified;
mod operation;
mod overtaken;
mod owners;
mod people;
mod privacy;
mod review;
mod serve;
mod turns;
