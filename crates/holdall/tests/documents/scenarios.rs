//! The scenarios of the documents' users, each by its id.

use crate::world::{Ingester, REFERENCE, World, run, source, urls};
use holdall::document::{FileState, IngestionState, Output, OutputKind, Reference, State, UploadState};
use holdall_testing::fault::{Fault, Kind, Rule};

const THREE: [&str; 3] = ["a.pdf", "b.pdf", "c.pdf"];

fn all_uploaded(world: &World) -> Vec<Option<String>> {
    ["001_a.pdf", "002_b.pdf", "003_c.pdf"].map(|name| world.url(name)).into()
}

/// ORC-1, DOC-3, DOC-4, MEM-1, MEM-2: published documents have the store's public URLs.
#[tokio::test]
async fn each_file_is_uploaded_and_each_record_has_its_public_url() {
    for world in [World::s3(), World::memory()] {
        let mut job = world.job(&THREE);
        let report = job.publish(&mut |_| ()).await.unwrap();
        assert_eq!((report.uploaded, report.upload_failed, report.deleted), (3, 0, 0));
        assert_eq!(urls(&job), all_uploaded(&world));
        assert_eq!(world.text("planning/25_00284_F/002_b.pdf").await, "b.pdf");
        assert!(
            job.records().iter().all(|record| record.state == State::Uploaded && record.verified.is_some())
        );
        assert!(THREE.iter().all(|name| world.is_there(name)), "nothing goes before it is ingested");
    }
}

/// ORC-2, DOC-7
#[tokio::test]
async fn a_file_is_gone_once_it_is_uploaded_and_ingested() {
    for world in [World::s3(), World::memory()] {
        let (mut job, ingester) = (world.job(&THREE), Ingester::default());
        let (report, told) = run(&mut job, &ingester).await;
        assert_eq!((report.uploaded, report.ingested, report.deleted), (3, 3, 3), "{told:?}");
        assert!(!THREE.iter().any(|name| world.is_there(name)));
        let handed = ingester.handed.lock().unwrap();
        assert_eq!(handed[0].url, world.url("001_a.pdf"), "the ingester has the public URL");
        let records = job.records();
        assert!(
            records.iter().all(|record| record.state == State::Deleted && record.file == FileState::Deleted)
        );
    }
}

/// ORC-3, DOC-7
#[tokio::test]
async fn a_file_whose_ingestion_fails_stays() {
    for world in [World::s3(), World::memory()] {
        let (mut job, ingester) = (world.job(&THREE), Ingester::refusing("b.pdf"));
        let (report, told) = run(&mut job, &ingester).await;
        assert_eq!((report.ingested, report.ingestion_failed, report.deleted), (2, 1, 2));
        assert_eq!(THREE.map(|name| world.is_there(name)), [false, true, false]);
        assert!(told.contains(&"2 not ingested: it is no PDF".to_owned()), "{told:?}");
        assert_eq!(job.records()[1].url, world.url("002_b.pdf"));
        drop(job);
        // A later run tries again.
        let (report, _) = run(&mut world.job_again(&THREE), &Ingester::default()).await;
        assert_eq!((report.ingested, report.deleted), (3, 3));
        assert!(!world.is_there("b.pdf"));
    }
}

