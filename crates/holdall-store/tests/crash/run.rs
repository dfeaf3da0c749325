//! What all trials need to run.

use holdall_testing::random::seed_from_env;
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// The seed of this run, printed once.
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
        println!("HOLDALL_TEST_SEED={seed:#x}");
        seed
    })
}

pub(crate) fn is_long() -> bool {
    std::env::var("HOLDALL_TEST_LONG").is_ok_and(|value| value == "1")
}

/// Whether a record can be too large for an attribute here, and becomes a file of its own.
pub(crate) fn records_overflow() -> bool {
    let file = tempfile::tempfile().unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::fsetxattr(&file, "user.holdall", &[b'r'; 5000], flags).is_err()
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
