//! `holdall document status`

use super::JobArgs;
use crate::app::App;
use crate::commands::Outcome;
use clap::Args;
use holdall::document::{Job, Report};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
It is read from the job's journal, whoever works on the job, and without the store.";

/// Says how many documents of a job are how far
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Status {
    #[command(flatten)]
    job: JobArgs,
}

#[derive(Serialize)]
struct StatusRecord<'a> {
    reference: &'a str,
    #[serde(flatten)]
    report: Report,
}

impl Status {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let (reference, records) = Job::read(&self.job.journal())?;
        let report = Report::of(&records);
        if app.globals.json {
            return Ok(app.out.json(&StatusRecord { reference: reference.as_str(), report })?);
        }
        let counts = [
            ("documents", report.documents),
            ("uploaded", report.uploaded),
            ("queued", report.queued),
            ("upload_failed", report.upload_failed),
            ("ingested", report.ingested),
            ("ingestion_failed", report.ingestion_failed),
            ("deleted", report.deleted),
        ];
        let reference = app.out.shown(reference.as_str()).into_owned();
        writeln!(app.out, "reference: {reference}")?;
        for (name, n) in counts {
            writeln!(app.out, "{name}: {n}")?;
        }
        Ok(())
    }
}
