//! The folder store's promise of safety, put to the test: processes are killed at random and at every call that changes
//! the disk, and the power is cut in a model of a disk that loses whatever was not fsynced.
//!
//! The seed is printed; `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` tries more. `strace` must be installed.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program whose output is its result"
)]

mod check;
mod child;
mod content;
mod history;
mod operation;
mod random_kills;
mod run;
mod scene;
mod traffic;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if child::is_child() {
        return ExitCode::SUCCESS;
    }
    let args = Arguments::from_args();
    let trials = vec![Trial::test("random_kills", || random_kills::run().map_err(Into::into))];
    libtest_mimic::run(&args, trials).exit_code()
}
