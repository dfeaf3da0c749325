//! Describes objects that are there already, whoever put them there.

use super::manifest::{Described, Inventory};
use super::{Push, PushOptions};
use crate::backend::BoxFuture;
use crate::content_type::content_type_of;
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::{self, Expected, MANIFEST, Outcome, SUMS, is_own};
use crate::key::{Key, Prefix};
use crate::object::{GetOptions, ListOptions, Metadata};
use crate::store::Store;
use crate::transfer::TreeEvent;
use crate::transfer::sync::scratch_of;
use crate::transfer::tree::as_folder;
use crate::transfer::verify::digest_of;
use crate::{Encryption, Sha256};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

/// How objects are described.
#[derive(Debug, Clone, Copy, Default)]
pub struct DescribeOptions {
    /// Say what would be done and do nothing.
    pub dry_run: bool,
}

/// What was found and done of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DescribedPrefix {
    /// Whether there was a whole manifest already, which is left as it is.
    pub was_described: bool,
    /// Objects that are described (or would be). Not counted where there was a manifest.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of them those whose bytes were read, since nobody had recorded a digest with them.
    pub read: u64,
    /// What could not be described: then no manifest was written.
    pub failed: u64,
}

/// An object under way, and what was found of it.
type Looked = (Metadata, Result<(Sha256, String, bool)>);

impl Store {
    /// Writes `manifest.json` and `SHA256SUMS` of the objects that lie below a prefix, as a push of them would have done,
    /// and changes nothing else. Objects without a recorded digest are read. A manifest that is there stays, and where there
    /// are no objects nothing is written.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    /// use holdall_store::transfer::{DescribeOptions, VerifyOptions};
    ///
    /// let store = Store::memory();
    /// store.put("old/a.txt", "hello").await?;
    /// let described = store.describe("old", DescribeOptions::default(), &mut |_| ()).await?;
    /// assert_eq!(described.objects, 1);
    /// let found = store.verify("old", None, &VerifyOptions::default(), &mut |_| ()).await?;
    /// assert_eq!(found.differences(), 0);
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What concerns the whole: a listing that fails, `AlreadyExists` where other objects have the manifest's names,
    /// `Unsupported` for a manifest of a version that is not known.
    /// What keeps one object from being described is an event, the rest go on, and no manifest is written.
    pub async fn describe(
        &self,
        prefix: &str,
        options: DescribeOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<DescribedPrefix> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        if is_described(self, &prefix).await? {
            return Ok(DescribedPrefix { was_described: true, ..DescribedPrefix::default() });
        }
        let pushed = PushOptions { manifest: true, dry_run: options.dry_run, ..PushOptions::default() };
        self.lasting_url(&Key::listed(MANIFEST))?;
        let push = Push::new(self, (Path::new(""), &prefix), &pushed, None);
        let push = Push { inventory: Some(Inventory::new(self)), ..push };
        let mut describing =
            Describing { push, found: DescribedPrefix::default(), asked: FuturesUnordered::new(), on_event };
        describing.list(options.dry_run).await?;
        describing.write(options.dry_run).await
    }
}

struct Describing<'a> {
    push: Push,
    found: DescribedPrefix,
    asked: FuturesUnordered<BoxFuture<'static, Looked>>,
    on_event: &'a mut (dyn FnMut(TreeEvent) + Send),
}

