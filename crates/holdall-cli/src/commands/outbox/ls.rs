//! `holdall outbox ls`

use super::entries::{EntryRecord, each, line};
use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use clap::Args;
use holdall::outbox::Standing;
use std::io::Write;

const AFTER: &str = "\
Each line has the entry's id, its state, what it does, its size, its age and the object. An
entry was attempted when it may have arrived; a parked one was refused, and waits for
`outbox retry` or `outbox drop`.";

/// Lists the writes that wait, in the order of buckets and keys
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {
    /// The beginning of keys, as the bucket knows them
    prefix: Option<String>,
    /// Only what is parked
    #[arg(long)]
    parked: bool,
}

impl Ls {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let Some(queue) = super::open(app)? else { return Ok(()) };
        let prefix = self.prefix.unwrap_or_default();
        let mut outcome = Ok(());
        each::<Failure>(&queue, |(pending, entry)| {
            if !pending.key.starts_with(&prefix) || (self.parked && pending.standing != Standing::Parked) {
                return Ok(());
            }
            let read = entry.and_then(|entry| Ok((queue.last_mark(&pending)?, entry)));
            match read {
                Err(error) => {
                    app.report.error(&error, Some(&pending.key));
                    outcome = Err(Failure::Reported);
                }
                Ok((mark, entry)) if app.globals.json => {
                    app.out.json(&EntryRecord::new(&pending, &entry, mark))?;
                }
                Ok((mark, entry)) => writeln!(app.out, "{}", line(&pending, &entry, mark.as_ref()))?,
            }
            Ok(())
        })?;
        outcome
    }
}
