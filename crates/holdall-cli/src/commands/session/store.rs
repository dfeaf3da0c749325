//! `holdall session store`

use super::records::StepRecord;
use crate::app::App;
use crate::args::{from_now, moment, pair};
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::{bytes, count, escaped};
use clap::Args;
use holdall::session::{Content, NewStep, PartName};
use holdall::{Error, ErrorKind, Result, SessionId, StepId, parse_time};
use std::path::Path;
use std::time::{Duration, SystemTime};

const AFTER: &str = "\
A step of this name that is there is replaced as a whole. HTML that is not UTF-8 and a screenshot
that is no image are kept and marked; an action that is no JSON is refused. An ACTION that begins
with { or [ is the JSON itself, else it is a file. One part may be -, standard input.

Examples:
  holdall session store run-7 0001 --html page.html --screenshot page.png --action action.json
  holdall session store run-7 0002 --action '{\"scroll\": 400}' --part trace.har=out/trace.har
  holdall session store run-7 0003 --html page.html --expires 30d
  browser --dump-dom https://example.com | holdall session store run-7 0003 --html -";

/// Stores a step, or stores it again
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Store {
    /// The session
    session: SessionId,
    /// The step
    step: StepId,
    /// The page's HTML
    #[arg(long, value_name = "FILE")]
    html: Option<String>,
    /// The screenshot
    #[arg(long, value_name = "FILE")]
    screenshot: Option<String>,
    /// The action: JSON, or a file of it
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// A part of any other name; repeatable
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    part: Vec<(String, String)>,
    /// When it was recorded, such as 2025-01-02T03:04:05Z [default: when it is stored first]
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    time: Option<SystemTime>,
    /// Not there any more after this time from now, such as 30d [default: no end, also of a step that had one]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Duration>,
}

impl Store {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let new = self.step()?;
        let receipt = Box::pin(super::open(app)?.store(new)).await?;
        for left in &receipt.leftovers {
            app.report.error(&left.error, Some(left.key.as_str()));
        }
        if app.globals.json {
            let record = StepRecord::new(&receipt.step).stored(receipt.state, receipt.outbox.as_deref());
            app.out.json(&record)?;
        } else {
            let (step, parts) = (&receipt.step, receipt.step.parts.len() as u64);
            let name = format!("{}/{}", step.session, step.step);
            let (parts, size, state) = (count(parts, "part"), bytes(step.size()), receipt.state.as_str());
            app.report.summary(&format!("{state} {}: {parts}, {size}", escaped(&name)));
        }
        if receipt.leftovers.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }

    fn step(self) -> Result<NewStep> {
        let mut new = NewStep::new(&self.session, &self.step);
        new = match self.time {
            Some(time) => new.at(time),
            None => new,
        };
        if let Some(after) = self.expires {
            new = new.expires(from_now(after));
        }
        let mut parts: Vec<(PartName, String)> = Vec::new();
        parts.extend(self.html.map(|file| (PartName::html(), file)));
        parts.extend(self.screenshot.map(|file| (PartName::screenshot(), file)));
        match self.action {
            Some(json) if json.starts_with(['{', '[']) => new = new.action(json),
            file => parts.extend(file.map(|file| (PartName::action(), file))),
        }
        for (name, file) in self.part {
            let name = PartName::parse(&name)?;
            if parts.iter().any(|(other, _)| *other == name) {
                return Err(
                    Error::new(ErrorKind::InvalidInput, "a part is given twice").with_fact("part", name)
                );
            }
            parts.push((name, file));
        }
        if parts.iter().filter(|(_, file)| file == "-").count() > 1 {
            return Err(Error::new(ErrorKind::InvalidInput, "standard input can be one part alone"));
        }
        Ok(parts.into_iter().fold(new, |new, (name, file)| new.part(name, content(&file))))
    }
}

fn content(file: &str) -> Content {
    match file {
        "-" => Content::stream(tokio::io::stdin(), None),
        file => Content::file(Path::new(file)),
    }
}
