//! Says in the end what the files of a push are, in `manifest.json` and `SHA256SUMS` below its prefix.

use super::Push;
use crate::content_type::{SNIFF, content_type_of, says_type};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::{self, Entry, Expected, MANIFEST, ManifestWriter, SUMS, Sums};
use crate::key::Key;
use crate::object::{Metadata, PutOptions, ReadFrom};
use crate::receipt::Receipt;
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use crate::transfer::parts::Stored;
use crate::transfer::source::Opened;
use crate::transfer::sync::{Scratch, Sorted, Sorter, scratch_of};
use crate::transfer::{Compare, Filter, PushOptions, TreeEvent, TreeSummary};
use crate::{Sha256, WriteCondition};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What is sorted in memory before it goes to a temporary file.
const SORTED: usize = 4 << 20;

/// The files of a push, as lanes find out what they are.
pub(super) struct Inventory(Mutex<Sorter>);

/// What is kept of a file until all are known. Its path stands before it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<'a>(u64, [u8; 32], #[serde(borrow)] std::borrow::Cow<'a, str>, Option<String>);

/// A file that is at the destination.
pub(super) struct Described<'a> {
    pub(super) relative: &'a str,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) content_type: &'a str,
    pub(super) etag: Option<String>,
}

impl Inventory {
    /// Begins the inventory of a push that is to have a manifest.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when the folder has a file of the manifest's name that is none, `Config` for URLs that cannot be made.
    pub(super) async fn begin(store: &Store, dir: &Path, options: &PushOptions) -> Result<Option<Self>> {
        if !options.manifest {
            return Ok(None);
        }
        let (folder, filter) = (dir.to_owned(), options.filter.clone());
        tokio::task::spawn_blocking(move || refuse_others(&folder, &filter)).await.map_err(cancelled)??;
        store.lasting_url(&Key::listed(MANIFEST))?;
        let wanted = !options.dry_run;
        Ok(wanted.then(|| Self::new(store)))
    }

    pub(super) fn new(store: &Store) -> Self {
        Self(Mutex::new(Sorter::new(SORTED, scratch_of(store))))
    }

    pub(super) fn add(&self, file: Described<'_>) -> Result<()> {
        let kept = Kept(file.size, file.sha256.0, file.content_type.into(), file.etag);
        let kept = serde_json::to_vec(&kept).map_err(|e| fault(e.into()))?;
        let mut sorter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sorter.push(&[file.relative.as_bytes(), &[0], &kept]).map_err(fault)
    }

    fn sorted(&self, scratch: Scratch) -> io::Result<Sorted> {
        let mut sorter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *sorter, Sorter::new(0, scratch)).sorted()
    }
}

fn cancelled(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "the manifest's task ended").with_source(error)
}

fn fault(error: io::Error) -> Error {
    Error::io("what the manifest needs cannot be kept in a temporary file", error)
}

/// Refuses a folder that has files of the manifest's names which are the user's own. Those that a pull brought are left
/// out, since they are written anew.
fn refuse_others(dir: &Path, filter: &Filter) -> Result<()> {
    let is_there = |name: &str| filter.takes(name) && dir.join(name).symlink_metadata().is_ok();
    if !is_there(MANIFEST) && !is_there(SUMS) {
        return Ok(());
    }
    let sums = brought_by_a_pull(&dir.join(MANIFEST))
        .ok_or_else(|| taken(dir, if is_there(MANIFEST) { MANIFEST } else { SUMS }))?;
    if is_there(SUMS) {
        let is_same = Opened::open(&dir.join(SUMS), false).and_then(|file| file.sha256()).ok() == Some(sums);
        return if is_same { Ok(()) } else { Err(taken(dir, SUMS)) };
    }
    Ok(())
}

/// The digest of the sums that were written with a manifest; none for what is none.
fn brought_by_a_pull(path: &Path) -> Option<Sha256> {
    let is_file = path.symlink_metadata().ok()?.is_file();
    let file = is_file.then(|| File::open(path).ok()).flatten()?;
    match manifest::read(file, &mut |_| Ok(())).ok()? {
        manifest::Outcome::Whole(trailer) => trailer.sums.map(|sums| sums.sha256),
        manifest::Outcome::Stopped => None,
    }
}

