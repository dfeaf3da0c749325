//! Answers that are no XML, or hostile XML, are errors and no panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| holdall_s3::fuzzing::xml(data));
