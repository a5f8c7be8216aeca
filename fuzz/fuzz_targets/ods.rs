//! See `lake/tests/fuzz/rules.rs`.
#![no_main]

#[path = "../../lake/tests/fuzz/rules.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rules::Target::Ods.check(bytes));
