//! Writing steps to a folder or an archive.

mod folder;
mod zip;

use super::list::no_session;
use super::marker;
use super::part::StepPart;
use super::sessions::Sessions;
use super::step::Step;
use crate::{SessionId, StepId};
use holdall_store::{Error, ErrorKind, Result};
use std::collections::BTreeMap;

/// What was exported.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Steps that were written.
    pub steps: u64,
    /// Their files, the markers too.
    pub files: u64,
    /// The files' bytes.
    pub bytes: u64,
    /// Steps that could not be written, and why; each other step was.
    pub failures: Vec<(StepId, Error)>,
}

impl Exported {
    fn add(&mut self, step: StepId, outcome: Result<Written>) {
        match outcome {
            Ok(written) => {
                self.steps += 1;
                self.files += written.files;
                self.bytes += written.bytes;
            }
            Err(error) => self.failures.push((step, error)),
        }
    }
}

/// What was written of a step.
#[derive(Default)]
struct Written {
    files: u64,
    bytes: u64,
}

/// The files of a step by their names, and the text of its marker.
fn files<'a>(sessions: &Sessions, step: &'a Step) -> Result<(BTreeMap<&'a str, &'a StepPart>, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for part in step.parts.values() {
        let name = part.file_name();
        crate::id::check("file", name).map_err(|error| error.with_key(&part.key))?;
        if name == super::layout::MARKER || files.insert(name, part).is_some() {
            return Err(Error::new(ErrorKind::InvalidInput, "two parts of a step would have one file")
                .with_key(&part.key)
                .with_fact("file", name));
        }
    }
    Ok((files, marker::write(step, &sessions.layout)))
}

/// Which steps are exported.
enum Which<'a> {
    One(Option<&'a StepId>),
    All(super::examine::Marked),
}

impl<'a> Which<'a> {
    /// # Errors
    ///
    /// `NotFound` for one step that is not there.
    async fn of(sessions: &Sessions, session: &SessionId, step: Option<&'a StepId>) -> Result<Self> {
        match step {
            Some(step) => sessions.describe(session, step).await.map(|_| Self::One(Some(step))),
            None => sessions.marked(session).map(Self::All),
        }
    }

    async fn next(&mut self, sessions: &Sessions) -> Result<Option<StepId>> {
        match self {
            Self::One(step) => Ok(step.take().cloned()),
            Self::All(marked) => marked.next(sessions).await,
        }
    }
}

/// Refuses to write nothing at all.
fn none_found(exported: &Exported, session: &SessionId) -> Result<()> {
    if exported.steps > 0 || !exported.failures.is_empty() {
        return Ok(());
    }
    Err(no_session(session))
}
