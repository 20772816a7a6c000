//! One file per command. Commands write to what they are given and return an exit code.

pub mod policy;
