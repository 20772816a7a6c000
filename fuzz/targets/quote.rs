//! Runs `checks::quote` on whatever the fuzzer makes up.

#![no_main]

#[path = "../checks.rs"]
#[expect(dead_code, reason = "the other targets' checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::quote(bytes));
