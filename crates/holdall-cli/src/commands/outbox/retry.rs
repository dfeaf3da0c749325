//! `holdall outbox retry`

use super::entries::Which;
use crate::app::App;
use crate::commands::Outcome;
use crate::text::count;
use clap::Args;
use holdall::outbox::Mark;

/// Lets parked writes be sent again
#[derive(Debug, Args)]
pub(super) struct Retry {
    #[command(flatten)]
    which: Which,
}

impl Retry {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let queue = super::open(app)?;
        let found = self.which.find(queue.as_ref())?;
        for (pending, _) in &found {
            if let Some(queue) = &queue {
                queue.mark(pending, Mark::Retry { not_before: 0 }).await?;
            }
        }
        let waits = count(found.len() as u64, "write");
        app.report.summary(&format!("{waits} to be sent again by `holdall outbox drain`"));
        Ok(())
    }
}
