//! Lets all objects below a prefix expire.

use crate::Attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::expiry;
use crate::key::{Key, Prefix};
use crate::object::{GetOptions, ListOptions, Metadata};
use crate::store::Store;
use crate::store::list::whole;
use futures_util::StreamExt;
use futures_util::stream;
use std::time::SystemTime;

/// What became of an object that was to have a moment.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExpirationEvent {
    /// It has the moment now.
    Set {
        /// Which one.
        key: Key,
    },
    /// It is as it was, or as somebody else wrote it meanwhile.
    Failed {
        /// Which one.
        key: Key,
        /// Why.
        error: Error,
    },
}

/// What became of the objects below a prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpirationSummary {
    /// Objects that were given the moment.
    pub set: u64,
    /// Objects that had it already, and were not touched.
    pub unchanged: u64,
    /// Objects that were not given it.
    pub failed: u64,
}

/// What an object had before.
enum Given {
    Other,
    Same,
    /// It is not there any more.
    Gone,
}

impl Store {
    /// Lets all objects below a prefix expire, as [`Store::set_expiration`] does each; with no moment they never do. As many
    /// at once as the setting `concurrency` says. One that fails does not keep the others.
    ///
    /// Run again with the same moment it goes on where it was: objects that have it are not copied again. What is put below
    /// the prefix meanwhile may have it or not. Memory is that of a page of the listing.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let store = Store::memory();
    /// store.put("runs/7/a", "x").await?;
    /// store.put("runs/8/a", "x").await?;
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// let set = store.set_expiration_below("runs/7/", Some(tomorrow), &mut |_| ()).await?;
    /// assert_eq!((set.set, set.failed), (1, 0));
    /// assert!(store.head("runs/8/a").await?.expires.is_none());
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a moment that has passed; what keeps the prefix from being listed. An object that cannot be given
    /// the moment is an event.
    pub async fn set_expiration_below(
        &self,
        prefix: &str,
        expires: Option<SystemTime>,
        on_event: &mut (dyn FnMut(ExpirationEvent) + Send),
    ) -> Result<ExpirationSummary> {
        let mut wanted = Attributes::default();
        if let Some(moment) = expires {
            expiry::note(&mut wanted, moment, SystemTime::now())?;
        }
        let wanted = expiry::of(&wanted);
        let listing =
            ListOptions { prefix: Prefix::parse(prefix)?, keys_only: true, ..ListOptions::default() };
        let mut pages = self.list_with(listing)?;
        let mut summary = ExpirationSummary::default();
        while let Some(page) = pages.next_page().await {
            let objects = whole(page?)?.objects.into_iter();
            let work = objects.map(|Metadata { key, .. }| async move {
                let given = self.give(&key, wanted).await;
                (key, given)
            });
            let mut work = stream::iter(work).buffer_unordered(self.settings().concurrency.max(1));
            while let Some((key, given)) = work.next().await {
                summary.add(key, given, on_event);
            }
        }
        Ok(summary)
    }

    async fn give(&self, key: &Key, expires: Option<SystemTime>) -> Result<Given> {
        let found = match self.backend().head(key, &GetOptions::default()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Given::Gone),
            other => other.map_err(|e| e.with_key(key))?,
        };
        if expiry::of(&found.attributes) == expires {
            return Ok(Given::Same);
        }
        self.expire_found(key, found, expires).await.map(|_| Given::Other)
    }
}

impl ExpirationSummary {
    fn add(&mut self, key: Key, given: Result<Given>, on_event: &mut (dyn FnMut(ExpirationEvent) + Send)) {
        match given {
            Ok(Given::Gone) => {}
            Ok(Given::Same) => self.unchanged += 1,
            Ok(Given::Other) => {
                self.set += 1;
                on_event(ExpirationEvent::Set { key });
            }
            Err(error) => {
                self.failed += 1;
                on_event(ExpirationEvent::Failed { key, error });
            }
        }
    }
}
