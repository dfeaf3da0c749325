//! Bytes that are not those that were put.

use holdall_store::{CopyOptions, ErrorKind, GetOptions, PutOptions, Range, ReadConditions};
use holdall_testing::fault::{Fault, Kind, Rule};

use crate::support::{World, bytes, in_time};

#[tokio::test]
async fn damaged_bytes_are_an_integrity_fault_by_the_recorded_digest() {
    for fault in [
        Fault::FlipByte { at: 0 },
        Fault::FlipByte { at: 70_000 },
        Fault::ReplaceBody(bytes(100_000)),
        Fault::CutBody { to: 99_999 },
        Fault::CutBody { to: 0 },
        Fault::WrongLength { by: -1 },
    ] {
        let world = World::good();
        let body: Vec<u8> = bytes(100_000).into_iter().rev().collect();
        in_time(world.store.put("k", body.clone())).await.unwrap();
        world.server.add_rule(Rule::new(fault.clone()).on(Kind::GetObject).once());
        assert_eq!(world.get("k").await, Err(ErrorKind::Integrity), "{fault:?}");
        assert_eq!(world.get("k").await, Ok(body));
    }
}

#[tokio::test]
async fn a_write_that_the_server_damaged_is_noticed_when_read() {
    let world = World::with(Rule::new(Fault::CorruptWrite).on(Kind::PutObject).key("k"));
    in_time(world.store.put("k", bytes(1000))).await.unwrap();
    assert_eq!(world.get("k").await, Err(ErrorKind::Integrity));
}

/// The digest is of the whole: a range has none, and does not pretend to.
#[tokio::test]
async fn a_range_is_read_without_the_digest_of_the_whole() {
    let world = World::good();
    in_time(world.store.put("k", bytes(1000))).await.unwrap();
    let options = GetOptions { range: Some(Range::Bounded { start: 10, end: 20 }), ..GetOptions::default() };
    let object = in_time(world.store.get_with("k", &options)).await.unwrap();
    assert_eq!(in_time(object.bytes()).await.unwrap(), bytes(1000)[10..20]);
}

/// A server in trouble is none that was seen to check payloads.
#[tokio::test]
async fn a_failing_server_does_not_count_as_one_that_checks_payloads() {
    for fault in [Fault::internal_error(), Fault::refuse(502, ""), Fault::slow_down(None), Fault::Reset] {
        let world = World::with(Rule::new(fault.clone()).on(Kind::PutObject).key(".holdall/probe"));
        let receipt = in_time(world.store.put("k", bytes(1000))).await.unwrap();
        assert_eq!(receipt.verified, holdall_store::Verified::None, "{fault:?}");
    }
    let receipt = in_time(World::good().store.put("k", bytes(1000))).await.unwrap();
    assert_eq!(receipt.verified, holdall_store::Verified::Payload);
}

fn underscored() -> PutOptions {
    let mut options = PutOptions::default();
    options.attributes.metadata.insert("a_b".to_owned(), "1".to_owned());
    options
}

/// Nothing is asked of a server for a name that every server keeps, and once for one that it may not.
#[tokio::test]
async fn a_metadata_name_that_the_server_would_change_is_refused() {
    let dropped = Rule::new(Fault::OmitHeader("x-amz-meta-a_b".into())).on(Kind::HeadObject);
    let world = World::with(dropped);
    world.server.put_object(&world.bucket, "k", b"before");
    let mut plain = PutOptions::default();
    plain.attributes.metadata.insert("a-b".to_owned(), "1".to_owned());
    in_time(world.store.put_with("plain", "x", &plain)).await.unwrap();
    let heads = world.count(Kind::HeadObject);
    for _ in 0..2 {
        let error = in_time(world.store.put_with("k", "x", &underscored())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.hint(), Some("use dashes in metadata names and no underscores"));
    }
    assert_eq!(world.count(Kind::HeadObject), heads + 1);
    assert_eq!(world.stored("k").as_deref(), Some(&b"before"[..]));
    let left = world.server.objects(&world.bucket).into_keys().collect::<Vec<_>>();
    assert_eq!(left, ["k", "plain"]);
}

#[tokio::test]
async fn a_metadata_name_that_the_server_keeps_is_sent() {
    let world = World::good();
    in_time(world.store.put_with("k", "x", &underscored())).await.unwrap();
    let kept = in_time(world.store.head("k")).await.unwrap();
    assert_eq!(kept.attributes.metadata, underscored().attributes.metadata);
}

/// What is copied is what was looked at; that it is gone is the caller's condition only where the caller gave one.
#[tokio::test]
async fn a_source_that_is_replaced_while_it_is_copied_is_changed() {
    let world = World::with(Rule::new(Fault::refuse(412, "PreconditionFailed")).on(Kind::CopyObject));
    let etag = in_time(world.store.put("from", "x")).await.unwrap().etag;
    let free = CopyOptions::default();
    let conditions = ReadConditions { if_match: etag, ..ReadConditions::default() };
    let bound = CopyOptions { conditions, ..CopyOptions::default() };
    for (options, wanted) in [(free, ErrorKind::Changed), (bound, ErrorKind::Precondition)] {
        let error = in_time(world.store.copy("from", "to", &options)).await.unwrap_err();
        assert_eq!(error.kind(), wanted, "{error:?}");
        assert_eq!(world.keys(), ["from"]);
    }
}
