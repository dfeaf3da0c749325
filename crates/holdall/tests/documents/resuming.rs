//! Jobs that go on: after another run, on changed files, from journals cut off anywhere.

use crate::world::{Ingester, World, run};
use holdall::ErrorKind;
use holdall::document::Job;
use holdall_testing::fault::Kind;

const TWO: [&str; 2] = ["a.pdf", "b.pdf"];

/// DOC-7, DOC-14: a run that has nothing to do sends nothing and has nothing ingested.
#[tokio::test]
async fn a_job_that_is_done_does_nothing_when_it_is_run_again() {
    let world = World::s3();
    run(&mut world.job(&TWO), &Ingester::default()).await;
    world.server().clear_log();
    let ingester = Ingester::default();
    let (report, told) = run(&mut world.job_again(&TWO), &ingester).await;
    assert_eq!((report.uploaded, report.ingested, report.deleted), (2, 2, 2));
    assert_eq!((told, ingester.names()), (Vec::new(), Vec::new()));
    assert_eq!(world.seen(Kind::Put).len() + world.seen(Kind::HeadObject).len(), 0);
    let (_, records) = Job::read(&world.path("job.journal")).unwrap();
    assert_eq!(records, world.job_again(&TWO).records());
}

/// DOC-7: what an earlier process uploaded is looked for before its file goes.
#[tokio::test]
async fn an_object_that_was_lost_or_replaced_meanwhile_keeps_its_file() {
    for lost in [true, false] {
        let world = World::s3();
        let mut job = world.job(&TWO);
        job.publish(&mut |_| ()).await.unwrap();
        drop(job);
        let key = "planning/25_00284_F/001_a.pdf";
        if lost {
            world.store.delete(key).await.unwrap();
        } else {
            world.store.put(key, "other").await.unwrap();
        }
        let mut job = world.job(&TWO);
        let (report, told) = run(&mut job, &Ingester::default()).await;
        assert_eq!((report.uploaded, report.upload_failed, report.deleted), (1, 1, 1), "{told:?}");
        assert!(world.is_there("a.pdf") && !world.is_there("b.pdf"));
        drop(job);
        let (report, _) = run(&mut world.job(&TWO), &Ingester::default()).await;
        assert_eq!((report.uploaded, report.upload_failed), (2, 0));
        assert_eq!(world.text(key).await, "a.pdf");
    }
}

/// DOC-7: a file that is another by now is uploaded and ingested anew, and is not deleted for what it was.
#[tokio::test]
async fn a_file_that_was_changed_after_its_upload_stays_until_it_is_uploaded_itself() {
    for world in [World::s3(), World::memory()] {
        let mut job = world.job(&TWO);
        let changing = |ready: holdall::document::Ready| async move {
            if ready.number == 1 {
                std::fs::write(&ready.path, "changed")?;
            }
            Ok(())
        };
        let report = job.run(&changing, &mut |_| ()).await.unwrap();
        assert_eq!(report.deleted, 1);
        assert_eq!(job.records()[0].errors[0].kind, "changed");
        assert_eq!(std::fs::read(world.path("a.pdf")).unwrap(), b"changed");
        let ingester = Ingester::default();
        let (report, told) = run(&mut job, &ingester).await;
        assert_eq!((report.uploaded, report.deleted), (2, 2), "{told:?}");
        assert_eq!(ingester.names(), ["a.pdf"]);
        assert_eq!(world.text("planning/25_00284_F/001_a.pdf").await, "changed");
    }
}

/// DOC-7: whatever the journal lost of its end, a run brings the job to its end, and no file goes before its upload
/// was verified and its ingestion succeeded.
#[tokio::test]
async fn a_journal_cut_off_anywhere_is_gone_on_with() {
    let world = World::memory();
    run(&mut world.job(&TWO), &Ingester::default()).await;
    let whole = std::fs::read(world.path("job.journal")).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
    // The files are there again wherever the journal does not say that they are deleted.
    for end in (first + 1..=whole.len()).step_by(7) {
        std::fs::write(world.path("job.journal"), &whole[..end]).unwrap();
        let mut job = world.job(&TWO);
        let (report, told) = run(&mut job, &Ingester::default()).await;
        assert_eq!((report.uploaded, report.ingested, report.deleted), (2, 2, 2), "{end} {told:?}");
        assert!(!TWO.iter().any(|name| world.is_there(name)), "{end} {told:?}");
    }
}

/// DOC-8: a document that is not there, or is no file, fails alone.
#[tokio::test]
async fn what_is_no_file_fails_alone_and_is_never_deleted() {
    for world in [World::s3(), World::memory(), World::folder()] {
        let names = ["a.pdf", "missing.pdf", "link.pdf", "folder.pdf"];
        let spec = world.spec(&names);
        for name in &names[1..] {
            std::fs::remove_file(world.path(name)).unwrap();
        }
        std::fs::write(world.path("target"), "target").unwrap();
        std::os::unix::fs::symlink(world.path("target"), world.path("link.pdf")).unwrap();
        std::fs::create_dir(world.path("folder.pdf")).unwrap();
        let mut job = world.documents().job(spec, &world.path("job.journal")).unwrap();
        let ingester = Ingester::default();
        let (report, told) = run(&mut job, &ingester).await;
        assert_eq!((report.ingested, report.ingestion_failed), (1, 3), "{told:?}");
        assert_eq!(ingester.names(), ["a.pdf"]);
        assert!(world.is_there("link.pdf") && world.is_there("folder.pdf") && world.is_there("target"));
        let kinds: Vec<_> = job.records().iter().map(|r| r.errors.last().map(|e| e.kind.clone())).collect();
        let invalid = Some("invalid_input".to_owned());
        assert_eq!(kinds, [None, Some("not_found".to_owned()), invalid.clone(), invalid]);
    }
}

/// Two processes never work on one job; a journal is of one job and one place.
#[tokio::test]
async fn a_job_is_worked_on_by_one_and_a_journal_is_of_one_job() {
    let world = World::memory();
    let job = world.job(&TWO);
    let open = |names: &[&str]| world.documents().job(world.spec(names), &world.path("job.journal"));
    assert_eq!(open(&TWO).unwrap_err().kind(), ErrorKind::Conflict);
    drop(job);
    assert_eq!(open(&["a.pdf"]).unwrap_err().kind(), ErrorKind::Conflict);
    let elsewhere = World::folder();
    let error = elsewhere.documents().job(world.spec(&TWO), &world.path("job.journal")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    open(&TWO).unwrap();
}

/// A call that is dropped leaves the job to be opened again.
#[tokio::test]
async fn a_call_that_is_cut_off_is_gone_on_with_by_opening_the_job_again() {
    let world = World::memory();
    let mut job = world.job(&TWO);
    let never = |_: holdall::document::Ready| std::future::pending();
    let cut = tokio::time::timeout(std::time::Duration::from_millis(200), job.run(&never, &mut |_| ())).await;
    assert!(cut.is_err());
    assert_eq!(job.publish(&mut |_| ()).await.unwrap_err().kind(), ErrorKind::Conflict);
    drop(job);
    let (report, _) = run(&mut world.job(&TWO), &Ingester::default()).await;
    assert_eq!(report.deleted, 2);
}
