//! `holdall object-version ls`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::record::VersionRecord;
use crate::target::Target;
use crate::text::Moment;
use clap::Args;
use holdall::Version;
use std::io::{self, Write};

const AFTER: &str = "\
A line is the version, its size in bytes (`deleted` for a mark that the object was deleted), its
time, and the key; the first of each key is what it has now. Versions that are not known to
the store yet, since they wait in the outbox, are not listed.

Examples:
  holdall object-version ls
  holdall object-version ls runs/7/report.pdf --json";

/// Lists the versions of all objects that begin with a prefix, the latest of each first
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {
    /// The beginning of keys
    prefix: Option<String>,
}

impl Ls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        let mut versions = app.store(&target)?.versions(&target.key)?;
        let mut outcome = Ok(());
        while let Some(page) = versions.next_page().await {
            let page = page?;
            for version in &page.versions {
                match app.globals.json {
                    true => app.out.json(&VersionRecord::from(version))?,
                    false => print(version, &mut app.out)?,
                }
            }
            for failure in &page.failures {
                app.report.error(failure, None);
                outcome = Err(Failure::Reported);
            }
        }
        outcome
    }
}

fn print(version: &Version, out: &mut Output) -> io::Result<()> {
    write!(out, "{} ", version.version)?;
    match version.is_marker {
        true => write!(out, "{:>14} ", "deleted")?,
        false => write!(out, "{:>14} ", version.size)?,
    }
    match version.last_modified {
        Some(time) => write!(out, "{} ", Moment(time))?,
        None => write!(out, "{:20} ", "-")?,
    }
    out.name(version.key.as_str())
}
