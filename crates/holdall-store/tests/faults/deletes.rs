//! Deletes that ask first, on a server that does not always answer.

use holdall_store::{DeleteOptions, ErrorKind};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{World, in_time};

fn looking() -> DeleteOptions {
    DeleteOptions { look: true, ..DeleteOptions::default() }
}

#[tokio::test]
async fn who_may_not_look_may_delete_all_the_same() {
    let world = World::with(Rule::new(Fault::refuse(403, "AccessDenied")).method("HEAD"));
    world.server.put_object(&world.bucket, "k", b"bytes");
    let deleted = in_time(world.store.delete_with("k", &looking())).await.unwrap();
    assert_eq!((deleted.existed, world.stored("k")), (None, None));
    assert_eq!(world.count(Kind::DeleteObject), 1);
}

#[tokio::test]
async fn nothing_is_deleted_when_the_look_fails() {
    let world = World::with(Rule::new(Fault::slow_down(None)).method("HEAD"));
    world.server.put_object(&world.bucket, "k", b"bytes");
    let error = in_time(world.store.delete_with("k", &looking())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!((world.count(Kind::DeleteObject), world.stored("k")), (0, Some(b"bytes".to_vec())));
}

#[tokio::test]
async fn nobody_is_asked_who_did_not_want_it() {
    let world = World::good();
    world.server.put_object(&world.bucket, "k", b"bytes");
    let deleted = in_time(world.store.delete("k")).await.unwrap();
    assert_eq!((deleted.existed, world.stored("k")), (None, None));
    assert_eq!(world.server.log().iter().filter(|seen| seen.method == "HEAD").count(), 0);
}
