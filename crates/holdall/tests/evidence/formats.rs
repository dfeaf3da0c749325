//! The documents as they lie in a store, byte for byte, and those of later versions.

use crate::world::{World, at, bundle, decision, name, read, store};
use holdall::ErrorKind;
use holdall::evidence::{AttachOptions, Json, NewBundle, RemoveOptions};

const CLAIM: &str = "evidence/by-id/d-1.json";
const BUNDLE: &str = "evidence/risk/2026/01/d-1.json";

async fn text(world: &World, key: &str) -> String {
    let bytes = world.store.get(key).await.unwrap().bytes().await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Compares an object with a file beside this one; `HOLDALL_REWRITE=1` writes it.
async fn golden(world: &World, key: &str, file: &str) {
    let path = format!("{}/tests/evidence/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let found = text(world, key).await;
    if std::env::var_os("HOLDALL_REWRITE").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{file}");
}

fn sample() -> NewBundle {
    let mut new = bundle("d-1", r#"{"z":1e3,"score":0.75,"é":"\u2028","rules":["a",true,null]}"#);
    new.metadata = Json::parse(br#"{"model":"m-3"}"#).unwrap();
    new.created_at = Some(at("2026-01-15T12:00:00.250000"));
    new
}

#[tokio::test]
/// EVI-8
async fn documents_are_what_they_were() {
    let world = World::memory();
    store(&world.evidence, &sample()).await.unwrap();
    golden(&world, BUNDLE, "bundle-1.0.json").await;
    golden(&world, CLAIM, "claim-1.json").await;
    let options = AttachOptions { at: Some(at("2026-02-01T00:00:00Z")), ..AttachOptions::default() };
    world.evidence.attach(&decision("d-1"), &name("scan.pdf"), &"%PDF".into(), &options).await.unwrap();
    golden(&world, "attachments/by-id/d-1/scan.pdf.json", "claim-1-attachment.json").await;
}

#[tokio::test]
/// EVI-8
async fn a_bundle_has_exactly_its_seven_fields() {
    let world = World::memory();
    store(&world.evidence, &sample()).await.unwrap();
    let value: serde_json::Value = serde_json::from_str(&text(&world, BUNDLE).await).unwrap();
    let names: Vec<&String> = value.as_object().unwrap().keys().collect();
    let wanted =
        ["checksum", "created_at", "decision_id", "evidence_data", "evidence_type", "metadata", "version"];
    assert_eq!(names, wanted);
    assert_eq!(
        (value["version"].as_str(), value["created_at"].as_str()),
        (Some("1.0"), Some("2026-01-15T12:00:00.25Z"))
    );
}

#[tokio::test]
/// EVI-8, EVI-9
async fn what_a_later_version_wrote_is_refused_with_words_of_its_own() {
    for key in [CLAIM, BUNDLE] {
        let world = World::memory();
        store(&world.evidence, &sample()).await.unwrap();
        let later = text(&world, key)
            .await
            .replace("holdall.claim/1", "holdall.claim/2")
            .replace("\"1.0\"", "\"2.0\"");
        world.store.put(key, later.clone()).await.unwrap();
        if key == BUNDLE {
            // Its claim is of these bytes.
            let before = holdall::sha256(later.replace("\"2.0\"", "\"1.0\"").as_bytes()).to_hex();
            let claim =
                text(&world, CLAIM).await.replace(&before, &holdall::sha256(later.as_bytes()).to_hex());
            world.store.put(CLAIM, claim).await.unwrap();
        }
        let error = world.evidence.retrieve(&decision("d-1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.message().contains("later version"), "{error}");
        assert_eq!(world.verify().await, ["d-1 unsupported"]);
        if key == CLAIM {
            let error = store(&world.evidence, &sample()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let error = world.evidence.remove(&decision("d-1"), &RemoveOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
}

#[tokio::test]
/// EVI-9
async fn a_document_that_is_not_what_its_key_says_is_damaged() {
    let long = "x".repeat(300);
    for (from, to, why) in [
        ("\"d-1\"", "\"d-2\"", "another decision"),
        ("\"risk\"", "\"price\"", "another decision or type"),
        ("\"metadata\"", "\"remarks\"", "field"),
        ("\"version\":\"1.0\",", "", "missing"),
        ("0.75", "0.76", "checksum"),
        ("\"score\":0.75", "\"score\":1,\"score\":2", "no JSON with a canonical form"),
        ("0.75", "9007199254740993", "no JSON with a canonical form"),
        ("\"a\"", "\"\\ud800\"", "no JSON with a canonical form"),
        ("2026-01-15T12:00:00.25Z", &long, "time"),
    ] {
        let world = World::memory();
        store(&world.evidence, &sample()).await.unwrap();
        let good = text(&world, BUNDLE).await;
        let bad = good.replacen(from, to, 1);
        assert_ne!(good, bad, "{from}");
        let digest = |document: &str| holdall::sha256(document.as_bytes()).to_hex();
        let claim = crate::formats::text(&world, CLAIM).await.replace(&digest(&good), &digest(&bad));
        world.store.put(BUNDLE, bad).await.unwrap();
        world.store.put(CLAIM, claim).await.unwrap();
        let error = world.evidence.retrieve(&decision("d-1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{to}: {error}");
        assert!(error.to_string().contains(why), "{to}: {error}");
    }
}

#[tokio::test]
/// EVI-9
async fn a_claim_cannot_lead_elsewhere() {
    let world = World::memory();
    store(&world.evidence, &sample()).await.unwrap();
    world.store.put("secret.json", "theirs").await.unwrap();
    let claim = text(&world, CLAIM).await.replace("risk/2026/01/d-1.json", "../secret.json");
    world.store.put(CLAIM, claim).await.unwrap();
    assert_eq!(read(&world.evidence, "d-1").await, "integrity");
    let error = world.evidence.remove(&decision("d-1"), &RemoveOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(world.store.exists("secret.json").await.unwrap());
}
