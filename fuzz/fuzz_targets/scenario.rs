//! Drives [`reprieve_fuzz::scenario`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::scenario::run(data));
