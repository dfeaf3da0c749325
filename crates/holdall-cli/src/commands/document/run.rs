//! `holdall document run`

use super::exec::Exec;
use super::table::{print, tell};
use super::{JobArgs, documents};
use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::State;
use holdall::document::{Documents, JobEvent, Output, Ready, Reference, Report};
use holdall::{Error, Result};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Run again, after a kill too, it goes on where it was: nothing is uploaded or ingested twice but
what was under way. The command is run without a shell, once for each document, with its file for
{} and its URL for {url}; its standard output goes to standard error. One that fails, or an
upload that does, stops nothing: the document keeps its file, and the rest go on. Without --exec
documents are published and none is deleted.

Exit status: 1 an upload or an ingestion failed; outputs that are not uploaded are warned about.";

/// Uploads a job's documents, has them ingested, and deletes the files of those that are safe
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Run {
    #[command(flatten)]
    job: JobArgs,
    /// The command that ingests a document; {} is its file, {url} its URL
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// How many documents are ingested at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    ingest_at_once: u16,
    /// In the end upload what lies here as ID_review.json, ID_review.md, ID_letter.json, ID_letter.md
    #[arg(long, value_name = "DIR")]
    outputs: Option<PathBuf>,
}

impl Run {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let exec = self.exec.as_deref().map(Exec::parse).transpose()?;
        let spec = self.job.spec()?;
        let documents = documents(app).await?;
        let job = documents.job(spec, &self.job.journal())?;
        let mut job = job.with_ingestions(self.ingest_at_once.into());
        let report = {
            let said = &mut app.report;
            let mut on_event = |event: JobEvent<'_>| tell(event, said);
            match &exec {
                Some(exec) => job.run(&|ready: Ready| exec.run(ready), &mut on_event).await?,
                None => job.publish(&mut on_event).await?,
            }
        };
        let outputs = match &self.outputs {
            Some(folder) => put_outputs(&documents, job.reference(), folder).await?,
            None => 0,
        };
        print(&job.records(), app)?;
        app.report.summary(&summary(&report, outputs, documents.publishes()));
        if report.has_failures() { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// Uploads what the commands left; answers how many files the store has.
async fn put_outputs(documents: &Documents, reference: &Reference, folder: &Path) -> Result<u64, Error> {
    let mut stored = 0;
    for output in Output::in_folder(folder)? {
        let outputs = documents.put_output(reference, &output).await;
        stored += outputs.stored.iter().filter(|receipt| receipt.state == State::Stored).count() as u64;
    }
    Ok(stored)
}

fn summary(report: &Report, outputs: u64, publishes: bool) -> String {
    let mut text = count(report.documents, "document");
    let counts = [
        (report.uploaded, "uploaded"),
        (report.queued, "queued"),
        (report.upload_failed, "not uploaded"),
        (report.ingested, "ingested"),
        (report.ingestion_failed, "not ingested"),
        (report.deleted, "deleted here"),
    ];
    for (n, what) in counts.into_iter().filter(|(n, _)| *n > 0) {
        text += &format!(", {n} {what}");
    }
    if outputs > 0 {
        text += &format!(", {} uploaded", count(outputs, "output"));
    }
    if !publishes {
        text += "; the store is a folder of this machine: nothing is uploaded or deleted";
    }
    text
}
