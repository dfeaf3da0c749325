//! `holdall topic ls`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::{count, escaped};
use clap::Args;
use holdall::topic::Listed;
use serde::Serialize;
use std::io::{self, Write};

const AFTER: &str = "\
Each line has a slug, a tab and the title, in the order of slugs. Folders that others put there
have no title until `topic adopt` or a push gives them one. What can be no topic, since its name
is no slug, is said on standard error, and with --json has no slug.";

/// Lists the topics
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {}

#[derive(Serialize)]
struct ListedRecord<'a> {
    name: &'a str,
    slug: Option<&'a str>,
    title: Option<&'a str>,
    record: bool,
    files: bool,
}

impl<'a> From<&'a Listed> for ListedRecord<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self {
            name: &listed.name,
            slug: listed.slug.as_ref().map(|slug| slug.as_str()),
            title: listed.title.as_ref().map(|title| title.as_str()),
            record: listed.has_record,
            files: listed.has_files,
        }
    }
}

impl Ls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let mut list = super::open(app)?.list()?;
        let (mut unadopted, mut outcome) = (0, Ok(()));
        while let Some(listed) = list.next().await {
            match listed {
                Ok(listed) => {
                    unadopted += u64::from(listed.slug.is_some() && listed.is_unadopted());
                    say(&listed, app)?;
                }
                Err(error) if error.key().is_some() => {
                    app.report.error(&error, None);
                    outcome = Err(Failure::Reported);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if unadopted > 0 {
            app.report.summary(&format!(
                "{} without a record: `holdall topic adopt --all` takes them in",
                count(unadopted, "folder")
            ));
        }
        outcome
    }
}

fn say(listed: &Listed, app: &mut App) -> io::Result<()> {
    if app.globals.json {
        return app.out.json(&ListedRecord::from(listed));
    }
    let Some(slug) = &listed.slug else {
        app.report.summary(&format!("not a topic: {}", escaped(&listed.name)));
        return Ok(());
    };
    write!(app.out, "{slug}\t")?;
    app.out.name(listed.title.as_ref().map_or("", |title| title.as_str()))
}
