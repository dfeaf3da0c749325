//! Objects written to files: whole and right, or the file is what it was before.

use std::time::Duration;

use holdall_store::{CopyOptions, ErrorKind, GetOptions};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{MIB, World, all_of, bytes, in_time, names};

const LARGE: usize = 11 * MIB;

fn on_get(fault: Fault) -> Rule {
    Rule::new(fault).on(Kind::GetObject)
}

fn on_range(fault: Fault) -> Rule {
    on_get(fault).header("range")
}

/// A server with a small object and one that is read in ranges, and a file that is there already.
fn prepared() -> World {
    let world = World::good();
    world.server.put_object(&world.bucket, "small", &bytes(1000));
    world.server.put_object(&world.bucket, "large", &bytes(LARGE));
    world.file("target", b"before");
    world
}

async fn fetch(world: &World, key: &str) -> Result<(), ErrorKind> {
    let path = world.dir.path().join("target");
    let got = in_time(world.store.get_to_file(key, &path, &GetOptions::default())).await;
    got.map(drop).map_err(|error| error.kind())
}

fn target(world: &World) -> Vec<u8> {
    assert_eq!(
        names(world.dir.path()).into_iter().collect::<Vec<_>>(),
        ["target"],
        "something is left behind"
    );
    std::fs::read(world.dir.path().join("target")).unwrap()
}

