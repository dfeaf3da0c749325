//! `holdall topic show`

use crate::app::App;
use crate::commands::Outcome;
use crate::text::{bytes, count};
use clap::Args;
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
The numbers are of what the store lists, the manifest's two objects not counted.
`holdall verify PREFIX` compares it with the manifest.

Examples:
  holdall topic show eulers-formula
  holdall topic show eulers-formula --json";

/// Shows what a topic is and has
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Show {
    /// The topic's slug
    slug: String,
}

#[derive(Serialize)]
struct ShowRecord<'a> {
    slug: &'a str,
    title: Option<&'a str>,
    prefix: &'a str,
    files: u64,
    bytes: u64,
    scenes: usize,
    manifest: bool,
}

impl Show {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let topics = super::open(app)?;
        let topic = topics.find(&self.slug).await?;
        let index = topic.urls(&super::roles(None)?, None).await?;
        let store = app.store(&crate::target::Target { location: None, key: String::new() })?;
        let record = ShowRecord {
            slug: topic.slug().as_str(),
            title: topic.title().map(|title| title.as_str()),
            prefix: topic.prefix(),
            files: index.artifacts.len() as u64,
            bytes: index.artifacts.iter().map(|artifact| artifact.size).sum(),
            scenes: index.scenes.len(),
            manifest: store.exists(&format!("{}manifest.json", topic.prefix())).await?,
        };
        if app.globals.json {
            return Ok(app.out.json(&record)?);
        }
        app.out.name(record.title.unwrap_or("(no title)"))?;
        app.out.name(record.prefix)?;
        let (files, scenes) = (count(record.files, "file"), count(record.scenes as u64, "scene"));
        writeln!(app.out, "{files}, {}, {scenes}", bytes(record.bytes))?;
        writeln!(app.out, "{}", if record.manifest { "with a manifest" } else { "without a manifest" })?;
        Ok(())
    }
}
