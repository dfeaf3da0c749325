//! Folders that are pushed while the store is away.

use crate::world::{World, in_time};
use holdall_store::transfer::{PushOptions, TreeSummary, VerifyOptions};
use holdall_store::{ErrorKind, Store};
use std::path::Path;

fn folder(world: &World) -> std::path::PathBuf {
    let folder = world.dir.path().join("folder");
    for n in 0..40 {
        let path = folder.join(format!("{}/f{n:02}", n % 3));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("file {n}")).unwrap();
    }
    folder
}

async fn push(store: &Store, folder: &Path, options: &PushOptions) -> holdall_store::Result<TreeSummary> {
    in_time(store.push(folder, "p/", options, &mut |_| ())).await
}

#[tokio::test]
async fn a_push_is_queued_and_the_next_one_knows_it() {
    let world = World::new();
    let folder = folder(&world);
    world.down();
    let summary = push(&world.store, &folder, &PushOptions::default()).await.unwrap();
    assert_eq!((summary.done, summary.failed), (40, 0));
    assert_eq!(world.store.outbox().unwrap().queued(), 40);
    assert_eq!(world.read("p/1/f01").await.unwrap(), "file 1");
    let again = push(&world.open(|_| ()), &folder, &PushOptions::default()).await.unwrap();
    assert_eq!((again.done, again.unchanged), (0, 40));
    world.up();
    assert_eq!(in_time(world.drain()).await.unwrap().0.sent, 40);
    let after = push(&world.open(|_| ()), &folder, &PushOptions::default()).await.unwrap();
    assert_eq!((after.done, after.unchanged), (0, 40));
    let deep = VerifyOptions { deep: true, ..VerifyOptions::default() };
    let verified = world.store.verify("p/", Some(&folder), &deep, &mut |_| ()).await.unwrap();
    assert_eq!((verified.by_reading, verified.missing, verified.extra, verified.different), (40, 0, 0, 0));
}

#[tokio::test]
async fn nothing_is_deleted_by_who_cannot_see_what_there_is() {
    let world = World::new();
    let folder = folder(&world);
    world.down();
    let options = PushOptions { delete: Some(Default::default()), ..PushOptions::default() };
    let error = push(&world.store, &folder, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}
