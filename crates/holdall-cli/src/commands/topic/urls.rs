//! `holdall topic urls`

use crate::app::App;
use crate::commands::Outcome;
use crate::commands::watch::time;
use clap::{Args, ValueEnum};
use holdall::topic::{IndexFormat, IndexText, Topic, Topics};
use holdall::{Error, ErrorKind, Result};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const AFTER: &str = "\
In CSV a row is a file, with topic, title, path (in the topic's folder), key, role, scene, size,
state, s3_url, and its scene's source_code_s3_url and the topic's combined_video_s3_url. In JSON
a topic is an object, with these two, its scenes and its artifacts. URLs that expire are left out
(empty, or null) unless --expires asks for such. CSV is exact: open it in a spreadsheet as text.

A file has the role of the first rule that takes its path: those of --roles (TOML), then the usual
ones. docs/TOPICS.md has them.

On standard output a listing that breaks off is seen by the exit status, and in JSON by an array
that is not closed.

Examples:
  holdall topic urls eulers-formula
  holdall topic urls --format json > index.json
  holdall topic urls sets --expires 12h --json";

/// Lists the URLs of topics' files, scenes and videos
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Urls {
    /// The topics' slugs [default: all topics]
    slugs: Vec<String>,
    /// The form [default: csv, with --json ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Presigned URLs that are good for so long, at most 7d
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Duration>,
    /// Rules for the roles of files
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of names and one for each file, by RFC 4180
    Csv,
    /// One array
    Json,
    /// A topic a line
    Ndjson,
}

impl Urls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let format = self.format(app.globals.json)?;
        let roles = super::roles(self.roles.as_ref())?;
        let topics = super::open(app)?;
        let named = self.named(&topics).await?;
        let mut text = IndexText::new(format);
        app.out.write_all(text.begin().as_bytes())?;
        for topic in named {
            let index = topic.urls(&roles, self.expires).await?;
            write(&text.index(&index)?, format, app)?;
        }
        if self.slugs.is_empty() {
            let mut list = topics.list()?;
            while let Some(listed) = list.next().await {
                let listed = listed?;
                let (Some(slug), true) = (&listed.slug, listed.has_record) else { continue };
                let index = topics.find(slug.as_str()).await?.urls(&roles, self.expires).await?;
                write(&text.index(&index)?, format, app)?;
            }
        }
        Ok(app.out.write_all(text.end().as_bytes())?)
    }

    /// The topics that are named: all are there, or nothing is printed.
    async fn named(&self, topics: &Topics) -> Result<Vec<Topic>> {
        let mut named = Vec::new();
        for slug in &self.slugs {
            named.push(topics.find(slug).await?);
        }
        Ok(named)
    }

    fn format(&self, json: bool) -> Result<IndexFormat> {
        Ok(match self.format {
            Some(Format::Ndjson) => IndexFormat::Ndjson,
            None if json => IndexFormat::Ndjson,
            Some(_) if json => {
                let message = "--json prints one object a line, which is --format ndjson";
                return Err(
                    Error::new(ErrorKind::InvalidInput, message).with_hint("leave one of the two out")
                );
            }
            Some(Format::Json) => IndexFormat::Json,
            None | Some(Format::Csv) => IndexFormat::Csv,
        })
    }
}

/// Writes lines; on a terminal those of CSV without control characters.
fn write(text: &str, format: IndexFormat, app: &mut App) -> std::io::Result<()> {
    if format != IndexFormat::Csv {
        return app.out.write_all(text.as_bytes());
    }
    for line in text.split_inclusive("\r\n") {
        let bare = line.trim_end_matches("\r\n");
        let shown = app.out.shown(bare).into_owned();
        app.out.write_all(shown.as_bytes())?;
        app.out.write_all(&line.as_bytes()[bare.len()..])?;
    }
    Ok(())
}
