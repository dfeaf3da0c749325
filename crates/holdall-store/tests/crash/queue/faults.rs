//! A disk that fails: the put fails, nothing acknowledged is harmed, and no fsync is tried again as if it could succeed.

use super::ledger::{Ledger, goes_on};
use super::work::{QueueWork, open};
use crate::child::{Said, Work};
use crate::disk::scratch;
use crate::operation::Outcome;
use crate::promise::Promise;
use crate::run::is_long;
use crate::trace::{Call, Point, command, read};
use std::process::Stdio;

const DEEDS: u64 = 12;

/// Each call that brings bytes to the disk fails once, and once for good, with each error.
pub(crate) fn faults() -> Result<(), String> {
    let (mut refused, mut tried) = (0, 0);
    for call in ["fdatasync", "fsync", "pwrite64", "linkat", "renameat", "ftruncate"] {
        for error in ["EIO", "ENOSPC"] {
            for nth in (1..60).step_by(if is_long() { 1 } else { 2 }) {
                let (failed, injected) =
                    one(call, error, nth).map_err(|why| format!("{error} at {call} {nth}: {why}"))?;
                if !injected {
                    break;
                }
                tried += 1;
                refused += failed;
            }
        }
    }
    println!("faults of a queue's disk: {tried} tried, {refused} deeds refused");
    if tried < 30 || refused < tried / 2 { Err(format!("{tried} tried, {refused} refused")) } else { Ok(()) }
}

/// Lets one call fail; answers how many deeds were refused, and whether there was such a call.
fn one(call: &str, error: &str, nth: usize) -> Result<(usize, bool), String> {
    let base = tempfile::tempdir_in(scratch()).unwrap();
    let outbox = base.path().join("outbox");
    drop(open(&outbox).map_err(|e| format!("{e:?}"))?);
    let log = tempfile::NamedTempFile::new().unwrap();
    let work = Work::Queue(QueueWork { first: 0, tasks: 0, deeds: DEEDS, endures: true });
    let point = Point { call: call.to_owned(), nth };
    let what = format!("error={error}");
    let mut command = command(&work, &outbox, Some((&point, &what)), log.path());
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().map_err(|e| e.to_string())?;
    let text = std::fs::read_to_string(log.path()).unwrap();
    if !text.contains("(INJECTED)") {
        return Ok((0, false));
    }
    if !output.status.success() {
        return Err(format!("the child ended with {}", output.status));
    }
    let mut ledger = Ledger::default();
    let mut refused = 0;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let said = Said::parse(line)?;
        refused += usize::from(matches!(said, Said::End(_, Outcome::Refused)));
        ledger.hear(&said);
    }
    demand_no_second_try(&read(&text)?)?;
    let queue = open(&outbox).map_err(|e| format!("it cannot be opened: {e:?}"))?;
    ledger.judge(&queue)?;
    drop(queue);
    goes_on(&outbox)?;
    Ok((refused, true))
}

/// After an fsync of a file has failed, nothing is written to it and no fsync of it is asked for.
fn demand_no_second_try(calls: &[Call]) -> Result<(), String> {
    let mut failed: Vec<i64> = Vec::new();
    for call in calls {
        let has_failed = call.answer.is_some_and(|answer| answer < 0);
        match call.name.as_str() {
            "close" => failed.retain(|file| *file != call.number(0)),
            "fdatasync" | "pwrite64" | "write" if failed.contains(&call.number(0)) => {
                return Err(format!("after its fsync failed: {} of {}", call.name, call.number(0)));
            }
            "fdatasync" if has_failed => failed.push(call.number(0)),
            _ => {}
        }
    }
    Ok(())
}
