//! The commands of `atende`, one file each; they read and write what they are handed.

pub mod privacy;