impl Describing<'_> {
    async fn list(&mut self, dry_run: bool) -> Result<()> {
        let store = self.push.store.clone();
        let most = store.settings().concurrency.max(1);
        let prefix = Prefix::parse(&self.push.prefix)?;
        let mut list = store.list_with(ListOptions { prefix, ..ListOptions::default() })?;
        while let Some(page) = list.next_page().await {
            let page = page?;
            page.failures.into_iter().for_each(|error| self.fail(error));
            for object in page.objects {
                if !self.takes(&object) {
                    continue;
                }
                if dry_run {
                    self.found.objects += 1;
                    self.found.bytes += object.size;
                    continue;
                }
                if self.asked.len() >= most {
                    self.looked().await?;
                }
                self.asked.push(look(store.clone(), object));
            }
        }
        while !self.asked.is_empty() {
            self.looked().await?;
        }
        Ok(())
    }

    /// Whether an object is one that a folder's file could be; what could be none is a failure.
    fn takes(&mut self, object: &Metadata) -> bool {
        let key = object.key.as_str();
        let relative = key.strip_prefix(&self.push.prefix).unwrap_or_default();
        if is_own(relative) || (object.size == 0 && (relative.is_empty() || relative.ends_with('/'))) {
            return false;
        }
        let is_path = relative.split('/').all(|name| !matches!(name, "" | "." | ".."));
        if !is_path {
            let message = "the object's key is no path, and no manifest can name it";
            self.fail(Error::new(ErrorKind::InvalidInput, message).with_key(key).with_hint("move it by mv"));
        }
        is_path
    }

    fn fail(&mut self, error: Error) {
        self.found.failed += 1;
        let name = error.key().unwrap_or(&self.push.prefix).to_owned();
        (self.on_event)(TreeEvent::failed(name, error));
    }

    async fn looked(&mut self) -> Result<()> {
        let Some((object, looked)) = self.asked.next().await else { return Ok(()) };
        let (sha256, content_type, was_read) = match looked {
            Ok(found) => found,
            Err(error) if super::concerns_all(&error) => return Err(error),
            Err(error) => {
                self.fail(error.with_key(&object.key));
                return Ok(());
            }
        };
        self.found.objects += 1;
        self.found.bytes += object.size;
        self.found.read += u64::from(was_read);
        let relative = object.key.as_str().strip_prefix(&self.push.prefix).unwrap_or_default();
        let etag = object.etag.clone();
        let described = Described { relative, size: object.size, sha256, content_type: &content_type, etag };
        self.push.inventory.as_ref().map_or(Ok(()), |inventory| inventory.add(described))
    }

    async fn write(self, dry_run: bool) -> Result<DescribedPrefix> {
        let Self { push, found, on_event, .. } = self;
        if !dry_run && found.failed == 0 && found.objects > 0 {
            let push = Arc::new(push);
            let drafts = push.clone().drafts().await?;
            refuse_other_sums(&push.store, &format!("{}{SUMS}", push.prefix), &drafts.expected).await?;
            push.write_drafts(drafts, on_event).await?;
        }
        Ok(found)
    }
}

/// Finds the digest of an object: the one recorded with it, else that of its bytes.
fn look(store: Store, listed: Metadata) -> BoxFuture<'static, Looked> {
    Box::pin(async move {
        let found = found_of(&store, &listed).await;
        (listed, found)
    })
}

async fn found_of(store: &Store, listed: &Metadata) -> Result<(Sha256, String, bool)> {
    let own = |encryption: &&Encryption| matches!(encryption, Encryption::Customer(_));
    let encryption = store.settings().encryption.as_ref().filter(own).cloned();
    let options = GetOptions { encryption, ..GetOptions::default() };
    let head = store.backend().head(&listed.key, &options).await?;
    if head.size != listed.size || (listed.etag.is_some() && head.etag != listed.etag) {
        return Err(Error::new(ErrorKind::Changed, "the object was written again since it was listed"));
    }
    let by_name = || content_type_of(listed.key.name(), &[]);
    let content_type = head.attributes.content_type.unwrap_or_else(by_name);
    match head.sha256 {
        Some(sha256) => Ok((sha256, content_type, false)),
        None => Ok((digest_of(store, listed, options).await?, content_type, true)),
    }
}

/// Whether a prefix has a whole manifest.
///
/// # Errors
///
/// `AlreadyExists` for an object of that name which is none.
async fn is_described(store: &Store, prefix: &str) -> Result<bool> {
    let key = format!("{prefix}{MANIFEST}");
    let mut object = match store.get(&key).await {
        Ok(object) => object,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let fault = |e| Error::io("the manifest cannot be kept in a temporary file", e);
    let mut file = scratch_of(store).file().map_err(fault)?;
    while let Some(piece) = object.stream.next().await {
        file.write_all(&piece?).map_err(fault)?;
    }
    file.rewind().map_err(fault)?;
    let read = tokio::task::spawn_blocking(move || manifest::read(file, &mut |_| Ok(()))).await;
    let read =
        read.map_err(|e| Error::new(ErrorKind::Cancelled, "the manifest's task ended").with_source(e))?;
    match read {
        Ok(Outcome::Whole(_)) => Ok(true),
        Ok(Outcome::Stopped) => Ok(false),
        Err(error) if error.kind() == ErrorKind::Integrity => Err(taken(&key).with_source(error)),
        Err(error) => Err(error.with_key(&key)),
    }
}

fn taken(key: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, "an object has the manifest's name and is none that holdall wrote")
        .with_key(key)
        .with_hint("move it away by mv, then try again")
}

/// Refuses to write over `SHA256SUMS` that are not what would be written: those that a run left which was killed are.
async fn refuse_other_sums(store: &Store, key: &str, expected: &Expected) -> Result<()> {
    let there = match store.head(key).await {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let is_same = there.size == expected.size
        && digest_of(store, &there, GetOptions::default()).await? == expected.sha256;
    if is_same { Ok(()) } else { Err(taken(key)) }
}

#[cfg(test)]
mod tests;
