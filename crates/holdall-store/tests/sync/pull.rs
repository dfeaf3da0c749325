//! What a pull fetches, and what it does not.

use crate::support::{MIB, World};
use holdall_store::transfer::{Compare, MaxDelete, PullOptions};
use std::fs;
use std::time::{Duration, SystemTime};

#[tokio::test(flavor = "multi_thread")]
async fn top_8_only_what_changed_is_fetched_again() {
    for mut world in World::all().await {
        let name = world.name.clone();
        for (key, text) in [("a", "aaaa"), ("a.b", ""), ("a-/x", "1"), ("sub/b", "bbbb"), ("z é", "é")] {
            world.store(key, text).await;
        }
        assert_eq!(world.pull().await, (5, 0, 0, 0), "{name}");
        assert_eq!(world.pull().await, (0, 5, 0, 0), "{name}: {:?}", world.said());

        world.write_secretly("a", "AAAA");
        assert_eq!(world.pull().await, (1, 4, 0, 0), "{name}, changed and dated back: {:?}", world.said());

        world.date("sub/b", SystemTime::now() - Duration::from_secs(1000));
        assert_eq!(world.pull().await, (0, 5, 0, 0), "{name}, touched: {:?}", world.said());

        fs::remove_file(world.path("z é")).unwrap();
        world.store("a-/x", "2").await;
        world.write("mine", "stays");
        assert_eq!(world.pull().await, (2, 3, 0, 0), "{name}: {:?}", world.said());
        assert_eq!(world.files()["mine"], b"stays");

        let force = PullOptions { compare: Compare::Nothing, ..PullOptions::default() };
        assert_eq!(world.pull_with(&force).await.unwrap(), (5, 0, 0, 0), "{name}");
        let content = PullOptions { compare: Compare::Content, ..PullOptions::default() };
        assert_eq!(world.pull_with(&content).await.unwrap(), (0, 5, 0, 0), "{name}: {:?}", world.said());
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_are_known_by_the_index() {
    for mut world in World::all().await {
        let name = world.name.clone();
        world.write("big", vec![7; 11 * MIB as usize]);
        world.push().await;
        let known = name != "memory";
        // What was pushed from here need not be fetched.
        let counts = |known| if known { (0, 1, 0, 0) } else { (1, 0, 0, 0) };
        assert_eq!(world.pull().await, counts(known), "{name}");
        fs::remove_file(world.path("big")).unwrap();
        assert_eq!(world.pull().await, (1, 0, 0, 0), "{name}");
        assert_eq!(world.pull().await, counts(known), "{name}");
        world.write_secretly("big", vec![8; 11 * MIB as usize]);
        assert_eq!(world.pull().await, (1, 0, 0, 0), "{name}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pulled_need_not_be_pushed() {
    let mut world = World::s3();
    world.server.clone().unwrap().put_object("b", "root/p/foreign", b"same");
    assert_eq!(world.pull().await, (1, 0, 0, 0));
    assert_eq!(world.push().await, (0, 1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_an_object_are_deleted_and_nothing_else() {
    for mut world in World::all().await {
        for key in ["a", "sub/b", "marked/"] {
            world.store(key, if key.ends_with('/') { "" } else { "x" }).await;
        }
        world.pull().await;
        for name in [
            "a-",
            "gone/deep/x",
            "gone/y",
            "sub/c",
            "marked/z",
            "keep.log",
            "sub/.holdall-0123456789abcdef.part",
        ] {
            world.write(name, "extra");
        }
        world.write(".holdall/locks", "own");
        std::os::unix::fs::symlink("a", world.path("link")).unwrap();
        let outside = world.dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "").unwrap();
        std::os::unix::fs::symlink(&outside, world.path("linked")).unwrap();
        let options = PullOptions {
            filter: holdall_store::transfer::Filter::new(&[], &["*.log"]).unwrap(),
            delete: Some(MaxDelete::default()),
            ..PullOptions::default()
        };
        let dry = PullOptions { dry_run: true, ..options.clone() };
        assert_eq!(world.pull_with(&dry).await.unwrap(), (0, 2, 5, 0), "{}: {:?}", world.name, world.said());
        assert!(world.said().contains(&"would delete gone/deep/x".to_owned()), "{:?}", world.said());
        assert!(world.path("gone/deep/x").exists());
        assert_eq!(world.pull_with(&options).await.unwrap(), (0, 2, 5, 0), "{}", world.name);
        let left = [".holdall/locks", "a", "keep.log", "sub/.holdall-0123456789abcdef.part", "sub/b"];
        assert_eq!(world.names(), left);
        assert!(!world.path("gone").exists() && world.path("marked").is_dir());
        assert!(world.path("link").is_symlink() && outside.join("precious").exists());
        world.end().await;
    }
}
