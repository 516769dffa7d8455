//! Fuzzes [`dmbackup_fuzz::tds`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::tds::check(data));
