//! Bodies that are cut, stretched, damaged, slow or of another object.

use std::time::{Duration, Instant};

use holdall_s3::{ChecksumAlgorithm, Error, ErrorKind, GetOptions, PayloadIntegrity, PutOptions, Range};
use holdall_testing::fault::{Fault, Kind};

use crate::support::{ATTEMPTS, BUCKET, READ, World, bytes, get, in_time, on_get, put};

const SIZE: usize = 100_000;

fn with(rule: holdall_testing::fault::Rule) -> (World, Vec<u8>) {
    let (world, body) = (World::with(rule), bytes(SIZE));
    world.server.put_object(BUCKET, "k", &body);
    (world, body)
}

fn ranged(start: u64, end: u64) -> GetOptions {
    GetOptions { range: Some(Range::Bounded { start, end }), ..GetOptions::default() }
}

async fn get_range(world: &World, start: u64, end: u64) -> Result<Vec<u8>, Error> {
    in_time(get(&world.client, "k", &ranged(start, end))).await
}

#[tokio::test]
async fn a_body_that_breaks_is_resumed_by_range_under_the_same_etag() {
    for fault in [
        Fault::ShortBody { missing: 60_000 },
        Fault::ResetMidBody { after: 1 },
        Fault::ResetMidBody { after: 99_999 },
        Fault::StallMidBody { after: 50_000 },
    ] {
        let (world, body) = with(on_get(fault.clone()).once());
        assert_eq!(in_time(world.get("k")).await.unwrap(), body, "{fault:?}");
        let sent = world.seen(Kind::GetObject);
        assert_eq!(sent.len(), 2, "{fault:?}");
        assert!(sent[1].header("range").is_some_and(|range| range.ends_with("-99999")), "{fault:?}");
    }
}

#[tokio::test]
async fn a_range_that_breaks_is_resumed_inside_of_it() {
    let (world, body) = with(on_get(Fault::ShortBody { missing: 500 }).once());
    assert_eq!(get_range(&world, 10_000, 12_000).await.unwrap(), body[10_000..12_000]);
    assert_eq!(world.seen(Kind::GetObject)[1].header("range"), Some("bytes=11500-11999"));
}

#[tokio::test]
async fn reading_on_draws_on_the_attempts_set() {
    let (world, _) = with(on_get(Fault::ShortBody { missing: 1000 }).first(2));
    world.server.add_rule(on_get(Fault::internal_error()));
    let error = in_time(world.get("k")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unreachable, ATTEMPTS));
    assert_eq!(world.count(Kind::GetObject), ATTEMPTS);
}

#[tokio::test]
async fn reading_on_waits_as_any_retry_does() {
    let (world, body) = with(on_get(Fault::ShortBody { missing: 1000 }).first(2));
    let client = world.client(|c| {
        c.retry.first_wait = Duration::from_millis(100);
        c.retry.longest_wait = Duration::from_millis(100);
        c.seams.random = || u128::MAX;
    });
    let start = Instant::now();
    assert_eq!(in_time(get(&client, "k", &GetOptions::default())).await.unwrap(), body);
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn another_object_in_the_middle_of_a_read_is_changed() {
    // The second answer has another ETag.
    let (world, _) = with(on_get(Fault::ShortBody { missing: 1000 }).once());
    world.server.add_rule(on_get(Fault::ChangeEtag));
    assert_eq!(in_time(world.get("k")).await.unwrap_err().kind(), ErrorKind::Changed);
    // The same ETag and another size.
    let (world, _) = with(on_get(Fault::ShortBody { missing: 1000 }).once());
    world.server.add_rule(on_get(Fault::ChangeTotal { by: 1 }));
    let error = in_time(world.get("k")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Changed | ErrorKind::Protocol), "{error:?}");
}

#[tokio::test]
async fn an_object_replaced_by_a_shorter_one_is_changed() {
    let (world, _) = with(on_get(Fault::StallMidBody { after: 50_000 }).once());
    let answer = in_time(world.client.get("k", &GetOptions::default())).await.unwrap();
    world.server.put_object(BUCKET, "k", b"short");
    assert_eq!(in_time(answer.body.collect()).await.unwrap_err().kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn an_object_without_an_etag_is_read_but_never_resumed() {
    let (world, body) = with(on_get(Fault::missing_etag()));
    assert_eq!(in_time(world.get("k")).await.unwrap(), body);
    let (world, _) = with(on_get(Fault::Drip { bytes: 90_000, every: Duration::from_millis(50) }).once());
    world.server.add_rule(on_get(Fault::missing_etag()));
    // The one that drips has an ETag and is whole, so that the next is the one without.
    in_time(world.get("k")).await.unwrap();
    let answer = in_time(world.client.get("k", &GetOptions::default())).await.unwrap();
    assert_eq!(answer.head.etag, None);
}

#[tokio::test]
async fn a_length_too_great_is_never_believed() {
    let (world, _) = with(on_get(Fault::WrongLength { by: 10 }));
    let error = in_time(world.get("k")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Changed), "{error:?}");
    let (world, _) = with(on_get(Fault::WrongLength { by: 1 << 40 }));
    let error = in_time(world.get("k")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Changed), "{error:?}");
}

