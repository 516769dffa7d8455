//! Fuzzes [`dmbackup_fuzz::mtf`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dmbackup_fuzz::mtf::check(data));
