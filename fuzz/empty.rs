//! Nothing: what `scripts/fuzz-rustc` compiles in the place of crates that no fuzzer calls.
