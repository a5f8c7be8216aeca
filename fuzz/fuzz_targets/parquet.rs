//! See `lake/tests/fuzz/rules.rs`. The reader catches the decoder's panics, so only those that it lets through may end
//! the process, and not libFuzzer's hook each of them.
#![no_main]

#[path = "../../lake/tests/fuzz/rules.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| rules::Target::Parquet.check(bytes));
