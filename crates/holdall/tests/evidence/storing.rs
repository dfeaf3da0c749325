//! Storing and retrieving bundles.

use crate::world::{REPLACE, World, at, bundle, decision, read, store};
use holdall::evidence::{Evidence, Exclusive, Json, NewBundle, Outcome, StoreOptions};
use holdall::{ErrorKind, EvidenceType, Root, State, Store};

const CLAIM: &str = "evidence/by-id/d-1.json";
const JANUARY: &str = "evidence/risk/2026/01/d-1.json";

#[tokio::test]
/// EVI-8, EVI-9
async fn a_bundle_is_read_by_its_decision_alone_and_its_checksum_is_proved() {
    for world in World::all() {
        let mut new = bundle("d-1", r#"{"b":1.50,"a":["é",null]}"#);
        new.metadata = Json::parse(br#"{"model":"m-3"}"#).unwrap();
        let stored = store(&world.evidence, &new).await.unwrap();
        assert_eq!(
            (stored.key.as_str(), stored.outcome, stored.state),
            (JANUARY, Outcome::Stored, State::Stored)
        );
        assert_eq!(stored.exclusive, Exclusive::Required, "{}", world.name);
        let found = world.evidence.retrieve(&decision("d-1")).await.unwrap();
        assert_eq!(found.data.canonical(), r#"{"a":["é",null],"b":1.5}"#);
        assert_eq!(found.checksum, found.data.checksum().to_hex());
        assert_eq!((found.created_at, found.version.as_str()), (at("2026-01-15T12:00:00Z"), "1.0"));
        assert_eq!(found.metadata.canonical(), r#"{"model":"m-3"}"#);
        assert!(found.checksum_state.is_canonical());
        assert_eq!(world.keys().await, [CLAIM, JANUARY]);
        let object = world.store.get(JANUARY).await.unwrap();
        assert_eq!(object.metadata.attributes.content_type.as_deref(), Some("application/json"));
        assert_eq!(object.bytes().await.unwrap(), found.document);
    }
}

#[tokio::test]
/// EVI-10
async fn another_bundle_of_the_decision_is_refused_whatever_its_type_and_month() {
    for world in World::all() {
        store(&world.evidence, &bundle("d-1", "1")).await.unwrap();
        let other_type = NewBundle { kind: EvidenceType::parse("price").unwrap(), ..bundle("d-1", "1") };
        let other_month = NewBundle { created_at: Some(at("2026-02-15T12:00:00Z")), ..bundle("d-1", "1") };
        let mut other_metadata = bundle("d-1", "1");
        other_metadata.metadata = Json::parse(br#"{"by":"x"}"#).unwrap();
        for other in [bundle("d-1", "2"), other_type, other_month, other_metadata] {
            let error = store(&world.evidence, &other).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", world.name);
            assert!(error.hint().unwrap().contains("replace"));
        }
        assert_eq!(read(&world.evidence, "d-1").await, "1");
        assert_eq!(world.keys().await, [CLAIM, JANUARY], "nothing is half written");
    }
}

#[tokio::test]
/// EVI-10
async fn the_same_again_changes_nothing_and_is_no_error() {
    for world in World::all() {
        let new = NewBundle { created_at: None, ..bundle("d-1", "1") };
        let first = store(&world.evidence, &new).await.unwrap();
        let before = world.store.head(first.key.as_str()).await.unwrap();
        let again = store(&world.evidence, &new).await.unwrap();
        assert_eq!((again.outcome, &again.key), (Outcome::Unchanged, &first.key), "{}", world.name);
        assert!(world.store.head(first.key.as_str()).await.unwrap().is_same_object(&before));
    }
}

#[tokio::test]
/// EVI-10
async fn a_claim_without_its_bundle_is_completed_by_the_same_and_refused_to_others() {
    for world in World::all() {
        let new = NewBundle { created_at: None, ..bundle("d-1", "1") };
        let stored = store(&world.evidence, &new).await.unwrap();
        world.store.delete(stored.key.as_str()).await.unwrap();
        assert_eq!(read(&world.evidence, "d-1").await, "incomplete");
        assert_eq!(world.verify().await, ["d-1 incomplete"]);
        let error = store(&world.evidence, &bundle("d-1", "2")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}: {error}", world.name);
        let again = store(&world.evidence, &new).await.unwrap();
        assert_eq!((again.outcome, again.key.clone()), (Outcome::Completed, stored.key.clone()));
        assert_eq!(read(&world.evidence, "d-1").await, "1");
        // What will never come gives way to what is asked to replace it.
        world.store.delete(stored.key.as_str()).await.unwrap();
        let replaced = world.evidence.store(&bundle("d-1", "2"), &REPLACE).await.unwrap();
        assert_eq!(replaced.outcome, Outcome::Replaced);
        assert_eq!(
            (read(&world.evidence, "d-1").await, world.verify().await),
            ("2".into(), vec!["d-1 read".into()])
        );
    }
}

#[tokio::test]
/// EVI-10
async fn a_bundle_is_replaced_where_that_is_asked_for() {
    for world in World::all() {
        store(&world.evidence, &bundle("d-1", "1")).await.unwrap();
        let here = world.evidence.store(&bundle("d-1", "2"), &REPLACE).await.unwrap();
        assert_eq!((here.outcome, here.key.as_str()), (Outcome::Replaced, JANUARY), "{}", world.name);
        assert_eq!(read(&world.evidence, "d-1").await, "2");
        let elsewhere = NewBundle {
            kind: EvidenceType::parse("price").unwrap(),
            created_at: Some(at("2026-02-15T12:00:00Z")),
            ..bundle("d-1", "3")
        };
        world.evidence.store(&elsewhere, &REPLACE).await.unwrap();
        assert_eq!(read(&world.evidence, "d-1").await, "3");
        assert_eq!(world.keys().await, [CLAIM, "evidence/price/2026/02/d-1.json"], "the old place is empty");
        assert_eq!(world.verify().await, ["d-1 read"]);
        let same = world.evidence.store(&elsewhere, &REPLACE).await.unwrap();
        assert_eq!(same.outcome, Outcome::Unchanged);
    }
}

#[tokio::test]
/// EVI-10
async fn what_no_claim_names_is_neither_read_nor_replaced() {
    for world in World::all() {
        world.store.put(JANUARY, "somebody's").await.unwrap();
        assert_eq!(read(&world.evidence, "d-1").await, "not_found");
        for options in [StoreOptions::default(), REPLACE] {
            let error = world.evidence.store(&bundle("d-1", "1"), &options).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", world.name);
            assert!(error.hint().unwrap().contains("adopt"));
        }
        let elsewhere = NewBundle { created_at: Some(at("2026-02-15T12:00:00Z")), ..bundle("d-1", "1") };
        store(&world.evidence, &elsewhere).await.unwrap();
        let error = world.evidence.store(&bundle("d-1", "2"), &REPLACE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}: {error}", world.name);
        assert_eq!(world.store.get(JANUARY).await.unwrap().bytes().await.unwrap(), "somebody's");
        assert_eq!(read(&world.evidence, "d-1").await, "1");
    }
}

#[tokio::test]
/// EVI-9
async fn a_bundle_that_was_changed_is_not_given_out() {
    for world in World::all() {
        store(&world.evidence, &bundle("d-1", r#"{"score":0.75}"#)).await.unwrap();
        let document = world.store.get(JANUARY).await.unwrap().bytes().await.unwrap();
        let forged = String::from_utf8(document.to_vec()).unwrap().replace("0.75", "0.95");
        world.store.put(JANUARY, forged).await.unwrap();
        let error = world.evidence.retrieve(&decision("d-1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "{}: {error}", world.name);
        assert!(error.message().contains("not what its claim says"), "{error}");
        assert_eq!(world.verify().await, ["d-1 integrity"]);
        let error = store(&world.evidence, &bundle("d-1", r#"{"score":0.75}"#)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        world.evidence.store(&bundle("d-1", r#"{"score":0.75}"#), &REPLACE).await.unwrap();
        assert_eq!(read(&world.evidence, "d-1").await, r#"{"score":0.75}"#);
    }
}

#[tokio::test]
/// EVI-8
async fn what_cannot_be_a_bundle_is_refused_before_anything_is_written() {
    let world = World::memory();
    let mut no_object = bundle("d-1", "1");
    no_object.metadata = Json::parse(b"[]").unwrap();
    let claims = NewBundle { kind: EvidenceType::parse("by-id").unwrap(), ..bundle("d-1", "1") };
    let large = Json::from_value(serde_json::json!("x".repeat(65 << 20))).unwrap();
    let large = NewBundle { data: large, ..bundle("d-1", "1") };
    for (bad, why) in [(no_object, "metadata"), (claims, "by-id"), (large, "too large")] {
        let error = store(&world.evidence, &bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.message().contains(why), "{error}");
    }
    assert!(world.keys().await.is_empty());
}

#[tokio::test]
/// EVI-8
async fn collections_may_lie_anywhere_but_in_one_another() {
    let store = Store::memory();
    let at =
        |one: &str, other: &str| Evidence::at(&store, Root::parse(one).unwrap(), Root::parse(other).unwrap());
    for (one, other) in [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("", "a"), ("", "")] {
        assert_eq!(at(one, other).unwrap_err().kind(), ErrorKind::Config, "{one} {other}");
    }
    let evidence = at("x/bundles", "x/files").unwrap();
    crate::world::store(&evidence, &bundle("d-1", "1")).await.unwrap();
    assert!(store.exists("x/bundles/risk/2026/01/d-1.json").await.unwrap());
}
