use super::*;
use crate::{Acl, Attributes, Encryption, Settings, Store, WriteCondition};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

async fn put(memory: &MemoryBackend, name: &str, text: &'static str, options: &PutOptions) -> Receipt {
    memory.put(&key(name), Payload::Bytes(text.into()), options).await.unwrap()
}

#[tokio::test]
async fn mem_1_content_is_kept_and_can_be_looked_at() {
    let memory = Arc::new(MemoryBackend::private());
    let store = Store::with_backend(memory.clone(), Settings::default());
    let options = PutOptions {
        tags: vec![("kind".into(), "letter".into())],
        acl: Some(Acl::PublicRead),
        ..PutOptions::default()
    };
    store.put_with("b.pdf", "%PDF", &options).await.unwrap();
    memory.put(&Key::reserved("probe"), Payload::Empty, &options).await.unwrap();
    store.put("a.txt", "a").await.unwrap();

    let keys: Vec<_> = memory.objects().iter().map(|o| o.metadata.key.to_string()).collect();
    assert_eq!(keys, ["a.txt", "b.pdf"]);
    let letter = memory.object("b.pdf").unwrap();
    assert_eq!(letter.bytes, "%PDF");
    assert_eq!((letter.acl, &letter.tags), (options.acl, &options.tags));
    assert_eq!(letter.metadata.attributes.content_type.as_deref(), Some("application/pdf"));
    assert!(memory.object(".holdall/probe").is_none());
}

#[tokio::test]
async fn mem_2_a_url_can_be_predicted() {
    let store = Store::memory();
    let url = store.url_for("letters/caf\u{e9} 1.pdf").await.unwrap();
    assert_eq!(url.as_deref(), Some("https://test-bucket.example.com/letters/caf%C3%A9%201.pdf"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_sixteen_racers_creates_the_object() {
    let memory = Arc::new(MemoryBackend::private());
    let race = |n: usize| {
        let memory = memory.clone();
        tokio::spawn(async move {
            let options = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
            memory.put(&key("k"), Payload::from(vec![n as u8]), &options).await.map(|_| n)
        })
    };
    let ended = join_all((0..16).map(race)).await;
    let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().map(|r| r.unwrap()).partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|r| r.unwrap_err().kind() == ErrorKind::Precondition));
    assert_eq!(memory.object("k").unwrap().bytes[..], [*won[0].as_ref().unwrap() as u8]);
}

#[tokio::test]
async fn encryption_is_refused_and_nothing_is_stored() {
    let memory = MemoryBackend::private();
    let options = PutOptions { encryption: Some(Encryption::S3), ..PutOptions::default() };
    let error = memory.put(&key("k"), Payload::Empty, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(memory.begin_upload(&key("k"), &options).await.is_err());
    assert!(memory.objects().is_empty());
}

#[tokio::test]
async fn bytes_without_their_announced_digest_are_refused() {
    let memory = MemoryBackend::private();
    let payload = |text: &'static str| Payload::Hashed(text.into(), crate::sha256(b"right"));
    let error = memory.put(&key("k"), payload("wrong"), &PutOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(memory.objects().is_empty());
    memory.put(&key("k"), payload("right"), &PutOptions::default()).await.unwrap();
}

#[tokio::test]
async fn bytes_come_in_pieces_and_stay_what_they_were() {
    let memory = MemoryBackend::private();
    let bytes: Bytes = (0..600_000u32).map(|n| n as u8).collect();
    memory.put(&key("k"), Payload::Bytes(bytes.clone()), &PutOptions::default()).await.unwrap();
    let options = GetOptions { range: Some(crate::Range::Last(599_999)), ..GetOptions::default() };
    let object = memory.get(&key("k"), &options).await.unwrap();
    put(&memory, "k", "replaced", &PutOptions::default()).await;
    let pieces: Vec<Bytes> = object.stream.map(|piece| piece.unwrap()).collect().await;
    assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [262_144, 262_144, 75_711]);
    assert_eq!(pieces.concat(), bytes[1..]);
}

#[tokio::test]
async fn an_empty_range_is_refused_before_the_object_is_looked_for() {
    let memory = MemoryBackend::private();
    for range in [crate::Range::Last(0), crate::Range::Bounded { start: 3, end: 3 }] {
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let error = memory.get(&key("absent"), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{range:?}");
    }
}

#[tokio::test]
async fn a_copy_carries_what_the_request_does_not_replace() {
    let memory = MemoryBackend::private();
    let attributes = Attributes {
        content_type: Some("text/x".into()),
        storage_class: Some("STANDARD_IA".into()),
        ..Attributes::default()
    };
    let options = PutOptions {
        attributes,
        tags: vec![("t".into(), "1".into())],
        acl: Some(Acl::PublicRead),
        ..PutOptions::default()
    };
    put(&memory, "from", "bytes", &options).await;
    memory.copy(&key("from"), &key("to"), &CopyOptions::default()).await.unwrap();
    let copy = memory.object("to").unwrap();
    assert_eq!((copy.bytes.as_ref(), &copy.tags, copy.acl), (&b"bytes"[..], &options.tags, None));
    assert_eq!(copy.metadata.attributes.content_type.as_deref(), Some("text/x"));
    assert_eq!(copy.metadata.attributes.storage_class, None);

    let bare = CopyOptions { attributes: Some(Attributes::default()), ..CopyOptions::default() };
    memory.copy(&key("from"), &key("from"), &bare).await.unwrap();
    let replaced = memory.object("from").unwrap();
    assert_eq!(replaced.metadata.attributes.content_type.as_deref(), Some("binary/octet-stream"));
    let error = memory.copy(&key("from"), &key("from"), &CopyOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