#[tokio::test]
async fn a_range_answered_wrongly_is_a_protocol_fault() {
    for fault in [
        Fault::ShiftContentRange { by: 10 },
        Fault::ShiftContentRange { by: -10 },
        Fault::IgnoreRange,
        Fault::OmitHeader("content-range".into()),
        Fault::SetHeader("content-range".into(), "bytes 100-199/*".into()),
        Fault::SetHeader("content-range".into(), "bytes 100-199/150".into()),
        Fault::SetHeader("content-range".into(), "100-199".into()),
        Fault::CutBody { to: 50 },
    ] {
        let (world, _) = with(on_get(fault.clone()));
        let error = get_range(&world, 100, 200).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{fault:?}: {error:?}");
        assert_eq!(world.count(Kind::GetObject), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_body_longer_than_its_range_is_cut_or_refused() {
    let (world, body) = with(on_get(Fault::LongBody { extra: 100 }));
    assert_eq!(get_range(&world, 100, 200).await.unwrap(), body[100..200]);
}

#[tokio::test]
async fn a_slow_body_is_waited_for_while_it_moves() {
    // 2 KiB in every 200 ms: many read timeouts long, and never too slow.
    let (world, body) = with(on_get(Fault::Drip { bytes: 2048, every: Duration::from_millis(40) }));
    let start = Instant::now();
    assert_eq!(in_time(world.get("k")).await.unwrap(), body);
    assert!(start.elapsed() > READ * 2);
    assert_eq!(world.count(Kind::GetObject), 1);
}

#[tokio::test]
async fn a_body_of_less_than_a_kibibyte_a_timeout_is_a_timeout() {
    let (world, _) = with(on_get(Fault::Drip { bytes: 10, every: Duration::from_millis(20) }));
    let start = Instant::now();
    let error = in_time(world.get("k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < READ * (ATTEMPTS + 2), "{:?}", start.elapsed());
    assert!(world.count(Kind::GetObject) <= ATTEMPTS);
}

#[tokio::test]
async fn a_reader_that_takes_its_time_is_no_stall() {
    let body = bytes(8 << 20);
    let world = World::good();
    world.server.put_object(BUCKET, "k", &body);
    let mut answer = in_time(world.client.get("k", &GetOptions::default())).await.unwrap();
    let mut got = in_time(answer.body.next()).await.unwrap().unwrap().to_vec();
    tokio::time::sleep(READ * 2).await;
    got.extend(in_time(answer.body.collect()).await.unwrap());
    assert!(got == body);
    assert_eq!(world.count(Kind::GetObject), 1);
}

#[tokio::test]
async fn a_checksum_that_the_server_keeps_is_compared() {
    for algorithm in [ChecksumAlgorithm::Crc64Nvme, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Sha256] {
        let world = World::good();
        let client = world.client(|c| c.integrity = PayloadIntegrity::Checksum(algorithm));
        in_time(put(&client, "k", &bytes(SIZE), &PutOptions::default())).await.unwrap();
        let options = GetOptions { checksums: true, ..GetOptions::default() };
        for fault in [
            Fault::FlipByte { at: 70_000 },
            Fault::ReplaceBody(vec![7; SIZE]),
            Fault::CutBody { to: 99_999 },
            Fault::wrong_checksum(algorithm.name().to_lowercase().as_str()),
        ] {
            world.server.add_rule(on_get(fault.clone()));
            let error = in_time(get(&client, "k", &options)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{fault:?}");
            world.server.clear_rules();
            // A body that breaks and is resumed is compared as a whole.
            world.server.add_rule(on_get(Fault::ShortBody { missing: 30 }).once());
            assert_eq!(in_time(get(&client, "k", &options)).await.unwrap(), bytes(SIZE));
            world.server.clear_rules();
        }
    }
}

#[tokio::test]
async fn an_empty_object_has_no_fault_to_find() {
    let world = World::good();
    in_time(world.put("k", b"")).await.unwrap();
    for fault in
        [Fault::ShortBody { missing: 1 }, Fault::FlipByte { at: 0 }, Fault::ResetMidBody { after: 0 }]
    {
        world.server.add_rule(on_get(fault));
        assert_eq!(in_time(world.get("k")).await.unwrap(), b"");
        world.server.clear_rules();
    }
}
