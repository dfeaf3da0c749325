//! The format, byte for byte: what another version wrote is read, and what is written is what the page says.

use crate::support::*;
use holdall_store::outbox::{Headers, Kind, Mark};
use holdall_store::{Attributes, Payload, PutOptions, sha256};

/// Written by a program of its own, after `docs/OUTBOX.md`.
const GOLDEN: &[u8] = include_bytes!("golden/00000000000000aa.log");

#[tokio::test]
async fn the_format_is_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let log = folder.path().join("outbox/queue/00000000000000aa.log");
    std::fs::write(&log, GOLDEN).unwrap();
    let queue = open(folder.path());
    assert_eq!(bytes(&queue, "notes/a.txt").unwrap(), b"hello");
    let waiting = queue.waiting(&destination(), "notes/a.txt").unwrap();
    let ids: Vec<String> = waiting.iter().map(|pending| pending.id.to_string()).collect();
    assert_eq!(ids, ["0000000000000001-00000000000000aa", "0000000000000002-00000000000000aa"]);
    assert!(waiting[0].attempted && !waiting[1].attempted);
    let put = queue.entry(&waiting[0]).unwrap();
    assert_eq!((put.kind, put.created, put.size), (Kind::Put, 1_700_000_000_000, 5));
    assert_eq!(put.nonce, "000102030405060708090a0b0c0d0e0f");
    assert_eq!(put.headers.content_type.as_deref(), Some("text/plain"));
    assert_eq!(put.headers.tags, [("kind".to_owned(), "letter".to_owned())]);
    assert!(put.headers.if_absent);
    let copy = queue.entry(&waiting[1]).unwrap();
    assert_eq!((copy.kind, copy.from.as_deref()), (Kind::Copy, Some("notes/a.txt")));
    assert_eq!(copy.depends_on[0].id, put.id);
    assert_eq!(ready(&queue), ["notes/a.txt"]);
    assert!(queue.verify().unwrap().damaged.is_empty());
    // It is gone on with, and what follows is later.
    let id = put_one(&queue).await;
    assert_eq!((id.sequence, id.writer), (5, 0xaa));
    assert_eq!(&std::fs::read(&log).unwrap()[..GOLDEN.len()], GOLDEN);
}

async fn put_one(queue: &holdall_store::outbox::Queue) -> holdall_store::outbox::EntryId {
    let options = PutOptions {
        attributes: Attributes { content_type: Some("text/html".to_owned()), ..Attributes::default() },
        ..PutOptions::default()
    };
    let mut entry = entry(Kind::Put, "k").with_headers(Headers::of(&options).unwrap());
    entry.nonce = "f".repeat(32);
    append(queue, entry, Payload::Bytes("bytes".into())).await
}

#[tokio::test]
async fn the_format_is_written_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let id = put_one(&queue).await;
    let created = queue.entry(&pending(&queue, "k", id)).unwrap().created;
    mark(&queue, "k", id, Mark::Parked { why: "refused".to_owned() }).await;
    let log = std::fs::read(&logs(folder.path())[0]).unwrap();
    assert_eq!(&log[..16], b"holdall.outbox\x01\0");
    assert_eq!(log[16..24], id.writer.to_le_bytes());
    let header = format!(
        concat!(
            r#"{{"schema":"holdall.entry/1","id":"{id}","kind":"put","#,
            r#""destination":{{"endpoint":"http://localhost:9000","bucket":"bucket"}},"key":"k","#,
            r#""headers":{{"content_type":"text/html"}},"size":5,"sha256":"{sha256}","nonce":"{nonce}","#,
            r#""created":{created}}}"#,
        ),
        id = id,
        sha256 = sha256(b"bytes"),
        nonce = "f".repeat(32),
        created = created,
    );
    let place = u64::from_be_bytes(sha256(b"http://localhost:9000\0bucket").0[..8].try_into().unwrap());
    let marked = format!(
        concat!(
            r#"{{"schema":"holdall.mark/1","of":"{id}","stamp":"{stamp:016x}-{writer:016x}","place":{place},"#,
            r#""keys":["k"],"state":"parked","why":"refused"}}"#,
        ),
        id = id,
        stamp = id.sequence + 1,
        writer = id.writer,
        place = place,
    );
    let rest = demand_frame(&log, 32, id.writer, 1, header.as_bytes(), b"bytes");
    let rest = demand_frame(&log, rest, id.writer, 2, marked.as_bytes(), b"");
    assert_eq!(rest, log.len());
}

/// Compares a frame with what the page says; answers where the next one begins.
fn demand_frame(log: &[u8], at: usize, segment: u64, sort: u32, header: &[u8], payload: &[u8]) -> usize {
    let mut wanted = vec![0x89, b'H', b'Q', b'F'];
    wanted.extend(sort.to_le_bytes());
    wanted.extend(segment.to_le_bytes());
    wanted.extend((at as u64).to_le_bytes());
    wanted.extend((header.len() as u32).to_le_bytes());
    wanted.extend(holdall_s3::crc32c(header).to_le_bytes());
    wanted.extend((payload.len() as u64).to_le_bytes());
    wanted.extend(holdall_s3::crc32c(payload).to_le_bytes());
    wanted.extend(holdall_s3::crc32c(&wanted).to_le_bytes());
    wanted.extend(header);
    wanted.extend(payload);
    assert_eq!(String::from_utf8_lossy(&log[at..at + wanted.len()]), String::from_utf8_lossy(&wanted));
    assert_eq!(log[at..at + wanted.len()], wanted);
    at + wanted.len()
}