fn taken(dir: &Path, name: &str) -> Error {
    let message = "the folder has a file of its own where the manifest would be";
    Error::new(ErrorKind::AlreadyExists, message)
        .with_fact("path", dir.join(name).display())
        .with_hint("rename it, or leave it out (--exclude /manifest.json --exclude /SHA256SUMS)")
}

/// The two documents, each in a temporary file.
pub(super) struct Drafts {
    sums: File,
    pub(super) expected: Expected,
    manifest: ManifestWriter<BufWriter<File>>,
    files: u64,
}

/// How a document came to be at its place.
enum Written {
    Anew(Receipt),
    Before(Metadata),
}

impl Push {
    /// Adds a file to the inventory, where one is kept.
    pub(super) fn describe(
        &self,
        relative: &str,
        file: &Opened,
        sha256: Sha256,
        etag: Option<String>,
    ) -> Result<()> {
        let Some(inventory) = &self.inventory else { return Ok(()) };
        let content_type = self.content_type(relative, || first_bytes(file))?;
        let size = file.size();
        inventory.add(Described { relative, size, sha256, content_type: &content_type, etag })
    }

    /// Adds a file that was not opened; answers whether it could be done.
    pub(super) fn describe_unread(
        &self,
        relative: &str,
        size: u64,
        sha256: Option<Sha256>,
        etag: Option<&String>,
    ) -> Result<bool> {
        let Some(inventory) = &self.inventory else { return Ok(true) };
        let Some(sha256) = sha256 else { return Ok(false) };
        let first = || {
            let file = Opened::open(&self.dir.join(relative), self.options.follow_symlinks)?;
            first_bytes(&file)
        };
        let content_type = self.content_type(relative, first)?;
        let described =
            Described { relative, size, sha256, content_type: &content_type, etag: etag.cloned() };
        inventory.add(described).map(|()| true)
    }

    /// The type that the push gives a file.
    fn content_type(&self, relative: &str, first: impl FnOnce() -> Result<Vec<u8>>) -> Result<String> {
        let name = relative.rsplit('/').next().unwrap_or_default();
        match &self.options.put.attributes.content_type {
            Some(given) => Ok(given.clone()),
            None if says_type(name) => Ok(content_type_of(name, &[])),
            None => Ok(content_type_of(name, &first()?)),
        }
    }

    /// Writes `SHA256SUMS`, then the manifest, when all files are at the destination. One that has these bytes already
    /// stays as it is.
    pub(super) async fn write_manifest(
        self: Arc<Self>,
        summary: &mut TreeSummary,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        if self.inventory.is_none() {
            return Ok(());
        }
        if summary.failed > 0 {
            let message = "no manifest was written, since not everything succeeded";
            let error =
                Error::new(ErrorKind::Incomplete, message).with_hint("mend what failed, and run it again");
            let event = TreeEvent::failed(format!("{}{MANIFEST}", self.prefix), error);
            summary.count(&event);
            on_event(event);
            return Ok(());
        }
        let drafts = self.clone().drafts().await?;
        self.write_drafts(drafts, on_event).await
    }

    /// Makes the two documents of what is known.
    pub(super) async fn drafts(self: Arc<Self>) -> Result<Drafts> {
        let drafted = tokio::task::spawn_blocking(move || self.draft());
        drafted.await.map_err(cancelled)?.map_err(fault)
    }

