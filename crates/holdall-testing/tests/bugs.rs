//! The suite finds the faults that were put into a backend on purpose.

#![cfg(feature = "suite")]

use futures_util::FutureExt;
use futures_util::future::join_all;
use holdall_testing::bent::Bug;
use holdall_testing::suite::{Case, Place, Profile, Subject, cases};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The names of the cases that fail in this memory.
async fn failing(place: Place) -> Vec<&'static str> {
    let (place, profile) = (Arc::new(place), Profile::of("memory"));
    let here = |case: &Case| case.unsupported(profile, &place).is_none();
    let mut failing = Vec::new();
    for case in cases().into_iter().filter(here) {
        let subject = Subject::new(&place, profile, 1, case.name).expect("memory opens");
        let passed = matches!(AssertUnwindSafe((case.run)(subject)).catch_unwind().await, Ok(Ok(())));
        if !passed {
            failing.push(case.name);
        }
    }
    failing
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_put_in_on_purpose_fails_a_case() {
    let without = failing(Place::memory()).await;
    // All at once, since cases of what expires wait for it.
    let all = Bug::ALL.map(|bug| async move { (bug, failing(Place::bent(bug)).await) });
    for (bug, found) in join_all(all).await {
        assert!(found.iter().any(|name| !without.contains(name)), "no case finds {bug:?}");
    }
}
