//! `holdall document adopt`

use super::{JobArgs, documents};
use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::document::{AdoptOptions, Adopted};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
Each document's object is looked for under the key that a run would give it, and compared with
the document's file byte by byte: verified. Where the file has gone it is unverified. What is
missing or different is left for a run to upload. No object is changed, and adopting may be
begun again at any time.

Example:
  holdall document adopt job.json --ingested --dry-run";

/// Takes over documents that another program uploaded
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Adopt {
    #[command(flatten)]
    job: JobArgs,
    /// The other program had them ingested: a run then deletes the files of those that are verified
    #[arg(long)]
    ingested: bool,
    /// Only say what would be done
    #[arg(long, short = 'n')]
    dry_run: bool,
}

#[derive(Serialize)]
struct AdoptedRecord<'a> {
    number: u32,
    key: &'a str,
    adopted: &'static str,
}

impl Adopt {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let spec = self.job.spec()?;
        let documents = documents(app).await?;
        let options = AdoptOptions { dry_run: self.dry_run, are_ingested: self.ingested };
        let all = documents.adopt(spec.clone(), &self.job.journal(), options).await?;
        let (mut taken, mut failed) = (0, false);
        for ((document, adopted), number) in spec.documents().iter().zip(&all).zip(1..) {
            let key = documents.key(spec.reference(), number, document)?;
            if let Adopted::Failed(fault) = adopted {
                failed = true;
                app.report.fault(fault, key.as_str());
            }
            taken += u64::from(matches!(adopted, Adopted::Verified | Adopted::Unverified));
            if app.globals.json {
                app.out.json(&AdoptedRecord { number, key: key.as_str(), adopted: adopted.as_str() })?;
            } else {
                let shown = app.out.shown(key.as_str()).into_owned();
                writeln!(app.out, "{:<10}  {shown}", adopted.as_str())?;
            }
        }
        let would = if self.dry_run { "would adopt" } else { "adopted" };
        app.report.summary(&format!("{would} {}", count(taken, "document")));
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }
}
