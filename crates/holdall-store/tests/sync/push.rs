//! What a push sends, and what it does not.

use crate::support::{MIB, World};
use holdall_store::transfer::{Compare, Filter, PushOptions};
use holdall_store::{ErrorKind, Settings, Store};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::fs;
use std::time::{Duration, SystemTime};

#[tokio::test(flavor = "multi_thread")]
async fn top_8_only_what_changed_is_sent_again() {
    for mut world in World::all().await {
        let name = world.name.clone();
        world.write("a", "aaaa").write("a.b", "").write("a!/!", "1").write("sub/b", "bbbb").write("z é", "é");
        // In memory there is no index, and what goes in parts has no digest: it would be sent each time.
        let big = if name == "memory" { 1 } else { 11 * MIB as usize };
        world.write("big", vec![7; big]);
        assert_eq!(world.push().await, (6, 0, 0, 0), "{name}: {:?}", world.said());
        assert_eq!(world.push().await, (0, 6, 0, 0), "{name}: {:?}", world.said());

        world.write_secretly("a", "AAAA");
        assert_eq!(world.push().await, (1, 5, 0, 0), "{name}, changed and dated back: {:?}", world.said());
        assert!(world.said().contains(&"pushed a".to_owned()), "{:?}", world.said());

        world.date("sub/b", SystemTime::now() - Duration::from_secs(1000));
        assert_eq!(world.push().await, (0, 6, 0, 0), "{name}, touched: {:?}", world.said());

        let modified = fs::metadata(world.path("a.b")).unwrap().modified().unwrap();
        world.write("new", "").date("new", modified);
        fs::rename(world.path("new"), world.path("a.b")).unwrap();
        world
            .write("other", "BBBB")
            .date("other", fs::metadata(world.path("sub/b")).unwrap().modified().unwrap());
        fs::rename(world.path("other"), world.path("sub/b")).unwrap();
        assert_eq!(world.push().await, (1, 5, 0, 0), "{name}, replaced: {:?}", world.said());

        world.store("z é", "xx").await;
        world.store("a!/!", "2").await;
        world.store.delete("p/a").await.unwrap();
        assert_eq!(world.push().await, (3, 3, 0, 0), "{name}, others wrote there: {:?}", world.said());
        assert_eq!(world.push().await, (0, 6, 0, 0), "{name}: {:?}", world.said());

        let force = PushOptions { compare: Compare::Nothing, ..PushOptions::default() };
        assert_eq!(world.push_with(&force).await.unwrap(), (6, 0, 0, 0), "{name}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_folder_costs_a_listing_and_nothing_else() {
    let mut world = World::s3();
    for n in 0..50 {
        world.write(&format!("{n}"), "x");
    }
    world.push().await;
    world.requests();
    world.push_with(&PushOptions::default()).await.unwrap();
    assert_eq!(world.requests(), [("ListObjects".to_owned(), 1)].into());
    // A file is looked for where it would be, wherever that is among others.
    for n in 0..3000 {
        world.server.as_ref().unwrap().put_object("b", &format!("root/p/m{n:05}"), b"x");
    }
    world.requests();
    let filter = Filter::new(&["9"], &[]).unwrap();
    world.push_with(&PushOptions { filter, ..PushOptions::default() }).await.unwrap();
    let lists = world.requests().remove("ListObjects").unwrap();
    assert!(lists <= 2, "one page, and perhaps the next was asked for: {lists}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_content_every_file_is_read() {
    for mut world in World::all().await {
        let name = world.name.clone();
        world.write("a", "aaaa").write("big", vec![7; 11 * MIB as usize]);
        world.push().await;
        let content = PushOptions { compare: Compare::Content, ..PushOptions::default() };
        let big = if name == "memory" { 1 } else { 0 };
        assert_eq!(
            world.push_with(&content).await.unwrap(),
            (big, 2 - big, 0, 0),
            "{name}: {:?}",
            world.said()
        );
        world.write_secretly("a", "AAAA");
        world.write_secretly("big", vec![8; 11 * MIB as usize]);
        assert_eq!(world.push_with(&content).await.unwrap(), (2, 0, 0, 0), "{name}: {:?}", world.said());
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_sent_and_notes_nothing() {
    let mut world = World::s3();
    world.write("a", "a").write("b", "b");
    world.store("a", "a").await;
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    assert_eq!(world.push_with(&dry).await.unwrap(), (1, 1, 0, 0));
    assert_eq!(world.said(), ["planned b", "unchanged a"]);
    let log = fs::read_dir(world.index()).unwrap().next().unwrap().unwrap();
    assert!(log.metadata().unwrap().len() < 100, "no file is noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_right_to_list_everything_is_sent_and_nothing_deleted() {
    let mut world = World::s3();
    world.write("a", "a").write("b", "b");
    world.push().await;
    world.store("c", "c").await;
    let denied = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::ListObjects);
    world.server.as_ref().unwrap().add_rule(denied);
    assert_eq!(world.push_with(&PushOptions::default()).await.unwrap(), (2, 0, 0, 0));
    let delete = PushOptions { delete: Some(Default::default()), ..PushOptions::default() };
    let error = world.push_with(&delete).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(world.server.as_ref().unwrap().object("b", "root/p/c").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_others_are_compared_by_their_digest_or_sent() {
    let mut world = World::s3();
    world.write("ours", "same").write("foreign", "same").write("longer", "longer");
    world.store("ours", "same").await;
    let server = world.server.clone().unwrap();
    server.put_object("b", "root/p/foreign", b"same");
    server.put_object("b", "root/p/longer", b"short");
    assert_eq!(world.push().await, (2, 1, 0, 0), "{:?}", world.said());
    assert_eq!(world.said(), ["pushed foreign", "pushed longer", "unchanged ours"]);
}

#[tokio::test]
async fn a_store_that_is_not_there_yet_is_made_by_the_first_push() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    fs::write(dir.path().join("in/a"), "a").unwrap();
    let url = format!("file://{}/not/there", dir.path().display());
    let store = Store::open(&url, &Settings::default()).unwrap();
    let delete = PushOptions { delete: Some(Default::default()), ..PushOptions::default() };
    let summary = store.push(&dir.path().join("in"), "", &delete, &mut |_| ()).await.unwrap();
    assert_eq!((summary.done, summary.deleted, summary.failed), (1, 0, 0));
}
