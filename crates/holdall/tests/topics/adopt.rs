//! What others put below the root of topics.

use crate::world::{World, in_time, push, verify};
use holdall::topic::{AdoptOptions, Adopted, Claim, Title};
use holdall::{ErrorKind, Result};
use holdall_testing::fault::{Fault, Kind, Rule};

async fn adopt(world: &World, name: &str, options: &AdoptOptions) -> Result<Adopted> {
    in_time(world.topics().adopt(name, options, &mut |_| ())).await
}

async fn put_old(world: &World, keys: &[&str]) {
    for key in keys {
        world.store.put(&format!("topics/{key}"), key.to_string()).await.unwrap();
    }
}

/// MIG-1 of TOP: payload is not touched, and what is there verifies.
#[tokio::test]
async fn old_folders_get_a_record_and_a_manifest_and_nothing_else_changes() {
    for world in World::all() {
        put_old(&world, &["sets/scene1/Scene1.mp4", "sets/a b.srt", "sets/topic.json"]).await;
        let before = world.store.head("topics/sets/a b.srt").await.unwrap();
        let dry = AdoptOptions { dry_run: true, ..AdoptOptions::default() };
        let planned = adopt(&world, "sets", &dry).await.unwrap();
        assert_eq!((planned.claim, planned.objects, planned.read), (Claim::Free, 3, 0));
        assert_eq!(world.names().await.len(), 3);
        let adopted = adopt(&world, "sets", &AdoptOptions::default()).await.unwrap();
        assert_eq!((adopted.claim, adopted.objects), (Claim::Made, 3), "{}", world.kind());
        assert!(before.is_same_object(&world.store.head("topics/sets/a b.srt").await.unwrap()));
        let topic = world.topics().find("sets").await.unwrap();
        assert!(topic.title().is_none());
        let found = verify(&topic, None).await;
        assert_eq!((found.differences(), found.unproven), (0, 0));
        let again = adopt(&world, "sets", &AdoptOptions::default()).await.unwrap();
        assert_eq!((again.claim, again.was_described, again.objects), (Claim::Held, true, 0));
    }
}

/// TOP-3
#[tokio::test]
async fn a_topic_without_a_title_takes_the_first_that_is_said() {
    for world in World::all() {
        put_old(&world, &["sets/x"]).await;
        adopt(&world, "sets", &AdoptOptions::default()).await.unwrap();
        assert_eq!(push(&world.topic("Sets"), &world.files("out", &["x"])).await.unwrap().claim, Claim::Made);
        assert_eq!(world.topics().find("sets").await.unwrap().title().unwrap().as_str(), "Sets");
        assert_eq!(world.topic("sets?").claim().await.unwrap_err().kind(), ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn what_cannot_be_adopted_is_told_by_kind_and_nothing_is_written() {
    let world = World::memory(|_| ());
    put_old(&world, &["My Topic/x", "sets/../up", "sets/x", "site/manifest.json", "site/y"]).await;
    let before = world.names().await;
    let titled =
        |title: &str| AdoptOptions { title: Some(Title::parse(title).unwrap()), ..AdoptOptions::default() };
    for (name, options, kind) in [
        ("My Topic", AdoptOptions::default(), ErrorKind::InvalidInput),
        ("..", AdoptOptions::default(), ErrorKind::InvalidInput),
        ("sets", titled("Groups"), ErrorKind::InvalidInput),
        ("sets", AdoptOptions::default(), ErrorKind::Incomplete),
        ("site", AdoptOptions::default(), ErrorKind::AlreadyExists),
        ("none", AdoptOptions::default(), ErrorKind::NotFound),
    ] {
        assert_eq!(adopt(&world, name, &options).await.unwrap_err().kind(), kind, "{name}");
        assert_eq!(world.names().await, before, "{name}");
    }
    world.topic("Site").claim().await.unwrap();
    assert_eq!(adopt(&world, "site", &titled("site")).await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// Killed at any request, it is run again.
#[tokio::test]
async fn an_adoption_that_broke_off_anywhere_is_made_up_for() {
    for nth in 1..=3 {
        let world = World::s3(|_| ());
        put_old(&world, &["sets/x", "sets/y"]).await;
        // Objects of others have no digest of ours.
        world.server.as_ref().unwrap().put_object(&world.bucket, "topics/sets/foreign", b"foreign");
        world
            .server
            .as_ref()
            .unwrap()
            .add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("topics/").nth(nth));
        adopt(&world, "sets", &AdoptOptions::default()).await.unwrap_err();
        world.up();
        let adopted = adopt(&world, "sets", &AdoptOptions::default()).await.unwrap();
        assert_eq!(adopted.was_described, nth == 3, "{nth}");
        if nth < 3 {
            assert_eq!((adopted.objects, adopted.read), (3, 1));
        }
        let found = verify(&world.topics().find("sets").await.unwrap(), None).await;
        assert_eq!((found.differences(), found.unproven, found.failed), (0, 0, 0));
    }
}
