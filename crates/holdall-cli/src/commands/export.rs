//! `holdall export`

use super::Outcome;
use crate::app::App;
use crate::output::Output;
use crate::target::Target;
use crate::text::{bytes, count};
use clap::{Args, ValueEnum};
use holdall::transfer::{ExportFormat, ExportOptions, ExportRow, ExportText, Exported};
use holdall::{Error, ErrorKind, Result, Store};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
A row has path (the key relative to PREFIX/), key, url, size, sha256, last_modified and etag, in
the order of keys. The URL is the CDN's or the public one, where the settings give such; one that
expires is never exported. What is not known is empty in CSV and null in JSON.

It proves what the store listed while it was asked. It does not read the objects, and says
nothing of the files that they were pushed from. CSV is exact: open it in a spreadsheet as text,
since cells that begin with = + - or @ would be computed.

With --output the file appears whole or not at all. On standard output a listing that breaks off
is seen by the exit status, and in JSON by an array that is not closed.

Examples:
  holdall export runs/7 --output index.csv
  holdall export runs/7 --format ndjson --digest
  holdall export s3://results/runs --format json --output index.json";

/// Lists objects as rows for a datastore: path, key, URL, size, digest
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Export {
    /// Where the objects lie [default: the whole store]
    prefix: Option<String>,
    /// The form [default: csv, with --json ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Ask for each object's SHA-256, one request each; of what was stored without one there is none
    #[arg(long)]
    digest: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of names and one for each object, by RFC 4180
    Csv,
    /// One array
    Json,
    /// An object a line
    Ndjson,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Ndjson => Self::Ndjson,
        }
    }
}

/// What was written to a file.
#[derive(Serialize)]
struct FileRecord<'a> {
    path: Cow<'a, str>,
    rows: u64,
    bytes: u64,
}

/// Rows, and those of them that a spreadsheet would compute.
#[derive(Default)]
struct Counts {
    rows: u64,
    formulas: u64,
}

impl Counts {
    fn add(&mut self, row: &ExportRow) {
        self.rows += 1;
        self.formulas += u64::from(row.is_like_a_formula());
    }
}

impl Export {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        let format = self.format(app.globals.json)?;
        let store = app.store(&target)?;
        let options = ExportOptions { digest: self.digest };
        let mut counts = Counts::default();
        match &self.output {
            Some(file) => {
                let mut count = |row: &ExportRow| counts.add(row);
                let written =
                    store.export_to_file(&target.key, file, format.into(), &options, &mut count).await?;
                say_file(file, written, app)?;
            }
            None => print(&store, &target.key, format, &options, &mut counts, &mut app.out).await?,
        }
        if format == Format::Csv && counts.formulas > 0 {
            app.report.summary(&format!(
                "note: {} would be computed by a spreadsheet: open it as text",
                count(counts.formulas, "row")
            ));
        }
        Ok(())
    }

    fn format(&self, json: bool) -> Result<Format> {
        match self.format {
            None if json => Ok(Format::Ndjson),
            None => Ok(Format::Csv),
            Some(Format::Csv | Format::Json) if json && self.output.is_none() => Err(Error::new(
                ErrorKind::InvalidInput,
                "--json prints one object a line, which is --format ndjson",
            )
            .with_hint("leave one of the two out, or name a file by --output")),
            Some(format) => Ok(format),
        }
    }
}

fn say_file(file: &Path, written: Exported, app: &mut App) -> io::Result<()> {
    let Exported { rows, bytes: size, .. } = written;
    if app.globals.json {
        return app.out.json(&FileRecord { path: file.to_string_lossy(), rows, bytes: size });
    }
    app.out.name(&file.to_string_lossy())?;
    app.report.summary(&format!("exported {}, {}", count(rows, "row"), bytes(size)));
    Ok(())
}

async fn print(
    store: &Store,
    prefix: &str,
    format: Format,
    options: &ExportOptions,
    counts: &mut Counts,
    out: &mut Output,
) -> Outcome {
    let mut export = store.export(prefix, options)?;
    let mut text = ExportText::new(format.into());
    out.write_all(text.begin().as_bytes())?;
    while let Some(row) = export.next().await {
        let row = row?;
        counts.add(&row);
        let line = text.row(&row);
        let bare = line.trim_end_matches(['\r', '\n']);
        let shown = out.shown(bare).into_owned();
        out.write_all(shown.as_bytes())?;
        out.write_all(&line.as_bytes()[bare.len()..])?;
    }
    Ok(out.write_all(text.end().as_bytes())?)
}
