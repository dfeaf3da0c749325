//! Writes an export to a file, which appears whole or not at all.

use super::{ExportFormat, ExportOptions, ExportRow, ExportText};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::transfer::landing::{Spot, Temporary};
use std::io::Write;
use std::path::Path;

/// So much is written at once.
const AT_ONCE: usize = 256 * 1024;

/// What an export to a file wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Objects.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Store {
    /// Exports what lies below a prefix to a file, as [`Store::export`] does, and hands on each row. When this returns,
    /// the file is safe from a power cut.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that names no file, and whatever ends the export early. The file is then what it was
    /// before.
    pub async fn export_to_file(
        &self,
        prefix: &str,
        path: &Path,
        format: ExportFormat,
        options: &ExportOptions,
        on_row: &mut (dyn FnMut(&ExportRow) + Send),
    ) -> Result<Exported> {
        let named = |error: Error| error.with_fact("path", path.display());
        let mut draft =
            Draft { temporary: Spot::at(path)?.begin().map_err(named)?, ready: Vec::new(), bytes: 0 };
        let mut export = self.export(prefix, options)?;
        let (mut text, mut rows) = (ExportText::new(format), 0);
        draft.write(text.begin()).map_err(named)?;
        while let Some(row) = export.next().await {
            let row = row?;
            draft.write(&text.row(&row)).map_err(named)?;
            rows += 1;
            on_row(&row);
        }
        draft.write(text.end()).map_err(named)?;
        Ok(Exported { rows, bytes: draft.end().await.map_err(named)? })
    }
}

/// A file being written.
struct Draft {
    temporary: Temporary,
    ready: Vec<u8>,
    bytes: u64,
}

impl Draft {
    fn write(&mut self, text: &str) -> Result<()> {
        self.ready.extend_from_slice(text.as_bytes());
        if self.ready.len() >= AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let written = (&*self.temporary.file()).write_all(&self.ready);
        written.map_err(|e| Error::io("the export cannot be written", e))?;
        self.bytes += self.ready.len() as u64;
        self.ready.clear();
        Ok(())
    }

    /// Gives the file its name; answers how many bytes it has.
    async fn end(mut self) -> Result<u64> {
        self.flush()?;
        let bytes = self.bytes;
        let named = tokio::task::spawn_blocking(move || self.temporary.commit_safely()).await;
        named.map_err(|e| Error::new(ErrorKind::Cancelled, "the file's task ended").with_source(e))??;
        Ok(bytes)
    }
}
