//! `holdall topic push`

use crate::app::App;
use crate::args::ObjectArgs;
use crate::commands::Outcome;
use crate::commands::tree::{Direction, FilterArgs, Printer, SyncArgs};
use clap::Args;
use holdall::PutOptions;
use holdall::transfer::PushOptions;
use serde::Serialize;
use std::path::PathBuf;

const AFTER: &str = "\
Keys are topics/SLUG/ and the file's path in the folder. Prints the keys that were stored. Files
whose bytes are there already are not sent again; manifest.json and SHA256SUMS come last, and only
when nothing failed. A folder with files of its own by these names is refused: rename or exclude
them.

The slug is the title in lower-case words of letters and digits of ASCII, joined by hyphens. If
another title has it, nothing is sent and the exit status is 6.

Examples:
  holdall topic push output --title \"Euler's Formula\"
  holdall topic push \"Linear Algebra\" --exclude 'partial_movie_files/**' --dry-run
  holdall topic push output --title Sets --delete";

/// Stores an output folder as a topic
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Push {
    /// The folder
    dir: PathBuf,
    /// The topic's title [default: the folder's name]
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    sync: SyncArgs,
    /// Follow symbolic links; else they are skipped and reported
    #[arg(long)]
    follow_symlinks: bool,
    #[command(flatten)]
    object: ObjectArgs,
}

/// The topic that was pushed.
#[derive(Serialize)]
#[serde(tag = "event", rename = "topic")]
struct TopicRecord<'a> {
    slug: &'a str,
    title: Option<&'a str>,
    prefix: &'a str,
    claim: &'static str,
}

impl Push {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let title = super::title_of(self.title.as_deref(), &self.dir)?;
        app.override_settings(self.object.overrides());
        let topic = super::open(app)?.topic(&title)?;
        let mut printer = Printer::new(app, Direction::Push, &self.sync);
        let options = PushOptions {
            filter: self.filter.filter()?,
            dry_run: self.filter.dry_run,
            follow_symlinks: self.follow_symlinks,
            compare: self.sync.compare(),
            delete: self.sync.delete(),
            put: PutOptions { progress: printer.progress(), ..self.object.to_options() },
            ..PushOptions::default()
        };
        let pushed = topic.push(&self.dir, &options, &mut |event| printer.event(&event)).await?;
        let outcome = printer.finish(&pushed.summary, options.dry_run);
        let slug = topic.slug().as_str();
        if app.globals.json {
            let title = topic.title().map(|title| title.as_str());
            let claim = pushed.claim.as_str();
            app.out.json(&TopicRecord { slug, title, prefix: topic.prefix(), claim })?;
        }
        super::tell_claim(pushed.claim, slug, app);
        outcome
    }
}
