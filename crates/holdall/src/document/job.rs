//! A job: its documents, how far they are, and the journal that knows it.

use super::documents::Documents;
use super::event::JobEvent;
use super::format::{Header, Line, Step};
use super::ingest::{Ready, Refused};
use super::journal::{self, Journal};
use super::progress::Progress;
use super::record::{DocumentRecord, Report};
use super::reference::Reference;
use super::spec::{Document, JobSpec};
use holdall_store::{Error, ErrorKind, Key, Result};
use std::path::Path;

/// A job that this process works on.
///
/// Steps are on the disk before what they allow is done. A process that is killed, a call that is dropped or ends in an
/// error, leaves a journal from which the job is opened again and goes on: what was uploaded or ingested is not done
/// again, but for what was under way.
#[derive(Debug)]
pub struct Job {
    pub(super) documents: Documents,
    pub(super) reference: Reference,
    pub(super) journal: Journal,
    pub(super) items: Vec<Item>,
    /// How many documents are ingested at once.
    pub(super) ingestions: usize,
    /// Whether a call was cut off: the journal then knows more than this.
    pub(super) is_stale: bool,
}

/// A document of a job, and how far it is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) number: u32,
    pub(super) document: Document,
    pub(super) key: Key,
    pub(super) progress: Progress,
    /// Whether its upload was verified by this process.
    pub(super) is_fresh: bool,
}

impl Item {
    pub(super) fn line(&self, step: Step) -> Line {
        Line { document: self.number, step }
    }
}

impl Job {
    pub(super) fn open(documents: Documents, spec: JobSpec, path: &Path) -> Result<Self> {
        let mut items = items(&documents, &spec)?;
        let (journal, lines) = Journal::open(path, &documents.header(&spec))?;
        lines.into_iter().for_each(|line| items[line.place()].progress.take(line.step));
        Ok(Self {
            documents,
            reference: spec.reference().clone(),
            journal,
            items,
            ingestions: 1,
            is_stale: false,
        })
    }

    /// Lets so many documents be ingested at once; one after the other unless it is said.
    pub fn with_ingestions(mut self, at_once: usize) -> Self {
        self.ingestions = at_once.max(1);
        self
    }

    /// Uploads what is not uploaded, has ingested what is not, and deletes the files of documents that are both:
    /// [`Job::publish`], then [`Job::ingest`].
    ///
    /// # Errors
    ///
    /// What keeps the journal from being written: the job can go on no further, and `Conflict` when a call of it was cut
    /// off before. What goes wrong with a document ends
    /// nothing; it is told, logged, and in the [records](Job::records).
    pub async fn run<F, Fut>(
        &mut self,
        ingest: &F,
        on_event: &mut (dyn FnMut(JobEvent<'_>) + Send),
    ) -> Result<Report>
    where
        F: Fn(Ready) -> Fut + Sync,
        Fut: Future<Output = std::result::Result<(), Refused>> + Send,
    {
        self.publish(on_event).await?;
        self.ingest(ingest, on_event).await
    }

    /// Begins a call, which leaves the job stale unless it comes to its end.
    pub(super) fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_stale, true) {
            return Err(Error::new(ErrorKind::Conflict, "a call of this job was cut off before its end")
                .with_hint("open the job again"));
        }
        Ok(())
    }

    /// What the documents belong to.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Each document's record, in their order.
    pub fn records(&self) -> Vec<DocumentRecord> {
        let record = |item: &Item| DocumentRecord::new(item.number, &item.document, &item.progress);
        self.items.iter().map(record).collect()
    }

    /// How many documents are how far.
    pub fn report(&self) -> Report {
        Report::of(&self.records())
    }

    /// Reads the records of a job from its journal, whoever works on it, and without its store.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no journal; as for [`Documents::job`].
    pub fn read(journal: &Path) -> Result<(Reference, Vec<DocumentRecord>)> {
        let (Header { reference, documents, .. }, lines) = journal::read(journal)?;
        let mut progress = vec![Progress::default(); documents.len()];
        lines.into_iter().for_each(|line| progress[line.place()].take(line.step));
        let records = documents.iter().zip(&progress).zip(1..);
        let records = records.map(|((document, progress), n)| DocumentRecord::new(n, document, progress));
        Ok((Reference::parse(&reference)?, records.collect()))
    }
}

/// A job's documents, of which nothing was done yet.
pub(super) fn items(documents: &Documents, spec: &JobSpec) -> Result<Vec<Item>> {
    let item = |(document, number): (&Document, u32)| {
        let key = documents.key(spec.reference(), number, document)?;
        Ok(Item { number, document: document.clone(), key, progress: Progress::default(), is_fresh: false })
    };
    spec.documents().iter().zip(1..).map(item).collect()
}