/// SES-8: what a rule has moved to an archive is told from what cannot be done at all, with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_archived_object_is_an_error_of_its_own() {
    let world = prepared();
    for kind in [Kind::GetObject, Kind::CopyObject] {
        world.server.add_rule(Rule::new(Fault::refuse(403, "InvalidObjectState")).on(kind));
    }
    let path = world.dir.path().join("target");
    let got = world.store.get_to_file("large", &path, &GetOptions::default()).await.unwrap_err();
    let copied = world.store.copy("small", "other", &CopyOptions::default()).await.unwrap_err();
    for error in [world.store.get("small").await.unwrap_err(), got, copied] {
        assert_eq!((error.kind(), error.is_archived()), (ErrorKind::Unsupported, true), "{error}");
        assert!(error.message().contains("archived") && error.hint().unwrap().contains("restore"), "{error}");
    }
    assert_eq!(target(&world), b"before");
    assert_eq!(world.stored("other"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_fails_leaves_the_file_and_nothing_else() {
    use ErrorKind as K;
    let table: [(Fault, &'static [K]); 11] = [
        (Fault::Reset, &[K::Unreachable]),
        (Fault::slow_down(None), &[K::Throttled]),
        (Fault::refuse(403, "AccessDenied"), &[K::PermissionDenied]),
        (Fault::ResetMidBody { after: 100 }, &[K::Incomplete]),
        (Fault::ShortBody { missing: 100 }, &[K::Incomplete]),
        (Fault::StallMidBody { after: 10 }, &[K::Timeout]),
        (Fault::WrongLength { by: 7 }, &[K::Incomplete, K::Changed, K::Protocol]),
        (Fault::WrongLength { by: 1 << 50 }, &[K::Incomplete, K::Changed, K::Full, K::Protocol]),
        (Fault::SetHeader("x-amz-meta-holdall-sha256".into(), "00".repeat(32)), &[K::Integrity]),
        (Fault::Garbage(b"no".to_vec()), &[K::Protocol]),
        (Fault::ErrorBody { code: "InternalError".into() }, &[K::Protocol]),
    ];
    let each = |(fault, kinds): (Fault, &'static [K])| {
        ["small", "large"].map(|key| Box::pin(fails(key, fault.clone(), kinds)))
    };
    all_of(table.into_iter().flat_map(each)).await;
}

async fn fails(key: &'static str, fault: Fault, kinds: &'static [ErrorKind]) {
    let world = prepared();
    world.server.add_rule(on_get(fault.clone()));
    let result = fetch(&world, key).await;
    // The digest is of the whole, and nobody has the whole who reads ranges.
    if key == "large" && kinds == [ErrorKind::Integrity] {
        return;
    }
    let kind = result.expect_err(key);
    assert!(kinds.contains(&kind), "{key} under {fault:?}: {kind:?}");
    assert_eq!(target(&world), b"before", "{key} under {fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_whose_faults_pass_is_right() {
    let faults = [
        Fault::Reset,
        Fault::AnswerLost,
        Fault::ShortBody { missing: 100 },
        Fault::ResetMidBody { after: 100 },
        Fault::StallMidBody { after: 10 },
        Fault::slow_down(None),
    ];
    let right = |fault: Fault| async move {
        let world = prepared();
        world.server.add_rule(on_get(fault.clone()).every(3));
        fetch(&world, "large").await.unwrap_or_else(|kind| panic!("{fault:?}: {kind:?}"));
        assert!(target(&world) == bytes(LARGE), "{fault:?}");
    };
    all_of(faults.into_iter().map(right)).await;
}

/// A server that answers a range with the whole object: its beginning must not land in the middle of the file.
#[tokio::test]
async fn the_whole_object_for_a_range_is_never_written_at_an_offset() {
    for nth in 1..=2 {
        let world = prepared();
        world.server.add_rule(on_range(Fault::IgnoreRange).nth(nth));
        assert_eq!(fetch(&world, "large").await, Err(ErrorKind::Protocol));
        assert_eq!(target(&world), b"before");
    }
}

#[tokio::test]
async fn a_range_of_another_place_is_never_written() {
    for fault in [Fault::ShiftContentRange { by: 1 }, Fault::CutBody { to: 10 }] {
        let world = prepared();
        world.server.add_rule(on_range(fault.clone()).nth(2));
        assert_eq!(fetch(&world, "large").await, Err(ErrorKind::Protocol), "{fault:?}");
        assert_eq!(target(&world), b"before");
    }
}

#[tokio::test]
async fn another_etag_or_size_between_ranges_is_changed() {
    for fault in [Fault::ChangeEtag, Fault::missing_etag(), Fault::ChangeTotal { by: 1000 }] {
        let world = prepared();
        world.server.add_rule(on_range(fault.clone()).nth(2));
        assert_eq!(fetch(&world, "large").await, Err(ErrorKind::Changed), "{fault:?}");
        assert_eq!(target(&world), b"before");
    }
}

#[tokio::test]
async fn an_object_replaced_while_it_is_read_is_changed() {
    for other in [bytes(LARGE).into_iter().rev().collect::<Vec<u8>>(), b"short".to_vec()] {
        let world = prepared();
        world.server.add_rule(on_range(Fault::Delay(Duration::from_millis(100))));
        let replace = async {
            while world.count(Kind::GetObject) < 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            world.server.put_object(&world.bucket, "large", &other);
        };
        let (result, ()) = tokio::join!(fetch(&world, "large"), in_time(replace));
        assert_eq!(result, Err(ErrorKind::Changed));
        assert_eq!(target(&world), b"before");
    }
}

#[tokio::test]
async fn without_an_etag_a_large_object_comes_by_one_stream() {
    let world = prepared();
    world.server.add_rule(on_get(Fault::missing_etag()));
    fetch(&world, "large").await.unwrap();
    assert!(target(&world) == bytes(LARGE));
    assert_eq!(world.count(Kind::GetObject), 1);
}

#[tokio::test]
async fn a_download_that_is_dropped_leaves_nothing() {
    let world = prepared();
    world.server.add_rule(on_get(Fault::StallMidBody { after: 500 }));
    let path = world.dir.path().join("target");
    for key in ["small", "large"] {
        let options = GetOptions::default();
        let getting = world.store.get_to_file(key, &path, &options);
        tokio::time::timeout(Duration::from_millis(100), getting).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(target(&world), b"before", "{key}");
    }
}
