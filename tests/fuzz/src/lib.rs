//! What is fuzzed: one function for each kind of bytes that come from outside, with what must hold whatever they are. A panic
//! is a finding. `fuzz_targets/` gives them to libFuzzer; the project's ordinary tests include this file and run the corpus
//! and small changes of it through the same functions.

pub mod config;
pub mod control;
pub mod manifest;
pub mod mtf;
mod scratch;
pub mod tds;
pub mod zip;
