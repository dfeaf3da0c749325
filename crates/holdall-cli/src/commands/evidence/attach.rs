//! `holdall evidence attach`

use super::{ExclusiveArg, open, stored};
use crate::app::App;
use crate::args::{not_empty, pair};
use crate::commands::Outcome;
use clap::Args;
use holdall::evidence::{AttachOptions, AttachmentName, Content};
use holdall::{DecisionId, Error, ErrorKind};
use std::path::PathBuf;

const AFTER: &str = "\
The same file attached again changes nothing and is no error; another one of the name is refused
(status 6), whatever the month.

Examples:
  holdall evidence attach d-117 scan.pdf
  holdall evidence attach d-117 out/7.pdf --name scan.pdf --meta page=3";

/// Attaches a file to the evidence of a decision
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Attach {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// The file
    file: PathBuf,
    /// The attachment's name [default: the file's]
    #[arg(long, value_parser = not_empty())]
    name: Option<String>,
    /// Content type [default: by the name]
    #[arg(long, value_name = "TYPE", value_parser = not_empty())]
    content_type: Option<String>,
    /// User metadata; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// What to do on a store that cannot decide who is first
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    exclusive: ExclusiveArg,
}

impl Attach {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = DecisionId::parse(&self.decision)?;
        let name = AttachmentName::parse(self.name()?)?;
        let options = AttachOptions {
            content_type: self.content_type.clone(),
            metadata: self.meta.iter().cloned().collect(),
            exclusive: self.exclusive.into(),
            ..AttachOptions::default()
        };
        let content = Content::File(self.file.clone());
        let done = open(app)?.attach(&decision, &name, &content, &options).await?;
        stored::print(&self.decision, Some(name.as_str()), &done, app)
    }

    fn name(&self) -> Result<&str, Error> {
        if let Some(name) = &self.name {
            return Ok(name);
        }
        let name = self.file.file_name().and_then(|name| name.to_str());
        name.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the file has no name that an attachment can have")
                .with_fact("file", format_args!("{:?}", self.file))
                .with_hint("say --name")
        })
    }
}
