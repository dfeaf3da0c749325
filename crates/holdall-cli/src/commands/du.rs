//! `holdall du`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::target::Target;
use crate::text;
use clap::Args;
use holdall::{ListOptions, Prefix};
use serde::Serialize;
use std::io::{self, Write};

const AFTER: &str = "\
A line is the bytes, the number of objects and the prefix that they begin with; the last one
is the total. What cannot be listed is reported, is not counted, and makes the status 1.

Examples:
  holdall du
  holdall du runs/ -H --depth 2
  holdall du -s s3://results/runs/7/ --json";

/// Counts objects and bytes below a prefix
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Du {
    /// The beginning of keys; a folder's ends with a slash [default: the whole store]
    prefix: Option<String>,
    /// How many slashes after the prefix make a line of their own
    #[arg(long, short, value_name = "N", default_value_t = 1)]
    depth: usize,
    /// The total alone
    #[arg(long, short, conflicts_with = "depth")]
    summary: bool,
    /// Sizes such as 1.2 MiB instead of bytes
    #[arg(long, short = 'H')]
    human_readable: bool,
}

/// A prefix and what is below it.
#[derive(Debug, PartialEq, Serialize)]
struct Usage {
    prefix: String,
    objects: u64,
    bytes: u64,
    /// Whether it is all that was asked for.
    total: bool,
}

impl Du {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        let options = ListOptions { prefix: Prefix::parse(&target.key)?, ..ListOptions::default() };
        let mut list = app.store(&target)?.list_with(options)?;
        let mut groups = Groups::new(&target.key, if self.summary { 0 } else { self.depth });
        let mut outcome = Ok(());
        while let Some(page) = list.next_page().await {
            let page = page?;
            for object in &page.objects {
                for closed in groups.add(object.key.as_str(), object.size) {
                    self.print(&closed, app)?;
                }
            }
            for failure in &page.failures {
                app.report.error(failure, None);
                outcome = Err(Failure::Reported);
            }
        }
        for closed in groups.finish() {
            self.print(&closed, app)?;
        }
        outcome
    }

    fn print(&self, usage: &Usage, app: &mut App) -> io::Result<()> {
        if app.globals.json {
            return app.out.json(usage);
        }
        let bytes = if self.human_readable { text::bytes(usage.bytes) } else { usage.bytes.to_string() };
        write!(app.out, "{bytes:>14} {:>10} ", usage.objects)?;
        app.out.name(if usage.total { "total" } else { &usage.prefix })
    }
}

/// Adds up keys that come in order. Only the groups that the last key is in are kept, one for each depth.
struct Groups {
    depth: usize,
    /// From the whole to the innermost.
    open: Vec<Usage>,
}

impl Groups {
    fn new(prefix: &str, depth: usize) -> Self {
        Self { depth, open: vec![Usage { prefix: prefix.to_owned(), objects: 0, bytes: 0, total: true }] }
    }

    /// Counts an object, and answers the groups that end before it, the innermost first.
    fn add(&mut self, key: &str, size: u64) -> Vec<Usage> {
        let within = self.open.iter().take_while(|group| key.starts_with(&group.prefix)).count();
        // A listing holds nothing that does not begin with the prefix.
        let closed = self.close(within.max(1));
        while self.open.len() <= self.depth {
            let Some(prefix) = self.inner(key) else { break };
            self.open.push(Usage { prefix, objects: 0, bytes: 0, total: false });
        }
        for group in &mut self.open {
            group.objects += 1;
            group.bytes = group.bytes.saturating_add(size);
        }
        closed
    }

    /// The group of a key in the innermost one that is open.
    fn inner(&self, key: &str) -> Option<String> {
        let outer = self.open.last().map_or(0, |group| group.prefix.len());
        let slash = key.get(outer..)?.find('/')?;
        Some(key[..=outer + slash].to_owned())
    }

    fn close(&mut self, keep: usize) -> Vec<Usage> {
        let mut closed = self.open.split_off(keep);
        closed.reverse();
        closed
    }

    /// Ends all groups; the whole is the last.
    fn finish(mut self) -> Vec<Usage> {
        self.close(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(prefix: &str, depth: usize, keys: &[&str]) -> Vec<(String, u64, u64)> {
        let mut groups = Groups::new(prefix, depth);
        let mut closed: Vec<Usage> = keys.iter().flat_map(|key| groups.add(key, 10)).collect();
        closed.extend(groups.finish());
        closed.into_iter().map(|usage| (usage.prefix, usage.objects, usage.bytes)).collect()
    }

    fn line(prefix: &str, objects: u64) -> (String, u64, u64) {
        (prefix.to_owned(), objects, objects * 10)
    }

    #[test]
    fn groups_end_with_their_last_key() {
        let keys = ["a", "a-b/c", "a/b/1", "a/b/2", "a/c/1", "a/d", "b/", "c"];
        let one = [line("a-b/", 1), line("a/", 4), line("b/", 1), line("", 8)];
        assert_eq!(lines("", 1, &keys), one);
        assert_eq!(lines("", 0, &keys), [line("", 8)]);
        let two =
            [line("a-b/", 1), line("a/b/", 2), line("a/c/", 1), line("a/", 4), line("b/", 1), line("", 8)];
        assert_eq!(lines("", 2, &keys), two);
    }

    #[test]
    fn depth_counts_from_the_end_of_the_prefix() {
        let keys = ["runs/1/a", "runs/1/b", "runs/12/a"];
        assert_eq!(lines("runs/", 1, &keys), [line("runs/1/", 2), line("runs/12/", 1), line("runs/", 3)]);
        assert_eq!(lines("runs/1", 1, &keys), [line("runs/1/", 2), line("runs/12/", 1), line("runs/1", 3)]);
        assert_eq!(lines("x", 1, &[]), [line("x", 0)]);
    }

    #[test]
    fn empty_names_are_names() {
        assert_eq!(lines("", 2, &["//a", "/b"]), [line("//", 1), line("/", 2), line("", 2)]);
    }
}
