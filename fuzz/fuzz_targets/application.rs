//! Drives [`reprieve_fuzz::application`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::application::run(data));
