//! Lists whatever is left below a prefix, of every kind.

use super::expiration::{DUE, entry_of};
use super::{Stats, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry;
use crate::key::{Key, Prefix};
use crate::object::{GcOptions, GetOptions, Leftover, ListOptions, Metadata};
use crate::outbox::Kind;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// The folders in which collections note what they deleted.
const TOMBSTONES: &str = ".holdall-deleted";
/// So many entries of the outbox are held at once.
const PAGE: usize = 1000;

/// What kind of thing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftKind {
    /// An object that is listed.
    Object,
    /// A note that something was deleted, in a folder `.holdall-deleted`.
    Tombstone,
    /// What else a collection of holdall's keeps for itself, in a folder or a file that begins with `.holdall-`.
    Record,
    /// An object that has expired and is not swept. It is listed as an object too.
    Expired,
    /// An entry of the index by which what expires is swept.
    Due,
    /// A version that is not what its key has.
    Version,
    /// A mark that an object was deleted.
    Mark,
    /// An upload that is not complete; of a whole folder also a file that was never named.
    Upload,
    /// A write that waits in the outbox of this machine.
    Queued,
}

impl LeftKind {
    /// Its name in output: `object`, `tombstone`, `record`, `expired`, `due`, `version`, `mark`, `upload`, `queued`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Tombstone => "tombstone",
            Self::Record => "record",
            Self::Expired => "expired",
            Self::Due => "due",
            Self::Version => "version",
            Self::Mark => "mark",
            Self::Upload => "upload",
            Self::Queued => "queued",
        }
    }
}

/// Something that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What it is.
    pub kind: LeftKind,
    /// Its key; of a file that was never named that in the store's own folder.
    pub key: String,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
    /// The version.
    pub version: Option<String>,
}

/// What an audit met.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditEvent {
    /// Something is left.
    Left(Left),
    /// Something is there and cannot be looked at.
    Failed(Error),
}

/// How much is left, of each kind that there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditSummary {
    /// By kind; what has no size has no bytes.
    pub left: BTreeMap<LeftKind, Stats>,
    /// What could not be looked at.
    pub failed: u64,
}

/// Where what is found goes.
struct Findings<'a> {
    prefix: &'a str,
    summary: AuditSummary,
    on_event: &'a mut (dyn FnMut(AuditEvent) + Send),
}

impl Findings<'_> {
    fn add(&mut self, kind: LeftKind, key: &str, size: Option<u64>, version: Option<&str>) {
        let stats = self.summary.left.entry(kind).or_default();
        stats.objects += 1;
        stats.bytes += size.unwrap_or(0);
        let (key, version) = (key.to_owned(), version.map(str::to_owned));
        (self.on_event)(AuditEvent::Left(Left { kind, key, size, version }));
    }

    fn fail(&mut self, error: Error) {
        self.summary.failed += 1;
        (self.on_event)(AuditEvent::Failed(error));
    }

    fn has(&self, key: &str) -> bool {
        key.starts_with(self.prefix)
    }
}

impl Store {
    /// Lists whatever is left below a prefix: objects, with tombstones and records of collections apart; what has expired;
    /// old versions and marks; uploads that are not complete; what waits in the outbox; entries of the index of what is
    /// due. Nothing is changed.
    ///
    /// It reads each entry of that index, and asks for each object that is due. Memory is that of a page.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::{LeftKind, Store};
    ///
    /// let store = Store::memory();
    /// store.put("runs/7/a", "bytes").await?;
    /// let audited = store.audit("runs/7/", &mut |_| ()).await?;
    /// assert_eq!(audited.left[&LeftKind::Object].bytes, 5);
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What keeps the store from being listed. One thing that cannot be looked at is an event, and the rest go on.
    pub async fn audit(
        &self,
        prefix: &str,
        on_event: &mut (dyn FnMut(AuditEvent) + Send),
    ) -> Result<AuditSummary> {
        let parsed = Prefix::parse(prefix)?;
        let mut findings = Findings { prefix, summary: AuditSummary::default(), on_event };
        self.audit_objects(&parsed, &mut findings).await?;
        self.audit_due(&mut findings).await?;
        self.audit_versions(parsed, &mut findings).await?;
        self.audit_uploads(&mut findings).await?;
        self.audit_outbox(&mut findings).await?;
        Ok(findings.summary)
    }

