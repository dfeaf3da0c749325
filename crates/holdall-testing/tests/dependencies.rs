//! What is for tests alone stays among what only tests depend on.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

/// What no user of holdall builds.
const FOR_TESTS: [&str; 3] = ["holdall-testing", "holdall-oracle", "aws-sdk-s3"];

/// OBS-7: fake servers and other parts for tests are development dependencies only.
#[test]
fn obs_7_parts_for_tests_are_development_dependencies_only() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for shipped in ["holdall-s3", "holdall-store", "holdall", "holdall-cli"] {
        let manifest = std::fs::read_to_string(crates.join(shipped).join("Cargo.toml")).unwrap();
        let built = manifest.split("\n[").filter(|section| {
            let name = section.split(']').next().unwrap_or_default();
            name.ends_with("dependencies") && !name.ends_with("dev-dependencies")
        });
        let named: Vec<&str> =
            built.flat_map(str::lines).filter_map(|line| line.split(['.', ' ', '=']).next()).collect();
        assert!(named.contains(&"tokio") || named.contains(&"bytes"), "{shipped}: {named:?}");
        for name in FOR_TESTS {
            assert!(!named.contains(&name), "{shipped} builds {name}");
        }
    }
}
