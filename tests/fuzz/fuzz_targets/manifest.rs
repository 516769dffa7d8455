//! Fuzzes [`dmbackup_fuzz::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::manifest::check(data));
