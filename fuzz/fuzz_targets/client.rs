//! Drives [`reprieve_fuzz::client`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::client::run(data));
