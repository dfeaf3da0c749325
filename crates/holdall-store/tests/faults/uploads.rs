//! Objects in parts: there when it is said, and given back when not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use holdall_store::{ErrorKind, Key, PutOptions, WriteCondition};
use holdall_testing::fault::{Fault, Kind, Rule};
use tokio::io::{AsyncRead, ReadBuf};

use crate::support::{MIB, World, all_of, bytes, in_time};

const SIZE: usize = 12 * MIB;

async fn put(world: &World) -> Result<(), ErrorKind> {
    in_time(world.store.put("big", bytes(SIZE))).await.map(drop).map_err(|error| error.kind())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_gives_its_parts_back() {
    use ErrorKind as K;
    let table = [
        (Kind::UploadPart, Fault::refuse(403, "AccessDenied"), K::PermissionDenied),
        (Kind::UploadPart, Fault::internal_error(), K::Unreachable),
        (Kind::UploadPart, Fault::Reset, K::Unreachable),
        (Kind::UploadPart, Fault::missing_etag(), K::Protocol),
        (Kind::UploadPart, Fault::refuse(400, "XAmzContentSHA256Mismatch"), K::Integrity),
        (
            Kind::UploadPart,
            Fault::RefuseEarly { status: 403, code: "AccessDenied".into(), after: 1000 },
            K::PermissionDenied,
        ),
        (Kind::CompleteMultipartUpload, Fault::refuse(400, "InvalidPart"), K::InvalidInput),
        (Kind::CompleteMultipartUpload, Fault::ErrorBody { code: "InternalError".into() }, K::Unreachable),
        (
            Kind::CompleteMultipartUpload,
            Fault::ErrorBody { code: "AccessDenied".into() },
            K::PermissionDenied,
        ),
    ];
    let fails = |(kind, fault, expected): (Kind, Fault, K)| async move {
        let world = World::with(Rule::new(fault.clone()).on(kind));
        world.server.put_object(&world.bucket, "big", b"before");
        assert_eq!(put(&world).await, Err(expected), "{kind:?} {fault:?}");
        assert_eq!(world.stored("big").as_deref(), Some(&b"before"[..]), "{kind:?} {fault:?}");
        assert!(world.server.uploads().is_empty(), "{kind:?} {fault:?}: {:?}", world.server.uploads());
    };
    all_of(table.into_iter().map(fails)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_faults_pass_is_right_and_leaves_nothing() {
    let table = [
        (Kind::UploadPart, Fault::AnswerLost),
        (Kind::UploadPart, Fault::Stall),
        (Kind::UploadPart, Fault::slow_down(None)),
        (Kind::CompleteMultipartUpload, Fault::AnswerLost),
        (Kind::CompleteMultipartUpload, Fault::ErrorBody { code: "SlowDown".into() }),
        (Kind::CompleteMultipartUpload, Fault::Reset),
        (Kind::HeadObject, Fault::Reset),
    ];
    let passes = |(kind, fault): (Kind, Fault)| async move {
        let world = World::with(Rule::new(fault.clone()).on(kind).once());
        put(&world).await.unwrap_or_else(|error| panic!("{kind:?} {fault:?}: {error:?}"));
        assert!(world.stored("big").unwrap() == bytes(SIZE), "{kind:?} {fault:?}");
        assert!(world.server.uploads().is_empty(), "{kind:?} {fault:?}");
    };
    all_of(table.into_iter().map(passes)).await;
}

/// When giving back fails too, the caller is told why the upload failed, not why the abort did.
#[tokio::test]
async fn an_abort_that_fails_does_not_hide_why() {
    let world = World::with(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::UploadPart));
    world.server.add_rule(Rule::new(Fault::internal_error()).on(Kind::AbortMultipartUpload));
    assert_eq!(put(&world).await, Err(ErrorKind::PermissionDenied));
    assert_eq!(world.server.uploads().len(), 1);
    // And one that passes is tried again.
    let world = World::with(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::UploadPart));
    world.server.add_rule(Rule::new(Fault::AnswerLost).on(Kind::AbortMultipartUpload).once());
    assert_eq!(put(&world).await, Err(ErrorKind::PermissionDenied));
    assert!(world.server.uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_that_fails_does_not_hide_that_a_condition_failed() {
    let refused = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::AbortMultipartUpload).key("taken");
    let world = World::with(refused);
    world.server.put_object(&world.bucket, "taken", b"before");
    let key = Key::parse("taken").unwrap();
    let upload = in_time(world.store.backend().begin_upload(&key, &PutOptions::default())).await.unwrap();
    let part = in_time(upload.put_part(1, "x".into())).await.unwrap();
    let error = in_time(upload.complete(&[part], &WriteCondition::Absent)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Precondition, "{error:?}");
    assert_eq!(world.stored("taken").as_deref(), Some(&b"before"[..]));
    assert_eq!(world.server.uploads().len(), 1, "the abort was refused");
}

/// Gives some bytes, then fails or waits.
struct Broken {
    left: usize,
    then: Option<io::ErrorKind>,
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return match self.then {
                Some(kind) => Poll::Ready(Err(kind.into())),
                None => Poll::Pending,
            };
        }
        let n = self.left.min(buf.remaining()).min(64 * 1024);
        buf.put_slice(&vec![b'x'; n]);
        self.left -= n;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_reader_that_fails_stores_nothing_and_leaves_nothing() {
    for left in [0, 1000, 7 * MIB, 11 * MIB] {
        let world = World::good();
        let reader = Broken { left, then: Some(io::ErrorKind::BrokenPipe) };
        let result = in_time(world.store.put_reader("k", reader, None, &PutOptions::default())).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Io, "after {left}");
        assert!(world.keys().is_empty(), "after {left}");
        assert!(world.server.uploads().is_empty(), "after {left}");
    }
}

#[tokio::test]
async fn a_server_that_fails_ends_a_reader_that_does_not() {
    let world = World::with(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::UploadPart));
    let endless = tokio::io::repeat(b'x');
    let result = in_time(world.store.put_reader("k", endless, None, &PutOptions::default())).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(world.keys().is_empty() && world.server.uploads().is_empty());
}

