//! Writing steps to a ZIP archive, whose entries are stored as they are.

mod archive;

use super::{Exported, Which, Written, files, none_found};
use crate::session::hashing::Seen;
use crate::session::layout::MARKER;
use crate::session::part::StepPart;
use crate::session::{Sessions, Step};
use crate::{SessionId, StepId};
use archive::Archive;
use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Result};
use std::path::Path;
use tokio::sync::Mutex;

impl Sessions {
    /// Writes a session, or one step of it, to a ZIP archive: `SESSION/STEP/` with a file for each part and the marker. The
    /// file appears whole or not at all, has no step by half, and each part is checked against the marker. Parts pass through
    /// memory in pieces and are not compressed; the archive may be of any size.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// # let dir = tempfile::tempdir()?;
    /// sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// let file = dir.path().join("run-7.zip");
    /// let exported = sessions.export_to_zip(&session, None, &file).await?;
    /// assert_eq!(exported.steps, 1);
    /// assert!(std::fs::read(&file)?.starts_with(b"PK"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a session without steps and for a step that is not there; `AlreadyExists` for a file that is there; `Io`
    /// and `Full`. A step that cannot be read is among the failures, and the archive is without it.
    pub async fn export_to_zip(
        &self,
        session: &SessionId,
        step: Option<&StepId>,
        file: &Path,
    ) -> Result<Exported> {
        let mut which = Which::of(self, session, step).await?;
        let mut exported = Exported::default();
        let archive = Mutex::new(Archive::create(file).await?);
        while let Some(step) = which.next(self).await? {
            let add = |step: Step| {
                let archive = &archive;
                async move { self.add(&step, &mut *archive.lock().await).await }
            };
            match Box::pin(self.of_one_attempt(session, &step, add)).await {
                Err(error) if error.kind() == ErrorKind::NotFound && error.key().is_none() => {}
                // A disk that takes no more takes none of the others either.
                Err(error) if matches!(error.kind(), ErrorKind::Io | ErrorKind::Full) => return Err(error),
                outcome => exported.add(step, outcome),
            }
        }
        none_found(&exported, session)?;
        archive.into_inner().finish().await?;
        Ok(exported)
    }

    /// Adds a step, or nothing.
    async fn add(&self, step: &Step, archive: &mut Archive) -> Result<Written> {
        let begin = archive.place();
        let added = self.add_files(step, archive).await;
        if added.is_err() {
            archive.back_to(begin).await?;
        }
        added
    }

    async fn add_files(&self, step: &Step, archive: &mut Archive) -> Result<Written> {
        let (files, marker) = files(self, step)?;
        let folder = format!("{}/{}", step.session, step.step);
        let written = Written { files: files.len() as u64 + 1, bytes: step.size() + marker.len() as u64 };
        for (name, part) in files {
            archive.begin(&format!("{folder}/{name}"), part.size, step.time).await?;
            self.copy_part(part, archive).await?;
        }
        archive.begin(&format!("{folder}/{MARKER}"), marker.len() as u64, step.time).await?;
        archive.write(&marker).await?;
        archive.end().await?;
        Ok(written)
    }

    async fn copy_part(&self, part: &StepPart, archive: &mut Archive) -> Result<()> {
        let mut object = self.open_object(part, None).await?;
        let mut seen = Seen::new();
        while let Some(piece) = object.stream.next().await {
            let piece = piece.map_err(|error| error.with_key(&part.key))?;
            seen.update(&piece);
            archive.write(&piece).await?;
        }
        let found = seen.finish();
        part.check(found.size, found.sha256)?;
        archive.end().await
    }
}

/// What is said of the archive's file.
fn failed(error: std::io::Error, path: &Path) -> Error {
    Error::io("the archive cannot be written", error).with_fact("path", path.display())
}
