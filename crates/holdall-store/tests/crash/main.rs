//! The promises of safety of the folder store and of the outbox, put to the test: processes are killed at random and at every call that changes
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

mod boundaries;
mod check;
mod child;
mod content;
mod damage;
mod disk;
mod history;
mod lost_fsyncs;
mod operation;
mod points;
mod power_cuts;
mod promise;
mod queue;
mod races;
mod random_kills;
mod run;
mod scene;
mod stopped;
mod trace;
mod traffic;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    if child::is_child() {
        return ExitCode::SUCCESS;
    }
    let args = Arguments::from_args();
    let mut trials = vec![
        trial("random_kills".to_owned(), random_kills::run),
        trial("damage_is_found".to_owned(), damage::run),
        trial("lost_fsyncs_are_found".to_owned(), lost_fsyncs::run),
        trial("queue::random_kills".to_owned(), queue::random_kills),
        trial("queue::power_cuts".to_owned(), queue::power_cuts),
        trial("queue::lost_fsyncs_are_found".to_owned(), queue::lost_fsyncs),
        trial("queue::faults_of_the_disk".to_owned(), queue::faults),
        trial("races::folder_removed".to_owned(), races::folder_removed),
        trial("races::folder_removed_and_made".to_owned(), races::folder_removed_and_made),
    ];
    // Where attributes are large, no scene can have records that are files: those trials are shown as ignored.
    let overflow = run::records_overflow();
    for scene in scene::SCENES {
        let ignored = scene.heavy && !overflow;
        let cuts = trial(format!("power_cuts::{}", scene.name), || power_cuts::run(scene));
        let boundaries = trial(format!("boundaries::{}", scene.name), || boundaries::run(scene));
        trials.extend([cuts, boundaries].map(|trial| trial.with_ignored_flag(ignored)));
    }
    let conclusion = libtest_mimic::run(&args, trials);
    boundaries::report();
    conclusion.exit_code()
}

fn trial(name: String, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || run().map_err(Into::into))
}