    pub(super) async fn write_drafts(
        &self,
        drafts: Drafts,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        let Drafts { sums, mut expected, manifest, files } = drafts;
        let mut tell = |written: Written| match written {
            Written::Anew(receipt) => {
                let etag = receipt.etag.clone();
                on_event(TreeEvent::Described { receipt, files });
                etag
            }
            Written::Before(found) => found.etag,
        };
        expected.etag = tell(self.put_document(SUMS, sums, "text/plain; charset=utf-8").await?);
        let manifest = manifest
            .end(expected)
            .and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error));
        tell(self.put_document(MANIFEST, manifest.map_err(fault)?, "application/json").await?);
        Ok(())
    }

    /// Writes both documents to temporary files, but for the manifest's end.
    fn draft(&self) -> io::Result<Drafts> {
        let scratch = scratch_of(&self.store);
        let mut manifest = ManifestWriter::begin(BufWriter::new(scratch.file()?))?;
        let mut sums = Sums::new(BufWriter::new(scratch.file()?));
        let mut files = 0;
        let inventory = self.inventory.as_ref().map(|inventory| inventory.sorted(scratch)).transpose()?;
        for record in inventory.into_iter().flatten() {
            let record = record?;
            let (path, kept) = split(&record).ok_or(io::ErrorKind::InvalidData)?;
            let sha256 = Sha256(kept.1);
            let key = Key::listed(&format!("{}{path}", self.prefix));
            let url = self.store.lasting_url(&key).map_err(io::Error::other)?;
            let (key, url, etag) = (key.as_str(), url.as_deref(), kept.3.as_deref());
            manifest.entry(&Entry { path, key, size: kept.0, sha256, content_type: &kept.2, url, etag })?;
            sums.add(path, sha256)?;
            files += 1;
        }
        let (out, size, sha256) = sums.end()?;
        let sums = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Drafts {
            sums,
            expected: Expected { path: SUMS.to_owned(), size, sha256, etag: None },
            manifest,
            files,
        })
    }

    async fn put_document(&self, name: &str, mut file: File, content_type: &str) -> Result<Written> {
        let key = Key::parse(&format!("{}{name}", self.prefix))?;
        file.rewind().map_err(fault)?;
        let file = Opened::of(file, Path::new(name))?;
        if let Some(found) = self.same_document(&key, &file).await? {
            return Ok(Written::Before(found));
        }
        let mut options = PutOptions {
            condition: WriteCondition::Always,
            progress: None,
            // Not before the files that wait in an outbox.
            after: vec![self.prefix.clone()],
            ..self.options.put.clone()
        };
        options.attributes.content_type = Some(content_type.to_owned());
        options.attributes.content_encoding = None;
        let mut watch = Watch::begin(Direction::Up, &self.store, key.as_str());
        watch.expect(file.size());
        let stored = self.store.put_opened(&key, file, &options).await;
        watch.end(stored.map(Stored::end)).map(Written::Anew)
    }

    /// The object that has a document's bytes already, where its digest is known: in a store that keeps versions every
    /// push would make one more.
    async fn same_document(&self, key: &Key, file: &Opened) -> Result<Option<Metadata>> {
        if self.options.compare == Compare::Nothing {
            return Ok(None);
        }
        // Whatever is wrong with the store, the put says it, and it may wait where a look cannot.
        let Ok(found) = self.store.head(key.as_str()).await else { return Ok(None) };
        // What waits here is not in the store, and a copy on this machine says nothing of what others wrote.
        let is_known = found.sha256.is_some() && found.read_from == ReadFrom::Store;
        if !is_known || found.size != file.size() {
            return Ok(None);
        }
        let file = file.clone();
        let sha256 = tokio::task::spawn_blocking(move || file.sha256()).await.map_err(cancelled)??;
        Ok((found.sha256 == Some(sha256)).then_some(found))
    }
}

fn first_bytes(file: &Opened) -> Result<Vec<u8>> {
    let mut first = Vec::new();
    file.read_at(&mut first, 0, SNIFF.min(file.size() as usize))?;
    Ok(first)
}

fn split(record: &[u8]) -> Option<(&str, Kept<'_>)> {
    let end = record.iter().position(|byte| *byte == 0)?;
    let path = std::str::from_utf8(&record[..end]).ok()?;
    Some((path, serde_json::from_slice(&record[end + 1..]).ok()?))
}
