//! `holdall topic watch`

use crate::app::App;
use crate::args::ObjectArgs;
use crate::commands::Outcome;
use crate::commands::watch::{Signals, follow, time};
use clap::Args;
use holdall::PutOptions;
use holdall::transfer::{Filter, WatchOptions};
use std::path::PathBuf;
use std::time::Duration;

const AFTER: &str = "\
For writers that cannot say when a file is written: each is stored when it was closed after writing
or renamed into place, and never while somebody has it open for writing. The manifest is kept
current. SIGINT and SIGTERM end it with status 0; see `holdall watch --help`.

Examples:
  holdall topic watch output --title \"Euler's Formula\"
  holdall topic watch output --title Sets --exclude 'partial_movie_files/**' --json";

/// Stores the files of a topic's folder as they are written
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Watch {
    /// The folder
    dir: PathBuf,
    /// The topic's title [default: the folder's name]
    #[arg(long)]
    title: Option<String>,
    /// Only what matches; repeatable. `*` stays within a name, `**` crosses folders
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches; repeatable, and wins over --include
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Look at everything again so long after the last look
    /// [default: 1m, or a thousand times as long as it took]
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "poll")]
    rescan: Option<Duration>,
    /// Look at everything so often, and ask the kernel nothing
    /// [default: on network file systems 10s, or four times as long as it took]
    #[arg(long, value_name = "TIME", value_parser = time)]
    poll: Option<Duration>,
    #[command(flatten)]
    object: ObjectArgs,
}

impl Watch {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let title = super::title_of(self.title.as_deref(), &self.dir)?;
        app.override_settings(self.object.overrides());
        let topic = super::open(app)?.topic(&title)?;
        let options = WatchOptions {
            filter: Filter::new(&self.include, &self.exclude)?,
            rescan: self.rescan,
            poll: self.poll,
            put: PutOptions { progress: None, ..self.object.to_options() },
            ..WatchOptions::default()
        };
        let mut signals = Signals::new()?;
        let watching = topic.watch(&self.dir, &options).await?;
        follow(watching, &self.dir, &mut signals, app).await
    }
}
