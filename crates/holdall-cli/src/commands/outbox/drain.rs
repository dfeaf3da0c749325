//! `holdall outbox drain`

use super::entries::each;
use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::record::ErrorRecord;
use crate::text::{bytes, count};
use clap::Args;
use holdall::outbox::{Delivery, Drained, Drainer, Entry, Pauses, Queue};
use holdall::{Error, ErrorKind};
use serde::Serialize;
use std::time::Duration;

const AFTER: &str = "\
Each key's writes are sent in their order. What may have arrived is looked for before it is
sent again. What the remote refuses is parked, with what stands behind it. Entries of another
endpoint than the settings' stay.

Exit status: 0 nothing of this endpoint waits any more, 1 something was parked or is damaged,
5 the remote is away and entries wait.";

/// How long to wait before the next try.
const REST: Duration = Duration::from_secs(1);

/// Sends what waits
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Drain {
    /// Only keys that begin with this, as the bucket knows them
    prefix: Option<String>,
    /// Go on until nothing waits, however long the remote is away
    #[arg(long)]
    wait: bool,
}

#[derive(Serialize)]
struct DeliveryRecord<'a> {
    id: String,
    bucket: &'a str,
    key: &'a str,
    size: u64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRecord<'a>>,
}

impl Drain {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let Some(queue) = super::open(app)? else { return done(&Drained::default(), app) };
        let prefix = self.prefix.clone().unwrap_or_default();
        let drainer = Drainer::of(queue.clone(), &app.settings(None)?).below(&prefix);
        let mut all = Drained::default();
        loop {
            let mut told = Ok(());
            let pass = drainer.drain(Pauses::Ended, |entry, delivery| {
                if told.is_ok() {
                    told = tell(entry, delivery, app);
                }
            });
            let pass = pass.await;
            told?;
            match pass {
                Ok(drained) => add(&mut all, &drained),
                Err(error) if self.wait && may_pass(&error) => {
                    app.report.summary(&format!("waiting: {error}"));
                }
                Err(error) => return Err(waits(&queue, &prefix, error)?.into()),
            }
            if !self.wait || is_empty(&queue, &prefix)? || all.parked > 0 {
                return done(&all, app);
            }
            tokio::time::sleep(REST).await;
        }
    }
}

fn may_pass(error: &Error) -> bool {
    let kinds = [ErrorKind::Unreachable, ErrorKind::Timeout, ErrorKind::Throttled, ErrorKind::Conflict];
    kinds.contains(&error.kind())
}

/// Says how many entries the error leaves.
fn waits(queue: &Queue, prefix: &str, error: Error) -> Result<Error, Error> {
    Ok(error.with_fact("entries_waiting", left(queue, prefix)?))
}

fn is_empty(queue: &Queue, prefix: &str) -> Result<bool, Error> {
    Ok(left(queue, prefix)? == 0)
}

fn left(queue: &Queue, prefix: &str) -> Result<u64, Error> {
    let mut left = 0;
    each::<Error>(queue, |(pending, _)| {
        left += u64::from(pending.key.starts_with(prefix));
        Ok(())
    })?;
    Ok(left)
}

fn add(all: &mut Drained, more: &Drained) {
    all.sent += more.sent;
    all.found += more.found;
    all.bytes += more.bytes;
    all.parked += more.parked;
    all.later = more.later;
    all.damaged = more.damaged;
    all.foreign = more.foreign;
}

fn tell(entry: &Entry, delivery: &Delivery, app: &mut App) -> Outcome {
    let (outcome, error) = match delivery {
        Delivery::Sent(_) => ("sent", None),
        Delivery::Found => ("found", None),
        Delivery::Parked(error) => ("parked", Some(error)),
        Delivery::Later(error) => ("later", Some(error)),
        Delivery::Damaged(error) => ("damaged", Some(error)),
    };
    if app.globals.json {
        let record = DeliveryRecord {
            id: entry.id.to_string(),
            bucket: &entry.destination.bucket,
            key: &entry.key,
            size: entry.size,
            outcome,
            error: error.map(|error| ErrorRecord::new(error, None)),
        };
        return Ok(app.out.json(&record)?);
    }
    match error {
        None => app.out.name(&entry.key)?,
        Some(error) => app.report.error(error, Some(&entry.key)),
    }
    Ok(())
}

fn done(all: &Drained, app: &App) -> Outcome {
    let sent = all.sent + all.found;
    let mut text = format!("sent {}, {}", count(sent, "write"), bytes(all.bytes));
    let counts = [
        (all.found, "had arrived before"),
        (all.parked, "parked"),
        (all.later, "to be tried again"),
        (all.damaged, "damaged"),
        (all.foreign, "of other endpoints left"),
    ];
    for (n, what) in counts.into_iter().filter(|(n, _)| *n > 0) {
        text += &format!(", {n} {what}");
    }
    app.report.summary(&text);
    if all.parked + all.later + all.damaged > 0 { Err(Failure::Reported) } else { Ok(()) }
}
