//! Drives [`reprieve_fuzz::policy`] by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reprieve_fuzz::policy::run(data));
