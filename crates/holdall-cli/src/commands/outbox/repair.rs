//! `holdall outbox repair`

use super::{demand_drain, verify};
use crate::app::App;
use crate::commands::Outcome;
use crate::text::count;
use clap::Args;

const AFTER: &str = "\
Files with damage go to the folder `quarantine` of the outbox, once all that can be read of
them is written elsewhere. An entry whose bytes are damaged is given up, and what depends on
it is parked.";

/// Sets apart what is damaged, so that everything else goes on
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Repair {}

impl Repair {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let Some(queue) = super::open(app)? else {
            app.report.summary("nothing is damaged");
            return Ok(());
        };
        let lock = demand_drain(&queue)?;
        let report = queue.repair(&lock).await?;
        for damage in &report.damaged {
            verify::print(damage, app)?;
        }
        let set_apart = count(report.damaged.len() as u64, "damaged place");
        app.report.summary(&match report.damaged.len() {
            0 => "nothing is damaged".to_owned(),
            _ => format!("set apart {set_apart}; {} left", count(report.entries, "sound entry")),
        });
        Ok(())
    }
}
