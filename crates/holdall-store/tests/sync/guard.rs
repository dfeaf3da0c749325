//! What keeps `--delete` from deleting what it should not.

use crate::support::World;
use holdall_store::transfer::{Filter, MaxDelete, PullOptions, PushOptions};
use holdall_store::{Error, ErrorKind};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::fs;

fn deleting(most: MaxDelete) -> PushOptions {
    PushOptions { delete: Some(most), ..PushOptions::default() }
}

fn refused(result: Result<crate::support::Counts, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition, "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_without_a_file_are_deleted_within_the_filter() {
    for mut world in World::all().await {
        let name = world.name.clone();
        world.write("a", "a").write("d/b/c", "c").write("dir/x", "x");
        for key in [
            "a-",
            "a/b",
            "d/b",
            "d/b/d",
            "dir/",
            "gone/",
            "gone/x",
            "keep.log",
            "link",
            "link/below",
            "link-",
            "z",
        ] {
            world.store(key, "").await;
        }
        std::os::unix::fs::symlink("a", world.path("link")).unwrap();
        let filter = Filter::new(&[], &["*.log"]).unwrap();
        let options = PushOptions { filter, ..deleting(MaxDelete::Percent(80)) };
        let dry = PushOptions { dry_run: true, ..options.clone() };
        let would = world.push_with(&dry).await.unwrap();
        assert_eq!(would, (3, 0, 8, 0), "{name}: {:?}", world.said());
        let before = world.names_stored().await;
        assert!(before.contains(&"a-".to_owned()), "{name}: a dry run deletes nothing");
        assert_eq!(world.push_with(&options).await.unwrap(), (3, 0, 8, 0), "{name}: {:?}", world.said());
        let left = ["a", "d/b/c", "dir/x", "keep.log", "link", "link/below"];
        assert_eq!(world.names_stored().await, left, "{name}");
        assert!(world.store.exists("p/dir/").await.unwrap(), "{name}: a folder that is there stays marked");
        assert_eq!(world.push_with(&options).await.unwrap(), (0, 3, 0, 0), "{name}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_missing_source_deletes_nothing() {
    let mut world = World::memory();
    for n in 0..3 {
        world.store(&n.to_string(), "x").await;
    }
    let all = deleting(MaxDelete::Percent(100));
    let said = refused(world.push_with(&all).await);
    assert!(said.contains("nothing at the source takes part") && said.contains("would_delete=3"), "{said}");
    world.write("left-out", "x");
    let filter = Filter::new(&[], &["left-*"]).unwrap();
    refused(world.push_with(&PushOptions { filter, ..all.clone() }).await);
    fs::remove_dir_all(world.path("")).unwrap();
    assert_eq!(world.push_with(&all).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.names_stored().await, ["0", "1", "2"]);

    let mut world = World::memory();
    world.write("mine", "x");
    let all = PullOptions { delete: Some(MaxDelete::Percent(100)), ..PullOptions::default() };
    refused(world.pull_with(&all).await);
    assert_eq!(world.names(), ["mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_deleted_than_may_be() {
    let mut world = World::memory();
    for n in 10..40 {
        world.store(&n.to_string(), "x").await;
    }
    for n in 10..20 {
        world.write(&n.to_string(), "x");
    }
    for most in [MaxDelete::Usual, MaxDelete::Count(19), MaxDelete::Percent(66), MaxDelete::Count(0)] {
        let said = refused(world.push_with(&deleting(most)).await);
        let figures = format!("would_delete=20 of=30 max_delete={most}");
        assert!(said.contains("--max-delete") && said.contains(&figures), "{said}");
        assert_eq!(world.names_stored().await.len(), 30, "{most}");
    }
    // A dry run shows all the same what it would be.
    refused(world.push_with(&PushOptions { dry_run: true, ..deleting(MaxDelete::Usual) }).await);
    assert_eq!(world.said().iter().filter(|said| said.starts_with("would delete")).count(), 20);
    assert_eq!(world.push_with(&deleting(MaxDelete::Count(20))).await.unwrap().2, 20);
    assert_eq!(world.names_stored().await.len(), 10);

    let pulling = |most| PullOptions { delete: Some(most), ..PullOptions::default() };
    for n in 50..70 {
        world.write(&n.to_string(), "x");
    }
    refused(world.pull_with(&pulling(MaxDelete::Usual)).await);
    assert_eq!(world.names().len(), 30);
    assert_eq!(world.pull_with(&pulling(MaxDelete::Percent(67))).await.unwrap().2, 20);
    assert_eq!(world.names().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_nothing_is_deleted() {
    let mut world = World::s3();
    world.write("a", "a").write("bad", "b");
    world.store("extra", "x").await;
    let server = world.server.clone().unwrap();
    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject).key("bad"));
    assert_eq!(world.push_with(&deleting(MaxDelete::Percent(100))).await.unwrap(), (1, 0, 0, 2));
    assert_eq!(world.said()[..2], ["failed  Incomplete", "failed bad PermissionDenied"].map(str::to_owned));
    assert!(server.object("b", "root/p/extra").is_some());
    server.clear_rules();

    // What cannot be named may be what the object is of.
    use std::os::unix::ffi::OsStrExt;
    let odd = world.path("").join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::write(&odd, "").unwrap();
    assert_eq!(world.push_with(&deleting(MaxDelete::Percent(100))).await.unwrap(), (1, 1, 0, 2));
    assert!(server.object("b", "root/p/extra").is_some());
    let pulling = PullOptions { delete: Some(MaxDelete::Percent(100)), ..PullOptions::default() };
    world.write("local", "x");
    assert_eq!(world.pull_with(&pulling).await.unwrap(), (1, 2, 0, 2), "{:?}", world.said());
    assert!(world.path("local").exists());
    fs::remove_file(odd).unwrap();

    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::GetObject).key("extra"));
    fs::remove_file(world.path("extra")).unwrap();
    assert_eq!(world.pull_with(&pulling).await.unwrap(), (0, 2, 0, 2), "{:?}", world.said());
    assert!(world.path("local").exists());
    server.clear_rules();
    assert_eq!(world.pull_with(&pulling).await.unwrap(), (1, 2, 1, 0), "{:?}", world.said());
    assert!(!world.path("local").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_deleted_fails_alone() {
    let mut world = World::s3();
    world.write("a", "a");
    for key in ["x", "y"] {
        world.store(key, "x").await;
    }
    let server = world.server.clone().unwrap();
    server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::DeleteObjects));
    assert_eq!(world.push_with(&deleting(MaxDelete::Usual)).await.unwrap(), (1, 0, 0, 2));
    server.clear_rules();
    assert_eq!(world.push_with(&deleting(MaxDelete::Usual)).await.unwrap(), (0, 1, 2, 0));
}
