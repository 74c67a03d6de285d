//! Bytes as a configuration, judged on a host on which all is well.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ai_how::fuzzing::config(bytes));
