//! `holdall ls`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::record::{ListedRecord, PrefixRecord};
use crate::target::Target;
use crate::text::Moment;
use clap::Args;
use holdall::{ListOptions, Metadata, Page, Prefix};
use std::io::{self, Write};

const AFTER: &str = "\
Keys with a slash after the prefix are folded into one line. That there are none is no
error.

Examples:
  holdall ls
  holdall ls runs/7/ -l
  holdall ls -r s3://results/runs/ --json";

/// Lists the keys that begin with a prefix
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Ls {
    /// The beginning of keys; a folder's ends with a slash
    prefix: Option<String>,
    /// All keys, not folded
    #[arg(long, short)]
    recursive: bool,
    /// Size in bytes, time of the last change, and key
    #[arg(long, short)]
    long: bool,
    /// Only what waits in the outbox of this machine; the remote is not asked
    #[arg(long)]
    queued: bool,
}

#[derive(Clone, Copy)]
enum Format {
    Keys,
    Long,
    Json,
}

impl Ls {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        let format = match (app.globals.json, self.long) {
            (true, _) => Format::Json,
            (false, true) => Format::Long,
            (false, false) => Format::Keys,
        };
        let options = ListOptions {
            prefix: Prefix::parse(&target.key)?,
            delimiter: (!self.recursive).then(|| "/".to_owned()),
            keys_only: matches!(format, Format::Keys),
            ..ListOptions::default()
        };
        let store = app.store(&target)?;
        let mut list = if self.queued { store.list_queued(options)? } else { store.list_with(options)? };
        let mut outcome = Ok(());
        while let Some(page) = list.next_page().await {
            let page = page?;
            print(&page, format, &mut app.out)?;
            for failure in &page.failures {
                app.report.error(failure, None);
                outcome = Err(Failure::Reported);
            }
        }
        outcome
    }
}

/// Prints a page, its objects and common prefixes in one order.
fn print(page: &Page, format: Format, out: &mut Output) -> io::Result<()> {
    let mut prefixes = page.prefixes.iter().peekable();
    for object in &page.objects {
        while let Some(prefix) = prefixes.next_if(|prefix| prefix.as_str() < object.key.as_str()) {
            print_prefix(prefix, format, out)?;
        }
        print_object(object, format, out)?;
    }
    prefixes.try_for_each(|prefix| print_prefix(prefix, format, out))
}

fn print_object(object: &Metadata, format: Format, out: &mut Output) -> io::Result<()> {
    match format {
        Format::Json => return out.json(&ListedRecord::from(object)),
        Format::Keys => {}
        Format::Long => match object.last_modified {
            Some(time) => write!(out, "{:>14} {} ", object.size, Moment(time))?,
            None => write!(out, "{:>14} {:20} ", object.size, "-")?,
        },
    }
    out.name(object.key.as_str())
}

fn print_prefix(prefix: &str, format: Format, out: &mut Output) -> io::Result<()> {
    match format {
        Format::Json => return out.json(&PrefixRecord { prefix }),
        Format::Keys => {}
        Format::Long => write!(out, "{:>14} {:20} ", "-", "-")?,
    }
    out.name(prefix)
}
