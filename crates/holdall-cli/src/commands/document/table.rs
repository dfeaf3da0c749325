//! A job's documents as a table or as JSON, and what is said of them while it runs.

use crate::app::App;
use crate::report::Report;
use holdall::document::{DocumentRecord, JobEvent};
use std::io::{self, Write};

/// Prints a line for each document: its number, the last step taken, what became of its upload and of its ingestion, its
/// URL and its file.
pub(super) fn print(records: &[DocumentRecord], app: &mut App) -> io::Result<()> {
    for record in records {
        if app.globals.json {
            app.out.json(record)?;
            continue;
        }
        let url = app.out.shown(record.url.as_deref().unwrap_or("-")).into_owned();
        let path = record.path.to_string_lossy();
        let path = app.out.shown(&path).into_owned();
        let (state, upload, ingestion) =
            (record.state.as_str(), record.upload.as_str(), record.ingestion.as_str());
        write!(app.out, "{:03}  {state:<8}  {upload:<8}  {ingestion:<8}  {url}  {path}", record.number)?;
        app.out.end_line()?;
    }
    Ok(())
}

/// Says what goes wrong.
pub(super) fn tell(event: JobEvent<'_>, report: &mut Report) {
    match event {
        JobEvent::UploadFailed { path, fault, .. }
        | JobEvent::IngestionFailed { path, fault, .. }
        | JobEvent::Kept { path, fault, .. } => report.fault(fault, &path.to_string_lossy()),
        _ => {}
    }
}
