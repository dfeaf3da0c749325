//! `holdall outbox export`

use super::entries::each;
use crate::app::App;
use crate::commands::Outcome;
use crate::text;
use clap::Args;
use holdall::outbox::{EntryId, Pending, Queue};
use holdall::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Writes the bytes of a write that waits to a file, which appears whole or not at all
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Its id, as `outbox ls` shows it
    id: EntryId,
    /// The file, which must not be there
    file: PathBuf,
}

impl Export {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let missing = || super::entries::missing(self.id);
        let queue = super::open(app)?.ok_or_else(missing)?;
        let mut found = None;
        each::<Error>(&queue, |(pending, _)| {
            found = found.take().or(Some(pending).filter(|pending| pending.id == self.id));
            Ok(())
        })?;
        let size = write(&queue, &found.ok_or_else(missing)?, &self.file)?;
        app.report.summary(&format!("wrote {}", text::bytes(size)));
        Ok(())
    }
}

/// Writes to a temporary file beside it, and gives that its name.
fn write(queue: &Queue, pending: &Pending, path: &Path) -> Result<u64> {
    let failed = |error| Error::io("the file cannot be written", error).with_fact("path", path.display());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = File::create_new(&temporary).map_err(failed)?;
    let written = queue.export(pending, &mut file).and_then(|size| {
        file.sync_all().map_err(failed)?;
        // A link is refused where the name is taken; a rename would replace what is there.
        std::fs::hard_link(&temporary, path).map_err(failed)?;
        Ok(size)
    });
    std::fs::remove_file(&temporary).map_err(failed).and(written)
}
