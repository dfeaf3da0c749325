//! Endpoints and store URLs are read or refused, and read the same again when printed.
#![no_main]

use holdall_store::{Key, Location};

libfuzzer_sys::fuzz_target!(|text: &str| {
    holdall_s3::fuzzing::endpoint(text);
    if let Ok(location) = Location::parse(text) {
        if !matches!(location, Location::Folder(_)) {
            assert_eq!(Location::parse(&location.to_string()).ok(), Some(location));
        }
    }
    if let Ok((_, key)) = Location::parse_object(text) {
        let _checked = Key::parse(&key);
    }
});
