//! What goes in parts: files, bytes and streams.

use crate::world::{World, in_time};
use holdall_store::outbox::Pauses;
use holdall_store::{ErrorKind, OnRemoteError, PutOptions, State, WriteMode};
use holdall_testing::fault::{Fault, Kind, Rule};

const MIB: usize = 1 << 20;

fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64 / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

#[tokio::test]
async fn a_file_whose_upload_breaks_off_waits_whole() {
    let world = World::new();
    let path = world.dir.path().join("file");
    std::fs::write(&path, bytes(16 * MIB)).unwrap();
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::UploadPart).from(2));
    let receipt = in_time(world.store.put_file("big", &path, &PutOptions::default())).await.unwrap();
    assert_eq!((receipt.state, receipt.size), (State::Queued, 16 << 20));
    // What was acknowledged does not need the file any more.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(world.store.get("big").await.unwrap().bytes().await.unwrap(), bytes(16 * MIB));
    world.up();
    assert_eq!(in_time(world.drain()).await.unwrap().0.sent, 1);
    assert_eq!(world.stored()["big"], bytes(16 * MIB));
    let payloads = std::fs::read_dir(world.dir.path().join("outbox/payload")).unwrap();
    assert_eq!(payloads.count(), 0, "its room is given back");
    assert_eq!(
        world.store.put_file("big", &path, &PutOptions::default()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_stream_is_stored_where_the_store_takes_it_and_waits_where_not() {
    let world = World::new();
    let content = bytes(12 * MIB);
    let receipt =
        in_time(world.store.put_reader("s", &*content, None, &PutOptions::default())).await.unwrap();
    assert_eq!((receipt.state, receipt.size), (State::Stored, 12 << 20));
    assert_eq!(receipt.etag, world.store.head("s").await.unwrap().etag);
    assert_eq!(world.stored()["s"], content);
    assert_eq!(world.waiting().await, 0);
    world.down();
    let receipt =
        in_time(world.store.put_reader("t", &*content, None, &PutOptions::default())).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    assert_eq!(world.store.get("t").await.unwrap().bytes().await.unwrap(), content);
    world.up();
    in_time(world.drain()).await.unwrap();
    assert_eq!(world.stored()["t"], content);
}

#[tokio::test]
async fn a_stream_that_the_store_refuses_is_an_error_and_leaves_nothing() {
    let world = World::new();
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")));
    let content = bytes(12 * MIB);
    let error =
        in_time(world.store.put_reader("s", &*content, None, &PutOptions::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn a_stream_that_must_not_wait_is_stored_or_fails() {
    let world = World::new();
    let raise = PutOptions { on_remote_error: Some(OnRemoteError::Raise), ..PutOptions::default() };
    let content = bytes(12 * MIB);
    in_time(world.store.put_reader("s", &*content, None, &raise)).await.unwrap();
    assert_eq!(world.stored()["s"], content);
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::UploadPart));
    let error = in_time(world.store.put_reader("s", &*content, None, &raise)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn bytes_at_hand_in_parts_wait_too() {
    let world = World::new();
    world.down();
    let receipt = in_time(world.store.put("b", bytes(11 * MIB))).await.unwrap();
    assert_eq!(receipt.sha256, Some(holdall_store::sha256(&bytes(11 * MIB))));
    world.up();
    in_time(world.drain()).await.unwrap();
    assert_eq!(world.stored()["b"], bytes(11 * MIB));
}

#[tokio::test]
async fn a_large_entry_goes_on_where_its_upload_broke_off() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    let path = world.dir.path().join("file");
    std::fs::write(&path, bytes(40 * MIB)).unwrap();
    in_time(world.store.put_file("big", &path, &PutOptions::default())).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let journal = Some(world.dir.path().join("journal"));
    let drain = || async {
        let store = world.open(|settings| {
            settings.journal.clone_from(&journal);
            settings.concurrency = 1;
        });
        let drainer = store.outbox().unwrap().drainer().await.unwrap();
        in_time(drainer.drain(Pauses::Ended, |_, _| ())).await
    };
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::UploadPart).from(6));
    assert_eq!(drain().await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert!(world.count(Kind::UploadPart) >= 6);
    world.up();
    world.server.clear_log();
    assert_eq!(drain().await.unwrap().sent, 1);
    assert_eq!(world.stored()["big"], bytes(40 * MIB));
    assert_eq!(world.count(Kind::UploadPart), 3, "five of eight parts were there already");
    assert_eq!(world.waiting().await, 0);
}
