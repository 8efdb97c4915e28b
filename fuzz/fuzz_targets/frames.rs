//! Drives [`reprieve_fuzz::frames`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::frames::run(data));
