//! Drives [`reprieve_fuzz::header`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::header::run(data));
