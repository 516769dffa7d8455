//! Fuzzes [`dmbackup_fuzz::config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::config::check(data));
