//! Random sequences of operations, answered by a store as a simple model answers them.
//!
//! The seed is printed; `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` tries ten times as many sequences. A sequence
//! that goes wrong is shrunk before it is shown. Ceph takes part when `HOLDALL_TEST_CEPH` describes one.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

mod answer;
mod operation;
mod reference;
mod subject;

use holdall_store::backend::memory::MemoryBackend;
use holdall_store::{Fsync, Location, Settings, Store};
use holdall_testing::bent::{Bent, Bug};
use holdall_testing::random::{Random, seed_from_env};
use holdall_testing::server::Server;
use holdall_testing::suite::Place;
use operation::{Operation, sequences};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use reference::Reference;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use subject::Driver;
use tokio::runtime::Runtime;

/// A sequence that a store answers otherwise than the model, and how.
#[derive(Debug)]
struct Difference {
    sequence: Vec<Operation>,
    what: String,
}

/// Whether the process that uses the store comes to its end between steps, and another one goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Crashes {
    Never,
    /// After every third step.
    Often,
}

/// Plays random sequences on a store, each below a prefix of its own, and answers the first difference, shrunk.
fn explore(runtime: &Runtime, open: impl Fn() -> Store, seed: u64, tries: u32) -> Option<Difference> {
    explore_with(runtime, open, seed, tries, Crashes::Never)
}

fn explore_with(
    runtime: &Runtime,
    open: impl Fn() -> Store,
    seed: u64,
    tries: u32,
    crashes: Crashes,
) -> Option<Difference> {
    let mut random = Random::new(seed);
    let bytes: Vec<u8> = random.bytes(32);
    let config =
        Config { cases: tries, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let played = AtomicU32::new(0);
    let outcome = runner.run(&sequences(), |sequence| {
        let prefix = format!("model-{seed:x}/{}/", played.fetch_add(1, Ordering::Relaxed));
        let told = runtime.block_on(play(&open, prefix, &sequence, crashes));
        told.map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(why, sequence)) => Some(Difference { sequence, what: why.to_string() }),
        Err(TestError::Abort(why)) => Some(Difference { sequence: Vec::new(), what: why.to_string() }),
    }
}

/// Plays one sequence on a store and on the model.
async fn play(
    open: &impl Fn() -> Store,
    prefix: String,
    sequence: &[Operation],
    crashes: Crashes,
) -> Result<(), String> {
    let mut model = Reference::default();
    let mut driver = Driver::new(open(), prefix);
    for (step, operation) in sequence.iter().enumerate() {
        if crashes == Crashes::Often && step % 3 == 2 {
            model.crash();
            driver.crash(open());
        }
        let (wanted, got) = (model.answer(operation), driver.answer(operation).await);
        if got != wanted {
            return Err(format!("step {step}, {operation:?}\n     got {got:?}\n  wanted {wanted:?}"));
        }
    }
    driver.clear().await
}

fn seed() -> u64 {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    eprintln!("HOLDALL_TEST_SEED={seed:#x}");
    seed
}

fn tries(short: u32) -> u32 {
    let long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|value| value == "1");
    if long { short * 10 } else { short }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn demand_none(difference: Option<Difference>) {
    if let Some(Difference { sequence, what }) = difference {
        panic!("{what}\nafter {sequence:#?}");
    }
}

#[test]
fn memory_answers_as_the_model_does() {
    demand_none(explore(&runtime(), Store::memory, seed(), tries(3000)));
}

#[test]
fn a_folder_answers_as_the_model_does() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { fsync: Fsync::None, ..Settings::default() };
    let location = Location::Folder(folder.path().to_owned());
    let store = Store::open_location(&location, &settings).unwrap();
    demand_none(explore(&runtime(), || store.clone(), seed(), tries(1000)));
}

/// A store that is opened anew knows nothing of the one before: all that counts is on the disk.
#[test]
fn a_folder_answers_as_the_model_does_across_crashes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { fsync: Fsync::None, ..Settings::default() };
    let location = Location::Folder(folder.path().to_owned());
    let open = || Store::open_location(&location, &settings).unwrap();
    demand_none(explore_with(&runtime(), open, seed(), tries(500), Crashes::Often));
}

#[test]
fn ceph_answers_as_the_model_does() {
    let Some(server) = Server::from_env("ceph") else {
        eprintln!("not run: HOLDALL_TEST_CEPH is not set");
        return;
    };
    let runtime = runtime();
    let place = runtime.block_on(Place::server(&server.unwrap())).unwrap();
    let store = place.store().unwrap();
    let difference = explore(&runtime, || store.clone(), seed(), tries(100));
    runtime.block_on(place.close()).unwrap();
    demand_none(difference);
}

#[test]
fn every_fault_put_in_on_purpose_is_found() {
    let runtime = runtime();
    let seed = seed();
    // The model's operations set no tags; cases of the suite find that fault.
    for bug in Bug::ALL.into_iter().filter(|bug| *bug != Bug::TagsAdded) {
        let bent = || {
            let backend = Bent::new(Arc::new(MemoryBackend::private()), bug);
            Store::with_backend(Arc::new(backend), Settings::default())
        };
        let found = explore(&runtime, bent, seed, 2000);
        let found = found.unwrap_or_else(|| panic!("no sequence finds {bug:?}"));
        let steps = found.sequence.len();
        assert!(steps <= 6, "{bug:?} was not shrunk: {steps} steps\n{found:#?}");
    }
}
