//! Documents that another program uploaded.

use crate::world::{Ingester, World, run, urls};
use holdall::ErrorKind;
use holdall::document::{AdoptOptions, Adopted, Job};
use holdall_testing::fault::Kind;

const FOUR: [&str; 4] = ["a.pdf", "b.pdf", "c.pdf", "d.pdf"];

/// One as it should be, one whose file has gone, one that is another, and one that is missing.
async fn world(of: World) -> World {
    of.spec(&FOUR);
    for (key, text) in [("001_a.pdf", "a.pdf"), ("002_b.pdf", "b.pdf"), ("003_c.pdf", "other")] {
        of.store.put(&format!("planning/25_00284_F/{key}"), text).await.unwrap();
    }
    of
}

async fn adopt(world: &World, options: AdoptOptions) -> Vec<Adopted> {
    let spec = world.spec(&FOUR);
    std::fs::remove_file(world.path("b.pdf")).unwrap();
    world.documents().adopt(spec, &world.path("job.journal"), options).await.unwrap()
}

/// MIG-1
#[tokio::test]
async fn what_is_there_is_adopted_and_what_is_not_is_uploaded_by_a_run() {
    for world in [world(World::s3()).await, world(World::memory()).await] {
        let expected = [Adopted::Verified, Adopted::Unverified, Adopted::Different, Adopted::Missing];
        let dry = AdoptOptions { dry_run: true, are_ingested: true };
        assert_eq!(adopt(&world, dry).await, expected);
        assert!(!world.is_there("job.journal"), "a dry run writes nothing");
        let options = AdoptOptions { are_ingested: true, ..AdoptOptions::default() };
        assert_eq!(adopt(&world, options).await, expected);
        let again = [Adopted::Known, Adopted::Known, Adopted::Different, Adopted::Missing];
        assert_eq!(adopt(&world, options).await, again, "it may be begun again");
        assert_eq!(world.text("planning/25_00284_F/003_c.pdf").await, "other", "no object is changed");
        let spec = world.spec(&FOUR);
        std::fs::remove_file(world.path("b.pdf")).unwrap();
        let mut job = world.documents().job(spec, &world.path("job.journal")).unwrap();
        let ingester = Ingester::default();
        let (report, told) = run(&mut job, &ingester).await;
        assert_eq!((report.uploaded, report.ingested, report.deleted), (4, 4, 3), "{told:?}");
        assert_eq!(ingester.names(), ["c.pdf", "d.pdf"], "the others were ingested before");
        assert_eq!(world.text("planning/25_00284_F/003_c.pdf").await, "c.pdf");
        assert_eq!(urls(&job)[1], world.url("002_b.pdf"));
        if world.server.is_some() {
            let sent: Vec<_> = world.seen(Kind::Put).into_iter().map(|seen| seen.key).collect();
            assert!(sent.iter().filter(|key| key.contains("001_a")).count() == 1, "{sent:?}");
        }
    }
}

/// MIG-1: what was adopted and not verified is marked so.
#[tokio::test]
async fn what_was_not_compared_is_marked() {
    let world = world(World::memory()).await;
    adopt(&world, AdoptOptions::default()).await;
    let (_, records) = Job::read(&world.path("job.journal")).unwrap();
    let verified: Vec<_> = records.iter().map(|record| record.verified.as_deref()).collect();
    assert_eq!(verified, [Some("read-back"), Some("none"), None, None]);
}

#[tokio::test]
async fn there_is_nothing_to_adopt_where_nothing_is_uploaded() {
    let world = World::folder();
    let adopted = world.documents().adopt(world.spec(&FOUR), &world.path("j"), AdoptOptions::default()).await;
    assert_eq!(adopted.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!world.is_there("j"));
}
