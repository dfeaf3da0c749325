//! Documents that wait in the outbox.

use crate::world::{Ingester, World, run, source, urls};
use holdall::document::{State, UploadState};

const TWO: [&str; 2] = ["a.pdf", "b.pdf"];

/// DOC-7: what waits is not verified, however often the job runs; once it has arrived, its bytes are compared.
#[tokio::test]
async fn what_waits_keeps_its_source_url_and_its_file_until_it_has_arrived() {
    let world = World::queued();
    world.down();
    let mut job = world.job(&TWO);
    let (report, told) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.uploaded, report.queued, report.ingested, report.deleted), (0, 2, 2, 0), "{told:?}");
    assert_eq!(urls(&job), TWO.map(|name| Some(source(name))));
    drop(job);
    let mut job = world.job(&TWO);
    let (report, _) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.queued, report.deleted), (2, 0), "the store is still away");
    assert!(
        job.records()
            .iter()
            .all(|record| record.upload == UploadState::Queued && record.state == State::Ingested)
    );
    drop(job);
    world.up();
    world.drain().await;
    let mut job = world.job(&TWO);
    let ingester = Ingester::default();
    let (report, told) = run(&mut job, &ingester).await;
    assert_eq!((report.uploaded, report.queued, report.deleted), (2, 0, 2), "{told:?}");
    assert_eq!(ingester.names(), [""; 0], "nothing is ingested twice");
    assert_eq!(urls(&job), [world.url("001_a.pdf"), world.url("002_b.pdf")]);
    assert!(job.records().iter().all(|record| record.verified.as_deref() == Some("read-back")));
    assert!(!TWO.iter().any(|name| world.is_there(name)));
}

/// DOC-7: of what arrived and was then replaced or lost, the file stays until it is uploaded again.
#[tokio::test]
async fn what_arrived_and_is_another_by_now_is_uploaded_again() {
    let world = World::queued();
    world.down();
    run(&mut world.job(&TWO), &Ingester::default()).await;
    world.up();
    world.drain().await;
    world.server().put_object(&world.bucket, "planning/25_00284_F/001_a.pdf", b"other");
    let mut job = world.job(&TWO);
    let (report, told) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.uploaded, report.deleted), (2, 2), "{told:?}");
    assert_eq!(world.text("planning/25_00284_F/001_a.pdf").await, "a.pdf");
}

/// DOC-2: with an outbox a store that is away is no reason not to begin.
#[tokio::test]
async fn a_job_begins_while_the_store_is_away() {
    let world = World::queued();
    world.down();
    holdall::Store::connect(&world.settings).await.unwrap();
}
