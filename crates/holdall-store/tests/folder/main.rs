//! A folder store among hostile neighbours: other people's files, links that lead out, racing processes, disks that are
//! full and file systems that can do little.
//!
//! What a machine has no means for (mounting, tracing, other users) is reported as ignored, with the reason.
//! `HOLDALL_TEST_LONG=1` tries more.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test")]

mod changing;
mod climbing;
mod deeds;
mod foreign;
mod full;
mod ground;
mod injecting;
mod inside;
mod limited;
mod naming;
mod neighbours;
mod racing;
mod reserved;
mod servant;
mod snapshot;
mod special;
mod stopping;
mod suite;
mod swapping;
mod tracing;
mod worker;

use ground::{Ran, Skip};
use libtest_mimic::{Arguments, Completion, Trial};
use std::process::ExitCode;

/// A case: its name, and what it does.
type Case = (&'static str, fn() -> Ran);

fn cases() -> Vec<Case> {
    [
        changing::CASES,
        climbing::CASES,
        foreign::CASES,
        full::CASES,
        injecting::CASES,
        limited::CASES,
        naming::CASES,
        neighbours::CASES,
        racing::CASES,
        reserved::CASES,
        special::CASES,
        stopping::CASES,
        swapping::CASES,
    ]
    .concat()
}

/// Whether there is time for many tries.
fn is_long() -> bool {
    std::env::var("HOLDALL_TEST_LONG").is_ok_and(|value| value == "1")
}

fn main() -> ExitCode {
    if worker::work_if_asked() || servant::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    if let Some(code) = suite::run_if_asked() {
        return code;
    }
    if let Some(name) = inside::only() {
        let (_, case) = cases().into_iter().find(|(known, _)| *known == name).expect("a case has this name");
        inside::end(case());
    }
    let args = Arguments::from_args();
    let trial = |(name, case): Case| {
        Trial::ignorable_test(name, move || match case() {
            Ok(()) => Ok(Completion::Completed),
            Err(Skip(why)) => Ok(Completion::ignored_with(why)),
        })
    };
    libtest_mimic::run(&args, cases().into_iter().map(trial).collect()).exit_code()
}
