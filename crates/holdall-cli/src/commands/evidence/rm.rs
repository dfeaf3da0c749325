//! `holdall evidence rm`

use super::{ExclusiveArg, open};
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use crate::text::escaped;
use clap::Args;
use holdall::evidence::{AttachmentName, RemoveOptions, Removed};
use holdall::{DecisionId, State};
use serde::Serialize;

const AFTER: &str = "\
Attachments are kept, and named, unless --attachments says otherwise. A small claim stays that
says when it was removed.

Examples:
  holdall evidence rm d-117
  holdall evidence rm d-117 --attachments
  holdall evidence rm d-117 --attachment scan.pdf";

/// Removes the evidence of a decision
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Rm {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// Its attachments, too
    #[arg(long)]
    attachments: bool,
    /// Only this attachment
    #[arg(long, value_name = "NAME", conflicts_with = "attachments", value_parser = not_empty())]
    attachment: Option<String>,
    /// What to do on a store that cannot decide changes
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    exclusive: ExclusiveArg,
}

#[derive(Serialize)]
struct RemovedRecord<'a> {
    decision: &'a str,
    bundle: bool,
    removed: Vec<&'a str>,
    kept: Vec<&'a str>,
    state: &'static str,
}

impl Rm {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = DecisionId::parse(&self.decision)?;
        let evidence = open(app)?;
        let done = match &self.attachment {
            Some(name) => {
                let name = AttachmentName::parse(name)?;
                let state = evidence.remove_attachment(&decision, &name, self.exclusive.into()).await?;
                Removed { bundle: false, removed: vec![name], kept: Vec::new(), state }
            }
            None => {
                let exclusive = self.exclusive.into();
                evidence
                    .remove(&decision, &RemoveOptions { attachments: self.attachments, exclusive })
                    .await?
            }
        };
        self.print(&done, app)
    }

    fn print(&self, done: &Removed, app: &mut App) -> Outcome {
        let names = |names: &[AttachmentName]| -> Vec<String> {
            names.iter().map(|name| escaped(name.as_str()).into_owned()).collect()
        };
        if app.globals.json {
            return Ok(app.out.json(&RemovedRecord {
                decision: &self.decision,
                bundle: done.bundle,
                removed: done.removed.iter().map(AttachmentName::as_str).collect(),
                kept: done.kept.iter().map(AttachmentName::as_str).collect(),
                state: done.state.as_str(),
            })?);
        }
        let mut gone = names(&done.removed);
        if done.bundle {
            gone.insert(0, "the bundle".to_owned());
        }
        let verb = if done.state == State::Queued { "queued the removal of" } else { "removed" };
        app.report.summary(&format!("{verb} {}", gone.join(", ")));
        if !done.kept.is_empty() {
            app.report.summary(&format!("kept {}: --attachments removes them", names(&done.kept).join(", ")));
        }
        Ok(())
    }
}
