//! Runs the target `chat_core::sim::fuzz::relay`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chat_core::sim::fuzz::relay(data));
