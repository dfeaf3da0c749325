//! The page of servers is the table of the suite.

#![cfg(feature = "suite")]
#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_testing::suite::compatibility_markdown;
use std::path::Path;

/// Set `HOLDALL_REWRITE=1` to write the page anew.
#[test]
fn compatibility_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/COMPATIBILITY.md");
    if std::env::var_os("HOLDALL_REWRITE").is_some() {
        std::fs::write(&path, compatibility_markdown()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == compatibility_markdown(),
        "docs/COMPATIBILITY.md is not the table of servers; HOLDALL_REWRITE=1 writes it anew"
    );
}
