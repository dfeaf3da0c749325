//! Bytes that are not those that were put.

use holdall_store::{ErrorKind, GetOptions, Range};
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
