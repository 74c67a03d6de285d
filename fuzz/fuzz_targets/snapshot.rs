//! Bytes as a snapshot: refused, or read and judged as a host.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ai_how::fuzzing::snapshot(bytes));
