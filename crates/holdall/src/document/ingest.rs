//! The second half of a job: documents are ingested, and the files of those that are safe are deleted.

use super::compare::{demand_at_store, same};
use super::documents::Documents;
use super::event::JobEvent;
use super::file;
use super::format::Step;
use super::job::{Item, Job};
use super::journal::Journal;
use super::progress::{Ingestion, Progress};
use super::publish::tell;
use super::record::{Fault, Report, url};
use futures_util::{StreamExt, stream};
use holdall_store::{Error, ErrorKind, Key, Result};
use std::path::PathBuf;

/// What an ingester says that did not take a document.
pub type Refused = Box<dyn std::error::Error + Send + Sync>;

/// A document that is handed to the ingester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its number in the job, from 1.
    pub number: u32,
    /// Its file, which stays until the ingester returns.
    pub path: PathBuf,
    /// Its URL in the store; the source URL where it has none there or was not uploaded.
    pub url: Option<String>,
    /// Its key, where it was uploaded.
    pub key: Option<Key>,
    /// What it is, in words.
    pub description: Option<String>,
    /// What kind of document it is.
    pub document_type: Option<String>,
}

/// What became of a document in this half.
struct Outcome {
    place: usize,
    progress: Progress,
}

impl Job {
    /// Hands each document that was not ingested to the ingester, also those whose upload failed, and deletes the files
    /// of those that are uploaded, verified, and ingested.
    ///
    /// An ingester may be handed a document again, after a kill that came before its success was on the disk. What an
    /// earlier process uploaded is looked for at the store before its file goes. A file that was changed since its upload
    /// stays, and so does everything where documents are not uploaded.
    ///
    /// # Errors
    ///
    /// As for [`Job::run`].
    pub async fn ingest<F, Fut>(
        &mut self,
        ingest: &F,
        on_event: &mut (dyn FnMut(JobEvent<'_>) + Send),
    ) -> Result<Report>
    where
        F: Fn(Ready) -> Fut + Sync,
        Fut: Future<Output = std::result::Result<(), Refused>> + Send,
    {
        self.begin()?;
        let mut done = Vec::new();
        {
            let Self { documents, journal, items, ingestions, .. } = &*self;
            let one = |place: usize| {
                let item = &items[place];
                async move {
                    let mut progress = item.progress.clone();
                    if !progress.is_ingested() {
                        let step = hand_over(item, ingest).await;
                        note(journal, item, &mut progress, step).await?;
                    }
                    if documents.publishes() {
                        remove(documents, journal, item, &mut progress).await?;
                    }
                    Ok::<_, Error>(Outcome { place, progress })
                }
            };
            let mut running = stream::iter(0..items.len()).map(one).buffered(*ingestions);
            while let Some(outcome) = running.next().await {
                let outcome = outcome?;
                tell_outcome(&items[outcome.place], &outcome.progress, on_event);
                done.push(outcome);
            }
        }
        for Outcome { place, progress } in done {
            self.items[place].progress = progress;
        }
        self.is_stale = false;
        Ok(self.report())
    }
}

async fn hand_over<F, Fut>(item: &Item, ingest: &F) -> Step
where
    F: Fn(Ready) -> Fut + Sync,
    Fut: Future<Output = std::result::Result<(), Refused>> + Send,
{
    if let Err(error) = file::demand(&item.document.path) {
        return Step::IngestionFailed { error: Fault::of(&error) };
    }
    let upload = item.progress.uploaded();
    let ready = Ready {
        number: item.number,
        path: item.document.path.clone(),
        url: url(&item.document, upload),
        key: upload.map(|_| item.key.clone()),
        description: item.document.description.clone(),
        document_type: item.document.document_type.clone(),
    };
    match ingest(ready).await {
        Ok(()) => Step::Ingested,
        Err(refused) => {
            let message = refused.to_string();
            let cause = refused.source().map(ToString::to_string).filter(|cause| !message.contains(cause));
            Step::IngestionFailed {
                error: Fault { kind: "ingestion".to_owned(), message, cause, hint: None },
            }
        }
    }
}

/// Deletes a document's file if that is safe.
async fn remove(
    documents: &Documents,
    journal: &Journal,
    item: &Item,
    progress: &mut Progress,
) -> Result<()> {
    progress.kept = None;
    let Some(file) = progress.may_go() else { return Ok(()) };
    // What was deleted and is there again, as after a power cut, is deleted again.
    if progress.is_deleted && !matches!(file::look(&item.document.path), Ok(Some(found)) if found == file) {
        return Ok(());
    }
    if !item.is_fresh
        && let Err(error) = check_at_store(documents, item, progress).await
    {
        let fault = Fault::of(&error);
        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Integrity) {
            note(journal, item, progress, Step::UploadFailed { error: fault.clone() }).await?;
        }
        progress.kept = Some(fault);
        return Ok(());
    }
    match file::delete(&item.document.path, file) {
        Ok(()) if progress.is_deleted => Ok(()),
        Ok(()) => note(journal, item, progress, Step::Deleted).await,
        Err(error) => {
            progress.kept = Some(Fault::of(&error));
            Ok(())
        }
    }
}

/// Makes sure that the store still has what an earlier process uploaded.
async fn check_at_store(documents: &Documents, item: &Item, progress: &Progress) -> Result<()> {
    let Some(upload) = progress.uploaded() else { return Ok(()) };
    // A file that has gone was deleted by a process that was killed before it wrote that down.
    if file::look(&item.document.path)?.is_none() {
        return Ok(());
    }
    let found = documents.store.head(item.key.as_str()).await?;
    demand_at_store(&found)?;
    let is_same = found.size == upload.size && upload.etag.is_some() && found.etag == upload.etag;
    if is_same || same(&documents.store, &item.key, &item.document.path).await? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Integrity, "the store has something else by now than what was uploaded")
        .with_key(&item.key)
        .with_hint("run the job again: the document is uploaded again"))
}

async fn note(journal: &Journal, item: &Item, progress: &mut Progress, step: Step) -> Result<()> {
    journal.append(&[item.line(step.clone())]).await?;
    progress.take(step);
    Ok(())
}

fn tell_outcome(item: &Item, now: &Progress, on_event: &mut (dyn FnMut(JobEvent<'_>) + Send)) {
    let (number, path, before) = (item.number, &*item.document.path, &item.progress);
    match &now.ingestion {
        Ingestion::Failed(fault) => tell(&JobEvent::IngestionFailed { number, path, fault }, on_event),
        Ingestion::Done if !before.is_ingested() => tell(&JobEvent::Ingested { number }, on_event),
        _ => {}
    }
    match &now.kept {
        Some(fault) => tell(&JobEvent::Kept { number, path, fault }, on_event),
        None if now.is_deleted && !before.is_deleted => tell(&JobEvent::Deleted { number, path }, on_event),
        None => {}
    }
}
