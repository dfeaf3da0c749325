//! Payloads of any size, from memory, sources and files.

use crate::support::*;
use bytes::Bytes;
use futures_util::stream;
use holdall_store::outbox::{Headers, Kind};
use holdall_store::{
    Attributes, Encryption, ErrorKind, Payload, PutOptions, Sha256, Source, SourceStream, WriteCondition,
    sha256,
};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

struct Pieces {
    promised: u64,
    pieces: Vec<Bytes>,
    digest: Option<Sha256>,
}

impl Source for Pieces {
    fn len(&self) -> u64 {
        self.promised
    }

    fn sha256(&self) -> Option<Sha256> {
        self.digest
    }

    fn open(&self) -> SourceStream {
        Box::pin(stream::iter(self.pieces.clone().into_iter().map(Ok)))
    }
}

fn noise(size: usize) -> Vec<u8> {
    holdall_testing::random::Random::new(size as u64).bytes(size)
}

#[tokio::test]
async fn payloads_of_every_size_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    for size in [0, 1, 4096, 256 << 10, (256 << 10) + 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 5] {
        let bytes = noise(size);
        let pieces: Vec<Bytes> = bytes.chunks(70_000).map(Bytes::copy_from_slice).collect();
        let source = Pieces { promised: size as u64, pieces, digest: Some(sha256(&bytes)) };
        put(&queue, "memory", bytes.clone()).await;
        append(&queue, entry(Kind::Put, "source"), Payload::Source(Arc::new(source))).await;
        let mut file = tempfile::tempfile_in(folder.path()).unwrap();
        file.write_all(&bytes).unwrap();
        let lock = queue.lock(&destination(), &["file"]).await.unwrap();
        queue.append_file(&lock, entry(Kind::Put, "file"), file).await.unwrap();
        let other = open(folder.path());
        for key in ["memory", "source", "file"] {
            assert!(self::bytes(&other, key).unwrap() == bytes, "{key} of {size}");
            let latest = other.latest(&destination(), key).unwrap().unwrap();
            let entry = other.entry(&latest).unwrap();
            assert_eq!((entry.size, entry.sha256), (size as u64, Some(sha256(&bytes))));
            let mut exported = Vec::new();
            assert_eq!(other.export(&latest, &mut exported).unwrap(), size as u64);
            assert!(exported == bytes);
        }
    }
}

#[tokio::test]
async fn a_payload_that_is_not_what_it_says_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let lock = queue.lock(&destination(), &["k"]).await.unwrap();
    for size in [10, 400_000] {
        let bytes = Bytes::from(noise(size));
        let wrong = Some(sha256(b"other"));
        let table = [
            (size as u64 + 1, None, ErrorKind::Changed),
            (size as u64 - 1, None, ErrorKind::Changed),
            (size as u64, wrong, ErrorKind::Integrity),
        ];
        for (promised, digest, kind) in table {
            let source = Payload::Source(Arc::new(Pieces { promised, pieces: vec![bytes.clone()], digest }));
            let error = queue.append(&lock, entry(Kind::Put, "k"), source).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{promised} {digest:?}");
        }
        let hashed = Payload::Hashed(bytes, sha256(b"other"));
        let error = queue.append(&lock, entry(Kind::Put, "k"), hashed).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
    }
    assert_eq!(queue.status().unwrap().entries, 0);
    assert_eq!(files(folder.path(), "payload"), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_goes_with_the_bytes_comes_back_and_a_customers_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    let options = PutOptions {
        attributes: Attributes {
            content_type: Some("text/html".to_owned()),
            metadata: [("run".to_owned(), "é\n7".to_owned())].into(),
            ..Attributes::default()
        },
        tags: vec![("kind".to_owned(), "letter".to_owned())],
        encryption: Some(Encryption::Kms(Some("key".to_owned()))),
        condition: WriteCondition::Absent,
        ..PutOptions::default()
    };
    let headers = Headers::of(&options).unwrap();
    append(&queue, entry(Kind::Put, "k").with_headers(headers), Payload::Empty).await;
    let latest = queue.latest(&destination(), "k").unwrap().unwrap();
    let found = queue.entry(&latest).unwrap().headers.options().unwrap();
    assert_eq!((found.attributes, found.tags), (options.attributes, options.tags));
    assert!(found.encryption == options.encryption && found.condition == options.condition);
    let secret = PutOptions { encryption: Some(Encryption::customer([7; 32])), ..PutOptions::default() };
    assert_eq!(Headers::of(&secret).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn files_are_this_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path());
    put(&queue, "small", "s").await;
    put(&queue, "large", vec![1; 300_000]).await;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("outbox")), 0o700);
    for below in ["queue", "payload", "lock", "quarantine"] {
        assert_eq!(mode(&folder.path().join("outbox").join(below)), 0o700, "{below}");
        for file in files(folder.path(), below) {
            assert_eq!(mode(&file), 0o600, "{file:?}");
        }
    }
}
