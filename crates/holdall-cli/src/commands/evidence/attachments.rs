//! `holdall evidence attachments`

use super::open;
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use crate::text::bytes;
use clap::Args;
use futures_util::StreamExt;
use holdall::DecisionId;
use holdall::evidence::{Attachment, AttachmentName};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
Examples:
  holdall evidence attachments d-117
  holdall evidence attachments d-117 --cat scan.pdf > scan.pdf";

/// Lists the attachments of a decision, or prints one
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Attachments {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// Print the bytes of this one
    #[arg(long, value_name = "NAME", value_parser = not_empty())]
    cat: Option<String>,
}

#[derive(Serialize)]
struct AttachmentRecord<'a> {
    decision: &'a str,
    name: &'a str,
    key: &'a str,
    size: u64,
    sha256: &'a str,
    content_type: Option<&'a str>,
}

impl<'a> From<&'a Attachment> for AttachmentRecord<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        Self {
            decision: attachment.decision.as_str(),
            name: attachment.name.as_str(),
            key: attachment.key.as_str(),
            size: attachment.size,
            sha256: &attachment.sha256,
            content_type: attachment.content_type.as_deref(),
        }
    }
}

impl Attachments {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = DecisionId::parse(&self.decision)?;
        let evidence = open(app)?;
        if let Some(name) = &self.cat {
            let name = AttachmentName::parse(name)?;
            let mut object = evidence.open_attachment(&decision, &name).await?;
            while let Some(piece) = object.stream.next().await {
                app.out.write_all(&piece?)?;
            }
            return Ok(());
        }
        for attachment in evidence.attachments(&decision).await? {
            if app.globals.json {
                app.out.json(&AttachmentRecord::from(&attachment))?;
                continue;
            }
            let name = app.out.shown(attachment.name.as_str()).into_owned();
            write!(app.out, "{name} {} ", bytes(attachment.size))?;
            app.out.name(attachment.key.as_str())?;
        }
        Ok(())
    }
}
