//! What a reader sees of a key: what waits in the outbox, else what the remote has.

use super::QueuedBackend;
use super::write::{etag_of, is_of_the_remote};
use crate::backend::conditions::{check_read, whole_second};
use crate::backend::ranges::{check_form, resolve};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::check_for;
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object, ReadFrom};
use crate::outbox::{Entry, EntryId, Kind, Pending, Queue, blocking};
use crate::{Attributes, Encryption};
use std::time::{Duration, SystemTime};

/// How often a read that met the outbox while it was brought into order looks again.
const LOOKS: usize = 16;

/// What there is at a key.
pub(super) enum Seen {
    /// What the remote has.
    Remote(Box<Source>),
    Gone,
    Object(Box<Waiting>),
}

/// An object of the remote.
pub(super) struct Source {
    /// The name it has there: another one where a copy or a move of it waits.
    pub(super) name: String,
    replaced: Replaced,
}

/// What a copy has instead of its source's.
#[derive(Default)]
struct Replaced {
    attributes: Option<Attributes>,
    tags: Option<Vec<(String, String)>>,
}

impl Replaced {
    /// Takes what a copy says that comes before those that were taken.
    fn take(&mut self, entry: &Entry) {
        if entry.replaces && self.attributes.is_none() {
            self.attributes = Some(entry.headers.attributes());
        }
        if entry.retags && self.tags.is_none() {
            self.tags = Some(entry.headers.tags.clone());
        }
    }
}

impl Source {
    fn direct(name: &str) -> Box<Self> {
        Box::new(Self { name: name.to_owned(), replaced: Replaced::default() })
    }

    fn describe(&self, key: &Key, head: Metadata) -> Metadata {
        let attributes = self.replaced.attributes.clone().unwrap_or(head.attributes);
        Metadata { key: key.clone(), attributes, ..head }
    }

    pub(super) fn tags(&self) -> Option<&Vec<(String, String)>> {
        self.replaced.tags.as_ref()
    }
}

/// An object that waits.
pub(super) struct Waiting {
    queue: Queue,
    pending: Pending,
    /// The put that has the bytes.
    entry: Entry,
    /// The entry that gave it this key: its own put, or a copy or a move of it.
    named: EntryId,
    created: u64,
    /// What a copy gave it instead of its own.
    replaced: Replaced,
}

impl Waiting {
    pub(super) fn tags(&self) -> Vec<(String, String)> {
        self.replaced.tags.as_ref().unwrap_or(&self.entry.headers.tags).clone()
    }
}

impl QueuedBackend {
    /// Looks what there is at a key.
    pub(super) async fn see(&self, full: &str) -> Result<Seen> {
        let Some(queue) = self.outbox.existing().await? else {
            return Ok(Seen::Remote(Source::direct(full)));
        };
        let (destination, full) = (self.destination.clone(), full.to_owned());
        blocking(move || {
            for _ in 0..LOOKS {
                match follow(&queue, &destination, &full) {
                    Err(error) if error.kind() == ErrorKind::Changed => {}
                    other => return other,
                }
            }
            Err(restless(&full))
        })
        .await
    }

    /// What is known of an object that waits.
    pub(super) fn metadata(&self, key: &Key, object: &Waiting) -> Metadata {
        let entry = &object.entry;
        let attributes = object.replaced.attributes.clone();
        let attributes = attributes.unwrap_or_else(|| entry.headers.attributes());
        let created = SystemTime::UNIX_EPOCH + Duration::from_millis(object.created);
        Metadata {
            key: key.clone(),
            size: entry.size,
            etag: Some(etag_of(object.named)),
            last_modified: Some(whole_second(created)),
            version: None,
            attributes,
            sha256: entry.sha256,
            nonce: Some(entry.nonce.clone()),
            read_from: ReadFrom::Outbox,
            expires: None,
        }
    }

    pub(super) async fn get_object(&self, key: &Key, options: &GetOptions) -> Result<Object> {
        let full = self.full(key)?;
        for _ in 0..LOOKS {
            let object = match self.see_for(&full, options).await? {
                Seen::Gone => return Err(missing(key)),
                Seen::Remote(source) => match self.get_remote(key, &source, options).await {
                    // What was copied or moved from there may have gone there meanwhile.
                    Err(error) if source.name != full && error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return self.get_kept(key, &source, options, error).await,
                    other => return other,
                },
                Seen::Object(object) => object,
            };
            check_form(options.range)?;
            refuse_key(options)?;
            let metadata = self.metadata(key, &object);
            check_for(&metadata, options)?;
            check_read(&metadata, &options.conditions)?;
            let range = resolve(options.range, metadata.size)?;
            let Waiting { queue, pending, .. } = *object;
            match blocking(move || open(&queue, &pending)).await? {
                // It was sent and removed since it was looked for: the remote has it.
                None => {}
                Some(content) => {
                    let stream = content.range(range.clone()).stream();
                    return Ok(Object { metadata, range, attempts: 0, stream });
                }
            }
        }
        Err(missing(key))
    }

