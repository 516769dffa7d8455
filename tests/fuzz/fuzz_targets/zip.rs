//! Fuzzes [`dmbackup_fuzz::zip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::zip::check(data));
