//! `holdall get`

use super::{Outcome, cat};
use crate::app::App;
use crate::args::VersionArg;
use crate::progress::{Showing, What};
use crate::record::FileRecord;
use crate::target::Target;
use crate::text;
use clap::Args;
use holdall::{GetOptions, Result};
use std::path::PathBuf;

const AFTER: &str = "\
Prints the file's path. The file appears whole or not at all. A large one that was cut off
goes on when the same get is run again.

Examples:
  holdall get runs/7/report.pdf
  holdall get runs/7/report.pdf /tmp/
  holdall get s3://results/runs/7/log.txt - | less";

/// Writes an object to a file
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Get {
    /// The key
    key: String,
    /// The file, a folder for it, or - for standard output [default: the key's last name]
    #[arg(value_name = "FILE|DIR/")]
    file: Option<PathBuf>,
    #[command(flatten)]
    version: VersionArg,
}

impl Get {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        if self.file.as_ref().is_some_and(|file| file.as_os_str() == "-") {
            return cat::write(&target, &self.version.options(), app).await;
        }
        let store = app.store(&target)?;
        let file = self.destination(&target)?;
        let showing = Showing::start(&app.globals, What::One(target.key.clone()));
        let options = GetOptions { progress: showing.progress(), ..self.version.options() };
        let fetched = store.get_to_file(&target.key, &file, &options).await?;
        drop(showing);
        app.report.read_from(&fetched.metadata);
        if app.globals.json {
            return Ok(app.out.json(&FileRecord::new(&file, &fetched))?);
        }
        app.out.name(&file.to_string_lossy())?;
        app.report.summary(&format!("wrote {}", text::bytes(fetched.size)));
        Ok(())
    }

    fn destination(&self, target: &Target) -> Result<PathBuf> {
        let Some(file) = &self.file else { return Ok(target.file_name()?.into()) };
        let is_folder = file.as_os_str().as_encoded_bytes().ends_with(b"/") || file.is_dir();
        if is_folder { Ok(file.join(target.file_name()?)) } else { Ok(file.clone()) }
    }
}
