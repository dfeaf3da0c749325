//! An index that is lost, damaged or in use costs reading, and never makes a change go unseen.

use crate::support::World;
use holdall_store::transfer::PushOptions;
use std::fs;
use std::path::PathBuf;

fn files(world: &World) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(world.index()) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A folder with an index of some size, settled in part.
async fn pushed() -> World {
    let mut world = World::s3();
    for n in 0..700 {
        world.write(&format!("{n:04}"), n.to_string());
    }
    world.push().await;
    world.write("late", "late");
    world.push().await;
    assert_eq!(files(&world).len(), 2, "{:?}", files(&world));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_made_again_by_comparing() {
    let mut world = pushed().await;
    fs::remove_dir_all(world.index()).unwrap();
    world.write_secretly("0007", "x");
    world.requests();
    assert_eq!(world.push_with(&PushOptions::default()).await.unwrap(), (1, 700, 0, 0));
    assert_eq!(world.requests()["HeadObject"], 701);
    assert_eq!(world.push_with(&PushOptions::default()).await.unwrap(), (0, 701, 0, 0));
    assert!(!world.requests().contains_key("HeadObject"), "it was made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_hides_no_change() {
    let mut world = pushed().await;
    let whole: Vec<(PathBuf, Vec<u8>)> =
        files(&world).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    for (path, bytes) in &whole {
        for part in [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            for (path, bytes) in &whole {
                fs::write(path, bytes).unwrap();
            }
            let mut damaged = bytes.clone();
            damaged[part] ^= 1;
            damaged.truncate(damaged.len() - part % 7);
            fs::write(path, damaged).unwrap();
            // Of the first, of one in the middle, and of the one that is in the log.
            for name in ["0000", "0350", "late"] {
                let other: Vec<u8> = world.files()[name].iter().map(|byte| byte ^ 1).collect();
                world.write_secretly(name, other);
            }
            let counts = world.push_with(&PushOptions::default()).await.unwrap();
            assert_eq!(counts, (3, 698, 0, 0), "{} {part}", path.display());
        }
    }
    world.push().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_has_the_index_files_are_compared_without_it() {
    let mut world = pushed().await;
    let log = files(&world).into_iter().find(|path| path.extension().is_some_and(|e| e == "log")).unwrap();
    let held = fs::File::open(&log).unwrap();
    held.lock().unwrap();
    world.write_secretly("0001", "x");
    world.requests();
    assert_eq!(world.push_with(&PushOptions::default()).await.unwrap(), (1, 700, 0, 0));
    assert_eq!(world.requests()["HeadObject"], 701);
    drop(held);
    world.requests();
    assert_eq!(world.push_with(&PushOptions::default()).await.unwrap(), (0, 701, 0, 0));
    let heads = world.requests().get("HeadObject").copied();
    assert_eq!(heads, Some(1), "the one that another sent is new to the index");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_be_is_no_fault() {
    let mut world = World::s3();
    fs::write(world.index(), "no folder").unwrap();
    world.write("a", "a");
    assert_eq!(world.push().await, (1, 0, 0, 0));
    assert_eq!(world.push().await, (0, 1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_folder_pushed_elsewhere_has_another_index() {
    let mut world = World::s3();
    world.write("a", "a");
    world.push().await;
    let dir = world.path("");
    let elsewhere = world.store.push(&dir, "q", &PushOptions::default(), &mut |_| ()).await.unwrap();
    assert_eq!((elsewhere.done, elsewhere.unchanged), (1, 0));
    assert_eq!(files(&world).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_are_forgotten() {
    let mut world = World::s3();
    world.write("a", "a").write("b", "b");
    world.push().await;
    fs::remove_file(world.path("a")).unwrap();
    world.push_with(&PushOptions::default()).await.unwrap();
    world.write("a", "a");
    world.requests();
    assert_eq!(world.push().await, (0, 2, 0, 0));
    assert_eq!(world.requests().get("HeadObject"), Some(&1), "nothing is known of it but its digest");
}
