//! Opens a store after a crash and holds it to what was acknowledged.

use crate::content::{Seen, Version, recognise, recognise_tags};
use crate::history::History;
use crate::operation::{Operation, When};
use holdall_store::{Error, ErrorKind, Fsync, GetOptions, Location, Metadata, Settings, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What every key has.
pub(crate) type Contents = BTreeMap<String, Option<Seen>>;

/// Opens a store as a process does that has never seen it.
pub(crate) fn open(path: &Path, fsync: Fsync) -> Store {
    let settings = Settings { fsync, ..Settings::default() };
    Store::open_location(&Location::Folder(path.to_owned()), &settings)
        .expect("a folder can be opened as a store")
}

/// Reads all that is in a store, and compares it with what may be there.
///
/// # Errors
///
/// Says what is torn, half-described, lost, come back, or there at all without having been put.
pub(crate) async fn check(path: &Path, history: &History) -> Result<Contents, String> {
    let store = open(path, Fsync::None);
    let mut listed = listing(&store).await?;
    let mut contents = Contents::new();
    for key in history.keys() {
        let seen = read(&store, key, listed.remove(key.as_str()), history).await;
        let judged = seen.and_then(|seen| {
            history.judge(key, seen.as_ref().map(|seen| seen.number))?;
            Ok(seen)
        });
        let seen = judged.map_err(|why| format!("{key:?}: {why}"))?;
        demand_versions(&store, key, history).await.map_err(|why| format!("versions of {key:?}: {why}"))?;
        contents.insert(key.clone(), seen);
    }
    match listed.keys().next() {
        Some(key) => Err(format!("{key:?} is listed, and nobody put it")),
        None => history.judge_moves(&contents).map(|()| contents),
    }
}

async fn listing(store: &Store) -> Result<BTreeMap<String, Metadata>, String> {
    let listed = store.list("").map_err(|e| told(&e))?.collect().await;
    match listed {
        Ok(page) => {
            Ok(page.objects.into_iter().map(|object| (object.key.as_str().to_owned(), object)).collect())
        }
        Err(error) if error.kind() == ErrorKind::BucketNotFound => Ok(BTreeMap::new()),
        Err(error) => Err(format!("the listing fails: {}", told(&error))),
    }
}

/// Reads one key by all ways there are.
async fn read(
    store: &Store,
    key: &str,
    listed: Option<Metadata>,
    history: &History,
) -> Result<Option<Seen>, String> {
    let object = match store.get(key).await {
        Ok(object) => object,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::BucketNotFound) => {
            return if listed.is_none() { Ok(None) } else { Err("listed, and not there".to_owned()) };
        }
        Err(error) => return Err(told(&error)),
    };
    let metadata = object.metadata.clone();
    let body = object.bytes().await.map_err(|e| told(&e))?;
    let head = store.head(key).await.map_err(|e| told(&e))?;
    let listed = listed.ok_or("there, and not listed")?;
    if head != metadata || (listed.size, listed.etag) != (head.size, head.etag) {
        return Err("get, head and the listing differ".to_owned());
    }
    let seen = recognise(history.keys(), &metadata, &body)?;
    let tags = store.tags(key).await.map_err(|e| told(&e))?;
    recognise_tags(seen, &tags).map(Some)
}

/// Demands that every write that was acknowledged is a version still, whole, and each version one.
async fn demand_versions(store: &Store, key: &str, history: &History) -> Result<(), String> {
    let wanted = history.kept(key);
    if wanted.is_empty() {
        return Ok(());
    }
    let listed = store.versions(key).map_err(|e| told(&e))?.collect().await.map_err(|e| told(&e))?;
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for version in listed.into_iter().filter(|version| version.key.as_str() == key) {
        if !names.insert(version.version.clone()) {
            return Err(format!("{} is listed twice", version.version));
        }
        if version.is_marker {
            continue;
        }
        let options = GetOptions { version: Some(version.version), ..GetOptions::default() };
        let object = store.get_with(key, &options).await.map_err(|e| told(&e))?;
        let metadata = object.metadata.clone();
        let body = object.bytes().await.map_err(|e| told(&e))?;
        numbers.insert(recognise(history.keys(), &metadata, &body)?.number);
    }
    match wanted.iter().find(|number| !numbers.contains(number)) {
        Some(number) => Err(format!("{number} was acknowledged and is none of them: {numbers:?}")),
        None => Ok(()),
    }
}

/// Shows that a store takes writes to keys, over whatever a crash left there, and forgets them again.
///
/// # Errors
///
/// Says what it does not take.
pub(crate) async fn goes_on(path: &Path, keys: &[String], fsync: Fsync) -> Result<(), String> {
    let store = open(path, fsync);
    for (number, key) in (1 << 40..).zip(keys) {
        let version = Version { key: key.clone(), number, size: 100, heavy: false };
        let put = Operation::Put(version.clone(), When::Always).perform(&store).await;
        put.map_err(|e| format!("no put to {key:?} any more: {}", told(&e)))?;
        let object = store.get(key).await.map_err(|e| told(&e))?;
        let metadata = object.metadata.clone();
        let body = object.bytes().await.map_err(|e| told(&e))?;
        let seen = recognise(keys, &metadata, &body)?;
        if seen.number != number {
            return Err(format!("{key:?} has {seen:?} although {number} was put"));
        }
        store.delete(key).await.map_err(|e| format!("no delete of {key:?} any more: {}", told(&e)))?;
        if store.exists(key).await.map_err(|e| told(&e))? {
            return Err(format!("{key:?} is there although it was deleted"));
        }
    }
    Ok(())
}

fn told(error: &Error) -> String {
    format!("{:?} {error:?}", error.kind())
}
