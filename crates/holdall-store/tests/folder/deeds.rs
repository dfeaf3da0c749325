//! Calls that faults are put into, each with what is there before.

use crate::ground::{head_note, heavy, keys, noted, read};
use holdall_store::{CopyOptions, ErrorKind, Key, PutOptions, Result, Store, WriteCondition};
use std::collections::BTreeMap;

/// The deeds that change something.
pub(crate) const WRITES: [&str; 14] = [
    "put the first",
    "put new",
    "put new heavy",
    "put new odd",
    "replace",
    "replace heavy",
    "replace heavy by light",
    "replace light by heavy",
    "replace odd heavy",
    "delete",
    "delete heavy",
    "copy",
    "copy heavy",
    "upload",
];

/// The deeds that read.
pub(crate) const READS: [&str; 4] = ["read", "read heavy", "read odd", "list"];

/// What is in a store: bytes and a word of metadata by key.
pub(crate) type State = BTreeMap<String, (Vec<u8>, Option<String>)>;

/// Fills a store with what a deed works on.
pub(crate) async fn prepare(deed: &str, store: &Store) -> Result<()> {
    if deed == "put the first" {
        return Ok(());
    }
    store.put_with("d/light", "old light", &noted("old")).await?;
    store.put_with("d/heavy", "old heavy", &heavy("old")).await?;
    store.put_with("o//dd", "old odd", &heavy("old")).await.map(drop)
}

/// Does a deed, and answers what it read.
pub(crate) async fn perform(deed: &str, store: &Store) -> Result<String> {
    match deed {
        "put the first" | "put new" => put(store, "new/deep/er/key", &noted("new")).await,
        "put new heavy" => put(store, "new/deep/er/key", &heavy("new")).await,
        "put new odd" => put(store, "d/light/below", &heavy("new")).await,
        "replace" => put(store, "d/light", &noted("new")).await,
        "replace heavy" => put(store, "d/heavy", &heavy("new")).await,
        "replace heavy by light" => put(store, "d/heavy", &noted("new")).await,
        "replace light by heavy" => put(store, "d/light", &heavy("new")).await,
        "replace odd heavy" => put(store, "o//dd", &heavy("new")).await,
        "delete" => store.delete("d/light").await.map(|_| String::new()),
        "delete heavy" => store.delete("o//dd").await.map(|_| String::new()),
        "copy" => copy(store, "d/light", "d/copy").await,
        "copy heavy" => copy(store, "o//dd", "d/heavy").await,
        "upload" => upload(store, "d/light").await,
        "read" => seen(store, "d/light").await,
        "read heavy" => seen(store, "d/heavy").await,
        "read odd" => seen(store, "o//dd").await,
        "list" => {
            let page = store.list("")?.collect().await?;
            Ok(page.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>().join(" "))
        }
        "list what can be" => {
            let (objects, failures) = crate::ground::listed(store, "").await;
            let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
            Ok(format!("{} {failures:?}", keys.join(" ")))
        }
        other => panic!("no such deed: {other}"),
    }
}

async fn put(store: &Store, key: &str, options: &PutOptions) -> Result<String> {
    store.put_with(key, "new bytes", options).await.map(|_| String::new())
}

async fn copy(store: &Store, from: &str, to: &str) -> Result<String> {
    store.copy(from, to, &CopyOptions::default()).await.map(|_| String::new())
}

/// Parts that come in the wrong order, so that they must be gathered.
async fn upload(store: &Store, key: &str) -> Result<String> {
    let upload = store.backend().begin_upload(&Key::parse(key)?, &noted("new")).await?;
    let last = upload.put_part(2, "last".into()).await?;
    let first = upload.put_part(1, vec![b'f'; 5 << 20].into()).await?;
    upload.complete(&[first, last], &WriteCondition::Always).await.map(|_| String::new())
}

async fn seen(store: &Store, key: &str) -> Result<String> {
    let object = store.get(key).await?;
    let note = crate::ground::note(&object.metadata).map(str::to_owned);
    Ok(format!("{note:?} {:?}", object.bytes().await?))
}

/// All that a store has.
pub(crate) async fn state(store: &Store) -> State {
    if store.health().await.is_err_and(|error| error.kind() == ErrorKind::BucketNotFound) {
        return State::new();
    }
    let mut state = State::new();
    for key in keys(store, "").await {
        let bytes = read(store, &key).await.unwrap();
        let note = head_note(store, &key).await;
        assert!(note.is_some(), "{key} is half described");
        state.insert(key, (bytes, note));
    }
    state
}