    async fn audit_objects(&self, prefix: &Prefix, findings: &mut Findings<'_>) -> Result<()> {
        let options = ListOptions { prefix: prefix.clone(), ..ListOptions::default() };
        let mut pages = self.backend().list(options);
        while let Some(page) = pages.next_page().await {
            let page = page?;
            for object in page.objects {
                findings.add(kind_of(object.key.as_str()), object.key.as_str(), Some(object.size), None);
            }
            page.failures.into_iter().for_each(|failure| findings.fail(failure));
        }
        Ok(())
    }

    async fn audit_due(&self, findings: &mut Findings<'_>) -> Result<()> {
        let options = ListOptions { prefix: Prefix::listed(DUE), ..ListOptions::default() };
        let mut pages = self.backend().list(options);
        while let Some(page) = pages.next_page().await {
            for entry in page?.objects {
                match self.key_of(&entry.key).await {
                    Ok(Some(key)) if findings.has(key.as_str()) => {
                        findings.add(LeftKind::Due, key.as_str(), None, None);
                        match self.expired(&entry.key, &key).await {
                            Ok(Some(object)) => {
                                findings.add(LeftKind::Expired, key.as_str(), Some(object.size), None);
                            }
                            Ok(None) => {}
                            Err(error) => findings.fail(error.with_key(&key)),
                        }
                    }
                    Ok(_) => {}
                    Err(error) => findings.fail(error.with_key(&entry.key)),
                }
            }
        }
        Ok(())
    }

    /// The object that an entry of the index is of, where it has expired by the moment that the entry is for.
    async fn expired(&self, entry: &Key, key: &Key) -> Result<Option<Metadata>> {
        let look = GetOptions { expired: true, ..GetOptions::default() };
        let found = match self.backend().head(key, &look).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let due = expiry::of(&found.attributes).filter(|due| *due <= SystemTime::now());
        let is_this = due.is_some_and(|due| entry_of(key, due).as_ref() == Some(entry));
        Ok(Some(found).filter(|_| is_this))
    }

    async fn audit_versions(&self, prefix: Prefix, findings: &mut Findings<'_>) -> Result<()> {
        let mut pages = self.backend().list_versions(prefix);
        while let Some(page) = pages.next_page().await {
            let page = match page {
                // A store that keeps none has none.
                Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
                page => page?,
            };
            for version in page.versions {
                let kind = match (version.is_marker, version.is_latest) {
                    (true, _) => LeftKind::Mark,
                    (false, false) => LeftKind::Version,
                    (false, true) => continue,
                };
                let size = Some(version.size).filter(|_| !version.is_marker);
                findings.add(kind, version.key.as_str(), size, Some(&version.version));
            }
            page.failures.into_iter().for_each(|failure| findings.fail(failure));
        }
        Ok(())
    }

    async fn audit_uploads(&self, findings: &mut Findings<'_>) -> Result<()> {
        let options = GcOptions { older_than: Duration::ZERO, dry_run: true };
        let mut unfinished = |leftover: Leftover| {
            // Which key a file would have had that was never named nobody knows, so it is left of the whole store alone.
            if ["upload", "temporary"].contains(&leftover.kind) && findings.has(&leftover.name) {
                findings.add(LeftKind::Upload, &leftover.name, leftover.size, None);
            }
        };
        match self.backend().gc(&options, &mut unfinished).await {
            // A server that lists none.
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            done => done,
        }
    }

    async fn audit_outbox(&self, findings: &mut Findings<'_>) -> Result<()> {
        let Some(queued) = self.outbox() else { return Ok(()) };
        let Some(queue) = queued.queue().await? else { return Ok(()) };
        let root = self.backend().root();
        let mut after = None;
        loop {
            let (page, next) = queue.walk(after.as_ref(), PAGE)?;
            for pending in page {
                let entry = match queue.entry(&pending) {
                    // It was sent meanwhile.
                    Err(error) if error.kind() == ErrorKind::Changed => continue,
                    entry => entry,
                };
                match entry {
                    Ok(entry) if entry.destination != *queued.destination() => {}
                    Ok(entry) => {
                        if let Some(key) = entry.key.strip_prefix(root).filter(|key| findings.has(key)) {
                            let size = Some(entry.size).filter(|_| entry.kind == Kind::Put);
                            findings.add(LeftKind::Queued, key, size, None);
                        }
                    }
                    Err(error) => findings.fail(error.with_key(&pending.key)),
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn kind_of(key: &str) -> LeftKind {
    match key.split('/').find(|segment| segment.starts_with(".holdall-")) {
        None => LeftKind::Object,
        Some(TOMBSTONES) => LeftKind::Tombstone,
        Some(_) => LeftKind::Record,
    }
}
