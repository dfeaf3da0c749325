//! The documents of a store, opened.

use super::format::{Header, Place, SCHEMA};
use super::job::Job;
use super::reference::Reference;
use super::spec::{Document, JobSpec, key_name};
use crate::{Collection, Root};
use holdall_store::{Key, Result, Settings, Store};
use std::path::{Path, PathBuf};

/// Where documents go by the settings: a store and a place in it, or nowhere. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Documents {
    pub(super) store: Store,
    pub(super) root: Root,
    pub(super) staging_dir: Option<PathBuf>,
    pub(super) local_dir: Option<PathBuf>,
}

impl Documents {
    /// Opens the documents of a store. Nothing is connected; [`Store::connect`] finds out whether the store is there.
    ///
    /// ```
    /// use holdall::document::Documents;
    /// use holdall::{Settings, Store};
    /// assert!(Documents::open(&Store::memory(), &Settings::default())?.publishes());
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for settings that contradict each other: roots that overlap, `url = cdn` without a base URL.
    pub fn open(store: &Store, settings: &Settings) -> Result<Self> {
        let documents = Self {
            store: store.clone(),
            root: Root::of(Collection::Documents, settings)?,
            staging_dir: settings.staging_dir.clone(),
            local_dir: settings.local_dir.clone(),
        };
        documents.url(&documents.root.key("document")?)?;
        Ok(documents)
    }

    /// Whether documents are uploaded, and deleted here once they are ingested: on S3, and in memory, which stands in for
    /// it in tests. Where the store is a folder of this machine, files and URLs stay as they are.
    pub fn publishes(&self) -> bool {
        self.store.is_remote() || self.store.backend().kind() == "memory"
    }

    /// The key of a document: `{root}{reference}/{NNN}_{name}`, with the extension of its file.
    ///
    /// ```
    /// use holdall::document::{Document, Documents, Reference};
    /// # use holdall::{Settings, Store};
    /// # let documents = Documents::open(&Store::memory(), &Settings::default())?;
    /// let document = Document { path: "/tmp/x.pdf".into(), name: Some("Transport".into()), ..Document::default() };
    /// let key = documents.key(&Reference::parse("25/00284/F")?, 1, &document)?;
    /// assert_eq!(key.as_str(), "documents/25_00284_F/001_Transport.pdf");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key that would be too long.
    pub fn key(&self, reference: &Reference, number: u32, document: &Document) -> Result<Key> {
        self.root.key(&format!("{}/{}", reference.safe(), key_name(number, document)))
    }

    /// The URL that a document has in the store for good; none where it is private, or is not uploaded.
    ///
    /// ```
    /// # use holdall::document::Documents;
    /// # use holdall::{Key, Settings, Store};
    /// let documents = Documents::open(&Store::memory(), &Settings::default())?;
    /// let url = documents.url(&Key::parse("documents/a b.pdf")?)?;
    /// assert_eq!(url.as_deref(), Some("https://test-bucket.example.com/documents/a%20b.pdf"));
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for the setting `url = cdn` without a base URL.
    pub fn url(&self, key: &Key) -> Result<Option<String>> {
        if self.publishes() { self.store.lasting_url(key) } else { Ok(None) }
    }

    /// Opens a job, or goes on with it where its journal has a beginning. While it is open, no other process can.
    ///
    /// The journal is a file on a disk of this machine, in a folder that is there. It belongs to this job, to the store
    /// and to the place in it: what was uploaded elsewhere does not count here.
    ///
    /// # Errors
    ///
    /// `Conflict` for the journal of another job or place, or one that another process works on; `InvalidInput` for a
    /// file that is no journal, and for a key that would be too long; `Unsupported` for a journal of a later version;
    /// `Integrity` for a damaged one. A cut-off end is no damage: a kill leaves one.
    pub fn job(&self, spec: JobSpec, journal: &Path) -> Result<Job> {
        Job::open(self.clone(), spec, journal)
    }

    pub(super) fn header(&self, spec: &JobSpec) -> Header {
        let endpoint = self.store.settings().endpoint.as_ref().filter(|_| self.store.is_remote());
        let place = Place {
            publishes: self.publishes(),
            store: self.store.location(),
            endpoint: endpoint.map(ToString::to_string),
            root: self.root.as_str().to_owned(),
        };
        Header {
            schema: SCHEMA.to_owned(),
            reference: spec.reference().as_str().to_owned(),
            place,
            documents: spec.documents().to_vec(),
        }
    }
}
