//! `holdall topic adopt`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::record::ErrorRecord;
use crate::text::{bytes, count};
use clap::Args;
use holdall::topic::{AdoptOptions, Adopted, Title, Topics};
use holdall::transfer::TreeEvent;
use holdall::{Error, ErrorKind};
use serde::Serialize;

const AFTER: &str = "\
Gives what others put below topics/SLUG/ a record and a manifest. No other object is written, and
none is deleted. Objects whose SHA-256 nobody recorded are read for it. A manifest that is there
stays. Without --title a topic has no title until it is pushed under one. Prints the slugs.

With --all each folder is adopted; one that cannot be is reported, the rest go on, and the exit
status is 1. After a kill run it again.

Examples:
  holdall topic adopt eulers-formula --title \"Euler's Formula\"
  holdall topic adopt --all --dry-run
  holdall topic adopt --all --json";

/// Takes in topics that others put into the store
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Adopt {
    /// The slugs, which are the names of their folders
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "SLUG")]
    names: Vec<String>,
    /// Each folder that there is
    #[arg(long)]
    all: bool,
    /// The title of the one that is adopted
    #[arg(long, conflicts_with = "all")]
    title: Option<String>,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Topic {
        name: &'a str,
        claim: &'static str,
        described: bool,
        objects: u64,
        bytes: u64,
        read: u64,
        dry_run: bool,
    },
    Failed {
        name: &'a str,
        error: ErrorRecord<'a>,
    },
}

impl Adopt {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let title = self.title.as_deref().map(Title::parse).transpose()?;
        if title.is_some() && self.names.len() > 1 {
            let message = "one title is of one topic";
            return Err(Error::new(ErrorKind::InvalidInput, message)
                .with_hint("adopt them one by one")
                .into());
        }
        let options = AdoptOptions { title, dry_run: self.dry_run };
        let topics = super::open(app)?;
        let mut failed = false;
        if let [name] = &*self.names {
            let adopted = adopt(&topics, name, &options, app).await?;
            return Ok(say(name, &adopted, options.dry_run, app)?);
        }
        for name in &self.names {
            one(&topics, name, &options, &mut failed, app).await?;
        }
        if self.all {
            let mut list = topics.list()?;
            while let Some(listed) = list.next().await {
                match listed {
                    Ok(listed) if listed.has_files => {
                        one(&topics, &listed.name, &options, &mut failed, app).await?;
                    }
                    Ok(_) => {}
                    Err(error) if error.key().is_some() => {
                        failed = true;
                        app.report.error(&error, None);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// Adopts one of many: what is wrong with it is reported.
async fn one(
    topics: &Topics,
    name: &str,
    options: &AdoptOptions,
    failed: &mut bool,
    app: &mut App,
) -> Outcome {
    match adopt(topics, name, options, app).await {
        Ok(adopted) => say(name, &adopted, options.dry_run, app)?,
        Err(error) if matches!(error.kind(), ErrorKind::BucketNotFound | ErrorKind::Credentials) => {
            return Err(error.into());
        }
        Err(error) => {
            *failed = true;
            app.report.error(&error, Some(name));
            if app.globals.json {
                app.out.json(&Event::Failed { name, error: ErrorRecord::new(&error, None) })?;
            }
        }
    }
    Ok(())
}

async fn adopt(topics: &Topics, name: &str, options: &AdoptOptions, app: &mut App) -> Result<Adopted, Error> {
    let mut on_event = |event: TreeEvent| {
        if let TreeEvent::Failed { name, error, .. } = event {
            app.report.error(&error, Some(&name));
        }
    };
    topics.adopt(name, options, &mut on_event).await
}

fn say(name: &str, adopted: &Adopted, dry_run: bool, app: &mut App) -> std::io::Result<()> {
    if app.globals.json {
        app.out.json(&Event::Topic {
            name,
            claim: adopted.claim.as_str(),
            described: adopted.was_described,
            objects: adopted.objects,
            bytes: adopted.bytes,
            read: adopted.read,
            dry_run,
        })?;
    } else {
        app.out.name(name)?;
    }
    let what = match (adopted.was_described, dry_run) {
        (true, _) => "has a manifest already".to_owned(),
        (false, true) => {
            format!("would describe {}, {}", count(adopted.objects, "object"), bytes(adopted.bytes))
        }
        (false, false) => format!("described {}, {}", count(adopted.objects, "object"), bytes(adopted.bytes)),
    };
    app.report.summary(&format!("{name}: {what}"));
    super::tell_claim(adopted.claim, name, app);
    Ok(())
}
