//! `holdall document`, a file for each of its commands.

mod adopt;
mod exec;
mod report;
mod run;
mod status;
mod table;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use holdall::document::{Documents, JobSpec};
use holdall::{Error, ErrorKind, Result, Store};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
A job is a JSON file of the documents of one reference:
  {\"reference\": \"25/00284/F\", \"documents\": [
    {\"path\": \"Transport.pdf\", \"source_url\": \"https://portal.example/d/1\",
     \"description\": \"Transport statement\", \"document_type\": \"report\"}]}
Paths are below the folder of the job's file. Documents go to documents/25_00284_F/001_Transport.pdf;
HOLDALL_ROOTS=documents=planning/ puts them below planning/. A file is deleted only after its
upload was verified and its ingestion succeeded. Where the store is a folder, nothing is uploaded
or deleted.

Examples:
  holdall document run job.json --exec 'ingest --file {} --url {url}'
  holdall document status job.json
  holdall document report job.json --json";

/// Publishes documents, has them ingested, and deletes the local files
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Document {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Status(status::Status),
    Report(report::Report),
    Adopt(adopt::Adopt),
}

impl Document {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Run(command) => command.run(app).await,
            Command::Status(command) => command.run(app),
            Command::Report(command) => command.run(app),
            Command::Adopt(command) => command.run(app).await,
        }
    }
}

/// A job, and where it is written down how far it is.
#[derive(Debug, Args)]
struct JobArgs {
    /// The job's file
    #[arg(value_name = "JOB.json")]
    job: PathBuf,
    /// The journal of how far it is [default: the job's file with .journal at its end]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl JobArgs {
    fn spec(&self) -> Result<JobSpec> {
        let json = std::fs::read(&self.job).map_err(|error| {
            let kind = error.kind();
            let error = Error::io("the job's file cannot be read", error);
            let error = if kind == std::io::ErrorKind::NotFound {
                Error::new(ErrorKind::NotFound, "there is no such job").with_hint("name the job's JSON file")
            } else {
                error
            };
            error.with_fact("file", self.job.display())
        })?;
        let folder = self.job.parent().unwrap_or(Path::new(""));
        JobSpec::parse(&json, folder).map_err(|e| e.with_fact("file", self.job.display()))
    }

    fn journal(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| {
            let mut path = self.job.clone().into_os_string();
            path.push(".journal");
            path.into()
        })
    }
}

/// The documents of the current store, which is asked whether it is there: a job that begins must not find out by each
/// of its documents.
async fn documents(app: &mut App) -> Result<Documents> {
    let settings = app.settings(None)?;
    let store = app.store_at(None)?;
    let documents = Documents::open(&store, &settings)?;
    if store.is_remote() {
        Store::connect(&settings).await?;
    }
    Ok(documents)
}
