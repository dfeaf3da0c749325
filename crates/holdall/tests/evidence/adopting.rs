//! Claims for what other programs stored.

use crate::world::{World, bundle, decision, read, store};
use holdall::EvidenceType;
use holdall::evidence::{AdoptOptions, ChecksumState};

/// A bundle as another program writes it: indented, a naive time, and a checksum of its own kind.
const FOREIGN: &str = r#"{
  "decision_id": "d-1", "evidence_type": "risk", "version": "1.0", "created_at": "2025-11-02T08:30:00.123456",
  "checksum": "c0ffee", "metadata": {}, "evidence_data": {"b": 1.0, "a": "x"}
}"#;

async fn adopt(world: &World, options: &AdoptOptions) -> Vec<String> {
    let mut lines = Vec::new();
    let line = |adopted: holdall::evidence::Adopted| {
        let key = adopted.key.map_or("?".to_owned(), |key| key.as_str().to_owned());
        let result = adopted.result.map_or_else(|e| e.kind().to_string(), |done| done.as_str().to_owned());
        lines.push(format!("{key} {result}"));
    };
    world.evidence.adopt(options, line).await.unwrap();
    lines
}

#[tokio::test]
/// MIG-1
async fn existing_bundles_get_claims_and_keep_every_byte() {
    for world in World::all() {
        let foreign = "evidence/risk/2025/11/d-1.json";
        let own = "evidence/risk/2026/01/d-2.json";
        world.store.put(foreign, FOREIGN).await.unwrap();
        store(&world.evidence, &bundle("d-2", "1")).await.unwrap();
        world.store.delete("evidence/by-id/d-2.json").await.unwrap();
        world.store.put("attachments/2025/11/d-1/scan.pdf", "%PDF").await.unwrap();
        let before = world.keys().await;
        let dry = AdoptOptions { dry_run: true, ..AdoptOptions::default() };
        let wanted = [
            format!("{foreign} checksum_kept"),
            format!("{own} adopted"),
            "attachments/2025/11/d-1/scan.pdf adopted".to_owned(),
        ];
        assert_eq!(adopt(&world, &dry).await, wanted, "{}", world.name);
        assert_eq!(world.keys().await, before, "a dry run writes nothing");
        assert_eq!(adopt(&world, &AdoptOptions::default()).await, wanted);
        let again = adopt(&world, &AdoptOptions::default()).await;
        assert!(again.iter().all(|line| line.ends_with(" claimed")), "{again:?}");
        assert_eq!(world.store.get(foreign).await.unwrap().bytes().await.unwrap(), FOREIGN);
        let found = world.evidence.retrieve(&decision("d-1")).await.unwrap();
        assert_eq!((found.checksum.as_str(), found.checksum_state), ("c0ffee", ChecksumState::Kept));
        assert_eq!(found.created_at.to_string(), "2025-11-02T08:30:00.123456Z");
        assert_eq!(world.evidence.attachments(&decision("d-1")).await.unwrap().len(), 1);
        assert!(world.evidence.retrieve(&decision("d-2")).await.unwrap().checksum_state.is_canonical());
        let verified = world.verify().await;
        assert_eq!(verified[..2], ["d-1 checksum_kept", "d-2 read"], "{}", world.name);
    }
}

#[tokio::test]
/// MIG-1
async fn an_adopted_bundle_that_changes_is_found_out_although_its_checksum_proves_nothing() {
    let world = World::memory();
    world.store.put("evidence/risk/2025/11/d-1.json", FOREIGN).await.unwrap();
    adopt(&world, &AdoptOptions::default()).await;
    world.store.put("evidence/risk/2025/11/d-1.json", FOREIGN.replace("1.0,", "2.0,")).await.unwrap();
    assert_eq!(read(&world.evidence, "d-1").await, "integrity");
}

#[tokio::test]
/// MIG-1
async fn what_cannot_be_adopted_is_told_and_the_rest_goes_on() {
    let world = World::memory();
    let put = async |key: &str, text: &str| drop(world.store.put(key, text.to_owned()).await.unwrap());
    put("evidence/price/2025/11/d-1.json", &FOREIGN.replace("risk", "price")).await;
    put("evidence/risk/2025/11/d-1.json", FOREIGN).await;
    put("evidence/risk/2025/11/d-2.json", FOREIGN).await;
    put("evidence/risk/2025/11/d-3.json", "no json").await;
    put("evidence/risk/2025/11/note.txt", "x").await;
    put("attachments/2025/10/d-1/a", "x").await;
    put("attachments/2025/11/d-1/a", "y").await;
    let said = adopt(&world, &AdoptOptions::default()).await;
    assert_eq!(
        said,
        [
            "evidence/price/2025/11/d-1.json checksum_kept",
            "evidence/risk/2025/11/d-1.json already_exists",
            "evidence/risk/2025/11/d-2.json integrity",
            "evidence/risk/2025/11/d-3.json integrity",
            "? invalid_input",
            "attachments/2025/10/d-1/a adopted",
            "attachments/2025/11/d-1/a already_exists",
        ]
    );
    let only = AdoptOptions { kind: Some(EvidenceType::parse("price").unwrap()), ..AdoptOptions::default() };
    assert_eq!(adopt(&world, &only).await, ["evidence/price/2025/11/d-1.json claimed"]);
}
