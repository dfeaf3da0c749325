//! Kills a busy process at random moments, again and again on the same folder.

use crate::check::{check, goes_on};
use crate::child::{Said, Work};
use crate::history::History;
use crate::run::{is_long, runtime, seed};
use crate::traffic::Traffic;
use holdall_store::Fsync;
use holdall_testing::random::Random;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// So many rounds have a folder in common; then another one is begun.
const IN_ONE_FOLDER: u64 = 10;
const TASKS: u64 = 6;

/// What the rounds saw.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    lines: u64,
    under_way: u64,
    objects: u64,
}

pub(crate) fn run() -> Result<(), String> {
    let rounds = if is_long() { 500 } else { 20 };
    let seed = seed();
    let mut tally = Tally::default();
    for first in (0..rounds).step_by(IN_ONE_FOLDER as usize) {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("new/store");
        let mut history = History::default();
        for round in first..rounds.min(first + IN_ONE_FOLDER) {
            let traffic = Traffic { seed, round, tasks: TASKS, heavy: round % 2 == 1 };
            one(traffic, &store, &mut history, &mut tally).map_err(|why| format!("round {round}: {why}"))?;
        }
    }
    println!("random kills: {tally:?}");
    if tally.under_way == 0 || tally.objects == 0 {
        return Err("no kill met any work".to_owned());
    }
    Ok(())
}

/// A process that does not outlive its round.
struct Busy(Child);

impl Drop for Busy {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Lets a process work, kills it, and looks at what it left.
fn one(traffic: Traffic, store: &Path, history: &mut History, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random::new(traffic.seed ^ traffic.round);
    let lines = 1 + random.number() % 400;
    let pause = random.number() % 200_000;
    // A killed process loses nothing that the kernel has: most rounds go without fsync, and so through more work.
    let fsync = if traffic.round.is_multiple_of(4) { Fsync::Data } else { Fsync::None };
    let mut command = Command::new(std::env::current_exe().unwrap());
    Work::Traffic(traffic).assign(&mut command, store, fsync);
    let mut busy = Busy(command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap());
    let mut told = BufReader::new(busy.0.stdout.take().unwrap()).lines();
    let mut hear = |line: std::io::Result<String>| -> Result<(), String> {
        tally.lines += 1;
        history.hear(&Said::parse(&line.unwrap())?, |id| traffic.by_id(id));
        Ok(())
    };
    for _ in 0..lines {
        let line = told.next().ok_or("the child ended before it was killed")?;
        hear(line)?;
    }
    // The kill is to come anywhere between two lines.
    (0..pause).for_each(|n| _ = std::hint::black_box(n));
    busy.0.kill().unwrap();
    told.try_for_each(hear)?;
    let status = busy.0.wait().unwrap();
    if status.signal() != Some(9) {
        return Err(format!("the child was not killed: {status}"));
    }
    tally.rounds += 1;
    tally.under_way += history.keys_under_way().len() as u64;
    judge(store, history, tally)
}

fn judge(store: &Path, history: &mut History, tally: &mut Tally) -> Result<(), String> {
    runtime().block_on(async {
        let contents = check(store, history).await?;
        tally.objects += contents.values().flatten().count() as u64;
        history.settle(&contents);
        // What is written to now is forgotten again, so that every round begins with some keys that have nothing.
        let keys: Vec<String> = history.keys().iter().step_by(3).cloned().collect();
        goes_on(store, &keys, Fsync::None).await?;
        let mut contents = contents;
        keys.into_iter().for_each(|key| _ = contents.insert(key, None));
        history.settle(&contents);
        check(store, history).await.map(drop)
    })
}
