//! `holdall doctor`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{count, escaped};
use clap::Args;
use holdall::doctor::{Finding, Options, Status, Tally, examine, unresolved};
use holdall::parse_time;
use serde::{Serialize, Serializer};
use std::io::{self, Write};
use std::time::Duration;

const AFTER: &str = "\
Looks at the settings, the way to the current store, what is configured there, and what can
be done with objects. Each line has a check and what it found: ok, note, warn, FAIL, or ? for
what could not be found out. Below it stand what that means and what mends it.

It writes a few throw-away objects below .holdall/probe/ and removes them again; interrupted,
it may leave one. The exit status is 1 when something FAILs, else 0.

Examples:
  holdall doctor
  holdall doctor --store s3://results --read-only
  holdall doctor --json";

/// Checks settings, endpoint, rights and bucket, and says how to mend what is wrong
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Doctor {
    /// Write nothing, and leave out what cannot be checked so
    #[arg(long)]
    read_only: bool,
    /// Incomplete uploads and leftovers are old after so long
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_time)]
    older_than: Duration,
}

/// A finding as JSON.
#[derive(Serialize)]
struct FindingRecord<'a> {
    check: &'static str,
    status: Status,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "in_order")]
    facts: &'a [(&'static str, String)],
}

fn in_order<S: Serializer>(facts: &&[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().map(|(name, value)| (name, value)))
}

/// The last line.
#[derive(Serialize)]
struct SummaryLine {
    summary: Tally,
}

impl Doctor {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let tally = match app.sources(None) {
            Ok(sources) => {
                let options = Options { read_only: self.read_only, older_than: self.older_than };
                let mut printed = Ok(());
                let mut print = |finding: Finding| {
                    if printed.is_ok() {
                        printed = show(&finding, app);
                    }
                };
                let tally = examine(&sources, &options, &mut print).await;
                printed?;
                tally
            }
            Err(error) => {
                let finding = unresolved(&error);
                show(&finding, app)?;
                let mut tally = Tally::default();
                tally.add(finding.status);
                tally
            }
        };
        match app.globals.json {
            true => app.out.json(&SummaryLine { summary: tally })?,
            false => app.report.summary(&in_words(tally)),
        }
        if tally.problems > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

fn show(finding: &Finding, app: &mut App) -> io::Result<()> {
    let Finding { check, status, what, means, mend, facts, .. } = finding;
    if app.globals.json {
        let (means, mend) = (means.as_deref(), mend.as_deref());
        return app.out.json(&FindingRecord { check, status: *status, what, means, mend, facts });
    }
    write!(app.out, "{:<4}  {check:<20}  {}", word(*status), escaped(what))?;
    app.out.end_line()?;
    for (name, text) in [("means", means), ("mend", mend)] {
        if let Some(text) = text {
            write!(app.out, "      {name:<5}  {}", escaped(text))?;
            app.out.end_line()?;
        }
    }
    Ok(())
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Warning => "warn",
        Status::Problem => "FAIL",
        Status::Unknown => "?",
    }
}

fn in_words(tally: Tally) -> String {
    let some = [(tally.problems, "problem"), (tally.warnings, "warning"), (tally.notes, "note")];
    let mut parts: Vec<String> =
        some.into_iter().filter(|(n, _)| *n > 0).map(|(n, noun)| count(n as u64, noun)).collect();
    if tally.unknown > 0 {
        parts.push(format!("{} unknown", tally.unknown));
    }
    parts.push(format!("{} ok", tally.ok));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_said_first_and_nothing_of_none() {
        let all = Tally { ok: 9, notes: 1, warnings: 2, problems: 1, unknown: 3 };
        assert_eq!(in_words(all), "1 problem, 2 warnings, 1 note, 3 unknown, 9 ok");
        assert_eq!(in_words(Tally { ok: 4, ..Tally::default() }), "4 ok");
    }
}
