//! `holdall cat`

use super::Outcome;
use crate::app::App;
use crate::args::{VersionArg, range};
use crate::failure::Failure;
use crate::target::Target;
use clap::Args;
use futures_util::StreamExt;
use holdall::{GetOptions, Range};
use std::io::Write;

const AFTER: &str = "\
Examples:
  holdall cat runs/7/log.txt
  holdall cat runs/7/video.mp4 --range 0..1024 | xxd
  holdall cat s3://results/runs/7/log.txt --range -500";

/// Writes objects to standard output
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Cat {
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// Only these bytes: A..B (without B), A.., or -N for the last N
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    range: Option<Range>,
    #[command(flatten)]
    version: VersionArg,
}

impl Cat {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let options = GetOptions { range: self.range, ..self.version.options() };
        if let [key] = &*self.keys {
            return one(key, &options, app).await;
        }
        let mut failed = false;
        for key in &self.keys {
            match one(key, &options, app).await {
                Err(Failure::Error(error)) => {
                    failed = true;
                    app.report.error(&error, Some(key));
                }
                other => other?,
            }
        }
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }
}

async fn one(key: &str, options: &GetOptions, app: &mut App) -> Outcome {
    write(&Target::parse(key)?, options, app).await
}

/// Writes an object's bytes to standard output as they come.
pub(super) async fn write(target: &Target, options: &GetOptions, app: &mut App) -> Outcome {
    let mut object = app.store(target)?.get_with(&target.key, options).await?;
    app.report.read_from(&object.metadata);
    while let Some(piece) = object.stream.next().await {
        app.out.write_all(&piece?)?;
    }
    Ok(app.out.flush()?)
}
