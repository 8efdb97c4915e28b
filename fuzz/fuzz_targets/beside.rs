//! Drives [`reprieve_fuzz::beside`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::beside::run(data));
