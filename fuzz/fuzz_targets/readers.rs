//! Bytes as the files of a host that is not ready, which it must stay.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ai_how::fuzzing::readers(bytes));
