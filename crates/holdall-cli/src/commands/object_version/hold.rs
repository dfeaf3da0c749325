//! `holdall object-version hold`

use super::Outcome;
use crate::app::App;
use crate::args::VersionArg;
use crate::target::Target;
use clap::{Args, ValueEnum};
use serde::Serialize;

const AFTER: &str = "\
While the hold lies, nobody deletes the version; a delete of the key marks it as deleted all the
same. It takes a bucket that was made for it: `holdall bucket create --object-lock`.

Examples:
  holdall object-version hold evidence/scan.pdf
  holdall object-version hold evidence/scan.pdf on
  holdall object-version hold evidence/scan.pdf off --version-id 3HL4kqtJvjVBH40Nrjfkd";

/// Says whether a version is under a legal hold, lays one on it, or lifts it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Hold {
    /// The key
    key: String,
    /// Lay a hold, or lift it
    #[arg(value_enum)]
    state: Option<State>,
    #[command(flatten)]
    version: VersionArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

#[derive(Serialize)]
struct HoldRecord<'a> {
    key: &'a str,
    version: Option<&'a str>,
    hold: bool,
}

impl Hold {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let (store, version) = (app.store(&target)?, self.version.name());
        let hold = match self.state {
            None => store.held(&target.key, version).await?,
            Some(state) => {
                store.hold(&target.key, version, state == State::On).await?;
                state == State::On
            }
        };
        if app.globals.json {
            return Ok(app.out.json(&HoldRecord { key: &target.key, version, hold })?);
        }
        Ok(app.out.name(if hold { "on" } else { "off" })?)
    }
}
