//! Kills at random, and power cuts at every moment.

use super::ledger::{Ledger, goes_on};
use super::work::{QueueWork, open};
use crate::child::{Said, Work};
use crate::disk::{Event, Recorder, explore, scratch};
use crate::promise::Promise;
use crate::run::{is_long, seed};
use crate::trace::trace;
use holdall_store::Fsync;
use holdall_testing::random::Random;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const IN_ONE_FOLDER: u64 = 20;
const TASKS: u64 = 6;

/// Deeds that are recorded, so many that segments follow each other and are brought into order.
const PLAYED: u64 = 14;

/// What the rounds saw.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    lines: u64,
    under_way: usize,
    promised: usize,
}

/// Kills a busy process at random moments, again and again on the same folder.
pub(crate) fn random_kills() -> Result<(), String> {
    let rounds = if is_long() { 5000 } else { 100 };
    let mut random = Random::named(seed(), "queue");
    let mut tally = Tally::default();
    for first in (0..rounds).step_by(IN_ONE_FOLDER as usize) {
        // A killed process loses nothing that the kernel has: most rounds need no disk.
        let on_disk = (first / IN_ONE_FOLDER).is_multiple_of(5);
        let folder = if on_disk { tempfile::tempdir() } else { tempfile::tempdir_in(scratch()) }.unwrap();
        let outbox = folder.path().join("new/outbox");
        let mut ledger = Ledger::default();
        for round in first..rounds.min(first + IN_ONE_FOLDER) {
            one(round, &mut random, &outbox, &mut ledger, &mut tally)
                .map_err(|why| format!("round {round}: {why}"))?;
        }
    }
    println!("random kills of queues: {tally:?}");
    if tally.under_way == 0 || tally.promised == 0 { Err("no kill met any work".to_owned()) } else { Ok(()) }
}

/// A process that does not outlive its round.
struct Busy(Child);

impl Drop for Busy {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn one(
    round: u64,
    random: &mut Random,
    outbox: &Path,
    ledger: &mut Ledger,
    tally: &mut Tally,
) -> Result<(), String> {
    let lines = 1 + random.number() % 120;
    let pause = random.number() % 200_000;
    let mut command = Command::new(std::env::current_exe().unwrap());
    Work::Queue(QueueWork::of_round(round, TASKS)).assign(&mut command, outbox, Fsync::Data);
    let mut busy = Busy(command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap());
    let mut told = BufReader::new(busy.0.stdout.take().unwrap()).lines();
    let mut hear = |line: std::io::Result<String>| -> Result<(), String> {
        tally.lines += 1;
        ledger.hear(&Said::parse(&line.unwrap())?);
        Ok(())
    };
    for _ in 0..lines {
        hear(told.next().ok_or("the child ended before it was killed")?)?;
    }
    (0..pause).for_each(|n| _ = std::hint::black_box(n));
    busy.0.kill().unwrap();
    told.try_for_each(hear)?;
    let status = busy.0.wait().unwrap();
    if status.signal() != Some(9) {
        return Err(format!("the child was not killed: {status}"));
    }
    tally.rounds += 1;
    tally.under_way += ledger.open_deeds();
    let queue = open(outbox).map_err(|error| format!("it cannot be opened: {error:?}"))?;
    let found = ledger.judge(&queue)?;
    drop(queue);
    ledger.fix(&found);
    tally.promised += ledger.promised();
    goes_on(outbox)
}

/// What a process did to an outbox.
fn record() -> Result<Vec<Event>, String> {
    let base = tempfile::tempdir().unwrap();
    let work = QueueWork { first: 0, tasks: 0, deeds: PLAYED, endures: false };
    let calls = trace(&Work::Queue(work), &base.path().join("outbox"), None)?;
    let mut recorder = Recorder::new(base.path());
    recorder.follow(&calls)?;
    let ended = recorder.events().iter().filter(|e| matches!(e, Event::Said(said) if said.is_end())).count();
    match ended as u64 == PLAYED {
        true => Ok(recorder.events().to_vec()),
        false => Err(format!("{ended} deeds ended")),
    }
}

/// Nothing that was acknowledged is lost, whenever the power is cut.
pub(crate) fn power_cuts() -> Result<(), String> {
    let events = record()?;
    let cuts = explore(&mut Ledger::default(), &events, |_, _| true, seed())?;
    println!("power cuts of queues: {cuts:?} of {} events", events.len());
    if cuts.opened == 0 { Err("nothing was tried".to_owned()) } else { Ok(()) }
}

/// The kinds of fsyncs, by what they bring to the disk, and whether their loss must be found.
const KINDS: [(&str, bool); 7] = [
    ("a segment", true),
    ("a payload", true),
    ("/outbox/queue", true),
    ("/outbox/payload", true),
    ("/outbox", true),
    ("", true),
    // An outbox whose format is torn is taken for a new one.
    ("a format", false),
];

/// The model of a disk is shown to find faults of an outbox: it is told to ignore one kind of fsync after the other.
pub(crate) fn lost_fsyncs() -> Result<(), String> {
    let events = record()?;
    let places = places(&events);
    for (kind, is_needed) in KINDS {
        let stays = |event: &&Event| match event {
            Event::Fsync(inode) => places.get(inode).is_none_or(|place| place != kind),
            _ => true,
        };
        let left: Vec<Event> = events.iter().filter(stays).cloned().collect();
        let lost = events.len() - left.len();
        let found = explore(&mut Ledger::default(), &left, |_, _| true, seed()).err();
        println!("lost fsyncs of {kind:?}: {lost} in all, found: {}", found.is_some());
        if lost == 0 || found.is_some() != is_needed {
            return Err(format!("the loss of {lost} fsyncs of {kind:?}: {found:?}"));
        }
    }
    Ok(())
}

/// What each inode is: a folder's path, or what kind of file.
fn places(events: &[Event]) -> BTreeMap<usize, String> {
    let mut places = BTreeMap::new();
    for event in events {
        match event {
            Event::MadeFolder(inode, path) => _ = places.insert(*inode, path.clone()),
            Event::Entry(folder, crate::disk::Entry::Set(_, inode)) if !places.contains_key(inode) => {
                let kind = match places[folder].as_str() {
                    "/outbox/queue" => "a segment",
                    "/outbox/payload" => "a payload",
                    "/outbox" => "a format",
                    _ => "another file",
                };
                places.insert(*inode, kind.to_owned());
            }
            _ => {}
        }
    }
    places
}
