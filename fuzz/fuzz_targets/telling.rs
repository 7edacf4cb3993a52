#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentcore_fuzz_checks::telling(bytes));
