//! `holdall document report`

use super::JobArgs;
use super::table::print;
use crate::app::App;
use crate::commands::Outcome;
use clap::Args;
use holdall::document::Job;

const AFTER: &str = "\
Each line has a document's number, the last step taken (pending, staged, uploaded, ingested,
deleted), what became of its upload and of its ingestion, its URL (the store's, else the one it
was fetched from), and its file. With --json each line is a record, with what the job was given.
It is read from the job's journal, whoever works on the job, and without the store.";

/// Prints the record of each document of a job
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Report {
    #[command(flatten)]
    job: JobArgs,
}

impl Report {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let (_, records) = Job::read(&self.job.journal())?;
        Ok(print(&records, app)?)
    }
}
