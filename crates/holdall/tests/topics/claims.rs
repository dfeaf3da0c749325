//! One slug has one title.

use crate::world::{World, push, without_conditions};
use holdall::topic::Claim;
use holdall::{ErrorKind, Settings, Variables};
use holdall_testing::fault::{Fault, Kind, Rule};

/// TOP-3
#[tokio::test]
async fn two_titles_with_one_slug_are_an_error_and_nothing_is_sent() {
    for world in World::all() {
        let dir = world.files("out", &["x"]);
        push(&world.topic("Sets"), &dir).await.unwrap();
        let before = world.names().await;
        let other = world.files("other", &["y"]);
        let error = push(&world.topic("S\u{e9}ts"), &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}", world.kind());
        assert!(error.to_string().contains("has_it=\"Sets\"") && error.hint().is_some(), "{error}");
        assert_eq!(world.names().await, before);
    }
}

/// TOP-3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_titles_that_claim_one_slug_at_once_one_has_it() {
    for world in World::all() {
        let titles: Vec<String> = (0..8).map(|n| format!("Sets{}", "!".repeat(n))).collect();
        let mut claims = tokio::task::JoinSet::new();
        for title in titles {
            let topic = world.topic(&title);
            claims.spawn(async move { topic.claim().await.map_err(|error| error.kind()) });
        }
        let ended = claims.join_all().await;
        let made = ended.iter().filter(|claim| **claim == Ok(Claim::Made)).count();
        let refused = ended.iter().filter(|claim| **claim == Err(ErrorKind::Conflict)).count();
        assert_eq!((made, refused), (1, 7), "{}: {ended:?}", world.kind());
    }
}

/// TOP-3: the same title from many processes is one topic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_title_may_be_claimed_by_many_at_once() {
    for world in World::all() {
        let mut claims = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let topic = world.topic("Sets");
            claims.spawn(async move { topic.claim().await });
        }
        for claim in claims.join_all().await {
            assert!(matches!(claim.unwrap(), Claim::Made | Claim::Held));
        }
    }
}

/// TOP-3: where the store cannot decide, it is said.
#[tokio::test]
async fn a_server_without_conditions_is_claimed_as_well_as_can_be() {
    let world = World::s3(|_| ());
    without_conditions(&world);
    assert_eq!(world.topic("Sets").claim().await.unwrap(), Claim::BestEffort);
    assert_eq!(world.topic("Sets").claim().await.unwrap(), Claim::Held);
    assert_eq!(world.topic("sets?").claim().await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// TOP-3
#[tokio::test]
async fn a_record_that_cannot_be_read_is_not_written_over() {
    let world = World::memory(|_| ());
    for (text, kind) in [
        ("{\"schema\":\"holdall.topic/2\"}", ErrorKind::Unsupported),
        ("a file of somebody", ErrorKind::Integrity),
        ("{\"schema\":\"holdall.topic/1\",\"slug\":\"other\",\"title\":\"A\"}", ErrorKind::Integrity),
    ] {
        world.store.put("topics/a.topic.json", text).await.unwrap();
        assert_eq!(world.topic("A").claim().await.unwrap_err().kind(), kind, "{text}");
        assert_eq!(world.text("topics/a.topic.json").await, text);
    }
    world.store.put("topics/a.topic.json", vec![b' '; 70_000]).await.unwrap();
    assert_eq!(world.topic("A").claim().await.unwrap_err().kind(), ErrorKind::Integrity);
}

/// TOP-3
#[tokio::test]
async fn a_store_that_refuses_is_not_taken_for_one_that_is_away() {
    let world = World::queued();
    world.server.as_ref().unwrap().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Get));
    assert_eq!(world.topic("A").claim().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(world.puts(), 0);
}

/// TOP-3: whether a claim whose answer was lost was made is looked up, and not guessed.
#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_settled() {
    let world = World::s3(|_| ());
    // What the server can do is found out before.
    world.topic("Groups").claim().await.unwrap();
    let lost = Rule::new(Fault::AnswerLost).on(Kind::Put).key("sets.topic.json").once();
    world.server.as_ref().unwrap().add_rule(lost);
    assert_eq!(world.topic("Sets").claim().await.unwrap(), Claim::Made);
    assert_eq!(world.topic("sets!").claim().await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// TOP-3: a root of one's own, and none at all.
#[tokio::test]
async fn topics_lie_where_the_settings_say() {
    for (root, prefix) in [("", "sets/"), ("out/videos", "out/videos/sets/")] {
        let world = World::folder(|settings| {
            let roots = format!("topics={root}");
            let named = Variables::from_pairs([("HOLDALL_ROOTS", roots.as_str())]);
            settings.roots = Settings::from_variables(&named).unwrap().roots;
        });
        let (dir, topic) = (world.files("out", &["x"]), world.topic("Sets"));
        push(&topic, &dir).await.unwrap();
        assert_eq!(topic.prefix(), prefix);
        assert!(world.store.exists(&format!("{prefix}x")).await.unwrap());
        let listed = world.topics().list().unwrap().next().await.unwrap().unwrap();
        assert_eq!((listed.name.as_str(), listed.has_record, listed.has_files), ("sets", true, true));
    }
}
