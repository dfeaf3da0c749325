//! How far a document is: what its steps come to.

use super::file::Identity;
use super::format::{Step, Upload};
use super::record::Fault;

/// How far a document is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Progress {
    /// Its file as it was seen last; none before that.
    pub(super) file: Option<Identity>,
    pub(super) upload: Uploading,
    pub(super) ingestion: Ingestion,
    pub(super) is_deleted: bool,
    /// Why its file was kept.
    pub(super) kept: Option<Fault>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Uploading {
    #[default]
    None,
    Failed(Fault),
    Queued {
        key: String,
        file: Identity,
    },
    Done(Upload),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Ingestion {
    #[default]
    None,
    Failed(Fault),
    Done,
}

impl Progress {
    /// Takes a step.
    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Staged { file } => *self = Self { file: Some(file), ..Self::default() },
            Step::Uploaded(upload) => {
                self.file = upload.file;
                self.upload = Uploading::Done(upload);
            }
            Step::Queued { key, file } => self.upload = Uploading::Queued { key, file },
            Step::UploadFailed { error } => self.upload = Uploading::Failed(error),
            Step::Ingested => self.ingestion = Ingestion::Done,
            Step::IngestionFailed { error } => self.ingestion = Ingestion::Failed(error),
            Step::Deleted => self.is_deleted = true,
            // A journal that has one is refused when it is read.
            Step::Unknown => {}
        }
    }

    /// The verified upload.
    pub(super) fn uploaded(&self) -> Option<&Upload> {
        match &self.upload {
            Uploading::Done(upload) => Some(upload),
            _ => None,
        }
    }

    pub(super) fn is_ingested(&self) -> bool {
        self.ingestion == Ingestion::Done
    }

    /// The file that may go: its upload is verified and its ingestion succeeded.
    pub(super) fn may_go(&self) -> Option<Identity> {
        self.uploaded().filter(|_| self.is_ingested())?.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(inode: u64) -> Identity {
        Identity { size: 1, modified_ns: 2, inode }
    }

    fn upload(inode: u64) -> Upload {
        let (key, verified) = ("k".to_owned(), "payload".to_owned());
        Upload { key, url: None, size: 1, etag: None, verified, file: Some(identity(inode)) }
    }

    fn fault() -> Fault {
        Fault { kind: "unreachable".to_owned(), message: "away".to_owned(), cause: None, hint: None }
    }

    /// DOC-7: of all orders of steps, a file may go only after both its upload and its ingestion.
    #[test]
    fn a_file_may_go_only_when_it_is_uploaded_and_ingested() {
        let steps = [
            Step::Staged { file: identity(1) },
            Step::Uploaded(upload(1)),
            Step::Queued { key: "k".to_owned(), file: identity(1) },
            Step::UploadFailed { error: fault() },
            Step::Ingested,
            Step::IngestionFailed { error: fault() },
        ];
        for n in 0..6usize.pow(5) {
            let chosen: Vec<&Step> = (0..5).map(|place| &steps[n / 6usize.pow(place) % 6]).collect();
            let mut progress = Progress::default();
            chosen.iter().for_each(|step| progress.take((*step).clone()));
            let since = chosen.iter().rposition(|step| matches!(step, Step::Staged { .. })).unwrap_or(0);
            let last = |of: fn(&Step) -> bool| chosen[since..].iter().rev().find(|step| of(step));
            let upload = last(|step| {
                matches!(step, Step::Uploaded(_) | Step::Queued { .. } | Step::UploadFailed { .. })
            });
            let ingestion = last(|step| matches!(step, Step::Ingested | Step::IngestionFailed { .. }));
            let expected =
                matches!(upload, Some(Step::Uploaded(_))) && matches!(ingestion, Some(Step::Ingested));
            assert_eq!(progress.may_go().is_some(), expected, "{chosen:?}");
        }
    }
}
