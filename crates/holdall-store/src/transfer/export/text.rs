//! Rows as CSV and JSON.

use super::ExportRow;
use crate::transfer::moment;
use serde::Serialize;
use std::time::SystemTime;

/// In which form rows are written; always in UTF-8, and names and values as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// By RFC 4180: a line of names first, lines end with CR and LF, and a cell that needs it is quoted. What is not
    /// known is an empty cell.
    Csv,
    /// One array of objects, each on a line. What is not known is null.
    Json,
    /// An object on each line, and no more.
    Ndjson,
}

/// The text of an export, line by line.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use holdall_store::Store;
/// use holdall_store::transfer::{ExportFormat, ExportOptions, ExportText};
///
/// let store = Store::memory();
/// store.put("runs/7/a, b.txt", "hello").await?;
/// let mut text = ExportText::new(ExportFormat::Csv);
/// let mut lines = text.begin().to_owned();
/// let mut export = store.export("runs", &ExportOptions::default())?;
/// while let Some(row) = export.next().await {
///     lines += &text.row(&row?);
/// }
/// lines += text.end();
/// assert!(lines.starts_with("path,key,url,size,sha256,last_modified,etag\r\n\"7/a, b.txt\",\"runs/7/a, b.txt\","));
/// # Ok::<(), holdall_store::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExportText {
    format: ExportFormat,
    is_first: bool,
}

/// The columns, in order.
#[derive(Serialize)]
struct Record<'a> {
    path: &'a str,
    key: &'a str,
    url: Option<&'a str>,
    size: u64,
    sha256: Option<String>,
    #[serde(with = "moment::optional")]
    last_modified: Option<SystemTime>,
    etag: Option<&'a str>,
}

const HEAD: &str = "path,key,url,size,sha256,last_modified,etag\r\n";

impl<'a> Record<'a> {
    fn of(row: &'a ExportRow) -> Self {
        let object = &row.object;
        Self {
            path: &row.path,
            key: object.key.as_str(),
            url: row.url.as_deref(),
            size: object.size,
            sha256: object.sha256.map(|digest| digest.to_hex()),
            last_modified: object.last_modified,
            etag: object.etag.as_deref(),
        }
    }

    fn csv(&self) -> String {
        let (size, time) = (self.size.to_string(), self.last_modified.and_then(moment::text));
        let cells = [
            Some(self.path),
            Some(self.key),
            self.url,
            Some(&size),
            self.sha256.as_deref(),
            time.as_deref(),
            self.etag,
        ];
        let mut line = String::new();
        for (n, cell) in cells.into_iter().enumerate() {
            if n > 0 {
                line.push(',');
            }
            push_cell(cell.unwrap_or_default(), &mut line);
        }
        line
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("its keys are text and its moments are text or null")
    }
}

fn push_cell(cell: &str, line: &mut String) {
    if !cell.contains([',', '"', '\r', '\n']) {
        return line.push_str(cell);
    }
    line.push('"');
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

impl ExportText {
    /// Begins a text.
    pub fn new(format: ExportFormat) -> Self {
        Self { format, is_first: true }
    }

    /// What comes before the rows.
    pub fn begin(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv => HEAD,
            ExportFormat::Json => "[\n",
            ExportFormat::Ndjson => "",
        }
    }

    /// A row, with the end of its line.
    pub fn row(&mut self, row: &ExportRow) -> String {
        let record = Record::of(row);
        let is_first = std::mem::replace(&mut self.is_first, false);
        match self.format {
            ExportFormat::Csv => record.csv() + "\r\n",
            // The comma comes with the row that needs it: whether another follows is not known before.
            ExportFormat::Json if !is_first => format!(",{}\n", record.json()),
            ExportFormat::Json | ExportFormat::Ndjson => record.json() + "\n",
        }
    }

    /// What comes after the rows. Without it an array is not closed, and no reader takes it for whole.
    pub fn end(&self) -> &'static str {
        if self.format == ExportFormat::Json { "]\n" } else { "" }
    }
}
