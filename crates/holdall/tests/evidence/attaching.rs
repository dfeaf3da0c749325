//! Attachments.

use crate::world::{World, at, decision, in_time, name, said};
use holdall::evidence::{AttachOptions, Content, Exclusive, Outcome, VerifyOptions};
use holdall::{ErrorKind, State};

fn on(moment: &str) -> AttachOptions {
    AttachOptions { at: Some(at(moment)), ..AttachOptions::default() }
}

#[tokio::test]
/// EVI-11
async fn a_name_is_taken_once_for_all_months_and_listed_by_the_decision_alone() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let january = on("2026-01-31T23:59:59Z");
        let stored = evidence.attach(&id, &name("scan.pdf"), &"one".into(), &january).await.unwrap();
        assert_eq!(stored.key.as_str(), "attachments/2026/01/d-1/scan.pdf");
        let february = on("2026-02-01T00:00:00Z");
        let error = evidence.attach(&id, &name("scan.pdf"), &"two".into(), &february).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", world.name);
        let same = evidence.attach(&id, &name("scan.pdf"), &"one".into(), &february).await.unwrap();
        assert_eq!((same.outcome, same.key), (Outcome::Unchanged, stored.key));
        evidence.attach(&id, &name("log.txt"), &"two".into(), &february).await.unwrap();
        evidence.attach(&decision("d-10"), &name("other"), &"x".into(), &february).await.unwrap();
        let found = evidence.attachments(&id).await.unwrap();
        let lines: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {}", one.key.as_str(), one.size, one.content_type.as_deref().unwrap()))
            .collect();
        assert_eq!(
            lines,
            [
                "attachments/2026/02/d-1/log.txt 3 text/plain; charset=utf-8",
                "attachments/2026/01/d-1/scan.pdf 3 application/pdf",
            ]
        );
        let object = evidence.open_attachment(&id, &name("scan.pdf")).await.unwrap();
        assert_eq!(object.bytes().await.unwrap(), "one");
        let missing = evidence.open_attachment(&id, &name("none")).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
/// EVI-11
async fn an_attachment_has_its_type_and_metadata() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let options = AttachOptions {
            content_type: Some("application/x-own".into()),
            metadata: [("page".to_owned(), "3".to_owned())].into(),
            ..AttachOptions::default()
        };
        let file = world.dir.path().join("file");
        std::fs::write(&file, "bytes of a file").unwrap();
        evidence.attach(&id, &name("x.pdf"), &Content::File(file), &options).await.unwrap();
        let object = evidence.open_attachment(&id, &name("x.pdf")).await.unwrap();
        let attributes = &object.metadata.attributes;
        assert_eq!(attributes.content_type.as_deref(), Some("application/x-own"), "{}", world.name);
        assert_eq!(attributes.metadata["page"], "3");
        assert_eq!(object.bytes().await.unwrap(), "bytes of a file");
    }
}

#[tokio::test]
/// EVI-11
async fn a_large_file_goes_in_parts_and_is_proved() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let bytes: Vec<u8> =
            (0..11_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let file = world.dir.path().join("file");
        std::fs::write(&file, &bytes).unwrap();
        let content = Content::File(file);
        evidence.attach(&id, &name("video.mp4"), &content, &AttachOptions::default()).await.unwrap();
        let object = evidence.open_attachment(&id, &name("video.mp4")).await.unwrap();
        assert!(object.bytes().await.unwrap() == bytes, "{}", world.name);
        let deep = VerifyOptions { deep: true, ..VerifyOptions::default() };
        assert_eq!(said(evidence, &deep).await, ["d-1/video.mp4 read"]);
        let again =
            evidence.attach(&id, &name("video.mp4"), &content, &AttachOptions::default()).await.unwrap();
        assert_eq!(again.outcome, Outcome::Unchanged);
    }
}

#[tokio::test]
/// EVI-11
async fn a_claim_without_its_bytes_is_completed_by_the_same_and_refused_to_others() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let january = on("2026-01-31T23:59:59Z");
        let stored = evidence.attach(&id, &name("a"), &"one".into(), &january).await.unwrap();
        world.store.delete(stored.key.as_str()).await.unwrap();
        let missing = evidence.open_attachment(&id, &name("a")).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Incomplete);
        assert_eq!(world.verify().await, ["d-1/a incomplete"]);
        let march = on("2026-03-01T00:00:00Z");
        let other = evidence.attach(&id, &name("a"), &"two".into(), &march).await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Conflict, "{}: {other}", world.name);
        let again = evidence.attach(&id, &name("a"), &"one".into(), &march).await.unwrap();
        assert_eq!((again.outcome, again.key), (Outcome::Completed, stored.key));
        world.store.delete(again_key()).await.unwrap();
        assert_eq!(
            evidence.remove_attachment(&id, &name("a"), Exclusive::Required).await.unwrap(),
            State::Stored
        );
        evidence.attach(&id, &name("a"), &"two".into(), &march).await.unwrap();
        assert_eq!(world.verify().await, ["d-1/a recorded"]);
    }
}

fn again_key() -> &'static str {
    "attachments/2026/01/d-1/a"
}

#[tokio::test]
/// EVI-11
async fn bytes_that_are_others_are_found_out() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let january = on("2026-01-31T23:59:59Z");
        evidence.attach(&id, &name("a"), &"one".into(), &january).await.unwrap();
        world.store.put(again_key(), "two").await.unwrap();
        let error = evidence.open_attachment(&id, &name("a")).await;
        let kind = match error {
            Err(error) => error.kind(),
            Ok(_) => ErrorKind::NotFound,
        };
        assert_eq!(kind, ErrorKind::Integrity, "{}", world.name);
        assert_eq!(world.verify().await, ["d-1/a integrity"]);
    }
}

#[tokio::test]
/// EVI-11
async fn a_place_that_nobody_claimed_is_not_written_over() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        let january = on("2026-01-31T23:59:59Z");
        world.store.put(again_key(), "theirs").await.unwrap();
        let large = world.dir.path().join("large");
        std::fs::write(&large, vec![7; 9 << 20]).unwrap();
        for content in ["one".into(), Content::File(large)] {
            let error = in_time(evidence.attach(&id, &name("a"), &content, &january)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", world.name);
            assert!(error.hint().unwrap().contains("adopt"), "{error}");
        }
        assert_eq!(world.store.get(again_key()).await.unwrap().bytes().await.unwrap(), "theirs");
        assert!(evidence.attachments(&id).await.unwrap().is_empty());
        // In another month it has a place of its own.
        evidence.attach(&id, &name("a"), &"one".into(), &on("2026-02-01T00:00:00Z")).await.unwrap();
    }
}

#[tokio::test]
/// EVI-11
async fn what_is_no_file_is_not_attached() {
    let world = World::memory();
    let (evidence, id) = (&world.evidence, decision("d-1"));
    let folder = Content::File(world.dir.path().to_owned());
    let error = evidence.attach(&id, &name("a"), &folder, &AttachOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let gone = Content::File(world.dir.path().join("none"));
    let error = evidence.attach(&id, &name("a"), &gone, &AttachOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(world.keys().await.is_empty());
}
