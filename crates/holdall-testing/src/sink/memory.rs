//! What exists: the sizes and bytes that were put, or what the options pretend.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::operation::Target;
use super::{SinkOptions, listing};

/// Sizes by key; the ETag follows from both.
pub(super) type Bucket = BTreeMap<String, u64>;

/// Everything that the event loops share.
pub(super) struct Memory {
    pub(super) options: SinkOptions,
    uploads: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    buckets: HashMap<String, Bucket>,
    parts: HashMap<String, BTreeMap<u32, Part>>,
    bytes: HashMap<Target, Arc<[u8]>>,
}

/// The size of a part, and its bytes where they are kept.
struct Part(u64, Vec<u8>);

impl Memory {
    pub(super) fn new(options: SinkOptions) -> Memory {
        Memory { options, uploads: AtomicU64::new(1), kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn new_upload(&self) -> String {
        format!("upload-{:016}", self.uploads.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn create_bucket(&self, bucket: String) {
        if self.options.remember {
            self.kept().buckets.entry(bucket).or_default();
        }
    }

    pub(super) fn delete_bucket(&self, bucket: &str) {
        self.kept().buckets.remove(bucket);
    }

    /// Whether the bytes of what is put are wanted.
    pub(super) fn keeps_bytes(&self) -> bool {
        self.options.remember && self.options.keep
    }

    pub(super) fn put(&self, target: Target, size: u64, bytes: &[u8]) {
        if self.options.remember {
            let mut kept = self.kept();
            if self.options.keep {
                kept.bytes.insert(target.clone(), bytes.into());
            }
            match kept.buckets.get_mut(&target.bucket) {
                Some(bucket) => bucket.insert(target.key, size),
                None => kept.buckets.entry(target.bucket).or_default().insert(target.key, size),
            };
        }
    }

    pub(super) fn put_part(&self, upload: &str, number: u32, size: u64, bytes: Vec<u8>) {
        if self.options.remember {
            self.kept().parts.entry(upload.to_owned()).or_default().insert(number, Part(size, bytes));
        }
    }

    /// Drops the parts of an upload and answers their total and their bytes, nothing when nothing is remembered.
    pub(super) fn finish(&self, upload: &str) -> (u64, Vec<u8>) {
        let parts = if self.options.remember { self.kept().parts.remove(upload) } else { None };
        let mut whole = (0, Vec::new());
        for Part(size, bytes) in parts.into_iter().flat_map(BTreeMap::into_values) {
            whole.0 += size;
            whole.1.extend(bytes);
        }
        whole
    }

    /// The bytes of an object, where they are kept.
    pub(super) fn bytes(&self, target: &Target) -> Option<Arc<[u8]>> {
        if self.keeps_bytes() { self.kept().bytes.get(target).cloned() } else { None }
    }

    pub(super) fn delete<'a>(&self, bucket: &str, keys: impl Iterator<Item = &'a str>) {
        if !self.options.remember {
            return;
        }
        let Kept { buckets, bytes, .. } = &mut *self.kept();
        if let Some(kept) = buckets.get_mut(bucket) {
            for key in keys {
                kept.remove(key);
                bytes.remove(&Target { bucket: bucket.to_owned(), key: key.to_owned() });
            }
        }
    }

    /// The size of an object, or `None` when there is none.
    pub(super) fn size(&self, target: &Target) -> Option<u64> {
        let pretended = size_in_key(&target.key);
        if !self.options.remember {
            return Some(pretended.unwrap_or(self.options.size));
        }
        let kept = self.kept();
        match kept.buckets.get(&target.bucket) {
            Some(bucket) => bucket.get(&target.key).copied().or(pretended),
            None => pretended.or(listing::is_synthetic(&target.key).then_some(self.options.size)),
        }
    }

    /// Calls with the bucket's remembered content, or `None` when its listing is synthetic.
    pub(super) fn with_bucket<R>(&self, bucket: &str, read: impl FnOnce(Option<&Bucket>) -> R) -> R {
        if self.options.remember { read(self.kept().buckets.get(bucket)) } else { read(None) }
    }
}

/// Reads `size=N` anywhere in a key.
fn size_in_key(key: &str) -> Option<u64> {
    let digits = &key[key.find("size=")? + 5..];
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_can_say_its_size() {
        assert_eq!(size_in_key("a/size=4096/b"), Some(4096));
        assert_eq!(size_in_key("size=12.bin"), Some(12));
        assert_eq!(size_in_key("sizes"), None);
    }
}
