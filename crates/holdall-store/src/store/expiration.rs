//! Lets objects expire, and deletes those that have.
//!
//! An object is not found from its moment on. Its bytes go by a sweep, which finds what is due in an index by day: an entry is
//! written before the object that it is of, and means nothing without it.

mod below;

use super::Store;
use crate::backend::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::{self, EXPIRES};
use crate::key::{Key, Prefix};
use crate::object::{CopyOptions, DeleteOptions, GetOptions, ListOptions, Metadata, PutOptions};
use crate::receipt::Receipt;
use crate::{Attributes, Payload, ReadConditions};
use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

pub use below::{ExpirationEvent, ExpirationSummary};

/// Where the index lies: below it a folder for each day, in it an object for each that is due that day, which
/// holds the key.
pub(super) const DUE: &str = ".holdall/due/";

/// How a sweep is made.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    /// Only what expired so long ago, since clocks differ.
    pub grace: Duration,
    /// Say what would go and delete nothing.
    pub dry_run: bool,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self { grace: Duration::from_secs(60), dry_run: false }
    }
}

/// What a sweep met.
#[derive(Debug)]
#[non_exhaustive]
pub enum SweepEvent {
    /// An object that had expired is deleted, or would be.
    Deleted {
        /// Which one.
        key: Key,
        /// Its size in bytes.
        size: u64,
        /// When it expired.
        expired: SystemTime,
    },
    /// An object that should have gone and did not.
    Failed {
        /// Which one.
        key: Key,
        /// Why.
        error: Error,
    },
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepSummary {
    /// Objects that were deleted, or would be.
    pub deleted: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that should have gone and did not. The next sweep tries them again.
    pub failed: u64,
}

/// What became of an entry of the index.
enum Swept {
    Deleted(Box<Metadata>, SystemTime),
    /// Nothing is due by it, or not yet.
    Left,
}

impl SweepSummary {
    fn add(&mut self, key: Key, swept: Result<Swept>, on_event: &mut (dyn FnMut(SweepEvent) + Send)) {
        match swept {
            Ok(Swept::Left) => {}
            Ok(Swept::Deleted(found, expired)) => {
                self.deleted += 1;
                self.bytes += found.size;
                on_event(SweepEvent::Deleted { key, size: found.size, expired });
            }
            Err(error) => {
                self.failed += 1;
                on_event(SweepEvent::Failed { key, error });
            }
        }
    }
}

impl Store {
    /// Lets an object expire: from that moment on, rounded up to the second, it is not found. With none it never does.
    ///
    /// The object is copied onto itself, with all that it carries but an ACL, which is that of the settings: in a store
    /// that keeps versions that is another one.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let store = Store::memory();
    /// store.put("draft", "x").await?;
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// store.set_expiration("draft", Some(tomorrow)).await?;
    /// assert!(store.head("draft").await?.expires >= Some(tomorrow));
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` for a moment that has passed; `Precondition` or `Changed` when the object is replaced
    /// meanwhile: then it is as somebody else wrote it.
    pub async fn set_expiration(&self, key: &str, expires: Option<SystemTime>) -> Result<Receipt> {
        let key = Key::parse(key)?;
        let found = self.backend().head(&key, &GetOptions::default()).await;
        self.expire_found(&key, found.map_err(|e| e.with_key(&key))?, expires).await
    }

    /// Gives an object another moment, or none, as long as it is as it was looked at.
    async fn expire_found(&self, key: &Key, found: Metadata, expires: Option<SystemTime>) -> Result<Receipt> {
        let mut attributes = found.attributes;
        attributes.metadata.remove(EXPIRES);
        if let Some(moment) = expires {
            expiry::note(&mut attributes, moment, SystemTime::now()).map_err(|e| e.with_key(key))?;
            self.enter(key, moment).await?;
        }
        self.rewrite(key, found.etag, attributes).await
    }

    /// Copies an object onto itself with other attributes, while it has an `ETag`.
    pub(crate) async fn rewrite(
        &self,
        key: &Key,
        etag: Option<String>,
        attributes: Attributes,
    ) -> Result<Receipt> {
        let options = CopyOptions {
            attributes: Some(attributes),
            conditions: ReadConditions { if_match: etag, ..ReadConditions::default() },
            acl: self.settings().acl,
            keep_storage_class: true,
            ..CopyOptions::default()
        };
        self.backend().copy(key, key, &options).await.map_err(|e| e.with_key(key))
    }

    /// Writes an object's entry of the index, before the object has the moment.
    pub(crate) async fn enter(&self, key: &Key, moment: SystemTime) -> Result<()> {
        let entry = entry_of(key, moment)
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "nothing can expire so late").with_key(key))?;
        let payload = Payload::Bytes(key.as_str().to_owned().into());
        let put = self.backend().put(&entry, payload, &PutOptions::default()).await;
        put.map(drop).map_err(|e| e.with_key(key))
    }

    /// Deletes all objects that have expired, each after a look at it right before.
    ///
    /// What it reads are the days up to today of the index, and each object that is due. It may be cut off at any moment and
    /// be made again, by several at once. Memory is that of a page of the index.
    ///
    /// # Errors
    ///
    /// What keeps the index from being listed. An object that cannot be deleted is an event, and the rest go on.
    pub async fn sweep(
        &self,
        options: &SweepOptions,
        on_event: &mut (dyn FnMut(SweepEvent) + Send),
    ) -> Result<SweepSummary> {
        let now = SystemTime::now();
        let today = day_of(now).unwrap_or_default();
        let mut summary = SweepSummary::default();
        let prefix = Prefix::listed(DUE);
        let mut pages = self.backend().list(ListOptions { prefix, ..ListOptions::default() });
        while let Some(page) = pages.next_page().await {
            let page = page?;
            let all = page.objects.len();
            let mut due: Vec<Key> = page.objects.into_iter().map(|entry| entry.key).collect();
            due.retain(|entry| day(entry).is_some_and(|day| *day <= *today));
            let is_last = due.len() < all;
            // Boxed, so that a task of its own may sweep: a stream of futures that closures make is not `Send` for every
            // lifetime.
            let work = due.into_iter().map(|entry| Box::pin(self.sweep_entry(entry, now, options)) as _);
            let work: Vec<BoxFuture<'_, (Key, Result<Swept>)>> = work.collect();
            let mut work = stream::iter(work).buffer_unordered(self.settings().concurrency.max(1));
            while let Some((key, swept)) = work.next().await {
                summary.add(key, swept, on_event);
            }
            if is_last {
                break;
            }
        }
        Ok(summary)
    }

    /// Deletes what is due by an entry; answers the key that it is of, or its own where that cannot be read.
    async fn sweep_entry(&self, entry: Key, now: SystemTime, options: &SweepOptions) -> (Key, Result<Swept>) {
        match self.key_of(&entry).await {
            Err(error) => (entry, Err(error)),
            // Somebody else has swept it.
            Ok(None) => (entry, Ok(Swept::Left)),
            Ok(Some(key)) => {
                let swept = self.sweep_key(&entry, &key, now, options).await;
                (key, swept)
            }
        }
    }

    /// The key that an entry is of; none where somebody else has swept it.
    pub(super) async fn key_of(&self, entry: &Key) -> Result<Option<Key>> {
        let object = match self.backend().get(entry, &GetOptions::default()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let bytes = object.bytes().await?;
        let text = std::str::from_utf8(&bytes).ok();
        let key = text.map(Key::parse).and_then(Result::ok).filter(|key| entry.name() == name_of(key));
        key.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Integrity, "an entry of what is due is damaged").with_hint(
                "delete the entry: what it was of is not found, and stays until it is deleted by its key",
            )
        })
    }

    async fn sweep_key(
        &self,
        entry: &Key,
        key: &Key,
        now: SystemTime,
        options: &SweepOptions,
    ) -> Result<Swept> {
        let look = GetOptions { expired: true, ..GetOptions::default() };
        let found = match self.backend().head(key, &look).await {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let due = found.as_ref().and_then(|found| expiry::of(&found.attributes));
        let swept = match (found, due) {
            // Where it was given another moment, that has an entry of its own.
            (Some(found), Some(due)) if entry_of(key, due).as_ref() == Some(entry) => {
                if due.checked_add(options.grace).is_none_or(|due| due > now) {
                    return Ok(Swept::Left);
                }
                match options.dry_run || self.delete_as_seen(key, &found).await? {
                    true => Swept::Deleted(Box::new(found), due),
                    false => Swept::Left,
                }
            }
            _ => Swept::Left,
        };
        if !options.dry_run && is_settled(entry, now) {
            self.backend().delete(entry, &DeleteOptions::default()).await?;
        }
        Ok(swept)
    }

    /// Deletes an object as it was looked at, under a condition where the store decides one. Answers whether it is gone:
    /// somebody may have put another in its place.
    pub(crate) async fn delete_as_seen(&self, key: &Key, found: &Metadata) -> Result<bool> {
        let pinned = DeleteOptions { if_match: found.etag.clone(), ..DeleteOptions::default() };
        let deleted = match self.backend().delete(key, &pinned).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.backend().delete(key, &DeleteOptions::default()).await
            }
            other => other,
        };
        match deleted {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) if error.kind() == ErrorKind::Precondition => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether nobody can be about to put an object by an entry any more: its day has long passed, and nothing is given a moment
/// that has.
fn is_settled(entry: &Key, now: SystemTime) -> bool {
    let before = now.checked_sub(Duration::from_secs(2 * 86_400)).and_then(day_of);
    before.is_some_and(|before| day(entry).is_some_and(|day| day < &*before))
}

/// The day of an entry.
fn day(entry: &Key) -> Option<&str> {
    Some(entry.as_str().strip_prefix(DUE)?.split_once('/')?.0)
}

/// The key of an entry; none for a moment that no calendar has.
pub(super) fn entry_of(key: &Key, moment: SystemTime) -> Option<Key> {
    day_of(moment).map(|day| Key::listed(&format!("{DUE}{day}/{}", name_of(key))))
}

/// The name of a key's entries: the first half of its digest.
fn name_of(key: &Key) -> String {
    let mut digest = crate::sha256(key.as_str().as_bytes()).to_hex();
    digest.truncate(32);
    digest
}

/// The day of a moment in UTC, as `2026-01-02`.
fn day_of(moment: SystemTime) -> Option<String> {
    let text = Timestamp::try_from(moment).ok().map(|moment| format!("{moment:.0}"))?;
    text.split_once('T').map(|(day, _)| day.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_an_hour() -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    #[tokio::test]
    async fn a_moment_goes_along_to_another_store() {
        let (from, to) = (Store::memory(), Store::memory());
        let options = PutOptions { expires: Some(in_an_hour()), ..PutOptions::default() };
        from.put_with("a", "bytes", &options).await.unwrap();
        from.copy_to("a", &to, "b", &CopyOptions::default()).await.unwrap();
        assert_eq!(to.head("b").await.unwrap().expires, from.head("a").await.unwrap().expires);
        assert_eq!(to.list("").unwrap().collect().await.unwrap().objects.len(), 1);
    }

    #[tokio::test]
    async fn an_entry_that_is_damaged_fails_by_itself() {
        let store = Store::memory();
        let options = PutOptions { expires: Some(in_an_hour()), ..PutOptions::default() };
        store.put_with("a", "bytes", &options).await.unwrap();
        let entry = Key::listed(&format!("{DUE}2020-01-01/{}", "0".repeat(32)));
        let payload = Payload::Bytes("a".into());
        store.backend().put(&entry, payload, &PutOptions::default()).await.unwrap();
        let mut failed = Vec::new();
        let mut tell = |event| match event {
            SweepEvent::Failed { error, .. } => failed.push(error.kind()),
            SweepEvent::Deleted { key, .. } => panic!("{key} is deleted"),
        };
        let swept = store.sweep(&SweepOptions::default(), &mut tell).await.unwrap();
        assert_eq!(swept.failed, 1);
        assert_eq!(failed, [ErrorKind::Integrity]);
    }

    #[tokio::test]
    async fn an_entry_goes_when_nobody_can_be_about_to_use_it() {
        let store = Store::memory();
        let key = Key::parse("a").unwrap();
        let days = |n: u64| SystemTime::now() - Duration::from_secs(n * 86_400);
        for n in [0, 1, 4] {
            store.enter(&key, days(n)).await.unwrap();
        }
        store.sweep(&SweepOptions::default(), &mut |_| ()).await.unwrap();
        let prefix = Prefix::listed(DUE);
        let options = ListOptions { prefix, ..ListOptions::default() };
        let left = store.backend().list(options).next_page().await.unwrap().unwrap().objects;
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn golden_entry() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        let entry = entry_of(&Key::parse("a/b").unwrap(), moment).unwrap();
        let digest = "c14cddc033f64b9dea80ea675cf280a0";
        assert_eq!(entry.as_str(), format!(".holdall/due/2026-01-02/{digest}"));
    }
}
