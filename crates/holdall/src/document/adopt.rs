//! Takes over documents that another program uploaded.

use super::compare::{demand_at_store, same};
use super::documents::Documents;
use super::file;
use super::format::{Line, Step, Upload};
use super::job::{Item, Job, items};
use super::publish::uploaded;
use super::record::Fault;
use super::spec::JobSpec;
use holdall_store::{Error, ErrorKind, Result, Verified};
use std::path::Path;

/// How documents are adopted.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdoptOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// The documents were ingested by the other program: a later run deletes the files of those that are verified.
    pub are_ingested: bool,
}

/// What became of a document that was to be adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adopted {
    /// The object was read and has the bytes of the document's file.
    Verified,
    /// The object is there, and no file to compare it with any more.
    Unverified,
    /// The store has no such object: a run uploads the document.
    Missing,
    /// The object has other bytes than the file: a run replaces it.
    Different,
    /// It was uploaded by holdall, or adopted before.
    Known,
    /// Whether it is there cannot be told.
    Failed(Fault),
}

impl Adopted {
    /// The word for it in output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Known => "known",
            Self::Failed(_) => "failed",
        }
    }
}

impl Documents {
    /// Takes over the documents of a job that another program uploaded under the same keys: writes down in the job's
    /// journal which of them the store has, so that a run does not upload them again. No object is changed. Answers what
    /// became of each document, in their order.
    ///
    /// It may be cut off and begun again.
    ///
    /// # Errors
    ///
    /// As for [`Documents::job`]; `Unsupported` where documents are not uploaded. What goes wrong with a document is its
    /// answer.
    pub async fn adopt(&self, spec: JobSpec, journal: &Path, options: AdoptOptions) -> Result<Vec<Adopted>> {
        if !self.publishes() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "documents are not uploaded here, so there are none to adopt",
            )
            .with_hint("name the store on S3 that has them"));
        }
        if options.dry_run && !journal.try_exists().unwrap_or(true) {
            return self.look(&items(self, &spec)?, None, options).await;
        }
        let job = Job::open(self.clone(), spec, journal)?;
        self.look(&job.items, Some(&job).filter(|_| !options.dry_run), options).await
    }

    async fn look(&self, items: &[Item], job: Option<&Job>, options: AdoptOptions) -> Result<Vec<Adopted>> {
        let mut all = Vec::new();
        for item in items {
            let (adopted, step) = match self.look_at(item).await {
                Ok(answer) => answer,
                Err(error) => (Adopted::Failed(Fault::of(&error)), Vec::new()),
            };
            if let Some(job) = job {
                let ingested = Some(Step::Ingested).filter(|_| options.are_ingested && !step.is_empty());
                let lines: Vec<Line> = step.into_iter().chain(ingested).map(|step| item.line(step)).collect();
                job.journal.append(&lines).await?;
            }
            all.push(adopted);
        }
        Ok(all)
    }

    async fn look_at(&self, item: &Item) -> Result<(Adopted, Vec<Step>)> {
        if item.progress.uploaded().is_some() {
            return Ok((Adopted::Known, Vec::new()));
        }
        let found = match self.store.head(item.key.as_str()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Adopted::Missing, Vec::new())),
            other => other?,
        };
        demand_at_store(&found)?;
        let Some(file) = file::look(&item.document.path)? else {
            let upload = Upload {
                key: item.key.to_string(),
                url: self.url(&item.key)?,
                size: found.size,
                etag: found.etag,
                verified: Verified::None.as_str().to_owned(),
                file: None,
            };
            return Ok((Adopted::Unverified, vec![Step::Uploaded(upload)]));
        };
        if !same(&self.store, &item.key, &item.document.path).await?
            || file::demand(&item.document.path)? != file
        {
            return Ok((Adopted::Different, Vec::new()));
        }
        let step = uploaded(self, item, file, found.etag, Verified::ReadBack.as_str())?;
        Ok((Adopted::Verified, vec![Step::Staged { file }, step]))
    }
}
