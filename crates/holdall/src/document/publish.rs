//! The first half of a job: documents are staged, and uploaded.

use super::compare::same;
use super::documents::Documents;
use super::event::{JobEvent, TARGET};
use super::file::{self, Identity};
use super::format::{Line, Step, Upload};
use super::job::{Item, Job};
use super::progress::Uploading;
use super::record::{Fault, Report};
use futures_util::{StreamExt, stream};
use holdall_store::transfer::TreeSummary;
use holdall_store::{Error, ErrorKind, PutOptions, ReadFrom, Receipt, Result, State, Verified, telemetry};

/// What is asked of the store for one document, and what came of it.
struct Outcome {
    place: usize,
    step: Option<Step>,
    size: u64,
}

impl Job {
    /// Uploads every document that the store has not, as many at once as the setting `concurrency` says. Where documents
    /// are not uploaded, it only looks whether their files are there.
    ///
    /// A document counts as uploaded when its receipt says how that was verified; where the server verifies nothing, the
    /// object is read back and compared. One that waits in the outbox is not uploaded: a later run finds it at the store,
    /// compares it, and only then counts it.
    ///
    /// # Errors
    ///
    /// As for [`Job::run`].
    pub async fn publish(&mut self, on_event: &mut (dyn FnMut(JobEvent<'_>) + Send)) -> Result<Report> {
        self.begin()?;
        self.stage(on_event).await?;
        if self.documents.publishes() {
            let prefix = format!("{}{}/", self.documents.root.as_str(), self.reference.safe());
            let store = self.documents.store.clone();
            let watch = telemetry::Job::push(&store, &prefix);
            let mut summary = TreeSummary::default();
            let uploaded = self.upload(&mut summary, on_event).await;
            watch.end(summary, uploaded)?;
            self.tell_private();
        }
        self.is_stale = false;
        Ok(self.report())
    }

    /// Looks at the files, and notes those that are new or changed.
    async fn stage(&mut self, on_event: &mut (dyn FnMut(JobEvent<'_>) + Send)) -> Result<()> {
        let mut lines = Vec::new();
        for item in &self.items {
            let can_fail = self.documents.publishes() && item.progress.uploaded().is_none();
            let found = file::look(&item.document.path);
            if let Ok(Some(file)) = found {
                if item.progress.file != Some(file) {
                    lines.push(item.line(Step::Staged { file }));
                }
            } else if can_fail && let Err(error) = file::demand(&item.document.path) {
                lines.push(item.line(Step::UploadFailed { error: Fault::of(&error) }));
            }
        }
        self.journal.append(&lines).await?;
        for line in lines {
            let item = &mut self.items[line.place()];
            item.progress.take(line.step);
            if let Uploading::Failed(fault) = &item.progress.upload {
                tell(
                    &JobEvent::UploadFailed { number: item.number, path: &item.document.path, fault },
                    on_event,
                );
            }
        }
        Ok(())
    }

    async fn upload(
        &mut self,
        summary: &mut TreeSummary,
        on_event: &mut (dyn FnMut(JobEvent<'_>) + Send),
    ) -> Result<()> {
        let Self { documents, journal, items, .. } = self;
        // Of what failed to be staged there is nothing to upload.
        let is_there = |item: &Item| file::demand(&item.document.path).is_ok();
        let due: Vec<usize> = (0..items.len()).filter(|place| is_there(&items[*place])).collect();
        let lanes = documents.store.settings().concurrency.max(1);
        let mut done = Vec::new();
        {
            let items = &*items;
            let one = |place: usize| {
                let (documents, item) = (&*documents, &items[place]);
                async move {
                    let (step, size) = settle(documents, item).await;
                    Outcome { place, step, size }
                }
            };
            let note = |outcomes: Vec<Outcome>| {
                let journal = &*journal;
                async move {
                    let taken =
                        |Outcome { place, step, .. }: &Outcome| Some(items[*place].line(step.clone()?));
                    journal.append(&outcomes.iter().filter_map(taken).collect::<Vec<Line>>()).await?;
                    Ok::<_, Error>(outcomes)
                }
            };
            // Nothing that is still to be sent waits for the disk, only what is told.
            let uploads = stream::iter(due).map(one).buffer_unordered(lanes);
            let mut running = uploads.ready_chunks(lanes).map(note).buffer_unordered(lanes);
            while let Some(outcomes) = running.next().await {
                for outcome in outcomes? {
                    tell_outcome(&items[outcome.place], &outcome, on_event);
                    count(&outcome, summary);
                    done.push(outcome);
                }
            }
        }
        for Outcome { place, step, .. } in done {
            let item = &mut items[place];
            if let Some(step) = step {
                item.is_fresh = matches!(step, Step::Uploaded(_));
                item.progress.take(step);
            }
        }
        Ok(())
    }

    /// Says why URLs did not change.
    fn tell_private(&self) {
        let private = |item: &&Item| item.progress.uploaded().is_some_and(|upload| upload.url.is_none());
        let documents = self.items.iter().filter(private).count();
        if documents > 0 {
            tracing::warn!(
                target: TARGET,
                documents,
                "documents are private in the store and keep their source URLs; set HOLDALL_ACL=public-read, \
                 HOLDALL_URL=public or HOLDALL_PUBLIC_BASE_URL where they are to have others"
            );
        }
    }
}

/// Brings a document to the store; answers the step that was taken, if any, and how many bytes it has.
async fn settle(documents: &Documents, item: &Item) -> (Option<Step>, u64) {
    let Some(file) = item.progress.file else { return (None, 0) };
    match &item.progress.upload {
        Uploading::Done(_) => return (None, file.size),
        Uploading::Queued { file: queued, .. } if *queued == file => {
            match arrived(documents, item, file).await {
                Ok(Arrival::There(step)) => return (Some(step), file.size),
                Ok(Arrival::Waits) => return (Some(queued_step(item, file)), file.size),
                Ok(Arrival::Gone) => {}
                Err(error) => {
                    tracing::warn!(target: TARGET, document = item.number, key = item.key.as_str(), %error,
                    "whether the document has arrived cannot be told: its source URL and its file stay");
                    return (None, file.size);
                }
            }
        }
        _ => {}
    }
    let step = match put(documents, item, file).await {
        Ok(step) => step,
        Err(error) => Step::UploadFailed { error: Fault::of(&error) },
    };
    (Some(step), file.size)
}

/// Where a write is that was queued by an earlier run.
enum Arrival {
    There(Step),
    Waits,
    /// It was given up, or others wrote the key.
    Gone,
}

async fn arrived(documents: &Documents, item: &Item, file: Identity) -> Result<Arrival> {
    let store = &documents.store;
    let found = match store.head(item.key.as_str()).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Arrival::Gone),
        other => other?,
    };
    if found.read_from != ReadFrom::Store {
        return Ok(Arrival::Waits);
    }
    if !same(store, &item.key, &item.document.path).await? {
        return Ok(Arrival::Gone);
    }
    let verified = Verified::ReadBack.as_str();
    uploaded(documents, item, file, found.etag, verified).map(Arrival::There)
}

async fn put(documents: &Documents, item: &Item, file: Identity) -> Result<Step> {
    let path = &item.document.path;
    let receipt = documents.store.put_file(item.key.as_str(), path, &PutOptions::default()).await?;
    if file::demand(path)? != file {
        return Err(Error::new(ErrorKind::Changed, "the document's file was changed while it was uploaded")
            .with_key(&item.key));
    }
    if receipt.state != State::Stored {
        return Ok(queued_step(item, file));
    }
    let verified = verified(documents, item, &receipt).await?;
    uploaded(documents, item, file, receipt.etag, verified)
}

/// How it is known that the store has the bytes: where the server proved nothing, they are read back.
async fn verified(documents: &Documents, item: &Item, receipt: &Receipt) -> Result<&'static str> {
    if receipt.verified != Verified::None {
        return Ok(receipt.verified.as_str());
    }
    if same(&documents.store, &item.key, &item.document.path).await? {
        return Ok(Verified::ReadBack.as_str());
    }
    Err(Error::new(ErrorKind::Integrity, "the store has other bytes than the document's file")
        .with_key(&item.key))
}

/// The step of an upload that is verified.
pub(super) fn uploaded(
    documents: &Documents,
    item: &Item,
    file: Identity,
    etag: Option<String>,
    verified: &str,
) -> Result<Step> {
    Ok(Step::Uploaded(Upload {
        key: item.key.to_string(),
        url: documents.url(&item.key)?,
        size: file.size,
        etag,
        verified: verified.to_owned(),
        file: Some(file),
    }))
}

fn queued_step(item: &Item, file: Identity) -> Step {
    Step::Queued { key: item.key.to_string(), file }
}

fn count(outcome: &Outcome, summary: &mut TreeSummary) {
    match &outcome.step {
        None => {
            summary.unchanged += 1;
            summary.unchanged_bytes += outcome.size;
        }
        Some(Step::UploadFailed { .. }) => summary.failed += 1,
        Some(step) => {
            summary.done += 1;
            summary.bytes += outcome.size;
            summary.queued += u64::from(matches!(step, Step::Queued { .. }));
        }
    }
}

fn tell_outcome(item: &Item, outcome: &Outcome, on_event: &mut (dyn FnMut(JobEvent<'_>) + Send)) {
    let number = item.number;
    match &outcome.step {
        Some(Step::Uploaded(upload)) => {
            tell(&JobEvent::Uploaded { number, key: &upload.key, size: upload.size }, on_event);
        }
        Some(Step::Queued { key, .. }) => tell(&JobEvent::Queued { number, key }, on_event),
        Some(Step::UploadFailed { error }) => {
            tell(&JobEvent::UploadFailed { number, path: &item.document.path, fault: error }, on_event);
        }
        _ => {}
    }
}

pub(super) fn tell(event: &JobEvent<'_>, on_event: &mut (dyn FnMut(JobEvent<'_>) + Send)) {
    event.log();
    on_event(*event);
}
