//! Fuzzes [`dmbackup_fuzz::control`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::control::check(data));
