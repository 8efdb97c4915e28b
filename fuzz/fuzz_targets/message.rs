//! Drives [`reprieve_fuzz::message`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::message::run(data));
