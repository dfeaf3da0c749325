//! Folders that are pushed while the store is away.

use crate::world::{World, in_time};
use holdall_store::transfer::{PushOptions, TreeSummary, VerifyOptions, WatchEvent, WatchOptions};
use holdall_store::{ErrorKind, OnRemoteError, Settings, State, Store};
use holdall_testing::fault::{Fault, Rule};
use std::path::Path;
use std::time::Duration;

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
async fn what_was_stored_before_is_not_queued_again_while_nobody_can_ask() {
    let world =
        World::with(|settings| settings.index = Some(settings.outbox_dir.clone().unwrap().join("../index")));
    let folder = folder(&world);
    assert_eq!(push(&world.store, &folder, &PushOptions::default()).await.unwrap().done, 40);
    std::fs::write(folder.join("1/f01"), "another").unwrap();
    world.down();
    let away = push(&world.store, &folder, &PushOptions::default()).await.unwrap();
    assert_eq!((away.done, away.unchanged), (1, 39));
    assert_eq!(world.waiting().await, 1);
    world.up();
    in_time(world.drain()).await.unwrap();
    assert_eq!(world.text("p/1/f01").unwrap(), "another");
}

#[tokio::test]
async fn a_watch_queues_and_sends_by_itself() {
    let world = World::new();
    let folder = folder(&world);
    world.down();
    let mut watching = world.store.watch(&folder, "p/", &WatchOptions::default()).await.unwrap();
    let queued = async {
        let mut queued = 0;
        while queued < 40 {
            if let WatchEvent::Pushed { receipt, .. } = watching.next().await.unwrap().unwrap() {
                assert_eq!(receipt.state, State::Queued);
                queued += 1;
            }
        }
    };
    in_time(queued).await;
    world.up();
    let sent = async {
        while world.stored().len() < 40 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time(sent).await;
    watching.stop();
    while let Some(event) = in_time(watching.next()).await {
        event.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_away_at_the_start_is_no_error_with_an_outbox() {
    let world = World::new();
    world.down();
    Store::connect(&world.settings()).await.unwrap();
    let plain = Settings { on_remote_error: OnRemoteError::Raise, ..world.settings() };
    assert_eq!(Store::connect(&plain).await.unwrap_err().kind(), ErrorKind::Unreachable);
    world.up();
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")));
    assert_eq!(Store::connect(&world.settings()).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
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
