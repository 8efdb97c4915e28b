//! Drives [`reprieve_fuzz::note`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::note::run(data));
