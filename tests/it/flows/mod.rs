//! Stories: what customers, agents and operators see, through every real part.

mod commands;
mod deadlines;
mod operation;
mod overtaken;
mod people;
mod privacy;
mod review;
mod serve;
mod turns;
