//! Copies in parts and moves: whole or not made, and never a source deleted whose copy is not there.

use std::sync::Arc;
use std::time::Duration;

use holdall_store::backend::s3::S3Backend;
use holdall_store::{
    Attributes, Backend, CopyOptions, ErrorKind, Limits, MoveOptions, Prefix, PutOptions, Store,
};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, all_of, bytes, in_time};

const SIZE: usize = 12 * MIB + 1;

/// A world in which anything over 5 MiB is too large for one copy, with such an object in it.
async fn large() -> (World, Store) {
    let world = World::good();
    let settings = world.store.settings().clone();
    let backend = S3Backend::open(&world.bucket, &Prefix::default(), &settings).unwrap();
    let limits = Limits { max_copy: 5 * MIB as u64, ..backend.limits() };
    let store = Store::with_backend(Arc::new(backend.with_limits(limits)), settings);
    let attributes = Attributes { cache_control: Some("no-store".to_owned()), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    in_time(store.put_with("from", bytes(SIZE), &options)).await.unwrap();
    world.server.put_object(&world.bucket, "to", b"before");
    (world, store)
}

async fn copy(store: &Store) -> Result<(), ErrorKind> {
    let copied = in_time(store.copy("from", "to", &CopyOptions::default())).await;
    copied.map(drop).map_err(|error| error.kind())
}

fn assert_untouched(world: &World, what: &str) {
    assert_eq!(world.stored("to").as_deref(), Some(&b"before"[..]), "{what}");
    assert!(world.server.uploads().is_empty(), "{what}: {:?}", world.server.uploads());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_has_all_that_its_source_has() {
    let (world, store) = large().await;
    world.server.clear_log();
    copy(&store).await.unwrap();
    assert!(world.stored("to").unwrap() == bytes(SIZE));
    let head = store.head("to").await.unwrap();
    assert_eq!(head.attributes.cache_control.as_deref(), Some("no-store"));
    assert_eq!((world.count(Kind::UploadPartCopy), world.count(Kind::CopyObject)), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_that_fails_gives_its_parts_back() {
    use ErrorKind as K;
    let table = [
        (Kind::CreateMultipartUpload, Fault::refuse(403, "AccessDenied"), K::PermissionDenied),
        (Kind::UploadPartCopy, Fault::refuse(403, "AccessDenied"), K::PermissionDenied),
        (Kind::UploadPartCopy, Fault::refuse(412, "PreconditionFailed"), K::Changed),
        (Kind::UploadPartCopy, Fault::internal_error(), K::Unreachable),
        (Kind::UploadPartCopy, Fault::ErrorBody { code: "AccessDenied".into() }, K::PermissionDenied),
        (Kind::UploadPartCopy, Fault::Reset, K::Unreachable),
        (Kind::CompleteMultipartUpload, Fault::refuse(400, "InvalidPart"), K::InvalidInput),
        (Kind::CompleteMultipartUpload, Fault::ErrorBody { code: "InternalError".into() }, K::Unreachable),
    ];
    let fails = |(kind, fault, expected): (Kind, Fault, K)| async move {
        let (world, store) = large().await;
        world.server.add_rule(Rule::new(fault.clone()).on(kind));
        assert_eq!(copy(&store).await, Err(expected), "{kind:?} {fault:?}");
        assert_untouched(&world, &format!("{kind:?} {fault:?}"));
    };
    all_of(table.into_iter().map(fails)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_whose_faults_pass_is_whole() {
    let table = [
        (Kind::UploadPartCopy, Fault::AnswerLost),
        (Kind::UploadPartCopy, Fault::slow_down(None)),
        (Kind::UploadPartCopy, Fault::ErrorBody { code: "InternalError".into() }),
        (Kind::CompleteMultipartUpload, Fault::AnswerLost),
        (Kind::HeadObject, Fault::Reset),
    ];
    let passes = |(kind, fault): (Kind, Fault)| async move {
        let (world, store) = large().await;
        world.server.add_rule(Rule::new(fault.clone()).on(kind).once());
        copy(&store).await.unwrap_or_else(|error| panic!("{kind:?} {fault:?}: {error:?}"));
        assert!(world.stored("to").unwrap() == bytes(SIZE), "{kind:?} {fault:?}");
        assert!(world.server.uploads().is_empty(), "{kind:?} {fault:?}");
    };
    all_of(table.into_iter().map(passes)).await;
}

/// Also on a server that ignores the condition: the answers of parts come late here, when all were copied.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_replaced_while_its_parts_are_copied_makes_no_copy() {
    for late in [Kind::UploadPartCopy, Kind::CreateMultipartUpload] {
        let (world, store) = large().await;
        world.server.add_rule(Rule::new(Fault::Delay(Duration::from_millis(400))).on(late));
        let copying = tokio::spawn(async move { copy(&store).await });
        while world.count(late) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.server.put_object(&world.bucket, "from", &bytes(SIZE + 1)[1..]);
        assert_eq!(copying.await.unwrap(), Err(ErrorKind::Changed), "{late:?}");
        assert_untouched(&world, &format!("{late:?}"));
    }
}

async fn renamed(world: &World) -> Result<bool, ErrorKind> {
    let moved = in_time(world.store.rename("from", "to", &MoveOptions::default())).await;
    moved.map(|moved| moved.atomic).map_err(|error| error.kind())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_faults_pass_is_made_once() {
    for kind in [Kind::CopyObject, Kind::HeadObject, Kind::DeleteObject] {
        for fault in [Fault::AnswerLost, Fault::Reset, Fault::slow_down(None)] {
            let world = World::good();
            world.server.put_object(&world.bucket, "from", b"hello");
            // What the server can do is found out first, on other keys.
            world.server.add_rule(Rule::new(fault.clone()).on(kind).key("from").once());
            world.server.add_rule(Rule::new(fault.clone()).on(kind).key("to").once());
            let moved = renamed(&world).await;
            assert!(moved.is_ok(), "{kind:?} {fault:?}: {moved:?}");
            assert_eq!(world.keys(), ["to"], "{kind:?} {fault:?}");
            assert_eq!(world.stored("to").as_deref(), Some(&b"hello"[..]), "{kind:?} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_fails_leaves_the_source() {
    use ErrorKind as K;
    let table = [
        (Kind::CopyObject, "to", Fault::refuse(403, "AccessDenied"), K::PermissionDenied, false),
        (Kind::CopyObject, "to", Fault::internal_error(), K::Unreachable, false),
        (Kind::DeleteObject, "from", Fault::refuse(403, "AccessDenied"), K::PermissionDenied, true),
        (Kind::DeleteObject, "from", Fault::refuse(412, "PreconditionFailed"), K::Changed, true),
        (Kind::DeleteObject, "from", Fault::internal_error(), K::Unreachable, true),
    ];
    for (kind, key, fault, expected, copied) in table {
        let world = World::good();
        world.server.put_object(&world.bucket, "from", b"hello");
        world.server.add_rule(Rule::new(fault.clone()).on(kind).key(key));
        let error = in_time(world.store.rename("from", "to", &MoveOptions::default())).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{kind:?} {fault:?}: {error:?}");
        assert_eq!(world.stored("from").as_deref(), Some(&b"hello"[..]), "{kind:?} {fault:?}");
        let says_so = error.facts().any(|fact| fact == ("copied_to", "\"to\""));
        assert_eq!(
            (world.stored("to").is_some(), says_so),
            (copied, copied),
            "{kind:?} {fault:?}: {error:?}"
        );
    }
}

/// Cut off at any moment, the object is at one key at least.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cut_off_leaves_one_at_least() {
    for kind in [Kind::CopyObject, Kind::HeadObject, Kind::DeleteObject] {
        let world = World::good();
        world.server.put_object(&world.bucket, "from", b"hello");
        renamed(&world).await.unwrap();
        world.server.put_object(&world.bucket, "from", b"again");
        world.server.clear_log();
        world.server.add_rule(Rule::new(Fault::Delay(Duration::from_millis(300))).on(kind));
        let store = world.store.clone();
        let moving = tokio::spawn(async move { store.rename("from", "to", &MoveOptions::default()).await });
        while world.count(kind) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        moving.abort();
        assert!(moving.await.unwrap_err().is_cancelled());
        let there = [world.stored("from"), world.stored("to")];
        assert!(there.contains(&Some(b"again".to_vec())), "{kind:?}: {there:?}");
    }
}
