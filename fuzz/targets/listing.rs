//! The listing scanner takes nothing that quick-xml refuses, and reads the same keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| holdall_s3::fuzzing::listing(data));