#[tokio::test]
async fn a_stream_whose_parts_are_lost_on_the_way_is_right() {
    let world = World::with(Rule::new(Fault::AnswerLost).on(Kind::UploadPart).every(2));
    let body = bytes(SIZE);
    let receipt =
        in_time(world.store.put_reader("k", body.as_slice(), None, &PutOptions::default())).await.unwrap();
    assert_eq!(receipt.size, SIZE as u64);
    assert!(world.stored("k").unwrap() == body);
}

/// A part's reader that waits is cancelled with the rest.
#[tokio::test]
async fn a_put_that_is_dropped_stores_nothing() {
    let world = World::good();
    let reader = Broken { left: 7 * MIB, then: None };
    let options = PutOptions::default();
    let putting = world.store.put_reader("k", reader, None, &options);
    tokio::time::timeout(Duration::from_millis(300), putting).await.unwrap_err();
    assert!(world.keys().is_empty());
}

/// Some services demand equal parts, and many know neither trailers nor chunks.
#[tokio::test]
async fn parts_are_equal_but_the_last_and_nothing_travels_in_chunks() {
    let world = World::good();
    let body = bytes(16 * MIB);
    in_time(world.store.put("bytes", body.clone())).await.unwrap();
    in_time(world.store.put_reader("stream", &body[..], None, &PutOptions::default())).await.unwrap();
    in_time(world.store.put_file("file", &world.file("source", &body), &PutOptions::default()))
        .await
        .unwrap();
    for key in ["bytes", "stream", "file"] {
        let log = world.server.log();
        let parts = log.iter().filter(|seen| seen.kind == Kind::UploadPart && seen.key == key);
        let mut sizes: Vec<usize> = parts.map(|seen| seen.body_length).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [MIB, 5 * MIB, 5 * MIB, 5 * MIB], "{key}");
    }
    for seen in world.server.log() {
        for name in ["transfer-encoding", "x-amz-trailer", "x-amz-decoded-content-length", "expect"] {
            assert_eq!(seen.header(name), None, "{:?}", seen.kind);
        }
        assert!(seen.header("content-encoding").is_none_or(|coding| !coding.contains("aws-chunked")));
    }
}
