//! `holdall session ls`

use crate::app::App;
use crate::commands::Outcome;
use clap::Args;
use holdall::SessionId;
use holdall::session::SessionsOptions;
use serde::Serialize;

const AFTER: &str = "\
A session is listed if a step of it is there. None is no error.

Examples:
  holdall session ls
  holdall session ls run- --limit 20
  holdall session ls --after run-7";

/// Lists the sessions, in the order of their names
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {
    /// Only sessions whose name begins so
    prefix: Option<String>,
    /// Only those behind this one
    #[arg(long, value_name = "SESSION")]
    after: Option<SessionId>,
    /// So many at most [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

#[derive(Serialize)]
struct SessionRecord<'a> {
    session: &'a str,
}

impl Ls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut options = SessionsOptions {
            after: self.after,
            prefix: self.prefix.unwrap_or_default(),
            ..SessionsOptions::default()
        };
        while left > 0 {
            options.limit = u32::try_from(left.min(1000)).unwrap_or(1000);
            let page = sessions.list(&options).await?;
            left -= page.sessions.len() as u64;
            for session in &page.sessions {
                match app.globals.json {
                    true => app.out.json(&SessionRecord { session: session.as_str() })?,
                    false => app.out.name(session.as_str())?,
                }
            }
            match page.next {
                Some(next) => options.after = Some(next),
                None => break,
            }
        }
        Ok(())
    }
}