    pub(super) async fn head_object(&self, key: &Key, options: &GetOptions) -> Result<Metadata> {
        let full = self.full(key)?;
        for _ in 0..LOOKS {
            match self.see_for(&full, options).await? {
                Seen::Gone => return Err(missing(key)),
                Seen::Remote(source) => match self.head_remote(key, &source, options).await {
                    // What was copied or moved from there may have gone there meanwhile.
                    Err(error) if source.name != full && error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return self.head_kept(key, &source, options, error).await,
                    other => return other,
                },
                Seen::Object(object) => {
                    refuse_key(options)?;
                    let metadata = self.metadata(key, &object);
                    check_for(&metadata, options)?;
                    check_read(&metadata, &options.conditions)?;
                    return Ok(metadata);
                }
            }
        }
        Err(missing(key))
    }

    /// A version is one of the remote's.
    async fn see_for(&self, full: &str, options: &GetOptions) -> Result<Seen> {
        match &options.version {
            Some(_) => Ok(Seen::Remote(Source::direct(full))),
            None => self.see(full).await,
        }
    }

    async fn head_remote(&self, key: &Key, source: &Source, options: &GetOptions) -> Result<Metadata> {
        if source.name.strip_prefix(&self.root) == Some(key.as_str()) {
            return self.remote.head(key, options).await;
        }
        let head = self.base.backend().head(&Key::listed(&source.name), options).await?;
        Ok(source.describe(key, head))
    }

    /// Reads the copy on this machine of what a store that is away has; where there is none, its error stays.
    async fn get_kept(
        &self,
        key: &Key,
        source: &Source,
        options: &GetOptions,
        error: Error,
    ) -> Result<Object> {
        if !is_of_the_remote(&error) {
            return Err(error);
        }
        let object = self.kept.get(&source.name, key, options).await.ok_or(error)??;
        Ok(Object { metadata: source.describe(key, object.metadata), ..object })
    }

    async fn head_kept(
        &self,
        key: &Key,
        source: &Source,
        options: &GetOptions,
        error: Error,
    ) -> Result<Metadata> {
        if !is_of_the_remote(&error) {
            return Err(error);
        }
        let head = self.kept.head(&source.name, key, options).await.ok_or(error)?;
        Ok(source.describe(key, head))
    }

    async fn get_remote(&self, key: &Key, source: &Source, options: &GetOptions) -> Result<Object> {
        if source.name.strip_prefix(&self.root) == Some(key.as_str()) {
            return self.remote.get(key, options).await;
        }
        // A copy that waits of an object that the remote has under another name.
        let object = self.base.backend().get(&Key::listed(&source.name), options).await?;
        let Object { metadata, range, attempts, stream } = object;
        Ok(Object { metadata: source.describe(key, metadata), range, attempts, stream })
    }
}

/// Finds the put that gives a key its bytes, over copies and moves that wait.
fn follow(queue: &Queue, destination: &crate::outbox::Destination, full: &str) -> Result<Seen> {
    let (mut name, mut before) = (full.to_owned(), None);
    let (mut named, mut created, mut replaced) = (None, None, Replaced::default());
    loop {
        let waiting = queue.waiting(destination, &name)?;
        let last = waiting
            .into_iter()
            .rev()
            .find(|pending| pending.is_change() && before.is_none_or(|before| pending.id < before));
        let Some(pending) = last else { return Ok(Seen::Remote(Box::new(Source { name, replaced }))) };
        if pending.is_removal() {
            return Ok(Seen::Gone);
        }
        let entry = queue.entry(&pending)?;
        let named_by = *named.get_or_insert(entry.id);
        let since = *created.get_or_insert(entry.created);
        if entry.kind == Kind::Put {
            let queue = queue.clone();
            let waiting = Waiting { queue, pending, entry, named: named_by, created: since, replaced };
            return Ok(Seen::Object(Box::new(waiting)));
        }
        replaced.take(&entry);
        before = Some(entry.id);
        name = entry.from.ok_or_else(|| Error::new(ErrorKind::Integrity, "a queued copy names no source"))?;
    }
}

/// Opens the bytes of an entry; none where it does not wait any more.
fn open(queue: &Queue, pending: &Pending) -> Result<Option<crate::outbox::Content>> {
    match queue.content(pending) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::Changed => Ok(None),
        // Its file goes once it is sent.
        Err(error) if error.kind() == ErrorKind::Integrity && !queue.waits(pending)? => {
            tracing::debug!(%error, "an entry was sent while it was read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn missing(key: &Key) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such object").with_key(key)
}

fn restless(key: &str) -> Error {
    Error::new(ErrorKind::Conflict, "the outbox was brought into order whenever it was read").with_key(key)
}

/// What waits is on this disk as it was put.
fn refuse_key(options: &GetOptions) -> Result<()> {
    match options.encryption {
        Some(Encryption::Customer(_)) => {
            Err(Error::new(ErrorKind::InvalidInput, "the object is not encrypted with a customer's key"))
        }
        _ => Ok(()),
    }
}
