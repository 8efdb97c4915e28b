//! Drives [`reprieve_fuzz::document`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::document::run(data));
