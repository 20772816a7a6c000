//! The `atende` binary.

fn main() {}
