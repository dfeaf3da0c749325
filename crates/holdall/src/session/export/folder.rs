//! Writing steps to a folder: each appears whole or not at all.

use super::{Exported, Which, Written, files, none_found};
use crate::session::clock::unique;
use crate::session::part::StepPart;
use crate::session::{Sessions, Step};
use crate::{SessionId, StepId};
use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Result};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// A folder that is removed again unless it got its name.
struct Scratch(Option<PathBuf>);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Who gave up is told why; what stays has a name that says what it is.
            drop(std::fs::remove_dir_all(path));
        }
    }
}

impl Sessions {
    /// Writes a session, or one step of it, to a folder: `DIR/SESSION/STEP/` with a file for each part and the marker. A step
    /// appears whole or not at all, and each part is checked against the marker. Nothing is overwritten.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// # let dir = tempfile::tempdir()?;
    /// sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// let exported = sessions.export_to_folder(&session, None, dir.path()).await?;
    /// assert_eq!((exported.steps, exported.files), (1, 2));
    /// assert_eq!(std::fs::read(dir.path().join("run-7/0001/page.html"))?, b"<p>1</p>");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a session without steps and for a step that is not there; what keeps the folder from being made. A step
    /// that cannot be written is among the failures: `AlreadyExists` where something has its name.
    pub async fn export_to_folder(
        &self,
        session: &SessionId,
        step: Option<&StepId>,
        dir: &Path,
    ) -> Result<Exported> {
        let mut which = Which::of(self, session, step).await?;
        let mut exported = Exported::default();
        while let Some(step) = which.next(self).await? {
            let outcome =
                self.of_one_attempt(session, &step, |step| async move { self.write(&step, dir).await });
            match Box::pin(outcome).await {
                Err(error) if error.kind() == ErrorKind::NotFound && error.key().is_none() => {}
                outcome => exported.add(step, outcome),
            }
        }
        none_found(&exported, session)?;
        Ok(exported)
    }

    async fn write(&self, step: &Step, dir: &Path) -> Result<Written> {
        let folder = below(dir, step.session.as_str()).await?;
        let place = folder.join(step.step.as_str());
        if fs::symlink_metadata(&place).await.is_ok() {
            return Err(taken(&place));
        }
        let path = folder.join(format!(".holdall-{}.part", unique()));
        fs::create_dir(&path).await.map_err(|e| failed(e, &path))?;
        let mut scratch = Scratch(Some(path.clone()));
        let (files, marker) = files(self, step)?;
        let written = Written { files: files.len() as u64 + 1, bytes: step.size() + marker.len() as u64 };
        for (name, part) in files {
            self.write_part(part, &path.join(name)).await?;
        }
        let file = path.join(crate::session::layout::MARKER);
        fs::write(&file, &marker).await.map_err(|e| failed(e, &file))?;
        match fs::rename(&path, &place).await {
            Err(error) if fs::symlink_metadata(&place).await.is_ok() => {
                return Err(taken(&place).with_source(error));
            }
            renamed => renamed.map_err(|e| failed(e, &place))?,
        }
        scratch.0 = None;
        Ok(written)
    }

    async fn write_part(&self, part: &StepPart, path: &Path) -> Result<()> {
        let mut object = self.open_object(part, None).await?;
        let mut file = fs::File::create_new(path).await.map_err(|e| failed(e, path))?;
        let mut seen = crate::session::hashing::Seen::new();
        while let Some(piece) = object.stream.next().await {
            let piece = piece.map_err(|error| error.with_key(&part.key))?;
            seen.update(&piece);
            file.write_all(&piece).await.map_err(|e| failed(e, path))?;
        }
        file.flush().await.map_err(|e| failed(e, path))?;
        let found = seen.finish();
        part.check(found.size, found.sha256)
    }
}

/// Makes a folder for a session; a link in its place is not followed.
async fn below(dir: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir).await.map_err(|e| failed(e, dir))?;
    let path = dir.join(name);
    match fs::create_dir(&path).await {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(|e| failed(e, &path))?,
    }
    let there = fs::symlink_metadata(&path).await.map_err(|e| failed(e, &path))?;
    if there.is_dir() { Ok(path) } else { Err(taken(&path)) }
}

fn failed(error: io::Error, path: &Path) -> Error {
    Error::io("a step cannot be written to the folder", error).with_fact("path", path.display())
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists, "something has the name already, and nothing is overwritten")
        .with_fact("path", path.display())
        .with_hint("export to another folder, or remove what is there")
}
