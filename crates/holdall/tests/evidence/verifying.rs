//! What a verification says.

use crate::world::{World, bundle, decision, name, said, store};
use holdall::ErrorKind;
use holdall::evidence::{AttachOptions, VerifyOptions};

#[tokio::test]
/// EVI-9, EVI-11
async fn each_thing_is_told_with_what_speaks_for_it() {
    for world in World::all() {
        let evidence = &world.evidence;
        for id in ["d-1", "d-2"] {
            store(evidence, &bundle(id, "1")).await.unwrap();
        }
        evidence.attach(&decision("d-1"), &name("a"), &"x".into(), &AttachOptions::default()).await.unwrap();
        assert_eq!(world.verify().await, ["d-1 read", "d-2 read", "d-1/a recorded"], "{}", world.name);
        let one = VerifyOptions { decision: Some(decision("d-1")), deep: true };
        assert_eq!(said(evidence, &one).await, ["d-1 read", "d-1/a read"]);
        world.store.put("evidence/risk/2025/01/d-1.json", "{}").await.unwrap();
        world.store.put("evidence/README", "x").await.unwrap();
        world.store.put("attachments/2025/01/d-9/b", "x").await.unwrap();
        world.store.put("attachments/notes.txt", "x").await.unwrap();
        let mut said = world.verify().await;
        said.sort();
        let wanted =
            ["? invalid_input", "d-1 not_found", "d-1 read", "d-1/a recorded", "d-2 read", "d-9/b not_found"];
        assert_eq!(said, wanted, "{}", world.name);
        let none = VerifyOptions { decision: Some(decision("d-7")), deep: false };
        let error = evidence.verify(&none, |_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