/// ORC-4, DOC-5, DOC-8: the error has the key, the attempts and the last cause.
#[tokio::test]
async fn a_file_whose_upload_fails_stays_with_its_source_url_and_is_ingested() {
    let world = World::s3();
    world.server().add_rule(Rule::new(Fault::refuse(500, "InternalError")).on(Kind::Put).key("002_b"));
    let (mut job, ingester) = (world.job(&THREE), Ingester::default());
    let (report, told) = run(&mut job, &ingester).await;
    assert_eq!((report.uploaded, report.upload_failed, report.ingested, report.deleted), (2, 1, 3, 2));
    assert_eq!(THREE.map(|name| world.is_there(name)), [false, true, false], "{told:?}");
    let record = &job.records()[1];
    assert_eq!((record.url.clone(), record.upload), (Some(source("b.pdf")), UploadState::Failed));
    assert_eq!(record.ingestion, IngestionState::Ingested);
    let said = record.errors[0].to_string();
    for part in ["key=\"planning/25_00284_F/002_b.pdf\"", "attempts=3", "InternalError"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(ingester.handed.lock().unwrap()[1].url, Some(source("b.pdf")));
    drop(job);
    // A later run uploads it, and has nothing ingested twice.
    world.up();
    let ingester = Ingester::default();
    let (report, _) = run(&mut world.job_again(&THREE), &ingester).await;
    assert_eq!((report.uploaded, report.deleted), (3, 3));
    assert_eq!(ingester.names(), [""; 0]);
}

/// ORC-5, DOC-1, LOC-1, LOC-2, LOC-3, LOC-4: in a folder nothing is uploaded, copied or deleted.
#[tokio::test]
async fn where_the_store_is_a_folder_everything_stays_as_it_is() {
    let world = World::folder();
    assert!(!world.store.is_remote() && !world.documents().publishes());
    let (mut job, ingester) = (world.job(&THREE), Ingester::refusing("c.pdf"));
    let (report, told) = run(&mut job, &ingester).await;
    assert_eq!((report.uploaded, report.ingested, report.ingestion_failed, report.deleted), (0, 2, 1, 0));
    assert_eq!(told, ["1 ingested", "2 ingested", "3 not ingested: it is no PDF"]);
    assert_eq!(urls(&job), THREE.map(|name| Some(source(name))));
    assert!(THREE.iter().all(|name| world.is_there(name)));
    assert_eq!(world.keys().await, [""; 0]);
    let key = holdall::Key::parse("planning/25_00284_F/001_a.pdf").unwrap();
    assert_eq!(world.documents().url(&key).unwrap(), None);
}

/// S3B-1, DOC-3
#[tokio::test]
async fn an_upload_has_the_bucket_the_key_and_the_acl_of_the_settings() {
    let world = World::s3();
    run(&mut world.job(&["a.pdf"]), &Ingester::default()).await;
    let puts = world.seen(Kind::Put);
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0].path, format!("/{}/planning/25_00284_F/001_a.pdf", world.bucket));
    assert_eq!(puts[0].header("x-amz-acl"), Some("public-read"));
    assert_eq!(puts[0].header("content-type"), Some("application/pdf"));
}

/// S3B-3, S3B-4, DOC-5: attempts are counted in all.
#[tokio::test]
async fn an_upload_is_tried_as_often_as_the_settings_say() {
    for (failures, uploaded, attempts) in [(2, 1, 3), (3, 0, 3)] {
        let world = World::s3();
        let fails = Rule::new(Fault::refuse(503, "SlowDown")).on(Kind::Put).key("001_a").first(failures);
        world.server().add_rule(fails);
        let mut job = world.job(&["a.pdf"]);
        let report = job.publish(&mut |_| ()).await.unwrap();
        assert_eq!(report.uploaded, uploaded, "{failures}");
        assert_eq!(world.seen(Kind::Put).len(), attempts);
    }
}

/// S3B-5, DOC-5
#[tokio::test]
async fn ten_megabytes_go_in_parts() {
    let world = World::s3();
    std::fs::write(world.path("a.pdf"), vec![7; 10_000_000]).unwrap();
    let (report, _) = run(&mut world.job(&["a.pdf"]), &Ingester::default()).await;
    assert_eq!((report.uploaded, report.deleted), (1, 1));
    assert_eq!(world.seen(Kind::UploadPart).len(), 2);
    assert_eq!(world.seen(Kind::CreateMultipartUpload)[0].header("x-amz-acl"), Some("public-read"));
    assert_eq!(world.text("planning/25_00284_F/001_a.pdf").await.len(), 10_000_000);
}

