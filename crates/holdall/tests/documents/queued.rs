//! Documents that wait in the outbox.

use crate::world::{Ingester, World, run, source, urls};
use holdall::document::{AdoptOptions, Adopted};
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

/// DOC-7: a copy on this machine does not stand for the store's object.
#[tokio::test]
async fn what_only_this_machine_has_is_no_reason_to_delete_a_file() {
    let world = World::s3_with(&[
        ("HOLDALL_ON_REMOTE_ERROR", "outbox"),
        ("HOLDALL_LOCAL_COPY", "keep"),
        ("S3_MAX_RETRIES", "1"),
    ]);
    let mut job = world.job(&TWO);
    job.publish(&mut |_| ()).await.unwrap();
    drop(job);
    world.down();
    let mut job = world.job(&TWO);
    let (report, told) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.uploaded, report.ingested, report.deleted), (2, 2, 0), "{told:?}");
    assert!(told.contains(&"1 kept: unreachable".to_owned()), "{told:?}");
    drop(job);
    world.up();
    let (report, _) = run(&mut world.job(&TWO), &Ingester::default()).await;
    assert_eq!(report.deleted, 2);
}

/// MIG-1: what waits is not adopted.
#[tokio::test]
async fn what_waits_is_not_adopted() {
    let world = World::queued();
    world.down();
    world.store.put("planning/25_00284_F/001_a.pdf", "a.pdf").await.unwrap();
    let adopted =
        world.documents().adopt(world.spec(&TWO[..1]), &world.path("j"), AdoptOptions::default()).await;
    assert!(matches!(&adopted.unwrap()[..], [Adopted::Failed(fault)] if fault.kind == "unreachable"));
}
