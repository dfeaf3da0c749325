//! Removing bundles and attachments.

use crate::world::{World, bundle, decision, name, read, store};
use holdall::evidence::{AttachOptions, Exclusive, Outcome, RemoveOptions};
use holdall::{ErrorKind, State};

const ALL: RemoveOptions = RemoveOptions { attachments: true, exclusive: Exclusive::Required };

#[tokio::test]
/// EVI-9, EVI-11
async fn removing_a_bundle_says_what_it_keeps_and_removes_attachments_when_asked() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        store(evidence, &bundle("d-1", "1")).await.unwrap();
        for file in ["a", "b"] {
            evidence.attach(&id, &name(file), &"x".into(), &AttachOptions::default()).await.unwrap();
        }
        let removed = evidence.remove(&id, &RemoveOptions::default()).await.unwrap();
        assert_eq!((removed.bundle, removed.state), (true, State::Stored), "{}", world.name);
        assert_eq!((removed.removed, removed.kept), (vec![], vec![name("a"), name("b")]));
        assert_eq!(read(evidence, "d-1").await, "not_found");
        assert!(!world.store.exists("evidence/risk/2026/01/d-1.json").await.unwrap());
        assert_eq!(evidence.attachments(&id).await.unwrap().len(), 2);
        let again = evidence.remove(&id, &RemoveOptions::default()).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
        let removed = evidence.remove(&id, &ALL).await.unwrap();
        assert_eq!((removed.bundle, removed.removed.len(), removed.kept.len()), (false, 2, 0));
        assert!(evidence.attachments(&id).await.unwrap().is_empty());
        assert!(world.keys().await.iter().all(|key| key.contains("/by-id/")), "{:?}", world.keys().await);
        assert_eq!(evidence.remove(&id, &ALL).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(world.verify().await.is_empty());
    }
}

#[tokio::test]
/// EVI-10
async fn what_was_removed_can_be_stored_again_and_nothing_comes_back_by_itself() {
    for world in World::all() {
        let (evidence, id) = (&world.evidence, decision("d-1"));
        store(evidence, &bundle("d-1", "1")).await.unwrap();
        evidence.remove(&id, &RemoveOptions::default()).await.unwrap();
        evidence.adopt(&Default::default(), |_| ()).await.unwrap();
        assert_eq!(read(evidence, "d-1").await, "not_found");
        let again = store(evidence, &bundle("d-1", "2")).await.unwrap();
        assert_eq!(again.outcome, Outcome::Stored, "{}", world.name);
        assert_eq!(
            (read(evidence, "d-1").await, world.verify().await),
            ("2".into(), vec!["d-1 read".into()])
        );
    }
}

#[tokio::test]
/// EVI-9
async fn a_decision_without_evidence_is_not_found() {
    for world in World::all() {
        let error = world.evidence.remove(&decision("d-1"), &ALL).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", world.name);
        assert!(world.keys().await.is_empty());
    }
}