/// DOC-3: a bucket that refuses ACLs is known by its hint, and no document is lost to it.
#[tokio::test]
async fn a_bucket_that_refuses_acls_says_what_to_do() {
    let world = World::s3();
    let refusal = Fault::refuse(400, "AccessControlListNotSupported");
    world.server().add_rule(Rule::new(refusal).on(Kind::Put).header("x-amz-acl"));
    let (mut job, ingester) = (world.job(&["a.pdf"]), Ingester::default());
    let (report, _) = run(&mut job, &ingester).await;
    assert_eq!((report.upload_failed, report.ingested, report.deleted), (1, 1, 0));
    assert!(world.is_there("a.pdf"));
    let fault = &job.records()[0].errors[0];
    assert_eq!(fault.kind, "unsupported");
    assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains("the bucket refuses ACLs")), "{fault:?}");
}

/// DOC-3: private documents are uploaded, and keep their source URLs, since theirs in the store would not last.
#[tokio::test]
async fn private_documents_keep_their_source_urls() {
    let world = World::s3_with(&[("HOLDALL_ACL", "none")]);
    let mut job = world.job(&["a.pdf"]);
    let (report, _) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.uploaded, report.deleted), (1, 1));
    assert_eq!(urls(&job), [Some(source("a.pdf"))]);
    assert_eq!(job.records()[0].key.as_deref(), Some("planning/25_00284_F/001_a.pdf"));
}

fn review() -> Output {
    Output::new(OutputKind::Review, "r1").unwrap().json("{}").markdown("# Review")
}

/// ITS-1: a whole review on S3: uploads, URLs, clean-up, outputs.
#[tokio::test]
async fn a_whole_review_on_s3() {
    let world = World::s3();
    let mut job = world.job(&THREE);
    let (report, _) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.uploaded, report.deleted), (3, 3));
    assert_eq!(urls(&job), all_uploaded(&world));
    let outputs = world.documents().put_output(job.reference(), &review()).await;
    assert_eq!((outputs.stored.len(), outputs.failed.len()), (2, 0));
    let keys = world.keys().await;
    assert_eq!(
        keys,
        ["001_a.pdf", "002_b.pdf", "003_c.pdf", "output/r1_review.json", "output/r1_review.md"]
            .map(|name| format!("planning/25_00284_F/{name}"))
    );
}

/// ITS-2: a whole review where the store is a folder.
#[tokio::test]
async fn a_whole_review_without_s3() {
    let world = World::folder();
    let mut job = world.job(&THREE);
    let (report, _) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.ingested, report.deleted), (3, 0));
    let outputs = world.documents().put_output(job.reference(), &review()).await;
    assert_eq!((outputs.stored.len(), outputs.failed.len()), (0, 0));
    assert_eq!(world.keys().await, [""; 0]);
}

/// ITS-3: a letter.
#[tokio::test]
async fn the_output_of_a_letter() {
    let world = World::s3();
    let letter = Output::new(OutputKind::Letter, "l1").unwrap().json("{}").markdown("Dear");
    let outputs = world.documents().put_output(&Reference::parse(REFERENCE).unwrap(), &letter).await;
    assert!(outputs.failed.is_empty());
    let names = ["output/l1_letter.json", "output/l1_letter.md"];
    assert_eq!(world.keys().await, names.map(|name| format!("planning/25_00284_F/{name}")));
}

/// ITS-4, DOC-8: the third upload fails.
#[tokio::test]
async fn two_urls_of_the_store_and_one_of_the_source() {
    let world = World::s3();
    world.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("003_c"));
    let mut job = world.job(&THREE);
    let (report, _) = run(&mut job, &Ingester::default()).await;
    assert_eq!((report.documents, report.ingested, report.upload_failed), (3, 3, 1));
    assert_eq!(urls(&job), [world.url("001_a.pdf"), world.url("002_b.pdf"), Some(source("c.pdf"))]);
    assert!(world.is_there("c.pdf"));
}
